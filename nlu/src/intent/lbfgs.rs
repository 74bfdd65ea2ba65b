//! Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5) with a
//! backtracking line search. Full batch and without randomness: the same input gives the same bits.

/// Past steps that are remembered.
const MEMORY: usize = 8;
/// Sufficient decrease of the line search (Armijo).
const DECREASE: f64 = 1e-4;
/// Halvings of a step before the search gives up.
const HALVINGS: usize = 20;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Most steps taken.
    pub(crate) steps: usize,
    /// Relative fall of the loss below which it has converged.
    pub(crate) tolerance: f64,
}

/// One remembered step.
struct Pair {
    step: Vec<f32>,
    change: Vec<f32>,
    curvature: f64,
}

/// Minimises a smooth function from `start`. `f` writes the gradient at a point and returns the loss.
pub(crate) fn minimise<F>(start: Vec<f32>, stop: Stop, mut f: F) -> Vec<f32>
where
    F: FnMut(&[f32], &mut [f32]) -> f64,
{
    let mut x = start;
    let mut gradient = vec![0.0; x.len()];
    let mut loss = f(&x, &mut gradient);
    let mut memory: Vec<Pair> = Vec::with_capacity(MEMORY);
    let mut next = x.clone();
    let mut next_gradient = gradient.clone();
    for turn in 0..stop.steps {
        let direction = direction(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            break;
        }
        // The first direction is the bare gradient, whose length says nothing about the step.
        let mut rate = if turn == 0 {
            1.0 / (1.0 + dot(&gradient, &gradient).sqrt())
        } else {
            1.0
        };
        let mut found = None;
        for _ in 0..HALVINGS {
            for ((n, a), d) in next.iter_mut().zip(&x).zip(&direction) {
                *n = a + rate as f32 * d;
            }
            let reached = f(&next, &mut next_gradient);
            if reached <= loss + DECREASE * rate * slope {
                found = Some(reached);
                break;
            }
            rate /= 2.0;
        }
        let Some(reached) = found else { break };
        if memory.len() == MEMORY {
            memory.remove(0);
        }
        remember(&mut memory, &x, &next, &gradient, &next_gradient);
        let fall = loss - reached;
        std::mem::swap(&mut x, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        let settled = fall <= stop.tolerance * loss.abs().max(1e-12);
        loss = reached;
        if settled {
            break;
        }
    }
    x
}

/// Adds a step to the memory, unless the function curved the wrong way along it.
fn remember(memory: &mut Vec<Pair>, x: &[f32], next: &[f32], gradient: &[f32], after: &[f32]) {
    let step: Vec<f32> = next.iter().zip(x).map(|(a, b)| a - b).collect();
    let change: Vec<f32> = after.iter().zip(gradient).map(|(a, b)| a - b).collect();
    let curvature = dot(&step, &change);
    if curvature > 1e-12 {
        memory.push(Pair {
            step,
            change,
            curvature,
        });
    }
}

/// Minus the gradient times the inverse Hessian that the memory approximates.
fn direction(gradient: &[f32], memory: &[Pair]) -> Vec<f32> {
    let mut q: Vec<f32> = gradient.iter().map(|g| -g).collect();
    let mut alphas = vec![0.0; memory.len()];
    for (alpha, pair) in alphas.iter_mut().zip(memory).rev() {
        *alpha = dot(&pair.step, &q) / pair.curvature;
        add(&mut q, -*alpha, &pair.change);
    }
    if let Some(last) = memory.last() {
        let scale = (last.curvature / dot(&last.change, &last.change).max(1e-30)) as f32;
        q.iter_mut().for_each(|v| *v *= scale);
    }
    for (alpha, pair) in alphas.iter().zip(memory) {
        let beta = dot(&pair.change, &q) / pair.curvature;
        add(&mut q, alpha - beta, &pair.step);
    }
    q
}

/// Dot product, summed in eight lanes so that it vectorises, then in double precision.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut total = 0.0;
    for (a, b) in a.chunks(512).zip(b.chunks(512)) {
        let mut lanes = [0.0_f32; 8];
        let (a8, a_rest) = a.as_chunks::<8>();
        let (b8, b_rest) = b.as_chunks::<8>();
        for (a, b) in a8.iter().zip(b8) {
            for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
                *lane += x * y;
            }
        }
        total += lanes.iter().map(|v| f64::from(*v)).sum::<f64>();
        total += a_rest
            .iter()
            .zip(b_rest)
            .map(|(x, y)| f64::from(x * y))
            .sum::<f64>();
    }
    total
}

/// `a += scale * b`.
fn add(a: &mut [f32], scale: f64, b: &[f32]) {
    let scale = scale as f32;
    for (x, y) in a.iter_mut().zip(b) {
        *x += scale * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOP: Stop = Stop {
        steps: 200,
        tolerance: 0.0,
    };

    #[test]
    fn the_bottom_of_a_narrow_valley_is_found() {
        // Rosenbrock's function, whose minimum is at (1, 1).
        let x = minimise(vec![-1.2, 1.0], STOP, |x, g| {
            let (a, b) = (f64::from(x[0]), f64::from(x[1]));
            g[0] = (-400.0 * a * (b - a * a) - 2.0 * (1.0 - a)) as f32;
            g[1] = (200.0 * (b - a * a)) as f32;
            100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2)
        });
        assert!(
            (x[0] - 1.0).abs() < 0.01 && (x[1] - 1.0).abs() < 0.01,
            "{x:?}"
        );
    }

    #[test]
    fn dot_agrees_with_the_plain_sum() {
        let a: Vec<f32> = (0..1037).map(|i| (i % 7) as f32).collect();
        let b: Vec<f32> = (0..1037).map(|i| (i % 5) as f32).collect();
        let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(x * y)).sum();
        assert_eq!(dot(&a, &b), plain);
    }
}
