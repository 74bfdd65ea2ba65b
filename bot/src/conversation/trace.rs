//! Why a turn went as it did.

use std::collections::BTreeMap;

use bellhop_flows::engine::TraceEntry;
use bellhop_flows::engine::event::Reading;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
