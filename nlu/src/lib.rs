//! Text to reading: intent with an honest probability, entities, sentiment, language. Sync, no I/O
//! but the model's files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use error::Error;
pub use understanding::{Context, Mode, TrainOptions, Understanding};

pub mod acts;
mod calibrate;
mod conformal;
mod cuts;
pub mod encoder;
pub mod entity;
pub mod error;
pub mod eval;
pub mod impact;
pub mod intent;
pub mod language;
pub mod profanity;
mod random;
pub mod redact;
mod requests;
pub mod sentiment;
mod spans;
#[cfg(test)]
mod test_model;
mod threads;
mod tune;
mod understanding;
mod vectors;

/// Bytes of a message that are read: the sentence model sees 128 tokens, which hardly ever take more, and what follows is a
/// paste that must not cost seconds.
const READ_BYTES: usize = 4 * 1024;

/// The part of a text that is read.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(READ_BYTES)]
}

/// What a bot teaches its NLU.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Spec {
    /// Languages, the default first.
    pub languages: Vec<String>,
    /// IANA time zone that relative dates are read in.
    pub time_zone: String,
    /// ISO 4217 currency of amounts said without one.
    pub currency: String,
    /// Intents, and articles with `questions:` as `article:ID`.
    pub intents: Vec<IntentSpec>,
    /// Declared entities.
    pub entities: Vec<EntitySpec>,
}

/// An intent with its examples.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IntentSpec {
    /// Its id.
    pub name: String,
    /// Examples.
    pub examples: Vec<ExampleSpec>,
}

/// An example.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExampleSpec {
    /// Plain text.
    pub text: String,
    /// Its language.
    pub language: String,
    /// Byte ranges with the slot or entity they fill.
    pub marks: Vec<(usize, usize, String)>,
}

/// A declared entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntitySpec {
    /// Its id.
    pub name: String,
    /// How it is found.
    pub kind: EntityKind,
    /// Speech gives it letter by letter.
    pub spelled: bool,
}

/// How an entity is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// Canonical value -> language -> synonyms.
    List(BTreeMap<String, BTreeMap<String, Vec<String>>>),
    /// The match is the value.
    Regex(String),
    /// Learned from marks only.
    Learned,
}

/// What was made of an utterance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// One of the bot's languages.
    pub language: String,
    /// Best first, calibrated; with `none` they sum to 1.
    pub intents: Vec<(String, f64)>,
    /// Probability that it is none of them.
    pub none: f64,
    /// The requests of a message that has several, in its order; none where it has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
    /// The message in clauses, in order, each with what is done in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<acts::Clause>,
    /// Everything found, the first hundred of more; entries may overlap.
    pub entities: Vec<Entity>,
    /// 0 content or neutral, 1 very upset.
    pub negative: f64,
    /// The words that make it sound upset, the strongest first; none where it hardly does.
    #[serde(default)]
    pub reasons: Vec<sentiment::Reason>,
    /// Swear words, in order, the first hundred of more.
    #[serde(default)]
    pub profanity: Vec<profanity::Swearing>,
    /// Sentence embedding, L2-normalised, `[384]`; the retriever uses it again.
    #[serde(skip)]
    pub embedding: Vec<f32>,
}

/// One of several requests in a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it asks for.
    pub intent: String,
    /// Probability of the intent, of this part of the message read by itself.
    pub probability: f64,
}

/// An entity in the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Entity id, system type (`money`, `date`, `yes_no`, …), or slot id for a learned span.
    pub entity: String,
    /// Plain JSON: text for lists and regexes, `"42.00"` for numbers, `{"amount","currency"}` for money,
    /// ISO 8601 for dates and times, seconds for durations, bool for `yes_no`.
    pub value: serde_json::Value,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// 0 to 1.
    pub confidence: f64,
    /// How it is meant.
    #[serde(default, skip_serializing_if = "acts::Polarity::is_affirmed")]
    pub polarity: acts::Polarity,
}
