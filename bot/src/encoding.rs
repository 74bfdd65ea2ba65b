//! Values as bytes: what partitions keep.
//!
//! JSON, so that a stored file can be read without the program.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::partition::Bytes;

/// A stored value is not what this version of the program writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stored {what} can't be read: {why}")]
pub struct Unreadable {
    /// What it should be.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// A value as it is stored; `what` names it in the error.
///
/// # Errors
/// A value that has no JSON: a map with keys that are no text.
pub fn encode<T: Serialize>(what: &'static str, value: &T) -> Result<Bytes, Unreadable> {
    serde_json::to_vec(value)
        .map(Arc::from)
        .map_err(|error| Unreadable {
            what,
            why: error.to_string(),
        })
}

/// A value as it was stored.
///
/// # Errors
/// Bytes that are no such value.
pub fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| Unreadable {
        what,
        why: error.to_string(),
    })
}

/// The first half of SHA-256: tells two contents apart.
pub fn content_hash(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&Sha256::digest(bytes)[..16]);
    hash
}

/// SHA-256, hex: how a secret is kept.
pub fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
