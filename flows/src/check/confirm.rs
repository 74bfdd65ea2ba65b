//! Irreversible actions that run without the customer having said yes.

use std::collections::BTreeSet;

use crate::bundle::{ActionEffect, Bundle, Id, Step, StepKind};
use crate::compile::walk;
use crate::diag::Diagnostic;

/// Follows every way through every flow that can be entered by itself, sub-flows included.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    let called: BTreeSet<&Id> = called(bundle);
    for (id, flow) in &bundle.flows {
        // A flow that is only ever called is looked at where it is called.
        if flow.start.is_none() && called.contains(id) {
            continue;
        }
        let mut walk = Walk {
            bundle,
            inside: vec![id],
            out,
        };
        walk.list(&flow.steps, Some(false));
    }
}

fn called(bundle: &Bundle) -> BTreeSet<&Id> {
    let mut called = BTreeSet::new();
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            if let StepKind::Call(callee) = &step.kind {
                called.insert(callee);
            }
        });
    }
    called
}

/// On the way here: yes was said on every way (`true`), not on all (`false`), no way leads here (`None`).
type Confirmed = Option<bool>;

/// Where two ways meet.
fn meet(a: Confirmed, b: Confirmed) -> Confirmed {
    match (a, b) {
        (Some(a), Some(b)) => Some(a && b),
        (one, None) | (None, one) => one,
    }
}

struct Walk<'b, 'o> {
    bundle: &'b Bundle,
    inside: Vec<&'b Id>,
    out: &'o mut Vec<Diagnostic>,
}

impl<'b> Walk<'b, '_> {
    fn list(&mut self, steps: &'b [Step], confirmed: Confirmed) -> Confirmed {
        steps
            .iter()
            .fold(confirmed, |confirmed, step| self.step(step, confirmed))
    }

    fn step(&mut self, step: &'b Step, confirmed: Confirmed) -> Confirmed {
        confirmed?;
        match &step.kind {
            StepKind::Confirm(confirm) => {
                self.list(&confirm.ladder.exhausted, confirmed);
                let no = self.list(&confirm.on_no, confirmed);
                // Without `on_no` a no ends the flow.
                let no = if confirm.on_no.is_empty() { None } else { no };
                meet(Some(true), no)
            }
            StepKind::Do {
                action, on_error, ..
            } => {
                let effect = self.bundle.actions.get(action).map(|a| a.effect);
                if effect == Some(ActionEffect::Irreversible) && confirmed == Some(false) {
                    self.report(step, action);
                }
                let failed = self.list(on_error, confirmed);
                let failed = if on_error.is_empty() { None } else { failed };
                meet(confirmed, failed)
            }
            StepKind::Call(callee) => self.call(callee, confirmed),
            StepKind::Go(_) | StepKind::End(_) | StepKind::Handoff { .. } => None,
            StepKind::If {
                then, otherwise, ..
            } => meet(self.list(then, confirmed), self.list(otherwise, confirmed)),
            StepKind::Choose {
                branches,
                otherwise,
            } => {
                let mut after = self.list(otherwise, confirmed);
                for (_, steps) in branches {
                    after = meet(after, self.list(steps, confirmed));
                }
                after
            }
            StepKind::Offer(offer) => {
                self.list(&offer.ladder.exhausted, confirmed);
                if offer.choices.is_empty() {
                    return confirmed;
                }
                let ways = offer.choices.iter();
                ways.fold(None, |after, choice| {
                    meet(after, self.list(&choice.steps, confirmed))
                })
            }
            StepKind::Ask(ask) => {
                self.list(&ask.ladder.exhausted, confirmed);
                confirmed
            }
            StepKind::Repeat { steps, .. } => meet(confirmed, self.list(steps, confirmed)),
            StepKind::Search { on_none, .. } => meet(confirmed, self.list(on_none, confirmed)),
            StepKind::Say(_) | StepKind::Set { .. } => confirmed,
        }
    }

    fn call(&mut self, callee: &'b Id, confirmed: Confirmed) -> Confirmed {
        let bundle = self.bundle;
        // Circles have a finding of their own.
        let Some(flow) = bundle
            .flows
            .get(callee)
            .filter(|_| !self.inside.contains(&callee))
        else {
            return confirmed;
        };
        self.inside.push(callee);
        let after = self.list(&flow.steps, confirmed);
        self.inside.pop();
        // It may also come back by an `end`, which says nothing about a yes.
        meet(confirmed, after)
    }

    fn report(&mut self, step: &Step, action: &Id) {
        let message =
            format!("`{action}` can't be undone, and nobody has confirmed it on a way here");
        self.out.push(
            Diagnostic::error("E0704", step.span, message)
                .help("put a `confirm` before it that says what will happen"),
        );
    }
}
