//! Flows that call each other in a circle: the stack of flows would grow without end.

use std::collections::BTreeMap;

use crate::bundle::{Bundle, Id, StepKind};
use crate::compile::walk;
use crate::diag::Diagnostic;
use crate::span::Span;

/// Looks for circles of `call`.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    let mut calls: BTreeMap<&Id, Vec<(&Id, Span)>> = BTreeMap::new();
    for (id, flow) in &bundle.flows {
        let found = calls.entry(id).or_default();
        walk::steps(&flow.steps, &mut |step| {
            if let StepKind::Call(callee) = &step.kind {
                found.push((callee, step.span));
            }
        });
    }
    for (id, edges) in &calls {
        for (callee, span) in edges {
            let Some(back) = way(&calls, callee, id) else {
                continue;
            };
            // A circle is reported where its first flow in order closes it, once.
            if back.iter().any(|other| other < id) {
                continue;
            }
            let names: Vec<&str> = std::iter::once(*id)
                .chain(back)
                .map(String::as_str)
                .collect();
            let message = format!("flows that call each other: {}", names.join(" → "));
            out.push(
                Diagnostic::error("E0703", *span, message)
                    .help("leave the flow with `go`, or repeat its steps with `while`"),
            );
        }
    }
}

/// The flows on the shortest way from one to another, both with it.
fn way<'b>(
    calls: &BTreeMap<&'b Id, Vec<(&'b Id, Span)>>,
    from: &'b Id,
    to: &Id,
) -> Option<Vec<&'b Id>> {
    let mut before: BTreeMap<&Id, Option<&'b Id>> = BTreeMap::from([(from, None)]);
    let mut open = std::collections::VecDeque::from([from]);
    while let Some(id) = open.pop_front() {
        if id == to {
            let mut names = vec![id];
            let mut at = id;
            while let Some(Some(previous)) = before.get(at) {
                names.push(previous);
                at = previous;
            }
            names.reverse();
            return Some(names);
        }
        for (callee, _) in calls.get(id).into_iter().flatten() {
            if !before.contains_key(callee) {
                before.insert(callee, Some(id));
                open.push_back(callee);
            }
        }
    }
    None
}
