//! Findings as SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>),
//! for code-scanning views of hosting services and editors.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Diagnostic, Severity};
use crate::source::Sources;
use crate::span::Span;

/// Renders findings as one SARIF 2.1.0 log. Columns count Unicode code points from 1.
pub fn render_sarif(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let rules: BTreeSet<&str> = diagnostics.iter().map(|finding| finding.code).collect();
    let rules: Vec<Value> = rules.into_iter().map(|code| json!({"id": code})).collect();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|finding| result(finding, sources))
        .collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "bellhop check", "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}")
}

fn result(finding: &Diagnostic, sources: &Sources) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match &finding.help {
        Some(help) => format!("{}. {help}", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({
        "ruleId": finding.code,
        "level": level,
        "message": {"text": text},
        "locations": [location(finding.span, sources)],
    });
    if !finding.related.is_empty() {
        let related: Vec<Value> = finding
            .related
            .iter()
            .map(|(span, what)| {
                let mut place = location(*span, sources);
                place["message"] = json!({"text": what});
                place
            })
            .collect();
        result["relatedLocations"] = Value::Array(related);
    }
    if let Some(fix) = &finding.fix {
        let place = sources.place(finding.span);
        result["fixes"] = json!([{
            "artifactChanges": [{
                "artifactLocation": {"uri": uri(place.path)},
                "replacements": [{
                    "deletedRegion": region(finding.span, sources),
                    "insertedContent": {"text": fix},
                }],
            }],
        }]);
    }
    result
}

fn location(span: Span, sources: &Sources) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(sources.place(span).path)},
        "region": region(span, sources),
    }})
}

fn region(span: Span, sources: &Sources) -> Value {
    let place = sources.place(span);
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

/// A path as a relative URI reference: what RFC 3986 does not allow in a path is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}
