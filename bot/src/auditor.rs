//! Writes the audit log, and reads it: for the program and for commands beside it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;

#[cfg(test)]
use crate::audit::AuditEntry;
use crate::audit::{Deed, Link, hash_of};
use crate::clock::Clock;
use crate::decide::decide;
use crate::error::ServiceError;
use crate::partition::{Entry, PartitionId};
use crate::rules::audit::{FORGOTTEN, LAST, Walk, append, forget, link};
use crate::store::Store;

/// Entries that are read at once.
const PAGE: usize = 1_000;

/// Findings after which looking on tells nothing new.
const MOST_FOUND: usize = 20;

type Result<T> = std::result::Result<T, ServiceError>;

/// The way to the audit log. Clones write one after the other.
#[derive(Clone)]
pub(crate) struct Auditor {
    /// Where it is kept.
    pub(crate) store: Store,
    /// Time.
    pub(crate) clock: Clock,
    /// Whoever writes: those of one process wait for each other instead of getting in each other's way.
    turn: Arc<Mutex<()>>,
}

/// How the log was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Entries that were looked at.
    pub(crate) entries: u64,
    /// The last of them.
    pub(crate) last: Link,
    /// What is wrong, in order; empty where nothing is.
    pub(crate) found: Vec<String>,
}

impl Auditor {
    /// One for a store.
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        let turn = Arc::default();
        Self { store, clock, turn }
    }

    /// Writes down what was done, or is about to be.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn write(&self, deed: &Deed) -> Result<()> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        decide(&self.store, &PartitionId::audit(), &[LAST], |audit| {
            append(audit, deed, now)
        })
        .await?;
        Ok(())
    }

    /// The same of what has been done and can't be taken back: where it can't be written, the program's log has it.
    pub(crate) async fn note(&self, deed: &Deed) {
        if let Err(error) = self.write(deed).await {
            tracing::error!(?deed, %error, "this was done and can't be written into the audit log");
        }
    }

    /// Gives all entries, oldest first, each with its hash and as it was stored.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn export(&self, mut each: impl FnMut(&str, &Entry)) -> Result<()> {
        let mut after = 0;
        loop {
            let page = self.store.log(&PartitionId::audit(), after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.seq;
            for entry in &page {
                each(&hash_of(&entry.body), entry);
            }
        }
    }

    /// Follows the chain from the oldest entry that is kept; `known` are places that somebody noted elsewhere.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn verify(&self, known: &[Link]) -> Result<Verified> {
        loop {
            let start = self.forgotten().await?;
            let verified = self.verify_from(&start, known).await?;
            // What was forgotten meanwhile is no damage.
            if verified.found.is_empty() || self.forgotten().await? == start {
                return Ok(verified);
            }
        }
    }

    async fn verify_from(&self, start: &Link, known: &[Link]) -> Result<Verified> {
        let audit = PartitionId::audit();
        let snapshot = self.store.snapshot(&audit, &[LAST]).await?;
        let last = link(snapshot.as_ref(), LAST)?;
        let known = known.iter().cloned().chain([last]);
        let mut walk = Walk::after(start.clone(), known);
        let mut entries = 0;
        while walk.found.len() < MOST_FOUND {
            let page = self.store.log(&audit, walk.at.seq, PAGE).await?;
            if page.is_empty() {
                walk.end();
                break;
            }
            entries += page.len() as u64;
            page.iter().for_each(|entry| walk.step(entry));
        }
        Ok(Verified {
            entries,
            last: walk.at,
            found: walk.found,
        })
    }

    /// The last entry that was forgotten.
    async fn forgotten(&self) -> Result<Link> {
        let audit = PartitionId::audit();
        let snapshot = self.store.snapshot(&audit, &[FORGOTTEN]).await?;
        Ok(link(snapshot.as_ref(), FORGOTTEN)?)
    }

    /// Forgets the oldest entries from before a time, at most `limit`; gives how many.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn forget(&self, before: Timestamp, limit: usize) -> Result<usize> {
        let audit = PartitionId::audit();
        let forgotten = self.forgotten().await?;
        let oldest = self.store.log(&audit, forgotten.seq, limit).await?;
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let done = decide(&self.store, &audit, &[LAST, FORGOTTEN], |audit| {
            forget(audit, &oldest, before, now)
        });
        Ok(done.await?.answer)
    }

    /// The entries, oldest first.
    ///
    /// # Errors
    /// The store is away, or an entry can't be read.
    #[cfg(test)]
    pub(crate) async fn entries(&self) -> Result<Vec<AuditEntry>> {
        let mut entries = Vec::new();
        self.export(|_, entry| entries.push(AuditEntry::of(&entry.body)))
            .await?;
        Ok(entries.into_iter().collect::<std::result::Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests;
