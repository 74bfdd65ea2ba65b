//! What one more example changes, without training anew.

use super::linear::{Fit, Linear, Row};
use super::training::{L2, THOUSANDS, bad};
use super::{Example, Head, Model, Outside, features};
use crate::Error;

/// Steps from the weights before: the example is one of many, and most of them don't move.
const STEPS: usize = 8;

impl Head {
    /// The head with one more example for an intent that it knows; `examples` and `outside` are what it
    /// was trained on. Thresholds and calibration stay as they are.
    ///
    /// # Errors
    /// The head has no such intent, or features differ in length.
    pub fn with_example(
        &self,
        examples: &[Example<'_>],
        outside: &[Outside<'_>],
        added: Example<'_>,
    ) -> Result<Head, Error> {
        let number = |class: &str| {
            self.classes
                .binary_search_by(|c| c.as_str().cmp(class))
                .ok()
        };
        let Some(label) = number(added.class) else {
            return Err(bad(&format!("there is no intent `{}`", added.class)));
        };
        let none = self.classes.len();
        // What training left out of the background is an intent's, and mostly reads so.
        let outside = outside
            .iter()
            .filter(|o| !o.background || self.predict(o.features, o.text).1 >= 0.5);
        let known = examples.iter().filter_map(|e| {
            let label = number(e.class)?;
            Some((e.features, e.text, label))
        });
        let all: Vec<(&[f32], &str, usize)> = known
            .chain(outside.map(|o| (o.features, o.text, none)))
            .chain([(added.features, added.text, label)])
            .collect();
        let dense = self.model.linear.dense();
        if all.iter().any(|(features, ..)| features.len() != dense) {
            return Err(bad(
                "features differ in length; encode all texts with one model",
            ));
        }
        let sparse: Vec<_> = all
            .iter()
            .map(|(_, text, _)| features::hashed(text, self.model.ngrams))
            .collect();
        let rows: Vec<Row<'_>> = all
            .iter()
            .zip(&sparse)
            .map(|((dense, ..), sparse)| Row { dense, sparse })
            .collect();
        let labels: Vec<usize> = all.iter().map(|(.., label)| *label).collect();
        let fit = Fit {
            classes: none + 1,
            sparse: features::COLUMNS,
            l2: L2,
            steps: STEPS,
        };
        let before = &self.model.linear;
        let linear = if fit.classes <= THOUSANDS {
            before.adapt(&rows, &labels, fit)
        } else {
            // Training may have chosen the background a little otherwise; only the example is to count.
            let known = rows.len() - 1;
            Linear::discriminant(&rows[..known], &labels[..known], fit).and_then(|without| {
                let with = Linear::discriminant(&rows, &labels, fit)?;
                Ok(before.plus(&with, &without))
            })
        };
        let mut centres = self.model.centres.clone();
        let width = self.model.width;
        let own = all.iter().filter(|(.., of)| *of == label);
        let own = own.map(|(features, ..)| &features[..width]);
        centre(&mut centres[label * width..(label + 1) * width], own);
        Ok(Head {
            model: Model {
                linear: linear.map_err(|error| bad(&error.to_string()))?,
                centres,
                prototypes: self.model.prototypes.clone(),
                width,
                ngrams: self.model.ngrams,
            },
            ..self.clone()
        })
    }
}

/// Writes the unit mean of some embeddings.
fn centre<'a>(out: &mut [f32], embeddings: impl Iterator<Item = &'a [f32]>) {
    out.fill(0.0);
    for embedding in embeddings {
        out.iter_mut().zip(embedding).for_each(|(sum, x)| *sum += x);
    }
    let norm = super::lbfgs::dot(out, out).sqrt().max(1e-12) as f32;
    out.iter_mut().for_each(|x| *x /= norm);
}
