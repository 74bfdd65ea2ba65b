//! Signing and checking ("Standard Webhooks: signature scheme, webhook headers").

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::{Choice, ConstantTimeEq};

use super::ID_MAX;
use crate::verify::hmac_sha256;

/// How far a timestamp may be from our clock, seconds, either way.
pub const TOLERANCE_S: i64 = 5 * 60;
/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// A key that both sides know.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Without the key.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not written as one.
    #[error("a secret must be \"whsec_\" followed by Base64")]
    Form,
    /// Easy to guess, or longer than the hash can use.
    #[error("a secret must have 24 to 64 bytes, this one has {0}")]
    Length(usize),
}

impl Secret {
    /// Reads a secret as it is handed out: `whsec_` and the Base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// A text that is none.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let key = text
            .trim()
            .strip_prefix(PREFIX)
            .and_then(|key| BASE64_STANDARD.decode(key).ok())
            .ok_or(SecretError::Form)?;
        if (24..=64).contains(&key.len()) {
            Ok(Self(key))
        } else {
            Err(SecretError::Length(key.len()))
        }
    }

    fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        BASE64_STANDARD.encode(hmac_sha256(&self.0, &parts))
    }
}

/// Why a delivery is not taken for the other side's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there, or there twice.
    #[error("the request must have one {0} header")]
    Header(&'static str),
    /// The id can't be one.
    #[error("webhook-id must have 1 to {ID_MAX} visible ASCII characters other than a full stop")]
    Id,
    /// The time is none.
    #[error("webhook-timestamp must be whole seconds since 1970")]
    Timestamp,
    /// Sent long ago, or again by somebody who listened.
    #[error("webhook-timestamp is more than {TOLERANCE_S} s old")]
    TooOld,
    /// The clocks differ.
    #[error("webhook-timestamp is more than {TOLERANCE_S} s in the future")]
    TooNew,
    /// Signed with another secret, or altered.
    #[error("no signature in webhook-signature is v1 under a secret of ours")]
    NoMatch,
}

/// Signs a delivery with every live secret: the value of `webhook-signature`. `id` is its
/// `webhook-id`, `at_s` its `webhook-timestamp`.
pub fn sign(secrets: &[Secret], id: &str, at_s: i64, body: &[u8]) -> String {
    let timestamp = at_s.to_string();
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| format!("v1,{}", secret.sign(id, &timestamp, body)))
        .collect();
    signatures.join(" ")
}

/// Checks a delivery, on the bytes as they came and in constant time, and gives its `webhook-id`.
/// Two secrets may be live while one replaces the other. `now_s` is our clock, seconds since 1970.
///
/// # Errors
/// Which header is wrong; the sender may be told.
pub fn verify<'a>(
    secrets: &[Secret],
    headers: &'a [(String, String)],
    body: &[u8],
    now_s: i64,
) -> Result<&'a str, SignatureError> {
    let id = header(headers, "webhook-id")?;
    let timestamp = header(headers, "webhook-timestamp")?;
    let given = header(headers, "webhook-signature")?;
    if !is_id(id) {
        return Err(SignatureError::Id);
    }
    let is_digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let at_s = timestamp
        .parse::<i64>()
        .ok()
        .filter(|_| is_digits)
        .ok_or(SignatureError::Timestamp)?;
    let age_s = now_s.saturating_sub(at_s);
    if age_s > TOLERANCE_S {
        return Err(SignatureError::TooOld);
    }
    if age_s < -TOLERANCE_S {
        return Err(SignatureError::TooNew);
    }
    // All are tried, also after one fits, so that the time doesn't tell which.
    let mut fits = Choice::from(0);
    for secret in secrets {
        let expected = secret.sign(id, timestamp, body);
        for signature in given.split(' ') {
            // Other versions are for other readers.
            let signature = signature.strip_prefix("v1,").unwrap_or_default();
            fits |= expected.as_bytes().ct_eq(signature.as_bytes());
        }
    }
    if fits.into() {
        Ok(id)
    } else {
        Err(SignatureError::NoMatch)
    }
}

/// The value of a header that is there once.
fn header<'a>(
    headers: &'a [(String, String)],
    wanted: &'static str,
) -> Result<&'a str, SignatureError> {
    let mut values = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value.trim()),
        _ => Err(SignatureError::Header(wanted)),
    }
}

/// With a full stop in it, id and timestamp could be read in two ways.
pub(super) fn is_id(id: &str) -> bool {
    (1..=ID_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'.')
}
