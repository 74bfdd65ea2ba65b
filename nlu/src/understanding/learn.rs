//! From examples to a head, on the encoder as it is or tuned for them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{BATCH, examples};
use crate::encoder::{Encoder, Upper};
use crate::intent::{self, Example, Head, Outside, Part};
use crate::tune::{Recipe, Tuner};
use crate::vectors::{self, Look};
use crate::{Error, Spec};

/// Of so many parts of the examples one is held out from tuning, to calibrate on.
const FOLDS: usize = 5;
/// Examples up to which two parts are held out one after the other, since one has too few texts.
const FEW: usize = 4000;
/// Share of the time that the last tuning takes.
const LAST: f64 = 0.5;

/// Everything there is to learn intents from.
pub(super) struct Texts<'a> {
    /// Intent and text of the examples.
    examples: Vec<(&'a str, Cow<'a, str>)>,
    /// The background and the texts known to be none of the intents.
    outside: Vec<&'a str>,
    /// Number of background texts that may be about an intent.
    background: usize,
}

impl<'a> Texts<'a> {
    pub(super) fn new(spec: &'a Spec, outside: &'a [String]) -> Self {
        let examples = examples(spec);
        let mut all = intent::background();
        let background = all.len();
        all.extend(outside.iter().map(String::as_str));
        Self {
            examples,
            outside: all,
            background,
        }
    }

    /// The texts, examples first.
    fn all(&self) -> Vec<&str> {
        let examples = self.examples.iter().map(|(_, text)| text.as_ref());
        examples.chain(self.outside.iter().copied()).collect()
    }

    /// Whether there is no example.
    pub(super) fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// Whether there is anything to tell apart.
    pub(super) fn has_several_classes(&self) -> bool {
        self.examples.iter().any(|e| e.0 != self.examples[0].0)
    }

    /// How to tune on them.
    pub(super) fn recipe(&self) -> Recipe {
        Recipe::for_examples(self.examples.len())
    }

    /// The texts with their features, as the head wants them.
    fn rows<'r>(&'r self, features: &'r [Vec<f32>]) -> (Vec<Example<'r>>, Vec<Outside<'r>>) {
        let (of_examples, of_outside) = features.split_at(self.examples.len());
        let rest = self.outside.iter().zip(of_outside).enumerate();
        (
            self.examples
                .iter()
                .zip(of_examples)
                .map(|((class, text), features)| Example {
                    class,
                    features,
                    text,
                })
                .collect(),
            rest.map(|(at, (text, features))| Outside {
                features,
                text,
                background: at < self.background,
            })
            .collect(),
        )
    }

    /// The same without the background that is about an intent; `features` are all texts'.
    fn without_intents_of_its_own(
        &self,
        features: &[Vec<f32>],
        width: usize,
        seed: u64,
    ) -> Result<Texts<'a>, Error> {
        let (inside, rest) = self.rows(features);
        let apart = intent::apart(&inside, &rest, width, seed)?;
        let texts = self.outside.iter().zip(apart);
        Ok(Texts {
            examples: self.examples.clone(),
            outside: texts
                .filter(|(_, apart)| *apart)
                .map(|(text, _)| *text)
                .collect(),
            background: 0,
        })
    }

    /// The class of each text in alphabetical order, "none of them" last, and that last one.
    fn labels(&self) -> (Vec<usize>, usize) {
        let mut numbers: BTreeMap<&str, usize> = self.examples.iter().map(|e| (e.0, 0)).collect();
        let all = numbers.values_mut().enumerate();
        all.for_each(|(number, class)| *class = number);
        let none = numbers.len();
        let mut labels: Vec<usize> = self.examples.iter().map(|e| numbers[e.0]).collect();
        labels.resize(labels.len() + self.outside.len(), none);
        (labels, none)
    }
}

/// What intents are learned from, of all texts.
fn features(
    encoder: &Encoder,
    upper: Option<&Upper>,
    texts: &Texts<'_>,
    progress: &mut dyn FnMut(f64),
) -> Result<Vec<Vec<f32>>, Error> {
    let look = Look {
        upper,
        ..Look::default()
    };
    let all = texts.all();
    let mut features = Vec::with_capacity(all.len());
    for batch in all.chunks(BATCH) {
        let read = vectors::read(encoder, look, batch)?;
        features.extend(read.into_iter().map(|vectors| vectors.features));
        progress(features.len() as f64 / all.len() as f64);
    }
    Ok(features)
}

/// A head on the encoder as it is.
pub(super) fn head(
    encoder: &Encoder,
    texts: &Texts<'_>,
    seed: u64,
    progress: &mut dyn FnMut(f64),
) -> Result<Head, Error> {
    let features = features(encoder, None, texts, &mut |p| progress(p / 2.0))?;
    let (inside, rest) = texts.rows(&features);
    let width = encoder.dimension();
    Head::train(&inside, &rest, width, seed, &mut |p| {
        progress(0.5 + p / 2.0)
    })
}

/// Tunes the encoder's upper layers, and trains a head on them. Calibration comes from a first tuning on
/// some of the texts, which is then thrown away. Background that is about an intent is left out before, or tuning
/// would teach that the intent is none.
pub(super) fn tuned(
    encoder: &Encoder,
    texts: &Texts<'_>,
    recipe: &Recipe,
    seed: u64,
    progress: &mut dyn FnMut(f64),
) -> Result<(Head, Upper), Error> {
    let untuned = features(encoder, None, texts, &mut |p| progress(p * 0.05))?;
    let texts = &texts.without_intents_of_its_own(&untuned, encoder.dimension(), seed)?;
    let (labels, none) = texts.labels();
    let tuner = Tuner::new(encoder, &texts.all(), recipe, &mut |p| {
        progress(0.05 + p * 0.05);
    })?;
    let of_text = intent::spread(&labels, none + 1, FOLDS, seed);
    let runs = if texts.examples.len() <= FEW { 2 } else { 1 };
    let mut held = Vec::new();
    for run in 0..runs {
        let share = (1.0 - LAST - 0.1) / f64::from(runs);
        let start = 0.1 + share * f64::from(run);
        let held_out: Vec<bool> = of_text.iter().map(|fold| *fold == run as usize).collect();
        let learned: Vec<usize> = (0..held_out.len()).filter(|at| !held_out[*at]).collect();
        let tuned = tuner.tune(&learned, &labels, seed, &mut |p| {
            progress(start + p * share * 0.8);
        })?;
        let features = features(encoder, Some(&tuned.upper), texts, &mut |p| {
            progress(start + (0.8 + p * 0.2) * share);
        })?;
        held.push((held_out, features, tuned.prototypes));
    }
    let all: Vec<usize> = (0..labels.len()).collect();
    let start = 1.0 - LAST;
    let tuned = tuner.tune(&all, &labels, seed, &mut |p| {
        progress(start + p * LAST * 0.8)
    })?;
    let features = features(encoder, Some(&tuned.upper), texts, &mut |p| {
        progress(start + (0.8 + p * 0.15) * LAST);
    })?;
    let (inside, rest) = texts.rows(&features);
    let parts: Vec<Part<'_>> = held
        .iter()
        .map(|(held_out, features, prototypes)| {
            let (examples, outside) = texts.rows(features);
            Part {
                examples,
                outside,
                prototypes,
                held_out,
            }
        })
        .collect();
    let rows = (inside.as_slice(), rest.as_slice());
    let head = Head::train_tuned(rows, tuned.prototypes, &parts, encoder.dimension())?;
    Ok((head, tuned.upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model;
    use crate::understanding::tests::spec;

    #[test]
    fn background_about_an_intent_is_not_taught_as_none() {
        let Some(encoder) = test_model::encoder() else {
            return;
        };
        let travel = spec(&[
            (
                "book_flight",
                &[
                    "book me a flight",
                    "I want to fly to Paris",
                    "book a flight to Rome on Friday",
                    "get me a plane ticket to Madrid",
                    "I need a flight from London to New York",
                    "book a plane to Berlin for two",
                ],
            ),
            (
                "lost_bag",
                &[
                    "my suitcase didn't arrive",
                    "my bag is lost",
                    "where is my luggage",
                    "you lost my bag",
                    "the airline lost my suitcase",
                    "my luggage is missing",
                ],
            ),
        ]);
        let texts = Texts::new(&travel, &[]);
        let untuned = features(encoder, None, &texts, &mut |_| ()).expect("vectors");
        let width = encoder.dimension();
        let kept = texts
            .without_intents_of_its_own(&untuned, width, 0)
            .expect("fits");
        let line = "book me a flight to Lisbon";
        assert!(texts.outside.contains(&line) && !kept.outside.contains(&line));
        assert!(kept.outside.len() + 20 > texts.outside.len());
        assert_eq!(kept.examples, texts.examples);
    }
}
