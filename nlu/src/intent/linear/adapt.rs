//! Weights after one more row, from the weights before it.

use super::{Fit, Linear, Problem, Row, Stop, add, add_sparse, lbfgs, residual, softmax};

/// Probability from which an added row may move a class. The first step of the others would be this small too.
const LEAST: f32 = 1e-3;

impl Linear {
    /// Fits again with the last of `rows` added to those that these weights were fitted to. Only the weights of the
    /// classes that the added row may be taken for move; of `fit`, its steps and penalty count.
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
        let mut likely = self.logits(*added);
        softmax(&mut likely, f32::NEG_INFINITY);
        let moving: Vec<usize> = (0..self.classes)
            .filter(|class| likely[*class] >= LEAST || class == label)
            .collect();
        let known = self.columns(&moving);
        // A label beyond the moving ones is that of the rest.
        let own = |label: &usize| moving.binary_search(label).unwrap_or(moving.len());
        let labels: Vec<usize> = labels.iter().map(own).collect();
        let of_moving = Fit {
            classes: moving.len(),
            ..fit
        };
        let mut problem = Problem::new(rows, &labels, of_moving)?;
        problem.rest = self.logits_of_the_rest(&problem, &moving)?;
        let start = known.weights();
        let mut left = vec![0.0; start.len()];
        problem.loss(&start, &mut left)?;
        let rest = problem.rest.last().copied().unwrap_or(f32::NEG_INFINITY);
        let mut z = known.logits(*added);
        residual(&mut z, rest, own(label), 1.0 / rows.len() as f32);
        known.subtract(&mut left, *added, &z);
        let stop = Stop {
            steps: fit.steps,
            tolerance: 1e-7,
        };
        let mut failure = None;
        let weights = lbfgs::minimise(start, stop, |w, gradient| {
            let loss = problem.loss(w, gradient).unwrap_or_else(|error| {
                gradient.fill(0.0);
                failure = Some(error);
                0.0
            });
            add(gradient, -1.0, &left);
            loss - lbfgs::dot(w, &left)
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let mut all = self.weights();
        let rows = all.chunks_exact_mut(self.classes);
        for (row, moved) in rows.zip(weights.chunks_exact(moving.len())) {
            moving
                .iter()
                .zip(moved)
                .for_each(|(class, w)| row[*class] = *w);
        }
        Ok(Linear::rounded(self.classes, self.dense, &all))
    }

    /// The weights of some classes alone.
    fn columns(&self, classes: &[usize]) -> Linear {
        let all = self.weights();
        let rows = all.chunks_exact(self.classes);
        let some: Vec<f32> = rows
            .flat_map(|row| classes.iter().map(|class| row[*class]))
            .collect();
        Linear::rounded(classes.len(), self.dense, &some)
    }

    /// The logit that stands for all classes but `moving`, of each row of a problem; nothing where there is no other.
    fn logits_of_the_rest(
        &self,
        problem: &Problem<'_>,
        moving: &[usize],
    ) -> Result<Vec<f32>, candle_core::Error> {
        let fixed: Vec<usize> = (0..self.classes)
            .filter(|class| moving.binary_search(class).is_err())
            .collect();
        if fixed.is_empty() {
            return Ok(Vec::new());
        }
        let fixed = self.columns(&fixed);
        let weights = fixed.weights();
        let mut z = problem.forward(&weights, fixed.classes)?;
        let sparse = &weights[self.dense * fixed.classes..];
        let rows = problem.rows.iter().zip(z.chunks_exact_mut(fixed.classes));
        Ok(rows
            .map(|(row, z)| {
                add_sparse(row.sparse, sparse, z);
                softmax(z, f32::NEG_INFINITY) as f32
            })
            .collect())
    }

    /// Takes a row's part out of the gradient, where `z` is the slope by its logits.
    fn subtract(&self, gradient: &mut [f32], row: Row<'_>, z: &[f32]) {
        let k = self.classes;
        let (dense, rest) = gradient.split_at_mut(self.dense * k);
        for (x, g) in row.dense.iter().zip(dense.chunks_exact_mut(k)) {
            add(g, -x, z);
        }
        for (column, x) in row.sparse {
            let at = *column as usize * k;
            add(&mut rest[at..at + k], -x, z);
        }
        let bias = rest.len() - k;
        add(&mut rest[bias..], -1.0, z);
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
        let before = Linear::fit(&rows[..known], &labels[..known], fit);
        let before = before.expect("it fits");
        let after = before.adapt(&rows, &labels, fit).expect("it fits");
        let whole = Linear::fit(&rows, &labels, fit).expect("it fits");
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
        let rough = Linear::fit(&rows[..known], &labels[..known], short);
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

    #[test]
    fn classes_that_the_row_is_never_taken_for_keep_their_weights() {
        let mut dense = [[0.0; 4]; 5];
        (0..4).for_each(|at| dense[at][at] = 2.0);
        // Between the first two classes, and of the second.
        dense[4] = [2.0, 1.9, 0.0, 0.0];
        let labels = [0, 1, 2, 3, 1];
        let sparse = Sparse::new();
        let rows = dense.each_ref().map(|dense| Row {
            dense,
            sparse: &sparse,
        });
        let weights = (0..20).map(|at| if at % 5 == 0 { 6.0 } else { 0.0 });
        let weights: Vec<f32> = weights.collect();
        let before = Linear::new(4, 4, 0, &weights).expect("it fits");
        let fit = Fit {
            classes: 4,
            sparse: 0,
            l2: 1e-3,
            steps: 200,
        };
        let after = before.adapt(&rows, &labels, fit).expect("it fits");
        let lead = |model: &Linear, row: usize| {
            let z = model.logits(rows[row]);
            z[1] - z[0]
        };
        assert!(lead(&before, 4) < 0.0 && lead(&after, 4) > 0.0);
        assert!(lead(&after, 0) < -5.0 && lead(&after, 1) > 5.0);
        let (own, others) = (after.columns(&[0, 1]), after.columns(&[2, 3]));
        assert_ne!(own, before.columns(&[0, 1]));
        assert_eq!(others, before.columns(&[2, 3]));
    }
}
