//! Logistic regression on rows of equal length, and the figures that judge it.

/// `1 / (1 + e^-x)`.
pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A row of training data.
#[derive(Debug, Clone)]
pub(super) struct Example<'a> {
    pub(super) x: &'a [f32],
    /// Wanted, 0 to 1.
    pub(super) target: f64,
    /// How much it counts.
    pub(super) weight: f64,
}

/// Weights and bias that minimise the weighted mean cross-entropy plus `penalty / 2 * |w|^2`.
///
/// Newton's method with the fixed bound of Böhning and Lindsay (1988) on the curvature, `H = X'X / 4 +
/// penalty`: one Cholesky factorisation, after which every step is cheap and never overshoots.
pub(super) fn fit(examples: &[Example<'_>], penalty: f64, steps: usize) -> (Vec<f64>, f64) {
    let width = examples.first().map_or(0, |e| e.x.len());
    let n = width + 1;
    let total: f64 = examples.iter().map(|e| e.weight).sum();
    let mut bound = vec![0.0f64; n * n];
    for example in examples {
        let weight = example.weight / total / 4.0;
        for i in 0..n {
            let xi = weight * column(example.x, i);
            for (b, xj) in bound[i * n..].iter_mut().zip(&example.x[..i.min(width)]) {
                *b += xi * f64::from(*xj);
            }
            bound[i * n + i] += xi * column(example.x, i);
        }
    }
    for i in 0..width {
        bound[i * n + i] += penalty;
    }
    bound[n * n - 1] += 1e-9;
    cholesky(&mut bound, n);
    let mut w = vec![0.0f64; n];
    for _ in 0..steps {
        let mut gradient = vec![0.0f64; n];
        for example in examples {
            let error = logistic(score(&w, example.x)) - example.target;
            let error = error * example.weight / total;
            for (g, x) in gradient.iter_mut().zip(example.x) {
                *g += error * f64::from(*x);
            }
            gradient[width] += error;
        }
        for (g, w) in gradient.iter_mut().zip(&w[..width]) {
            *g += penalty * w;
        }
        solve(&bound, n, &mut gradient);
        for (w, g) in w.iter_mut().zip(&gradient) {
            *w -= g;
        }
    }
    let bias = w.pop().unwrap_or(0.0);
    (w, bias)
}

/// Column `i` of a row with a one at its end.
fn column(x: &[f32], i: usize) -> f64 {
    x.get(i).map_or(1.0, |x| f64::from(*x))
}

/// `w` has the bias at its end. Eight running sums: one alone would wait for each addition.
pub(super) fn score(w: &[f64], x: &[f32]) -> f64 {
    let (chunks, rest) = x.as_chunks::<8>();
    let (weights, _) = w.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for (x, w) in chunks.iter().zip(weights) {
        for ((sum, x), w) in sums.iter_mut().zip(x).zip(w) {
            *sum += f64::from(*x) * w;
        }
    }
    let rest: f64 = rest
        .iter()
        .zip(&w[chunks.len() * 8..])
        .map(|(x, w)| f64::from(*x) * w)
        .sum();
    sums.iter().sum::<f64>() + rest + w.last().copied().unwrap_or(0.0)
}

/// The lower factor in place of a symmetric positive matrix's lower half.
fn cholesky(a: &mut [f64], n: usize) {
    for i in 0..n {
        let (above, row) = a.split_at_mut(i * n);
        for j in 0..=i {
            let dot = |other: &[f64], row: &[f64]| -> f64 {
                row[..j].iter().zip(&other[..j]).map(|(a, b)| a * b).sum()
            };
            if j == i {
                row[i] = (row[i] - dot(&row[..j], row)).max(1e-12).sqrt();
            } else {
                let other = &above[j * n..][..n];
                row[j] = (row[j] - dot(other, row)) / other[j];
            }
        }
    }
}

/// Solves with a Cholesky factor, in place.
fn solve(factor: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        let sum: f64 = factor[i * n..][..i]
            .iter()
            .zip(&*b)
            .map(|(a, b)| a * b)
            .sum();
        b[i] = (b[i] - sum) / factor[i * n + i];
    }
    for i in (0..n).rev() {
        b[i] /= factor[i * n + i];
        let x = b[i];
        for (b, a) in b.iter_mut().zip(&factor[i * n..][..i]) {
            *b -= a * x;
        }
    }
}

/// The chance that a true case scores above a false one (area under the ROC curve); ties count half.
pub(super) fn auroc(scored: &[(f64, bool)]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut won, mut below) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
        let yes = count(tied, true);
        let no = count(tied, false);
        won += yes * (below + no / 2.0);
        below += no;
    }
    won / (count(scored, true) * count(scored, false)).max(1.0)
}

/// Harmonic mean of precision and recall when scores from `threshold` on count as true.
pub(super) fn f1(scored: &[(f64, bool)], threshold: f64) -> f64 {
    let (mut both, mut either) = (0.0, 0.0);
    for (score, truth) in scored {
        let said = *score >= threshold;
        both += f64::from(u8::from(said && *truth));
        either += f64::from(u8::from(said)) + f64::from(u8::from(*truth));
    }
    if either == 0.0 {
        0.0
    } else {
        2.0 * both / either
    }
}

#[expect(clippy::cast_precision_loss, reason = "row numbers are far below 2^52")]
fn count(scored: &[(f64, bool)], truth: bool) -> f64 {
    scored.iter().filter(|s| s.1 == truth).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fit_finds_the_optimum() {
        // Two correlated columns, soft targets; at the optimum the gradient is zero.
        let rows: Vec<[f32; 2]> = (0..60u8)
            .map(|i| {
                [
                    f32::from(i % 7) - 3.0,
                    f32::from(i % 7) * 0.5 + f32::from(i % 5) - 2.0,
                ]
            })
            .collect();
        let examples: Vec<Example<'_>> = rows
            .iter()
            .enumerate()
            .map(|(i, x)| Example {
                x,
                target: logistic(f64::from(x[0]) - 0.5 * f64::from(x[1]) + 0.3),
                weight: if i % 2 == 0 { 1.0 } else { 3.0 },
            })
            .collect();
        let (w, bias) = fit(&examples, 0.0, 500);
        assert!((w[0] - 1.0).abs() < 1e-3, "{w:?}");
        assert!((w[1] + 0.5).abs() < 1e-3, "{w:?}");
        assert!((bias - 0.3).abs() < 1e-3, "{bias}");
        let (shrunk, _) = fit(&examples, 1.0, 500);
        assert!(shrunk[0].abs() < w[0].abs());
    }

    #[test]
    fn figures() {
        let scored = [(0.9, true), (0.8, false), (0.7, true), (0.1, false)];
        assert!((auroc(&scored) - 0.75).abs() < 1e-12);
        assert!((auroc(&[(0.5, true), (0.5, false)]) - 0.5).abs() < 1e-12);
        assert!((f1(&scored, 0.65) - 0.8).abs() < 1e-12);
        assert!(f1(&[], 0.5).abs() < 1e-12);
    }
}
