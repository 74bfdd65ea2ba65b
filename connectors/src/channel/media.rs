//! Files that customers sent, where only the provider's API gives them: first where a file is, then the file.

use super::{Request, SendError};

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The request whose answer is the file. Carries the account's token.
    pub request: Request,
    /// Its media type, where the provider says.
    pub mime: Option<String>,
    /// Its size in bytes, where the provider says.
    pub bytes: Option<u64>,
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The provider does not have it, or not any more.
    #[error("the provider no longer has this file")]
    Gone,
    /// The provider does not give files of this size to anybody.
    #[error("the provider gives no files of this size")]
    TooLarge,
    /// It is said to be where the token must not go.
    #[error(
        "the provider keeps this file at an address that the account's token is not sent to: see `media_hosts`"
    )]
    Elsewhere,
    /// The provider says no, or nothing.
    #[error("the provider does not give this file now")]
    Failed(SendError),
}
