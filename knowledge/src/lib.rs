//! Documents to passages: Markdown articles with front matter, indexed by words (BM25) and by
//! meaning (dense vectors), fused; an answer always names its article.

use serde::{Deserialize, Serialize};

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

/// Who may see an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Customers and staff.
    Public,
    /// Staff only: never reaches a customer.
    Internal,
}

/// An article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// Path under `knowledge/` without `.md`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Who may see it.
    pub audience: Audience,
    /// BCP 47 primary language.
    pub language: String,
    /// Who keeps it true.
    pub owner: String,
    /// When it must be looked at again.
    pub review_by: jiff::civil::Date,
    /// Questions it answers, in customers' words: taught to the NLU as `article:ID`.
    pub questions: Vec<String>,
    /// Address customers can open, if any.
    pub url: Option<String>,
    /// Markdown after the front matter.
    pub body: String,
}

/// What is wrong with an article, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Path relative to the bot folder.
    pub path: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// The article can't be used.
    pub is_error: bool,
    /// What and what to do.
    pub message: String,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The question.
    pub text: &'a str,
    /// Its embedding, where the caller has it already.
    pub vector: Option<&'a [f32]>,
    /// Language of the answer.
    pub language: &'a str,
    /// Who asks.
    pub audience: Audience,
    /// Only this article.
    pub article: Option<&'a str>,
    /// Most passages wanted.
    pub limit: usize,
}

/// A passage that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Article id.
    pub article: String,
    /// Title of the article.
    pub title: String,
    /// Heading within it, if any.
    pub section: Option<String>,
    /// The text, plain.
    pub text: String,
    /// Address customers can open, if any.
    pub url: Option<String>,
    /// Calibrated probability that it answers.
    pub confidence: f64,
}
