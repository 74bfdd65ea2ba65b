//! What the open question wants, in words that an NLU can learn from.

use super::frame::{Place, place};
use super::state::{Owner, State, Wait};
use crate::bundle::{Bundle, EntityKind, Id, Step, StepKind};
use crate::compile::walk;
use crate::value::Type;

/// What the open question wants.
pub(super) fn question(bundle: &Bundle, state: &State) -> Option<&'static str> {
    if state.owner != Owner::Bot {
        return None;
    }
    match &state.wait {
        Wait::Rating { .. } => Some("rating"),
        Wait::Choice { .. } | Wait::Change => Some("choice"),
        Wait::Resume | Wait::Person | Wait::Undo(_) => Some("yes_no"),
        Wait::Customer | Wait::Action { .. } | Wait::Search { .. } | Wait::Undoing { .. } => {
            step(bundle, state)
        }
    }
}

/// Secret slots that the next message may fill: the one that is asked for, and those that the flow in front asks for later,
/// which people give along with the answer before. Not one that looks like what is asked for now.
pub(super) fn secrets(bundle: &Bundle, state: &State) -> Vec<Id> {
    let mut open = Vec::new();
    if state.owner != Owner::Bot {
        return open;
    }
    let Some(StepKind::Ask(asked)) = current(bundle, state).map(|step| &step.kind) else {
        return open;
    };
    let Some(flow) = state
        .frames
        .last()
        .and_then(|top| bundle.flows.get(&top.flow))
    else {
        return open;
    };
    let declared = |slot: &Id| bundle.slots.get(slot);
    let ty = |slot: &Id| declared(slot).map(|slot| &slot.ty);
    walk::steps(&flow.steps, &mut |step| {
        let StepKind::Ask(ask) = &step.kind else {
            return;
        };
        let is_secret = declared(&ask.slot).is_some_and(|slot| slot.secret);
        let comes = state.slot(&ask.slot).is_none() && ty(&ask.slot) != ty(&asked.slot);
        if is_secret && (ask.slot == asked.slot || comes) && !open.contains(&ask.slot) {
            open.push(ask.slot.clone());
        }
    });
    open
}

/// A flow that goes on has a value in a secret slot.
pub(super) fn holds_secret(bundle: &Bundle, state: &State) -> bool {
    let frames = state.frames.iter().map(|frame| &frame.slots);
    frames
        .chain([&state.slots])
        .flat_map(|slots| slots.keys())
        .any(|slot| bundle.slots.get(slot).is_some_and(|slot| slot.secret))
}

fn current<'b>(bundle: &'b Bundle, state: &State) -> Option<&'b Step> {
    let top = state.frames.last()?;
    match place(bundle.flows.get(&top.flow)?, &top.at) {
        Place::Step(step) => Some(step),
        _ => None,
    }
}

fn step(bundle: &Bundle, state: &State) -> Option<&'static str> {
    match &current(bundle, state)?.kind {
        StepKind::Confirm(_) => Some("confirm"),
        StepKind::Offer(_) => Some("choice"),
        StepKind::Ask(ask) => Some(kind(bundle, &bundle.slots.get(&ask.slot)?.ty)),
        _ => None,
    }
}

fn kind(bundle: &Bundle, ty: &Type) -> &'static str {
    match ty {
        Type::YesNo | Type::Bool => "yes_no",
        Type::Number => "number",
        Type::Ordinal => "ordinal",
        Type::Money => "money",
        Type::Percent => "percent",
        Type::Date => "date",
        Type::Time => "time",
        Type::Datetime => "datetime",
        Type::Duration => "duration",
        Type::Email => "email",
        Type::Phone => "phone",
        Type::Url => "url",
        Type::Name => "name",
        Type::Entity(id) => match bundle.entities.get(id).map(|entity| &entity.kind) {
            Some(EntityKind::List(_)) => "choice",
            Some(EntityKind::Regex(_)) => "code",
            Some(EntityKind::Learned) | None => "text",
        },
        Type::List(inner) => kind(bundle, inner),
        Type::Text | Type::Any | Type::Record(_) => "text",
    }
}
