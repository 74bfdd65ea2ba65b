//! Rows of handoffs. Every change of state is a compare-and-set: whoever comes second changes nothing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{StoreError, integer, json, millis, number, parse, time};
use crate::error::ServiceError;
use crate::handoff::Envelope;
use crate::handoff::queue::QueueEntry;

/// How a handoff stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In a queue.
    Queued,
    /// An agent has it and has not said anything yet.
    Assigned,
    /// An agent talks with the customer.
    AgentActive,
    /// Over: the customer is back with the bot.
    Returned,
    /// Over: the agent is done.
    Closed,
    /// Over: another handoff goes on with it.
    Transferred,
    /// Over: the customer no longer wanted a person.
    Cancelled,
    /// Over: the customer left while waiting.
    Abandoned,
}

impl Stage {
    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Assigned => "assigned",
            Self::AgentActive => "agent_active",
            Self::Returned => "returned",
            Self::Closed => "closed",
            Self::Transferred => "transferred",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
        }
    }

    /// As it was stored.
    fn of(name: &str) -> Result<Self, StoreError> {
        [
            Self::Queued,
            Self::Assigned,
            Self::AgentActive,
            Self::Returned,
            Self::Closed,
            Self::Transferred,
            Self::Cancelled,
            Self::Abandoned,
        ]
        .into_iter()
        .find(|stage| stage.name() == name)
        .ok_or_else(|| StoreError::Unreadable {
            what: "state of a handoff",
            why: format!("`{name}` is none"),
        })
    }

    /// It is with an agent.
    pub fn with_agent(self) -> bool {
        matches!(self, Self::Assigned | Self::AgentActive)
    }
}

/// A handoff as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// Its conversation.
    pub conversation: String,
    /// Epoch of the conversation since its last change of owner by this handoff.
    pub epoch: u64,
    /// How it stands.
    pub stage: Stage,
    /// Id of the agent who has or had it.
    pub agent: Option<String>,
    /// Their name.
    pub agent_name: Option<String>,
    /// When the customer asked; a transfer keeps it.
    pub requested_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The envelope; its transcript and notes are put in when it is read.
    pub envelope: Envelope,
}

const COLUMNS: &str =
    "id, conversation, epoch, state, agent, agent_name, requested_at, ended_at, envelope";

/// Puts a handoff into its queue: queue, priority, age and all from the envelope. `position` is what
/// the customer is told with it.
///
/// # Errors
/// SQLite's; an id that is there already is one.
pub fn insert(
    tx: &Transaction<'_>,
    envelope: &Envelope,
    position: Option<u32>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO handoffs (id, conversation, epoch, queue, priority, state, requested_at, \
         position, envelope) VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8)",
    )?
    .execute(params![
        envelope.handoff_id,
        envelope.conversation_id,
        integer(envelope.epoch),
        envelope.routing.queue,
        envelope.routing.priority,
        millis(envelope.created_at),
        position,
        json(envelope)?
    ])?;
    Ok(())
}

/// Reads a handoff.
///
/// # Errors
/// [`ServiceError::NotFound`], or SQLite's.
pub fn get(connection: &Connection, id: &str) -> Result<Record, StoreError> {
    read(connection, "id = ?1", id)?
        .pop()
        .ok_or_else(|| unknown(id))
}

/// The handoff of a conversation that is open now.
///
/// # Errors
/// SQLite's.
pub fn open_of(connection: &Connection, conversation: &str) -> Result<Option<Record>, StoreError> {
    Ok(read(
        connection,
        "conversation = ?1 AND ended_at IS NULL ORDER BY requested_at, id",
        conversation,
    )?
    .pop())
}

/// Ids of all handoffs of a conversation, in the order in which they were made.
///
/// # Errors
/// SQLite's.
pub fn all_of(connection: &Connection, conversation: &str) -> Result<Vec<String>, StoreError> {
    // A transfer keeps the age of the first, but its id is made later and sorts so.
    let mut find =
        connection.prepare_cached("SELECT id FROM handoffs WHERE conversation = ?1 ORDER BY id")?;
    let rows = find.query_map([conversation], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Everyone who waits, in no particular order.
///
/// # Errors
/// SQLite's, or an envelope that can't be read.
pub fn waiting(connection: &Connection) -> Result<Vec<Record>, StoreError> {
    read(
        connection,
        "state = 'queued' AND ended_at IS NULL AND ?1 = ''",
        "",
    )
}

/// The handoffs that an agent has, oldest first.
///
/// # Errors
/// SQLite's, or an envelope that can't be read.
pub fn of_agent(connection: &Connection, agent: &str) -> Result<Vec<Record>, StoreError> {
    read(
        connection,
        "agent = ?1 AND ended_at IS NULL ORDER BY assigned_at, id",
        agent,
    )
}

/// The places of everyone who waits, in no particular order.
///
/// # Errors
/// SQLite's.
pub(crate) fn places(connection: &Connection) -> Result<Vec<QueueEntry>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT id, conversation, queue, priority, requested_at, position FROM handoffs \
         WHERE state = 'queued' AND ended_at IS NULL",
    )?;
    let rows = find.query_map([], |row| {
        Ok(QueueEntry {
            handoff: row.get(0)?,
            conversation: row.get(1)?,
            queue: row.get(2)?,
            priority: row.get(3)?,
            asked_at: time(row.get(4)?),
            told: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Remembers the position that a customer was told.
///
/// # Errors
/// SQLite's.
pub(crate) fn told(tx: &Transaction<'_>, id: &str, position: u32) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE handoffs SET position = ?2 WHERE id = ?1")?
        .execute(params![id, position])?;
    Ok(())
}

/// Gives a waiting handoff to an agent; `false` where it no longer waits.
///
/// # Errors
/// SQLite's.
pub(crate) fn assign(
    tx: &Transaction<'_>,
    id: &str,
    (agent, name): (&str, &str),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE handoffs SET state = 'assigned', agent = ?2, agent_name = ?3, \
             assigned_at = ?4 WHERE id = ?1 AND state = 'queued'",
        )?
        .execute(params![id, agent, name, millis(at)])?;
    Ok(changed == 1)
}

/// Keeps the epoch that a change of owner led to.
///
/// # Errors
/// SQLite's.
pub(crate) fn set_epoch(tx: &Transaction<'_>, id: &str, epoch: u64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE handoffs SET epoch = ?2 WHERE id = ?1")?
        .execute(params![id, integer(epoch)])?;
    Ok(())
}

/// Notes that the agent has begun to talk; `false` where it is not (any more) theirs.
///
/// # Errors
/// SQLite's.
pub(crate) fn activate(tx: &Transaction<'_>, id: &str, agent: &str) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE handoffs SET state = 'agent_active' WHERE id = ?1 AND agent = ?2 \
             AND state IN ('assigned', 'agent_active')",
        )?
        .execute([id, agent])?;
    Ok(changed == 1)
}

/// Agents who have conversations.
///
/// # Errors
/// SQLite's.
pub(crate) fn holders(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT DISTINCT agent FROM handoffs WHERE ended_at IS NULL \
         AND state IN ('assigned', 'agent_active') ORDER BY agent",
    )?;
    let rows = find.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts a handoff that is with an agent back into its queue, with its age.
///
/// # Errors
/// SQLite's.
pub(crate) fn release(tx: &Transaction<'_>, id: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE handoffs SET state = 'queued', agent = NULL, agent_name = NULL, \
         assigned_at = NULL, position = NULL WHERE id = ?1 \
         AND state IN ('assigned', 'agent_active')",
    )?
    .execute([id])?;
    Ok(())
}

/// Ends a handoff that is with an agent; `false` where it is not (any more) theirs.
///
/// # Errors
/// SQLite's.
pub(crate) fn end(
    tx: &Transaction<'_>,
    id: &str,
    agent: &str,
    stage: Stage,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE handoffs SET state = ?3, ended_at = ?4 WHERE id = ?1 AND agent = ?2 \
             AND state IN ('assigned', 'agent_active')",
        )?
        .execute(params![id, agent, stage.name(), millis(at)])?;
    Ok(changed == 1)
}

/// Keeps the wrap-up note.
///
/// # Errors
/// SQLite's.
pub(crate) fn set_note(
    tx: &Transaction<'_>,
    id: &str,
    note: &str,
    resolved: bool,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE handoffs SET note = ?2, resolved = ?3 WHERE id = ?1")?
        .execute(params![id, note, resolved])?;
    Ok(())
}

/// Ends the waiting handoff of a conversation, if there is one; gives its id.
///
/// # Errors
/// SQLite's.
pub(crate) fn end_waiting(
    tx: &Transaction<'_>,
    conversation: &str,
    stage: Stage,
    at: Timestamp,
) -> Result<Option<String>, StoreError> {
    Ok(tx
        .prepare_cached(
            "UPDATE handoffs SET state = ?2, ended_at = ?3 WHERE conversation = ?1 \
             AND state = 'queued' RETURNING id",
        )?
        .query_row(params![conversation, stage.name(), millis(at)], |row| {
            row.get(0)
        })
        .optional()?)
}

/// Handoffs that fit; `condition` is a constant of this file.
fn read(
    connection: &Connection,
    condition: &'static str,
    value: &str,
) -> Result<Vec<Record>, StoreError> {
    let mut find =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM handoffs WHERE {condition}"))?;
    let mut rows = find.query([value])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let stage: String = row.get(3)?;
        let envelope: String = row.get(8)?;
        found.push(Record {
            id: row.get(0)?,
            conversation: row.get(1)?,
            epoch: number(row.get(2)?),
            stage: Stage::of(&stage)?,
            agent: row.get(4)?,
            agent_name: row.get(5)?,
            requested_at: time(row.get(6)?),
            ended_at: row.get::<_, Option<i64>>(7)?.map(time),
            envelope: parse("envelope", &envelope)?,
        });
    }
    Ok(found)
}

/// The error for a handoff that nobody knows.
fn unknown(id: &str) -> StoreError {
    ServiceError::NotFound {
        what: format!("handoff `{id}`"),
    }
    .into()
}
