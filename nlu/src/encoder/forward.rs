//! The forward pass over sentences laid end to end.

use super::config::MAX_TOKENS;
use super::maths::{Level, fma, normalise, softmax};
use super::weights::{Layer, Norm, Weights};

/// Width of an attention head.
pub(super) const HEAD: usize = 32;

/// Room for the activations, kept between calls so that the layers allocate nothing.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// `[tokens, hidden]`, the layers' input and output.
    hidden: Vec<f32>,
    /// `[tokens, 3 * hidden]`.
    qkv: Vec<f32>,
    /// `[tokens, hidden]`.
    context: Vec<f32>,
    /// `[tokens, hidden]`.
    change: Vec<f32>,
    /// `[tokens, inner]`.
    inner: Vec<f32>,
    /// The dense layers' packed input.
    packed: Vec<f32>,
    /// A head's keys, `[HEAD, tokens of the sentence]`.
    keys: Vec<f32>,
}

impl Scratch {
    /// The last layer's output, `[tokens, hidden]`.
    pub(super) fn hidden(&self, width: usize) -> &[f32] {
        &self.hidden[..self.hidden.len() / width * width]
    }
}

/// No more than the target's basic instructions.
struct Basic;

impl Level for Basic {
    const FUSED: bool = cfg!(target_arch = "aarch64");
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Level, Scratch, Weights, layers};

    /// AVX2 or AVX-512 with fused multiply-add.
    struct Fused;

    impl Level for Fused {
        const FUSED: bool = true;
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    pub(super) fn avx512(weights: &Weights, sentences: &[&[u32]], scratch: &mut Scratch) {
        layers::<Fused>(weights, sentences, scratch);
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2(weights: &Weights, sentences: &[&[u32]], scratch: &mut Scratch) {
        layers::<Fused>(weights, sentences, scratch);
    }
}

/// Runs sentences of at most [`MAX_TOKENS`] tokens each with the best instructions there are; the result is
/// in [`Scratch::hidden`].
pub(super) fn run(weights: &Weights, sentences: &[&[u32]], scratch: &mut Scratch) {
    #[cfg(target_arch = "x86_64")]
    {
        let fused = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let wide = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        if fused && wide {
            #[expect(
                unsafe_code,
                reason = "a function for newer processors can only be called so"
            )]
            // SAFETY: the processor has every feature that the function is compiled for, see above.
            return unsafe { x86::avx512(weights, sentences, scratch) };
        }
        if fused {
            #[expect(
                unsafe_code,
                reason = "a function for newer processors can only be called so"
            )]
            // SAFETY: the processor has every feature that the function is compiled for, see above.
            return unsafe { x86::avx2(weights, sentences, scratch) };
        }
    }
    layers::<Basic>(weights, sentences, scratch);
}

#[inline(always)]
fn layers<L: Level>(weights: &Weights, sentences: &[&[u32]], s: &mut Scratch) {
    let config = &weights.config;
    let width = config.hidden;
    let tokens: usize = sentences.iter().map(|s| s.len()).sum();
    s.hidden.resize(tokens * width, 0.0);
    s.qkv.resize(tokens * width * 3, 0.0);
    s.context.resize(tokens * width, 0.0);
    s.change.resize(tokens * width, 0.0);
    s.inner.resize(tokens * config.inner, 0.0);
    let places = sentences.iter().flat_map(|s| s.iter().enumerate());
    for ((position, token), row) in places.zip(s.hidden.chunks_exact_mut(width)) {
        weights.embed(*token, position, row);
        normalise::<L>(row, &weights.norm.gain, &weights.norm.shift, config.epsilon);
    }
    for layer in &weights.layers {
        self::layer::<L>(layer, config.epsilon, width, sentences, s);
    }
}

#[inline(always)]
fn layer<L: Level>(
    layer: &Layer,
    epsilon: f32,
    width: usize,
    sentences: &[&[u32]],
    s: &mut Scratch,
) {
    layer
        .qkv
        .apply::<L, false>(&s.hidden, &mut s.qkv, &mut s.packed);
    let (mut qkv, mut context) = (s.qkv.as_slice(), s.context.as_mut_slice());
    for sentence in sentences {
        let (mine, rest) = qkv.split_at(sentence.len() * 3 * width);
        let (out, rest_out) = context.split_at_mut(sentence.len() * width);
        attention::<L>(mine, width, out, &mut s.keys);
        (qkv, context) = (rest, rest_out);
    }
    layer
        .output
        .apply::<L, false>(&s.context, &mut s.change, &mut s.packed);
    add_and_normalise::<L>(&mut s.hidden, &s.change, &layer.attention_norm, epsilon);
    layer
        .up
        .apply::<L, true>(&s.hidden, &mut s.inner, &mut s.packed);
    layer
        .down
        .apply::<L, false>(&s.inner, &mut s.change, &mut s.packed);
    add_and_normalise::<L>(&mut s.hidden, &s.change, &layer.norm, epsilon);
}

#[inline(always)]
fn add_and_normalise<L: Level>(hidden: &mut [f32], change: &[f32], norm: &Norm, epsilon: f32) {
    let width = norm.gain.len();
    for (row, change) in hidden
        .chunks_exact_mut(width)
        .zip(change.chunks_exact(width))
    {
        for (x, change) in row.iter_mut().zip(change) {
            *x += change;
        }
        normalise::<L>(row, &norm.gain, &norm.shift, epsilon);
    }
}

/// Attention within one sentence: `qkv` is `[tokens, 3 * width]`, `out` `[tokens, width]`.
#[inline(always)]
fn attention<L: Level>(qkv: &[f32], width: usize, out: &mut [f32], keys: &mut Vec<f32>) {
    let tokens = out.len() / width;
    let mut scores = [0.0f32; MAX_TOKENS];
    let scores = &mut scores[..tokens];
    keys.resize(HEAD * tokens, 0.0);
    for head in (0..width).step_by(HEAD) {
        for (t, row) in qkv.chunks_exact(3 * width).enumerate() {
            let key = &row[width + head..][..HEAD];
            for (x, to) in key.iter().zip(keys.chunks_exact_mut(tokens)) {
                to[t] = *x;
            }
        }
        for (row, out) in qkv.chunks_exact(3 * width).zip(out.chunks_exact_mut(width)) {
            scores.fill(0.0);
            for (q, keys) in row[head..][..HEAD].iter().zip(keys.chunks_exact(tokens)) {
                for (score, key) in scores.iter_mut().zip(keys) {
                    *score = fma::<L>(*q, *key, *score);
                }
            }
            softmax::<L>(scores);
            let mut sums = [0.0f32; HEAD];
            for (weight, row) in scores.iter().zip(qkv.chunks_exact(3 * width)) {
                for (sum, value) in sums.iter_mut().zip(&row[2 * width + head..][..HEAD]) {
                    *sum = fma::<L>(*weight, *value, *sum);
                }
            }
            out[head..][..HEAD].copy_from_slice(&sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model;

    /// Every processor gives nearly the same numbers, and the two kinds with fused instructions the same.
    #[test]
    fn all_instruction_sets_agree() {
        let Some(encoder) = test_model::encoder() else {
            return;
        };
        let text = "please send the new card to my office";
        let tokens = encoder.tokenizer.ids(text).expect("tokens");
        let sentences = [tokens.as_slice(), &tokens[..3]];
        let mut best = Scratch::default();
        run(&encoder.weights, &sentences, &mut best);
        let mut basic = Scratch::default();
        layers::<Basic>(&encoder.weights, &sentences, &mut basic);
        assert_eq!(best.hidden.len(), basic.hidden.len());
        for (a, b) in best.hidden.iter().zip(&basic.hidden) {
            assert!((a - b).abs() < 1e-4, "{a} and {b}");
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            let mut narrow = Scratch::default();
            #[expect(
                unsafe_code,
                reason = "a function for newer processors can only be called so"
            )]
            // SAFETY: the processor has every feature that the function is compiled for, see above.
            unsafe {
                x86::avx2(&encoder.weights, &sentences, &mut narrow);
            }
            assert_eq!(best.hidden, narrow.hidden);
        }
    }
}
