//! Engines to test, each with a store of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::super::engine::{Engine, Listener};
use super::super::redis::{RedisOptions, server};
use super::super::{Memory, Redis, Sqlite};
use crate::partition::{Notice, PartitionId};

/// An engine under test, and what its listener has heard.
pub(in crate::store) struct Rig {
    pub(in crate::store) engine: Arc<dyn Engine>,
    pub(in crate::store) heard: Arc<Heard>,
    /// Goes with the rig: a folder.
    pub(in crate::store) kept: Option<tempfile::TempDir>,
}

/// Keeps what it hears.
#[derive(Default)]
pub(in crate::store) struct Heard {
    notices: Mutex<Vec<Notice>>,
    signals: Mutex<Vec<(PartitionId, Vec<u8>)>>,
}

impl Listener for Heard {
    fn changed(&self, notice: Notice) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.push(notice);
    }

    fn signalled(&self, partition: &PartitionId, signal: &[u8]) {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals.push((partition.clone(), signal.to_vec()));
    }
}

impl Heard {
    pub(in crate::store) fn notices(&self) -> Vec<Notice> {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.clone()
    }

    pub(in crate::store) fn signals(&self) -> Vec<(PartitionId, Vec<u8>)> {
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals.clone()
    }

    /// Waits until something that another thread or server tells was heard.
    pub(in crate::store) async fn until(&self, is_heard: impl Fn(&Self) -> bool) {
        for _ in 0..10_000 {
            if is_heard(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Partitions that something was heard of.
    pub(in crate::store) fn partitions(&self) -> BTreeSet<PartitionId> {
        let notices = self.notices().into_iter();
        notices.map(|notice| notice.partition).collect()
    }
}

pub(super) async fn memory() -> Rig {
    let heard = Arc::new(Heard::default());
    Rig {
        engine: Arc::new(Memory::new(Arc::clone(&heard) as _)),
        heard,
        kept: None,
    }
}

pub(super) async fn sqlite() -> Rig {
    let heard = Arc::new(Heard::default());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bellhop.db");
    Rig {
        engine: Arc::new(Sqlite::open(&path, Arc::clone(&heard) as _).expect("opens")),
        heard,
        kept: Some(folder),
    }
}

/// A store of its own on a server; opens at once.
pub(in crate::store) async fn on_redis(options: RedisOptions) -> Rig {
    let heard = Arc::new(Heard::default());
    let opened = Redis::open(options, Arc::clone(&heard) as _).await;
    Rig {
        engine: Arc::new(opened.expect("opens")),
        heard,
        kept: None,
    }
}

/// None where there is no server to test with.
pub(super) async fn redis() -> Option<Rig> {
    if !server::is_there() {
        return None;
    }
    Some(on_redis(server::shared().options()).await)
}

/// None unless it is asked for: a cluster takes a while to form.
pub(super) async fn cluster() -> Option<Rig> {
    static CLUSTER: OnceLock<server::Cluster> = OnceLock::new();
    if !server::is_cluster_wanted() {
        return None;
    }
    Some(on_redis(CLUSTER.get_or_init(server::Cluster::start).options()).await)
}
