//! A threshold for each intent: the common one, moved as far as the intent's own held-out texts warrant.

use serde::{Deserialize, Serialize};

/// Texts by which an intent's own threshold counts as much as the common one.
const WEIGHT: f64 = 100.0;
/// Thresholds stay this far from never and from always.
const EDGE: f64 = 0.02;

/// A held-out text that reads best as some intent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Read {
    /// That intent.
    pub(crate) class: usize,
    /// Its probability.
    pub(crate) probability: f64,
    /// Whether it is right.
    pub(crate) right: bool,
}

/// Probabilities from which acting on each intent pays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Cuts(Vec<f32>);

impl Cuts {
    /// Around `common`, from what held-out texts read best as.
    pub(crate) fn of(reads: &[Read], classes: usize, common: f64) -> Cuts {
        let mut of_class: Vec<Vec<(f64, bool)>> = vec![Vec::new(); classes];
        for read in reads {
            if let Some(reads) = of_class.get_mut(read.class) {
                reads.push((read.probability, read.right));
            }
        }
        let one = |reads: &Vec<(f64, bool)>| {
            let trust = reads.len() as f64 / (reads.len() as f64 + WEIGHT);
            let moved = common + trust * (own(reads, common) - common);
            moved.clamp(EDGE, 1.0 - EDGE) as f32
        };
        Cuts(of_class.iter().map(one).collect())
    }

    /// The threshold of an intent by its number.
    pub(crate) fn get(&self, class: usize) -> Option<f64> {
        self.0.get(class).map(|cut| f64::from(*cut))
    }
}

/// The cut that keeps the most right readings and refuses the most wrong ones, of those the nearest to
/// the common one; the common one where all are right or all are wrong.
fn own(reads: &[(f64, bool)], common: f64) -> f64 {
    let count = |right: bool| reads.iter().filter(|read| read.1 == right).count() as f64;
    let (rights, wrongs) = (count(true), count(false));
    if rights == 0.0 || wrongs == 0.0 {
        return common;
    }
    let gain = |cut: f64| {
        let of = |(p, right): &(f64, bool)| match (*right, *p >= cut) {
            (true, true) => 1.0 / rights,
            (false, false) => 1.0 / wrongs,
            _ => 0.0,
        };
        reads.iter().map(of).sum::<f64>()
    };
    let cuts = (1..50).map(|fiftieth| f64::from(fiftieth) / 50.0);
    let best = |a: (f64, f64), b: (f64, f64)| {
        let nearer = (b.1 - common).abs() < (a.1 - common).abs();
        if b.0 > a.0 + 1e-9 || (b.0 > a.0 - 1e-9 && nearer) {
            b
        } else {
            a
        }
    };
    let of_all = cuts.map(|cut| (gain(cut), cut));
    of_all.fold((gain(common), common), best).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(class: usize, times: usize, probability: f64, right: bool) -> Vec<Read> {
        vec![
            Read {
                class,
                probability,
                right
            };
            times
        ]
    }

    #[test]
    fn an_intent_that_is_often_wrong_asks_for_more_and_few_texts_change_little() {
        let mut all = reads(0, 200, 0.9, true);
        all.extend(reads(0, 100, 0.7, false));
        all.extend(reads(1, 200, 0.35, true));
        all.extend(reads(1, 100, 0.2, false));
        all.extend(reads(2, 4, 0.9, true));
        all.extend(reads(2, 2, 0.7, false));
        let cuts = Cuts::of(&all, 4, 0.5);
        let of = |class| cuts.get(class).expect("a cut");
        assert!(of(0) > 0.6 && of(0) < 0.75, "{cuts:?}");
        assert!(of(1) < 0.42 && of(1) > 0.2, "{cuts:?}");
        assert!(of(2) > 0.5 && of(2) < 0.52, "{cuts:?}");
        assert_eq!(of(3), 0.5);
        assert_eq!(cuts.get(4), None);
    }
}
