//! Readings that lead without being sure, are too close to each other, or are only suggested by the values: asked about,
//! never acted on.

use super::acts::{self, Acts};
use super::effect::MessageButton;
use super::event::{Act, Clause, Found, Reading};
use super::reading::SOMETHING_ELSE;
use super::state::Wait;
use super::topic::ARTICLE;
use super::turn::{Said, Turn};
use crate::bundle::{Pattern, StepKind};

/// Choices between readings, "something else" not counted.
const CHOICES: usize = 3;

impl Turn<'_> {
    /// "Don't stop the other one", where nothing is open: nothing is done. True where it was so.
    pub(super) fn leaves_alone(&mut self, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let sum =
            |clause: &Clause| acts::p(clause, Act::RequestNot) + acts::p(clause, Act::Withdraw);
        let left = acts.clauses().iter().any(|clause| sum(clause) >= 0.5);
        if !left
            || !self.state.frames.is_empty()
            || !super::topic::leaves(&self.state.last_text)
            || acts.says(Act::Request)
        {
            return false;
        }
        self.note("reading", "act request_not", "taken", "");
        self.understood();
        self.say_pattern(Pattern::NotDone, &[]);
        self.listen();
        true
    }

    /// One reading that leads without being sure: asks whether that is it. True where there was one.
    pub(super) fn offer_lead(&mut self) -> bool {
        let text = &self.state.last_text;
        if !self.state.frames.is_empty() || self.goes_on_from(text).is_some() {
            return false;
        }
        let intents = &self.state.last_intents;
        let Some((topic, p)) = intents.first().cloned() else {
            return false;
        };
        let next = intents
            .iter()
            .skip(1)
            .find(|(topic, _)| !self.is_small_talk(topic))
            .map_or(0.0, |(_, p)| *p);
        let understanding = &self.bundle.understanding;
        let titled = topic.starts_with(ARTICLE)
            || (self.flow_of(&topic).is_some() && !self.is_small_talk(&topic));
        // What no intent has is the probability that it is none of them.
        let none = 1.0 - intents.iter().map(|(_, p)| p).sum::<f64>();
        let lead = p - next.max(none);
        if p < understanding.lead || lead < understanding.margin || !titled {
            return false;
        }
        self.note("offer", topic.clone(), "offered", format!("{p:.3}"));
        let entities = self.said_now.clone();
        self.offer_topic(topic, entities);
        true
    }

    /// Asks whether a topic is meant.
    pub(super) fn offer_topic(&mut self, topic: String, entities: Vec<Found>) {
        let title = crate::value::Value::Text(self.option_title(&topic));
        self.say_pattern(Pattern::IsItAbout, &[("title", title)]);
        self.state.wait = Wait::Choice {
            options: vec![topic],
            text: self.state.last_text.clone(),
            entities,
        };
        self.listen();
    }

    /// Values that one flow alone asks for, where nothing else says what is wanted: asks whether it is that. True where
    /// there was one.
    pub(super) fn offer_by_values(&mut self, reading: Option<&Reading>) -> bool {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let usable = self.usable(entities);
        if !self.state.frames.is_empty() || usable.is_empty() {
            return false;
        }
        let mut counts: Vec<(usize, String)> = Vec::new();
        for flow in self.bundle.flows.values() {
            let Some(start) = &flow.start else { continue };
            let mut slots = Vec::new();
            super::frame::each(flow, &mut |step| {
                if let StepKind::Ask(ask) = &step.kind {
                    slots.push(ask.slot.clone());
                }
            });
            let matched = self.match_slots(&slots, &usable);
            let own = matched
                .iter()
                .any(|(_, found, _)| self.bundle.entities.contains_key(&found.entity));
            if own && matched.len() > 1 {
                counts.push((matched.len(), start.clone()));
            }
        }
        counts.sort_by(|a, b| b.cmp(a));
        let first = match counts.as_slice() {
            [only] => only,
            [first, second, ..] if first.0 > second.0 => first,
            _ => return false,
        };
        let topic = first.1.clone();
        self.note(
            "offer",
            topic.clone(),
            "offered",
            "it asks for what was said",
        );
        self.offer_topic(topic, usable);
        true
    }

    /// Readings too close to each other, best first.
    pub(super) fn ambiguous(&self, reading: Option<&Reading>) -> Option<Vec<String>> {
        let reading = reading.filter(|reading| !reading.degraded)?;
        let understanding = &self.bundle.understanding;
        let (_, best) = reading.intents.first()?;
        let close: Vec<&(String, f64)> = reading
            .intents
            .iter()
            .filter(|(topic, p)| {
                best - p < understanding.margin && !self.is_own(topic) && !self.is_small_talk(topic)
            })
            .take(CHOICES)
            .collect();
        let sum: f64 = close.iter().map(|(_, p)| p).sum();
        let enough = close.len() > 1 && sum >= understanding.accept && *best > reading.none;
        enough.then(|| close.into_iter().map(|(topic, _)| topic.clone()).collect())
    }

    /// The only flow among close readings, where it asks for something that the message gives: the
    /// others are articles, and a customer who names the account wants to see it.
    pub(super) fn told_apart(
        &self,
        options: &[String],
        entities: &[Found],
    ) -> Option<(String, String)> {
        let mut flows = options
            .iter()
            .filter_map(|topic| self.flow_of(topic).map(|flow| (topic, flow)));
        let (topic, flow) = flows.next()?;
        let wanted = self.match_slots(&self.asked_slots(flow), entities);
        (flows.next().is_none() && !wanted.is_empty()).then(|| (topic.clone(), flow.to_owned()))
    }

    pub(super) fn offer_choices(&mut self, options: Vec<String>, said: Said) {
        let mut buttons: Vec<MessageButton> = Vec::new();
        for option in &options {
            self.note("offer", option.clone(), "offered", "");
            buttons.push(MessageButton {
                title: self.option_title(option),
                payload: format!("/{option}"),
            });
        }
        buttons.push(MessageButton {
            title: self.pattern_text(Pattern::SomethingElse),
            payload: SOMETHING_ELSE.to_owned(),
        });
        self.say_pattern_with(Pattern::Disambiguation, &[], buttons);
        self.state.wait = Wait::Choice {
            options,
            text: said.text,
            entities: said.entities,
        };
        self.listen();
    }

    /// Readings too close to each other: told apart by what the message gives, else offered.
    pub(super) fn close_readings(&mut self, options: Vec<String>, said: Said) {
        let Some((topic, flow)) = self.told_apart(&options, &said.entities) else {
            self.offer_choices(options, said);
            return;
        };
        let what = format!("new_flow {flow}");
        self.note("reading", what, "taken", "it wants what was said");
        self.serve(&topic, 1.0, &said);
    }

    pub(super) fn note_weak(&mut self, reading: Option<&Reading>) {
        let Some(reading) = reading else { return };
        if let Some((topic, p)) = reading.intents.first() {
            let bar = self.bar(topic);
            let next = reading.intents.get(1).map_or(0.0, |(_, p)| *p);
            self.note(
                "reading",
                format!("topic {topic}"),
                "rejected",
                format!(
                    "{p:.3} of {bar:.3}, next {next:.3}, none {:.3}",
                    reading.none
                ),
            );
        }
    }
}
