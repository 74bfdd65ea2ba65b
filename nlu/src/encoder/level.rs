//! What processors can do. The forward pass is compiled once for each of these levels, and run at the
//! best one that the processor has.

use super::dot::{Dot, Portable};
use super::maths::Level;

/// How dense layers are computed at a level.
pub(super) trait Kernels: Level {
    /// Rows of a block of a floating-point product.
    const ROWS: usize;
    /// Such a product is spelled out in AVX-512's instructions: the compiler's own choice for seven rows and more
    /// is to gather and scatter the sums of all rows, which takes many times as long.
    const AVX512: bool = false;
    /// Outputs of such a block, a divisor of `linear::WIDTH`. The block's sums must fit in the registers:
    /// where they spill, the product takes 2.6 times as long.
    const OUTPUTS: usize;
    /// Integer products.
    type Dot: Dot;
}

/// No more than the target's basic instructions.
pub(super) struct Basic;

impl Level for Basic {
    const FUSED: bool = cfg!(target_arch = "aarch64");
}

impl Kernels for Basic {
    const ROWS: usize = 6;
    const OUTPUTS: usize = 16;
    type Dot = Portable;
}

/// The levels of x86-64 that have more than the basic instructions.
#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use super::super::dot::x86::{Avx2Dot, Avx512VnniDot, AvxVnniDot};
    use super::{Kernels, Level};

    /// AVX2 with fused multiply-add.
    pub(in super::super) struct Avx2;

    impl Level for Avx2 {
        const FUSED: bool = true;
    }

    impl Kernels for Avx2 {
        const ROWS: usize = 6;
        const OUTPUTS: usize = 16;
        type Dot = Avx2Dot;
    }

    /// AVX2 with products of bytes.
    pub(in super::super) struct AvxVnni;

    impl Level for AvxVnni {
        const FUSED: bool = true;
    }

    impl Kernels for AvxVnni {
        const ROWS: usize = 6;
        const OUTPUTS: usize = 16;
        type Dot = AvxVnniDot;
    }

    /// AVX-512 without products of bytes.
    pub(in super::super) struct Avx512;

    impl Level for Avx512 {
        const FUSED: bool = true;
    }

    impl Kernels for Avx512 {
        const ROWS: usize = 14;
        const OUTPUTS: usize = 32;
        const AVX512: bool = true;
        type Dot = Avx2Dot;
    }

    /// AVX-512 with products of bytes.
    pub(in super::super) struct Avx512Vnni;

    impl Level for Avx512Vnni {
        const FUSED: bool = true;
    }

    impl Kernels for Avx512Vnni {
        const ROWS: usize = 14;
        const OUTPUTS: usize = 32;
        const AVX512: bool = true;
        type Dot = Avx512VnniDot;
    }
}

/// A level by name. Only what [`Instructions::all`] gives may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instructions {
    Basic,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Instructions {
    /// Those that this processor has, the best last.
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Basic];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            all.push(Self::Avx2);
            if is_x86_feature_detected!("avxvnni") {
                all.push(Self::AvxVnni);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
            {
                all.push(Self::Avx512);
                if is_x86_feature_detected!("avx512vnni") {
                    all.push(Self::Avx512Vnni);
                }
            }
        }
        all
    }

    /// The best that this processor has.
    pub(super) fn best() -> Self {
        Self::all().pop().unwrap_or(Self::Basic)
    }

    /// For reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => "AVX-VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "AVX-512 VNNI",
        }
    }
}
