//! Matrix products over rows that lie one after the other.
//!
//! The `gemm` crate is called directly: `candle`'s product does the same but copies its operands into
//! tensors and starts threads of its own, and here each thread has a whole product for itself.

use gemm::Parallelism;

/// Which operands are read with rows and columns exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `a b'`: `a` is `[m, k]`, `b` `[n, k]`.
    Right,
    /// `a b`: `a` is `[m, k]`, `b` `[k, n]`.
    Neither,
    /// `a' b`: `a` is `[k, m]`, `b` `[k, n]`.
    Left,
}

/// Writes the product `[m, n]` into `out`, or adds it to what is there. One thread, a fixed order of sums.
///
/// # Panics
/// A slice doesn't have the size that its shape calls for.
pub(crate) fn product(
    form: Form,
    [m, n, k]: [usize; 3],
    a: &[f32],
    b: &[f32],
    out: &mut [f32],
    add: bool,
) {
    assert_eq!(a.len(), m * k, "the left operand");
    assert_eq!(b.len(), n * k, "the right operand");
    assert_eq!(out.len(), m * n, "the product");
    let stride = |n: usize| isize::try_from(n).expect("a slice is no longer than isize::MAX");
    let (m_, n_, k_) = (stride(m), stride(n), stride(k));
    // Steps to the next column and to the next row.
    let (a_steps, b_steps) = match form {
        Form::Right => ((1, k_), (k_, 1)),
        Form::Neither => ((1, k_), (1, n_)),
        Form::Left => ((m_, 1), (1, n_)),
    };
    #[expect(unsafe_code, reason = "gemm takes pointers and strides")]
    // SAFETY: with these strides every index that an m, n, k product touches lies within the three
    // slices, whose lengths are checked above; `out` is borrowed for writing and overlaps neither.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n_,
            add,
            a.as_ptr(),
            a_steps.0,
            a_steps.1,
            b.as_ptr(),
            b_steps.0,
            b_steps.1,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_the_sum_of_products() {
        let [m, n, k] = [5, 7, 3];
        let numbers =
            |len: usize, by: f32| -> Vec<f32> { (0..len).map(|i| (i as f32 * by).sin()).collect() };
        let (a, b) = (numbers(m * k, 0.7), numbers(n * k, 1.3));
        for form in [Form::Right, Form::Neither, Form::Left] {
            let mut out = vec![1.0; m * n];
            product(form, [m, n, k], &a, &b, &mut out, true);
            for i in 0..m {
                for j in 0..n {
                    let term = |l: usize| match form {
                        Form::Right => a[i * k + l] * b[j * k + l],
                        Form::Neither => a[i * k + l] * b[l * n + j],
                        Form::Left => a[l * m + i] * b[l * n + j],
                    };
                    let sum: f32 = (0..k).map(term).sum();
                    assert!(
                        (out[i * n + j] - 1.0 - sum).abs() < 1e-5,
                        "{form:?} {i} {j}"
                    );
                }
            }
            product(form, [m, n, k], &a, &b, &mut out, false);
            let again = out.clone();
            product(form, [m, n, k], &a, &b, &mut out, false);
            assert_eq!(again, out);
        }
    }
}
