//! How commands get at a store that servers may be at work on: they take over none of its work.

use std::sync::Arc;

use super::{Listener, Memory, Redis, Sqlite, Store, StoreAddress};
use crate::error::ServiceError;
use crate::partition::{Notice, PartitionId};

/// What a command wants to do with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Look at it.
    Read,
    /// Change something in a store that is there.
    Write,
    /// Fill it; it is made where it is not there.
    Create,
}

/// Hears nothing: what a command waits for it asks for.
struct Deaf;

impl Listener for Deaf {
    fn changed(&self, _: Notice) {}
    fn signalled(&self, _: &PartitionId, _: &[u8]) {}
}

impl Store {
    /// Opens a store beside the servers that may use it: takes no share of their work, and brings no tables up to date that an
    /// older server may be using. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// As [`Store::open`], and a store that is not there or has tables of another version, unless it is to be filled.
    pub async fn visit(address: &StoreAddress, access: Access) -> Result<Self, ServiceError> {
        let listener: Arc<dyn Listener> = Arc::new(Deaf);
        Ok(Self::on(match address {
            StoreAddress::Memory => Arc::new(Memory::new(listener)),
            StoreAddress::Sqlite(path) => Arc::new(Sqlite::visit(path, access, listener)?),
            StoreAddress::Redis(options) => {
                Arc::new(Redis::visit((**options).clone(), listener).await?)
            }
        }))
    }
}

/// Refuses a file that another server is at work on, before anything slow is begun for it. [`Store::open`] makes sure of it.
///
/// # Errors
/// [`ServiceError::Store`] with the file and what to do.
pub fn ensure_free(address: &StoreAddress) -> Result<(), ServiceError> {
    match address {
        StoreAddress::Sqlite(path) => super::sqlite::ensure_free(path),
        StoreAddress::Memory | StoreAddress::Redis(_) => Ok(()),
    }
}

/// Who has a store open now, as far as that can be known: names of processes that share a Redis; of a file only that there is one.
///
/// # Errors
/// The store can't be reached.
pub async fn users(address: &StoreAddress) -> Result<Vec<String>, ServiceError> {
    match address {
        StoreAddress::Memory => Ok(Vec::new()),
        StoreAddress::Sqlite(path) => Ok(match super::sqlite::is_used(path)? {
            true => vec!["another process".to_owned()],
            false => Vec::new(),
        }),
        StoreAddress::Redis(options) => {
            let visitor = Redis::visit((**options).clone(), Arc::new(Deaf)).await?;
            Ok(visitor.processes().await?)
        }
    }
}
