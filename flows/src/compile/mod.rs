//! Sources to bundle: parse, resolve, check.

mod actions;
mod bot;
mod cx;
mod entities;
mod examples;
mod expect;
mod flows;
mod hash;
mod index;
mod intents;
mod pattern_texts;
mod patterns;
mod policy;
mod read;
mod responses;
mod scope;
mod slots;
mod split;
mod steps;
mod tests_section;
mod text;
mod usage;
mod values;
pub(crate) mod walk;

use serde::{Deserialize, Serialize};

use crate::bundle::Bundle;
use crate::check::check;
use crate::diag::{Diagnostic, Severity};
use crate::source::Sources;
use crate::syntax;

/// An article as the flows see it: something to answer from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
///
/// When a file is no YAML at all, only that is reported: whatever it declares would else be missing
/// everywhere.
pub fn compile(sources: &Sources, articles: &[ArticleRef]) -> Compiled {
    let mut findings = Vec::new();
    let mut roots = Vec::new();
    let mut readable = true;
    for (file, source) in (0u32..).zip(&sources.files) {
        let (root, found) = syntax::parse(file, &source.text);
        readable &= root.is_some() || found.is_empty();
        findings.extend(found);
        roots.extend(root);
    }
    let bundle = if readable {
        let files: Vec<index::File<'_>> = index::files(&roots, &mut findings);
        let (bundle, found) = bot::compile(&files, articles, hash::of(sources));
        findings.extend(found);
        Some(bundle)
    } else {
        None
    };
    let broken = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    let mut bundle = bundle.filter(|_| !broken);
    if let Some(whole) = &bundle {
        findings.extend(check(whole));
        if findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
        {
            bundle = None;
        }
    }
    findings.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    findings.dedup();
    Compiled {
        bundle,
        diagnostics: findings,
    }
}
