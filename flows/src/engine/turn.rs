//! One event at work: the context that every part of the engine shares.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::acts::Acts;
use super::effect::Effect;
use super::event::{Act, Event, EventKind, Found, Reading};
use super::frame::{Frame, Ran};
use super::state::{Attempt, Filled, Owner, State, Wait};
use super::{Step, Trace, TraceEntry};
use crate::bundle::{Bundle, Flow, Keep, TriggerKind};
use crate::value::Value;

/// Messages held back while an action is running, at most.
const HELD: usize = 5;
/// Attempts remembered for the envelope, at most.
const ATTEMPTS: usize = 200;
/// Steps remembered in a frame's log, at most: a loop must not grow the state without end.
const LOG: usize = 400;

/// What a customer's message gives to the flows it starts.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The text.
    pub(super) text: String,
    /// What was found in it.
    pub(super) entities: Vec<Found>,
}

/// The event with probabilities of six decimals. More would not survive being written down and read
/// again digit for digit, and a replayed conversation could then part from the one that was had.
fn tidied(event: &Event) -> Event {
    let mut event = event.clone();
    if let EventKind::Heard { input, reading } = &mut event.kind {
        if let Some(heard) = &mut input.speech_confidence {
            *heard = tidy(*heard);
        }
        if let Some(reading) = reading {
            reading.none = tidy(reading.none);
            reading.negative = tidy(reading.negative);
            for (_, p) in &mut reading.intents {
                *p = tidy(*p);
            }
            for part in &mut reading.requests {
                part.probability = tidy(part.probability);
            }
            for clause in &mut reading.clauses {
                for (_, p) in &mut clause.acts {
                    *p = tidy(*p);
                }
                if let Some((_, p)) = &mut clause.intent {
                    *p = tidy(*p);
                }
            }
            for found in &mut reading.entities {
                found.confidence = tidy(found.confidence);
            }
        }
    }
    event
}

/// What a message that asks for something is about: it is no small talk, and what small talk had of it goes to the rest.
fn leave_out_small_talk(bundle: &Bundle, reading: &mut Reading) {
    if !Acts::of(Some(reading)).says(Act::Request) {
        return;
    }
    // What is never automated counts whatever its flow is called.
    let guarded = |intent: &str| {
        let mut triggers = bundle.policy.triggers.iter();
        triggers.any(|trigger| match &trigger.when {
            TriggerKind::NeverAutomate { intents, .. } | TriggerKind::Asked(intents) => {
                intents.iter().any(|own| own == intent)
            }
            _ => false,
        })
    };
    let is_small_talk = |intent: &str| {
        let mut flows = bundle.flows.values();
        !guarded(intent)
            && flows.any(|flow| flow.small_talk && flow.start.as_deref() == Some(intent))
    };
    let (small, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut reading.intents)
        .into_iter()
        .partition(|(intent, _)| is_small_talk(intent));
    let left = 1.0 - small.iter().map(|(_, p)| p).sum::<f64>();
    reading.intents = rest;
    if left <= f64::EPSILON {
        return;
    }
    reading.none = tidy(reading.none / left);
    for (_, p) in &mut reading.intents {
        *p = tidy(*p / left);
    }
    reading.requests.retain(|part| !is_small_talk(&part.intent));
}

fn tidy(p: f64) -> f64 {
    if p.is_finite() {
        (p.clamp(0.0, 1.0) * 1e6).round() / 1e6
    } else {
        0.0
    }
}

/// What the loop does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Runs on.
    Go,
    /// Waits for the world or the customer.
    Stop,
}

/// One event at work.
pub(super) struct Turn<'a> {
    /// The bot.
    pub(super) bundle: &'a Bundle,
    /// The conversation.
    pub(super) state: &'a mut State,
    /// The event's time.
    pub(super) now: Timestamp,
    /// What the world must do.
    pub(super) effects: Vec<Effect>,
    /// Why.
    pub(super) trace: Vec<TraceEntry>,
    /// The values in the message at work.
    pub(super) said_now: Vec<Found>,
    /// The flow whose action has just had an effect: what is said next is what is told of it.
    pub(super) acted: Option<String>,
    /// The language before this turn, where the customer's was followed.
    pub(super) followed: Option<String>,
    /// The step before this one in the same run was a `say` of the same flow.
    pub(super) just_said: bool,
}

impl<'a> Turn<'a> {
    /// Begins.
    pub(super) fn new(bundle: &'a Bundle, state: &'a mut State, now: Timestamp) -> Self {
        state.now = Some(now);
        Self {
            bundle,
            state,
            now,
            effects: Vec::new(),
            trace: Vec::new(),
            said_now: Vec::new(),
            acted: None,
            followed: None,
            just_said: false,
        }
    }

    /// Runs one event, then the messages that were held back while it was awaited.
    pub(super) fn event(mut self, event: &Event) -> Step {
        // A broken conversation has a person by now; what the customer said is in the transcript.
        if !self.carry_over() {
            return self.finish();
        }
        let mut event = tidied(event);
        if let EventKind::Heard {
            reading: Some(reading),
            ..
        } = &mut event.kind
        {
            leave_out_small_talk(self.bundle, reading);
        }
        self.dispatch(&event);
        for _ in 0..HELD {
            if self.running() || self.state.held.is_empty() {
                break;
            }
            let held = self.state.held.remove(0);
            self.dispatch(&held);
        }
        self.finish()
    }

    /// Gives back what happened.
    pub(super) fn finish(mut self) -> Step {
        self.mark_frames();
        self.state.last_said_before.clear();
        Step {
            effects: self.effects,
            trace: Trace {
                entries: self.trace,
            },
        }
    }

    /// True while an action or a search is under way.
    pub(super) fn running(&self) -> bool {
        matches!(
            self.state.wait,
            Wait::Action { .. } | Wait::Search { .. } | Wait::Undoing { .. }
        )
    }

    fn dispatch(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Opened {
                channel,
                language,
                customer,
            } => self.opened(channel, language.as_deref(), customer),
            EventKind::Heard { input, reading } => {
                if self.running() && self.state.owner == Owner::Bot {
                    self.hold(event);
                } else {
                    self.heard(input, reading.as_ref());
                }
            }
            EventKind::Silence => self.silence(),
            EventKind::ActionDone { key, outcome } => self.action_done(key, outcome),
            EventKind::Found { key, passages } => self.found(key, passages),
            EventKind::Queued {
                queue,
                position,
                wait_s,
            } => self.queued(queue, *position, *wait_s),
            EventKind::PositionChanged { position, wait_s } => {
                self.position_changed(*position, *wait_s);
            }
            EventKind::AgentJoined { agent } => self.agent_joined(agent),
            EventKind::Returned { flow } => self.returned(flow.as_deref()),
            EventKind::WrappedUp => self.wrapped_up(),
            EventKind::Closed { reason } => self.closed(reason),
        }
    }

    /// Keeps a message for later; the oldest goes when there are too many.
    fn hold(&mut self, event: &Event) {
        if self.state.held.len() >= HELD {
            self.state.held.remove(0);
        }
        self.state.held.push(event.clone());
        self.note("reading", "message", "held", "an action is running");
    }

    /// Writes a line of the trace.
    pub(super) fn note(
        &mut self,
        kind: &str,
        what: impl Into<String>,
        verdict: &str,
        why: impl Into<String>,
    ) {
        self.trace.push(TraceEntry {
            kind: kind.to_owned(),
            what: what.into(),
            verdict: verdict.to_owned(),
            why: why.into(),
        });
    }

    /// The frame in front.
    pub(super) fn top(&self) -> Option<&Frame> {
        self.state.frames.last()
    }

    /// The frame in front.
    pub(super) fn top_mut(&mut self) -> Option<&mut Frame> {
        self.state.frames.last_mut()
    }

    /// The frame that owns the slots in front.
    pub(super) fn base(&self) -> Option<&Frame> {
        self.state.base().and_then(|at| self.state.frames.get(at))
    }

    /// The frame that owns the slots in front.
    pub(super) fn base_mut(&mut self) -> Option<&mut Frame> {
        let at = self.state.base()?;
        self.state.frames.get_mut(at)
    }

    /// The flow of the frame in front.
    pub(super) fn top_flow(&self) -> Option<&'a Flow> {
        let bundle: &'a Bundle = self.bundle;
        self.top().and_then(|frame| bundle.flows.get(&frame.flow))
    }

    /// Puts a value into a slot, where the slot's life says; null clears it.
    pub(super) fn put(&mut self, slot: &str, value: Value, source: &str, confidence: f64) {
        let own = self
            .bundle
            .slots
            .get(slot)
            .is_none_or(|slot| slot.keep == Keep::Flow);
        if value.is_null() {
            if let Some(base) = self.base_mut() {
                base.slots.remove(slot);
            }
            self.state.slots.remove(slot);
            self.note("slot", slot, "cleared", source);
            return;
        }
        let filled = Filled {
            value,
            source: source.to_owned(),
            confidence,
            turn: self.state.turn,
            verified: None,
        };
        match self.base_mut() {
            Some(base) if own => {
                base.slots.insert(slot.to_owned(), filled);
            }
            _ => {
                self.state.slots.insert(slot.to_owned(), filled);
            }
        }
        self.note("slot", slot, "set", source);
    }

    /// Writes to the log of the frame that owns the slots.
    pub(super) fn log(&mut self, ran: Ran) {
        if let Some(base) = self.base_mut() {
            if base.log.len() >= LOG {
                base.log.remove(0);
            }
            base.log.push(ran);
        }
    }

    /// Remembers something that was tried.
    pub(super) fn attempt(&mut self, kind: &str, reference: &str, outcome: &str) {
        if self.state.attempts.len() >= ATTEMPTS {
            self.state.attempts.remove(0);
        }
        self.state.attempts.push(Attempt {
            turn: self.state.turn,
            kind: kind.to_owned(),
            reference: reference.to_owned(),
            outcome: outcome.to_owned(),
            at: self.now,
        });
    }

    /// The text of a title in the conversation's language, else the bot's, else any, else `id`.
    pub(super) fn title(&self, titles: &BTreeMap<String, String>, id: &str) -> String {
        let default = self.bundle.languages.first();
        titles
            .get(&self.state.language)
            .or_else(|| default.and_then(|language| titles.get(language)))
            .or_else(|| titles.values().next())
            .cloned()
            .unwrap_or_else(|| id.rsplit('.').next().unwrap_or(id).replace('_', " "))
    }

    /// What a flow is called: its own title, else its intent's.
    pub(super) fn flow_title(&self, id: &str) -> String {
        let Some(flow) = self.bundle.flows.get(id) else {
            return id.to_owned();
        };
        if flow.title.is_empty()
            && let Some(intent) = flow
                .start
                .as_ref()
                .and_then(|id| self.bundle.intents.get(id))
        {
            return self.title(&intent.title, id);
        }
        self.title(&flow.title, id)
    }

    /// What a slot is called.
    pub(super) fn slot_title(&self, id: &str) -> String {
        let none = BTreeMap::new();
        let titles = self.bundle.slots.get(id).map_or(&none, |slot| &slot.title);
        self.title(titles, id)
    }
}
