//! What each word adds to how upset a text sounds: a hidden layer over every token's row, and heads of
//! attention that say which tokens count (Bahdanau et al. 2014, arXiv 1409.0473; several heads as in
//! Lin et al. 2017, arXiv 1703.03130). The score is a sum over the tokens, so each one's part is known.

use super::fit::logistic;
use crate::random::Random;
use crate::tune::matmul::{Form, product};
use crate::tune::optimiser::{AdamW, Group};

/// Numbers of the hidden layer.
pub(super) const HIDDEN: usize = 64;
/// Heads of attention.
pub(super) const HEADS: usize = 4;
/// For each head what a token says about where to look, then for each head what it says.
const OUTPUTS: usize = 2 * HEADS;
/// Times that training goes through the data.
const EPOCHS: usize = 3;
/// Texts that make a step.
const BATCH: usize = 64;
/// Learning rate at its highest, and the steps until it is.
const RATE: f32 = 2e-3;
const WARM_UP: usize = 100;
/// Strength of the weight decay.
const DECAY: f32 = 0.01;
/// Shares of a token's row, of 256, and of the hidden layer that a step does without.
const BLIND: u8 = 26;
const DROPOUT: f64 = 0.2;

/// The network; its numbers lie one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Network {
    width: usize,
    /// Weights `[HIDDEN, width]` and shifts of the hidden layer, weights `[OUTPUTS, HIDDEN]`, shift.
    numbers: Vec<f32>,
}

/// The parts of a row of numbers.
struct Parts<'a> {
    hidden: &'a [f32],
    shift: &'a [f32],
    heads: &'a [f32],
    bias: f32,
}

fn parts(numbers: &[f32], width: usize) -> Parts<'_> {
    let (hidden, rest) = numbers.split_at(HIDDEN * width);
    let (shift, rest) = rest.split_at(HIDDEN);
    let (heads, bias) = rest.split_at(OUTPUTS * HIDDEN);
    Parts {
        hidden,
        shift,
        heads,
        bias: bias[0],
    }
}

/// Texts as rows of tokens.
pub(super) trait Texts {
    /// How many there are.
    fn len(&self) -> usize;
    /// Appends the rows of a text, `[tokens, width]`.
    fn rows(&self, at: usize, out: &mut Vec<f32>);
}

impl Network {
    /// How many numbers a network over rows of `width` has.
    pub(super) fn size(width: usize) -> usize {
        HIDDEN * width + HIDDEN + OUTPUTS * HIDDEN + 1
    }

    /// A network of given numbers; nothing where they are too few or too many.
    pub(super) fn new(width: usize, numbers: Vec<f32>) -> Option<Self> {
        (numbers.len() == Self::size(width)).then_some(Self { width, numbers })
    }

    pub(super) fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The length of a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// What is added to the tokens' parts.
    pub(super) fn bias(&self) -> f32 {
        parts(&self.numbers, self.width).bias
    }

    /// Each token's part of the log-odds that the text is upset.
    pub(super) fn tokens(&self, rows: &[f32]) -> Vec<f32> {
        let pass = Pass::new(&self.numbers, self.width, rows, |_| ());
        let mut all = vec![0.0; pass.tokens];
        for head in 0..HEADS {
            let (attention, _) = pass.look(0..pass.tokens, head);
            for ((sum, a), token) in all.iter_mut().zip(attention).zip(0..) {
                *sum += a * pass.output(token, HEADS + head);
            }
        }
        all
    }

    /// Trains on texts, each with whether it is upset (1) or not (0). The same data and seed give the
    /// same bytes.
    pub(super) fn train(width: usize, texts: &impl Texts, targets: &[f32], seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut numbers = first(width, targets, &mut random);
        let mut adam = AdamW::new(vec![Group {
            range: 0..numbers.len(),
            rate: RATE,
            decay: DECAY,
        }]);
        let mut order: Vec<usize> = (0..texts.len()).collect();
        let steps = EPOCHS * order.len().div_ceil(BATCH);
        let (mut rows, mut done) = (Vec::new(), 0);
        for _ in 0..EPOCHS {
            random.shuffle(&mut order);
            for batch in order.chunks(BATCH) {
                rows.clear();
                let mut ends = Vec::with_capacity(batch.len());
                for &text in batch {
                    texts.rows(text, &mut rows);
                    ends.push((rows.len() / width, targets[text]));
                }
                blind(&mut rows, &mut random);
                let (gradient, _) = gradient(&numbers, width, &rows, &ends, Some(&mut random));
                adam.step(&mut numbers, &[&gradient], &[], share(done, steps), 1);
                done += 1;
            }
        }
        Self { width, numbers }
    }
}

/// The learning rate's share at a step: it rises, then falls to nearly nothing.
fn share(step: usize, steps: usize) -> f32 {
    let part = |n: usize, of: usize| n as f32 / of as f32;
    part(step + 1, WARM_UP).min(1.0) * (1.0 - part(step, steps.max(1))).max(0.02)
}

/// Numbers to begin with; the bias is what the share of upset texts calls for.
fn first(width: usize, targets: &[f32], random: &mut Random) -> Vec<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "a number below 1")]
    let mut even = |limit: f32| (random.unit() as f32 * 2.0 - 1.0) * limit;
    let mut numbers = vec![0.0; Network::size(width)];
    let (hidden, rest) = numbers.split_at_mut(HIDDEN * width);
    hidden.fill_with(|| even(1.0 / (width as f32).sqrt()));
    rest[HIDDEN..].fill_with(|| even(1.0 / (HIDDEN as f32).sqrt()));
    let upset = targets.iter().sum::<f32>().max(1.0);
    let calm = (targets.len() as f32 - upset).max(1.0);
    if let Some(bias) = rest.last_mut() {
        *bias = (upset / calm).ln();
    }
    numbers
}

/// Zeroes a share of the numbers and makes up for it with the others.
fn blind(rows: &mut [f32], random: &mut Random) {
    let keep = 256.0 / (256.0 - f32::from(BLIND));
    for eight in rows.chunks_mut(8) {
        let draws = random.next().to_le_bytes();
        for (x, draw) in eight.iter_mut().zip(draws) {
            *x = if draw < BLIND { 0.0 } else { *x * keep };
        }
    }
}

/// A forward pass over the tokens of several texts.
struct Pass {
    tokens: usize,
    /// `[tokens, HIDDEN]`.
    hidden: Vec<f32>,
    /// `[tokens, OUTPUTS]`.
    outputs: Vec<f32>,
}

impl Pass {
    fn new(numbers: &[f32], width: usize, rows: &[f32], change: impl FnOnce(&mut [f32])) -> Self {
        let own = parts(numbers, width);
        let tokens = rows.len() / width;
        let mut hidden = vec![0.0; tokens * HIDDEN];
        product(
            Form::Right,
            [tokens, HIDDEN, width],
            rows,
            own.hidden,
            &mut hidden,
            false,
        );
        for row in hidden.chunks_exact_mut(HIDDEN) {
            for (x, shift) in row.iter_mut().zip(own.shift) {
                *x = (*x + shift).max(0.0);
            }
        }
        change(&mut hidden);
        let mut outputs = vec![0.0; tokens * OUTPUTS];
        let shape = [tokens, OUTPUTS, HIDDEN];
        product(Form::Right, shape, &hidden, own.heads, &mut outputs, false);
        Self {
            tokens,
            hidden,
            outputs,
        }
    }

    fn output(&self, token: usize, at: usize) -> f32 {
        self.outputs[token * OUTPUTS + at]
    }

    /// A head's attention to each token of a text, and what it finds there.
    fn look(&self, text: std::ops::Range<usize>, head: usize) -> (Vec<f32>, f32) {
        let scores = text.clone().map(|t| self.output(t, head));
        let most = scores.clone().fold(f32::NEG_INFINITY, f32::max);
        let mut attention: Vec<f32> = scores.map(|s| (s - most).exp()).collect();
        let sum: f32 = attention.iter().sum();
        attention.iter_mut().for_each(|a| *a /= sum);
        let found = attention
            .iter()
            .zip(text)
            .map(|(a, t)| a * self.output(t, HEADS + head))
            .sum();
        (attention, found)
    }
}

/// The gradient of the mean cross-entropy of texts, and that itself. `ends` has for each text the token
/// after its last one, and what is wanted of it. With `random` a share of the hidden layer is left out.
fn gradient(
    numbers: &[f32],
    width: usize,
    rows: &[f32],
    ends: &[(usize, f32)],
    random: Option<&mut Random>,
) -> (Vec<f32>, f64) {
    let mut kept = 1.0;
    let pass = Pass::new(numbers, width, rows, |hidden| {
        let Some(random) = random else { return };
        kept = 1.0 / (1.0 - DROPOUT as f32);
        for x in hidden {
            *x = if random.unit() < DROPOUT {
                0.0
            } else {
                *x * kept
            };
        }
    });
    let own = parts(numbers, width);
    let mut of_outputs = vec![0.0f32; pass.outputs.len()];
    let (mut of_bias, mut loss, mut start) = (0.0f32, 0.0f64, 0);
    for &(end, target) in ends {
        let looks: [(Vec<f32>, f32); HEADS] =
            std::array::from_fn(|head| pass.look(start..end, head));
        let score = f64::from(own.bias + looks.iter().map(|l| l.1).sum::<f32>());
        let target = f64::from(target);
        // ln(1 + e^s) - t s, without an overflow.
        loss += score.max(0.0) + (-score.abs()).exp().ln_1p() - target * score;
        #[expect(clippy::cast_possible_truncation, reason = "a number within 1 of 0")]
        let slope = (logistic(score) - target) as f32 / ends.len() as f32;
        of_bias += slope;
        for (head, (attention, found)) in looks.iter().enumerate() {
            for (token, a) in (start..end).zip(attention) {
                let value = pass.output(token, HEADS + head);
                of_outputs[token * OUTPUTS + head] = slope * a * (value - found);
                of_outputs[token * OUTPUTS + HEADS + head] = slope * a;
            }
        }
        start = end;
    }
    let mut out = vec![0.0; numbers.len()];
    let (of_hidden, rest) = out.split_at_mut(HIDDEN * width);
    let (of_shift, rest) = rest.split_at_mut(HIDDEN);
    let (of_heads, bias) = rest.split_at_mut(OUTPUTS * HIDDEN);
    bias[0] = of_bias;
    let n = pass.tokens;
    let heads = [OUTPUTS, HIDDEN, n];
    product(
        Form::Left,
        heads,
        &of_outputs,
        &pass.hidden,
        of_heads,
        false,
    );
    let mut back = vec![0.0; n * HIDDEN];
    let shape = [n, HIDDEN, OUTPUTS];
    product(
        Form::Neither,
        shape,
        &of_outputs,
        own.heads,
        &mut back,
        false,
    );
    for (row, hidden) in back
        .chunks_exact_mut(HIDDEN)
        .zip(pass.hidden.chunks_exact(HIDDEN))
    {
        for ((x, h), sum) in row.iter_mut().zip(hidden).zip(of_shift.iter_mut()) {
            *x = if *h > 0.0 { *x * kept } else { 0.0 };
            *sum += *x;
        }
    }
    product(
        Form::Left,
        [HIDDEN, width, n],
        &back,
        rows,
        of_hidden,
        false,
    );
    (out, loss / ends.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of four tokens; a text is upset where a token's second number is 1.
    struct Toys(Vec<[[f32; 6]; 4]>);

    impl Texts for Toys {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn rows(&self, at: usize, out: &mut Vec<f32>) {
            out.extend(self.0[at].as_flattened());
        }
    }

    fn toys() -> (Toys, Vec<f32>) {
        let mut random = Random::new(5);
        let mut texts = Vec::new();
        let mut targets = Vec::new();
        for at in 0..20_000usize {
            let mut text = [[0.0f32; 6]; 4];
            for row in &mut text {
                row[2] = 1.0;
                for x in &mut row[3..] {
                    *x = random.unit() as f32 - 0.5;
                }
            }
            if at % 3 == 0 {
                text[at / 3 % 4][1] = 1.0;
            }
            texts.push(text);
            targets.push(if at % 3 == 0 { 1.0 } else { 0.0 });
        }
        (Toys(texts), targets)
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let width = 6;
        let mut random = Random::new(3);
        let numbers = first(width, &[1.0, 0.0], &mut random);
        let rows: Vec<f32> = (0..5 * width)
            .map(|i| (i as f32 * 0.7).sin() * 2.0)
            .collect();
        let ends = [(2, 1.0), (5, 0.0)];
        let (slopes, _) = gradient(&numbers, width, &rows, &ends, None);
        // Every 7th number, and all after the hidden layer's weights.
        let mut wrong = Vec::new();
        for at in (0..numbers.len()).filter(|at| at % 7 == 0 || *at >= HIDDEN * width) {
            let loss = |by: f32| {
                let mut moved = numbers.clone();
                moved[at] += by;
                gradient(&moved, width, &rows, &ends, None).1
            };
            let slope = (loss(1e-3) - loss(-1e-3)) / 2e-3;
            let found = f64::from(slopes[at]);
            if (slope - found).abs() > 2e-3 + 0.03 * slope.abs() {
                wrong.push((at, slope, found));
            }
        }
        // A step may cross the corner of a hidden number or two.
        assert!(wrong.len() <= 2, "{wrong:?}");
    }

    #[test]
    fn it_learns_which_token_counts_and_gives_the_same_again() {
        let (texts, targets) = toys();
        let network = Network::train(6, &texts, &targets, 1);
        assert_eq!(network, Network::train(6, &texts, &targets, 1));
        let (mut right, mut named) = (0, 0);
        for (at, target) in targets.iter().enumerate().take(300) {
            let mut rows = Vec::new();
            texts.rows(at, &mut rows);
            let tokens = network.tokens(&rows);
            let score = tokens.iter().sum::<f32>() + network.bias();
            right += usize::from((score > 0.0) == (*target > 0.5));
            if *target > 0.5 {
                let most = (0..4).max_by(|a, b| tokens[*a].total_cmp(&tokens[*b]));
                named += usize::from(most == Some(at / 3 % 4));
            }
        }
        assert!(right > 285, "{right} of 300");
        assert!(named > 90, "{named} of 100");
    }
}
