//! `bellhop train`: what `serve` would do on its first start, ahead of it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use super::args::Mode;
use super::out::line;
use super::{compiled, count, mind};
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::load::spec;

/// Runs it.
pub(super) fn run(config: &Config, bot: &Path, mode: Mode) -> Result<ExitCode> {
    let (folder, bundle) = compiled(Some(bot))?;
    let watch = Stopwatch::start();
    let mind = mind(config, &folder, &bundle, Some(mode.into()))?;
    let spec = spec(&bundle, &folder.articles);
    let examples: usize = spec
        .intents
        .iter()
        .map(|intent| intent.examples.len())
        .sum();
    let (articles, passages) = mind.size;
    line(&format!(
        "{}: {} from {}, {} in {}, {:.1} s; cached in {}",
        bundle.name,
        count(spec.intents.len(), "intent"),
        count(examples, "example"),
        count(articles, "article"),
        count(passages, "passage"),
        watch.elapsed().as_secs_f64(),
        config.cache_dir().display()
    ));
    Ok(ExitCode::SUCCESS)
}
