//! What is said beside the open question, or while none is open: values, stories, a yes to go on. None of it counts as
//! misunderstood.

use super::acts::Acts;
use super::bare::yes_no;
use super::event::{Act, Found, Input, Reading};
use super::exact::fold;
use super::turn::Turn;
use crate::bundle::{EntityKind, Pattern, StepKind};
use crate::value::Type;

/// Words from which a message tells something beside the question.
const STORY: usize = 4;
/// First words of what tries to answer, folded.
const TRIES: [&str; 15] = [
    "it is", "its", "it s", "the", "es", "la", "el", "that one", "this one", "mi", "a", "an", "un",
    "una", "whenever",
];

/// Bytes from which a code counts as said whatever is said with it.
const LONG: usize = 6;
/// Turns after an answer from an article in which a detail is about it.
const DETAILS: u32 = 2;
/// Turns after an answer from an article in which a value belongs to it.
const TOLD: u32 = 4;

impl Turn<'_> {
    /// A bare value while nothing is asked: says so, and counts it as no misunderstanding.
    pub(super) fn nothing_open(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let all = |found: &&Found| {
            found.entity != "yes_no"
                && super::exact::coverage(&input.text, found.start, found.end) > 0.9
        };
        let long_code = |found: &&Found| {
            let long = found.end - found.start >= LONG;
            self.state.frames.is_empty() && long && self.is_code(&found.entity)
        };
        let usable = self.usable(entities);
        let said: Vec<&Found> = usable
            .iter()
            .filter(|found| all(found) || long_code(found))
            .collect();
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
        // What an article said can't be done here is not done with a value either.
        let turn = self.state.turn;
        let told = self
            .state
            .told
            .clone()
            .filter(|told| turn - told.turn <= TOLD);
        if let Some(told) = told.filter(|_| !open && !code) {
            self.answer(&told.passage, false);
            self.state.told = None;
            return true;
        }
        if open {
            self.say_pattern(Pattern::Noted, &[]);
            self.run();
        } else {
            // A second value needs no second question.
            let again = self
                .state
                .last_said_before
                .iter()
                .any(|said| said.name == "nothing_open");
            let pattern = if again {
                Pattern::Noted
            } else {
                Pattern::NothingOpen
            };
            self.say_pattern(pattern, &[]);
            self.listen();
        }
        true
    }

    /// While nothing is open: a yes or a no to nothing, displeasure, and details after an answer from an article. True
    /// where it was one of them.
    pub(super) fn beside_nothing(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        if !self.state.frames.is_empty() || input.payload.is_some() {
            return false;
        }
        let acts = Acts::of(reading);
        if yes_no(&input.text).is_some() {
            self.note("reading", "answer", "taken", "to nothing");
            self.say_pattern(Pattern::AnythingElse, &[]);
            self.listen();
            return true;
        }
        if acts.says_any(&[Act::Complain, Act::Abuse]) && acts.only(&[Act::Complain, Act::Abuse]) {
            self.note("reading", "act complain", "taken", "");
            self.say_pattern(Pattern::Calm, &[]);
            self.listen();
            return true;
        }
        let small = [
            Act::Chat,
            Act::Thanks,
            Act::Bye,
            Act::Affirm,
            Act::Resolved,
            Act::Withdraw,
            Act::Greet,
        ];
        let best = self.state.last_intents.first().map_or(0.0, |(_, p)| *p);
        let short = input.text.split_whitespace().count() <= STORY;
        let done = self.state.last_end.as_ref();
        let done = done.is_some_and(|end| self.state.turn - end.turn <= DETAILS);
        if done && short && acts.only(&small) && best < self.bundle.understanding.lead {
            self.note("reading", "small_talk", "taken", "after something was done");
            self.say_pattern(Pattern::Welcome, &[]);
            self.listen();
            return true;
        }
        let told = self.state.told.as_ref();
        let after = told.is_some_and(|told| self.state.turn - told.turn <= DETAILS);
        let tells = [
            Act::Inform,
            Act::Correct,
            Act::Exclude,
            Act::Chat,
            Act::Deny,
        ];
        let words = input.text.split_whitespace().count();
        if !after || words < STORY || !acts.known() || !acts.only(&tells) {
            return false;
        }
        self.note("reading", "message", "taken", "a detail after an answer");
        self.state.told = None;
        self.say_pattern_with(Pattern::NoUseForIt, &[], self.person_button());
        self.listen();
        true
    }

    /// True for a pattern of the bot's own.
    pub(super) fn is_code(&self, entity: &str) -> bool {
        let entity = self.bundle.entities.get(entity);
        entity.is_some_and(|entity| matches!(entity.kind, EntityKind::Regex(_)))
    }

    /// "Ok, block it" while something is still to be asked: it will be done, and this comes first. True where it was so.
    pub(super) fn heard_go_ahead(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
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
        if yes_no_slot || digits || input.payload.is_some() || !agrees || self.count_check(step) > 4
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
    pub(super) fn told_beside(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
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
        let wants = [
            Act::Ask,
            Act::Human,
            Act::Complain,
            Act::Repeat,
            Act::Rephrase,
        ];
        let acts = Acts::of(reading);
        let words = input.text.split_whitespace().count();
        // Four digits in a row are an answer that does not fit.
        let runs = input.text.split(|c: char| !c.is_ascii_digit());
        let digits = runs.map(str::len).max().unwrap_or(0) > 3;
        // "Any day but Thursday" at another question: it rules out something else.
        let ruled = reading.is_some_and(|reading| {
            let mut all = reading
                .entities
                .iter()
                .filter(|found| found.entity != "yes_no")
                .peekable();
            all.peek().is_some() && all.all(|found| !found.polarity.is_affirmed())
        });
        let asked = matches!(step.kind, StepKind::Ask(_));
        let typed = typed || (asked && ruled && Acts::of(reading).says(Act::Exclude));
        let told = typed
            && input.payload.is_none()
            && input.keys.is_none()
            && words >= STORY
            && acts.known()
            && !acts.says_any(&wants)
            && !asks_in_part(&input.text)
            && !reading.is_some_and(|reading| {
                let mut all = reading.entities.iter();
                all.any(|found| super::vague::is_bound(&input.text, found))
            });
        let folded = fold(&input.text);
        // "It's the blue one" tries to answer; a hint helps more.
        let tries = TRIES.iter().any(|lead| super::exact::begins(&folded, lead));
        // "It's a Samsung, if that helps" is no number.
        let most = if folded.starts_with("it") {
            STORY + 1
        } else {
            2 * STORY
        };
        let tries = tries && words <= most;
        if !told || digits || tries || self.count_check(step) > 5 {
            return false;
        }
        self.note("reading", "message", "taken", "told beside the question");
        self.say_pattern(Pattern::Noted, &[]);
        self.run();
        true
    }
}

/// True where a part of a message is a question by its first word, mark or not: "im 74, what about my name".
pub(super) fn asks_in_part(text: &str) -> bool {
    text.split([',', '.', ';', '!', '\n'])
        .map(str::trim)
        .any(|part| !part.is_empty() && super::exact::asks(part))
}
