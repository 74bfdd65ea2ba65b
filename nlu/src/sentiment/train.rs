//! Trains and judges the head.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::Sentiment;
use super::fit::{Example, auroc, f1, fit, logistic, score};
use crate::encoder::Encoder;
use crate::error::Error;

/// How upset someone is who feels so; emotions that are not listed are 0. 0.5 and more counts as upset
/// where a yes or no is asked for.
const EMOTIONS: [(&str, f64); 8] = [
    ("anger", 1.0),
    ("disgust", 0.9),
    ("annoyance", 0.8),
    ("disappointment", 0.8),
    ("grief", 0.8),
    ("sadness", 0.7),
    ("fear", 0.6),
    ("disapproval", 0.6),
];
/// What the levels of `service.tsv` are worth.
const LEVELS: [(&str, f64); 4] = [
    ("calm", 0.02),
    ("mild", 0.3),
    ("upset", 0.8),
    ("furious", 0.97),
];
const SERVICE: &str = include_str!("service.tsv");
/// What the service phrases together weigh against the comments together: they are few, but what the
/// program hears is like them.
const SERVICE_SHARE: f64 = 1.0;
/// What the mixed phrases together weigh.
const MIXED_SHARE: f64 = 0.3;
/// Mixed phrases made of each upset one.
const MIXED_EACH: usize = 3;
/// What a calm phrase weighs against another one when the scale is set: most customers are calm, and one
/// who is taken for upset is bothered for nothing.
const CALM_WEIGHT: f64 = 3.0;
/// Strength of the pull towards small weights; chosen among 0.00002 to 0.001 on service phrases that the
/// head had not seen.
const PENALTY: f64 = 5e-4;
const STEPS: usize = 150;
/// Parts that the service phrases are cut into, each judged by a head that has not seen it.
const FOLDS: usize = 5;

/// What a training run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Comments trained on, and service phrases.
    pub trained_on: (usize, usize),
    /// Comments tested on, and the share of them that are upset.
    pub tested_on: (usize, f64),
    /// Area under the ROC curve on the test comments.
    pub auroc: f64,
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
            "tested on {tested} comments, {:.1} % of them upset",
            share * 100.0
        )?;
        writeln!(
            f,
            "AUROC {:.3}, best F1 {:.3} from {:.2} on",
            self.auroc, self.f1.0, self.f1.1
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
    let comments = Data::comments(train_csv, encoder)?;
    let test = Data::comments(&train_csv.with_file_name("test.csv"), encoder)?;
    let service = Service::new(encoder)?;
    Ok(train_on(&comments, &test, &service, encoder.fingerprint()))
}

/// Vectors with what is wanted of them.
struct Data {
    vectors: Vec<Vec<f32>>,
    targets: Vec<f64>,
}

impl Data {
    fn comments(path: &Path, encoder: &Encoder) -> Result<Self, Error> {
        let broken = |e: csv::Error| Error::data(path, format!("{e}; it needs columns text,label"));
        let mut reader = csv::Reader::from_path(path).map_err(broken)?;
        let rows: Vec<(String, String)> = reader
            .deserialize()
            .collect::<Result<_, _>>()
            .map_err(broken)?;
        if rows.is_empty() {
            return Err(Error::data(path, "it has no rows"));
        }
        let targets = rows.iter().map(|(_, labels)| upset(labels)).collect();
        let texts: Vec<&str> = rows.iter().map(|r| r.0.as_str()).collect();
        Ok(Self {
            vectors: encoder.encode(&texts)?,
            targets,
        })
    }

    /// Rows that `keep` keeps; all of the rows would weigh `share` together.
    fn examples(
        &self,
        share: f64,
        keep: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = Example<'_>> {
        let weight = share / to_f64(self.targets.len());
        let rows = self.vectors.iter().zip(&self.targets).enumerate();
        rows.filter(move |(i, _)| keep(*i))
            .map(move |(_, (x, target))| Example {
                x,
                target: *target,
                weight,
            })
    }
}

/// The phrases of `service.tsv`, and mixtures such as "my card got declined, this is ridiculous": being
/// upset must not depend on saying nothing else.
struct Service {
    phrases: Data,
    mixed: Data,
    /// The phrases that each mixture is made of.
    parts: Vec<[usize; 2]>,
}

impl Service {
    fn new(encoder: &Encoder) -> Result<Self, Error> {
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
        let mixed = Data {
            vectors: encoder.encode(&mixed)?,
            targets: parts.iter().map(|p| targets[p[0]]).collect(),
        };
        Ok(Self {
            phrases: Data {
                vectors: encoder.encode(&texts)?,
                targets,
            },
            mixed,
            parts,
        })
    }
}

/// The strongest of a comment's emotions.
fn upset(labels: &str) -> f64 {
    let strength = |l: &str| EMOTIONS.iter().find(|e| e.0 == l).map_or(0.0, |e| e.1);
    labels.split('|').map(strength).fold(0.0, f64::max)
}

fn train_on(
    comments: &Data,
    test: &Data,
    service: &Service,
    fingerprint: &str,
) -> (Sentiment, Report) {
    let head = |keep: &dyn Fn(usize) -> bool| {
        let mut examples: Vec<Example<'_>> = comments.examples(1.0, |_| true).collect();
        examples.extend(service.phrases.examples(SERVICE_SHARE, keep));
        let both = |i: usize| service.parts[i].iter().all(|part| keep(*part));
        examples.extend(service.mixed.examples(MIXED_SHARE, both));
        let (mut w, bias) = fit(&examples, PENALTY, STEPS);
        w.push(bias);
        w
    };
    // What a head makes of phrases that it has not seen sets the scale: few comments are labelled with
    // enough agreement that a head trained on them would ever say 0.9.
    let phrases = &service.phrases;
    let mut unseen = vec![0.0; phrases.targets.len()];
    for fold in 0..FOLDS {
        let w = head(&|i| i % FOLDS != fold);
        for i in (fold..unseen.len()).step_by(FOLDS) {
            unseen[i] = score(&w, &phrases.vectors[i]);
        }
    }
    let (slope, shift) = calibrate(&unseen, &phrases.targets);
    let mut w: Vec<f64> = head(&|_| true).iter().map(|w| w * slope).collect();
    let bias = w.pop().unwrap_or(0.0) + shift;
    let sentiment = Sentiment {
        about: about(),
        encoder: fingerprint.to_owned(),
        bias: rounded(bias),
        weights: w.iter().map(|w| rounded(*w)).collect(),
    };
    let unseen: Vec<f64> = unseen.iter().map(|s| logistic(s * slope + shift)).collect();
    let report = report(&sentiment, comments, test, phrases, &unseen);
    (sentiment, report)
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
        .map(|(x, target)| {
            let weight = if *target < 0.1 { CALM_WEIGHT } else { 1.0 };
            Example {
                x,
                target: *target,
                weight,
            }
        })
        .collect();
    let (w, shift) = fit(&examples, 1e-6, 400);
    (w[0], shift)
}

fn report(
    sentiment: &Sentiment,
    comments: &Data,
    test: &Data,
    service: &Data,
    unseen: &[f64],
) -> Report {
    let scored: Vec<(f64, bool)> = test
        .vectors
        .iter()
        .zip(&test.targets)
        .map(|(x, target)| (sentiment.negative(x), *target >= 0.5))
        .collect();
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
        (
            (*level).to_owned(),
            of.iter().sum::<f64>() / to_f64(of.len().max(1)),
        )
    });
    Report {
        trained_on: (comments.targets.len(), service.targets.len()),
        tested_on: (
            scored.len(),
            to_f64(scored.iter().filter(|s| s.1).count()) / to_f64(scored.len()),
        ),
        auroc: auroc(&scored),
        f1: best.unwrap_or((0.0, 0.5)),
        service_auroc: auroc(&clear),
        service_means: service_means.collect(),
    }
}

fn about() -> BTreeMap<String, String> {
    [
        (
            "what",
            "logistic regression on all-MiniLM-L6-v2 sentence vectors: how upset a customer is",
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

/// Four decimals: the file stays small, and a score moves by less than 0.002.
#[expect(clippy::cast_possible_truncation, reason = "weights are small")]
fn rounded(x: f64) -> f32 {
    ((x * 1e4).round() / 1e4) as f32
}

#[expect(clippy::cast_precision_loss, reason = "row numbers are far below 2^52")]
fn to_f64(n: usize) -> f64 {
    n as f64
}
