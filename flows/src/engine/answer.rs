//! A message as the answer to the question that is open.

use std::collections::BTreeSet;

use super::ask::{Fit, apart};
use super::correct::takes_back;
use super::event::{Input, Reading};
use super::exact::surely_asks;
use super::frame::{Branch, Did};
use super::reading::pick;
use super::turn::{Next, Said, Turn};
use crate::bundle::{Ask, Confirm, Flow, Offer, Pattern, Step};
use crate::value::{Type, Value};

impl<'a> Turn<'a> {
    /// A message at an ask; true where it was taken.
    pub(super) fn answer_ask(
        &mut self,
        flow: &'a Flow,
        step: &'a Step,
        ask: &Ask,
        input: &Input,
        reading: Option<&Reading>,
    ) -> bool {
        let what = format!("answer {}", ask.slot);
        let Some(fit) = self.fit(&ask.slot, input, reading) else {
            self.note("reading", what, "rejected", "nothing fits the slot's type");
            return false;
        };
        let exact = input.payload.is_some() || input.keys.is_some();
        let topic = if exact {
            None
        } else {
            self.strong_topic(reading)
        };
        if fit.free && topic.is_some() {
            self.note("reading", what, "rejected", "another topic leads clearly");
            return false;
        }
        if fit.free && self.is_question(step, input) {
            self.note("reading", what, "rejected", "it asks something");
            return false;
        }
        if fit.free && takes_back(&input.text) {
            let entities = reading.map_or(&[][..], |reading| &reading.entities);
            let changes = self.changes(&input.text, entities);
            if !changes.is_empty() {
                self.note("reading", what, "rejected", "it corrects an earlier answer");
                self.correct(changes);
                return true;
            }
        }
        let Some((topic, p)) = topic.filter(|_| !fit.whole) else {
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
            let entities = reading.map_or(&[][..], |reading| &reading.entities);
            let said = Said {
                text: input.text.clone(),
                entities: apart(entities, fit.start, fit.end),
            };
            self.serve(topic, p, &said);
        }
        true
    }

    /// True for a question in place of a free text. The second time round it is taken as it stands:
    /// some answers are questions.
    fn is_question(&self, step: &Step, input: &Input) -> bool {
        let typed = input.payload.is_none() && input.keys.is_none();
        let before = self.top().and_then(|frame| frame.rungs.get(&step.id));
        typed && before.is_none_or(|rungs| rungs.no_match == 0) && surely_asks(&input.text)
    }

    /// True where a topic's flow would take the value for itself.
    fn wants(&self, topic: &str, fit: &Fit, reading: Option<&Reading>) -> bool {
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
        if fit.free || input.payload.is_some() || input.keys.is_some() {
            self.run();
            return;
        }
        let rest = apart(entities, fit.start, fit.end);
        let mut changes = self.changes(&input.text, &rest);
        changes.retain(|(slot, _, _)| *slot != ask.slot);
        let used: Vec<(usize, usize)> = changes.iter().map(|(_, f, _)| (f.start, f.end)).collect();
        let rest: Vec<_> = rest
            .into_iter()
            .filter(|found| !used.contains(&(found.start, found.end)))
            .collect();
        let empty = self.empty_slots();
        self.prefill(&empty, &rest);
        if changes.is_empty() {
            self.run();
        } else {
            self.correct(changes);
        }
    }

    /// A message at a confirm; true where it was taken.
    pub(super) fn answer_confirm(
        &mut self,
        flow: &'a Flow,
        step: &'a Step,
        confirm: &'a Confirm,
        input: &Input,
        reading: Option<&Reading>,
    ) -> bool {
        let fit = self.fit_type("", &Type::YesNo, input, reading);
        let Some(fit) = fit else {
            self.note("reading", "answer", "rejected", "neither yes nor no");
            return false;
        };
        let exact = input.payload.is_some() || input.keys.is_some();
        if !exact && !fit.whole {
            let entities = reading.map_or(&[][..], |reading| &reading.entities);
            let changes = self.changes(&input.text, &apart(entities, fit.start, fit.end));
            if !changes.is_empty() {
                self.note(
                    "reading",
                    "answer",
                    "rejected",
                    "it corrects an earlier answer",
                );
                self.correct(changes);
                return true;
            }
            if self.strong_topic(reading).is_some() {
                self.note(
                    "reading",
                    "answer",
                    "rejected",
                    "another topic leads clearly",
                );
                return false;
            }
        }
        let yes = fit.value == Value::Bool(true);
        self.note("reading", "answer", "taken", if yes { "yes" } else { "no" });
        self.clear_rungs(step);
        self.understood();
        if yes {
            let reads = self.response_reads(&confirm.prompt);
            self.ran(step, reads, BTreeSet::new(), Did::Confirmed);
            self.advance(flow);
        } else if confirm.on_no.is_empty() {
            // Going on would do what the customer has just declined.
            let front = self.state.flow().cloned().unwrap_or_default();
            let title = Value::Text(self.flow_title(&front));
            self.say_pattern(Pattern::Cancel, &[("title", title)]);
            self.drop_front("declined");
            if self.uncover() == Next::Stop {
                return true;
            }
        } else {
            self.enter(flow, Branch::OnNo);
        }
        self.run();
        true
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

    fn choice(&self, offer: &Offer, input: &Input, reading: Option<&Reading>) -> Option<usize> {
        let exact = input.payload.as_deref().or(input.keys.as_deref());
        let by_value = |value: &str| offer.choices.iter().position(|c| c.value == value);
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
            let entities = &reading?.entities;
            entities
                .iter()
                .find_map(|found| by_value(found.value.as_str()?))
        };
        let yes_no = || {
            let word = match super::exact::yes_no(&input.text)? {
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
