//! The engine: a pure step over a conversation's state.

mod action;
mod acts;
mod answer;
mod ask;
mod bare;
pub mod begin;
mod beside;
mod collected;
mod confirm;
mod correct;
mod digress;
pub mod effect;
pub mod event;
mod exact;
mod follow;
pub mod frame;
mod guess;
mod handoff;
mod knowledge;
mod ladder;
mod migrate;
mod open;
pub mod phrases;
mod pick;
mod policy;
mod policy_words;
mod reading;
mod repair;
mod requests;
mod run;
mod scope;
mod several;
mod shape;
mod standing;
mod standing_words;
pub mod state;
mod status;
mod talk;
mod topic;
mod turn;
mod undo;
mod vague;
mod waiting;

#[cfg(test)]
mod tests;

pub use begin::begin_at;
pub use collected::{Collected, MASK, collected};

use serde::{Deserialize, Serialize};

use crate::bundle::{Bundle, Id};
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
///
/// | kind | what | verdict |
/// |---|---|---|
/// | `trigger` | its name | `fired`, `passed` |
/// | `reading` | `payload P`, `keys K`, `command C`, `answer SLOT`, `correction SLOT`, `new_flow FLOW`, `knowledge ARTICLE`, `choice`, `no_match` | `taken`, `rejected` |
/// | `step` | `flow:step` | `ran`, `skipped`, `waited` |
/// | `slot` | slot id | `set`, `cleared`, `refused` |
/// | `correction` | slot id | `corrected`, `kept`, `refused` |
/// | `correction` | action id | `redone`, `already_done`, `undone` |
/// | `correction` | `flow:step` of a confirm | `voided` |
/// | `frame` | flow id | `started`, `covered`, `resumed`, `offered`, `returned`, `ended` (why: the outcome), `dropped`, `moved` |
/// | `offer` | payload of a choice shown | `offered` |
/// | `action` | action id | `called`, `ok`, `timeout`, `status`, `shape`, `needs_human` |
/// | `intent` | intent id | `served` |
/// | `language` | the new one | `followed` |
/// | `error` | `flow:step` or event | `failed`, `ignored` |
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TraceEntry {
    /// Kind of thing, as in the table.
    pub kind: String,
    /// Which one.
    pub what: String,
    /// What became of it.
    pub verdict: String,
    /// Why, with the numbers.
    pub why: String,
}

/// What the open question wants: `confirm`, `yes_no`, `choice`, `rating` or the kind of the slot's type (`code` for a
/// pattern of the bot's own); nothing where no question is open. A reader takes a short answer in its light.
pub fn open_question(bundle: &Bundle, state: &State) -> Option<&'static str> {
    open::question(bundle, state)
}

/// Secret slots that the next message may fill: the one that is asked for, and those that the flow in front asks for later.
/// Who keeps messages hides what may be meant for them.
pub fn open_secrets(bundle: &Bundle, state: &State) -> Vec<Id> {
    open::secrets(bundle, state)
}

/// A flow that goes on has a value in a secret slot.
pub fn holds_secret(bundle: &Bundle, state: &State) -> bool {
    open::holds_secret(bundle, state)
}

/// Runs one event. `state` is changed in place; the same state and event give the same result, byte
/// for byte.
pub fn step(bundle: &Bundle, state: &mut State, event: &Event) -> Step {
    turn::Turn::new(bundle, state, event.at).event(event)
}
