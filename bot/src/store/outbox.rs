//! The table of what has to be sent out, at least once.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{StoreError, integer, millis, number};

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its id.
    pub id: i64,
    /// The conversation it is about.
    pub conversation: String,
    /// Journal seq that it belongs to.
    pub seq: u64,
    /// What it is: `status` for a handoff's status event.
    pub kind: String,
    /// JSON.
    pub body: String,
    /// Times it was sent in vain.
    pub attempts: u32,
}

/// Puts something in; it is due at once.
///
/// # Errors
/// SQLite's.
pub fn put(
    tx: &Transaction<'_>,
    conversation: &str,
    seq: u64,
    kind: &str,
    body: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (conversation, seq, kind, body, next_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![conversation, integer(seq), kind, body, millis(at)])?;
    Ok(())
}

/// What is due at a time: what was due first, first, and of that in the order it was put in.
///
/// # Errors
/// SQLite's.
pub fn due(connection: &Connection, at: Timestamp, limit: u32) -> Result<Vec<Due>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT id, conversation, seq, kind, body, attempts FROM outbox \
         WHERE done_at IS NULL AND next_at <= ?1 ORDER BY next_at, id LIMIT ?2",
    )?;
    let rows = find.query_map(params![millis(at), limit], |row| {
        Ok(Due {
            id: row.get(0)?,
            conversation: row.get(1)?,
            seq: number(row.get(2)?),
            kind: row.get(3)?,
            body: row.get(4)?,
            attempts: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Marks something as sent.
///
/// # Errors
/// SQLite's.
pub fn done(tx: &Transaction<'_>, id: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE outbox SET done_at = ?2, attempts = attempts + 1 WHERE id = ?1")?
        .execute(params![id, millis(at)])?;
    Ok(())
}

/// Puts something off that could not be sent.
///
/// # Errors
/// SQLite's.
pub fn later(tx: &Transaction<'_>, id: i64, next: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE outbox SET next_at = ?2, attempts = attempts + 1 WHERE id = ?1")?
        .execute(params![id, millis(next)])?;
    Ok(())
}
