//! What a conversation knows of itself, apart from what was said.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use bellhop_flows::engine::effect::Listen;
use bellhop_flows::engine::state::{Owner, State};

use crate::encoding::{Unreadable, content_hash, decode, encode};
use crate::partition::{self, Bytes, PartitionId, Snapshot};

/// The document of a conversation that holds its [`ConversationHead`].
pub const HEAD: &str = "head";
/// The document that holds its [`KeptState`].
pub const STATE: &str = "state";

/// Who a conversation is with and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationHead {
    /// Channel it is on.
    pub channel: String,
    /// Our account on the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The provider's key: the customer's address there, a call's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_key: Option<String>,
    /// Where what is said in it is sent; none where the client asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Earlier conversations of the same address, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// Language it is in; empty before the first turn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// Facts about the customer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub customer: BTreeMap<String, String>,
    /// The facts were proved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// Hash of its bearer token.
    pub token_hash: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Version of the bot that took the last turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<Arc<str>>,
    /// Who has it.
    pub owner: Owner,
    /// Grows with every change of owner.
    #[serde(default)]
    pub custody_epoch: u64,
    /// Ids of its handoffs, in the order in which they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handoffs: Vec<String>,
    /// Secret slots that the next message may fill.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_secrets: Vec<String>,
    /// The handoff that is open now; one of `handoffs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_handoff: Option<String>,
}

/// A conversation at one moment: what rules decide on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: Arc<str>,
    /// Its partition's head.
    pub log: partition::Head,
    /// Its own.
    pub head: ConversationHead,
}

impl Conversation {
    /// Reads it from a snapshot that holds [`HEAD`].
    ///
    /// # Errors
    /// A head that can't be read.
    pub fn of(partition: &PartitionId, snapshot: &Snapshot) -> Result<Self, Unreadable> {
        let head = snapshot.doc(HEAD).ok_or_else(|| Unreadable {
            what: "conversation",
            why: format!("`{partition}` has no head"),
        })?;
        Ok(Self {
            id: partition.shared(),
            log: snapshot.head,
            head: decode("conversation's head", head)?,
        })
    }

    /// Its partition.
    pub fn partition(&self) -> PartitionId {
        PartitionId::conversation(&self.id)
    }

    /// Nothing more is said in it.
    pub fn is_over(&self) -> bool {
        self.log.closed || self.head.closed_at.is_some() || self.head.owner == Owner::Closed
    }
}

/// The flow engine's state between two turns, and what the bot waits for: a cache of the fold of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptState {
    /// The engine's state.
    pub state: State,
    /// What the bot waits for.
    pub listen: Option<Listen>,
}

#[derive(Serialize)]
struct Written<'a> {
    listen: Option<&'a Listen>,
    state: &'a State,
}

#[derive(Deserialize)]
struct Read {
    listen: Option<Listen>,
    state: State,
}

/// Writes the state after a turn: its hash, then the rest.
///
/// # Errors
/// Never in practice: a state is plain data.
pub fn write_state(state: &State, listen: Option<&Listen>) -> Result<Bytes, Unreadable> {
    let body = encode("state", &Written { listen, state })?;
    let mut bytes = content_hash(&body).to_vec();
    bytes.extend_from_slice(&body);
    Ok(Arc::from(bytes))
}

/// Reads the state; none where its bytes are not what was written, so that it is made again from the log.
pub fn read_state(bytes: &[u8]) -> Option<KeptState> {
    let (hash, body) = bytes.split_first_chunk::<16>()?;
    if content_hash(body) != *hash {
        return None;
    }
    let Read { listen, state } = decode("state", body).ok()?;
    Some(KeptState { state, listen })
}
