//! What is done and can't be undone by itself, but by another action: a correction that needs it is
//! offered, never made behind the customer's back.

use std::collections::BTreeSet;

use super::action::answer;
use super::correct::{Change, is_final};
use super::effect::Effect;
use super::event::{Input, Outcome, Reading};
use super::frame::Did;
use super::handoff::Request;
use super::state::{Undo, Wait};
use super::turn::Turn;
use crate::bundle::Pattern;
use crate::value::Value;

impl Turn<'_> {
    /// Offers to undo what stands in the way of a correction; false where nothing stands in its way,
    /// or nothing undoes it.
    pub(super) fn offer_undo(&mut self, changes: &[Change]) -> bool {
        let first = changes
            .iter()
            .find_map(|change| Some((change, self.done_for_good(&change.0)?)));
        let Some(((slot, found, value), action)) = first else {
            return false;
        };
        let known = self.bundle.actions.get(&action);
        let Some(by) = known.and_then(|known| known.compensate.clone()) else {
            return false;
        };
        // Of two things that are done for good the other would stay.
        let log = self.base().map_or(&[][..], |base| &base.log);
        if log.iter().filter(|ran| is_final(ran)).count() > 1 || !self.check(slot, value) {
            return false;
        }
        let why = format!("{by} undoes it");
        self.note("correction", action.clone(), "already_done", why);
        self.understood();
        self.say_titled(Pattern::OfferUndo);
        self.state.wait = Wait::Undo(Undo {
            action,
            by,
            slot: slot.clone(),
            value: value.clone(),
            confidence: found.confidence,
        });
        self.listen();
        true
    }

    fn say_titled(&mut self, pattern: Pattern) {
        let front = self.state.flow().cloned().unwrap_or_default();
        let title = Value::Text(self.flow_title(&front));
        self.say_pattern(pattern, &[("title", title)]);
    }

    /// A message while undoing is offered; true where it was read as an answer.
    pub(super) fn heard_undo(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let Wait::Undo(undo) = self.state.wait.clone() else {
            return false;
        };
        let Some(yes) = self.said_yes_no(input, reading) else {
            return false;
        };
        // Half a yes undoes nothing: "nah, it's fine".
        if yes && input.payload.is_none() && super::bare::yes_no(&input.text) != Some(true) {
            self.note("reading", "answer", "rejected", "no plain yes");
            self.say_titled(Pattern::OfferUndo);
            self.listen();
            return true;
        }
        let why = if yes { "undo it" } else { "leave it" };
        self.note("reading", "answer", "taken", why);
        self.understood();
        self.state.wait = Wait::Customer;
        if yes {
            self.send_undo(undo);
        } else {
            self.run();
        }
        true
    }

    fn send_undo(&mut self, undo: Undo) {
        let key = self.base_mut().map_or_else(String::new, |base| {
            let visit = base.visits.entry(format!("undo {}", undo.by)).or_default();
            *visit += 1;
            format!("{}/{}:undo {}/{visit}", base.id, base.flow, undo.by)
        });
        let bundle = self.bundle;
        let action = bundle.actions.get(&undo.by);
        let call = action.map(|action| self.compose_call(&undo.by, action, key.clone()));
        match call {
            Some(Ok(call)) => {
                self.note("action", undo.by.clone(), "called", key.clone());
                self.effects.push(Effect::Call(call));
                self.state.wait = Wait::Undoing { key, undo };
            }
            Some(Err(why)) => self.undo_failed(&undo, "shape", &why),
            None => self.undo_failed(&undo, "shape", "there is no such action"),
        }
    }

    /// The action that undoes is done.
    pub(super) fn undone(&mut self, undo: &Undo, outcome: &Outcome) {
        self.state.wait = Wait::Customer;
        let bundle = self.bundle;
        let action = bundle.actions.get(&undo.by);
        let failed = action.map_or(Some("shape"), |action| {
            answer(action, outcome).err().map(|failure| failure.kind)
        });
        if let Some(kind) = failed {
            self.undo_failed(undo, kind, "the answer is of no use");
            return;
        }
        self.note("action", undo.by.clone(), "ok", "");
        self.note("correction", undo.action.clone(), "undone", undo.by.clone());
        self.attempt("tool", &undo.by, "ok");
        self.forget_final(&undo.action);
        self.say_titled(Pattern::Undone);
        self.note("correction", undo.slot.clone(), "corrected", "");
        self.put(&undo.slot, undo.value.clone(), "user", undo.confidence);
        self.say_change(Pattern::Correction, &undo.slot, &undo.value);
        self.corrected(BTreeSet::from([undo.slot.clone()]));
    }

    /// What was undone may be done again, once the customer has confirmed anew.
    fn forget_final(&mut self, undone: &str) {
        let log = self.base_mut().map(|base| &mut base.log);
        for ran in log.into_iter().flatten() {
            if let Did::Acted { action, once, .. } = &mut ran.did
                && action == undone
            {
                *once = false;
            }
        }
    }

    fn undo_failed(&mut self, undo: &Undo, kind: &str, why: &str) {
        self.note("action", undo.by.clone(), kind, why);
        self.attempt("tool", &undo.by, kind);
        self.state.counters.tool_failures += 1;
        self.say_pattern(Pattern::Error, &[]);
        self.hand_off_step(Request {
            reason: "tool_failure".to_owned(),
            trigger: undo.by.clone(),
            detail: format!("{} could not be undone: {kind}", undo.action),
            quiet: true,
            wanted: Some((undo.slot.clone(), undo.value.clone())),
            ..Request::default()
        });
    }
}
