//! Reads a message. The first reading that fits wins; those that were rejected are in the trace.

use super::acts::Acts;
use super::bare::yes_no;
use super::correct::takes_back;
use super::effect::MessageButton;
use super::event::{Act, Found, Input, Reading};
use super::exact::{Command, asks, fold, puzzled};
use super::ladder::Missed;
use super::pick::{pick, typed_title};
use super::state::{Counters, Owner, Wait};
use super::topic::ARTICLE;
use super::turn::{Said, Turn};
use crate::bundle::{EntityKind, Pattern, StepKind};
use crate::compile::walk;
use crate::value::Type;

/// Turns whose mood is remembered.
const MOODS: usize = 20;
/// Choices between readings, "something else" not counted.
const CHOICES: usize = 3;
/// Words from which a message in another language changes the conversation's.
const LANGUAGE_WORDS: usize = 4;
/// Below this confidence of the recogniser a message counts as not understood.
const HEARD: f64 = 0.3;
/// Letters from which a message that no flow serves is looked up in the knowledge base.
const SEARCHED: usize = 4;
/// First words of what tries to answer, folded.
const TRIES: [&str; 10] = [
    "it is", "its", "it s", "the", "es", "la", "el", "that one", "this one", "mi",
];
/// What is to be told, in lower case.
const WISH_TO_KNOW: [&str; 14] = [
    "tell me",
    "know",
    "told",
    "depends on",
    "dime",
    "digas",
    "diga",
    "dígame",
    "decirme",
    "sepa",
    "saber",
    "depende de",
    "what's",
    "cuánto",
];
/// Words from which a message tells something beside the question.
const STORY: usize = 4;
/// Payload of "something else".
pub(super) const SOMETHING_ELSE: &str = "/something_else";

impl Turn<'_> {
    /// The customer said something.
    pub(super) fn heard(&mut self, input: &Input, reading: Option<&Reading>) {
        let keys = self.listening().keys;
        let before = std::mem::take(&mut self.state.last_said);
        self.state.last_said_before.clone_from(&before);
        self.state.turn += 1;
        self.state.counters.turns_since_done += 1;
        if !input.text.trim().is_empty() {
            input.text.clone_into(&mut self.state.last_text);
        }
        self.said_now = reading.map_or_else(Vec::new, |reading| self.usable(&reading.entities));
        self.remember(reading);
        match self.state.owner {
            Owner::Agent => {
                self.note(
                    "reading",
                    "message",
                    "rejected",
                    "a person has the conversation",
                );
                return;
            }
            Owner::Closed => {
                self.note(
                    "reading",
                    "message",
                    "taken",
                    "the conversation is open again",
                );
                self.state.owner = Owner::Bot;
                self.state.wait = Wait::Customer;
                self.state.counters = Counters::default();
            }
            Owner::Queue => {
                if !self.escalates(input, reading) {
                    self.heard_in_queue(input, reading, before);
                }
                return;
            }
            Owner::Bot => {}
        }
        self.follow_language(input, reading);
        let mut input = input.clone();
        if input.payload.is_none() {
            input.payload = input.keys.as_ref().and_then(|pressed| {
                let pressed = pressed.trim();
                let human = (pressed == "0").then(|| Command::Human.payload().to_owned());
                human.or_else(|| keys.get(pressed).cloned())
            });
        }
        if input.payload.is_none() {
            input.payload = typed_title(&input.text, &before);
        }
        if self.triggers(&input, reading) {
            return;
        }
        self.read(&input, reading, before);
    }

    fn remember(&mut self, reading: Option<&Reading>) {
        let Some(reading) = reading else { return };
        self.state.last_intents.clone_from(&reading.intents);
        if reading.degraded {
            return;
        }
        if self.state.moods.len() >= MOODS {
            self.state.moods.remove(0);
        }
        self.state.moods.push(reading.negative);
    }

    /// Follows the customer into another of the bot's languages.
    fn follow_language(&mut self, input: &Input, reading: Option<&Reading>) {
        let Some(reading) = reading.filter(|reading| !reading.degraded) else {
            return;
        };
        let known = self.bundle.languages.contains(&reading.language);
        if !known || reading.language == self.state.language {
            return;
        }
        let words = input.text.split_whitespace().count();
        if self.state.turn > 1 && words < LANGUAGE_WORDS {
            self.note(
                "language",
                reading.language.clone(),
                "rejected",
                format!("{words} words are too few"),
            );
            return;
        }
        self.note("language", reading.language.clone(), "followed", "");
        self.followed = Some(self.state.language.clone());
        reading.language.clone_into(&mut self.state.language);
    }

    pub(super) fn read(
        &mut self,
        input: &Input,
        reading: Option<&Reading>,
        before: Vec<super::effect::Message>,
    ) {
        let just_done = std::mem::take(&mut self.state.just_done);
        let command = match input.payload.as_deref() {
            Some(payload) => Command::of_payload(payload),
            None => Command::of_text(&input.text),
        };
        // Whoever wants a person gets one, also in place of a rating.
        if command != Some(Command::Human) && self.heard_rating(input, reading) {
            return;
        }
        if let Some(command) = command {
            self.note(
                "reading",
                format!("command {}", command.payload()),
                "taken",
                "",
            );
            self.command(command, before);
            return;
        }
        if let Some(payload) = input.payload.as_deref().filter(|p| p.starts_with('/')) {
            self.payload(payload);
            return;
        }
        if Acts::of(reading).only(&[Act::Repeat]) && !puzzled(&input.text) {
            self.note("reading", "act repeat", "taken", "");
            self.state.last_said = before;
            self.repeat();
            return;
        }
        if input.payload.is_none() && self.heard_status(&input.text) {
            return;
        }
        if self.heard_standing(input, reading) {
            return;
        }
        let taken = match self.state.wait {
            Wait::Choice { .. } => self.heard_choice(input, reading),
            Wait::Resume => self.heard_resume(input, reading),
            Wait::Undo(_) => self.heard_undo(input, reading),
            Wait::Person => self.heard_person(input),
            Wait::Change => self.heard_change(input, reading),
            _ => false,
        };
        if taken {
            return;
        }
        if self.state.wait != Wait::Resume {
            self.state.wait = Wait::Customer;
        }
        if just_done && self.state.frames.is_empty() && self.heard_enough(input) {
            return;
        }
        if input.speech_confidence.is_some_and(|heard| heard < HEARD) {
            self.note(
                "reading",
                "message",
                "rejected",
                "the recogniser is not sure",
            );
            self.missed(Missed::NoMatch);
            return;
        }
        self.message(input, reading);
    }

    fn command(&mut self, command: Command, before: Vec<super::effect::Message>) {
        match command {
            Command::Human => self.human(command.payload()),
            Command::Repeat => {
                self.state.last_said = before;
                self.repeat();
            }
            Command::Cancel => self.cancel(),
            Command::Back => {
                self.state.wait = Wait::Customer;
                self.back();
            }
            Command::StartOver => self.start_over(),
        }
    }

    fn cancel(&mut self) {
        self.state.wait = Wait::Customer;
        self.understood();
        let Some(flow) = self.state.flow().cloned() else {
            self.say_pattern(Pattern::NothingToCancel, &[]);
            self.listen();
            return;
        };
        let title = crate::value::Value::Text(self.flow_title(&flow));
        self.say_pattern(Pattern::Cancel, &[("title", title)]);
        self.drop_front("cancelled");
        if self.uncover() == super::turn::Next::Go {
            self.run();
        }
    }

    fn start_over(&mut self) {
        self.state.wait = Wait::Customer;
        self.understood();
        let front = self.state.flow().cloned();
        if self.done_anything_for_good() {
            let title = front.map(|flow| self.flow_title(&flow)).unwrap_or_default();
            let title = crate::value::Value::Text(title);
            self.say_pattern(Pattern::AlreadyDone, &[("title", title)]);
            self.drop_frames("cancelled");
            self.run();
            return;
        }
        self.say_pattern(Pattern::StartOver, &[]);
        self.drop_frames("restarted");
        if let Some(flow) = front
            && !self.start_flow(&flow, &Said::default())
        {
            self.note("error", flow, "failed", "the flow could not start");
        }
        self.run();
    }

    fn payload(&mut self, payload: &str) {
        let topic = payload.trim_start_matches('/').to_owned();
        let said = match &self.state.wait {
            Wait::Choice {
                options,
                text,
                entities,
            } if options.contains(&topic) => Said {
                text: text.clone(),
                entities: entities.clone(),
            },
            _ => Said::default(),
        };
        self.note("reading", format!("payload {payload}"), "taken", "");
        if let Some(slot) = payload.strip_prefix(super::repair::CHANGE) {
            let slot = slot.to_owned();
            self.state.wait = Wait::Customer;
            if self.answered_slots().contains(&slot) {
                self.ask_anew(&slot);
            } else {
                self.run();
            }
            return;
        }
        if payload == SOMETHING_ELSE {
            self.listen_anew(Pattern::NoMatch);
            return;
        }
        let article = topic.strip_prefix(ARTICLE).map(str::to_owned);
        if article.is_some_and(|article| self.bundle.articles.contains_key(&article))
            || (self.bundle.intents.contains_key(&topic) && !self.is_own(&topic))
        {
            if !said.text.is_empty() {
                said.text.clone_into(&mut self.state.last_text);
            }
            self.serve(&topic, 1.0, &said);
            return;
        }
        if self.is_own(&topic) {
            self.state.wait = Wait::Customer;
            self.run();
            return;
        }
        self.note(
            "reading",
            format!("payload {payload}"),
            "rejected",
            "it names no intent",
        );
        self.missed(Missed::NoMatch);
    }

    /// Back to the open question, or to any message where there is none.
    fn listen_anew(&mut self, pattern: Pattern) {
        self.state.wait = Wait::Customer;
        if self.state.frames.is_empty() {
            self.say_pattern(pattern, &[]);
            self.listen();
        } else {
            self.run();
        }
    }

    /// A message while readings are offered; true where it chose one.
    fn heard_choice(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let Wait::Choice {
            options,
            text,
            entities,
        } = self.state.wait.clone()
        else {
            return false;
        };
        let titles: Vec<String> = options
            .iter()
            .map(|option| self.option_title(option))
            .collect();
        let said = yes_no(input.payload.as_deref().unwrap_or(&input.text));
        let one = options.first().filter(|_| options.len() == 1);
        let entities_now = reading.map_or(&[][..], |reading| &reading.entities);
        let chosen = match (one, said) {
            (Some(one), Some(true)) => Some(one),
            (Some(one), None)
                if Acts::of(reading).only(&[Act::Inform]) && self.gives_for(one, entities_now) =>
            {
                Some(one)
            }
            _ => pick(input, reading, &titles).and_then(|at| options.get(at)),
        };
        if let Some(topic) = chosen {
            self.note("reading", "choice", "taken", topic.clone());
            text.clone_into(&mut self.state.last_text);
            let mut entities = entities;
            entities.extend(self.usable(entities_now));
            self.serve(topic, 1.0, &Said { text, entities });
            return true;
        }
        let folded = fold(&input.text);
        let other = [
            "something else",
            "none",
            "neither",
            "otra cosa",
            "ninguna",
            "ninguno",
        ];
        if said == Some(false) || other.iter().any(|word| folded.contains(word)) {
            self.note("reading", "choice", "taken", "something else");
            self.listen_anew(Pattern::NoMatch);
            return true;
        }
        self.note("reading", "choice", "rejected", "none of the choices");
        false
    }

    /// True where a message gives a value that an intent's flow asks for.
    fn gives_for(&self, topic: &str, entities: &[Found]) -> bool {
        // Its own questions, not those of the flows that it calls: who somebody is says nothing of what they want.
        let own = |flow: &str| {
            let mut slots = Vec::new();
            if let Some(flow) = self.bundle.flows.get(flow) {
                super::frame::each(flow, &mut |step| {
                    if let StepKind::Ask(ask) = &step.kind {
                        slots.push(ask.slot.clone());
                    }
                });
            }
            slots
        };
        let slots = self.flow_of(topic).map(own);
        slots.is_some_and(|slots| !self.match_slots(&slots, &self.usable(entities)).is_empty())
    }

    /// A message after "What should I change?"; true where it was read as its answer.
    fn heard_change(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        self.state.wait = Wait::Customer;
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let changes = self.changes_meant(&input.text, reading, entities);
        if !changes.is_empty() {
            self.correct(changes);
            return true;
        }
        let answered = self.answered_slots();
        if let Some(slot) = self.named_slots(&input.text, &answered).first().cloned() {
            self.ask_anew(&slot);
            return true;
        }
        if yes_no(input.payload.as_deref().unwrap_or(&input.text)).is_some() {
            // Of what was asked before nothing is agreed to.
            self.note(
                "reading",
                "answer",
                "rejected",
                "it names nothing to change",
            );
            self.run();
            return true;
        }
        false
    }

    /// A message after a person was offered; true where it was read as an answer.
    fn heard_person(&mut self, input: &Input) -> bool {
        let answer = yes_no(input.payload.as_deref().unwrap_or(&input.text));
        match answer {
            Some(true) => {
                self.note("reading", "answer yes", "taken", "a person");
                self.human(Command::Human.payload());
                true
            }
            Some(false) => {
                self.note("reading", "answer no", "taken", "no person");
                self.listen_anew(Pattern::AnythingElse);
                true
            }
            None => false,
        }
    }

    /// "No, thanks" and "yes" after a flow that asked whether there is anything else.
    fn heard_enough(&mut self, input: &Input) -> bool {
        let pattern = match yes_no(&input.text) {
            Some(false) => Pattern::Goodbye,
            Some(true) => Pattern::AnythingElse,
            None => return false,
        };
        self.note(
            "reading",
            "answer",
            "taken",
            "whether there is anything else",
        );
        self.say_pattern(pattern, &[]);
        self.listen();
        true
    }

    fn message(&mut self, input: &Input, reading: Option<&Reading>) {
        let here = self.here().filter(|_| self.state.wait == Wait::Customer);
        let why = here.and_then(|(_, step)| walk::ladder(&step.kind));
        if why.is_some_and(|ladder| self.heard_why(ladder, input)) {
            return;
        }
        if here.is_some() && input.payload.is_none() && puzzled(&input.text) {
            self.note(
                "reading",
                "no_match",
                "taken",
                "the question was not understood",
            );
            self.missed(Missed::NoMatch);
            return;
        }
        let answered = match here.map(|(flow, step)| (flow, step, &step.kind)) {
            Some((flow, step, StepKind::Ask(ask))) => {
                self.answer_ask(flow, step, ask, input, reading)
            }
            Some((flow, step, StepKind::Confirm(confirm))) => {
                self.answer_confirm(flow, step, confirm, input, reading)
            }
            Some((flow, step, StepKind::Offer(offer))) => {
                self.answer_offer(flow, step, offer, input, reading)
            }
            _ => false,
        };
        if !answered {
            self.unanswered(input, reading);
        }
    }

    /// A message that does not answer the question, or comes while none is open.
    fn unanswered(&mut self, input: &Input, reading: Option<&Reading>) {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        if self.correct_recent(input, reading) {
            return;
        }
        let acts = Acts::of(reading);
        let changes = self.changes(&input.text, reading, entities);
        if let Some((slot, _, _)) = changes.first() {
            let shown = self.shown_slots();
            let cue = takes_back(&input.text)
                || acts.says(Act::Correct)
                || changes.iter().all(|(slot, ..)| shown.contains(slot));
            if cue || self.interrupting_topic(reading).is_none() {
                self.correct(changes);
                return;
            }
            let what = format!("correction {slot}");
            self.note("reading", what, "rejected", "another topic leads clearly");
        }
        if self.correct_covered(&input.text, reading) || self.heard_wrong(input, reading) {
            return;
        }
        let said = Said {
            text: input.text.clone(),
            entities: entities.to_vec(),
        };
        let about_us = acts.only(&[Act::AboutBot]) && !self.state.frames.is_empty();
        if about_us && self.heard_small_talk(input, reading) {
            return;
        }
        if self.heard_requests(reading, &said) || self.heard_topic(reading, &said) {
            return;
        }
        if self.heard_question(input, reading) {
            return;
        }
        let empty = self.empty_slots();
        let tells = [Act::Inform, Act::Request, Act::Affirm, Act::Exclude];
        let code = |found: &Found| found.confidence >= 1.0 && self.is_code(&found.entity);
        let ahead = !acts.known() || acts.says_any(&tells) || entities.iter().any(code);
        if ahead
            && !empty.is_empty()
            && (self.prefill(&empty, entities) || self.prefill_sum(&empty, input, entities))
        {
            self.note("reading", "answers ahead", "taken", "");
            self.say_pattern(Pattern::Noted, &[]);
            self.understood();
            self.run();
            return;
        }
        if self.heard_small_talk(input, reading) {
            return;
        }
        // A yes or a no at a question that wants neither is about no topic.
        let bare = !self.state.frames.is_empty() && yes_no(&input.text).is_some();
        // In the middle of a question only a wish is looked at as one of several topics.
        let wish = [Act::Request, Act::Ask, Act::Complain];
        let wished = self.state.frames.is_empty()
            || !acts.known()
            || wish.iter().map(|act| acts.p(*act)).fold(0.0, f64::max) >= 0.35;
        if let Some(options) = self.ambiguous(reading).filter(|_| !bare && wished) {
            self.close_readings(options, said);
            return;
        }
        let lead = self
            .state
            .last_intents
            .first()
            .map(|(topic, _)| topic.clone());
        let denied = lead.is_some_and(|topic| self.denied(&topic, acts));
        if denied && self.leaves_alone(reading) {
            return;
        }
        if !asks(&input.text) && !denied && self.offer_lead() {
            return;
        }
        if self.leaves_alone(reading) {
            return;
        }
        self.nothing_fits(input, reading);
    }

    /// "Sure, after you tell me the fee": what is to be told first is looked up. True where there was something.
    pub(super) fn heard_wish_to_know(&mut self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let at = WISH_TO_KNOW.iter().filter_map(|words| {
            let at = lower.find(words)?;
            lower.get(at + words.len()..)
        });
        let Some(rest) = at.min_by_key(|rest| rest.len()) else {
            return false;
        };
        let rest = rest.trim_matches(|c: char| !c.is_alphanumeric());
        if rest.chars().filter(|c| c.is_alphabetic()).count() < SEARCHED {
            return false;
        }
        let title = self.state.flow().map(|flow| self.flow_title(flow));
        self.note("reading", "question", "taken", "it is to be told first");
        self.state.last_text = format!("{rest} {}", title.unwrap_or_default());
        self.search_message(None, true);
        true
    }

    /// A question in the middle of a flow: told why it is asked, or answered from the articles; then the open question is
    /// asked again.
    fn heard_question(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        if !self.state.frames.is_empty()
            && acts.says(Act::Limit)
            && self.heard_wish_to_know(&input.text)
        {
            return true;
        }
        let question = acts.clause(Act::Ask);
        let Some(question) = question.filter(|_| !self.state.frames.is_empty()) else {
            return false;
        };
        let why = self.here().and_then(|(_, step)| walk::ladder(&step.kind));
        if why.is_some_and(|ladder| self.heard_why(ladder, input)) {
            return true;
        }
        self.note("reading", "question", "taken", "");
        if let Some(text) = input.text.get(question.start..question.end) {
            text.trim().clone_into(&mut self.state.last_text);
        }
        self.search_message(None, true);
        true
    }

    /// Values that one flow alone asks for, where nothing else says what is wanted: asks whether it is that. True where
    /// there was one.
    fn offer_by_values(&mut self, reading: Option<&Reading>) -> bool {
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

    /// Asks whether a topic is meant.
    fn offer_topic(&mut self, topic: String, entities: Vec<Found>) {
        let title = crate::value::Value::Text(self.option_title(&topic));
        self.say_pattern(Pattern::IsItAbout, &[("title", title)]);
        self.state.wait = Wait::Choice {
            options: vec![topic],
            text: self.state.last_text.clone(),
            entities,
        };
        self.listen();
    }

    /// "Don't stop the other one", where nothing is open: nothing is done. True where it was so.
    fn leaves_alone(&mut self, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let sum = |clause: &super::event::Clause| {
            super::acts::p(clause, Act::RequestNot) + super::acts::p(clause, Act::Withdraw)
        };
        let left = acts.clauses().iter().any(|clause| sum(clause) >= 0.5);
        if !left
            || !self.state.frames.is_empty()
            || !super::standing::negated(&self.state.last_text)
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
        let next = intents.get(1).map_or(0.0, |(_, p)| *p);
        let understanding = &self.bundle.understanding;
        let titled = self.flow_of(&topic).is_some() || topic.starts_with(ARTICLE);
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

    /// Serves the topic of a message where there is a clear one; true where there was.
    fn heard_topic(&mut self, reading: Option<&Reading>, said: &Said) -> bool {
        let Some((topic, p)) = self.clear_topic(reading) else {
            self.note_weak(reading);
            return false;
        };
        let what = format!("topic {topic}");
        if self.goes_on_elsewhere(topic, p, reading) {
            self.note(
                "reading",
                what,
                "rejected",
                "it goes on from the answer before",
            );
            self.search_message(None, true);
            return true;
        }
        if self.is_own(topic) {
            self.note("reading", what, "rejected", "it is being served");
            return false;
        }
        self.note("reading", what, "taken", format!("{p:.3}"));
        self.serve(topic, p, said);
        true
    }

    /// Readings too close to each other: told apart by what the message gives, else offered.
    fn close_readings(&mut self, options: Vec<String>, said: Said) {
        let Some((topic, flow)) = self.told_apart(&options, &said.entities) else {
            self.offer_choices(options, said);
            return;
        };
        let what = format!("new_flow {flow}");
        self.note("reading", what, "taken", "it wants what was said");
        self.serve(&topic, 1.0, &said);
    }

    fn note_weak(&mut self, reading: Option<&Reading>) {
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

    fn nothing_fits(&mut self, input: &Input, reading: Option<&Reading>) {
        self.note("reading", "no_match", "taken", "");
        if reading.is_some_and(|reading| reading.degraded) {
            self.say_pattern(Pattern::Degraded, &[]);
            self.run();
            return;
        }
        if self.state.wait == Wait::Resume {
            if !self.count_miss() {
                self.offer_resume();
            }
            return;
        }
        if self.nothing_open(input, reading)
            || self.heard_go_ahead(input, reading)
            || self.told_beside(input, reading)
            || self.offer_by_values(reading)
        {
            return;
        }
        let typed = input.payload.is_none() && input.keys.is_none();
        let letters = input.text.chars().filter(|c| c.is_alphabetic()).count();
        if self.state.frames.is_empty() && typed && letters >= SEARCHED {
            self.search_message(None, asks(&input.text));
            return;
        }
        self.missed(Missed::NoMatch);
    }

    /// A bare value while nothing is asked: says so, and counts it as no misunderstanding.
    fn nothing_open(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let all = |found: &&Found| {
            found.entity != "yes_no"
                && super::exact::coverage(&input.text, found.start, found.end) > 0.9
        };
        let said: Vec<&Found> = entities.iter().filter(all).collect();
        // A code of the bot's own is one whatever it sounds like.
        let code = said.iter().any(|found| self.is_code(&found.entity));
        if said.is_empty() || !(code || acts.only(&[Act::Inform])) {
            return false;
        }
        let open = !self.state.frames.is_empty();
        if open && !code {
            return false;
        }
        self.keep_ahead(said.into_iter().cloned().collect());
        if open {
            self.say_pattern(Pattern::Noted, &[]);
            self.run();
        } else {
            self.say_pattern(Pattern::NothingOpen, &[]);
            self.listen();
        }
        true
    }

    /// True for a pattern of the bot's own.
    fn is_code(&self, entity: &str) -> bool {
        let entity = self.bundle.entities.get(entity);
        entity.is_some_and(|entity| matches!(entity.kind, EntityKind::Regex(_)))
    }

    /// "Ok, block it" while something is still to be asked: it will be done, and this comes first. True where it was so.
    fn heard_go_ahead(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let Some((_, step)) = self.here() else {
            return false;
        };
        let StepKind::Ask(ask) = &step.kind else {
            return false;
        };
        let yes_no_slot = self.bundle.slots.get(&ask.slot).is_some_and(|slot| {
            matches!(
                slot.ty,
                Type::YesNo | Type::Bool | Type::Text | Type::Any | Type::Name
            )
        });
        let acts = Acts::of(reading);
        let wants = acts.only(&[Act::Affirm, Act::Request])
            && (acts.says(Act::Affirm)
                || self
                    .state
                    .last_intents
                    .first()
                    .is_some_and(|(intent, _)| self.is_own(intent))
                || self.interrupting_topic(reading).is_none());
        let agrees = yes_no(&input.text) == Some(true) || (acts.known() && wants);
        let digits = input.text.chars().any(|c| c.is_ascii_digit());
        if yes_no_slot || digits || input.payload.is_some() || !agrees || self.count_check(step) > 2
        {
            return false;
        }
        self.note(
            "reading",
            "message",
            "taken",
            "it agrees, and an answer is still missing",
        );
        self.say_pattern(Pattern::FirstThis, &[]);
        self.run();
        true
    }

    /// Something told beside a question that it does not answer: taken note of, a few times, before it counts as
    /// misunderstood.
    fn told_beside(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let Some((_, step)) = self.here() else {
            return false;
        };
        let typed = match &step.kind {
            StepKind::Ask(ask) => self.bundle.slots.get(&ask.slot).is_some_and(|slot| {
                // A list's hint says what there is to choose from.
                let list = match &slot.ty {
                    Type::Entity(id) => self
                        .bundle
                        .entities
                        .get(id)
                        .is_some_and(|entity| !matches!(entity.kind, EntityKind::Regex(_))),
                    ty => matches!(
                        ty,
                        Type::Text | Type::Any | Type::Bool | Type::YesNo | Type::List(_)
                    ),
                };
                !list
            }),
            _ => false,
        };
        let tells = [Act::Inform, Act::Correct, Act::Chat, Act::Withdraw];
        let acts = Acts::of(reading);
        let words = input.text.split_whitespace().count();
        let digits = input.text.chars().filter(char::is_ascii_digit).count();
        let digits = digits > 3 || (digits > 0 && words < STORY + 3);
        let told = typed
            && input.payload.is_none()
            && input.keys.is_none()
            && words >= STORY
            && acts.known()
            && acts.clauses().iter().all(|clause| {
                super::acts::best(clause).is_some_and(|(act, _)| tells.contains(&act))
            });
        let folded = fold(&input.text);
        // "It's the blue one" tries to answer; a hint helps more.
        let tries = TRIES
            .iter()
            .any(|lead| folded.starts_with(&format!("{lead} ")));
        if !told || digits || tries || self.count_check(step) > 1 {
            return false;
        }
        self.note("reading", "message", "taken", "told beside the question");
        self.say_pattern(Pattern::Noted, &[]);
        self.run();
        true
    }

    /// Readings too close to each other, best first.
    fn ambiguous(&self, reading: Option<&Reading>) -> Option<Vec<String>> {
        let reading = reading.filter(|reading| !reading.degraded)?;
        let understanding = &self.bundle.understanding;
        let (_, best) = reading.intents.first()?;
        let close: Vec<&(String, f64)> = reading
            .intents
            .iter()
            .filter(|(topic, p)| best - p < understanding.margin && !self.is_own(topic))
            .take(CHOICES)
            .collect();
        let sum: f64 = close.iter().map(|(_, p)| p).sum();
        let enough = close.len() > 1 && sum >= understanding.accept && *best > reading.none;
        enough.then(|| close.into_iter().map(|(topic, _)| topic.clone()).collect())
    }

    /// The only flow among close readings, where it asks for something that the message gives: the
    /// others are articles, and a customer who names the account wants to see it.
    fn told_apart(&self, options: &[String], entities: &[Found]) -> Option<(String, String)> {
        let mut flows = options
            .iter()
            .filter_map(|topic| self.flow_of(topic).map(|flow| (topic, flow)));
        let (topic, flow) = flows.next()?;
        let wanted = self.match_slots(&self.asked_slots(flow), entities);
        (flows.next().is_none() && !wanted.is_empty()).then(|| (topic.clone(), flow.to_owned()))
    }

    fn offer_choices(&mut self, options: Vec<String>, said: Said) {
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

    /// The customer said nothing.
    pub(super) fn silence(&mut self) {
        if self.state.owner != Owner::Bot || self.running() {
            self.note("reading", "silence", "ignored", "the bot is not listening");
            return;
        }
        self.state.last_said.clear();
        match self.state.wait {
            Wait::Rating { .. } => self.goodbye("wrapped_up"),
            Wait::Resume if self.state.counters.no_input_running == 0 => {
                self.state.counters.no_input_running += 1;
                self.offer_resume();
            }
            // Its keys and what was said before stay, for the answer may come yet.
            Wait::Choice { .. } | Wait::Person | Wait::Undo(_) | Wait::Change
                if self.state.counters.no_input_running == 0 =>
            {
                self.state.counters.no_input_running += 1;
                self.say_pattern(Pattern::NoInput, &[]);
                self.listen();
            }
            Wait::Choice { .. } | Wait::Resume | Wait::Person | Wait::Undo(_) | Wait::Change => {
                self.state.wait = Wait::Customer;
                self.missed(Missed::NoInput);
            }
            Wait::Customer | Wait::Action { .. } | Wait::Search { .. } | Wait::Undoing { .. } => {
                self.missed(Missed::NoInput)
            }
        }
    }
}
