//! Which answer a message is about: slots named by their title or by what they are, "the amount is wrong", and the
//! flow that ended last, which stays open to corrections for a while.

use super::acts::Acts;
use super::correct::takes_back;
use super::effect::MessageButton;
use super::event::{Act, Found, Input, Polarity, Reading};
use super::exact::{fold, holds};
use super::state::{Recent, Wait};
use super::turn::Turn;
use crate::bundle::{Pattern, StepKind};
use crate::value::{Type, Value};

/// Payload of a button that asks a slot again.
pub(super) const CHANGE: &str = "/change:";
/// Words that say that something is not right.
const WRONG: [&str; 36] = [
    "wrong",
    "change",
    "different",
    "another",
    "other one",
    "not that",
    "isn t right",
    "is not right",
    "not right",
    "incorrect",
    "mistake",
    "edit",
    "fix",
    "cambiar",
    "cambia",
    "cambie",
    "otra",
    "otro",
    "esta mal",
    "equivocado",
    "equivocada",
    "no es esa",
    "no es ese",
    "incorrecta",
    "except",
    "apart from",
    "not my",
    "isnt right",
    "arent right",
    "salvo",
    "excepto",
    "menos",
    "no esta bien",
    "ese no",
    "esa no",
    "no son",
];
/// Words that take back what was done, folded.
const UNDO: [&str; 10] = [
    "undo that",
    "undo it",
    "take it back",
    "take that back",
    "reverse it",
    "reverse that",
    "deshazlo",
    "deshagalo",
    "deshacerlo",
    "da marcha atras",
];
/// Words of a message that is about a slot and nothing more, at most.
const SHORT: usize = 6;
/// Probability from which a correction is heard where a slot is named.
const HINTED: f64 = 0.2;
/// Words of a title that name nothing by themselves.
const SMALL: [&str; 58] = [
    "the", "of", "my", "your", "a", "an", "to", "for", "what", "is", "el", "la", "de", "del", "su",
    "que", "it", "in", "on", "at", "by", "be", "do", "you", "i", "we", "and", "or", "are", "this",
    "that", "which", "how", "when", "where", "who", "with", "en", "al", "los", "las", "un", "una",
    "y", "o", "con", "por", "para", "se", "lo", "le", "cual", "cuando", "donde", "quien", "sus",
    "tu", "mi",
];

impl Turn<'_> {
    /// Slots that the open confirm shows.
    pub(super) fn shown_slots(&self) -> Vec<String> {
        let Some((_, step)) = self.here() else {
            return Vec::new();
        };
        match &step.kind {
            StepKind::Confirm(confirm) => {
                let reads = self.response_reads(&confirm.prompt);
                reads.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Which of some slots a message names by their titles or by what they are; those with the most words named.
    pub(super) fn named_slots(&self, text: &str, slots: &[String]) -> Vec<String> {
        let folded = fold(text);
        let mut best = 0;
        let mut named: Vec<String> = Vec::new();
        for slot in slots {
            let words = self.words_named(slot, &folded);
            if words > best {
                best = words;
                named.clear();
            }
            if words > 0 && words == best {
                named.push(slot.clone());
            }
        }
        named
    }

    fn words_named(&self, slot: &str, folded: &str) -> usize {
        let title = fold(&self.slot_title(slot));
        let name = fold(&slot.rsplit('.').next().unwrap_or(slot).replace('_', " "));
        // "The days wrong" is about the day.
        let said = |word: &str| holds(folded, word) || holds(folded, &format!("{word}s"));
        let count = |of: &str| {
            let words = of.split(' ').filter(|word| !SMALL.contains(word));
            words.filter(|word| said(word)).count()
        };
        let kind = self.bundle.slots.get(slot).map(|slot| &slot.ty);
        let by_kind = kind.is_some_and(|ty| nouns(ty).iter().any(|noun| said(noun)));
        count(&title).max(count(&name)).max(usize::from(by_kind))
    }

    /// "The amount is wrong", "change the date", "not that card": asks the slot again. True where it was one.
    pub(super) fn heard_wrong(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let folded = fold(&input.text);
        let wrong = WRONG.iter().any(|word| holds(&folded, word));
        let says = acts.says_any(&[Act::Correct, Act::Exclude]);
        let answered = self.answered_slots();
        // "Change the date" is a wish too; with a slot's title in so few words it is about that slot.
        let short = folded.split(' ').count() <= SHORT;
        let about_slot = short
            && acts.p(Act::Correct) >= HINTED
            && !self.named_slots(&input.text, &answered).is_empty();
        let shown = self.shown_slots();
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let denied = self
            .denied_value(&input.text, &shown)
            .or_else(|| Some((self.denied_entity(entities, &shown)?, None)));
        // "The shop was Netflix", where the confirm shows the shop.
        let retold = self.confirming()
            && self
                .named_slots(&input.text, &shown)
                .first()
                .is_some_and(|slot| self.said_for(slot, &input.text).is_some());
        let meant = says
            || retold
            || denied.is_some()
            || (wrong && (about_slot || !acts.wants_something()));
        if input.payload.is_some() || !meant {
            return false;
        }
        if let Some((slot, instead)) = denied.filter(|_| self.confirming()) {
            match instead {
                Some(value) => self.correct_text(&slot, value),
                None => self.ask_anew(&slot),
            }
            return true;
        }
        let mut named = self.named_slots(&input.text, &answered);
        if named.len() > 1 && named.iter().any(|slot| shown.contains(slot)) {
            named.retain(|slot| shown.contains(slot));
        }
        if let Some(slot) = named.first().cloned() {
            if let Some(value) = self.said_for(&slot, &input.text) {
                self.correct_text(&slot, value);
            } else {
                self.ask_anew(&slot);
            }
            return true;
        }
        let choices: Vec<String> = answered
            .into_iter()
            .filter(|slot| shown.contains(slot))
            .collect();
        if choices.is_empty() || !(acts.says(Act::Correct) || wrong) {
            return false;
        }
        self.note("reading", "correction", "taken", "nothing is named");
        if let [only] = choices.as_slice() {
            self.ask_anew(&only.clone());
        } else {
            self.what_to_change(&choices);
        }
        true
    }

    fn what_to_change(&mut self, choices: &[String]) {
        let buttons = choices
            .iter()
            .map(|slot| MessageButton {
                title: self.slot_title(slot),
                payload: format!("{CHANGE}{slot}"),
            })
            .collect();
        self.say_pattern_with(Pattern::WhatToChange, &[], buttons);
        self.state.wait = Wait::Change;
        self.listen();
    }

    /// Asks a slot again that was answered; what can't be undone stays.
    pub(super) fn ask_anew(&mut self, slot: &str) {
        self.note(
            "reading",
            format!("correction {slot}"),
            "taken",
            "asked anew",
        );
        self.understood();
        if let Some(action) = self.done_for_good(slot) {
            self.note("correction", action, "already_done", "it can't be undone");
            let front = self.state.flow().cloned().unwrap_or_default();
            let title = Value::Text(self.flow_title(&front));
            let person = self.person_button();
            self.say_pattern_with(Pattern::AlreadyDone, &[("title", title)], person);
            self.run();
            return;
        }
        let title = Value::Text(self.slot_title(slot));
        self.say_pattern(Pattern::AskAgain, &[("slot", title)]);
        self.reopen_question(slot);
        self.run();
    }

    /// "Not Tom", "not Hulu, Netflix": the shown text that is said not to be it, and what is said instead.
    pub(super) fn denied_value(
        &self,
        text: &str,
        shown: &[String],
    ) -> Option<(String, Option<Value>)> {
        let folded = fold(text);
        for slot in shown {
            let text_type = self
                .bundle
                .slots
                .get(slot)
                .is_some_and(|slot| matches!(slot.ty, Type::Text | Type::Name));
            let Some(Value::Text(value)) = self.state.slot(slot).map(|filled| &filled.value) else {
                continue;
            };
            let words = fold(value);
            let own = words.split(' ').filter(|word| word.len() > 2);
            let said = own.clone().find(|word| holds(&folded, word));
            let Some(word) = said.filter(|_| text_type) else {
                continue;
            };
            let not = [
                "not", "no", "not to", "no para", "no a", "no es", "no de", "not for",
            ];
            if !not.iter().any(|no| holds(&folded, &format!("{no} {word}"))) {
                continue;
            }
            return Some((slot.clone(), instead(text, word)));
        }
        None
    }

    /// "Not Friday", where the confirm shows that day.
    fn denied_entity(&self, entities: &[Found], shown: &[String]) -> Option<String> {
        let denied = |slot: &&String| {
            let filled = self.state.slot(slot).map(|filled| &filled.value);
            let ty = self.bundle.slots.get(*slot).map(|slot| &slot.ty);
            let (Some(filled), Some(ty)) = (filled, ty) else {
                return false;
            };
            entities
                .iter()
                .filter(|found| found.polarity == Polarity::Excluded)
                .filter_map(|found| self.best_entity(slot, ty, std::slice::from_ref(found), true))
                .any(|(_, value)| value == *filled)
        };
        shown.iter().find(denied).cloned()
    }

    /// "The street is 5 Mill Lane": what follows the name of a free text.
    fn said_for(&self, slot: &str, text: &str) -> Option<Value> {
        let ty = &self.bundle.slots.get(slot)?.ty;
        if !matches!(ty, Type::Text | Type::Name) {
            return None;
        }
        let lower = text.to_lowercase();
        if lower.len() != text.len() {
            return None;
        }
        // "Put Bob Hughes as the name".
        if let Some(said) = lower
            .find("put ")
            .and_then(|at| Some((at + 4, lower.find(" as the ")?)))
            .filter(|(start, end)| start < end)
            .and_then(|(start, end)| text.get(start..end))
        {
            return Some(Value::Text(said.trim().to_owned()));
        }
        let marks = [
            " a nombre de ",
            " should be ",
            " is ",
            " was ",
            " deberia ser ",
            " debería ser ",
            " es ",
            ": ",
        ];
        let after = marks
            .iter()
            .filter_map(|mark| lower.find(mark).map(|at| at + mark.len()))
            .min()?;
        let said = text
            .get(after..)?
            .trim_matches(|c: char| c.is_whitespace() || ".,!".contains(c));
        let folded = fold(said);
        let judged = WRONG.iter().any(|word| holds(&folded, word)) || folded.is_empty();
        (!judged).then(|| Value::Text(said.to_owned()))
    }

    /// Keeps the flow that has just ended, so that it can still be corrected.
    pub(super) fn remember_ended(&mut self, frame: &super::frame::Frame) {
        self.state.recent = Some(Recent {
            frame: frame.clone(),
            turn: self.state.turn,
            at: self.now,
        });
    }

    /// A correction of the flow that ended last; true where it was one.
    pub(super) fn correct_recent(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let folded = fold(&input.text);
        let undo = UNDO.iter().any(|words| holds(&folded, words));
        let cue = undo || acts.says_any(&[Act::Correct, Act::Exclude]) || takes_back(&input.text);
        if !self.state.frames.is_empty() || !cue || input.payload.is_some() {
            return false;
        }
        let Some(recent) = self
            .state
            .recent
            .clone()
            .filter(|recent| self.is_fresh(recent))
        else {
            return false;
        };
        let flow = recent.frame.flow.clone();
        let mut frame = recent.frame;
        frame.reopened = true;
        self.state.frames.push(frame);
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let mut changes = self.changes(&input.text, reading, entities);
        if changes.is_empty() && takes_back(&input.text) && folded.split(' ').count() <= SHORT {
            // "Oh no I meant 25".
            changes = self.changes_meant(&input.text, reading, entities);
        }
        let answered = self.answered_slots();
        let named = self.named_slots(&input.text, &answered);
        if changes.is_empty() && undo && self.done_anything_for_good() {
            self.note("correction", flow, "already_done", "it can't be undone");
            let front = self.state.flow().cloned().unwrap_or_default();
            self.state.frames.pop();
            let title = Value::Text(self.flow_title(&front));
            let person = self.person_button();
            self.say_pattern_with(Pattern::AlreadyDone, &[("title", title)], person);
            self.listen();
            return true;
        }
        if changes.is_empty() && (named.is_empty() || acts.wants_something()) {
            self.state.frames.pop();
            return false;
        }
        self.note("frame", flow, "reopened", "a correction after its end");
        if changes.is_empty() {
            if !self.heard_wrong(input, reading) {
                self.state.frames.pop();
                return false;
            }
        } else {
            self.correct(changes);
        }
        true
    }

    fn is_fresh(&self, recent: &Recent) -> bool {
        let limits = &self.bundle.limits;
        let turns = self.state.turn.saturating_sub(recent.turn);
        let age = self.now.as_second().saturating_sub(recent.at.as_second());
        recent.frame.bundle == self.bundle.hash
            && turns <= limits.correctable_turns
            && age <= limits.correctable_s
    }
}

/// What a message says in place of what it denies: "not Hulu, Netflix", "it's for Sue Ellis not Tom".
fn instead(text: &str, denied: &str) -> Option<Value> {
    let parts = text.split([',', ';']).flat_map(|part| {
        let lower = part.to_lowercase();
        let at = ["not ", "no "]
            .iter()
            .filter_map(|no| lower.find(no))
            .min()
            .filter(|at| *at > 0 && lower.len() == part.len());
        match at {
            Some(at) => vec![part.get(..at).unwrap_or_default().to_owned()],
            None => vec![part.to_owned()],
        }
    });
    let said = parts
        .map(|part| {
            let (from, to) = super::shape::trimmed(&part, 0, part.len());
            let mut said = part.get(from..to).unwrap_or_default().trim();
            for lead in ["for ", "para ", "de ", "no ", "sino ", "but "] {
                said = said.strip_prefix(lead).unwrap_or(said);
            }
            said.to_owned()
        })
        .find(|part| {
            let folded = fold(part);
            let words = folded.split(' ').filter(|word| !word.is_empty()).count();
            (1..=4).contains(&words)
                && !holds(&folded, denied)
                && super::bare::yes_no(part).is_none()
                && !WRONG.iter().any(|word| holds(&folded, word))
        })?;
    Some(Value::Text(said))
}

/// What people call a value of a type.
fn nouns(ty: &Type) -> &'static [&'static str] {
    match ty {
        Type::Date => &["date", "day", "fecha", "dia"],
        Type::Time => &["time", "hour", "hora"],
        Type::Datetime => &["date", "day", "time", "fecha", "dia", "hora"],
        Type::Money => &["amount", "sum", "price", "cantidad", "importe", "monto"],
        Type::Email => &["email", "e mail", "mail", "correo"],
        Type::Phone => &[
            "number",
            "numero",
            "phone",
            "telephone",
            "mobile",
            "telefono",
            "movil",
        ],
        Type::Name => &["name", "nombre"],
        Type::Duration => &["duration", "nights", "duracion", "noches"],
        _ => &[],
    }
}
