//! Sources to bundle: parse, resolve, check.

use crate::bundle::Bundle;
use crate::diag::Diagnostic;
use crate::source::Sources;

/// An article as the flows see it: something to answer from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticleRef {
    /// Its path under `knowledge/` without `.md`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its language.
    pub language: String,
}

/// What came of compiling.
#[derive(Debug)]
pub struct Compiled {
    /// The bundle; absent when there are errors.
    pub bundle: Option<Bundle>,
    /// Findings in order of place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a bot. Never fails: every mistake becomes a finding.
pub fn compile(sources: &Sources, articles: &[ArticleRef]) -> Compiled {
    let _ = (sources, articles);
    Compiled {
        bundle: None,
        diagnostics: Vec::new(),
    }
}
