//! Tokens to a tree without types.

use std::ops::Range;

use super::lex::{Token, lex};
use super::{MAX_DEPTH, Place};
use crate::diag::Diagnostic;
use crate::value::Value;

/// A node of the tree, before names and types are looked at.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) kind: RawKind,
    /// Bytes of the expression it covers.
    pub(super) range: Range<usize>,
    /// Levels below and with it.
    depth: u16,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum RawKind {
    Literal(Value),
    Name(String),
    /// A field, with the range of its name.
    Field(Box<Raw>, String, Range<usize>),
    List(Vec<Raw>),
    Not(Box<Raw>),
    Negate(Box<Raw>),
    Binary(Op, Box<Raw>, Box<Raw>),
    Cond(Box<Raw>, Box<Raw>, Box<Raw>),
    /// A function, with the range of its name.
    Call(String, Range<usize>, Vec<Raw>),
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl Op {
    /// The operator as written.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
        }
    }
}

/// Operators by how tightly they bind, loosest first; all are grouped from the left.
const LEVELS: [&[Op]; 5] = [
    &[Op::Or],
    &[Op::And],
    &[Op::Eq, Op::Ne, Op::Le, Op::Ge, Op::Lt, Op::Gt, Op::In],
    &[Op::Add, Op::Sub],
    &[Op::Mul, Op::Div, Op::Rem],
];

/// Parses a whole expression.
pub(super) fn parse(text: &str, place: &Place) -> Result<Raw, Diagnostic> {
    let mut parser = Parser {
        tokens: lex(text, place)?,
        next: 0,
        open: 0,
        place,
    };
    let root = parser.ternary()?;
    match parser.peek() {
        Token::End => Ok(root),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    /// Calls of itself that are open.
    open: u16,
    place: &'a Place,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)].0
    }

    fn range(&self) -> Range<usize> {
        self.tokens[self.next.min(self.tokens.len() - 1)].1.clone()
    }

    fn take(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Token::Op(o) if *o == op);
        self.next += usize::from(found);
        found
    }

    fn need(&mut self, op: &str) -> Result<Range<usize>, Diagnostic> {
        let range = self.range();
        if self.take(op) {
            Ok(range)
        } else {
            Err(self.unexpected(&format!("`{op}`")))
        }
    }

    fn unexpected(&self, wanted: &str) -> Diagnostic {
        let found = match self.peek() {
            Token::Number(n) => format!("`{n}`"),
            Token::Text(_) => "a text".to_owned(),
            Token::Name(n) => format!("`{n}`"),
            Token::Op(o) => format!("`{o}`"),
            Token::End => "the end".to_owned(),
        };
        let message = format!("expected {wanted}, found {found}");
        let mut finding = self.place.error("E0301", message, self.range());
        finding.help = match self.peek() {
            Token::Name(n) if n == "and" => Some("write `&&` for and".to_owned()),
            Token::Name(n) if n == "or" => Some("write `||` for or".to_owned()),
            _ => None,
        };
        finding
    }

    fn node(&self, kind: RawKind, range: Range<usize>) -> Result<Raw, Diagnostic> {
        let below = match &kind {
            RawKind::Literal(_) | RawKind::Name(_) => 0,
            RawKind::Field(a, ..) | RawKind::Not(a) | RawKind::Negate(a) => a.depth,
            RawKind::Binary(_, a, b) => a.depth.max(b.depth),
            RawKind::Cond(a, b, c) => a.depth.max(b.depth).max(c.depth),
            RawKind::List(items) | RawKind::Call(_, _, items) => {
                items.iter().map(|i| i.depth).max().unwrap_or(0)
            }
        };
        if below >= MAX_DEPTH {
            return Err(self.too_deep(range));
        }
        let depth = below + 1;
        Ok(Raw { kind, range, depth })
    }

    fn too_deep(&self, range: Range<usize>) -> Diagnostic {
        let message = format!("nested more than {MAX_DEPTH} levels deep");
        let mut found = self.place.error("E0302", message, range);
        found.help = Some("split it with `set` into several slots".to_owned());
        found
    }

    fn enter(&mut self) -> Result<(), Diagnostic> {
        self.open += 1;
        if self.open > MAX_DEPTH {
            return Err(self.too_deep(self.range()));
        }
        Ok(())
    }

    fn ternary(&mut self) -> Result<Raw, Diagnostic> {
        self.enter()?;
        let mut out = self.binary(0)?;
        if self.take("?") {
            let then = self.ternary()?;
            self.need(":")?;
            let otherwise = self.ternary()?;
            let range = out.range.start..otherwise.range.end;
            let kind = RawKind::Cond(Box::new(out), Box::new(then), Box::new(otherwise));
            out = self.node(kind, range)?;
        }
        self.open -= 1;
        Ok(out)
    }

    fn binary(&mut self, level: usize) -> Result<Raw, Diagnostic> {
        let Some(ops) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(op) = self.operator(ops) {
            self.next += 1;
            let right = self.binary(level + 1)?;
            let range = left.range.start..right.range.end;
            left = self.node(RawKind::Binary(op, Box::new(left), Box::new(right)), range)?;
        }
        Ok(left)
    }

    fn operator(&self, ops: &[Op]) -> Option<Op> {
        let written = match self.peek() {
            Token::Op(o) => *o,
            Token::Name(n) if n == "in" => "in",
            _ => return None,
        };
        ops.iter().copied().find(|o| o.symbol() == written)
    }

    fn unary(&mut self) -> Result<Raw, Diagnostic> {
        let start = self.range().start;
        let not = self.take("!");
        if !not && !self.take("-") {
            return self.postfix();
        }
        self.enter()?;
        let inner = self.unary()?;
        self.open -= 1;
        let range = start..inner.range.end;
        let kind = if not {
            RawKind::Not(Box::new(inner))
        } else {
            RawKind::Negate(Box::new(inner))
        };
        self.node(kind, range)
    }

    fn postfix(&mut self) -> Result<Raw, Diagnostic> {
        let mut out = self.primary()?;
        while self.take(".") {
            let range = self.range();
            let Token::Name(name) = self.peek().clone() else {
                return Err(self.unexpected("the name of a field"));
            };
            self.next += 1;
            let start = out.range.start;
            out = if self.take("(") {
                let (args, end) = self.items(")", vec![out])?;
                self.node(RawKind::Call(name, range, args), start..end)?
            } else {
                let end = range.end;
                self.node(RawKind::Field(Box::new(out), name, range), start..end)?
            };
        }
        Ok(out)
    }

    /// Expressions between commas up to `close`, after those already there.
    fn items(&mut self, close: &str, mut out: Vec<Raw>) -> Result<(Vec<Raw>, usize), Diagnostic> {
        let before = out.len();
        loop {
            let end = self.range().end;
            if out.len() == before && self.take(close) {
                return Ok((out, end));
            }
            out.push(self.ternary()?);
            if !self.take(",") {
                return Ok((out, self.need(close)?.end));
            }
        }
    }

    fn primary(&mut self) -> Result<Raw, Diagnostic> {
        let range = self.range();
        let token = self.peek().clone();
        self.next += 1;
        let literal = match token {
            Token::Number(n) => return self.amount(n, range),
            Token::Text(t) => Value::Text(t),
            Token::Name(n) if n == "true" => Value::Bool(true),
            Token::Name(n) if n == "false" => Value::Bool(false),
            Token::Name(n) if n == "null" => Value::Null,
            Token::Name(n) if n != "in" => {
                if self.take("(") {
                    let (args, end) = self.items(")", Vec::new())?;
                    return self.node(RawKind::Call(n, range.clone(), args), range.start..end);
                }
                return self.node(RawKind::Name(n), range);
            }
            Token::Op("(") => {
                let inner = self.ternary()?;
                let end = self.need(")")?.end;
                return Ok(Raw {
                    range: range.start..end,
                    ..inner
                });
            }
            Token::Op("[") => {
                let (items, end) = self.items("]", Vec::new())?;
                return self.node(RawKind::List(items), range.start..end);
            }
            _ => {
                self.next -= 1;
                return Err(self.unexpected("a value"));
            }
        };
        self.node(RawKind::Literal(literal), range)
    }

    /// A number, or an amount of money where a currency follows.
    fn amount(
        &mut self,
        amount: rust_decimal::Decimal,
        range: Range<usize>,
    ) -> Result<Raw, Diagnostic> {
        let currency = match self.peek() {
            Token::Name(n) if n.len() == 3 && n.bytes().all(|b| b.is_ascii_uppercase()) => {
                n.clone()
            }
            _ => return self.node(RawKind::Literal(Value::Number(amount)), range),
        };
        let end = self.range().end;
        self.next += 1;
        let money = Value::Money { amount, currency };
        self.node(RawKind::Literal(money), range.start..end)
    }
}
