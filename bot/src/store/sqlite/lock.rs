//! One server for each file. Two would not hear of each other: what one acknowledged the other would never answer.
//!
//! The lock is the operating system's, so that it ends with the process, however that ends. It lies on a file of its own, which stays: closing
//! another handle on the store itself would give up the locks that SQLite holds there.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::ServiceError;

/// Has the store's file for this process alone, among those that serve or fill it, until what is given is dropped.
///
/// # Errors
/// Another process has it, or it can't be locked.
pub(super) fn hold(store: &Path) -> Result<File, ServiceError> {
    let refuse = |message: String| ServiceError::Store {
        place: store.display().to_string(),
        message,
    };
    let path = lock_of(store);
    let unlockable = |error: std::io::Error| {
        refuse(format!(
            "{} can't be locked ({error}); this user has to be able to write it and its folder, and the file system has to be this machine's",
            path.display()
        ))
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(unlockable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(refuse(
            "another server is at work on it, and two do not hear of each other; stop that one, name another file, or have \
             several on Redis (--store redis://…)"
                .to_owned(),
        )),
        Err(TryLockError::Error(error)) => Err(unlockable(error)),
    }
}

/// Refuses a file that a server is at work on; changes nothing.
///
/// # Errors
/// As [`hold`].
pub(in crate::store) fn ensure_free(store: &Path) -> Result<(), ServiceError> {
    match lock_of(store).exists() {
        true => hold(store).map(drop),
        false => Ok(()),
    }
}

/// The file that is locked: the same one whichever links lead to the store.
fn lock_of(store: &Path) -> PathBuf {
    let store = store.canonicalize().unwrap_or_else(|_| store.to_owned());
    let mut path = store.into_os_string();
    path.push("-lock");
    path.into()
}
