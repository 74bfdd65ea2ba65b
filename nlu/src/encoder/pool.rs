//! Token rows to a sentence vector.

/// The mean of the rows, divided by its Euclidean norm. `rows` is `[tokens, width]`.
pub(super) fn mean_and_normalise(rows: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0f32; width];
    for row in rows.chunks_exact(width) {
        for (sum, x) in mean.iter_mut().zip(row) {
            *sum += x;
        }
    }
    // The number of tokens cancels out in the norm; 1e-12 keeps an all-zero row finite, as in
    // Sentence-Transformers.
    let norm = mean.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    for x in &mut mean {
        *x /= norm;
    }
    mean
}
