//! The forward pass over sentences laid end to end.

use std::ops::Range;

use super::config::MAX_TOKENS;
use super::layer::{Layer, Norm};
use super::level::{Basic, Instructions, Kernels};
use super::linear::{Room, WIDTH};
use super::maths::{LANES, Level, fma, normalise, softmax_padded};
use super::team::Member;
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
    /// The dense layers' input as they want it.
    room: Room,
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
pub(super) type Show<'a> = &'a mut dyn FnMut(Stage, &[f32]);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::level::x86::{Avx2, Avx512, Avx512Vnni, AvxVnni};
    use super::{Input, Member, Plan, Scratch, Show, Weights, layers};

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2(
        weights: &Weights,
        plan: Plan<'_>,
        input: Input<'_>,
        scratch: &mut Scratch,
        member: Member<'_>,
        show: Show<'_>,
    ) {
        layers::<Avx2>(weights, plan, input, scratch, member, show);
    }

    #[target_feature(enable = "avxvnni,avx2,fma")]
    pub(super) fn avx_vnni(
        weights: &Weights,
        plan: Plan<'_>,
        input: Input<'_>,
        scratch: &mut Scratch,
        member: Member<'_>,
        show: Show<'_>,
    ) {
        layers::<AvxVnni>(weights, plan, input, scratch, member, show);
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    pub(super) fn avx512(
        weights: &Weights,
        plan: Plan<'_>,
        input: Input<'_>,
        scratch: &mut Scratch,
        member: Member<'_>,
        show: Show<'_>,
    ) {
        layers::<Avx512>(weights, plan, input, scratch, member, show);
    }

    #[target_feature(enable = "avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    pub(super) fn avx512_vnni(
        weights: &Weights,
        plan: Plan<'_>,
        input: Input<'_>,
        scratch: &mut Scratch,
        member: Member<'_>,
        show: Show<'_>,
    ) {
        layers::<Avx512Vnni>(weights, plan, input, scratch, member, show);
    }
}

/// Runs sentences with instructions that the processor has, as one member of a team, and shows what comes out
/// of each stage. Of rows that come from lower layers only the tuned layers are run.
pub(super) fn run(
    instructions: Instructions,
    weights: &Weights,
    plan: Plan<'_>,
    input: Input<'_>,
    scratch: &mut Scratch,
    member: Member<'_>,
    show: Show<'_>,
) {
    #[cfg(target_arch = "x86_64")]
    {
        let run = match instructions {
            Instructions::Basic => None,
            Instructions::Avx2 => Some(x86::avx2 as Run),
            Instructions::AvxVnni => Some(x86::avx_vnni as Run),
            Instructions::Avx512 => Some(x86::avx512 as Run),
            Instructions::Avx512Vnni => Some(x86::avx512_vnni as Run),
        };
        if let Some(run) = run {
            #[expect(
                unsafe_code,
                reason = "a function for newer processors can only be called so"
            )]
            // SAFETY: the processor has every feature that the function is compiled for: that is what
            // `Instructions::all` asks before it gives a level away.
            return unsafe { run(weights, plan, input, scratch, member, show) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let Instructions::Basic = instructions;
    layers::<Basic>(weights, plan, input, scratch, member, show);
}

/// The forward pass compiled for a level.
#[cfg(target_arch = "x86_64")]
type Run = unsafe fn(&Weights, Plan<'_>, Input<'_>, &mut Scratch, Member<'_>, Show<'_>);

#[inline(always)]
fn layers<L: Kernels>(
    weights: &Weights,
    plan: Plan<'_>,
    input: Input<'_>,
    s: &mut Scratch,
    mut member: Member<'_>,
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
        self::layer::<L>(layer, config.epsilon, width, &lengths, s, &mut member);
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
fn layer<L: Kernels>(
    layer: &Layer,
    epsilon: f32,
    width: usize,
    lengths: &[usize],
    s: &mut Scratch,
    member: &mut Member<'_>,
) {
    const { assert!(HEAD.is_multiple_of(WIDTH), "a head has its own panels") };
    let heads = member.part(width / HEAD);
    layer.qkv.prepare::<L>(&s.hidden, &mut s.room);
    for first in [0, width, 2 * width] {
        let panels = (first + heads.start * HEAD) / WIDTH..(first + heads.end * HEAD) / WIDTH;
        layer.qkv.apply::<L, false>(&s.room, panels, &mut s.qkv);
    }
    let (mut qkv, mut context) = (s.qkv.as_slice(), s.context.as_mut_slice());
    for tokens in lengths {
        let (mine, rest) = qkv.split_at(tokens * 3 * width);
        let (out, rest_out) = context.split_at_mut(tokens * width);
        attention::<L>(mine, width, heads.clone(), out, &mut s.keys);
        (qkv, context) = (rest, rest_out);
    }
    member.share(&mut s.context, width, HEAD);
    let panels = member.part(width / WIDTH);
    layer.output.prepare::<L>(&s.context, &mut s.room);
    layer
        .output
        .apply::<L, false>(&s.room, panels.clone(), &mut s.change);
    member.share(&mut s.change, width, WIDTH);
    add_and_normalise::<L>(&mut s.hidden, &s.change, &layer.attention_norm, epsilon);
    let inner = s.inner.len() / lengths.iter().sum::<usize>().max(1);
    layer.up.prepare::<L>(&s.hidden, &mut s.room);
    layer
        .up
        .apply::<L, true>(&s.room, member.part(inner / WIDTH), &mut s.inner);
    member.share(&mut s.inner, inner, WIDTH);
    layer.down.prepare::<L>(&s.inner, &mut s.room);
    layer.down.apply::<L, false>(&s.room, panels, &mut s.change);
    member.share(&mut s.change, width, WIDTH);
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

/// Attention of some heads within one sentence: `qkv` is `[tokens, 3 * width]`, `out` `[tokens, width]`. Keys and
/// scores are padded to whole [`LANES`], so that the loops over them have no rest.
#[inline(always)]
fn attention<L: Level>(
    qkv: &[f32],
    width: usize,
    heads: Range<usize>,
    out: &mut [f32],
    keys: &mut Vec<f32>,
) {
    let tokens = out.len() / width;
    let stride = tokens.next_multiple_of(LANES);
    let mut scores = [0.0f32; MAX_TOKENS];
    let scores = &mut scores[..stride];
    keys.clear();
    keys.resize(HEAD * stride, 0.0);
    for head in heads.map(|head| head * HEAD) {
        for (t, row) in qkv.chunks_exact(3 * width).enumerate() {
            let key = &row[width + head..][..HEAD];
            for (x, to) in key.iter().zip(keys.chunks_exact_mut(stride)) {
                to[t] = *x;
            }
        }
        for (row, out) in qkv.chunks_exact(3 * width).zip(out.chunks_exact_mut(width)) {
            products::<L>(&row[head..][..HEAD], keys, scores);
            softmax_padded::<L>(scores, tokens);
            let mut sums = [0.0f32; HEAD];
            let values = qkv.chunks_exact(3 * width);
            for (weight, row) in scores[..tokens].iter().zip(values) {
                for (sum, value) in sums.iter_mut().zip(&row[2 * width + head..][..HEAD]) {
                    *sum = fma::<L>(*weight, *value, *sum);
                }
            }
            out[head..][..HEAD].copy_from_slice(&sums);
        }
    }
}

/// `scores[t]`, the product of a query with key `t` of `keys`, `[HEAD, scores.len()]`.
#[inline(always)]
fn products<L: Level>(query: &[f32], keys: &[f32], scores: &mut [f32]) {
    let stride = scores.len();
    let (scores, _) = scores.as_chunks_mut::<LANES>();
    for (i, scores) in scores.iter_mut().enumerate() {
        let mut sums = [0.0f32; LANES];
        for (q, keys) in query.iter().zip(keys.chunks_exact(stride)) {
            for (sum, key) in sums.iter_mut().zip(&keys[i * LANES..][..LANES]) {
                *sum = fma::<L>(*q, *key, *sum);
            }
        }
        *scores = sums;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{Encoder, Precision};
    use crate::test_model;

    fn hidden(encoder: &Encoder, instructions: Instructions) -> Vec<f32> {
        let text = "please send the new card to my office";
        let tokens = encoder.tokenizer.ids(text).expect("tokens");
        let plan = Plan {
            last: encoder.weights.layers.len(),
            upper: None,
        };
        let mut scratch = Scratch::default();
        let sentences = [tokens.as_slice(), &tokens[..3]];
        let input = Input::Tokens(&sentences);
        let show: Show<'_> = &mut |_, _| ();
        run(
            instructions,
            &encoder.weights,
            plan,
            input,
            &mut scratch,
            Member::alone(),
            show,
        );
        scratch.hidden
    }

    /// Every processor gives nearly the same numbers, and those with fused instructions the same.
    #[test]
    fn all_instruction_sets_agree() {
        let Some(folder) = test_model::folder() else {
            return;
        };
        // One step of an 8-bit activation more or less shows; a wrong sum would show much more.
        for (precision, tolerance) in [(Precision::Full, 1e-4), (Precision::Int8, 0.1)] {
            let encoder = Encoder::load_with(&folder, precision).expect("load");
            let mut levels = Instructions::all();
            let basic = hidden(&encoder, levels.remove(0));
            let fused: Vec<_> = levels.iter().map(|l| hidden(&encoder, *l)).collect();
            for (level, found) in levels.iter().zip(&fused) {
                assert_eq!(found, &fused[0], "{}", level.name());
                for (a, b) in found.iter().zip(&basic) {
                    assert!((a - b).abs() < tolerance, "{precision:?}: {a} and {b}");
                }
            }
        }
    }
}
