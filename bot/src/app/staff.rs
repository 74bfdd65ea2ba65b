//! Who may sit at the desk.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::customer::secret;
use super::{App, Core, Result};
use crate::error::ServiceError;
use crate::staff::{Agent, Role, Session};
use crate::store::{hash_of, staff};

/// How long a one-time code lets somebody in.
const CODE_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// How long a session lasts.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);
/// Longest name, characters.
const NAME_CHARS: usize = 80;

/// An open desk page.
pub struct AtDesk {
    core: Arc<Core>,
    agent: String,
}

impl Drop for AtDesk {
    fn drop(&mut self) {
        self.core.presence.left(&self.agent, self.core.clock.now());
    }
}

impl App {
    /// Makes a one-time code (24 hours) that lets somebody in. The same name with the same role is
    /// the same person.
    ///
    /// # Errors
    /// A name that is empty or beyond 80 characters, or the store is away.
    pub async fn staff_invite(&self, name: &str, role: Role) -> Result<String> {
        let name = name.trim().to_owned();
        let chars = name.chars().count();
        if chars == 0 || chars > NAME_CHARS || name.chars().any(char::is_control) {
            let message = format!("a name has 1 to {NAME_CHARS} characters, all of them visible");
            return Err(ServiceError::Invalid { message });
        }
        let code = secret()?;
        let hash = hash_of(code.as_bytes());
        let ends = self.ends(CODE_LIFE);
        self.core
            .store
            .write(move |tx| staff::invite(tx, &hash, &name, role, ends))
            .await?;
        Ok(code)
    }

    /// Exchanges a one-time code for a session (12 hours).
    ///
    /// # Errors
    /// A code that is wrong, used or expired.
    pub async fn staff_sign_in(&self, code: &str) -> Result<Session> {
        let code_hash = hash_of(code.trim().as_bytes());
        let token = secret()?;
        let token_hash = hash_of(token.as_bytes());
        let (now, ends, id) = (
            self.core.clock.now(),
            self.ends(SESSION_LIFE),
            self.fresh_id()?,
        );
        let agent = self
            .core
            .store
            .write(move |tx| {
                let (name, role) = staff::redeem(tx, &code_hash, now)?;
                staff::sign_in(tx, Agent { id, name, role }, &token_hash, ends)
            })
            .await?;
        Ok(Session { token, agent })
    }

    /// Who a session's token belongs to.
    ///
    /// # Errors
    /// The store is away.
    pub async fn staff(&self, token: &str) -> Result<Option<Agent>> {
        let (hash, now) = (hash_of(token.as_bytes()), self.core.clock.now());
        let found = self.core.store.read(move |c| staff::session(c, &hash, now));
        let agent = found.await?;
        if let Some(agent) = &agent {
            self.core.presence.seen(&agent.id, now);
        }
        Ok(agent)
    }

    /// Says that an agent's desk page is open for as long as what it gives lives. Who has no page open
    /// for a minute loses their conversations to the queue.
    pub fn at_desk(&self, agent: &Agent) -> AtDesk {
        let core = Arc::clone(&self.core);
        core.presence.came(&agent.id, core.clock.now());
        AtDesk {
            core,
            agent: agent.id.clone(),
        }
    }

    /// Takes conversations or not: those who do count for the estimated wait.
    ///
    /// # Errors
    /// The store is away.
    pub async fn set_available(&self, agent: &Agent, available: bool) -> Result<()> {
        let id = agent.id.clone();
        self.core
            .store
            .write(move |tx| staff::set_available(tx, &id, available))
            .await?;
        self.desk_changed();
        Ok(())
    }

    /// Whether an agent takes conversations.
    ///
    /// # Errors
    /// The store is away.
    pub async fn available(&self, agent: &Agent) -> Result<bool> {
        let (id, now) = (agent.id.clone(), self.core.clock.now());
        let found = self
            .core
            .store
            .read(move |c| staff::is_available(c, &id, now));
        Ok(found.await?)
    }

    fn ends(&self, after: Duration) -> Timestamp {
        let now = self.core.clock.now();
        now.checked_add(after).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::rig::Rig;

    #[tokio::test]
    async fn a_code_lets_one_person_in_once_and_for_a_day() {
        let rig = Rig::new();
        let app = rig.start().await;
        let code = app
            .staff_invite(" Mia ", Role::Agent)
            .await
            .expect("a code");
        let session = app.staff_sign_in(&code).await.expect("a session");
        assert_eq!(session.agent.name, "Mia");
        let again = app.staff_sign_in(&code).await;
        assert_eq!(again, Err(ServiceError::Unauthorized));
        let wrong = app.staff_sign_in("guess").await;
        assert_eq!(wrong, Err(ServiceError::Unauthorized));
        let late = app.staff_invite("Bob", Role::Agent).await.expect("a code");
        rig.clock.advance(CODE_LIFE);
        let late = app.staff_sign_in(&late).await;
        assert_eq!(late, Err(ServiceError::Unauthorized));
        for name in ["", " ", "a\nb", &"x".repeat(81)] {
            let refused = app.staff_invite(name, Role::Agent).await;
            assert!(
                matches!(refused, Err(ServiceError::Invalid { .. })),
                "{name:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_session_lasts_twelve_hours_and_the_next_is_the_same_person() {
        let rig = Rig::new();
        let app = rig.start().await;
        let enter = async || {
            let code = app.staff_invite("Mia", Role::Agent).await.expect("a code");
            app.staff_sign_in(&code).await.expect("a session")
        };
        let first = enter().await;
        app.set_available(&first.agent, true).await.expect("here");
        assert_eq!(app.available(&first.agent).await, Ok(true));
        assert_eq!(app.staff(&first.token).await, Ok(Some(first.agent.clone())));
        assert_eq!(app.staff("guess").await, Ok(None));
        rig.clock.advance(SESSION_LIFE);
        assert_eq!(app.staff(&first.token).await, Ok(None));
        assert_eq!(app.available(&first.agent).await, Ok(false));
        let second = enter().await;
        assert_eq!(second.agent, first.agent);
        assert_ne!(second.token, first.token);
    }

    #[tokio::test]
    async fn no_code_and_no_token_is_in_the_file() {
        let rig = Rig::new();
        let app = rig.start().await;
        let code = app.staff_invite("Mia", Role::Agent).await.expect("a code");
        let session = app.staff_sign_in(&code).await.expect("a session");
        app.shutdown().await;
        let folder = rig.store().parent().expect("a folder").to_owned();
        for file in std::fs::read_dir(folder).expect("lists") {
            let bytes = std::fs::read(file.expect("an entry").path()).expect("reads");
            for secret in [&code, &session.token] {
                let found = bytes
                    .windows(secret.len())
                    .any(|at| at == secret.as_bytes());
                assert!(!found);
            }
        }
    }
}
