//! What gauges and commands ask, of a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::super::StoreError;
use super::super::engine::Later;
use super::super::upkeep::{Backlog, Damage, Export, Lane, Upkeep, Whose};
use super::values::{integer, millis, number, time};
use super::writes::{bound, insert, put, see};
use super::{Sqlite, reads};
use crate::partition::{Bytes, Claim, DeadLetter, PartitionId, Seen};

/// Most lines of SQLite's own check: what comes after them is of the same kind.
const MOST_LINES: u32 = 20;

/// Tables whose rows belong to a partition or a lane, each with how it is told which have none.
const OWNED: [(&str, &str, &str); 6] = [
    ("log", "pid", "partitions"),
    ("docs", "pid", "partitions"),
    ("seen", "pid", "partitions"),
    ("traces", "pid", "partitions"),
    ("lanes", "pid", "partitions"),
    ("outbox", "lane", "lanes"),
];

impl Upkeep for Sqlite {
    fn backlog(&self, _: Whose) -> Later<'_, Vec<Backlog>> {
        self.read(backlog)
    }

    fn export<'a>(&'a self, partition: &'a PartitionId) -> Later<'a, Option<Export>> {
        let partition = partition.clone();
        self.read(move |c| export(c, &partition))
    }

    fn import(&self, export: Export) -> Later<'_, bool> {
        self.write_quietly(move |tx| import(tx, &export))
    }

    fn verify(&self) -> Later<'_, Vec<Damage>> {
        let place = self.path.display().to_string();
        async move { self.read(move |c| verify(c, &place)).await }.boxed()
    }
}

fn backlog(connection: &Connection) -> Result<Vec<Backlog>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT destination, sum(died_at IS NULL), min(CASE WHEN died_at IS NULL THEN at END), \
         sum(died_at IS NOT NULL) FROM outbox JOIN lanes USING (lane) \
         GROUP BY destination ORDER BY destination",
    )?;
    let rows = select.query_map([], |row| {
        Ok(Backlog {
            destination: row.get(0)?,
            waiting: number(row.get(1)?),
            oldest: row.get::<_, Option<i64>>(2)?.map(time),
            dead: number(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn export(connection: &Connection, partition: &PartitionId) -> Result<Option<Export>, StoreError> {
    // One transaction, so that all of it is of the same moment.
    let tx = connection.unchecked_transaction()?;
    let Some(snapshot) = reads::read_snapshot(&tx, partition, &["*".to_owned()])? else {
        return Ok(None);
    };
    let (pid, due): (i64, Option<i64>) = tx
        .prepare_cached("SELECT pid, due FROM partitions WHERE id = ?1")?
        .query_row([partition.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut seen = BTreeMap::new();
    let mut select = tx.prepare_cached("SELECT sender_id, seq, hash FROM seen WHERE pid = ?1")?;
    let mut rows = select.query([pid])?;
    while let Some(row) = rows.next()? {
        let (seq, hash) = (number(row.get(1)?), row.get(2)?);
        seen.insert(row.get(0)?, Seen { seq, hash });
    }
    let (lanes, dead) = outbox(&tx, partition, pid)?;
    Ok(Some(Export {
        partition: partition.clone(),
        head: snapshot.head,
        due: due.map(time),
        log: reads::log(&tx, partition, 0, usize::MAX)?,
        docs: snapshot.docs,
        seen,
        traces: traces(&tx, pid)?,
        lanes,
        dead,
    }))
}

fn traces(tx: &Connection, pid: i64) -> Result<Vec<(Timestamp, Bytes)>, StoreError> {
    let mut select =
        tx.prepare_cached("SELECT at, body FROM traces WHERE pid = ?1 ORDER BY +rowid")?;
    let rows = select.query_map([pid], |row| {
        Ok((time(row.get(0)?), Arc::from(row.get_ref(1)?.as_bytes()?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lanes of a partition with what waits in them, and what was given up.
type Outbox = (BTreeMap<String, Lane>, Vec<DeadLetter>);

fn outbox(tx: &Connection, partition: &PartitionId, pid: i64) -> Result<Outbox, StoreError> {
    let (mut lanes, mut dead) = (BTreeMap::new(), Vec::new());
    let mut select = tx.prepare_cached(
        "SELECT lane, destination, next, free_at FROM lanes WHERE pid = ?1 ORDER BY destination",
    )?;
    let mut rows = select.query([pid])?;
    while let Some(row) = rows.next()? {
        let (lane, destination): (i64, String) = (row.get(0)?, row.get(1)?);
        let mut waiting = Vec::new();
        let mut select = tx.prepare_cached(
            "SELECT number, seq, at, attempts, body, died_at, why FROM outbox WHERE lane = ?1 \
             ORDER BY number",
        )?;
        let mut entries = select.query([lane])?;
        while let Some(entry) = entries.next()? {
            let claim = Claim {
                partition: partition.clone(),
                destination: destination.clone(),
                number: number(entry.get(0)?),
                seq: number(entry.get(1)?),
                at: time(entry.get(2)?),
                attempts: entry.get(3)?,
                body: Arc::from(entry.get_ref(4)?.as_bytes()?),
            };
            match entry.get::<_, Option<i64>>(5)? {
                None => waiting.push(claim),
                Some(died_at) => dead.push(DeadLetter {
                    claim,
                    died_at: time(died_at),
                    why: entry.get::<_, Option<String>>(6)?.unwrap_or_default(),
                }),
            }
        }
        let lane = Lane {
            last: number(row.get(2)?),
            free_at: row.get::<_, Option<i64>>(3)?.map(time),
            waiting,
        };
        lanes.insert(destination, lane);
    }
    Ok((lanes, dead))
}

fn import(tx: &Transaction<'_>, export: &Export) -> Result<bool, StoreError> {
    let head = &export.head;
    let made = tx
        .prepare_cached(
            "INSERT INTO partitions (id, revision, last_seq, processed, waiting, closed, last_at, due) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            export.partition.as_str(),
            integer(head.revision),
            integer(head.last_seq),
            integer(head.processed),
            integer(head.waiting),
            head.closed,
            millis(head.last_at),
            export.due.map(millis)
        ])?;
    if made == 0 {
        return Ok(false);
    }
    let pid = tx.last_insert_rowid();
    for entry in &export.log {
        insert(tx, pid, entry)?;
    }
    for (name, body) in &export.docs {
        put(tx, pid, name, Some(body))?;
    }
    for (sender_id, seen) in &export.seen {
        see(
            tx,
            pid,
            sender_id,
            &seen.hash,
            (seen.seq, export.seen_at(seen)),
        )?;
    }
    for (at, trace) in &export.traces {
        // Which input a trace was of is not carried along. None that comes later has a smaller seq.
        tx.prepare_cached("INSERT INTO traces (pid, seq, body, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                pid,
                integer(head.processed),
                bound(trace),
                millis(*at)
            ])?;
    }
    for (destination, lane) in &export.lanes {
        let oldest = lane.waiting.first().map(|claim| claim.at);
        let free_at = oldest.map(|at| millis(lane.free_at.unwrap_or(at)));
        let id: i64 = tx
            .prepare_cached(
                "INSERT INTO lanes (pid, destination, next, free_at) VALUES (?1, ?2, ?3, ?4) \
                 RETURNING lane",
            )?
            .query_row(
                params![pid, destination, integer(lane.last), free_at],
                |row| row.get(0),
            )?;
        for claim in &lane.waiting {
            keep(tx, id, claim, None)?;
        }
        let own = |letter: &&DeadLetter| letter.claim.destination == *destination;
        for letter in export.dead.iter().filter(own) {
            keep(tx, id, &letter.claim, Some(letter))?;
        }
    }
    Ok(true)
}

/// Stores something of an outbox, given up or not.
fn keep(
    tx: &Transaction<'_>,
    lane: i64,
    claim: &Claim,
    dead: Option<&DeadLetter>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (lane, number, seq, at, attempts, body, died_at, why) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        lane,
        integer(claim.number),
        integer(claim.seq),
        millis(claim.at),
        claim.attempts,
        bound(&claim.body),
        dead.map(|letter| millis(letter.died_at)),
        dead.map(|letter| &letter.why)
    ])?;
    Ok(())
}

fn verify(connection: &Connection, place: &str) -> Result<Vec<Damage>, StoreError> {
    let mut found = Vec::new();
    let damage = |what: String, todo: &str| Damage {
        place: place.to_owned(),
        what,
        todo: todo.to_owned(),
    };
    const RESTORE: &str = "stop the server, keep this file, and put the last backup in its place (and take away what lies beside it, -wal and -shm); what else is told here is what \
                           can still be read of it";
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({MOST_LINES})"))?;
    let mut lines = check.query([])?;
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some(line)) => match line.get::<_, String>(0)? {
                fine if fine == "ok" => {}
                // A line break would make two findings of it.
                what => found.push(damage(
                    format!("SQLite: {}", what.replace('\n', "; ")),
                    RESTORE,
                )),
            },
            // So damaged that the check itself breaks off.
            Err(error) => {
                found.push(damage(
                    format!("SQLite's check broke off: {error}"),
                    RESTORE,
                ));
                break;
            }
        }
    }
    for (table, key, owners) in OWNED {
        let count = connection
            .prepare_cached(&format!(
                "SELECT count(*) FROM {table} WHERE {key} NOT IN (SELECT {key} FROM {owners})"
            ))?
            .query_row([], |row| row.get(0))
            .map(number);
        // What can't be counted is among what the check has found.
        if let Ok(count @ 1..) = count {
            let what = format!("{count} rows of the table `{table}` belong to nothing");
            found.push(damage(
                what,
                "copy the store (bellhop store copy): they are left behind",
            ));
        }
    }
    Ok(found)
}
