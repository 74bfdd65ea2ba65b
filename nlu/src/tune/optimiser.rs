//! AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with clipped gradients, over one row of numbers.

use std::ops::Range;

use super::level::{self, Job};
use super::ops::{add, dot};
use crate::encoder::maths::{Level, fma};
use crate::threads::each;

/// Decay of the means of gradients and of their squares, and what keeps a root from being zero.
const BETA: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;
/// Gradients longer than this are shortened to it.
const LONGEST: f64 = 1.0;
/// Numbers that a thread takes at a time. Sums are made chunk by chunk, so it decides the last bits.
const CHUNK: usize = 1 << 16;

/// Numbers with a learning rate of their own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) range: Range<usize>,
    /// Learning rate at its highest.
    pub(crate) rate: f32,
    /// Strength of the weight decay.
    pub(crate) decay: f32,
}

/// The state between steps.
#[derive(Debug)]
pub(crate) struct AdamW {
    /// In order and without gaps.
    groups: Vec<Group>,
    means: Vec<f32>,
    squares: Vec<f32>,
    gradient: Vec<f32>,
    steps: i32,
}

impl AdamW {
    pub(crate) fn new(groups: Vec<Group>) -> Self {
        let len = groups.last().map_or(0, |g| g.range.end);
        Self {
            groups,
            means: vec![0.0; len],
            squares: vec![0.0; len],
            gradient: vec![0.0; len],
            steps: 0,
        }
    }

    /// One step by the sum of the parts' gradients, of which each begins at the first number, and `last`,
    /// which holds those of the numbers after them. `share` is the learning rate's of its highest.
    pub(crate) fn step(
        &mut self,
        params: &mut [f32],
        parts: &[&[f32]],
        last: &[f32],
        share: f32,
        threads: usize,
    ) {
        let (front, tail) = self.gradient.split_at_mut(params.len() - last.len());
        tail.copy_from_slice(last);
        let mut squares = vec![0.0f64; front.len().div_ceil(CHUNK)];
        let chunks = front.chunks_mut(CHUNK).zip(&mut squares).enumerate();
        let sums: Vec<_> = chunks
            .map(|(at, (sum, square))| Sum {
                parts,
                at: at * CHUNK,
                sum,
                square,
            })
            .collect();
        each(threads, sums, level::run);
        let of_tail: f64 = tail.iter().map(|x| f64::from(x * x)).sum();
        let norm = (squares.iter().sum::<f64>() + of_tail).sqrt();
        self.steps += 1;
        #[expect(clippy::cast_possible_truncation, reason = "a factor of at most 1")]
        let shorten = (LONGEST / norm.max(LONGEST)) as f32;
        let mut rest = (
            params,
            self.gradient.as_slice(),
            self.means.as_mut_slice(),
            self.squares.as_mut_slice(),
        );
        let mut updates = Vec::new();
        for group in &self.groups {
            let mut left = group.range.len();
            while left > 0 {
                let n = left.min(CHUNK);
                left -= n;
                let params = rest.0.split_at_mut(n);
                let gradient = rest.1.split_at(n);
                let means = rest.2.split_at_mut(n);
                let squares = rest.3.split_at_mut(n);
                rest = (params.1, gradient.1, means.1, squares.1);
                updates.push(Update {
                    params: params.0,
                    gradient: gradient.0,
                    means: means.0,
                    squares: squares.0,
                    shorten,
                    rate: group.rate * share,
                    decay: group.decay,
                    steps: self.steps,
                });
            }
        }
        each(threads, updates, level::run);
    }
}

/// The parts' gradients added up, with the sum of the squares.
struct Sum<'a> {
    parts: &'a [&'a [f32]],
    at: usize,
    sum: &'a mut [f32],
    square: &'a mut f64,
}

impl Job for Sum<'_> {
    #[inline(always)]
    fn run<L: Level>(self) {
        self.sum.fill(0.0);
        for part in self.parts {
            add::<L>(self.sum, 1.0, &part[self.at..][..self.sum.len()]);
        }
        *self.square = f64::from(dot::<L>(self.sum, self.sum));
    }
}

/// A step of some numbers that belong to one group.
struct Update<'a> {
    params: &'a mut [f32],
    gradient: &'a [f32],
    means: &'a mut [f32],
    squares: &'a mut [f32],
    shorten: f32,
    rate: f32,
    decay: f32,
    steps: i32,
}

impl Job for Update<'_> {
    #[inline(always)]
    fn run<L: Level>(self) {
        let (b1, b2) = BETA;
        let of_mean = 1.0 / (1.0 - b1.powi(self.steps));
        let of_square = 1.0 / (1.0 - b2.powi(self.steps));
        let keep = 1.0 - self.rate * self.decay;
        let numbers = self.params.iter_mut().zip(self.gradient);
        for ((x, g), (mean, square)) in numbers.zip(self.means.iter_mut().zip(self.squares)) {
            let g = g * self.shorten;
            *mean = fma::<L>(1.0 - b1, g - *mean, *mean);
            *square = fma::<L>(1.0 - b2, g * g - *square, *square);
            let step = *mean * of_mean / ((*square * of_square).sqrt() + EPSILON);
            *x = *x * keep - self.rate * step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(range: Range<usize>, rate: f32, decay: f32) -> Group {
        Group { range, rate, decay }
    }

    #[test]
    fn first_steps_are_as_long_as_the_rate_and_against_the_gradient() {
        let mut adam = AdamW::new(vec![group(0..2, 0.1, 0.0), group(2..3, 0.5, 0.2)]);
        let mut params = [1.0, 1.0, 1.0];
        adam.step(&mut params, &[&[0.2, -0.1], &[0.1, -0.1]], &[0.1], 0.5, 2);
        // Rates are halved; the last number also decays by 0.25 * 0.2.
        for (found, expected) in params.iter().zip([0.95, 1.05, 0.7]) {
            assert!((found - expected).abs() < 1e-4, "{params:?}");
        }
    }

    #[test]
    fn a_valley_is_found_and_threads_change_nothing() {
        let run = |threads| {
            let n = 3 * CHUNK / 2;
            let mut adam = AdamW::new(vec![group(0..n, 0.05, 0.0), group(n..n + 4, 0.05, 0.0)]);
            let mut params = vec![0.0; n + 4];
            for _ in 0..200 {
                let slope: Vec<f32> = params.iter().map(|x| x - 1.0).collect();
                let (front, last) = slope.split_at(n);
                let last = last.to_vec();
                adam.step(&mut params, &[front], &last, 1.0, threads);
            }
            params
        };
        let params = run(1);
        assert_eq!(params, run(3));
        assert!(
            params.iter().all(|x| (x - 1.0).abs() < 0.05),
            "{:?}",
            &params[..4]
        );
    }
}
