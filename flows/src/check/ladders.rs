//! Questions with hints but no `exhausted`: what happens when the hints are used up is left open.

use crate::bundle::Bundle;
use crate::compile::walk;
use crate::diag::Diagnostic;

/// Looks at every question.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            let open = walk::ladder(&step.kind).is_some_and(|ladder| {
                ladder.exhausted.is_empty()
                    && !(ladder.no_match.is_empty() && ladder.no_input.is_empty())
            });
            if open {
                let message = "this question does not say what happens when its hints are used up";
                out.push(
                    Diagnostic::warning("W0705", step.span, message).help(
                        "add `exhausted: {handoff: true}`, or other steps; without them a person takes over",
                    ),
                );
            }
        });
    }
}
