//! What gauges and the commands that look after a store ask of an engine; no conversation needs any of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::engine::Later;
use crate::partition::{Bytes, Claim, DeadLetter, Entry, Head, PartitionId, Seen};

/// Everything that is kept of one partition, as plain data: the same from every engine, and what an engine makes the
/// partition of again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Which.
    pub partition: PartitionId,
    /// How it stands.
    pub head: Head,
    /// When it is to be looked at though nothing came in.
    pub due: Option<Timestamp>,
    /// Its log, oldest first.
    pub log: Vec<Entry>,
    /// All its documents.
    pub docs: BTreeMap<String, Bytes>,
    /// All senders' ids that it has seen.
    pub seen: BTreeMap<String, Seen>,
    /// Its traces with when they were committed, oldest first.
    pub traces: Vec<(Timestamp, Bytes)>,
    /// What it sends, by destination.
    pub lanes: BTreeMap<String, Lane>,
    /// What was given up, by destination and number.
    pub dead: Vec<DeadLetter>,
}

impl Export {
    /// When a sender's id was stored: with the entry that it names, or the last one before where that was taken back.
    pub(super) fn seen_at(&self, seen: &Seen) -> Timestamp {
        let after = self.log.partition_point(|entry| entry.seq <= seen.seq);
        let entry = after.checked_sub(1).and_then(|at| self.log.get(at));
        entry.map_or(self.head.last_at, |entry| entry.at)
    }
}

/// What a partition sends to one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The last number that was given; 0 where none was.
    pub last: u64,
    /// When the oldest may be claimed; none where nothing waits.
    pub free_at: Option<Timestamp>,
    /// What waits, oldest first.
    pub waiting: Vec<Claim>,
}

/// How much is not sent to one destination, over all partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The destination.
    pub destination: String,
    /// Things that wait, those on their way included.
    pub waiting: u64,
    /// When the one that waits longest was put in.
    pub oldest: Option<Timestamp>,
    /// Things that were given up.
    pub dead: u64,
}

impl Backlog {
    /// Nothing yet.
    pub(super) fn none(destination: &str) -> Self {
        Self {
            destination: destination.to_owned(),
            waiting: 0,
            oldest: None,
            dead: 0,
        }
    }

    /// Counts things that wait; the oldest of them was put in at `at`.
    pub(super) fn add(&mut self, waiting: u64, at: Timestamp) {
        self.waiting += waiting;
        self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
    }
}

/// Of which partitions something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Of those that this process works through: added up over all processes, each is there once.
    Mine,
    /// Of all.
    All,
}

/// Something that an engine finds wrong with what it keeps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// Where: a partition, or the engine's own place for it.
    pub place: String,
    /// What.
    pub what: String,
    /// What to do.
    pub todo: String,
}

/// What gauges and commands ask of an engine, which `suite` tests on every engine.
///
/// A server may be at work on the store meanwhile. What is told of one partition is of one moment; two partitions may be of two.
pub trait Upkeep: Send + Sync {
    /// How much waits to be sent and how much was given up, by destination, in the order of their names; none of a
    /// destination to which everything was sent.
    fn backlog(&self, whose: Whose) -> Later<'_, Vec<Backlog>>;

    /// Everything of a partition; none where there is no such partition.
    fn export<'a>(&'a self, partition: &'a PartitionId) -> Later<'a, Option<Export>>;

    /// Makes a partition of what was exported, with the same numbers and times; nobody hears of it. `false`, and nothing is
    /// changed, where there is one of that name. A lane in which something waits that nobody may claim is free at once.
    fn import(&self, export: Export) -> Later<'_, bool>;

    /// What is wrong with the store beneath the partitions; changes nothing.
    fn verify(&self) -> Later<'_, Vec<Damage>>;
}
