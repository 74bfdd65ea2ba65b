//! A conversation whose flows began on another version of the bot. The host runs a live flow on the
//! version it began on where it still has it; where it has not, each frame is carried over to the
//! step that does the same in this version, and a frame without one is not guessed at.

use super::correct::is_final;
use super::frame::{At, Frame, Mark, Place, find, place, same_kind};
use super::state::Owner;
use super::turn::Turn;
use crate::bundle::{Flow, Step, StepKind};

/// What a step does, in one line: steps with the same line may stand for each other.
fn line(step: &Step) -> String {
    match &step.kind {
        StepKind::Say(id) => format!("say {id}"),
        StepKind::Ask(ask) => format!("ask {}", ask.slot),
        StepKind::Confirm(confirm) => format!("confirm {}", confirm.prompt),
        StepKind::Set { slot, .. } => format!("set {slot}"),
        StepKind::If { test, .. } => format!("if {}", test.text()),
        StepKind::Choose { .. } => "choose".to_owned(),
        StepKind::Do { action, .. } => format!("do {action}"),
        StepKind::Search { .. } => "search".to_owned(),
        StepKind::Call(flow) => format!("call {flow}"),
        StepKind::Go(flow) => format!("go {flow}"),
        StepKind::Offer(offer) => format!("offer {}", offer.prompt),
        StepKind::Repeat { test, .. } => format!("while {}", test.text()),
        StepKind::Handoff { reason, .. } => format!("handoff {reason}"),
        StepKind::End(outcome) => format!("end {outcome}"),
    }
}

impl Turn<'_> {
    /// Writes down where each frame stands, in words that another version can be searched for.
    pub(super) fn mark_frames(&mut self) {
        let bundle = self.bundle;
        for frame in &mut self.state.frames {
            let flow = bundle.flows.get(&frame.flow);
            frame.mark = match flow.map(|flow| place(flow, &frame.at)) {
                Some(Place::Step(step)) => Some(Mark {
                    step: step.id.clone(),
                    line: line(step),
                }),
                Some(Place::Over | Place::Lost) | None => None,
            };
        }
    }

    /// Carries frames of another version over; false where one can't be, which ends them all with
    /// an error and a person.
    pub(super) fn carry_over(&mut self) -> bool {
        let bundle = self.bundle;
        let old = |frame: &&mut Frame| frame.bundle != bundle.hash;
        let mut moved = Vec::new();
        let mut lost = false;
        for frame in self.state.frames.iter_mut().filter(old) {
            let mark = frame.mark.take();
            let flow = bundle.flows.get(&frame.flow);
            let at = flow.zip(mark).and_then(|(flow, mark)| spot(flow, &mark));
            let (Some(flow), Some(at)) = (flow, at) else {
                lost = true;
                break;
            };
            frame.at = at;
            frame.bundle.clone_from(&bundle.hash);
            moved.push(frame.flow.clone());
            // What ran is looked at again only where it can still be found.
            let own = frame.flow.clone();
            frame.log.retain_mut(|ran| {
                let flow = if ran.flow == own {
                    Some(flow)
                } else {
                    bundle.flows.get(&ran.flow)
                };
                let at = flow.and_then(|flow| find(flow, &ran.step).map(|at| (flow, at)));
                let fits = at.as_ref().is_some_and(|(flow, at)| match place(flow, at) {
                    Place::Step(step) => same_kind(step, &ran.did),
                    Place::Over | Place::Lost => false,
                });
                if let (true, Some((_, at))) = (fits, at) {
                    ran.path = at;
                }
                // What can't be undone is never forgotten.
                fits || is_final(ran)
            });
        }
        for flow in moved {
            self.note("frame", flow, "moved", "to this version of the bot");
        }
        if lost && self.state.owner != Owner::Bot {
            // A person is awaited already, and sees what was said.
            self.drop_frames("error");
            return true;
        }
        if lost {
            self.broken("the flow's step is not in this version of the bot");
        }
        !lost
    }
}

/// The step that a mark stands for: the same id doing the same, else the only one doing the same.
fn spot(flow: &Flow, mark: &Mark) -> Option<Vec<At>> {
    let same = |at: &Vec<At>| match place(flow, at) {
        Place::Step(step) => line(step) == mark.line,
        Place::Over | Place::Lost => false,
    };
    if let Some(at) = find(flow, &mark.step).filter(same) {
        return Some(at);
    }
    let mut ids = Vec::new();
    super::frame::each(flow, &mut |step| {
        if line(step) == mark.line {
            ids.push(step.id.clone());
        }
    });
    match ids.as_slice() {
        [only] => find(flow, only),
        _ => None,
    }
}
