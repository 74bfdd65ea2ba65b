//! A transformer layer forward, with what the way back needs, and backward. Sentences lie end to end,
//! without padding.

use super::attention;
use super::matmul::{Form, product};
use super::ops::{Dropout, add, add_bias, gelu, normalise, normalise_back, sum_rows};
use super::params::{DensePlace, LayerPlace, Shape};
use crate::encoder::maths::Level;

/// What goes in and what is random.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) shape: Shape,
    pub(super) epsilon: f32,
    /// Tokens of each sentence.
    pub(super) lengths: &'a [usize],
    /// Of the attention's weights, and of both halves' outputs.
    pub(super) dropout: [Dropout; 3],
}

/// What a layer computed on the way forward.
#[derive(Debug, Default)]
pub(super) struct Saved {
    qkv: Vec<f32>,
    weights: Vec<f32>,
    context: Vec<f32>,
    /// `(x - mean) / deviation` of the attention's half, one over the deviation, and the half's output.
    attention_norms: Vec<f32>,
    attention_inverse: Vec<f32>,
    middle: Vec<f32>,
    /// Before and after the activation.
    up: Vec<f32>,
    active: Vec<f32>,
    norms: Vec<f32>,
    inverse: Vec<f32>,
    /// The layer's output, `[tokens, width]`.
    pub(super) out: Vec<f32>,
    /// Room for sums.
    sums: Vec<f32>,
}

/// Room for the way back.
#[derive(Debug, Default)]
pub(super) struct Back {
    half: Vec<f32>,
    dropped: Vec<f32>,
    inner: Vec<f32>,
    qkv: Vec<f32>,
}

#[inline(always)]
fn dense(params: &[f32], place: &DensePlace, x: &[f32], rows: usize, out: &mut Vec<f32>) {
    let bias = &params[place.bias.clone()];
    out.resize(rows * bias.len(), 0.0);
    let shape = [rows, bias.len(), place.inputs()];
    product(
        Form::Right,
        shape,
        x,
        &params[place.weight.clone()],
        out,
        false,
    );
    add_bias(out, bias);
}

/// The gradients of a dense layer from its output's derivative `d` and its input `x`.
#[inline(always)]
fn dense_gradient(place: &DensePlace, d: &[f32], x: &[f32], rows: usize, gradient: &mut [f32]) {
    let (outputs, inputs) = (place.bias.len(), place.inputs());
    let weight = &mut gradient[place.weight.clone()];
    product(Form::Left, [outputs, inputs, rows], d, x, weight, false);
    sum_rows(d, &mut gradient[place.bias.clone()]);
}

/// Runs a layer on `x`, `[tokens, width]`.
#[inline(always)]
pub(super) fn forward<L: Level>(
    params: &[f32],
    place: &LayerPlace,
    pass: Pass<'_>,
    x: &[f32],
    s: &mut Saved,
) {
    let width = pass.shape.width;
    let rows = x.len() / width;
    dense(params, &place.qkv, x, rows, &mut s.qkv);
    s.weights.resize(attention::size(pass.lengths, width), 0.0);
    s.context.resize(x.len(), 0.0);
    let to = (s.weights.as_mut_slice(), s.context.as_mut_slice());
    attention::forward::<L>(&s.qkv, pass.lengths, width, pass.dropout[0], to);
    dense(params, &place.output, &s.context, rows, &mut s.sums);
    pass.dropout[1].apply(&mut s.sums);
    add::<L>(&mut s.sums, 1.0, x);
    norm::<L>(
        params,
        &place.attention_norm,
        pass.epsilon,
        &s.sums,
        [
            &mut s.attention_norms,
            &mut s.attention_inverse,
            &mut s.middle,
        ],
    );
    dense(params, &place.up, &s.middle, rows, &mut s.up);
    s.active.resize(s.up.len(), 0.0);
    for (active, up) in s.active.iter_mut().zip(&s.up) {
        *active = gelu::<L>(*up).0;
    }
    dense(params, &place.down, &s.active, rows, &mut s.sums);
    pass.dropout[2].apply(&mut s.sums);
    add::<L>(&mut s.sums, 1.0, &s.middle);
    norm::<L>(
        params,
        &place.norm,
        pass.epsilon,
        &s.sums,
        [&mut s.norms, &mut s.inverse, &mut s.out],
    );
}

#[inline(always)]
fn norm<L: Level>(
    params: &[f32],
    place: &DensePlace,
    epsilon: f32,
    x: &[f32],
    [norms, inverse, out]: [&mut Vec<f32>; 3],
) {
    norms.resize(x.len(), 0.0);
    inverse.resize(x.len() / place.bias.len(), 0.0);
    out.resize(x.len(), 0.0);
    let (gain, shift) = (&params[place.weight.clone()], &params[place.bias.clone()]);
    normalise::<L>(x, (gain, shift), epsilon, (norms, inverse, out));
}

/// Goes back through a layer: `d` is the derivative of its output and becomes that of its input where
/// `further` asks for it; `gradient` is overwritten where the layer's numbers lie.
#[inline(always)]
pub(super) fn backward<L: Level>(
    params: &[f32],
    place: &LayerPlace,
    pass: Pass<'_>,
    (x, s): (&[f32], &Saved),
    (d, back, further): (&mut Vec<f32>, &mut Back, bool),
    gradient: &mut [f32],
) {
    let width = pass.shape.width;
    let rows = x.len() / width;
    norm_back::<L>(params, &place.norm, (&s.norms, &s.inverse), d, gradient);
    back.dropped.clone_from(d);
    pass.dropout[2].apply(&mut back.dropped);
    dense_gradient(&place.down, &back.dropped, &s.active, rows, gradient);
    let inner = pass.shape.inner;
    back.inner.resize(rows * inner, 0.0);
    let weight = &params[place.down.weight.clone()];
    let shape = [rows, inner, width];
    product(
        Form::Neither,
        shape,
        &back.dropped,
        weight,
        &mut back.inner,
        false,
    );
    for (d, up) in back.inner.iter_mut().zip(&s.up) {
        *d *= gelu::<L>(*up).1;
    }
    dense_gradient(&place.up, &back.inner, &s.middle, rows, gradient);
    let weight = &params[place.up.weight.clone()];
    product(
        Form::Neither,
        [rows, width, inner],
        &back.inner,
        weight,
        d,
        true,
    );

    let norms = (s.attention_norms.as_slice(), s.attention_inverse.as_slice());
    norm_back::<L>(params, &place.attention_norm, norms, d, gradient);
    back.dropped.clone_from(d);
    pass.dropout[1].apply(&mut back.dropped);
    dense_gradient(&place.output, &back.dropped, &s.context, rows, gradient);
    back.half.resize(x.len(), 0.0);
    let weight = &params[place.output.weight.clone()];
    let shape = [rows, width, width];
    product(
        Form::Neither,
        shape,
        &back.dropped,
        weight,
        &mut back.half,
        false,
    );
    back.qkv.resize(3 * x.len(), 0.0);
    attention::backward::<L>(
        &back.half,
        (&s.qkv, &s.weights),
        pass.lengths,
        width,
        pass.dropout[0],
        &mut back.qkv,
    );
    dense_gradient(&place.qkv, &back.qkv, x, rows, gradient);
    if further {
        let weight = &params[place.qkv.weight.clone()];
        product(
            Form::Neither,
            [rows, width, 3 * width],
            &back.qkv,
            weight,
            d,
            true,
        );
    }
}

#[inline(always)]
fn norm_back<L: Level>(
    params: &[f32],
    place: &DensePlace,
    saved: (&[f32], &[f32]),
    d: &mut [f32],
    gradient: &mut [f32],
) {
    // The shift lies right after the gain.
    let (d_gain, d_shift) =
        gradient[place.weight.start..place.bias.end].split_at_mut(place.weight.len());
    normalise_back::<L>(d, &params[place.weight.clone()], saved, (d_gain, d_shift));
}
