//! Sentences to vectors: all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957; fine-tuned by the
//! Sentence-Transformers project, Apache 2.0), run on the CPU by a forward pass written for batches of
//! one: no padding, no allocation between layers, weights packed once at loading.
//!
//! The same text gives the same bytes whatever else is in the batch and however many threads run: each
//! number of a token's row is summed in one fixed order that no other row takes part in.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Error;
use config::Config;
use forward::Scratch;
use tokenize::Tokenizer;
use weights::Weights;

mod config;
mod forward;
mod linear;
mod maths;
mod pool;
#[cfg(test)]
mod tests;
mod tokenize;
mod weights;

/// Changes when the arithmetic here changes the vectors, so that what was trained on the old ones is
/// trained again.
const ARITHMETIC: &str = "bellhop-encoder-1";
/// Tokens that go through the layers together: enough to use each weight often, few enough that the
/// activations stay in the second-level cache.
const TOKENS_TOGETHER: usize = 96;

/// A sentence encoder in memory. Share it: it is immutable.
#[derive(Debug)]
pub struct Encoder {
    tokenizer: Tokenizer,
    weights: Weights,
    fingerprint: String,
    threads: usize,
}

impl Encoder {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors` from `dir`.
    ///
    /// # Errors
    /// A file is missing or unreadable, or holds another kind of model than a BERT with the shapes that
    /// its own configuration states.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let mut hash = Sha256::new();
        hash.update(ARITHMETIC);
        let mut file = |name: &str| {
            let path = dir.join(name);
            let bytes = std::fs::read(&path).map_err(|source| Error::Read {
                path: path.clone(),
                source,
                hint: "the model's folder needs config.json, tokenizer.json and model.safetensors"
                    .to_owned(),
            })?;
            hash.update(Sha256::digest(&bytes));
            Ok((path, bytes))
        };
        let (path, bytes) = file("config.json")?;
        let config = Config::read(&path, &bytes)?;
        let (path, bytes) = file("tokenizer.json")?;
        let tokenizer = Tokenizer::read(&path, &bytes, &config)?;
        let (path, bytes) = file("model.safetensors")?;
        let weights = Weights::read(&path, &bytes, config)?;
        drop(bytes);
        let fingerprint = hex::encode(hash.finalize());
        Ok(Self {
            tokenizer,
            weights,
            fingerprint,
            threads: 1,
        })
    }

    /// The same encoder with up to `threads` threads a call (at least one). Vectors do not depend on it.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The length of a vector.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.weights.config.hidden
    }

    /// SHA-256 in hex of the model's files and of how they are run: two encoders with the same
    /// fingerprint give the same vectors.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A vector of length 1 for each text: the mean over the last layer's tokens, divided by its norm.
    /// Of a text longer than 128 tokens only the first 128 count.
    ///
    /// # Errors
    /// The tokenizer refuses a text.
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let tokens = texts
            .iter()
            .map(|text| self.tokenizer.ids(text))
            .collect::<Result<Vec<_>, _>>()?;
        // Long texts with long texts: every group then fills up well, and the threads end together.
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(tokens[i].len()));
        let groups = group(&order, &tokens);
        let threads = self.threads.min(groups.len()).max(1);
        let mut vectors = vec![Vec::new(); texts.len()];
        if threads == 1 {
            self.run(groups.iter(), &tokens, &mut |i, v| vectors[i] = v);
            return Ok(vectors);
        }
        let parts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|first| {
                    let (groups, tokens) = (&groups, &tokens);
                    scope.spawn(move || {
                        let mut part = Vec::new();
                        let mine = groups.iter().skip(first).step_by(threads);
                        self.run(mine, tokens, &mut |i, v| part.push((i, v)));
                        part
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|w| {
                    w.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect::<Vec<_>>()
        });
        for (i, vector) in parts.into_iter().flatten() {
            vectors[i] = vector;
        }
        Ok(vectors)
    }

    /// Runs groups of sentences and gives each one's vector away.
    fn run<'a>(
        &self,
        groups: impl Iterator<Item = &'a Vec<usize>>,
        tokens: &[Vec<u32>],
        give: &mut dyn FnMut(usize, Vec<f32>),
    ) {
        let mut scratch = Scratch::default();
        for group in groups {
            let sentences: Vec<&[u32]> = group.iter().map(|&i| tokens[i].as_slice()).collect();
            forward::run(&self.weights, &sentences, &mut scratch);
            let mut rows = scratch.hidden(self.dimension());
            for (&i, sentence) in group.iter().zip(&sentences) {
                let (mine, rest) = rows.split_at(sentence.len() * self.dimension());
                give(i, pool::mean_and_normalise(mine, self.dimension()));
                rows = rest;
            }
        }
    }
}

/// Indices in `order`, cut where a group would hold more than [`TOKENS_TOGETHER`].
fn group(order: &[usize], tokens: &[Vec<u32>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for &i in order {
        let length = tokens[i].len();
        match groups.last_mut() {
            Some(last) if length <= room => last.push(i),
            _ => {
                groups.push(vec![i]);
                room = TOKENS_TOGETHER.max(length);
            }
        }
        room -= length;
    }
    groups
}
