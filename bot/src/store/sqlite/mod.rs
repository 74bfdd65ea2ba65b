//! The engine for one process: one SQLite file, one thread that writes, a few connections that read.
//!
//! Many writes share one transaction (group commit), each behind a savepoint of its own; whoever asked hears of it only
//! after the commit has reached the disk. SQL lives in this folder and nowhere else.

mod backup;
mod lock;
mod migrate;
mod open;
mod prune;
mod reads;
mod schema;
mod upkeep;
mod values;
mod writer;
mod writes;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::StoreError;
use super::engine::{Durability, Engine, Health, Later, Listener};
use super::visit::Access;
use crate::error::ServiceError;
use crate::partition::{
    Accept, Accepted, Bytes, Claim, Commit, Committed, DeadLetter, Entry, Notice, PartitionId,
    Prune, Pruned, Seen, Settle, Snapshot,
};
pub use backup::{BackedUp, backup};
pub(super) use lock::ensure_free;
pub(super) use open::is_used;
use writer::{Job, Write};

/// Writes that may wait at once; whoever comes after them waits to be let in.
const WAITING_WRITES: usize = 4096;
/// Connections that read at once.
const READERS: usize = 4;

/// The engine.
pub struct Sqlite {
    path: PathBuf,
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    writer: Mutex<Option<Writer>>,
    idle: Arc<Mutex<Vec<Connection>>>,
    reading: Arc<Semaphore>,
    listener: Arc<dyn Listener>,
}

/// The writing thread.
struct Writer {
    thread: JoinHandle<()>,
    /// No other process serves or fills the file for as long as this one may write.
    _held: Option<File>,
}

impl Sqlite {
    /// Opens the file, or makes it together with its folder, and brings its tables up to date.
    ///
    /// # Errors
    /// [`ServiceError::Store`] with the path: a folder that can't be made or written, a file that is no database, is damaged,
    /// belongs to another program or to a newer Bellhop or is served by another process, or a full disk.
    pub fn open(path: &Path, listener: Arc<dyn Listener>) -> Result<Self, ServiceError> {
        let (connection, held) = open::writing(path)?;
        Self::on(path, Some((connection, Some(held))), listener)
    }

    /// Opens the file beside another process that may use it.
    ///
    /// # Errors
    /// As [`Sqlite::open`], and a file that is not there or whose tables are older, unless it is to be filled.
    pub(super) fn visit(
        path: &Path,
        access: Access,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, ServiceError> {
        let connection = match access {
            Access::Create => {
                let (connection, held) = open::writing(path)?;
                Some((connection, Some(held)))
            }
            Access::Write => Some((open::visiting(path, false)?, None)),
            Access::Read => {
                open::visiting(path, true)?;
                None
            }
        };
        Self::on(path, connection, listener)
    }

    /// On a connection that writes, where anything is to be written, and with the lock that goes with it.
    fn on(
        path: &Path,
        connection: Option<(Connection, Option<File>)>,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, ServiceError> {
        let readers = (0..READERS)
            .map(|_| open::reading(path))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut jobs, mut writer) = (None, None);
        if let Some((connection, held)) = connection {
            let (sender, queue) = mpsc::channel(WAITING_WRITES);
            let thread = std::thread::Builder::new()
                .name("store-writer".to_owned())
                .spawn(move || writer::run(connection, queue))
                .map_err(|error| ServiceError::Store {
                    place: path.display().to_string(),
                    message: format!(
                        "the writing thread does not start ({error}); free some threads"
                    ),
                })?;
            let thread = Writer {
                thread,
                _held: held,
            };
            (jobs, writer) = (Some(sender), Some(thread));
        }
        Ok(Self {
            path: path.to_path_buf(),
            jobs: Mutex::new(jobs),
            writer: Mutex::new(writer),
            idle: Arc::new(Mutex::new(readers)),
            reading: Arc::new(Semaphore::new(READERS)),
            listener,
        })
    }

    /// Runs `work` inside a transaction and gives its result once that is on the disk; then the listener hears of it, on the
    /// writing thread and in the order of the writes.
    fn write<'a, T, F>(&'a self, work: F) -> Later<'a, T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> writes::Told<T> + Send + 'static,
    {
        let jobs = lock(&self.jobs).clone();
        let listener = Arc::clone(&self.listener);
        async move {
            let jobs = jobs.ok_or(StoreError::ShutDown)?;
            let (reply, answer) = oneshot::channel();
            let told = move |(_, notice): &mut (T, Option<Notice>)| {
                if let Some(notice) = notice.take() {
                    listener.changed(notice);
                }
            };
            let job: Box<dyn Job> = Box::new(Write::new(work, told, reply));
            jobs.send(job).await.map_err(|_| StoreError::ShutDown)?;
            let (value, _) = answer.await.map_err(|_| StoreError::ShutDown)??;
            Ok(value)
        }
        .boxed()
    }

    /// Like [`Sqlite::write`], with nothing to tell.
    fn write_quietly<'a, T, F>(&'a self, work: F) -> Later<'a, T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write(move |tx| Ok((work(tx)?, None)))
    }

    /// Runs `work` on a connection that only reads, off the async threads.
    fn read<'a, T, F>(&'a self, work: F) -> Later<'a, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        async move {
            let permit = Arc::clone(&self.reading)
                .acquire_owned()
                .await
                .map_err(|_| StoreError::ShutDown)?;
            let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
            let result = tokio::task::spawn_blocking(move || {
                // Held until the read is over, also where nobody waits for it any more.
                let _permit = permit;
                // A read that panicked took its connection along: then a fresh one is opened.
                let kept = lock(&idle).pop();
                let connection = match kept {
                    Some(connection) => connection,
                    None => open::reading(&path)?,
                };
                let result = work(&connection);
                lock(&idle).push(connection);
                result
            })
            .await;
            result.unwrap_or_else(|error| {
                Err(StoreError::Engine(format!("a read broke off: {error}")))
            })
        }
        .boxed()
    }
}

impl Sqlite {
    async fn prune_old(&self, prune: Prune, limit: usize) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        let before = prune.transcript_before;
        for pid in self.read(move |c| prune::over(c, before, limit)).await? {
            let took = self.write_quietly(move |tx| prune::take_over(tx, pid, before));
            pruned.partitions += u64::from(took.await?);
        }
        let forget = async |what, before| {
            let mut gone = 0;
            while gone < limit {
                let rows = prune::ROWS.min(limit - gone);
                let now = self.write_quietly(move |tx| prune::forget(tx, what, before, rows));
                let now = now.await?;
                gone += now;
                if now < rows {
                    break;
                }
            }
            Ok::<_, StoreError>(gone as u64)
        };
        pruned.traces = forget(prune::TRACES, prune.trace_before).await?;
        pruned.seen = forget(prune::SEEN, prune.seen_before).await?;
        Ok(pruned)
    }
}

impl Engine for Sqlite {
    fn accept(&self, accept: Accept) -> Later<'_, Accepted> {
        self.write(move |tx| writes::accept(tx, accept))
    }

    fn commit(&self, commit: Commit) -> Later<'_, Committed> {
        self.write(move |tx| writes::commit(tx, commit))
    }

    fn snapshot<'a>(
        &'a self,
        partition: &'a PartitionId,
        docs: &'a [&'a str],
    ) -> Later<'a, Option<Snapshot>> {
        let (partition, docs) = (partition.clone(), docs.iter().map(|&doc| doc.to_owned()));
        let docs: Vec<String> = docs.collect();
        self.read(move |c| reads::snapshot(c, &partition, &docs))
    }

    fn log<'a>(
        &'a self,
        partition: &'a PartitionId,
        after: u64,
        limit: usize,
    ) -> Later<'a, Vec<Entry>> {
        let partition = partition.clone();
        self.read(move |c| reads::log(c, &partition, after, limit))
    }

    fn tail<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Entry>> {
        let partition = partition.clone();
        self.read(move |c| reads::tail(c, &partition, limit))
    }

    fn seen<'a>(
        &'a self,
        partition: &'a PartitionId,
        sender_id: &'a str,
    ) -> Later<'a, Option<Seen>> {
        let (partition, sender_id) = (partition.clone(), sender_id.to_owned());
        self.read(move |c| reads::seen(c, &partition, &sender_id))
    }

    fn traces<'a>(&'a self, partition: &'a PartitionId, limit: usize) -> Later<'a, Vec<Bytes>> {
        let partition = partition.clone();
        self.read(move |c| reads::traces(c, &partition, limit))
    }

    fn ready(&self, limit: usize) -> Later<'_, Vec<PartitionId>> {
        self.read(move |c| reads::ready(c, limit))
    }

    fn due(&self, now: Timestamp, limit: usize) -> Later<'_, Vec<PartitionId>> {
        self.read(move |c| reads::due(c, now, limit))
    }

    fn claim(&self, now: Timestamp, until: Timestamp, limit: usize) -> Later<'_, Vec<Claim>> {
        self.write_quietly(move |tx| writes::claim(tx, now, until, limit))
    }

    fn settle<'a>(&'a self, claim: &'a Claim, settle: Settle, now: Timestamp) -> Later<'a, ()> {
        let claim = claim.clone();
        self.write_quietly(move |tx| writes::settle(tx, &claim, &settle, now))
    }

    fn dead(&self, limit: usize) -> Later<'_, Vec<DeadLetter>> {
        self.read(move |c| reads::dead(c, limit))
    }

    fn revive<'a>(
        &'a self,
        letter: &'a DeadLetter,
        again: bool,
        now: Timestamp,
    ) -> Later<'a, bool> {
        let letter = letter.clone();
        self.write_quietly(move |tx| writes::revive(tx, &letter, again, now))
    }

    fn partitions<'a>(&'a self, after: &'a str, limit: usize) -> Later<'a, Vec<PartitionId>> {
        let after = after.to_owned();
        self.read(move |c| reads::partitions(c, &after, limit))
    }

    fn prune(&self, prune: Prune, limit: usize) -> Later<'_, Pruned> {
        self.prune_old(prune, limit).boxed()
    }

    fn remove<'a>(&'a self, partition: &'a PartitionId, expected: u64) -> Later<'a, bool> {
        let partition = partition.clone();
        self.write_quietly(move |tx| prune::remove(tx, &partition, expected))
    }

    fn signal<'a>(&'a self, partition: &'a PartitionId, signal: &'a [u8]) -> Later<'a, ()> {
        // One process: everyone who listens is here.
        self.listener.signalled(partition, signal);
        std::future::ready(Ok(())).boxed()
    }

    fn health(&self) -> Later<'_, Health> {
        async move {
            // An empty write: goes through the writing thread and a transaction as any other.
            self.write_quietly(|_| Ok(())).await?;
            let (ready, oldest_ready) = self.read(reads::count_ready).await?;
            Ok(Health {
                engine: "sqlite",
                durability: Durability::Durable,
                leases: 1,
                ready,
                oldest_ready,
            })
        }
        .boxed()
    }

    fn is_mine(&self, _: &PartitionId) -> bool {
        true
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            // Whoever closes last empties the write-ahead log into the file and takes it away, which only a connection that
            // writes can do: a file without one beside it can be copied and replaced.
            let read = self.reading.acquire_many(READERS as u32).await;
            self.reading.close();
            lock(&self.idle).clear();
            drop(read);
            drop(lock(&self.jobs).take());
            let writer = lock(&self.writer).take();
            if let Some(writer) = writer {
                // A writing thread that panicked has nothing left to wait for.
                let _ = tokio::task::spawn_blocking(move || writer.thread.join()).await;
            }
        }
        .boxed()
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Engine(error.to_string()),
        }
    }
}

impl From<rusqlite::types::FromSqlError> for StoreError {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Engine(error.to_string())
    }
}

/// Bodies of all inputs, in the order in which they were stored. The file may be in use.
///
/// # Errors
/// The file can't be opened or read, or isn't a store of this version.
pub fn inputs_of_file(path: &Path) -> Result<Vec<Vec<u8>>, StoreError> {
    reads::inputs(&open::reading(path)?)
}

/// Does something to a file behind the program's back.
#[cfg(test)]
pub(crate) fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("opens");
    let patience = std::time::Duration::from_secs(5);
    connection.busy_timeout(patience).expect("set");
    connection.execute_batch(sql).expect("done");
}

/// Locks; what a panicking holder left behind is still whole here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
