//! Attention within sentences and its derivative, sentence by sentence and head by head: sentences are
//! short, so all of this is a hundredth of the dense layers' work.

use super::ops::{Dropout, add, dot};
use crate::encoder::HEAD;
use crate::encoder::maths::{Level, softmax};

/// The numbers that the weights of sentences of these lengths take.
pub(super) fn size(lengths: &[usize], width: usize) -> usize {
    lengths.iter().map(|n| n * n).sum::<usize>() * (width / HEAD)
}

fn scale() -> f32 {
    1.0 / (HEAD as f32).sqrt()
}

/// `qkv` is `[tokens, 3 * width]` over all sentences, `out` `[tokens, width]`; `weights` is `[heads, n, n]`
/// for each sentence, before the dropout.
#[inline(always)]
pub(super) fn forward<L: Level>(
    qkv: &[f32],
    lengths: &[usize],
    width: usize,
    dropout: Dropout,
    (weights, out): (&mut [f32], &mut [f32]),
) {
    let scale = scale();
    let (mut start, mut at) = (0, 0);
    for n in lengths.iter().copied() {
        let qkv = &qkv[start * 3 * width..][..n * 3 * width];
        let out = &mut out[start * width..][..n * width];
        for head in (0..width).step_by(HEAD) {
            for i in 0..n {
                let weights = &mut weights[at..][..n];
                let query = &qkv[i * 3 * width + head..][..HEAD];
                for (j, weight) in weights.iter_mut().enumerate() {
                    *weight = scale * dot::<L>(query, &qkv[j * 3 * width + width + head..][..HEAD]);
                }
                softmax::<L>(weights);
                let mut sums = [0.0; HEAD];
                for (j, weight) in weights.iter().enumerate() {
                    let value = &qkv[j * 3 * width + 2 * width + head..][..HEAD];
                    let weight = weight * factor(dropout, at + j);
                    add::<L>(&mut sums, weight, value);
                }
                out[i * width + head..][..HEAD].copy_from_slice(&sums);
                at += n;
            }
        }
        start += n;
    }
}

/// The derivative of `forward`: from its output's, `d`, to that of `qkv`, which is overwritten.
#[inline(always)]
pub(super) fn backward<L: Level>(
    d: &[f32],
    (qkv, weights): (&[f32], &[f32]),
    lengths: &[usize],
    width: usize,
    dropout: Dropout,
    d_qkv: &mut [f32],
) {
    let scale = scale();
    d_qkv.fill(0.0);
    let mut slopes = vec![0.0; lengths.iter().copied().max().unwrap_or(0)];
    let (mut start, mut at) = (0, 0);
    for n in lengths.iter().copied() {
        let qkv = &qkv[start * 3 * width..][..n * 3 * width];
        let d_qkv = &mut d_qkv[start * 3 * width..][..n * 3 * width];
        let d = &d[start * width..][..n * width];
        for head in (0..width).step_by(HEAD) {
            for i in 0..n {
                let weights = &weights[at..][..n];
                let slopes = &mut slopes[..n];
                let d = &d[i * width + head..][..HEAD];
                for (j, slope) in slopes.iter_mut().enumerate() {
                    let value = j * 3 * width + 2 * width + head;
                    let factor = factor(dropout, at + j);
                    *slope = factor * dot::<L>(d, &qkv[value..][..HEAD]);
                    add::<L>(&mut d_qkv[value..][..HEAD], weights[j] * factor, d);
                }
                let along = dot::<L>(slopes, weights);
                let query = i * 3 * width + head;
                for (j, slope) in slopes.iter().enumerate() {
                    let slope = scale * weights[j] * (slope - along);
                    let key = j * 3 * width + width + head;
                    add::<L>(&mut d_qkv[query..][..HEAD], slope, &qkv[key..][..HEAD]);
                    add::<L>(&mut d_qkv[key..][..HEAD], slope, &qkv[query..][..HEAD]);
                }
                at += n;
            }
        }
        start += n;
    }
}

#[inline(always)]
fn factor(dropout: Dropout, place: usize) -> f32 {
    if dropout.is_none() {
        return 1.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a place repeats only after four thousand million numbers"
    )]
    dropout.factor(place as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    impl Level for Plain {
        const FUSED: bool = false;
    }

    #[test]
    fn the_derivative_is_the_slope_with_and_without_dropout() {
        let (lengths, width) = ([3, 1, 2], 2 * HEAD);
        let wave = |by: f32, n: usize| (0..n).map(|i| (i as f32 * by).sin()).collect::<Vec<_>>();
        let (qkv, direction) = (wave(0.37, 6 * 3 * width), wave(0.71, 6 * width));
        for rate in [0.0, 0.3] {
            let dropout = Dropout::new(rate, 3);
            let forward = |qkv: &[f32]| {
                let mut weights = vec![0.0; size(&lengths, width)];
                let mut out = vec![0.0; 6 * width];
                forward::<Plain>(qkv, &lengths, width, dropout, (&mut weights, &mut out));
                (dot::<Plain>(&out, &direction), weights)
            };
            let weights = forward(&qkv).1;
            let mut d = vec![0.0; qkv.len()];
            backward::<Plain>(
                &direction,
                (&qkv, &weights),
                &lengths,
                width,
                dropout,
                &mut d,
            );
            for at in (0..qkv.len()).step_by(7) {
                let side = |by: f32| {
                    let mut qkv = qkv.clone();
                    qkv[at] += by;
                    forward(&qkv).0
                };
                let slope = (side(1e-2) - side(-1e-2)) / 2e-2;
                assert!((slope - d[at]).abs() < 1e-3, "{at}: {slope} and {}", d[at]);
            }
        }
    }
}
