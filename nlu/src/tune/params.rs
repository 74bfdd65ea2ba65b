//! All trained numbers in one row, and where each tensor lies in it.

use std::ops::Range;

use crate::encoder::{DenseWeights, LayerWeights, Norm};

/// Widths of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) inner: usize,
}

/// Where a dense layer's weight and bias lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DensePlace {
    pub(super) weight: Range<usize>,
    pub(super) bias: Range<usize>,
}

impl DensePlace {
    /// The columns of the weight.
    pub(super) fn inputs(&self) -> usize {
        self.weight.len() / self.bias.len().max(1)
    }
}

/// Where a layer's tensors lie, in the order of `LayerWeights`. Of a normalisation the `weight` is the
/// gain and the `bias` the shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LayerPlace {
    pub(super) qkv: DensePlace,
    pub(super) output: DensePlace,
    pub(super) attention_norm: DensePlace,
    pub(super) up: DensePlace,
    pub(super) down: DensePlace,
    pub(super) norm: DensePlace,
}

impl LayerPlace {
    /// The layer whose numbers begin at `start`, and where they end.
    fn new(shape: Shape, start: usize) -> (Self, usize) {
        let mut at = start;
        let mut take = |inputs: usize, outputs: usize| {
            let weight = at..at + inputs * outputs;
            let bias = weight.end..weight.end + outputs;
            at = bias.end;
            DensePlace { weight, bias }
        };
        let Shape { width, inner } = shape;
        let place = Self {
            qkv: take(width, 3 * width),
            output: take(width, width),
            attention_norm: take(1, width),
            up: take(width, inner),
            down: take(inner, width),
            norm: take(1, width),
        };
        (place, at)
    }

    /// Its tensors; the first of each pair has weights that decay where the flag says so.
    pub(super) fn tensors(&self) -> [(&DensePlace, bool); 6] {
        [
            (&self.qkv, true),
            (&self.output, true),
            (&self.attention_norm, false),
            (&self.up, true),
            (&self.down, true),
            (&self.norm, false),
        ]
    }
}

/// Where everything lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) shape: Shape,
    pub(super) layers: Vec<LayerPlace>,
    /// `[classes, width]`, after the layers.
    pub(super) classes: Range<usize>,
}

impl Places {
    pub(super) fn new(shape: Shape, layers: usize, classes: usize) -> Self {
        let mut at = 0;
        let layers = (0..layers)
            .map(|_| {
                let (place, end) = LayerPlace::new(shape, at);
                at = end;
                place
            })
            .collect();
        Self {
            shape,
            layers,
            classes: at..at + classes * shape.width,
        }
    }

    /// The numbers of the layers, without those of the classes.
    pub(super) fn of_layers(&self) -> usize {
        self.classes.start
    }

    /// All numbers.
    pub(super) fn len(&self) -> usize {
        self.classes.end
    }

    /// The layers' numbers in one row, with zeros for the classes.
    pub(super) fn flatten(&self, layers: &[LayerWeights]) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.len());
        let dense = |out: &mut Vec<f32>, d: &DenseWeights| {
            out.extend(&d.weight);
            out.extend(&d.bias);
        };
        let norm = |out: &mut Vec<f32>, n: &Norm| {
            out.extend(&n.gain);
            out.extend(&n.shift);
        };
        for layer in layers {
            dense(&mut out, &layer.qkv);
            dense(&mut out, &layer.output);
            norm(&mut out, &layer.attention_norm);
            dense(&mut out, &layer.up);
            dense(&mut out, &layer.down);
            norm(&mut out, &layer.norm);
        }
        out.resize(self.len(), 0.0);
        out
    }

    /// The layers out of one row.
    pub(super) fn layers(&self, params: &[f32]) -> Vec<LayerWeights> {
        let dense = |place: &DensePlace| DenseWeights {
            weight: params[place.weight.clone()].to_vec(),
            bias: params[place.bias.clone()].to_vec(),
        };
        let norm = |place: &DensePlace| Norm {
            gain: params[place.weight.clone()].to_vec(),
            shift: params[place.bias.clone()].to_vec(),
        };
        self.layers
            .iter()
            .map(|place| LayerWeights {
                qkv: dense(&place.qkv),
                output: dense(&place.output),
                attention_norm: norm(&place.attention_norm),
                up: dense(&place.up),
                down: dense(&place.down),
                norm: norm(&place.norm),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_come_back_out_of_one_row() {
        let shape = Shape { width: 2, inner: 3 };
        let places = Places::new(shape, 2, 4);
        assert_eq!(places.of_layers(), 2 * 49);
        assert_eq!(places.len(), 2 * 49 + 8);
        let row: Vec<f32> = (0..98u8).map(f32::from).collect();
        let layers = places.layers(&row);
        assert_eq!(layers[1].qkv.weight[0], 49.0);
        assert_eq!(places.flatten(&layers)[..98], row);
        assert_eq!(places.flatten(&layers)[98..], [0.0; 8]);
    }
}
