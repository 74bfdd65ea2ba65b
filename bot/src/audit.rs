//! The audit log as data: who did what, when, to what. Each entry holds the hash of the one before, so that none can be changed,
//! taken out or put in without all that come after it being made anew.
//!
//! Must never hold what a customer said, nor a secret: ids and names of staff only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::encoding::{Unreadable, decode};
use crate::staff::Agent;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// The program was started; `settings` names those that are set.
    Start,
    /// Somebody was let in.
    SignIn,
    /// Somebody was not let in: a code that is wrong, used or expired.
    SignInRefused,
    /// Somebody ended their session.
    SignOut,
    /// Somebody was told that they may not do something.
    Refused,
    /// A code was made that lets somebody in.
    Invite,
    /// Somebody was put out, a session ended, an invitation voided.
    Revoke,
    /// Somebody read a conversation.
    Read,
    /// Somebody took a customer.
    Take,
    /// Somebody moved a customer to another queue.
    Transfer,
    /// Somebody gave a customer back to the bot.
    Return,
    /// Somebody ended their part.
    WrapUp,
    /// What could not be sent was sent again.
    OutboxReplay,
    /// What could not be sent was thrown away.
    OutboxDrop,
    /// All that is kept of a customer was exported; `on` is the SHA-256 of what they were found by.
    PrivacyExport,
    /// All that is kept of a customer was erased; `on` as for an export.
    PrivacyErase,
    /// This log was exported.
    AuditExport,
    /// The oldest entries of this log were forgotten, up to the one that `seq` and `hash` name.
    AuditForget,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// Somebody who is signed in.
    Staff(Agent),
    /// Whoever may run commands on the store.
    Command,
    /// The program itself.
    Program,
    /// Nobody that we know.
    Stranger,
}

/// Something that was done and has no place in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    /// Who did it.
    pub(crate) by: By,
    /// What.
    pub(crate) act: Act,
    /// To what: an id.
    pub(crate) on: Option<String>,
    /// What else is to be known.
    pub(crate) detail: BTreeMap<String, String>,
}

impl Deed {
    /// A deed.
    pub(crate) fn new(by: By, act: Act) -> Self {
        let (on, detail) = (None, BTreeMap::new());
        Self {
            by,
            act,
            on,
            detail,
        }
    }

    /// One of a member of staff.
    pub(crate) fn of(agent: &Agent, act: Act) -> Self {
        Self::new(By::Staff(agent.clone()), act)
    }

    /// To this.
    pub(crate) fn on(mut self, id: &str) -> Self {
        self.on = Some(id.to_owned());
        self
    }

    /// With this to be known.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// An entry. What is stored is its JSON with the fields in this order, and its hash is that of these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditEntry {
    /// Its place: grows by one, from 1.
    pub(crate) seq: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    pub(crate) act: Act,
    /// Who.
    pub(crate) by: By,
    /// To what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on: Option<String>,
    /// What else is to be known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) detail: BTreeMap<String, String>,
    /// Hash of the entry before; that of [`Link::start`] for the first.
    pub(crate) prev: String,
}

impl AuditEntry {
    /// Reads it as it was stored.
    ///
    /// # Errors
    /// Bytes that are no entry.
    pub(crate) fn of(body: &[u8]) -> Result<Self, Unreadable> {
        decode("audit entry", body)
    }
}

/// A place in the chain: an entry's, with its hash; 0 is before the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// The entry's place.
    pub(crate) seq: u64,
    /// SHA-256 of the entry's bytes, hex.
    pub(crate) hash: String,
}

impl Link {
    /// Before the first entry.
    pub(crate) fn start() -> Self {
        Self {
            seq: 0,
            hash: "0".repeat(64),
        }
    }

    /// The place up to which an entry says that the log was forgotten.
    pub(crate) fn forgotten_by(entry: &AuditEntry) -> Option<Self> {
        let said = |name: &str| entry.detail.get(name);
        Some(Self {
            seq: said("seq")?.parse().ok()?,
            hash: said("hash")?.clone(),
        })
    }

    /// It was forgotten that all was so up to here.
    pub(crate) fn forgetting(&self) -> Deed {
        let deed = Deed::new(By::Program, Act::AuditForget);
        deed.with("seq", self.seq.to_string())
            .with("hash", self.hash.as_str())
    }
}

/// SHA-256 of an entry's bytes, hex.
pub(crate) fn hash_of(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}
