//! A dense layer whose weights lie packed for the loop that reads them.
//!
//! Weights are kept as 16-bit integers with one scale an output: that halves the memory that has to
//! stream past the processor for each sentence, which is what a batch of one waits for, at an error of
//! 1/65536 of an output's largest weight.

use super::maths::{Level, fma, gelu};

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
            let columns = (0..inputs).map(|k| std::array::from_fn(|j| rows[j][k]));
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

    /// `out[r, :] = f(x[r, :] W' + b)` for every row, with the activation `gelu` as `f` or none; `packed` is
    /// room for the packed rows.
    #[inline(always)]
    pub(super) fn apply<L: Level, const GELU: bool>(
        &self,
        x: &[f32],
        out: &mut [f32],
        packed: &mut Vec<f32>,
    ) {
        let rows = x.len() / self.inputs;
        let blocks = rows.div_ceil(ROWS).max(1);
        // Blocks of nearly the same height: 10 rows are 5 and 5, not 8 and 2.
        let height = rows.div_ceil(blocks);
        pack_rows(x, self.inputs, height, packed);
        for (p, weights) in self.panels.chunks_exact(self.inputs).enumerate() {
            let at = p * WIDTH;
            let panel = Panel {
                weights,
                scale: &self.scale[at..][..WIDTH],
                bias: &self.bias[at..][..WIDTH],
            };
            let blocks = packed.chunks(height * self.inputs);
            for (block, out) in blocks.zip(out.chunks_mut(height * self.outputs)) {
                let out = &mut out[at..];
                match block.len() / self.inputs {
                    1 => product::<L, 1, GELU>(&panel, block, out, self.outputs),
                    2 => product::<L, 2, GELU>(&panel, block, out, self.outputs),
                    3 => product::<L, 3, GELU>(&panel, block, out, self.outputs),
                    4 => product::<L, 4, GELU>(&panel, block, out, self.outputs),
                    5 => product::<L, 5, GELU>(&panel, block, out, self.outputs),
                    6 => product::<L, 6, GELU>(&panel, block, out, self.outputs),
                    7 => product::<L, 7, GELU>(&panel, block, out, self.outputs),
                    _ => product::<L, ROWS, GELU>(&panel, block, out, self.outputs),
                }
            }
        }
    }
}

/// The weights of [`WIDTH`] outputs.
struct Panel<'a> {
    weights: &'a [[i16; WIDTH]],
    scale: &'a [f32],
    bias: &'a [f32],
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

/// `R` rows times one panel; `out` begins at the panel's first output and has rows of `stride`. Every sum
/// runs over the inputs in order, so that a row's result does not depend on the rows beside it.
///
/// No closure in here: the compiler may keep one apart from its caller, and then without its caller's
/// instructions, which costs a function call for every number.
#[inline(always)]
fn product<L: Level, const R: usize, const GELU: bool>(
    panel: &Panel<'_>,
    rows: &[f32],
    out: &mut [f32],
    stride: usize,
) {
    let mut sums = [[0.0f32; WIDTH]; R];
    let (rows, _) = rows.as_chunks::<R>();
    for (integers, xs) in panel.weights.iter().zip(rows) {
        let mut weights = [0.0f32; WIDTH];
        for (weight, integer) in weights.iter_mut().zip(integers) {
            *weight = f32::from(*integer);
        }
        for (sums, x) in sums.iter_mut().zip(xs) {
            for (sum, weight) in sums.iter_mut().zip(&weights) {
                *sum = fma::<L>(*x, *weight, *sum);
            }
        }
    }
    for (sums, out) in sums.iter().zip(out.chunks_mut(stride)) {
        for (((y, sum), scale), bias) in out.iter_mut().zip(sums).zip(panel.scale).zip(panel.bias) {
            let value = fma::<L>(*sum, *scale, *bias);
            *y = if GELU { gelu::<L>(value) } else { value };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    impl Level for Plain {
        const FUSED: bool = false;
    }

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
        let mut packed = Vec::new();
        let mut alone = vec![0.0; OUTPUTS];
        for rows in 1..=21 {
            let x = &x[..rows * INPUTS];
            let mut out = vec![0.0; rows * OUTPUTS];
            linear.apply::<Plain, false>(x, &mut out, &mut packed);
            for (x, out) in x.chunks_exact(INPUTS).zip(out.chunks_exact(OUTPUTS)) {
                for ((w, b), y) in weight.chunks_exact(INPUTS).zip(&bias).zip(out) {
                    let sum: f32 = x.iter().zip(w).map(|(x, w)| x * w).sum();
                    assert!((sum + b - y).abs() < 1e-3, "{rows} rows: {y}");
                }
                linear.apply::<Plain, false>(x, &mut alone, &mut packed);
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
