//! Who is let in. Codes and tokens are kept as hashes only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Decided, Decision};
use crate::encoding::{decode, encode};
use crate::error::ServiceError;
use crate::partition::{Commit, PartitionId, Snapshot};
use crate::staff::{Agent, Role};

#[derive(Debug, Serialize, Deserialize)]
struct Invite {
    name: String,
    role: Role,
    expires_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptSession {
    agent: Agent,
    expires_at: Timestamp,
}

/// Somebody who was let in before: keeps their id, and the session that they have.
#[derive(Debug, Serialize, Deserialize)]
struct Person {
    id: String,
    session: String,
}

/// Name of the document of an invitation.
pub(crate) fn invite_doc(code_hash: &str) -> String {
    format!("invite/{code_hash}")
}

/// Name of the document of a session.
pub(crate) fn session_doc(token_hash: &str) -> String {
    format!("session/{token_hash}")
}

/// Name of the document of a person: the same name with the same role is the same person.
pub(crate) fn person_doc(name: &str, role: Role) -> String {
    format!("person/{role:?}/{name}")
}

/// Keeps a code that lets somebody in once.
///
/// # Errors
/// None in practice.
pub(crate) fn invite(
    staff: Option<&Snapshot>,
    code_hash: &str,
    (name, role): (&str, Role),
    expires_at: Timestamp,
    now: Timestamp,
) -> Decided<()> {
    let invite = Invite {
        name: name.to_owned(),
        role,
        expires_at,
    };
    let mut commit = change(staff, now);
    let body = encode("invitation", &invite)?;
    commit.docs.insert(invite_doc(code_hash), Some(body));
    Ok(Decision::Commit(Box::new(commit), ()))
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

/// Uses a code up and lets its person in: with the id that they had, or a fresh one. A session that they had ends.
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
    let person = person_doc(&name, role);
    let known = staff.and_then(|staff| staff.doc(&person));
    let known: Option<Person> = known.map(|body| decode("person", body)).transpose()?;
    let mut commit = change(staff, now);
    commit.docs.insert(invite_doc(code_hash), None);
    let id = match known {
        Some(known) => {
            commit.docs.insert(session_doc(&known.session), None);
            known.id
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
    let known = Person {
        id: agent.id.clone(),
        session: token_hash.to_owned(),
    };
    commit.docs.insert(person, Some(encode("person", &known)?));
    Ok(Decision::Commit(Box::new(commit), agent))
}

/// Whose session it is; none where there is none or it has run out.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn session(
    staff: Option<&Snapshot>,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<Agent>, ServiceError> {
    let Some(doc) = staff.and_then(|staff| staff.doc(&session_doc(token_hash))) else {
        return Ok(None);
    };
    let kept: KeptSession = decode("session", doc)?;
    Ok((kept.expires_at > now).then_some(kept.agent))
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
        let ends = if name.starts_with(&invite_doc("")) {
            decode::<Invite>("invitation", body)?.expires_at
        } else if name.starts_with(&session_doc("")) {
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

fn change(staff: Option<&Snapshot>, now: Timestamp) -> Commit {
    let revision = staff.map(|staff| staff.head.revision);
    Commit::new(PartitionId::staff(), revision, now)
}
