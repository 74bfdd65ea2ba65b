//! A partition: the unit of order and of atomicity, as plain data.
//!
//! A conversation is one, the desk's queue is one, and so are the staff and each customer's address. A partition has a head,
//! a log, small documents, the senders' ids that it has seen and what it has to send out. Rules turn a [`Snapshot`] into a
//! [`Commit`]; an engine writes it whole or not at all. Knows no rule, no engine and no clock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Names a partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(Arc<str>);

impl PartitionId {
    /// A conversation's: its own id. What can't be one, as somebody outside may name it, is a partition that nobody makes.
    pub fn conversation(id: &str) -> Self {
        if id.contains(':') {
            return Self(Arc::from(format!("nobody:{id}")));
        }
        Self(Arc::from(id))
    }

    /// The desk's queue: who waits, who has whom, who is there.
    pub fn queue() -> Self {
        Self(Arc::from("queue:default"))
    }

    /// Staff, their sessions and invitations.
    pub fn staff() -> Self {
        Self(Arc::from("staff:default"))
    }

    /// Who did what.
    pub fn audit() -> Self {
        Self(Arc::from("audit:default"))
    }

    /// What a version of the bot was made from.
    pub fn bot(version: &str) -> Self {
        Self(Arc::from(format!("bot:{version}")))
    }

    /// A customer's address on a channel. Hashed: an address is personal data, and a key is seen in many places.
    pub fn contact(channel: &str, account: &str, address: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [channel, account, address] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self(Arc::from(format!(
            "contact:{}",
            hex::encode(&hash.finalize()[..16])
        )))
    }

    /// A partition by the name that it is stored under.
    pub fn named(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name that it is stored under.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version, where it is a bot's.
    pub fn as_bot(&self) -> Option<&str> {
        self.0.strip_prefix("bot:")
    }

    /// The conversation's id, where it is one.
    pub fn as_conversation(&self) -> Option<&str> {
        (!self.0.contains(':')).then_some(&*self.0)
    }

    /// The name, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a log entry is. To an engine only [`Kind::Input`] means something: it waits until it is worked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something to be worked through.
    Input,
    /// What the flow engine was fed in a turn.
    Events,
    /// An irreversible call that is about to be sent.
    Call,
    /// Something said.
    Message,
    /// News of a handoff.
    Handoff,
    /// The end.
    Closed,
    /// Between staff.
    Note,
    /// Something that was done, of the audit log.
    Audit,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Input,
        Self::Events,
        Self::Call,
        Self::Message,
        Self::Handoff,
        Self::Closed,
        Self::Note,
        Self::Audit,
    ];

    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Events => "events",
            Self::Call => "call",
            Self::Message => "message",
            Self::Handoff => "handoff",
            Self::Closed => "closed",
            Self::Note => "note",
            Self::Audit => "audit",
        }
    }

    /// As it was stored.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Bytes that an engine keeps and does not look into.
pub type Bytes = Arc<[u8]>;

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: grows by one, from 1.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// Seq of the input that led to it; 0 where none did.
    pub cause: u64,
    /// What it says.
    pub body: Bytes,
}

/// An entry that has no place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// What it is.
    pub kind: Kind,
    /// Seq of the input that led to it; 0 where none did.
    pub cause: u64,
    /// What it says.
    pub body: Bytes,
}

/// How a partition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Grows with every commit, not with what is accepted.
    pub revision: u64,
    /// Seq of the last log entry.
    pub last_seq: u64,
    /// Seq of the last input that was worked through.
    pub processed: u64,
    /// Inputs that are not worked through.
    pub waiting: u64,
    /// Nothing is accepted any more.
    pub closed: bool,
    /// When something was appended last.
    pub last_at: Timestamp,
}

/// A partition as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its head.
    pub head: Head,
    /// The documents that were asked for and are there.
    pub docs: BTreeMap<String, Bytes>,
}

impl Snapshot {
    /// A document.
    pub fn doc(&self, name: &str) -> Option<&Bytes> {
        self.docs.get(name)
    }

    /// The documents below a prefix: the rest of the name, and what it says.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Bytes)> {
        self.docs
            .range(prefix.to_owned()..)
            .map_while(move |(name, body)| Some((name.strip_prefix(prefix)?, body)))
    }
}

/// Something that a sender wants to have stored, whatever else happens in the partition meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// Where.
    pub partition: PartitionId,
    /// The sender's id for it.
    pub sender_id: String,
    /// Hash of what is sent: the same id with another is another message.
    pub hash: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// The input's body.
    pub body: Bytes,
    /// Most inputs that may wait.
    pub most_waiting: u64,
}

/// What became of an [`Accept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is stored now.
    New {
        /// Its place.
        seq: u64,
    },
    /// It was stored before.
    Before {
        /// Its place.
        seq: u64,
    },
    /// The id was used for something else.
    Different,
    /// The partition is closed.
    Closed,
    /// Too many inputs wait.
    Full,
    /// There is no such partition.
    Unknown,
}

/// A sender's id that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Seq that was stored under it.
    pub seq: u64,
    /// Hash of what was sent.
    pub hash: [u8; 16],
}

/// Something to be sent out, at least once, in order for each partition and destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Where to: `queue`, `status`, a channel with its account.
    pub destination: String,
    /// What.
    pub body: Bytes,
}

/// When a partition is to be looked at though nothing came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Due {
    /// As it was.
    #[default]
    Keep,
    /// Never.
    Never,
    /// Then.
    At(Timestamp),
}

/// Changes to one partition: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Which.
    pub partition: PartitionId,
    /// Revision that it was decided on; `None` where the partition must not be there yet.
    pub expected: Option<u64>,
    /// When it was decided.
    pub at: Timestamp,
    /// Entries to append, in order.
    pub append: Vec<NewEntry>,
    /// Seqs of entries to take back: of a turn that is given up.
    pub erase: Vec<u64>,
    /// The input that was worked through with this.
    pub processed: Option<u64>,
    /// Documents to put, or to take away.
    pub docs: BTreeMap<String, Option<Bytes>>,
    /// A sender's id under which the entry at this index of `append` is kept.
    pub seen: Option<(String, [u8; 16], usize)>,
    /// What has to be sent.
    pub out: Vec<Outbound>,
    /// Why the turn went as it did; kept apart from the log.
    pub trace: Option<Bytes>,
    /// Nothing is accepted from here on.
    pub close: bool,
    /// When to look at it next.
    pub due: Due,
}

impl Commit {
    /// Changes nothing yet.
    pub fn new(partition: PartitionId, expected: Option<u64>, at: Timestamp) -> Self {
        Self {
            partition,
            expected,
            at,
            append: Vec::new(),
            erase: Vec::new(),
            processed: None,
            docs: BTreeMap::new(),
            seen: None,
            out: Vec::new(),
            trace: None,
            close: false,
            due: Due::Keep,
        }
    }
}

/// What became of a [`Commit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is stored.
    Done {
        /// The revision that it led to.
        revision: u64,
        /// Seq of the first entry that it appended; the rest follow without a gap.
        first_seq: u64,
    },
    /// Somebody else has moved the partition, or there is one already, or none: read and decide again.
    Conflict,
}

/// Something that is to be sent, for as long as the claim holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The partition that it comes from.
    pub partition: PartitionId,
    /// Where to.
    pub destination: String,
    /// Its place among what this partition sends there; grows.
    pub number: u64,
    /// Seq of the last log entry of the commit that put it in.
    pub seq: u64,
    /// When it was put in.
    pub at: Timestamp,
    /// Times that it was claimed before.
    pub attempts: u32,
    /// What.
    pub body: Bytes,
}

/// How an attempt to send went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// It arrived.
    Done,
    /// Not now: at this time again.
    Later(Timestamp),
    /// Never: kept aside, so that it can be looked at and sent again, and what comes after it goes on.
    Dead {
        /// Why.
        why: String,
    },
}

/// Something that could not be sent and was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// What, as it was claimed last.
    pub claim: Claim,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Why.
    pub why: String,
}

/// What is old enough to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prune {
    /// A closed partition goes whole if nothing was appended to it since.
    pub transcript_before: Timestamp,
    /// A trace goes if its turn was committed before.
    pub trace_before: Timestamp,
    /// A sender's id goes if what it names was stored before.
    pub seen_before: Timestamp,
}

/// How much was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Partitions that went whole.
    pub partitions: u64,
    /// Traces of partitions that stay.
    pub traces: u64,
    /// Senders' ids of partitions that stay.
    pub seen: u64,
}

impl Pruned {
    /// There was nothing to be forgotten.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// News of a partition, given in the order of its commits.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Which.
    pub partition: PartitionId,
    /// Seq of its last log entry.
    pub last_seq: u64,
    /// Seq of the input that was worked through with it; 0 where none was.
    pub processed: u64,
    /// What was appended, where this process did it; otherwise the log has it.
    pub entries: Option<Arc<[Entry]>>,
    /// There is something to be sent.
    pub outbound: bool,
}
