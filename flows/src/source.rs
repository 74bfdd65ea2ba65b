//! The files of a bot, as texts: reading them from disk is the caller's work.

use serde::{Deserialize, Serialize};

use crate::span::Span;

/// One source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Path relative to the bot folder, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// All YAML files of a bot, sorted by path; [`crate::span::Span::file`] is an index into it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sources {
    /// The files.
    pub files: Vec<SourceFile>,
}

/// A span as a reader counts: lines and columns from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'a> {
    /// Path of the file; `?` when the span names no file.
    pub path: &'a str,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the character after the last.
    pub end_line: usize,
    /// Column of the character after the last.
    pub end_column: usize,
    /// The whole first line, without its line break.
    pub source_line: &'a str,
}

impl Sources {
    /// Where `span` stands. A span outside the files or off a character border is moved to the
    /// nearest place that is there.
    pub fn place(&self, span: Span) -> Place<'_> {
        let Some(file) = self.files.get(span.file as usize) else {
            return Place {
                path: "?",
                line: 1,
                column: 1,
                end_line: 1,
                end_column: 1,
                source_line: "",
            };
        };
        let text = file.text.as_str();
        let start = floor_char(text, span.start as usize);
        let end = floor_char(text, span.end as usize).max(start);
        let (line, column) = line_column(text, start);
        let (end_line, end_column) = line_column(text, end);
        let from = text
            .get(..start)
            .unwrap_or("")
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let rest = text.get(from..).unwrap_or("");
        let source_line = rest.lines().next().unwrap_or("");
        Place {
            path: &file.path,
            line,
            column,
            end_line,
            end_column,
            source_line,
        }
    }
}

/// The nearest character border at or before `at`.
fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Line and column of the byte `at`, both from 1, the column in characters.
fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or("");
    (
        line,
        last.trim_start_matches('\u{feff}').chars().count() + 1,
    )
}
