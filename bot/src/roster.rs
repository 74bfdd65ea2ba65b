//! Letting staff in and putting them out, by the program or by a command beside it. All of it is in the audit log: what lets somebody
//! in before it is done, what puts somebody out after.

use std::time::Duration;

use jiff::Timestamp;

use crate::audit::{Act, By, Deed};
use crate::auditor::Auditor;
use crate::clock::{self, Clock};
use crate::decide::decide;
use crate::encoding::secret_hash;
use crate::error::ServiceError;
use crate::partition::PartitionId;
use crate::plain::{is_blank, one_line};
use crate::rules::queue::{agent_doc, leave};
use crate::rules::staff::{self, INVITE, everything, member_doc};
use crate::staff::{Agent, Revoked, Role, Roster};
use crate::store::Store;

/// How long a one-time code lets somebody in.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// Longest name, characters.
const NAME_CHARS: usize = 80;

type Result<T> = std::result::Result<T, ServiceError>;

/// Makes a one-time code (24 hours) that lets somebody in. The same name is the same person; where it was let in as something else,
/// its session ends at once. Gives the code, and whose session ended.
///
/// # Errors
/// A name that is empty or beyond 80 characters, or the store is away.
pub(crate) async fn invite(
    auditor: &Auditor,
    by: By,
    name: &str,
    role: Role,
) -> Result<(String, Option<Agent>)> {
    let name = name.trim();
    if is_blank(name) || name.chars().count() > NAME_CHARS || one_line(name) != name {
        let message = format!("a name has 1 to {NAME_CHARS} characters, all of them visible");
        return Err(ServiceError::Invalid { message });
    }
    let code = clock::secret().map_err(|error| ServiceError::System {
        message: format!("the system's random source fails ({error})"),
    })?;
    let deed = Deed::new(by, Act::Invite).on(name);
    auditor.write(&deed.with("role", role.name())).await?;
    let Auditor { store, clock, .. } = auditor;
    let (hash, now) = (secret_hash(&code), clock.now());
    let ends = now.checked_add(CODE_LIFE).unwrap_or(Timestamp::MAX);
    let (invites, member) = (format!("{INVITE}*"), member_doc(name));
    let docs = [&*invites, &*member];
    let changed = decide(store, &PartitionId::staff(), &docs, |staff| {
        staff::invite(staff, &hash, (name, role), ends, now)
    })
    .await?
    .answer;
    if let Some(changed) = &changed {
        gone(store, &changed.id, now).await?;
    }
    Ok((code, changed))
}

/// Who is let in, and who may come.
///
/// # Errors
/// The store is away.
pub(crate) async fn list(store: &Store, clock: &Clock) -> Result<Roster> {
    let docs = everything();
    let docs = docs.each_ref().map(String::as_str);
    let snapshot = store.snapshot(&PartitionId::staff(), &docs).await?;
    staff::roster(snapshot.as_ref(), clock.now())
}

/// Puts out whatever has this id: somebody (who may be named as well), a session, an invitation.
///
/// # Errors
/// Nothing has it, or the store is away.
pub(crate) async fn revoke(auditor: &Auditor, by: By, id: &str) -> Result<Revoked> {
    let Auditor { store, clock, .. } = auditor;
    let now = clock.now();
    let docs = everything();
    let docs = docs.each_ref().map(String::as_str);
    let revoked = decide(store, &PartitionId::staff(), &docs, |staff| {
        staff::revoke(staff, id, now)
    })
    .await?
    .answer;
    if let Revoked::Member(agent) | Revoked::Session(agent) = &revoked {
        gone(store, &agent.id, now).await?;
    }
    let deed = Deed::new(by, Act::Revoke).on(id);
    let deed = match &revoked {
        Revoked::Member(agent) => deed
            .with("what", "member")
            .with("name", agent.name.as_str()),
        Revoked::Session(agent) => deed
            .with("what", "session")
            .with("name", agent.name.as_str()),
        Revoked::Invites(name) => deed.with("what", "invitation").with("name", name.as_str()),
    };
    auditor.note(&deed).await;
    Ok(revoked)
}

/// Ends the session of a token; gives whose it was.
///
/// # Errors
/// The store is away.
pub(crate) async fn sign_out(auditor: &Auditor, token: &str) -> Result<Option<Agent>> {
    let Auditor { store, clock, .. } = auditor;
    let (hash, now) = (secret_hash(token), clock.now());
    let doc = staff::session_doc(&hash);
    let left = decide(store, &PartitionId::staff(), &[&doc], |staff| {
        staff::sign_out(staff, &hash, now)
    })
    .await?
    .answer;
    if let Some(agent) = &left {
        gone(store, &agent.id, now).await?;
        auditor.note(&Deed::of(agent, Act::SignOut)).await;
    }
    Ok(left)
}

/// The queue knows from here on that somebody is not there; the next sweep gives their customers to others.
async fn gone(store: &Store, agent: &str, now: Timestamp) -> Result<()> {
    let doc = agent_doc(agent);
    decide(store, &PartitionId::queue(), &[&doc], |queue| {
        leave(queue, agent, now)
    })
    .await?;
    Ok(())
}
