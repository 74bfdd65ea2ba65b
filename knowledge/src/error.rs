//! Why the retriever could not do its work.

use std::path::PathBuf;

/// A failed operation.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// A file or folder can't be read or written.
    #[error("knowledge index at {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The keyword index failed.
    #[error("keyword index: {0}; remove the cache folder to have it built anew")]
    Words(#[from] tantivy::TantivyError),
    /// The embedding model failed.
    #[error("embedding failed: {0}")]
    Embed(String),
    /// A line of an evaluation file can't be read.
    #[error("{}:{line}: {message}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}
