//! Intents from few examples, on frozen sentence embeddings and hashed n-grams. "None of them" is a
//! class of its own, learned from sentences about everything else, so that its probability is as
//! honest as the others'.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::calibrate::{self, HeldOut};
use linear::{Fit, Linear, Row, Sparse};

pub(crate) use features::fnv;
pub(crate) use linear::softmax;
pub(crate) use stored::{pack, unpack};

mod features;
mod folds;
mod lbfgs;
pub(crate) mod linear;
mod stored;

/// Sentences about everything else, in the languages of the program, one a line.
const BACKGROUND: &str = include_str!("background.txt");

/// Strength of the L2 penalty. Weak, since the held-out calibration makes up for boldness.
const L2: f32 = 5e-5;
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
    linear: Linear,
    calibration: Calibration,
}

/// What was fitted on held-out texts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Calibration {
    /// Logits are multiplied by it.
    scale: f32,
    /// Probability from which acting on the best intent pays.
    threshold: f64,
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
        let folds = if set.rows.len() > MANY {
            FOLDS.1
        } else {
            FOLDS.0
        };
        let held_out = set.cross_validate(folds, seed, progress)?;
        let (kept, held_out) = set.clean(held_out);
        let linear = set.fit(&kept, STEPS.0)?;
        progress(1.0);
        Ok(Head {
            calibration: Calibration::new(&held_out, set.none()),
            linear,
            classes: set.classes,
        })
    }

    /// The intents by falling probability, and the probability of none of them; together they are 1.
    pub fn predict(&self, embedding: &[f32], text: &str) -> (Vec<(String, f64)>, f64) {
        let sparse = features::hashed(text, NGRAMS);
        let row = Row {
            dense: embedding,
            sparse: &sparse,
        };
        let mut all = self.calibration.probabilities(&self.linear.logits(row));
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
}

impl Calibration {
    fn new(held_out: &[HeldOut], none: usize) -> Calibration {
        let mut out = Calibration {
            scale: calibrate::scale(held_out),
            threshold: 0.5,
        };
        let (mut inside, mut far, mut near) = (Vec::new(), Vec::new(), Vec::new());
        let best = |logits: &[f32]| {
            let mut all = out.probabilities(logits);
            all.truncate(none);
            all.into_iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(&b.1))
        };
        for text in held_out {
            let Some((class, p)) = best(&text.logits) else {
                continue;
            };
            if text.label == none {
                far.push(p);
                continue;
            }
            inside.push((p, class == text.label));
            // With its own intent struck out, it is out of scope and yet about the same things.
            let mut struck = text.logits.clone();
            struck[text.label] = f32::NEG_INFINITY;
            near.extend(best(&struck).map(|(_, p)| p));
        }
        out.threshold = calibrate::threshold(&inside, &far, &near);
        out
    }

    /// Probabilities that sum to 1, the last for none of the intents.
    fn probabilities(&self, logits: &[f32]) -> Vec<f64> {
        let scaled = logits.iter().map(|z| f64::from(z * self.scale));
        let most = scaled.clone().fold(f64::NEG_INFINITY, f64::max);
        let raised: Vec<f64> = scaled.map(|z| (z - most).exp()).collect();
        let sum: f64 = raised.iter().sum();
        raised.iter().map(|v| v / sum).collect()
    }
}

/// The training texts as rows of numbers.
struct Set<'a> {
    classes: Vec<String>,
    rows: Vec<&'a [f32]>,
    sparse: Vec<Sparse>,
    labels: Vec<usize>,
    background: Vec<bool>,
}

impl<'a> Set<'a> {
    fn new(examples: &[Example<'a>], outside: &[Outside<'a>]) -> Result<Set<'a>, Error> {
        let mut numbers: BTreeMap<&str, usize> = examples.iter().map(|e| (e.class, 0)).collect();
        if numbers.is_empty() {
            return Err(bad("there is no example; give every intent at least two"));
        }
        numbers
            .values_mut()
            .enumerate()
            .for_each(|(number, class)| *class = number);
        let none = numbers.len();
        let mut set = Set {
            classes: numbers.keys().map(|class| (*class).to_owned()).collect(),
            rows: examples.iter().map(|e| e.embedding).collect(),
            sparse: examples
                .iter()
                .map(|e| features::hashed(e.text, NGRAMS))
                .collect(),
            labels: examples.iter().map(|e| numbers[e.class]).collect(),
            background: vec![false; examples.len()],
        };
        for o in outside {
            set.rows.push(o.embedding);
            set.sparse.push(features::hashed(o.text, NGRAMS));
            set.labels.push(none);
            set.background.push(o.background);
        }
        let length = set.rows[0].len();
        if set.rows.iter().any(|row| row.len() != length) {
            return Err(bad(
                "embeddings differ in length; encode all texts with one model",
            ));
        }
        Ok(set)
    }

    /// The class "none of them".
    fn none(&self) -> usize {
        self.classes.len()
    }

    fn row(&self, at: usize) -> Row<'_> {
        Row {
            dense: self.rows[at],
            sparse: &self.sparse[at],
        }
    }

    fn fit(&self, rows: &[usize], steps: usize) -> Result<Linear, Error> {
        let labels: Vec<usize> = rows.iter().map(|at| self.labels[*at]).collect();
        let weight = vec![1.0; rows.len()];
        let rows: Vec<Row<'_>> = rows.iter().map(|at| self.row(*at)).collect();
        let fit = Fit {
            classes: self.none() + 1,
            sparse: features::COLUMNS,
            l2: L2,
            steps,
        };
        Linear::fit(&rows, &labels, &weight, fit).map_err(|error| bad(&error.to_string()))
    }

    /// What models say of the texts that each of them wasn't trained on, in the order of the rows.
    fn cross_validate(
        &self,
        folds: usize,
        seed: u64,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Vec<HeldOut>, Error> {
        let of_row = folds::spread(&self.labels, self.none() + 1, folds, seed);
        let part = |fold: usize, inside: bool| -> Vec<usize> {
            (0..of_row.len())
                .filter(|at| (of_row[*at] == fold) == inside)
                .collect()
        };
        // A thread a fold; their results are put together in the order of the folds.
        let fitted: Vec<Result<Linear, Error>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..folds)
                .map(|fold| scope.spawn(move || self.fit(&part(fold, false), STEPS.1)))
                .collect();
            threads
                .into_iter()
                .enumerate()
                .map(|(done, thread)| {
                    let model = thread.join().unwrap_or_else(|_| Err(bad("a fold stopped")));
                    progress((done + 1) as f64 / (folds + 1) as f64);
                    model
                })
                .collect()
        });
        let models = fitted.into_iter().collect::<Result<Vec<Linear>, Error>>()?;
        let held_out = |(at, fold): (usize, &usize)| HeldOut {
            logits: models[*fold].logits(self.row(at)),
            label: self.labels[at],
        };
        Ok(of_row.iter().enumerate().map(held_out).collect())
    }

    /// The rows to learn from in the end, with what was held out of them: a background sentence that
    /// models trained on all the others take for an intent is about that intent.
    fn clean(&self, held_out: Vec<HeldOut>) -> (Vec<usize>, Vec<HeldOut>) {
        let first = Calibration {
            scale: calibrate::scale(&held_out),
            threshold: 0.5,
        };
        let none = self.none();
        let of_both = held_out.into_iter().enumerate();
        of_both
            .filter(|(at, text)| {
                !self.background[*at] || first.probabilities(&text.logits)[none] >= 0.5
            })
            .unzip()
    }
}

fn bad(why: &str) -> Error {
    Error::Spec {
        what: "the intents".to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests;
