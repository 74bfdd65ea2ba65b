//! What settings are made of: how single values are written, and what makes one good enough.

mod list;
mod network;
mod secrets;

pub(crate) use list::list;
pub use network::Network;
pub use secrets::{SecretError, Secrets};
