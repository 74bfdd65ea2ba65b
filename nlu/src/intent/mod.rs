//! Intents from few examples, on sentence vectors and hashed n-grams. "None of them" is a
//! class of its own, learned from sentences about everything else, so that its probability is as
//! honest as the others'.

use crate::Error;
use crate::calibrate::{Calibration, HeldOut, Scores};
use crate::conformal::Conformal;
use crate::cuts::Cuts;
use crate::tune;
use linear::{Linear, Row};
use training::Set;

pub(crate) use features::{fnv, plain};
pub(crate) use folds::spread;
pub(crate) use stored::{pack, unpack};
pub(crate) use tuned::{Part, apart};

mod features;
mod folds;
mod impact;
pub(crate) mod lbfgs;
pub(crate) mod linear;
mod stored;
mod training;
mod tuned;

/// Sentences about everything else, in the languages of the program, one a line.
const BACKGROUND: &str = include_str!("background.txt");

/// Length of the n-gram half of the features beside the embedding's length of 1, with no example and with
/// [`PLENTY`]. Of few examples the words say more than they know: with 10 an intent, 0.35 gave 84.3 % on BANKING77
/// where 0.7 gave 83.6, and as much on CLINC150 (91.9 and 92.0).
const NGRAMS: (f32, f32) = (0.3, 0.7);
/// Examples an intent from which on their words are trusted as far as they ever are.
const PLENTY: f32 = 100.0;
/// Most steps of a fit; most end by themselves before. Half as many cost BANKING77 half a point (92.8 against 93.2 %
/// of a held-out fifth), and 100 gained nothing.
const STEPS: usize = 60;
/// Parts that the training texts are cut into.
const FOLDS: usize = 5;
/// How many of them are held out in turn, for examples up to [`MANY`] and beyond. A model of four fifths is nearly as
/// good as the last one, so that what it says of the rest holds for that one. The texts outside the intents are all held
/// out once, so that beyond [`MANY`] a model learns from half of them.
const HELD_OUT: (usize, usize) = (FOLDS, 2);
/// Examples beyond which some folds are enough to calibrate on.
const MANY: usize = 5000;

/// A text to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// Its intent.
    pub class: &'a str,
    /// What the encoder makes of it, as many numbers for every text; the sentence embedding comes first.
    pub features: &'a [f32],
    /// What was said.
    pub text: &'a str,
}

/// A text that is none of the intents.
#[derive(Debug, Clone, Copy)]
pub struct Outside<'a> {
    /// What the encoder makes of it; the sentence embedding comes first.
    pub features: &'a [f32],
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
    /// The unit vectors that the encoder was tuned to bring texts near to, of the intents and of "none of
    /// them", `[classes + 1, width]`; empty on an encoder as it is.
    prototypes: Vec<f32>,
    /// Length of an embedding.
    width: usize,
    /// Length of the n-gram half of the features.
    ngrams: f32,
}

impl Model {
    fn scores(&self, row: Row<'_>) -> Scores {
        let embedding = &row.dense[..self.width.min(row.dense.len())];
        let cosines = self
            .centres
            .chunks_exact(self.width.max(1))
            .map(|c| lbfgs::dot(c, embedding));
        let closeness = cosines.fold(-1.0, f64::max) as f32;
        let mut logits = self.linear.logits(row);
        let prototypes = self.prototypes.chunks_exact(self.width.max(1));
        for (logit, prototype) in logits.iter_mut().zip(prototypes) {
            *logit += tune::SCALE * lbfgs::dot(prototype, embedding) as f32;
        }
        Scores { logits, closeness }
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
    /// Learns the intents of `examples`, whose features begin with an embedding of length `width`.
    /// `outside` should hold the built-in background at least; the same input gives the same head
    /// whatever the number of threads. `progress` is told the share that is done.
    ///
    /// # Errors
    /// There is no example, or features differ in length.
    pub fn train(
        examples: &[Example<'_>],
        outside: &[Outside<'_>],
        width: usize,
        seed: u64,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Head, Error> {
        let set = Set::new(examples, outside, width)?;
        let held_out = set.cross_validate(seed, progress)?;
        let head = Head::finish(set, held_out, Vec::new())?;
        progress(1.0);
        Ok(head)
    }

    /// The head of all texts, calibrated on what was held out.
    fn finish(
        set: Set<'_>,
        held_out: Vec<(usize, HeldOut)>,
        prototypes: Vec<f32>,
    ) -> Result<Head, Error> {
        let (kept, held_out) = set.clean(held_out);
        let model = Model {
            prototypes,
            ..set.fit(&kept)?
        };
        let calibration = Calibration::of(&held_out).with_threshold(&held_out);
        Ok(Head {
            cuts: calibration.cuts(&held_out),
            conformal: calibration.conformal(&held_out),
            classes: set.into_classes(),
            model,
            calibration,
        })
    }

    /// The intents by falling probability, and the probability of none of them; together they are 1. `features` are as
    /// long as those that the head was trained on.
    pub fn predict(&self, features: &[f32], text: &str) -> (Vec<(String, f64)>, f64) {
        let sparse = features::hashed(text, self.model.ngrams);
        let row = Row {
            dense: features,
            sparse: &sparse,
        };
        let mut all = self.calibration.probabilities(&self.model.scores(row));
        let none = all.pop().unwrap_or(1.0);
        let mut intents: Vec<(&String, f64)> = self.classes.iter().zip(all).collect();
        intents.sort_by(|a, b| b.1.total_cmp(&a.1));
        let intents = intents.into_iter().map(|(name, p)| (name.clone(), p));
        (intents.collect(), none)
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
    /// `error_rate`: 0 with too few held-out texts to promise it, infinity from a rate of 1 on.
    pub fn conformal_cut(&self, error_rate: f64) -> f64 {
        self.conformal.cut(error_rate)
    }
}

#[cfg(test)]
mod tests;
