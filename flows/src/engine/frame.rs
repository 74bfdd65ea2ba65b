//! A flow in progress and where it stands. Positions are paths through nested step lists, so a state
//! needs no pointers and survives being written down.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::Filled;
use crate::bundle::{Flow, Id, Step, StepKind};
use crate::compile::walk;
use crate::value::Value;

/// Which list of steps within a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// The flow's own list.
    Root,
    /// `then` of an `if`.
    Then,
    /// `else` of an `if` or a `choose`.
    Else,
    /// A branch of a `choose`, by its place.
    Case(usize),
    /// `on_no` of a confirm.
    OnNo,
    /// `on_error` of an action.
    OnError,
    /// `on_none` of a search.
    OnNone,
    /// A choice of an offer, by its place.
    Choice(usize),
    /// The body of a `while`.
    Body,
    /// `exhausted` of a ladder.
    Exhausted,
    /// `cannot` of a question.
    Cannot,
    /// `on_refusal` of a question.
    OnRefusal,
    /// `skip` of an ask.
    Skip,
}

/// One part of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// The list, within the step that the part before names.
    pub branch: Branch,
    /// The step in it.
    pub index: usize,
}

/// How far the ladder of a question is used up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rungs {
    /// Answers that did not fit.
    pub no_match: u32,
    /// Silences.
    pub no_input: u32,
    /// Values that failed the slot's check.
    pub checks: u32,
}

/// A step that ran: what corrections and "back" look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// Number of the frame.
    pub frame: u32,
    /// Its flow.
    pub flow: Id,
    /// The step's id.
    pub step: String,
    /// Where it stands.
    pub path: Vec<At>,
    /// Slots, and locals as `flow#local`, that it read.
    pub reads: BTreeSet<String>,
    /// What it wrote, named likewise.
    pub writes: BTreeSet<String>,
    /// What it did.
    pub did: Did,
}

/// What a step that ran did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Did {
    /// Said something, or searched.
    Said,
    /// Got an answer from the customer.
    Asked,
    /// Got a yes at a confirm.
    Confirmed,
    /// Got a choice at an offer.
    Chose {
        /// The choice, by its place.
        choice: usize,
    },
    /// Set a slot, or took a default for one.
    Set,
    /// Looked at a condition.
    Tested,
    /// Called an action that answered.
    Acted {
        /// The action.
        action: Id,
        /// It stays done: a correction does not send it again.
        #[serde(alias = "irreversible")]
        once: bool,
        /// What it answered.
        result: Value,
    },
    /// Went through a sub-flow.
    Called {
        /// Number of the sub-flow's frame.
        child: u32,
    },
}

/// A second run through steps after a correction or a step back.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Redo {
    /// Slots and locals whose value has changed since.
    pub dirty: BTreeSet<String>,
    /// What had run; an entry is taken out when its step comes by again.
    pub done: Vec<Ran>,
    /// Something was done anew: what is said after it is said again.
    pub anew: bool,
    /// `flow:step` of actions under way for the second time.
    pub again: BTreeSet<String>,
}

/// Where a frame stands, in words that outlive a change of the flow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mark {
    /// The step's id.
    pub step: String,
    /// What the step does, in one line.
    pub line: String,
}

/// A flow in progress.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Frame {
    /// Number, unique in the conversation.
    pub id: u32,
    /// The flow.
    pub flow: Id,
    /// Hash of the bundle it runs on.
    pub bundle: String,
    /// Where it stands, for a version of the bot in which that place is another.
    pub mark: Option<Mark>,
    /// Where it stands.
    pub at: Vec<At>,
    /// It is a sub-flow: it shares the slots of the frame below and returns to it.
    pub called: bool,
    /// Results of actions.
    pub locals: BTreeMap<String, Value>,
    /// Slots that vanish with it. A sub-flow has none of its own.
    pub slots: BTreeMap<Id, Filled>,
    /// Response to say in place of a slot's prompt: the opening message gave it a value that failed its check.
    pub refused: BTreeMap<Id, Id>,
    /// The two values that a message gave for a slot in passing: its question asks which.
    #[serde(default)]
    pub rivals: BTreeMap<Id, (Value, Value)>,
    /// When it began.
    pub opened_at: Option<Timestamp>,
    /// When another flow came in front of it.
    pub covered_at: Option<Timestamp>,
    /// How often each step with an effect was visited, for idempotency keys.
    pub visits: BTreeMap<String, u32>,
    /// Ladders by step. They stand still while the frame is covered.
    pub rungs: BTreeMap<String, Rungs>,
    /// What ran. Kept in the frame that owns the slots, for its sub-flows too.
    pub log: Vec<Ran>,
    /// The second run it is in.
    pub redo: Option<Redo>,
    /// It had ended and was opened again for a correction; nothing has run since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
}

/// What stands at a position.
#[derive(Debug)]
pub(super) enum Place<'b> {
    /// A step.
    Step(&'b Step),
    /// The end of the flow.
    Over,
    /// Nothing: the flow is not the one that the position was made for.
    Lost,
}

/// The start of a flow.
pub(super) fn first() -> Vec<At> {
    vec![At {
        branch: Branch::Root,
        index: 0,
    }]
}

/// A step's list of steps.
fn list(step: &Step, branch: Branch) -> Option<&[Step]> {
    match (branch, &step.kind) {
        (Branch::Then, StepKind::If { then, .. }) => Some(then),
        (Branch::Else, StepKind::If { otherwise, .. } | StepKind::Choose { otherwise, .. }) => {
            Some(otherwise)
        }
        (Branch::Case(at), StepKind::Choose { branches, .. }) => {
            branches.get(at).map(|(_, steps)| steps.as_slice())
        }
        (Branch::OnNo, StepKind::Confirm(confirm)) => Some(&confirm.on_no),
        (Branch::OnError, StepKind::Do { on_error, .. }) => Some(on_error),
        (Branch::OnNone, StepKind::Search { on_none, .. }) => Some(on_none),
        (Branch::Choice(at), StepKind::Offer(offer)) => {
            offer.choices.get(at).map(|choice| choice.steps.as_slice())
        }
        (Branch::Body, StepKind::Repeat { steps, .. }) => Some(steps),
        (Branch::OnNo, StepKind::Offer(offer)) => Some(&offer.on_no),
        (Branch::Cannot, kind) => walk::ladder(kind).map(|ladder| ladder.cannot.as_slice()),
        (Branch::OnRefusal, kind) => walk::ladder(kind).map(|ladder| ladder.on_refusal.as_slice()),
        (Branch::Skip, StepKind::Ask(ask)) => ask.skip.as_deref(),
        (Branch::Exhausted, StepKind::Ask(ask)) => Some(&ask.ladder.exhausted),
        (Branch::Exhausted, StepKind::Confirm(confirm)) => Some(&confirm.ladder.exhausted),
        (Branch::Exhausted, StepKind::Offer(offer)) => Some(&offer.ladder.exhausted),
        _ => None,
    }
}

/// What stands at `path` in `flow`.
pub(super) fn place<'b>(flow: &'b Flow, path: &[At]) -> Place<'b> {
    let mut steps: &'b [Step] = &flow.steps;
    let mut found: Option<&'b Step> = None;
    for (depth, at) in path.iter().enumerate() {
        if depth > 0 {
            let Some(inner) = found.and_then(|step| list(step, at.branch)) else {
                return Place::Lost;
            };
            steps = inner;
        } else if at.branch != Branch::Root {
            return Place::Lost;
        }
        found = steps.get(at.index);
        if found.is_none() {
            let over = depth == 0 && path.len() == 1 && at.index == steps.len();
            return if over { Place::Over } else { Place::Lost };
        }
    }
    found.map_or(Place::Lost, Place::Step)
}

/// Moves past the step at `path`: to the next one, out of finished lists, and back to a `while` whose
/// body is through.
pub(super) fn advance(flow: &Flow, path: &mut Vec<At>) {
    loop {
        let Some(last) = path.last_mut() else { return };
        last.index += 1;
        if path.len() == 1 || matches!(place(flow, path), Place::Step(_)) {
            return;
        }
        path.pop();
        if let Place::Step(outer) = place(flow, path)
            && matches!(outer.kind, StepKind::Repeat { .. })
        {
            return;
        }
    }
}

/// Moves into a list of the step at `path`; past the step where the list is empty.
pub(super) fn enter(flow: &Flow, path: &mut Vec<At>, branch: Branch) {
    path.push(At { branch, index: 0 });
    if !matches!(place(flow, path), Place::Step(_)) {
        path.pop();
        advance(flow, path);
    }
}

/// Path of the step with the given id.
pub(super) fn find(flow: &Flow, id: &str) -> Option<Vec<At>> {
    find_in(&flow.steps, Branch::Root, id, &mut Vec::new())
}

fn find_in(steps: &[Step], branch: Branch, id: &str, path: &mut Vec<At>) -> Option<Vec<At>> {
    for (index, step) in steps.iter().enumerate() {
        path.push(At { branch, index });
        if step.id == id {
            return Some(path.clone());
        }
        for inner in branches(step) {
            let found = list(step, inner).and_then(|steps| find_in(steps, inner, id, path));
            if found.is_some() {
                return found;
            }
        }
        path.pop();
    }
    None
}

/// Every list a step has.
fn branches(step: &Step) -> Vec<Branch> {
    match &step.kind {
        StepKind::If { .. } => vec![Branch::Then, Branch::Else],
        StepKind::Choose { branches, .. } => (0..branches.len())
            .map(Branch::Case)
            .chain([Branch::Else])
            .collect(),
        StepKind::Ask(_) => vec![
            Branch::Exhausted,
            Branch::Cannot,
            Branch::OnRefusal,
            Branch::Skip,
        ],
        StepKind::Confirm(_) => vec![Branch::OnNo, Branch::Exhausted],
        StepKind::Offer(offer) => (0..offer.choices.len())
            .map(Branch::Choice)
            .chain([
                Branch::OnNo,
                Branch::Exhausted,
                Branch::Cannot,
                Branch::OnRefusal,
            ])
            .collect(),
        StepKind::Do { .. } => vec![Branch::OnError],
        StepKind::Search { .. } => vec![Branch::OnNone],
        StepKind::Repeat { .. } => vec![Branch::Body],
        StepKind::Say(_)
        | StepKind::Set { .. }
        | StepKind::Call(_)
        | StepKind::Go(_)
        | StepKind::Handoff { .. }
        | StepKind::End(_) => Vec::new(),
    }
}

/// True where a step can have done what a log says it did.
pub(super) fn same_kind(step: &Step, did: &Did) -> bool {
    matches!(
        (&step.kind, did),
        (StepKind::Say(_) | StepKind::Search { .. }, Did::Said)
            | (StepKind::Ask(_), Did::Asked | Did::Set)
            | (StepKind::Confirm(_), Did::Confirmed)
            | (StepKind::Offer(_), Did::Chose { .. })
            | (StepKind::Set { .. }, Did::Set)
            | (
                StepKind::If { .. } | StepKind::Choose { .. } | StepKind::Repeat { .. },
                Did::Tested
            )
            | (StepKind::Do { .. }, Did::Acted { .. })
            | (StepKind::Call(_), Did::Called { .. })
    )
}

/// Calls `visit` for every step of the flow, outer before inner, in order.
pub(super) fn each<'b>(flow: &'b Flow, visit: &mut dyn FnMut(&'b Step)) {
    fn walk<'b>(steps: &'b [Step], visit: &mut dyn FnMut(&'b Step)) {
        for step in steps {
            visit(step);
            for branch in branches(step) {
                if let Some(inner) = list(step, branch) {
                    walk(inner, visit);
                }
            }
        }
    }
    walk(&flow.steps, visit);
}
