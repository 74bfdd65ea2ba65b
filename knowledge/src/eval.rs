//! `bellhop kb eval` and `kb calibrate`: how good the retriever is on questions with known answers.
//!
//! Measures as in TREC: MRR@10, nDCG@10 with binary relevance, hit@1, recall@5.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::article::{Article, Audience};
use crate::confidence::{Evidence, Weights, fit};
use crate::index::{Index, Query, Ranking};
use crate::{Embed, KnowledgeError};

/// A line of a corpus file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Document {
    id: String,
    title: String,
    text: String,
}

/// A line of a query file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Question {
    /// What is asked.
    pub query: String,
    /// Ids of the documents that answer.
    pub relevant: Vec<String>,
}

/// How good one ranking is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Scores {
    /// Mean reciprocal rank of the first right document within ten.
    pub mrr_at_10: f64,
    /// Normalised discounted cumulative gain within ten.
    pub ndcg_at_10: f64,
    /// Share whose first document is right.
    pub hit_at_1: f64,
    /// Share of the right documents within five.
    pub recall_at_5: f64,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
}

/// What `kb eval` prints.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Report {
    /// Number of documents.
    pub documents: usize,
    /// Number of questions.
    pub queries: usize,
    /// BM25 alone.
    pub bm25: Scores,
    /// Cosine alone.
    pub dense: Scores,
    /// Both, fused.
    pub hybrid: Scores,
    /// One hybrid search with its embedding.
    pub latency_us: Latency,
}

/// Reads a corpus of `{id, title, text}` lines.
///
/// # Errors
/// An unreadable file or line, with its number.
pub fn read_corpus(path: &Path) -> Result<Vec<Article>, KnowledgeError> {
    let documents: Vec<Document> = read_lines(path)?;
    Ok(documents
        .into_iter()
        .map(|document| Article {
            id: document.id,
            title: document.title,
            audience: Audience::Public,
            language: "en".into(),
            owner: String::new(),
            review_by: jiff::civil::Date::MAX,
            questions: Vec::new(),
            url: None,
            body: document.text,
        })
        .collect())
}

/// Reads `{query, relevant}` lines.
///
/// # Errors
/// An unreadable file or line, with its number.
pub fn read_questions(path: &Path) -> Result<Vec<Question>, KnowledgeError> {
    read_lines(path)
}

fn read_lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>, KnowledgeError> {
    let text = std::fs::read_to_string(path).map_err(|source| KnowledgeError::Io {
        path: path.to_owned(),
        source,
    })?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| KnowledgeError::BadLine {
                path: path.to_owned(),
                line: number + 1,
                message: error.to_string(),
            })
        })
        .collect()
}

/// Scores the three rankings on the questions.
///
/// # Errors
/// A failing model or index.
pub fn evaluate(
    dir: &Path,
    corpus: &[Article],
    questions: &[Question],
    embed: &dyn Embed,
) -> Result<Report, KnowledgeError> {
    let index = Index::open_or_build(dir, corpus, embed)?;
    let mut report = Report {
        documents: corpus.len(),
        queries: questions.len(),
        ..Report::default()
    };
    let mut times = Vec::with_capacity(questions.len());
    for question in questions {
        let started = Instant::now();
        let vector = embed_one(embed, &question.query)?;
        let query = query(question, &vector);
        let (hybrid, _) = index.articles(&query, Ranking::Hybrid)?;
        times.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        let (words, _) = index.articles(&query, Ranking::Words)?;
        let (dense, _) = index.articles(&query, Ranking::Dense)?;
        let relevant: BTreeSet<&str> = question.relevant.iter().map(String::as_str).collect();
        report.hybrid.add(&hybrid, &relevant);
        report.bm25.add(&words, &relevant);
        report.dense.add(&dense, &relevant);
    }
    for scores in [&mut report.hybrid, &mut report.bm25, &mut report.dense] {
        scores.divide(questions.len().max(1) as f64);
    }
    times.sort_unstable();
    let at = |share: f64| {
        let place = (share * times.len() as f64) as usize;
        times.get(place.min(times.len().saturating_sub(1))).copied()
    };
    report.latency_us = Latency {
        p50: at(0.5).unwrap_or(0),
        p95: at(0.95).unwrap_or(0),
    };
    Ok(report)
}

/// Fits the confidence: each question asked of the whole corpus, and of the corpus without its
/// answers.
///
/// # Errors
/// A failing model or index.
pub fn calibrate(
    dir: &Path,
    corpus: &[Article],
    questions: &[Question],
    embed: &dyn Embed,
) -> Result<(Weights, Vec<(Evidence, bool)>), KnowledgeError> {
    let whole = Index::open_or_build(dir, corpus, embed)?;
    let mut samples = Vec::new();
    let mut by_answers: Vec<(&[String], Vec<&Question>)> = Vec::new();
    for question in questions {
        let known = by_answers
            .iter_mut()
            .find(|(answers, _)| *answers == question.relevant.as_slice());
        match known {
            Some((_, list)) => list.push(question),
            None => by_answers.push((&question.relevant, vec![question])),
        }
    }
    for (answers, list) in by_answers {
        let rest: Vec<Article> = corpus
            .iter()
            .filter(|article| !answers.contains(&article.id))
            .cloned()
            .collect();
        let without = Index::open_or_build(dir, &rest, embed)?;
        for question in list {
            let vector = embed_one(embed, &question.query)?;
            let query = query(question, &vector);
            let (ids, evidence) = whole.articles(&query, Ranking::Hybrid)?;
            if let (Some(first), Some(evidence)) = (ids.first(), evidence) {
                samples.push((evidence, answers.iter().any(|id| id == first)));
            }
            let (_, evidence) = without.articles(&query, Ranking::Hybrid)?;
            samples.extend(evidence.map(|evidence| (evidence, false)));
        }
    }
    Ok((fit(&samples), samples))
}

fn embed_one(embed: &dyn Embed, text: &str) -> Result<Vec<f32>, KnowledgeError> {
    let mut rows = embed.embed(&[text]).map_err(KnowledgeError::Embed)?;
    rows.pop()
        .ok_or_else(|| KnowledgeError::Embed("the model gave no vector".into()))
}

fn query<'a>(question: &'a Question, vector: &'a [f32]) -> Query<'a> {
    Query {
        text: &question.query,
        vector: Some(vector),
        language: "en",
        audience: Audience::Public,
        article: None,
        limit: 10,
    }
}

impl Scores {
    fn add(&mut self, ranked: &[&str], relevant: &BTreeSet<&str>) {
        let gain = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
        let right: Vec<usize> = ranked
            .iter()
            .take(10)
            .enumerate()
            .filter(|(_, id)| relevant.contains(*id))
            .map(|(rank, _)| rank)
            .collect();
        let ideal: f64 = (0..relevant.len().min(10)).map(gain).sum();
        if let Some(first) = right.first() {
            self.mrr_at_10 += 1.0 / (*first as f64 + 1.0);
            self.hit_at_1 += f64::from(u8::from(*first == 0));
            self.ndcg_at_10 += right.iter().map(|rank| gain(*rank)).sum::<f64>() / ideal;
        }
        let found = right.iter().filter(|rank| **rank < 5).count();
        self.recall_at_5 += found as f64 / relevant.len().max(1) as f64;
    }

    fn divide(&mut self, count: f64) {
        for value in [
            &mut self.mrr_at_10,
            &mut self.ndcg_at_10,
            &mut self.hit_at_1,
            &mut self.recall_at_5,
        ] {
            *value /= count;
        }
    }
}
