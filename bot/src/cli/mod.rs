//! The command line: each command in a file of its own, named as in `--help`.

mod args;
mod audit;
mod bench;
mod chat;
mod check;
mod hostile;
mod impact;
mod kb;
mod load;
mod messages;
mod new;
mod nlu;
mod out;
mod outbox;
mod privacy;
mod serve;
mod staff;
mod store;
mod store_backup;
mod store_check;
mod store_copy;
mod test;
mod train;
mod visiting;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::diag::{Severity, render_text};
use bellhop_flows::source::Sources;
use bellhop_flows::span::Span;
use bellhop_nlu::encoder::Encoder;

use crate::config::Config;
use crate::folder::BotFolder;
use crate::load::{Checked, Mind};
use crate::model;
use args::{Args, Bench, Command};
use out::warn;

/// Runs the program; the exit status is 0 when all went well, 1 when not, 2 for wrong arguments.
pub fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            warn(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<ExitCode> {
    let (mut config, warnings) = Config::load(args.config.as_deref())?;
    for warning in warnings {
        warn(&format!("warning: {warning}"));
    }
    if let Some(dir) = args.data_dir {
        config.data_dir = dir;
    }
    if let Some(dir) = args.model {
        config.model = Some(dir);
    }
    match args.command.unwrap_or_default() {
        Command::Serve(args) => serve::run(config, args),
        Command::Chat(args) => chat::run(&config, &args),
        Command::New { dir } => new::run(&dir),
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&config, &args),
        Command::Train { bot, mode } => train::run(&config, &bot, mode),
        Command::Nlu(command) => nlu::run(&config, command),
        Command::Kb(command) => kb::run(&config, command),
        Command::Messages(args) => messages::run(&config, &args),
        Command::Load(args) => load::run(&args),
        Command::Bench(Bench::Hostile(args)) => hostile::run(&config, &args),
        Command::Outbox(command) => outbox::run(config, command),
        Command::Privacy(command) => privacy::run(config, command),
        Command::Audit(command) => audit::run(config, command),
        Command::Staff(command) => staff::run(config, command),
        Command::Store(command) => store::run(config, command),
        Command::Healthcheck { url } => serve::healthcheck(&url),
    }
}

/// A tokio runtime for a command that needs one.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")
}

/// Reads and compiles a bot, printing what was found; errors end the command.
fn compiled(bot: Option<&Path>) -> Result<(BotFolder, Arc<Bundle>)> {
    let folder = BotFolder::open(bot)?;
    let checked = Checked::of(&folder);
    let errors = checked.errors();
    if errors > 0 {
        let serious: Vec<_> = checked
            .diagnostics
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        warn(render_text(&serious, &checked.sources).trim_end());
        anyhow::bail!(
            "{errors} error{} in the bot's files; nothing was started",
            if errors == 1 { "" } else { "s" }
        );
    }
    let bundle = checked
        .bundle
        .context("the flows gave no bundle and no error: please report it")?;
    Ok((folder, Arc::new(bundle)))
}

/// The folder of the verified model, fetched where it is not there yet.
fn model_dir(config: &Config) -> Result<PathBuf> {
    let model = model::ensure(config.model.as_deref(), &config.data_dir);
    Ok(runtime()?.block_on(model)?)
}

/// The encoder, fetched where it isn't there yet, for many texts at once: on all cores.
fn encoder(config: &Config) -> Result<Encoder> {
    let encoder = config.encoder(&model_dir(config)?)?;
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(encoder.with_threads(config.nlu_threads.unwrap_or_else(cores)))
}

/// Loads, or trains and builds, what a compiled bot thinks with.
fn mind(
    config: &Config,
    folder: &BotFolder,
    bundle: &Bundle,
    train: Option<bellhop_nlu::Mode>,
) -> Result<Mind> {
    let encoder = match train {
        Some(_) => encoder(config)?,
        None => config.encoder(&model_dir(config)?)?,
    };
    let cache = config.cache_dir();
    Ok(Mind::make(
        bundle,
        &folder.articles,
        encoder,
        &cache,
        train,
    )?)
}

/// `file:line:col` of a span.
fn place_of(span: &Span, sources: &Sources) -> String {
    let Some(file) = sources.files.get(span.file as usize) else {
        return "?".to_owned();
    };
    let before = file.text.get(..span.start as usize).unwrap_or("");
    let row = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[start..].chars().count() + 1;
    format!("{}:{row}:{column}", file.path)
}

/// `1 flow`, `2 flows`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
