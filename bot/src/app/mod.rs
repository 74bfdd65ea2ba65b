//! [`App`]: the only thing that routes and commands call. Cheap to clone.
//!
//! Owns the wiring of the straight line (intake, mailbox, turn, outbox) and of the desk. Must never
//! know HTTP, sockets or a channel's wire format.

mod customer;
mod desk;
#[cfg(test)]
pub(crate) mod rig;
mod staff;
#[cfg(test)]
mod tests;
mod wiring;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bellhop_flows::bundle::Bundle;

use crate::actions::Actions;
use crate::clock::Clock;
use crate::error::ServiceError;
use crate::store::{Store, conversations};
use crate::understand::{Retrieve, Understand};

pub use staff::AtDesk;
pub(crate) use wiring::Core;

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
    /// Secret that they are signed with; without one they are not signed.
    pub status_secret: Option<String>,
    /// Name of the model, for envelopes.
    pub model_version: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nlu_timeout: Duration::from_secs(2),
            message_bytes: 16 * 1024,
            status_webhook: None,
            status_secret: None,
            model_version: "all-MiniLM-L6-v2".to_owned(),
        }
    }
}

/// The running program behind every channel and the desk.
#[derive(Clone)]
pub struct App {
    pub(crate) core: Arc<Core>,
}

type Result<T> = std::result::Result<T, ServiceError>;

impl App {
    /// Opens the store, picks up every conversation with unprocessed messages and begins to serve.
    /// Must run inside a tokio runtime.
    ///
    /// # Errors
    /// A store that can't be opened, with its path and what to do.
    pub async fn start(parts: Parts) -> Result<Self> {
        let store = Store::open(&parts.store)?;
        let core = Arc::new(Core::new(parts, store)?);
        let left = core.store.read(conversations::unfinished).await?;
        for conversation in &left {
            core.mailbox.wake(&core, conversation);
        }
        tokio::spawn(wiring::watch_idle(Arc::downgrade(&core)));
        wiring::report(&core)?;
        Ok(Self { core })
    }

    /// Stops taking turns, waits for those that run and closes the store.
    pub async fn shutdown(&self) {
        self.core.stop().await;
    }

    /// Lets no turn begin any more; messages are still taken.
    #[cfg(test)]
    pub(crate) async fn shutdown_turns(&self) {
        self.core.mailbox.stop().await;
    }

    /// The compiled bot.
    pub fn bundle(&self) -> &Bundle {
        &self.core.bundle
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Tells whether the store answers: for `/readyz`.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub async fn ready(&self) -> Result<()> {
        // An empty write: goes through the writing thread and a transaction as any other.
        Ok(self.core.store.write(|_| Ok(())).await?)
    }
}
