//! The world of a simulation: one store, the processes on it, and what an observer above all of them sees.

use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::history::{Figures, History};
use super::invariants::Watch;
use super::news::News;
use super::oracle::Oracle;
use super::plan::{Leases, Plan};
use super::random::Random;
use crate::app::App;
use crate::error::ServiceError;
use crate::partition::PartitionId;
use crate::store::Memory;

/// Groups of partitions whose leases move together.
const GROUPS: usize = 4;
/// How long nobody works through what a process had that died.
const LEASE: Duration = Duration::from_secs(10);
/// Pause of a client that finds no process.
const NOBODY: Duration = Duration::from_millis(100);

/// A process in one of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) slot: usize,
    pub(super) life: u32,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = char::from(b'A' + self.slot as u8);
        write!(f, "{letter}{}", self.life)
    }
}

/// Where a process runs, or will again.
struct Slot {
    life: u32,
    app: Option<App>,
    /// Ends with this life.
    died: CancellationToken,
    /// It stands still until then.
    stalled: Instant,
}

/// What changes.
pub(super) struct State {
    pub(super) random: Random,
    pub(super) figures: Figures,
    pub(super) history: History,
    pub(super) watch: Watch,
    pub(super) oracle: Oracle,
    slots: Vec<Slot>,
    /// Who has each group.
    leases: Vec<usize>,
    /// Who believes to have a group that another has by now, and until when.
    stale: Vec<(usize, usize, Instant)>,
    healed: bool,
    /// No process runs until then.
    night: Instant,
    violation: Option<String>,
}

/// All there is.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) memory: Memory,
    pub(super) news: Arc<News>,
    /// Ends with the first violation.
    pub(super) over: CancellationToken,
    began: Instant,
    state: Mutex<State>,
}

/// What a client was told.
#[derive(Debug, PartialEq)]
pub(super) enum Told<T> {
    Yes(T),
    /// Refused; what it asked for was not done.
    No(ServiceError),
    /// The process died or does not know: it may have been done.
    Unknown,
}

impl World {
    pub(super) fn new(plan: Plan, mut random: Random, keep: usize) -> Arc<Self> {
        let news = Arc::new(News::new(&plan, random.fork()));
        let now = Instant::now();
        let slots = (0..plan.processes).map(|_| Slot {
            life: 0,
            app: None,
            died: CancellationToken::new(),
            stalled: now,
        });
        let state = State {
            figures: Figures {
                schedules: 1,
                ..Figures::default()
            },
            history: History::new(keep),
            watch: Watch::default(),
            oracle: Oracle::default(),
            slots: slots.collect(),
            leases: (0..GROUPS).map(|group| group % plan.processes).collect(),
            stale: Vec::new(),
            healed: false,
            night: now,
            violation: None,
            random,
        };
        Arc::new(Self {
            memory: Memory::new(Arc::clone(&news) as _),
            plan,
            news,
            over: CancellationToken::new(),
            began: now,
            state: Mutex::new(state),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what happened.
    pub(super) fn note(
        &self,
        who: impl fmt::Display,
        what: &'static str,
        partition: Option<&PartitionId>,
        detail: String,
    ) {
        let at = self.began.elapsed();
        let who = who.to_string();
        self.lock().history.push(at, who, what, partition, detail);
    }

    /// An invariant does not hold: the simulation is over.
    pub(super) fn violated(&self, what: String) {
        self.lock().violation.get_or_insert(what);
        self.over.cancel();
    }

    /// Whether what was seen is as it must be.
    pub(super) fn judge(&self, seen: Result<(), String>) {
        if let Err(what) = seen {
            self.violated(what);
        }
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.lock().violation.clone()
    }

    /// No faults from here on.
    pub(super) fn heal(&self) {
        let mut state = self.lock();
        state.healed = true;
        state.stale.clear();
        drop(state);
        self.news.heal();
        self.note("", "healed", None, String::new());
    }

    pub(super) fn is_healed(&self) -> bool {
        self.lock().healed
    }

    /// Begins the next life of a process; gives it, and what ends with it.
    pub(super) fn born(&self, slot: usize) -> (Who, CancellationToken) {
        let mut state = self.lock();
        let it = &mut state.slots[slot];
        it.life += 1;
        it.died = CancellationToken::new();
        it.stalled = Instant::now();
        let (who, died) = (
            Who {
                slot,
                life: it.life,
            },
            it.died.clone(),
        );
        drop(state);
        self.note(who, "starts", None, String::new());
        (who, died)
    }

    /// A process serves from now on.
    pub(super) fn serves(&self, who: Who, app: App) {
        let mut state = self.lock();
        let slot = &mut state.slots[who.slot];
        if slot.life == who.life && !slot.died.is_cancelled() {
            slot.app = Some(app);
        }
    }

    /// A process takes no new requests.
    pub(super) fn refuses(&self, slot: usize) -> Option<App> {
        self.lock().slots[slot].app.take()
    }

    /// A process dies, whatever it was doing: nothing of it goes on.
    pub(super) fn dies(&self, who: Who) {
        let mut state = self.lock();
        let slot = &mut state.slots[who.slot];
        if slot.life != who.life || slot.died.is_cancelled() {
            return;
        }
        slot.app = None;
        slot.died.cancel();
        drop(state);
        self.news.forget(who);
        self.note(who, "dies", None, String::new());
    }

    /// Comes back only to those who live: a process that has died does nothing any more.
    pub(super) async fn alive(&self, who: Who) {
        let lives = {
            let state = self.lock();
            let slot = &state.slots[who.slot];
            slot.life == who.life && !slot.died.is_cancelled()
        };
        if !lives {
            pending::<()>().await;
        }
    }

    /// All processes end, and come again after a while.
    pub(super) async fn night(&self, length: Duration) {
        let living: Vec<Who> = {
            let mut state = self.lock();
            state.night = Instant::now() + length;
            let slots = state.slots.iter().enumerate();
            slots
                .map(|(slot, it)| Who {
                    slot,
                    life: it.life,
                })
                .collect()
        };
        for who in living {
            self.dies(who);
        }
        tokio::time::sleep(length).await;
    }

    /// Waits for the end of a night.
    pub(super) async fn morning(&self) {
        let until = self.lock().night;
        tokio::time::sleep_until(until).await;
    }

    /// Lets go of all processes: they hold the world, and it holds them.
    pub(super) fn ends(&self) {
        let mut state = self.lock();
        let apps: Vec<_> = state.slots.iter_mut().map(|it| it.app.take()).collect();
        drop(state);
        drop(apps);
        self.news.forget_all();
    }

    /// A process stands still for a while, all of it.
    pub(super) fn stall(&self, who: Who, length: Duration) {
        let mut state = self.lock();
        state.figures.stalls += 1;
        state.slots[who.slot].stalled = Instant::now() + length;
        drop(state);
        self.note(who, "stalls", None, format!("for {} s", length.as_secs()));
    }

    /// Waits, at least until the process goes on.
    pub(super) async fn pause(&self, who: Who, length: Duration) {
        if !length.is_zero() {
            tokio::time::sleep(length).await;
        }
        loop {
            let until = self.lock().slots[who.slot].stalled;
            if until <= Instant::now() {
                break;
            }
            tokio::time::sleep_until(until).await;
        }
        self.alive(who).await;
    }

    pub(super) fn is_mine(&self, who: Who, partition: &PartitionId) -> bool {
        if self.plan.leases == Leases::Everybodys {
            return true;
        }
        let (group, state) = (group(partition), self.lock());
        let believes = |(of, slot, until): &(usize, usize, Instant)| {
            *of == group && *slot == who.slot && *until > Instant::now()
        };
        state.leases[group] == who.slot || state.stale.iter().any(believes)
    }

    /// A group goes to a process; whoever had it notices later.
    pub(super) fn move_lease(&self, group: usize, to: usize, notices: Duration) {
        let mut state = self.lock();
        let from = std::mem::replace(&mut state.leases[group], to);
        let until = Instant::now() + notices;
        state.stale.retain(|(_, _, until)| *until > Instant::now());
        state.stale.push((group, from, until));
        state.figures.leases_moved += 1;
    }

    /// Moves leases now and then, from the dead in any case.
    pub(super) async fn keep_moving_leases(self: Arc<Self>, mut random: Random) {
        loop {
            let pause = if self.is_healed() {
                LEASE
            } else {
                random.millis(1_000, 15_000)
            };
            tokio::time::sleep(pause).await;
            let (living, leases) = {
                let state = self.lock();
                let living = (0..state.slots.len()).filter(|slot| state.slots[*slot].app.is_some());
                (living.collect::<Vec<_>>(), state.leases.clone())
            };
            if living.is_empty() {
                continue;
            }
            for (group, has) in leases.into_iter().enumerate() {
                let is_dead = !living.contains(&has);
                if is_dead || (!self.is_healed() && random.chance(2_500)) {
                    let to = *random.pick(&living);
                    self.move_lease(group, to, random.millis(0, 12_000));
                }
            }
        }
    }

    /// Asks any process for something, as a client behind a balancer does.
    pub(super) async fn ask<T, F>(
        &self,
        random: &mut Random,
        what: impl FnOnce(App) -> F,
    ) -> Told<T>
    where
        F: Future<Output = Result<T, ServiceError>>,
    {
        loop {
            let living: Vec<_> = {
                let state = self.lock();
                let slots = state.slots.iter();
                let living = slots.filter_map(|it| Some((it.app.clone()?, it.died.clone())));
                living.collect()
            };
            if living.is_empty() {
                tokio::time::sleep(NOBODY).await;
                continue;
            }
            let (app, died) = random.pick(&living).clone();
            return tokio::select! {
                biased;
                () = died.cancelled() => Told::Unknown,
                told = what(app) => match told {
                    Ok(told) => Told::Yes(told),
                    Err(ServiceError::Unavailable { .. } | ServiceError::StillWorking) => Told::Unknown,
                    Err(error) => Told::No(error),
                },
            };
        }
    }
}

fn group(partition: &PartitionId) -> usize {
    // FNV-1a.
    let hash = partition
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (hash % GROUPS as u64) as usize
}
