//! A dense layer whose weights lie packed for the loop that reads them.
//!
//! Weights are kept as 16-bit integers with one scale an output: that halves the memory that has to
//! stream past the processor for each sentence, which is what a batch of one waits for, at an error of
//! 1/65536 of an output's largest weight.

use std::ops::Range;

use super::Precision;
use super::level::Kernels;
use super::maths::{fma, gelu};
use super::quantised::{Quantised, Rows};

/// The packed weights come in panels of this many outputs.
pub(super) const WIDTH: usize = 32;

/// The weights of [`WIDTH`] outputs for an input, in one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Weights([i16; WIDTH]);

/// `y = x W' + b`.
#[derive(Debug)]
pub(super) struct Linear {
    inputs: usize,
    outputs: usize,
    /// `[outputs / WIDTH, inputs, WIDTH]`.
    panels: Vec<Weights>,
    /// What an integer weight is worth, for each output.
    scale: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// Packs `weight` of shape `[outputs, inputs]`; `outputs` is a multiple of [`WIDTH`].
    pub(super) fn pack(weight: &[f32], bias: Vec<f32>, inputs: usize) -> Self {
        let outputs = bias.len();
        let (packed, scale): (Vec<_>, Vec<_>) = weight.chunks_exact(inputs).map(quantise).unzip();
        let mut panels = Vec::with_capacity(inputs * outputs / WIDTH);
        for rows in packed.chunks_exact(WIDTH) {
            let columns = (0..inputs).map(|k| Weights(std::array::from_fn(|j| rows[j][k])));
            panels.extend(columns);
        }
        Self {
            inputs,
            outputs,
            panels,
            scale,
            bias,
        }
    }

    /// Lays the rows of `x`, `[rows, inputs]`, as [`Linear::apply`] reads them.
    #[inline(always)]
    pub(super) fn prepare<L: Kernels>(&self, x: &[f32], packed: &mut Packed) {
        packed.height = height(x.len() / self.inputs, L::ROWS);
        pack_rows(x, self.inputs, packed.height, &mut packed.numbers);
    }

    /// `out[r, o] = f(x[r, :] W'[:, o] + b[o])` for every row and the outputs of these panels, with the
    /// activation `gelu` as `f` or none.
    #[inline(always)]
    pub(super) fn apply<L: Kernels, const GELU: bool>(
        &self,
        packed: &Packed,
        panels: Range<usize>,
        out: &mut [f32],
    ) {
        let height = packed.height;
        let mut sums = [[0.0; WIDTH]; MOST_ROWS];
        for p in panels {
            let weights = &self.panels[p * self.inputs..][..self.inputs];
            let at = p * WIDTH;
            let (scale, bias) = (&self.scale[at..][..WIDTH], &self.bias[at..][..WIDTH]);
            let blocks = packed.numbers.chunks(height * self.inputs);
            for (block, out) in blocks.zip(out.chunks_mut(height * self.outputs)) {
                if L::OUTPUTS == WIDTH {
                    rows_times::<L, WIDTH>(weights, 0, block, &mut sums);
                } else {
                    for from in (0..WIDTH).step_by(HALF) {
                        rows_times::<L, HALF>(weights, from, block, &mut sums);
                    }
                }
                let taken = block.len() / self.inputs;
                for (sums, out) in sums[..taken].iter().zip(out.chunks_mut(self.outputs)) {
                    let outs = out[at..][..WIDTH].iter_mut().zip(sums);
                    for ((y, sum), (scale, bias)) in outs.zip(scale.iter().zip(bias)) {
                        let value = fma::<L>(*sum, *scale, *bias);
                        *y = if GELU { gelu::<L>(value) } else { value };
                    }
                }
            }
        }
    }
}

/// Rows as [`Linear::apply`] reads them.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// Blocks of [`Packed::height`] rows, each as `[inputs, rows of the block]`.
    numbers: Vec<f32>,
    /// At least 1.
    height: usize,
}

/// The height of blocks of at most `most` rows that are of nearly the same height: 10 rows are 5 and 5, not 8
/// and 2. At least 1.
pub(super) fn height(rows: usize, most: usize) -> usize {
    rows.div_ceil(rows.div_ceil(most).max(1)).max(1)
}

/// Outputs of a block on processors with few registers.
const HALF: usize = WIDTH / 2;
/// Most rows of a block at any level.
const MOST_ROWS: usize = 14;

/// [`product`] for as many rows as the block holds.
#[inline(always)]
fn rows_times<L: Kernels, const W: usize>(
    panel: &[Weights],
    from: usize,
    block: &[f32],
    out: &mut [[f32; WIDTH]; MOST_ROWS],
) {
    match block.len() / panel.len() {
        1 => product::<L, 1, W>(panel, from, block, out),
        2 => product::<L, 2, W>(panel, from, block, out),
        3 => product::<L, 3, W>(panel, from, block, out),
        4 => product::<L, 4, W>(panel, from, block, out),
        5 => product::<L, 5, W>(panel, from, block, out),
        6 => product::<L, 6, W>(panel, from, block, out),
        7 => product::<L, 7, W>(panel, from, block, out),
        8 => product::<L, 8, W>(panel, from, block, out),
        9 => product::<L, 9, W>(panel, from, block, out),
        10 => product::<L, 10, W>(panel, from, block, out),
        11 => product::<L, 11, W>(panel, from, block, out),
        12 => product::<L, 12, W>(panel, from, block, out),
        13 => product::<L, 13, W>(panel, from, block, out),
        _ => product::<L, MOST_ROWS, W>(panel, from, block, out),
    }
}

/// Integers and what one of them is worth, the largest weight being 32767.
pub(crate) fn quantise(weights: &[f32]) -> (Vec<i16>, f32) {
    let largest = weights.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    if largest == 0.0 {
        return (vec![0; weights.len()], 0.0);
    }
    let scale = largest / f32::from(i16::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "|w| / scale is at most 32767 and a rounding"
    )]
    let integers = weights.iter().map(|w| (w / scale).round() as i16).collect();
    (integers, scale)
}

/// Rows in blocks of `height`, each block as `[inputs, rows of the block]`.
#[inline(always)]
fn pack_rows(x: &[f32], inputs: usize, height: usize, packed: &mut Vec<f32>) {
    packed.clear();
    packed.resize(x.len(), 0.0);
    let blocks = x
        .chunks(height * inputs)
        .zip(packed.chunks_mut(height * inputs));
    for (block, packed) in blocks {
        let rows = block.len() / inputs;
        for (r, row) in block.chunks_exact(inputs).enumerate() {
            for (x, to) in row.iter().zip(packed.chunks_exact_mut(rows)) {
                to[r] = *x;
            }
        }
    }
}

/// `R` rows times `W` outputs of a panel, from output `from` on, into those columns of `out`. Every sum runs
/// over the inputs in order, so that a row's result does not depend on the rows beside it.
///
/// No closure in here: the compiler may keep one apart from its caller, and then without its caller's
/// instructions, which costs a function call for every number.
#[inline(always)]
fn product<L: Kernels, const R: usize, const W: usize>(
    panel: &[Weights],
    from: usize,
    rows: &[f32],
    out: &mut [[f32; WIDTH]; MOST_ROWS],
) {
    // Levels with fewer registers never ask for so many rows; their code isn't wanted either.
    if R > L::ROWS {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if L::AVX512 {
        assert_eq!(rows.len(), R * panel.len());
        #[expect(unsafe_code, reason = "instructions for newer processors")]
        // SAFETY: this level is run on processors with AVX-512 only, and the length was checked.
        unsafe {
            avx512::product::<R>(panel, rows, out);
        }
        return;
    }
    let mut sums = [[0.0f32; W]; R];
    let (rows, _) = rows.as_chunks::<R>();
    for (integers, xs) in panel.iter().zip(rows) {
        let mut weights = [0.0f32; W];
        for (weight, integer) in weights.iter_mut().zip(&integers.0[from..from + W]) {
            *weight = f32::from(*integer);
        }
        for (sums, x) in sums.iter_mut().zip(xs) {
            for (sum, weight) in sums.iter_mut().zip(&weights) {
                *sum = fma::<L>(*x, *weight, *sum);
            }
        }
    }
    for (sums, out) in sums.iter().zip(out) {
        out[from..from + W].copy_from_slice(sums);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, _mm256_loadu_si256, _mm512_cvtepi16_epi32, _mm512_cvtepi32_ps, _mm512_fmadd_ps,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{MOST_ROWS, WIDTH, Weights};

    /// [`super::product`] of all outputs of a panel. `rows` must hold `R * panel.len()` numbers.
    #[expect(unsafe_code, reason = "loads from places that are computed")]
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn product<const R: usize>(
        panel: &[Weights],
        rows: &[f32],
        out: &mut [[f32; WIDTH]; MOST_ROWS],
    ) {
        let mut acc = [[_mm512_setzero_ps(); 2]; R];
        for (k, weights) in panel.iter().enumerate() {
            let sixteen = |from: usize| -> __m512 {
                // SAFETY: a panel's row of weights has 32 numbers, and `from` is 0 or 16.
                let integers = unsafe { _mm256_loadu_si256(weights.0.as_ptr().add(from).cast()) };
                _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(integers))
            };
            let (w0, w1) = (sixteen(0), sixteen(16));
            for (r, acc) in acc.iter_mut().enumerate() {
                // SAFETY: `k` counts the panel's rows and `r` goes to `R`; the caller gives as many numbers.
                let x = _mm512_set1_ps(unsafe { *rows.as_ptr().add(k * R + r) });
                acc[0] = _mm512_fmadd_ps(x, w0, acc[0]);
                acc[1] = _mm512_fmadd_ps(x, w1, acc[1]);
            }
        }
        for (acc, out) in acc.iter().zip(out) {
            // SAFETY: a row of sums has 32 numbers.
            unsafe {
                _mm512_storeu_ps(out.as_mut_ptr(), acc[0]);
                _mm512_storeu_ps(out.as_mut_ptr().add(16), acc[1]);
            }
        }
    }
}

/// A dense layer at the precision that was asked for.
#[derive(Debug)]
pub(super) enum Dense {
    Full(Linear),
    Int8(Quantised),
}

/// Room for a dense layer's input as it wants it.
#[derive(Debug, Default)]
pub(super) struct Room {
    packed: Packed,
    rows: Rows,
}

impl Dense {
    /// Packs `weight` of shape `[outputs, inputs]`.
    pub(super) fn pack(
        weight: &[f32],
        bias: Vec<f32>,
        inputs: usize,
        precision: Precision,
    ) -> Self {
        match precision {
            Precision::Full => Self::Full(Linear::pack(weight, bias, inputs)),
            Precision::Int8 => Self::Int8(Quantised::pack(weight, bias, inputs)),
        }
    }

    /// Lays the rows of `x`, `[rows, inputs]`, as [`Dense::apply`] reads them.
    #[inline(always)]
    pub(super) fn prepare<L: Kernels>(&self, x: &[f32], room: &mut Room) {
        match self {
            Self::Full(linear) => linear.prepare::<L>(x, &mut room.packed),
            Self::Int8(linear) => linear.prepare::<L>(x, &mut room.rows),
        }
    }

    /// `out[r, o] = f(x[r, :] W'[:, o] + b[o])` for every row that was prepared and the outputs of these panels
    /// of [`WIDTH`], with the activation `gelu` as `f` or none.
    #[inline(always)]
    pub(super) fn apply<L: Kernels, const GELU: bool>(
        &self,
        room: &Room,
        panels: Range<usize>,
        out: &mut [f32],
    ) {
        match self {
            Self::Full(linear) => linear.apply::<L, GELU>(&room.packed, panels, out),
            Self::Int8(linear) => linear.apply::<L, GELU>(&room.rows, panels, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::Basic;
    use super::*;

    const INPUTS: usize = 37;
    const OUTPUTS: usize = 2 * WIDTH;

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut x = seed;
        let next = |_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from((x >> 16) as u16) / 32_768.0 - 1.0
        };
        (0..n).map(next).collect()
    }

    #[test]
    fn equals_the_definition_for_any_number_of_rows_and_keeps_rows_apart() {
        let (weight, bias) = (numbers(INPUTS * OUTPUTS, 1), numbers(OUTPUTS, 2));
        let linear = Linear::pack(&weight, bias.clone(), INPUTS);
        let x = numbers(INPUTS * 21, 3);
        let mut packed = Packed::default();
        let mut alone = vec![0.0; OUTPUTS];
        for rows in 1..=21 {
            let x = &x[..rows * INPUTS];
            let mut out = vec![0.0; rows * OUTPUTS];
            linear.prepare::<Basic>(x, &mut packed);
            linear.apply::<Basic, false>(&packed, 0..2, &mut out);
            for (x, out) in x.chunks_exact(INPUTS).zip(out.chunks_exact(OUTPUTS)) {
                for ((w, b), y) in weight.chunks_exact(INPUTS).zip(&bias).zip(out) {
                    let sum: f32 = x.iter().zip(w).map(|(x, w)| x * w).sum();
                    assert!((sum + b - y).abs() < 1e-3, "{rows} rows: {y}");
                }
                linear.prepare::<Basic>(x, &mut packed);
                linear.apply::<Basic, false>(&packed, 0..1, &mut alone);
                linear.apply::<Basic, false>(&packed, 1..2, &mut alone);
                assert_eq!(alone, out, "{rows} rows");
            }
        }
    }

    #[test]
    fn weights_of_nothing_stay_nothing() {
        assert_eq!(quantise(&[0.0, 0.0]), (vec![0, 0], 0.0));
        let (integers, scale) = quantise(&[0.5, -1.0, 0.25]);
        assert_eq!(integers, [16_384, -32_767, 8_192]);
        assert!((scale * 32_767.0 - 1.0).abs() < 1e-6);
    }
}
