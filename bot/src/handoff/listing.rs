//! How the desk lists conversations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::envelope::Reason;

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
