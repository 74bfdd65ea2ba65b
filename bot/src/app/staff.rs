//! Who may sit at the desk.

use super::{Agent, App, Result, Role, Session, later};

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
