//! The engine in memory: what tests and the simulator run on, and the shortest reading of the contract.

mod upkeep;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;

use super::engine::{Durability, Engine, Health, Later, Listener};
use crate::partition::{
    Accept, Accepted, Bytes, Claim, Commit, Committed, DeadLetter, Due, Entry, Head, Kind,
    NewEntry, Notice, PartitionId, Prune, Pruned, Seen, Settle, Snapshot,
};

/// Everything, in one map.
pub struct Memory {
    partitions: Mutex<BTreeMap<PartitionId, Partition>>,
    listener: Arc<dyn Listener>,
}

#[derive(Debug, Default)]
struct Partition {
    revision: u64,
    last_seq: u64,
    processed: u64,
    waiting: u64,
    closed: bool,
    last_at: Timestamp,
    due: Option<Timestamp>,
    log: BTreeMap<u64, Entry>,
    docs: BTreeMap<String, Bytes>,
    /// With when it was stored.
    seen: BTreeMap<String, (Seen, Timestamp)>,
    /// With when they were committed.
    traces: Vec<(Timestamp, Bytes)>,
    out: BTreeMap<String, Lane>,
    dead: Vec<DeadLetter>,
}

/// What one partition sends to one destination, in order.
#[derive(Debug, Default)]
struct Lane {
    next: u64,
    free_at: Timestamp,
    entries: BTreeMap<u64, Claim>,
}

impl Partition {
    fn append(&mut self, at: Timestamp, new: Vec<NewEntry>) -> Vec<Entry> {
        let mut appended = Vec::with_capacity(new.len());
        for NewEntry { kind, cause, body } in new {
            self.last_seq += 1;
            let seq = self.last_seq;
            self.waiting += u64::from(kind == Kind::Input);
            self.last_at = self.last_at.max(at);
            let entry = Entry {
                seq,
                at,
                kind,
                cause,
                body,
            };
            self.log.insert(seq, entry.clone());
            appended.push(entry);
        }
        appended
    }

    /// When the oldest input came that waits.
    fn waits_since(&self) -> Option<Timestamp> {
        let mut after = self.log.range(self.processed + 1..).map(|(_, it)| it);
        after.find(|it| it.kind == Kind::Input).map(|it| it.at)
    }

    fn head(&self) -> Head {
        Head {
            revision: self.revision,
            last_seq: self.last_seq,
            processed: self.processed,
            waiting: self.waiting,
            closed: self.closed,
            last_at: self.last_at,
        }
    }

    /// It may go: nothing waits in it and nothing of it is to be sent.
    fn is_at_rest(&self) -> bool {
        self.waiting == 0 && self.out.values().all(|lane| lane.entries.is_empty())
    }

    /// Forgets senders' ids of what was stored before a time, at most so many; gives how many.
    fn forget_seen(&mut self, before: Timestamp, limit: usize) -> usize {
        let (processed, waiting) = (self.processed, self.waiting);
        let is_old = |(seen, at): &(Seen, Timestamp)| {
            *at < before && (seen.seq <= processed || waiting == 0)
        };
        let old = self.seen.iter().filter(|(_, seen)| is_old(seen));
        let ids: Vec<String> = old.map(|(id, _)| id.clone()).take(limit).collect();
        for id in &ids {
            self.seen.remove(id);
        }
        ids.len()
    }

    fn notice(&self, id: &PartitionId, processed: Option<u64>, entries: Vec<Entry>) -> Notice {
        Notice {
            partition: id.clone(),
            last_seq: self.last_seq,
            processed: processed.unwrap_or(0),
            entries: Some(Arc::from(entries)),
            outbound: self.out.values().any(|lane| !lane.entries.is_empty()),
        }
    }

    fn send(&mut self, id: &PartitionId, seq: u64, at: Timestamp, destination: &str, body: Bytes) {
        let lane = self.out.entry(destination.to_owned()).or_default();
        if lane.entries.is_empty() {
            lane.free_at = at;
        }
        lane.next += 1;
        let claim = Claim {
            partition: id.clone(),
            destination: destination.to_owned(),
            number: lane.next,
            seq,
            at,
            attempts: 0,
            body,
        };
        lane.entries.insert(lane.next, claim);
    }
}

impl Memory {
    /// An empty one.
    pub fn new(listener: Arc<dyn Listener>) -> Self {
        Self {
            partitions: Mutex::default(),
            listener,
        }
    }

    /// Things that were put out and are not settled.
    #[cfg(test)]
    pub(crate) fn unsettled(&self) -> usize {
        let all = self.lock();
        let lanes = all.values().flat_map(|known| known.out.values());
        lanes.map(|lane| lane.entries.len()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Partition>> {
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn accept_now(&self, accept: Accept) -> Accepted {
        let mut all = self.lock();
        let Some(partition) = all.get_mut(&accept.partition) else {
            return Accepted::Unknown;
        };
        match partition.seen.get(&accept.sender_id) {
            Some((seen, _)) if seen.hash == accept.hash => {
                return Accepted::Before { seq: seen.seq };
            }
            Some(_) => return Accepted::Different,
            None => {}
        }
        if partition.closed {
            return Accepted::Closed;
        }
        if partition.waiting >= accept.most_waiting {
            return Accepted::Full;
        }
        let entry = NewEntry {
            kind: Kind::Input,
            cause: 0,
            body: accept.body,
        };
        let appended = partition.append(accept.at, vec![entry]);
        let (seq, hash) = (partition.last_seq, accept.hash);
        let seen = (Seen { seq, hash }, accept.at);
        partition.seen.insert(accept.sender_id, seen);
        // Under the lock: notices keep the order of commits.
        self.listener
            .changed(partition.notice(&accept.partition, None, appended));
        Accepted::New { seq }
    }

    fn commit_now(&self, commit: Commit) -> Committed {
        let mut all = self.lock();
        let is = all.get(&commit.partition).map(|known| known.revision);
        if is != commit.expected {
            return Committed::Conflict;
        }
        let id = commit.partition;
        let partition = all.entry(id.clone()).or_insert_with(|| Partition {
            last_at: commit.at,
            ..Partition::default()
        });
        partition.revision += 1;
        for seq in commit.erase {
            partition.log.remove(&seq);
        }
        let first_seq = partition.last_seq + 1;
        let appended = partition.append(commit.at, commit.append);
        if let Some(seq) = commit.processed {
            partition.processed = seq;
            partition.waiting = partition.waiting.saturating_sub(1);
        }
        for (name, body) in commit.docs {
            match body {
                Some(body) => partition.docs.insert(name, body),
                None => partition.docs.remove(&name),
            };
        }
        if let Some((sender_id, hash, index)) = commit.seen {
            let seq = first_seq + index as u64;
            let seen = (Seen { seq, hash }, commit.at);
            partition.seen.insert(sender_id, seen);
        }
        for out in commit.out {
            partition.send(
                &id,
                partition.last_seq,
                commit.at,
                &out.destination,
                out.body,
            );
        }
        let trace = commit.trace.map(|trace| (commit.at, trace));
        partition.traces.extend(trace);
        partition.closed |= commit.close;
        match commit.due {
            Due::Keep => {}
            Due::Never => partition.due = None,
            Due::At(at) => partition.due = Some(at),
        }
        self.listener
            .changed(partition.notice(&id, commit.processed, appended));
        Committed::Done {
            revision: partition.revision,
            first_seq,
        }
    }

    fn snapshot_now(&self, id: &PartitionId, docs: &[&str]) -> Option<Snapshot> {
        let all = self.lock();
        let partition = all.get(id)?;
        let wanted = |name: &str| {
            docs.iter().any(|doc| match doc.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => *doc == name,
            })
        };
        let found = partition.docs.iter().filter(|(name, _)| wanted(name));
        Some(Snapshot {
            head: partition.head(),
            docs: found
                .map(|(name, body)| (name.clone(), Arc::clone(body)))
                .collect(),
        })
    }

    fn claim_now(&self, now: Timestamp, until: Timestamp, limit: usize) -> Vec<Claim> {
        let mut all = self.lock();
        let lanes = all.values_mut().flat_map(|known| known.out.values_mut());
        let mut claimed = Vec::new();
        for lane in lanes.filter(|lane| lane.free_at <= now).take(limit) {
            if let Some(mut entry) = lane.entries.first_entry() {
                claimed.push(entry.get().clone());
                entry.get_mut().attempts += 1;
                lane.free_at = until;
            }
        }
        claimed
    }

    fn settle_now(&self, claim: &Claim, settle: Settle, now: Timestamp) {
        let mut all = self.lock();
        let Some(partition) = all.get_mut(&claim.partition) else {
            return;
        };
        let Some(lane) = partition.out.get_mut(&claim.destination) else {
            return;
        };
        if lane.entries.keys().next() != Some(&claim.number) {
            return;
        }
        if let Settle::Later(at) = settle {
            lane.free_at = at;
            return;
        }
        lane.entries.remove(&claim.number);
        lane.free_at = now;
        if let Settle::Dead { why } = settle {
            partition.dead.push(DeadLetter {
                claim: claim.clone(),
                died_at: now,
                why,
            });
        }
    }

    fn revive_now(&self, letter: &DeadLetter, again: bool, now: Timestamp) -> bool {
        let mut all = self.lock();
        let Some(partition) = all.get_mut(&letter.claim.partition) else {
            return false;
        };
        let same = |dead: &DeadLetter| {
            dead.claim.destination == letter.claim.destination
                && dead.claim.number == letter.claim.number
        };
        let Some(at) = partition.dead.iter().position(same) else {
            return false;
        };
        let claim = partition.dead.remove(at).claim;
        if again {
            partition.send(
                &claim.partition,
                claim.seq,
                now,
                &claim.destination,
                claim.body,
            );
        }
        true
    }
}

impl Memory {
    fn prune_now(&self, prune: Prune, limit: usize) -> Pruned {
        let mut all = self.lock();
        let is_old = |known: &Partition| {
            known.closed && known.last_at < prune.transcript_before && known.is_at_rest()
        };
        let old = all.iter().filter(|(_, known)| is_old(known));
        let old: Vec<PartitionId> = old.map(|(id, _)| id.clone()).take(limit).collect();
        for id in &old {
            all.remove(id);
        }
        let (mut traces, mut seen) = (0, 0);
        for known in all.values_mut() {
            known.traces.retain(|(at, _)| {
                let goes = *at < prune.trace_before && traces < limit;
                traces += usize::from(goes);
                !goes
            });
            seen += known.forget_seen(prune.seen_before, limit - seen);
        }
        Pruned {
            partitions: old.len() as u64,
            traces: traces as u64,
            seen: seen as u64,
        }
    }

    fn remove_now(&self, id: &PartitionId, expected: u64) -> bool {
        let mut all = self.lock();
        let goes = all
            .get(id)
            .is_some_and(|known| known.revision == expected && known.is_at_rest());
        goes && all.remove(id).is_some()
    }
}

/// A result that is there already.
fn now<'a, T: Send + 'a>(value: T) -> Later<'a, T> {
    ready(Ok(value)).boxed()
}

impl Engine for Memory {
    fn accept(&self, accept: Accept) -> Later<'_, Accepted> {
        now(self.accept_now(accept))
    }

    fn commit(&self, commit: Commit) -> Later<'_, Committed> {
        now(self.commit_now(commit))
    }

    fn snapshot<'a>(
        &'a self,
        partition: &'a PartitionId,
        docs: &'a [&'a str],
    ) -> Later<'a, Option<Snapshot>> {
        now(self.snapshot_now(partition, docs))
    }

    fn log<'a>(
        &'a self,
        partition: &'a PartitionId,
        after: u64,
        limit: usize,
    ) -> Later<'a, Vec<Entry>> {
        let all = self.lock();
        let entries = all.get(partition).into_iter().flat_map(|known| {
            let later = known.log.range(after.saturating_add(1)..);
            later.map(|(_, entry)| entry.clone()).take(limit)
        });
        now(entries.collect())
    }

    fn tail<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Entry>> {
        let all = self.lock();
        let latest = all
            .get(partition)
            .into_iter()
            .flat_map(|known| known.log.values().rev().take(limit).cloned());
        let mut entries: Vec<Entry> = latest.collect();
        entries.reverse();
        now(entries)
    }

    fn seen<'a>(
        &'a self,
        partition: &'a PartitionId,
        sender_id: &'a str,
    ) -> Later<'a, Option<Seen>> {
        let all = self.lock();
        now(all
            .get(partition)
            .and_then(|known| known.seen.get(sender_id))
            .map(|(seen, _)| *seen))
    }

    fn traces<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Bytes>> {
        let all = self.lock();
        let traces = all.get(partition).map_or(&[][..], |known| &known.traces);
        let last = &traces[traces.len().saturating_sub(limit)..];
        now(last.iter().map(|(_, trace)| Arc::clone(trace)).collect())
    }

    fn ready(&self, limit: usize) -> Later<'_, Vec<PartitionId>> {
        let all = self.lock();
        let waiting = all.iter().filter(|(_, known)| known.waiting > 0);
        now(waiting.map(|(id, _)| id.clone()).take(limit).collect())
    }

    fn due(&self, at: Timestamp, limit: usize) -> Later<'_, Vec<PartitionId>> {
        let all = self.lock();
        let due = all
            .iter()
            .filter(|(_, known)| known.due.is_some_and(|due| due <= at));
        now(due.map(|(id, _)| id.clone()).take(limit).collect())
    }

    fn claim(&self, at: Timestamp, until: Timestamp, limit: usize) -> Later<'_, Vec<Claim>> {
        now(self.claim_now(at, until, limit))
    }

    fn settle<'a>(&'a self, claim: &'a Claim, settle: Settle, at: Timestamp) -> Later<'a, ()> {
        self.settle_now(claim, settle, at);
        now(())
    }

    fn dead(&self, limit: usize) -> Later<'_, Vec<DeadLetter>> {
        let all = self.lock();
        let mut dead: Vec<DeadLetter> = all
            .values()
            .flat_map(|known| known.dead.iter().cloned())
            .collect();
        dead.sort_by_key(|letter| std::cmp::Reverse(letter.died_at));
        dead.truncate(limit);
        now(dead)
    }

    fn revive<'a>(&'a self, letter: &'a DeadLetter, again: bool, at: Timestamp) -> Later<'a, bool> {
        now(self.revive_now(letter, again, at))
    }

    fn partitions<'a>(&'a self, after: &'a str, limit: usize) -> Later<'a, Vec<PartitionId>> {
        let all = self.lock();
        let later = all.keys().filter(|id| id.as_str() > after);
        now(later.take(limit).cloned().collect())
    }

    fn prune(&self, prune: Prune, limit: usize) -> Later<'_, Pruned> {
        now(self.prune_now(prune, limit))
    }

    fn remove<'a>(&'a self, partition: &'a PartitionId, expected: u64) -> Later<'a, bool> {
        now(self.remove_now(partition, expected))
    }

    fn signal<'a>(&'a self, partition: &'a PartitionId, signal: &'a [u8]) -> Later<'a, ()> {
        self.listener.signalled(partition, signal);
        now(())
    }

    fn health(&self) -> Later<'_, Health> {
        let all = self.lock();
        let waiting = || all.values().filter(|known| known.waiting > 0);
        now(Health {
            engine: "memory",
            durability: Durability::Volatile,
            leases: 1,
            ready: waiting().count() as u64,
            oldest_ready: waiting().filter_map(Partition::waits_since).min(),
        })
    }

    fn is_mine(&self, _: &PartitionId) -> bool {
        true
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
