//! The engine: a pure step over a conversation's state.

pub mod effect;
pub mod event;
pub mod state;

use serde::{Deserialize, Serialize};

use crate::bundle::Bundle;
use effect::Effect;
use event::Event;
use state::State;

/// What a step gives back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// What the world must do, in order. After `Call`, `Search` or `Handoff` the engine waits for the
    /// matching event; after `Listen` for the customer.
    pub effects: Vec<Effect>,
    /// Why it went this way.
    pub trace: Trace,
}

/// Why a step went the way it did: every reading that was considered, taken or rejected, each step
/// run, each trigger looked at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Trace {
    /// In order.
    pub entries: Vec<TraceEntry>,
}

/// One thing that was considered or done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceEntry {
    /// `trigger`, `reading`, `step`, `slot`, `correction`, `frame`, `error`.
    pub kind: String,
    /// What: trigger name, reading (`answer`, `new_flow orders.refund`), `flow:step`, slot id.
    pub what: String,
    /// `taken`, `rejected`, `ran`, `set`, …
    pub verdict: String,
    /// Why, with the numbers.
    pub why: String,
}

/// Runs one event. `state` is changed in place; the same state and event give the same result, byte
/// for byte.
pub fn step(bundle: &Bundle, state: &mut State, event: &Event) -> Step {
    let _ = (bundle, state, event);
    Step::default()
}
