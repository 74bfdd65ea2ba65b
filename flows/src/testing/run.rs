//! Drives the engine through one test.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::expect::{Seen, judge};
use super::{Failure, TestResult, World, start};
use crate::bundle::{Bundle, Id, Test, TestInput, TestTurn};
use crate::engine::effect::{ActionCall, Effect, HandoffRequest, Message};
use crate::engine::event::{Event, EventKind, Input, Outcome};
use crate::engine::state::{Filled, State};
use crate::engine::{Step, begin_at, open_question, step};
use crate::span::Span;
use crate::value::{Type, Value};

/// Events that one turn may take: calls, searches and handoffs that answer each other.
const EVENTS: usize = 200;

/// Runs one test.
pub fn run(bundle: &Bundle, test: &Test, world: &mut dyn World) -> TestResult {
    let mut runner = Runner {
        bundle,
        test,
        world,
        state: State::default(),
        now: start(),
        calls: BTreeMap::new(),
        seen: Seen::default(),
        result: TestResult {
            name: test.name.clone(),
            failures: Vec::new(),
            transcript: Vec::new(),
            covered: Vec::new(),
        },
        covered: BTreeSet::new(),
    };
    runner.open();
    for turn in &test.turns {
        runner.turn(turn);
    }
    runner.result.covered = runner.covered.into_iter().collect();
    runner.result
}

struct Runner<'a> {
    bundle: &'a Bundle,
    test: &'a Test,
    world: &'a mut dyn World,
    state: State,
    now: Timestamp,
    /// Calls so far by action, for a list of answers.
    calls: BTreeMap<Id, usize>,
    /// What the current turn has shown.
    seen: Seen,
    result: TestResult,
    covered: BTreeSet<String>,
}

impl Runner<'_> {
    /// Opens the conversation and puts what is given in place. What is said here counts for the
    /// first turn.
    fn open(&mut self) {
        let opened = EventKind::Opened {
            channel: self
                .test
                .channel
                .clone()
                .unwrap_or_else(|| "web".to_owned()),
            language: self.test.language.clone(),
            customer: self.test.customer.clone(),
        };
        self.drive(opened, self.test.span);
        let locals = self.given();
        if let Some(flow) = &self.test.given.flow {
            let begun = begin_at(
                self.bundle,
                &mut self.state,
                flow,
                self.test.given.step.as_deref(),
                locals,
            );
            let events = self.take(begun, self.test.span);
            self.drain(events, self.test.span);
        }
    }

    /// Fills the slots that are given; what is no slot is a local of the flow to begin in.
    fn given(&mut self) -> BTreeMap<String, Value> {
        let mut locals = BTreeMap::new();
        for (name, json) in &self.test.given.slots {
            let Some(slot) = self.bundle.slots.get(name) else {
                if self.test.given.flow.is_none() {
                    let message = format!("given: there is no slot `{name}`");
                    self.fail(self.test.span, message);
                }
                locals.insert(
                    name.clone(),
                    Value::from_json(json, &Type::Any).unwrap_or_default(),
                );
                continue;
            };
            let Some(value) = Value::from_json(json, &slot.ty) else {
                let message = format!(
                    "given: {json} is no {} for the slot `{name}`",
                    slot.ty.name()
                );
                self.fail(self.test.span, message);
                continue;
            };
            let filled = Filled {
                value,
                source: "user".to_owned(),
                confidence: 1.0,
                turn: 0,
                verified: None,
            };
            self.state.slots.insert(name.clone(), filled);
        }
        locals
    }

    fn turn(&mut self, turn: &TestTurn) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(1))
            .unwrap_or(self.now);
        let kind = self.event(&turn.input);
        self.drive(kind, turn.span);
        self.seen.finish(&self.state);
        for message in judge(self.bundle, &self.seen, &self.state, &turn.expect) {
            self.fail(turn.span, message);
        }
        self.seen = Seen::default();
    }

    /// The event of what the customer or the person does.
    fn event(&mut self, input: &TestInput) -> EventKind {
        let (line, kind) = match input {
            TestInput::User(text) => {
                let open = open_question(self.bundle, &self.state);
                let reading = self.world.read(text, &self.state.language, open);
                let input = Input {
                    text: text.clone(),
                    ..Input::default()
                };
                let reading = Some(reading);
                (
                    format!("customer: {text}"),
                    EventKind::Heard { input, reading },
                )
            }
            TestInput::Press(payload) => {
                let input = Input {
                    payload: Some(payload.clone()),
                    ..Input::default()
                };
                let reading = None;
                (
                    format!("customer presses {payload}"),
                    EventKind::Heard { input, reading },
                )
            }
            TestInput::Keys(keys) => {
                let input = Input {
                    keys: Some(keys.clone()),
                    ..Input::default()
                };
                let reading = None;
                (
                    format!("customer keys {keys}"),
                    EventKind::Heard { input, reading },
                )
            }
            TestInput::Silence => ("customer is silent".to_owned(), EventKind::Silence),
            TestInput::AgentJoins(name) => {
                let agent = name.clone();
                (format!("{name} joins"), EventKind::AgentJoined { agent })
            }
            TestInput::AgentReturns(flow) => {
                let to = flow.as_deref().unwrap_or("no flow");
                let flow = flow.clone();
                (
                    format!("the agent hands back to {to}"),
                    EventKind::Returned { flow },
                )
            }
            TestInput::AgentCloses => ("the agent closes".to_owned(), EventKind::WrappedUp),
        };
        self.result.transcript.push(line);
        kind
    }

    /// Runs an event and everything that it asks of the world.
    fn drive(&mut self, kind: EventKind, span: Span) {
        self.drain(VecDeque::from([kind]), span);
    }

    fn drain(&mut self, mut events: VecDeque<EventKind>, span: Span) {
        for _ in 0..EVENTS {
            let Some(kind) = events.pop_front() else {
                return;
            };
            let event = Event { at: self.now, kind };
            let done = step(self.bundle, &mut self.state, &event);
            events.extend(self.take(done, span));
        }
        let message = format!("the turn did not come to rest within {EVENTS} events");
        self.fail(span, message);
    }

    /// Notes what a step shows and answers what it asks for.
    fn take(&mut self, done: Step, span: Span) -> VecDeque<EventKind> {
        for entry in &done.trace.entries {
            if entry.kind == "step" && matches!(entry.verdict.as_str(), "ran" | "waited") {
                self.covered.insert(entry.what.clone());
            }
        }
        let mut events = VecDeque::new();
        for effect in &done.effects {
            self.narrate(effect);
            match effect {
                Effect::Call(call) => {
                    let key = call.key.clone();
                    let outcome = self.answer(call, span);
                    events.push_back(EventKind::ActionDone { key, outcome });
                }
                Effect::Search {
                    key,
                    query,
                    language,
                    article,
                } => {
                    let passages = self.world.search(query, language, article.as_deref());
                    let key = key.clone();
                    events.push_back(EventKind::Found { key, passages });
                }
                Effect::Handoff(HandoffRequest { queue, .. }) => {
                    events.push_back(EventKind::Queued {
                        queue: queue.clone(),
                        position: 1,
                        wait_s: None,
                    })
                }
                _ => {}
            }
        }
        self.seen.add(done, &self.state);
        events
    }

    /// Writes an effect into the transcript.
    fn narrate(&mut self, effect: &Effect) {
        let line = match effect {
            Effect::Say(Message {
                name,
                text,
                buttons,
                source,
                ..
            }) => {
                let mut line = format!("bot: {text}");
                for button in buttons {
                    line.push_str(" [");
                    line.push_str(&button.title);
                    line.push(']');
                }
                line.push_str("  (");
                line.push_str(name);
                if let Some(source) = source {
                    line.push_str(", from ");
                    line.push_str(&source.article);
                }
                line.push(')');
                line
            }
            Effect::Call(call) => format!("  calls {}", call.action),
            Effect::Handoff(request) => {
                let HandoffRequest {
                    queue,
                    reason,
                    trigger,
                    ..
                } = request;
                format!("  handoff to {queue}: {reason} ({trigger})")
            }
            Effect::FlowEnded { flow, outcome } => format!("  {flow} ended: {outcome}"),
            Effect::Close { reason } => format!("  closed: {reason}"),
            Effect::CancelHandoff => "  handoff taken back".to_owned(),
            Effect::Rated { score } => format!("  rated {score}"),
            Effect::Search { .. } | Effect::Listen(_) => return,
        };
        self.result.transcript.push(line);
    }

    /// An action's answer: what the test gives (a list: one call after the other), else the stub.
    fn answer(&mut self, call: &ActionCall, span: Span) -> Outcome {
        let count = self.calls.entry(call.action.clone()).or_default();
        let nth = *count;
        *count += 1;
        let given = self.test.given.actions.get(&call.action);
        let given = match given {
            Some(Json::Array(answers)) => answers.get(nth).or(answers.last()),
            other => other,
        };
        if let Some(json) = given {
            return outcome(json);
        }
        let action = self.bundle.actions.get(&call.action);
        if let Some(stub) = action.and_then(|a| a.stub.as_ref()) {
            return Outcome::Answered {
                body: stub.to_json(),
            };
        }
        let message = format!(
            "the action `{}` has no `stub`, and the test gives it no answer",
            call.action
        );
        self.fail(span, message.clone());
        Outcome::Failed { detail: message }
    }

    fn fail(&mut self, span: Span, message: String) {
        self.result.transcript.push(format!("  FAILED {message}"));
        self.result.failures.push(Failure { span, message });
    }
}

/// What a test's answer of an action means.
fn outcome(json: &Json) -> Outcome {
    let error = json
        .as_object()
        .filter(|o| o.len() == 1)
        .and_then(|o| o.get("error")?.as_str());
    match error {
        Some("timeout") => Outcome::TimedOut,
        Some("status") => Outcome::Status {
            status: 500,
            body: None,
        },
        // Whatever an action returns, it returns fields.
        Some("shape") => Outcome::Answered {
            body: json!("not what `returns` declares"),
        },
        Some("needs_human") => Outcome::Status {
            status: 422,
            body: Some(json.clone()),
        },
        _ => Outcome::Answered { body: json.clone() },
    }
}
