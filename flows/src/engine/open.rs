//! What the open question wants, in words that an NLU can learn from.

use super::frame::{Place, place};
use super::state::{Owner, State, Wait};
use crate::bundle::{Bundle, EntityKind, StepKind};
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

fn step(bundle: &Bundle, state: &State) -> Option<&'static str> {
    let top = state.frames.last()?;
    let Place::Step(step) = place(bundle.flows.get(&top.flow)?, &top.at) else {
        return None;
    };
    match &step.kind {
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
