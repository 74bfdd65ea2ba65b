//! Products of unsigned and signed bytes with exact 32-bit sums: every processor gives the same integers.
//! The sums can't overflow: 255 * 127 * inputs stays below 2^31 for up to 66,000 inputs.

/// Outputs whose weights lie side by side.
pub(in super::super) const WIDTH: usize = super::linear::WIDTH;
/// Inputs whose weights lie side by side for one output, as the processors' instructions want them.
pub(in super::super) const GROUP: usize = 4;

/// The weights of [`WIDTH`] outputs for [`GROUP`] inputs, in whole cache lines.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(in super::super) struct Weights(pub(in super::super) [[i8; GROUP]; WIDTH]);

/// A block of rows of activations, one after the other.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Block<'a> {
    /// `[rows, inputs]`.
    pub(in super::super) bytes: &'a [u8],
    /// The same, empty unless [`Dot::WIDE`].
    pub(in super::super) wide: &'a [i16],
}

/// A way to multiply.
pub(in super::super) trait Dot {
    /// It reads activations of 16 bits.
    const WIDE: bool;
    /// Most rows of a block: as many as have their sums in registers.
    const ROWS: usize;

    /// `sums[r][j]`, the sum over all inputs of row `r`'s activations times output `j`'s weights. `panel`
    /// holds the groups of inputs in order, `block` exactly `R` rows.
    fn sums<const R: usize>(panel: &[Weights], block: Block<'_>, sums: &mut [[i32; WIDTH]; R]);
}

/// Plain Rust.
pub(in super::super) struct Portable;

impl Dot for Portable {
    const WIDE: bool = true;
    const ROWS: usize = 4;

    #[inline(always)]
    fn sums<const R: usize>(panel: &[Weights], block: Block<'_>, sums: &mut [[i32; WIDTH]; R]) {
        let rows = block.wide.chunks_exact(panel.len() * GROUP);
        for (row, sums) in rows.zip(sums) {
            *sums = [0; WIDTH];
            let (groups, _) = row.as_chunks::<GROUP>();
            for (xs, weights) in groups.iter().zip(panel) {
                for (sum, ws) in sums.iter_mut().zip(&weights.0) {
                    // The processor's multiplier of pairs, where it has one.
                    let low =
                        i32::from(xs[0]) * i32::from(ws[0]) + i32::from(xs[1]) * i32::from(ws[1]);
                    let high =
                        i32::from(xs[2]) * i32::from(ws[2]) + i32::from(xs[3]) * i32::from(ws[3]);
                    *sum = sum.wrapping_add(low.wrapping_add(high));
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86;

#[cfg(test)]
mod tests;
