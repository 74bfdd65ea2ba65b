//! Fine-tunes the upper layers of the sentence encoder on a bot's examples.
//!
//! The embeddings and the lower layers stay as they are: what they make of the examples is computed once
//! and kept, and all bots of a process go on sharing them. The rest is written out by hand, forward and
//! backward, over sentences laid end to end: `candle` could derive it, but pads sentences and keeps every
//! intermediate tensor, and its fused layer normalisation and softmax have no derivative.
//!
//! The same texts and seed give the same bytes whatever the number of threads: a batch is always split
//! into [`SHARDS`] parts, which are gone through twice (see `loss`), and the gradients are added in order.

use crate::Error;
use crate::encoder::{Encoder, Upper};
use crate::random::{self, Random};
use crate::threads;
use cache::Cache;
use loss::Loss;
use optimiser::{AdamW, Group};
use params::{Places, Shape};
use shard::{Backward, Forward, Net, Shard};

mod attention;
mod cache;
mod layer;
mod level;
mod loss;
pub(crate) mod matmul;
mod ops;
pub(crate) mod optimiser;
mod params;
mod shard;
#[cfg(test)]
mod tests;

/// Parts of a batch; each has a twin, and a thread of its own where there are that many cores.
const SHARDS: usize = 2;
/// Times that each sentence of a batch is gone through.
const TWINS: usize = 2;
/// Batches of which the sentences are sorted by length together.
const SORTED: usize = 16;
/// Cosines are multiplied by it to become logits.
pub(crate) const SCALE: f32 = 20.0;
/// Share of the steps over which the learning rate rises; from there it falls to zero.
const WARM_UP: f64 = 0.1;

/// How to fine-tune.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    /// Lower layers that stay as they are.
    pub(crate) frozen: usize,
    /// Rounds over all texts.
    pub(crate) epochs: f64,
    /// Sentences a step.
    pub(crate) batch: usize,
    /// Highest learning rate of the layers.
    pub(crate) rate: f32,
    /// Highest learning rate of the class vectors.
    pub(crate) class_rate: f32,
    /// Weight decay of the dense layers' weights.
    pub(crate) decay: f32,
    /// Share of the activations that are dropped.
    pub(crate) dropout: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            frozen: 3,
            epochs: 3.0,
            batch: 32,
            rate: 2e-4,
            class_rate: 2e-3,
            decay: 0.01,
            dropout: 0.2,
        }
    }
}

impl Recipe {
    /// What works for that many examples: few ones are gone over more often.
    pub(crate) fn for_examples(examples: usize) -> Self {
        Self {
            epochs: (12_000.0 / examples.max(1) as f64).clamp(4.0, 8.0),
            ..Self::default()
        }
    }
}

/// What tuning gives.
#[derive(Debug)]
pub(crate) struct Tuned {
    /// The layers.
    pub(crate) upper: Upper,
    /// A unit vector for each class that the texts of the class were brought near to, `[classes, width]`.
    pub(crate) prototypes: Vec<f32>,
}

/// Texts ready to be tuned on, more than once.
#[derive(Debug)]
pub(crate) struct Tuner<'a> {
    encoder: &'a Encoder,
    recipe: &'a Recipe,
    cache: Cache,
    threads: usize,
}

impl<'a> Tuner<'a> {
    /// Runs the frozen layers over the texts. `progress` is told the share that is done.
    ///
    /// # Errors
    /// A text can't be encoded.
    pub(crate) fn new(
        encoder: &'a Encoder,
        texts: &[&str],
        recipe: &'a Recipe,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Self, Error> {
        Ok(Self {
            encoder,
            recipe,
            cache: Cache::new(encoder, texts, recipe.frozen, progress)?,
            threads: threads::cores().min(TWINS * SHARDS),
        })
    }

    /// Learns from the texts of these numbers; `labels` holds the class of every text.
    ///
    /// # Errors
    /// The model's file can't be read again.
    pub(crate) fn tune(
        &self,
        texts: &[usize],
        labels: &[usize],
        seed: u64,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Tuned, Error> {
        let mut run = Run::new(self, texts, labels)?;
        let mut random = Random::new(seed);
        let steps = self.steps(texts.len());
        let mut step = 0;
        while step < steps {
            for batch in self.batches(texts, &mut random) {
                run.step(&batch, labels, rate(step, steps), random.next());
                step += 1;
                progress(step as f64 / steps as f64);
                if step == steps {
                    break;
                }
            }
        }
        let mut prototypes = run.params[run.places.classes.clone()].to_vec();
        prototypes
            .chunks_exact_mut(run.places.shape.width)
            .for_each(to_unit);
        Ok(Tuned {
            upper: Upper::new(
                self.recipe.frozen,
                &run.places.layers(&run.params),
                self.encoder.precision(),
            )?,
            prototypes,
        })
    }

    /// Vectors of all texts from tuned layers.
    ///
    /// # Errors
    /// The layers belong to another model.
    pub(crate) fn embed(&self, upper: &Upper) -> Result<Vec<Vec<f32>>, Error> {
        let mut order: Vec<usize> = (0..self.cache.len()).collect();
        order.sort_by_key(|text| self.cache.tokens(*text));
        let batches: Vec<&[usize]> = order.chunks(8).collect();
        let vectors = threads::each(self.threads, batches.clone(), |batch| {
            self.cache.embed(self.encoder, upper, batch)
        });
        let mut out = vec![Vec::new(); self.cache.len()];
        for (batch, vectors) in batches.into_iter().zip(vectors) {
            for (text, vector) in batch.iter().zip(vectors?) {
                out[*text] = vector;
            }
        }
        Ok(out)
    }

    fn steps(&self, texts: usize) -> usize {
        let a_round = texts.div_ceil(self.recipe.batch);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounds are few and positive"
        )]
        let steps = (a_round as f64 * self.recipe.epochs) as usize;
        steps.max(1)
    }

    /// All texts once, in batches of like length in random order.
    fn batches(&self, texts: &[usize], random: &mut Random) -> Vec<Vec<usize>> {
        let mut texts = texts.to_vec();
        random.shuffle(&mut texts);
        let mut batches = Vec::new();
        for window in texts.chunks_mut(self.recipe.batch * SORTED) {
            window.sort_by_key(|text| self.cache.tokens(*text));
            batches.extend(window.chunks(self.recipe.batch).map(<[usize]>::to_vec));
        }
        random.shuffle(&mut batches);
        batches
    }
}

/// Divides a vector by its length.
fn to_unit(vector: &mut [f32]) {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    vector.iter_mut().for_each(|x| *x /= norm);
}

/// The learning rate's share of its highest at a step.
fn rate(step: usize, steps: usize) -> f32 {
    let (step, steps) = (step as f64, steps as f64);
    let warm = (WARM_UP * steps).max(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "a share needs no more")]
    let share = if step < warm {
        (step + 1.0) / warm
    } else {
        (steps - step) / (steps - warm)
    } as f32;
    share.min(1.0)
}

/// A run of training.
struct Run<'a> {
    tuner: &'a Tuner<'a>,
    places: Places,
    params: Vec<f32>,
    adam: AdamW,
    shards: Vec<Shard>,
    d_classes: Vec<f32>,
}

impl<'a> Run<'a> {
    fn new(tuner: &'a Tuner<'a>, texts: &[usize], labels: &[usize]) -> Result<Self, Error> {
        let (encoder, recipe) = (tuner.encoder, tuner.recipe);
        let layers = encoder.layer_weights(recipe.frozen)?;
        let shape = Shape {
            width: encoder.dimension(),
            inner: layers.first().map_or(0, |l| l.up.bias.len()),
        };
        let classes = labels.iter().max().map_or(0, |most| most + 1);
        let places = Places::new(shape, layers.len(), classes);
        let mut params = places.flatten(&layers);
        // Class vectors begin as the sums of their texts' vectors.
        let upper = Upper::new(recipe.frozen, &layers, encoder.precision())?;
        let vectors = tuner.embed(&upper)?;
        for text in texts {
            let at = places.classes.start + labels[*text] * shape.width;
            for (sum, x) in params[at..].iter_mut().zip(&vectors[*text]) {
                *sum += x;
            }
        }
        params[places.classes.clone()]
            .chunks_exact_mut(shape.width)
            .for_each(to_unit);
        Ok(Self {
            tuner,
            adam: AdamW::new(groups(&places, recipe)),
            d_classes: vec![0.0; places.classes.len()],
            places,
            params,
            shards: (0..TWINS * SHARDS).map(|_| Shard::default()).collect(),
        })
    }

    /// One step on the texts of a batch, with the learning rate's share of its highest.
    fn step(&mut self, batch: &[usize], labels: &[usize], share: f32, seed: u64) {
        let (recipe, threads) = (self.tuner.recipe, self.tuner.threads);
        let net = Net {
            places: &self.places,
            params: &self.params,
            epsilon: self.tuner.encoder.epsilon(),
            rate: recipe.dropout,
        };
        let shards = self.shards.iter_mut().enumerate().collect();
        threads::each(threads, shards, |(at, shard): (usize, &mut Shard)| {
            shard.seed = random::mix(seed.wrapping_add(at as u64));
            self.tuner
                .fill(shard, batch.iter().skip(at % SHARDS).step_by(SHARDS));
            level::run(Forward(net, shard));
        });
        let embeddings: Vec<f32> = self
            .shards
            .iter()
            .flat_map(|s| &s.embeddings)
            .copied()
            .collect();
        let parts =
            (0..TWINS * SHARDS).flat_map(|at| batch.iter().skip(at % SHARDS).step_by(SHARDS));
        let labels: Vec<usize> = parts.map(|text| labels[*text]).collect();
        let mut d_embeddings = vec![0.0; embeddings.len()];
        level::run(Loss {
            embeddings: &embeddings,
            labels: &labels,
            classes: &self.params[self.places.classes.clone()],
            d_embeddings: &mut d_embeddings,
            d_classes: &mut self.d_classes,
            value: &mut 0.0,
        });
        let mut rest = d_embeddings.as_slice();
        for shard in &mut self.shards {
            let (mine, others) = rest.split_at(shard.embeddings.len());
            shard.d_embeddings.clear();
            shard.d_embeddings.extend_from_slice(mine);
            rest = others;
        }
        threads::each(threads, self.shards.iter_mut().collect(), |shard| {
            level::run(Backward(net, shard));
        });
        let parts: Vec<&[f32]> = self.shards.iter().map(|s| s.gradient.as_slice()).collect();
        self.adam
            .step(&mut self.params, &parts, &self.d_classes, share, threads);
    }
}

impl Tuner<'_> {
    /// Lays a shard's texts end to end.
    fn fill<'t>(&self, shard: &mut Shard, texts: impl Iterator<Item = &'t usize>) {
        shard.x.clear();
        shard.lengths.clear();
        for text in texts {
            self.cache.copy(*text, &mut shard.x);
            shard.lengths.push(self.cache.tokens(*text));
        }
    }
}

/// Learning rates and decay of all numbers.
fn groups(places: &Places, recipe: &Recipe) -> Vec<Group> {
    let mut groups = Vec::new();
    for place in &places.layers {
        for (tensor, decays) in place.tensors() {
            groups.push(Group {
                range: tensor.weight.clone(),
                rate: recipe.rate,
                decay: if decays { recipe.decay } else { 0.0 },
            });
            groups.push(Group {
                range: tensor.bias.clone(),
                rate: recipe.rate,
                decay: 0.0,
            });
        }
    }
    groups.push(Group {
        range: places.classes.clone(),
        rate: recipe.class_rate,
        decay: 0.0,
    });
    groups
}
