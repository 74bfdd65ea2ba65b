//! The tables, and how an older file becomes a current one.
//!
//! Times are milliseconds since 1970 (UTC); ids are ULIDs; hashes are SHA-256.

use rusqlite::Connection;

/// Version of the tables that this program reads and writes (`PRAGMA user_version`).
pub const VERSION: i32 = 1;

/// Marks the file as ours (`PRAGMA application_id`, the bytes `Bell`).
const APPLICATION_ID: i32 = 0x4265_6c6c;

const TABLES: &str = "
-- The head of every conversation. `processed_seq` is the last input that was worked through,
-- `waiting` how many inputs are not yet. `owner` is bot, queue, agent or closed.
CREATE TABLE conversations (
    id            TEXT PRIMARY KEY,
    revision      INTEGER NOT NULL DEFAULT 0,
    epoch         INTEGER NOT NULL DEFAULT 0,
    owner         TEXT NOT NULL DEFAULT 'bot',
    channel       TEXT NOT NULL,
    account       TEXT,
    provider_key  TEXT,
    language      TEXT NOT NULL DEFAULT '',
    customer      TEXT NOT NULL DEFAULT '{}',
    verified      INTEGER NOT NULL DEFAULT 0,
    token_hash    BLOB NOT NULL,
    opened_at     INTEGER NOT NULL,
    last_at       INTEGER NOT NULL,
    closed_at     INTEGER,
    processed_seq INTEGER NOT NULL DEFAULT 0,
    next_seq      INTEGER NOT NULL DEFAULT 1,
    waiting       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX conversations_by_provider
    ON conversations (channel, coalesce(account, ''), provider_key)
    WHERE provider_key IS NOT NULL AND closed_at IS NULL;
CREATE INDEX conversations_open ON conversations (id) WHERE closed_at IS NULL;
CREATE INDEX conversations_waiting ON conversations (id) WHERE waiting > 0;

-- The engine's state after `processed_seq`: a cache of the fold of the journal's events, with the
-- hash of its bytes. Apart from the head, so that storing a message does not write it again.
CREATE TABLE states (
    conversation TEXT PRIMARY KEY,
    state        TEXT NOT NULL,
    state_hash   BLOB NOT NULL,
    listen       TEXT
) WITHOUT ROWID;

-- Everything that happened, in order. `kind` is input (something to be worked through), event (what
-- the engine was fed), call (an irreversible call about to be sent), message, handoff and closed
-- (what the customer sees) or note (between staff). `cause` is the input's seq that led to it.
CREATE TABLE journal (
    conversation TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    cause        INTEGER NOT NULL,
    body         TEXT NOT NULL
);
CREATE UNIQUE INDEX journal_by_seq ON journal (conversation, seq);

-- What was accepted under which sender's id.
CREATE TABLE seen (
    conversation  TEXT NOT NULL,
    client_msg_id TEXT NOT NULL,
    body_hash     BLOB NOT NULL,
    seq           INTEGER NOT NULL,
    PRIMARY KEY (conversation, client_msg_id)
) WITHOUT ROWID;

-- What has to be sent out, at least once.
CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    body         TEXT NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_at      INTEGER NOT NULL,
    done_at      INTEGER
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE done_at IS NULL;

CREATE TABLE handoffs (
    id           TEXT PRIMARY KEY,
    conversation TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    queue        TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    state        TEXT NOT NULL,
    agent        TEXT,
    agent_name   TEXT,
    requested_at INTEGER NOT NULL,
    assigned_at  INTEGER,
    ended_at     INTEGER,
    position     INTEGER,
    resolved     INTEGER,
    note         TEXT,
    envelope     TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX handoffs_by_conversation ON handoffs (conversation, requested_at);
CREATE INDEX handoffs_open ON handoffs (state, priority, requested_at) WHERE ended_at IS NULL;

CREATE TABLE staff (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL,
    available  INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE invites (
    code_hash  BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) WITHOUT ROWID;

-- Why each turn went as it did; `seq` is the input's.
CREATE TABLE traces (
    conversation TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    body         TEXT NOT NULL
);
CREATE INDEX traces_by_seq ON traces (conversation, seq);
";

/// Why a file can't be brought up to date.
#[derive(Debug)]
pub(super) enum Migration {
    /// SQLite failed.
    Sql(rusqlite::Error),
    /// Another program's database.
    Foreign,
    /// A newer Bellhop's.
    Newer {
        /// Its version.
        found: i32,
    },
    /// SQLite's own check found damage.
    Damaged {
        /// The first thing it found.
        first: String,
    },
}

impl From<rusqlite::Error> for Migration {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Checks the file and makes or brings up to date its tables.
pub(super) fn migrate(connection: &Connection) -> Result<(), Migration> {
    let number = |name: &str| -> rusqlite::Result<i32> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(Migration::Damaged { first: check });
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && number("application_id")? != APPLICATION_ID {
        return Err(Migration::Foreign);
    }
    let found = number("user_version")?;
    if found > VERSION {
        return Err(Migration::Newer { found });
    }
    if found < 1 {
        let tx = connection.unchecked_transaction()?;
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", VERSION)?;
        tx.commit()?;
    }
    Ok(())
}
