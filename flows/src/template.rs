//! Text with holes: `{slot|filter}` over expressions. No template is ever built from a customer's text.

use crate::expr::{EvalError, Scope};

/// A parsed template. (The language author replaces this with the real tree.)
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    /// Source text.
    pub text: String,
}

/// For whom a template is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendering<'a> {
    /// Language of the formatters.
    pub language: &'a str,
    /// For the ear: digits spelled, amounts in words.
    pub spoken: bool,
}

impl Template {
    /// Renders within `scope`; `{env.NAME}` holes are left as they stand for the action runner.
    ///
    /// # Errors
    /// A hole whose expression has no value.
    pub fn render(&self, scope: &dyn Scope, how: Rendering<'_>) -> Result<String, EvalError> {
        let _ = (scope, how);
        Ok(self.text.clone())
    }

    /// Slot ids it reads.
    pub fn reads(&self) -> Vec<String> {
        Vec::new()
    }
}
