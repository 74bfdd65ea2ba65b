//! A person takes over: the request, the wait in the queue, the person's stretch, and what follows it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::collected::{self, Wanted, with_wish};
use super::effect::{Effect, Evidence, HandoffRequest, Message};
use super::event::{Input, Reading};
use super::state::{Counters, Owner, Queued, Wait};
use super::turn::{Next, Said, Turn};
use crate::bundle::{Pattern, Queue};
use crate::value::Value;

/// How often a rating is asked for.
const RATING_TRIES: u32 = 2;

/// What a handoff is asked for with.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    /// The queue; the policy's default where none is given.
    pub(super) queue: Option<String>,
    /// 0 is most urgent; the queue's where none is given.
    pub(super) priority: Option<u8>,
    /// Reason code of the envelope.
    pub(super) reason: String,
    /// Name of the trigger, or `flow:step`.
    pub(super) trigger: String,
    /// One sentence for the agent.
    pub(super) detail: String,
    /// Said in place of the pattern `handoff`.
    pub(super) say: Option<String>,
    /// Something was said already.
    pub(super) quiet: bool,
    /// What made it fire.
    pub(super) evidence: Vec<Evidence>,
    /// A correction that could not be made.
    pub(super) wanted: Option<Wanted>,
}

impl Turn<'_> {
    /// Moves the conversation to a queue. Live flows stay until a person joins, so that "never mind"
    /// finds them where they were.
    pub(super) fn hand_off(&mut self, request: Request) {
        self.request_person(request, None);
    }

    /// Moves the conversation to a queue and ends every flow.
    pub(super) fn hand_off_step(&mut self, request: Request) -> Next {
        self.request_person(request, Some("handoff"));
        Next::Stop
    }

    /// Moves the conversation to a queue because no flow can go on.
    pub(super) fn hand_off_broken(&mut self, request: Request) {
        self.request_person(request, Some("error"));
    }

    /// `outcome` is that of every live flow, where they end over it. What they collected is taken before.
    fn request_person(&mut self, request: Request, outcome: Option<&str>) {
        let flow = self.state.flow().cloned();
        let intent = self.best_intent(&request.reason);
        let collected = match &request.wanted {
            None => collected::collected(self.bundle, self.state),
            wanted => with_wish(self.bundle, self.state, wanted.as_ref()),
        };
        let waiting = self.state.pending.iter();
        let pending = waiting.map(|request| request.topic.clone()).collect();
        let policy = &self.bundle.policy;
        let queue = request
            .queue
            .unwrap_or_else(|| policy.default_queue.clone());
        let own = self.bundle.queues.get(&queue).map_or(5, |q| q.priority);
        if let Some(response) = &request.say {
            self.say(response);
        } else if !request.quiet {
            let title = self.queue_title(&queue);
            self.say_pattern(Pattern::Handoff, &[("queue", Value::Text(title))]);
        }
        if let Some(outcome) = outcome {
            self.drop_frames(outcome);
        }
        self.state.owner = Owner::Queue;
        self.state.wait = Wait::Customer;
        self.state.steps_run = 0;
        self.state.queued = Some(Queued {
            queue: queue.clone(),
            position: 0,
            wait_s: None,
            trigger: request.trigger.clone(),
            reason: request.reason.clone(),
            heard: 0,
        });
        self.effects.push(Effect::Handoff(HandoffRequest {
            queue,
            priority: request.priority.unwrap_or(own),
            reason: request.reason,
            trigger: request.trigger,
            detail: request.detail,
            evidence: request.evidence,
            intent,
            flow,
            collected,
            pending,
        }));
    }

    /// What it is about: what is being served. Where nothing is, or the message itself needs a person, what it seems
    /// to ask for.
    fn best_intent(&self, reason: &str) -> String {
        let guess = self.state.last_intents.first().map(|(id, _)| id.clone());
        let front = self.state.flow().and_then(|id| self.bundle.flows.get(id));
        let served = front
            .and_then(|flow| flow.start.clone())
            .or_else(|| self.state.intent.clone());
        let (first, then) = if self.state.frames.is_empty() || reason == "never_automate" {
            (guess, served)
        } else {
            (served, guess)
        };
        first.or(then).unwrap_or_else(|| "unknown".to_owned())
    }

    pub(super) fn queue_title(&self, queue: &str) -> String {
        let none = BTreeMap::new();
        let titles = self
            .bundle
            .queues
            .get(queue)
            .map_or(&none, |q: &Queue| &q.title);
        self.title(titles, queue)
    }

    pub(super) fn say_position(&mut self, pattern: Pattern) {
        let Some(queued) = self.state.queued.clone() else {
            return;
        };
        let minutes = queued.wait_s.map_or(0, |seconds| seconds.div_ceil(60));
        let title = self.queue_title(&queued.queue);
        self.say_pattern(
            pattern,
            &[
                ("queue", Value::Text(title)),
                ("position", Value::Number(Decimal::from(queued.position))),
                ("minutes", Value::Number(Decimal::from(minutes))),
            ],
        );
    }

    /// The handoff is in its queue.
    pub(super) fn queued(&mut self, queue: &str, position: u32, wait_s: Option<u64>) {
        match self.state.owner {
            Owner::Queue => {}
            // The person moved the customer to another queue.
            Owner::Agent => self.state.owner = Owner::Queue,
            Owner::Bot | Owner::Closed => {
                self.note("error", "queued", "ignored", "no person is awaited");
                return;
            }
        }
        let mut queued = self.state.queued.take().unwrap_or_default();
        queue.clone_into(&mut queued.queue);
        queued.position = position;
        queued.wait_s = wait_s;
        self.state.queued = Some(queued);
        self.state.last_said.clear();
        self.say_position(Pattern::QueuePosition);
        self.listen();
    }

    /// The place in the queue changed.
    pub(super) fn position_changed(&mut self, position: u32, wait_s: Option<u64>) {
        let owner = self.state.owner;
        let Some(queued) = self.state.queued.as_mut().filter(|_| owner == Owner::Queue) else {
            self.note(
                "error",
                "position_changed",
                "ignored",
                "no person is awaited",
            );
            return;
        };
        let nearer = queued.position == 0 || position < queued.position;
        queued.position = position;
        queued.wait_s = wait_s;
        if nearer {
            self.state.last_said.clear();
            self.say_position(Pattern::QueuePosition);
            self.listen();
        }
    }

    /// A person took the conversation.
    pub(super) fn agent_joined(&mut self, agent: &str) {
        let front = self.state.base().unwrap_or(self.state.frames.len());
        self.state.left_open = self.state.frames.get(front..).unwrap_or_default().to_vec();
        self.drop_frames("handoff");
        self.state.owner = Owner::Agent;
        self.state.wait = Wait::Customer;
        self.state.agent = Some(agent.to_owned());
        self.state.held.clear();
        self.state.last_said.clear();
        self.say_pattern(
            Pattern::AgentJoined,
            &[("agent", Value::Text(agent.to_owned()))],
        );
    }

    /// The bot has the conversation again: what led to the handoff is settled.
    fn back_to_bot(&mut self) {
        self.state.owner = Owner::Bot;
        self.state.wait = Wait::Customer;
        self.state.queued = None;
        self.state.counters = Counters::default();
        self.state.moods.clear();
        self.state.last_said.clear();
        self.drop_frames("handoff");
    }

    /// The person handed the conversation back.
    pub(super) fn returned(&mut self, flow: Option<&str>) {
        self.back_to_bot();
        self.say_pattern(Pattern::Returned, &[]);
        let left_open = std::mem::take(&mut self.state.left_open);
        if let Some(flow) = flow
            && !self.start_flow(flow, &Said::default())
        {
            self.note("error", flow, "ignored", "there is no such flow");
        }
        // What was going on may be done by now: it is offered, with all that it had.
        let known = left_open.first();
        if flow.is_none() && known.is_some_and(|frame| frame.bundle == self.bundle.hash) {
            self.note("frame", "left_open", "offered", "a person came in between");
            self.state.frames = left_open;
            self.offer_resume();
            return;
        }
        self.run();
    }

    /// The person finished.
    pub(super) fn wrapped_up(&mut self) {
        let agent = self.state.agent.clone().unwrap_or_default();
        self.state.left_open.clear();
        self.back_to_bot();
        self.say_pattern(Pattern::AgentLeft, &[("agent", Value::Text(agent))]);
        self.ask_rating(1);
    }

    fn ask_rating(&mut self, asked: u32) {
        self.say_pattern(Pattern::Csat, &[]);
        self.state.wait = Wait::Rating { asked };
        self.listen();
    }

    /// A message while a rating is asked for; true where it was read as one.
    pub(super) fn heard_rating(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let Wait::Rating { asked } = self.state.wait else {
            return false;
        };
        if let Some(score) = rating(input, reading) {
            self.note("reading", format!("rating {score}"), "taken", "");
            self.state.wait = Wait::Customer;
            self.effects.push(Effect::Rated { score });
            self.say_pattern(Pattern::CsatThanks, &[]);
            self.state.owner = Owner::Closed;
            self.effects.push(Effect::Close {
                reason: "wrapped_up".to_owned(),
            });
            return true;
        }
        self.note("reading", "rating", "rejected", "no number from 1 to 5");
        if self.clear_topic(reading).is_some() || input.payload.is_some() {
            self.state.wait = Wait::Customer;
            return false;
        }
        if asked >= RATING_TRIES {
            self.goodbye("wrapped_up");
        } else {
            self.ask_rating(asked + 1);
        }
        true
    }

    /// The conversation is over.
    pub(super) fn closed(&mut self, reason: &str) {
        self.note("reading", "closed", "taken", reason);
        self.drop_frames("abandoned");
        self.state.owner = Owner::Closed;
        self.state.wait = Wait::Customer;
        self.state.held.clear();
    }

    /// Says the last turn's words again.
    pub(super) fn repeat(&mut self) {
        let said: Vec<Message> = self.state.last_said.clone();
        if said.is_empty() {
            self.say_pattern(Pattern::AnythingElse, &[]);
        }
        self.effects.extend(said.into_iter().map(Effect::Say));
        self.listen();
    }
}

fn rating(input: &Input, reading: Option<&Reading>) -> Option<u8> {
    let exact = [
        input.payload.as_deref(),
        input.keys.as_deref(),
        Some(&input.text),
    ];
    let typed = exact
        .into_iter()
        .flatten()
        .find_map(|text| text.trim().parse().ok());
    let found = || {
        let entities = &reading?.entities;
        let number = entities.iter().find(|found| found.entity == "number")?;
        number.value.as_str()?.parse().ok()
    };
    typed.or_else(found).filter(|score| (1..=5).contains(score))
}
