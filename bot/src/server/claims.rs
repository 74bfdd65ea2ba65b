//! Who a web customer is: a token that the site signs (HS256), never what the page says by itself.
//!
//! The algorithm is fixed here and the token's own header has no say in it, so that neither `none`
//! nor a public key taken for a secret can pass (RFC 8725, section 3.1).

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use crate::setting::Secrets;

/// Longest token, bytes.
const BYTES_MAX: usize = 4096;
/// Longest life of a token, seconds.
const LIFE_MAX_S: i64 = 15 * 60;
/// Seconds that the clocks of site and server may differ.
const SKEW_S: i64 = 60;
/// Facts that a token may state, beside `sub`.
const FACTS: [&str; 4] = ["name", "tier", "email", "language"];

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No three parts, or parts that can't be read.
    #[error("the customer token is no JSON web token")]
    NotAToken,
    /// Somebody else's, or changed.
    #[error("the customer token is not signed with this server's customer_secret (HS256)")]
    Signature,
    /// Signed by other rules.
    #[error("the customer token must be signed with HS256")]
    Algorithm,
    /// No end, or one that is too far away.
    #[error("the customer token needs an `exp` at most 15 minutes ahead")]
    Endless,
    /// It was good once.
    #[error("the customer token has expired; sign a new one for each page")]
    Over,
    /// It will be good.
    #[error("the customer token is not valid yet (`nbf`); look at the clocks")]
    Early,
    /// It says nothing.
    #[error("the customer token names nobody: `sub` is the customer's id")]
    Nobody,
}

/// Reads and makes customers' tokens.
pub struct Claims {
    first: Vec<u8>,
    /// Others that are live.
    others: Vec<Vec<u8>>,
}

impl Claims {
    /// With the site's secrets; where there are none, with one that nobody knows, so that only tokens made here are taken.
    ///
    /// # Errors
    /// The system's random source fails.
    pub fn new(secrets: &Secrets) -> Result<Self, getrandom::Error> {
        let mut live = secrets
            .live()
            .into_iter()
            .map(|secret| secret.as_bytes().to_vec());
        let first = match live.next() {
            Some(first) => first,
            None => {
                let mut random = vec![0_u8; 32];
                getrandom::fill(&mut random)?;
                random
            }
        };
        Ok(Self {
            first,
            others: live.collect(),
        })
    }

    /// Makes a token that states these facts (`id` becomes `sub`) for a quarter of an hour.
    pub fn sign(&self, facts: &BTreeMap<String, String>, now: Timestamp) -> String {
        let mut claims = serde_json::Map::new();
        for (name, value) in facts {
            let name = if name == "id" { "sub" } else { name };
            claims.insert(name.to_owned(), Value::from(value.as_str()));
        }
        claims.insert("exp".to_owned(), Value::from(now.as_second() + LIFE_MAX_S));
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let body = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
        let signed = format!("{header}.{body}");
        let signature = mac(&self.first, &signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// The facts that a token states, if it is ours and not over.
    ///
    /// # Errors
    /// Why it is not taken, for the site's developer.
    pub fn read(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<BTreeMap<String, String>, ClaimError> {
        if token.len() > BYTES_MAX {
            return Err(ClaimError::NotAToken);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(ClaimError::NotAToken)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok();
        let signature = signature.ok_or(ClaimError::NotAToken)?;
        // Nothing in it counts, not even for what the developer is told, before we know who wrote it.
        let mut live = [&self.first].into_iter().chain(&self.others);
        if !live.any(|secret| mac(secret, signed).verify_slice(&signature).is_ok()) {
            return Err(ClaimError::Signature);
        }
        let (header, body) = signed.split_once('.').ok_or(ClaimError::NotAToken)?;
        let header: Value = decode(header).ok_or(ClaimError::NotAToken)?;
        if header["alg"] != "HS256" {
            return Err(ClaimError::Algorithm);
        }
        let claims: Value = decode(body).ok_or(ClaimError::NotAToken)?;
        let now = now.as_second();
        let expires = claims["exp"].as_i64().ok_or(ClaimError::Endless)?;
        let not_before = claims["nbf"].as_i64().unwrap_or(i64::MIN);
        if now >= expires {
            return Err(ClaimError::Over);
        }
        if expires > now + LIFE_MAX_S + SKEW_S {
            return Err(ClaimError::Endless);
        }
        if now + SKEW_S < not_before {
            return Err(ClaimError::Early);
        }
        let id = claims["sub"].as_str().filter(|id| !id.is_empty());
        let id = id.ok_or(ClaimError::Nobody)?;
        let mut facts = BTreeMap::from([("id".to_owned(), id.to_owned())]);
        for name in FACTS {
            if let Some(value) = claims[name].as_str() {
                facts.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(facts)
    }
}

fn mac(secret: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(text.as_bytes());
    mac
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("id".to_owned(), "cust_1".to_owned()),
            ("tier".to_owned(), "standard".to_owned()),
        ])
    }

    fn signed_with(secrets: &[&str]) -> Claims {
        let secrets = secrets.iter().map(|secret| secret.repeat(8)).collect();
        Claims::new(&Secrets::new(secrets).expect("good ones")).expect("claims")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn what_was_signed_is_read_until_it_is_over() {
        let claims = signed_with(&["site"]);
        let token = claims.sign(&facts(), at(1_000));
        assert_eq!(claims.read(&token, at(1_000)), Ok(facts()));
        assert_eq!(claims.read(&token, at(1_899)), Ok(facts()));
        assert_eq!(claims.read(&token, at(1_900)), Err(ClaimError::Over));
        // One that would live for longer than we allow was not made by our rules.
        assert_eq!(claims.read(&token, at(0)), Err(ClaimError::Endless));
    }

    #[test]
    fn while_one_secret_replaces_the_other_both_are_good_and_the_first_signs() {
        let (old, new) = (signed_with(&["old!"]), signed_with(&["new!"]));
        let both = signed_with(&["new!", "old!"]);
        for site in [&old, &new] {
            let token = site.sign(&facts(), at(1_000));
            assert_eq!(both.read(&token, at(1_000)), Ok(facts()));
        }
        let ours = both.sign(&facts(), at(1_000));
        assert_eq!(new.read(&ours, at(1_000)), Ok(facts()));
        assert_eq!(old.read(&ours, at(1_000)), Err(ClaimError::Signature));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let claims = signed_with(&["site"]);
        let token = claims.sign(&facts(), at(1_000));
        for others in [&["door"][..], &["door", "gate"], &[]] {
            let other = signed_with(others).read(&token, at(1_000));
            assert_eq!(other, Err(ClaimError::Signature), "{others:?}");
        }
        // The empty key is anybody's.
        let body = token.rsplit_once('.').expect("three parts").0;
        let anybodys = BASE64_URL_SAFE_NO_PAD.encode(mac(b"", body).finalize().into_bytes());
        let anybodys = claims.read(&format!("{body}.{anybodys}"), at(1_000));
        assert_eq!(anybodys, Err(ClaimError::Signature));
        let parts: Vec<&str> = token.split('.').collect();
        let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let admin = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"cust_2","exp":1500}"#);
        for forged in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{}.{admin}.{}", parts[0], parts[2]),
            format!("{}.{}", parts[0], parts[1]),
            String::new(),
            "a.b.c".to_owned(),
            "x".repeat(5_000),
        ] {
            let read = claims.read(&forged, at(1_000));
            assert!(
                matches!(read, Err(ClaimError::Signature | ClaimError::NotAToken)),
                "{forged}: {read:?}"
            );
        }
    }
}
