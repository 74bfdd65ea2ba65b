//! What the desk may ask of the program.

use tokio::sync::broadcast;

use bellhop_flows::engine::state::State;

use super::{App, Result};
use crate::conversation::Accepted;
use crate::error::{ServiceError, TakeError};
use crate::handoff::desk::{Desk, Taken};
use crate::handoff::envelope::Note;
use crate::handoff::listing::{Assigned, DeskCustomer, Waiting};
use crate::handoff::record::{self, Facts};
use crate::handoff::{self, Envelope, Summary, queue};
use crate::outbox::{Author, CustomerEvent, TypingEvent};
use crate::staff::Agent;
use crate::store::handoffs::{self, Record};
use crate::store::journal::{self, Body};
use crate::store::{StoreError, conversations, parse};

/// Longest note, bytes.
const NOTE_BYTES: usize = 8 * 1024;
/// Longest id of an agent's message, bytes.
const ID_BYTES: usize = 200;

impl App {
    /// Everyone waiting, in the order they will be served.
    ///
    /// # Errors
    /// The store is away.
    pub async fn queue(&self) -> Result<Vec<Waiting>> {
        let records = self.core.store.read(|c| {
            let mut places = handoffs::places(c)?;
            queue::order(&mut places);
            let mut records = handoffs::waiting(c)?;
            let turn = |id: &str| places.iter().position(|place| place.handoff == id);
            records.sort_by_cached_key(|record| turn(&record.id));
            Ok(records)
        });
        Ok(self.list(records.await?))
    }

    /// The conversations an agent has.
    ///
    /// # Errors
    /// The store is away.
    pub async fn mine(&self, agent: &Agent) -> Result<Vec<Assigned>> {
        let agent = agent.id.clone();
        let records = self.core.store.read(move |c| handoffs::of_agent(c, &agent));
        Ok(self.list(records.await?))
    }

    /// Takes a waiting conversation. Of many who try, exactly one wins; the winner may try again.
    ///
    /// # Errors
    /// Another agent was quicker, it is no longer waiting, or the store is away.
    pub async fn take(
        &self,
        handoff: &str,
        agent: &Agent,
    ) -> std::result::Result<Envelope, TakeError> {
        let (id, who, desk) = (handoff.to_owned(), agent.clone(), self.desk());
        let taken = self
            .core
            .post(move |tx, rows| {
                let taken = desk.take(tx, &id, &who)?;
                if let Taken::Won(news) = &taken {
                    rows.extend(news.iter().cloned());
                }
                Ok(taken)
            })
            .await?;
        match taken {
            Taken::Lost { by } => return Err(TakeError::AlreadyTaken { by }),
            Taken::Won(_) => self.desk_changed(),
            Taken::Theirs => {}
        }
        Ok(self.envelope(handoff).await?)
    }

    /// Says something to the customer. The same `client_msg_id` again does nothing twice.
    ///
    /// # Errors
    /// The agent does not have this conversation (any more), too long, or the store is away.
    pub async fn agent_say(
        &self,
        handoff: &str,
        agent: &Agent,
        client_msg_id: &str,
        text: &str,
    ) -> Result<Accepted> {
        check("the message", text, self.core.options.message_bytes, false)?;
        check("client_msg_id", client_msg_id, ID_BYTES, false)?;
        let (id, who, desk) = (handoff.to_owned(), agent.clone(), self.desk());
        let (key, text) = (client_msg_id.to_owned(), text.to_owned());
        self.core
            .post(move |tx, rows| {
                let (accepted, news) = desk.say(tx, &id, &who, &key, &text)?;
                rows.extend(news);
                Ok(accepted)
            })
            .await
    }

    /// Keeps a note between staff; the customer never sees it.
    ///
    /// # Errors
    /// No such handoff, too long, or the store is away.
    pub async fn agent_note(&self, handoff: &str, agent: &Agent, text: &str) -> Result<()> {
        check("the note", text, NOTE_BYTES, false)?;
        let (id, who, desk) = (handoff.to_owned(), agent.clone(), self.desk());
        let text = text.to_owned();
        self.core
            .post(move |tx, rows| {
                rows.extend(desk.note(tx, &id, &who, &text)?);
                Ok(())
            })
            .await?;
        self.desk_changed();
        Ok(())
    }

    /// Tells the customer that the agent is typing. Not stored.
    ///
    /// # Errors
    /// The agent does not have this conversation.
    pub async fn agent_typing(&self, handoff: &str, agent: &Agent, on: bool) -> Result<()> {
        let record = self.record(handoff).await?;
        if !record.stage.with_agent() || record.agent.as_ref() != Some(&agent.id) {
            let message = "another has this conversation, or nobody; take it first".to_owned();
            return Err(ServiceError::Conflict { message });
        }
        self.core.hub.publish(&record.conversation, || {
            Some(CustomerEvent::Typing(TypingEvent {
                from: Author::Agent,
                on,
            }))
        });
        Ok(())
    }

    /// Moves the conversation to another queue with a note for whoever takes it. Gives the new handoff.
    ///
    /// # Errors
    /// The agent does not have it, no such queue, or the store is away.
    pub async fn transfer(
        &self,
        handoff: &str,
        agent: &Agent,
        queue: &str,
        note: &str,
    ) -> Result<String> {
        check("the note", note, NOTE_BYTES, true)?;
        let (id, who, desk) = (handoff.to_owned(), agent.clone(), self.desk());
        let (queue, note) = (queue.to_owned(), note.to_owned());
        let new = self.fresh_id()?;
        let new_id = new.clone();
        self.core
            .post(move |tx, rows| {
                rows.extend(desk.transfer(tx, &id, &who, (&new_id, &queue, &note))?);
                Ok(())
            })
            .await?;
        self.desk_changed();
        Ok(new)
    }

    /// Hands the customer back to the bot, into a flow if one is named.
    ///
    /// # Errors
    /// The agent does not have it, no such flow, or the store is away.
    pub async fn return_to_bot(
        &self,
        handoff: &str,
        agent: &Agent,
        flow: Option<&str>,
    ) -> Result<()> {
        if let Some(flow) = flow
            && !self.bundle().flows.contains_key(flow)
        {
            let what = format!("flow `{flow}`");
            return Err(ServiceError::NotFound { what });
        }
        let (id, who, desk) = (handoff.to_owned(), agent.clone(), self.desk());
        let flow = flow.map(str::to_owned);
        self.core
            .post(move |tx, rows| {
                rows.extend(desk.give_back(tx, &id, &who, flow.as_deref())?);
                Ok(())
            })
            .await?;
        self.desk_changed();
        Ok(())
    }

    /// Ends the contact with a note; the bot then asks the customer for a rating.
    ///
    /// # Errors
    /// The agent does not have it, or the store is away.
    pub async fn wrap_up(
        &self,
        handoff: &str,
        agent: &Agent,
        note: &str,
        resolved: bool,
    ) -> Result<()> {
        check("the note", note, NOTE_BYTES, true)?;
        let (id, who, desk) = (handoff.to_owned(), agent.clone(), self.desk());
        let note = note.to_owned();
        self.core
            .post(move |tx, rows| {
                rows.extend(desk.wrap_up(tx, &id, &who, &note, resolved)?);
                Ok(())
            })
            .await?;
        self.desk_changed();
        Ok(())
    }

    /// A first draft of the wrap-up note.
    ///
    /// # Errors
    /// No such handoff, or the store is away.
    pub async fn wrap_up_draft(&self, handoff: &str) -> Result<String> {
        Ok(handoff::wrap_up_draft(&self.envelope(handoff).await?))
    }

    /// The envelope, its transcript up to now (or to the end of the handoff).
    ///
    /// # Errors
    /// No such handoff, or the store is away.
    pub async fn envelope(&self, handoff: &str) -> Result<Envelope> {
        let (id, desk) = (handoff.to_owned(), self.desk());
        let envelope = self.core.store.read(move |c| {
            let record = handoffs::get(c, &id)?;
            let mut envelope = record.envelope;
            envelope.epoch = record.epoch;
            let all = handoffs::all_of(c, &record.conversation)?;
            envelope.related = all.into_iter().filter(|other| *other != id).collect();
            envelope.notes_internal = notes(c, &record.conversation)?;
            let said = journal::visible(c, &record.conversation, 0, u64::MAX)?;
            complete(envelope, &desk, &said)
        });
        Ok(envelope.await?)
    }

    /// The customer-record summary of a handoff.
    ///
    /// # Errors
    /// No such handoff, or the store is away.
    pub async fn summary(&self, handoff: &str) -> Result<Summary> {
        Ok(self.envelope(handoff).await?.to_summary())
    }

    /// A first reply that the agent may send or change.
    ///
    /// # Errors
    /// No such handoff, or the store is away.
    pub async fn suggested_reply(&self, handoff: &str) -> Result<String> {
        Ok(handoff::suggested_reply(
            &self.record(handoff).await?.envelope,
        ))
    }

    /// Fires whenever the queue or anybody's conversations change.
    pub fn desk_changes(&self) -> broadcast::Receiver<()> {
        self.core.desk.subscribe()
    }

    fn desk(&self) -> Desk {
        self.core.desk_now(0)
    }

    /// Tells the desk's pages to look again.
    pub(super) fn desk_changed(&self) {
        // Nobody may be watching.
        let _ = self.core.desk.send(());
    }

    pub(super) fn fresh_id(&self) -> Result<String> {
        let id = self.core.clock.id().map_err(|error| ServiceError::System {
            message: format!("the system has no random numbers ({error})"),
        })?;
        Ok(id.to_string())
    }

    async fn record(&self, handoff: &str) -> Result<Record> {
        let id = handoff.to_owned();
        Ok(self.core.store.read(move |c| handoffs::get(c, &id)).await?)
    }

    fn list(&self, records: Vec<Record>) -> Vec<Waiting> {
        let now = self.core.clock.now();
        let desk = self.desk();
        records
            .into_iter()
            .map(|record| {
                let waited = now.duration_since(record.requested_at).as_secs();
                let stage = record.stage.name().to_owned();
                let envelope = record.envelope;
                Waiting {
                    handoff_id: record.id,
                    conversation_id: record.conversation,
                    queue_title: desk.title(&envelope.routing.queue, "").unwrap_or_default(),
                    queue: envelope.routing.queue,
                    priority: envelope.routing.priority,
                    waited_s: u64::try_from(waited).unwrap_or(0),
                    reason: envelope.reason,
                    customer: DeskCustomer {
                        id: envelope.customer.id,
                        tier: envelope.customer.tier,
                        display_name: envelope.customer.display_name,
                    },
                    intent: envelope.intent,
                    issue: envelope.summary.issue,
                    channel: envelope.channel,
                    language: envelope.locale,
                    state: stage,
                }
            })
            .collect()
    }
}

/// Records of any conversation.
impl App {
    /// The handoff of a conversation that is open now, or its last one.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn handoff_of(&self, conversation: &str) -> Result<Option<String>> {
        let id = conversation.to_owned();
        let found = self.core.store.read(move |c| {
            conversations::head(c, &id)?;
            match handoffs::open_of(c, &id)? {
                Some(open) => Ok(Some(open.id)),
                None => Ok(handoffs::all_of(c, &id)?.pop()),
            }
        });
        Ok(found.await?)
    }

    /// The customer-record summary of any conversation, handed over or not.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn conversation_summary(&self, conversation: &str) -> Result<Summary> {
        if let Some(handoff) = self.handoff_of(conversation).await? {
            return self.summary(&handoff).await;
        }
        let (id, desk) = (conversation.to_owned(), self.desk());
        let summary = self.core.store.read(move |c| {
            let head = conversations::head(c, &id)?;
            let kept = conversations::snapshot(c, &id)?.and_then(|snapshot| snapshot.state);
            let state = match kept {
                Some(state) => parse("state", &state)?,
                None => State {
                    channel: head.channel.clone(),
                    language: head.language.clone(),
                    customer: head.customer.clone(),
                    ..State::default()
                },
            };
            let facts = Facts {
                conversation: id.clone(),
                at: head.opened_at,
                verified: head.verified,
                ..Facts::default()
            };
            let envelope = record::envelope(&desk.bundle, &state, None, &facts);
            let said = journal::visible(c, &id, 0, u64::MAX)?;
            Ok(complete(envelope, &desk, &said)?.to_summary())
        });
        Ok(summary.await?)
    }
}

fn notes(
    connection: &rusqlite::Connection,
    conversation: &str,
) -> std::result::Result<Vec<Note>, StoreError> {
    let rows = journal::notes(connection, conversation)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.body {
            Body::Note(note) => Some(Note {
                at: row.at,
                by: note.by,
                text: note.text,
            }),
            _ => None,
        })
        .collect())
}

fn complete(
    mut envelope: Envelope,
    desk: &Desk,
    said: &[CustomerEvent],
) -> std::result::Result<Envelope, StoreError> {
    handoff::add_transcript(&mut envelope, &desk.bundle, said).map_err(|error| {
        StoreError::Unreadable {
            what: "transcript",
            why: error.to_string(),
        }
    })?;
    Ok(envelope)
}

fn check(what: &str, text: &str, limit: usize, may_be_empty: bool) -> Result<()> {
    if text.len() > limit {
        let message = format!("{what} has {} bytes; at most {limit} are taken", text.len());
        return Err(ServiceError::Invalid { message });
    }
    if text.trim().is_empty() && !may_be_empty {
        let message = format!("{what} is empty; write something");
        return Err(ServiceError::Invalid { message });
    }
    Ok(())
}

#[cfg(test)]
mod bags;
#[cfg(test)]
mod tests;
