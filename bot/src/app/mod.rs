//! [`App`]: the only thing that routes and commands call. Cheap to clone.
//!
//! Owns the wiring of the straight line (intake, mailbox, turn, outbox) and of the desk. Must never
//! know HTTP, sockets or a channel's wire format.

mod desk;
mod error;
mod staff;
mod types;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use bellhop_flows::bundle::Bundle;

use crate::actions::Actions;
use crate::clock::Clock;
use crate::handoff::Summary;
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
