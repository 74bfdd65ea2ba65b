//! Softmax regression on a few dense columns and many sparse ones, kept in eight bits a weight.

use crate::intent::lbfgs::{Stop, minimise};
use crate::threads;
use crate::tune::matmul::{Form, product};

/// Sparse features of one row: column and value.
pub(super) type Sparse = Vec<(u32, f32)>;

/// A row to learn from or to score.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Row {
    pub(super) dense: Vec<f32>,
    pub(super) sparse: Sparse,
}

/// A row with what it is.
#[derive(Debug, Clone)]
pub(super) struct Sample<'a> {
    pub(super) row: &'a Row,
    pub(super) label: usize,
    /// How much it counts.
    pub(super) weight: f32,
}

/// How many columns there are of each kind, and classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) classes: usize,
    pub(super) dense: usize,
    pub(super) sparse: usize,
}

impl Shape {
    /// The number of weights.
    pub(super) fn weights(self) -> usize {
        (self.dense + self.sparse) * self.classes
    }
}

/// Pulls towards small weights, and an end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    /// Of the dense columns, then of the sparse ones.
    pub(super) penalty: [f32; 2],
    pub(super) steps: usize,
}

/// Learned weights: a row for each column, an entry for each class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Softmax {
    shape: Shape,
    pub(super) weights: Vec<i8>,
    /// What a step of a weight is worth: of the dense columns and of the sparse ones, for each class.
    pub(super) scales: [Vec<f32>; 2],
    pub(super) bias: Vec<f32>,
}

/// Parts that the rows are worked on in, always as many: sums don't depend on the number of cores.
const PARTS: usize = 4;

impl Softmax {
    /// Weights that were fitted before; nothing where their number is another.
    pub(super) fn new(
        shape: Shape,
        weights: Vec<i8>,
        scales: [Vec<f32>; 2],
        bias: Vec<f32>,
    ) -> Option<Softmax> {
        let right = bias.len() == shape.classes
            && scales.iter().all(|s| s.len() == shape.classes)
            && weights.len() == shape.weights();
        right.then_some(Softmax {
            shape,
            weights,
            scales,
            bias,
        })
    }

    /// Weights that say nothing.
    pub(super) fn zero(shape: Shape) -> Softmax {
        Softmax::rounded(shape, &vec![0.0; shape.weights() + shape.classes])
    }

    /// Fits the weights and rounds them to eight bits.
    pub(super) fn fit(samples: &[Sample<'_>], shape: Shape, fit: Fit) -> Softmax {
        let all = shape.weights();
        let total: f32 = samples.iter().map(|s| s.weight).sum();
        let parts: Vec<Part<'_>> = samples
            .chunks(samples.len().div_ceil(PARTS).max(1))
            .map(|samples| Part::new(samples, shape, total))
            .collect();
        let threads = threads::cores().min(PARTS);
        let stop = Stop {
            steps: fit.steps,
            tolerance: 1e-6,
        };
        let border = shape.dense * shape.classes;
        let weights = minimise(vec![0.0; all + shape.classes], stop, |w, gradient| {
            let done = threads::each(threads, parts.iter().collect(), |part| part.slopes(w));
            gradient.fill(0.0);
            let mut loss = 0.0;
            for (part, slopes) in done {
                loss += part;
                gradient.iter_mut().zip(&slopes).for_each(|(g, s)| *g += s);
            }
            let halves = [(0..border, fit.penalty[0]), (border..all, fit.penalty[1])];
            for (range, penalty) in halves {
                let (g, w) = (&mut gradient[range.clone()], &w[range]);
                let mut square = 0.0;
                for (g, w) in g.iter_mut().zip(w) {
                    *g += penalty * w;
                    square += f64::from(w * w);
                }
                loss += f64::from(penalty) / 2.0 * square;
            }
            loss
        });
        Softmax::rounded(shape, &weights)
    }

    fn rounded(shape: Shape, weights: &[f32]) -> Softmax {
        let (weights, bias) = weights.split_at(shape.weights());
        let (dense, sparse) = weights.split_at(shape.dense * shape.classes);
        let scale = |rows: &[f32]| -> Vec<f32> {
            let mut most = vec![1e-6f32; shape.classes];
            for row in rows.chunks_exact(shape.classes) {
                most.iter_mut()
                    .zip(row)
                    .for_each(|(m, w)| *m = m.max(w.abs()));
            }
            most.iter().map(|m| digits(m / 127.0)).collect()
        };
        let scales = [scale(dense), scale(sparse)];
        let mut rounded = Vec::with_capacity(weights.len());
        for (rows, scale) in [dense, sparse].into_iter().zip(&scales) {
            for row in rows.chunks_exact(shape.classes) {
                #[expect(clippy::cast_possible_truncation, reason = "between -127 and 127")]
                let whole = |(w, s): (&f32, &f32)| (w / s).round().clamp(-127.0, 127.0) as i8;
                rounded.extend(row.iter().zip(scale).map(whole));
            }
        }
        Softmax {
            shape,
            weights: rounded,
            scales,
            bias: bias.iter().map(|b| digits(*b)).collect(),
        }
    }

    /// The logits of a row.
    pub(super) fn logits(&self, row: &Row) -> Vec<f32> {
        self.add_sparse(&self.dense(&row.dense), &row.sparse)
    }

    /// What the dense columns give to the logits, and what those begin with.
    pub(super) fn dense(&self, dense: &[f32]) -> Vec<f32> {
        let k = self.shape.classes;
        let mut sums = vec![0.0f32; k];
        for (x, w) in dense.iter().zip(self.weights.chunks_exact(k)) {
            let sums = sums.iter_mut().zip(w);
            sums.for_each(|(z, w)| *z += x * f32::from(*w));
        }
        let scaled = sums.iter().zip(&self.scales[0]).zip(&self.bias);
        scaled.map(|((z, scale), bias)| bias + z * scale).collect()
    }

    /// Adds what the sparse columns give to what the dense ones gave.
    pub(super) fn add_sparse(&self, dense: &[f32], sparse: &Sparse) -> Vec<f32> {
        let k = self.shape.classes;
        let weights = &self.weights[self.shape.dense * k..];
        let mut sums = vec![0.0f32; k];
        for (column, x) in sparse {
            let at = *column as usize * k;
            if let Some(w) = weights.get(at..at + k) {
                let sums = sums.iter_mut().zip(w);
                sums.for_each(|(z, w)| *z += x * f32::from(*w));
            }
        }
        let scaled = sums.iter().zip(&self.scales[1]).zip(dense);
        scaled
            .map(|((z, scale), dense)| dense + z * scale)
            .collect()
    }
}

/// Seven digits at most, so that JSON gives back the same number.
fn digits(x: f32) -> f32 {
    format!("{x:.6e}").parse().unwrap_or(x)
}

/// Some of the rows, the dense columns one after the other.
struct Part<'a> {
    samples: &'a [Sample<'a>],
    dense: Vec<f32>,
    shape: Shape,
    total: f32,
}

impl<'a> Part<'a> {
    fn new(samples: &'a [Sample<'a>], shape: Shape, total: f32) -> Part<'a> {
        let dense = samples.iter().flat_map(|s| s.row.dense.iter().copied());
        Part {
            samples,
            dense: dense.collect(),
            shape,
            total,
        }
    }

    /// The loss at these weights, and its slopes.
    fn slopes(&self, w: &[f32]) -> (f64, Vec<f32>) {
        let Shape {
            classes: k, dense, ..
        } = self.shape;
        let n = self.samples.len();
        let (of_dense, rest) = w.split_at(dense * k);
        let (of_sparse, bias) = rest.split_at(self.shape.sparse * k);
        let mut z = vec![0.0; n * k];
        product(
            Form::Neither,
            [n, k, dense],
            &self.dense,
            of_dense,
            &mut z,
            false,
        );
        let mut slopes = vec![0.0; w.len()];
        let (s_dense, rest) = slopes.split_at_mut(dense * k);
        let (s_sparse, s_bias) = rest.split_at_mut(self.shape.sparse * k);
        let mut loss = 0.0;
        for (sample, z) in self.samples.iter().zip(z.chunks_exact_mut(k)) {
            add(z, 1.0, bias);
            for (column, x) in &sample.row.sparse {
                add(z, *x, &of_sparse[*column as usize * k..][..k]);
            }
            loss += f64::from(sample.weight / self.total) * surprise(z, sample.label);
            z.iter_mut().for_each(|p| *p *= sample.weight / self.total);
            for (column, x) in &sample.row.sparse {
                add(&mut s_sparse[*column as usize * k..][..k], *x, z);
            }
            add(s_bias, 1.0, z);
        }
        product(Form::Left, [dense, k, n], &self.dense, &z, s_dense, false);
        (loss, slopes)
    }
}

/// Turns logits into the slopes of the loss by them, and gives that loss.
fn surprise(z: &mut [f32], label: usize) -> f64 {
    let own = z[label];
    let most = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for v in z.iter_mut() {
        *v = (*v - most).exp();
        sum += *v;
    }
    z.iter_mut().for_each(|v| *v /= sum);
    z[label] -= 1.0;
    f64::from(sum.ln() + most - own)
}

/// `a += scale * b`.
fn add(a: &mut [f32], scale: f32, b: &[f32]) {
    a.iter_mut().zip(b).for_each(|(x, y)| *x += scale * y);
}

/// Probabilities of logits times `scale`.
pub(super) fn probabilities(logits: &[f32], scale: f32) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raised = logits.iter().map(|z| f64::from((z - most) * scale).exp());
    let raised: Vec<f64> = raised.collect();
    let sum: f64 = raised.iter().sum();
    raised.iter().map(|p| p / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(dense: &[f32], sparse: &[(u32, f32)]) -> Row {
        Row {
            dense: dense.to_vec(),
            sparse: sparse.to_vec(),
        }
    }

    #[test]
    fn three_corners_are_told_apart_by_either_half() {
        let corners = [
            row(&[1.0, 0.0], &[]),
            row(&[0.0, 1.0], &[]),
            row(&[0.0, 0.0], &[(1, 1.0)]),
        ];
        let samples: Vec<Sample<'_>> = corners
            .iter()
            .enumerate()
            .map(|(label, row)| Sample {
                row,
                label,
                weight: 1.0,
            })
            .collect();
        let shape = Shape {
            classes: 3,
            dense: 2,
            sparse: 2,
        };
        let fit = Fit {
            penalty: [1e-3, 1e-3],
            steps: 100,
        };
        let model = Softmax::fit(&samples, shape, fit);
        for (label, row) in corners.iter().enumerate() {
            let p = probabilities(&model.logits(row), 1.0);
            assert!(p[label] > 0.8, "{label}: {p:?}");
        }
    }

    #[test]
    fn the_slopes_are_those_of_the_loss() {
        let rows = [
            row(&[0.5, -0.25], &[(0, 1.0), (1, -1.0)]),
            row(&[-1.0, 0.75], &[(1, 0.5)]),
        ];
        let samples = [
            Sample {
                row: &rows[0],
                label: 0,
                weight: 1.0,
            },
            Sample {
                row: &rows[1],
                label: 2,
                weight: 2.0,
            },
        ];
        let shape = Shape {
            classes: 3,
            dense: 2,
            sparse: 2,
        };
        let part = Part::new(&samples, shape, 3.0);
        let w: Vec<f32> = (0..15).map(|i| (i as f32 * 0.7).sin()).collect();
        let (_, slopes) = part.slopes(&w);
        for at in 0..15 {
            let side = |by: f32| {
                let mut w = w.clone();
                w[at] += by;
                part.slopes(&w).0
            };
            let slope = (side(1e-2) - side(-1e-2)) / 2e-2;
            assert!((slope - f64::from(slopes[at])).abs() < 1e-3, "{at}");
        }
    }
}
