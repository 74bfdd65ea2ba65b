//! What changes a partition, each inside a transaction that the writing thread has begun.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Transaction, params};

use super::super::StoreError;
use super::values::{integer, millis, number, time};
use crate::partition::{
    Accept, Accepted, Claim, Commit, Committed, DeadLetter, Due, Entry, Kind, NewEntry, Notice,
    Outbound, PartitionId, Settle,
};

/// A body as it is bound: text where it is JSON, so that people can read the tables.
pub(super) fn bound(body: &[u8]) -> ToSqlOutput<'_> {
    let is_json = matches!(body.first(), Some(b'{' | b'[' | b'"')) && str::from_utf8(body).is_ok();
    ToSqlOutput::Borrowed(if is_json {
        ValueRef::Text(body)
    } else {
        ValueRef::Blob(body)
    })
}

/// Result of a write, and what to tell of it.
pub(super) type Told<T> = Result<(T, Option<Notice>), StoreError>;

pub(super) fn accept(tx: &Transaction<'_>, accept: Accept) -> Told<Accepted> {
    let head = tx
        .prepare_cached("SELECT pid, closed, waiting FROM partitions WHERE id = ?1")?
        .query_row([accept.partition.as_str()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, bool>(1)?,
                number(row.get(2)?),
            ))
        })
        .optional()?;
    let Some((pid, closed, waiting)) = head else {
        return Ok((Accepted::Unknown, None));
    };
    let before = tx
        .prepare_cached("SELECT hash, seq FROM seen WHERE pid = ?1 AND sender_id = ?2")?
        .query_row(params![pid, accept.sender_id], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, number(row.get(1)?)))
        })
        .optional()?;
    match before {
        Some((hash, seq)) if hash == accept.hash => {
            return Ok((Accepted::Before { seq }, None));
        }
        Some(_) => return Ok((Accepted::Different, None)),
        None => {}
    }
    if closed {
        return Ok((Accepted::Closed, None));
    }
    if waiting >= accept.most_waiting {
        return Ok((Accepted::Full, None));
    }
    let last_seq: i64 = tx
        .prepare_cached(
            "UPDATE partitions SET last_seq = last_seq + 1, waiting = waiting + 1, \
             last_at = max(last_at, ?2) WHERE pid = ?1 RETURNING last_seq",
        )?
        .query_row(params![pid, millis(accept.at)], |row| row.get(0))?;
    let seq = number(last_seq);
    let entry = Entry {
        seq,
        at: accept.at,
        kind: Kind::Input,
        cause: 0,
        body: accept.body,
    };
    insert(tx, pid, &entry)?;
    see(tx, pid, &accept.sender_id, &accept.hash, (seq, accept.at))?;
    let notice = Notice {
        partition: accept.partition,
        last_seq: seq,
        processed: 0,
        entries: Some(Arc::from([entry])),
        outbound: false,
    };
    Ok((Accepted::New { seq }, Some(notice)))
}

pub(super) fn insert(tx: &Transaction<'_>, pid: i64, entry: &Entry) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO log (pid, seq, at, kind, cause, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        pid,
        integer(entry.seq),
        millis(entry.at),
        entry.kind.name(),
        integer(entry.cause),
        bound(&entry.body)
    ])?;
    Ok(())
}

pub(super) fn see(
    tx: &Transaction<'_>,
    pid: i64,
    sender_id: &str,
    hash: &[u8; 16],
    (seq, at): (u64, Timestamp),
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO seen (pid, sender_id, hash, seq, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![pid, sender_id, hash, integer(seq), millis(at)])?;
    Ok(())
}

/// Raises the head's revision and makes room for what is appended; gives pid, revision and the last seq before, or none
/// where the head is not at the expected revision.
fn move_head(
    tx: &Transaction<'_>,
    commit: &Commit,
    inputs: i64,
) -> Result<Option<(i64, u64, u64)>, StoreError> {
    let appended = commit.append.len() as i64;
    let done = i64::from(commit.processed.is_some());
    let waiting = inputs - done;
    let (keeps, due) = match commit.due {
        Due::Keep => (true, None),
        Due::Never => (false, None),
        Due::At(at) => (false, Some(millis(at))),
    };
    let processed = commit.processed.map(integer);
    let Some(expected) = commit.expected else {
        let made = tx
            .prepare_cached(
                "INSERT INTO partitions (id, revision, last_seq, processed, waiting, closed, last_at, \
                 due) VALUES (?1, 1, ?2, coalesce(?3, 0), max(?4, 0), ?5, ?6, ?7) \
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                commit.partition.as_str(),
                appended,
                processed,
                waiting,
                commit.close,
                millis(commit.at),
                due
            ])?;
        return Ok((made == 1).then(|| (tx.last_insert_rowid(), 1, 0)));
    };
    let moved = tx
        .prepare_cached(
            "UPDATE partitions SET revision = revision + 1, last_seq = last_seq + ?3, \
             processed = coalesce(?4, processed), waiting = max(waiting + ?5, 0), \
             closed = closed OR ?6, \
             last_at = CASE WHEN ?3 > 0 THEN max(last_at, ?7) ELSE last_at END, \
             due = CASE WHEN ?8 THEN due ELSE ?9 END \
             WHERE id = ?1 AND revision = ?2 RETURNING pid, revision, last_seq - ?3",
        )?
        .query_row(
            params![
                commit.partition.as_str(),
                integer(expected),
                appended,
                processed,
                waiting,
                commit.close,
                millis(commit.at),
                keeps,
                due
            ],
            |row| Ok((row.get(0)?, number(row.get(1)?), number(row.get(2)?))),
        )
        .optional()?;
    Ok(moved)
}

pub(super) fn commit(tx: &Transaction<'_>, mut commit: Commit) -> Told<Committed> {
    let is_input = |entry: &&NewEntry| entry.kind == Kind::Input;
    let inputs = commit.append.iter().filter(is_input).count() as i64;
    let Some((pid, revision, before)) = move_head(tx, &commit, inputs)? else {
        return Ok((Committed::Conflict, None));
    };
    for seq in &commit.erase {
        tx.prepare_cached("DELETE FROM log WHERE pid = ?1 AND seq = ?2")?
            .execute(params![pid, integer(*seq)])?;
    }
    let first_seq = before + 1;
    let mut appended = Vec::with_capacity(commit.append.len());
    for (seq, new) in (first_seq..).zip(std::mem::take(&mut commit.append)) {
        let entry = Entry {
            seq,
            at: commit.at,
            kind: new.kind,
            cause: new.cause,
            body: new.body,
        };
        insert(tx, pid, &entry)?;
        appended.push(entry);
    }
    let last_seq = before + appended.len() as u64;
    for (name, body) in &commit.docs {
        put(tx, pid, name, body.as_deref())?;
    }
    if let Some((sender_id, hash, index)) = &commit.seen {
        let seq = first_seq + *index as u64;
        see(tx, pid, sender_id, hash, (seq, commit.at))?;
    }
    for out in &commit.out {
        send(tx, pid, last_seq, commit.at, out)?;
    }
    if let Some(trace) = &commit.trace {
        tx.prepare_cached("INSERT INTO traces (pid, seq, body, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                pid,
                integer(commit.processed.unwrap_or(last_seq)),
                bound(trace),
                millis(commit.at)
            ])?;
    }
    let notice = Notice {
        outbound: !commit.out.is_empty(),
        processed: commit.processed.unwrap_or(0),
        partition: commit.partition,
        last_seq,
        entries: Some(Arc::from(appended)),
    };
    let done = Committed::Done {
        revision,
        first_seq,
    };
    Ok((done, Some(notice)))
}

pub(super) fn put(
    tx: &Transaction<'_>,
    pid: i64,
    name: &str,
    body: Option<&[u8]>,
) -> Result<(), StoreError> {
    match body {
        Some(body) => tx
            .prepare_cached(
                "INSERT INTO docs (pid, name, body) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (pid, name) DO UPDATE SET body = excluded.body",
            )?
            .execute(params![pid, name, bound(body)])?,
        None => tx
            .prepare_cached("DELETE FROM docs WHERE pid = ?1 AND name = ?2")?
            .execute(params![pid, name])?,
    };
    Ok(())
}

fn send(
    tx: &Transaction<'_>,
    pid: i64,
    seq: u64,
    at: Timestamp,
    out: &Outbound,
) -> Result<(), StoreError> {
    let (lane, place): (i64, i64) = tx
        .prepare_cached(
            "INSERT INTO lanes (pid, destination, next, free_at) VALUES (?1, ?2, 1, ?3) \
             ON CONFLICT (pid, destination) DO UPDATE SET next = next + 1, \
             free_at = coalesce(free_at, excluded.free_at) RETURNING lane, next",
        )?
        .query_row(params![pid, out.destination, millis(at)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    tx.prepare_cached(
        "INSERT INTO outbox (lane, number, seq, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        lane,
        place,
        integer(seq),
        millis(at),
        bound(&out.body)
    ])?;
    Ok(())
}

pub(super) fn claim(
    tx: &Transaction<'_>,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Claim>, StoreError> {
    let mut free = tx.prepare_cached(
        "SELECT lane, id, destination FROM lanes JOIN partitions USING (pid) \
         WHERE free_at IS NOT NULL AND free_at <= ?1 ORDER BY free_at, lane LIMIT ?2",
    )?;
    let rows = free.query_map(params![millis(now), limit as i64], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
        ))
    })?;
    let lanes: Vec<_> = rows.collect::<Result<_, _>>()?;
    let mut claims = Vec::with_capacity(lanes.len());
    for (lane, partition, destination) in lanes {
        let oldest = tx
            .prepare_cached(
                "SELECT number, seq, at, attempts, body FROM outbox \
                 WHERE lane = ?1 AND died_at IS NULL ORDER BY number LIMIT 1",
            )?
            .query_row([lane], |row| {
                Ok(Claim {
                    partition: PartitionId::named(&partition),
                    destination,
                    number: number(row.get(0)?),
                    seq: number(row.get(1)?),
                    at: time(row.get(2)?),
                    attempts: row.get(3)?,
                    body: Arc::from(row.get_ref(4)?.as_bytes()?),
                })
            })
            .optional()?;
        tx.prepare_cached("UPDATE lanes SET free_at = ?2 WHERE lane = ?1")?
            .execute(params![lane, oldest.is_some().then(|| millis(until))])?;
        if let Some(claim) = oldest {
            tx.prepare_cached(
                "UPDATE outbox SET attempts = attempts + 1 WHERE lane = ?1 AND number = ?2",
            )?
            .execute(params![lane, integer(claim.number)])?;
            claims.push(claim);
        }
    }
    Ok(claims)
}

pub(super) fn settle(
    tx: &Transaction<'_>,
    claim: &Claim,
    settle: &Settle,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(lane) = lane_of(tx, claim)? else {
        return Ok(());
    };
    let oldest: Option<i64> = tx
        .prepare_cached("SELECT min(number) FROM outbox WHERE lane = ?1 AND died_at IS NULL")?
        .query_row([lane], |row| row.get(0))?;
    if oldest != Some(integer(claim.number)) {
        return Ok(());
    }
    let free_at = match settle {
        Settle::Later(at) => Some(millis(*at)),
        Settle::Done => {
            tx.prepare_cached("DELETE FROM outbox WHERE lane = ?1 AND number = ?2")?
                .execute(params![lane, oldest])?;
            next_free(tx, lane, now)?
        }
        Settle::Dead { why } => {
            // As it was claimed last, like on every engine.
            tx.prepare_cached(
                "UPDATE outbox SET died_at = ?3, why = ?4, attempts = ?5 \
                 WHERE lane = ?1 AND number = ?2",
            )?
            .execute(params![lane, oldest, millis(now), why, claim.attempts])?;
            next_free(tx, lane, now)?
        }
    };
    tx.prepare_cached("UPDATE lanes SET free_at = ?2 WHERE lane = ?1")?
        .execute(params![lane, free_at])?;
    Ok(())
}

/// When the next of a lane may be claimed: now, or never where there is none.
fn next_free(tx: &Transaction<'_>, lane: i64, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let more: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE lane = ?1 AND died_at IS NULL)")?
        .query_row([lane], |row| row.get(0))?;
    Ok(more.then(|| millis(now)))
}

fn lane_of(tx: &Transaction<'_>, claim: &Claim) -> Result<Option<i64>, StoreError> {
    Ok(tx
        .prepare_cached(
            "SELECT lane FROM lanes JOIN partitions USING (pid) WHERE id = ?1 AND destination = ?2",
        )?
        .query_row([claim.partition.as_str(), &claim.destination], |row| {
            row.get(0)
        })
        .optional()?)
}

pub(super) fn revive(
    tx: &Transaction<'_>,
    letter: &DeadLetter,
    again: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let claim = &letter.claim;
    let Some(lane) = lane_of(tx, claim)? else {
        return Ok(false);
    };
    let gone = tx
        .prepare_cached(
            "DELETE FROM outbox WHERE lane = ?1 AND number = ?2 AND died_at IS NOT NULL",
        )?
        .execute(params![lane, integer(claim.number)])?;
    if gone == 1 && again {
        let pid = tx
            .prepare_cached("SELECT pid FROM lanes WHERE lane = ?1")?
            .query_row([lane], |row| row.get(0))?;
        let out = Outbound {
            destination: claim.destination.clone(),
            body: Arc::clone(&claim.body),
        };
        send(tx, pid, claim.seq, now, &out)?;
    }
    Ok(gone == 1)
}
