//! A linear chain of tags (Lafferty et al. 2001): the best path, the marginals, and what the
//! gradient needs. Potentials are kept scaled (Rabiner 1989, section V.A) so that single precision
//! does.

/// The tag of words outside any span; `1 + 2 * name` begins a span and the next number continues it.
pub(super) const OUTSIDE: usize = 0;
/// Potentials below this share of the word's best count as this: no sum of paths becomes nought.
const LEAST: f32 = 1e-20;

/// Tags less probable than this, by what comes before them, are as good as impossible.
const UNLIKELY: f32 = 1e-8;
/// A path this much worse than the best so far (in logarithms) doesn't win any more.
const BEHIND: f32 = 18.0;

/// Weights of one tag after another; a span continues only what began.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    /// Tags.
    pub(super) tags: usize,
    /// `[tags, tags]` before and after, then `[tags]` of the first word.
    pub(super) weights: Vec<f32>,
    /// `exp` of the weights, 0 where a tag may not follow; `[before, after]`, then the first word's.
    after: Vec<f32>,
    /// The weights, infinitely bad where a tag may not follow.
    bars: Vec<f32>,
}

/// A text's tags as probabilities.
#[derive(Debug, Default)]
pub(super) struct Lattice {
    /// `[words, tags]`: emissions as shares of the word's greatest.
    potential: Vec<f32>,
    /// `[words, tags]`, each row of sum 1.
    forward: Vec<f32>,
    /// `[words, tags]`.
    backward: Vec<f32>,
    /// Per word, what its forward row was divided by.
    scale: Vec<f32>,
    /// Logarithm of the sum over all paths.
    pub(super) log_total: f64,
}

/// Whether a tag may come after another.
pub(super) fn follows(tag: usize, before: usize) -> bool {
    tag == OUTSIDE || tag % 2 == 1 || before == tag || before + 1 == tag
}

impl Chain {
    /// From `tags * tags + tags` weights; nothing for another number.
    pub(super) fn new(tags: usize, weights: Vec<f32>) -> Option<Chain> {
        let right = tags.checked_mul(tags)?.checked_add(tags)? == weights.len();
        right.then(|| Chain::with(tags, weights))
    }

    /// All weights 0.
    pub(super) fn zero(tags: usize) -> Chain {
        Chain::with(tags, vec![0.0; tags * tags + tags])
    }

    fn with(tags: usize, weights: Vec<f32>) -> Chain {
        let mut chain = Chain {
            tags,
            weights,
            after: Vec::new(),
            bars: Vec::new(),
        };
        chain.refresh();
        chain
    }

    /// Takes over changed weights.
    pub(super) fn refresh(&mut self) {
        let n = self.tags;
        self.after = self.weights.iter().map(|w| w.exp()).collect();
        self.bars = self.weights.clone();
        for (at, factor) in self.after.iter_mut().enumerate() {
            // Before the first word nothing has begun.
            let before = if at < n * n { at / n } else { OUTSIDE };
            if !follows(at % n, before) {
                (*factor, self.bars[at]) = (0.0, f32::NEG_INFINITY);
            }
        }
    }

    /// Runs forward and backward over `emissions`, `[words, tags]`.
    pub(super) fn lattice(&self, emissions: &[f32]) -> Lattice {
        let n = self.tags;
        let words = emissions.len() / n;
        let mut l = Lattice {
            potential: vec![0.0; words * n],
            forward: vec![0.0; words * n],
            backward: vec![0.0; words * n],
            scale: vec![1.0; words],
            log_total: 0.0,
        };
        for at in 0..words {
            let row = at * n..(at + 1) * n;
            let emissions = &emissions[row.clone()];
            let most = emissions.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for (p, e) in l.potential[row.clone()].iter_mut().zip(emissions) {
                *p = (e - most).exp().max(LEAST);
            }
            let (past, rest) = l.forward.split_at_mut(at * n);
            let now = &mut rest[..n];
            match past.len().checked_sub(n) {
                None => now.copy_from_slice(&self.after[n * n..]),
                Some(from) => times(&past[from..], &self.after, now),
            }
            now.iter_mut()
                .zip(&l.potential[row])
                .for_each(|(f, p)| *f *= p);
            let sum: f32 = now.iter().sum();
            now.iter_mut().for_each(|f| *f /= sum);
            l.scale[at] = sum;
            l.log_total += f64::from(sum.ln()) + f64::from(most);
        }
        if let Some(last) = l.backward.len().checked_sub(n) {
            l.backward[last..].fill(1.0);
        }
        let mut ahead = vec![0.0; n];
        for at in (1..words).rev() {
            l.ahead(at, n, &mut ahead);
            let row = (at - 1) * n..at * n;
            let both = l.backward[row.clone()].iter_mut().zip(&l.forward[row]);
            for ((b, f), factors) in both.zip(self.after.chunks_exact(n)) {
                if *f > UNLIKELY {
                    *b = ahead.iter().zip(factors).map(|(a, x)| a * x).sum();
                }
            }
        }
        l
    }

    /// Adds the expected transitions of a lattice, without their factors, to `into` (`[tags, tags]`).
    pub(super) fn expect(&self, lattice: &Lattice, into: &mut [f32]) {
        let n = self.tags;
        let mut ahead = vec![0.0; n];
        for at in 1..lattice.scale.len() {
            lattice.ahead(at, n, &mut ahead);
            let past = &lattice.forward[(at - 1) * n..at * n];
            for (f, row) in past.iter().zip(into.chunks_exact_mut(n)) {
                if *f > UNLIKELY {
                    row.iter_mut().zip(&ahead).for_each(|(x, a)| *x += f * a);
                }
            }
        }
    }

    /// `exp` of the weight of `tag` after `before`.
    pub(super) fn factor(&self, before: usize, tag: usize) -> f32 {
        self.after[before * self.tags + tag]
    }

    /// The best tags (Viterbi) for `emissions`, `[words, tags]`.
    pub(super) fn best_path(&self, emissions: &[f32]) -> Vec<usize> {
        let n = self.tags;
        let mut totals = vec![f32::NEG_INFINITY; n];
        let mut from = vec![OUTSIDE; emissions.len()];
        for (at, row) in emissions.chunks_exact(n).enumerate() {
            let mut best = vec![f32::NEG_INFINITY; n];
            let back = &mut from[at * n..(at + 1) * n];
            if at == 0 {
                best.copy_from_slice(&self.bars[n * n..]);
            } else {
                let most = totals.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                for (before, total) in totals.iter().enumerate() {
                    if *total < most - BEHIND {
                        continue;
                    }
                    let bars = &self.bars[before * n..(before + 1) * n];
                    for ((best, back), bar) in best.iter_mut().zip(&mut *back).zip(bars) {
                        if total + bar > *best {
                            (*best, *back) = (total + bar, before);
                        }
                    }
                }
            }
            best.iter_mut().zip(row).for_each(|(b, e)| *b += e);
            totals = best;
        }
        let last = totals.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let mut tag = last.map_or(OUTSIDE, |(tag, _)| tag);
        let mut path: Vec<usize> = Vec::with_capacity(from.len() / n);
        for back in from.chunks_exact(n).rev() {
            path.push(tag);
            tag = back[tag];
        }
        path.reverse();
        path
    }

    /// Probability that words `start..end` carry exactly the span that `path` gives them: it begins
    /// and ends where it does under the name that it has.
    pub(super) fn span_probability(
        &self,
        lattice: &Lattice,
        path: &[usize],
        start: usize,
        end: usize,
    ) -> f64 {
        let n = self.tags;
        let begin = path[start];
        let mut p = f64::from(lattice.forward[start * n + begin]);
        for at in start + 1..end {
            let step = self.factor(path[at - 1], path[at]) * lattice.potential[at * n + path[at]];
            p *= f64::from(step / lattice.scale[at]);
        }
        // What goes on as the same span would be another one.
        let last = path[end - 1];
        let inside = begin + 1;
        let rest: f32 = match lattice.scale.get(end) {
            None => 1.0,
            Some(scale) => (0..n)
                .filter(|tag| *tag != inside)
                .map(|tag| {
                    let at = end * n + tag;
                    self.factor(last, tag) * lattice.potential[at] * lattice.backward[at] / scale
                })
                .sum(),
        };
        (p * f64::from(rest)).clamp(0.0, 1.0)
    }
}

impl Lattice {
    /// Probabilities of the tags of word `at`, into `out`.
    pub(super) fn marginals(&self, at: usize, out: &mut [f32]) {
        let row = at * out.len()..(at + 1) * out.len();
        let pairs = self.forward[row.clone()].iter().zip(&self.backward[row]);
        out.iter_mut().zip(pairs).for_each(|(o, (f, b))| *o = f * b);
    }

    /// What word `at` and all after it give each of its tags.
    fn ahead(&self, at: usize, tags: usize, out: &mut [f32]) {
        let row = at * tags..(at + 1) * tags;
        let pairs = self.potential[row.clone()].iter().zip(&self.backward[row]);
        let by = 1.0 / self.scale[at];
        out.iter_mut()
            .zip(pairs)
            .for_each(|(o, (p, b))| *o = p * b * by);
    }
}

/// `out += row * matrix`, the matrix with rows as long as `out`.
fn times(row: &[f32], matrix: &[f32], out: &mut [f32]) {
    for (x, weights) in row.iter().zip(matrix.chunks_exact(out.len())) {
        if *x > UNLIKELY {
            out.iter_mut().zip(weights).for_each(|(o, w)| *o += x * w);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three words, two names, some weights.
    fn small() -> (Chain, Vec<f32>) {
        let weights = (0..30).map(|i| (i as f32 * 0.9).sin()).collect();
        let emissions = (0..15).map(|i| (i as f32 * 1.7).cos()).collect();
        (Chain::new(5, weights).expect("the right number"), emissions)
    }

    /// Every path that may be, with its score.
    fn paths(chain: &Chain, emissions: &[f32]) -> Vec<(Vec<usize>, f64)> {
        let mut out = Vec::new();
        for code in 0..125 {
            let path = vec![code / 25, code / 5 % 5, code % 5];
            let mut before = OUTSIDE;
            let mut score = 0.0;
            let mut may = true;
            for (at, tag) in path.iter().enumerate() {
                may &= follows(*tag, before);
                let weight = if at == 0 {
                    chain.weights[25 + tag]
                } else {
                    chain.weights[before * 5 + tag]
                };
                score += f64::from(weight + emissions[at * 5 + tag]);
                before = *tag;
            }
            if may {
                out.push((path, score));
            }
        }
        out
    }

    #[test]
    fn sums_and_best_are_those_of_all_paths() {
        let (chain, emissions) = small();
        let all = paths(&chain, &emissions);
        let lattice = chain.lattice(&emissions);
        let total = all.iter().map(|(_, s)| s.exp()).sum::<f64>();
        assert!((lattice.log_total - total.ln()).abs() < 1e-4);
        let best = all.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        assert_eq!(
            best.map(|b| &b.0),
            Some(&chain.best_path(&emissions)),
            "the best path"
        );
        let mut marginals = [0.0; 5];
        for at in 0..3 {
            lattice.marginals(at, &mut marginals);
            for (tag, p) in marginals.iter().enumerate() {
                let with = all.iter().filter(|(path, _)| path[at] == tag);
                let share = with.map(|(_, s)| s.exp()).sum::<f64>() / total;
                assert!((f64::from(*p) - share).abs() < 1e-4, "{at} {tag}");
            }
        }
        let mut expected = vec![0.0; 25];
        chain.expect(&lattice, &mut expected);
        for (at, e) in expected.iter().enumerate() {
            let e = f64::from(e * chain.factor(at / 5, at % 5));
            let share: f64 = all
                .iter()
                .map(|(p, s)| {
                    let times = p.windows(2).filter(|w| w == &[at / 5, at % 5]).count();
                    times as f64 * s.exp() / total
                })
                .sum();
            assert!((e - share).abs() < 1e-4, "{at}: {e} {share}");
        }
    }

    #[test]
    fn a_span_is_as_probable_as_the_paths_that_have_it() {
        let (chain, emissions) = small();
        let all = paths(&chain, &emissions);
        let total = all.iter().map(|(_, s)| s.exp()).sum::<f64>();
        let lattice = chain.lattice(&emissions);
        let share = |has: &dyn Fn(&[usize]) -> bool| {
            let with = all.iter().filter(|(p, _)| has(p));
            with.map(|(_, s)| s.exp()).sum::<f64>() / total
        };
        let one = chain.span_probability(&lattice, &[1, 2, 0], 0, 2);
        assert!((one - share(&|p| p[..2] == [1, 2] && p[2] != 2)).abs() < 1e-4);
        let last = chain.span_probability(&lattice, &[0, 0, 3], 2, 3);
        assert!((last - share(&|p| p[2] == 3)).abs() < 1e-4);
    }

    #[test]
    fn a_span_never_continues_what_did_not_begin() {
        let weights = vec![0.0; 12];
        let chain = Chain::new(3, weights).expect("the right number");
        // Every word alone looks most like the inside of a span.
        let path = chain.best_path(&[0.0, 1.0, 9.0, 0.0, 1.0, 9.0]);
        assert_eq!(path, [1, 2]);
        assert!(chain.best_path(&[]).is_empty());
        assert_eq!(Chain::new(3, vec![0.0; 11]), None);
    }
}
