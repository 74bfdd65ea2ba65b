//! What goes in and out of [`super::App`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use bellhop_flows::engine::TraceEntry;
use bellhop_flows::engine::effect::Listen;
use bellhop_flows::engine::event::Reading;
use bellhop_flows::engine::state::Owner;

use crate::handoff::envelope::Reason;
use crate::outbox::CustomerEvent;

/// A conversation to open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewConversation {
    /// `web`, `voice`, `rest`, `shell`, …
    pub channel: String,
    /// Our account on the channel: the number that was called, say.
    pub channel_account: Option<String>,
    /// The provider's own key (call id, sender id): the same key while a conversation is open is the
    /// same conversation.
    pub provider_key: Option<String>,
    /// Facts about the customer: `id`, `tier`, `name`, …
    pub customer: BTreeMap<String, String>,
    /// The facts were proved (a signed token), not only said.
    pub verified: bool,
    /// Language asked for.
    pub language: Option<String>,
}

/// An open conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// Its id (ULID).
    pub conversation_id: String,
    /// Its bearer token, given once; empty when the conversation was already open (`created` is false).
    pub token: String,
    /// It was opened by this call.
    pub created: bool,
    /// What the bot says first.
    pub events: Vec<CustomerEvent>,
    /// What the bot waits for now.
    pub listen: Option<Listen>,
}

/// Something a customer sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Inbound {
    /// The sender's id for it: the same id again does nothing twice.
    pub client_msg_id: String,
    /// What.
    pub body: InboundBody,
}

/// What a customer sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InboundBody {
    /// Typed text.
    Text {
        /// The text.
        text: String,
    },
    /// A pressed button or a deep link.
    Payload {
        /// Its payload.
        payload: String,
    },
    /// Keys of a phone.
    Keys {
        /// The keys.
        keys: String,
    },
    /// Transcribed speech.
    Speech {
        /// The transcript.
        text: String,
        /// The recogniser's confidence, 0 to 1.
        confidence: Option<f64>,
    },
    /// Nothing, for as long as the channel waits.
    Silence,
}

/// A message that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its place in the journal.
    pub seq: u64,
    /// It was stored before.
    pub duplicate: bool,
}

/// What a message caused.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What the customer gets, in order; empty while a person owns the conversation.
    pub events: Vec<CustomerEvent>,
    /// What the bot waits for.
    pub listen: Option<Listen>,
    /// Who owns the conversation after the turn.
    pub owner: Owner,
    /// The handoff that is open after the turn, if any.
    pub handoff_id: Option<String>,
    /// The conversation is over.
    pub closed: bool,
}

/// Why a turn went as it did: for staff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TurnTrace {
    /// Turn number of the conversation, from 1; 0 before the customer's first message.
    pub turn: u32,
    /// Journal seq of what caused it.
    pub seq: u64,
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What was made of the message.
    #[schema(value_type = Option<Object>)]
    pub reading: Option<Reading>,
    /// Every reading, trigger, step and slot that was looked at, in order.
    #[schema(value_type = Vec<Object>)]
    pub entries: Vec<TraceEntry>,
    /// Calls to actions; personal data is masked.
    pub calls: Vec<CallTrace>,
    /// Searches in the knowledge base.
    pub searches: Vec<SearchTrace>,
    /// Microseconds by stage.
    pub micros: StageMicros,
    /// The owner changed meanwhile: what the bot said was not sent.
    pub late: bool,
}

/// A call to an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallTrace {
    /// The action.
    pub action: String,
    /// Idempotency key.
    pub key: String,
    /// Slots it read; personal data as `***`.
    pub args: BTreeMap<String, serde_json::Value>,
    /// `answered`, `timed_out`, `status 404`, `failed: …`.
    pub result: String,
    /// Times it was sent.
    pub tries: u32,
    /// Microseconds.
    pub micros: u64,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchTrace {
    /// Article it was restricted to.
    pub article: Option<String>,
    /// Passages found: article and confidence, best first.
    pub found: Vec<(String, f64)>,
    /// Microseconds.
    pub micros: u64,
}

/// Microseconds that a turn spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct StageMicros {
    /// Storing the message, before it was acknowledged.
    pub accept: u64,
    /// Reading it: waiting for the model included.
    pub nlu: u64,
    /// Searching.
    pub retrieval: u64,
    /// The engine's steps.
    pub engine: u64,
    /// Calls to actions.
    pub actions: u64,
    /// Everything but the final write.
    pub total: u64,
}

/// A conversation in a queue, or with an agent, as the desk lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// Handoff.
    pub handoff_id: String,
    /// Conversation.
    pub conversation_id: String,
    /// Queue.
    pub queue: String,
    /// Its title in the bot's first language.
    pub queue_title: String,
    /// 0 is most urgent.
    pub priority: u8,
    /// Seconds since the customer asked.
    pub waited_s: u64,
    /// Why.
    pub reason: Reason,
    /// Who.
    pub customer: DeskCustomer,
    /// What the customer came for.
    pub intent: String,
    /// The same in words.
    pub issue: String,
    /// Channel.
    pub channel: String,
    /// Language.
    pub language: String,
    /// State of the handoff: `queued`, `assigned`, `agent_active`, `wrap_up`, …
    pub state: String,
}

/// A conversation that an agent has.
pub type Assigned = Waiting;

/// A customer in the desk's lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct DeskCustomer {
    /// Their id.
    pub id: String,
    /// Their tier.
    pub tier: String,
    /// What to call them.
    pub display_name: Option<String>,
}

/// What staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Talks to customers.
    Agent,
    /// Watches over queues and agents.
    Supervisor,
    /// Writes flows.
    Designer,
    /// Everything, and lets others in.
    Admin,
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Their id (ULID).
    pub id: String,
    /// Name that customers see.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A signed-in member of staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Bearer token; only its hash is stored.
    pub token: String,
    /// Who.
    pub agent: Agent,
}
