//! Rows of staff, their sessions and the one-time codes that let them in. Codes and tokens are stored
//! as hashes only.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use subtle::ConstantTimeEq;

use super::{StoreError, json, millis, number, parse};
use crate::error::ServiceError;
use crate::staff::{Agent, Role};

/// Keeps a code.
///
/// # Errors
/// SQLite's.
pub(crate) fn invite(
    tx: &Transaction<'_>,
    code_hash: &[u8; 32],
    name: &str,
    role: Role,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO invites (code_hash, name, role, expires_at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![code_hash, name, json(&role)?, millis(expires_at)])?;
    Ok(())
}

/// Uses a code up; gives whom it lets in.
///
/// # Errors
/// [`ServiceError::Unauthorized`] for a code that is wrong, used or expired, or SQLite's.
pub(crate) fn redeem(
    tx: &Transaction<'_>,
    code_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(String, Role), StoreError> {
    // One statement: of two who try the same code at once, one gets a row.
    let used = tx
        .prepare_cached(
            "UPDATE invites SET used_at = ?2 WHERE code_hash = ?1 AND used_at IS NULL \
             AND expires_at > ?2 RETURNING name, role, code_hash",
        )?
        .query_row(params![code_hash, millis(now)], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, [u8; 32]>(2)?,
            ))
        })
        .optional()?;
    match used {
        Some((name, role, stored)) if bool::from(stored.ct_eq(code_hash)) => {
            Ok((name, parse("role", &role)?))
        }
        _ => Err(ServiceError::Unauthorized.into()),
    }
}

/// Signs somebody in. The same name with the same role is the same person: they keep their id and
/// their conversations, and an older session of theirs ends.
///
/// # Errors
/// SQLite's.
pub(crate) fn sign_in(
    tx: &Transaction<'_>,
    new: Agent,
    token_hash: &[u8; 32],
    expires_at: Timestamp,
) -> Result<Agent, StoreError> {
    let role = json(&new.role)?;
    let known: Option<String> = tx
        .prepare_cached("SELECT id FROM staff WHERE name = ?1 AND role = ?2")?
        .query_row([&new.name, &role], |row| row.get(0))
        .optional()?;
    let agent = Agent {
        id: known.unwrap_or(new.id),
        ..new
    };
    tx.prepare_cached(
        "INSERT INTO staff (id, name, role, token_hash, expires_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (id) DO UPDATE SET token_hash = excluded.token_hash, \
         expires_at = excluded.expires_at, available = 0",
    )?
    .execute(params![
        agent.id,
        agent.name,
        role,
        token_hash,
        millis(expires_at)
    ])?;
    Ok(agent)
}

/// Whose session a token opens.
///
/// # Errors
/// SQLite's.
pub(crate) fn session(
    connection: &Connection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Agent>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT id, name, role, token_hash FROM staff WHERE token_hash = ?1 AND expires_at > ?2",
        )?
        .query_row(params![token_hash, millis(now)], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, [u8; 32]>(3)?,
            ))
        })
        .optional()?;
    match found {
        Some((id, name, role, stored)) if bool::from(stored.ct_eq(token_hash)) => Ok(Some(Agent {
            id,
            name,
            role: parse("role", &role)?,
        })),
        _ => Ok(None),
    }
}

/// Notes whether somebody takes conversations.
///
/// # Errors
/// [`ServiceError::NotFound`], or SQLite's.
pub(crate) fn set_available(
    tx: &Transaction<'_>,
    agent: &str,
    available: bool,
) -> Result<(), StoreError> {
    let changed = tx
        .prepare_cached("UPDATE staff SET available = ?2 WHERE id = ?1")?
        .execute(params![agent, available])?;
    if changed == 1 {
        return Ok(());
    }
    Err(ServiceError::NotFound {
        what: format!("agent `{agent}`"),
    }
    .into())
}

/// Notes that somebody who is gone takes no conversations; somebody unknown took none.
///
/// # Errors
/// SQLite's.
pub(crate) fn rest(tx: &Transaction<'_>, agent: &str) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE staff SET available = 0 WHERE id = ?1")?
        .execute([agent])?;
    Ok(())
}

/// Whether somebody takes conversations: only with a session that has not run out.
///
/// # Errors
/// SQLite's.
pub(crate) fn is_available(
    connection: &Connection,
    agent: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT available FROM staff WHERE id = ?1 AND expires_at > ?2")?
        .query_row(params![agent, millis(now)], |row| row.get(0))
        .optional()?
        .unwrap_or(false))
}

/// How many take conversations.
///
/// # Errors
/// SQLite's.
pub(crate) fn available(connection: &Connection, now: Timestamp) -> Result<u64, StoreError> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM staff WHERE available AND expires_at > ?1")?
        .query_row([millis(now)], |row| row.get(0))
        .map(number)?)
}
