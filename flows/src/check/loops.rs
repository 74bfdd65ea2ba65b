//! Loops that nothing ends and in which nobody is waited for.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, Id, Step, StepKind};
use crate::compile::walk;
use crate::diag::Diagnostic;
use crate::span::Span;

/// Names that change by themselves.
const MOVING: [&str; 3] = ["now", "turn", "conversation"];

/// Looks at every `while`, and at flows that go to each other.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            if let StepKind::Repeat { test, steps } = &step.kind {
                let reads = test.reads();
                let moving = reads.iter().any(|name| MOVING.contains(&name.as_str()));
                if !moving && quiet(steps, &reads) {
                    out.push(endless(step.span, &reads));
                }
            }
        });
    }
    circles(bundle, out);
}

fn endless(span: Span, reads: &[String]) -> Diagnostic {
    let help = if reads.is_empty() {
        "ask for something in it, or test a slot that it sets".to_owned()
    } else {
        format!(
            "ask for something in it, or set {} on every way",
            reads.join(" or ")
        )
    };
    let message =
        "this loop can go round for ever: a way through it neither waits nor changes what it tests";
    Diagnostic::error("E0702", span, message).help(help)
}

/// Whether the steps can be gone through without waiting and without a change to `reads`.
fn quiet(steps: &[Step], reads: &[String]) -> bool {
    steps.iter().all(|step| passes(&step.kind, reads))
}

fn passes(kind: &StepKind, reads: &[String]) -> bool {
    match kind {
        StepKind::Ask(_) | StepKind::Confirm(_) | StepKind::Offer(_) => false,
        // What a sub-flow does is its own matter; it may well set what is tested.
        StepKind::Call(_) => false,
        StepKind::Go(_) | StepKind::End(_) | StepKind::Handoff { .. } => false,
        StepKind::Set { slot, .. } => !reads.contains(slot),
        StepKind::Do { into, .. } => into.as_ref().is_none_or(|name| !reads.contains(name)),
        StepKind::If {
            then, otherwise, ..
        } => quiet(then, reads) || quiet(otherwise, reads),
        StepKind::Choose {
            branches,
            otherwise,
        } => quiet(otherwise, reads) || branches.iter().any(|(_, steps)| quiet(steps, reads)),
        StepKind::Say(_) | StepKind::Search { .. } | StepKind::Repeat { .. } => true,
    }
}

/// Flows that go to each other in a circle without waiting.
fn circles(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    let mut goes: BTreeMap<&Id, Vec<(&Id, Span)>> = BTreeMap::new();
    for (id, flow) in &bundle.flows {
        let mut found = Vec::new();
        leads(&flow.steps, &mut found);
        goes.insert(id, found);
    }
    for (id, edges) in &goes {
        for (target, span) in edges {
            if reaches(&goes, target, id) {
                let message =
                    format!("`{id}` and `{target}` go to each other without ever waiting");
                let help = "ask for something on the way, or end one of them";
                out.push(Diagnostic::error("E0702", *span, message).help(help));
            }
        }
    }
}

/// Flows that the steps go to before they wait; true where the steps can be gone through so.
fn leads<'b>(steps: &'b [Step], out: &mut Vec<(&'b Id, Span)>) -> bool {
    for step in steps {
        let goes_on = match &step.kind {
            StepKind::Ask(_) | StepKind::Confirm(_) | StepKind::Offer(_) => false,
            StepKind::End(_) | StepKind::Handoff { .. } => false,
            StepKind::Go(target) => {
                out.push((target, step.span));
                false
            }
            StepKind::If { .. } | StepKind::Choose { .. } => {
                let inner = walk::children(&step.kind);
                let through: Vec<bool> = inner.into_iter().map(|list| leads(list, out)).collect();
                through.contains(&true)
            }
            // Whether the sub-flow waits is not looked at: only what is sure is reported.
            StepKind::Call(_) => false,
            _ => true,
        };
        if !goes_on {
            return false;
        }
    }
    true
}

fn reaches<'b>(goes: &BTreeMap<&'b Id, Vec<(&'b Id, Span)>>, from: &'b Id, to: &Id) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if seen.insert(id) {
            open.extend(
                goes.get(id)
                    .into_iter()
                    .flatten()
                    .map(|(target, _)| *target),
            );
        }
    }
    false
}
