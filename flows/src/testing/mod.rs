//! Runs a bot's conversation tests against the engine: time is virtual, actions answer with their
//! stubs, the NLU and the retriever come in through [`World`]. The same bot, test and world give the
//! same result, byte for byte.

mod expect;
mod run;

use jiff::Timestamp;

use crate::bundle::{Bundle, Step};
use crate::compile::walk;
use crate::engine::event::{Passage, Reading};
use crate::span::Span;

pub use run::run;

/// Seconds since 1970 at which every test begins: 2026-03-04 10:00:00 UTC, a Wednesday. Each turn is one second later.
const START_S: i64 = 1_772_618_400;

/// When every test begins: 2026-03-04 10:00:00 UTC, a Wednesday. A [`World`] reads "tomorrow" from here.
pub fn start() -> Timestamp {
    Timestamp::from_second(START_S).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What a test needs from the outside, deterministic.
pub trait World {
    /// Reads an utterance as the real NLU does, in the light of the open question (`engine::open_question`).
    fn read(&mut self, text: &str, language: &str, open: Option<&'static str>) -> Reading;
    /// Searches as the real retriever does; `article` restricts to one article.
    fn search(&mut self, query: &str, language: &str, article: Option<&str>) -> Vec<Passage>;
}

/// How a test went.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// What was not as expected; empty when it passed.
    pub failures: Vec<Failure>,
    /// The conversation as it went, one line an utterance.
    pub transcript: Vec<String>,
    /// `flow:step` ids that ran, sorted.
    pub covered: Vec<String>,
}

/// One expectation that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Where the turn stands.
    pub span: Span,
    /// Expected and found.
    pub message: String,
}

/// Every `flow:step` of the bundle with its place, in order of flow and step, for `--coverage`.
pub fn all_steps(bundle: &Bundle) -> Vec<(String, Span)> {
    let mut out = Vec::new();
    for (id, flow) in &bundle.flows {
        walk::steps(&flow.steps, &mut |step: &Step| {
            out.push((format!("{id}:{}", step.id), step.span));
        });
    }
    out
}

#[cfg(test)]
mod tests;
