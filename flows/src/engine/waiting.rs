//! While a person is awaited: what is said is kept for that person, questions are answered as far as the articles know,
//! and whoever wants out, or something that the bot can do, is not held.

use std::collections::BTreeMap;

use super::acts::Acts;
use super::bare::yes_no;
use super::effect::{Effect, Message};
use super::event::{Act, Input, Reading};
use super::exact::{Command, asks, fold, holds};
use super::policy::declines_person;
use super::state::{Counters, Owner, Wait};
use super::turn::{Said, Turn};
use crate::bundle::{Pattern, TriggerKind};
use crate::value::Value;

/// Probability from which a customer wants to leave the queue.
const LEAVES: f64 = 0.6;
/// Words of a message that leaves in words of the list, at most.
const WORDS: usize = 14;
/// What leaves the queue without a word about it, folded: somebody helps themselves, or another time.
const ELSEWHERE: [&str; 41] = [
    "cancel it",
    "cancel that",
    "cancel this",
    "leave the queue",
    "out of the queue",
    "take me out",
    "salir de la cola",
    "sacame de la cola",
    "in the app",
    "do it myself",
    "sort it myself",
    "another time",
    "another day",
    "come back later",
    "try later",
    "ring later",
    "call later",
    "call back later",
    "not now",
    "some other time",
    "leave it",
    "never mind",
    "nevermind",
    "forget it",
    "don t bother",
    "no need",
    "found it",
    "cancelalo",
    "cancelelo",
    "en la app",
    "en la aplicacion",
    "yo mismo",
    "yo misma",
    "otro dia",
    "mas tarde",
    "en otro momento",
    "mejor manana",
    "dejalo",
    "dejelo",
    "da igual",
    "ya no",
];
/// What asks how long it takes or whether anybody is there, folded.
const ABOUT_THE_WAIT: [&str; 22] = [
    "how long",
    "how much longer",
    "what number am i",
    "anybody there",
    "anyone there",
    "still there",
    "hello",
    "when will",
    "my place",
    "in the queue",
    "in the line",
    "position",
    "waiting",
    "cuanto falta",
    "cuanto queda",
    "cuanto tardan",
    "cuanto tiempo",
    "hay alguien",
    "sigue ahi",
    "hola",
    "que numero tengo",
    "esperando",
];
/// Reasons for which no bot may help.
const NO_BOT: [&str; 2] = ["never_automate", "policy"];
/// Reasons that the customer did not give: what the bot can do after all, it does.
const OF_THE_BOT: [&str; 6] = [
    "low_confidence",
    "repeated_misunderstanding",
    "turn_limit",
    "sentiment",
    "abuse",
    "tool_failure",
];

impl Turn<'_> {
    /// A message while a person is awaited.
    pub(super) fn heard_in_queue(
        &mut self,
        input: &Input,
        reading: Option<&Reading>,
        before: Vec<Message>,
    ) {
        let payload = input.payload.as_deref();
        let command = match payload {
            Some(payload) => Command::of_payload(payload),
            None => Command::of_text(&input.text),
        };
        // Who may be in danger, or in the hands of a thief, is not let go by a word.
        let pressed = payload.is_some();
        match command {
            Some(Command::Cancel) if pressed || !self.no_bot() => return self.cancel_handoff(),
            Some(Command::Cancel) if !self.waits_in_danger() => return self.ask_whether_to_leave(),
            Some(Command::Repeat) => {
                self.state.last_said = before;
                return self.repeat();
            }
            Some(Command::Human) => {
                self.state.wait = Wait::Customer;
                return self.say_waiting();
            }
            _ => {}
        }
        if self.heard_whether_here(input) {
            return;
        }
        if self.waits_in_danger() {
            self.said_in_danger();
            return;
        }
        let acts = Acts::of(reading);
        let leaves = self.leaves_queue(input, reading);
        if self.wanted_here(input, reading, leaves) {
            return;
        }
        if self.no_bot() && (leaves || (acts.says(Act::Bye) && !acts.wants_something())) {
            // A bare "no" there answers nobody.
            if yes_no(&input.text) == Some(false) || self.asks_to_act(&input.text) {
                self.told_in_queue(input, reading);
            } else {
                self.ask_whether_to_leave();
            }
        } else if leaves && super::standing::found(&input.text) && !self.state.frames.is_empty() {
            self.leave();
            self.end_front("resolved");
        } else if leaves {
            self.cancel_handoff();
        } else if acts.says(Act::Bye) && !acts.wants_something() {
            self.note("reading", "act bye", "taken", "a person is awaited");
            self.leave();
            self.drop_frames("abandoned");
            self.say_pattern(Pattern::Goodbye, &[]);
            self.listen();
        } else {
            self.told_in_queue(input, reading);
        }
    }

    /// The answer to whether to leave the queue for something that can be done here; true where it was one.
    fn heard_whether_here(&mut self, input: &Input) -> bool {
        let Wait::Choice {
            options,
            text,
            entities,
        } = self.state.wait.clone()
        else {
            return false;
        };
        self.state.wait = Wait::Customer;
        let answer = yes_no(input.payload.as_deref().unwrap_or(&input.text));
        let Some(answer) = answer else {
            return false;
        };
        let Some(topic) = options.first() else {
            if answer {
                self.cancel_handoff();
            } else {
                self.say_waiting();
            }
            return true;
        };
        if answer {
            self.note("reading", "choice", "taken", topic.clone());
            self.leave();
            self.serve(topic, 1.0, &Said { text, entities });
        } else {
            self.say_waiting();
        }
        true
    }

    /// Asks before somebody whom no bot may help leaves the queue.
    fn ask_whether_to_leave(&mut self) {
        self.note(
            "reading",
            "withdraw",
            "rejected",
            "no bot may help; asked first",
        );
        let queue = self.queue_now();
        self.say_pattern(Pattern::LeaveQueue, &[("queue", queue)]);
        self.state.wait = Wait::Choice {
            options: Vec::new(),
            text: String::new(),
            entities: Vec::new(),
        };
        self.listen();
    }

    /// "Cancel my card", "stop the thief": something else is to be stopped, not the wait.
    fn asks_to_act(&self, text: &str) -> bool {
        let folded = fold(text);
        let stops = [
            "cancel", "stop", "block", "freeze", "cancele", "cancela", "pare", "para", "bloquee",
            "bloquea",
        ];
        let not = [
            "don t cancel",
            "dont cancel",
            "do not cancel",
            "don t stop",
            "dont stop",
            "no cancel",
            "no cancele",
            "no canceles",
        ]
        .iter()
        .any(|words| holds(&folded, words));
        let on = [
            "card",
            "transfer",
            "payment",
            "thief",
            "account",
            "it",
            "him",
            "them",
            "tarjeta",
            "transferencia",
            "pago",
            "cuenta",
            "ladron",
        ];
        let has = |list: &[&str]| list.iter().any(|word| holds(&folded, word));
        (has(&stops) && has(&on)) || not
    }

    fn waits_in_danger(&self) -> bool {
        let triggers = &self.bundle.policy.triggers;
        let declared = triggers
            .iter()
            .find(|trigger| matches!(trigger.when, TriggerKind::Crisis { .. }));
        let name = declared.map_or("crisis", |trigger| trigger.name.as_str());
        self.state
            .queued
            .as_ref()
            .is_some_and(|queued| queued.trigger == name)
    }

    fn said_in_danger(&mut self) {
        self.note("reading", "message", "rejected", "a person is awaited");
        self.say_pattern(Pattern::CrisisWaiting, &[]);
        self.listen();
    }

    /// True for "I don't want a person", "never mind" and "I'll do it in the app" in any words.
    fn leaves_queue(&self, input: &Input, reading: Option<&Reading>) -> bool {
        // "You can keep waiting, or stop": a plain no to that stops.
        if yes_no(&input.text) == Some(false) {
            return true;
        }
        let acts = Acts::of(reading);
        let folded = fold(&input.text);
        // "Don't cancel", "cancel my card": nobody leaves over that.
        let own = [
            "cancel it",
            "cancel that",
            "cancel this",
            "cancelalo",
            "cancelelo",
        ];
        let plain =
            own.iter().any(|words| holds(&folded, words)) && !super::standing::negated(&input.text);
        if self.asks_to_act(&input.text) && !plain {
            return false;
        }
        if declines_person(&folded) {
            return true;
        }
        let question = input.text.contains(['?', '¿']);
        let short = folded.split(' ').count() <= WORDS;
        let elsewhere = ELSEWHERE.iter().any(|words| holds(&folded, words));
        if elsewhere && short && !question && !acts.says_any(&[Act::Ask, Act::Human, Act::Inform]) {
            return true;
        }
        let leaving = [Act::HumanNot, Act::Withdraw, Act::Resolved];
        let p = leaving.iter().map(|act| acts.p(*act)).fold(0.0, f64::max);
        if p < LEAVES || acts.says(Act::Human) || question {
            return false;
        }
        acts.p(Act::HumanNot) >= LEAVES || !acts.says_any(&[Act::Ask, Act::Complain])
    }

    /// What the message wants and the bot can do; true where it is done, or offered.
    fn wanted_here(&mut self, input: &Input, reading: Option<&Reading>, leaves: bool) -> bool {
        if self.no_bot() {
            return false;
        }
        let reason = self
            .state
            .queued
            .as_ref()
            .map_or_else(String::new, |queued| queued.reason.clone());
        let ours = OF_THE_BOT.contains(&reason.as_str()) || leaves;
        let acts = Acts::of(reading);
        if acts.says(Act::Human) {
            return false;
        }
        if ours && self.answers_what_was_open(input, reading) {
            self.note("reading", "answer", "taken", "it goes on without a person");
            self.leave();
            self.say_pattern(Pattern::QueueLeft, &[]);
            self.heard_again(input, reading);
            return true;
        }
        let Some((topic, p)) = self.flow_wanted(reading) else {
            return false;
        };
        let entities = reading.map_or_else(Vec::new, |reading| reading.entities.clone());
        let text = input.text.clone();
        self.note(
            "reading",
            format!("topic {topic}"),
            "taken",
            format!("{p:.3}"),
        );
        if ours {
            self.leave();
            self.say_pattern(Pattern::QueueLeft, &[]);
            self.serve(&topic, p, &Said { text, entities });
            return true;
        }
        let title = Value::Text(self.option_title(&topic));
        let queue = self.queue_now();
        self.say_pattern(Pattern::QueueOrHere, &[("title", title), ("queue", queue)]);
        self.state.wait = Wait::Choice {
            options: vec![topic],
            text,
            entities,
        };
        self.listen();
        true
    }

    fn no_bot(&self) -> bool {
        let queued = self.state.queued.as_ref();
        queued.is_some_and(|queued| NO_BOT.contains(&queued.reason.as_str()))
    }

    /// True where a message answers the question that was open when the person was sent for.
    fn answers_what_was_open(&self, input: &Input, reading: Option<&Reading>) -> bool {
        !self.state.frames.is_empty()
            && self.state.wait == Wait::Customer
            && self.answers_open(input, reading)
    }

    /// The flow that a message asks for in so many words.
    fn flow_wanted(&self, reading: Option<&Reading>) -> Option<(String, f64)> {
        let acts = Acts::of(reading);
        let wish = acts.p(Act::Request).max(acts.p(Act::Ask));
        let parts = acts.clauses().iter();
        let parts = parts
            .filter_map(|clause| clause.intent.as_ref())
            .map(|(intent, p)| (intent.as_str(), *p))
            .filter(|(intent, p)| *p >= self.bar(intent));
        let mut topics = self.strong_topic(reading).into_iter().chain(parts);
        let (topic, p) = topics.find(|(topic, _)| {
            self.flow_of(topic).is_some()
                && !self.asks_for_person(topic)
                && !self.denied(topic, acts)
        })?;
        (wish >= 0.4).then(|| (topic.to_owned(), p))
    }

    fn heard_again(&mut self, input: &Input, reading: Option<&Reading>) {
        let before = std::mem::take(&mut self.state.last_said_before);
        self.read(input, reading, before);
    }

    fn queue_now(&self) -> Value {
        let queued = self.state.queued.as_ref();
        Value::Text(self.queue_title(queued.map_or("", |queued| &queued.queue)))
    }

    /// What is said while a person is awaited is for that person: the place is told when somebody asks for it, what the
    /// articles know is answered, the rest is noted, and not with the same line for ever.
    fn told_in_queue(&mut self, input: &Input, reading: Option<&Reading>) {
        let acts = Acts::of(reading);
        let heard = self.state.queued.as_mut().map_or(1, |queued| {
            queued.heard += 1;
            queued.heard
        });
        let folded = fold(&input.text);
        let of_wait = ABOUT_THE_WAIT.iter().any(|words| holds(&folded, words));
        if of_wait || acts.only(&[Act::Human]) || acts.only(&[Act::Wait]) || !acts.known() {
            self.note("reading", "message", "rejected", "a person is awaited");
            self.say_waiting();
            return;
        }
        if self.heard_status(&input.text) {
            return;
        }
        let question = acts.says(Act::Ask) || asks(&input.text);
        // Where no bot may help, what the bot's people wrote for it is told and no more.
        if self.no_bot() && (question || (!acts.only_polite() && self.has_advice())) {
            self.note("reading", "message", "rejected", "a person is awaited");
            self.unknown_in_queue();
            return;
        }
        if question {
            self.note("reading", "question", "taken", "a person is awaited");
            self.search_message(None, true);
            return;
        }
        self.note("reading", "message", "rejected", "a person is awaited");
        if acts.only_polite() {
            self.say_pattern(Pattern::Welcome, &[]);
        } else if heard.is_multiple_of(2) {
            self.say_pattern(Pattern::Noted, &[]);
        } else {
            let queue = self.queue_now();
            self.say_pattern(Pattern::QueueNoted, &[("queue", queue)]);
        }
        self.listen();
    }

    fn advice(&self) -> Option<String> {
        let queued = self.state.queued.as_ref();
        let queue = queued.and_then(|queued| self.bundle.queues.get(&queued.queue));
        queue.and_then(|queue| queue.advice.clone())
    }

    fn has_advice(&self) -> bool {
        self.advice().is_some()
    }

    /// A question that no article answers: what the queue has to say about such, else that a person will. Not the same
    /// words twice running.
    pub(super) fn unknown_in_queue(&mut self) {
        let advice = self.advice().and_then(|advice| {
            let message = self.render(&advice, &advice, &BTreeMap::new())?;
            let again = self
                .state
                .last_said_before
                .iter()
                .any(|said| said.text == message.text);
            (!again).then_some(advice)
        });
        match advice {
            Some(advice) => self.say(&advice),
            None if asks(&self.state.last_text) => {
                let queue = self.queue_now();
                self.say_pattern(Pattern::QueueUnknown, &[("queue", queue)]);
            }
            None => self.say_pattern(Pattern::Noted, &[]),
        }
        self.listen();
    }

    /// The place in the queue once more.
    pub(super) fn say_waiting(&mut self) {
        self.say_position(Pattern::StillWaiting);
        self.listen();
    }

    /// The customer needs no person any more; nothing is said about it.
    fn leave(&mut self) {
        self.effects.push(Effect::CancelHandoff);
        self.state.owner = Owner::Bot;
        self.state.wait = Wait::Customer;
        self.state.queued = None;
        self.state.counters = Counters::default();
        self.state.moods.clear();
    }

    fn cancel_handoff(&mut self) {
        self.note("reading", "command /cancel", "taken", "a person is awaited");
        self.leave();
        self.say_pattern(Pattern::HandoffCancelled, &[]);
        self.run();
    }
}
