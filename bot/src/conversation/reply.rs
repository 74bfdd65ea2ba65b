//! What opening a conversation, or a message in it, caused.

use bellhop_flows::engine::effect::Listen;
use bellhop_flows::engine::state::Owner;

use crate::events::CustomerEvent;

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
    /// Something was said after the first seq (the end of the turn before) and up to the second (the end of this one) that
    /// `events` may not hold.
    pub missed: Option<(u64, u64)>,
}
