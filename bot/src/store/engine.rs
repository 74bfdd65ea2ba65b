//! What an engine does: a handful of things, none of which knows what a conversation or a handoff is.

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::StoreError;
use super::upkeep::Upkeep;
use crate::partition::{
    Accept, Accepted, Bytes, Claim, Commit, Committed, DeadLetter, Entry, Notice, PartitionId,
    Prune, Pruned, Seen, Settle, Snapshot,
};

/// A result that comes later.
pub type Later<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Who hears of every change.
///
/// Called in the order of a partition's commits, possibly on a thread of the engine's own: it must be quick and must not wait
/// for the engine.
pub trait Listener: Send + Sync {
    /// Something was committed or accepted, by this process or by another.
    fn changed(&self, notice: Notice);
    /// Something that is not stored: somebody is typing, say.
    fn signalled(&self, partition: &PartitionId, signal: &[u8]);
    /// News may have been lost, of any partition: whoever waits for some should look again. Inputs that wait are told by
    /// themselves.
    fn missed(&self) {}
}

/// How far a promise goes that something is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// It is gone with the process.
    Volatile,
    /// The last second may be lost with the machine or the engine's process.
    OneSecond,
    /// It is on the disk.
    Durable,
}

impl Durability {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Volatile => "volatile",
            Self::OneSecond => "one-second",
            Self::Durable => "durable",
        }
    }
}

/// How an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// `memory`, `sqlite`, `redis`.
    pub engine: &'static str,
    /// How far its promises go.
    pub durability: Durability,
    /// Groups of partitions whose inputs this process works through; all of them where there is one process.
    pub leases: u32,
    /// Partitions with inputs that wait, of those that this process works through.
    pub ready: u64,
    /// When the input came that has waited longest of these; where several wait in its conversation, Redis tells when the last of them came.
    pub oldest_ready: Option<Timestamp>,
}

/// An engine: keeps partitions.
///
/// Contract, which `suite` tests on every engine:
/// - [`Engine::accept`] and [`Engine::commit`] are atomic and isolated for a partition, and durable as [`Health`] says once
///   they have returned.
/// - Seqs of a log are dense: the first is 1, each next is one more, also over processes.
/// - A commit whose expected revision is not the partition's changes nothing.
/// - A sender's id is stored with the entry that it names, never apart from it.
/// - [`Engine::claim`] gives for each partition and destination only the oldest entry that is not settled, to one caller at a
///   time, until its claim runs out.
/// - A partition goes whole: log, documents, senders' ids, traces, lanes and dead letters, in one step, and never while an
///   input waits in it or something of it is to be sent. Its name is then free; whoever uses it again begins at revision 1, so
///   names of conversations are never used twice.
/// - An error means that the caller does not know: it may or may not be stored.
pub trait Engine: Upkeep {
    /// Appends an input, unless its sender's id was seen.
    fn accept(&self, accept: Accept) -> Later<'_, Accepted>;

    /// Does all that a commit says, or nothing.
    fn commit(&self, commit: Commit) -> Later<'_, Committed>;

    /// A partition and some of its documents, at one moment; a name that ends with `*` is a prefix. `None` where there is no
    /// such partition.
    fn snapshot<'a>(
        &'a self,
        partition: &'a PartitionId,
        docs: &'a [&'a str],
    ) -> Later<'a, Option<Snapshot>>;

    /// Log entries after a seq, oldest first, at most `limit`; none where there is no such partition.
    fn log<'a>(
        &'a self,
        partition: &'a PartitionId,
        after: u64,
        limit: usize,
    ) -> Later<'a, Vec<Entry>>;

    /// The last log entries, oldest first.
    fn tail<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Entry>>;

    /// What was stored under a sender's id.
    fn seen<'a>(
        &'a self,
        partition: &'a PartitionId,
        sender_id: &'a str,
    ) -> Later<'a, Option<Seen>>;

    /// The last traces, oldest first.
    fn traces<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Bytes>>;

    /// Partitions with inputs that wait, of those that this process works through.
    fn ready(&self, limit: usize) -> Later<'_, Vec<PartitionId>>;

    /// Partitions that are due at a time, of those that this process works through.
    fn due(&self, now: Timestamp, limit: usize) -> Later<'_, Vec<PartitionId>>;

    /// What is to be sent at a time; nobody else gets it until `until`.
    fn claim(&self, now: Timestamp, until: Timestamp, limit: usize) -> Later<'_, Vec<Claim>>;

    /// Says how an attempt went. One whose claim has run out and that somebody else has settled changes nothing.
    fn settle<'a>(&'a self, claim: &'a Claim, settle: Settle, now: Timestamp) -> Later<'a, ()>;

    /// What was given up, the latest first.
    fn dead(&self, limit: usize) -> Later<'_, Vec<DeadLetter>>;

    /// Sends something again that was given up (`again`), or throws it away; `false` where it is not there.
    fn revive<'a>(&'a self, letter: &'a DeadLetter, again: bool, now: Timestamp)
    -> Later<'a, bool>;

    /// Names of partitions after a name, in order, at most `limit`.
    fn partitions<'a>(&'a self, after: &'a str, limit: usize) -> Later<'a, Vec<PartitionId>>;

    /// Forgets what is old, of the partitions that this process works through: closed ones whole, and traces and senders' ids
    /// of the others. A sender's id stays for as long as its input is not worked through. Looks at about `limit` of each in
    /// steps of their own, so that other writes go between them, and finds them by an index: what a call costs does not grow
    /// with what is kept. Where the process dies half way, the next call does the rest.
    fn prune(&self, prune: Prune, limit: usize) -> Later<'_, Pruned>;

    /// Removes a partition whole, closed or not, if its revision is still the expected one, no input waits in it and nothing
    /// of it is to be sent; tells whether it was removed.
    fn remove<'a>(&'a self, partition: &'a PartitionId, expected: u64) -> Later<'a, bool>;

    /// Tells everyone who listens, in every process, something that is not stored.
    fn signal<'a>(&'a self, partition: &'a PartitionId, signal: &'a [u8]) -> Later<'a, ()>;

    /// Tells how it is; an error where it can't store anything now.
    fn health(&self) -> Later<'_, Health>;

    /// This process works through the inputs of a partition.
    fn is_mine(&self, partition: &PartitionId) -> bool;

    /// Lets others work through the inputs of what was this process's, and stops taking anything.
    fn close(&self) -> BoxFuture<'_, ()>;
}
