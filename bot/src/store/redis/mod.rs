//! The engine for several processes: Redis 7.0 or later, alone, with replicas, or a cluster.
//!
//! Partitions are in 64 shards by a hash of their names. All keys of a shard have one hash tag, so they are on one server also
//! on a cluster, and one call of a function (`functions.lua`) changes a partition's log, head, documents and outbox together
//! with the sets that say who has work, what is due and what is to be sent. `design/scale.md` tags keys by conversation and
//! calls those sets hints, which a sweeper has to rebuild from the heads. Tagged by shard they can't be wrong: nothing is swept
//! up, and nothing is claimed from the dead but the lease of a shard. What it costs is that a shard can't be on two servers,
//! so a cluster has at most 64 masters with work.
//!
//! | key (`bh:{N}:…`) | holds |
//! |---|---|
//! | `p:ID:head` | hash: revision, last seq, processed, waiting, closed, last time |
//! | `p:ID:log` | stream, its ids are our own seqs |
//! | `p:ID:doc`, `p:ID:seen`, `p:ID:traces` | hash of documents, hash of senders' ids, list of the last traces |
//! | `p:ID:lane`, `p:ID:out`, `p:ID:dead` | hashes: lanes, what they hold, dead letters |
//! | `all`, `ready`, `due`, `lanes`, `dead` | sorted sets: names; inputs that wait; due times; when lanes are free; when letters died |
//! | `over`, `seen`, `traces` | sorted sets: when something was appended last to what is closed; since when there are senders' ids, and traces |
//! | `lease` | who works through the shard |
//! | `nodes` (of shard 0) | who lives |
//!
//! What programs with the first version of the functions have written is read, but is in none of the sets of the fifth line: what they
//! closed is not removed by age.
//!
//! Promises are as good as the server's settings, which are read at every connection. On a server with `appendfsync always` an
//! answer comes after the disk has it. A fail-over to a replica may lose what the replica did not have: with `wait=N` nothing is
//! acknowledged that N replicas do not have, in memory at least. Where a master that was replaced comes back as a master, writes go
//! to whichever comes first in the address: demote it before it is started again.
//!
//! Redis is named in this folder and nowhere else.

mod address;
mod fault;
mod keys;
mod leases;
mod link;
mod news;
mod prune;
mod reads;
mod routing;
#[cfg(test)]
pub(super) mod server;
mod upkeep;
mod values;
mod writes;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

pub use address::RedisOptions;

use super::StoreError;
use super::engine::{Durability, Engine, Health, Later, Listener};
use crate::error::ServiceError;
use crate::partition::{
    Accept, Accepted, Bytes, Claim, Commit, Committed, DeadLetter, Entry, PartitionId, Prune,
    Pruned, Seen, Settle, Snapshot,
};
use keys::{Keys, Shard, shard_of};
use leases::{Keeper, LOOKS, Leases};
use routing::Routing;

/// Traces that a partition keeps.
const MOST_TRACES: usize = 500;

/// The engine.
pub struct Redis {
    core: Arc<Core>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    is_closed: AtomicBool,
}

/// What calls and the tasks in the background share.
struct Core {
    routing: Routing,
    keys: Keys,
    leases: Leases,
    listener: Arc<dyn Listener>,
    /// Name of this process among those that share the store.
    node: String,
}

impl Redis {
    /// Connects, sees to it that the server keeps its promises, and takes this process's share of the work. Must run inside a
    /// tokio runtime. Inputs that wait are told to `listener` before this returns.
    ///
    /// # Errors
    /// [`ServiceError::Store`] with the address: no server that answers; one that is a replica, too old, forgets what it
    /// was told, or throws things away when memory is short.
    pub async fn open(
        options: RedisOptions,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, ServiceError> {
        let place = options.to_string();
        let (core, level) = Core::connect(options, listener).await?;
        let ears = core.listen().await;
        let ears = ears.map_err(|why| ServiceError::Store {
            place: place.clone(),
            message: why.message(),
        })?;
        let mut keeper = Keeper::new();
        core.keep(&mut keeper).await;
        let level = level.name();
        tracing::info!(store = place, level, node = core.node, "the store is open");
        let listening = Arc::clone(&core);
        let keeping = Arc::clone(&core);
        let tasks = vec![
            tokio::spawn(async move { listening.keep_listening(ears).await }),
            tokio::spawn(async move { keeping.keep_leases(keeper).await }),
        ];
        Ok(Self::on(core, tasks))
    }

    /// Connects without taking any share of the work, and hears nothing.
    ///
    /// # Errors
    /// As [`Redis::open`].
    pub(super) async fn visit(
        options: RedisOptions,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, ServiceError> {
        let (core, _) = Core::connect(options, listener).await?;
        Ok(Self::on(core, Vec::new()))
    }

    fn on(core: Arc<Core>, tasks: Vec<JoinHandle<()>>) -> Self {
        Self {
            core,
            tasks: Mutex::new(tasks),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Runs `work` unless the store is shut down.
    fn run<'a, T, F>(&'a self, work: F) -> Later<'a, T>
    where
        T: Send + 'a,
        F: Future<Output = Result<T, StoreError>> + Send + 'a,
    {
        async move {
            if self.is_closed.load(Ordering::SeqCst) {
                return Err(StoreError::ShutDown);
            }
            work.await
        }
        .boxed()
    }

    fn take_tasks(&self) -> Vec<JoinHandle<()>> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut tasks)
    }
}

/// A name that no other process has.
fn random_name() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random)?;
    Ok(hex::encode(random))
}

impl Core {
    /// Connects and sees to it that the server keeps its promises; gives how far they go.
    async fn connect(
        mut options: RedisOptions,
        listener: Arc<dyn Listener>,
    ) -> Result<(Arc<Self>, Durability), ServiceError> {
        let place = options.to_string();
        let refuse = |message: String| ServiceError::Store {
            place: place.clone(),
            message,
        };
        let mut node = std::mem::take(&mut options.node);
        if node.is_empty() {
            node = random_name()
                .map_err(|error| refuse(format!("the system gives no random numbers ({error})")))?;
        }
        let keys = Keys::new(&options.prefix, options.database);
        let core = Arc::new(Self {
            leases: Leases::new(options.lease),
            routing: Routing::new(options, keys.clone()),
            keys,
            listener,
            node,
        });
        let map = core.routing.map().await;
        let map = map.map_err(|why| refuse(why.message()))?;
        let level = map.durability();
        let loaded = core.routing.load_functions().await;
        loaded.map_err(|error| refuse(error.to_string()))?;
        Ok((core, level))
    }

    async fn keep_leases(&self, mut keeper: Keeper) {
        let mut clock = tokio::time::interval(self.routing.options.lease / LOOKS);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, and that look was taken at the start.
        clock.tick().await;
        loop {
            clock.tick().await;
            self.keep(&mut keeper).await;
        }
    }

    async fn health(&self) -> Result<Health, StoreError> {
        let map = self.routing.map().await;
        let map = map.map_err(|why| StoreError::Engine(why.message()))?;
        // Every server is asked for what it would refuse where it could not store.
        let first_shards = map.links.iter().filter_map(|link| map.shards(link).next());
        try_join_all(first_shards.map(|shard| self.check(shard))).await?;
        let (ready, oldest_ready) = self.count_ready().await?;
        Ok(Health {
            engine: "redis",
            durability: map.durability(),
            leases: u32::try_from(self.leases.held().len()).unwrap_or(u32::MAX),
            ready,
            oldest_ready,
        })
    }
}

impl Core {
    /// Asks a shard's server whether it would store something now.
    async fn check(&self, shard: Shard) -> Result<(), StoreError> {
        let check = writes::function("bh2_check", &[self.keys.shared(shard, "lease")]);
        let (link, _) = self.routing.call(shard, &check).await?;
        link.replicate(&self.routing.options).await
    }
}

impl Engine for Redis {
    fn accept(&self, accept: Accept) -> Later<'_, Accepted> {
        self.run(self.core.accept(accept))
    }

    fn commit(&self, commit: Commit) -> Later<'_, Committed> {
        self.run(self.core.commit(commit))
    }

    fn snapshot<'a>(
        &'a self,
        partition: &'a PartitionId,
        docs: &'a [&'a str],
    ) -> Later<'a, Option<Snapshot>> {
        self.run(self.core.snapshot(partition, docs))
    }

    fn log<'a>(
        &'a self,
        partition: &'a PartitionId,
        after: u64,
        limit: usize,
    ) -> Later<'a, Vec<Entry>> {
        self.run(self.core.log(partition, after, limit))
    }

    fn tail<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Entry>> {
        self.run(self.core.tail(partition, limit))
    }

    fn seen<'a>(
        &'a self,
        partition: &'a PartitionId,
        sender_id: &'a str,
    ) -> Later<'a, Option<Seen>> {
        self.run(self.core.seen(partition, sender_id))
    }

    fn traces<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Bytes>> {
        self.run(self.core.traces(partition, limit))
    }

    fn ready(&self, limit: usize) -> Later<'_, Vec<PartitionId>> {
        self.run(self.core.ready(limit))
    }

    fn due(&self, now: Timestamp, limit: usize) -> Later<'_, Vec<PartitionId>> {
        self.run(self.core.due(now, limit))
    }

    fn claim(&self, now: Timestamp, until: Timestamp, limit: usize) -> Later<'_, Vec<Claim>> {
        self.run(self.core.claim(now, until, limit))
    }

    fn settle<'a>(&'a self, claim: &'a Claim, settle: Settle, now: Timestamp) -> Later<'a, ()> {
        self.run(self.core.settle(claim, settle, now))
    }

    fn dead(&self, limit: usize) -> Later<'_, Vec<DeadLetter>> {
        self.run(self.core.dead(limit))
    }

    fn revive<'a>(
        &'a self,
        letter: &'a DeadLetter,
        again: bool,
        now: Timestamp,
    ) -> Later<'a, bool> {
        self.run(self.core.revive(letter, again, now))
    }

    fn partitions<'a>(&'a self, after: &'a str, limit: usize) -> Later<'a, Vec<PartitionId>> {
        self.run(self.core.partitions(after, limit))
    }

    fn prune(&self, prune: Prune, limit: usize) -> Later<'_, Pruned> {
        self.run(self.core.prune(prune, limit))
    }

    fn remove<'a>(&'a self, partition: &'a PartitionId, expected: u64) -> Later<'a, bool> {
        self.run(self.core.remove(partition, expected))
    }

    fn signal<'a>(&'a self, partition: &'a PartitionId, signal: &'a [u8]) -> Later<'a, ()> {
        self.run(self.core.signal(partition, signal))
    }

    fn health(&self) -> Later<'_, Health> {
        self.run(self.core.health())
    }

    fn is_mine(&self, partition: &PartitionId) -> bool {
        self.core.leases.has(shard_of(partition))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            if self.is_closed.swap(true, Ordering::SeqCst) {
                return;
            }
            for task in self.take_tasks() {
                task.abort();
                // So that it takes no lease after they were given back.
                let _ = task.await;
            }
            if let Err(error) = self.core.leave().await {
                // Whatever was not given back runs out by itself.
                tracing::warn!(%error, "the store was left without a word");
            }
        }
        .boxed()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        for task in self.take_tasks() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests;
