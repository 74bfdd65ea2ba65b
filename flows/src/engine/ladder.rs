//! What happens when an answer does not fit or does not come: ladders within a question, patterns
//! outside of one, and the counters that triggers look at.

use super::effect::Effect;
use super::frame::{Branch, Place, Rungs, place};
use super::handoff::Request;
use super::state::{Owner, Wait};
use super::turn::Turn;
use crate::bundle::{Flow, Ladder, Pattern, Step, StepKind};

/// How often a pattern stands in for a ladder that has no entries.
const DEFAULT_RUNGS: u32 = 2;
/// Values that fail a slot's check before the ladder counts as used up.
pub(super) const CHECKS: u32 = 3;
/// Silences outside of any flow before the conversation ends.
const SILENCES: u32 = 3;

/// What was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    /// An answer that does not fit.
    NoMatch,
    /// The customer understood and has no answer: the hints go on, and nothing counts as misunderstood.
    Unanswered,
    /// No answer.
    NoInput,
}

/// The ladder of a question.
fn ladder(step: &Step) -> Option<&Ladder> {
    match &step.kind {
        StepKind::Ask(ask) => Some(&ask.ladder),
        StepKind::Confirm(confirm) => Some(&confirm.ladder),
        StepKind::Offer(offer) => Some(&offer.ladder),
        _ => None,
    }
}

impl<'a> Turn<'a> {
    /// The step that the front frame stands at, with its flow.
    pub(super) fn here(&self) -> Option<(&'a Flow, &'a Step)> {
        let flow = self.top_flow()?;
        match place(flow, &self.top()?.at) {
            Place::Step(step) => Some((flow, step)),
            Place::Over | Place::Lost => None,
        }
    }

    /// The message was understood: the running counters begin anew.
    pub(super) fn understood(&mut self) {
        let counters = &mut self.state.counters;
        counters.no_match_running = 0;
        counters.no_input_running = 0;
        counters.low_confidence_running = 0;
        counters.person_offered = false;
    }

    /// Counts a message that was not understood; true where a trigger fires on it.
    pub(super) fn count_miss(&mut self) -> bool {
        let best = self.state.last_intents.first().map_or(0.0, |(_, p)| *p);
        let counters = &mut self.state.counters;
        counters.no_match_running += 1;
        counters.no_match_total += 1;
        if self.low_bar().is_some_and(|bar| best < bar) {
            self.state.counters.low_confidence_running += 1;
        }
        self.counted_triggers()
    }

    /// A message that fits nothing, or silence.
    pub(super) fn missed(&mut self, what: Missed) {
        let question = self.here().filter(|(_, step)| ladder(step).is_some());
        match question {
            Some((flow, step)) => self.climb(flow, step, what),
            None => self.missed_outside(what),
        }
    }

    fn rungs(&mut self, step: &Step) -> Rungs {
        let rungs = self
            .top_mut()
            .map(|frame| frame.rungs.entry(step.id.clone()).or_default());
        rungs.map(|rungs| rungs.clone()).unwrap_or_default()
    }

    fn set_rungs(&mut self, step: &Step, rungs: Rungs) {
        if let Some(top) = self.top_mut() {
            top.rungs.insert(step.id.clone(), rungs);
        }
    }

    /// The question was answered: its ladder begins anew the next time.
    pub(super) fn clear_rungs(&mut self, step: &Step) {
        if let Some(top) = self.top_mut() {
            top.rungs.remove(&step.id);
        }
    }

    fn climb(&mut self, flow: &'a Flow, step: &'a Step, what: Missed) {
        let Some(ladder) = ladder(step) else { return };
        let mut rungs = self.rungs(step);
        let (said, used, pattern) = match what {
            Missed::NoMatch | Missed::Unanswered => {
                let pattern = match what {
                    Missed::Unanswered => Pattern::Cannot,
                    _ => Pattern::NoMatch,
                };
                rungs.no_match += 1;
                (&ladder.no_match, rungs.no_match, pattern)
            }
            Missed::NoInput => {
                rungs.no_input += 1;
                (&ladder.no_input, rungs.no_input, Pattern::NoInput)
            }
        };
        self.set_rungs(step, rungs);
        let rung = usize::try_from(used.saturating_sub(1)).unwrap_or(usize::MAX);
        let over = if said.is_empty() {
            used > DEFAULT_RUNGS
        } else {
            rung >= said.len()
        };
        if over {
            if matches!(what, Missed::NoMatch) && self.asks_first() {
                return;
            }
            self.exhausted(flow, step, ladder);
            return;
        }
        match what {
            Missed::NoMatch if self.count_miss() => return,
            Missed::NoMatch | Missed::Unanswered => {}
            Missed::NoInput => self.state.counters.no_input_running += 1,
        }
        let confirm = matches!(step.kind, StepKind::Confirm(_));
        if let Some(response) = said.get(rung) {
            self.say(response);
            // What is agreed to is on the screen when it is agreed to.
            if confirm && matches!(what, Missed::NoMatch | Missed::Unanswered) {
                self.run();
            } else {
                self.listen();
            }
        } else {
            self.say_pattern(pattern, &[]);
            self.run();
        }
    }

    fn exhausted(&mut self, flow: &'a Flow, step: &'a Step, ladder: &'a Ladder) {
        let name = self.step_name();
        self.note("step", name.clone(), "ran", "the ladder is used up");
        self.clear_rungs(step);
        if ladder.exhausted.is_empty() {
            self.hand_off_step(Request {
                reason: "repeated_misunderstanding".to_owned(),
                trigger: name.clone(),
                detail: format!("no usable answer at {name}"),
                ..Request::default()
            });
            return;
        }
        self.enter(flow, Branch::Exhausted);
        self.run();
    }

    /// A value failed the check of the slot being asked.
    pub(super) fn failed_check(&mut self, flow: &'a Flow, step: &'a Step, say: Option<&str>) {
        let Some(response) = say else {
            self.missed(Missed::NoMatch);
            return;
        };
        if self.count_check(step) > CHECKS {
            self.exhausted_here(flow, step);
            return;
        }
        self.say(response);
        self.listen();
    }

    /// Counts an answer that is one and still can't be taken.
    pub(super) fn count_check(&mut self, step: &Step) -> u32 {
        let mut rungs = self.rungs(step);
        rungs.checks += 1;
        let count = rungs.checks;
        self.set_rungs(step, rungs);
        count
    }

    /// Gives the open question up.
    pub(super) fn exhausted_here(&mut self, flow: &'a Flow, step: &'a Step) {
        if let Some(ladder) = ladder(step) {
            self.exhausted(flow, step, ladder);
        }
    }

    fn missed_outside(&mut self, what: Missed) {
        match what {
            Missed::NoMatch | Missed::Unanswered => {
                if self.count_miss() {
                    return;
                }
                self.say_pattern_with(Pattern::NoMatch, &[], self.person_button());
                self.state.wait = Wait::Customer;
                self.listen();
            }
            Missed::NoInput => {
                self.state.counters.no_input_running += 1;
                if self.state.counters.no_input_running >= SILENCES {
                    self.goodbye("silence");
                    return;
                }
                let done = self.state.just_done && self.state.counters.no_input_running == 1;
                let pattern = if done {
                    Pattern::AnythingElse
                } else {
                    Pattern::NoInput
                };
                self.say_pattern(pattern, &[]);
                self.listen();
            }
        }
    }

    /// Ends the conversation.
    pub(super) fn goodbye(&mut self, reason: &str) {
        self.say_pattern(Pattern::Goodbye, &[]);
        self.drop_frames("abandoned");
        self.state.owner = Owner::Closed;
        self.state.wait = Wait::Customer;
        self.effects.push(Effect::Close {
            reason: reason.to_owned(),
        });
    }
}
