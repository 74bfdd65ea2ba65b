//! What settings are made of: how single values are written, and what makes one good enough.

mod list;
mod secrets;

pub(crate) use list::list;
pub use secrets::{SecretError, Secrets};
