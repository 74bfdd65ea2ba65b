//! `bellhop nlu`: understanding by itself.

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use bellhop_nlu::eval::{self, EvalOptions};
use bellhop_nlu::{Context as ReadContext, Reading};
use bellhop_nlu::{acts, sentiment};
use serde::Serialize;

use super::args::{Nlu, NluEval};
use super::out::line;
use super::{bench, compiled, encoder, impact, mind};
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;

/// Runs it.
pub(super) fn run(config: &Config, command: Nlu) -> Result<ExitCode> {
    match command {
        Nlu::Parse { bot, error, open } => parse(config, &bot, error, open)?,
        Nlu::Impact(args) => impact::run(config, &args)?,
        Nlu::Eval(args) => evaluate(config, &args)?,
        Nlu::Bench(args) => bench::run(config, &args)?,
        Nlu::TrainActs { out, wrong } => train_acts(config, &out, wrong)?,
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
    /// Of the best intent, as held-out examples suggest it; the bot's own settings decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<Vec<String>>,
    micros: u64,
}

fn parse(config: &Config, bot: &Path, error: Option<f64>, open: Option<String>) -> Result<()> {
    let (folder, bundle) = compiled(Some(bot))?;
    let mind = mind(config, &folder, &bundle, None)?;
    let context = ReadContext {
        now: Clock::System.now().in_tz(&bundle.time_zone)?,
        language: bundle.languages.first().cloned().unwrap_or_default(),
        open,
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
        let micros = watch.micros();
        let best = reading.intents.first();
        let parsed = Parsed {
            text: &text,
            micros,
            threshold: best.map(|(intent, _)| mind.understanding.threshold_of(intent)),
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
    let encoder = encoder(config)?;
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

fn train_acts(config: &Config, out: &Path, wrong: bool) -> Result<()> {
    let encoder = encoder(config)?;
    let (head, report) = acts::train(&encoder)?;
    std::fs::write(out, head.to_bytes()).with_context(|| out.display().to_string())?;
    if wrong {
        for (text, act, read, sure) in &report.wrong {
            line(&format!("{act}\t{read}\t{sure:.2}\t{text}"));
        }
        report.miscut.iter().for_each(|message| line(message));
    }
    line(&format!("{report}"));
    line(&format!(
        "written to {}; build again to use it",
        out.display()
    ));
    Ok(())
}

fn train_sentiment(config: &Config, data: &Path, out: &Path) -> Result<()> {
    let encoder = encoder(config)?;
    let (head, report) = sentiment::train(&data.join("train.csv"), &encoder)?;
    std::fs::write(out, head.to_bytes()).with_context(|| out.display().to_string())?;
    line(&format!("{report}"));
    line(&format!(
        "written to {}; build again to use it",
        out.display()
    ));
    Ok(())
}
