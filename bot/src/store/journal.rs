//! The journal: everything that happened to a conversation, in order, and nothing twice.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use bellhop_flows::engine::effect::ActionCall;
use bellhop_flows::engine::event::{Event, EventKind};

use super::{StoreError, hash_of, integer, json, millis, number, parse, time};
use crate::conversation::{Inbound, InboundBody};
use crate::error::ServiceError;
use crate::outbox::{Author, ClosedEvent, CustomerEvent, HandoffEvent, MessageEvent};

/// Most inputs of one conversation that may wait.
const WAITING: u64 = 64;
/// Rows that [`visible`] gives at most.
pub const PAGE: u64 = 1000;

/// Something to be worked through by the conversation's mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Epoch of the conversation when it was stored; [`append`] fills it in.
    #[serde(default)]
    pub epoch: u64,
    /// Microseconds that storing it took, for the trace; known only until the process ends.
    #[serde(skip)]
    pub micros: u64,
    /// What it is.
    pub what: What,
}

impl Input {
    /// An input that did not come from the customer: the opening, an act at the desk, the end.
    pub fn event(kind: EventKind) -> Self {
        Self {
            epoch: 0,
            micros: 0,
            what: What::Event { event: kind },
        }
    }
}

/// What an input is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What {
    /// The customer sent something.
    Customer {
        /// The sender's id for it.
        client_msg_id: String,
        /// What.
        body: InboundBody,
        /// Title of the button that was pressed, as the transcript shows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// Anything else, as the engine gets it.
    Event {
        /// What.
        event: EventKind,
    },
}

/// What a row of the journal says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Something to be worked through.
    Input(Input),
    /// What the engine was fed.
    Event(Event),
    /// An irreversible call that is about to be sent.
    Call(ActionCall),
    /// Something said, visible to the customer.
    Message(Box<MessageEvent>),
    /// News of a handoff, visible to the customer.
    Handoff(HandoffEvent),
    /// The end, visible to the customer.
    Closed(ClosedEvent),
    /// Between staff; the customer never sees it.
    Note(Note),
}

/// A note between staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Name of who wrote it.
    pub by: String,
    /// What.
    pub text: String,
}

impl Body {
    fn kind(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::Event(_) => "event",
            Self::Call(_) => "call",
            Self::Message(_) => "message",
            Self::Handoff(_) => "handoff",
            Self::Closed(_) => "closed",
            Self::Note(_) => "note",
        }
    }

    fn to_json(&self) -> Result<String, StoreError> {
        match self {
            Self::Input(body) => json(body),
            Self::Event(body) => json(body),
            Self::Call(body) => json(body),
            Self::Message(body) => json(body),
            Self::Handoff(body) => json(body),
            Self::Closed(body) => json(body),
            Self::Note(body) => json(body),
        }
    }

    fn from_json(kind: &str, body: &str) -> Result<Self, StoreError> {
        const WHAT: &str = "journal row";
        Ok(match kind {
            "input" => Self::Input(parse(WHAT, body)?),
            "event" => Self::Event(parse(WHAT, body)?),
            "call" => Self::Call(parse(WHAT, body)?),
            "message" => Self::Message(parse(WHAT, body)?),
            "handoff" => Self::Handoff(parse(WHAT, body)?),
            "closed" => Self::Closed(parse(WHAT, body)?),
            "note" => Self::Note(parse(WHAT, body)?),
            other => {
                return Err(StoreError::Unreadable {
                    what: WHAT,
                    why: format!("its kind is `{other}`"),
                });
            }
        })
    }

    /// Puts what the row keeps of its own place in order.
    fn place(&mut self, seq: u64, at: Timestamp, epoch: u64) {
        match self {
            Self::Input(input) => input.epoch = epoch,
            Self::Message(event) => (event.seq, event.at) = (seq, at),
            Self::Handoff(event) => (event.seq, event.at) = (seq, at),
            Self::Closed(event) => (event.seq, event.at) = (seq, at),
            Self::Event(_) | Self::Call(_) | Self::Note(_) => {}
        }
    }
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The conversation.
    pub conversation: Arc<str>,
    /// Its place: grows within a conversation, without gaps.
    pub seq: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// Seq of the input that led to it; 0 for inputs and acts of the desk.
    pub cause: u64,
    /// What it says.
    pub body: Body,
}

impl Row {
    /// The row as the customer sees it, where the customer sees it.
    pub fn visible(&self) -> Option<CustomerEvent> {
        match &self.body {
            Body::Message(event) => Some(CustomerEvent::Message(event.clone())),
            Body::Handoff(event) => Some(CustomerEvent::Handoff(event.clone())),
            Body::Closed(event) => Some(CustomerEvent::Closed(event.clone())),
            Body::Input(Input {
                what:
                    What::Customer {
                        client_msg_id,
                        body,
                        title,
                    },
                ..
            }) => said(body, title.as_deref()).map(|text| {
                CustomerEvent::Message(Box::new(MessageEvent {
                    seq: self.seq,
                    at: self.at,
                    from: Author::Customer,
                    text,
                    voice: None,
                    language: None,
                    buttons: Vec::new(),
                    links: Vec::new(),
                    source: None,
                    agent: None,
                    client_msg_id: Some(client_msg_id.clone()),
                    name: None,
                }))
            }),
            Body::Input(_) | Body::Event(_) | Body::Call(_) | Body::Note(_) => None,
        }
    }
}

/// What the transcript shows of something sent; silence shows nothing.
fn said(body: &InboundBody, title: Option<&str>) -> Option<String> {
    match body {
        InboundBody::Text { text } | InboundBody::Speech { text, .. } => Some(text.clone()),
        InboundBody::Payload { payload } => Some(title.unwrap_or(payload).to_owned()),
        InboundBody::Keys { keys } => Some(keys.clone()),
        InboundBody::Silence => None,
    }
}

/// Appends rows to a conversation's journal, in order and with neighbouring seqs; inputs count as
/// waiting. Gives the rows as they were stored.
///
/// # Errors
/// [`ServiceError::NotFound`] for an unknown conversation, or SQLite's.
pub fn append(
    tx: &Transaction<'_>,
    conversation: &str,
    at: Timestamp,
    cause: u64,
    bodies: Vec<Body>,
) -> Result<Vec<Row>, StoreError> {
    if bodies.is_empty() {
        return Ok(Vec::new());
    }
    let inputs = bodies
        .iter()
        .filter(|body| matches!(body, Body::Input(_)))
        .count();
    let mut reserve = tx.prepare_cached(
        "UPDATE conversations SET next_seq = next_seq + ?2, waiting = waiting + ?3, \
         last_at = max(last_at, ?4) WHERE id = ?1 RETURNING next_seq - ?2, epoch",
    )?;
    let (first, epoch) = reserve
        .query_row(
            params![conversation, bodies.len() as i64, inputs as i64, millis(at)],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()?
        .ok_or_else(|| unknown(conversation))?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO journal (conversation, seq, at, kind, cause, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let name: Arc<str> = Arc::from(conversation);
    let mut rows = Vec::with_capacity(bodies.len());
    for (seq, mut body) in (number(first)..).zip(bodies) {
        body.place(seq, at, number(epoch));
        insert.execute(params![
            conversation,
            integer(seq),
            millis(at),
            body.kind(),
            integer(cause),
            body.to_json()?
        ])?;
        rows.push(Row {
            conversation: Arc::clone(&name),
            seq,
            at,
            cause,
            body,
        });
    }
    Ok(rows)
}

/// What became of a message that came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// It is stored now.
    New(Box<Row>),
    /// It was stored before, at this seq.
    Before(u64),
}

/// Stores something that the customer sent, unless it is there already.
///
/// # Errors
/// [`ServiceError::IdReused`], [`ServiceError::NotFound`], [`ServiceError::Closed`], [`ServiceError::TooMany`], or
/// SQLite's; then nothing is stored.
pub fn accept(
    tx: &Transaction<'_>,
    conversation: &str,
    at: Timestamp,
    inbound: Inbound,
) -> Result<Taken, StoreError> {
    let hash = hash_of(json(&inbound.body)?.as_bytes());
    if let Some(seq) = seen(tx, conversation, &inbound.client_msg_id, &hash)? {
        return Ok(Taken::Before(seq));
    }
    let mut head = tx.prepare_cached(
        "SELECT closed_at IS NOT NULL OR owner = 'closed', waiting FROM conversations WHERE id = ?1",
    )?;
    let (closed, waiting) = head
        .query_row([conversation], |row| {
            Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?
        .ok_or_else(|| unknown(conversation))?;
    if closed {
        return Err(ServiceError::Closed.into());
    }
    if number(waiting) >= WAITING {
        let message = format!("{WAITING} messages wait in this conversation; wait for answers");
        return Err(ServiceError::TooMany { message }.into());
    }
    let title = match &inbound.body {
        InboundBody::Payload { payload } => button(tx, conversation, payload)?,
        _ => None,
    };
    let input = Input {
        epoch: 0,
        micros: 0,
        what: What::Customer {
            client_msg_id: inbound.client_msg_id.clone(),
            body: inbound.body,
            title,
        },
    };
    let row = append(tx, conversation, at, 0, vec![Body::Input(input)])?
        .pop()
        .ok_or_else(|| StoreError::Sql("a row was not kept".to_owned()))?;
    mark_seen(tx, conversation, &inbound.client_msg_id, &hash, row.seq)?;
    Ok(Taken::New(Box::new(row)))
}

/// Looks for a sender's id; gives the seq that was stored under it.
///
/// # Errors
/// [`ServiceError::IdReused`] where it was stored with another hash, or SQLite's.
pub fn seen(
    tx: &Transaction<'_>,
    conversation: &str,
    client_msg_id: &str,
    hash: &[u8; 32],
) -> Result<Option<u64>, StoreError> {
    let mut find = tx.prepare_cached(
        "SELECT body_hash, seq FROM seen WHERE conversation = ?1 AND client_msg_id = ?2",
    )?;
    let before = find
        .query_row([conversation, client_msg_id], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    match before {
        None => Ok(None),
        Some((same, seq)) if same == *hash => Ok(Some(number(seq))),
        Some(_) => Err(ServiceError::IdReused {
            client_msg_id: client_msg_id.to_owned(),
        }
        .into()),
    }
}

/// Remembers a sender's id.
///
/// # Errors
/// SQLite's; an id that is there already is one.
pub fn mark_seen(
    tx: &Transaction<'_>,
    conversation: &str,
    client_msg_id: &str,
    hash: &[u8; 32],
    seq: u64,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO seen (conversation, client_msg_id, body_hash, seq) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![conversation, client_msg_id, hash, integer(seq)])?;
    Ok(())
}

/// Title of the newest button with a payload among the last few messages.
fn button(
    tx: &Transaction<'_>,
    conversation: &str,
    payload: &str,
) -> Result<Option<String>, StoreError> {
    let mut last = tx.prepare_cached(
        "SELECT body FROM journal WHERE conversation = ?1 AND kind = 'message' \
         ORDER BY seq DESC LIMIT 8",
    )?;
    let mut rows = last.query([conversation])?;
    while let Some(row) = rows.next()? {
        let message: MessageEvent = parse("message", row.get_ref(0)?.as_str().unwrap_or(""))?;
        let pressed = message.buttons.into_iter().find(|b| b.payload == payload);
        if let Some(pressed) = pressed {
            return Ok(Some(pressed.title));
        }
    }
    Ok(None)
}

/// What the customer sees of a conversation after a seq, oldest first, at most `limit` events.
///
/// # Errors
/// SQLite's, or a row that can't be read.
pub fn visible(
    connection: &Connection,
    conversation: &str,
    after: u64,
    limit: u64,
) -> Result<Vec<CustomerEvent>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT seq, at, cause, kind, body FROM journal WHERE conversation = ?1 AND seq > ?2 \
         AND kind IN ('input', 'message', 'handoff', 'closed') ORDER BY seq",
    )?;
    let mut rows = find.query(params![conversation, integer(after)])?;
    let mut events = Vec::new();
    let name: Arc<str> = Arc::from(conversation);
    while let Some(row) = rows.next()? {
        events.extend(read_row(&name, row)?.visible());
        if events.len() as u64 >= limit {
            break;
        }
    }
    Ok(events)
}

/// What the customer sees of what one input caused.
///
/// # Errors
/// SQLite's, or a row that can't be read.
pub fn caused(
    connection: &Connection,
    conversation: &str,
    cause: u64,
) -> Result<Vec<CustomerEvent>, StoreError> {
    let rows = rows_where(
        connection,
        "conversation = ?1 AND seq > ?2 AND cause = ?2",
        conversation,
        cause,
    )?;
    Ok(rows.iter().filter_map(Row::visible).collect())
}

/// Inputs that are not worked through yet, oldest first.
///
/// # Errors
/// SQLite's, or a row that can't be read.
pub fn pending(connection: &Connection, conversation: &str) -> Result<Vec<Row>, StoreError> {
    rows_where(
        connection,
        "conversation = ?1 AND kind = 'input' AND seq > \
         (SELECT processed_seq FROM conversations WHERE id = ?1) AND ?2 = 0",
        conversation,
        0,
    )
}

/// Everything that the engine was fed for inputs up to a seq, in order.
///
/// # Errors
/// SQLite's, or a row that can't be read.
pub fn fed(
    connection: &Connection,
    conversation: &str,
    through: u64,
) -> Result<Vec<Event>, StoreError> {
    let rows = rows_where(
        connection,
        "conversation = ?1 AND kind = 'event' AND cause <= ?2",
        conversation,
        through,
    )?;
    let events = rows.into_iter().filter_map(|row| match row.body {
        Body::Event(event) => Some(event),
        _ => None,
    });
    Ok(events.collect())
}

/// What a turn that did not end had stored before an irreversible call: events and calls, in order.
///
/// # Errors
/// SQLite's, or a row that can't be read.
pub fn begun(
    connection: &Connection,
    conversation: &str,
    cause: u64,
) -> Result<Vec<Row>, StoreError> {
    rows_where(
        connection,
        "conversation = ?1 AND seq > ?2 AND cause = ?2 AND kind IN ('event', 'call')",
        conversation,
        cause,
    )
}

/// How many events of a turn are stored.
///
/// # Errors
/// SQLite's.
pub fn begun_events(
    connection: &Connection,
    conversation: &str,
    cause: u64,
) -> Result<u64, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT count(*) FROM journal WHERE conversation = ?1 AND seq > ?2 AND cause = ?2 \
         AND kind = 'event'",
    )?;
    let count = find.query_row(params![conversation, integer(cause)], |row| row.get(0))?;
    Ok(number(count))
}

/// Takes back the events of a turn that is given up: the engine's state does not hold them.
///
/// # Errors
/// SQLite's.
pub fn forget_events(
    tx: &Transaction<'_>,
    conversation: &str,
    cause: u64,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "DELETE FROM journal WHERE conversation = ?1 AND seq > ?2 AND cause = ?2 AND kind = 'event'",
    )?
    .execute(params![conversation, integer(cause)])?;
    Ok(())
}

/// The last news of a handoff that the customer was told.
///
/// # Errors
/// SQLite's, or a row that can't be read.
pub(crate) fn last_handoff(
    connection: &Connection,
    conversation: &str,
) -> Result<Option<HandoffEvent>, StoreError> {
    let found: Option<String> = connection
        .prepare_cached(
            "SELECT body FROM journal WHERE conversation = ?1 AND kind = 'handoff' \
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([conversation], |row| row.get(0))
        .optional()?;
    found.map(|body| parse("handoff", &body)).transpose()
}

/// Notes between staff on a conversation, oldest first.
///
/// # Errors
/// SQLite's, or a row that can't be read.
pub fn notes(connection: &Connection, conversation: &str) -> Result<Vec<Row>, StoreError> {
    rows_where(
        connection,
        "conversation = ?1 AND kind = 'note' AND ?2 = 0",
        conversation,
        0,
    )
}

/// Kind of a row, where there is one.
///
/// # Errors
/// SQLite's.
pub fn kind_of(
    connection: &Connection,
    conversation: &str,
    seq: u64,
) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT kind FROM journal WHERE conversation = ?1 AND seq = ?2")?
        .query_row(params![conversation, integer(seq)], |row| row.get(0))
        .optional()?)
}

/// Rows of one conversation; `condition` is a constant of this file.
fn rows_where(
    connection: &Connection,
    condition: &'static str,
    conversation: &str,
    number: u64,
) -> Result<Vec<Row>, StoreError> {
    let mut find = connection.prepare_cached(&format!(
        "SELECT seq, at, cause, kind, body FROM journal WHERE {condition} ORDER BY seq"
    ))?;
    let name: Arc<str> = Arc::from(conversation);
    let mut rows = find.query(params![conversation, integer(number)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_row(&name, row)?);
    }
    Ok(found)
}

fn read_row(conversation: &Arc<str>, row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    let kind = row.get_ref(3)?;
    let body = row.get_ref(4)?;
    Ok(Row {
        conversation: Arc::clone(conversation),
        seq: number(row.get(0)?),
        at: time(row.get(1)?),
        cause: number(row.get(2)?),
        body: Body::from_json(kind.as_str().unwrap_or(""), body.as_str().unwrap_or(""))?,
    })
}

/// The error for a conversation that nobody knows.
pub(super) fn unknown(conversation: &str) -> StoreError {
    ServiceError::NotFound {
        what: format!("conversation `{conversation}`"),
    }
    .into()
}
