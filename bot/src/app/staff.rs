//! Who may sit at the desk.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFuture};

use super::customer::secret;
use super::{App, Result, Services};
use crate::audit::{Act, By, Deed};
use crate::decide::decide;
use crate::encoding::secret_hash;
use crate::partition::PartitionId;
use crate::roster;
use crate::rules::queue::{self, Sign, agent_doc};
use crate::rules::staff::{
    INVITE, KeptSession, invite_doc, invited, member_doc, session, session_doc, sign_in,
};
use crate::staff::{Agent, Revoked, Role, Roster, Session};

/// How long a session lasts.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);
/// Longest that a stream goes on without a look at its session: news of other processes may be lost, and a command beside the
/// server on a file gives none.
const LOOK: Duration = Duration::from_secs(10);

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

/// A session that is watched for as long as this lives.
pub struct Watched {
    services: Arc<Services>,
    until: Timestamp,
    over: CancellationToken,
    _watch: DropGuard,
}

impl Watched {
    /// Waits until it is over: signed out, revoked, run out.
    pub fn over(&self) -> WaitForCancellationFuture<'_> {
        self.over.cancelled()
    }

    /// It is known to be over.
    pub fn is_over(&self) -> bool {
        self.over.is_cancelled() || self.until <= self.services.clock.now()
    }
}

impl App {
    /// Makes a one-time code (24 hours) that lets somebody in. The same name is the same person; where they were let in as something
    /// else, their session ends at once.
    ///
    /// # Errors
    /// A name that is empty or beyond 80 characters, or the store is away.
    pub async fn staff_invite(&self, name: &str, role: Role) -> Result<String> {
        self.invite_by(By::Program, name, role).await
    }

    /// The same, by somebody who may.
    ///
    /// # Errors
    /// As for [`App::staff_invite`].
    pub async fn staff_invite_by(&self, agent: &Agent, name: &str, role: Role) -> Result<String> {
        self.invite_by(By::Staff(agent.clone()), name, role).await
    }

    async fn invite_by(&self, by: By, name: &str, role: Role) -> Result<String> {
        let services = &self.services;
        let invited = roster::invite(&services.auditor, by, name, role);
        let (code, changed) = invited.await?;
        if changed.is_some() {
            services.give_to_others().await;
        }
        Ok(code)
    }

    /// Who is let in, and who may come.
    ///
    /// # Errors
    /// The store is away.
    pub async fn roster(&self) -> Result<Roster> {
        roster::list(&self.services.store, &self.services.clock).await
    }

    /// Puts somebody out, ends a session or voids an invitation: whatever has this id.
    ///
    /// # Errors
    /// Nothing has it, or the store is away.
    pub async fn staff_revoke(&self, agent: &Agent, id: &str) -> Result<Revoked> {
        let services = &self.services;
        let by = By::Staff(agent.clone());
        let revoked = roster::revoke(&services.auditor, by, id).await?;
        services.give_to_others().await;
        Ok(revoked)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store is away.
    pub async fn staff_sign_out(&self, token: &str) -> Result<()> {
        let services = &self.services;
        roster::sign_out(&services.auditor, token).await?;
        services.give_to_others().await;
        Ok(())
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
        let (name, _) = invited(known.as_ref(), &code, now)?;
        let (invites, member) = (format!("{INVITE}*"), member_doc(&name));
        let docs = [&*invites, &*member];
        let signed_in = decide(&services.store, &staff, &docs, |staff| {
            sign_in(staff, &code, &id, &token_hash, ends, now)
        });
        let agent = signed_in.await?.answer;
        let doc = agent_doc(&agent.id);
        decide(&services.store, &PartitionId::queue(), &[&doc], |queue| {
            queue::sign_in(queue, &agent.id, ends, now)
        })
        .await?;
        // A session that nobody could tell of is given to nobody.
        let deed = Deed::of(&agent, Act::SignIn);
        services.auditor.write(&deed).await?;
        Ok(Session { token, agent })
    }

    /// Who a session's token belongs to.
    ///
    /// # Errors
    /// The store is away.
    pub async fn staff(&self, token: &str) -> Result<Option<Agent>> {
        let services = &self.services;
        let Some(kept) = services.session(&secret_hash(token)).await? else {
            return Ok(None);
        };
        services.sign_of_life(&kept.agent.id, Sign::Request).await?;
        Ok(Some(kept.agent))
    }

    /// Watches a session: whatever goes on under it has to end with it. `None` where it is over already.
    ///
    /// # Errors
    /// The store is away.
    pub async fn watch_session(&self, token: &str) -> Result<Option<Watched>> {
        let (services, hash) = (Arc::clone(&self.services), secret_hash(token));
        // Before it is read: what changes after that is heard.
        let changes = services.staff_changes.subscribe();
        let Some(kept) = services.session(&hash).await? else {
            return Ok(None);
        };
        let (over, watch) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn({
            let (services, over, watch) = (Arc::clone(&services), over.clone(), watch.clone());
            async move {
                tokio::select! {
                    () = watch.cancelled() => {}
                    () = services.session_over(&hash, kept.expires_at, changes) => {
                        over.cancel();
                        services.give_to_others().await;
                    }
                }
            }
        });
        Ok(Some(Watched {
            services,
            until: kept.expires_at,
            over,
            _watch: watch.drop_guard(),
        }))
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
    /// A session, by its token's hash.
    async fn session(&self, hash: &str) -> Result<Option<KeptSession>> {
        let doc = session_doc(hash);
        let snapshot = self.store.snapshot(&PartitionId::staff(), &[&doc]).await?;
        session(snapshot.as_ref(), hash, self.clock.now())
    }

    /// Ends when a session is over.
    async fn session_over(
        &self,
        hash: &str,
        until: Timestamp,
        mut changes: broadcast::Receiver<()>,
    ) {
        loop {
            let left = until.duration_since(self.clock.now());
            let left = Duration::try_from(left).unwrap_or_default();
            tokio::select! {
                biased;
                _ = changes.recv() => {}
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
            // A store that is away tells nothing; what goes on has to ask it anyway.
            if let Ok(None) = self.session(hash).await {
                return;
            }
        }
    }

    /// Gives the customers of those who are gone to others.
    async fn give_to_others(&self) {
        // The next sweep tries again.
        if let Err(error) = self.requeue_abandoned().await {
            tracing::warn!(%error, "customers of agents who are gone can't be given to others yet");
        }
    }

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
    use crate::error::ServiceError;
    use crate::roster::CODE_LIFE;

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
