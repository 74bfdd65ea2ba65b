//! [`App`]: the only thing that routes and commands call. Cheap to clone.
//!
//! Owns the wiring of the straight line (intake, mailbox, turn, outbox) and of the desk. Must never
//! know HTTP, sockets or a channel's wire format.

mod error;
mod types;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use bellhop_flows::bundle::Bundle;

use crate::actions::Actions;
use crate::clock::Clock;
use crate::handoff::{Envelope, Summary};
use crate::outbox::CustomerEvent;
use crate::understand::{Retrieve, Understand};

pub use error::{AppError, TakeError};
pub use types::*;

/// What an [`App`] is made of.
pub struct Parts {
    /// The compiled bot.
    pub bundle: Arc<Bundle>,
    /// Reads messages; moved to a compute thread of its own.
    pub understand: Box<dyn Understand>,
    /// Finds passages.
    pub retrieve: Arc<dyn Retrieve>,
    /// Calls systems of record.
    pub actions: Actions,
    /// Time.
    pub clock: Clock,
    /// The SQLite file.
    pub store: PathBuf,
    /// The rest.
    pub options: Options,
}

/// Bounds and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Longest that a reading may take before the turn goes on without it.
    pub nlu_timeout: Duration,
    /// Longest message, bytes.
    pub message_bytes: usize,
    /// Where status events of handoffs are posted to, if anywhere.
    pub status_webhook: Option<String>,
    /// Name of the model, for envelopes.
    pub model_version: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nlu_timeout: Duration::from_secs(2),
            message_bytes: 16 * 1024,
            status_webhook: None,
            model_version: "all-MiniLM-L6-v2".to_owned(),
        }
    }
}

/// The running program behind every channel and the desk.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
}

type Result<T> = std::result::Result<T, AppError>;

fn later<T>() -> Result<T> {
    Err(AppError::Unavailable {
        message: "not wired yet".to_owned(),
    })
}

impl App {
    /// Opens the store, picks up every conversation with unprocessed messages and begins to serve.
    /// Must run inside a tokio runtime.
    ///
    /// # Errors
    /// A store that can't be opened, with its path and what to do.
    pub async fn start(parts: Parts) -> Result<Self> {
        Ok(Self {
            inner: Arc::new(Inner { parts }),
        })
    }

    /// Stops taking turns, waits for those that run and closes the store.
    pub async fn shutdown(&self) {}

    /// The compiled bot.
    pub fn bundle(&self) -> &Bundle {
        &self.inner.parts.bundle
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.inner.parts.clock
    }

    /// Tells whether the store answers: for `/readyz`.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub async fn ready(&self) -> Result<()> {
        later()
    }

    /// Opens a conversation, or finds the open one of the same provider key.
    ///
    /// # Errors
    /// The store is away; a customer fact or key beyond 1 KiB; an unknown language.
    pub async fn open(&self, new: NewConversation) -> Result<Opened> {
        let _ = new;
        later()
    }

    /// Checks a conversation's bearer token.
    ///
    /// # Errors
    /// No such conversation, or not its token.
    pub async fn check_token(&self, conversation: &str, token: &str) -> Result<()> {
        let _ = (conversation, token);
        later()
    }

    /// Stores a message. When it returns, the message is durable and will be processed even if the
    /// process dies.
    ///
    /// # Errors
    /// The same id with another body, a closed or unknown conversation, too long, too many waiting,
    /// or a store that can't take it (then nothing is stored).
    pub async fn accept(&self, conversation: &str, inbound: Inbound) -> Result<Accepted> {
        let _ = (conversation, inbound);
        later()
    }

    /// Waits until the turn caused by the message at `seq` is committed and gives what it said.
    ///
    /// # Errors
    /// No such message, or the turn took longer than `timeout` ([`AppError::StillWorking`]).
    pub async fn reply(&self, conversation: &str, seq: u64, timeout: Duration) -> Result<Reply> {
        let _ = (conversation, seq, timeout);
        later()
    }

    /// Tells everyone watching that the customer is typing. Not stored.
    ///
    /// # Errors
    /// No such conversation.
    pub async fn customer_typing(&self, conversation: &str, on: bool) -> Result<()> {
        let _ = (conversation, on);
        later()
    }

    /// Events of a conversation after a journal seq, oldest first, at most 1,000.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn events(&self, conversation: &str, after: u64) -> Result<Vec<CustomerEvent>> {
        let _ = (conversation, after);
        later()
    }

    /// Events from now on, typing included. Subscribe first, read [`App::events`] after, and drop what
    /// has a seq that was read already; after `Lagged`, read again from the last seq.
    ///
    /// # Errors
    /// Not an id.
    pub fn subscribe(&self, conversation: &str) -> Result<broadcast::Receiver<CustomerEvent>> {
        let _ = conversation;
        later()
    }

    /// Why each turn went as it did, oldest first, the last 200.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn trace(&self, conversation: &str) -> Result<Vec<TurnTrace>> {
        let _ = conversation;
        later()
    }

    /// Closes a conversation: the caller hung up, say. A waiting handoff is abandoned.
    ///
    /// # Errors
    /// No such conversation, or the store is away. Closing a closed one is no error.
    pub async fn close(&self, conversation: &str, reason: &str) -> Result<()> {
        let _ = (conversation, reason);
        later()
    }

    /// The handoff of a conversation that is open now, or its last one.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn handoff_of(&self, conversation: &str) -> Result<Option<String>> {
        let _ = conversation;
        later()
    }

    /// The customer-record summary of any conversation, handed over or not.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn conversation_summary(&self, conversation: &str) -> Result<Summary> {
        let _ = conversation;
        later()
    }
}

/// The desk.
impl App {
    /// Everyone waiting, in the order they will be served.
    ///
    /// # Errors
    /// The store is away.
    pub async fn queue(&self) -> Result<Vec<Waiting>> {
        later()
    }

    /// The conversations an agent has.
    ///
    /// # Errors
    /// The store is away.
    pub async fn mine(&self, agent: &Agent) -> Result<Vec<Assigned>> {
        let _ = agent;
        later()
    }

    /// Takes a waiting conversation. Of many who try, exactly one wins.
    ///
    /// # Errors
    /// Another agent was quicker, it is no longer waiting, or the store is away.
    pub async fn take(
        &self,
        handoff: &str,
        agent: &Agent,
    ) -> std::result::Result<Envelope, TakeError> {
        let _ = (handoff, agent);
        Err(TakeError::App(AppError::Unavailable {
            message: "not wired yet".to_owned(),
        }))
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
        let _ = (handoff, agent, client_msg_id, text);
        later()
    }

    /// Keeps a note between staff; the customer never sees it.
    ///
    /// # Errors
    /// No such handoff, too long, or the store is away.
    pub async fn agent_note(&self, handoff: &str, agent: &Agent, text: &str) -> Result<()> {
        let _ = (handoff, agent, text);
        later()
    }

    /// Tells the customer that the agent is typing. Not stored.
    ///
    /// # Errors
    /// The agent does not have this conversation.
    pub async fn agent_typing(&self, handoff: &str, agent: &Agent, on: bool) -> Result<()> {
        let _ = (handoff, agent, on);
        later()
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
        let _ = (handoff, agent, queue, note);
        later()
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
        let _ = (handoff, agent, flow);
        later()
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
        let _ = (handoff, agent, note, resolved);
        later()
    }

    /// A first draft of the wrap-up note.
    ///
    /// # Errors
    /// No such handoff, or the store is away.
    pub async fn wrap_up_draft(&self, handoff: &str) -> Result<String> {
        let _ = handoff;
        later()
    }

    /// The envelope, its transcript up to now (or to the end of the handoff).
    ///
    /// # Errors
    /// No such handoff, or the store is away.
    pub async fn envelope(&self, handoff: &str) -> Result<Envelope> {
        let _ = handoff;
        later()
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
        let _ = handoff;
        later()
    }

    /// Fires whenever the queue or anybody's conversations change.
    pub fn desk_changes(&self) -> broadcast::Receiver<()> {
        broadcast::channel(1).1
    }
}

/// Staff.
impl App {
    /// Makes a one-time code (24 hours) that lets somebody in.
    ///
    /// # Errors
    /// A name that is empty or beyond 80 characters, or the store is away.
    pub async fn staff_invite(&self, name: &str, role: Role) -> Result<String> {
        let _ = (name, role);
        later()
    }

    /// Exchanges a one-time code for a session (12 hours).
    ///
    /// # Errors
    /// A code that is wrong, used or expired.
    pub async fn staff_sign_in(&self, code: &str) -> Result<Session> {
        let _ = code;
        later()
    }

    /// Who a session's token belongs to.
    ///
    /// # Errors
    /// The store is away.
    pub async fn staff(&self, token: &str) -> Result<Option<Agent>> {
        let _ = token;
        later()
    }

    /// Takes conversations or not: those who do count for the estimated wait.
    ///
    /// # Errors
    /// The store is away.
    pub async fn set_available(&self, agent: &Agent, available: bool) -> Result<()> {
        let _ = (agent, available);
        later()
    }

    /// Whether an agent takes conversations.
    ///
    /// # Errors
    /// The store is away.
    pub async fn available(&self, agent: &Agent) -> Result<bool> {
        let _ = agent;
        later()
    }
}
