//! Expressions: a typed subset of CEL with spans, static types, a depth limit and fuel.

use crate::span::Span;
use crate::value::Value;

/// A parsed, type-checked expression. (The language author replaces this with the real tree.)
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Source text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// What names mean while an expression runs.
pub trait Scope {
    /// Value of a resolved name: a slot id, a local, or a built-in (`turn`, `conversation`, `customer`,
    /// `intent`, `mood`, `channel`, `now`, `error`). `None` when there is no such name.
    fn get(&self, name: &str) -> Option<Value>;
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// What happened.
    pub message: String,
    /// Where.
    pub span: Span,
}

impl Expr {
    /// Evaluates within `scope`.
    ///
    /// # Errors
    /// A type that does not fit at run time (a null in arithmetic, say), or fuel used up.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let _ = scope;
        Ok(Value::Null)
    }

    /// Slot ids it reads, for correction and compensation.
    pub fn reads(&self) -> Vec<String> {
        Vec::new()
    }
}
