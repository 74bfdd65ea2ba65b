//! From text to reading, and from question to passage: the seams to the model and the retriever, and
//! the compute thread between them and the turns.

use std::sync::Arc;

use jiff::Timestamp;

use bellhop_flows::engine::event::{Passage, Reading};

/// A message to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its text.
    pub text: String,
    /// Language of the conversation so far.
    pub language: String,
    /// When it was said: relative dates count from here.
    pub now: Timestamp,
}

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Understood {
    /// The reading.
    pub reading: Reading,
    /// Sentence embedding; empty where the reader has none.
    pub embedding: Arc<[f32]>,
}

/// Reads messages: the model, or a script in tests.
pub trait Understand: Send + Sync {
    /// Reads messages, in order; waiting ones come together.
    fn read(&self, requests: &[Request]) -> Vec<Result<Understood, String>>;
}

/// Finds passages that customers may see: the index, or a script in tests.
pub trait Retrieve: Send + Sync {
    /// Finds passages, best first, none below usefulness; `article` restricts to one.
    ///
    /// # Errors
    /// An index that can't be read.
    fn search(
        &self,
        query: &str,
        embedding: Option<&[f32]>,
        language: &str,
        article: Option<&str>,
    ) -> Result<Vec<Passage>, String>;
}
