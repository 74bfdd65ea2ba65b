//! Expressions: a typed subset of CEL with spans, static types, a depth limit and fuel.
//!
//! | what | how |
//! |---|---|
//! | literals | `3.5`, `'text'`, `"text"`, `true`, `false`, `null`, `42.00 EUR`, `['a', 'b']` |
//! | names | slots, locals, built-ins; `order.total` reads a field |
//! | operators | `? :`, `\|\|`, `&&`, `== != < <= > >= in`, `+ -`, `* / %`, `! -` |
//! | functions | see [`Function`](func); `contains(x, 'a')` may also be written `x.contains('a')` |
//!
//! An empty slot is `null`. It equals only `null`, its fields are `null`, and where a yes or no is
//! needed it counts as no; in arithmetic and in an order it is an [`EvalError`].

mod call;
mod check;
mod eval;
mod func;
mod lex;
mod parse;

use crate::diag::Diagnostic;
use crate::span::Span;
use crate::value::{Type, Value};

/// Longest expression, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Deepest nesting, of parentheses and of the tree.
const MAX_DEPTH: u16 = 64;

/// A parsed, type-checked expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    text: String,
    place: Place,
    ty: Type,
    root: check::Node,
    reads: Vec<String>,
}

/// What names mean while an expression runs.
pub trait Scope {
    /// Value of a resolved name: a slot id, a local, or a built-in (`turn`, `conversation`, `customer`,
    /// `intent`, `mood`, `channel`, `now`, `error`). `None` when there is no such name.
    fn get(&self, name: &str) -> Option<Value>;
}

/// What names mean while an expression is checked.
pub trait Names {
    /// The resolved name (what [`Scope::get`] is asked for) and its type. `None` when there is no
    /// such name. A dotted name is asked for as a whole before its first part is.
    fn lookup(&self, name: &str) -> Option<(String, Type)>;
    /// Every name there is, for the nearest one in a finding.
    fn candidates(&self) -> Vec<String>;
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
    /// Parses and checks `text`, which stands at `at`.
    ///
    /// # Errors
    /// Every mistake in it: what does not parse (the first), unknown names, types that do not fit.
    pub fn parse(text: &str, at: Span, names: &dyn Names) -> Result<Self, Vec<Diagnostic>> {
        let place = Place::new(at, text.len());
        if text.len() > MAX_BYTES {
            let message = format!("an expression of more than {MAX_BYTES} bytes");
            return Err(vec![place.error("E0310", message, 0..text.len())]);
        }
        let raw = parse::parse(text, &place).map_err(|e| vec![e])?;
        let checked = check::check(&raw, &place, names)?;
        Ok(Self {
            text: text.to_owned(),
            place,
            ty: checked.ty,
            root: checked.node,
            reads: checked.reads,
        })
    }

    /// Its type; [`Type::Any`] where it is known only at run time.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// Its source text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        self.place.at
    }

    /// Evaluates within `scope`.
    ///
    /// # Errors
    /// A type that does not fit at run time (a null in arithmetic, say), a division by zero, two
    /// currencies in one sum, a result out of range, or fuel used up.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        eval::run(&self.root, &self.place, scope)
    }

    /// Texts that a name is compared with, by `==`, `!=` or `in`: the resolved name, the text, its place.
    pub fn compared(&self) -> Vec<(&str, &str, Span)> {
        let mut out = Vec::new();
        self.root.compared(&mut |name, text, range| {
            out.push((name, text, self.place.span(range)));
        });
        out
    }

    /// Resolved names it reads (slots, locals and built-ins), sorted, for correction and compensation.
    pub fn reads(&self) -> Vec<String> {
        self.reads.clone()
    }
}

/// Where a text stands, to turn a range within it into a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    at: Span,
    /// Bytes between the start of `at` and the text; `None` where the two can't be lined up (escapes,
    /// folded lines), so that only the whole place can be pointed at.
    shift: Option<u32>,
}

impl Place {
    /// A text of `len` bytes at `at`: with or without quotes around it.
    pub(crate) fn new(at: Span, len: usize) -> Self {
        let width = at.end.saturating_sub(at.start) as usize;
        let shift = if width == len {
            Some(0)
        } else if width == len + 2 {
            Some(1)
        } else {
            None
        };
        Self { at, shift }
    }

    /// The place of a part of the text.
    pub(crate) fn span(&self, range: std::ops::Range<usize>) -> Span {
        let Some(shift) = self.shift else {
            return self.at;
        };
        let offset = |n: usize| {
            let n = u32::try_from(n).unwrap_or(u32::MAX);
            self.at.start.saturating_add(shift).saturating_add(n)
        };
        Span {
            file: self.at.file,
            start: offset(range.start),
            end: offset(range.end),
        }
    }

    /// An error at a part of the text.
    pub(crate) fn error(
        &self,
        code: &'static str,
        message: impl Into<String>,
        range: std::ops::Range<usize>,
    ) -> Diagnostic {
        Diagnostic::error(code, self.span(range), message)
    }
}

#[cfg(test)]
pub(crate) mod tests;
