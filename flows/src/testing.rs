//! Runs a bot's conversation tests against the engine.

use crate::bundle::{Bundle, Test};
use crate::engine::event::{Passage, Reading};
use crate::span::Span;

/// What a test needs from the outside, deterministic.
pub trait World {
    /// Reads an utterance as the real NLU does.
    fn read(&mut self, text: &str, language: &str) -> Reading;
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
    /// `flow:step` ids that ran.
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

/// Runs one test.
pub fn run(bundle: &Bundle, test: &Test, world: &mut dyn World) -> TestResult {
    let _ = (bundle, world);
    TestResult {
        name: test.name.clone(),
        failures: Vec::new(),
        transcript: Vec::new(),
        covered: Vec::new(),
    }
}

/// Every `flow:step` of the bundle, for `--coverage`.
pub fn all_steps(bundle: &Bundle) -> Vec<(String, Span)> {
    let _ = bundle;
    Vec::new()
}
