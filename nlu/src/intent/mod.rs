//! Intents from few examples, on frozen sentence embeddings and hashed n-grams. "None of them" is a
//! class of its own, learned from sentences about everything else, so that its probability is as
//! honest as the others'.

use crate::Error;
use crate::calibrate::{Calibration, Scores};
use crate::conformal::Conformal;
use crate::cuts::Cuts;
use linear::{Linear, Row};
use training::Set;

pub(crate) use features::fnv;
pub(crate) use stored::{pack, unpack};

mod features;
mod folds;
mod impact;
mod lbfgs;
pub(crate) mod linear;
mod stored;
mod training;

/// Sentences about everything else, in the languages of the program, one a line.
const BACKGROUND: &str = include_str!("background.txt");

/// Length of the n-gram half of the features beside the embedding's length of 1.
const NGRAMS: f32 = 0.7;
/// Steps of the last fit, and of each fold's.
const STEPS: (usize, usize) = (30, 25);
/// Folds that are held out in turn, for training texts up to a size and beyond it.
const FOLDS: (usize, usize) = (5, 2);
/// Training texts beyond which there are fewer folds.
const MANY: usize = 5000;

/// A text to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// Its intent.
    pub class: &'a str,
    /// Sentence embedding, L2-normalised.
    pub embedding: &'a [f32],
    /// What was said.
    pub text: &'a str,
}

/// A text that is none of the intents.
#[derive(Debug, Clone, Copy)]
pub struct Outside<'a> {
    /// Sentence embedding, L2-normalised.
    pub embedding: &'a [f32],
    /// What was said.
    pub text: &'a str,
    /// It only stands for everything else, and is left out where an intent is about the same.
    pub background: bool,
}

/// Learned intents.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The intents in the order of the logits; "none of them" comes after.
    classes: Vec<String>,
    model: Model,
    calibration: Calibration,
    /// A threshold for each intent.
    cuts: Cuts,
    /// For sets of intents with a stated error rate.
    conformal: Conformal,
}

/// What the fits of one set of texts give.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    linear: Linear,
    /// The unit means of the intents' embeddings, one after the other.
    centres: Vec<f32>,
}

impl Model {
    fn scores(&self, row: Row<'_>) -> Scores {
        let length = row.dense.len().max(1);
        let cosines = self
            .centres
            .chunks_exact(length)
            .map(|c| lbfgs::dot(c, row.dense));
        let closeness = cosines.fold(-1.0, f64::max) as f32;
        Scores {
            logits: self.linear.logits(row),
            closeness,
        }
    }
}

/// The built-in sentences about everything else.
pub fn background() -> Vec<&'static str> {
    BACKGROUND
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect()
}

impl Head {
    /// Learns the intents of `examples`. `outside` should hold the built-in background at least; the
    /// same input gives the same head whatever the number of threads. `progress` is told the share
    /// that is done.
    ///
    /// # Errors
    /// There is no example, or embeddings differ in length.
    pub fn train(
        examples: &[Example<'_>],
        outside: &[Outside<'_>],
        seed: u64,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Head, Error> {
        let set = Set::new(examples, outside)?;
        let many = examples.len() > MANY;
        let folds = if many { FOLDS.1 } else { FOLDS.0 };
        let held_out = set.cross_validate(folds, seed, progress)?;
        let (kept, held_out) = set.clean(held_out);
        let model = set.fit(&kept, STEPS.0)?;
        progress(1.0);
        let calibration = Calibration::of(&held_out).with_threshold(&held_out);
        Ok(Head {
            cuts: calibration.cuts(&held_out),
            conformal: calibration.conformal(&held_out),
            classes: set.into_classes(),
            model,
            calibration,
        })
    }

    /// The intents by falling probability, and the probability of none of them; together they are 1.
    pub fn predict(&self, embedding: &[f32], text: &str) -> (Vec<(String, f64)>, f64) {
        let sparse = features::hashed(text, NGRAMS);
        let row = Row {
            dense: embedding,
            sparse: &sparse,
        };
        let mut all = self.calibration.probabilities(&self.model.scores(row));
        let none = all.pop().unwrap_or(1.0);
        let mut intents: Vec<(String, f64)> = self.classes.iter().cloned().zip(all).collect();
        intents.sort_by(|a, b| b.1.total_cmp(&a.1));
        (intents, none)
    }

    /// The intents in alphabetical order.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(String::as_str)
    }

    /// The probability from which acting on the best intent pays, found on held-out texts.
    pub fn threshold(&self) -> f64 {
        self.calibration.threshold
    }

    /// The same for one intent: the common threshold, moved as far as its own texts warrant.
    pub fn threshold_of(&self, intent: &str) -> f64 {
        let class = self
            .classes
            .binary_search_by(|class| class.as_str().cmp(intent));
        let own = class.ok().and_then(|class| self.cuts.get(class));
        own.unwrap_or(self.calibration.threshold)
    }

    /// The probability from which an intent belongs to the set that misses the true one at
    /// `error_rate`.
    pub fn conformal_cut(&self, error_rate: f64) -> f64 {
        self.conformal.cut(error_rate)
    }
}

#[cfg(test)]
mod tests;
