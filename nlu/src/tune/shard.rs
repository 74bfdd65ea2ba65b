//! A fixed part of a batch's sentences, all the way forward to embeddings and back to gradients.

use super::layer::{self, Back, Pass, Saved};
use super::level::Job;
use super::ops::{Dropout, add, dot};
use super::params::Places;
use crate::encoder::maths::Level;

/// Sentences with all that is computed for them.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Rows of the frozen layers, `[tokens, width]`.
    pub(super) x: Vec<f32>,
    /// Tokens of each sentence.
    pub(super) lengths: Vec<usize>,
    /// Decides what dropouts drop.
    pub(super) seed: u64,
    /// `[sentences, width]`, L2-normalised; written on the way forward.
    pub(super) embeddings: Vec<f32>,
    /// The loss's derivative by them; read on the way back.
    pub(super) d_embeddings: Vec<f32>,
    /// The gradient of all layers; written on the way back.
    pub(super) gradient: Vec<f32>,
    /// Lengths of the means before they were normalised.
    norms: Vec<f32>,
    saved: Vec<Saved>,
    back: Back,
    d: Vec<f32>,
}

/// What all shards share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Net<'a> {
    pub(super) places: &'a Places,
    pub(super) params: &'a [f32],
    pub(super) epsilon: f32,
    /// Share of the numbers that dropouts drop.
    pub(super) rate: f32,
}

impl Net<'_> {
    #[inline(always)]
    fn pass<'a>(&self, layer: usize, shard: &'a Shard) -> Pass<'a> {
        let dropout = |at: u64| {
            let site = (layer as u64 * 3 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            Dropout::new(self.rate, crate::random::mix(shard.seed ^ site))
        };
        Pass {
            shape: self.places.shape,
            epsilon: self.epsilon,
            lengths: &shard.lengths,
            dropout: [dropout(0), dropout(1), dropout(2)],
        }
    }
}

/// Sentences to embeddings.
pub(super) struct Forward<'a>(pub(super) Net<'a>, pub(super) &'a mut Shard);

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<L: Level>(self) {
        let Self(net, shard) = self;
        let mut saved = std::mem::take(&mut shard.saved);
        saved.resize_with(net.places.layers.len(), Saved::default);
        for (at, place) in net.places.layers.iter().enumerate() {
            let (below, rest) = saved.split_at_mut(at);
            let x = below.last().map_or(shard.x.as_slice(), |s| &s.out);
            layer::forward::<L>(net.params, place, net.pass(at, shard), x, &mut rest[0]);
        }
        shard.saved = saved;
        shard.pool::<L>(net.places.shape.width);
    }
}

/// Derivatives by the embeddings to gradients.
pub(super) struct Backward<'a>(pub(super) Net<'a>, pub(super) &'a mut Shard);

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<L: Level>(self) {
        let Self(net, shard) = self;
        shard.unpool::<L>(net.places.shape.width);
        let mut gradient = std::mem::take(&mut shard.gradient);
        gradient.resize(net.places.of_layers(), 0.0);
        let (mut d, mut back) = (
            std::mem::take(&mut shard.d),
            std::mem::take(&mut shard.back),
        );
        for (at, place) in net.places.layers.iter().enumerate().rev() {
            let x = match at.checked_sub(1) {
                Some(below) => &shard.saved[below].out,
                None => &shard.x,
            };
            let own = (x.as_slice(), &shard.saved[at]);
            let to = (&mut d, &mut back, at > 0);
            layer::backward::<L>(
                net.params,
                place,
                net.pass(at, shard),
                own,
                to,
                &mut gradient,
            );
        }
        (shard.gradient, shard.d, shard.back) = (gradient, d, back);
    }
}

impl Shard {
    /// Means of the sentences' rows, divided by their norms.
    #[inline(always)]
    fn pool<L: Level>(&mut self, width: usize) {
        self.embeddings.clear();
        self.embeddings.resize(self.lengths.len() * width, 0.0);
        self.norms.clear();
        let mut rows = self.saved.last().map_or(self.x.as_slice(), |s| &s.out);
        for (mean, n) in self.embeddings.chunks_exact_mut(width).zip(&self.lengths) {
            let (mine, rest) = rows.split_at(n * width);
            for row in mine.chunks_exact(width) {
                add::<L>(mean, 1.0 / *n as f32, row);
            }
            let norm = dot::<L>(mean, mean).sqrt().max(1e-12);
            mean.iter_mut().for_each(|x| *x /= norm);
            self.norms.push(norm);
            rows = rest;
        }
    }

    /// The derivative of `pool`, into `d`.
    #[inline(always)]
    fn unpool<L: Level>(&mut self, width: usize) {
        let tokens: usize = self.lengths.iter().sum();
        self.d.resize(tokens * width, 0.0);
        let mut rows = self.d.as_mut_slice();
        let each = self.lengths.iter().zip(&self.norms);
        let of_each = self.embeddings.chunks_exact(width);
        let of_each = of_each.zip(self.d_embeddings.chunks_exact_mut(width));
        for ((n, norm), (e, d)) in each.zip(of_each) {
            let along = dot::<L>(e, d);
            for (d, e) in d.iter_mut().zip(e) {
                *d = (*d - e * along) / (norm * *n as f32);
            }
            let (mine, rest) = rows.split_at_mut(n * width);
            mine.chunks_exact_mut(width)
                .for_each(|row| row.copy_from_slice(d));
            rows = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::level;
    use super::super::params::Shape;
    use super::*;
    use crate::random::Random;

    /// The slope of a whole shard's output along random directions of each tensor is what the gradients
    /// say.
    #[test]
    fn the_gradient_of_the_whole_is_its_slope() {
        let shape = Shape {
            width: 64,
            inner: 96,
        };
        let places = Places::new(shape, 2, 0);
        let mut random = Random::new(5);
        let mut wave = |n: usize, by: f32| -> Vec<f32> {
            (0..n).map(|_| (random.unit() as f32 - 0.5) * by).collect()
        };
        let mut params = wave(places.len(), 0.3);
        for place in &places.layers {
            for norm in [&place.attention_norm, &place.norm] {
                params[norm.weight.clone()]
                    .iter_mut()
                    .for_each(|x| *x += 1.0);
            }
        }
        let lengths = vec![3, 1, 5];
        let (x, direction) = (wave(9 * 64, 2.0), wave(3 * 64, 2.0));
        for rate in [0.0, 0.2] {
            let run = |params: &[f32], back: bool| {
                let net = Net {
                    places: &places,
                    params,
                    epsilon: 1e-12,
                    rate,
                };
                let mut shard = Shard {
                    x: x.clone(),
                    lengths: lengths.clone(),
                    seed: 9,
                    d_embeddings: direction.clone(),
                    ..Shard::default()
                };
                level::run(Forward(net, &mut shard));
                let each = shard.embeddings.iter().zip(&direction);
                let value: f64 = each.map(|(e, d)| f64::from(*e) * f64::from(*d)).sum();
                if back {
                    level::run(Backward(net, &mut shard));
                }
                (value, shard.gradient)
            };
            let gradient = run(&params, true).1;
            for place in &places.layers {
                for (tensor, _) in place.tensors() {
                    for range in [&tensor.weight, &tensor.bias] {
                        let by = wave_like(range.len());
                        let side = |sign: f32| {
                            let mut params = params.clone();
                            for (x, by) in params[range.clone()].iter_mut().zip(&by) {
                                *x += sign * by;
                            }
                            run(&params, false).0
                        };
                        let slope = (side(1.0) - side(-1.0)) / 2.0;
                        let pairs = gradient[range.clone()].iter().zip(&by);
                        let found: f64 = pairs.map(|(g, by)| f64::from(g * by)).sum();
                        let off = (slope - found).abs();
                        assert!(
                            off < 1e-5 + 0.02 * slope.abs(),
                            "{range:?}: {slope}, {found}"
                        );
                    }
                }
            }
        }
    }

    /// A direction whose length is small whatever the number of numbers.
    fn wave_like(n: usize) -> Vec<f32> {
        let mut random = Random::new(n as u64);
        let by = 1e-2 / (n as f32).sqrt();
        (0..n)
            .map(|_| (random.unit() as f32 - 0.5) * 2.0 * by)
            .collect()
    }
}
