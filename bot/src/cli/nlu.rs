//! `bellhop nlu`: understanding by itself.

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use bellhop_nlu::encoder::Encoder;
use bellhop_nlu::eval::{self, EvalOptions};
use bellhop_nlu::sentiment;
use bellhop_nlu::{Context as ReadContext, Reading};
use serde::Serialize;

use super::args::{Nlu, NluEval};
use super::out::line;
use super::{compiled, impact, mind, model_dir};
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;

/// Messages that `bench` reads where no file is given: short and long, as customers write.
const BENCH_TEXTS: [&str; 8] = [
    "what's my balance",
    "I lost my card",
    "hi, my card was declined at the supermarket this morning and I don't know why",
    "how much does an overdraft cost",
    "can I book an appointment at the Leeds branch next tuesday at half past two",
    "no",
    "transfer 50 pounds to my savings",
    "I have been a customer for twenty years and this is the third time that a payment of mine was \
     refused abroad although I told you beforehand, so please tell me what is going on",
];

/// Runs it.
pub(super) fn run(config: &Config, command: Nlu) -> Result<ExitCode> {
    match command {
        Nlu::Parse { bot, error } => parse(config, &bot, error)?,
        Nlu::Impact(args) => impact::run(config, &args)?,
        Nlu::Eval(args) => evaluate(config, &args)?,
        Nlu::Bench { texts } => bench(config, texts.as_deref())?,
        Nlu::TrainSentiment { data, out } => train_sentiment(config, &data, &out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A line of `parse`.
#[derive(Serialize)]
struct Parsed<'a> {
    text: &'a str,
    #[serde(flatten)]
    reading: Reading,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<Vec<String>>,
    micros: u64,
}

fn parse(config: &Config, bot: &Path, error: Option<f64>) -> Result<()> {
    let (folder, bundle) = compiled(Some(bot))?;
    let mind = mind(config, &folder, &bundle, None)?;
    let context = ReadContext {
        now: Clock::System.now().in_tz(&bundle.time_zone)?,
        language: bundle.languages.first().cloned().unwrap_or_default(),
    };
    for (at, bytes) in std::io::stdin().lock().split(b'\n').enumerate() {
        let bytes = bytes.context("standard input")?;
        let text = String::from_utf8(bytes).with_context(|| {
            let line = at + 1;
            format!("standard input, line {line}: not UTF-8; convert it first")
        })?;
        let text = text.strip_suffix('\r').unwrap_or(&text).to_owned();
        let watch = Stopwatch::start();
        let reading = mind.understanding.read(&mind.encoder, &text, &context)?;
        let parsed = Parsed {
            text: &text,
            micros: watch.micros(),
            set: error.map(|rate| {
                let set = mind.understanding.conformal(&reading, rate);
                set.into_iter().map(str::to_owned).collect()
            }),
            reading,
        };
        line(&serde_json::to_string(&parsed)?);
    }
    Ok(())
}

fn evaluate(config: &Config, args: &NluEval) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let encoder = Encoder::load(&model_dir(config)?)?.with_threads(threads);
    let mut train = Vec::new();
    for file in &args.train {
        train.extend(eval::read_file(file)?);
    }
    let test = eval::read_file(&args.test)?;
    let options = EvalOptions {
        oos_label: args.oos_label.clone(),
        seed: args.seed,
        shots: args.shots,
        error_rate: args.error,
        mode: args.mode.into(),
        ..EvalOptions::default()
    };
    let mut json = if args.seeds > 1 {
        let summary = eval::run_seeds(&train, &test, &encoder, &options, args.seeds)?;
        serde_json::to_value(&summary)?
    } else {
        serde_json::to_value(&eval::run(&train, &test, &encoder, &options)?)?
    };
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&json)?)
            .with_context(|| path.display().to_string())?;
    }
    // The predictions are for the file; a person wants the figures.
    if let Some(fields) = json.as_object_mut() {
        fields.shift_remove("predictions");
        fields.shift_remove("runs");
    }
    line(&serde_json::to_string_pretty(&json)?);
    Ok(())
}

fn bench(config: &Config, texts: Option<&Path>) -> Result<()> {
    let file = texts
        .map(|path| std::fs::read_to_string(path).with_context(|| path.display().to_string()))
        .transpose()?;
    let texts: Vec<&str> = match &file {
        Some(text) => text
            .lines()
            .filter(|text| !text.trim().is_empty())
            .collect(),
        None => BENCH_TEXTS.to_vec(),
    };
    anyhow::ensure!(!texts.is_empty(), "no text to read");
    let encoder = Encoder::load(&model_dir(config)?)?;
    let rounds = (400 / texts.len()).max(1);
    for text in &texts {
        encoder.encode(&[text])?;
    }
    let mut times = Vec::with_capacity(rounds * texts.len());
    for _ in 0..rounds {
        for text in &texts {
            let watch = Stopwatch::start();
            encoder.encode(&[text])?;
            times.push(watch.micros());
        }
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    line(&format!(
        "one by one, 1 thread, 16-bit weights: p50 {} µs, p95 {} µs, p99 {} µs over {} texts",
        at(0.5),
        at(0.95),
        at(0.99),
        times.len()
    ));
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        for batch in texts.chunks(16) {
            encoder.encode(batch)?;
        }
    }
    let rate = times.len() as f64 / watch.elapsed().as_secs_f64();
    line(&format!(
        "in batches of up to 16, 1 thread, 16-bit weights: {rate:.0} texts a second"
    ));
    Ok(())
}

fn train_sentiment(config: &Config, data: &Path, out: &Path) -> Result<()> {
    let encoder = Encoder::load(&model_dir(config)?)?;
    let (head, report) = sentiment::train(&data.join("train.csv"), &encoder)?;
    std::fs::write(out, head.to_bytes()).with_context(|| out.display().to_string())?;
    line(&format!("{report}"));
    line(&format!(
        "written to {}; build again to use it",
        out.display()
    ));
    Ok(())
}
