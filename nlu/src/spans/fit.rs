//! Learning the tagger's weights: batches in a seeded order, AdaGrad (Duchi et al. 2011) for the sparse
//! weights, Adam (Kingma and Ba 2015) with decoupled decay for the others, both on a falling rate.

use std::collections::BTreeMap;

use candle_core::{Device, Error, Tensor};

use super::crf::Chain;
use super::model::Model;
use super::table::Table;
use crate::random::Random;

/// Sentences that are learned from together.
const BATCH: usize = 32;
/// How often each sentence is learned from, where there are many.
const ROUNDS: usize = 6;
/// Batches that it takes to learn anything, however few the sentences are.
const LEAST_BATCHES: usize = 250;
/// Most rounds.
const MOST_ROUNDS: usize = 100;
/// First step of a sparse weight.
const SPARSE_RATE: f32 = 0.1;
/// First step of another weight.
const RATE: f32 = 2e-3;
/// Share of a weight that is lost with each step of size 1.
const DECAY: f32 = 0.01;
/// Share of a word's states that is hidden while learning.
const HIDDEN: f32 = 0.3;
/// Sparse weights smaller than this are dropped.
const LEAST_WEIGHT: f32 = 0.1;

/// One sentence to learn from.
#[derive(Debug)]
pub(super) struct Sample {
    /// What is seen of each word.
    pub(super) keys: Vec<Vec<u32>>,
    /// `[words, width]`.
    pub(super) states: Vec<f32>,
    /// The tag of each word.
    pub(super) tags: Vec<usize>,
}

/// Learns from sentences of at least one word.
pub(super) fn fit(
    samples: &[Sample],
    tags: usize,
    width: usize,
    seed: u64,
    progress: &mut dyn FnMut(f64),
) -> Result<Model, Error> {
    let mut fit = Fit::new(samples, tags, width, seed);
    let batches = samples.len().div_ceil(BATCH).max(1);
    let rounds = LEAST_BATCHES.div_ceil(batches).clamp(ROUNDS, MOST_ROUNDS);
    let mut order: Vec<usize> = (0..samples.len()).collect();
    for round in 0..rounds {
        fit.random.shuffle(&mut order);
        for (at, batch) in order.chunks(BATCH).enumerate() {
            let done = (round * batches + at) as f64 / (rounds * batches) as f64;
            let batch: Vec<&Sample> = batch.iter().map(|i| &samples[*i]).collect();
            fit.step(&batch, (1.0 - done).max(0.02) as f32)?;
            progress(done);
        }
    }
    fit.model.table = fit.model.table.pruned(LEAST_WEIGHT);
    Ok(fit.model)
}

/// The weights while they are learned.
struct Fit {
    model: Model,
    width: usize,
    random: Random,
    /// Per sparse pair, its gradient in this batch and the sum of the squares of all.
    gradient: Vec<f32>,
    squares: Vec<f32>,
    /// Pairs that this batch touches.
    touched: Vec<usize>,
    dense: Adam,
    bias: Adam,
    chain: Adam,
}

impl Fit {
    fn new(samples: &[Sample], tags: usize, width: usize, seed: u64) -> Fit {
        let mut seen: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
        for sample in samples {
            for (keys, tag) in sample.keys.iter().zip(&sample.tags) {
                for key in keys {
                    seen.entry(*key).or_default().push(*tag as u16);
                }
            }
        }
        let table = Table::new(&seen, tags as u16);
        Fit {
            gradient: vec![0.0; table.weights.len()],
            squares: vec![0.0; table.weights.len()],
            touched: Vec::new(),
            dense: Adam::new(width * tags),
            bias: Adam::new(tags),
            chain: Adam::new(tags * tags + tags),
            model: Model {
                table,
                chain: Chain::zero(tags),
                dense: vec![0.0; width * tags],
                bias: vec![0.0; tags],
            },
            width,
            random: Random(seed),
        }
    }

    /// One step along the mean gradient of a batch.
    fn step(&mut self, batch: &[&Sample], rate: f32) -> Result<(), Error> {
        let tags = self.model.bias.len();
        let states = self.hide(batch);
        let mut rows = self
            .model
            .emissions_of(&states, batch.iter().map(|s| s.tags.len()).sum())?;
        let mut chain = vec![0.0; tags * tags + tags];
        let mut expected = vec![0.0; tags * tags];
        let mut rest = rows.as_mut_slice();
        for sample in batch {
            let (mine, after) = rest.split_at_mut(sample.tags.len() * tags);
            rest = after;
            self.sentence(sample, mine, &mut chain, &mut expected);
        }
        for (at, (gradient, expected)) in chain.iter_mut().zip(&expected).enumerate() {
            *gradient += expected * self.model.chain.factor(at / tags, at % tags);
        }
        let by = 1.0 / batch.len() as f32;
        if self.width > 0 {
            let words = rows.len() / tags;
            let states = Tensor::from_vec(states, (words, self.width), &Device::Cpu)?;
            let errors = Tensor::from_slice(&rows, (words, tags), &Device::Cpu)?;
            let gradient = states.t()?.contiguous()?.matmul(&errors)?;
            let gradient: Vec<f32> = gradient.flatten_all()?.to_vec1()?;
            self.dense.step(&mut self.model.dense, &gradient, by, rate);
        }
        let mut bias = vec![0.0; tags];
        for row in rows.chunks_exact(tags) {
            bias.iter_mut().zip(row).for_each(|(b, r)| *b += r);
        }
        self.bias.step(&mut self.model.bias, &bias, by, rate);
        let weights = &mut self.model.chain.weights;
        self.chain.step(weights, &chain, by, rate);
        self.model.chain.refresh();
        self.sparse(by, rate);
        Ok(())
    }

    /// Turns a sentence's emissions from its states into the gradient of its loss by them, and adds
    /// up that by the other weights.
    fn sentence(
        &mut self,
        sample: &Sample,
        rows: &mut [f32],
        chain: &mut [f32],
        expected: &mut [f32],
    ) {
        let tags = self.model.bias.len();
        for (keys, row) in sample.keys.iter().zip(rows.chunks_exact_mut(tags)) {
            keys.iter().for_each(|key| self.model.table.add(*key, row));
        }
        let lattice = self.model.chain.lattice(rows);
        self.model.chain.expect(&lattice, expected);
        let mut before = None;
        for (at, (tag, row)) in sample
            .tags
            .iter()
            .zip(rows.chunks_exact_mut(tags))
            .enumerate()
        {
            lattice.marginals(at, row);
            if at == 0 {
                let first = &mut chain[tags * tags..];
                first.iter_mut().zip(&*row).for_each(|(g, p)| *g += p);
            }
            row[*tag] -= 1.0;
            let place = before.map_or(tags * tags, |before: usize| before * tags);
            chain[place + tag] -= 1.0;
            before = Some(*tag);
            for pair in sample.keys[at]
                .iter()
                .flat_map(|k| self.model.table.pairs(*k))
            {
                let error = row[usize::from(self.model.table.tags[pair])];
                if error != 0.0 {
                    if self.gradient[pair] == 0.0 {
                        self.touched.push(pair);
                    }
                    self.gradient[pair] += error;
                }
            }
        }
    }

    /// Takes the step of the sparse weights that this batch touched.
    fn sparse(&mut self, by: f32, rate: f32) {
        for pair in self.touched.drain(..) {
            let gradient = std::mem::take(&mut self.gradient[pair]) * by;
            self.squares[pair] += gradient * gradient;
            let step = gradient / (self.squares[pair].sqrt() + 1e-10);
            self.model.table.weights[pair] -= SPARSE_RATE * rate * step;
        }
    }

    /// The states of a batch, some of them nought and the others greater for it.
    fn hide(&mut self, batch: &[&Sample]) -> Vec<f32> {
        let all = batch.iter().flat_map(|s| &s.states);
        let least = (HIDDEN * u32::MAX as f32) as u32;
        let random = &mut self.random;
        all.map(|x| {
            if (random.next() >> 32) as u32 >= least {
                x / (1.0 - HIDDEN)
            } else {
                0.0
            }
        })
        .collect()
    }
}

/// Adam's moments.
struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl Adam {
    fn new(weights: usize) -> Adam {
        Adam {
            first: vec![0.0; weights],
            second: vec![0.0; weights],
            steps: 0,
        }
    }

    /// One step along `by * gradient`.
    fn step(&mut self, weights: &mut [f32], gradient: &[f32], by: f32, rate: f32) {
        const KEEP: (f32, f32) = (0.9, 0.999);
        self.steps += 1;
        let rate = RATE * rate;
        let first_share = 1.0 - KEEP.0.powi(self.steps);
        let second_share = 1.0 - KEEP.1.powi(self.steps);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((w, g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
            let g = g * by;
            *m = KEEP.0 * *m + (1.0 - KEEP.0) * g;
            *v = KEEP.1 * *v + (1.0 - KEEP.1) * g * g;
            let step = (*m / first_share) / ((*v / second_share).sqrt() + 1e-8);
            *w -= rate * (step + DECAY * *w);
        }
    }
}
