//! Steps that nothing leads to.

use crate::bundle::{Bundle, Step, StepKind};
use crate::compile::walk;
use crate::diag::Diagnostic;

/// Looks through every list of steps for one that follows a step which never goes on.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    for flow in bundle.flows.values() {
        list(&flow.steps, out);
        walk::steps(&flow.steps, &mut |step| {
            for inner in walk::children(&step.kind) {
                list(inner, out);
            }
        });
    }
}

fn list(steps: &[Step], out: &mut Vec<Diagnostic>) {
    let Some(at) = steps.iter().position(|step| !goes_on(&step.kind)) else {
        return;
    };
    if let Some(dead) = steps.get(at + 1) {
        out.push(
            Diagnostic::warning("W0701", dead.span, "nothing leads to this step")
                .related(steps[at].span, "the flow never goes on after this step")
                .help("take it out, or move it before the step that ends the flow"),
        );
    }
}

/// Whether the step after this one can run.
fn goes_on(kind: &StepKind) -> bool {
    let list = |steps: &Vec<Step>| steps.iter().all(|step| goes_on(&step.kind));
    match kind {
        StepKind::Go(_) | StepKind::End(_) | StepKind::Handoff { .. } => false,
        StepKind::If {
            then, otherwise, ..
        } => list(then) || list(otherwise),
        StepKind::Choose {
            branches,
            otherwise,
        } => list(otherwise) || branches.iter().any(|(_, steps)| list(steps)),
        StepKind::Offer(offer) => {
            offer.choices.is_empty() || offer.choices.iter().any(|choice| list(&choice.steps))
        }
        StepKind::Repeat { test, .. } => test.text().trim() != "true",
        _ => true,
    }
}
