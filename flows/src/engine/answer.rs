//! A message as the answer to the question that is open.

use std::collections::BTreeSet;

use super::acts::Acts;
use super::ask::{Fit, apart};
use super::bare;
use super::effect::{Effect, MessageButton};
use super::event::{Act, Found, Input, Reading};
use super::exact::surely_asks;
use super::frame::{Branch, Did};
use super::pick::pick;
use super::topic::ARTICLE;
use super::turn::{Said, Turn};
use crate::bundle::{Ask, Flow, Offer, Pattern, Step};
use crate::template::Rendering;
use crate::value::{Type, Value};

/// Probability from which a wish is heard in the middle of a text that tells something.
const CLEAR: f64 = 0.9;
/// Acts that give no text.
pub(super) const NO_TEXT: [Act; 20] = [
    Act::Affirm,
    Act::Deny,
    Act::Cannot,
    Act::Refuse,
    Act::Skip,
    Act::Wait,
    Act::Resume,
    Act::Withdraw,
    Act::Resolved,
    Act::RequestNot,
    Act::Human,
    Act::HumanNot,
    Act::Greet,
    Act::Thanks,
    Act::Bye,
    Act::Chat,
    Act::AboutBot,
    Act::Abuse,
    Act::Repeat,
    Act::Rephrase,
];

impl<'a> Turn<'a> {
    /// A message at an ask; true where it was taken.
    pub(super) fn answer_ask(
        &mut self,
        flow: &'a Flow,
        step: &'a Step,
        ask: &'a Ask,
        input: &Input,
        reading: Option<&Reading>,
    ) -> bool {
        let what = format!("answer {}", ask.slot);
        let exact = input.payload.is_some() || input.keys.is_some();
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let fit = self.fit(&ask.slot, input, reading);
        let typed = fit.as_ref().is_some_and(|fit| !fit.free);
        if !exact && !typed {
            let at = (flow, step);
            if self.heard_why(&ask.ladder, input)
                || self.heard_no_answer(at, &ask.ladder, ask.skip.as_deref(), reading)
                || self.heard_wait(reading)
                || self.heard_exclusion(&ask.slot, entities)
            {
                return true;
            }
        }
        let Some(fit) = fit else {
            self.note("reading", what, "rejected", "nothing fits the slot's type");
            return false;
        };
        if typed && !exact && self.asked_back(flow, step, &ask.slot, input, entities) {
            return true;
        }
        if fit.free {
            if let Some(why) = self.no_free_text(input, reading) {
                self.note("reading", what, "rejected", why);
                return false;
            }
            let changes = self.changes(&input.text, reading, entities);
            let cue = Acts::of(reading).says_any(&[Act::Correct, Act::Exclude]);
            if (cue || super::correct::takes_back(&input.text)) && !changes.is_empty() {
                self.note("reading", what, "rejected", "it corrects an earlier answer");
                self.correct(changes);
                return true;
            }
        }
        let topic = (!exact && !fit.whole)
            .then(|| self.second_act(&fit, reading))
            .flatten();
        let Some((topic, p)) = topic else {
            self.take_answer(flow, step, ask, &fit, input, reading);
            return true;
        };
        if self.wants(topic, &fit, reading) {
            self.note(
                "reading",
                what,
                "rejected",
                "the value belongs to another topic",
            );
            return false;
        }
        if self.fill(flow, step, ask, &fit) {
            let said = Said {
                text: input.text.clone(),
                entities: apart(entities, fit.start, fit.end),
            };
            self.serve(topic, p, &said);
        }
        true
    }

    /// Why a message is no free text; nothing where it may be one.
    fn no_free_text(&self, input: &Input, reading: Option<&Reading>) -> Option<&'static str> {
        let acts = Acts::of(reading);
        if bare::yes_no(&input.text).is_some() {
            return Some("a yes or a no is no text");
        }
        let folded = super::exact::fold(&input.text);
        if ["not", "no es", "no era"]
            .iter()
            .any(|not| super::exact::begins(&folded, not))
        {
            return Some("it rules something out");
        }
        if surely_asks(&input.text) && (!acts.known() || !acts.says(Act::Inform)) {
            return Some("it asks something");
        }
        if !acts.known() {
            let topic = self.strong_topic(reading);
            return topic.map(|_| "another topic leads clearly");
        }
        // Who declines, waits or refuses in part of a message gives no text with the rest.
        let ends = [
            Act::HumanNot,
            Act::Withdraw,
            Act::Refuse,
            Act::Cannot,
            Act::Wait,
        ];
        if ends.iter().any(|act| acts.p(*act) >= 0.6) && !acts.says(Act::Inform) {
            return Some("it says something else");
        }
        // A text tells something; a story in it may sound like a wish, and only a clear one is heard.
        if acts.says(Act::Inform) {
            let clear = self.strong_topic(reading).is_some_and(|(_, p)| p >= CLEAR);
            return (clear && acts.says(Act::Request)).then_some("another topic leads clearly");
        }
        if acts.says(Act::Ask) && !acts.says(Act::Complain) {
            return Some("it asks something");
        }
        if self.interrupting_topic(reading).is_some() {
            return Some("another topic leads clearly");
        }
        let other = acts.clauses().iter().all(|clause| {
            super::acts::best(clause).is_some_and(|(act, p)| NO_TEXT.contains(&act) && p >= 0.5)
        });
        other.then_some("it says something else")
    }

    /// Two values for one slot are asked back; true where there were two.
    fn asked_back(
        &mut self,
        flow: &'a Flow,
        step: &'a Step,
        slot: &str,
        input: &Input,
        entities: &[Found],
    ) -> bool {
        let Some((first, second)) = self.rivals(slot, &input.text, entities) else {
            return false;
        };
        self.note(
            "reading",
            format!("answer {slot}"),
            "rejected",
            "two values for one slot",
        );
        if self.count_check(step) > super::ladder::CHECKS {
            self.exhausted_here(flow, step);
            return true;
        }
        self.ask_which(&first, &second);
        self.listen();
        true
    }

    /// "Tuesday or Wednesday?"
    pub(super) fn ask_which(&mut self, first: &Value, second: &Value) {
        let language = self.state.language.clone();
        let how = Rendering {
            language: &language,
            spoken: false,
        };
        let buttons = [first, second]
            .into_iter()
            .map(|value| MessageButton {
                title: value.say(how),
                payload: match value.to_json() {
                    serde_json::Value::String(text) => text,
                    _ => value.say(how),
                },
            })
            .collect();
        let (first, second) = (Value::Text(first.say(how)), Value::Text(second.say(how)));
        let names = [("first", first), ("second", second)];
        self.say_pattern_with(Pattern::WhichValue, &names, buttons);
    }

    /// "Why do you need that?"; true where the question has a reason that can be told.
    pub(super) fn heard_why(&mut self, ladder: &crate::bundle::Ladder, input: &Input) -> bool {
        let Some(why) = ladder
            .why
            .as_ref()
            .filter(|_| super::exact::asks_why(&input.text))
        else {
            return false;
        };
        self.note("reading", "why", "taken", why.clone());
        self.understood();
        self.say(why);
        self.run();
        true
    }

    /// Only values that are ruled out: says so and shows what is left. True where it was so.
    fn heard_exclusion(&mut self, slot: &str, entities: &[Found]) -> bool {
        let Some((value, left)) = self.excluded(slot, entities) else {
            return false;
        };
        self.note(
            "reading",
            format!("answer {slot}"),
            "rejected",
            "it is ruled out",
        );
        self.understood();
        self.say_pattern(Pattern::Excluded, &[("value", Value::Text(value))]);
        self.run();
        if !left.is_empty() {
            self.offer_left(left);
        }
        true
    }

    /// Shows the values that are left as the buttons of the question that was just asked again.
    fn offer_left(&mut self, left: Vec<(String, String)>) {
        let buttons: Vec<MessageButton> = left
            .into_iter()
            .map(|(title, payload)| MessageButton { title, payload })
            .collect();
        let said = self
            .effects
            .iter_mut()
            .rev()
            .find_map(|effect| match effect {
                Effect::Say(message) => Some(message),
                _ => None,
            });
        if let Some(message) = said {
            message.buttons.clone_from(&buttons);
        }
        if let Some(message) = self.state.last_said.last_mut() {
            message.buttons = buttons;
        }
        if matches!(self.effects.last(), Some(Effect::Listen(_))) {
            self.effects.pop();
            self.listen();
        }
    }

    /// A wish beside an answer: a clause of its own, with a probability of its own.
    fn second_act<'r>(&self, fit: &Fit, reading: Option<&'r Reading>) -> Option<(&'r str, f64)> {
        let acts = Acts::of(reading);
        if !acts.known() {
            return self.strong_topic(reading);
        }
        let apart = |clause: &&super::event::Clause| {
            !super::topic::overlaps((clause.start, clause.end), (fit.start, fit.end))
        };
        let mut wishes = acts.clauses().iter().filter(apart).filter(|clause| {
            let surely = clause.intent.as_ref().is_some_and(|(_, p)| *p >= CLEAR);
            [Act::Request, Act::Ask, Act::Complain]
                .iter()
                .any(|act| super::acts::p(clause, *act) >= super::acts::SURE)
                || (surely && super::acts::p(clause, Act::Inform) >= super::acts::SURE)
        });
        wishes.find_map(|clause| {
            let (intent, p) = clause.intent.as_ref()?;
            let clear = *p >= self.bar(intent) && !self.is_own(intent);
            clear.then_some((intent.as_str(), *p))
        })
    }

    /// True where a topic's flow would take the value for itself.
    fn wants(&self, topic: &str, fit: &Fit, reading: Option<&Reading>) -> bool {
        if topic.starts_with(ARTICLE) {
            return false;
        }
        let Some(flow) = self.flow_of(topic) else {
            return false;
        };
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let slots = self.asked_slots(flow);
        let matched = self.match_slots(&slots, entities);
        matched
            .iter()
            .any(|(_, found, _)| found.start == fit.start && found.end == fit.end)
    }

    /// Fills the slot and moves on; false where the check failed and the question stays open.
    fn fill(&mut self, flow: &'a Flow, step: &'a Step, ask: &Ask, fit: &Fit) -> bool {
        let what = format!("answer {}", ask.slot);
        if !self.check(&ask.slot, &fit.value) {
            self.note(
                "reading",
                what,
                "rejected",
                "the slot's check does not hold",
            );
            let bundle = self.bundle;
            let text = bundle
                .slots
                .get(&ask.slot)
                .and_then(|s| s.check_else.as_deref());
            self.failed_check(flow, step, text);
            return false;
        }
        self.note(
            "reading",
            what,
            "taken",
            format!("confidence {:.3}", fit.confidence),
        );
        self.put(&ask.slot, fit.value.clone(), "user", fit.confidence);
        let writes = BTreeSet::from([ask.slot.clone()]);
        self.changed(&writes);
        self.ran(step, BTreeSet::new(), writes, Did::Asked);
        self.clear_rungs(step);
        self.understood();
        self.advance(flow);
        true
    }

    fn take_answer(
        &mut self,
        flow: &'a Flow,
        step: &'a Step,
        ask: &Ask,
        fit: &Fit,
        input: &Input,
        reading: Option<&Reading>,
    ) {
        if !self.fill(flow, step, ask, fit) {
            return;
        }
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        if input.payload.is_some() || input.keys.is_some() {
            self.run();
            return;
        }
        let rest = apart(&self.usable(entities), fit.start, fit.end);
        let mut changes = self.changes(&input.text, reading, &rest);
        changes.retain(|(slot, _, _)| *slot != ask.slot);
        let used: Vec<(usize, usize)> = changes.iter().map(|(_, f, _)| (f.start, f.end)).collect();
        let rest: Vec<_> = rest
            .into_iter()
            .filter(|found| !used.contains(&(found.start, found.end)))
            .collect();
        let empty = self.empty_slots();
        self.prefill(&empty, &rest);
        self.prefill_secret(fit, &rest, &input.text);
        if changes.is_empty() {
            self.run();
        } else {
            self.correct(changes);
        }
    }

    /// "30552208, 2580": what only the customer knows is taken beside the answer before it, where the message names it or
    /// says nothing but the two.
    fn prefill_secret(&mut self, fit: &Fit, rest: &[Found], text: &str) {
        let mut open = self.empty_slots();
        open.retain(|slot| self.is_secret(slot));
        for (slot, found, value) in self.match_slots(&open, rest) {
            let (first, last) = if found.start < fit.start {
                ((found.start, found.end), (fit.start, fit.end))
            } else {
                ((fit.start, fit.end), (found.start, found.end))
            };
            let outside = [
                text.get(..first.0),
                text.get(first.1..last.0),
                text.get(last.1..),
            ];
            let words = |part: Option<&str>| super::exact::fold(part.unwrap_or_default());
            let alone = outside.iter().all(|part| words(*part).is_empty());
            let title = super::exact::fold(&self.slot_title(&slot));
            let before = words(text.get(..found.start));
            let named = before
                .split(' ')
                .rev()
                .take(3)
                .any(|word| title.split(' ').any(|own| own == word));
            if found.confidence >= 1.0 && (alone || named) && self.may_hold(&slot, &value) {
                self.put(&slot, value, "user", found.confidence);
            }
        }
    }

    /// A message at an offer; true where it was taken.
    pub(super) fn answer_offer(
        &mut self,
        flow: &'a Flow,
        step: &'a Step,
        offer: &'a Offer,
        input: &Input,
        reading: Option<&Reading>,
    ) -> bool {
        let Some(choice) = self.choice(offer, input, reading) else {
            if input.payload.is_none() && bare::yes_no(&input.text) == Some(false) {
                self.declined(flow, step, &offer.on_no);
                return true;
            }
            if self.heard_why(&offer.ladder, input)
                || self.heard_no_answer((flow, step), &offer.ladder, None, reading)
                || self.heard_wait(reading)
                || self.not_that_choice(offer, input, reading)
                || self.not_on_offer(offer, reading)
            {
                return true;
            }
            self.note("reading", "answer", "rejected", "none of the choices");
            return false;
        };
        self.note(
            "reading",
            "answer",
            "taken",
            format!("choice {}", choice + 1),
        );
        self.clear_rungs(step);
        self.understood();
        let reads = self.response_reads(&offer.prompt);
        self.ran(step, reads, BTreeSet::new(), Did::Chose { choice });
        self.enter(flow, Branch::Choice(choice));
        self.run();
        true
    }

    /// A choice that is ruled out: says so and offers again. True where it was so.
    fn not_that_choice(&mut self, offer: &Offer, input: &Input, reading: Option<&Reading>) -> bool {
        if !Acts::of(reading).says(Act::Exclude) {
            return false;
        }
        let folded = super::exact::fold(&input.text);
        let out = offer.choices.iter().find_map(|choice| {
            let title = self.title(&choice.title, &choice.value);
            let named = [&title, &choice.value]
                .into_iter()
                .any(|name| super::exact::holds(&folded, name));
            named.then_some(title)
        });
        let Some(out) = out else { return false };
        self.note("reading", "answer", "rejected", "it is ruled out");
        self.understood();
        self.say_pattern(Pattern::Excluded, &[("value", Value::Text(out))]);
        self.run();
        true
    }

    /// A time while times are on offer, and none of them: says that it is not. True where it was so.
    fn not_on_offer(&mut self, offer: &Offer, reading: Option<&Reading>) -> bool {
        let time = |text: &str| Value::from_json(&serde_json::json!(text), &Type::Time);
        if offer
            .choices
            .iter()
            .any(|choice| time(&choice.value).is_none())
        {
            return false;
        }
        let entities = self.usable(reading.map_or(&[][..], |reading| &reading.entities));
        let Some((_, value)) = self.best_entity("", &Type::Time, &entities, true) else {
            return false;
        };
        let language = self.state.language.clone();
        let how = Rendering {
            language: &language,
            spoken: false,
        };
        self.note("reading", "answer", "rejected", "it is not on offer");
        self.understood();
        let value = Value::Text(value.say(how));
        self.say_pattern(Pattern::NotOffered, &[("value", value)]);
        self.run();
        true
    }

    fn choice(&self, offer: &Offer, input: &Input, reading: Option<&Reading>) -> Option<usize> {
        let acts = Acts::of(reading);
        let ruled_out = acts.says(Act::Exclude) && !acts.says_any(&[Act::Inform, Act::Affirm]);
        if input.payload.is_none() && input.keys.is_none() && ruled_out {
            return None;
        }
        let exact = input.payload.as_deref().or(input.keys.as_deref());
        let by_value = |value: &str| {
            // A time is read with seconds, and hardly ever written with them.
            let short = value.strip_suffix(":00").filter(|rest| rest.contains(':'));
            offer.choices.iter().position(|c| {
                c.value == value
                    || short.is_some_and(|short| {
                        c.value == short
                            || c.value.trim_start_matches('0') == short.trim_start_matches('0')
                    })
            })
        };
        if let Some(value) = exact {
            return by_value(value);
        }
        let titles: Vec<String> = offer
            .choices
            .iter()
            .map(|choice| self.title(&choice.title, &choice.value))
            .collect();
        let values: Vec<String> = offer.choices.iter().map(|c| c.value.clone()).collect();
        let entity = || {
            let entities = self.usable(&reading?.entities);
            entities
                .iter()
                .find_map(|found| by_value(found.value.as_str()?))
        };
        let yes_no = || {
            let word = match bare::yes_no(&input.text)? {
                true => "yes",
                false => "no",
            };
            by_value(word)
        };
        by_value(input.text.trim())
            .or_else(|| pick(input, reading, &titles))
            .or_else(|| pick(input, reading, &values))
            .or_else(entity)
            .or_else(yes_no)
    }
}
