//! The store: one SQLite file, one thread that writes, a few connections that read.
//!
//! Many writes share one transaction (group commit), each behind a savepoint of its own; whoever
//! asked hears of it only after the commit has reached the disk. Must never acknowledge what is not
//! committed. SQL lives in this folder and nowhere else.

pub mod conversations;
pub mod handoffs;
pub mod journal;
mod open;
pub mod outbox;
mod said;
pub mod schema;
pub mod staff;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use said::customer_texts;

use crate::error::ServiceError;
use writer::{Job, Write};

/// Writes that may wait at once; whoever comes after them waits to be let in.
const WAITING_WRITES: usize = 4096;
/// Connections that read at once.
const READERS: usize = 4;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A rule forbids it: nothing was changed, and the caller is told this.
    #[error(transparent)]
    Refused(#[from] ServiceError),
    /// The disk is full.
    #[error("the disk is full; nothing was stored; make room")]
    Full,
    /// SQLite failed.
    #[error("{0}")]
    Sql(String),
    /// What is stored is not what this version of the program writes.
    #[error("a stored {what} can't be read: {why}")]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The store is shut down.
    #[error("the store is shut down")]
    ShutDown,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sql(error.to_string()),
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refused) => refused,
            other => {
                tracing::error!(error = %other, "the store can't do what it was asked");
                Self::Unavailable {
                    message: other.to_string(),
                }
            }
        }
    }
}

/// The store. Cheap to clone; the last clone that goes closes the file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    idle: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
}

impl Store {
    /// Opens the file, or makes it together with its folder, and brings its tables up to date.
    ///
    /// # Errors
    /// [`ServiceError::Store`] with the path: a folder that can't be made or written, a file that is no
    /// database, is damaged, belongs to another program or to a newer Bellhop, or a full disk.
    pub fn open(path: &Path) -> Result<Self, ServiceError> {
        let connection = open::writing(path)?;
        let readers = (0..READERS)
            .map(|_| open::reading(path))
            .collect::<Result<Vec<_>, _>>()?;
        let (jobs, queue) = mpsc::channel(WAITING_WRITES);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(connection, queue))
            .map_err(|error| ServiceError::Store {
                path: path.to_path_buf(),
                message: format!("the writing thread does not start ({error}); free some threads"),
            })?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_path_buf(),
                jobs: Mutex::new(Some(jobs)),
                writer: Mutex::new(Some(writer)),
                idle: Mutex::new(readers),
                reading: Arc::new(Semaphore::new(READERS)),
            }),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `work` inside a transaction and gives its result once that is on the disk. Where `work`
    /// fails, nothing of it stays. `work` may share the transaction with others', not see it begin
    /// or end.
    ///
    /// # Errors
    /// What `work` gives, or [`StoreError::Full`], [`StoreError::Sql`] or [`StoreError::ShutDown`]:
    /// then nothing is stored.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_then(work, |_| {}).await
    }

    /// Like [`Store::write`], with `then` called on the writing thread right after the commit, in the
    /// order of the writes, even if the caller is gone by then. `then` must be quick and must not
    /// write.
    ///
    /// # Errors
    /// Like [`Store::write`]; `then` is called only on success.
    pub async fn write_then<T, F, G>(&self, work: F, then: G) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
        G: FnOnce(&T) + Send + 'static,
    {
        let jobs = lock(&self.inner.jobs).clone().ok_or(StoreError::ShutDown)?;
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Write::new(work, then, reply));
        jobs.send(job).await.map_err(|_| StoreError::ShutDown)?;
        answer.await.map_err(|_| StoreError::ShutDown)?
    }

    /// Runs `work` on a connection that only reads, off the async threads.
    ///
    /// # Errors
    /// What `work` gives, or [`StoreError::Sql`] where it panicked.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let permit = Arc::clone(&self.inner.reading)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::ShutDown)?;
        let result = tokio::task::spawn_blocking(move || {
            // Held until the read is over, also where nobody waits for it any more.
            let _permit = permit;
            // A read that panicked took its connection along: then a fresh one is opened.
            let idle = lock(&inner.idle).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => open::reading(&inner.path)?,
            };
            let result = work(&connection);
            lock(&inner.idle).push(connection);
            result
        })
        .await;
        result.unwrap_or_else(|error| Err(StoreError::Sql(format!("a read broke off: {error}"))))
    }

    /// Stops taking writes, waits for those that were taken and closes the writing connection.
    pub async fn shutdown(&self) {
        drop(lock(&self.inner.jobs).take());
        let writer = lock(&self.inner.writer).take();
        if let Some(writer) = writer {
            // A writing thread that panicked has nothing left to wait for.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

/// A time as it is stored: milliseconds since 1970.
pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A time as it was stored.
pub(crate) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A number that is never negative, as it was stored.
pub(crate) fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// A number as it is stored.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// SHA-256.
pub(crate) fn hash_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A value as it is stored.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unreadable {
        what: "value",
        why: error.to_string(),
    })
}

/// A value as it was stored; `what` names it in the error.
pub(crate) fn parse<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable {
        what,
        why: error.to_string(),
    })
}

/// Locks; what a panicking holder left behind is still whole here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
