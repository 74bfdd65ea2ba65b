//! Elementary functions written so that the compiler turns loops over them into vector code.

/// What the processor can do; the forward pass is compiled once for each.
pub(crate) trait Level {
    /// It multiplies and adds in one instruction.
    const FUSED: bool;
}

/// `a * b + c`, rounded once where the processor does that in one instruction.
#[inline(always)]
pub(crate) fn fma<L: Level>(a: f32, b: f32, c: f32) -> f32 {
    if L::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// e to the `x` within 2 units in the last place for -87 <= x <= 88; outside of that the ends' values.
#[inline(always)]
pub(crate) fn exp<L: Level>(x: f32) -> f32 {
    // 1.5 * 2^23: adding it leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few enough bits that its product with an integer is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = fma::<L>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<L>(n, -LN2_LOW, fma::<L>(n, -LN2_HIGH, x));
    // Taylor's series; the next term is below 6e-9 for |r| <= ln 2 / 2.
    let mut sum = 1.0 / 5040.0;
    for c in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = fma::<L>(sum, r, c);
    }
    let power = shifted
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127)
        << 23;
    sum * f32::from_bits(power)
}

/// The Gaussian error linear unit, `x / 2 * (1 + erf(x / sqrt 2))`, within 2e-7 * max(1, |x|).
///
/// The error function is formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions.
#[inline(always)]
pub(super) fn gelu<L: Level>(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / fma::<L>(0.327_591_1, z, 1.0);
    let mut sum = 1.061_405_4;
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        sum = fma::<L>(sum, t, c);
    }
    let tail = sum * t * exp::<L>(-z * z);
    // 1 + erf is 2 - tail on the right of zero and tail on the left.
    0.5 * x * if x > 0.0 { 2.0 - tail } else { tail }
}

/// The sum of `(x - shift)^2` with `SQUARE`, else of `x - shift`: 16 running sums, added pair by pair in a
/// fixed order.
#[inline(always)]
fn sum<const SQUARE: bool>(row: &[f32], shift: f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            let x = x - shift;
            *sum += if SQUARE { x * x } else { x };
        }
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    let mut total = sums[0];
    for x in rest {
        let x = x - shift;
        total += if SQUARE { x * x } else { x };
    }
    total
}

/// `(x - mean) / sqrt(variance + epsilon) * gain + shift`, in place.
#[inline(always)]
pub(super) fn normalise<L: Level>(row: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "rows have some hundreds of numbers"
    )]
    let n = row.len() as f32;
    let mean = sum::<false>(row, 0.0) / n;
    let variance = sum::<true>(row, mean) / n;
    let factor = 1.0 / (variance + epsilon).sqrt();
    for ((x, gain), shift) in row.iter_mut().zip(gain).zip(shift) {
        *x = fma::<L>((*x - mean) * factor, *gain, *shift);
    }
}

/// Scores to weights that sum to 1, in place.
#[inline(always)]
pub(crate) fn softmax<L: Level>(row: &mut [f32]) {
    let largest = row
        .iter()
        .fold(f32::NEG_INFINITY, |m, x| if *x > m { *x } else { m });
    for x in row.iter_mut() {
        *x = exp::<L>(*x - largest);
    }
    let factor = 1.0 / sum::<false>(row, 0.0);
    for x in row.iter_mut() {
        *x *= factor;
    }
}

/// Numbers that loops without a rest take at once.
pub(super) const LANES: usize = 16;

/// As [`softmax`] over the first `count` scores, of which there is at least one; `padded` holds whole [`LANES`].
/// What lies beyond the scores becomes 0.
#[inline(always)]
pub(super) fn softmax_padded<L: Level>(padded: &mut [f32], count: usize) {
    padded[count..].fill(f32::NEG_INFINITY);
    let (chunks, _) = padded.as_chunks_mut::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in chunks.iter() {
        for (m, x) in most.iter_mut().zip(chunk) {
            *m = if *x > *m { *x } else { *m };
        }
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            most[i] = most[i].max(most[i + width]);
        }
    }
    let mut sums = [0.0f32; LANES];
    for chunk in chunks.iter_mut() {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *x = exp::<L>(*x - most[0]);
            *sum += *x;
        }
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    let factor = 1.0 / sums[0];
    for x in &mut padded[..count] {
        *x *= factor;
    }
    padded[count..].fill(0.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fused;
    impl Level for Fused {
        const FUSED: bool = true;
    }
    struct Plain;
    impl Level for Plain {
        const FUSED: bool = false;
    }

    #[test]
    fn exp_is_right_to_a_millionth() {
        for i in -8700..=8800 {
            let x = f64::from(i) / 100.0;
            for found in [exp::<Fused>(x as f32), exp::<Plain>(x as f32)] {
                let expected = f64::from(x as f32).exp();
                assert!(
                    (f64::from(found) / expected - 1.0).abs() < 1e-6,
                    "exp({x}) = {found}"
                );
            }
        }
        assert!(exp::<Fused>(-1e9) < 1e-37);
        assert!(exp::<Fused>(1e9).is_finite());
    }

    #[test]
    fn gelu_meets_known_values() {
        // From the normal distribution's table: x times the share below x.
        for (x, expected) in [
            (0.0, 0.0),
            (1.0, 0.841_344_7),
            (-1.0, -0.158_655_25),
            (2.0, 1.954_499_7),
            (-2.0, -0.045_500_26),
            (0.5, 0.345_731_23),
            (-6.0, 0.0),
            (6.0, 6.0),
            (-50.0, 0.0),
        ] {
            let found = gelu::<Fused>(x);
            assert!((found - expected).abs() < 1e-6, "gelu({x}) = {found}");
        }
    }

    #[test]
    fn softmax_and_normalise() {
        let mut row: Vec<f32> = (0..21u8).map(|i| f32::from(i) * 3.0 - 90.0).collect();
        softmax::<Plain>(&mut row);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((row[20] / row[19] - 3.0f32.exp()).abs() < 1e-4);
        let mut padded: Vec<f32> = (0..24u8).map(|i| f32::from(i) * 3.0 - 90.0).collect();
        padded.resize(2 * LANES, 7.0);
        softmax_padded::<Plain>(&mut padded, 21);
        assert!(row.iter().zip(&padded).all(|(a, b)| (a - b).abs() < 1e-6));
        assert!(padded[21..].iter().all(|x| *x == 0.0));
        let mut row: Vec<f32> = (0..40u8).map(f32::from).collect();
        let (gain, shift) = (vec![2.0; 40], vec![1.0; 40]);
        normalise::<Plain>(&mut row, &gain, &shift, 1e-12);
        assert!((row.iter().sum::<f32>() / 40.0 - 1.0).abs() < 1e-5);
        let spread = row.iter().map(|x| (x - 1.0).powi(2)).sum::<f32>() / 40.0;
        assert!((spread - 4.0).abs() < 1e-4, "{spread}");
    }
}
