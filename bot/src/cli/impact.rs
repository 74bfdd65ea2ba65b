//! `bellhop nlu impact`: what one more example would change, before it is added.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use bellhop_nlu::eval::read_text;
use bellhop_nlu::impact::{self, Best, Vectors};

use super::args::Impact;
use super::out::{line, warn};
use super::{compiled, count, mind};
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::conversation::journal::customer_text;
use crate::load::spec;
use crate::store::inputs_of_file;

/// Runs it.
pub(super) fn run(config: &Config, args: &Impact) -> Result<()> {
    let (folder, bundle) = compiled(Some(&args.bot))?;
    anyhow::ensure!(
        !args.add.trim().is_empty(),
        "--add needs a text that says something"
    );
    let messages = messages(args)?;
    let mind = mind(config, &folder, &bundle, None)?;
    let spec = spec(&bundle, &folder.articles);
    let path = config.cache_dir().join("vectors.bin");
    let fingerprint = mind.encoder.fingerprint();
    // Tuned layers give vectors of their own, which the next tuning changes.
    let keep = !mind.understanding.is_tuned();
    let mut vectors = if keep {
        known(&path, fingerprint)
    } else {
        Vectors::default()
    };
    let learned = impact::texts(&spec);
    let mut texts: Vec<&str> = learned.iter().map(AsRef::as_ref).collect();
    texts.push(args.add.trim());
    texts.extend(messages.iter().map(String::as_str));
    let new = vectors.keep(&mind.encoder, &mind.understanding, &texts)?;
    if keep && new > 0 {
        std::fs::write(&path, vectors.to_bytes(fingerprint))
            .with_context(|| path.display().to_string())?;
    }
    let accept = |intent: &str| {
        let own = bundle.intents.get(intent).and_then(|i| i.threshold);
        own.unwrap_or(bundle.understanding.accept)
    };
    let all: Vec<&str> = messages.iter().map(String::as_str).collect();
    let watch = Stopwatch::start();
    let added = (args.add.as_str(), args.intent.as_str());
    let changes = impact::impact(&mind.understanding, &spec, &vectors, added, &all, &accept)?;
    let seconds = watch.elapsed().as_secs_f64();
    for change in &changes {
        if args.json {
            line(&serde_json::to_string(change)?);
        } else {
            let (before, after) = (said(&change.before), said(&change.after));
            line(&format!("{before} -> {after}: {}", change.text));
        }
    }
    // Beside the result, which is the same every time.
    warn(&format!(
        "{} of {} would be read otherwise; {seconds:.2} s",
        changes.len(),
        count(all.len(), "message"),
    ));
    Ok(())
}

fn said(best: &Best) -> String {
    let refused = if best.accepted { "" } else { ", refused" };
    format!("{} ({:.2}{refused})", best.intent, best.probability)
}

/// The vectors that an earlier run left; none where there are none that can be used.
fn known(path: &Path, fingerprint: &str) -> Vectors {
    let bytes = std::fs::read(path).unwrap_or_default();
    Vectors::from_bytes(&bytes, fingerprint).unwrap_or_default()
}

/// The messages to look at, each once, in the order in which they were first sent.
fn messages(args: &Impact) -> Result<Vec<String>> {
    let all = match (&args.messages, &args.store) {
        (Some(path), _) => read_text(path)?.lines().map(str::to_owned).collect(),
        (None, Some(path)) => stored(path).with_context(|| path.display().to_string())?,
        (None, None) => anyhow::bail!("give --messages FILE or --store FILE: what to look at"),
    };
    let mut seen = BTreeSet::new();
    let new = |text: &String| !text.trim().is_empty() && seen.insert(text.clone());
    Ok(all.into_iter().filter(new).collect())
}

/// What customers have said, in the order in which it was stored. The file may be in use.
fn stored(path: &Path) -> Result<Vec<String>> {
    let inputs = inputs_of_file(path)?;
    let texts = inputs.iter().map(|input| customer_text(input).transpose());
    Ok(texts.flatten().collect::<Result<_, _>>()?)
}
