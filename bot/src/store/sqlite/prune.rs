//! What is old is forgotten, in transactions so small that turns don't wait for them.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::super::StoreError;
use super::values::{integer, millis};
use crate::partition::PartitionId;

/// Traces or senders' ids that one transaction forgets.
pub(super) const ROWS: usize = 100;

/// Nothing waits in a partition and nothing of it is to be sent.
macro_rules! at_rest {
    () => {
        "waiting = 0 AND NOT EXISTS \
         (SELECT 1 FROM lanes WHERE lanes.pid = partitions.pid AND free_at IS NOT NULL)"
    };
}

/// Closed partitions in which nothing was appended since a time, the oldest first.
pub(super) const OVER: &str = concat!(
    "SELECT pid FROM partitions WHERE closed = 1 AND last_at < ?1 AND ",
    at_rest!(),
    " ORDER BY last_at LIMIT ?2"
);

/// Forgets the oldest traces.
pub(super) const TRACES: &str = "DELETE FROM traces WHERE rowid IN \
     (SELECT rowid FROM traces WHERE at < ?1 ORDER BY at LIMIT ?2)";

/// Forgets the oldest senders' ids whose inputs are worked through.
pub(super) const SEEN: &str = "DELETE FROM seen WHERE (pid, sender_id) IN \
     (SELECT seen.pid, sender_id FROM seen CROSS JOIN partitions USING (pid) \
      WHERE at < ?1 AND (seq <= processed OR waiting = 0) ORDER BY at LIMIT ?2)";

/// Finds what may go; whoever takes it away looks again.
pub(super) fn over(
    connection: &Connection,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let mut select = connection.prepare_cached(OVER)?;
    let rows = select.query_map(params![millis(before), limit as i64], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes a partition away that [`over`] has found, if it still may go.
pub(super) fn take_over(
    tx: &Transaction<'_>,
    pid: i64,
    before: Timestamp,
) -> Result<bool, StoreError> {
    let goes = tx
        .prepare_cached(concat!(
            "SELECT 1 FROM partitions WHERE pid = ?1 AND closed = 1 AND last_at < ?2 AND ",
            at_rest!()
        ))?
        .exists(params![pid, millis(before)])?;
    if goes {
        take(tx, pid)?;
    }
    Ok(goes)
}

/// Takes a partition away that is at a revision, if it is at rest.
pub(super) fn remove(
    tx: &Transaction<'_>,
    partition: &PartitionId,
    expected: u64,
) -> Result<bool, StoreError> {
    let pid = tx
        .prepare_cached(concat!(
            "SELECT pid FROM partitions WHERE id = ?1 AND revision = ?2 AND ",
            at_rest!()
        ))?
        .query_row(params![partition.as_str(), integer(expected)], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(pid) = pid {
        take(tx, pid)?;
    }
    Ok(pid.is_some())
}

/// Takes away all rows of a partition. In one transaction: its pid may be given to the next partition that is made.
fn take(tx: &Transaction<'_>, pid: i64) -> Result<(), StoreError> {
    for rows in [
        "DELETE FROM log WHERE pid = ?1",
        "DELETE FROM docs WHERE pid = ?1",
        "DELETE FROM seen WHERE pid = ?1",
        "DELETE FROM traces WHERE pid = ?1",
        "DELETE FROM outbox WHERE lane IN (SELECT lane FROM lanes WHERE pid = ?1)",
        "DELETE FROM lanes WHERE pid = ?1",
        "DELETE FROM partitions WHERE pid = ?1",
    ] {
        tx.prepare_cached(rows)?.execute([pid])?;
    }
    Ok(())
}

/// Runs [`TRACES`] or [`SEEN`]; gives how many went.
pub(super) fn forget(
    tx: &Transaction<'_>,
    what: &'static str,
    before: Timestamp,
    limit: usize,
) -> Result<usize, StoreError> {
    let gone = tx
        .prepare_cached(what)?
        .execute(params![millis(before), limit as i64])?;
    Ok(gone)
}
