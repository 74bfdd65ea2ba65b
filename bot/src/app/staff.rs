//! Who may sit at the desk.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::customer::secret;
use super::{App, Result, Services};
use crate::decide::decide;
use crate::encoding::secret_hash;
use crate::error::ServiceError;
use crate::partition::PartitionId;
use crate::plain::{is_blank, one_line};
use crate::rules::queue::{self, Sign, agent_doc};
use crate::rules::staff::{invite, invite_doc, invited, person_doc, session, session_doc, sign_in};
use crate::staff::{Agent, Role, Session};

/// How long a one-time code lets somebody in.
const CODE_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// How long a session lasts.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);
/// Longest name, characters.
const NAME_CHARS: usize = 80;

/// An open desk page.
pub struct AtDesk {
    services: Arc<Services>,
    agent: String,
}

impl Drop for AtDesk {
    fn drop(&mut self) {
        if self.services.pages.left(&self.agent) {
            self.services.sign_soon(&self.agent, Sign::PageGone);
        }
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
        if is_blank(&name) || chars > NAME_CHARS || one_line(&name) != name {
            let message = format!("a name has 1 to {NAME_CHARS} characters, all of them visible");
            return Err(ServiceError::Invalid { message });
        }
        let code = secret()?;
        let hash = secret_hash(&code);
        let (ends, now) = (self.ends(CODE_LIFE), self.services.clock.now());
        let store = &self.services.store;
        decide(store, &PartitionId::staff(), &[], |staff| {
            invite(staff, &hash, (&name, role), ends, now)
        })
        .await?;
        Ok(code)
    }

    /// Exchanges a one-time code for a session (12 hours).
    ///
    /// # Errors
    /// A code that is wrong, used or expired.
    pub async fn staff_sign_in(&self, code: &str) -> Result<Session> {
        let services = &self.services;
        let code = secret_hash(code.trim());
        let token = secret()?;
        let token_hash = secret_hash(&token);
        let (now, ends, id) = (
            services.clock.now(),
            self.ends(SESSION_LIFE),
            services.fresh_id()?,
        );
        let code_doc = invite_doc(&code);
        let staff = PartitionId::staff();
        // Who it is tells which other document is needed.
        let known = services.store.snapshot(&staff, &[&code_doc]).await?;
        let (name, role) = invited(known.as_ref(), &code, now)?;
        let docs = [&*code_doc, &*person_doc(&name, role)];
        let signed_in = decide(&services.store, &staff, &docs, |staff| {
            sign_in(staff, &code, &id, &token_hash, ends, now)
        });
        let agent = signed_in.await?.answer;
        let doc = agent_doc(&agent.id);
        decide(&services.store, &PartitionId::queue(), &[&doc], |queue| {
            queue::sign_in(queue, &agent.id, ends, now)
        })
        .await?;
        Ok(Session { token, agent })
    }

    /// Who a session's token belongs to.
    ///
    /// # Errors
    /// The store is away.
    pub async fn staff(&self, token: &str) -> Result<Option<Agent>> {
        let services = &self.services;
        let (hash, now) = (secret_hash(token), services.clock.now());
        let doc = session_doc(&hash);
        let staff = PartitionId::staff();
        let snapshot = services.store.snapshot(&staff, &[&doc]).await?;
        let agent = session(snapshot.as_ref(), &hash, now)?;
        if let Some(agent) = &agent {
            services.sign_of_life(&agent.id, Sign::Request).await?;
        }
        Ok(agent)
    }

    /// Says that an agent's desk page is open for as long as what it gives lives. Who has no page open
    /// for a minute loses their conversations to the queue.
    pub fn at_desk(&self, agent: &Agent) -> AtDesk {
        let services = Arc::clone(&self.services);
        services.pages.came(&agent.id);
        services.sign_soon(&agent.id, Sign::Page);
        AtDesk {
            services,
            agent: agent.id.clone(),
        }
    }

    /// Takes conversations or not: those who do count for the estimated wait.
    ///
    /// # Errors
    /// The store is away.
    pub async fn set_available(&self, agent: &Agent, available: bool) -> Result<()> {
        let services = &self.services;
        let (doc, now) = (agent_doc(&agent.id), services.clock.now());
        decide(&services.store, &PartitionId::queue(), &[&doc], |queue| {
            queue::set_available(queue, &agent.id, available, now)
        })
        .await?;
        Ok(())
    }

    /// Whether an agent takes conversations.
    ///
    /// # Errors
    /// The store is away.
    pub async fn available(&self, agent: &Agent) -> Result<bool> {
        let services = &self.services;
        let doc = agent_doc(&agent.id);
        let queue = PartitionId::queue();
        let snapshot = services.store.snapshot(&queue, &[&doc]).await?;
        let card = queue::card(snapshot.as_ref(), &agent.id)?;
        Ok(card.is_some_and(|card| card.takes(services.clock.now())))
    }

    fn ends(&self, after: Duration) -> Timestamp {
        let now = self.services.clock.now();
        now.checked_add(after).unwrap_or(Timestamp::MAX)
    }
}

impl Services {
    /// Writes down that somebody at the desk has given a sign of life.
    pub(super) async fn sign_of_life(&self, agent: &str, sign: Sign) -> Result<()> {
        let (doc, now) = (agent_doc(agent), self.clock.now());
        decide(&self.store, &PartitionId::queue(), &[&doc], |queue| {
            queue::sign_of_life(queue, agent, sign, now)
        })
        .await?;
        Ok(())
    }

    /// The same, for whoever can't wait for it.
    fn sign_soon(self: &Arc<Self>, agent: &str, sign: Sign) {
        let (services, agent) = (Arc::clone(self), agent.to_owned());
        // Without a runtime the program is ending, and nobody is gone by that.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            // The next sweep tries again.
            if let Err(error) = services.sign_of_life(&agent, sign).await {
                tracing::warn!(agent, %error, "a sign of life can't be written down");
            }
        });
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
        for name in [
            "",
            " ",
            "a\nb",
            "\u{200b}\u{2060}",
            "Mia\u{202e}",
            &"x".repeat(81),
        ] {
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
