//! Sentences to vectors: all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957; fine-tuned by the
//! Sentence-Transformers project, Apache 2.0), run on the CPU by a forward pass written for batches of
//! one: no padding, no allocation between layers, weights packed once at loading.
//!
//! The same text gives the same bytes whatever else is in the batch and however many threads run: each
//! number of a token's row is summed in one fixed order that no other row takes part in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;
use config::Config;
use forward::{Input, Plan, Scratch, Show, Stage};
use level::Instructions;
use team::{Member, Team};
use tokenize::Tokenizer;
use weights::Weights;

pub(crate) use forward::HEAD;
pub(crate) use layer::{DenseWeights, LayerWeights, Norm};
pub(crate) use linear::quantise;
pub use upper::Upper;

mod config;
mod dot;
mod forward;
mod layer;
mod level;
mod linear;
pub(crate) mod maths;
mod pool;
mod quantised;
mod team;
#[cfg(test)]
mod tests;
mod tokenize;
mod upper;
mod weights;

/// Changes when the arithmetic here changes the vectors, so that what was trained on the old ones is
/// trained again.
const ARITHMETIC: &str = "bellhop-encoder-2";
/// Tokens that go through the layers together: enough to use each weight often, few enough that the
/// activations stay in the second-level cache.
const TOKENS_TOGETHER: usize = 96;

/// Most threads that run the same sentences: with more, waiting for each other takes longer than the work.
const MOST_TOGETHER: usize = 4;

/// How exactly the dense layers are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 16-bit weights and 32-bit floats.
    Full,
    /// 8-bit weights and activations with exact sums: faster, at a mean cosine of 0.999 with the full
    /// vectors. What was trained on the one kind of vectors is to be trained again for the other.
    #[default]
    Int8,
}

/// A sentence encoder in memory. Share it: it is immutable.
#[derive(Debug)]
pub struct Encoder {
    tokenizer: Tokenizer,
    weights: Weights,
    fingerprint: String,
    threads: usize,
    folder: PathBuf,
    precision: Precision,
    instructions: Instructions,
}

/// A text as tuned layers see it, and as the model's own do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Encoded {
    /// From the model's own layers, L2-normalised; the same as `Encoder::encode` gives.
    pub base: Vec<f32>,
    /// From the tuned layers, L2-normalised; empty where there are none.
    pub tuned: Vec<f32>,
}

impl Encoder {
    /// Reads `config.json`, `tokenizer.json` and `model.safetensors` from `dir`, to be run at the default
    /// precision.
    ///
    /// # Errors
    /// As `load_with`.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        Self::load_with(dir, Precision::default())
    }

    /// As `load`, to be run at this precision.
    ///
    /// # Errors
    /// A file is missing or unreadable, or holds another kind of model than a BERT with the shapes that
    /// its own configuration states.
    pub fn load_with(dir: &Path, precision: Precision) -> Result<Self, Error> {
        let mut hash = Sha256::new();
        hash.update(ARITHMETIC);
        if precision == Precision::Int8 {
            hash.update("int8");
        }
        let mut file = |name: &str| {
            let (path, bytes) = read_file(dir, name)?;
            hash.update(Sha256::digest(&bytes));
            Ok((path, bytes))
        };
        let (path, bytes) = file("config.json")?;
        let config = Config::read(&path, &bytes)?;
        let (path, bytes) = file("tokenizer.json")?;
        let tokenizer = Tokenizer::read(&path, &bytes, &config)?;
        let (path, bytes) = file("model.safetensors")?;
        let weights = Weights::read(&path, &bytes, config, precision)?;
        drop(bytes);
        let fingerprint = hex::encode(hash.finalize());
        Ok(Self {
            tokenizer,
            weights,
            fingerprint,
            threads: 1,
            folder: dir.to_owned(),
            precision,
            instructions: Instructions::best(),
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

    /// How it computes.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The processor's instructions that it uses, by name.
    #[must_use]
    pub fn instructions(&self) -> &'static str {
        self.instructions.name()
    }

    /// The number of transformer layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.weights.layers.len()
    }

    /// A vector of length 1 for each text: the mean over the last layer's tokens, divided by its norm.
    /// Of a text longer than 128 tokens only the first 128 count.
    ///
    /// # Errors
    /// The tokenizer refuses a text.
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let encoded = self.encode_tapped(texts, None, &|(): &mut (), _, _| ())?;
        Ok(encoded.into_iter().map(|(e, ())| e.base).collect())
    }

    /// Runs the lower layers once, and both the model's own upper layers and the tuned ones on top.
    ///
    /// # Errors
    /// The tokenizer refuses a text, or the tuned layers belong to another model.
    pub fn encode_with(&self, texts: &[&str], upper: &Upper) -> Result<Vec<Encoded>, Error> {
        let encoded = self.encode_tapped(texts, Some(upper), &|(): &mut (), _, _| ())?;
        Ok(encoded.into_iter().map(|(e, ())| e).collect())
    }

    /// As `encode_with`, with a look inside: for each text `tap` is called with a value of the text's
    /// own, a number of layers and the rows `[tokens, dimension]` that come out of that many of the
    /// model's own layers (0 is the embeddings), in rising order.
    ///
    /// # Errors
    /// As `encode_with`.
    pub fn encode_tapped<T: Default + Send>(
        &self,
        texts: &[&str],
        upper: Option<&Upper>,
        tap: &(impl Fn(&mut T, usize, &[f32]) + Sync),
    ) -> Result<Vec<(Encoded, T)>, Error> {
        if let Some(upper) = upper {
            upper.check(&self.weights.config)?;
        }
        let last = self.layers();
        self.run(texts, Plan { last, upper }, tap)
    }

    /// The rows `[tokens, dimension]` of each text after that many of the model's own layers (0 is the
    /// embeddings). The layers above don't run.
    ///
    /// # Errors
    /// The tokenizer refuses a text.
    pub fn states(&self, texts: &[&str], layers: usize) -> Result<Vec<Vec<f32>>, Error> {
        let last = layers.min(self.layers());
        let tap = |rows: &mut Vec<f32>, at: usize, new: &[f32]| {
            if at == last {
                rows.extend_from_slice(new);
            }
        };
        let states = self.run(texts, Plan { last, upper: None }, &tap)?;
        Ok(states.into_iter().map(|(_, rows)| rows).collect())
    }

    /// Vectors from tuned layers on top of rows that `states` gave: those of all sentences one after the
    /// other, with the number of each one's tokens.
    pub(crate) fn encode_states(
        &self,
        rows: &[f32],
        lengths: &[usize],
        upper: &Upper,
    ) -> Result<Vec<Vec<f32>>, Error> {
        upper.check(&self.weights.config)?;
        let width = self.dimension();
        let mut out = Vec::with_capacity(lengths.len());
        let mut show = |_: Stage, mut rows: &[f32]| {
            for tokens in lengths {
                let (mine, rest) = rows.split_at(tokens * width);
                rows = rest;
                out.push(pool::mean_and_normalise(mine, width));
            }
        };
        let plan = Plan {
            last: 0,
            upper: Some(upper),
        };
        let input = Input::Rows(rows, lengths);
        forward::run(
            self.instructions,
            &self.weights,
            plan,
            input,
            &mut Scratch::default(),
            Member::alone(),
            &mut show,
        );
        Ok(out)
    }

    /// The byte range in `text` of each token that it is split into, in the order of the rows that
    /// `states` and taps give; an empty one for the marks of start and end.
    ///
    /// # Errors
    /// The tokenizer refuses the text.
    pub fn places(&self, text: &str) -> Result<Vec<(usize, usize)>, Error> {
        self.tokenizer.places(text)
    }

    /// The weights of the layers from `first` on, from the model's file.
    pub(crate) fn layer_weights(&self, first: usize) -> Result<Vec<LayerWeights>, Error> {
        let (path, bytes) = read_file(&self.folder, "model.safetensors")?;
        Weights::read_layers(&path, &bytes, &self.weights.config, first)
    }

    /// The number added to a variance before its root is divided by.
    pub(crate) fn epsilon(&self) -> f32 {
        self.weights.config.epsilon
    }

    fn run<T: Default + Send>(
        &self,
        texts: &[&str],
        plan: Plan<'_>,
        tap: &(impl Fn(&mut T, usize, &[f32]) + Sync),
    ) -> Result<Vec<(Encoded, T)>, Error> {
        let tokens = texts
            .iter()
            .map(|text| self.tokenizer.ids(text))
            .collect::<Result<Vec<_>, _>>()?;
        // Long texts with long texts: every group then fills up well, and the threads end together.
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(tokens[i].len()));
        let groups = group(&order, &tokens);
        // Many groups are shared out, one is run by all.
        let threads = self.threads.min(groups.len()).max(1);
        let team = if groups.len() == 1 {
            self.threads.min(MOST_TOGETHER)
        } else {
            1
        };
        let work = |first: usize| {
            let mut scratch = Scratch::default();
            let mut part = Vec::new();
            for group in groups.iter().skip(first).step_by(threads) {
                let sentences: Vec<&[u32]> = group.iter().map(|&i| tokens[i].as_slice()).collect();
                let done = self.run_group(&sentences, plan, &mut scratch, team, tap);
                part.extend(group.iter().copied().zip(done));
            }
            part
        };
        let parts = if threads == 1 {
            vec![work(0)]
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads)
                    .map(|first| scope.spawn(move || work(first)))
                    .collect();
                workers
                    .into_iter()
                    .map(|w| {
                        w.join()
                            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    })
                    .collect()
            })
        };
        let mut out: Vec<(Encoded, T)> = texts.iter().map(|_| Default::default()).collect();
        for (i, done) in parts.into_iter().flatten() {
            out[i] = done;
        }
        Ok(out)
    }

    /// Runs sentences together, on as many threads, and gives what came of each.
    fn run_group<T: Default>(
        &self,
        sentences: &[&[u32]],
        plan: Plan<'_>,
        scratch: &mut Scratch,
        threads: usize,
        tap: &impl Fn(&mut T, usize, &[f32]),
    ) -> Vec<(Encoded, T)> {
        let width = self.dimension();
        let mut out: Vec<(Encoded, T)> = sentences.iter().map(|_| Default::default()).collect();
        let mut show = |stage: Stage, mut rows: &[f32]| {
            for ((encoded, own), sentence) in out.iter_mut().zip(sentences) {
                let (mine, rest) = rows.split_at(sentence.len() * width);
                rows = rest;
                match stage {
                    Stage::Base(layers) => {
                        tap(own, layers, mine);
                        if layers == plan.last {
                            encoded.base = pool::mean_and_normalise(mine, width);
                        }
                    }
                    Stage::Tuned => encoded.tuned = pool::mean_and_normalise(mine, width),
                }
            }
        };
        let input = Input::Tokens(sentences);
        let run = |scratch: &mut Scratch, member: Member<'_>, show: Show<'_>| {
            let (instructions, weights) = (self.instructions, &self.weights);
            forward::run(instructions, weights, plan, input, scratch, member, show);
        };
        if threads == 1 {
            run(scratch, Member::alone(), &mut show);
            return out;
        }
        let team = Team::new(threads);
        // Taken before others start: dropped while panicking, it lets them go.
        let first = team.member(0);
        std::thread::scope(|scope| {
            for rank in 1..threads {
                let (run, member) = (&run, team.member(rank));
                scope.spawn(move || run(&mut Scratch::default(), member, &mut |_, _| ()));
            }
            run(scratch, first, &mut show);
        });
        out
    }
}

fn read_file(dir: &Path, name: &str) -> Result<(PathBuf, Vec<u8>), Error> {
    let path = dir.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Ok((path, bytes)),
        Err(source) => Err(Error::Read {
            path,
            source,
            hint: "the model's folder needs config.json, tokenizer.json and model.safetensors"
                .to_owned(),
        }),
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
