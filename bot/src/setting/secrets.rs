//! Secrets that an operator shares with a site, a provider or a program. An empty one, or one that can be guessed, lets anybody sign,
//! so there is none of these: whoever has [`Secrets`] has good ones.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Fewest characters of one. In hex these are 128 bits; providers' own (Twilio's, Meta's) have as many.
const SHORTEST: usize = 32;
/// Most that are live at once: one, and the one that replaces it.
const LIVE: usize = 2;

/// The live secrets of one setting: none, one, or two while one replaces the other. The first signs, all verify. Written as one text or as a list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

/// Why a secret is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It can be guessed.
    #[error(
        "a secret needs at least {SHORTEST} characters and this one has {0} (`openssl rand -hex 32` makes one)"
    )]
    Short(usize),
    /// Old ones should go.
    #[error("{LIVE} secrets may be live, while one replaces the other, and here are {0}")]
    Many(usize),
}

impl Secrets {
    /// Takes secrets that are good enough.
    ///
    /// # Errors
    /// One is too short, or there are too many.
    pub fn new(secrets: Vec<String>) -> Result<Self, SecretError> {
        let lengths = secrets.iter().map(|secret| secret.chars().count());
        if let Some(short) = lengths.min().filter(|&length| length < SHORTEST) {
            return Err(SecretError::Short(short));
        }
        if secrets.len() > LIVE {
            return Err(SecretError::Many(secrets.len()));
        }
        Ok(Self(secrets))
    }

    /// The one that signs, where one is set.
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// All that are live; none where none is set.
    pub fn live(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    /// One is set.
    pub fn is_set(&self) -> bool {
        !self.0.is_empty()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Serialize for Secrets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore)
    }
}

struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Secrets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret, or a list of two")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secrets, E> {
        Secrets::new(vec![text.to_owned()]).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Secrets, A::Error> {
        let mut secrets = Vec::new();
        while let Some(secret) = parts.next_element()? {
            secrets.push(secret);
        }
        Secrets::new(secrets).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_long_and_at_most_two_are_live() {
        let (long, other) = ("0123456789abcdef".repeat(2), "ñ".repeat(32));
        for (written, live) in [
            (json!(long), vec![long.as_str()]),
            (json!(other), vec![other.as_str()]),
            (json!([long, other]), vec![long.as_str(), other.as_str()]),
            (json!([]), vec![]),
        ] {
            let secrets: Secrets = serde_json::from_value(written.clone()).expect("secrets");
            assert_eq!(secrets.live(), live, "{written}");
            assert_eq!(secrets.first(), live.first().copied(), "{written}");
            assert_eq!(secrets.is_set(), !live.is_empty(), "{written}");
            assert!(!format!("{secrets:?}").contains(&long), "{written}");
        }
        for (written, why) in [
            (json!(""), "this one has 0"),
            (json!(&long[1..]), "this one has 31"),
            (json!("ñ".repeat(31)), "this one has 31"),
            (json!([long, ""]), "this one has 0"),
            (json!([long, other, long]), "here are 3"),
            (json!(7), "a list of two"),
        ] {
            let refused = serde_json::from_value::<Secrets>(written.clone());
            let refused = refused.expect_err("refused").to_string();
            assert!(refused.contains(why), "{written}: {refused}");
        }
    }
}
