//! YAML files as trees in which every key and value knows its place.
//!
//! Reading never fails: what is wrong becomes a [`Diagnostic`]. Files are hostile until shown
//! otherwise, so size and depth are bounded and aliases, with which a small file can become a huge
//! tree, are refused.

mod build;
mod scalar;
#[cfg(test)]
mod tests;

pub use build::parse;
pub use scalar::Scalar;

use crate::span::Span;

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// How deep lists and maps may nest.
pub const MAX_DEPTH: usize = 64;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// From its first to its last byte, quotes and brackets included.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// One text, number, truth value or null; which of them is for the reader to say.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map, its keys in the order of the file and each there once.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The scalar, where it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Whether it is null: `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// What it is, for messages: `a map`, `a list`, `the number 3`, …
    pub fn what(&self) -> String {
        match &self.kind {
            Kind::Map(_) => "a map".to_owned(),
            Kind::List(items) => match items.len() {
                1 => "a list of one".to_owned(),
                count => format!("a list of {count}"),
            },
            Kind::Scalar(scalar) => scalar.what(),
        }
    }

    /// As plain JSON by the core schema. A number that binary floating point can't hold exactly
    /// stays as JSON's nearest number; infinities and NaN become text.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.to_json(),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }
}
