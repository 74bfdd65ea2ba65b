//! The customer's wire events: what every channel shows, each in its own way.

use bellhop_nlu::redact::PersonalData;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use bellhop_flows::engine::effect;

/// An event that has no place yet is stored without one: the journal's entry knows it.
fn is_nowhere(seq: &u64) -> bool {
    *seq == 0
}

fn is_never(at: &Timestamp) -> bool {
    *at == Timestamp::UNIX_EPOCH
}

/// An event as customers' channels get it (server-sent events, web socket, replies to a POST).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CustomerEvent {
    /// Somebody said something.
    Message(Box<MessageEvent>),
    /// The conversation is on its way to a person, with one, or back.
    Handoff(HandoffEvent),
    /// The conversation is over.
    Closed(ClosedEvent),
    /// Where the customer stands in the line now: not stored, has no `seq`.
    Position(PositionEvent),
    /// Somebody is typing: not stored, has no `seq`.
    Typing(TypingEvent),
}

impl CustomerEvent {
    /// Its place in the journal; typing has none.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Message(event) => Some(event.seq),
            Self::Handoff(event) => Some(event.seq),
            Self::Closed(event) => Some(event.seq),
            Self::Position(_) | Self::Typing(_) => None,
        }
    }

    /// The customer said it: whoever answers them need not tell it.
    pub fn is_customers_own(&self) -> bool {
        matches!(self, Self::Message(message) if message.from == Author::Customer)
    }
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The bot.
    Bot,
    /// A person at the desk.
    Agent,
    /// The customer.
    Customer,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageEvent {
    /// Place in the journal: strictly growing, not dense.
    #[serde(default, skip_serializing_if = "is_nowhere")]
    pub seq: u64,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    #[serde(default, skip_serializing_if = "is_never")]
    pub at: Timestamp,
    /// Who said it.
    pub from: Author,
    /// Its text; for a button that was pressed, the button's title.
    pub text: String,
    /// What is said on the phone, where it differs; only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// Language it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Buttons to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// Links to open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Name of a file that came with it and that only the channel's provider has; staff read it at
    /// `/v1/handoffs/{id}/media/{seq}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The article that an answer comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ArticleSource>,
    /// Name of the agent who said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The sender's own id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_msg_id: Option<String>,
    /// Id of the response or pattern it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was taken out of its text before it was stored, as `[card]` and the like in its place.
    #[schema(value_type = Vec<String>)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redactions: Vec<PersonalData>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Button {
    /// What it shows.
    pub title: String,
    /// What it sends.
    pub payload: String,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// What it shows.
    pub title: String,
    /// Where it leads.
    pub url: String,
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArticleSource {
    /// Article id.
    pub article: String,
    /// Its title.
    pub title: String,
    /// Heading within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Address that customers can open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How a handoff stands, as the customer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandoffStatus {
    /// In a queue; said again whenever the place changes.
    Queued,
    /// A person has it.
    Assigned,
    /// Back with the bot.
    Returned,
    /// The customer no longer wants a person.
    Cancelled,
    /// The person is done.
    Closed,
}

/// A handoff's news for the customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HandoffEvent {
    /// Place in the journal.
    #[serde(default, skip_serializing_if = "is_nowhere")]
    pub seq: u64,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    #[serde(default, skip_serializing_if = "is_never")]
    pub at: Timestamp,
    /// How it stands.
    pub state: HandoffStatus,
    /// The handoff.
    pub handoff_id: String,
    /// Queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// What the customer hears the queue called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_title: Option<String>,
    /// 1 is next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Estimated wait, seconds; absent while nobody is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u64>,
    /// Name of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// Where the customer stands in the line now. Computed from the queue whenever it is asked for, so that a line that moves
/// writes nothing into the conversations that wait in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PositionEvent {
    /// The handoff.
    pub handoff_id: String,
    /// Queue.
    pub queue: String,
    /// What the customer hears the queue called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_title: Option<String>,
    /// 1 is next.
    pub position: u32,
    /// Estimated wait, seconds; absent while nobody is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_s: Option<u64>,
}

/// The conversation is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClosedEvent {
    /// Place in the journal.
    #[serde(default, skip_serializing_if = "is_nowhere")]
    pub seq: u64,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    #[serde(default, skip_serializing_if = "is_never")]
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Somebody is typing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TypingEvent {
    /// Who.
    pub from: Author,
    /// Begins or ends.
    pub on: bool,
}

/// How a message of ours stands on its way to the customer; each is further than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// The provider does not have it yet.
    Waiting,
    /// The provider has taken it.
    Sent,
    /// It is on the customer's device.
    Delivered,
    /// The customer has seen it.
    Read,
    /// It will not arrive.
    Failed,
}

impl DeliveryState {
    /// Its name, as JSON has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// News of a message of ours on its way, for staff alone: no event of the journal, the transcript of the handoff has the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryEvent {
    /// Place of the message in the journal. Unless it failed, all that was said before it is at least as far.
    pub seq: u64,
    /// How it stands.
    pub state: DeliveryState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What processes tell each other of a conversation without storing it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Signal {
    /// For everyone who watches.
    Event(CustomerEvent),
    /// For the desk.
    Delivery {
        /// What.
        delivery: DeliveryEvent,
    },
}

impl MessageEvent {
    /// Makes the event of a message that a person of ours says.
    pub(crate) fn of_agent(name: &str, text: &str, client_msg_id: &str) -> Self {
        Self {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            from: Author::Agent,
            text: text.to_owned(),
            voice: None,
            language: None,
            buttons: Vec::new(),
            links: Vec::new(),
            file: None,
            source: None,
            agent: Some(name.to_owned()),
            client_msg_id: Some(client_msg_id.to_owned()),
            name: None,
            redactions: Vec::new(),
        }
    }

    /// Makes the event of a message that the bot says; `spoken` keeps the phone's text.
    pub(crate) fn of_bot(message: effect::Message, spoken: bool) -> Self {
        Self {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            from: Author::Bot,
            text: message.text,
            voice: message.voice.filter(|_| spoken),
            language: Some(message.language),
            buttons: message
                .buttons
                .into_iter()
                .map(|button| Button {
                    title: button.title,
                    payload: button.payload,
                })
                .collect(),
            links: message
                .links
                .into_iter()
                .map(|(title, url)| Link { title, url })
                .collect(),
            file: None,
            source: message.source.map(|source| ArticleSource {
                article: source.article,
                title: source.title,
                section: source.section,
                url: source.url,
            }),
            agent: None,
            client_msg_id: None,
            name: Some(message.name),
            redactions: Vec::new(),
        }
    }
}
