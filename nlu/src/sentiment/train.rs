//! Trains and judges the head.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::fit::{Example, auroc, f1, fit, logistic, score};
use super::network::{Network, Texts};
use super::stored::rounded;
use super::{Linear, Sentiment, features};
use crate::encoder::Encoder;
use crate::error::Error;

/// The encoder's layer after which the rows are taken. Of the layers 3 to 6 tried alone, on 22,000 training
/// comments, it is the best on the development comments: AUROC 0.902, against 0.896 for layer 4.
const LAYER: usize = 3;
/// Emotions that the data set's authors group as negative.
const NEGATIVE: [&str; 11] = [
    "anger",
    "annoyance",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "fear",
    "grief",
    "nervousness",
    "remorse",
    "sadness",
];
/// Those of them that are directed at something, for a second figure.
const NARROW: [&str; 8] = [
    "anger",
    "annoyance",
    "disappointment",
    "disapproval",
    "disgust",
    "fear",
    "grief",
    "sadness",
];
/// What the levels of `service.tsv` are worth.
const LEVELS: [(&str, f64); 4] = [
    ("calm", 0.02),
    ("mild", 0.3),
    ("upset", 0.8),
    ("furious", 0.97),
];
const SERVICE: &str = include_str!("service.tsv");
/// What the mixed phrases together weigh against the phrases.
const MIXED_SHARE: f64 = 0.3;
/// Mixed phrases made of each upset one.
const MIXED_EACH: usize = 2;
/// What the phrases together weigh against the comments when the gate is learned.
const GATE_SHARE: f64 = 0.5;
/// Every so many-eth comment takes part in learning the gate: it is an easy question.
const GATE_STRIDE: usize = 8;
/// Strength of the pull towards small weights; chosen on service phrases that the head had not seen.
const GATE_PENALTY: f64 = 1e-3;
const SERVICE_PENALTY: f64 = 1e-2;
const STEPS: usize = 150;
/// Parts that the service phrases are cut into, each judged by a head that has not seen it.
const FOLDS: usize = 5;
const SEED: u64 = 1;
/// Texts encoded at once.
const TOGETHER: usize = 256;

/// What a training run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Comments trained on, and service phrases.
    pub trained_on: (usize, usize),
    /// Comments tested on, and the share of them that are negative.
    pub tested_on: (usize, f64),
    /// Area under the ROC curve on the test comments, negative against the rest: any of the eleven
    /// emotions that the data set's authors group as negative.
    pub auroc: f64,
    /// The same with embarrassment, nervousness and remorse among the rest.
    pub auroc_narrow: f64,
    /// The best F1 on the test comments, and the threshold that gives it.
    pub f1: (f64, f64),
    /// Area under the ROC curve on service phrases by heads that had not seen them, upset and furious
    /// against calm.
    pub service_auroc: f64,
    /// Mean of the figure for each level of service phrases, likewise not seen.
    pub service_means: Vec<(String, f64)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (comments, phrases) = self.trained_on;
        writeln!(
            f,
            "trained on {comments} comments and {phrases} service phrases"
        )?;
        let (tested, share) = self.tested_on;
        writeln!(
            f,
            "tested on {tested} comments, {:.1} % of them negative",
            share * 100.0
        )?;
        writeln!(
            f,
            "AUROC {:.4}, with the narrower emotions {:.4}; best F1 {:.3} from {:.2} on",
            self.auroc, self.auroc_narrow, self.f1.0, self.f1.1
        )?;
        write!(
            f,
            "service phrases not seen: AUROC {:.3}; mean",
            self.service_auroc
        )?;
        for (level, mean) in &self.service_means {
            write!(f, " {level} {mean:.2}")?;
        }
        Ok(())
    }
}

/// Trains on a GoEmotions file (`text,label`, labels joined by `|`) and the service phrases; tests on
/// `test.csv` in the same folder. Takes minutes: the encoder reads every comment.
///
/// # Errors
/// A file is missing or is not such a file; the encoder fails.
pub fn train(train_csv: &Path, encoder: &Encoder) -> Result<(Sentiment, Report), Error> {
    let comments = Comments::read(train_csv, encoder)?;
    let wanted: Vec<f32> = comments.any_of(&NEGATIVE).map(f32::from).collect();
    let network = Network::train(encoder.dimension(), &comments.texts, &wanted, SEED);
    let mut sentiment = Sentiment {
        about: about(),
        layer: LAYER,
        network,
        gate: Linear::zero(2 * encoder.dimension()),
        service: Linear::zero(2 * encoder.dimension() + 1),
    };
    // From here on with the weights as they are kept.
    sentiment = Sentiment::from_bytes(&sentiment.to_bytes())?;
    let service = Service::new(&sentiment, encoder)?;
    let unseen = service.learn(&mut sentiment, &comments.texts);
    sentiment = Sentiment::from_bytes(&sentiment.to_bytes())?;
    let test = Comments::read(&train_csv.with_file_name("test.csv"), encoder)?;
    let report = report(&sentiment, &comments, &test, &service, &unseen);
    Ok((sentiment, report))
}

/// Rows of texts, with 16 bits for each number.
struct Corpus {
    width: usize,
    numbers: Vec<u16>,
    ends: Vec<usize>,
}

impl Corpus {
    fn read(texts: &[&str], encoder: &Encoder) -> Result<Self, Error> {
        let mut corpus = Self {
            width: encoder.dimension(),
            numbers: Vec::new(),
            ends: Vec::new(),
        };
        for some in texts.chunks(TOGETHER) {
            for rows in encoder.states(some, LAYER)? {
                corpus.numbers.extend(rows.iter().map(|x| shorten(*x)));
                corpus.ends.push(corpus.numbers.len());
            }
        }
        Ok(corpus)
    }
}

/// The upper half of a number's bits, rounded.
fn shorten(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    u16::try_from(rounded).unwrap_or(u16::MAX)
}

impl Texts for Corpus {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn rows(&self, at: usize, out: &mut Vec<f32>) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mine = &self.numbers[start..self.ends[at]];
        out.extend(mine.iter().map(|x| f32::from_bits(u32::from(*x) << 16)));
    }
}

struct Comments {
    texts: Corpus,
    /// Joined by `|`.
    labels: Vec<String>,
}

impl Comments {
    fn read(path: &Path, encoder: &Encoder) -> Result<Self, Error> {
        let broken = |e: csv::Error| Error::data(path, format!("{e}; it needs columns text,label"));
        let mut reader = csv::Reader::from_path(path).map_err(broken)?;
        let rows: Vec<(String, String)> = reader
            .deserialize()
            .collect::<Result<_, _>>()
            .map_err(broken)?;
        if rows.is_empty() {
            return Err(Error::data(path, "it has no rows"));
        }
        let texts: Vec<&str> = rows.iter().map(|r| r.0.as_str()).collect();
        Ok(Self {
            texts: Corpus::read(&texts, encoder)?,
            labels: rows.into_iter().map(|r| r.1).collect(),
        })
    }

    /// Whether each comment has one of these emotions.
    fn any_of(&self, emotions: &'static [&str]) -> impl Iterator<Item = bool> {
        let labels = self.labels.iter();
        labels.map(|all| all.split('|').any(|label| emotions.contains(&label)))
    }
}

/// The phrases of `service.tsv`, and mixtures such as "my card got declined, this is ridiculous": being
/// upset must not depend on saying nothing else. Each text is its features with the network's score at
/// the end.
struct Service {
    phrases: Vec<Vec<f32>>,
    targets: Vec<f64>,
    mixed: Vec<Vec<f32>>,
    /// The phrases that each mixture is made of.
    parts: Vec<[usize; 2]>,
}

impl Service {
    fn new(sentiment: &Sentiment, encoder: &Encoder) -> Result<Self, Error> {
        let rows = SERVICE.lines().filter_map(|line| line.split_once('\t'));
        let (levels, texts): (Vec<&str>, Vec<&str>) = rows.unzip();
        let value = |level: &str| LEVELS.iter().find(|l| l.0 == level).map_or(0.0, |l| l.1);
        let targets: Vec<f64> = levels.iter().map(|level| value(level)).collect();
        let calm: Vec<usize> = (0..texts.len()).filter(|i| levels[*i] == "calm").collect();
        let (mut parts, mut mixed) = (Vec::new(), Vec::new());
        for upset in (0..texts.len()).filter(|i| targets[*i] > 0.5) {
            for _ in 0..MIXED_EACH {
                // Any fixed walk that comes by all of them.
                let other = calm[parts.len() * 31 % calm.len()];
                mixed.push(if parts.len() % 2 == 0 {
                    format!("{}, {}", texts[other], texts[upset])
                } else {
                    format!("{}. {}", texts[upset], texts[other])
                });
                parts.push([upset, other]);
            }
        }
        let mixed: Vec<&str> = mixed.iter().map(String::as_str).collect();
        let seen = |texts: &[&str]| -> Result<Vec<Vec<f32>>, Error> {
            let corpus = Corpus::read(texts, encoder)?;
            Ok(all_seen(sentiment, &corpus, 1))
        };
        Ok(Self {
            phrases: seen(&texts)?,
            mixed: seen(&mixed)?,
            targets,
            parts,
        })
    }

    /// Learns the gate and the service's own weights; gives what heads that had not seen a phrase make
    /// of it.
    fn learn(&self, sentiment: &mut Sentiment, comments: &Corpus) -> Vec<f64> {
        let others = all_seen(sentiment, comments, GATE_STRIDE);
        let count = self.phrases.len();
        let (mut gates, mut unseen) = (vec![0.0; count], vec![0.0; count]);
        for fold in 0..FOLDS {
            let keep = |i: usize| i % FOLDS != fold;
            let (gate, own) = (self.gate(&others, &keep), self.own(&keep));
            for i in (fold..count).step_by(FOLDS) {
                gates[i] = logistic(score(&gate, without_score(&self.phrases[i])));
                unseen[i] = score(&own, &self.phrases[i]);
            }
        }
        // What a head makes of phrases that it has not seen sets the scale.
        let (slope, shift) = calibrate(&unseen, &self.targets);
        sentiment.gate = Linear::of(self.gate(&others, &|_| true));
        let mut own: Vec<f64> = self.own(&|_| true).iter().map(|w| w * slope).collect();
        if let Some(bias) = own.last_mut() {
            *bias += shift;
        }
        sentiment.service = Linear::of(own);
        let mixed = (0..count).map(|i| {
            let network = self.phrases[i].last().map_or(0.0, |x| f64::from(*x));
            let own = unseen[i] * slope + shift;
            logistic((1.0 - gates[i]) * network + gates[i] * own)
        });
        mixed.collect()
    }

    /// Phrases and mixtures that `keep` keeps, with their weights.
    fn kept(&self, keep: &dyn Fn(usize) -> bool) -> impl Iterator<Item = (&[f32], f64, f64)> {
        let phrases = self.phrases.iter().zip(&self.targets).enumerate();
        let phrase = 1.0 / self.phrases.len() as f64;
        let mixture = MIXED_SHARE / self.mixed.len() as f64;
        let phrases = phrases
            .filter(|(i, _)| keep(*i))
            .map(move |(_, (x, target))| (x.as_slice(), *target, phrase));
        let mixed = self.mixed.iter().zip(&self.parts);
        let mixed = mixed
            .filter(|(_, parts)| parts.iter().all(|part| keep(*part)))
            .map(move |(x, parts)| (x.as_slice(), self.targets[parts[0]], mixture));
        phrases.chain(mixed)
    }

    /// Weights, with the bias at the end, that tell the phrases from other texts.
    fn gate(&self, others: &[Vec<f32>], keep: &dyn Fn(usize) -> bool) -> Vec<f64> {
        let weight = 1.0 / others.len() as f64;
        let others = others.iter().map(|x| (without_score(x), 0.0, weight));
        let phrases = self.kept(keep);
        let phrases = phrases.map(|(x, _, weight)| (without_score(x), 1.0, weight * GATE_SHARE));
        fitted(others.chain(phrases), GATE_PENALTY)
    }

    /// Weights, with the bias at the end, that tell upset phrases from calm ones.
    fn own(&self, keep: &dyn Fn(usize) -> bool) -> Vec<f64> {
        fitted(self.kept(keep), SERVICE_PENALTY)
    }
}

fn fitted<'a>(rows: impl Iterator<Item = (&'a [f32], f64, f64)>, penalty: f64) -> Vec<f64> {
    let examples: Vec<Example<'_>> = rows
        .map(|(x, target, weight)| Example { x, target, weight })
        .collect();
    let (mut w, bias) = fit(&examples, penalty, STEPS);
    w.push(bias);
    w
}

fn without_score(seen: &[f32]) -> &[f32] {
    &seen[..seen.len() - 1]
}

/// The features of every `stride`-th text, with the network's score at the end.
fn all_seen(sentiment: &Sentiment, corpus: &Corpus, stride: usize) -> Vec<Vec<f32>> {
    let mut rows = Vec::new();
    let texts = (0..corpus.len()).step_by(stride);
    texts
        .map(|at| {
            rows.clear();
            corpus.rows(at, &mut rows);
            let (mut seen, _) = features(&rows, corpus.width);
            let network = &sentiment.network;
            seen.push(network.tokens(&rows).iter().sum::<f32>() + network.bias());
            seen
        })
        .collect()
}

impl Linear {
    fn zero(width: usize) -> Self {
        Self {
            weights: vec![0.0; width],
            bias: 0.0,
        }
    }

    /// Of weights with the bias at the end.
    fn of(mut weights: Vec<f64>) -> Self {
        let bias = weights.pop().unwrap_or(0.0);
        Self {
            weights: weights.iter().map(|w| rounded(*w, 6)).collect(),
            bias: rounded(bias, 4),
        }
    }
}

/// Slope and shift that bring scores to the wanted figures.
fn calibrate(scores: &[f64], targets: &[f64]) -> (f64, f64) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores need no more digits"
    )]
    let rows: Vec<[f32; 1]> = scores.iter().map(|s| [*s as f32]).collect();
    let examples: Vec<Example<'_>> = rows
        .iter()
        .zip(targets)
        .map(|(x, target)| Example {
            x,
            target: *target,
            weight: 1.0,
        })
        .collect();
    let (w, shift) = fit(&examples, 1e-6, 400);
    (w[0], shift)
}

fn report(
    sentiment: &Sentiment,
    comments: &Comments,
    test: &Comments,
    service: &Service,
    unseen: &[f64],
) -> Report {
    let mut rows = Vec::new();
    let said: Vec<f64> = (0..test.texts.len())
        .map(|at| {
            rows.clear();
            test.texts.rows(at, &mut rows);
            sentiment.judge(&rows).negative
        })
        .collect();
    let against = |emotions: &'static [&str]| -> Vec<(f64, bool)> {
        said.iter().copied().zip(test.any_of(emotions)).collect()
    };
    let scored = against(&NEGATIVE);
    let thresholds = (1..100u8).map(|t| f64::from(t) / 100.0);
    let best = thresholds
        .map(|t| (f1(&scored, t), t))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let pairs = || unseen.iter().zip(&service.targets);
    let clear: Vec<(f64, bool)> = pairs()
        .filter(|(_, t)| **t < 0.1 || **t > 0.5)
        .map(|(s, t)| (*s, *t > 0.5))
        .collect();
    let service_means = LEVELS.iter().map(|(level, value)| {
        let of: Vec<f64> = pairs()
            .filter(|(_, t)| *t == value)
            .map(|(s, _)| *s)
            .collect();
        let mean = of.iter().sum::<f64>() / of.len().max(1) as f64;
        ((*level).to_owned(), mean)
    });
    let negative = scored.iter().filter(|s| s.1).count() as f64;
    Report {
        trained_on: (comments.texts.len(), service.targets.len()),
        tested_on: (scored.len(), negative / scored.len() as f64),
        auroc: auroc(&scored),
        auroc_narrow: auroc(&against(&NARROW)),
        f1: best.unwrap_or((0.0, 0.5)),
        service_auroc: auroc(&clear),
        service_means: service_means.collect(),
    }
}

fn about() -> BTreeMap<String, String> {
    [
        (
            "what",
            "how upset a customer is, off all-MiniLM-L6-v2's third layer",
        ),
        (
            "data",
            "GoEmotions training part (Demszky et al. 2020, Apache 2.0) and service.tsv",
        ),
        ("made by", "bellhop nlu train-sentiment"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
