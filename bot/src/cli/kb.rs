//! `bellhop kb`: the retriever by itself.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use bellhop_knowledge::eval::{self, Report, Scores};

use super::args::{Kb, KbData};
use super::out::line;
use super::{compiled, count, encoder, mind};
use crate::config::Config;
use crate::nlu_adapter::Embedder;

/// Runs it.
pub(super) fn run(config: &Config, command: Kb) -> Result<ExitCode> {
    match command {
        Kb::Index { bot } => index(config, &bot)?,
        Kb::Search {
            bot,
            query,
            language,
        } => search(config, &bot, &query.join(" "), language.as_deref())?,
        Kb::Eval(data) => evaluate(config, &data)?,
        Kb::Calibrate(data) => calibrate(config, &data)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn index(config: &Config, bot: &Path) -> Result<()> {
    let (folder, bundle) = compiled(Some(bot))?;
    let mind = mind(config, &folder, &bundle, None)?;
    let (articles, passages) = mind.size;
    line(&format!(
        "{}, {} in {}",
        count(articles, "article"),
        count(passages, "passage"),
        config.cache_dir().display()
    ));
    Ok(())
}

fn search(config: &Config, bot: &Path, query: &str, language: Option<&str>) -> Result<()> {
    let (folder, bundle) = compiled(Some(bot))?;
    let mind = mind(config, &folder, &bundle, None)?;
    let language = language
        .or(bundle.languages.first().map(String::as_str))
        .unwrap_or("en");
    let passages = mind
        .retriever()
        .search(query, None, language, None)
        .map_err(anyhow::Error::msg)?;
    for passage in passages {
        let section = passage
            .section
            .map(|name| format!(" › {name}"))
            .unwrap_or_default();
        line(&format!(
            "{:.2}  {}{section}  [{}]\n      {}",
            passage.confidence,
            passage.title,
            passage.article,
            passage.text.replace('\n', "\n      ")
        ));
    }
    Ok(())
}

fn evaluate(config: &Config, data: &KbData) -> Result<()> {
    let (embedder, corpus, questions) = read(config, data)?;
    let report = eval::evaluate(&config.cache_dir(), &corpus, &questions, &embedder)?;
    if let Some(path) = &data.json {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(path, json).with_context(|| path.display().to_string())?;
    }
    print(&report);
    Ok(())
}

fn print(report: &Report) {
    line(&format!(
        "{}, {}; one hybrid search with its embedding: p50 {} µs, p95 {} µs",
        count(report.documents, "document"),
        count(report.queries, "question"),
        report.latency_us.p50,
        report.latency_us.p95
    ));
    line("         mrr@10  ndcg@10  hit@1  recall@5");
    let rows: [(&str, &Scores); 3] = [
        ("bm25", &report.bm25),
        ("dense", &report.dense),
        ("hybrid", &report.hybrid),
    ];
    for (name, scores) in rows {
        line(&format!(
            "{name:<8} {:>6.3}  {:>7.3}  {:>5.3}  {:>8.3}",
            scores.mrr_at_10, scores.ndcg_at_10, scores.hit_at_1, scores.recall_at_5
        ));
    }
}

fn calibrate(config: &Config, data: &KbData) -> Result<()> {
    let (embedder, corpus, questions) = read(config, data)?;
    let (weights, samples) = eval::calibrate(&config.cache_dir(), &corpus, &questions, &embedder)?;
    let right = samples.iter().filter(|(_, right)| *right).count();
    line(&format!(
        "{} ({right} right): {weights:#?}",
        count(samples.len(), "sample")
    ));
    // How honest the fitted confidence is: in each tenth, what was promised and what came.
    for tenth in 0..10 {
        let (low, high) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
        let inside: Vec<(f64, bool)> = samples
            .iter()
            .map(|(evidence, right)| (weights.probability(*evidence), *right))
            .filter(|(probability, _)| *probability >= low && *probability < high)
            .collect();
        if inside.is_empty() {
            continue;
        }
        let total = inside.len() as f64;
        let promised: f64 = inside
            .iter()
            .map(|(probability, _)| probability)
            .sum::<f64>()
            / total;
        let came = inside.iter().filter(|(_, right)| *right).count() as f64 / total;
        line(&format!(
            "{low:.1} to {high:.1}: promised {promised:.2}, right {came:.2} of {}",
            inside.len()
        ));
    }
    Ok(())
}

type Data = (
    Embedder,
    Vec<bellhop_knowledge::Article>,
    Vec<eval::Question>,
);

fn read(config: &Config, data: &KbData) -> Result<Data> {
    let corpus = eval::read_corpus(&data.corpus)?;
    let questions = eval::read_questions(&data.queries)?;
    let encoder = encoder(config)?;
    Ok((Embedder::new(Arc::new(encoder)), corpus, questions))
}
