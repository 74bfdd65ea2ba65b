//! What the program has to have written down before it goes on, or after.

use super::{App, Result};
use crate::audit::{Act, By, Deed};
use crate::staff::{Agent, Permission};

/// What is read of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The envelope of a handoff, with what was said.
    Envelope,
    /// A summary for the customer's record.
    Summary,
    /// Why turns went as they did.
    Trace,
    /// A file that the customer sent.
    File,
}

impl Reading {
    fn name(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Summary => "summary",
            Self::Trace => "trace",
            Self::File => "file",
        }
    }
}

impl App {
    /// Writes down that the program was started, and which settings are set; never what they are.
    ///
    /// # Errors
    /// The store is away.
    pub async fn note_start(&self, settings: &[String]) -> Result<()> {
        let deed = Deed::new(By::Program, Act::Start);
        let deed = deed.with("version", env!("CARGO_PKG_VERSION"));
        let deed = deed.with("settings", settings.join(", "));
        self.services.auditor.write(&deed).await
    }

    /// Writes down that somebody was not let in.
    pub async fn note_refused_sign_in(&self, from: &str) {
        let deed = Deed::new(By::Stranger, Act::SignInRefused).with("from", from);
        self.services.auditor.note(&deed).await;
    }

    /// Writes down that somebody was told that they may not do something.
    pub async fn note_refused(&self, agent: &Agent, needed: Permission, what: &str) {
        let deed = Deed::of(agent, Act::Refused).on(what);
        let deed = deed.with("permission", format!("{needed:?}"));
        self.services.auditor.note(&deed).await;
    }

    /// Lets somebody read something of a conversation: if they may, and once it is written down that they do.
    ///
    /// # Errors
    /// They may not, there is no such conversation, or the store is away.
    pub async fn reads(&self, agent: &Agent, conversation: &str, what: Reading) -> Result<()> {
        self.reads_of(agent, conversation, conversation, what).await
    }

    /// The same, of the conversation of a handoff.
    ///
    /// # Errors
    /// They may not, there is no such handoff, or the store is away.
    pub async fn reads_handoff(&self, agent: &Agent, handoff: &str, what: Reading) -> Result<()> {
        let (conversation, _) = self.services.case(handoff).await?;
        self.reads_of(agent, &conversation.id, handoff, what).await
    }

    async fn reads_of(
        &self,
        agent: &Agent,
        conversation: &str,
        of: &str,
        what: Reading,
    ) -> Result<()> {
        self.may_read(agent, conversation).await?;
        let deed = Deed::of(agent, Act::Read).on(of);
        self.services
            .auditor
            .write(&deed.with("what", what.name()))
            .await
    }
}
