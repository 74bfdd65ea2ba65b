//! Multinomial logistic regression over a dense and a sparse half of features, with L2.

use candle_core::{Device, Tensor};
use half::bf16;

use super::lbfgs::{self, Stop};

mod adapt;
mod discriminant;

/// Sparse features of one text: column and value.
pub(crate) type Sparse = Vec<(u32, f32)>;

/// One row to learn from or to score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// What the encoder makes of it.
    pub(crate) dense: &'a [f32],
    /// Hashed n-grams.
    pub(crate) sparse: &'a Sparse,
}

/// Learned weights.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Linear {
    /// Classes, the width of a row of weights.
    classes: usize,
    /// Dense columns.
    dense: usize,
    /// Row by row: the dense columns, then the sparse ones. In 16 bits, since a message waits for the weights to come
    /// from memory; their rounding moves a logit by some thousandths.
    weights: Vec<bf16>,
    /// What every logit begins with.
    bias: Vec<f32>,
}

/// What `Linear::fit` needs beside the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit {
    /// Classes.
    pub(crate) classes: usize,
    /// Sparse columns.
    pub(crate) sparse: usize,
    /// Strength of the L2 penalty on the mean loss.
    pub(crate) l2: f32,
    /// Most steps.
    pub(crate) steps: usize,
}

impl Linear {
    /// Fits the weights; `labels[i]` is the class of `rows[i]`.
    pub(crate) fn fit(
        rows: &[Row<'_>],
        labels: &[usize],
        fit: Fit,
    ) -> Result<Linear, candle_core::Error> {
        let dense = rows.first().map_or(0, |row| row.dense.len());
        let k = fit.classes;
        let size = (dense + fit.sparse + 1) * k;
        let mut problem = Problem::new(rows, labels, fit)?;
        let stop = Stop {
            steps: fit.steps,
            tolerance: 1e-5,
        };
        let mut failure = None;
        let weights = lbfgs::minimise(vec![0.0; size], stop, |w, gradient| {
            problem.loss(w, gradient).unwrap_or_else(|error| {
                gradient.fill(0.0);
                failure = Some(error);
                0.0
            })
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(Linear::rounded(k, dense, &weights)),
        }
    }

    /// Keeps weights that were fitted, whose last row is the bias.
    fn rounded(classes: usize, dense: usize, weights: &[f32]) -> Linear {
        let (rows, bias) = weights.split_at(weights.len().saturating_sub(classes));
        Linear {
            classes,
            dense,
            weights: rows.iter().map(|w| bf16::from_f32(*w)).collect(),
            bias: bias.to_vec(),
        }
    }

    /// The logits of a row, `[classes]`.
    pub(crate) fn logits(&self, row: Row<'_>) -> Vec<f32> {
        let k = self.classes;
        let mut z = self.bias.clone();
        let (dense, sparse) = self.weights.split_at(self.dense * k);
        // Four rows of weights at once: each logit is fetched and put back once for them.
        let (fours, rest) = row.dense.as_chunks::<4>();
        let blocks = dense.chunks_exact(4 * k);
        let last = blocks.remainder();
        for (x, w) in fours.iter().zip(blocks) {
            let (w0, w) = w.split_at(k);
            let (w1, w) = w.split_at(k);
            let (w2, w3) = w.split_at(k);
            for ((((z, w0), w1), w2), w3) in z.iter_mut().zip(w0).zip(w1).zip(w2).zip(w3) {
                *z = *z + x[0] * wide(w0) + x[1] * wide(w1) + x[2] * wide(w2) + x[3] * wide(w3);
            }
        }
        let of_rest = rest.iter().zip(last.chunks_exact(k));
        let of_sparse = row.sparse.iter().filter_map(|(column, x)| {
            let at = *column as usize * k;
            Some((x, sparse.get(at..at + k)?))
        });
        for (x, w) in of_rest.chain(of_sparse) {
            for (z, w) in z.iter_mut().zip(w) {
                *z += x * wide(w);
            }
        }
        z
    }

    /// The dense columns.
    pub(crate) fn dense(&self) -> usize {
        self.dense
    }

    /// Row by row: the dense columns, the sparse ones, then the bias.
    pub(crate) fn weights(&self) -> Vec<f32> {
        let rows = self.weights.iter().map(wide);
        rows.chain(self.bias.iter().copied()).collect()
    }

    /// Weights that were fitted before; nothing where their number doesn't fit the other numbers.
    pub(crate) fn new(
        classes: usize,
        dense: usize,
        sparse: usize,
        weights: &[f32],
    ) -> Option<Linear> {
        let rows = dense.checked_add(sparse)?.checked_add(1)?;
        let right = rows.checked_mul(classes)? == weights.len();
        right.then(|| Linear::rounded(classes, dense, weights))
    }
}

/// A weight to compute with. No weight is "not a number", so the bits can be taken as they are, many at once.
#[inline(always)]
fn wide(weight: &bf16) -> f32 {
    f32::from_bits(u32::from(weight.to_bits()) << 16)
}

/// The loss with everything that stays the same from step to step.
struct Problem<'a> {
    rows: &'a [Row<'a>],
    labels: &'a [usize],
    fit: Fit,
    dense: usize,
    /// The logit that stands for all classes whose weights are fixed, of each row; empty where there are none.
    rest: Vec<f32>,
    /// `[rows, dense]` and its transpose, where there is a dense half.
    tensors: Option<(Tensor, Tensor)>,
}

impl<'a> Problem<'a> {
    fn new(
        rows: &'a [Row<'a>],
        labels: &'a [usize],
        fit: Fit,
    ) -> Result<Problem<'a>, candle_core::Error> {
        let dense = rows.first().map_or(0, |row| row.dense.len());
        let tensors = if dense == 0 {
            None
        } else {
            let flat: Vec<f32> = rows
                .iter()
                .flat_map(|row| row.dense.iter().copied())
                .collect();
            let forward = Tensor::from_vec(flat, (rows.len(), dense), &Device::Cpu)?;
            let backward = forward.t()?.contiguous()?;
            Some((forward, backward))
        };
        Ok(Problem {
            rows,
            labels,
            fit,
            dense,
            rest: Vec::new(),
            tensors,
        })
    }

    /// What the dense half adds to the logits, `[rows, k]`, at weights of `k` classes that begin with its own.
    fn forward(&self, w: &[f32], k: usize) -> Result<Vec<f32>, candle_core::Error> {
        match &self.tensors {
            Some((forward, _)) => {
                let w = Tensor::from_slice(&w[..self.dense * k], (self.dense, k), &Device::Cpu)?;
                forward.matmul(&w)?.flatten_all()?.to_vec1()
            }
            None => Ok(vec![0.0; self.rows.len() * k]),
        }
    }

    /// Mean cross-entropy plus the penalty; writes the gradient.
    fn loss(&mut self, w: &[f32], gradient: &mut [f32]) -> Result<f64, candle_core::Error> {
        let k = self.fit.classes;
        let w_rest = &w[self.dense * k..];
        let mut z = self.forward(w, k)?;
        for (g, w) in gradient.iter_mut().zip(w) {
            *g = self.fit.l2 * w;
        }
        let bias = self.fit.sparse * k;
        // The bias isn't penalised.
        gradient[self.dense * k + bias..].fill(0.0);
        let (g_dense, g_rest) = gradient.split_at_mut(self.dense * k);
        let weight = 1.0 / self.rows.len().max(1) as f32;
        let mut loss = 0.0;
        for (i, z) in z.chunks_exact_mut(k).enumerate() {
            add_sparse(self.rows[i].sparse, w_rest, z);
            let rest = self.rest.get(i).copied().unwrap_or(f32::NEG_INFINITY);
            loss += residual(z, rest, self.labels[i], weight);
            for (column, x) in self.rows[i].sparse {
                let at = *column as usize * k;
                add(&mut g_rest[at..at + k], *x, z);
            }
            add(&mut g_rest[bias..], 1.0, z);
        }
        if let Some((_, backward)) = &self.tensors {
            let residuals = Tensor::from_vec(z, (self.rows.len(), k), &Device::Cpu)?;
            let back: Vec<f32> = backward.matmul(&residuals)?.flatten_all()?.to_vec1()?;
            add(g_dense, 1.0, &back);
        }
        let penalised = &w[..w.len() - k];
        Ok(loss + f64::from(self.fit.l2) / 2.0 * lbfgs::dot(penalised, penalised))
    }
}

/// Adds what the sparse half of a row and the bias give to its logits; `w` is the sparse half of the weights.
fn add_sparse(row: &Sparse, w: &[f32], z: &mut [f32]) {
    let k = z.len();
    add(z, 1.0, &w[w.len() - k..]);
    for (column, x) in row {
        let at = *column as usize * k;
        add(z, *x, &w[at..at + k]);
    }
}

/// Turns the logits of a row into the gradient of its loss by them, and returns that loss. `rest` is the logit of
/// one more class, that of a label beyond the others.
fn residual(z: &mut [f32], rest: f32, label: usize, weight: f32) -> f64 {
    let truth = z.get(label).copied().unwrap_or(rest);
    let total = softmax(z, rest);
    let loss = f64::from(weight) * (total - f64::from(truth));
    z.iter_mut().for_each(|p| *p *= weight);
    if let Some(own) = z.get_mut(label) {
        *own -= weight;
    }
    loss
}

/// Turns logits into probabilities in place, beside one more of logit `rest`, and returns the logarithm of their sum
/// of exponentials.
fn softmax(z: &mut [f32], rest: f32) -> f64 {
    let most = z.iter().copied().fold(rest, f32::max);
    let mut sum = (rest - most).exp();
    for v in z.iter_mut() {
        *v = (*v - most).exp();
        sum += *v;
    }
    z.iter_mut().for_each(|v| *v /= sum);
    f64::from(most) + f64::from(sum).ln()
}

/// `a += scale * b`.
fn add(a: &mut [f32], scale: f32, b: &[f32]) {
    for (x, y) in a.iter_mut().zip(b) {
        *x += scale * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(sparse: usize) -> Fit {
        Fit {
            classes: 3,
            sparse,
            l2: 1e-3,
            steps: 100,
        }
    }

    #[test]
    fn three_corners_are_told_apart_by_either_half() {
        let corners = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0_f32]];
        let sparse: Vec<Sparse> = (0..3).map(|i| vec![(i, 1.0)]).collect();
        let none = Sparse::new();
        let flat = [0.0; 3];
        let by_dense: Vec<Row<'_>> = corners
            .iter()
            .map(|c| Row {
                dense: c,
                sparse: &none,
            })
            .collect();
        let by_sparse: Vec<Row<'_>> = sparse
            .iter()
            .map(|s| Row {
                dense: &flat,
                sparse: s,
            })
            .collect();
        for rows in [by_dense, by_sparse] {
            let model = Linear::fit(&rows, &[0, 1, 2], fit(3)).expect("fits");
            for (i, row) in rows.iter().enumerate() {
                let mut z = model.logits(*row);
                softmax(&mut z, f32::NEG_INFINITY);
                assert!(z[i] > 0.8, "{i}: {z:?}");
            }
        }
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let dense = [[0.5, -0.25], [-1.0, 0.75_f32]];
        let sparse = [vec![(0, 1.0), (1, -1.0)], vec![(1, 0.5_f32)]];
        let rows: Vec<Row<'_>> = dense
            .iter()
            .zip(&sparse)
            .map(|(d, s)| Row {
                dense: d,
                sparse: s,
            })
            .collect();
        // The second row is of a class with fixed weights.
        let labels = [0, 3];
        let mut problem = Problem::new(&rows, &labels, fit(2)).expect("builds");
        problem.rest = vec![-1.0, 0.5];
        let w: Vec<f32> = (0..15).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut gradient = vec![0.0; 15];
        problem.loss(&w, &mut gradient).expect("a loss");
        for at in 0..15 {
            let mut side = |by: f32| {
                let mut w = w.clone();
                w[at] += by;
                problem.loss(&w, &mut [0.0; 15]).expect("a loss")
            };
            let slope = (side(1e-2) - side(-1e-2)) / 2e-2;
            assert!(
                (slope - f64::from(gradient[at])).abs() < 1e-3,
                "{at}: {slope}"
            );
        }
    }
}
