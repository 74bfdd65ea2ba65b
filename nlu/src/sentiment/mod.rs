//! How upset the customer sounds: a logistic regression on the frozen sentence vector.
//!
//! `weights.json` was trained by [`train`] on GoEmotions (Demszky et al. 2020, Apache 2.0; Reddit comments
//! with 28 emotions) and on `service.tsv`, phrases of customer service written for this project, without
//! which a calm report of a stolen card reads as upset. `bellhop nlu train-sentiment` makes it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
pub use train::{Report, train};

mod fit;
mod train;

/// A trained head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    /// Where the numbers come from.
    about: BTreeMap<String, String>,
    /// Fingerprint of the encoder whose vectors it reads.
    encoder: String,
    bias: f32,
    /// One for each number of the vector.
    weights: Vec<f32>,
}

impl Sentiment {
    /// The head that comes with the program, for all-MiniLM-L6-v2.
    #[must_use]
    pub fn builtin() -> Self {
        Self::from_bytes(include_bytes!("weights.json")).expect("a test reads the file")
    }

    /// 0 content or neutral, 1 very upset, of a sentence vector. A vector of another length than the
    /// head was trained on says nothing: 0.
    #[must_use]
    pub fn negative(&self, embedding: &[f32]) -> f64 {
        if embedding.len() != self.weights.len() {
            return 0.0;
        }
        let sum: f32 = embedding
            .iter()
            .zip(&self.weights)
            .map(|(x, w)| x * w)
            .sum();
        fit::logistic(f64::from(sum + self.bias))
    }

    /// The fingerprint of the encoder that it was trained on.
    #[must_use]
    pub fn encoder(&self) -> &str {
        &self.encoder
    }

    /// JSON, under 10 kB.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`Sentiment::to_bytes`] wrote.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|e| Error::Saved {
            what: "sentiment head",
            why: e.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model;

    #[test]
    fn the_head_that_comes_along_is_small_and_whole() {
        let head = Sentiment::builtin();
        assert_eq!(head.weights.len(), 384);
        let bytes = head.to_bytes();
        assert!(bytes.len() < 10_000, "{} bytes", bytes.len());
        assert_eq!(Sentiment::from_bytes(&bytes).expect("read back"), head);
        assert!(Sentiment::from_bytes(b"{}").is_err());
        assert!(head.negative(&[1.0; 7]).abs() < f64::EPSILON);
    }

    /// None of these but the last is in `service.tsv`.
    #[test]
    fn upset_customers_are_told_from_calm_ones() {
        let Some(encoder) = test_model::encoder() else {
            return;
        };
        let head = Sentiment::builtin();
        assert_eq!(
            head.encoder(),
            encoder.fingerprint(),
            "train the head again for this encoder"
        );
        let negative = |text: &str| {
            let vectors = encoder.encode(&[text]).expect("encode");
            head.negative(&vectors[0])
        };
        for (text, least) in [
            ("this is ridiculous, let me talk to someone", 0.6),
            ("I'm furious, fix this now", 0.8),
            ("I am really angry with you people", 0.8),
            ("your customer service is horrible", 0.8),
            (
                "this is the third time I've called and nothing has been done",
                0.5,
            ),
        ] {
            let found = negative(text);
            assert!(found >= least, "{text}: {found:.2}");
        }
        for text in [
            "tell me my balance",
            "how much is in my savings account",
            "my wallet was taken, I need to block my card",
            "move 300 to my landlord please",
            "I would like to talk to an adviser",
            "when do you open tomorrow",
            "I love this",
            "what's my balance",
        ] {
            let found = negative(text);
            assert!(found <= 0.15, "{text}: {found:.2}");
        }
    }
}
