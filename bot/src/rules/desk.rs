//! What agents do. Each act changes the handoff's record, gives the conversation its new owner, and tells the customer and the
//! bot.
//!
//! Must never let text of somebody who does not own the conversation reach the customer.

use jiff::Timestamp;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;

use super::{Decided, Decision, Draft};
use crate::conversation::journal::{Body, Input, Note};
use crate::conversation::{Accepted, Conversation};
use crate::encoding::content_hash;
use crate::error::ServiceError;
use crate::events::{HandoffEvent, HandoffStatus, MessageEvent};
use crate::gate::Gate;
use crate::handoff::envelope::Envelope;
use crate::handoff::envelope_builder::segment;
use crate::handoff::queue::QueuePosition;
use crate::handoff::record::{Holder, Record, Stage, handoff_id};
use crate::handoff::status::Status;
use crate::partition::Seen;
use crate::staff::{Agent, Permission, TEST_CHANNEL};

/// What acts need beside the conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk<'a> {
    /// The bot.
    pub(crate) bundle: &'a Bundle,
    /// What text passes.
    pub(crate) gate: &'a Gate,
    /// Now.
    pub(crate) now: Timestamp,
    /// Status events are wanted.
    pub(crate) report: bool,
}

/// How a take went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is theirs.
    Theirs,
    /// Another agent has it.
    Lost {
        /// Their name.
        by: String,
    },
}

/// A handoff with its conversation: what acts are decided on.
pub(crate) struct Case<'a> {
    /// The conversation.
    pub(crate) conversation: &'a Conversation,
    /// The handoff.
    pub(crate) record: Record,
}

impl Case<'_> {
    /// Whether the agent owns the conversation by this handoff.
    fn owned_by(&self, agent: &Agent) -> bool {
        let head = &self.conversation.head;
        head.owner == Owner::Agent
            && head.custody_epoch == self.record.custody_epoch
            && self.record.is_with(&agent.id)
    }
}

/// Whether somebody may read a conversation; `handoffs` are all that it has.
pub(crate) fn may_read(agent: &Agent, conversation: &Conversation, handoffs: &[Record]) -> bool {
    let concerns = |it: &Record| it.stage == Stage::Queued || it.had(&agent.id);
    let role = agent.role;
    role.may(Permission::ReadAny)
        || (role.may(Permission::Serve) && handoffs.iter().any(concerns))
        || (role.may(Permission::ReadTests) && conversation.head.channel == TEST_CHANNEL)
}

impl Desk<'_> {
    /// Takes a waiting conversation.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where it does not wait any more.
    pub(crate) fn take(&self, case: Case<'_>, agent: &Agent) -> Decided<Taken> {
        let Case {
            conversation,
            mut record,
        } = case;
        if record.stage.with_agent() {
            return Ok(Decision::Already(if record.had(&agent.id) {
                Taken::Theirs
            } else {
                Taken::Lost {
                    by: record.holder_name().unwrap_or_default(),
                }
            }));
        }
        if record.stage != Stage::Queued || conversation.head.owner != Owner::Queue {
            return Err(over(&record));
        }
        let mut draft = Draft::new(conversation, self.gate, self.now);
        draft.give(Owner::Agent);
        record.stage = Stage::Assigned;
        record.holder = Some(Holder {
            id: agent.id.clone(),
            name: agent.name.clone(),
            since: self.now,
        });
        let routing = &record.envelope.routing;
        let news = HandoffEvent {
            queue: Some(routing.queue.clone()),
            queue_title: title(self.bundle, &routing.queue, &record.envelope.locale),
            agent: Some(agent.name.clone()),
            ..plain(record.id(), HandoffStatus::Assigned)
        };
        draft.append(0, &Body::Handoff(news))?;
        let agent = agent.name.clone();
        draft.append(0, &event(EventKind::AgentJoined { agent }))?;
        self.keep(&mut draft, record, None)?;
        self.commit(draft, Taken::Theirs)
    }

    /// Says something to the customer; once for each `client_msg_id` of an agent. `seen` is what is stored under
    /// [`sender_id`].
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it, [`ServiceError::Closed`], [`ServiceError::IdReused`].
    pub(crate) fn say(
        &self,
        case: Case<'_>,
        agent: &Agent,
        (client_msg_id, text): (&str, &str),
        seen: Option<Seen>,
    ) -> Decided<Accepted> {
        let message = MessageEvent::of_agent(&agent.name, text, client_msg_id);
        let message = self.gate.said(&case.conversation.head.channel, message);
        let hash = content_hash(message.text.as_bytes());
        match seen {
            Some(seen) if seen.hash == hash => {
                let (seq, duplicate) = (seen.seq, true);
                return Ok(Decision::Already(Accepted { seq, duplicate }));
            }
            Some(_) => {
                return Err(ServiceError::IdReused {
                    client_msg_id: client_msg_id.to_owned(),
                });
            }
            None => {}
        }
        if case.conversation.is_over() {
            return Err(ServiceError::Closed);
        }
        if !case.owned_by(agent) {
            return Err(not_theirs(&case.record));
        }
        let mut draft = Draft::new(case.conversation, self.gate, self.now);
        draft.append(0, &Body::Message(Box::new(message)))?;
        draft.commit.seen = Some((sender_id(agent, client_msg_id), hash, 0));
        let mut record = case.record;
        if record.stage == Stage::Assigned {
            record.stage = Stage::AgentActive;
            draft.keep(&record)?;
        }
        let (seq, duplicate) = (0, false);
        self.commit(draft, Accepted { seq, duplicate })
    }

    /// Keeps a note between staff.
    ///
    /// # Errors
    /// None.
    pub(crate) fn note(
        &self,
        conversation: &Conversation,
        agent: &Agent,
        text: &str,
    ) -> Decided<()> {
        let mut draft = Draft::new(conversation, self.gate, self.now);
        draft.append(0, &note(&agent.name, text))?;
        self.commit(draft, ())
    }

    /// Moves a conversation to another queue, under a handoff of its own and with its age. Gives the new handoff's id.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it, [`ServiceError::NotFound`] for the queue,
    /// [`ServiceError::Closed`].
    pub(crate) fn transfer(
        &self,
        case: Case<'_>,
        agent: &Agent,
        (queue, text): (&str, &str),
        standing: QueuePosition,
    ) -> Decided<String> {
        let declared = self.bundle.queues.get(queue).ok_or_else(|| {
            let what = format!("queue `{queue}`");
            ServiceError::NotFound { what }
        })?;
        let record = end(&case, agent, Stage::Transferred, self.now)?;
        let conversation = case.conversation;
        if conversation.is_over() {
            return Err(ServiceError::Closed);
        }
        let mut draft = Draft::new(conversation, self.gate, self.now);
        draft.give(Owner::Queue);
        let epoch = draft.head.custody_epoch;
        let mut envelope = record.envelope.clone();
        envelope.related.push(record.id().to_owned());
        envelope.handoff_id = handoff_id(&conversation.id, conversation.head.handoffs.len() + 1);
        envelope.previous_segment_id = Some(segment(&conversation.id, record.custody_epoch));
        envelope.segment_id = segment(&conversation.id, epoch);
        envelope.epoch = epoch;
        envelope.routing.queue = queue.to_owned();
        envelope.routing.priority = declared.priority;
        if !text.is_empty() {
            draft.append(0, &note(&agent.name, text))?;
        }
        let next = Record {
            requested_at: record.requested_at,
            ..Record::queued(envelope, standing.position)
        };
        self.tell_queued(&mut draft, &next, standing)?;
        self.keep(&mut draft, record, None)?;
        let id = next.id().to_owned();
        self.keep(&mut draft, next, Some(standing))?;
        self.commit(draft, id)
    }

    /// Hands the customer back to the bot. A second time it does nothing.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it.
    pub(crate) fn give_back(
        &self,
        case: Case<'_>,
        agent: &Agent,
        flow: Option<&str>,
    ) -> Decided<()> {
        if case.record.stage == Stage::Returned && case.record.had(&agent.id) {
            return Ok(Decision::Already(()));
        }
        let record = end(&case, agent, Stage::Returned, self.now)?;
        let back = EventKind::Returned {
            flow: flow.map(str::to_owned),
        };
        let draft = Draft::new(case.conversation, self.gate, self.now);
        self.leave(draft, &case, record, HandoffStatus::Returned, back)
    }

    /// Ends the contact with a note. A second time it does nothing.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it.
    pub(crate) fn wrap_up(
        &self,
        case: Case<'_>,
        agent: &Agent,
        text: &str,
        resolved: bool,
    ) -> Decided<()> {
        if case.record.stage == Stage::Closed && case.record.had(&agent.id) {
            return Ok(Decision::Already(()));
        }
        let mut record = end(&case, agent, Stage::Closed, self.now)?;
        record.note = Some(self.gate.noted(&case.conversation.head.channel, text));
        record.resolved = Some(resolved);
        let mut draft = Draft::new(case.conversation, self.gate, self.now);
        if !text.is_empty() {
            draft.append(0, &note(&agent.name, text))?;
        }
        self.leave(
            draft,
            &case,
            record,
            HandoffStatus::Closed,
            EventKind::WrappedUp,
        )
    }

    /// Puts a conversation whose agent is gone back into its queue, with its age.
    ///
    /// # Errors
    /// None.
    pub(crate) fn requeue(
        &self,
        case: Case<'_>,
        agent: &str,
        standing: QueuePosition,
    ) -> Decided<()> {
        let Case {
            conversation,
            mut record,
        } = case;
        if !record.is_with(agent) {
            return Ok(Decision::Already(()));
        }
        let mut draft = Draft::new(conversation, self.gate, self.now);
        if conversation.is_over() || conversation.head.owner != Owner::Agent {
            // It only lacks its note, and nobody is left to write it.
            record.stage = Stage::Closed;
            record.ended_at = Some(self.now);
            self.keep(&mut draft, record, None)?;
            return self.commit(draft, ());
        }
        draft.give(Owner::Queue);
        let name = record.holder_name();
        let name = name.as_deref().unwrap_or("the agent");
        let text = format!("{name} was gone; the customer waits again");
        draft.append(0, &note(&self.bundle.name, &text))?;
        record.stage = Stage::Queued;
        record.holder = None;
        record.told_position = Some(standing.position);
        self.tell_queued(&mut draft, &record, standing)?;
        self.keep(&mut draft, record, Some(standing))?;
        self.commit(draft, ())
    }

    /// Gives a conversation from an agent to the bot, unless it is over: then only the desk's side ends.
    fn leave(
        &self,
        mut draft: Draft<'_>,
        case: &Case<'_>,
        record: Record,
        status: HandoffStatus,
        back: EventKind,
    ) -> Decided<()> {
        if !case.conversation.is_over() {
            draft.give(Owner::Bot);
            draft.append(0, &Body::Handoff(plain(record.id(), status)))?;
            draft.append(0, &event(back))?;
        }
        self.keep(&mut draft, record, None)?;
        self.commit(draft, ())
    }

    /// Tells the customer and the bot that somebody waits, and where.
    fn tell_queued(
        &self,
        draft: &mut Draft<'_>,
        record: &Record,
        standing: QueuePosition,
    ) -> Result<(), ServiceError> {
        let news = self.queued(&record.envelope, standing);
        draft.append(0, &Body::Handoff(news))?;
        let queued = EventKind::Queued {
            queue: record.envelope.routing.queue.clone(),
            position: standing.position,
            wait_s: standing.wait_s,
        };
        draft.append(0, &event(queued))?;
        Ok(())
    }

    /// Keeps a handoff whose state has changed, under the custody epoch that the conversation has now.
    pub(super) fn keep(
        &self,
        draft: &mut Draft<'_>,
        mut record: Record,
        standing: Option<QueuePosition>,
    ) -> Result<(), ServiceError> {
        record.custody_epoch = draft.head.custody_epoch;
        draft.keep(&record)?;
        if self.report {
            draft.report(&Status::of(&record, standing, self.now))?;
        }
        Ok(())
    }

    fn commit<T>(&self, draft: Draft<'_>, answer: T) -> Decided<T> {
        let commit = draft.finish(self.bundle.limits.idle_close_s)?;
        Ok(Decision::Commit(commit, answer))
    }

    /// The news that somebody waits.
    pub(super) fn queued(&self, envelope: &Envelope, standing: QueuePosition) -> HandoffEvent {
        let queue = &envelope.routing.queue;
        HandoffEvent {
            queue: Some(queue.clone()),
            queue_title: title(self.bundle, queue, &envelope.locale),
            position: Some(standing.position),
            wait_s: standing.wait_s,
            ..plain(&envelope.handoff_id, HandoffStatus::Queued)
        }
    }
}

/// What a queue is called in a language, or in the bot's first where it has no title in that.
pub(crate) fn title(bundle: &Bundle, queue: &str, language: &str) -> Option<String> {
    let titles = &bundle.queues.get(queue)?.title;
    titles
        .get(language)
        .or_else(|| titles.get(bundle.languages.first()?))
        .or_else(|| titles.values().next())
        .cloned()
}

/// The id that an agent's message is stored under. Customers choose their own ids: an agent's must not meet one of theirs.
pub(crate) fn sender_id(agent: &Agent, client_msg_id: &str) -> String {
    format!("agent/{}/{client_msg_id}", agent.id)
}

/// Ends a handoff that the agent has.
fn end(
    case: &Case<'_>,
    agent: &Agent,
    stage: Stage,
    now: Timestamp,
) -> Result<Record, ServiceError> {
    if !case.record.is_with(&agent.id) {
        return Err(not_theirs(&case.record));
    }
    let mut record = case.record.clone();
    record.stage = stage;
    record.ended_at = Some(now);
    Ok(record)
}

/// News of a handoff with nothing but its state.
pub(super) fn plain(id: &str, state: HandoffStatus) -> HandoffEvent {
    HandoffEvent {
        seq: 0,
        at: Timestamp::UNIX_EPOCH,
        state,
        handoff_id: id.to_owned(),
        queue: None,
        queue_title: None,
        position: None,
        wait_s: None,
        agent: None,
    }
}

fn event(kind: EventKind) -> Body {
    Body::Input(Input::event(kind))
}

fn note(by: &str, text: &str) -> Body {
    Body::Note(Note {
        by: by.to_owned(),
        text: text.to_owned(),
    })
}

/// The refusal for a handoff that waits no longer.
fn over(record: &Record) -> ServiceError {
    ServiceError::Conflict {
        message: format!(
            "this conversation no longer waits (it is {}); look at the queue again",
            record.stage.name()
        ),
    }
}

/// The refusal for a handoff that another agent has, or nobody.
fn not_theirs(record: &Record) -> ServiceError {
    let message = match (record.holder_name(), record.stage.with_agent()) {
        (Some(name), true) => format!("{name} has this conversation"),
        _ => format!(
            "nobody has this conversation now (it is {}); take it first",
            record.stage.name()
        ),
    };
    ServiceError::Conflict { message }
}
