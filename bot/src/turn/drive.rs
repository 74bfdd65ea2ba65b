//! The engine's loop: feeds it, does what it asks for, feeds it what came of that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use bellhop_flows::bundle::{ActionEffect, Bundle, Id, Pattern, Variant};
use bellhop_flows::engine;
use bellhop_flows::engine::effect::{ActionCall, Effect, HandoffRequest, Message};
use bellhop_flows::engine::event::{Event, EventKind, Input, Outcome, Reading};
use bellhop_flows::engine::state::{Owner, State};
use bellhop_flows::value::{Type, Value};

use super::{CachedState, Context, InFlightTurn, Retry, is_asked, kept_events};
use crate::bots::Bot;
use crate::clock::Stopwatch;
use crate::conversation::journal::{self, Body, Row, What};
use crate::conversation::{CallTrace, InboundBody, SearchTrace, TurnTrace};
use crate::encoding::Unreadable;
use crate::error::ServiceError;
use crate::events::{ClosedEvent, MessageEvent};
use crate::handoff::queue::QueuePosition;
use crate::handoff::record::handoff_id;
use crate::partition::{Commit, Committed};
use crate::positions;
use crate::rules::turn_end::{PendingHandoff, TurnEnd};
use crate::secrets::{self, CustomerSecrets, SecretsChange};
use crate::understand::{Question, Request};

/// Steps of the engine in one turn beyond the bot's `limits.steps`, which the engine keeps by itself: it ends such a
/// turn with a person, where stopping here would leave a call without its answer.
const STEPS: u32 = 64;

/// What came of a turn, to be committed.
#[derive(Debug)]
pub(super) struct Done {
    /// What is stored.
    pub(super) end: TurnEnd,
    /// Counted once it is: ratings, and flows with their outcomes.
    pub(super) counts: Vec<Effect>,
    /// Somebody waits for what the turn comes to.
    pub(super) is_asked: bool,
}

/// A message in which signs stand in the place of a secret.
struct Hidden {
    /// As it was sent.
    clear: String,
    /// As it is stored.
    shown: String,
    /// As the engine hears it.
    input: Input,
}

/// A turn under way.
pub(super) struct Drive<'a> {
    context: &'a Context,
    bot: &'a Bot,
    cached: CachedState,
    row: &'a Row,
    begun: InFlightTurn,
    /// Events fed so far; those below `stored` are in the journal.
    fed: Vec<Event>,
    stored: usize,
    /// What is in the journal is not what the engine was fed in the end: it has to go, and `fed` is all there is.
    rewrite: bool,
    embedding: Arc<[f32]>,
    reason: Option<String>,
    done: Done,
}

impl<'a> Drive<'a> {
    pub(super) fn new(context: &'a Context, cached: CachedState, row: &'a Row) -> Self {
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
        let state = cached.state.clone();
        let was_ended = matches!(&row.body, Body::Input(input) if input.ends());
        Self {
            context,
            bot: context.bots.current(),
            // A turn is one version's: what another was fed of it is replaced by what this one is fed.
            rewrite: cached.begun.is_anothers,
            begun: cached.begun.clone(),
            cached,
            row,
            fed: Vec::new(),
            stored: 0,
            embedding: Arc::from([]),
            reason: None,
            done: Done {
                end: TurnEnd {
                    seq: row.seq,
                    bot: Arc::clone(&context.bots.current().version),
                    state,
                    listen: None,
                    fed: None,
                    erase: Vec::new(),
                    out: Vec::new(),
                    opening: None,
                    cancelled: false,
                    closed: false,
                    was_ended,
                    secrets: SecretsChange::default(),
                    trace,
                },
                counts: Vec::new(),
                is_asked: is_asked(row),
            },
        }
    }

    /// The conversation, for the log.
    pub(super) fn conversation(&self) -> &str {
        &self.cached.conversation.id
    }

    /// Runs until the engine waits for nothing but the customer.
    pub(super) async fn run(&mut self) -> Result<(), Retry> {
        if self.cached.conversation.is_over() {
            // It was stored before the end and comes too late: to the engine it would be a new beginning.
            return Ok(());
        }
        let first = self.first().await?;
        let mut waiting = VecDeque::from([first]);
        let mut steps: u32 = 0;
        let most = self.bot.bundle.limits.steps.saturating_add(STEPS);
        while let Some(event) = waiting.pop_front() {
            steps += 1;
            if steps > most {
                tracing::error!(conversation = %self.cached.conversation.id, "a turn has too many steps");
                self.give_up();
                break;
            }
            let watch = Stopwatch::start();
            let step = engine::step(&self.bot.bundle, &mut self.done.end.state, &event);
            self.done.end.trace.micros.engine += watch.micros();
            self.fed.push(event);
            self.done.end.trace.entries.extend(step.trace.entries);
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
        let said = apology(&self.bot.bundle, &self.cached.state.language);
        self.begun.events.clear();
        self.fed.clear();
        self.rewrite = true;
        self.done.end.state = self.cached.state.clone();
        self.done.end.opening = None;
        self.done.end.cancelled = false;
        self.done.end.closed = false;
        self.done.counts.clear();
        self.done.end.listen = self.cached.listen.clone();
        self.done.end.out = match self.cached.state.owner {
            Owner::Bot | Owner::Queue => said.into_iter().map(|it| self.message(it)).collect(),
            Owner::Agent | Owner::Closed => Vec::new(),
        };
        self.done.end.trace.entries.push(engine::TraceEntry {
            kind: "error".to_owned(),
            what: "turn".to_owned(),
            verdict: "panicked".to_owned(),
            why: "a bug in the program; the log has the place".to_owned(),
        });
    }

    /// What came of it.
    pub(super) fn end(mut self, total: u64) -> (CachedState, Done) {
        let state = &self.done.end.state;
        let over = self.reason.is_some() || state.owner == Owner::Closed;
        if over && self.cached.state.owner != Owner::Closed {
            let reason = self.reason.take().unwrap_or_else(|| "ended".to_owned());
            self.done.end.out.push(Body::Closed(ClosedEvent {
                seq: 0,
                at: Timestamp::UNIX_EPOCH,
                reason,
            }));
        }
        self.done.end.closed = over;
        if self.done.end.listen.is_none() && !over && state.owner == self.cached.state.owner {
            self.done.end.listen.clone_from(&self.cached.listen);
        }
        if over || state.owner == Owner::Agent {
            self.done.end.listen = None;
        }
        self.done.end.trace.turn = state.turn;
        self.done.end.trace.at = self.context.clock.now();
        self.done.end.trace.micros.total = total;
        self.settle_secrets(over);
        self.rewrite |= !self.begun.events.is_empty();
        let (fed, erase) = self.to_store();
        self.done.end.fed = fed;
        self.done.end.erase = erase;
        self.cached.begun = self.begun;
        (self.cached, self.done)
    }

    /// What the engine was fed that the journal does not have, and the entries there that do not hold any more.
    fn to_store(&self) -> (Option<Body>, Vec<u64>) {
        if self.rewrite {
            let fed = kept_events(self.row, &self.fed, &self.bot.version);
            (fed, self.begun.entries.clone())
        } else {
            let fed = kept_events(self.row, &self.fed[self.stored..], &self.bot.version);
            (fed, Vec::new())
        }
    }

    /// The event that the input is to the engine.
    async fn first(&mut self) -> Result<Event, Retry> {
        let hidden = self.hidden().await?;
        if let Some(event) = self.again(|_| true) {
            if let Some(hidden) = &hidden {
                // What the engine was fed does not tell the secret.
                self.read_hidden(hidden).await;
            }
            if let EventKind::Heard { reading, .. } = &event.kind {
                self.done.end.trace.reading.clone_from(reading);
            }
            return Ok(event);
        }
        let kind = match &self.row.body {
            Body::Input(input) => match &input.what {
                What::Customer { .. } if let Some(hidden) = &hidden => {
                    let reading = self.read_hidden(hidden).await;
                    self.done.end.trace.reading.clone_from(&reading);
                    let input = Input {
                        text: hidden.shown.clone(),
                        ..hidden.input.clone()
                    };
                    EventKind::Heard { input, reading }
                }
                What::Event { event } => {
                    if let EventKind::Closed { reason } = event {
                        self.reason = Some(reason.clone());
                    }
                    event.clone()
                }
                What::Customer { body, .. } => self.hear(body).await,
            },
            // Only inputs are ever queued.
            _ => EventKind::Silence,
        };
        Ok(Event {
            at: self.row.at,
            kind,
        })
    }

    async fn hear(&mut self, body: &InboundBody) -> EventKind {
        let Some(input) = body.heard() else {
            return EventKind::Silence;
        };
        // Payloads and keys are exact.
        let reading = match &input {
            Input { text, .. } if !text.is_empty() => self.read(text).await,
            _ => None,
        };
        self.done.end.trace.reading.clone_from(&reading);
        EventKind::Heard { input, reading }
    }

    /// Reads a text; while a person owns the conversation nobody needs the reading.
    async fn read(&mut self, text: &str) -> Option<Reading> {
        let state = &self.done.end.state;
        if matches!(state.owner, Owner::Agent | Owner::Closed) {
            return None;
        }
        let language = match (state.language.as_str(), self.bot.bundle.languages.first()) {
            ("", Some(first)) => first.clone(),
            (language, _) => language.to_owned(),
        };
        let open = engine::open_question(&self.bot.bundle, state);
        let watch = Stopwatch::start();
        let understood = self
            .bot
            .reader
            .read(Request {
                text: text.to_owned(),
                language: language.clone(),
                now: self.row.at,
                open,
            })
            .await;
        self.done.end.trace.micros.nlu += watch.micros();
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
        self.rewrite = true;
        None
    }

    fn now(&self, kind: EventKind) -> Event {
        Event {
            at: self.context.clock.now(),
            kind,
        }
    }

    fn message(&self, message: Message) -> Body {
        let spoken = self.done.end.state.channel == "voice";
        Body::Message(Box::new(MessageEvent::of_bot(message, spoken)))
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<Option<Event>, Retry> {
        match effect {
            Effect::Say(message) => {
                let said = self.message(message);
                self.done.end.out.push(said);
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
            Effect::CancelHandoff => {
                self.done.end.cancelled = self.done.end.opening.take().is_none()
            }
            counted @ (Effect::Rated { .. } | Effect::FlowEnded { .. }) => {
                self.done.counts.push(counted);
            }
            Effect::Listen(listen) => self.done.end.listen = Some(listen),
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
        let conversation = Arc::clone(&self.cached.conversation.id);
        let answered = self.context.answered.of(&conversation, &call.key);
        let (outcome, tries) = if let Some(outcome) = answered {
            (outcome, 0)
        } else if allowed {
            let (outcome, tries) = self.send(&call).await?;
            self.context
                .answered
                .keep(&conversation, &call.key, &outcome);
            (outcome, tries)
        } else {
            let detail = "not sent: the conversation has another owner now".to_owned();
            (Outcome::Failed { detail }, 0)
        };
        let micros = watch.micros();
        self.done.end.trace.micros.actions += micros;
        let trace = CallTrace {
            action: call.action.clone(),
            key: format!("{}/{}", self.cached.conversation.id, call.key),
            args: arguments(&self.bot.bundle, &self.done.end.state, &call.action),
            result: result(&outcome),
            tries,
            micros,
        };
        self.done.end.trace.calls.push(trace);
        Ok(self.now(EventKind::ActionDone {
            key: call.key,
            outcome,
        }))
    }

    /// Sends a call, with the customer's secrets in it where the action reads any.
    async fn send(&mut self, call: &ActionCall) -> Result<(Outcome, u32), Retry> {
        let (actions, bundle) = (&self.bot.actions, &self.bot.bundle);
        let conversation = &self.cached.conversation.id;
        let needed = self.needed_secrets(call);
        if needed.is_empty() {
            return Ok(actions.call(call, bundle, conversation).await);
        }
        let mut values = self.kept_secrets().await?.values;
        let change = &mut self.done.end.secrets;
        values.extend(change.learned.clone());
        let Some(filled) = secrets::filled(call, &needed, &values) else {
            let detail = "a secret that it needs is no longer kept: it was sent before".to_owned();
            return Ok((Outcome::Failed { detail }, 0));
        };
        let (outcome, tries) = actions.call(&filled, bundle, conversation).await;
        // What failed at the other side may be tried again.
        if matches!(
            &outcome,
            Outcome::Answered { .. } | Outcome::Status { status: ..500, .. }
        ) {
            change
                .used
                .extend(needed.into_iter().map(|(slot, _)| slot.clone()));
        }
        Ok((outcome, tries))
    }

    /// Secret slots that a call reads, each with what stands for its value.
    fn needed_secrets(&self, call: &ActionCall) -> Vec<(&'a Id, String)> {
        let bundle = &self.bot.bundle;
        let Some(action) = bundle.actions.get(&call.action) else {
            return Vec::new();
        };
        let needed = secrets::slots(bundle).filter_map(|(slot, sign)| {
            let filled = self.done.end.state.slot(slot)?;
            let Value::Text(text) = &filled.value else {
                return None;
            };
            let stands = action.reads.contains(slot) && secrets::is_stand_in(sign, text);
            stands.then(|| (slot, text.clone()))
        });
        needed.collect()
    }

    async fn kept_secrets(&self) -> Result<CustomerSecrets, Retry> {
        let kept = super::commit::secrets(self.context, &self.cached).await;
        kept.map_err(|error| {
            tracing::error!(conversation = %self.cached.conversation.id, %error, "secrets can't be read");
            Retry
        })
    }

    /// The message that the turn is about, where a secret is hidden in it.
    async fn hidden(&mut self) -> Result<Option<Hidden>, Retry> {
        let Body::Input(journal::Input {
            what:
                What::Customer {
                    client_msg_id,
                    body,
                    hidden: true,
                    ..
                },
        }) = &self.row.body
        else {
            return Ok(None);
        };
        self.done.end.secrets.worked_through = Some(client_msg_id.clone());
        let Some(input) = body.heard() else {
            return Ok(None);
        };
        let shown = input.keys.clone().unwrap_or_else(|| input.text.clone());
        let clear = self.kept_secrets().await?.heard.remove(client_msg_id);
        // Keys are read as text is: the engine takes what was found in it, and signs are no keys.
        let input = Input {
            keys: None,
            ..input
        };
        Ok(Some(Hidden {
            clear: clear.unwrap_or_else(|| shown.clone()),
            shown,
            input,
        }))
    }

    /// Reads a message with a secret in it; the reading holds what stands for that.
    async fn read_hidden(&mut self, hidden: &Hidden) -> Option<Reading> {
        let mut reading = self.read(&hidden.clear).await;
        let bundle = &self.bot.bundle;
        for (slot, sign) in secrets::slots(bundle) {
            let stretches = secrets::stretches(&hidden.clear, &hidden.shown, sign);
            let Some(Type::Entity(entity)) = bundle.slots.get(slot).map(|slot| &slot.ty) else {
                continue;
            };
            if let (Some(reading), false) = (&mut reading, stretches.is_empty())
                && let Some(value) = secrets::take_out(reading, &stretches, entity, sign)
            {
                self.done.end.secrets.learned.insert(slot.clone(), value);
            }
        }
        reading
    }

    /// Decides what becomes of secrets: they are kept for as long as a flow of the bot's goes on that has one.
    fn settle_secrets(&mut self, over: bool) {
        let (before, after) = (&self.cached.state, &self.done.end.state);
        let holds = |state: &State| {
            state.owner == Owner::Bot && engine::holds_secret(&self.bot.bundle, state)
        };
        let change = &mut self.done.end.secrets;
        let (held, holds) = (holds(before), holds(after));
        change.forget = !holds && (held || !change.learned.is_empty());
        change.is_over = over && self.context.gate.has_secrets();
    }

    /// Puts an irreversible call into the journal, with all that led to it; `false` where the owner
    /// changed meanwhile. After a crash the same events lead to the same call under the same key.
    async fn may_send(&mut self, call: &ActionCall) -> Result<bool, Retry> {
        loop {
            if self.cached.is_late(self.row.seq) {
                return Ok(false);
            }
            let commit = self.intent(call).map_err(|error| {
                tracing::error!(%error, "a call can't be written, so it is not sent");
                Retry
            })?;
            let holds_events =
                commit.append.len() > usize::from(!self.begun.calls.contains(&call.key));
            match self.context.store.commit(commit).await {
                Ok(Committed::Done {
                    revision,
                    first_seq,
                }) => {
                    self.cached.conversation.log.revision = revision;
                    if self.rewrite {
                        self.begun.entries.clear();
                    }
                    if holds_events {
                        self.begun.entries.push(first_seq);
                    }
                    self.stored = self.fed.len();
                    self.rewrite = false;
                    self.begun.calls.insert(call.key.clone());
                    return Ok(true);
                }
                // Somebody at the desk has done something: did they take the conversation?
                Ok(Committed::Conflict) => {
                    let (store, seq) = (&self.context.store, self.row.seq);
                    self.cached.refresh(store, seq, &self.begun).await?;
                }
                Err(error) => {
                    tracing::error!(%error, "a call can't be stored, so it is not sent");
                    return Err(Retry);
                }
            }
        }
    }

    /// The commit that says that a call is about to be sent.
    fn intent(&self, call: &ActionCall) -> Result<Commit, Unreadable> {
        let conversation = &self.cached.conversation;
        let revision = Some(conversation.log.revision);
        let now = self.context.clock.now();
        let mut commit = Commit::new(conversation.partition(), revision, now);
        let (events, erase) = self.to_store();
        commit.erase = erase;
        let call = (!self.begun.calls.contains(&call.key)).then(|| Body::Call(call.clone()));
        for body in events.into_iter().chain(call) {
            commit.append.push(body.entry(self.row.seq)?);
        }
        Ok(commit)
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
        let found = self.bot.searcher.search(Question {
            text: query,
            embedding: Arc::clone(&self.embedding),
            language,
            article: article.clone(),
        });
        let passages = found.await.unwrap_or_else(|error| {
            tracing::error!(error, "a search failed; the bot goes on without passages");
            Vec::new()
        });
        let micros = watch.micros();
        self.done.end.trace.micros.retrieval += micros;
        self.done.end.trace.searches.push(SearchTrace {
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
        let at = self.context.clock.now();
        let conversation = &self.cached.conversation;
        let id = handoff_id(&conversation.id, conversation.head.handoffs.len() + 1);
        let standing = self.standing(&request).await.unwrap_or_else(|error| {
            // Nothing is promised by it: the place is told again whenever it is asked for.
            tracing::warn!(%error, "the queue can't be read");
            QueuePosition {
                position: 1,
                wait_s: None,
            }
        });
        let queue = request.queue.clone();
        self.done.end.opening = Some(PendingHandoff {
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

    /// Where somebody who asks now stands.
    async fn standing(&self, request: &HandoffRequest) -> Result<QueuePosition, ServiceError> {
        let view = positions::queue(&self.context.store).await?;
        let queues = &self.bot.bundle.queues;
        let now = self.context.clock.now();
        Ok(view.newcomer(&request.queue, request.priority, queues, now))
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
