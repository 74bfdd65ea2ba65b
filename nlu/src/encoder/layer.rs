//! A transformer layer's numbers: as floats to be trained, and packed to be run.

use super::Precision;
use super::forward::HEAD;
use super::linear::Dense;

/// Gain and shift of a layer normalisation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Norm {
    pub(crate) gain: Vec<f32>,
    pub(crate) shift: Vec<f32>,
}

/// A dense layer `y = x W' + b`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct DenseWeights {
    /// `[outputs, inputs]`.
    pub(crate) weight: Vec<f32>,
    /// `[outputs]`.
    pub(crate) bias: Vec<f32>,
}

/// A transformer layer as floats.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LayerWeights {
    /// Query, key and value, one after the other.
    pub(crate) qkv: DenseWeights,
    pub(crate) output: DenseWeights,
    pub(crate) attention_norm: Norm,
    pub(crate) up: DenseWeights,
    pub(crate) down: DenseWeights,
    pub(crate) norm: Norm,
}

/// A transformer layer as it is run.
#[derive(Debug)]
pub(super) struct Layer {
    /// Query (already divided by the root of the head's width), key and value side by side.
    pub(super) qkv: Dense,
    pub(super) output: Dense,
    pub(super) attention_norm: Norm,
    pub(super) up: Dense,
    pub(super) down: Dense,
    pub(super) norm: Norm,
}

impl Layer {
    /// Packs a layer; its widths are multiples of the packing's.
    pub(super) fn pack(weights: &LayerWeights, precision: Precision) -> Self {
        let width = weights.norm.gain.len();
        let inner = weights.up.bias.len();
        let mut qkv = weights.qkv.clone();
        let scale = 1.0 / (HEAD as f32).sqrt();
        let query = qkv.weight[..width * width].iter_mut();
        query
            .chain(&mut qkv.bias[..width])
            .for_each(|x| *x *= scale);
        let dense =
            |w: &DenseWeights, inputs| Dense::pack(&w.weight, w.bias.clone(), inputs, precision);
        Self {
            qkv: dense(&qkv, width),
            output: dense(&weights.output, width),
            attention_norm: weights.attention_norm.clone(),
            up: dense(&weights.up, width),
            down: dense(&weights.down, inner),
            norm: weights.norm.clone(),
        }
    }
}
