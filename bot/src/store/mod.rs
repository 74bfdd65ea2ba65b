//! The store: partitions, kept by one of several engines.
//!
//! Must never acknowledge what is not as durable as it says. Knows nobody above it: what a conversation or a handoff is, rules
//! know.

mod engine;
mod memory;
mod redis;
mod sqlite;
#[cfg(test)]
mod suite;
mod upkeep;
mod visit;

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

pub use self::redis::{Redis, RedisOptions};
pub use engine::{Durability, Engine, Health, Later, Listener};
pub use memory::Memory;
#[cfg(test)]
pub(crate) use sqlite::tamper;
pub use sqlite::{BackedUp, Sqlite, backup, inputs_of_file};
pub use upkeep::{Backlog, Damage, Export, Lane, Upkeep, Whose};
pub use visit::{Access, ensure_free, users};

use crate::encoding::Unreadable;
use crate::error::ServiceError;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("the disk is full; nothing was stored; make room")]
    Full,
    /// The engine failed.
    #[error("{0}")]
    Engine(String),
    /// What is stored is not what this version of the program writes.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store is shut down.
    #[error("the store is shut down")]
    ShutDown,
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store can't do what it was asked");
        Self::Unavailable {
            message: error.to_string(),
        }
    }
}

/// Which engine keeps what, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// In memory: gone with the process. For tests and simulation.
    Memory,
    /// In a file.
    Sqlite(PathBuf),
    /// On a Redis server, its replicas, or a cluster.
    Redis(Box<RedisOptions>),
}

impl FromStr for StoreAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", "")) => Err("sqlite: lacks the path of a file".to_owned()),
            Some(("sqlite", path)) => Ok(Self::Sqlite(PathBuf::from(path))),
            Some(("redis" | "rediss", _)) => text
                .parse::<RedisOptions>()
                .map(|options| Self::Redis(Box::new(options)))
                .map_err(|why| format!("the address of Redis can't be read: {why}")),
            _ => Err(format!(
                "`{text}` is no store; name one as sqlite:PATH or redis://HOST:PORT"
            )),
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Redis(options) => write!(f, "{options}"),
        }
    }
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

impl Store {
    /// Opens a store. `listener` hears of everything that changes from here on. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// [`ServiceError::Store`] with the address, what is wrong and what to do.
    pub async fn open(
        address: &StoreAddress,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, ServiceError> {
        let engine: Arc<dyn Engine> = match address {
            StoreAddress::Memory => Arc::new(Memory::new(listener)),
            StoreAddress::Sqlite(path) => Arc::new(Sqlite::open(path, listener)?),
            StoreAddress::Redis(options) => {
                Arc::new(Redis::open((**options).clone(), listener).await?)
            }
        };
        Ok(Self { engine })
    }

    /// A store on an engine.
    pub fn on(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }
}

impl Deref for Store {
    type Target = dyn Engine;

    fn deref(&self) -> &Self::Target {
        &*self.engine
    }
}
