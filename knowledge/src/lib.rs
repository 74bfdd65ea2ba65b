//! Documents to passages: Markdown articles with front matter, indexed by words (BM25) and by
//! meaning (dense vectors), fused; an answer always names its article.
//!
//! Knows nothing of models, flows or the network: embeddings come through [`Embed`]. An internal
//! article is filtered out before anything is scored, so it can't leak through a ranking.

pub mod article;
mod chunk;
pub mod confidence;
mod error;
pub mod eval;
mod index;
mod neighbours;
mod vectors;
mod words;

pub use article::{Article, Audience, Finding, parse_article};
pub use error::KnowledgeError;
pub use index::{Hit, Index, Query, Ranking};

/// Turns texts into L2-normalised vectors.
pub trait Embed: Sync {
    /// Embeds each text, in order.
    ///
    /// # Errors
    /// Whatever the model says, as text.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String>;
    /// Names the model, so that a cached index of another model is not used.
    fn id(&self) -> String;
}
