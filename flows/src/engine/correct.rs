//! Corrections and steps back. A correction is no rewind of the customer's answers: what depends on
//! the changed slot runs again, everything else is passed over with what it gave the first time.

use std::collections::BTreeSet;

use super::acts::Acts;
use super::event::{Act, Found, Polarity, Reading};
use super::exact::{coverage, fold, holds};
use super::frame::{Branch, Did, Ran, Redo};
use super::turn::Turn;
use crate::bundle::{ActionEffect, Pattern, Step, StepKind};
use crate::template::Rendering;
use crate::value::{Type, Value};

/// How a step is passed over in a second run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// To the step after it.
    Over,
    /// Into the branch that was chosen the first time.
    Into(Branch),
}

/// A new value for a slot that is filled.
pub(super) type Change = (String, Found, Value);

/// Confidence of a list value below which it was guessed from a misspelt word.
const EXACT: f64 = 0.8;

impl Turn<'_> {
    /// Slots of the front flow that the customer filled, the last one first.
    pub(super) fn answered_slots(&self) -> Vec<String> {
        let Some(base) = self.base() else {
            return Vec::new();
        };
        let written = |slot: &str| base.log.iter().rposition(|ran| ran.writes.contains(slot));
        let known = self.asked_slots(&base.flow);
        let mut slots: Vec<(u32, Option<usize>, String)> = base
            .slots
            .iter()
            .chain(self.state.slots.iter().filter(|(id, _)| {
                !base.slots.contains_key(*id) && (known.contains(id) || written(id).is_some())
            }))
            .filter(|(_, filled)| filled.source == "user")
            .map(|(id, filled)| (filled.turn, written(id), id.clone()))
            .collect();
        slots.sort_by(|a, b| b.cmp(a));
        slots.into_iter().map(|(_, _, id)| id).collect()
    }

    /// Values in a message for slots that are filled already, with something else. A slot that is named, or that the
    /// open confirm shows, comes before the one that was filled last; without a sign that something is to change, only
    /// those and codes of the bot's own count, for a value that fits no question is not yet a correction.
    pub(super) fn changes(
        &self,
        text: &str,
        reading: Option<&Reading>,
        entities: &[Found],
    ) -> Vec<Change> {
        let mut slots = self.answered_slots();
        let named = self.named_slots(text, &slots);
        let shown = self.shown_slots();
        slots.retain(|slot| named.contains(slot) || !self.is_secret(slot));
        slots.sort_by_key(|slot| (!named.contains(slot), !shown.contains(slot)));
        let mut usable = self.usable(entities);
        usable.retain(|found| !super::vague::is_difference(text, found));
        let mut changes = self.match_slots(&slots, &usable);
        let acts = Acts::of(reading);
        // At a confirm a value can only be one for what it shows.
        let confirming = self.confirming() && !text.contains(['?', '¿']) && !acts.says(Act::Ask);
        let cue =
            takes_back_in_part(text) || acts.says_any(&[Act::Correct, Act::Exclude, Act::Rephrase]);
        let pointed = |slot: &String| named.contains(slot) || shown.contains(slot);
        if changes.is_empty() && (cue || confirming) {
            // "Make it 25": a bare number is an amount where one is shown, or only one was told.
            let amounts: Vec<&String> = slots.iter().filter(|slot| self.is_amount(slot)).collect();
            let only = (amounts.len() == 1).then(|| amounts[0].clone());
            slots.retain(|slot| pointed(slot) || only.as_ref() == Some(slot));
            if confirming && !named.is_empty() {
                slots.retain(|slot| named.contains(slot));
            }
            changes = self.match_as_asked(&slots, &usable);
        }
        changes.retain(|(slot, found, _)| {
            let exact = found.confidence >= EXACT
                || named.contains(slot)
                || (confirming && shown.contains(slot) && self.is_system(&found.entity));
            let meant = cue || pointed(slot) || self.can_only_be(slot, found, text);
            exact && meant
        });
        for (slot, _, value) in &mut changes {
            let old = self.state.slot(slot).map(|filled| &filled.value);
            if let (Value::List(new), Some(Value::List(old))) = (&*value, old) {
                *value = Value::List(listed(text, old, new));
            }
        }
        changes.retain(|(slot, _, value)| {
            self.state
                .slot(slot)
                .is_some_and(|filled| filled.value != *value)
        });
        changes
    }

    fn is_amount(&self, slot: &str) -> bool {
        let ty = self.bundle.slots.get(slot).map(|slot| &slot.ty);
        ty == Some(&Type::Money)
    }

    /// True where the open question is a confirm.
    pub(super) fn confirming(&self) -> bool {
        self.here()
            .is_some_and(|(_, step)| matches!(step.kind, StepKind::Confirm(_)))
    }

    /// True for a kind that no bot declares: dates, sums and the like.
    pub(super) fn is_system(&self, entity: &str) -> bool {
        SYSTEM.contains(&entity)
    }

    /// Takes corrections and runs on to the question that is then open.
    pub(super) fn correct(&mut self, changes: Vec<Change>) {
        if self.offer_undo(&changes) {
            return;
        }
        let mut changed = BTreeSet::new();
        for (slot, found, value) in changes {
            if self.correct_one(&slot, &found, value) {
                changed.insert(slot);
            }
        }
        self.understood();
        self.corrected(changed);
    }

    /// Runs on with corrected slots.
    pub(super) fn corrected(&mut self, changed: BTreeSet<String>) {
        if !changed.is_empty() {
            for slot in self.answered_slots() {
                if !changed.contains(&slot) {
                    self.note("correction", slot, "kept", "");
                }
            }
            self.rewind(changed);
        }
        self.run();
    }

    /// Takes corrections of a flow that is covered: it goes on with them when its turn comes. True
    /// where there was one.
    pub(super) fn correct_covered(&mut self, text: &str, reading: Option<&Reading>) -> bool {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        if !takes_back(text) {
            return false;
        }
        let bases: Vec<usize> = (0..self.state.frames.len())
            .filter(|at| {
                self.state
                    .frames
                    .get(*at)
                    .is_some_and(|frame| !frame.called)
            })
            .collect();
        for pair in bases.windows(2).rev() {
            let &[_, next] = pair else { continue };
            let above = self.state.frames.split_off(next);
            let mut changed = BTreeSet::new();
            for (slot, found, value) in self.changes(text, reading, entities) {
                if self.correct_one(&slot, &found, value) {
                    changed.insert(slot);
                }
            }
            let any = !changed.is_empty();
            if any {
                self.rewind(changed);
            }
            self.state.frames.extend(above);
            if any {
                self.understood();
                self.run();
                return true;
            }
        }
        false
    }

    /// As `changes`, after the customer was asked what is to change.
    pub(super) fn changes_meant(
        &self,
        text: &str,
        reading: Option<&Reading>,
        entities: &[Found],
    ) -> Vec<Change> {
        let changes = self.changes(text, reading, entities);
        if !changes.is_empty() {
            return changes;
        }
        let mut slots = self.answered_slots();
        slots.retain(|slot| !self.is_secret(slot));
        self.match_as_asked(&slots, &self.usable(entities))
    }

    /// True where a value can hardly be anything but another one for a slot: a code of the bot's own that is all of
    /// the message, or a date, an address and the like where one answer alone is of its kind and no question waits for
    /// another.
    fn can_only_be(&self, slot: &str, found: &Found, text: &str) -> bool {
        let Some(ty) = self.bundle.slots.get(slot).map(|slot| &slot.ty) else {
            return false;
        };
        if let Type::Entity(_) = ty {
            return found.confidence >= 1.0 && coverage(text, found.start, found.end) > 0.99;
        }
        let telling = [
            Type::Date,
            Type::Time,
            Type::Datetime,
            Type::Money,
            Type::Email,
            Type::Phone,
            Type::Url,
        ];
        let same = |id: &String| self.bundle.slots.get(id).is_some_and(|slot| slot.ty == *ty);
        let answered = self.answered_slots().iter().filter(|id| same(id)).count();
        let waiting = self.empty_slots().iter().filter(|id| same(id)).count();
        found.entity == ty.name() && telling.contains(ty) && answered == 1 && waiting == 0
    }

    /// Puts a free text in place of what a slot holds, and runs on.
    pub(super) fn correct_text(&mut self, slot: &str, value: Value) {
        let found = Found {
            entity: slot.to_owned(),
            value: value.to_json(),
            start: 0,
            end: 0,
            confidence: 1.0,
            polarity: Polarity::Affirmed,
        };
        self.correct(vec![(slot.to_owned(), found, value)]);
    }

    /// Goes back to the question of a slot, which is empty again.
    pub(super) fn reopen_question(&mut self, slot: &str) {
        let log = self.base().map_or(&[][..], |base| &base.log);
        let asked = log
            .iter()
            .rposition(|ran| matches!(ran.did, Did::Asked | Did::Set) && ran.writes.contains(slot));
        // What an offer's choice has set is asked by the offer.
        let chosen = asked.and_then(|at| {
            let of_choice = log.get(at).filter(|ran| ran.did == Did::Set)?;
            let inside = of_choice.path.len();
            log.get(..at)?.iter().rposition(|ran| {
                matches!(ran.did, Did::Chose { .. })
                    && ran.flow == of_choice.flow
                    && ran.path.len() < inside
            })
        });
        match chosen.or(asked) {
            Some(at) => self.go_to_question(at),
            // Given in passing: its question is still to come.
            None => self.put(slot, Value::Null, "user", 1.0),
        }
    }

    fn correct_one(&mut self, slot: &str, found: &Found, value: Value) -> bool {
        let old = self.state.slot(slot).map(|filled| filled.value.clone());
        self.note("reading", format!("correction {slot}"), "taken", "");
        if !self.check(slot, &value) {
            self.note("correction", slot, "refused", "the check does not hold");
            let text = self
                .bundle
                .slots
                .get(slot)
                .and_then(|s| s.check_else.clone());
            if let Some(text) = text {
                self.say(&text);
            }
            self.say_change(Pattern::KeptOld, slot, &old.unwrap_or_default());
            return false;
        }
        if let Some(action) = self.done_for_good(slot) {
            self.note("correction", action, "already_done", "it can't be undone");
            let title = self.state.flow().cloned().unwrap_or_default();
            let title = Value::Text(self.flow_title(&title));
            let person = self.person_button();
            self.say_pattern_with(Pattern::AlreadyDone, &[("title", title)], person);
            return false;
        }
        self.note("correction", slot, "corrected", "");
        self.put(slot, value.clone(), "user", found.confidence);
        self.say_change(Pattern::Correction, slot, &value);
        true
    }

    pub(super) fn say_change(&mut self, pattern: Pattern, slot: &str, value: &Value) {
        let language = self.state.language.clone();
        let how = Rendering {
            language: &language,
            spoken: false,
        };
        let title = Value::Text(self.slot_title(slot));
        let value = Value::Text(value.say(how));
        self.say_pattern(pattern, &[("slot", title), ("value", value)]);
    }

    /// An action that stays done and depends on a slot.
    pub(super) fn done_for_good(&self, slot: &str) -> Option<String> {
        let log = &self.base()?.log;
        let dirty = tainted(log, BTreeSet::from([slot.to_owned()]));
        log.iter().find_map(|ran| match &ran.did {
            Did::Acted {
                action, once: true, ..
            } if touches(ran, &dirty) => Some(action.clone()),
            _ => None,
        })
    }

    /// True where the front flow has done something that stays done.
    pub(super) fn done_anything_for_good(&self) -> bool {
        let log = self.base().map_or(&[][..], |base| &base.log);
        log.iter().any(is_final)
    }

    /// Goes back to the first step that depends on what changed; stays where it is if none does.
    fn rewind(&mut self, changed: BTreeSet<String>) {
        let Some(base) = self.base() else { return };
        let dirty = tainted(&base.log, changed.clone());
        let first = base.log.iter().position(|ran| touches(ran, &dirty));
        if let Some(first) = first {
            self.go_to(first, dirty);
        } else if let Some(redo) = self.base_mut().and_then(|base| base.redo.as_mut()) {
            redo.dirty.extend(changed);
        }
    }

    /// Moves to the step of a log entry; what ran from there on is looked at again.
    fn go_to(&mut self, first: usize, dirty: BTreeSet<String>) -> bool {
        let Some(base_at) = self.state.base() else {
            return false;
        };
        let Some(log) = self.state.frames.get(base_at).map(|base| &base.log) else {
            return false;
        };
        // A sub-flow that has returned is entered again through the step that called it.
        let mut target = first;
        let live = loop {
            let Some(ran) = log.get(target) else {
                return false;
            };
            let live = self
                .state
                .frames
                .iter()
                .position(|frame| frame.id == ran.frame);
            if let Some(live) = live {
                break live;
            }
            let caller = log
                .iter()
                .position(|other| matches!(other.did, Did::Called { child } if child == ran.frame));
            match caller {
                Some(caller) if caller < target => target = caller,
                _ => return false,
            }
        };
        self.clear_derived(base_at, target, &dirty);
        self.state.frames.truncate(live + 1);
        let Some(base) = self.state.frames.get_mut(base_at) else {
            return false;
        };
        let mut done = base.log.split_off(target);
        let path = done.first().map(|ran| ran.path.clone()).unwrap_or_default();
        let mut dirty = dirty;
        if let Some(old) = base.redo.take() {
            // A second correction before the first is through.
            done.extend(old.done);
            dirty.extend(old.dirty);
        }
        base.reopened = false;
        base.redo = Some(Redo {
            dirty,
            done,
            ..Redo::default()
        });
        if let Some(frame) = self.state.frames.get_mut(live) {
            frame.at = path;
        }
        true
    }

    /// Slots that the flow itself set from what changed are empty until they are set again.
    fn clear_derived(&mut self, base: usize, from: usize, dirty: &BTreeSet<String>) {
        let log = self
            .state
            .frames
            .get(base)
            .map_or(&[][..], |base| &base.log);
        let derived: Vec<String> = log
            .iter()
            .skip(from)
            .filter(|ran| ran.did == Did::Set && touches(ran, dirty))
            .flat_map(|ran| ran.writes.iter().cloned())
            .collect();
        for slot in derived {
            let own = self
                .state
                .slot(&slot)
                .is_some_and(|filled| filled.source != "user");
            if own {
                self.put(&slot, Value::Null, "system", 1.0);
            }
        }
    }

    /// Whether a step of a second run is passed over, and how.
    pub(super) fn passed_before(&mut self, step: &Step) -> Option<Passed> {
        let flow = self.top()?.flow.clone();
        let redo = self.base_mut()?.redo.as_mut()?;
        let same = |ran: &Ran| ran.flow == flow && ran.step == step.id;
        let Some(at) = redo.done.iter().position(same) else {
            if redo.done.is_empty() && redo.again.is_empty() {
                self.base_mut()?.redo = None;
            }
            return None;
        };
        let ran = redo.done.remove(at);
        let touched = touches(&ran, &redo.dirty);
        let again = touched || redo.anew;
        let final_after = redo.done.iter().skip(at).any(is_final);
        let passed = match (&step.kind, &ran.did) {
            (StepKind::Say(_) | StepKind::Search { .. }, Did::Said) if !again => Passed::Over,
            (StepKind::Set { .. }, Did::Set) if !touched => Passed::Over,
            (StepKind::Ask(ask), Did::Asked | Did::Set) if ask.always => {
                self.state.slot(&ask.slot)?;
                Passed::Over
            }
            (StepKind::Confirm(_), Did::Confirmed) => {
                if touched || !final_after {
                    let name = self.step_name();
                    self.note("correction", name, "voided", "an answer before it changed");
                    return None;
                }
                Passed::Over
            }
            (StepKind::Offer(_), Did::Chose { choice }) if !touched => {
                Passed::Into(Branch::Choice(*choice))
            }
            (StepKind::Do { action, into, .. }, Did::Acted { .. }) => {
                return self.acted_before(ran.clone(), action, into.as_deref(), touched);
            }
            _ => return None,
        };
        self.log_again(ran);
        Some(passed)
    }

    fn acted_before(
        &mut self,
        ran: Ran,
        action: &str,
        into: Option<&str>,
        touched: bool,
    ) -> Option<Passed> {
        let Did::Acted { result, once, .. } = &ran.did else {
            return None;
        };
        if touched && !once {
            let name = format!("{}:{}", ran.flow, ran.step);
            if let Some(redo) = self.base_mut().and_then(|base| base.redo.as_mut()) {
                redo.again.insert(name);
            }
            return None;
        }
        if touched {
            self.note("correction", action, "already_done", "it can't be undone");
        }
        let result = result.clone();
        if let (Some(local), Some(top)) = (into, self.top_mut()) {
            top.locals.insert(local.to_owned(), result);
        }
        self.log_again(ran);
        Some(Passed::Over)
    }

    fn log_again(&mut self, ran: Ran) {
        let Some(top) = self.top() else { return };
        let ran = Ran {
            frame: top.id,
            path: top.at.clone(),
            ..ran
        };
        self.log(ran);
    }

    /// In a second run: what a step wrote anew makes the steps that read it run again.
    pub(super) fn changed(&mut self, writes: &BTreeSet<String>) {
        if let Some(redo) = self.base_mut().and_then(|base| base.redo.as_mut()) {
            redo.dirty.extend(writes.iter().cloned());
        }
    }

    /// An action answered: for the second time, if a correction sent it again.
    pub(super) fn redone(&mut self, step: &Step, action: &str, writes: &BTreeSet<String>) {
        let flow = self.top().map_or("", |frame| &frame.flow);
        let name = format!("{flow}:{}", step.id);
        let effect = self.bundle.actions.get(action).map(|known| known.effect);
        let redo = self.base_mut().and_then(|base| base.redo.as_mut());
        let again = redo.is_some_and(|redo| {
            let again = redo.again.remove(&name);
            redo.anew |= again && effect != Some(ActionEffect::None);
            again
        });
        if again {
            self.note("correction", action, "redone", "");
            self.changed(writes);
        }
    }

    /// Back to the question before this one.
    pub(super) fn back(&mut self) {
        let log = self.base().map_or(&[][..], |base| &base.log);
        let before = log
            .iter()
            .rposition(|ran| matches!(ran.did, Did::Asked | Did::Confirmed | Did::Chose { .. }));
        let Some(before) = before else {
            self.note(
                "reading",
                "command /back",
                "rejected",
                "there is no question before",
            );
            self.run();
            return;
        };
        if log.iter().skip(before).any(is_final) {
            let title = self.state.flow().cloned().unwrap_or_default();
            let title = Value::Text(self.flow_title(&title));
            self.say_pattern(Pattern::AlreadyDone, &[("title", title)]);
            self.run();
            return;
        }
        self.say_pattern(Pattern::Back, &[]);
        self.go_to_question(before);
        self.run();
    }

    /// Goes back to the question of a log entry, which is asked again.
    fn go_to_question(&mut self, at: usize) {
        let log = self.base().map_or(&[][..], |base| &base.log);
        let Some(question) = log.get(at).cloned() else {
            return;
        };
        let writes = question.writes.clone();
        let dirty = tainted(log.get(at..).unwrap_or_default(), writes.clone());
        if self.go_to(at, dirty) {
            for slot in &writes {
                self.put(slot, Value::Null, "user", 1.0);
            }
            // The question itself is asked again, whatever it got; the way to it may begin with the call of its flow.
            if let Some(redo) = self.base_mut().and_then(|base| base.redo.as_mut()) {
                let same = |ran: &Ran| ran.flow == question.flow && ran.step == question.step;
                if let Some(at) = redo.done.iter().position(same) {
                    redo.done.remove(at);
                }
            }
        }
    }
}

/// First words of a message that takes something back.
const CUES: [&str; 28] = [
    "sorry",
    "no",
    "actually",
    "wait",
    "i meant",
    "i mean",
    "make that",
    "make it",
    "change",
    "i said",
    "i wanted",
    "should be",
    "it should be",
    "rather",
    "perdon",
    "en realidad",
    "espera",
    "queria decir",
    "quise decir",
    "mejor",
    "digo",
    "he dicho",
    "que sea",
    "que sean",
    "q sea",
    "q sean",
    "ponga",
    "pon",
];
/// Words before such a beginning that change nothing, folded.
const SIGHS: [&str; 16] = [
    "oh", "oops", "ooh", "ah", "ay", "uy", "ups", "hey", "um", "er", "well", "pues", "eh", "ai",
    "and", "y",
];

/// Kinds that no bot declares and that only look like themselves.
const SYSTEM: [&str; 13] = [
    "number",
    "money",
    "percent",
    "date",
    "date_past",
    "time",
    "time_bare",
    "datetime",
    "datetime_past",
    "duration",
    "phone",
    "email",
    "ordinal",
];
/// Words that take something out of a list.
const WITHOUT: [&str; 10] = [
    "remove", "without", "not", "except", "drop", "quita", "quite", "sin", "excepto", "menos",
];

/// Words that put something to a list.
const WITH: [&str; 9] = [
    "add", "also", "too", "plus", "as well", "anada", "anade", "tambien", "ademas",
];

/// True where a message begins as one that takes something back.
pub(super) fn takes_back(text: &str) -> bool {
    let folded = fold(text);
    let mut rest = folded.as_str();
    while let Some((first, after)) = rest.split_once(' ') {
        if !SIGHS.contains(&first) {
            break;
        }
        rest = after;
    }
    CUES.iter().any(|cue| super::exact::begins(rest, cue))
}

/// As `takes_back`, for the whole message or a part of it: "ok someone else, dave. But make it 60".
fn takes_back_in_part(text: &str) -> bool {
    takes_back(text)
        || text
            .split([',', '.', ';', '!'])
            .skip(1)
            .map(fold)
            .any(|part| part.split(' ').count() <= PART && makes_it(&part))
}

/// Words of a part that puts one value in place of another, at most.
const PART: usize = 6;
/// First words of such a part, folded.
const MAKES_IT: [&str; 12] = [
    "make it",
    "make that",
    "but make it",
    "and make it",
    "change it to",
    "rather",
    "mejor",
    "pero que sean",
    "que sean",
    "pero ponga",
    "ponga",
    "pon",
];

fn makes_it(part: &str) -> bool {
    MAKES_IT.iter().any(|lead| super::exact::begins(part, lead))
}

/// A list with what a message puts to it or takes out of it; else what the message says instead.
fn listed(text: &str, old: &[Value], new: &[Value]) -> Vec<Value> {
    let folded = fold(text);
    let has = |words: &[&str]| words.iter().any(|word| holds(&folded, word));
    if has(&WITHOUT) {
        return old
            .iter()
            .filter(|value| !new.contains(value))
            .cloned()
            .collect();
    }
    if has(&WITH) {
        let added = new.iter().filter(|value| !old.contains(value));
        return old.iter().chain(added).cloned().collect();
    }
    new.to_vec()
}

/// True for an action that stays done.
pub(super) fn is_final(ran: &Ran) -> bool {
    matches!(ran.did, Did::Acted { once: true, .. })
}

fn touches(ran: &Ran, dirty: &BTreeSet<String>) -> bool {
    ran.reads.iter().any(|name| dirty.contains(name))
}

/// Everything that depends on the changed names, by what was written from them.
fn tainted(log: &[Ran], mut dirty: BTreeSet<String>) -> BTreeSet<String> {
    for ran in log {
        if matches!(ran.did, Did::Set | Did::Acted { .. }) && touches(ran, &dirty) {
            dirty.extend(ran.writes.iter().cloned());
        }
    }
    dirty
}
