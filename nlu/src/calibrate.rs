//! Turns scores into probabilities that come true as often as they say, by what a model says of texts
//! that it wasn't trained on.

use crate::intent::softmax;

/// A text's logits and its true class, held out from training.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeldOut {
    /// `[classes]`; the last class is "none of them".
    pub(crate) logits: Vec<f32>,
    /// The true class.
    pub(crate) label: usize,
}

/// Bounds of the logarithm of the scale.
const SCALES: (f32, f32) = (-2.0, 4.0);

/// The number that logits are multiplied by (the inverse of the temperature of Guo et al. 2017), which
/// makes the truth of the held-out texts most probable. 1 without texts.
pub(crate) fn scale(held_out: &[HeldOut]) -> f32 {
    if held_out.is_empty() {
        return 1.0;
    }
    golden(SCALES, |log| surprise(held_out, log.exp())).exp()
}

/// Negative log probability of the truth, summed.
fn surprise(held_out: &[HeldOut], scale: f32) -> f64 {
    let mut total = 0.0;
    for text in held_out {
        let mut z: Vec<f32> = text.logits.iter().map(|v| v * scale).collect();
        let truth = f64::from(z[text.label]);
        total += softmax(&mut z) - truth;
    }
    total
}

/// The place of the smallest value of a function with one valley (golden-section search).
fn golden((mut low, mut high): (f32, f32), f: impl Fn(f32) -> f64) -> f32 {
    const GOLDEN: f32 = 0.618_034;
    let mut left = high - GOLDEN * (high - low);
    let mut right = low + GOLDEN * (high - low);
    let (mut at_left, mut at_right) = (f(left), f(right));
    while high - low > 1e-3 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = f(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = f(right);
        }
    }
    (low + high) / 2.0
}

/// The probability from which acting on a reading pays. `inside` are texts in scope, with the best
/// probability and whether it is right; `far` and `near` the best probabilities of texts out of scope,
/// about anything and about the same things. The cut lies between what either alone asks for, as their
/// geometric mean. 0.5 where one of the three is missing.
pub(crate) fn threshold(inside: &[(f64, bool)], far: &[f64], near: &[f64]) -> f64 {
    if inside.is_empty() || far.is_empty() || near.is_empty() {
        return 0.5;
    }
    (cut(inside, far) * cut(inside, near)).sqrt()
}

/// Of all cuts, the one with the best mean of "in scope, right and accepted" and "out of scope and
/// refused".
fn cut(inside: &[(f64, bool)], outside: &[f64]) -> f64 {
    let gain = |cut: f64| {
        let kept = inside
            .iter()
            .filter(|(p, right)| *right && *p >= cut)
            .count() as f64;
        let refused = outside.iter().filter(|p| **p < cut).count() as f64;
        kept / inside.len() as f64 + refused / outside.len() as f64
    };
    let cuts = (1..100).map(|percent| f64::from(percent) / 100.0);
    let best = cuts.clone().map(gain).fold(0.0, f64::max);
    // The gain is flat around its top; the middle of the top is the safest place.
    let top: Vec<f64> = cuts.filter(|cut| gain(*cut) > best - 0.002).collect();
    top.get(top.len() / 2).copied().unwrap_or(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts whose two logits differ by `gap`, of which `right` of 100 are what they seem.
    fn texts(gap: f32, right: usize) -> Vec<HeldOut> {
        (0..100)
            .map(|i| HeldOut {
                logits: vec![gap, 0.0],
                label: usize::from(i >= right),
            })
            .collect()
    }

    #[test]
    fn the_scale_makes_probabilities_come_true() {
        for (gap, right) in [(1.0, 90), (8.0, 80)] {
            let scale = scale(&texts(gap, right));
            let said = 1.0 / (1.0 + f64::from(-gap * scale).exp());
            assert!(
                (said - right as f64 / 100.0).abs() < 0.01,
                "{gap} {right}: {said}"
            );
        }
        assert_eq!(scale(&[]), 1.0);
    }

    #[test]
    fn the_threshold_parts_what_it_can() {
        let inside = [(0.9, true), (0.8, true), (0.7, true), (0.2, false)];
        let easy = threshold(&inside, &[0.1, 0.2, 0.3], &[0.1, 0.2, 0.3]);
        assert!(easy > 0.3 && easy <= 0.7, "{easy}");
        let hard = threshold(&inside, &[0.1, 0.2, 0.3], &[0.75, 0.1, 0.76]);
        assert!(hard > easy && hard < 0.8, "{hard}");
        assert_eq!(threshold(&inside, &[], &[0.1]), 0.5);
    }
}
