//! The state of a conversation: everything the engine remembers between two events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bundle::Id;
use crate::value::Value;

/// Who the conversation belongs to: the only side whose text reaches the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The bot.
    #[default]
    Bot,
    /// A queue; the bot keeps the customer informed and takes "never mind".
    Queue,
    /// A person; the bot is silent.
    Agent,
    /// Nobody: it is over.
    Closed,
}

/// A filled slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// Its value.
    pub value: Value,
    /// `user`, `inferred` or `system`.
    pub source: String,
    /// Confidence of the reading it came from.
    pub confidence: f64,
    /// Turn it was filled in.
    pub turn: u32,
}

/// Counters that triggers and ladders look at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// No-matches running.
    pub no_match_running: u32,
    /// No-matches in the conversation.
    pub no_match_total: u32,
    /// Silences running.
    pub no_input_running: u32,
    /// Turns running whose best intent was below the low-confidence bar.
    pub low_confidence_running: u32,
    /// Turns since a flow last finished.
    pub turns_since_done: u32,
    /// Failed actions in the conversation.
    pub tool_failures: u32,
}

/// Something the bot tried, for the envelope's `attempts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Turn.
    pub turn: u32,
    /// `answer`, `tool` or `flow`.
    pub kind: String,
    /// Article, action or flow id.
    pub reference: String,
    /// How it went.
    pub outcome: String,
    /// When.
    pub at: Timestamp,
}

/// The state of a conversation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// Who owns it.
    pub owner: Owner,
    /// Channel it is on.
    pub channel: String,
    /// Language it is in.
    pub language: String,
    /// Customer facts: `id`, `tier`, `name`, …
    pub customer: BTreeMap<String, String>,
    /// Turns so far: inbound messages of the customer.
    pub turn: u32,
    /// Filled slots that outlive a frame.
    pub slots: BTreeMap<Id, Filled>,
    /// Counters.
    pub counters: Counters,
    /// What was tried.
    pub attempts: Vec<Attempt>,
    /// Sentiment of the last turns, oldest first, at most 20.
    pub moods: Vec<f64>,
    /// Intents of the last reading, best first.
    pub last_intents: Vec<(Id, f64)>,
    /// Intent being served, or the last served.
    pub intent: Option<Id>,
}
