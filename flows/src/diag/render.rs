//! Findings for people, and as JSON lines for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Diagnostic, Severity};
use crate::source::{Place, Sources};

/// The most characters of a source line that are shown.
const WIDTH: usize = 120;

/// Renders findings as text: `file:line:col severity[code]: message`, source line and caret, then
/// related places and help, each finding after an empty line.
pub fn render_text(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for finding in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        let place = sources.place(finding.span);
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "{}:{}:{} {}[{}]: {}",
            place.path,
            place.line,
            place.column,
            finding.severity.word(),
            finding.code,
            finding.message
        );
        excerpt(&mut out, &place);
        for (span, what) in &finding.related {
            let other = sources.place(*span);
            let _ = writeln!(
                out,
                "  {what}: {}:{}:{}",
                other.path, other.line, other.column
            );
            excerpt(&mut out, &other);
        }
        if let Some(help) = &finding.help {
            let _ = writeln!(out, "  help: {help}");
        }
        if let Some(fix) = &finding.fix {
            let _ = writeln!(out, "  fix: write `{fix}`");
        }
    }
    out
}

/// The source line with carets under the place. A long line is cut to a window around it.
fn excerpt(out: &mut String, place: &Place<'_>) {
    let number = place.line.to_string();
    let chars: Vec<char> = place
        .source_line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let start = (place.column - 1).min(chars.len());
    let last = if place.end_line == place.line {
        (place.end_column - 1).clamp(start, chars.len())
    } else {
        chars.len()
    };
    let from = if start > WIDTH * 2 / 3 {
        start - WIDTH / 3
    } else {
        0
    };
    let to = (from + WIDTH).min(chars.len());
    let shown: String = chars.get(from..to).unwrap_or_default().iter().collect();
    let (head, tail) = (
        if from > 0 { "…" } else { "" },
        if to < chars.len() { "…" } else { "" },
    );
    let _ = writeln!(out, "{number:>5} | {head}{}{tail}", shown.trim_end());
    let indent = " ".repeat(start - from + head.chars().count());
    let carets = "^".repeat(last.min(to).saturating_sub(start).max(1));
    let _ = writeln!(out, "      | {indent}{carets}");
}

/// A finding with its place spelled out.
#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    severity: Severity,
    message: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Other<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a str>,
}

/// Another place that matters.
#[derive(Serialize)]
struct Other<'a> {
    message: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
}

/// Renders findings as a JSON list with `code, severity, message, file, line, column, end_line,
/// end_column` and, where there are any, `related`, `help` and `fix`. Lines and columns count from
/// 1, columns in characters.
pub fn render_json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let told: Vec<Told<'_>> = diagnostics
        .iter()
        .map(|finding| {
            let place = sources.place(finding.span);
            Told {
                code: finding.code,
                severity: finding.severity,
                message: &finding.message,
                file: place.path,
                line: place.line,
                column: place.column,
                end_line: place.end_line,
                end_column: place.end_column,
                related: finding
                    .related
                    .iter()
                    .map(|(span, what)| {
                        let place = sources.place(*span);
                        Other {
                            message: what,
                            file: place.path,
                            line: place.line,
                            column: place.column,
                        }
                    })
                    .collect(),
                help: finding.help.as_deref(),
                fix: finding.fix.as_deref(),
            }
        })
        .collect();
    // Serialising texts and numbers can't fail.
    serde_json::to_string_pretty(&told).unwrap_or_default()
}
