//! A copy of the file while it is in use.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::open;
use super::values::number;
use crate::error::ServiceError;

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    /// Partitions.
    pub partitions: u64,
    /// Log entries, of all of them.
    pub entries: u64,
    /// Size of the file, bytes.
    pub bytes: u64,
}

/// Copies a store's file to another that must not be there, checks the copy and syncs it to the disk. The file may be in use:
/// writes go on, and what comes after the start of the copy is not in it.
///
/// `VACUUM INTO` reads in one transaction. SQLite's own way of copying page by page begins anew whenever another process
/// writes, so that on a busy server it may never end. The price is that the write-ahead log can't shrink before the copy is made.
///
/// # Errors
/// [`ServiceError::Store`] with the file that is meant: one that is no store of this version, a copy that is there already, no
/// room, or a copy that does not pass SQLite's own check.
pub fn backup(from: &Path, to: &Path) -> Result<BackedUp, ServiceError> {
    let refuse = |place: &Path, message: String| ServiceError::Store {
        place: place.display().to_string(),
        message,
    };
    let is_there = || refuse(to, "there is a file already; name another one".to_owned());
    let connection = open::visiting(from, true)?;
    if to.exists() {
        return Err(is_there());
    }
    // Under another name until it is whole: a backup that broke off must not be taken for one.
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    create(&part).map_err(|error| {
        refuse(
            &part,
            format!("it can't be made ({error}); remove it where a backup broke off, or name another folder"),
        )
    })?;
    let made = copy(&connection, &part).and_then(|copied| {
        // Unlike a renaming, a link never takes the place of a file.
        std::fs::hard_link(&part, to).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => is_there(),
            _ => refuse(
                to,
                format!("it can't be made ({error}); name another folder"),
            ),
        })?;
        Ok(copied)
    });
    // Whole or not, it has done its work; one that stays is named by the next backup.
    let _ = std::fs::remove_file(&part);
    let copied = made?;
    sync_folder(to);
    Ok(copied)
}

/// Makes the file, for this user alone: customers' messages will be in it.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn copy(connection: &Connection, part: &Path) -> Result<BackedUp, ServiceError> {
    let refuse = |message: String| ServiceError::Store {
        place: part.display().to_string(),
        message,
    };
    let failed = |error: rusqlite::Error| refuse(open::explain(&error));
    let name = part.to_str().ok_or_else(|| {
        refuse("its name is not UTF-8, which SQLite needs; name another".to_owned())
    })?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(failed)?;
    let made = open::visiting(part, false)?;
    let check: String = made
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    if check != "ok" {
        return Err(refuse(format!(
            "the copy is damaged ({check}); look at the original with `bellhop store check`"
        )));
    }
    let count = |table: &str| {
        made.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .map(number)
        .map_err(failed)
    };
    let (partitions, entries) = (count("partitions")?, count("log")?);
    drop(made);
    let synced = File::open(part).and_then(|file| {
        file.sync_all()?;
        Ok(file.metadata()?.len())
    });
    let bytes = synced.map_err(|error| refuse(format!("it can't be synced ({error})")))?;
    Ok(BackedUp {
        partitions,
        entries,
        bytes,
    })
}

/// Has the disk know the file's name. Not every system can, and the file itself is safe.
fn sync_folder(path: &Path) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}
