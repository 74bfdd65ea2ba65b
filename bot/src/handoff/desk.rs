//! What happens at the desk, each act inside one transaction: the handoff's row changes by
//! compare-and-set, the conversation gets its new owner and epoch, and the journal gets the news for
//! the customer and the input for the bot.
//!
//! Must never let text of somebody who does not own the conversation reach the customer.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

use bellhop_flows::bundle::Bundle;
use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;

use super::envelope::Envelope;
use super::queue::{self, QueueEntry, QueuePosition};
use super::record::segment;
use super::status::{self, Status};
use crate::conversation::Accepted;
use crate::error::ServiceError;
use crate::outbox::{Author, HandoffEvent, HandoffStatus, MessageEvent};
use crate::staff::Agent;
use crate::store::handoffs::{self, Record, Stage};
use crate::store::journal::{self, Body, Input, Note, Row};
use crate::store::{StoreError, conversations, hash_of, staff};

/// Places of a queue that hear of every change; those behind only when theirs is a multiple of it.
/// One take would otherwise write a row for everybody who waits.
const NEWS: u32 = 10;

/// What an act left behind: rows to publish, each of which may be an input to run.
pub type Rows = Vec<Row>;

/// What acts need beside their transaction.
#[derive(Clone)]
pub struct Desk {
    /// The bot.
    pub bundle: Arc<Bundle>,
    /// Now.
    pub now: Timestamp,
    /// Status events are wanted.
    pub report: bool,
    /// Seq of the input whose turn does this; 0 for acts of the desk itself.
    pub cause: u64,
}

/// How a take went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Taken {
    /// It is theirs.
    Won(Rows),
    /// It was already.
    Theirs,
    /// Another agent has it.
    Lost {
        /// Their name.
        by: String,
    },
}

impl Desk {
    /// Where somebody who asks now would stand.
    ///
    /// # Errors
    /// SQLite's.
    pub fn newcomer(
        &self,
        connection: &Connection,
        queue: &str,
        priority: u8,
    ) -> Result<QueuePosition, StoreError> {
        let mut places = handoffs::places(connection)?;
        // Sorts behind everyone of its own age and priority: ids made later are greater.
        let newcomer = String::from("~");
        places.push(QueueEntry {
            handoff: newcomer.clone(),
            conversation: String::new(),
            queue: queue.to_owned(),
            priority,
            asked_at: self.now,
            told: None,
        });
        let standings = self.order(connection, &mut places)?;
        let at = places.iter().position(|place| place.handoff == newcomer);
        Ok(at
            .and_then(|at| standings.get(at).copied())
            .unwrap_or(QueuePosition {
                position: 1,
                wait_s: None,
            }))
    }

    /// Puts a conversation into its queue, as part of the turn that decided so; `standing` is what
    /// the bot was told. Gives the news for the customer and for those who move back by it.
    ///
    /// # Errors
    /// SQLite's.
    pub fn request(
        &self,
        tx: &Transaction<'_>,
        envelope: &Envelope,
        standing: QueuePosition,
    ) -> Result<Rows, StoreError> {
        handoffs::insert(tx, envelope, Some(standing.position))?;
        let news = self.queued(envelope, standing);
        let mut rows = self.news(tx, &envelope.conversation_id, vec![Body::Handoff(news)])?;
        self.report(tx, &rows, &envelope.handoff_id, |status| {
            status.standing(standing);
        })?;
        rows.extend(self.moved(tx)?);
        Ok(rows)
    }

    /// Takes a conversation out of its queue, as part of the turn in which the customer no longer
    /// wanted a person, left or closed.
    ///
    /// # Errors
    /// SQLite's.
    pub fn withdraw(
        &self,
        tx: &Transaction<'_>,
        conversation: &str,
        left: bool,
    ) -> Result<Rows, StoreError> {
        let stage = if left {
            Stage::Abandoned
        } else {
            Stage::Cancelled
        };
        let Some(id) = handoffs::end_waiting(tx, conversation, stage, self.now)? else {
            return Ok(Vec::new());
        };
        let news = self.plain(&id, HandoffStatus::Cancelled);
        let mut rows = self.news(tx, conversation, vec![Body::Handoff(news)])?;
        self.report(tx, &rows, &id, |_| {})?;
        rows.extend(self.moved(tx)?);
        Ok(rows)
    }

    /// Takes a waiting conversation.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Conflict`] where it does not wait any more, or SQLite's.
    pub(crate) fn take(
        &self,
        tx: &Transaction<'_>,
        id: &str,
        agent: &Agent,
    ) -> Result<Taken, StoreError> {
        let record = handoffs::get(tx, id)?;
        if record.stage.with_agent() {
            return Ok(match record.agent {
                Some(theirs) if theirs == agent.id => Taken::Theirs,
                _ => Taken::Lost {
                    by: record.agent_name.unwrap_or_default(),
                },
            });
        }
        let waits = conversations::head(tx, &record.conversation)?.owner == Owner::Queue;
        if !waits || !handoffs::assign(tx, id, (&agent.id, &agent.name), self.now)? {
            return Err(over(&record));
        }
        self.change_owner(tx, &record, Owner::Agent)?;
        let news = HandoffEvent {
            queue: Some(record.envelope.routing.queue.clone()),
            queue_title: self.title(&record.envelope.routing.queue, &record.envelope.locale),
            agent: Some(agent.name.clone()),
            ..self.plain(id, HandoffStatus::Assigned)
        };
        let joined = Input::event(EventKind::AgentJoined {
            agent: agent.name.clone(),
        });
        let bodies = vec![Body::Handoff(news), Body::Input(joined)];
        let mut rows = self.news(tx, &record.conversation, bodies)?;
        self.report(tx, &rows, id, |_| {})?;
        rows.extend(self.moved(tx)?);
        Ok(Taken::Won(rows))
    }

    /// Says something to the customer; once for each `client_msg_id` of an agent.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it, [`ServiceError::IdReused`], or SQLite's.
    pub(crate) fn say(
        &self,
        tx: &Transaction<'_>,
        id: &str,
        agent: &Agent,
        client_msg_id: &str,
        text: &str,
    ) -> Result<(Accepted, Rows), StoreError> {
        let record = handoffs::get(tx, id)?;
        // Customers choose their own ids: an agent's must not meet one of theirs.
        let key = format!("agent/{}/{client_msg_id}", agent.id);
        let hash = hash_of(text.as_bytes());
        let before =
            journal::seen(tx, &record.conversation, &key, &hash).map_err(|error| match error {
                StoreError::Refused(ServiceError::IdReused { .. }) => ServiceError::IdReused {
                    client_msg_id: client_msg_id.to_owned(),
                }
                .into(),
                other => other,
            })?;
        if let Some(seq) = before {
            let duplicate = true;
            return Ok((Accepted { seq, duplicate }, Vec::new()));
        }
        let head = conversations::head(tx, &record.conversation)?;
        if head.closed_at.is_some() || head.owner == Owner::Closed {
            return Err(ServiceError::Closed.into());
        }
        let owns = head.owner == Owner::Agent && head.epoch == record.epoch;
        if !owns || !handoffs::activate(tx, id, &agent.id)? {
            return Err(not_theirs(&record));
        }
        let message = MessageEvent {
            seq: 0,
            at: self.now,
            from: Author::Agent,
            text: text.to_owned(),
            voice: None,
            language: None,
            buttons: Vec::new(),
            links: Vec::new(),
            source: None,
            agent: Some(agent.name.clone()),
            client_msg_id: Some(client_msg_id.to_owned()),
            name: None,
        };
        let rows = self.news(
            tx,
            &record.conversation,
            vec![Body::Message(Box::new(message))],
        )?;
        let seq = rows.first().map_or(0, |row| row.seq);
        journal::mark_seen(tx, &record.conversation, &key, &hash, seq)?;
        let duplicate = false;
        Ok((Accepted { seq, duplicate }, rows))
    }

    /// Keeps a note between staff.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], or SQLite's.
    pub(crate) fn note(
        &self,
        tx: &Transaction<'_>,
        id: &str,
        agent: &Agent,
        text: &str,
    ) -> Result<Rows, StoreError> {
        let record = handoffs::get(tx, id)?;
        self.news(tx, &record.conversation, vec![note(agent, text)])
    }

    /// Moves a conversation to another queue, under a handoff of its own and with its age.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it, [`ServiceError::NotFound`] for the queue,
    /// or SQLite's.
    pub(crate) fn transfer(
        &self,
        tx: &Transaction<'_>,
        id: &str,
        agent: &Agent,
        (new_id, queue, text): (&str, &str, &str),
    ) -> Result<Rows, StoreError> {
        let declared = self.bundle.queues.get(queue).ok_or_else(|| {
            let what = format!("queue `{queue}`");
            StoreError::from(ServiceError::NotFound { what })
        })?;
        let record = self.end(tx, id, agent, Stage::Transferred)?;
        if !self.is_open(tx, &record)? {
            return Err(ServiceError::Closed.into());
        }
        let epoch = self.change_owner(tx, &record, Owner::Queue)?;
        let mut envelope = record.envelope.clone();
        envelope.related.push(id.to_owned());
        envelope.handoff_id = new_id.to_owned();
        envelope.previous_segment_id = Some(segment(&record.conversation, record.epoch));
        envelope.segment_id = segment(&record.conversation, epoch);
        envelope.epoch = epoch;
        envelope.routing.queue = queue.to_owned();
        envelope.routing.priority = declared.priority;
        handoffs::insert(tx, &envelope, None)?;
        let standing = self.standing_of(tx, new_id)?;
        handoffs::told(tx, new_id, standing.position)?;
        let mut bodies = Vec::new();
        if !text.is_empty() {
            bodies.push(note(agent, text));
        }
        bodies.push(Body::Handoff(self.queued(&envelope, standing)));
        bodies.push(Body::Input(Input::event(EventKind::Queued {
            queue: queue.to_owned(),
            position: standing.position,
            wait_s: standing.wait_s,
        })));
        let mut rows = self.news(tx, &record.conversation, bodies)?;
        self.report(tx, &rows, id, |_| {})?;
        self.report(tx, &rows, new_id, |status| status.standing(standing))?;
        rows.extend(self.moved(tx)?);
        Ok(rows)
    }

    /// Hands the customer back to the bot. A second time it does nothing.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it, or SQLite's.
    pub(crate) fn give_back(
        &self,
        tx: &Transaction<'_>,
        id: &str,
        agent: &Agent,
        flow: Option<&str>,
    ) -> Result<Rows, StoreError> {
        let before = handoffs::get(tx, id)?;
        if before.stage == Stage::Returned && before.agent.as_ref() == Some(&agent.id) {
            return Ok(Vec::new());
        }
        let record = self.end(tx, id, agent, Stage::Returned)?;
        let event = EventKind::Returned {
            flow: flow.map(str::to_owned),
        };
        self.leave(tx, &record, HandoffStatus::Returned, event, Vec::new())
    }

    /// Ends the contact with a note. A second time it does nothing.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where the agent does not have it, or SQLite's.
    pub(crate) fn wrap_up(
        &self,
        tx: &Transaction<'_>,
        id: &str,
        agent: &Agent,
        text: &str,
        resolved: bool,
    ) -> Result<Rows, StoreError> {
        let before = handoffs::get(tx, id)?;
        if before.stage == Stage::Closed && before.agent.as_ref() == Some(&agent.id) {
            return Ok(Vec::new());
        }
        let record = self.end(tx, id, agent, Stage::Closed)?;
        handoffs::set_note(tx, id, text, resolved)?;
        let mut first = Vec::new();
        if !text.is_empty() {
            first.push(note(agent, text));
        }
        self.leave(
            tx,
            &record,
            HandoffStatus::Closed,
            EventKind::WrappedUp,
            first,
        )
    }

    /// Puts the conversations of an agent who is gone back into their queues, with their age.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn requeue_abandoned(
        &self,
        tx: &Transaction<'_>,
        agent: &str,
    ) -> Result<Rows, StoreError> {
        let mut rows = Vec::new();
        for record in handoffs::of_agent(tx, agent)? {
            let id = &record.id;
            // One that is over only lacks its note, and nobody is left to write it.
            if !self.is_open(tx, &record)? {
                handoffs::end(tx, id, agent, Stage::Closed, self.now)?;
                self.report(tx, &[], id, |_| {})?;
                continue;
            }
            handoffs::release(tx, id)?;
            self.change_owner(tx, &record, Owner::Queue)?;
            let queue = &record.envelope.routing.queue;
            let standing = self.standing_of(tx, id)?;
            handoffs::told(tx, id, standing.position)?;
            let name = record.agent_name.as_deref().unwrap_or("the agent");
            let bodies = vec![
                Body::Note(Note {
                    by: self.bundle.name.clone(),
                    text: format!("{name} was gone; the customer waits again"),
                }),
                Body::Handoff(self.queued(&record.envelope, standing)),
                Body::Input(Input::event(EventKind::Queued {
                    queue: queue.clone(),
                    position: standing.position,
                    wait_s: standing.wait_s,
                })),
            ];
            let news = self.news(tx, &record.conversation, bodies)?;
            self.report(tx, &news, id, |status| status.standing(standing))?;
            rows.extend(news);
        }
        if !rows.is_empty() {
            rows.extend(self.moved(tx)?);
        }
        Ok(rows)
    }

    /// Tells everyone who waits and whose place in their queue or wait changed, as far as they want to know. Another
    /// queue that moves changes no place in this one, but it does change the wait: the agents are the same.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn moved(&self, tx: &Transaction<'_>) -> Result<Rows, StoreError> {
        let mut places = handoffs::places(tx)?;
        let standings = self.order(tx, &mut places)?;
        let mut rows = Vec::new();
        for (place, standing) in places.iter().zip(standings) {
            let position = standing.position;
            let news = position <= NEWS || position.is_multiple_of(NEWS);
            if !news || self.knows(tx, place, standing)? {
                continue;
            }
            handoffs::told(tx, &place.handoff, position)?;
            let moved = Input::event(EventKind::PositionChanged {
                position,
                wait_s: standing.wait_s,
            });
            let event = self.queued(&handoffs::get(tx, &place.handoff)?.envelope, standing);
            let bodies = vec![Body::Handoff(event), Body::Input(moved)];
            // Whatever caused it, it was nothing in this conversation.
            rows.extend(journal::append(
                tx,
                &place.conversation,
                self.now,
                0,
                bodies,
            )?);
        }
        Ok(rows)
    }

    /// The customer was told this place and this wait already.
    fn knows(
        &self,
        tx: &Transaction<'_>,
        place: &QueueEntry,
        standing: QueuePosition,
    ) -> Result<bool, StoreError> {
        if place.told != Some(standing.position) {
            return Ok(false);
        }
        let told = journal::last_handoff(tx, &place.conversation)?.and_then(|event| event.wait_s);
        Ok(QueuePosition::minutes(told) == QueuePosition::minutes(standing.wait_s))
    }

    /// Where a handoff stands that waits.
    fn standing_of(&self, connection: &Connection, id: &str) -> Result<QueuePosition, StoreError> {
        let mut places = handoffs::places(connection)?;
        let standings = self.order(connection, &mut places)?;
        let at = places.iter().position(|place| place.handoff == id);
        at.and_then(|at| standings.get(at).copied())
            .ok_or_else(|| StoreError::Sql("a handoff is not in the queue it was put in".into()))
    }

    fn order(
        &self,
        connection: &Connection,
        places: &mut [QueueEntry],
    ) -> Result<Vec<QueuePosition>, StoreError> {
        queue::order(places);
        let available = staff::available(connection, self.now)?;
        Ok(queue::standings(places, &self.bundle.queues, available))
    }

    /// Ends a handoff that the agent has.
    fn end(
        &self,
        tx: &Transaction<'_>,
        id: &str,
        agent: &Agent,
        stage: Stage,
    ) -> Result<Record, StoreError> {
        let record = handoffs::get(tx, id)?;
        if handoffs::end(tx, id, &agent.id, stage, self.now)? {
            return Ok(record);
        }
        Err(not_theirs(&record))
    }

    /// Gives a conversation from an agent to the bot, unless it is over: then only the desk's side
    /// ends.
    fn leave(
        &self,
        tx: &Transaction<'_>,
        record: &Record,
        status: HandoffStatus,
        event: EventKind,
        mut bodies: Vec<Body>,
    ) -> Result<Rows, StoreError> {
        if self.is_open(tx, record)? {
            self.change_owner(tx, record, Owner::Bot)?;
            bodies.push(Body::Handoff(self.plain(&record.id, status)));
            bodies.push(Body::Input(Input::event(event)));
        }
        let rows = self.news(tx, &record.conversation, bodies)?;
        self.report(tx, &rows, &record.id, |_| {})?;
        Ok(rows)
    }

    fn is_open(&self, tx: &Transaction<'_>, record: &Record) -> Result<bool, StoreError> {
        let head = conversations::head(tx, &record.conversation)?;
        Ok(head.closed_at.is_none() && head.owner != Owner::Closed)
    }

    fn change_owner(
        &self,
        tx: &Transaction<'_>,
        record: &Record,
        owner: Owner,
    ) -> Result<u64, StoreError> {
        let epoch = conversations::give(tx, &record.conversation, owner)?;
        handoffs::set_epoch(tx, &record.id, epoch)?;
        Ok(epoch)
    }

    fn news(
        &self,
        tx: &Transaction<'_>,
        conversation: &str,
        bodies: Vec<Body>,
    ) -> Result<Rows, StoreError> {
        journal::append(tx, conversation, self.now, self.cause, bodies)
    }

    /// Puts the state that a handoff has now into the outbox.
    fn report(
        &self,
        tx: &Transaction<'_>,
        rows: &[Row],
        id: &str,
        more: impl FnOnce(&mut Status),
    ) -> Result<(), StoreError> {
        if !self.report {
            return Ok(());
        }
        let record = handoffs::get(tx, id)?;
        let seq = rows.last().map_or(0, |row| row.seq);
        let mut status = Status::of(&record, seq, self.now);
        more(&mut status);
        status::put(tx, &record.conversation, &status)
    }

    /// What a queue is called in a language, or in the bot's first where it has no title in that.
    pub(crate) fn title(&self, queue: &str, language: &str) -> Option<String> {
        let titles = &self.bundle.queues.get(queue)?.title;
        titles
            .get(language)
            .or_else(|| titles.get(self.bundle.languages.first()?))
            .or_else(|| titles.values().next())
            .cloned()
    }

    fn queued(&self, envelope: &Envelope, standing: QueuePosition) -> HandoffEvent {
        let queue = &envelope.routing.queue;
        HandoffEvent {
            queue: Some(queue.clone()),
            queue_title: self.title(queue, &envelope.locale),
            position: Some(standing.position),
            wait_s: standing.wait_s,
            ..self.plain(&envelope.handoff_id, HandoffStatus::Queued)
        }
    }

    fn plain(&self, id: &str, state: HandoffStatus) -> HandoffEvent {
        HandoffEvent {
            seq: 0,
            at: self.now,
            state,
            handoff_id: id.to_owned(),
            queue: None,
            queue_title: None,
            position: None,
            wait_s: None,
            agent: None,
        }
    }
}

fn note(agent: &Agent, text: &str) -> Body {
    Body::Note(Note {
        by: agent.name.clone(),
        text: text.to_owned(),
    })
}

/// The error for a handoff that waits no longer.
fn over(record: &Record) -> StoreError {
    ServiceError::Conflict {
        message: format!(
            "this conversation no longer waits (it is {}); look at the queue again",
            record.stage.name()
        ),
    }
    .into()
}

/// The error for a handoff that another agent has, or nobody.
fn not_theirs(record: &Record) -> StoreError {
    let message = match (&record.agent_name, record.stage.with_agent()) {
        (Some(name), true) => format!("{name} has this conversation"),
        _ => format!(
            "nobody has this conversation now (it is {}); take it first",
            record.stage.name()
        ),
    };
    ServiceError::Conflict { message }.into()
}

#[cfg(test)]
mod invariants;
#[cfg(test)]
mod tests;
