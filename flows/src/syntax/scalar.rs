//! Scalars by the YAML 1.2 core schema: only `true`/`false`, `null`/`~` and numbers are anything
//! but text, and only without quotes.

use crate::span::Span;

/// A scalar, not yet read as anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// Its text, escapes resolved.
    pub text: String,
    /// Whether it stands without quotes, so that it may be something else than text.
    pub plain: bool,
    /// The text without its quotes. Offsets in [`Self::text`] are offsets in here if the two are
    /// equally long; after an escape or a folded line they are not, and the span covers everything.
    pub inner: Span,
}

impl Scalar {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// As true or false.
    pub fn as_bool(&self) -> Option<bool> {
        if !self.plain {
            return None;
        }
        match self.text.as_str() {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// As a whole number.
    pub fn as_i64(&self) -> Option<i64> {
        if !self.plain {
            return None;
        }
        let text = self.text.as_str();
        if let Some(digits) = text.strip_prefix("0o") {
            return i64::from_str_radix(digits, 8).ok();
        }
        if let Some(digits) = text.strip_prefix("0x") {
            return i64::from_str_radix(digits, 16).ok();
        }
        text.parse().ok()
    }

    /// As a finite number.
    pub fn as_f64(&self) -> Option<f64> {
        if let Some(whole) = self.as_i64() {
            #[expect(clippy::cast_precision_loss, reason = "an author's numbers are small")]
            return Some(whole as f64);
        }
        let digits = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        if !self.plain || !self.text.chars().all(digits) {
            return None;
        }
        self.text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// What it is, for messages.
    pub fn what(&self) -> String {
        if self.is_null() {
            "nothing".to_owned()
        } else if self.text.trim().is_empty() {
            "an empty text".to_owned()
        } else if self.as_bool().is_some() {
            format!("`{}`", self.text)
        } else if self.as_f64().is_some() {
            format!("the number {}", self.text)
        } else {
            "a text".to_owned()
        }
    }

    /// As plain JSON.
    pub fn to_json(&self) -> serde_json::Value {
        if self.is_null() {
            return serde_json::Value::Null;
        }
        if let Some(truth) = self.as_bool() {
            return truth.into();
        }
        if let Some(whole) = self.as_i64() {
            return whole.into();
        }
        match self.as_f64().and_then(serde_json::Number::from_f64) {
            Some(number) => serde_json::Value::Number(number),
            None => self.text.clone().into(),
        }
    }
}
