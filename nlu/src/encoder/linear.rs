//! A dense layer whose weights lie packed for the loop that reads them.
//!
//! Weights are kept as 16-bit integers with one scale an output: that halves the memory that has to
//! stream past the processor for each sentence, which is what a batch of one waits for, at an error of
//! 1/65536 of an output's largest weight.

use super::maths::{Level, fma};

/// Outputs computed side by side; the packed weights come in panels of this width.
pub(super) const WIDTH: usize = 32;
/// Rows computed side by side: their sums fit in the registers of AVX-512, and fewer rows would read the
/// weights more often. Measured: 8 is 1.5 times as fast as 12, whose sums spill.
pub(super) const ROWS: usize = 8;

/// `y = x W' + b`.
#[derive(Debug)]
pub(super) struct Linear {
    inputs: usize,
    outputs: usize,
    /// `[outputs / WIDTH, inputs, WIDTH]`.
    panels: Vec<[i16; WIDTH]>,
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
            for k in 0..inputs {
                panels.push(std::array::from_fn(|j| rows[j][k]));
            }
        }
        Self {
            inputs,
            outputs,
            panels,
            scale,
            bias,
        }
    }

    /// `out[r, :] = activation(x[r, :] W' + b)` for every row; `packed` is room for the packed rows.
    #[inline(always)]
    pub(super) fn apply<L: Level>(
        &self,
        x: &[f32],
        out: &mut [f32],
        packed: &mut Vec<f32>,
        activation: impl Fn(f32) -> f32,
    ) {
        let rows = x.len() / self.inputs;
        let blocks = rows.div_ceil(ROWS).max(1);
        // Blocks of nearly the same height: 10 rows are 5 and 5, not 8 and 2.
        let height = rows.div_ceil(blocks);
        pack_rows(x, self.inputs, height, packed);
        let panels = self.panels.chunks_exact(self.inputs);
        let scales = self
            .scale
            .chunks_exact(WIDTH)
            .zip(self.bias.chunks_exact(WIDTH));
        for (p, (panel, (scale, bias))) in panels.zip(scales).enumerate() {
            let blocks = packed.chunks(height * self.inputs);
            for (block, out) in blocks.zip(out.chunks_mut(height * self.outputs)) {
                let mut finish = |r: usize, sums: &[f32; WIDTH]| {
                    let out = &mut out[r * self.outputs + p * WIDTH..][..WIDTH];
                    for (((o, sum), scale), bias) in out.iter_mut().zip(sums).zip(scale).zip(bias) {
                        *o = activation(fma::<L>(*sum, *scale, *bias));
                    }
                };
                match block.len() / self.inputs {
                    1 => product::<L, 1>(panel, block, &mut finish),
                    2 => product::<L, 2>(panel, block, &mut finish),
                    3 => product::<L, 3>(panel, block, &mut finish),
                    4 => product::<L, 4>(panel, block, &mut finish),
                    5 => product::<L, 5>(panel, block, &mut finish),
                    6 => product::<L, 6>(panel, block, &mut finish),
                    7 => product::<L, 7>(panel, block, &mut finish),
                    _ => product::<L, ROWS>(panel, block, &mut finish),
                }
            }
        }
    }
}

/// Integers and what one of them is worth, the largest weight being 32767.
pub(super) fn quantise(weights: &[f32]) -> (Vec<i16>, f32) {
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

/// `R` rows times one panel. Every sum runs over the inputs in order, so that a row's result does not
/// depend on the rows beside it.
#[inline(always)]
fn product<L: Level, const R: usize>(
    panel: &[[i16; WIDTH]],
    rows: &[f32],
    finish: &mut impl FnMut(usize, &[f32; WIDTH]),
) {
    let mut sums = [[0.0f32; WIDTH]; R];
    let (rows, _) = rows.as_chunks::<R>();
    for (weights, xs) in panel.iter().zip(rows) {
        let weights: [f32; WIDTH] = std::array::from_fn(|j| f32::from(weights[j]));
        for (sums, x) in sums.iter_mut().zip(xs) {
            for (sum, w) in sums.iter_mut().zip(&weights) {
                *sum = fma::<L>(*x, *w, *sum);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        finish(r, sums);
    }
}
