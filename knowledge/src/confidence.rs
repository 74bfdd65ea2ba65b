//! From a ranking to an honest probability that the best passage answers the question.
//!
//! A logistic model over what the two searches say of the best passage. Its weights are fitted by
//! [`crate::eval::calibrate`] on questions with known answers, each asked twice: of the whole corpus,
//! and of the corpus without its answers, where every passage found is a wrong one.

use serde::{Deserialize, Serialize};

/// What is known of the best passage.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Cosine of the question with the passage or with a question of its article, -1 to 1.
    pub dense: f32,
    /// Share of the question's word weight (idf) that the article has, 0 to 1.
    pub coverage: f32,
    /// Lead in cosine over the best passage of any other article.
    pub lead: f32,
}

/// Weights of the logistic model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Added always.
    pub bias: f32,
    /// Of [`Evidence::dense`].
    pub dense: f32,
    /// Of [`Evidence::coverage`].
    pub coverage: f32,
    /// Of [`Evidence::lead`].
    pub lead: f32,
}

/// Fitted with `bellhop kb calibrate` on the covidfaq set: 2,146 samples, 804 of them right.
pub const WEIGHTS: Weights = Weights {
    bias: -3.64,
    dense: 3.84,
    coverage: 1.07,
    lead: 6.59,
};

impl Weights {
    /// Probability that the passage answers.
    pub fn probability(&self, evidence: Evidence) -> f64 {
        let score = self.bias
            + self.dense * evidence.dense
            + self.coverage * evidence.coverage
            + self.lead * evidence.lead;
        1.0 / (1.0 + f64::from(-score).exp())
    }
}

/// Fits the weights by gradient descent on the log loss, full batch, fixed steps: the same samples
/// give the same weights.
pub fn fit(samples: &[(Evidence, bool)]) -> Weights {
    const STEPS: usize = 20_000;
    const RATE: f64 = 0.5;
    const DECAY: f64 = 1e-4;
    let rows: Vec<([f64; 4], f64)> = samples
        .iter()
        .map(|(e, label)| {
            let row = [1.0, e.dense.into(), e.coverage.into(), e.lead.into()];
            (row, f64::from(u8::from(*label)))
        })
        .collect();
    let mut weights = [0.0_f64; 4];
    let count = rows.len().max(1) as f64;
    for _ in 0..STEPS {
        let mut gradient = [0.0_f64; 4];
        for (row, label) in &rows {
            let score: f64 = row.iter().zip(&weights).map(|(x, w)| x * w).sum();
            let error = 1.0 / (1.0 + (-score).exp()) - label;
            for (g, x) in gradient.iter_mut().zip(row) {
                *g += error * x;
            }
        }
        for (w, g) in weights.iter_mut().zip(gradient) {
            *w -= RATE * (g / count + DECAY * *w);
        }
    }
    Weights {
        bias: weights[0] as f32,
        dense: weights[1] as f32,
        coverage: weights[2] as f32,
        lead: weights[3] as f32,
    }
}
