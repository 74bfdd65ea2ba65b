//! Which shards this process works through.
//!
//! A lease spares processes from doing the same turn twice; it does not keep a turn from being stored twice, which the revision
//! that a commit compares does. So a process that was stopped for a minute and still believes in its leases harms nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::super::StoreError;
use super::Core;
use super::fault::odd;
use super::keys::{SHARDS, Shard, shard_of};
use super::values::read;
use super::writes::function;
use crate::partition::{Notice, PartitionId};

/// How often a process looks whether it should have more or fewer leases: so often while one lasts.
pub(super) const LOOKS: u32 = 10;
/// Looks after which leases are renewed.
const RENEWED_AFTER: u32 = 3;
/// How long an input waits before it is told again.
const UNHEARD: Duration = Duration::from_secs(1);
/// How often everything that waits is told again, whatever was told before.
const TOLD_AGAIN: Duration = Duration::from_secs(30);
/// Most partitions of a shard that are told at once; the others follow when these are worked through.
const MOST_TOLD: usize = 1000;

/// The shards that this process holds, as it knows without asking.
pub(super) struct Leases {
    held: AtomicU64,
    /// Until when that is sure, in milliseconds since `born`.
    until: AtomicU64,
    born: Instant,
    /// How long a lease lasts that is not renewed.
    last: Duration,
}

impl Leases {
    pub(super) fn new(last: Duration) -> Self {
        Self {
            held: AtomicU64::new(0),
            until: AtomicU64::new(0),
            born: Instant::now(),
            last,
        }
    }

    /// The shards that are held, as bits; none where nobody could renew them in time.
    fn bits(&self) -> u64 {
        let until = Duration::from_millis(self.until.load(Ordering::SeqCst));
        if self.born.elapsed() < until {
            self.held.load(Ordering::SeqCst)
        } else {
            0
        }
    }

    pub(super) fn has(&self, shard: Shard) -> bool {
        self.bits() & (1 << shard) != 0
    }

    pub(super) fn held(&self) -> Vec<Shard> {
        let bits = self.bits();
        (0..SHARDS)
            .filter(|shard| bits & (1 << shard) != 0)
            .collect()
    }

    fn gain(&self, shard: Shard) {
        self.held.fetch_or(1 << shard, Ordering::SeqCst);
    }

    fn lose(&self, shard: Shard) {
        self.held.fetch_and(!(1 << shard), Ordering::SeqCst);
    }

    /// Counts from when the renewal was sent: by the server's clock the leases end later, never earlier.
    fn renewed(&self, sent: Instant) {
        let until = sent.duration_since(self.born) + self.last;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.until.store(until, Ordering::SeqCst);
    }
}

/// What the keeping of leases remembers between two looks.
pub(super) struct Keeper {
    renewed: Option<Instant>,
    /// When everything was told last; none where something could not be.
    told: Option<Instant>,
    /// Server's time up to which waiting inputs were told.
    told_until: i64,
    /// Processes that live, as far as was heard last.
    live: u64,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Self {
            renewed: None,
            told: Some(Instant::now()),
            told_until: 0,
            live: 1,
        }
    }
}

impl Core {
    /// Looks after the leases once: renews, gives back what is too much, takes what is free, tells what was not heard.
    pub(super) async fn keep(&self, keeper: &mut Keeper) {
        self.routing.complete().await;
        if !self.routing.options.takes_turns {
            return;
        }
        let now = match self.announce().await {
            Ok((live, now)) => {
                keeper.live = live.max(1);
                Some(now)
            }
            // Only one shard's server may be away: the others' leases are renewed all the same.
            Err(_) => None,
        };
        if keeper
            .renewed
            .is_none_or(|at| at.elapsed() >= self.leases.last * RENEWED_AFTER / LOOKS)
        {
            self.renew(keeper).await;
        }
        let share = u64::from(SHARDS).div_ceil(keeper.live) as usize;
        let held = self.leases.held();
        if held.len() > share {
            self.release(&held[share..]).await;
        } else if held.len() < share {
            self.take(keeper, share - held.len()).await;
        }
        if let Some(now) = now {
            self.tell_unheard(keeper, now).await;
        }
    }

    /// Says that this process lives; gives how many do, and the server's time.
    async fn announce(&self) -> Result<(u64, i64), StoreError> {
        let mut call = function("bh2_announce", &[self.keys.nodes()]);
        call.arg(&self.node)
            .arg(self.leases.last.as_millis() as u64);
        let (_, answer) = self.routing.call(0, &call).await?;
        read(answer)
    }

    /// Asks for a shard's lease; whether this process has it now.
    async fn lease(&self, shard: Shard, how: &str) -> Result<bool, StoreError> {
        let mut call = function("bh2_lease", &[self.keys.shared(shard, "lease")]);
        call.arg(&self.node)
            .arg(how)
            .arg(self.leases.last.as_millis() as u64);
        let (_, answer) = self.routing.call(shard, &call).await?;
        read(answer)
    }

    async fn lease_all(&self, shards: &[Shard], how: &str) -> Vec<Result<bool, StoreError>> {
        let calls = shards.iter().map(|shard| self.lease(*shard, how));
        futures_util::future::join_all(calls).await
    }

    async fn renew(&self, keeper: &mut Keeper) {
        let held = self.leases.held();
        let sent = Instant::now();
        let renewed = self.lease_all(&held, "renew").await;
        for (shard, renewed) in held.iter().zip(&renewed) {
            // One whose server did not answer is held on to by nobody's word: it is taken again in a moment.
            if !matches!(renewed, Ok(true)) {
                self.leases.lose(*shard);
                tracing::warn!(shard, "lost the lease of a shard");
            }
        }
        self.leases.renewed(sent);
        keeper.renewed = Some(sent);
    }

    async fn release(&self, shards: &[Shard]) {
        for shard in shards {
            // First, so that no turn begins that another process begins too.
            self.leases.lose(*shard);
        }
        // One that can't be given back runs out by itself.
        self.lease_all(shards, "release").await;
    }

    /// Takes some of the leases that are free, beginning where no other process does, and has what waits there run.
    async fn take(&self, keeper: &mut Keeper, mut wanted: usize) {
        let first = shard_of(&PartitionId::named(&self.node));
        let order = (0..SHARDS).map(|n| (first + n) % SHARDS);
        let missing: Vec<Shard> = order.filter(|shard| !self.leases.has(*shard)).collect();
        let mut left = &missing[..];
        let mut gained = Vec::new();
        while wanted > 0 && !left.is_empty() {
            let (asked, rest) = left.split_at(wanted.min(left.len()));
            left = rest;
            for (shard, taken) in asked.iter().zip(self.lease_all(asked, "take").await) {
                if matches!(taken, Ok(true)) {
                    self.leases.gain(*shard);
                    gained.push(*shard);
                    wanted -= 1;
                }
            }
        }
        if gained.is_empty() {
            return;
        }
        tracing::info!(gained = gained.len(), "took the leases of shards");
        if self.tell_ready(gained).await.is_err() {
            keeper.told = None;
        }
    }

    /// Has everything run that waits in some shards.
    pub(super) async fn tell_ready(&self, shards: Vec<Shard>) -> Result<(), StoreError> {
        for partition in self.ready_in(shards, MOST_TOLD).await? {
            self.tell(partition);
        }
        Ok(())
    }

    /// Tells inputs that came in more than a moment ago and still wait: their news may have been lost. Each is told once, and
    /// now and then everything is.
    async fn tell_unheard(&self, keeper: &mut Keeper, now: i64) {
        let until = now - UNHEARD.as_millis() as i64;
        let is_all = keeper.told.is_none_or(|at| at.elapsed() >= TOLD_AGAIN);
        let told = if is_all {
            self.ready_in(self.leases.held(), MOST_TOLD).await
        } else if keeper.told_until == 0 {
            // The first look: whatever was taken was told then.
            Ok(Vec::new())
        } else {
            self.ready_since(keeper.told_until, until).await
        };
        // What could not be read is read at the next look.
        if let Ok(unheard) = told {
            unheard
                .into_iter()
                .for_each(|partition| self.tell(partition));
            keeper.told_until = until;
            if is_all {
                keeper.told = Some(Instant::now());
            }
        }
    }

    fn tell(&self, partition: PartitionId) {
        self.listener.changed(Notice {
            partition,
            // How far its log goes is not known here: whoever hears of it looks.
            last_seq: u64::MAX,
            processed: 0,
            entries: None,
            outbound: false,
        });
    }

    /// Gives everything back and leaves.
    pub(super) async fn leave(&self) -> Result<(), StoreError> {
        let held = self.leases.held();
        self.release(&held).await;
        let leave = redis::cmd("ZREM")
            .arg(self.keys.nodes())
            .arg(&self.node)
            .take();
        let (_, answer) = self.routing.call(0, &leave).await?;
        read::<u64>(answer).map(drop).map_err(|_| odd("leaving"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_that_nobody_renews_are_not_believed_in() {
        let leases = Leases::new(Duration::from_secs(10));
        leases.gain(3);
        leases.gain(63);
        assert!(leases.held().is_empty(), "nothing says until when");
        leases.renewed(Instant::now());
        assert_eq!(leases.held(), [3, 63]);
        assert!(leases.has(3) && !leases.has(4));
        leases.lose(3);
        assert_eq!(leases.held(), [63]);
        let short = Leases::new(Duration::ZERO);
        short.gain(3);
        short.renewed(Instant::now());
        assert!(short.held().is_empty(), "it has run out");
    }
}
