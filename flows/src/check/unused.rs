//! Names that nothing uses: left over, or misspelt where they should be used.

use std::collections::BTreeSet;

use crate::bundle::{Bundle, StepKind, TestInput, TriggerKind};
use crate::compile::walk;
use crate::diag::Diagnostic;
use crate::span::Span;

/// Ids that something refers to.
#[derive(Default)]
struct Used<'a> {
    responses: BTreeSet<&'a str>,
    actions: BTreeSet<&'a str>,
    flows: BTreeSet<&'a str>,
    intents: BTreeSet<&'a str>,
}

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    let used = used(bundle);
    let mut tell = |word: &str, id: &str, span: Span, help: &str| {
        findings.push(
            Diagnostic::warning("W0611", span, format!("nothing uses the {word} `{id}`"))
                .help(help),
        );
    };
    for (id, response) in &bundle.responses {
        // Built-in responses have no place of their own.
        if !used.responses.contains(id.as_str()) && !id.starts_with("pattern.") {
            tell(
                "response",
                id,
                response.span,
                "say it somewhere, or take it out",
            );
        }
    }
    for (id, action) in &bundle.actions {
        if !used.actions.contains(id.as_str()) {
            tell(
                "action",
                id,
                action.span,
                "run it with `do:`, or take it out",
            );
        }
    }
    for (id, flow) in &bundle.flows {
        if flow.start.is_none() && !used.flows.contains(id.as_str()) {
            tell(
                "flow",
                id,
                flow.span,
                "give it a `start:` intent, or `call` it",
            );
        }
    }
    for (id, intent) in &bundle.intents {
        if !used.intents.contains(id.as_str()) {
            tell(
                "intent",
                id,
                intent.span,
                "start a flow with it, or name it in a trigger",
            );
        }
    }
}

fn used(bundle: &Bundle) -> Used<'_> {
    let mut used = Used::default();
    for flow in bundle.flows.values() {
        used.intents.extend(flow.start.as_deref());
        walk::steps(&flow.steps, &mut |step| {
            used.responses.extend(walk::said(&step.kind));
            match &step.kind {
                StepKind::Do { action, .. } => {
                    used.actions.insert(action);
                }
                StepKind::Call(flow) | StepKind::Go(flow) => {
                    used.flows.insert(flow);
                }
                _ => {}
            }
        });
    }
    used.responses.extend(
        bundle
            .slots
            .values()
            .filter_map(|slot| slot.check_else.as_deref()),
    );
    used.responses
        .extend(bundle.patterns.values().map(String::as_str));
    used.actions.extend(
        bundle
            .actions
            .values()
            .filter_map(|action| action.compensate.as_deref()),
    );
    let advice = bundle
        .queues
        .values()
        .filter_map(|queue| queue.advice.as_deref());
    used.responses.extend(advice);
    for trigger in &bundle.policy.triggers {
        used.responses.extend(trigger.say.as_deref());
        match &trigger.when {
            TriggerKind::Asked(intents) | TriggerKind::NeverAutomate { intents, .. } => {
                used.intents.extend(intents.iter().map(String::as_str));
            }
            _ => {}
        }
    }
    for turn in bundle.tests.iter().flat_map(|test| &test.turns) {
        // A person may hand back to a flow that nothing else starts.
        if let TestInput::AgentReturns(Some(flow)) = &turn.input {
            used.flows.insert(flow);
        }
    }
    used
}
