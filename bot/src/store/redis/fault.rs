//! What an error of Redis means: whether something may have been stored, and who can mend it.

use redis::RedisError;

use super::super::StoreError;

/// What is to be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server doesn't know our functions; nothing was done.
    NoFunctions,
    /// Another server has the shard now, or will; nothing was done.
    Elsewhere,
    /// Nothing was done, and in a moment it may be.
    Busy,
    /// The connection is gone or silent: nobody knows what was done.
    Broken,
    /// An answer, and no good one.
    Refusal,
}

impl Fault {
    pub(super) fn of(error: &RedisError) -> Self {
        match error.code() {
            // A replica refuses writes, a master that is cut off refuses everything.
            Some("MOVED" | "READONLY" | "CLUSTERDOWN" | "MASTERDOWN" | "LOADING") => {
                Self::Elsewhere
            }
            // A slot is on its way to another server, where all of it will be in a moment.
            Some("TRYAGAIN" | "ASK" | "BUSY") => Self::Busy,
            Some("ERR") if detail(error).contains("Function not found") => Self::NoFunctions,
            Some(_) => Self::Refusal,
            None => Self::Broken,
        }
    }

    /// The same call may be made again: nothing was done.
    pub(super) fn may_be_repeated(self) -> bool {
        matches!(self, Self::NoFunctions | Self::Elsewhere | Self::Busy)
    }
}

fn detail(error: &RedisError) -> &str {
    error.detail().unwrap_or_default()
}

/// The error as whoever asked is told, with what to do where that is known.
pub(super) fn explain(error: &RedisError) -> StoreError {
    match error.code() {
        Some("MISCONF") if detail(error).contains("No space left") => StoreError::Full,
        Some("OOM") => StoreError::Engine(
            "Redis has no memory left; nothing was stored; raise its maxmemory".to_owned(),
        ),
        Some("MISCONF") => StoreError::Engine(format!(
            "Redis can't write its file and takes nothing ({error}); see its log"
        )),
        Some("NOREPLICAS") => StoreError::Engine(
            "Redis has too few replicas and takes nothing; see to them, or to min-replicas-to-write"
                .to_owned(),
        ),
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => StoreError::Engine(format!(
            "Redis does not let this user in ({error}); see the user and password in the address"
        )),
        Some(_) => StoreError::Engine(format!("Redis refused: {error}")),
        None => StoreError::Engine(format!("Redis did not answer: {error}")),
    }
}

/// An answer that no version of our functions gives.
pub(super) fn odd(what: &str) -> StoreError {
    StoreError::Engine(format!("Redis gave an answer that is none: {what}"))
}
