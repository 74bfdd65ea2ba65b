//! What an example that isn't there yet would change.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::encoder::Encoder;
use crate::intent::{self, Example, Head, Outside};
use crate::threads;
use crate::understanding::{BATCH, Understanding};
use crate::vectors::{self, Look};
use crate::{Error, Spec};

/// Begins the bytes of stored vectors.
const MAGIC: &[u8; 8] = b"bhvectr2";
/// Bytes of a text's name: the start of its SHA-256.
const NAME: usize = 16;

/// Vectors of texts as intents are learned from them, so that no text is encoded twice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vectors {
    of_text: BTreeMap<[u8; NAME], Vec<f32>>,
}

impl Vectors {
    /// Encodes those of `texts` that aren't known yet, as `understanding` sees them, forgets the others,
    /// and returns how many were encoded.
    ///
    /// # Errors
    /// A text can't be encoded.
    pub fn keep(
        &mut self,
        encoder: &Encoder,
        understanding: &Understanding,
        texts: &[&str],
    ) -> Result<usize, Error> {
        let mut known = std::mem::take(&mut self.of_text);
        let mut missing: BTreeMap<[u8; NAME], &str> = BTreeMap::new();
        for text in texts {
            let name = name(text);
            match known.remove(&name) {
                Some(vector) if vector.len() == vectors::length(encoder) => {
                    self.of_text.insert(name, vector);
                }
                _ if self.of_text.contains_key(&name) => {}
                _ => {
                    missing.insert(name, text);
                }
            }
        }
        let look = Look {
            upper: understanding.upper(),
            ..Look::default()
        };
        let missing: Vec<([u8; NAME], &str)> = missing.into_iter().collect();
        for batch in missing.chunks(BATCH) {
            let texts: Vec<&str> = batch.iter().map(|(_, text)| *text).collect();
            let read = vectors::read(encoder, look, &texts)?;
            let names = batch.iter().map(|(name, _)| *name);
            self.of_text
                .extend(names.zip(read.into_iter().map(|vectors| vectors.features)));
        }
        Ok(missing.len())
    }

    /// What intents are learned from, of a text.
    pub fn get(&self, text: &str) -> Option<&[f32]> {
        self.of_text.get(&name(text)).map(Vec::as_slice)
    }

    /// The vectors as bytes, for the encoder with this fingerprint.
    pub fn to_bytes(&self, encoder_fingerprint: &str) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(Sha256::digest(encoder_fingerprint));
        for (name, vector) in &self.of_text {
            out.extend(name);
            out.extend((vector.len() as u32).to_le_bytes());
            out.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
        }
        out
    }

    /// Reads `to_bytes` back.
    ///
    /// # Errors
    /// The bytes are of another encoder, cut short or no vectors at all.
    pub fn from_bytes(bytes: &[u8], encoder_fingerprint: &str) -> Result<Vectors, Error> {
        let bad = |why: &str| Error::Saved {
            what: "vectors",
            why: why.to_owned(),
        };
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| bad("they are no vectors"))?;
        let mut rest = rest
            .strip_prefix(Sha256::digest(encoder_fingerprint).as_slice())
            .ok_or_else(|| bad("they are of another model"))?;
        let mut of_text = BTreeMap::new();
        while !rest.is_empty() {
            let (name, vector, after) = entry(rest).ok_or_else(|| bad("they are cut short"))?;
            of_text.insert(name, vector);
            rest = after;
        }
        Ok(Vectors { of_text })
    }
}

/// The first name and vector, and what comes after them.
fn entry(bytes: &[u8]) -> Option<([u8; NAME], Vec<f32>, &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<NAME>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (vector, rest) = rest.split_at_checked(length.checked_mul(4)?)?;
    let (vector, _) = vector.as_chunks::<4>();
    let vector = vector.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Some((*name, vector, rest))
}

fn name(text: &str) -> [u8; NAME] {
    let mut out = [0; NAME];
    out.copy_from_slice(&Sha256::digest(text)[..NAME]);
    out
}

/// What is made of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Best {
    /// The best intent; none where the bot has no intent.
    pub intent: String,
    /// Its probability.
    pub probability: f64,
    /// Whether it is acted on.
    pub accepted: bool,
}

/// A message that an example changes the reading of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The message.
    pub text: String,
    /// Without the example.
    pub before: Best,
    /// With it.
    pub after: Best,
}

/// The messages whose best intent changes, or whether it is acted on, when `text` becomes an example of
/// `intent`; in the order of `messages`. `vectors` has the features of `texts`, of `text` and of the
/// messages; `accept` is the probability from which the bot acts on an intent.
///
/// # Errors
/// The bot has no example or no such intent, or a vector is missing.
pub fn impact(
    understanding: &Understanding,
    spec: &Spec,
    vectors: &Vectors,
    (text, class): (&str, &str),
    messages: &[&str],
    accept: &(dyn Fn(&str) -> f64 + Sync),
) -> Result<Vec<Change>, Error> {
    let bad = |why: String| Error::Spec {
        what: format!("the example \"{text}\""),
        why,
    };
    let before = understanding
        .head()
        .ok_or_else(|| bad("the bot has no examples to add it to".to_owned()))?;
    let text = text.trim();
    let get = |text: &str| {
        let vector = vectors.get(text);
        vector.ok_or_else(|| bad(format!("\"{text}\" has no vector; encode it first")))
    };
    let inside = crate::understanding::examples(spec);
    let inside = inside
        .iter()
        .map(|(class, text)| Ok(example(class, text, get(text)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let outside = intent::background()
        .into_iter()
        .map(|text| {
            Ok(Outside {
                features: get(text)?,
                text,
                background: true,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let added = example(class, text, get(text)?);
    let after = before.with_example(&inside, &outside, added)?;
    let said: Vec<&str> = messages
        .iter()
        .filter(|m| !m.trim().is_empty())
        .copied()
        .collect();
    let change = |message: &str| -> Result<Option<Change>, Error> {
        let features = get(message)?;
        let best = |head: &Head| {
            let (intents, _) = head.predict(features, message);
            let (intent, probability) = intents.into_iter().next().unwrap_or_default();
            Best {
                accepted: probability >= accept(&intent),
                intent,
                probability,
            }
        };
        let (before, after) = (best(before), best(&after));
        let differ = before.intent != after.intent || before.accepted != after.accepted;
        Ok(differ.then(|| Change {
            text: message.to_owned(),
            before,
            after,
        }))
    };
    let changes = threads::each(threads::cores(), said, change);
    let changes = changes.into_iter().filter_map(Result::transpose);
    changes.collect()
}

fn example<'a>(class: &'a str, text: &'a str, features: &'a [f32]) -> Example<'a> {
    Example {
        class,
        features,
        text,
    }
}

/// Every text whose vector `impact` asks for beside the messages and the new example.
pub fn texts(spec: &Spec) -> Vec<Cow<'_, str>> {
    let examples = crate::understanding::examples(spec);
    let background = intent::background().into_iter().map(Cow::Borrowed);
    examples
        .into_iter()
        .map(|e| e.1)
        .chain(background)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> Vectors {
        let of = [("hello", vec![1.0, 0.5]), ("my card", vec![0.0, -1.0])];
        Vectors {
            of_text: of.map(|(text, vector)| (name(text), vector)).into(),
        }
    }

    #[test]
    fn an_example_changes_the_messages_that_are_like_it() {
        let Some(encoder) = crate::test_model::encoder() else {
            return;
        };
        let spec = crate::understanding::tests::bank();
        let understanding = Understanding::train(&spec, encoder).expect("it trains");
        let messages = [
            "the contactless on my phone is broken",
            "what's my balance",
            "the contactless of my phone doesn't work",
        ];
        let added = "contactless on my phone stopped working";
        let mut vectors = Vectors::default();
        let known = texts(&spec);
        let mut all: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
        all.extend(messages);
        all.push(added);
        assert!(
            vectors
                .keep(encoder, &understanding, &all)
                .expect("it encodes")
                > 200
        );
        assert_eq!(
            vectors
                .keep(encoder, &understanding, &all)
                .expect("it encodes"),
            0
        );
        let run = |class| {
            impact(
                &understanding,
                &spec,
                &vectors,
                (added, class),
                &messages,
                &|_| 0.5,
            )
        };
        let changes = run("block_card").expect("it fits");
        let told: Vec<&str> = changes.iter().map(|change| change.text.as_str()).collect();
        assert!(
            !told.is_empty() && !told.contains(&messages[1]),
            "{changes:?}"
        );
        for change in &changes {
            assert!(
                change.after.accepted && change.after.intent == "block_card",
                "{change:?}"
            );
        }
        assert_eq!(run("block_card").expect("it fits"), changes);
        let error = run("weather").expect_err("no such intent");
        assert!(error.to_string().contains("no intent `weather`"), "{error}");
    }

    #[test]
    fn vectors_are_read_back_for_their_encoder_alone() {
        let bytes = vectors().to_bytes("a");
        assert_eq!(
            Vectors::from_bytes(&bytes, "a").expect("they read back"),
            vectors()
        );
        let cut = &bytes[..bytes.len() - 1];
        for (bytes, encoder) in [(&bytes[..], "b"), (cut, "a"), (&[], "a")] {
            let error = Vectors::from_bytes(bytes, encoder).expect_err("no use");
            assert!(error.to_string().contains("train it again"), "{error}");
        }
        assert_eq!(vectors().get("hello"), Some(&[1.0, 0.5][..]));
        assert_eq!(vectors().get("other"), None);
    }
}
