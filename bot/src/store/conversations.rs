//! Heads of conversations: who owns each, how far it is worked through, and the engine's state.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use bellhop_flows::engine::effect::Listen;
use bellhop_flows::engine::state::Owner;

use super::journal::unknown;
use super::{StoreError, hash_of, integer, json, millis, number, parse, time};
use crate::conversation::NewConversation;

/// The head of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its id.
    pub id: String,
    /// Grows with every committed turn.
    pub revision: u64,
    /// Grows with every change of owner.
    pub epoch: u64,
    /// Who owns it.
    pub owner: Owner,
    /// Channel it is on.
    pub channel: String,
    /// Our account on the channel.
    pub account: Option<String>,
    /// The provider's key.
    pub provider_key: Option<String>,
    /// Language it is in.
    pub language: String,
    /// Facts about the customer.
    pub customer: BTreeMap<String, String>,
    /// The facts were proved.
    pub verified: bool,
    /// When it began.
    pub opened_at: Timestamp,
    /// When something last happened.
    pub last_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// The last input that was worked through.
    pub processed_seq: u64,
}

/// An owner as it is stored.
pub fn owner_name(owner: Owner) -> &'static str {
    match owner {
        Owner::Bot => "bot",
        Owner::Queue => "queue",
        Owner::Agent => "agent",
        Owner::Closed => "closed",
    }
}

/// An owner as it was stored.
pub fn owner_of(name: &str) -> Owner {
    match name {
        "queue" => Owner::Queue,
        "agent" => Owner::Agent,
        "closed" => Owner::Closed,
        _ => Owner::Bot,
    }
}

/// Reads a head.
///
/// # Errors
/// [`crate::error::ServiceError::NotFound`], or SQLite's.
pub fn head(connection: &Connection, id: &str) -> Result<Head, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT revision, epoch, owner, channel, account, provider_key, language, customer, \
         verified, opened_at, last_at, closed_at, processed_seq FROM conversations WHERE id = ?1",
    )?;
    let (mut head, customer) = find
        .query_row([id], |row| {
            let head = Head {
                id: id.to_owned(),
                revision: number(row.get(0)?),
                epoch: number(row.get(1)?),
                owner: owner_of(row.get_ref(2)?.as_str()?),
                channel: row.get(3)?,
                account: row.get(4)?,
                provider_key: row.get(5)?,
                language: row.get(6)?,
                customer: BTreeMap::new(),
                verified: row.get(8)?,
                opened_at: time(row.get(9)?),
                last_at: time(row.get(10)?),
                closed_at: row.get::<_, Option<i64>>(11)?.map(time),
                processed_seq: number(row.get(12)?),
            };
            Ok((head, row.get::<_, String>(7)?))
        })
        .optional()?
        .ok_or_else(|| unknown(id))?;
    head.customer = parse("customer", &customer)?;
    Ok(head)
}

/// Revision and epoch of a conversation.
///
/// # Errors
/// [`crate::error::ServiceError::NotFound`], or SQLite's.
pub fn version(connection: &Connection, id: &str) -> Result<(u64, u64), StoreError> {
    connection
        .prepare_cached("SELECT revision, epoch FROM conversations WHERE id = ?1")?
        .query_row([id], |row| Ok((number(row.get(0)?), number(row.get(1)?))))
        .optional()?
        .ok_or_else(|| unknown(id))
}

/// Finds the open conversation of a provider's key.
///
/// # Errors
/// SQLite's.
pub fn by_provider(
    connection: &Connection,
    channel: &str,
    account: Option<&str>,
    key: &str,
) -> Result<Option<String>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT id FROM conversations WHERE channel = ?1 AND coalesce(account, '') = ?2 \
         AND provider_key = ?3 AND provider_key IS NOT NULL AND closed_at IS NULL",
    )?;
    Ok(find
        .query_row([channel, account.unwrap_or(""), key], |row| row.get(0))
        .optional()?)
}

/// Makes a conversation.
///
/// # Errors
/// SQLite's; a provider's key that another open conversation has is one.
pub fn create(
    tx: &Transaction<'_>,
    id: &str,
    new: &NewConversation,
    token_hash: &[u8; 32],
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO conversations (id, channel, account, provider_key, language, customer, \
         verified, token_hash, opened_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
    )?
    .execute(params![
        id,
        new.channel,
        new.channel_account,
        new.provider_key,
        new.language.as_deref().unwrap_or(""),
        json(&new.customer)?,
        new.verified,
        token_hash,
        millis(at)
    ])?;
    Ok(())
}

/// Hash of a conversation's token.
///
/// # Errors
/// [`crate::error::ServiceError::NotFound`], or SQLite's.
pub fn token_hash(connection: &Connection, id: &str) -> Result<[u8; 32], StoreError> {
    connection
        .prepare_cached("SELECT token_hash FROM conversations WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?
        .ok_or_else(|| unknown(id))
}

/// Conversations with inputs that are not worked through.
///
/// # Errors
/// SQLite's.
pub fn unfinished(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut find =
        connection.prepare_cached("SELECT id FROM conversations WHERE waiting > 0 ORDER BY id")?;
    let rows = find.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Conversations that the bot owns and in which nothing has happened since a time.
///
/// # Errors
/// SQLite's.
pub fn idle_since(
    connection: &Connection,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT id FROM conversations WHERE closed_at IS NULL AND owner = 'bot' AND waiting = 0 \
         AND last_at < ?1 LIMIT ?2",
    )?;
    let rows = find.query_map(params![millis(since), limit], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives a conversation to another owner, which raises its epoch; for acts of the desk. Gives the new
/// epoch.
///
/// # Errors
/// [`crate::error::ServiceError::NotFound`], or SQLite's.
pub fn give(tx: &Transaction<'_>, id: &str, owner: Owner) -> Result<u64, StoreError> {
    tx.prepare_cached(
        "UPDATE conversations SET owner = ?2, epoch = epoch + 1 WHERE id = ?1 RETURNING epoch",
    )?
    .query_row(params![id, owner_name(owner)], |row| row.get(0))
    .optional()?
    .map(number)
    .ok_or_else(|| unknown(id))
}

/// The engine's state as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// JSON; `None` where its bytes do not match their hash.
    pub state: Option<String>,
    /// What the bot waits for.
    pub listen: Option<Listen>,
}

/// Reads the engine's state; `None` where no turn was committed yet.
///
/// # Errors
/// SQLite's.
pub fn snapshot(connection: &Connection, id: &str) -> Result<Option<Snapshot>, StoreError> {
    let mut find = connection
        .prepare_cached("SELECT state, state_hash, listen FROM states WHERE conversation = ?1")?;
    let found = find
        .query_row([id], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, [u8; 32]>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        })
        .optional()?;
    let Some((state, hash, listen)) = found else {
        return Ok(None);
    };
    Ok(Some(Snapshot {
        state: (hash_of(state.as_bytes()) == hash).then_some(state),
        // A damaged one is made again by the next turn.
        listen: listen.and_then(|listen| parse("listen", &listen).ok()),
    }))
}

/// Where a committed turn leaves a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The input that was worked through.
    pub seq: u64,
    /// The engine's state, JSON.
    pub state: String,
    /// What the bot waits for, JSON.
    pub listen: Option<String>,
    /// Who owns the conversation by the engine's state.
    pub owner: Owner,
    /// Language it is in.
    pub language: String,
    /// When the turn ended.
    pub at: Timestamp,
    /// The trace, JSON.
    pub trace: String,
}

/// Moves a conversation forward by a turn. Gives the epoch, raised where the owner changed, and the
/// owner; with `late` (somebody changed the owner meanwhile) that stays as it is.
///
/// # Errors
/// [`crate::error::ServiceError::NotFound`], or SQLite's.
pub fn progress(
    tx: &Transaction<'_>,
    id: &str,
    to: &Progress,
    late: bool,
) -> Result<(u64, Owner), StoreError> {
    let owner = (!late).then(|| owner_name(to.owner));
    let now = tx
        .prepare_cached(
            "UPDATE conversations SET revision = revision + 1, processed_seq = ?2, \
             waiting = waiting - 1, epoch = epoch + (owner <> coalesce(?3, owner)), \
             owner = coalesce(?3, owner), language = ?4, last_at = max(last_at, ?5), \
             closed_at = CASE WHEN ?3 = 'closed' THEN coalesce(closed_at, ?5) ELSE closed_at END \
             WHERE id = ?1 RETURNING epoch, owner",
        )?
        .query_row(
            params![id, integer(to.seq), owner, to.language, millis(to.at)],
            |row| Ok((number(row.get(0)?), owner_of(row.get_ref(1)?.as_str()?))),
        )
        .optional()?
        .ok_or_else(|| unknown(id))?;
    tx.prepare_cached(
        "INSERT INTO states (conversation, state, state_hash, listen) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (conversation) DO UPDATE SET state = excluded.state, \
         state_hash = excluded.state_hash, listen = excluded.listen",
    )?
    .execute(params![
        id,
        to.state,
        hash_of(to.state.as_bytes()),
        to.listen
    ])?;
    tx.prepare_cached("INSERT INTO traces (conversation, seq, body) VALUES (?1, ?2, ?3)")?
        .execute(params![id, integer(to.seq), to.trace])?;
    Ok(now)
}

/// The last traces of a conversation, oldest first, JSON.
///
/// # Errors
/// SQLite's.
pub fn traces(connection: &Connection, id: &str, limit: u32) -> Result<Vec<String>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT body FROM (SELECT seq, body FROM traces WHERE conversation = ?1 \
         ORDER BY seq DESC LIMIT ?2) ORDER BY seq",
    )?;
    let rows = find.query_map(params![id, limit], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
