//! From version 1 of the tables, where each noun of the desk had a table of its own, and from version 2, which did not know when
//! a trace or a sender's id was stored.

use std::collections::BTreeMap;

use rusqlite::{Row, Transaction, params};
use serde_json::{Value, json};

use super::schema::Migration;
use super::values::{integer, number, time};
use super::writes::bound;
use crate::conversation::{ConversationHead, HEAD, STATE};
use crate::encoding::content_hash;
use crate::handoff::record::{document, earlier_ids};
use crate::partition::PartitionId;

/// How long transcripts are kept by default.
const RETENTION_MS: i64 = 90 * 24 * 3_600 * 1_000;

/// Takes the old tables out of the way.
pub(super) fn set_aside(tx: &Transaction<'_>) -> Result<(), Migration> {
    for table in [
        "conversations",
        "states",
        "journal",
        "seen",
        "outbox",
        "handoffs",
        "staff",
        "invites",
        "traces",
    ] {
        tx.execute_batch(&format!("ALTER TABLE {table} RENAME TO old_{table}"))?;
    }
    tx.execute_batch("DROP INDEX traces_by_seq")?;
    Ok(())
}

/// Carries everything over and drops the old tables.
pub(super) fn from_version_1(tx: &Transaction<'_>) -> Result<(), Migration> {
    heads(tx)?;
    // An event was a row of its own; now those of a turn share one.
    tx.execute_batch(
        "INSERT INTO log (pid, seq, at, kind, cause, body)
           SELECT pid, seq, at, CASE kind WHEN 'event' THEN 'events' ELSE kind END, cause,
                  CASE kind WHEN 'event' THEN '[{\"event\":' || body || '}]' ELSE body END
           FROM old_journal JOIN partitions ON partitions.id = conversation ORDER BY old_journal.rowid;
         INSERT INTO traces (pid, seq, body)
           SELECT pid, seq, body FROM old_traces JOIN partitions ON partitions.id = conversation
           ORDER BY old_traces.rowid;
         INSERT INTO seen (pid, sender_id, hash, seq)
           SELECT pid, client_msg_id, substr(body_hash, 1, 16), seq
           FROM old_seen JOIN partitions ON partitions.id = conversation;",
    )?;
    states(tx)?;
    handoffs(tx)?;
    staff(tx)?;
    outbox(tx)?;
    for table in [
        "conversations",
        "states",
        "journal",
        "seen",
        "outbox",
        "handoffs",
        "staff",
        "invites",
        "traces",
    ] {
        tx.execute_batch(&format!("DROP TABLE old_{table}"))?;
    }
    Ok(())
}

/// Makes room for what version 2 did not keep, and finds it by time.
pub(super) fn from_version_2(tx: &Transaction<'_>) -> Result<(), Migration> {
    tx.execute_batch(
        "ALTER TABLE seen ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE traces ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
         CREATE INDEX partitions_over ON partitions (last_at) WHERE closed = 1;
         CREATE INDEX seen_by_time ON seen (at);
         CREATE INDEX traces_by_time ON traces (at);",
    )?;
    Ok(())
}

/// Gives senders' ids and traces the time of what they are about, and has each customer's address looked at when it would be old by
/// default.
pub(super) fn set_times(tx: &Transaction<'_>) -> Result<(), Migration> {
    for table in ["seen", "traces"] {
        tx.execute_batch(&format!(
            "UPDATE {table} SET at = coalesce(
               (SELECT log.at FROM log WHERE log.pid = {table}.pid AND log.seq = {table}.seq),
               (SELECT last_at FROM partitions WHERE partitions.pid = {table}.pid), 0)"
        ))?;
    }
    tx.execute(
        "UPDATE partitions SET due = last_at + ?1 WHERE id >= 'contact:' AND id < 'contact;' AND due IS NULL",
        [RETENTION_MS],
    )?;
    Ok(())
}

fn unreadable(what: &str, error: impl std::fmt::Display) -> Migration {
    Migration::Unreadable {
        what: format!("{what}: {error}"),
    }
}

/// Rows of a query, each made by `make`.
fn rows<T>(
    tx: &Transaction<'_>,
    sql: &str,
    make: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Migration> {
    let mut select = tx.prepare(sql)?;
    let found = select.query_map([], make)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Makes a partition, or finds it.
fn partition(tx: &Transaction<'_>, id: &PartitionId) -> Result<i64, Migration> {
    tx.prepare_cached(
        "INSERT INTO partitions (id, revision, last_at) VALUES (?1, 1, 0) ON CONFLICT (id) DO NOTHING",
    )?
    .execute([id.as_str()])?;
    let pid = tx
        .prepare_cached("SELECT pid FROM partitions WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))?;
    Ok(pid)
}

fn put(tx: &Transaction<'_>, pid: i64, name: &str, body: &[u8]) -> Result<(), Migration> {
    tx.prepare_cached("INSERT INTO docs (pid, name, body) VALUES (?1, ?2, ?3)")?
        .execute(params![pid, name, bound(body)])?;
    Ok(())
}

fn send(
    tx: &Transaction<'_>,
    pid: i64,
    destination: &str,
    seq: i64,
    at: i64,
    body: &str,
) -> Result<(), Migration> {
    let (lane, place): (i64, i64) = tx
        .prepare_cached(
            "INSERT INTO lanes (pid, destination, next, free_at) VALUES (?1, ?2, 1, ?3) \
             ON CONFLICT (pid, destination) DO UPDATE SET next = next + 1 RETURNING lane, next",
        )?
        .query_row(params![pid, destination, at], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    tx.prepare_cached(
        "INSERT INTO outbox (lane, number, seq, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![lane, place, seq, at, body])?;
    Ok(())
}

/// Heads of conversations, and the addresses that lead to open ones.
fn heads(tx: &Transaction<'_>) -> Result<(), Migration> {
    let mut ids: BTreeMap<String, (Vec<String>, Option<String>)> = BTreeMap::new();
    let made = rows(
        tx,
        "SELECT conversation, id, ended_at IS NULL FROM old_handoffs ORDER BY id",
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, bool>(2)?,
            ))
        },
    )?;
    for (conversation, id, open) in made {
        let (all, current) = ids.entry(conversation).or_default();
        all.push(id.clone());
        if open {
            *current = Some(id);
        }
    }
    let heads = rows(
        tx,
        "SELECT id, revision, epoch, owner, channel, account, provider_key, language, customer, verified, \
         token_hash, opened_at, last_at, closed_at, processed_seq, next_seq, waiting FROM old_conversations",
        |row| {
            let id: String = row.get(0)?;
            let closed_at: Option<i64> = row.get(13)?;
            let owner: String = row.get(3)?;
            let customer: String = row.get(8)?;
            let numbers: [i64; 5] = [
                row.get(1)?,
                row.get(12)?,
                row.get(14)?,
                row.get(15)?,
                row.get(16)?,
            ];
            let (handoffs, open_handoff) = ids.remove(&id).unwrap_or_default();
            let head = ConversationHead {
                open_secrets: Vec::new(),
                bot: None,
                channel: row.get(4)?,
                account: row.get(5)?,
                provider_key: row.get(6)?,
                destination: None,
                earlier: Vec::new(),
                language: row.get(7)?,
                customer: BTreeMap::new(),
                verified: row.get(9)?,
                token_hash: hex::encode(row.get::<_, [u8; 32]>(10)?),
                opened_at: time(row.get(11)?),
                closed_at: closed_at.map(time),
                owner: Default::default(),
                custody_epoch: number(row.get(2)?),
                handoffs,
                open_handoff,
            };
            Ok((id, head, owner, customer, numbers))
        },
    )?;
    for (id, mut head, owner, customer, numbers) in heads {
        let [revision, last_at, processed, next_seq, waiting] = numbers;
        head.owner = serde_json::from_value(Value::String(owner))
            .map_err(|error| unreadable("an owner", error))?;
        head.customer =
            serde_json::from_str(&customer).map_err(|error| unreadable("a customer", error))?;
        let closed = head.closed_at.is_some();
        // Looked at once: whoever is idle by then is closed, everyone else is put off.
        let due = (!closed).then_some(last_at);
        tx.prepare_cached(
            "INSERT INTO partitions (id, revision, last_seq, processed, waiting, closed, last_at, due) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            id,
            revision + 1,
            next_seq - 1,
            processed,
            waiting,
            closed,
            last_at,
            due
        ])?;
        let pid = tx.last_insert_rowid();
        let body = serde_json::to_vec(&head).map_err(|error| unreadable("a head", error))?;
        put(tx, pid, HEAD, &body)?;
        if let (Some(key), false) = (&head.provider_key, closed) {
            let account = head.account.as_deref().unwrap_or("");
            let contact = partition(tx, &PartitionId::contact(&head.channel, account, key))?;
            put(
                tx,
                contact,
                "contact",
                json!({ "current": id }).to_string().as_bytes(),
            )?;
        }
    }
    Ok(())
}

/// The engine's states; one whose bytes are not what was written is left to be made again.
fn states(tx: &Transaction<'_>) -> Result<(), Migration> {
    let states = rows(
        tx,
        "SELECT pid, state, listen FROM old_states JOIN partitions ON partitions.id = conversation",
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        },
    )?;
    for (pid, state, listen) in states {
        let listen = listen.as_deref().unwrap_or("null");
        let body = format!("{{\"listen\":{listen},\"state\":{state}}}");
        let mut bytes = content_hash(body.as_bytes()).to_vec();
        bytes.extend_from_slice(body.as_bytes());
        put(tx, pid, STATE, &bytes)?;
    }
    Ok(())
}

fn handoffs(tx: &Transaction<'_>) -> Result<(), Migration> {
    let records = rows(
        tx,
        "SELECT h.id, pid, conversation, h.epoch, state, agent, agent_name, requested_at, assigned_at, ended_at, \
         resolved, note, envelope FROM old_handoffs h JOIN partitions p ON p.id = conversation",
        |row| {
            let agent: Option<String> = row.get(5)?;
            let name: Option<String> = row.get(6)?;
            let since = row.get::<_, Option<i64>>(8)?.map_or(0, |at| at);
            let record = json!({
                "stage": row.get::<_, String>(4)?,
                "custody_epoch": number(row.get(3)?),
                "holder": agent.map(|id| json!({
                    "id": id, "name": name.unwrap_or_default(), "since": time(since).to_string(),
                })),
                "requested_at": time(row.get(7)?).to_string(),
                "ended_at": row.get::<_, Option<i64>>(9)?.map(|at| time(at).to_string()),
                "resolved": row.get::<_, Option<bool>>(10)?,
                "note": row.get::<_, Option<String>>(11)?,
            });
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                record,
                row.get::<_, String>(12)?,
            ))
        },
    )?;
    if records.is_empty() {
        return Ok(());
    }
    let index = partition(tx, &earlier_ids())?;
    for (id, pid, conversation, mut record, envelope) in records {
        record["envelope"] =
            serde_json::from_str(&envelope).map_err(|error| unreadable("an envelope", error))?;
        let open = record["ended_at"].is_null();
        put(tx, pid, &document(&id), record.to_string().as_bytes())?;
        put(tx, index, &id, json!(conversation).to_string().as_bytes())?;
        if open {
            send(tx, pid, "queue", 0, 0, "null")?;
        }
    }
    Ok(())
}

fn staff(tx: &Transaction<'_>) -> Result<(), Migration> {
    let people = rows(
        tx,
        "SELECT id, name, role, token_hash, expires_at, available FROM old_staff",
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                hex::encode(row.get::<_, [u8; 32]>(3)?),
                time(row.get(4)?).to_string(),
                row.get::<_, bool>(5)?,
            ))
        },
    )?;
    let invites = rows(
        tx,
        "SELECT code_hash, name, role, expires_at FROM old_invites WHERE used_at IS NULL",
        |row| {
            Ok((
                hex::encode(row.get::<_, [u8; 32]>(0)?),
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                time(row.get(3)?).to_string(),
            ))
        },
    )?;
    if people.is_empty() && invites.is_empty() {
        return Ok(());
    }
    let staff = partition(tx, &PartitionId::staff())?;
    let queue = partition(tx, &PartitionId::queue())?;
    for (id, name, role, session, until, available) in people {
        let role: crate::staff::Role =
            serde_json::from_str(&role).map_err(|error| unreadable("a role", error))?;
        let agent = json!({ "id": id, "name": name, "role": role });
        let kept = json!({ "agent": &agent, "expires_at": until });
        put(
            tx,
            staff,
            &format!("session/{session}"),
            kept.to_string().as_bytes(),
        )?;
        let member = json!({ "agent": agent, "session": session });
        let doc = format!("member/{name}");
        put(tx, staff, &doc, member.to_string().as_bytes())?;
        let card = json!({ "available": available, "session_until": until, "present_until": time(0).to_string() });
        put(
            tx,
            queue,
            &format!("agent/{id}"),
            card.to_string().as_bytes(),
        )?;
    }
    for (code, name, role, expires_at) in invites {
        let role: Value =
            serde_json::from_str(&role).map_err(|error| unreadable("a role", error))?;
        let invite = json!({ "name": name, "role": role, "expires_at": expires_at });
        put(
            tx,
            staff,
            &format!("invite/{code}"),
            invite.to_string().as_bytes(),
        )?;
    }
    Ok(())
}

fn outbox(tx: &Transaction<'_>) -> Result<(), Migration> {
    let waiting = rows(
        tx,
        "SELECT pid, kind, seq, next_at, body FROM old_outbox JOIN partitions ON partitions.id = conversation \
         WHERE done_at IS NULL ORDER BY old_outbox.id",
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, String>(4)?,
            ))
        },
    )?;
    for (pid, kind, seq, at, body) in waiting {
        send(tx, pid, &kind, integer(number(seq)), at, &body)?;
    }
    Ok(())
}
