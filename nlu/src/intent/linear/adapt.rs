//! Weights after one more row, from the weights before it.

use super::{Fit, Linear, Problem, Row, Stop, add, lbfgs, residual};

impl Linear {
    /// Fits again with the last of `rows` added to those that these weights were fitted to.
    ///
    /// The fit before may have stopped short of the minimum, and going on from there would change every
    /// row a little. So the slope that it left is taken out of the loss: without the added row these
    /// weights are the minimum, and whatever changes is due to that row.
    pub(crate) fn adapt(
        &self,
        rows: &[Row<'_>],
        labels: &[usize],
        fit: Fit,
    ) -> Result<Linear, candle_core::Error> {
        let (Some(added), Some(label)) = (rows.last(), labels.last()) else {
            return Ok(self.clone());
        };
        let weight = vec![1.0; rows.len()];
        let mut problem = Problem::new(rows, labels, &weight, fit, self.dense)?;
        let mut left = vec![0.0; self.weights.len()];
        problem.loss(&self.weights, &mut left)?;
        self.subtract(&mut left, *added, *label, 1.0 / rows.len() as f32);
        let stop = Stop {
            steps: fit.steps,
            tolerance: 1e-7,
        };
        let mut failure = None;
        let weights = lbfgs::minimise(self.weights.clone(), stop, |w, gradient| {
            let loss = problem.loss(w, gradient).unwrap_or_else(|error| {
                gradient.fill(0.0);
                failure = Some(error);
                0.0
            });
            add(gradient, -1.0, &left);
            loss - lbfgs::dot(w, &left)
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(Linear {
                classes: self.classes,
                dense: self.dense,
                weights,
            }),
        }
    }

    /// Takes a row's part out of the gradient at these weights.
    fn subtract(&self, gradient: &mut [f32], row: Row<'_>, label: usize, weight: f32) {
        let k = self.classes;
        let mut z = self.logits(row);
        residual(&mut z, label, weight);
        let (dense, rest) = gradient.split_at_mut(self.dense * k);
        for (x, g) in row.dense.iter().zip(dense.chunks_exact_mut(k)) {
            add(g, -x, &z);
        }
        for (column, x) in row.sparse {
            let at = *column as usize * k;
            add(&mut rest[at..at + k], -x, &z);
        }
        let bias = rest.len() - k;
        add(&mut rest[bias..], -1.0, &z);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sparse;
    use super::*;

    /// Three corners of a triangle with some scatter, and what lies between two of them.
    fn rows() -> (Vec<[f32; 3]>, Vec<usize>) {
        let mut rows = Vec::new();
        let mut labels = Vec::new();
        for at in 0..30 {
            let label = at % 3;
            let mut row = [0.1 * (at as f32).sin(), 0.1 * (at as f32).cos(), 0.0];
            row[label] += 1.0;
            rows.push(row);
            labels.push(label);
        }
        rows.push([0.6, 0.5, 0.0]);
        labels.push(1);
        (rows, labels)
    }

    #[test]
    fn a_row_that_is_added_pulls_its_like_and_leaves_the_rest() {
        let (dense, labels) = rows();
        let sparse = Sparse::new();
        let rows: Vec<Row<'_>> = dense
            .iter()
            .map(|dense| Row {
                dense,
                sparse: &sparse,
            })
            .collect();
        let known = rows.len() - 1;
        let fit = Fit {
            classes: 3,
            sparse: 0,
            l2: 1e-3,
            steps: 200,
        };
        let before = Linear::fit(&rows[..known], &labels[..known], &vec![1.0; known], fit);
        let before = before.expect("it fits");
        let after = before.adapt(&rows, &labels, fit).expect("it fits");
        let whole = Linear::fit(&rows, &labels, &vec![1.0; rows.len()], fit).expect("it fits");
        let lead = |model: &Linear, row: &[f32; 3]| {
            let z = model.logits(Row {
                dense: row,
                sparse: &sparse,
            });
            z[1] - z[0]
        };
        let between = [0.6, 0.5, 0.0];
        assert!(
            lead(&before, &between) < 0.0 && lead(&after, &between) > lead(&before, &between) + 0.1
        );
        // Both ways of getting there agree.
        for row in dense.iter().step_by(7) {
            let (a, b) = (lead(&after, row), lead(&whole, row));
            assert!((a - b).abs() < 0.15, "{a} {b}");
        }
        // A fit that stopped short: with a row that it is sure of, nothing much changes.
        let short = Fit { steps: 3, ..fit };
        let rough = Linear::fit(&rows[..known], &labels[..known], &vec![1.0; known], short);
        let rough = rough.expect("it fits");
        let mut again = rows[..known].to_vec();
        again.push(rows[0]);
        let mut names = labels[..known].to_vec();
        names.push(labels[0]);
        let moved = rough.adapt(&again, &names, fit).expect("it fits");
        for row in &dense {
            let (a, b) = (lead(&rough, row), lead(&moved, row));
            assert!((a - b).abs() < 0.5, "{a} {b}");
        }
    }
}
