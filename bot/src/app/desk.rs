//! What the desk may ask of the program.

use tokio::sync::broadcast;

use super::{Accepted, Agent, App, AppError, Assigned, Result, TakeError, Waiting, later};
use crate::handoff::{Envelope, Summary};

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
