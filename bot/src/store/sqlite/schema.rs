//! The tables, and how an older file becomes a current one.

use rusqlite::Connection;

use super::migrate;

/// Version of the tables that this program reads and writes (`PRAGMA user_version`).
pub(super) const VERSION: i32 = 3;

/// Marks the file as ours (`PRAGMA application_id`, the bytes `Bell`).
const APPLICATION_ID: i32 = 0x4265_6c6c;

const TABLES: &str = include_str!("schema.sql");

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
    /// Something in it is not what its version wrote.
    Unreadable {
        /// What.
        what: String,
    },
}

impl From<rusqlite::Error> for Migration {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The version of the tables of a file of ours; 0 where there are none yet.
pub(super) fn version(connection: &Connection) -> Result<i32, Migration> {
    let number = |name: &str| -> rusqlite::Result<i32> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && number("application_id")? != APPLICATION_ID {
        return Err(Migration::Foreign);
    }
    let found = number("user_version")?;
    if found > VERSION {
        return Err(Migration::Newer { found });
    }
    Ok(found)
}

/// Makes the tables or brings them up to date, all at once or not at all.
pub(super) fn migrate(connection: &Connection) -> Result<(), Migration> {
    let found = version(connection)?;
    if found == VERSION {
        return Ok(());
    }
    let tx = connection.unchecked_transaction()?;
    match found {
        1 => {
            migrate::set_aside(&tx)?;
            tx.execute_batch(TABLES)?;
            migrate::from_version_1(&tx)?;
            migrate::set_times(&tx)?;
        }
        2 => {
            migrate::from_version_2(&tx)?;
            migrate::set_times(&tx)?;
        }
        _ => tx.execute_batch(TABLES)?,
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(())
}
