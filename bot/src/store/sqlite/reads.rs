//! What only reads, each on a connection of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::StoreError;
use super::values::{integer, millis, number, time};
use crate::partition::{Bytes, Claim, DeadLetter, Entry, Head, Kind, PartitionId, Seen, Snapshot};

fn pid(connection: &Connection, partition: &PartitionId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT pid FROM partitions WHERE id = ?1")?
        .query_row([partition.as_str()], |row| row.get(0))
        .optional()
}

pub(super) fn snapshot(
    connection: &Connection,
    partition: &PartitionId,
    docs: &[String],
) -> Result<Option<Snapshot>, StoreError> {
    // One transaction, so that head and documents are of the same moment.
    let tx = connection.unchecked_transaction()?;
    read_snapshot(&tx, partition, docs)
}

/// The same, inside a transaction.
pub(super) fn read_snapshot(
    tx: &Connection,
    partition: &PartitionId,
    docs: &[String],
) -> Result<Option<Snapshot>, StoreError> {
    let head = tx
        .prepare_cached(
            "SELECT pid, revision, last_seq, processed, waiting, closed, last_at \
             FROM partitions WHERE id = ?1",
        )?
        .query_row([partition.as_str()], |row| {
            let head = Head {
                revision: number(row.get(1)?),
                last_seq: number(row.get(2)?),
                processed: number(row.get(3)?),
                waiting: number(row.get(4)?),
                closed: row.get(5)?,
                last_at: time(row.get(6)?),
            };
            Ok((row.get::<_, i64>(0)?, head))
        })
        .optional()?;
    let Some((pid, head)) = head else {
        return Ok(None);
    };
    let mut found = BTreeMap::new();
    for doc in docs {
        let mut keep = |row: &Row<'_>| -> rusqlite::Result<()> {
            found.insert(row.get(0)?, Arc::from(row.get_ref(1)?.as_bytes()?));
            Ok(())
        };
        if let Some(prefix) = doc.strip_suffix('*') {
            // The last character that there is: everything that begins with the prefix sorts before it.
            let end = format!("{prefix}\u{10ffff}");
            let mut select = tx.prepare_cached(
                "SELECT name, body FROM docs WHERE pid = ?1 AND name >= ?2 AND name < ?3",
            )?;
            let mut rows = select.query(params![pid, prefix, end])?;
            while let Some(row) = rows.next()? {
                keep(row)?;
            }
        } else {
            tx.prepare_cached("SELECT name, body FROM docs WHERE pid = ?1 AND name = ?2")?
                .query_row(params![pid, doc], |row| keep(row))
                .optional()?;
        }
    }
    Ok(Some(Snapshot { head, docs: found }))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let kind = row.get_ref(2)?.as_str()?;
    Ok(Entry {
        seq: number(row.get(0)?),
        at: time(row.get(1)?),
        kind: Kind::of(kind).ok_or_else(|| {
            rusqlite::Error::InvalidColumnType(2, kind.to_owned(), rusqlite::types::Type::Text)
        })?,
        cause: number(row.get(3)?),
        body: Arc::from(row.get_ref(4)?.as_bytes()?),
    })
}

pub(super) fn log(
    connection: &Connection,
    partition: &PartitionId,
    after: u64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let Some(pid) = pid(connection, partition)? else {
        return Ok(Vec::new());
    };
    let mut select = connection.prepare_cached(
        "SELECT seq, at, kind, cause, body FROM log WHERE pid = ?1 AND seq > ?2 \
         ORDER BY seq LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![pid, integer(after), limit], entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn tail(
    connection: &Connection,
    partition: &PartitionId,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let Some(pid) = pid(connection, partition)? else {
        return Ok(Vec::new());
    };
    let mut select = connection.prepare_cached(
        "SELECT seq, at, kind, cause, body FROM log WHERE pid = ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![pid, limit], entry)?;
    let mut entries: Vec<Entry> = rows.collect::<Result<_, _>>()?;
    entries.reverse();
    Ok(entries)
}

pub(super) fn seen(
    connection: &Connection,
    partition: &PartitionId,
    sender_id: &str,
) -> Result<Option<Seen>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT seq, hash FROM seen JOIN partitions USING (pid) WHERE id = ?1 AND sender_id = ?2",
        )?
        .query_row([partition.as_str(), sender_id], |row| {
            Ok(Seen {
                seq: number(row.get(0)?),
                hash: row.get(1)?,
            })
        })
        .optional()?)
}

pub(super) fn traces(
    connection: &Connection,
    partition: &PartitionId,
    limit: usize,
) -> Result<Vec<Bytes>, StoreError> {
    let Some(pid) = pid(connection, partition)? else {
        return Ok(Vec::new());
    };
    let mut select = connection.prepare_cached(
        // The sign keeps the order from being found by reading the whole table.
        "SELECT body FROM traces WHERE pid = ?1 ORDER BY +rowid DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![pid, limit], |row| {
        Ok(Arc::from(row.get_ref(0)?.as_bytes()?))
    })?;
    let mut traces: Vec<Bytes> = rows.collect::<Result<_, _>>()?;
    traces.reverse();
    Ok(traces)
}

fn names(
    connection: &Connection,
    sql: &'static str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<PartitionId>, StoreError> {
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(parameters, |row| {
        Ok(PartitionId::named(row.get_ref(0)?.as_str()?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn ready(connection: &Connection, limit: usize) -> Result<Vec<PartitionId>, StoreError> {
    let sql = "SELECT id FROM partitions WHERE waiting > 0 ORDER BY pid LIMIT ?1";
    names(connection, sql, [limit as i64])
}

/// How many partitions have inputs that wait, and since when the oldest of these does.
pub(super) fn count_ready(connection: &Connection) -> Result<(u64, Option<Timestamp>), StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*), min((SELECT at FROM log WHERE log.pid = partitions.pid \
             AND seq > processed AND kind = 'input' ORDER BY seq LIMIT 1)) \
             FROM partitions WHERE waiting > 0",
        )?
        .query_row([], |row| {
            let oldest: Option<i64> = row.get(1)?;
            Ok((number(row.get(0)?), oldest.map(time)))
        })?)
}

pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<PartitionId>, StoreError> {
    let sql = "SELECT id FROM partitions WHERE due IS NOT NULL AND due <= ?1 ORDER BY due LIMIT ?2";
    names(connection, sql, params![millis(now), limit as i64])
}

pub(super) fn partitions(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> Result<Vec<PartitionId>, StoreError> {
    let sql = "SELECT id FROM partitions WHERE id > ?1 ORDER BY id LIMIT ?2";
    names(connection, sql, params![after, limit as i64])
}

pub(super) fn dead(connection: &Connection, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, destination, number, seq, at, attempts, body, died_at, why \
         FROM outbox JOIN lanes USING (lane) JOIN partitions USING (pid) \
         WHERE died_at IS NOT NULL ORDER BY died_at DESC, lane, number LIMIT ?1",
    )?;
    let rows = select.query_map([limit as i64], |row| {
        Ok(DeadLetter {
            claim: Claim {
                partition: PartitionId::named(row.get_ref(0)?.as_str()?),
                destination: row.get(1)?,
                number: number(row.get(2)?),
                seq: number(row.get(3)?),
                at: time(row.get(4)?),
                attempts: row.get(5)?,
                body: Arc::from(row.get_ref(6)?.as_bytes()?),
            },
            died_at: time(row.get(7)?),
            why: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn inputs(connection: &Connection) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut select =
        connection.prepare("SELECT body FROM log WHERE kind = 'input' ORDER BY rowid")?;
    let rows = select.query_map([], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
