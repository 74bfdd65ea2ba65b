//! How processes hear of changes: whoever made one at once and in order, all others somehow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::history::Figures;
use super::plan::Plan;
use super::random::Random;
use super::world::Who;
use crate::dispatch::Dispatch;
use crate::partition::{Notice, PartitionId};
use crate::store::Listener;

/// Longest that a notice may be late, milliseconds.
const LATE_MS: u64 = 3_000;

/// Everybody who listens.
pub(super) struct News(Mutex<Inner>);

struct Inner {
    random: Random,
    lost: u64,
    late: u64,
    doubled: u64,
    listeners: Vec<(Who, Arc<Dispatch>)>,
    /// Whose call the engine is carrying out, and whether they hear what came of it.
    caller: Option<(Who, bool)>,
    lost_count: u64,
    late_count: u64,
    doubled_count: u64,
}

impl News {
    pub(super) fn new(plan: &Plan, random: Random) -> Self {
        Self(Mutex::new(Inner {
            random,
            lost: plan.lost,
            late: plan.late,
            doubled: plan.doubled,
            listeners: Vec::new(),
            caller: None,
            lost_count: 0,
            late_count: 0,
            doubled_count: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, who: Who, dispatch: Arc<Dispatch>) {
        self.lock().listeners.push((who, dispatch));
    }

    pub(super) fn forget(&self, who: Who) {
        self.lock().listeners.retain(|(known, _)| *known != who);
    }

    pub(super) fn forget_all(&self) {
        let listeners = std::mem::take(&mut self.lock().listeners);
        drop(listeners);
    }

    pub(super) fn heal(&self) {
        let mut inner = self.lock();
        (inner.lost, inner.late, inner.doubled) = (0, 0, 0);
    }

    pub(super) fn count(&self, figures: &mut Figures) {
        let inner = self.lock();
        figures.notices_lost = inner.lost_count;
        figures.notices_late = inner.late_count;
        figures.notices_doubled = inner.doubled_count;
    }

    /// Has the engine do something for a process. One that does not hear (its connection broke) is told as others are.
    pub(super) fn on_behalf<T>(&self, who: Who, hears: bool, act: impl FnOnce() -> T) -> T {
        self.lock().caller = Some((who, hears));
        let done = act();
        self.lock().caller = None;
        done
    }
}

impl Inner {
    /// When somebody hears of what another process did: not at all, or once or twice, at once or later.
    fn fates(&mut self) -> Vec<Duration> {
        if self.random.chance(self.lost) {
            self.lost_count += 1;
            return Vec::new();
        }
        let twice = self.random.chance(self.doubled);
        self.doubled_count += u64::from(twice);
        let fates = (0..=usize::from(twice)).map(|_| {
            let late = self.random.chance(self.late);
            self.late_count += u64::from(late);
            if late {
                self.random.millis(1, LATE_MS)
            } else {
                Duration::ZERO
            }
        });
        fates.collect()
    }
}

impl Listener for News {
    fn changed(&self, notice: Notice) {
        let mut inner = self.lock();
        let caller = inner.caller;
        let mut first = None;
        let mut others = Vec::new();
        for (who, dispatch) in inner.listeners.clone() {
            if caller == Some((who, true)) {
                first = Some(dispatch);
            } else {
                others.extend(
                    inner
                        .fates()
                        .into_iter()
                        .map(|fate| (fate, Arc::clone(&dispatch))),
                );
            }
        }
        // A listener asks the engine whose a conversation is.
        drop(inner);
        if let Some(dispatch) = first {
            dispatch.changed(notice.clone());
        }
        let notice = Notice {
            entries: None,
            ..notice
        };
        for (fate, dispatch) in others {
            let notice = notice.clone();
            if fate.is_zero() {
                dispatch.changed(notice);
            } else {
                tokio::spawn(async move {
                    tokio::time::sleep(fate).await;
                    dispatch.changed(notice);
                });
            }
        }
    }

    fn signalled(&self, partition: &PartitionId, signal: &[u8]) {
        let listeners = self.lock().listeners.clone();
        for (_, dispatch) in listeners {
            dispatch.signalled(partition, signal);
        }
    }
}
