//! The measures, from predictions alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Prediction, Span};

/// Bins of the calibration error.
const BINS: usize = 15;

/// Share of pairs that agree; 0 of none.
pub(crate) fn accuracy<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> f64 {
    let (mut right, mut all) = (0_u32, 0_u32);
    for (truth, said) in pairs {
        all += 1;
        right += u32::from(truth == said);
    }
    ratio(right, all)
}

/// `a` of `b`, or 0 of nothing.
pub(crate) fn ratio(a: u32, b: u32) -> f64 {
    if b == 0 {
        0.0
    } else {
        f64::from(a) / f64::from(b)
    }
}

/// The Matthews correlation of many classes (Gorodkin 2004, "R_K").
pub(crate) fn matthews(pairs: &[(&str, &str)]) -> f64 {
    let mut truths: BTreeMap<&str, f64> = BTreeMap::new();
    let mut said: BTreeMap<&str, f64> = BTreeMap::new();
    let mut right = 0.0;
    for (t, p) in pairs {
        *truths.entry(t).or_default() += 1.0;
        *said.entry(p).or_default() += 1.0;
        right += f64::from(u8::from(t == p));
    }
    let n = pairs.len() as f64;
    let both: f64 = truths
        .iter()
        .map(|(k, t)| t * said.get(k).copied().unwrap_or(0.0))
        .sum();
    let square = |m: &BTreeMap<&str, f64>| n * n - m.values().map(|v| v * v).sum::<f64>();
    let below = (square(&truths) * square(&said)).sqrt();
    if below == 0.0 {
        0.0
    } else {
        (right * n - both) / below
    }
}

/// Mean F1 over the classes that the truth has.
pub(crate) fn macro_f1(pairs: &[(&str, &str)]) -> f64 {
    let classes: BTreeSet<&str> = pairs.iter().map(|(t, _)| *t).collect();
    let f1 = |class: &str| {
        let both = pairs
            .iter()
            .filter(|(t, p)| *t == class && *p == class)
            .count() as f64;
        let either = pairs.iter().filter(|(t, _)| *t == class).count()
            + pairs.iter().filter(|(_, p)| *p == class).count();
        2.0 * both / either as f64
    };
    classes.iter().map(|class| f1(class)).sum::<f64>() / (classes.len().max(1) as f64)
}

/// Expected calibration error of the best probability in 15 equal bins (Guo et al. 2017): how far the
/// share of right readings is from the probability said, weighted by how often it is said.
pub(crate) fn calibration_error<'a>(predictions: impl Iterator<Item = &'a Prediction>) -> f64 {
    let mut bins = [(0.0_f64, 0.0_f64); BINS];
    let mut all = 0_u32;
    for p in predictions {
        all += 1;
        let bin = ((p.probability * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += p.probability;
        bins[bin].1 += f64::from(u8::from(p.predicted == p.label));
    }
    bins.iter()
        .map(|(said, right)| (said - right).abs())
        .sum::<f64>()
        / f64::from(all.max(1))
}

/// Probability that a message in scope has a higher best probability than one out of scope, ties
/// counting half (the area under the ROC curve, by ranks).
pub(crate) fn auroc(inside: &[f64], outside: &[f64]) -> Option<f64> {
    if inside.is_empty() || outside.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, bool)> = inside.iter().map(|p| (*p, true)).collect();
    all.extend(outside.iter().map(|p| (*p, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let ins = tied.iter().filter(|(_, inside)| *inside).count() as f64;
        let outs = tied.len() as f64 - ins;
        wins += ins * (below + outs / 2.0);
        below += outs;
    }
    Some(wins / (inside.len() as f64 * outside.len() as f64))
}

/// F1 of spans whose both ends and name agree, over all texts.
pub(crate) fn span_f1(pairs: &[(BTreeSet<Span>, BTreeSet<Span>)]) -> f64 {
    let both: usize = pairs.iter().map(|(t, f)| t.intersection(f).count()).sum();
    let either: usize = pairs.iter().map(|(t, f)| t.len() + f.len()).sum();
    if either == 0 {
        0.0
    } else {
        2.0 * both as f64 / either as f64
    }
}

/// The value below which `share` of the sorted values lie.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(probability: f64, right: bool) -> Prediction {
        Prediction {
            text: String::new(),
            label: "a".to_owned(),
            predicted: if right { "a" } else { "b" }.to_owned(),
            probability,
            accepted: true,
        }
    }

    #[test]
    fn matthews_is_one_for_all_right_and_nought_for_one_answer_to_everything() {
        let right = [("a", "a"), ("b", "b"), ("c", "c")];
        assert!((matthews(&right) - 1.0).abs() < 1e-12);
        assert_eq!(matthews(&[("a", "a"), ("b", "a"), ("c", "a")]), 0.0);
        // Two classes: (tp*tn - fp*fn) / sqrt(..) = (2*1 - 1*0) / sqrt(3*2*2*1).
        let two = [("y", "y"), ("y", "y"), ("n", "y"), ("n", "n")];
        assert!((matthews(&two) - 2.0 / 12.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn macro_f1_counts_every_class_alike() {
        let pairs = [("a", "a"), ("a", "a"), ("b", "a"), ("b", "b")];
        // a: 2*2/(2+3) = 0.8, b: 2*1/(2+1) = 2/3.
        assert!((macro_f1(&pairs) - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn calibration_error_is_the_gap_between_said_and_right() {
        let honest: Vec<Prediction> = (0..10).map(|i| prediction(0.8, i < 8)).collect();
        assert!(calibration_error(honest.iter()) < 1e-12);
        let boast: Vec<Prediction> = (0..10).map(|i| prediction(0.99, i < 5)).collect();
        assert!((calibration_error(boast.iter()) - 0.49).abs() < 1e-12);
    }

    #[test]
    fn auroc_counts_ties_half() {
        assert_eq!(auroc(&[0.9, 0.8], &[0.1]), Some(1.0));
        assert_eq!(auroc(&[0.5], &[0.5]), Some(0.5));
        assert_eq!(auroc(&[0.1], &[0.9]), Some(0.0));
        assert_eq!(auroc(&[0.1], &[]), None);
    }

    #[test]
    fn percentiles_of_few_values_exist() {
        assert_eq!(percentile(&[1.0, 2.0, 3.0, 4.0], 0.5), 3.0);
        assert_eq!(percentile(&[1.0], 0.95), 1.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
