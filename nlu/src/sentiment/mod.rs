//! How upset the customer sounds, and which words say so.
//!
//! Read off the rows of the encoder's third layer, where a word is still itself but already knows its
//! neighbours: on GoEmotions the later layers, made for what a sentence is about, tell less of its mood.
//! Two opinions are mixed. A small network with attention over the tokens (`network`) was trained
//! on GoEmotions (Demszky et al. 2020, Apache 2.0; Reddit comments with 28 emotions). A linear one on
//! the rows' mean and maximum, with the network's score beside them, was trained on `service.tsv`, phrases of
//! customer service written for this project: a calm report of a stolen card sounds sad on Reddit. How
//! much each counts follows from whether the text is like a message to a service at all (a mixture of
//! experts with a learned gate, Jacobs et al. 1991).
//!
//! `bellhop nlu train-sentiment` makes `weights.json` again, byte for byte.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use fit::logistic;
use network::Network;
use stored::{Packed, rounded};
pub use train::{Report, train};

mod fit;
mod network;
mod stored;
mod train;

/// Words that are named as reasons.
const REASONS: usize = 3;

/// A trained head.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentiment {
    /// Where the numbers come from.
    about: BTreeMap<String, String>,
    /// The encoder's layers below the rows that it reads.
    layer: usize,
    network: Network,
    /// Log-odds that the text is a message to a service.
    gate: Linear,
    /// Log-odds that such a message is upset; the last weight is the network's score's.
    service: Linear,
}

/// A weighted sum of features.
#[derive(Debug, Clone, PartialEq)]
struct Linear {
    weights: Vec<f32>,
    bias: f32,
}

/// What a head makes of a text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mood {
    /// 0 content or neutral, 1 very upset.
    pub negative: f64,
    /// For each token how much more it adds to the log-odds than the text's tokens do on average.
    shares: Vec<f32>,
}

/// A word that makes a text sound upset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// How much more it adds to the log-odds of being upset than the text's average token.
    pub weight: f64,
}

/// How a head is kept.
#[derive(Serialize, Deserialize)]
struct Stored {
    about: BTreeMap<String, String>,
    layer: usize,
    width: usize,
    hidden: Packed,
    heads: Vec<f32>,
    gate: (Packed, f32),
    service: (Packed, f32),
}

impl Sentiment {
    /// The head that comes with the program, for all-MiniLM-L6-v2.
    #[must_use]
    pub fn builtin() -> Self {
        Self::from_bytes(include_bytes!("weights.json")).expect("a test reads the file")
    }

    /// The number of the encoder's layers after which `judge` takes the rows.
    #[must_use]
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Judges the rows of a text's tokens, `[tokens, width]`. Rows of another width than the head was
    /// trained on say nothing: 0.
    #[must_use]
    pub fn judge(&self, rows: &[f32]) -> Mood {
        let width = self.network.width();
        if rows.is_empty() || !rows.len().is_multiple_of(width) {
            return Mood::default();
        }
        let tokens = self.network.tokens(rows);
        let own = tokens.iter().sum::<f32>() + self.network.bias();
        let (features, highest) = features(rows, width);
        let gate = logistic(f64::from(self.gate.score(&features)));
        let (weights, of_own) = self.service.weights.split_at(2 * width);
        let service = self.service.score(&features) + of_own[0] * own;
        let score = (1.0 - gate) * f64::from(own) + gate * f64::from(service);
        Mood {
            negative: logistic(score),
            shares: shares(
                rows,
                &tokens,
                weights,
                &highest,
                [gate, f64::from(of_own[0])],
            ),
        }
    }

    /// JSON, under 100 kB.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let width = self.network.width();
        let (hidden, heads) = self.network.numbers().split_at(network::HIDDEN * width);
        let linear = |of: &Linear| (Packed::new(&of.weights, of.weights.len()), of.bias);
        let stored = Stored {
            about: self.about.clone(),
            layer: self.layer,
            width,
            hidden: Packed::new(hidden, width),
            heads: heads.iter().map(|x| rounded(f64::from(*x), 4)).collect(),
            gate: linear(&self.gate),
            service: linear(&self.service),
        };
        let mut bytes = serde_json::to_vec(&stored).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`Sentiment::to_bytes`] wrote.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |why: String| Error::Saved {
            what: "sentiment head",
            why,
        };
        let stored: Stored = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        stored
            .open()
            .ok_or_else(|| bad("it has too few numbers, or too many".to_owned()))
    }
}

impl Stored {
    fn open(self) -> Option<Sentiment> {
        let width = self.width;
        let mut numbers = self.hidden.weights(network::HIDDEN, width)?;
        numbers.extend(&self.heads);
        let linear = |(weights, bias): &(Packed, f32), n| {
            Some(Linear {
                weights: weights.weights(1, n)?,
                bias: *bias,
            })
        };
        Some(Sentiment {
            network: Network::new(width, numbers)?,
            gate: linear(&self.gate, 2 * width)?,
            service: linear(&self.service, 2 * width + 1)?,
            about: self.about,
            layer: self.layer,
        })
    }
}

impl Linear {
    /// The sum over as many features as there are.
    fn score(&self, features: &[f32]) -> f32 {
        dot(&self.weights, features) + self.bias
    }
}

impl Mood {
    /// The words that make the text sound upset, the strongest first. `pieces` are the tokens' byte
    /// ranges in `text`, empty for marks that are no part of it.
    #[must_use]
    pub fn reasons(&self, text: &str, pieces: &[(usize, usize)]) -> Vec<Reason> {
        let mut words: Vec<Reason> = Vec::new();
        let seen = pieces
            .iter()
            .zip(&self.shares)
            .filter(|((start, end), _)| start < end);
        for (&(start, end), share) in seen {
            let whole = |at: usize| {
                let glued = |c: char| c.is_alphanumeric() || c == '\'' || c == '’';
                let around = (text.get(..at), text.get(at..));
                around.0.is_some_and(|t| t.ends_with(glued))
                    && around.1.is_some_and(|t| t.starts_with(glued))
            };
            match words.last_mut() {
                Some(word) if word.end == start && whole(start) => {
                    word.end = end;
                    word.weight += f64::from(*share);
                }
                _ => words.push(Reason {
                    start,
                    end,
                    weight: f64::from(*share),
                }),
            }
        }
        words.retain(|word| word.weight > 0.0);
        words.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.start.cmp(&b.start)));
        words.truncate(REASONS);
        words
    }
}

/// The mean and the highest of each column, and the token that is the highest.
fn features(rows: &[f32], width: usize) -> (Vec<f32>, Vec<usize>) {
    let mut all = vec![0.0; width];
    all.resize(2 * width, f32::NEG_INFINITY);
    let mut highest = vec![0; width];
    let (means, most) = all.split_at_mut(width);
    for (token, row) in rows.chunks_exact(width).enumerate() {
        let sums = means.iter_mut().zip(most.iter_mut()).zip(&mut highest);
        for (x, ((sum, most), at)) in row.iter().zip(sums) {
            *sum += x;
            if *x > *most {
                (*most, *at) = (*x, token);
            }
        }
    }
    let tokens = (rows.len() / width) as f32;
    means.iter_mut().for_each(|x| *x /= tokens);
    (all, highest)
}

/// What each token adds to the mixed score, less what the tokens add on average.
fn shares(
    rows: &[f32],
    tokens: &[f32],
    weights: &[f32],
    highest: &[usize],
    [gate, of_own]: [f64; 2],
) -> Vec<f32> {
    let width = highest.len();
    let (of_means, of_most) = weights.split_at(width);
    let n = tokens.len() as f32;
    #[expect(clippy::cast_possible_truncation, reason = "digits that nobody needs")]
    let (gate, of_tokens) = (gate as f32, (1.0 - gate + gate * of_own) as f32);
    let mut all: Vec<f32> = rows
        .chunks_exact(width)
        .zip(tokens)
        .map(|(row, own)| of_tokens * own + gate * dot(row, of_means) / n)
        .collect();
    for ((token, weight), column) in highest.iter().zip(of_most).zip(0..) {
        all[*token] += gate * weight * rows[token * width + column];
    }
    let mean = all.iter().sum::<f32>() / n;
    all.iter_mut().for_each(|x| *x -= mean);
    all
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests;
