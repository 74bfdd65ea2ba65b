use super::*;
use crate::encoder::level::Instructions;

const GROUPS: usize = 9;

/// Extreme and ordinary values: sums of pairs that 16 bits can't hold among them.
fn panel() -> Vec<Weights> {
    let byte = |i: usize| match i % 5 {
        0 => 127,
        1 => -127,
        _ => i8::try_from((i * 37) % 255).map_or(-100, |b| b),
    };
    (0..GROUPS)
        .map(|g| {
            let of = |j| std::array::from_fn(|k| byte(g * 131 + j * 7 + k));
            Weights(std::array::from_fn(of))
        })
        .collect()
}

fn check<D: Dot, const R: usize>(name: &str) {
    let panel = panel();
    let bytes: Vec<u8> = (0..R * GROUPS * GROUP)
        .map(|i| {
            if i % 3 == 0 {
                255
            } else {
                (i * 89 % 256) as u8
            }
        })
        .collect();
    let wide: Vec<i16> = bytes.iter().map(|b| i16::from(*b)).collect();
    let block = Block {
        bytes: &bytes,
        wide: &wide,
    };
    let mut sums = [[-1; WIDTH]; R];
    D::sums(&panel, block, &mut sums);
    for (row, sums) in bytes.chunks_exact(GROUPS * GROUP).zip(&sums) {
        for (j, sum) in sums.iter().enumerate() {
            let expected: i32 = (0..GROUPS * GROUP)
                .map(|k| i32::from(row[k]) * i32::from(panel[k / GROUP].0[j][k % GROUP]))
                .sum();
            assert_eq!(*sum, expected, "{name}, {R} rows, output {j}");
        }
    }
}

#[test]
fn every_kind_of_processor_gives_the_exact_sums() {
    check::<Portable, 1>("portable");
    check::<Portable, 4>("portable");
    #[cfg(target_arch = "x86_64")]
    for level in Instructions::all() {
        match level {
            Instructions::Basic => {}
            Instructions::Avx2 | Instructions::Avx512 => {
                check::<x86::Avx2Dot, 1>(level.name());
                check::<x86::Avx2Dot, 6>(level.name());
            }
            Instructions::AvxVnni => {
                check::<x86::AvxVnniDot, 1>(level.name());
                check::<x86::AvxVnniDot, 6>(level.name());
            }
            Instructions::Avx512Vnni => {
                check::<x86::Avx512VnniDot, 1>(level.name());
                check::<x86::Avx512VnniDot, 14>(level.name());
            }
        }
    }
}
