//! What the desk may ask of the program.

use std::future::ready;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::broadcast;

use bellhop_flows::engine::state::State;

use super::{App, Result, Services};
use crate::audit::{Act, Deed};
use crate::conversation::journal::{Body, Row};
use crate::conversation::{Accepted, Conversation, HEAD, STATE, read_state};
use crate::decide::{Carried, decide_with};
use crate::encoding::{Unreadable, decode};
use crate::error::{ServiceError, TakeError};
use crate::events::{Author, CustomerEvent};
use crate::handoff::envelope::{Note, Reference};
use crate::handoff::envelope_builder::{self, Facts};
use crate::handoff::listing::{Assigned, Waiting};
use crate::handoff::queue::{QueuePosition, QueueView, Ticket};
use crate::handoff::record::{Record, conversation_of, document, earlier_ids};
use crate::handoff::{self, Envelope, Summary};
use crate::partition::{Kind, PartitionId, Seen};
use crate::plain::is_blank;
use crate::positions;
use crate::rules::Decided;
use crate::rules::channel::{CHANNEL, ChannelState, ECHO};
use crate::rules::desk::{Case, Desk, Taken, may_read, sender_id, title};
use crate::staff::{Agent, Permission};

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
        let services = &self.services;
        let view = positions::queue(&services.store).await?;
        let line = view.line(&services.bundle.queues, services.clock.now());
        let waiting = line.into_iter().map(|(ticket, _)| ticket);
        Ok(waiting.map(|ticket| services.listed(ticket)).collect())
    }

    /// The conversations an agent has.
    ///
    /// # Errors
    /// The store is away.
    pub async fn mine(&self, agent: &Agent) -> Result<Vec<Assigned>> {
        let services = &self.services;
        let view = positions::queue(&services.store).await?;
        let theirs = view.of_agent(&agent.id).into_iter();
        Ok(theirs.map(|ticket| services.listed(ticket)).collect())
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
        let desk = self.services.desk();
        let act = |case: Case<'_>| desk.take(case, agent);
        match self.services.act(handoff, act).await?.answer {
            Taken::Lost { by } => Err(TakeError::AlreadyTaken { by }),
            Taken::Theirs => {
                // With the customer comes all that was said: without an entry nobody reads it.
                let deed = Deed::of(agent, Act::Take).on(handoff);
                self.services.auditor.write(&deed).await?;
                Ok(self.envelope(handoff).await?)
            }
        }
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
        let services = &self.services;
        check("the message", text, services.message_bytes, false)?;
        check("client_msg_id", client_msg_id, ID_BYTES, false)?;
        let (desk, key) = (services.desk(), sender_id(agent, client_msg_id));
        let conversation = services.conversation_of(handoff).await?;
        let seen = || services.stored_under(&conversation, &key).boxed();
        let act = |case: Case<'_>, seen| desk.say(case, agent, (client_msg_id, text), seen);
        let said = services.act_with(handoff, seen, act).await?;
        Ok(Accepted {
            seq: said.first_seq.unwrap_or(said.answer.seq),
            ..said.answer
        })
    }

    /// Keeps a note between staff; the customer never sees it.
    ///
    /// # Errors
    /// No such handoff, too long, or the store is away.
    pub async fn agent_note(&self, handoff: &str, agent: &Agent, text: &str) -> Result<()> {
        check("the note", text, NOTE_BYTES, false)?;
        let desk = self.services.desk();
        let act = |case: Case<'_>| desk.note(case.conversation, agent, text);
        self.services.act(handoff, act).await?;
        Ok(())
    }

    /// Tells the customer that the agent is typing. Not stored.
    ///
    /// # Errors
    /// The agent does not have this conversation.
    pub async fn agent_typing(&self, handoff: &str, agent: &Agent, on: bool) -> Result<()> {
        let record = self.services.record(handoff).await?;
        if !record.is_with(&agent.id) {
            let message = "another has this conversation, or nobody; take it first".to_owned();
            return Err(ServiceError::Conflict { message });
        }
        let conversation = &record.envelope.conversation_id;
        self.services.typing(conversation, Author::Agent, on).await
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
        let services = &self.services;
        let desk = services.desk();
        let priority = services.bundle.queues.get(queue).map(|to| to.priority);
        let view = || positions::queue(&services.store).boxed();
        let act = |case: Case<'_>, view: QueueView| {
            let (asked_at, id) = (case.record.requested_at, &*case.conversation.id);
            let to = (queue, priority.unwrap_or_default(), asked_at, id);
            desk.transfer(case, agent, (queue, note), services.standing_in(&view, to))
        };
        let next = services.act_with(handoff, view, act).await?.answer;
        let deed = Deed::of(agent, Act::Transfer).on(handoff);
        services.auditor.note(&deed.with("queue", queue)).await;
        Ok(next)
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
        let desk = self.services.desk();
        let act = |case: Case<'_>| desk.give_back(case, agent, flow);
        self.services.act(handoff, act).await?;
        let deed = Deed::of(agent, Act::Return).on(handoff);
        self.services.auditor.note(&deed).await;
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
        let desk = self.services.desk();
        let act = |case: Case<'_>| desk.wrap_up(case, agent, note, resolved);
        self.services.act(handoff, act).await?;
        let deed = Deed::of(agent, Act::WrapUp).on(handoff);
        self.services.auditor.note(&deed).await;
        Ok(())
    }

    /// Somebody may read a conversation: any, or those that wait and that are or were theirs, or those that are held to try
    /// the bot out.
    ///
    /// # Errors
    /// They may not, there is no such conversation, or the store is away.
    pub async fn may_read(&self, agent: &Agent, conversation: &str) -> Result<()> {
        let partition = PartitionId::conversation(conversation);
        let snapshot = self
            .services
            .snapshot(&partition, &[HEAD, "handoff/*"])
            .await?;
        let conversation = Conversation::of(&partition, &snapshot)?;
        if may_read(agent, &conversation, &Record::all(&snapshot)?) {
            return Ok(());
        }
        self.note_refused(agent, Permission::ReadAny, &conversation.id)
            .await;
        let message = format!(
            "the role {} may not read this conversation: it neither waits nor is yours",
            agent.role.name()
        );
        Err(ServiceError::Forbidden { message })
    }

    /// The same, of the conversation of a handoff.
    ///
    /// # Errors
    /// They may not, there is no such handoff, or the store is away.
    pub async fn may_read_handoff(&self, agent: &Agent, handoff: &str) -> Result<()> {
        let (conversation, _) = self.services.case(handoff).await?;
        self.may_read(agent, &conversation.id).await
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
        let services = &self.services;
        let (conversation, record) = services.case(handoff).await?;
        let partition = conversation.partition();
        let mut envelope = record.envelope;
        envelope.epoch = record.custody_epoch;
        let others = conversation.head.handoffs.into_iter();
        envelope.related = others.filter(|other| other != handoff).collect();
        envelope.notes_internal = services.notes(&partition).await?;
        envelope.links = services.links(&conversation.head.earlier).await?;
        let said = services.visible(&partition, 0, usize::MAX).await?;
        let mut envelope = services.with_transcript(envelope, &said)?;
        if conversation.head.destination.is_some() {
            let snapshot = services.snapshot(&partition, &[CHANNEL]).await?;
            tell_receipts(&mut envelope, &ChannelState::of(Some(&snapshot))?);
        }
        Ok(envelope)
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
        let record = self.services.record(handoff).await?;
        Ok(handoff::suggested_reply(&record.envelope))
    }

    /// Fires whenever the queue or anybody's conversations change.
    pub fn desk_changes(&self) -> broadcast::Receiver<()> {
        self.services.desk_changes.subscribe()
    }

    /// The handoff of a conversation that is open now, or its last one.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn handoff_of(&self, conversation: &str) -> Result<Option<String>> {
        let partition = PartitionId::conversation(conversation);
        let snapshot = self.services.snapshot(&partition, &[HEAD]).await?;
        let mut head = Conversation::of(&partition, &snapshot)?.head;
        Ok(head.open_handoff.or_else(|| head.handoffs.pop()))
    }

    /// The customer-record summary of any conversation, handed over or not.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn conversation_summary(&self, conversation: &str) -> Result<Summary> {
        if let Some(handoff) = self.handoff_of(conversation).await? {
            return self.summary(&handoff).await;
        }
        let services = &self.services;
        let partition = PartitionId::conversation(conversation);
        let snapshot = services.snapshot(&partition, &[HEAD, STATE]).await?;
        let head = Conversation::of(&partition, &snapshot)?.head;
        let kept = snapshot.doc(STATE).and_then(|body| read_state(body));
        let state = kept.map_or_else(
            || State {
                channel: head.channel.clone(),
                language: head.language.clone(),
                customer: head.customer.clone(),
                ..State::default()
            },
            |kept| kept.state,
        );
        let facts = Facts {
            conversation: conversation.to_owned(),
            at: head.opened_at,
            verified: head.verified,
            ..Facts::default()
        };
        let envelope = envelope_builder::envelope(&services.bundle, &state, None, &facts);
        let said = services.visible(&partition, 0, usize::MAX).await?;
        Ok(services.with_transcript(envelope, &said)?.to_summary())
    }
}

impl Services {
    /// The desk at this moment.
    pub(super) fn desk(&self) -> Desk<'_> {
        Desk {
            bundle: &self.bundle,
            gate: &self.gate,
            now: self.clock.now(),
            report: self.report,
        }
    }

    /// The conversation that a handoff belongs to.
    async fn conversation_of(&self, handoff: &str) -> Result<PartitionId> {
        if let Some(conversation) = conversation_of(handoff) {
            return Ok(PartitionId::conversation(conversation));
        }
        let earlier = earlier_ids();
        let snapshot = self.store.snapshot(&earlier, &[handoff]).await?;
        let doc = snapshot.as_ref().and_then(|snapshot| snapshot.doc(handoff));
        let conversation: String = decode("id", doc.ok_or_else(|| not_known(handoff))?)?;
        Ok(PartitionId::conversation(&conversation))
    }

    /// Carries out an act of the desk.
    async fn act<T: Send>(
        &self,
        handoff: &str,
        mut act: impl FnMut(Case<'_>) -> Decided<T> + Send,
    ) -> Result<Carried<T>> {
        let nothing = || ready(Ok(())).boxed();
        self.act_with(handoff, nothing, |case, ()| act(case)).await
    }

    /// Carries out an act of the desk that has to know something else as well.
    async fn act_with<'a, X: Send, T: Send>(
        &self,
        handoff: &str,
        also: impl Fn() -> BoxFuture<'a, Result<X>> + Send,
        mut act: impl FnMut(Case<'_>, X) -> Decided<T> + Send,
    ) -> Result<Carried<T>> {
        let partition = self.conversation_of(handoff).await?;
        let docs = [HEAD, &*document(handoff)];
        decide_with(&self.store, &partition, &docs, also, |snapshot, also| {
            let snapshot = snapshot.ok_or_else(|| not_known(handoff))?;
            let record = Record::of(snapshot, handoff)?.ok_or_else(|| not_known(handoff))?;
            let conversation = &Conversation::of(&partition, snapshot)?;
            let case = Case {
                conversation,
                record,
            };
            act(case, also)
        })
        .await
    }

    pub(super) async fn stored_under(
        &self,
        conversation: &PartitionId,
        sender_id: &str,
    ) -> Result<Option<Seen>> {
        Ok(self.store.seen(conversation, sender_id).await?)
    }

    /// A handoff with its conversation.
    pub(super) async fn case(&self, handoff: &str) -> Result<(Conversation, Record)> {
        let partition = self.conversation_of(handoff).await?;
        let doc = document(handoff);
        let snapshot = self.store.snapshot(&partition, &[HEAD, &doc]).await?;
        let snapshot = snapshot.ok_or_else(|| not_known(handoff))?;
        let record = Record::of(&snapshot, handoff)?.ok_or_else(|| not_known(handoff))?;
        Ok((Conversation::of(&partition, &snapshot)?, record))
    }

    async fn record(&self, handoff: &str) -> Result<Record> {
        Ok(self.case(handoff).await?.1)
    }

    /// Where a handoff would stand in its queue.
    pub(super) fn standing(&self, view: &QueueView, record: &Record) -> QueuePosition {
        let (routing, conversation) = (&record.envelope.routing, &record.envelope.conversation_id);
        let to = (
            &*routing.queue,
            routing.priority,
            record.requested_at,
            &**conversation,
        );
        self.standing_in(view, to)
    }

    fn standing_in(
        &self,
        view: &QueueView,
        (queue, priority, asked_at, conversation): (&str, u8, Timestamp, &str),
    ) -> QueuePosition {
        let (queues, now) = (&self.bundle.queues, self.clock.now());
        view.standing(queue, priority, asked_at, Some(conversation), queues, now)
    }

    fn listed(&self, ticket: &Ticket) -> Waiting {
        let waited = self.clock.now().duration_since(ticket.asked_at).as_secs();
        let ticket = ticket.clone();
        Waiting {
            handoff_id: ticket.handoff,
            conversation_id: ticket.conversation,
            queue_title: title(&self.bundle, &ticket.queue, "").unwrap_or_default(),
            queue: ticket.queue,
            priority: ticket.priority,
            waited_s: u64::try_from(waited).unwrap_or(0),
            reason: ticket.reason,
            customer: ticket.customer,
            intent: ticket.intent,
            issue: ticket.issue,
            channel: ticket.channel,
            language: ticket.language,
            state: ticket.stage.name().to_owned(),
        }
    }

    /// Links to earlier conversations, those that are still kept.
    async fn links(&self, earlier: &[String]) -> Result<Vec<Reference>> {
        let mut links = Vec::new();
        for id in earlier {
            let partition = PartitionId::conversation(id);
            if self.store.snapshot(&partition, &[]).await?.is_some() {
                links.push(Reference::conversation(id));
            }
        }
        Ok(links)
    }

    /// Notes between staff on a conversation, oldest first.
    async fn notes(&self, partition: &PartitionId) -> Result<Vec<Note>> {
        let entries = self.store.log(partition, 0, usize::MAX).await?;
        let mut notes = Vec::new();
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Note) {
            if let Body::Note(note) = Row::of(entry)?.body {
                notes.push(Note {
                    at: entry.at,
                    by: note.by,
                    text: note.text,
                });
            }
        }
        Ok(notes)
    }

    fn with_transcript(
        &self,
        mut envelope: Envelope,
        said: &[CustomerEvent],
    ) -> std::result::Result<Envelope, Unreadable> {
        handoff::add_transcript(&mut envelope, &self.bundle, said).map_err(|error| Unreadable {
            what: "transcript",
            why: error.to_string(),
        })?;
        Ok(envelope)
    }
}

/// Puts into a transcript what is known of our messages' way: waiting, sent, delivered, read, or failed and why.
fn tell_receipts(envelope: &mut Envelope, state: &ChannelState) {
    for item in &mut envelope.transcript.items {
        let seq = item
            .meta
            .get("journal_seq")
            .and_then(|seq| seq.parse().ok());
        let by_us = item.meta.get("client_msg_id");
        let echo = by_us.is_some_and(|id| id.starts_with(ECHO));
        if item.kind == "text"
            && item.from != "customer"
            && !echo
            && let Some(stands) = seq.map(|seq| state.of_message(seq))
        {
            let name = stands.state.name().to_owned();
            item.meta.insert("delivery".to_owned(), name);
            if let Some(why) = stands.reason {
                item.meta.insert("delivery_reason".to_owned(), why);
            }
        }
    }
}

fn not_known(handoff: &str) -> ServiceError {
    ServiceError::NotFound {
        what: format!("handoff `{handoff}`"),
    }
}

fn check(what: &str, text: &str, limit: usize, may_be_empty: bool) -> Result<()> {
    if text.len() > limit {
        let message = format!("{what} has {} bytes; at most {limit} are taken", text.len());
        return Err(ServiceError::Invalid { message });
    }
    if is_blank(text) && !may_be_empty {
        let message = format!("{what} is empty; write something");
        return Err(ServiceError::Invalid { message });
    }
    Ok(())
}

#[cfg(test)]
mod bags;
#[cfg(test)]
mod tests;
