//! A message as the answer to a confirm. Only a bare yes is a yes: with anything left over, what is left is read, and
//! the question stays open.

use super::acts::{Acts, SURE, best, p};
use super::bare;
use super::event::{Act, Clause, Input, Reading};
use super::frame::{Branch, Did, each};
use super::ladder::CHECKS;
use super::standing::negated;
use super::turn::{Next, Turn};
use crate::bundle::{ActionEffect, Confirm, Flow, Id, Pattern, Step, StepKind};
use crate::value::Value;
use std::collections::BTreeSet;

/// Probability from which the model alone may say no, which does nothing.
const MODEL_NO: f64 = 0.6;
/// Probability from which the model is heard where it doubts a bare yes.
const DOUBT: f64 = 0.8;
/// Probability of all that declines together from which a negation is a no.
const IN_SUM: f64 = 0.35;
/// Probability from which a yes beside a no leaves it open.
const HALF: f64 = 0.3;
/// Acts that a bare yes can't be.
const NO_YES: [Act; 11] = [
    Act::Limit,
    Act::Wait,
    Act::Deny,
    Act::Correct,
    Act::Ask,
    Act::Withdraw,
    Act::RequestNot,
    Act::Human,
    Act::Exclude,
    Act::Cannot,
    Act::Refuse,
];

/// What a message says to a yes-or-no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    /// A yes or a no with a condition or a doubt, or a yes that nobody can be sure of.
    Unsettled,
    /// Neither.
    Else,
}

impl<'a> Turn<'a> {
    /// A message at a confirm; true where it was taken.
    pub(super) fn answer_confirm(
        &mut self,
        flow: &'a Flow,
        step: &'a Step,
        confirm: &'a Confirm,
        input: &Input,
        reading: Option<&Reading>,
    ) -> bool {
        match self.said_to_confirm(flow, confirm, input, reading) {
            Said::Yes => self.confirmed(flow, step, confirm),
            Said::No => self.declined(flow, step, &confirm.on_no),
            Said::Unsettled => {
                if self.heard_why(&confirm.ladder, input) {
                    return true;
                }
                if self.reads_on(input, reading) {
                    return false;
                }
                // "Yes, except the phone number".
                let shown = self.shown_slots();
                if !self.named_slots(&input.text, &shown).is_empty()
                    && self.heard_wrong(input, reading)
                {
                    return true;
                }
                if self.heard_wish_to_know(&input.text) || self.heard_wait(reading) {
                    return true;
                }
                let acts = Acts::of(reading);
                let pattern = if acts.says(Act::Limit) {
                    Pattern::Unsettled
                } else {
                    Pattern::PlainAnswer
                };
                self.note(
                    "reading",
                    "answer",
                    "rejected",
                    "a yes with something left over",
                );
                self.ask_plainly(flow, step, pattern);
            }
            Said::Else => {
                self.note("reading", "answer", "rejected", "neither yes nor no");
                return self.heard_wait(reading) || self.heard_why(&confirm.ladder, input);
            }
        }
        true
    }

    /// What a message says to a confirm.
    fn said_to_confirm(
        &self,
        flow: &Flow,
        confirm: &Confirm,
        input: &Input,
        reading: Option<&Reading>,
    ) -> Said {
        if let Some(exact) = input.payload.as_deref().or(input.keys.as_deref()) {
            let known = match exact.trim() {
                "1" => Some(true),
                "2" => Some(false),
                text => bare::yes_no(text),
            };
            return known.map_or(Said::Else, |yes| if yes { Said::Yes } else { Said::No });
        }
        let acts = Acts::of(reading);
        if bare::turned_twice(&input.text) {
            return Said::Unsettled;
        }
        let plain = bare::answer(&input.text, &self.prompt_text(&confirm.prompt))
            .or_else(|| self.repeats_what_is_shown(input, reading).then_some(true));
        match plain {
            Some(true) => {
                let doubted = acts.clauses().iter().any(|clause| {
                    best(clause).is_some_and(|(act, p)| NO_YES.contains(&act) && p >= DOUBT)
                });
                // Something more was said before the yes could be heard: it is read first. And "ok" after an answer, or
                // after "take your time", may be about that.
                let doubted = (doubted && self.ends_in_the_irreversible(flow))
                    || !self.state.held.is_empty()
                    || (bare::weak(&input.text) && self.interrupted(confirm));
                return if doubted { Said::Unsettled } else { Said::Yes };
            }
            Some(false) => return Said::No,
            None => {}
        }
        if !acts.known() {
            return self.begins_like_an_answer(input, reading);
        }
        if self.points_at_what_is_shown(input, &acts) {
            return Said::Else;
        }
        let declines = [Act::Deny, Act::Withdraw, Act::Resolved, Act::RequestNot];
        let question = input.text.contains(['?', '¿']);
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let declined = declines.iter().any(|act| acts.p(*act) >= MODEL_NO);
        if self.declined_in_sum(&acts, &declines, input, reading) {
            return Said::No;
        }
        let goes_along = [&declines[..], &[Act::Inform, Act::HumanNot, Act::Wait]].concat();
        if declined
            && acts.only(&goes_along)
            && !question
            && self.changes(&input.text, reading, entities).is_empty()
        {
            return Said::No;
        }
        if self.declines_in_part(input, reading) {
            return Said::No;
        }
        // A word that has nothing of an answer is none, whatever it sounds like beside a confirm.
        let answers =
            acts.p(Act::Affirm).max(acts.p(Act::Limit)) >= SURE && bare::touches(&input.text);
        if answers { Said::Unsettled } else { Said::Else }
    }

    /// "Yes friday pls", where that Friday is shown: a bare yes around values that are what they are.
    fn repeats_what_is_shown(&self, input: &Input, reading: Option<&Reading>) -> bool {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let shown = self.shown_slots();
        let same = |found: &super::event::Found| {
            shown.iter().any(|slot| {
                let filled = self.state.slot(slot).map(|filled| &filled.value);
                let ty = self.bundle.slots.get(slot).map(|slot| &slot.ty);
                ty.is_some_and(|ty| {
                    let one = std::slice::from_ref(found);
                    let said = self.best_entity(slot, ty, one, true);
                    said.is_some_and(|(_, value)| Some(&value) == filled)
                })
            })
        };
        let mut spans: Vec<(usize, usize)> = self
            .usable(entities)
            .iter()
            .filter(|found| same(found))
            .map(|found| (found.start, found.end))
            .collect();
        if spans.is_empty() || input.text.contains(['?', '¿']) {
            return false;
        }
        spans.sort_unstable();
        let (mut rest, mut at) = (String::new(), 0);
        for (start, end) in spans {
            rest.push_str(input.text.get(at..start).unwrap_or_default());
            at = at.max(end);
        }
        rest.push_str(input.text.get(at..).unwrap_or_default());
        let rest = rest
            .trim_end()
            .trim_end_matches(" on")
            .trim_end_matches(" el");
        bare::yes_no(rest) == Some(true) && !bare::weak(rest)
    }

    /// True where the confirm is not all that was said last: an answer, a wait or a hint came between.
    fn interrupted(&self, confirm: &Confirm) -> bool {
        let calm = [
            Pattern::Greeting,
            Pattern::Correction,
            Pattern::AskAgain,
            Pattern::Resume,
            Pattern::NextRequest,
            Pattern::KeptOld,
            Pattern::LanguageSwitched,
        ];
        let calm: Vec<String> = calm.map(super::talk::pattern_name).to_vec();
        let said = &self.state.last_said_before;
        let patterns: Vec<String> = self
            .bundle
            .patterns
            .keys()
            .map(|pattern| super::talk::pattern_name(*pattern))
            .collect();
        let between = |message: &super::effect::Message| {
            message.source.is_some()
                || confirm.ladder.no_match.contains(&message.name)
                || confirm.ladder.why.as_ref() == Some(&message.name)
                || (patterns.contains(&message.name) && !calm.contains(&message.name))
        };
        said.last().is_none_or(|last| last.name != confirm.prompt) || said.iter().any(between)
    }

    /// "That's not my number", "not Tom": a no that is about something shown declines nothing.
    fn points_at_what_is_shown(&self, input: &Input, acts: &Acts<'_>) -> bool {
        let shown = self.shown_slots();
        let left = [Act::Withdraw, Act::RequestNot, Act::Resolved];
        negated(&input.text)
            && !acts.says_any(&left)
            && (!self.named_slots(&input.text, &shown).is_empty()
                || self.denied_value(&input.text, &shown).is_some())
    }

    /// True where a negation says one of several things that all decline, none of them clearly, and nothing agrees,
    /// asks or changes: "actually don't send it, I'll be home".
    fn declined_in_sum(
        &self,
        acts: &Acts<'_>,
        declines: &[Act],
        input: &Input,
        reading: Option<&Reading>,
    ) -> bool {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let sum = |clause: &Clause| declines.iter().map(|act| p(clause, *act)).sum::<f64>();
        acts.clauses().iter().any(|clause| sum(clause) >= IN_SUM)
            && negated(&input.text)
            && acts.p(Act::Affirm) < HALF
            && !acts.says_any(&[Act::Affirm, Act::Limit, Act::Ask, Act::Request, Act::Human])
            && !input.text.contains(['?', '¿'])
            && self.changes(&input.text, reading, entities).is_empty()
            && self
                .named_slots(&input.text, &self.answered_slots())
                .is_empty()
    }

    /// True where one part is a bare no and no other agrees, asks, changes or wants something: to stop is always safe.
    fn declines_in_part(&self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let no = acts.clauses().iter().any(|clause| {
            let text = input.text.get(clause.start..clause.end);
            text.is_some_and(|text| bare::yes_no(text) == Some(false))
        });
        let yes = acts.clauses().iter().any(|clause| {
            let text = input.text.get(clause.start..clause.end);
            text.is_some_and(|text| bare::yes_no(text) == Some(true))
        });
        let more = [
            Act::Affirm,
            Act::Correct,
            Act::Ask,
            Act::Request,
            Act::Exclude,
            Act::Human,
        ];
        no && !yes
            && !acts.says_any(&more)
            && !input.text.contains(['?', '¿'])
            && self.changes(&input.text, reading, entities).is_empty()
    }

    /// Without acts: a message that begins with a yes or a no and goes on is no answer yet.
    fn begins_like_an_answer(&self, input: &Input, reading: Option<&Reading>) -> Said {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let begins = entities.iter().any(|found| found.entity == "yes_no");
        if begins && !self.undecided(&input.text, entities) {
            Said::Unsettled
        } else {
            Said::Else
        }
    }

    /// True where what goes along with a yes or a no is something that is read by itself: a new value, a question, a
    /// wish.
    fn reads_on(&self, input: &Input, reading: Option<&Reading>) -> bool {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
        let acts = Acts::of(reading);
        !self.changes(&input.text, reading, entities).is_empty()
            || acts.says_any(&[
                Act::Ask,
                Act::Correct,
                Act::Request,
                Act::Human,
                Act::Exclude,
            ])
            || (!acts.known() && self.strong_topic(reading).is_some())
    }

    fn confirmed(&mut self, flow: &'a Flow, step: &'a Step, confirm: &'a Confirm) {
        self.note("reading", "answer", "taken", "yes");
        self.clear_rungs(step);
        self.understood();
        let reads = self.response_reads(&confirm.prompt);
        self.ran(step, reads, BTreeSet::new(), Did::Confirmed);
        self.advance(flow);
        self.run();
    }

    /// A plain no at a confirm or an offer.
    pub(super) fn declined(&mut self, flow: &'a Flow, step: &'a Step, on_no: &[Step]) {
        self.note("reading", "answer", "taken", "no");
        self.clear_rungs(step);
        self.understood();
        if on_no.is_empty() {
            // Going on would do what the customer has just declined.
            let front = self.state.flow().cloned().unwrap_or_default();
            let title = Value::Text(self.flow_title(&front));
            self.say_pattern(Pattern::Cancel, &[("title", title)]);
            self.drop_front("declined");
            if self.uncover() == Next::Stop {
                return;
            }
        } else {
            self.enter(flow, Branch::OnNo);
        }
        self.run();
    }

    /// Says why there is no answer yet and asks again; after a few times the question is given up.
    pub(super) fn ask_plainly(&mut self, flow: &'a Flow, step: &'a Step, pattern: Pattern) {
        if self.count_check(step) > CHECKS {
            self.exhausted_here(flow, step);
            return;
        }
        self.say_pattern(pattern, &[]);
        self.run();
    }

    /// What the open question said.
    fn prompt_text(&self, response: &str) -> String {
        let languages = self.bundle.responses.get(response);
        let variants = languages.and_then(|found| {
            found
                .variants
                .get(&self.state.language)
                .or_else(|| found.variants.values().next())
        });
        let all = variants.into_iter().flatten();
        all.map(|variant| variant.text.source())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// True where a flow, or one that it calls, does something that can't be undone.
    fn ends_in_the_irreversible(&self, flow: &Flow) -> bool {
        let mut seen: BTreeSet<&Id> = BTreeSet::new();
        let mut open: Vec<&Flow> = vec![flow];
        // A sub-flow's yes may be what its caller acts on.
        open.extend(
            self.state
                .flow()
                .and_then(|front| self.bundle.flows.get(front)),
        );
        while let Some(flow) = open.pop() {
            let mut found = false;
            each(flow, &mut |step| match &step.kind {
                StepKind::Do { action, .. } => {
                    let effect = self.bundle.actions.get(action).map(|action| action.effect);
                    found |= effect == Some(ActionEffect::Irreversible);
                }
                StepKind::Call(next) | StepKind::Go(next) if seen.insert(next) => {
                    open.extend(self.bundle.flows.get(next));
                }
                _ => {}
            });
            if found {
                return true;
            }
        }
        false
    }
}
