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
const SERVICE_SHARE: f64 = 0.5;
/// Strength of the pull towards small weights; chosen on GoEmotions' development part.
const PENALTY: f64 = 2e-4;
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
    let service = Data::service(encoder)?;
    Ok(train_on(&comments, &test, &service, encoder.fingerprint()))
}

/// Vectors with what is wanted of them.
pub(super) struct Data {
    vectors: Vec<Vec<f32>>,
    targets: Vec<f64>,
}

impl Data {
    pub(super) fn comments(path: &Path, encoder: &Encoder) -> Result<Self, Error> {
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

    pub(super) fn service(encoder: &Encoder) -> Result<Self, Error> {
        let rows = SERVICE.lines().filter_map(|line| line.split_once('\t'));
        let (levels, texts): (Vec<&str>, Vec<&str>) = rows.unzip();
        let targets = levels
            .iter()
            .filter_map(|level| LEVELS.iter().find(|l| l.0 == *level).map(|l| l.1))
            .collect();
        Ok(Self {
            vectors: encoder.encode(&texts)?,
            targets,
        })
    }

    /// Rows with numbers, all weighing `share` together.
    fn examples(&self, share: f64, keep: impl Fn(usize) -> bool) -> Vec<Example<'_>> {
        let weight = share / to_f64(self.targets.len());
        let rows = self.vectors.iter().zip(&self.targets).enumerate();
        rows.filter(|(i, _)| keep(*i))
            .map(|(_, (x, target))| Example {
                x,
                target: *target,
                weight,
            })
            .collect()
    }
}

/// The strongest of a comment's emotions.
fn upset(labels: &str) -> f64 {
    let strength = |l: &str| EMOTIONS.iter().find(|e| e.0 == l).map_or(0.0, |e| e.1);
    labels.split('|').map(strength).fold(0.0, f64::max)
}

pub(super) fn train_on(
    comments: &Data,
    test: &Data,
    service: &Data,
    fingerprint: &str,
) -> (Sentiment, Report) {
    let head = |keep: &dyn Fn(usize) -> bool| {
        let mut examples = comments.examples(1.0, |_| true);
        examples.extend(service.examples(SERVICE_SHARE, keep));
        let (mut w, bias) = fit(&examples, PENALTY, STEPS);
        w.push(bias);
        w
    };
    // What a head makes of phrases that it has not seen sets the scale: few comments are labelled with
    // enough agreement that a head trained on them would ever say 0.9.
    let mut unseen = vec![0.0; service.targets.len()];
    for fold in 0..FOLDS {
        let w = head(&|i| i % FOLDS != fold);
        for i in (fold..unseen.len()).step_by(FOLDS) {
            unseen[i] = score(&w, &service.vectors[i]);
        }
    }
    let (slope, shift) = calibrate(&unseen, &service.targets);
    let mut w: Vec<f64> = head(&|_| true).iter().map(|w| w * slope).collect();
    let bias = w.pop().unwrap_or(0.0) + shift;
    let sentiment = Sentiment {
        about: about(),
        encoder: fingerprint.to_owned(),
        bias: rounded(bias),
        weights: w.iter().map(|w| rounded(*w)).collect(),
    };
    let unseen: Vec<f64> = unseen.iter().map(|s| logistic(s * slope + shift)).collect();
    let report = report(&sentiment, comments, test, service, &unseen);
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
