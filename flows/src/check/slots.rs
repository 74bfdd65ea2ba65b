//! Slots that are asked for although nothing can find them in an answer.

use std::collections::BTreeSet;

use crate::bundle::{Bundle, EntityKind, Slot, StepKind};
use crate::compile::walk;
use crate::diag::Diagnostic;
use crate::value::Type;

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    let marked: BTreeSet<&str> = bundle
        .intents
        .values()
        .flat_map(|intent| intent.examples.values().flatten())
        .flat_map(|example| example.marks.iter().map(|(.., id)| id.as_str()))
        .collect();
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            let StepKind::Ask(ask) = &step.kind else {
                return;
            };
            let Some(slot) = bundle.slots.get(&ask.slot) else {
                return;
            };
            if let Some((why, help)) = lost(bundle, &ask.slot, slot, &marked) {
                findings.push(
                    Diagnostic::warning(
                        "W0608",
                        step.span,
                        format!("no answer can fill `{}`: {why}", ask.slot),
                    )
                    .related(slot.span, "the slot")
                    .help(help),
                );
            }
        });
    }
}

/// Why nothing finds a value for the slot, and what to do.
fn lost(
    bundle: &Bundle,
    id: &str,
    slot: &Slot,
    marked: &BTreeSet<&str>,
) -> Option<(String, &'static str)> {
    match &slot.ty {
        Type::Any | Type::Record(_) => Some((
            format!("nothing is read from a text as `{}`", slot.ty.name()),
            "give it a type that can be said, or fill it with `set`",
        )),
        Type::Entity(entity) => match &bundle.entities.get(entity)?.kind {
            EntityKind::List(values) if values.is_empty() => Some((
                format!("the list `{entity}` has no values"),
                "add values with their synonyms",
            )),
            EntityKind::Learned if !marked.contains(id) && !marked.contains(entity.as_str()) => {
                Some((
                    format!("no example marks a `{entity}` to learn from"),
                    "mark it in examples: `from [here](slot)`",
                ))
            }
            _ => None,
        },
        _ => None,
    }
}
