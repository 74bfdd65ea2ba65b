//! The engine's loop: feeds it, does what it asks for, feeds it what came of that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Transaction;

use bellhop_flows::bundle::{ActionEffect, Bundle, Pattern, Variant};
use bellhop_flows::engine;
use bellhop_flows::engine::effect::{ActionCall, Effect, HandoffRequest, Listen, Message};
use bellhop_flows::engine::event::{self, Event, EventKind, Outcome, Reading};
use bellhop_flows::engine::state::{Owner, State};

use super::handing;
use super::{CachedState, InFlightTurn, Retry};
use crate::app::Core;
use crate::clock::Stopwatch;
use crate::conversation::{CallTrace, InboundBody, SearchTrace, TurnTrace};
use crate::error::ServiceError;
use crate::handoff::queue::QueuePosition;
use crate::outbox::{ClosedEvent, MessageEvent};
use crate::store::journal::{self, Body, Row, What};
use crate::store::{StoreError, conversations};
use crate::understand::Request;

/// Steps of the engine in one turn beyond the bot's `limits.steps`, which the engine keeps by itself: it ends such a
/// turn with a person, where stopping here would leave a call without its answer.
const STEPS: u32 = 64;

/// A handoff that begins with this turn.
#[derive(Debug, Clone)]
pub(super) struct PendingHandoff {
    /// Its id.
    pub(super) id: String,
    /// What the engine asked for.
    pub(super) request: HandoffRequest,
    /// When.
    pub(super) at: Timestamp,
    /// What the customer is told.
    pub(super) standing: QueuePosition,
}

/// What came of a turn, to be committed.
#[derive(Debug)]
pub(super) struct Done {
    /// The engine's state.
    pub(super) state: State,
    /// What the engine was fed and the journal does not have yet.
    pub(super) fed: Vec<Event>,
    /// How many of the turn's events the journal has already.
    pub(super) in_journal: u64,
    /// Those are not what the engine was fed in the end: they have to go, and `fed` is all there is.
    pub(super) rewrite: bool,
    /// What the customer is to see.
    pub(super) out: Vec<Body>,
    /// The handoff that begins.
    pub(super) opening: Option<PendingHandoff>,
    /// The customer no longer wants a person.
    pub(super) cancelled: bool,
    /// The conversation is over.
    pub(super) closed: bool,
    /// What the bot waits for.
    pub(super) listen: Option<Listen>,
    /// Why all this.
    pub(super) trace: TurnTrace,
    /// Counted once it is committed: ratings, and flows with their outcomes.
    pub(super) counts: Vec<Effect>,
}

/// A turn under way.
pub(super) struct Drive<'a> {
    core: &'a Arc<Core>,
    hot: &'a CachedState,
    row: &'a Row,
    begun: InFlightTurn,
    /// Events fed so far; those below `stored` are in the journal.
    fed: Vec<Event>,
    stored: usize,
    embedding: Arc<[f32]>,
    reason: Option<String>,
    done: Done,
}

impl<'a> Drive<'a> {
    pub(super) fn new(core: &'a Arc<Core>, hot: &'a CachedState, row: &'a Row) -> Self {
        let trace = TurnTrace {
            turn: 0,
            seq: row.seq,
            at: row.at,
            reading: None,
            entries: Vec::new(),
            calls: Vec::new(),
            searches: Vec::new(),
            micros: Default::default(),
            late: false,
        };
        Self {
            core,
            hot,
            row,
            begun: hot.begun.clone(),
            fed: Vec::new(),
            stored: 0,
            embedding: Arc::from([]),
            reason: None,
            done: Done {
                state: hot.state.clone(),
                fed: Vec::new(),
                in_journal: hot.begun.events.len() as u64,
                rewrite: false,
                out: Vec::new(),
                opening: None,
                cancelled: false,
                closed: false,
                listen: None,
                trace,
                counts: Vec::new(),
            },
        }
    }

    /// Runs until the engine waits for nothing but the customer.
    pub(super) async fn run(&mut self) -> Result<(), Retry> {
        let first = self.first().await;
        let mut waiting = VecDeque::from([first]);
        let mut steps: u32 = 0;
        let most = self.core.bundle.limits.steps.saturating_add(STEPS);
        while let Some(event) = waiting.pop_front() {
            steps += 1;
            if steps > most {
                tracing::error!(conversation = %self.row.conversation, "a turn has too many steps");
                self.give_up();
                break;
            }
            let watch = Stopwatch::start();
            let step = engine::step(&self.core.bundle, &mut self.done.state, &event);
            self.done.trace.micros.engine += watch.micros();
            self.fed.push(event);
            self.done.trace.entries.extend(step.trace.entries);
            for effect in step.effects {
                if let Some(kind) = self.carry_out(effect).await? {
                    waiting.push_back(kind);
                }
            }
        }
        Ok(())
    }

    /// Throws away what a turn that panicked had come to: its input is not fed to the engine again.
    pub(super) fn give_up(&mut self) {
        let said = apology(&self.core.bundle, &self.hot.state.language);
        self.begun.events.clear();
        self.fed.clear();
        self.done.rewrite = true;
        self.done.state = self.hot.state.clone();
        self.done.opening = None;
        self.done.cancelled = false;
        self.done.closed = false;
        self.done.counts.clear();
        self.done.listen = self.hot.listen.clone();
        self.done.out = match self.hot.state.owner {
            Owner::Bot | Owner::Queue => said.into_iter().map(|it| self.message(it)).collect(),
            Owner::Agent | Owner::Closed => Vec::new(),
        };
        self.done.trace.entries.push(engine::TraceEntry {
            kind: "error".to_owned(),
            what: "turn".to_owned(),
            verdict: "panicked".to_owned(),
            why: "a bug in the program; the log has the place".to_owned(),
        });
    }

    /// What came of it.
    pub(super) fn end(mut self, total: u64) -> Done {
        let state = &self.done.state;
        let over = self.reason.is_some() || state.owner == Owner::Closed;
        if over && self.hot.state.owner != Owner::Closed {
            let reason = self.reason.take().unwrap_or_else(|| "ended".to_owned());
            self.done.out.push(Body::Closed(ClosedEvent {
                seq: 0,
                at: Timestamp::UNIX_EPOCH,
                reason,
            }));
        }
        self.done.closed = over;
        if self.done.listen.is_none() && !over && state.owner == self.hot.state.owner {
            self.done.listen.clone_from(&self.hot.listen);
        }
        if over || state.owner == Owner::Agent {
            self.done.listen = None;
        }
        self.done.trace.turn = state.turn;
        self.done.trace.at = self.core.clock.now();
        self.done.trace.micros.total = total;
        self.done.rewrite |= !self.begun.events.is_empty();
        let from = if self.done.rewrite { 0 } else { self.stored };
        self.done.fed = self.fed.split_off(from);
        self.done
    }

    /// The event that the input is to the engine.
    async fn first(&mut self) -> Event {
        if let Some(event) = self.again(|_| true) {
            if let EventKind::Heard { reading, .. } = &event.kind {
                self.done.trace.reading.clone_from(reading);
            }
            return event;
        }
        let kind = match &self.row.body {
            Body::Input(input) => {
                self.done.trace.micros.accept = input.micros;
                match &input.what {
                    What::Event { event } => {
                        if let EventKind::Closed { reason } = event {
                            self.reason = Some(reason.clone());
                        }
                        event.clone()
                    }
                    What::Customer { body, .. } => self.hear(body).await,
                }
            }
            // Only inputs are ever queued.
            _ => EventKind::Silence,
        };
        Event {
            at: self.row.at,
            kind,
        }
    }

    async fn hear(&mut self, body: &InboundBody) -> EventKind {
        let mut input = event::Input::default();
        let reading = match body {
            InboundBody::Silence => return EventKind::Silence,
            InboundBody::Payload { payload } => {
                input.payload = Some(payload.clone());
                None
            }
            InboundBody::Keys { keys } => {
                input.keys = Some(keys.clone());
                None
            }
            InboundBody::Text { text } => {
                input.text.clone_from(text);
                self.read(text).await
            }
            InboundBody::Speech { text, confidence } => {
                if text.trim().is_empty() {
                    return EventKind::Silence;
                }
                input.text.clone_from(text);
                input.speech_confidence = *confidence;
                self.read(text).await
            }
        };
        self.done.trace.reading.clone_from(&reading);
        EventKind::Heard { input, reading }
    }

    /// Reads a text; while a person owns the conversation nobody needs the reading.
    async fn read(&mut self, text: &str) -> Option<Reading> {
        let state = &self.done.state;
        if matches!(state.owner, Owner::Agent | Owner::Closed) {
            return None;
        }
        let language = match (state.language.as_str(), self.core.bundle.languages.first()) {
            ("", Some(first)) => first.clone(),
            (language, _) => language.to_owned(),
        };
        let open = engine::open_question(&self.core.bundle, state);
        let watch = Stopwatch::start();
        let understood = self
            .core
            .reader
            .read(Request {
                text: text.to_owned(),
                language: language.clone(),
                now: self.row.at,
                open,
            })
            .await;
        self.done.trace.micros.nlu += watch.micros();
        Some(match understood {
            Some(understood) => {
                self.embedding = understood.embedding;
                understood.reading
            }
            None => Reading {
                language,
                none: 1.0,
                degraded: true,
                ..Reading::default()
            },
        })
    }

    /// The next event of a turn that had begun before the program died, if it fits.
    fn again(&mut self, fits: impl FnOnce(&EventKind) -> bool) -> Option<Event> {
        let event = self.begun.events.pop_front()?;
        if fits(&event.kind) {
            self.stored += 1;
            return Some(event);
        }
        // Another version of the bot asks for something else: what was begun does not go on.
        self.begun.events.clear();
        self.done.rewrite = true;
        None
    }

    fn now(&self, kind: EventKind) -> Event {
        Event {
            at: self.core.clock.now(),
            kind,
        }
    }

    fn message(&self, message: Message) -> Body {
        let spoken = self.done.state.channel == "voice";
        Body::Message(Box::new(MessageEvent::of_bot(message, spoken)))
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<Option<Event>, Retry> {
        match effect {
            Effect::Say(message) => {
                let said = self.message(message);
                self.done.out.push(said);
            }
            Effect::Call(call) => return Ok(Some(self.call(call).await?)),
            Effect::Search {
                key,
                query,
                language,
                article,
            } => return Ok(Some(self.search(key, query, language, article).await)),
            Effect::Handoff(request) => return Ok(Some(self.hand_over(request).await)),
            // One that begins with this very turn is in no queue yet.
            Effect::CancelHandoff => self.done.cancelled = self.done.opening.take().is_none(),
            counted @ (Effect::Rated { .. } | Effect::FlowEnded { .. }) => {
                self.done.counts.push(counted);
            }
            Effect::Listen(listen) => self.done.listen = Some(listen),
            Effect::Close { reason } => self.reason = Some(reason),
        }
        Ok(None)
    }

    async fn call(&mut self, call: ActionCall) -> Result<Event, Retry> {
        let answers = |kind: &EventKind| matches!(kind, EventKind::ActionDone { key, .. } if *key == call.key);
        if let Some(event) = self.again(answers) {
            return Ok(event);
        }
        let watch = Stopwatch::start();
        let allowed = call.effect != ActionEffect::Irreversible || self.may_send(&call).await?;
        let conversation = &self.row.conversation;
        let answered = self.core.answered.of(conversation, &call.key);
        let (outcome, tries) = if let Some(outcome) = answered {
            (outcome, 0)
        } else if allowed {
            let actions = &self.core.actions;
            let (outcome, tries) = actions.call(&call, &self.core.bundle, conversation).await;
            self.core.answered.keep(conversation, &call.key, &outcome);
            (outcome, tries)
        } else {
            let detail = "not sent: the conversation has another owner now".to_owned();
            (Outcome::Failed { detail }, 0)
        };
        let micros = watch.micros();
        self.done.trace.micros.actions += micros;
        let trace = CallTrace {
            action: call.action.clone(),
            key: format!("{}/{}", self.row.conversation, call.key),
            args: arguments(&self.core.bundle, &self.done.state, &call.action),
            result: result(&outcome),
            tries,
            micros,
        };
        self.done.trace.calls.push(trace);
        Ok(self.now(EventKind::ActionDone {
            key: call.key,
            outcome,
        }))
    }

    /// Puts an irreversible call into the journal, with all that led to it; `false` where the owner
    /// changed meanwhile. After a crash the same events lead to the same call under the same key.
    async fn may_send(&mut self, call: &ActionCall) -> Result<bool, Retry> {
        let (id, cause, at) = (
            Arc::clone(&self.row.conversation),
            self.row.seq,
            self.core.clock.now(),
        );
        let rewrite = self.done.rewrite;
        let from = if rewrite { 0 } else { self.stored };
        let mut bodies: Vec<Body> = self.fed[from..]
            .iter()
            .map(|event| Body::Event(event.clone()))
            .collect();
        if !self.begun.calls.contains(&call.key) {
            bodies.push(Body::Call(call.clone()));
        }
        let known = self.expected_epoch();
        let moved = (cause, self.hot.revision, self.done.in_journal);
        let kept = self
            .core
            .store
            .write(move |tx| {
                check_expected_version(tx, &id, moved)?;
                if conversations::version(tx, &id)?.1 != known {
                    return Ok(false);
                }
                if rewrite {
                    journal::forget_events(tx, &id, cause)?;
                }
                journal::append(tx, &id, at, cause, bodies)?;
                Ok(true)
            })
            .await;
        match kept {
            Ok(true) => {
                self.stored = self.fed.len();
                self.done.in_journal = self.fed.len() as u64;
                self.done.rewrite = false;
                self.begun.calls.insert(call.key.clone());
                Ok(true)
            }
            Ok(false) => Ok(false),
            Err(error) => {
                tracing::error!(%error, "a call can't be stored, so it is not sent");
                Err(Retry)
            }
        }
    }

    /// The epoch that this turn belongs to: what came from the desk carries a new one.
    pub(super) fn expected_epoch(&self) -> u64 {
        expected_epoch(self.hot, self.row)
    }

    async fn search(
        &mut self,
        key: String,
        query: String,
        language: String,
        article: Option<String>,
    ) -> Event {
        let answers =
            |kind: &EventKind| matches!(kind, EventKind::Found { key: of, .. } if *of == key);
        if let Some(event) = self.again(answers) {
            return event;
        }
        let watch = Stopwatch::start();
        let (retrieve, embedding) = (Arc::clone(&self.core.retrieve), Arc::clone(&self.embedding));
        let only = article.clone();
        let found = tokio::task::spawn_blocking(move || {
            let embedding = (!embedding.is_empty()).then_some(&*embedding);
            retrieve.search(&query, embedding, &language, only.as_deref())
        })
        .await
        .unwrap_or_else(|error| Err(format!("the search broke off: {error}")));
        let passages = found.unwrap_or_else(|error| {
            tracing::error!(error, "a search failed; the bot goes on without passages");
            Vec::new()
        });
        let micros = watch.micros();
        self.done.trace.micros.retrieval += micros;
        self.done.trace.searches.push(SearchTrace {
            article,
            found: passages
                .iter()
                .map(|passage| (passage.article.clone(), passage.confidence))
                .collect(),
            micros,
        });
        self.now(EventKind::Found { key, passages })
    }

    async fn hand_over(&mut self, request: HandoffRequest) -> Event {
        let at = self.core.clock.now();
        let id = self.core.clock.id().map_or_else(
            // Without random bits the conversation and the input still make it the only one.
            |_| format!("{}-{}", self.row.conversation, self.row.seq),
            |id| id.to_string(),
        );
        let standing = handing::standing(self.core, &request).await;
        let queue = request.queue.clone();
        self.done.opening = Some(PendingHandoff {
            id,
            request,
            at,
            standing,
        });
        self.now(EventKind::Queued {
            queue,
            position: standing.position,
            wait_s: standing.wait_s,
        })
    }
}

/// Refuses to go on where another writer has moved the conversation since it was read: `known` is the
/// input's seq, the revision and how many of the turn's events the journal has.
pub(super) fn check_expected_version(
    tx: &Transaction<'_>,
    id: &str,
    known: (u64, u64, u64),
) -> Result<(), StoreError> {
    let (cause, revision, stored) = known;
    let (is, _) = conversations::version(tx, id)?;
    let events = journal::begun_events(tx, id, cause)?;
    if (is, events) == (revision, stored) {
        return Ok(());
    }
    let message = format!("another writer moved the conversation on to revision {is}");
    Err(ServiceError::Conflict { message }.into())
}

/// The epoch that a turn belongs to.
pub(super) fn expected_epoch(hot: &CachedState, row: &Row) -> u64 {
    match &row.body {
        Body::Input(input) => hot.epoch.max(input.epoch),
        _ => hot.epoch,
    }
}

/// What is said where the program itself failed: the bot's own words for an error, if they are plain.
fn apology(bundle: &Bundle, language: &str) -> Option<Message> {
    let response = bundle
        .responses
        .get(bundle.patterns.get(&Pattern::Error)?)?;
    let spoken = [language]
        .into_iter()
        .chain(bundle.languages.first().map(String::as_str));
    let (language, variant) = spoken.into_iter().find_map(|language| {
        let plain = |variant: &&Variant| variant.when.is_none() && variant.text.is_plain();
        let variant = response.variants.get(language)?.iter().find(plain)?;
        Some((language, variant))
    })?;
    Some(Message {
        name: "error".to_owned(),
        text: variant.text.source().to_owned(),
        language: language.to_owned(),
        ..Message::default()
    })
}

/// The slots that an action reads, personal data masked.
fn arguments(bundle: &Bundle, state: &State, action: &str) -> BTreeMap<String, serde_json::Value> {
    let Some(action) = bundle.actions.get(action) else {
        return BTreeMap::new();
    };
    let read = action.reads.iter().filter_map(|id| {
        let filled = state.slot(id)?;
        let personal = bundle.slots.get(id).is_none_or(|slot| slot.pii);
        let value = if personal {
            "***".into()
        } else {
            filled.value.to_json()
        };
        Some((id.clone(), value))
    });
    read.collect()
}

fn result(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered { .. } => "answered".to_owned(),
        Outcome::TimedOut => "timed_out".to_owned(),
        Outcome::Status { status, .. } => format!("status {status}"),
        Outcome::Failed { detail } => format!("failed: {detail}"),
    }
}
