//! The journal: what the entries of a conversation's log say.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellhop_nlu::redact::PersonalData;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use bellhop_flows::engine::effect::ActionCall;
use bellhop_flows::engine::event::{Event, EventKind, Reading};

use super::{Attachment, InboundBody};
use crate::encoding::{Unreadable, decode, encode};
use crate::events::{Author, ClosedEvent, CustomerEvent, HandoffEvent, Link, MessageEvent};
use crate::partition::{Bytes, Entry, Kind, NewEntry};

/// Something to be worked through by the conversation's mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// What it is.
    pub what: What,
}

impl Input {
    /// An input that did not come from the customer: the opening, an act at the desk, the end.
    pub fn event(kind: EventKind) -> Self {
        Self {
            what: What::Event { event: kind },
        }
    }

    /// The conversation is over with it.
    pub fn ends(&self) -> bool {
        matches!(
            self.what,
            What::Event {
                event: EventKind::Closed { .. }
            }
        )
    }

    /// An act of the desk that changed the conversation's owner.
    pub fn changes_owner(&self) -> bool {
        matches!(
            self.what,
            What::Event {
                event: EventKind::AgentJoined { .. }
                    | EventKind::Returned { .. }
                    | EventKind::WrappedUp
                    | EventKind::Queued { .. }
            }
        )
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
        /// What the gate has taken out of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        redactions: Vec<PersonalData>,
        /// Signs stand in the place of a secret; until its turn has ended the words themselves are kept beside the log.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        hidden: bool,
    },
    /// Anything else, as the engine gets it.
    Event {
        /// What.
        event: EventKind,
    },
}

/// What an entry of a conversation's log says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Something to be worked through.
    Input(Input),
    /// What the engine was fed in a turn, or in a part of one.
    Events(Feed),
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

/// What the engine of a bot was fed, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feed {
    /// The bot's version; none where an older program wrote it.
    pub bot: Option<Arc<str>>,
    /// What.
    pub events: Vec<Fed>,
}

impl Feed {
    /// Reads it; older programs wrote the events alone.
    fn of(body: &Bytes) -> Result<Self, Unreadable> {
        const WHAT: &str = "journal entry";
        if body.first() == Some(&b'[') {
            let events = decode(WHAT, body)?;
            return Ok(Self { bot: None, events });
        }
        decode(WHAT, body)
    }
}

/// An event that the engine was fed. What the customer sent is in the input already and is not kept twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fed {
    /// The input that caused the turn was heard.
    Heard {
        /// When.
        at: Timestamp,
        /// What the NLU made of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reading: Option<Reading>,
    },
    /// Anything else.
    Event(Event),
}

impl Fed {
    /// As it is kept; `input` is what the customer sent, where the turn is about that.
    pub fn of(event: &Event, input: Option<&InboundBody>) -> Self {
        match &event.kind {
            EventKind::Heard {
                input: heard,
                reading,
            } if input.and_then(InboundBody::heard).as_ref() == Some(heard) => Self::Heard {
                at: event.at,
                reading: reading.clone(),
            },
            _ => Self::Event(event.clone()),
        }
    }

    /// What the NLU made of a message, where it is one.
    pub fn reading(self) -> Option<Reading> {
        match self {
            Self::Heard { reading, .. }
            | Self::Event(Event {
                kind: EventKind::Heard { reading, .. },
                ..
            }) => reading,
            Self::Event(_) => None,
        }
    }

    /// As the engine was fed it.
    pub fn event(self, input: Option<&InboundBody>) -> Event {
        match self {
            Self::Event(event) => event,
            Self::Heard { at, reading } => Event {
                at,
                kind: EventKind::Heard {
                    input: input.and_then(InboundBody::heard).unwrap_or_default(),
                    reading,
                },
            },
        }
    }
}

/// Everything that the engine was fed for inputs up to a seq, in order, from all entries of a log up to there; each with the
/// version of the bot.
pub fn engine_events(rows: Vec<Row>, through: u64) -> Vec<(Option<Arc<str>>, Event)> {
    let mut inputs = BTreeMap::new();
    let mut events = Vec::new();
    for row in rows {
        match row.body {
            Body::Input(Input {
                what: What::Customer { body, .. },
            }) => {
                inputs.insert(row.seq, body);
            }
            Body::Events(Feed { bot, events: fed }) if row.cause <= through => {
                let input = inputs.get(&row.cause);
                let fed = fed.into_iter().map(|fed| fed.event(input));
                events.extend(fed.map(|event| (bot.clone(), event)));
            }
            _ => {}
        }
    }
    events
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
    /// As it is appended; `cause` is the seq of the input that led to it, or 0.
    ///
    /// # Errors
    /// Never in practice: all of it is plain data.
    pub fn entry(&self, cause: u64) -> Result<NewEntry, Unreadable> {
        const WHAT: &str = "journal entry";
        let (kind, body) = match self {
            Self::Input(body) => (Kind::Input, encode(WHAT, body)?),
            Self::Events(body) => (Kind::Events, encode(WHAT, body)?),
            Self::Call(body) => (Kind::Call, encode(WHAT, body)?),
            Self::Message(body) => (Kind::Message, encode(WHAT, body)?),
            Self::Handoff(body) => (Kind::Handoff, encode(WHAT, body)?),
            Self::Closed(body) => (Kind::Closed, encode(WHAT, body)?),
            Self::Note(body) => (Kind::Note, encode(WHAT, body)?),
        };
        Ok(NewEntry { kind, cause, body })
    }

    fn of(kind: Kind, body: &Bytes) -> Result<Self, Unreadable> {
        const WHAT: &str = "journal entry";
        Ok(match kind {
            Kind::Input => Self::Input(decode(WHAT, body)?),
            Kind::Events => Self::Events(Feed::of(body)?),
            Kind::Call => Self::Call(decode(WHAT, body)?),
            Kind::Message => Self::Message(decode(WHAT, body)?),
            Kind::Handoff => Self::Handoff(decode(WHAT, body)?),
            Kind::Closed => Self::Closed(decode(WHAT, body)?),
            Kind::Note => Self::Note(decode(WHAT, body)?),
            Kind::Audit => {
                let why = "it is one of the audit log".to_owned();
                return Err(Unreadable { what: WHAT, why });
            }
        })
    }

    /// Tells an event its place: that is kept in the entry, not in the body.
    fn place(&mut self, seq: u64, at: Timestamp) {
        match self {
            Self::Message(event) => (event.seq, event.at) = (seq, at),
            Self::Handoff(event) => (event.seq, event.at) = (seq, at),
            Self::Closed(event) => (event.seq, event.at) = (seq, at),
            Self::Input(_) | Self::Events(_) | Self::Call(_) | Self::Note(_) => {}
        }
    }
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
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
    /// Reads an entry.
    ///
    /// # Errors
    /// A body that can't be read.
    pub fn of(entry: &Entry) -> Result<Self, Unreadable> {
        let mut body = Body::of(entry.kind, &entry.body)?;
        body.place(entry.seq, entry.at);
        Ok(Self {
            seq: entry.seq,
            at: entry.at,
            cause: entry.cause,
            body,
        })
    }

    /// Entries of this kind are seen by the customer, if any row of it is.
    pub fn may_be_visible(kind: Kind) -> bool {
        matches!(
            kind,
            Kind::Input | Kind::Message | Kind::Handoff | Kind::Closed
        )
    }

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
                        redactions,
                        ..
                    },
            }) => said(body, title.as_deref()).map(|text| {
                CustomerEvent::Message(Box::new(MessageEvent {
                    links: attached(body),
                    file: file_of(body).map(|file| file.title.clone()),
                    seq: self.seq,
                    at: self.at,
                    from: Author::Customer,
                    text,
                    voice: None,
                    language: None,
                    buttons: Vec::new(),
                    source: None,
                    agent: None,
                    client_msg_id: Some(client_msg_id.clone()),
                    name: None,
                    redactions: redactions.clone(),
                }))
            }),
            Body::Input(_) | Body::Events(_) | Body::Call(_) | Body::Note(_) => None,
        }
    }
}

/// The text of an input that a customer wrote or said; none for anything else.
///
/// # Errors
/// A body that is no input.
pub fn customer_text(input: &[u8]) -> Result<Option<String>, Unreadable> {
    Ok(match decode::<Input>("journal entry", input)?.what {
        What::Customer {
            body: InboundBody::Text { text } | InboundBody::Speech { text, .. },
            ..
        } => Some(text),
        _ => None,
    })
}

/// What the transcript shows of something sent; silence shows nothing.
fn said(body: &InboundBody, title: Option<&str>) -> Option<String> {
    match body {
        InboundBody::Text { text } | InboundBody::Speech { text, .. } => Some(text.clone()),
        InboundBody::Payload { payload } => Some(title.unwrap_or(payload).to_owned()),
        InboundBody::Keys { keys } => Some(keys.clone()),
        InboundBody::File { text, file } if text.trim().is_empty() => Some(file.title.clone()),
        InboundBody::File { text, .. } => Some(text.clone()),
        InboundBody::Silence => None,
    }
}

/// A file that came with something sent and that only the provider has.
pub(crate) fn file_of(body: &InboundBody) -> Option<&Attachment> {
    match body {
        InboundBody::File { file, .. } => Some(file).filter(|file| file.reference.is_some()),
        _ => None,
    }
}

/// What came with something sent, as a link to open.
fn attached(body: &InboundBody) -> Vec<Link> {
    match body {
        InboundBody::File {
            file:
                Attachment {
                    title,
                    link: Some(url),
                    ..
                },
            ..
        } => vec![Link {
            title: title.clone(),
            url: url.clone(),
        }],
        _ => Vec::new(),
    }
}
