//! Row operations with their derivatives. Everything here is inlined into code that is compiled for the
//! processor, see `level`.

use crate::encoder::maths::{Level, exp, fma};

/// The sum of `a[i] * b[i]`: 16 running sums, added in a fixed order.
#[inline(always)]
pub(super) fn dot<L: Level>(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum = fma::<L>(*a, *b, *sum);
        }
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    let mut total = sums[0];
    for (a, b) in a_rest.iter().zip(b_rest) {
        total = fma::<L>(*a, *b, total);
    }
    total
}

/// `a += scale * b`.
#[inline(always)]
pub(super) fn add<L: Level>(a: &mut [f32], scale: f32, b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a = fma::<L>(scale, *b, *a);
    }
}

/// Adds a bias to every row.
#[inline(always)]
pub(super) fn add_bias(rows: &mut [f32], bias: &[f32]) {
    for row in rows.chunks_exact_mut(bias.len()) {
        for (x, b) in row.iter_mut().zip(bias) {
            *x += b;
        }
    }
}

/// The sum of the rows, a bias's gradient.
#[inline(always)]
pub(super) fn sum_rows(rows: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for row in rows.chunks_exact(out.len()) {
        for (sum, x) in out.iter_mut().zip(row) {
            *sum += x;
        }
    }
}

/// The Gaussian error linear unit and its slope: `x P(x)` and `P(x) + x p(x)` with the normal
/// distribution's `P` and its density `p` (Hendrycks and Gimpel 2016; the error function is formula
/// 7.1.26 of Abramowitz and Stegun, as in the encoder).
#[inline(always)]
pub(super) fn gelu<L: Level>(x: f32) -> (f32, f32) {
    const ROOT_2_PI: f32 = 0.398_942_3;
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / fma::<L>(0.327_591_1, z, 1.0);
    let mut sum = 1.061_405_4;
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        sum = fma::<L>(sum, t, c);
    }
    let bell = exp::<L>(-z * z);
    let tail = sum * t * bell;
    let share = 0.5 * if x > 0.0 { 2.0 - tail } else { tail };
    (x * share, fma::<L>(x * ROOT_2_PI, bell, share))
}

/// Normalises rows: `norms` becomes `(x - mean) / deviation`, `inverse` one over each row's deviation, and
/// `out` `norms * gain + shift`.
#[inline(always)]
pub(super) fn normalise<L: Level>(
    x: &[f32],
    (gain, shift): (&[f32], &[f32]),
    epsilon: f32,
    (norms, inverse, out): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let width = gain.len();
    let n = width as f32;
    let rows = x.chunks_exact(width).zip(norms.chunks_exact_mut(width));
    for (((x, norm), out), inverse) in rows.zip(out.chunks_exact_mut(width)).zip(inverse) {
        let mean = sum(x) / n;
        for (to, x) in norm.iter_mut().zip(x) {
            *to = x - mean;
        }
        *inverse = 1.0 / (dot::<L>(norm, norm) / n + epsilon).sqrt();
        let affine = gain.iter().zip(shift);
        for ((norm, out), (gain, shift)) in norm.iter_mut().zip(out).zip(affine) {
            *norm *= *inverse;
            *out = fma::<L>(*norm, *gain, *shift);
        }
    }
}

/// The derivative of `normalise`: `d` goes from its output's to its input's, in place, and the gradients
/// of gain and shift are written.
#[inline(always)]
pub(super) fn normalise_back<L: Level>(
    d: &mut [f32],
    gain: &[f32],
    (norms, inverse): (&[f32], &[f32]),
    (d_gain, d_shift): (&mut [f32], &mut [f32]),
) {
    let width = gain.len();
    let n = width as f32;
    d_gain.fill(0.0);
    d_shift.fill(0.0);
    let rows = d.chunks_exact_mut(width).zip(norms.chunks_exact(width));
    for ((d, norm), inverse) in rows.zip(inverse) {
        let sums = d_gain.iter_mut().zip(d_shift.iter_mut());
        let own = d.iter_mut().zip(norm).zip(gain);
        for (((d, norm), gain), (d_gain, d_shift)) in own.zip(sums) {
            *d_gain = fma::<L>(*d, *norm, *d_gain);
            *d_shift += *d;
            *d *= gain;
        }
        let mean = sum(d) / n;
        let along = dot::<L>(d, norm) / n;
        for (d, norm) in d.iter_mut().zip(norm) {
            *d = (*d - mean - norm * along) * inverse;
        }
    }
}

#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    rest.iter().fold(sums[0], |total, x| total + x)
}

/// Which numbers a dropout keeps. The choice follows from the seed and the place alone, so that the
/// way back finds it again without having stored it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dropout {
    seed: u32,
    /// Hashes below it drop.
    below: u32,
    /// What is kept counts for more, so that sums stay the same on average.
    gain: f32,
}

impl Dropout {
    /// Drops a share `rate` of the numbers, from 0 to less than 1.
    pub(super) fn new(rate: f32, seed: u64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of all hashes, and a fold of the seed's halves"
        )]
        Self {
            seed: (seed ^ (seed >> 32)) as u32,
            below: (f64::from(rate) * f64::from(u32::MAX)) as u32,
            gain: 1.0 / (1.0 - rate),
        }
    }

    /// What the number at a place is multiplied by.
    #[inline(always)]
    pub(super) fn factor(self, place: u32) -> f32 {
        // Two rounds of multiply and shift, enough to spread neighbouring places.
        let mut h = place.wrapping_mul(0x9e37_79b1) ^ self.seed;
        h ^= h >> 16;
        h = h.wrapping_mul(0x7feb_352d);
        h ^= h >> 15;
        h = h.wrapping_mul(0x846c_a68b);
        h ^= h >> 16;
        if h < self.below { 0.0 } else { self.gain }
    }

    /// Multiplies numbers by their factors.
    #[inline(always)]
    pub(super) fn apply(self, x: &mut [f32]) {
        if self.below == 0 {
            return;
        }
        let mut place = 0u32;
        for x in x {
            *x *= self.factor(place);
            place = place.wrapping_add(1);
        }
    }

    /// Whether nothing is dropped.
    #[inline(always)]
    pub(super) fn is_none(self) -> bool {
        self.below == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    impl Level for Plain {
        const FUSED: bool = false;
    }

    #[test]
    fn gelus_slope_is_that_of_its_values() {
        for i in -60..=60 {
            let x = i as f32 / 10.0;
            let (below, above) = (gelu::<Plain>(x - 1e-2).0, gelu::<Plain>(x + 1e-2).0);
            let slope = (above - below) / 2e-2;
            let found = gelu::<Plain>(x).1;
            assert!((slope - found).abs() < 2e-4, "{x}: {slope} and {found}");
        }
        assert!((gelu::<Plain>(1.0).0 - 0.841_344_7).abs() < 1e-6);
    }

    #[test]
    fn normalisations_derivative_is_its_slope() {
        let width = 24;
        let wave = |by: f32, n: usize| (0..n).map(|i| (i as f32 * by).sin()).collect::<Vec<_>>();
        let x = wave(0.7, 2 * width);
        let (gain, shift, weight) = (wave(1.1, width), wave(0.3, width), wave(0.9, 2 * width));
        let forward = |x: &[f32], gain: &[f32], shift: &[f32]| {
            let (mut norms, mut out) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            let mut inverse = vec![0.0; 2];
            let to = (
                norms.as_mut_slice(),
                inverse.as_mut_slice(),
                out.as_mut_slice(),
            );
            normalise::<Plain>(x, (gain, shift), 1e-12, to);
            (dot::<Plain>(&out, &weight), norms, inverse)
        };
        let (_, norms, inverse) = forward(&x, &gain, &shift);
        let (mut d, mut d_gain, mut d_shift) = (weight.clone(), vec![0.0; width], vec![0.0; width]);
        let to = (d_gain.as_mut_slice(), d_shift.as_mut_slice());
        normalise_back::<Plain>(&mut d, &gain, (&norms, &inverse), to);
        let slope = |at: usize, which: usize| {
            let side = |by: f32| {
                let mut all = [x.clone(), gain.clone(), shift.clone()];
                all[which][at] += by;
                forward(&all[0], &all[1], &all[2]).0
            };
            (side(1e-2) - side(-1e-2)) / 2e-2
        };
        for (which, found) in [&d, &d_gain, &d_shift].into_iter().enumerate() {
            for (at, found) in found.iter().enumerate() {
                let slope = slope(at, which);
                assert!(
                    (slope - found).abs() < 2e-3,
                    "{which} {at}: {slope} and {found}"
                );
            }
        }
    }

    #[test]
    fn dropout_keeps_the_sum_and_repeats_itself() {
        let drop = Dropout::new(0.25, 7);
        let mut x = vec![1.0f32; 100_000];
        drop.apply(&mut x);
        let sum: f32 = x.iter().sum();
        assert!((sum / 100_000.0 - 1.0).abs() < 0.01, "{sum}");
        let mut again = vec![1.0; 100_000];
        drop.apply(&mut again);
        assert_eq!(x, again);
        Dropout::new(0.25, 8).apply(&mut again);
        assert_ne!(x, again);
        assert!(Dropout::new(0.0, 7).is_none());
    }
}
