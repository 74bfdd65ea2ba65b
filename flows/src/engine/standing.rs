//! What people say whatever is open: wait, never mind, I don't want a person, you misread me, small talk. Each is taken
//! only where it is all that the message does; with a value or a wish beside it, that is read.

use super::acts::Acts;
use super::event::{Act, Input, Reading};
use super::exact::{bare, fold, holds};
use super::ladder::Missed;
use super::policy::declines_person;
use super::standing_words::{
    CAN_DO, FEW, FOUND, INDIFFERENT, JUST_ASKING, LANGUAGES, MOMENT, NEGATIONS, SPEAKS, STAY,
    UNSETTLED, WAITS, WANTS_PERSON, WISHED_LANGUAGE, WITHDRAWS,
};
use super::state::Wait;
use super::turn::{Next, Turn};
use crate::bundle::{Pattern, StepKind, TriggerKind};
use crate::value::Value;

/// Probability from which a wish to leave something alone is heard beside other things.
const LEFT_ALONE: f64 = 0.6;
/// Probability from which a wish to leave something alone is one whatever values stand beside it.
const SURE_NOT: f64 = 0.8;
/// Probability from which a part tells something.
const TOLD: f64 = 0.25;
/// Probability from which a no at a question that is none of yes or no is a refusal.
const SURE_NO: f64 = 0.6;
/// Probability from which a message is small talk of no other kind.
const CHAT: f64 = 0.75;
/// Probability from which a person is got for an act alone.
const HUMAN: f64 = 0.8;
/// Probability of another topic from which a wish for a person is part of it: "somebody who knows mortgages".
const SURE_TOPIC: f64 = 0.9;
/// Titles that "what can you do" is answered with, at most.
const TITLES: usize = 8;
impl Turn<'_> {
    /// A message that does one of the things that need no open question; true where it was taken.
    pub(super) fn heard_standing(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        if !acts.known()
            || input.payload.is_some()
            || self.answers_open(input, reading)
            || self.leaves_open(&input.text)
            || super::bare::turned_twice(&input.text)
        {
            return false;
        }
        if self.heard_farewell(&input.text) {
            return true;
        }
        let taken = self.heard_person_wish(&acts, reading)
            || (matches!(self.state.wait, Wait::Customer | Wait::Person)
                && self.heard_end(&acts, reading))
            || self.heard_pause(&acts)
            || self.heard_language(&acts, input);
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let retold = !self.changes(&input.text, reading, entities).is_empty();
        if !taken && !retold && acts.only(&[Act::Rephrase]) {
            self.took("misread");
            self.say_pattern(Pattern::Misread, &[]);
            self.run();
            return true;
        }
        taken
    }

    /// True for "I don't mind" at a question for a value.
    fn leaves_open(&self, text: &str) -> bool {
        let asked = self
            .here()
            .is_some_and(|(_, step)| matches!(step.kind, StepKind::Ask(_)));
        asked && INDIFFERENT.contains(&bare(&fold(text)).as_str())
    }

    /// True where a message gives a value that the flow in front asks for.
    fn gives_for_front(&self, reading: Option<&Reading>) -> bool {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let slots = self.base().map(|base| self.asked_slots(&base.flow));
        slots.is_some_and(|slots| !self.match_slots(&slots, &self.usable(entities)).is_empty())
    }

    fn skippable(&self) -> bool {
        self.here()
            .is_some_and(|(_, step)| matches!(&step.kind, StepKind::Ask(ask) if ask.skip.is_some()))
    }

    /// True for an intent that a person is got for.
    pub(super) fn asks_for_person(&self, topic: &str) -> bool {
        self.bundle.policy.triggers.iter().any(|trigger| {
            matches!(&trigger.when, TriggerKind::Asked(intents) if intents.iter().any(|own| own == topic))
        })
    }

    /// True where a message holds a typed value for the question that is open: "oh hang on, it's 4417".
    pub(super) fn answers_open(&self, input: &Input, reading: Option<&Reading>) -> bool {
        let ask = self.here().and_then(|(_, step)| match &step.kind {
            StepKind::Ask(ask) => Some(ask),
            _ => None,
        });
        let fit = ask
            .filter(|_| self.state.wait == Wait::Customer)
            .and_then(|ask| self.fit(&ask.slot, input, reading));
        fit.is_some_and(|fit| !fit.free && !matches!(fit.value, Value::Bool(_)))
    }

    fn took(&mut self, what: &str) {
        self.note("reading", format!("act {what}"), "taken", "");
    }

    fn heard_person_wish(&mut self, acts: &Acts<'_>, reading: Option<&Reading>) -> bool {
        let folded = fold(&self.state.last_text);
        if WANTS_PERSON.iter().any(|words| holds(&folded, words)) {
            self.took("human");
            self.human("act human");
            return true;
        }
        let declined = declines_person(&folded);
        let other = self
            .strong_topic(reading)
            .is_some_and(|(topic, p)| p >= SURE_TOPIC && !self.asks_for_person(topic));
        let wanted = acts.p(Act::Human) >= HUMAN && !declined && !other;
        if wanted && !acts.says_any(&[Act::HumanNot, Act::AboutBot]) {
            self.took("human");
            self.human("act human");
            return true;
        }
        let beside = self.state.frames.is_empty() && acts.wants_something();
        // Who wants nobody says so in words that negate: "I'm the person it's for" has none.
        let told = declined || negated(&self.state.last_text);
        let clear = acts.p(Act::HumanNot) >= LEFT_ALONE && !acts.says(Act::Human) && !beside;
        if told && clear
            || (told
                && acts.only(&[Act::HumanNot, Act::Deny, Act::Withdraw])
                && acts.says(Act::HumanNot))
        {
            self.took("human_not");
            self.understood();
            self.state.wait = Wait::Customer;
            self.say_pattern(Pattern::NoPerson, &[]);
            self.go_on();
            return true;
        }
        false
    }

    /// "Ok, bye", whatever is open: nobody is kept.
    fn heard_farewell(&mut self, text: &str) -> bool {
        let folded = fold(text);
        let byes = [
            "bye",
            "goodbye",
            "bye bye",
            "see you",
            "see ya",
            "adios",
            "hasta luego",
            "chao",
            "hasta pronto",
        ];
        let ends = byes
            .iter()
            .any(|bye| folded == *bye || folded.ends_with(&format!(" {bye}")));
        if !ends || folded.split(' ').count() > FEW / 2 || text.contains(['?', '¿']) {
            return false;
        }
        self.took("bye");
        self.state.wait = Wait::Customer;
        self.understood();
        self.say_pattern(Pattern::Goodbye, &[]);
        self.drop_frames("abandoned");
        self.listen();
        true
    }

    /// Found it, never mind, don't do it.
    fn heard_end(&mut self, acts: &Acts<'_>, reading: Option<&Reading>) -> bool {
        let with = [
            Act::Resolved,
            Act::Withdraw,
            Act::RequestNot,
            Act::Deny,
            Act::Affirm,
        ];
        let left_alone = acts.p(Act::RequestNot) >= LEFT_ALONE && !acts.wants_something();
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let folded = fold(&self.state.last_text);
        let short = folded.split(' ').count() <= FEW && !self.state.last_text.contains(['?', '¿']);
        let has = |list: &str| list.split('|').any(|phrase| holds(&folded, phrase));
        let free = short && !acts.says_any(&[Act::Ask, Act::Request, Act::Human, Act::Complain]);
        if free && has(JUST_ASKING) && self.state.frames.is_empty() {
            self.took("request_not");
            self.understood();
            self.say_pattern(Pattern::NotDone, &[]);
            self.listen();
            return true;
        }
        if free
            && has(WITHDRAWS)
            && !self.state.frames.is_empty()
            && !self.skippable()
            && !negated_only(&folded)
            && self
                .changes(&self.state.last_text, reading, entities)
                .is_empty()
        {
            self.took("withdraw");
            self.end_front("cancelled");
            return true;
        }
        let decides = self.listening().expects.as_deref() == Some("yes_no")
            || self
                .here()
                .is_some_and(|(_, step)| matches!(step.kind, StepKind::Offer(_)));
        if free
            && !decides
            && has(FOUND)
            && ![
                "no la he",
                "no lo he",
                "no la encuentr",
                "no lo encuentr",
                "not found",
                "t found",
                "never found",
                "t find",
            ]
            .iter()
            .any(|no| folded.contains(no))
            && !UNSETTLED.iter().any(|word| holds(&folded, word))
        {
            self.took("resolved");
            self.end_front("resolved");
            return true;
        }
        // "Not the credit one, I said the debit one" tells something.
        let tells = [Act::Correct, Act::Rephrase, Act::Exclude];
        let told = tells.iter().any(|act| acts.p(*act) >= TOLD)
            || (acts.p(Act::RequestNot) < SURE_NOT && self.gives_for_front(reading));
        if !acts.only(&with) && (!left_alone || (told && !self.state.frames.is_empty())) {
            return false;
        }
        // A wish to leave something alone has a no in it: "ok block it" has none.
        let text = &self.state.last_text;
        if acts.says(Act::RequestNot) && (!negated(text) || super::topic::cannot(text)) {
            return false;
        }
        // "Course, it was stolen" agrees.
        // So does "it was yesterday", which tells something.
        let settled = acts.says(Act::Resolved)
            && !(decides && acts.says(Act::Affirm))
            && (has(FOUND)
                || !self
                    .said_now
                    .iter()
                    .any(|found| self.is_system(&found.entity)));
        // "It works with the PIN though", "already did that": nothing is settled.
        if settled && UNSETTLED.iter().any(|word| holds(&folded, word)) {
            return false;
        }
        if settled || acts.says(Act::Withdraw) {
            self.took(if settled { "resolved" } else { "withdraw" });
            self.end_front(if settled { "resolved" } else { "cancelled" });
            return true;
        }
        if !acts.says(Act::RequestNot) {
            return false;
        }
        // "I can't find my card" leaves nothing alone.
        let strong = self
            .strong_topic(reading)
            .is_some_and(|(topic, p)| p >= self.bar(topic) && self.flow_of(topic).is_some());
        if self.state.frames.is_empty() && strong && !super::topic::leaves(&self.state.last_text) {
            return false;
        }
        // "I don't need a statement" while a card is being blocked says nothing about the card.
        if !self.state.frames.is_empty() && self.is_of_another(reading) {
            self.note(
                "reading",
                "act request_not",
                "rejected",
                "it is about something else",
            );
            return false;
        }
        self.took("request_not");
        self.understood();
        self.say_pattern(Pattern::NotDone, &[]);
        if self.state.frames.is_empty() {
            self.listen();
        } else {
            self.drop_front("declined");
            if self.uncover() == Next::Go {
                self.run();
            }
        }
        true
    }

    /// True where the best reading is about a flow that is not in front, and the one in front is not near it.
    fn is_of_another(&self, reading: Option<&Reading>) -> bool {
        let Some(reading) = reading else { return false };
        let of = |own: bool| {
            let all = reading.intents.iter();
            all.filter(|(intent, _)| self.is_own(intent) == own && !self.is_small_talk(intent))
                .map(|(_, p)| *p)
                .fold(0.0, f64::max)
        };
        of(false) >= self.bundle.understanding.accept && of(true) < self.bundle.understanding.lead
    }

    /// Ends the flow in front because the customer no longer needs it.
    pub(super) fn end_front(&mut self, outcome: &str) {
        self.understood();
        self.state.wait = Wait::Customer;
        let Some(flow) = self.state.flow().cloned() else {
            let pattern = match outcome {
                "resolved" => Pattern::AnythingElse,
                _ => Pattern::NotDone,
            };
            self.say_pattern(pattern, &[]);
            self.listen();
            return;
        };
        let pattern = match outcome {
            "resolved" => Pattern::Resolved,
            _ => Pattern::Cancel,
        };
        let title = Value::Text(self.flow_title(&flow));
        self.say_pattern(pattern, &[("title", title)]);
        self.drop_front(outcome);
        if self.uncover() == Next::Go {
            self.run();
        }
    }

    /// Hold on; I'm back.
    fn heard_pause(&mut self, acts: &Acts<'_>) -> bool {
        let folded = fold(&self.state.last_text);
        let stays = STAY.iter().any(|words| holds(&folded, words));
        let waits = (acts.says(Act::Wait) || stays)
            && asks_to_wait(&self.state.last_text)
            && (!self.state.frames.is_empty() || self.said_now.is_empty());
        let free = !acts.wants_something() && self.said_now.is_empty();
        let idle = self.state.frames.is_empty();
        let plain = stays && idle && folded.split(' ').count() <= FEW / 2 + 1;
        if plain || (waits && (acts.only(&[Act::Wait, Act::Affirm]) || (free && idle))) {
            self.took("wait");
            self.say_pattern(Pattern::Wait, &[]);
            self.listen();
            return true;
        }
        let back = acts.only(&[Act::Resume, Act::Affirm]) && acts.says(Act::Resume);
        if back && !self.state.frames.is_empty() {
            self.took("resume");
            self.understood();
            self.go_on();
            return true;
        }
        false
    }

    /// A message at a question that needs a moment, whatever else it tells.
    pub(super) fn heard_wait(&mut self, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let said = bare(&fold(&self.state.last_text));
        let waits = (acts.says(Act::Wait) && asks_to_wait(&self.state.last_text))
            || WAITS.contains(&said.as_str());
        if !waits || acts.wants_something() {
            return false;
        }
        self.took("wait");
        self.say_pattern(Pattern::Wait, &[]);
        self.listen();
        true
    }

    /// A wish for another language, which keeps everything that was said.
    fn heard_language(&mut self, acts: &Acts<'_>, input: &Input) -> bool {
        let folded = fold(&input.text);
        // "Now in English please, sorry, my husband is here": the part that wishes for it is short.
        let named = input.text.split([',', '.', ';', '!', '?']).any(|part| {
            let part = fold(part);
            part.split(' ').count() <= 9
                && WISHED_LANGUAGE.iter().any(|phrase| holds(&part, phrase))
        });
        let says = acts.only(&[Act::Language, Act::Ask]) && acts.says(Act::Language);
        if !says && !named {
            return false;
        }
        if !SPEAKS.iter().any(|word| folded.contains(word)) {
            return false;
        }
        let named = |names: &[&str]| names.iter().any(|name| holds(&folded, name));
        let wanted = LANGUAGES.iter().find(|(_, names)| named(names));
        let spoken = wanted
            .map(|(code, _)| (*code).to_owned())
            .filter(|code| self.bundle.languages.contains(code));
        if spoken.as_ref() == Some(&self.state.language) && self.followed.is_none() {
            return false;
        }
        self.took("language");
        if let Some(code) = spoken {
            self.note("language", code.clone(), "followed", "asked for");
            self.state.language = code;
            self.say_pattern(Pattern::LanguageSwitched, &[]);
        } else {
            let languages = Value::Text(self.languages_spoken());
            self.say_pattern(Pattern::LanguageUnknown, &[("languages", languages)]);
        }
        self.go_on();
        true
    }

    fn languages_spoken(&self) -> String {
        let spanish = self.state.language == "es";
        let name = |code: &String| match (code.as_str(), spanish) {
            ("en", true) => "inglés".to_owned(),
            ("en", false) => "English".to_owned(),
            ("es", true) => "español".to_owned(),
            ("es", false) => "Spanish".to_owned(),
            (other, _) => other.to_owned(),
        };
        let all: Vec<String> = self.bundle.languages.iter().map(name).collect();
        all.join(if spanish { " y " } else { " and " })
    }

    /// Small talk, once and short, then back to where we were; true where the message was nothing else.
    pub(super) fn heard_small_talk(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        if !acts.known() || acts.wants_something() {
            return false;
        }
        let Some(pattern) = small_talk(&acts, &input.text) else {
            return false;
        };
        if (pattern == Pattern::SmallTalk && acts.p(Act::Chat) < CHAT)
            || (pattern == Pattern::Sorry && acts.p(Act::Distress) < CHAT)
        {
            return false;
        }
        let word = !input.text.trim().contains(' ');
        if pattern == Pattern::SmallTalk && word && !self.state.frames.is_empty() {
            // "Hmm" wants no conversation.
            self.took("small_talk");
            self.go_on();
            return true;
        }
        self.took("small_talk");
        if pattern == Pattern::Calm {
            self.state.counters.abuse += 1;
            if self.counted_triggers() {
                return true;
            }
        }
        let name = Value::Text(self.bundle.name.clone());
        // Who says goodbye has no answer any more.
        if pattern == Pattern::Goodbye && !self.state.frames.is_empty() {
            self.say_pattern(pattern, &[]);
            self.drop_frames("abandoned");
            self.listen();
            return true;
        }
        match pattern {
            Pattern::AboutBot => self.say_pattern(pattern, &[("bot", name)]),
            Pattern::WhatICanDo => {
                let titles = Value::Text(self.flow_titles());
                self.say_pattern(pattern, &[("bot", name), ("titles", titles)]);
            }
            _ => self.say_pattern(pattern, &[]),
        }
        self.go_on();
        true
    }

    fn flow_titles(&self) -> String {
        let flows = self
            .bundle
            .flows
            .iter()
            .filter(|(_, flow)| flow.start.is_some());
        let titles: Vec<String> = flows
            .map(|(id, _)| self.flow_title(id))
            .take(TITLES)
            .collect();
        titles.join(", ")
    }

    /// Asks the open question again, or listens where there is none.
    pub(super) fn go_on(&mut self) {
        if self.state.frames.is_empty() {
            self.listen();
        } else if self.state.wait == Wait::Resume {
            self.offer_resume();
        } else {
            self.run();
        }
    }

    /// An ask that the customer passes over, does not know or won't answer; true where it was one of them.
    pub(super) fn heard_no_answer(
        &mut self,
        (flow, step): (&crate::bundle::Flow, &crate::bundle::Step),
        ladder: &crate::bundle::Ladder,
        skip: Option<&[crate::bundle::Step]>,
        reading: Option<&Reading>,
    ) -> bool {
        use super::frame::Branch;
        let acts = Acts::of(reading);
        let indifferent = INDIFFERENT.contains(&bare(&fold(&self.state.last_text)).as_str());
        // "Next tues" answers a question to come.
        let ahead = reading.map_or(&[][..], |reading| &reading.entities);
        let ahead = !self
            .match_slots(&self.empty_slots(), &self.usable(ahead))
            .is_empty();
        if (acts.says(Act::Skip) && !ahead) || indifferent {
            self.took("skip");
            let Some(steps) = skip else {
                self.say_pattern(Pattern::MustAnswer, &[]);
                self.missed(Missed::Unanswered);
                return true;
            };
            self.clear_rungs(step);
            self.understood();
            if steps.is_empty() {
                self.advance(flow);
            } else {
                self.enter(flow, Branch::Skip);
            }
            self.run();
            return true;
        }
        let (what, steps, branch) = if acts.says(Act::Cannot) {
            ("cannot", &ladder.cannot, Branch::Cannot)
        } else if acts.says(Act::Refuse)
            || (acts.only(&[Act::Deny, Act::Refuse, Act::Withdraw])
                && acts.p(Act::Deny) + acts.p(Act::Refuse) + acts.p(Act::Withdraw) >= SURE_NO)
        {
            ("refuse", &ladder.on_refusal, Branch::OnRefusal)
        } else {
            return false;
        };
        self.took(what);
        if !steps.is_empty() {
            self.clear_rungs(step);
            self.understood();
            self.enter(flow, branch);
            self.run();
        } else if branch == Branch::OnRefusal {
            self.refused_to_say(ladder);
        } else {
            self.missed(Missed::Unanswered);
        }
        true
    }

    fn refused_to_say(&mut self, ladder: &crate::bundle::Ladder) {
        if let Some(why) = &ladder.why {
            self.say(why);
        }
        self.say_pattern(Pattern::Refusal, &[]);
        self.listen();
    }
}

/// True where a message says that what was missing is there again, by its words.
pub(super) fn found(text: &str) -> bool {
    let folded = fold(text);
    FOUND.split('|').any(|phrase| holds(&folded, phrase))
}

/// True for a wish to wait, by its words.
fn asks_to_wait(text: &str) -> bool {
    let folded = fold(text);
    MOMENT.split('|').any(|phrase| holds(&folded, phrase))
}

/// True where the words that end something are themselves turned around: "don't leave it".
fn negated_only(folded: &str) -> bool {
    [
        "other",
        "otra",
        "otro",
        "don t leave",
        "dont leave",
        "don t forget",
        "dont forget",
        "no lo deje",
        "no lo dejes",
        "no olvide",
        "you do it",
        "u do it",
        "carry on",
        "keep going",
        "continue",
        "sigue",
        "siga",
        "hazlo tu",
        "hagalo usted",
    ]
    .iter()
    .any(|phrase| holds(folded, phrase))
}

/// True where a message has a no in it.
pub(super) fn negated(text: &str) -> bool {
    let folded = fold(text);
    NEGATIONS.iter().any(|word| holds(&folded, word))
}

/// The words for a message that is no request.
fn small_talk(acts: &Acts<'_>, text: &str) -> Option<Pattern> {
    let folded = fold(text);
    if acts.says(Act::AboutBot)
        && CAN_DO
            .iter()
            .any(|phrase| super::exact::holds(&folded, phrase))
    {
        return Some(Pattern::WhatICanDo);
    }
    let order = [
        (Act::Abuse, Pattern::Calm),
        (Act::Distress, Pattern::Sorry),
        (Act::AboutBot, Pattern::AboutBot),
        (Act::Bye, Pattern::Goodbye),
        (Act::Thanks, Pattern::Welcome),
        (Act::Greet, Pattern::Hello),
        (Act::Chat, Pattern::SmallTalk),
    ];
    order
        .into_iter()
        .find(|(act, _)| acts.says(*act))
        .map(|(_, pattern)| pattern)
}
