//! The forward pass over sentences laid end to end.

use super::config::MAX_TOKENS;
use super::layer::{Layer, Norm};
use super::maths::{Level, fma, normalise, softmax};
use super::upper::Upper;
use super::weights::Weights;

/// Width of an attention head.
pub(crate) const HEAD: usize = 32;

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
    /// `[tokens, hidden]`, where tuned layers part from the model's own.
    fork: Vec<f32>,
    /// Tokens of each sentence.
    lengths: Vec<usize>,
}

/// Which layers run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    /// The model's own layers that run.
    pub(super) last: usize,
    /// Tuned layers that run beside the model's own upper ones.
    pub(super) upper: Option<&'a Upper>,
}

/// Sentences laid end to end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input<'a> {
    /// Their tokens, at most [`MAX_TOKENS`] each.
    Tokens(&'a [&'a [u32]]),
    /// What lower layers made of them before, `[tokens, hidden]`, and the tokens of each.
    Rows(&'a [f32], &'a [usize]),
}

/// Where rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Out of that many of the model's own layers; 0 is the embeddings.
    Base(usize),
    /// Out of the last tuned layer.
    Tuned,
}

/// Is shown the rows `[tokens, hidden]` of all sentences at each stage.
type Show<'a> = &'a mut dyn FnMut(Stage, &[f32]);

/// No more than the target's basic instructions.
struct Basic;

impl Level for Basic {
    const FUSED: bool = cfg!(target_arch = "aarch64");
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Input, Level, Plan, Scratch, Show, Weights, layers};

    /// AVX2 or AVX-512 with fused multiply-add.
    struct Fused;

    impl Level for Fused {
        const FUSED: bool = true;
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    pub(super) fn avx512(
        weights: &Weights,
        plan: Plan<'_>,
        input: Input<'_>,
        scratch: &mut Scratch,
        show: Show<'_>,
    ) {
        layers::<Fused>(weights, plan, input, scratch, show);
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2(
        weights: &Weights,
        plan: Plan<'_>,
        input: Input<'_>,
        scratch: &mut Scratch,
        show: Show<'_>,
    ) {
        layers::<Fused>(weights, plan, input, scratch, show);
    }
}

/// Runs sentences with the best instructions there are, and shows what comes out of each stage. Of rows that
/// come from lower layers only the tuned layers are run.
pub(super) fn run(
    weights: &Weights,
    plan: Plan<'_>,
    input: Input<'_>,
    scratch: &mut Scratch,
    show: Show<'_>,
) {
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
            return unsafe { x86::avx512(weights, plan, input, scratch, show) };
        }
        if fused {
            #[expect(
                unsafe_code,
                reason = "a function for newer processors can only be called so"
            )]
            // SAFETY: the processor has every feature that the function is compiled for, see above.
            return unsafe { x86::avx2(weights, plan, input, scratch, show) };
        }
    }
    layers::<Basic>(weights, plan, input, scratch, show);
}

#[inline(always)]
fn layers<L: Level>(
    weights: &Weights,
    plan: Plan<'_>,
    input: Input<'_>,
    s: &mut Scratch,
    show: Show<'_>,
) {
    let config = &weights.config;
    let width = config.hidden;
    let mut lengths = std::mem::take(&mut s.lengths);
    lengths.clear();
    match input {
        Input::Tokens(sentences) => lengths.extend(sentences.iter().map(|s| s.len())),
        Input::Rows(_, of_rows) => lengths.extend(of_rows),
    }
    let tokens: usize = lengths.iter().sum();
    s.hidden.resize(tokens * width, 0.0);
    s.qkv.resize(tokens * width * 3, 0.0);
    s.context.resize(tokens * width, 0.0);
    s.change.resize(tokens * width, 0.0);
    s.inner.resize(tokens * config.inner, 0.0);
    let own = match input {
        Input::Tokens(sentences) => {
            let places = sentences.iter().flat_map(|s| s.iter().enumerate());
            for ((position, token), row) in places.zip(s.hidden.chunks_exact_mut(width)) {
                weights.embed(*token, position, row);
                normalise::<L>(row, &weights.norm.gain, &weights.norm.shift, config.epsilon);
            }
            show(Stage::Base(0), &s.hidden);
            &weights.layers[..plan.last]
        }
        Input::Rows(rows, _) => {
            s.fork.clear();
            s.fork.extend_from_slice(rows);
            &[]
        }
    };
    // One loop over both kinds, so that the layer's code is there once.
    let own = own.iter().enumerate().map(|(i, layer)| (layer, Some(i)));
    let tuned = plan.upper.map_or([].as_slice(), |u| u.layers.as_slice());
    let parts_at = plan.upper.map(Upper::first);
    for (layer, at) in own.chain(tuned.iter().map(|layer| (layer, None))) {
        if at.is_some() && at == parts_at {
            s.fork.clone_from(&s.hidden);
        }
        if at.is_none() && std::ptr::eq(layer, &raw const tuned[0]) {
            s.hidden.clone_from(&s.fork);
        }
        self::layer::<L>(layer, config.epsilon, width, &lengths, s);
        if let Some(i) = at {
            show(Stage::Base(i + 1), &s.hidden);
        }
    }
    if plan.upper.is_some() {
        show(Stage::Tuned, &s.hidden);
    }
    s.lengths = lengths;
}

#[inline(always)]
fn layer<L: Level>(layer: &Layer, epsilon: f32, width: usize, lengths: &[usize], s: &mut Scratch) {
    layer
        .qkv
        .apply::<L, false>(&s.hidden, &mut s.qkv, &mut s.packed);
    let (mut qkv, mut context) = (s.qkv.as_slice(), s.context.as_mut_slice());
    for tokens in lengths {
        let (mine, rest) = qkv.split_at(tokens * 3 * width);
        let (out, rest_out) = context.split_at_mut(tokens * width);
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
        let input = Input::Tokens(&sentences);
        let plan = Plan {
            last: encoder.weights.layers.len(),
            upper: None,
        };
        let (mut best, mut basic) = (Scratch::default(), Scratch::default());
        run(&encoder.weights, plan, input, &mut best, &mut |_, _| ());
        layers::<Basic>(&encoder.weights, plan, input, &mut basic, &mut |_, _| ());
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
                x86::avx2(&encoder.weights, plan, input, &mut narrow, &mut |_, _| ());
            }
            assert_eq!(best.hidden, narrow.hidden);
        }
    }
}
