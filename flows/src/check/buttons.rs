//! Buttons whose payload nobody waits for.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, EntityKind, StepKind, TriggerKind};
use crate::compile::walk;
use crate::diag::Diagnostic;
use crate::value::Type;

/// What may be pressed while a response stands on the screen.
#[derive(Default)]
struct Waiting<'a> {
    /// Exact payloads.
    values: BTreeSet<&'a str>,
    /// A slot whose type takes any text is asked.
    anything: bool,
}

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    let mut waiting: BTreeMap<&str, Waiting<'_>> = BTreeMap::new();
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            // Only a step that waits for the customer reads buttons.
            if walk::ladder(&step.kind).is_none() {
                return;
            }
            for response in walk::said(&step.kind) {
                expect(waiting.entry(response).or_default(), &step.kind, bundle);
            }
        });
    }
    let patterns: BTreeSet<&str> = bundle.patterns.values().map(String::as_str).collect();
    let starts: BTreeSet<&str> = bundle
        .flows
        .values()
        .filter_map(|flow| flow.start.as_deref())
        .collect();
    let none = Waiting::default();
    let handed: BTreeSet<&str> = bundle
        .policy
        .triggers
        .iter()
        .flat_map(|trigger| match &trigger.when {
            TriggerKind::Asked(intents) | TriggerKind::NeverAutomate { intents, .. } => {
                intents.as_slice()
            }
            _ => &[],
        })
        .map(String::as_str)
        .collect();
    for (id, response) in &bundle.responses {
        let here = waiting.get(id.as_str()).unwrap_or(&none);
        let buttons = response
            .variants
            .values()
            .flatten()
            .flat_map(|variant| &variant.buttons);
        let payloads: BTreeSet<&str> = buttons.map(|button| button.payload.as_str()).collect();
        for payload in payloads {
            let dead = match payload.strip_prefix('/') {
                Some(intent) => {
                    bundle.intents.contains_key(intent)
                        && !starts.contains(intent)
                        && !handed.contains(intent)
                }
                // The engine itself waits for the answers to its patterns.
                None => {
                    !here.anything
                        && !here.values.contains(payload)
                        && !patterns.contains(id.as_str())
                }
            };
            if dead {
                findings.push(finding(id, payload, response.span));
            }
        }
    }
}

fn finding(id: &str, payload: &str, span: crate::span::Span) -> Diagnostic {
    let (why, help) = if payload.starts_with('/') {
        (
            "no flow or trigger looks at that intent",
            "give a flow `start:` with it".to_owned(),
        )
    } else {
        (
            "no step that says it waits for that",
            "use `yes`, `no`, a value of the entity that is asked for, a choice's value, or \
             `/intent`"
                .to_owned(),
        )
    };
    Diagnostic::warning(
        "W0601",
        span,
        format!("a button of `{id}` sends `{payload}`, but {why}"),
    )
    .help(help)
}

fn expect<'a>(waiting: &mut Waiting<'a>, kind: &'a StepKind, bundle: &'a Bundle) {
    match kind {
        StepKind::Confirm(_) => waiting.values.extend(["yes", "no"]),
        StepKind::Offer(offer) => {
            waiting
                .values
                .extend(offer.choices.iter().map(|choice| choice.value.as_str()));
        }
        StepKind::Ask(ask) => match bundle.slots.get(&ask.slot).map(|slot| &slot.ty) {
            Some(Type::YesNo | Type::Bool) => waiting.values.extend(["yes", "no"]),
            Some(Type::Entity(entity)) => match bundle.entities.get(entity).map(|e| &e.kind) {
                Some(EntityKind::List(values)) => {
                    waiting.values.extend(values.keys().map(String::as_str));
                }
                _ => waiting.anything = true,
            },
            _ => waiting.anything = true,
        },
        _ => {}
    }
}
