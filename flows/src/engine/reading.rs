//! Reads a message. The first reading that fits wins; those that were rejected are in the trace.

use super::acts::Acts;
use super::bare::yes_no;
use super::correct::takes_back;
use super::event::{Act, Found, Input, Reading};
use super::exact::{Command, asks, fold, puzzled};
use super::ladder::Missed;
use super::pick::{pick, typed_title};
use super::state::{Counters, Owner, Wait};
use super::topic::ARTICLE;
use super::turn::{Said, Turn};
use crate::bundle::{Pattern, StepKind};
use crate::compile::walk;

/// Turns whose mood is remembered.
const MOODS: usize = 20;
/// Words from which a message in another language changes the conversation's.
const LANGUAGE_WORDS: usize = 4;
/// Below this confidence of the recogniser a message counts as not understood.
const HEARD: f64 = 0.3;
/// Letters from which a message that no flow serves is looked up in the knowledge base.
pub(super) const SEARCHED: usize = 4;
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
        // "What was that balance again" asks for the balance.
        let topic = self.strong_topic(reading).is_some_and(|(_, p)| p >= 0.6);
        if Acts::of(reading).only(&[Act::Repeat]) && !puzzled(&input.text) && !topic {
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
    pub(super) fn gives_for(&self, topic: &str, entities: &[Found]) -> bool {
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
        if let Some(slot) = self.text_meant(input, reading) {
            let (from, to) = super::shape::trimmed(&input.text, 0, input.text.len());
            let said = input.text.get(from..to).unwrap_or(&input.text);
            self.correct_text(&slot, crate::value::Value::Text(said.to_owned()));
            return true;
        }
        false
    }

    /// The text that is shown and that a message is another one for: a name for a name, an address for an address.
    fn text_meant(&self, input: &Input, reading: Option<&Reading>) -> Option<String> {
        let acts = Acts::of(reading);
        let asks = acts.says_any(&[
            Act::Ask,
            Act::Human,
            Act::Withdraw,
            Act::RequestNot,
            Act::Wait,
        ]);
        let words = input.text.split_whitespace().count();
        if input.payload.is_some() || asks || !(1..=8).contains(&words) {
            return None;
        }
        let digits = |text: &str| text.chars().any(|c| c.is_ascii_digit());
        let mut shown = self.shown_slots();
        shown.retain(|slot| {
            let text = self.bundle.slots.get(slot).is_some_and(|slot| {
                matches!(slot.ty, crate::value::Type::Text | crate::value::Type::Name)
            });
            let old = self.state.slot(slot).map(|filled| &filled.value);
            text && matches!(old, Some(crate::value::Value::Text(old)) if digits(old) == digits(&input.text))
        });
        match shown.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// A message after a person was offered; true where it was read as an answer.
    fn heard_person(&mut self, input: &Input) -> bool {
        let answer = yes_no(input.payload.as_deref().unwrap_or(&input.text));
        // "Ok, thanks" after "or I can get you a person" gets nobody.
        let weak = input.payload.is_none() && super::bare::weak(&input.text);
        match answer {
            Some(true)
                if weak && super::bare::thanks(&input.text)
                    || answer == Some(true) && weak && !self.state.counters.person_offered =>
            {
                self.note("reading", "answer", "taken", "it only acknowledges");
                self.listen_anew(Pattern::AnythingElse);
                true
            }
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
        // A number that nothing asked for is about no topic, whatever its digits look like.
        let number = !input.text.trim().is_empty()
            && input
                .text
                .chars()
                .all(|c| c.is_ascii_digit() || " -.".contains(c));
        if number && self.state.frames.is_empty() && self.nothing_open(input, reading) {
            return;
        }
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
        let tells = [
            Act::Inform,
            Act::Correct,
            Act::Request,
            Act::Affirm,
            Act::Exclude,
        ];
        // Nothing but a value, whatever it sounds like: "next tues".
        let code = |found: &Found| {
            (found.confidence >= 1.0 && self.is_code(&found.entity))
                || (found.confidence >= 0.9
                    && found.polarity.is_affirmed()
                    && super::exact::coverage(&input.text, found.start, found.end) > 0.99)
        };
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
        if self.beside_nothing(input, reading) {
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
        let asked = Acts::of(reading).known() && super::beside::asks_in_part(&input.text);
        if (self.state.frames.is_empty() || asked) && typed && letters >= SEARCHED {
            self.search_message(None, asked || asks(&input.text));
            return;
        }
        self.missed(Missed::NoMatch);
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
