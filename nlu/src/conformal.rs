//! Sets of intents with a stated error rate, by split conformal prediction.
//!
//! The nonconformity of an intent is 1 minus its probability (Sadinle, Lei and Wasserman 2019, "Least
//! ambiguous set-valued classifiers with bounded error levels"), which gives the smallest sets on
//! average and an empty one where nothing is likely: that is the answer "none of them". Sums of sorted
//! probabilities (APS, Romano et al. 2020, and RAPS, Angelopoulos et al. 2021) never leave a set empty.

use serde::{Deserialize, Serialize};

/// Most scores that are kept.
const KEPT: usize = 1000;

/// How far the truth of held-out texts was from certain.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Conformal {
    /// Texts that the scores stand for.
    texts: usize,
    /// Texts that each score stands for; the last one may stand for fewer.
    each: usize,
    /// Nonconformity scores, rising; each is the highest of those it stands for, so that thinning only
    /// makes sets larger.
    scores: Vec<f32>,
}

impl Conformal {
    /// From the probabilities of the true intents of held-out texts in scope.
    pub(crate) fn of(truths: impl Iterator<Item = f64>) -> Conformal {
        let mut all: Vec<f32> = truths.map(|p| (1.0 - p) as f32).collect();
        all.sort_by(f32::total_cmp);
        let each = all.len().div_ceil(KEPT).max(1);
        Conformal {
            texts: all.len(),
            each,
            scores: all.chunks(each).filter_map(|c| c.last().copied()).collect(),
        }
    }

    /// The probability from which an intent belongs to the set that misses the true intent of a message
    /// in scope at most at `error_rate`, where messages are like the held-out texts. 0, which takes
    /// every intent in, where there are too few texts to promise that.
    pub(crate) fn cut(&self, error_rate: f64) -> f64 {
        if error_rate >= 1.0 {
            return f64::INFINITY;
        }
        let rank = ((self.texts + 1) as f64 * (1.0 - error_rate.max(0.0))).ceil() as usize;
        if rank == 0 || rank > self.texts {
            return 0.0;
        }
        // A score is stored in 32 bits; what was rounded must not fall out.
        let score = self.scores.get((rank - 1) / self.each.max(1));
        score.map_or(0.0, |score| 1.0 - f64::from(*score) - 1e-7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::fnv;

    /// A number between 0 and 1 that looks random.
    fn random(kind: u8, at: usize) -> f64 {
        (fnv(kind, &at.to_string()) >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[test]
    fn sets_miss_the_truth_as_often_as_was_stated() {
        // Skewed probabilities of the truth, as those of a good model are.
        let truth = |kind: u8, at: usize| 1.0 - random(kind, at).powi(6);
        for texts in [200, 999, 12_345] {
            let conformal = Conformal::of((0..texts).map(|at| truth(b'a', at)));
            assert!(conformal.scores.len() <= KEPT);
            for error_rate in [0.01, 0.05, 0.1, 0.3] {
                let cut = conformal.cut(error_rate);
                let missed =
                    (0..20_000).filter(|at| truth(b'b', *at) < cut).count() as f64 / 20_000.0;
                // Its own standard deviation comes from the texts that it was found on.
                let slack = 3.0 * (error_rate * (1.0 - error_rate) / texts as f64).sqrt();
                assert!(
                    missed <= error_rate + slack,
                    "{texts} {error_rate}: {missed}"
                );
                assert!(
                    missed >= error_rate - slack - 0.01,
                    "{texts} {error_rate}: {missed}"
                );
            }
        }
    }

    #[test]
    fn too_few_texts_promise_nothing() {
        let conformal = Conformal::of([0.9, 0.8, 0.7].into_iter());
        assert_eq!(conformal.cut(0.1), 0.0);
        assert!((conformal.cut(0.25) - 0.7).abs() < 1e-6);
        assert!((conformal.cut(0.5) - 0.8).abs() < 1e-6);
        assert_eq!(Conformal::default().cut(0.5), 0.0);
        assert_eq!(conformal.cut(1.0), f64::INFINITY);
        assert_eq!(conformal.cut(-1.0), 0.0);
    }
}
