//! Runs a piece of work compiled for the instructions that the processor has.

use crate::encoder::maths::Level;

/// Work that is compiled once for each set of instructions. `run` and all that it calls must be
/// `#[inline(always)]`, or it is compiled for the least of them.
pub(super) trait Job {
    fn run<L: Level>(self);
}

/// No more than the target's basic instructions.
struct Basic;

impl Level for Basic {
    const FUSED: bool = cfg!(target_arch = "aarch64");
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Job, Level};

    struct Fused;

    impl Level for Fused {
        const FUSED: bool = true;
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2(job: impl Job) {
        job.run::<Fused>();
    }
}

/// Runs it with AVX2 where that is there; the matrix products choose for themselves.
pub(super) fn run(job: impl Job) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        #[expect(
            unsafe_code,
            reason = "a function for newer processors can only be called so"
        )]
        // SAFETY: the processor has every feature that the function is compiled for, see above.
        return unsafe { x86::avx2(job) };
    }
    job.run::<Basic>();
}
