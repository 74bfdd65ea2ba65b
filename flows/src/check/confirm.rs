//! Irreversible actions that run without the customer having said yes.

use std::collections::BTreeSet;

use crate::bundle::{ActionEffect, Bundle, Id, Ladder, Step, StepKind};
use crate::compile::walk;
use crate::diag::Diagnostic;

/// Follows every way through every flow that can be entered by itself, sub-flows included.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    let (called, gone_to) = entered(bundle);
    for (id, flow) in &bundle.flows {
        // A flow that is only ever called is looked at where it is called.
        if flow.start.is_none() && called.contains(id) && !gone_to.contains(id) {
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

/// Flows that are called, and those that others go to.
fn entered(bundle: &Bundle) -> (BTreeSet<&Id>, BTreeSet<&Id>) {
    let (mut called, mut gone_to) = (BTreeSet::new(), BTreeSet::new());
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            match &step.kind {
                StepKind::Call(callee) => called.insert(callee),
                StepKind::Go(target) => gone_to.insert(target),
                _ => false,
            };
        });
    }
    (called, gone_to)
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

    /// As `list`, where no steps are no way.
    fn way(&mut self, steps: &'b [Step], confirmed: Confirmed) -> Confirmed {
        let after = self.list(steps, confirmed);
        if steps.is_empty() { None } else { after }
    }

    fn step(&mut self, step: &'b Step, confirmed: Confirmed) -> Confirmed {
        confirmed?;
        match &step.kind {
            StepKind::Confirm(confirm) => {
                // Without `on_no` a no ends the flow, and without `exhausted` a person takes over.
                let no = self.way(&confirm.on_no, confirmed);
                let unanswered = self.way(&confirm.ladder.exhausted, confirmed);
                meet(Some(true), meet(no, unanswered))
            }
            StepKind::Do {
                action, on_error, ..
            } => {
                let effect = self.bundle.actions.get(action).map(|a| a.effect);
                if effect == Some(ActionEffect::Irreversible) && confirmed == Some(false) {
                    self.report(step, action);
                }
                meet(confirmed, self.way(on_error, confirmed))
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
                let unanswered = self.unanswered(&offer.ladder, confirmed);
                let unanswered = meet(unanswered, self.way(&offer.on_no, confirmed));
                if offer.choices.is_empty() {
                    return confirmed;
                }
                let ways = offer.choices.iter();
                ways.fold(unanswered, |after, choice| {
                    meet(after, self.list(&choice.steps, confirmed))
                })
            }
            StepKind::Ask(ask) => {
                let skipped = self.way(ask.skip.as_deref().unwrap_or_default(), confirmed);
                let unanswered = self.unanswered(&ask.ladder, confirmed);
                meet(confirmed, meet(skipped, unanswered))
            }
            StepKind::Repeat { steps, .. } => meet(confirmed, self.list(steps, confirmed)),
            StepKind::Search { on_none, .. } => meet(confirmed, self.list(on_none, confirmed)),
            StepKind::Say(_) | StepKind::Set { .. } => confirmed,
        }
    }

    /// The ways out of a question without an answer.
    fn unanswered(&mut self, ladder: &'b Ladder, confirmed: Confirmed) -> Confirmed {
        let ways = [&ladder.exhausted, &ladder.cannot, &ladder.on_refusal];
        ways.into_iter()
            .fold(None, |after, steps| meet(after, self.way(steps, confirmed)))
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
