//! The same on x86-64.
//!
//! Each of these may be used only in a level whose instructions the processor has; `level::Instructions`
//! sees to that.

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi32, _mm256_cvtepi8_epi16,
    _mm256_dpbusd_avx_epi32, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_storeu_si256, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_storeu_si512,
};

use super::{Block, Dot, GROUP, WIDTH, Weights};

/// Bytes of the weights of one group of inputs.
const STEP: usize = WIDTH * GROUP;

/// How far ahead of the weights in use others are fetched, in bytes: they come from the third-level cache, which
/// takes longer than the products of a line.
const AHEAD: usize = 4096;

/// AVX2: weights are widened to 16 bits as they are read. Products of bytes exist too, but their sums of
/// pairs saturate in 16 bits.
pub(in super::super) struct Avx2Dot;

impl Dot for Avx2Dot {
    const WIDE: bool = true;
    const ROWS: usize = 6;

    #[inline(always)]
    fn sums<const R: usize>(panel: &[Weights], block: Block<'_>, sums: &mut [[i32; WIDTH]; R]) {
        assert_eq!(block.wide.len(), R * panel.len() * GROUP);
        #[expect(unsafe_code, reason = "instructions for newer processors")]
        // SAFETY: this level is run on processors with AVX2 only, and the length was checked.
        unsafe {
            avx2(panel, block.wide, sums);
        }
    }
}

/// `rows` must hold `R * panel.len() * GROUP` numbers.
#[expect(unsafe_code, reason = "loads from places that are computed")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<const R: usize>(panel: &[Weights], rows: &[i16], sums: &mut [[i32; WIDTH]; R]) {
    // Registers for two times four outputs of each row, each output as two sums.
    for outputs in (0..WIDTH).step_by(8) {
        let mut acc = [[_mm256_setzero_si256(); 2]; R];
        for g in 0..panel.len() {
            // SAFETY: 32 bytes from `outputs * GROUP` on lie within the `STEP` bytes of group `g`, and
            // `g` counts the panel's groups.
            let (w0, w1) = unsafe {
                let at = panel.as_ptr().cast::<u8>().add(g * STEP + outputs * GROUP);
                _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD).cast());
                (
                    _mm256_cvtepi8_epi16(_mm_loadu_si128(at.cast())),
                    _mm256_cvtepi8_epi16(_mm_loadu_si128(at.add(16).cast())),
                )
            };
            for (r, acc) in acc.iter_mut().enumerate() {
                // SAFETY: rows are `panel.len() * GROUP` long, and the caller gives `R` of them.
                let four = unsafe {
                    let at = rows.as_ptr().add((r * panel.len() + g) * GROUP);
                    _mm256_set1_epi64x(at.cast::<i64>().read_unaligned())
                };
                acc[0] = _mm256_add_epi32(acc[0], _mm256_madd_epi16(w0, four));
                acc[1] = _mm256_add_epi32(acc[1], _mm256_madd_epi16(w1, four));
            }
        }
        for (acc, sums) in acc.iter().zip(sums.iter_mut()) {
            // The halves of two sums come out as outputs 0 1 4 5 2 3 6 7.
            let pairs = _mm256_hadd_epi32(acc[0], acc[1]);
            let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(pairs);
            // SAFETY: `outputs` is at most `WIDTH - 8`.
            unsafe { _mm256_storeu_si256(sums.as_mut_ptr().add(outputs).cast(), ordered) };
        }
    }
}

/// AVX2 with products of bytes.
pub(in super::super) struct AvxVnniDot;

impl Dot for AvxVnniDot {
    const WIDE: bool = false;
    const ROWS: usize = 6;

    #[inline(always)]
    fn sums<const R: usize>(panel: &[Weights], block: Block<'_>, sums: &mut [[i32; WIDTH]; R]) {
        assert_eq!(block.bytes.len(), R * panel.len() * GROUP);
        #[expect(unsafe_code, reason = "instructions for newer processors")]
        // SAFETY: this level is run on processors with AVX-VNNI only, and the length was checked.
        unsafe {
            avx_vnni(panel, block.bytes, sums);
        }
    }
}

/// `rows` must hold `R * panel.len() * GROUP` bytes.
#[expect(unsafe_code, reason = "loads from places that are computed")]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn avx_vnni<const R: usize>(panel: &[Weights], rows: &[u8], sums: &mut [[i32; WIDTH]; R]) {
    for outputs in (0..WIDTH).step_by(16) {
        let mut acc = [[_mm256_setzero_si256(); 2]; R];
        for g in 0..panel.len() {
            // SAFETY: 64 bytes from `outputs * GROUP` on lie within the `STEP` bytes of group `g`, and
            // `g` counts the panel's groups.
            let (w0, w1) = unsafe {
                let at = panel.as_ptr().cast::<u8>().add(g * STEP + outputs * GROUP);
                _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD).cast());
                (
                    _mm256_loadu_si256(at.cast::<__m256i>()),
                    _mm256_loadu_si256(at.add(32).cast::<__m256i>()),
                )
            };
            for (r, acc) in acc.iter_mut().enumerate() {
                // SAFETY: rows are `panel.len() * GROUP` long, and the caller gives `R` of them.
                let four = unsafe {
                    let at = rows.as_ptr().add((r * panel.len() + g) * GROUP);
                    _mm256_set1_epi32(at.cast::<i32>().read_unaligned())
                };
                acc[0] = _mm256_dpbusd_avx_epi32(acc[0], four, w0);
                acc[1] = _mm256_dpbusd_avx_epi32(acc[1], four, w1);
            }
        }
        for (acc, sums) in acc.iter().zip(sums.iter_mut()) {
            // SAFETY: `outputs` is at most `WIDTH - 16`.
            unsafe {
                let at = sums.as_mut_ptr().add(outputs);
                _mm256_storeu_si256(at.cast(), acc[0]);
                _mm256_storeu_si256(at.add(8).cast(), acc[1]);
            }
        }
    }
}

/// AVX-512 with products of bytes.
pub(in super::super) struct Avx512VnniDot;

impl Dot for Avx512VnniDot {
    const WIDE: bool = false;
    /// With two sums each, two of weights and one of activations they are 31 of the 32 registers. A message of
    /// 14 tokens then reads each weight once.
    const ROWS: usize = 14;

    #[inline(always)]
    fn sums<const R: usize>(panel: &[Weights], block: Block<'_>, sums: &mut [[i32; WIDTH]; R]) {
        assert_eq!(block.bytes.len(), R * panel.len() * GROUP);
        #[expect(unsafe_code, reason = "instructions for newer processors")]
        // SAFETY: this level is run on processors with AVX-512 VNNI only, and the length was checked.
        unsafe {
            avx512_vnni(panel, block.bytes, sums);
        }
    }
}

/// `rows` must hold `R * panel.len() * GROUP` bytes.
#[expect(unsafe_code, reason = "loads from places that are computed")]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn avx512_vnni<const R: usize>(
    panel: &[Weights],
    rows: &[u8],
    sums: &mut [[i32; WIDTH]; R],
) {
    let mut acc = [[_mm512_setzero_si512(); 2]; R];
    for (g, weights) in panel.iter().enumerate() {
        // SAFETY: a group of weights is 128 bytes long.
        let (w0, w1) = unsafe {
            let at = (&raw const *weights).cast::<u8>();
            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD).cast());
            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(AHEAD + 64).cast());
            (
                _mm512_loadu_si512(at.cast()),
                _mm512_loadu_si512(at.add(64).cast()),
            )
        };
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: rows are `panel.len() * GROUP` long, and the caller gives `R` of them.
            let four = unsafe {
                let at = rows.as_ptr().add((r * panel.len() + g) * GROUP);
                _mm512_set1_epi32(at.cast::<i32>().read_unaligned())
            };
            acc[0] = _mm512_dpbusd_epi32(acc[0], four, w0);
            acc[1] = _mm512_dpbusd_epi32(acc[1], four, w1);
        }
    }
    for (acc, sums) in acc.iter().zip(sums.iter_mut()) {
        // SAFETY: `WIDTH` is 32.
        unsafe {
            let at = sums.as_mut_ptr();
            _mm512_storeu_si512(at.cast(), acc[0]);
            _mm512_storeu_si512(at.add(16).cast(), acc[1]);
        }
    }
}
