//! What can go wrong in here, said so that the reader knows what to do next.

use std::path::{Path, PathBuf};

/// A failure of the language part.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}; {hint}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
        /// What to do next.
        hint: String,
    },
    /// A model file is there but is not what this program can run.
    #[error("{} is not a model that can be used: {why}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A text could not be turned into tokens.
    #[error("cannot split a text of {bytes} bytes into tokens: {why}")]
    Tokenize {
        /// Its length.
        bytes: usize,
        /// Why.
        why: String,
    },
    /// Training or test data cannot be used.
    #[error("{} cannot be used as data: {why}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// What a bot teaches is not usable: which part, and what is wrong with it.
    #[error("{what}: {why}")]
    Spec {
        /// The intent, entity or example.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Saved weights cannot be read back.
    #[error("the saved {what} cannot be read: {why}; train it again")]
    Saved {
        /// What was saved.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    pub(crate) fn model(path: &Path, why: impl Into<String>) -> Self {
        Self::Model {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    pub(crate) fn data(path: &Path, why: impl Into<String>) -> Self {
        Self::Data {
            path: path.to_owned(),
            why: why.into(),
        }
    }
}
