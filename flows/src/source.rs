//! The files of a bot, as texts: reading them from disk is the caller's work.

use serde::{Deserialize, Serialize};

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
