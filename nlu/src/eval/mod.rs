//! Trains on one file of labelled texts, scores another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::Serialize;

use crate::encoder::Encoder;
use crate::{
    Context, Error, ExampleSpec, IntentSpec, Mode, Reading, Spec, TrainOptions, Understanding,
};

pub use data::{Labelled, Span, read_file, read_text};
pub use draw::{Figure, Summary};

mod data;
mod draw;
mod score;

/// Texts read at once when only what they mean counts.
const BATCH: usize = 64;
/// Most texts read one by one for the latency.
const TIMED: usize = 500;

/// How to evaluate.
#[derive(Debug, Clone, Default)]
pub struct EvalOptions {
    /// Label of the messages that are none of the intents.
    pub oos_label: Option<String>,
    /// Languages of the texts, the most frequent first; none means English.
    pub languages: Vec<String>,
    /// Seed of everything random.
    pub seed: u64,
    /// Train on this many examples of each intent, drawn by the seed; on all where it is none.
    pub shots: Option<usize>,
    /// What is trained.
    pub mode: Mode,
    /// Also judge the sets of intents that should miss the right one at this rate.
    pub error_rate: Option<f64>,
}

/// What came out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// With an out-of-scope label a message that isn't accepted counts as predicting it; without,
    /// the best intent counts.
    pub accuracy: f64,
    /// Share of the messages in scope whose best intent is right, accepted or not.
    pub in_scope_accuracy: f64,
    /// Share of the messages out of scope that weren't accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oos_recall: Option<f64>,
    /// Share of the messages not accepted that are out of scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oos_precision: Option<f64>,
    /// How well the best probability parts in scope from out of scope, 0.5 by chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oos_auroc: Option<f64>,
    /// Matthews correlation of many classes, over the same pairs as `accuracy`.
    pub mcc: f64,
    /// Mean F1 of the classes, over the same pairs as `accuracy`.
    pub macro_f1: f64,
    /// Calibration error of the best probability over all messages; out of scope none is right.
    pub ece: f64,
    /// The same over the messages in scope alone.
    pub in_scope_ece: f64,
    /// Probability from which a reading is accepted, found inside TRAIN.
    pub threshold: f64,
    /// Seconds from texts to a trained understanding, encoding included.
    pub train_seconds: f64,
    /// Microseconds to read one message, all of the reading.
    pub latency_us: Latency,
    /// The sets of intents with a stated error rate, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sets: Option<Sets>,
    /// F1 of the entities, where TEST marks some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_f1: Option<f64>,
    /// In the order of TEST.
    pub predictions: Vec<Prediction>,
}

/// Microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: f64,
    /// All but one in twenty are faster.
    pub p95: f64,
}

/// Sets of intents with a stated error rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sets {
    /// The rate that was asked for.
    pub error_rate: f64,
    /// Share of the messages in scope whose set has the right intent.
    pub coverage: f64,
    /// Intents in the set of a message in scope, on average.
    pub mean_size: f64,
    /// Share of the messages in scope whose set is empty.
    pub empty: f64,
    /// Share of the messages out of scope whose set is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oos_empty: Option<f64>,
}

/// What was made of one message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The message.
    pub text: String,
    /// What it is.
    pub label: String,
    /// The best intent.
    pub predicted: String,
    /// Its probability.
    pub probability: f64,
    /// Whether it would be acted on.
    pub accepted: bool,
}

/// Trains on `train` alone and scores `test`. Texts in `train` with the out-of-scope label teach the
/// rejection; none are needed.
///
/// # Errors
/// Training fails, or a text can't be encoded.
pub fn run(
    train: &[Labelled],
    test: &[Labelled],
    encoder: &Encoder,
    options: &EvalOptions,
) -> Result<Report, Error> {
    let outside = options.oos_label.as_deref();
    let drawn = options
        .shots
        .map(|shots| draw::shots(train, shots, options.seed, outside));
    let train = drawn.as_deref().unwrap_or(train);
    let spec = spec(train, &options.languages, outside);
    let training = TrainOptions {
        seed: options.seed,
        outside: train
            .iter()
            .filter(|t| Some(t.label.as_str()) == outside)
            .map(|t| t.text.clone())
            .collect(),
        mode: options.mode,
    };
    let start = Instant::now();
    let understanding = Understanding::train_with(&spec, encoder, &training, &mut |_| {})?;
    let train_seconds = start.elapsed().as_secs_f64();
    let context = Context {
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC),
        language: spec.languages.first().cloned().unwrap_or_default(),
        open: None,
    };
    let latency_us = latency(&understanding, encoder, test, &context)?;
    let mut readings = Vec::with_capacity(test.len());
    for batch in test.chunks(BATCH) {
        let texts: Vec<_> = batch.iter().map(|t| (t.text.as_str(), &context)).collect();
        readings.extend(understanding.read_batch(encoder, &texts)?);
    }
    let threshold = understanding.threshold();
    let predictions = test
        .iter()
        .zip(&readings)
        .map(|(t, r)| predict(t, r, threshold))
        .collect();
    let sets = options.error_rate.map(|error_rate| {
        let sets = readings
            .iter()
            .map(|reading| understanding.conformal(reading, error_rate));
        let labelled = test.iter().map(|t| t.label.as_str()).zip(sets).collect();
        sets_report(labelled, outside, error_rate)
    });
    Ok(Report {
        train_seconds,
        latency_us,
        sets,
        entity_f1: entity_f1(test, &readings),
        ..report(predictions, outside, threshold)
    })
}

/// The same for `seeds` seeds from the one in `options` on.
///
/// # Errors
/// As `run`.
pub fn run_seeds(
    train: &[Labelled],
    test: &[Labelled],
    encoder: &Encoder,
    options: &EvalOptions,
    seeds: u64,
) -> Result<Summary, Error> {
    let seeds: Vec<u64> = (0..seeds).map(|n| options.seed.wrapping_add(n)).collect();
    let one = |seed: &u64| {
        let options = EvalOptions {
            seed: *seed,
            ..options.clone()
        };
        run(train, test, encoder, &options)
    };
    let runs = seeds
        .iter()
        .map(one)
        .collect::<Result<Vec<Report>, Error>>()?;
    Ok(Summary::of(seeds, runs))
}

/// The bot that labelled texts describe: what a bot of these `languages` (English where none is named) is
/// taught by those without the label `outside`.
pub fn spec(train: &[Labelled], languages: &[String], outside: Option<&str>) -> Spec {
    let languages = match languages {
        [] => vec!["en".to_owned()],
        some => some.to_vec(),
    };
    let mut intents: BTreeMap<&str, Vec<ExampleSpec>> = BTreeMap::new();
    for t in train.iter().filter(|t| Some(t.label.as_str()) != outside) {
        intents.entry(&t.label).or_default().push(ExampleSpec {
            text: t.text.clone(),
            language: languages[0].clone(),
            marks: t
                .entities
                .iter()
                .map(|s| (s.start, s.end, s.entity.clone()))
                .collect(),
        });
    }
    let intents = intents
        .into_iter()
        .map(|(name, examples)| IntentSpec {
            name: name.to_owned(),
            examples,
        })
        .collect();
    Spec {
        languages,
        time_zone: "UTC".to_owned(),
        currency: "EUR".to_owned(),
        intents,
        entities: Vec::new(),
    }
}

fn predict(text: &Labelled, reading: &Reading, threshold: f64) -> Prediction {
    let (predicted, probability) = reading.intents.first().cloned().unwrap_or_default();
    Prediction {
        text: text.text.clone(),
        label: text.label.clone(),
        predicted,
        probability,
        accepted: probability >= threshold,
    }
}

/// Everything that follows from the predictions; the rest is left empty.
fn report(predictions: Vec<Prediction>, outside: Option<&str>, threshold: f64) -> Report {
    let is_outside = |p: &&Prediction| Some(p.label.as_str()) == outside;
    let said = |p: &Prediction| match outside {
        Some(label) if !p.accepted => label.to_owned(),
        _ => p.predicted.clone(),
    };
    let said: Vec<String> = predictions.iter().map(said).collect();
    let pairs: Vec<(&str, &str)> = predictions
        .iter()
        .zip(&said)
        .map(|(p, said)| (p.label.as_str(), said.as_str()))
        .collect();
    let inside = predictions.iter().filter(|p| !is_outside(p));
    let scores = |out: bool| -> Vec<f64> {
        let wanted = predictions.iter().filter(|p| is_outside(p) == out);
        wanted.map(|p| p.probability).collect()
    };
    let count =
        |f: &dyn Fn(&Prediction) -> bool| predictions.iter().filter(|p| f(p)).count() as u32;
    let out = count(&|p| is_outside(&p));
    let refused = count(&|p| !p.accepted);
    let out_refused = count(&|p| is_outside(&p) && !p.accepted);
    Report {
        accuracy: score::accuracy(pairs.iter().copied()),
        in_scope_accuracy: score::accuracy(
            inside.map(|p| (p.label.as_str(), p.predicted.as_str())),
        ),
        oos_recall: (out > 0).then(|| score::ratio(out_refused, out)),
        oos_precision: (out > 0).then(|| score::ratio(out_refused, refused)),
        oos_auroc: score::auroc(&scores(false), &scores(true)),
        mcc: score::matthews(&pairs),
        macro_f1: score::macro_f1(&pairs),
        ece: score::calibration_error(predictions.iter()),
        in_scope_ece: score::calibration_error(predictions.iter().filter(|p| !is_outside(p))),
        threshold,
        train_seconds: 0.0,
        latency_us: Latency { p50: 0.0, p95: 0.0 },
        entity_f1: None,
        sets: None,
        predictions,
    }
}

/// Judges sets of intents, each beside the right label.
fn sets_report(labelled: Vec<(&str, Vec<&str>)>, outside: Option<&str>, error_rate: f64) -> Sets {
    let (out, inside): (Vec<_>, Vec<_>) = labelled
        .into_iter()
        .partition(|(label, _)| Some(*label) == outside);
    let share = |of: &[(&str, Vec<&str>)], f: &dyn Fn(&str, &[&str]) -> f64| {
        of.iter().map(|(label, set)| f(label, set)).sum::<f64>() / of.len().max(1) as f64
    };
    let one = |yes: bool| f64::from(u8::from(yes));
    Sets {
        error_rate,
        coverage: share(&inside, &|label, set| one(set.contains(&label))),
        mean_size: share(&inside, &|_, set| set.len() as f64),
        empty: share(&inside, &|_, set| one(set.is_empty())),
        oos_empty: (!out.is_empty()).then(|| share(&out, &|_, set| one(set.is_empty()))),
    }
}

/// Reads messages one by one, by the clock.
fn latency(
    understanding: &Understanding,
    encoder: &Encoder,
    test: &[Labelled],
    context: &Context,
) -> Result<Latency, Error> {
    let mut times = Vec::with_capacity(TIMED);
    for t in test.iter().take(TIMED) {
        let start = Instant::now();
        understanding.read(encoder, &t.text, context)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(Latency {
        p50: score::percentile(&times, 0.5),
        p95: score::percentile(&times, 0.95),
    })
}

/// Only entities whose name TEST uses count, so that dates and amounts found besides don't hurt.
fn entity_f1(test: &[Labelled], readings: &[Reading]) -> Option<f64> {
    let names: BTreeSet<&str> = test
        .iter()
        .flat_map(|t| &t.entities)
        .map(|s| s.entity.as_str())
        .collect();
    if names.is_empty() {
        return None;
    }
    let found = |r: &Reading| -> BTreeSet<Span> {
        let wanted = r
            .entities
            .iter()
            .filter(|e| names.contains(e.entity.as_str()));
        wanted
            .map(|e| Span {
                start: e.start,
                end: e.end,
                entity: e.entity.clone(),
            })
            .collect()
    };
    let pairs: Vec<_> = test
        .iter()
        .zip(readings)
        .map(|(t, r)| (t.entities.iter().cloned().collect(), found(r)))
        .collect();
    Some(score::span_f1(&pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(label: &str, predicted: &str, probability: f64) -> Prediction {
        Prediction {
            text: String::new(),
            label: label.to_owned(),
            predicted: predicted.to_owned(),
            probability,
            accepted: probability >= 0.5,
        }
    }

    #[test]
    fn a_refused_message_counts_as_out_of_scope_only_where_there_is_such_a_label() {
        let rows = vec![
            prediction("a", "a", 0.9),
            prediction("b", "b", 0.4),
            prediction("oos", "a", 0.3),
            prediction("oos", "b", 0.7),
        ];
        let with = report(rows.clone(), Some("oos"), 0.5);
        assert_eq!(with.accuracy, 0.5);
        assert_eq!(with.in_scope_accuracy, 1.0);
        assert_eq!(with.oos_recall, Some(0.5));
        assert_eq!(with.oos_precision, Some(0.5));
        assert_eq!(with.oos_auroc, Some(0.75));
        assert!((with.in_scope_ece - 0.35).abs() < 1e-12 && with.ece > with.in_scope_ece);
        let without = report(rows[..2].to_vec(), None, 0.5);
        assert_eq!(without.accuracy, 1.0);
        assert_eq!(without.oos_recall, None);
    }

    #[test]
    fn sets_are_judged_in_scope_and_outside() {
        let labelled = vec![
            ("a", vec!["a", "b"]),
            ("a", vec!["b"]),
            ("b", vec!["b"]),
            ("b", vec![]),
            ("oos", vec![]),
            ("oos", vec!["a"]),
        ];
        let sets = sets_report(labelled, Some("oos"), 0.1);
        assert_eq!(
            (sets.coverage, sets.mean_size, sets.empty),
            (0.5, 1.0, 0.25)
        );
        assert_eq!(sets.oos_empty, Some(0.5));
    }

    #[test]
    fn the_report_has_the_fields_that_were_promised() {
        let rows = vec![prediction("a", "a", 0.9), prediction("oos", "a", 0.3)];
        let json = serde_json::to_value(report(rows, Some("oos"), 0.5)).expect("it serialises");
        for field in [
            "accuracy",
            "in_scope_accuracy",
            "oos_recall",
            "oos_precision",
            "oos_auroc",
            "mcc",
            "macro_f1",
            "ece",
            "in_scope_ece",
            "threshold",
            "train_seconds",
            "latency_us",
            "predictions",
        ] {
            assert!(json.get(field).is_some(), "{field} is missing");
        }
        assert_eq!(json["predictions"][0]["accepted"], true);
    }
}
