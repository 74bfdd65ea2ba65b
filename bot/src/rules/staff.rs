//! Who is let in. Codes and tokens are kept as hashes only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Decided, Decision};
use crate::encoding::{Unreadable, decode, encode};
use crate::error::ServiceError;
use crate::partition::{Commit, PartitionId, Snapshot};
use crate::staff::{Agent, OpenInvite, OpenSession, Revoked, Role, Roster};

/// Documents of invitations, by the hash of their code.
pub(crate) const INVITE: &str = "invite/";
/// Documents of sessions, by the hash of their token.
pub(crate) const SESSION: &str = "session/";
/// Documents of people, by name: the same name is the same person.
pub(crate) const MEMBER: &str = "member/";

/// Characters of a hash that name an invitation or a session where they are listed.
const ID_CHARS: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
struct Invite {
    name: String,
    role: Role,
    expires_at: Timestamp,
}

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptSession {
    /// Whose.
    pub(crate) agent: Agent,
    /// When it runs out.
    pub(crate) expires_at: Timestamp,
}

/// Somebody who was let in: keeps their id, and the session that they have.
#[derive(Debug, Serialize, Deserialize)]
struct Member {
    agent: Agent,
    session: String,
}

/// Name of the document of an invitation.
pub(crate) fn invite_doc(code_hash: &str) -> String {
    format!("{INVITE}{code_hash}")
}

/// Name of the document of a session.
pub(crate) fn session_doc(token_hash: &str) -> String {
    format!("{SESSION}{token_hash}")
}

/// Name of the document of a person.
pub(crate) fn member_doc(name: &str) -> String {
    format!("{MEMBER}{name}")
}

/// What every rule sees that has to know all of it.
pub(crate) fn everything() -> [String; 3] {
    [INVITE, SESSION, MEMBER].map(|prefix| format!("{prefix}*"))
}

/// Keeps a code that lets somebody in once. Whoever is to be something else from then on is that at once no longer what they were:
/// their session ends. Gives whose did.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn invite(
    staff: Option<&Snapshot>,
    code_hash: &str,
    (name, role): (&str, Role),
    expires_at: Timestamp,
    now: Timestamp,
) -> Decided<Option<Agent>> {
    let invite = Invite {
        name: name.to_owned(),
        role,
        expires_at,
    };
    let mut commit = change(staff, now);
    // An older code would make them again what they no longer are.
    for (hash, older) in all::<Invite>(staff, INVITE, "invitation")? {
        if older.name == name && older.role != role {
            commit.docs.insert(invite_doc(&hash), None);
        }
    }
    let body = encode("invitation", &invite)?;
    commit.docs.insert(invite_doc(code_hash), Some(body));
    let changed = member(staff, name)?.filter(|member| member.agent.role != role);
    if let Some(member) = &changed {
        commit.docs.insert(session_doc(&member.session), None);
    }
    let agent = changed.map(|member| member.agent);
    Ok(Decision::Commit(Box::new(commit), agent))
}

/// Whom a code lets in, if it does.
///
/// # Errors
/// [`ServiceError::Unauthorized`] for a code that is wrong, used or expired.
pub(crate) fn invited(
    staff: Option<&Snapshot>,
    code_hash: &str,
    now: Timestamp,
) -> Result<(String, Role), ServiceError> {
    let doc = staff.and_then(|staff| staff.doc(&invite_doc(code_hash)));
    let invite: Invite = decode("invitation", doc.ok_or(ServiceError::Unauthorized)?)?;
    if invite.expires_at <= now {
        return Err(ServiceError::Unauthorized);
    }
    Ok((invite.name, invite.role))
}

/// Uses a code up, and all others of that name, and lets its person in: with the id that they had, or a fresh one. A session that
/// they had ends. `staff` holds all invitations.
///
/// # Errors
/// [`ServiceError::Unauthorized`] for a code that is wrong, used or expired.
pub(crate) fn sign_in(
    staff: Option<&Snapshot>,
    code_hash: &str,
    fresh_id: &str,
    token_hash: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> Decided<Agent> {
    let (name, role) = invited(staff, code_hash, now)?;
    let known = member(staff, &name)?;
    let mut commit = change(staff, now);
    void_invites(staff, &name, &mut commit)?;
    let id = match known {
        Some(known) => {
            commit.docs.insert(session_doc(&known.session), None);
            known.agent.id
        }
        None => fresh_id.to_owned(),
    };
    let agent = Agent { id, name, role };
    let kept = KeptSession {
        agent: agent.clone(),
        expires_at,
    };
    let kept = encode("session", &kept)?;
    commit.docs.insert(session_doc(token_hash), Some(kept));
    let known = Member {
        agent: agent.clone(),
        session: token_hash.to_owned(),
    };
    let known = encode("member", &known)?;
    commit.docs.insert(member_doc(&agent.name), Some(known));
    Ok(Decision::Commit(Box::new(commit), agent))
}

/// A session; none where there is none or it has run out.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn session(
    staff: Option<&Snapshot>,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<KeptSession>, ServiceError> {
    let Some(doc) = staff.and_then(|staff| staff.doc(&session_doc(token_hash))) else {
        return Ok(None);
    };
    let kept: KeptSession = decode("session", doc)?;
    Ok((kept.expires_at > now).then_some(kept))
}

/// Ends a session; gives whose it was.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn sign_out(
    staff: Option<&Snapshot>,
    token_hash: &str,
    now: Timestamp,
) -> Decided<Option<Agent>> {
    let Some(kept) = session(staff, token_hash, now)? else {
        return Ok(Decision::Already(None));
    };
    let mut commit = change(staff, now);
    commit.docs.insert(session_doc(token_hash), None);
    Ok(Decision::Commit(Box::new(commit), Some(kept.agent)))
}

/// Puts out whatever has this id: somebody with all that lets them in, a session, an invitation. Somebody may be named as well.
/// `staff` holds [`everything`].
///
/// # Errors
/// [`ServiceError::NotFound`] where nothing has it.
pub(crate) fn revoke(staff: Option<&Snapshot>, id: &str, now: Timestamp) -> Decided<Revoked> {
    let mut commit = change(staff, now);
    let revoked = match named(staff, id)? {
        Some(agent) => {
            commit.docs.insert(member_doc(&agent.name), None);
            for (hash, kept) in all::<KeptSession>(staff, SESSION, "session")? {
                if kept.agent.id == agent.id {
                    commit.docs.insert(session_doc(&hash), None);
                }
            }
            void_invites(staff, &agent.name, &mut commit)?;
            Some(Revoked::Member(agent))
        }
        None => revoke_one(staff, id, &mut commit)?,
    };
    match revoked {
        Some(revoked) => Ok(Decision::Commit(Box::new(commit), revoked)),
        None => Err(ServiceError::NotFound {
            what: format!("member, session or invitation `{id}`"),
        }),
    }
}

/// Ends the session or voids the invitation of this id, or the invitations for this name.
fn revoke_one(
    staff: Option<&Snapshot>,
    id: &str,
    commit: &mut Commit,
) -> Result<Option<Revoked>, ServiceError> {
    for (hash, kept) in all::<KeptSession>(staff, SESSION, "session")? {
        if short(&hash) == id {
            commit.docs.insert(session_doc(&hash), None);
            return Ok(Some(Revoked::Session(kept.agent)));
        }
    }
    let mut voided = None;
    for (hash, invite) in all::<Invite>(staff, INVITE, "invitation")? {
        if short(&hash) == id || invite.name == id {
            commit.docs.insert(invite_doc(&hash), None);
            voided = Some(Revoked::Invites(invite.name));
        }
    }
    Ok(voided)
}

/// Who is let in, and who may come. `staff` holds [`everything`].
///
/// # Errors
/// A document that can't be read.
pub(crate) fn roster(staff: Option<&Snapshot>, now: Timestamp) -> Result<Roster, ServiceError> {
    let members = all::<Member>(staff, MEMBER, "member")?;
    let sessions = all::<KeptSession>(staff, SESSION, "session")?;
    let sessions = sessions.into_iter().filter(|(_, it)| it.expires_at > now);
    let invites = all::<Invite>(staff, INVITE, "invitation")?;
    let invites = invites.into_iter().filter(|(_, it)| it.expires_at > now);
    Ok(Roster {
        members: members.into_iter().map(|(_, it)| it.agent).collect(),
        sessions: sessions
            .map(|(hash, kept)| OpenSession {
                id: short(&hash).to_owned(),
                agent: kept.agent,
                expires_at: kept.expires_at,
            })
            .collect(),
        invites: invites
            .map(|(hash, invite)| OpenInvite {
                id: short(&hash).to_owned(),
                name: invite.name,
                role: invite.role,
                expires_at: invite.expires_at,
            })
            .collect(),
    })
}

/// Forgets invitations and sessions that have run out, at most `limit`; gives how many.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn forget_expired(
    staff: Option<&Snapshot>,
    limit: usize,
    now: Timestamp,
) -> Decided<usize> {
    let mut commit = change(staff, now);
    for (name, body) in staff.iter().flat_map(|staff| &staff.docs) {
        let ends = if name.starts_with(INVITE) {
            decode::<Invite>("invitation", body)?.expires_at
        } else if name.starts_with(SESSION) {
            decode::<KeptSession>("session", body)?.expires_at
        } else {
            continue;
        };
        if ends <= now && commit.docs.len() < limit {
            commit.docs.insert(name.clone(), None);
        }
    }
    Ok(match commit.docs.len() {
        0 => Decision::Already(0),
        forgotten => Decision::Commit(Box::new(commit), forgotten),
    })
}

/// Somebody by their name.
fn member(staff: Option<&Snapshot>, name: &str) -> Result<Option<Member>, ServiceError> {
    let doc = staff.and_then(|staff| staff.doc(&member_doc(name)));
    Ok(doc.map(|body| decode("member", body)).transpose()?)
}

/// Somebody by their id or name.
fn named(staff: Option<&Snapshot>, id: &str) -> Result<Option<Agent>, ServiceError> {
    let members = all::<Member>(staff, MEMBER, "member")?.into_iter();
    let mut agents = members.map(|(_, member)| member.agent);
    Ok(agents.find(|agent| agent.id == id || agent.name == id))
}

fn void_invites(
    staff: Option<&Snapshot>,
    name: &str,
    commit: &mut Commit,
) -> Result<(), ServiceError> {
    for (hash, invite) in all::<Invite>(staff, INVITE, "invitation")? {
        if invite.name == name {
            commit.docs.insert(invite_doc(&hash), None);
        }
    }
    Ok(())
}

/// The documents below a prefix.
fn all<T: for<'a> Deserialize<'a>>(
    staff: Option<&Snapshot>,
    prefix: &str,
    what: &'static str,
) -> Result<Vec<(String, T)>, Unreadable> {
    let docs = staff.iter().flat_map(|staff| staff.below(prefix));
    docs.map(|(rest, body)| Ok((rest.to_owned(), decode(what, body)?)))
        .collect()
}

fn short(hash: &str) -> &str {
    hash.get(..ID_CHARS).unwrap_or(hash)
}

fn change(staff: Option<&Snapshot>, now: Timestamp) -> Commit {
    let revision = staff.map(|staff| staff.head.revision);
    Commit::new(PartitionId::staff(), revision, now)
}
