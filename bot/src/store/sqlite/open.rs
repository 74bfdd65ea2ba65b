//! Opening the file, with errors that say what to do.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::StoreError;
use super::{lock, schema};
use crate::error::ServiceError;

/// Statements that each connection keeps prepared.
const PREPARED: usize = 128;

/// Opens the file for writing, makes its folder, checks it and brings its tables up to date; no other process may do so for as long as
/// the lock is held that is given with it.
pub(super) fn writing(path: &Path) -> Result<(Connection, File), ServiceError> {
    let refuse = |message: String| ServiceError::Store {
        place: path.display().to_string(),
        message,
    };
    if path.is_dir() {
        return Err(refuse("this is a folder; name a file inside it".to_owned()));
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            refuse(format!(
                "its folder can't be made ({error}); make it, or name another file"
            ))
        })?;
    }
    let_only_the_owner_read(path)
        .map_err(|error| refuse(format!("it can't be made ({error}); name another file")))?;
    let held = lock::hold(path)?;
    let connection = Connection::open(path).map_err(|error| refuse(explain(&error)))?;
    prepare(&connection).map_err(|error| refuse(explain(&error)))?;
    schema::migrate(&connection).map_err(|error| refuse(explain_migration(&error)))?;
    Ok((connection, held))
}

fn explain_migration(error: &schema::Migration) -> String {
    match error {
        schema::Migration::Sql(error) => explain(error),
        schema::Migration::Foreign => {
            "this is a database of another program; name another file".to_owned()
        }
        schema::Migration::Newer { found } => format!(
            "it was written by a newer version (tables {found}, this program knows {}); use \
             that version, or name another file",
            schema::VERSION
        ),
        schema::Migration::Unreadable { what } => format!(
            "it can't be brought up to date, and was left as it was: {what}; use the version that wrote it, or name \
             another file"
        ),
    }
}

/// Opens a file that is there and of this version, for a command that runs beside a server.
pub(super) fn visiting(path: &Path, only_reads: bool) -> Result<Connection, ServiceError> {
    let refuse = |message: String| ServiceError::Store {
        place: path.display().to_string(),
        message,
    };
    if !path.is_file() {
        return Err(refuse("there is no such file; name the store's".to_owned()));
    }
    let failed = |error: rusqlite::Error| refuse(explain(&error));
    let connection = match only_reads {
        true => reading(path).map_err(|error| refuse(error.to_string()))?,
        false => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
            prepare(&connection).map_err(failed)?;
            connection
        }
    };
    match schema::version(&connection) {
        Ok(schema::VERSION) => Ok(connection),
        Ok(found) => Err(refuse(format!(
            "its tables are of version {found}, and this program needs {}; start this version's server on it once, which brings \
             it up to date",
            schema::VERSION
        ))),
        Err(error) => Err(refuse(explain_migration(&error))),
    }
}

/// Tells whether another connection, of this process or of any other, has the file open. Changes nothing.
pub(in crate::store) fn is_used(path: &Path) -> Result<bool, ServiceError> {
    if !path.exists() {
        return Ok(false);
    }
    let probe = || -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        // With a write-ahead log every connection holds a lock as long as it is open, and this one asks to be alone.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.execute_batch("BEGIN EXCLUSIVE; ROLLBACK")
    };
    match probe() {
        Ok(()) => Ok(false),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(true),
            _ => Err(ServiceError::Store {
                place: path.display().to_string(),
                message: explain(&error),
            }),
        },
    }
}

/// Opens another connection that only reads.
pub(super) fn reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // The first statement that touches the file: tells whether it is a database at all.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What is taken away is gone from the file, and not only from what reads it.
    connection.pragma_update(None, "secure_delete", "ON")?;
    Ok(())
}

pub(super) fn explain(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            "this is not a database; name another file, or move this one away".to_owned()
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            format!("it is damaged ({error}); restore a backup, or name another file")
        }
        Some(ErrorCode::DiskFull) => "the disk is full; make room".to_owned(),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => format!(
            "it can't be opened ({error}); check that the folder can be written by this user"
        ),
        Some(ErrorCode::ReadOnly) => {
            "it can't be written; check the file's and the folder's permissions".to_owned()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process is using it; stop that one, or name another file".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Makes the file where there is none: it will hold what customers write. What SQLite puts beside it has the same rights.
fn let_only_the_owner_read(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
