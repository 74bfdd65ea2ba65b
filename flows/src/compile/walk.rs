//! Going through the steps of a flow.

use crate::bundle::{Ladder, Step, StepKind};

/// Calls `visit` for each step, outer ones first.
pub(crate) fn steps<'s>(steps: &'s [Step], visit: &mut dyn FnMut(&'s Step)) {
    for step in steps {
        visit(step);
        for inner in children(&step.kind) {
            self::steps(inner, visit);
        }
    }
}

/// The lists of steps in a step.
pub(crate) fn children(kind: &StepKind) -> Vec<&[Step]> {
    match kind {
        StepKind::Ask(ask) => {
            let ladder = &ask.ladder;
            let mut all: Vec<&[Step]> = vec![&ladder.exhausted, &ladder.cannot, &ladder.on_refusal];
            all.extend(ask.skip.as_deref());
            all
        }
        StepKind::Confirm(confirm) => vec![&confirm.on_no, &confirm.ladder.exhausted],
        StepKind::If {
            then, otherwise, ..
        } => vec![then, otherwise],
        StepKind::Choose {
            branches,
            otherwise,
        } => {
            let mut all: Vec<&[Step]> =
                branches.iter().map(|(_, steps)| steps.as_slice()).collect();
            all.push(otherwise);
            all
        }
        StepKind::Do { on_error, .. } => vec![on_error],
        StepKind::Search { on_none, .. } => vec![on_none],
        StepKind::Offer(offer) => {
            let mut all: Vec<&[Step]> = offer
                .choices
                .iter()
                .map(|choice| choice.steps.as_slice())
                .collect();
            let ladder = &offer.ladder;
            all.extend([
                &*ladder.exhausted,
                &ladder.cannot,
                &ladder.on_refusal,
                &offer.on_no,
            ]);
            all
        }
        StepKind::Repeat { steps, .. } => vec![steps],
        StepKind::Say(_)
        | StepKind::Set { .. }
        | StepKind::Call(_)
        | StepKind::Go(_)
        | StepKind::Handoff { .. }
        | StepKind::End(_) => Vec::new(),
    }
}

/// The ladder of a step that waits for the customer.
pub(crate) fn ladder(kind: &StepKind) -> Option<&Ladder> {
    match kind {
        StepKind::Ask(ask) => Some(&ask.ladder),
        StepKind::Confirm(confirm) => Some(&confirm.ladder),
        StepKind::Offer(offer) => Some(&offer.ladder),
        _ => None,
    }
}

/// The responses that a step says itself, its inner steps aside.
pub(crate) fn said(kind: &StepKind) -> Vec<&str> {
    let mut all: Vec<&str> = match kind {
        StepKind::Say(id) => vec![id],
        StepKind::Ask(ask) => vec![&ask.prompt],
        StepKind::Confirm(confirm) => vec![&confirm.prompt],
        StepKind::Offer(offer) => vec![&offer.prompt],
        StepKind::Handoff { say: Some(id), .. } => vec![id],
        _ => Vec::new(),
    };
    if let Some(ladder) = ladder(kind) {
        all.extend(
            ladder
                .no_match
                .iter()
                .chain(&ladder.no_input)
                .chain(&ladder.why)
                .map(String::as_str),
        );
    }
    all
}
