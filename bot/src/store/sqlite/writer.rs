//! The writing thread: takes what waits, runs it in one transaction, commits, then tells everyone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::super::StoreError;

/// Most writes in one transaction: bounds how long the first of them waits.
const GROUP: usize = 256;

/// A write that waits for its turn.
pub(super) trait Job: Send {
    /// Does the work; `false` where nothing of it may stay.
    fn run(&mut self, tx: &Transaction<'_>) -> bool;
    /// Tells the caller; `end` is how the transaction ended.
    fn settle(self: Box<Self>, end: Result<(), StoreError>);
}

/// The job of one write.
pub(super) struct Write<T, F, G> {
    work: Option<F>,
    then: G,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, G> Write<T, F, G> {
    pub(super) fn new(work: F, then: G, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self {
            work: Some(work),
            then,
            result: None,
            reply,
        }
    }
}

impl<T, F, G> Job for Write<T, F, G>
where
    T: Send,
    F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send,
    G: FnOnce(&mut T) + Send,
{
    fn run(&mut self, tx: &Transaction<'_>) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // One write that panics must not take down the others'.
        let result = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|_| Err(StoreError::Engine("a write panicked".to_owned())));
        let stays = result.is_ok();
        self.result = Some(result);
        stays
    }

    fn settle(self: Box<Self>, end: Result<(), StoreError>) {
        let Self {
            then,
            result,
            reply,
            ..
        } = *self;
        let result = match (end, result) {
            // A write that was refused by a rule is told so, whatever became of the others.
            (_, Some(Err(error))) | (Err(error), _) => Err(error),
            (Ok(()), Some(Ok(mut value))) => {
                // The commit holds whatever `then` does.
                let _ = catch_unwind(AssertUnwindSafe(|| then(&mut value)));
                Ok(value)
            }
            (Ok(()), None) => Err(StoreError::ShutDown),
        };
        // A caller that is gone needs no answer; what it stored stays.
        let _ = reply.send(result);
    }
}

/// Runs until nobody can send any more.
pub(super) fn run(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut group: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP);
    while let Some(first) = queue.blocking_recv() {
        group.push(first);
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        metrics::histogram!("bellhop_store_group").record(group.len() as f64);
        let end = commit(&mut connection, &mut group);
        if let Err(error) = &end {
            tracing::error!(%error, writes = group.len(), "the store can't commit");
        }
        for job in group.drain(..) {
            job.settle(end.clone());
        }
    }
}

fn commit(connection: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in group {
        tx.prepare_cached("SAVEPOINT write")?.execute([])?;
        if !job.run(&tx) {
            if tx.is_autocommit() {
                // SQLite has rolled back everything by itself, on a full disk for one.
                return Err(StoreError::Full);
            }
            tx.prepare_cached("ROLLBACK TO write")?.execute([])?;
        }
        tx.prepare_cached("RELEASE write")?.execute([])?;
    }
    tx.commit()?;
    Ok(())
}
