//! The engine as one process sees it: the store that all share, behind a bad line.
//!
//! Every call takes some time before and after, so that the calls of all processes mix; at any call the engine may fail, with
//! or without having done what it was asked, and the process may die.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use jiff::Timestamp;

use super::plan::Sabotage;
use super::world::{Who, World};
use crate::partition::{
    Accept, Accepted, Bytes, Claim, Commit, Committed, DeadLetter, Entry, PartitionId, Prune,
    Pruned, Seen, Settle, Snapshot,
};
use crate::store::{
    Backlog, Damage, Engine, Export, Health, Later, Memory, StoreError, Upkeep, Whose,
};

/// A process's way to the store.
pub(super) struct SimEngine {
    pub(super) world: Arc<World>,
    pub(super) who: Who,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    ErrorBefore,
    ErrorAfter,
    CrashBefore,
    CrashAfter,
}

impl SimEngine {
    /// Draws what happens to the next call, and how long it takes before and after.
    fn draw(&self) -> (Duration, Fault, Duration) {
        let (errors, crashes, stalls) = (
            self.world.plan.errors,
            self.world.plan.crashes,
            self.world.plan.stalls,
        );
        let healed = self.world.is_healed();
        let mut state = self.world.lock();
        state.figures.engine_calls += 1;
        let random = &mut state.random;
        let mut takes = || match random.below(100) {
            0..60 => random.millis(0, 3),
            60..98 => random.millis(3, 20),
            _ if healed => Duration::ZERO,
            _ => random.millis(20, 1_000),
        };
        let (before, after) = (takes(), takes());
        if healed {
            return (before, Fault::None, after);
        }
        let half = random.chance(5_000);
        let fault = match (random.chance(crashes), random.chance(errors)) {
            (true, _) if half => Fault::CrashBefore,
            (true, _) => Fault::CrashAfter,
            (_, true) if half => Fault::ErrorBefore,
            (_, true) => Fault::ErrorAfter,
            _ => Fault::None,
        };
        let stall = random.chance(stalls).then(|| random.millis(2_000, 75_000));
        drop(state);
        if let Some(length) = stall {
            self.world.stall(self.who, length);
        }
        (before, fault, after)
    }

    /// Has the store do something. `told` says in words what came of it.
    async fn perform<T>(
        &self,
        what: &'static str,
        partition: Option<&PartitionId>,
        act: impl FnOnce(&Memory) -> T,
        told: impl FnOnce(&T) -> String,
    ) -> Result<T, StoreError> {
        let (world, who) = (&self.world, self.who);
        let (before, fault, after) = self.draw();
        world.pause(who, before).await;
        if fault == Fault::ErrorBefore {
            world.lock().figures.errors_before += 1;
            world.note(who, what, partition, "fails".to_owned());
            return Err(StoreError::Engine("a fault before".to_owned()));
        }
        if fault == Fault::CrashBefore {
            self.crash(what, partition, "not done").await;
        }
        let hears = fault == Fault::None;
        let done = world.news.on_behalf(who, hears, || act(&world.memory));
        let told = told(&done);
        if fault == Fault::CrashAfter {
            self.crash(what, partition, &told).await;
        }
        if fault == Fault::ErrorAfter {
            world.lock().figures.errors_after += 1;
            world.note(who, what, partition, format!("{told}, but seems to fail"));
            world.pause(who, after).await;
            return Err(StoreError::Engine("a fault after".to_owned()));
        }
        world.note(who, what, partition, told);
        world.pause(who, after).await;
        Ok(done)
    }

    async fn crash(&self, what: &'static str, partition: Option<&PartitionId>, told: &str) {
        self.world.note(self.who, what, partition, told.to_owned());
        self.world.lock().figures.crashes += 1;
        self.world.dies(self.who);
        pending::<()>().await;
    }

    fn accept_now(&self, memory: &Memory, accept: Accept) -> Accepted {
        let known = accept.clone();
        let accept = match self.world.plan.sabotage {
            Some(Sabotage::ForgetSeen) => Accept {
                sender_id: format!("{}/{}", accept.sender_id, self.world.lock().random.next()),
                ..accept
            },
            _ => accept,
        };
        let accepted = at_once(memory.accept(accept));
        if let Accepted::New { seq } = accepted {
            let seen = self.world.lock().watch.accepted(&known, seq);
            self.world.judge(seen);
        }
        accepted
    }

    fn commit_now(&self, memory: &Memory, mut commit: Commit) -> Committed {
        let known = commit.clone();
        match self.world.plan.sabotage {
            Some(Sabotage::IgnoreRevision) if commit.expected.is_some() => {
                let now = at_once(memory.snapshot(&commit.partition, &[]));
                commit.expected = now.map(|now| now.head.revision);
            }
            Some(Sabotage::LoseOutbound) if self.world.lock().random.chance(1_000) => {
                commit.out.clear();
            }
            _ => {}
        }
        let committed = at_once(memory.commit(commit));
        let mut state = self.world.lock();
        match committed {
            Committed::Done { first_seq, .. } => {
                state.figures.commits += 1;
                let seen = state.watch.committed(&known, first_seq);
                drop(state);
                self.world.judge(seen);
            }
            Committed::Conflict => state.figures.conflicts += 1,
        }
        committed
    }

    /// Whatever goes was due: it was over, nothing waited in it, and it was old.
    fn prune_now(&self, memory: &Memory, prune: Prune, limit: usize) -> Pruned {
        let head = |id: &str| at_once(memory.snapshot(&PartitionId::conversation(id), &[]));
        let before: Vec<_> = {
            let state = self.world.lock();
            let known = state.watch.conversations.keys();
            known
                .filter_map(|id| Some((id.clone(), head(id)?.head)))
                .collect()
        };
        let done = match self.world.plan.sabotage {
            Some(Sabotage::PruneEarly) => Prune {
                transcript_before: Timestamp::MAX,
                ..prune
            },
            _ => prune,
        };
        let pruned = at_once(memory.prune(done, limit));
        self.world.lock().watch.forgot_traces |= pruned.traces > 0;
        for (id, was) in before {
            if head(&id).is_none() {
                let gone = self.world.lock().watch.removed(&id, was, prune);
                self.world.judge(gone);
            }
        }
        pruned
    }

    /// Of these, what this process works through.
    fn own(&self, mut partitions: Vec<PartitionId>, limit: usize) -> Vec<PartitionId> {
        partitions.retain(|partition| self.world.is_mine(self.who, partition));
        partitions.truncate(limit);
        partitions
    }
}

/// The store in memory answers at once and never fails.
pub(super) fn at_once<T>(later: Later<'_, T>) -> T {
    let now = later.now_or_never().expect("memory answers at once");
    now.expect("memory does not fail")
}

fn changes(commit: &Commit) -> String {
    let kinds: Vec<&str> = commit.append.iter().map(|new| new.kind.name()).collect();
    let docs: Vec<&str> = commit.docs.keys().map(String::as_str).collect();
    let processed = commit.processed.map(|seq| format!("processed {seq}, "));
    format!(
        "on {:?}: {}[{}] docs [{}]",
        commit.expected,
        processed.unwrap_or_default(),
        kinds.join(" "),
        docs.join(" ")
    )
}

impl Engine for SimEngine {
    fn accept(&self, accept: Accept) -> Later<'_, Accepted> {
        async move {
            let (partition, id) = (accept.partition.clone(), accept.sender_id.clone());
            let act = |memory: &Memory| self.accept_now(memory, accept);
            let told = |accepted: &Accepted| format!("`{id}`: {accepted:?}");
            self.perform("accept", Some(&partition), act, told).await
        }
        .boxed()
    }

    fn commit(&self, commit: Commit) -> Later<'_, Committed> {
        async move {
            let (partition, changes) = (commit.partition.clone(), changes(&commit));
            let act = |memory: &Memory| self.commit_now(memory, commit);
            let told = |committed: &Committed| format!("{changes}: {committed:?}");
            self.perform("commit", Some(&partition), act, told).await
        }
        .boxed()
    }

    fn snapshot<'a>(
        &'a self,
        partition: &'a PartitionId,
        docs: &'a [&'a str],
    ) -> Later<'a, Option<Snapshot>> {
        let act = |memory: &Memory| at_once(memory.snapshot(partition, docs));
        let told = |found: &Option<Snapshot>| match found {
            Some(it) => format!("revision {}, seq {}", it.head.revision, it.head.last_seq),
            None => "none".to_owned(),
        };
        self.perform("snapshot", Some(partition), act, told).boxed()
    }

    fn log<'a>(
        &'a self,
        partition: &'a PartitionId,
        after: u64,
        limit: usize,
    ) -> Later<'a, Vec<Entry>> {
        let act = move |memory: &Memory| at_once(memory.log(partition, after, limit));
        let told = move |found: &Vec<Entry>| format!("after {after}: {}", found.len());
        self.perform("log", Some(partition), act, told).boxed()
    }

    fn tail<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Entry>> {
        let act = move |memory: &Memory| at_once(memory.tail(partition, limit));
        self.perform("tail", Some(partition), act, |found| {
            found.len().to_string()
        })
        .boxed()
    }

    fn seen<'a>(
        &'a self,
        partition: &'a PartitionId,
        sender_id: &'a str,
    ) -> Later<'a, Option<Seen>> {
        let act = |memory: &Memory| at_once(memory.seen(partition, sender_id));
        let told = move |seen: &Option<Seen>| format!("`{sender_id}`: {:?}", seen.map(|it| it.seq));
        self.perform("seen", Some(partition), act, told).boxed()
    }

    fn traces<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Bytes>> {
        let act = move |memory: &Memory| at_once(memory.traces(partition, limit));
        self.perform("traces", Some(partition), act, |found| {
            found.len().to_string()
        })
        .boxed()
    }

    fn ready(&self, limit: usize) -> Later<'_, Vec<PartitionId>> {
        let act = move |memory: &Memory| self.own(at_once(memory.ready(usize::MAX)), limit);
        self.perform("ready", None, act, |found| found.len().to_string())
            .boxed()
    }

    fn due(&self, now: Timestamp, limit: usize) -> Later<'_, Vec<PartitionId>> {
        let act = move |memory: &Memory| self.own(at_once(memory.due(now, usize::MAX)), limit);
        self.perform("due", None, act, |found| found.len().to_string())
            .boxed()
    }

    fn claim(&self, now: Timestamp, until: Timestamp, limit: usize) -> Later<'_, Vec<Claim>> {
        let act = move |memory: &Memory| at_once(memory.claim(now, until, limit));
        let told = |claims: &Vec<Claim>| {
            let claims = claims
                .iter()
                .map(|it| format!("{}/{}", it.destination, it.number));
            claims.collect::<Vec<_>>().join(" ")
        };
        self.perform("claim", None, act, told).boxed()
    }

    fn settle<'a>(&'a self, claim: &'a Claim, settle: Settle, now: Timestamp) -> Later<'a, ()> {
        let words = format!("{}/{}: {settle:?}", claim.destination, claim.number);
        let act = move |memory: &Memory| at_once(memory.settle(claim, settle, now));
        self.perform("settle", Some(&claim.partition), act, |()| words)
            .boxed()
    }

    fn dead(&self, limit: usize) -> Later<'_, Vec<DeadLetter>> {
        let act = move |memory: &Memory| at_once(memory.dead(limit));
        self.perform("dead", None, act, |found| found.len().to_string())
            .boxed()
    }

    fn revive<'a>(
        &'a self,
        letter: &'a DeadLetter,
        again: bool,
        now: Timestamp,
    ) -> Later<'a, bool> {
        let act = move |memory: &Memory| at_once(memory.revive(letter, again, now));
        self.perform(
            "revive",
            Some(&letter.claim.partition),
            act,
            bool::to_string,
        )
        .boxed()
    }

    fn partitions<'a>(&'a self, after: &'a str, limit: usize) -> Later<'a, Vec<PartitionId>> {
        let act = move |memory: &Memory| at_once(memory.partitions(after, limit));
        self.perform("list", None, act, |found| found.len().to_string())
            .boxed()
    }

    fn prune(&self, prune: Prune, limit: usize) -> Later<'_, Pruned> {
        let act = move |memory: &Memory| self.prune_now(memory, prune, limit);
        self.perform("prune", None, act, |pruned| format!("{pruned:?}"))
            .boxed()
    }

    fn remove<'a>(&'a self, partition: &'a PartitionId, expected: u64) -> Later<'a, bool> {
        let act = move |memory: &Memory| at_once(memory.remove(partition, expected));
        self.perform("remove", Some(partition), act, bool::to_string)
            .boxed()
    }

    fn signal<'a>(&'a self, partition: &'a PartitionId, signal: &'a [u8]) -> Later<'a, ()> {
        let act = move |memory: &Memory| at_once(memory.signal(partition, signal));
        self.perform("signal", Some(partition), act, |()| String::new())
            .boxed()
    }

    fn health(&self) -> Later<'_, Health> {
        let act = |memory: &Memory| at_once(memory.health());
        self.perform("health", None, act, |_| String::new()).boxed()
    }

    fn is_mine(&self, partition: &PartitionId) -> bool {
        self.world.is_mine(self.who, partition)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

/// No process of a simulation asks for any of it; whoever judges one may.
impl Upkeep for SimEngine {
    fn backlog(&self, whose: Whose) -> Later<'_, Vec<Backlog>> {
        let act = move |memory: &Memory| at_once(memory.backlog(whose));
        self.perform("backlog", None, act, |_| String::new())
            .boxed()
    }

    fn export<'a>(&'a self, partition: &'a PartitionId) -> Later<'a, Option<Export>> {
        let act = move |memory: &Memory| at_once(memory.export(partition));
        self.perform("export", Some(partition), act, |_| String::new())
            .boxed()
    }

    fn import(&self, export: Export) -> Later<'_, bool> {
        let act = move |memory: &Memory| at_once(memory.import(export));
        self.perform("import", None, act, bool::to_string).boxed()
    }

    fn verify(&self) -> Later<'_, Vec<Damage>> {
        let act = |memory: &Memory| at_once(memory.verify());
        self.perform("verify", None, act, |_| String::new()).boxed()
    }
}
