//! Running an expression.

use std::cmp::Ordering;
use std::ops::Range;

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::call;
use super::check::{Kind, Node};
use super::parse::Op;
use super::{EvalError, Place, Scope};
use crate::value::Value;

/// Nodes and list items that one run may look at.
const FUEL: u32 = 100_000;
/// Longest text that a run may build, in bytes.
pub(super) const MAX_TEXT: usize = 16 * 1024;
const DAY_S: i64 = 86_400;

/// Why a node has no value; the caller knows the place.
pub(super) type Fault = String;

/// Runs a whole expression.
pub(super) fn run(root: &Node, place: &Place, scope: &dyn Scope) -> Result<Value, EvalError> {
    let mut machine = Machine { scope, fuel: FUEL };
    machine.value(root).map_err(|(message, range)| EvalError {
        message,
        span: place.span(range),
    })
}

struct Machine<'a> {
    scope: &'a dyn Scope,
    fuel: u32,
}

type Outcome<T> = Result<T, (Fault, Range<usize>)>;

impl Machine<'_> {
    fn burn(&mut self, node: &Node, amount: usize) -> Outcome<()> {
        let amount = u32::try_from(amount).unwrap_or(u32::MAX);
        match self.fuel.checked_sub(amount) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => {
                let message = "this takes too long; compare shorter lists".to_owned();
                Err((message, node.range.clone()))
            }
        }
    }

    fn value(&mut self, node: &Node) -> Outcome<Value> {
        self.burn(node, 1)?;
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name(name) => Ok(self.scope.get(name).unwrap_or_default()),
            Kind::Field(of, name) => Ok(field(self.value(of)?, name)),
            Kind::List(items) => {
                let items: Outcome<Vec<Value>> = items.iter().map(|i| self.value(i)).collect();
                Ok(Value::List(items?))
            }
            Kind::Not(inner) => Ok(Value::Bool(!self.truth(inner)?)),
            Kind::Negate(inner) => {
                let value = self.value(inner)?;
                call::negate(value).map_err(|m| (m, node.range.clone()))
            }
            Kind::Binary(op, left, right) => self.binary(node, *op, left, right),
            Kind::Cond(test, then, otherwise) => {
                if self.truth(test)? {
                    self.value(then)
                } else {
                    self.value(otherwise)
                }
            }
            Kind::Call(func, args) => {
                let values: Outcome<Vec<Value>> = args.iter().map(|a| self.value(a)).collect();
                let values = values?;
                self.burn(node, values.iter().map(weight).sum())?;
                call::call(*func, &values).map_err(|m| (m, node.range.clone()))
            }
            Kind::Matches(text, pattern) => {
                let value = self.value(text)?;
                self.burn(node, weight(&value))?;
                match value {
                    Value::Null => Ok(Value::Bool(false)),
                    Value::Text(t) => Ok(Value::Bool(pattern.0.is_match(&t))),
                    other => Err((
                        format!("`matches` needs a text, found {}", kind(&other)),
                        node.range.clone(),
                    )),
                }
            }
        }
    }

    /// A yes or no; null is no.
    fn truth(&mut self, node: &Node) -> Outcome<bool> {
        match self.value(node)? {
            Value::Bool(b) => Ok(b),
            Value::Null => Ok(false),
            other => Err((
                format!("expected yes or no, found {}", kind(&other)),
                node.range.clone(),
            )),
        }
    }

    fn binary(&mut self, node: &Node, op: Op, left: &Node, right: &Node) -> Outcome<Value> {
        match op {
            Op::And => return Ok(Value::Bool(self.truth(left)? && self.truth(right)?)),
            Op::Or => return Ok(Value::Bool(self.truth(left)? || self.truth(right)?)),
            _ => {}
        }
        let (a, b) = (self.value(left)?, self.value(right)?);
        self.burn(node, weight(&a) + weight(&b))?;
        let out = match op {
            Op::Eq => Ok(Value::Bool(equal(&a, &b))),
            Op::Ne => Ok(Value::Bool(!equal(&a, &b))),
            Op::In => member(&a, &b),
            Op::Lt => order(&a, &b).map(|o| Value::Bool(o == Ordering::Less)),
            Op::Le => order(&a, &b).map(|o| Value::Bool(o != Ordering::Greater)),
            Op::Gt => order(&a, &b).map(|o| Value::Bool(o == Ordering::Greater)),
            Op::Ge => order(&a, &b).map(|o| Value::Bool(o != Ordering::Less)),
            _ => arithmetic(op, a, b),
        };
        out.map_err(|m| (m, node.range.clone()))
    }
}

/// A field; null where there is none.
fn field(of: Value, name: &str) -> Value {
    match of {
        Value::Record(mut fields) => fields.remove(name).unwrap_or_default(),
        _ => Value::Null,
    }
}

/// What looking at a value costs.
fn weight(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Record(fields) => fields.values().map(weight).sum::<usize>() + 1,
        Value::Text(text) => 1 + text.len() / 256,
        _ => 1,
    }
}

/// The kind of a value, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(_) => "a yes or no",
        Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::Money { .. } => "an amount of money",
        Value::Date(_) => "a date",
        Value::Time(_) => "a time",
        Value::Datetime(_) => "a datetime",
        Value::Duration(_) => "a duration",
        Value::List(_) => "a list",
        Value::Record(_) => "a record",
    }
}

/// Equality; amounts in two currencies differ, and an amount equals its number.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Money { amount, .. }, Value::Number(n))
        | (Value::Number(n), Value::Money { amount, .. }) => amount == n,
        (Value::Duration(s), Value::Number(n)) | (Value::Number(n), Value::Duration(s)) => {
            Decimal::from(*s) == *n
        }
        _ => a == b,
    }
}

/// Whether a list has an item.
pub(super) fn member(item: &Value, list: &Value) -> Result<Value, Fault> {
    match list {
        Value::List(items) => Ok(Value::Bool(items.iter().any(|i| equal(item, i)))),
        Value::Null => Ok(Value::Bool(false)),
        other => Err(format!("`in` needs a list, found {}", kind(other))),
    }
}

/// The order of two values.
pub(super) fn order(a: &Value, b: &Value) -> Result<Ordering, Fault> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => Ok(x.cmp(y)),
        (Value::Money { amount: x, .. }, Value::Number(y))
        | (Value::Number(x), Value::Money { amount: y, .. }) => Ok(x.cmp(y)),
        (
            Value::Money {
                amount: x,
                currency: c,
            },
            Value::Money {
                amount: y,
                currency: d,
            },
        ) if c == d => Ok(x.cmp(y)),
        (Value::Money { currency: c, .. }, Value::Money { currency: d, .. }) => {
            Err(currencies(c, d))
        }
        (Value::Date(x), Value::Date(y)) => Ok(x.cmp(y)),
        (Value::Time(x), Value::Time(y)) => Ok(x.cmp(y)),
        (Value::Datetime(x), Value::Datetime(y)) => Ok(x.cmp(y)),
        (Value::Duration(x), Value::Duration(y)) => Ok(x.cmp(y)),
        (Value::Duration(x), Value::Number(y)) => Ok(Decimal::from(*x).cmp(y)),
        (Value::Number(x), Value::Duration(y)) => Ok(x.cmp(&Decimal::from(*y))),
        (Value::Text(x), Value::Text(y)) => Ok(x.cmp(y)),
        _ => Err(format!("{} and {} have no order", kind(a), kind(b))),
    }
}

fn currencies(a: &str, b: &str) -> Fault {
    format!("{a} and {b} don't mix; take the numbers with `amount(…)` if that is meant")
}

fn too_large() -> Fault {
    "the result is out of range".to_owned()
}

/// A sum, difference, product, quotient or remainder.
fn arithmetic(op: Op, a: Value, b: Value) -> Result<Value, Fault> {
    match (op, a, b) {
        (_, Value::Number(x), Value::Number(y)) => Ok(Value::Number(numbers(op, x, y)?)),
        (
            Op::Add | Op::Sub,
            Value::Money {
                amount: x,
                currency,
            },
            Value::Money {
                amount: y,
                currency: other,
            },
        ) => {
            if currency != other {
                return Err(currencies(&currency, &other));
            }
            let amount = numbers(op, x, y)?;
            Ok(Value::Money { amount, currency })
        }
        (Op::Mul | Op::Div, Value::Money { amount, currency }, Value::Number(n))
        | (Op::Mul, Value::Number(n), Value::Money { amount, currency }) => {
            let amount = numbers(op, amount, n)?;
            Ok(Value::Money { amount, currency })
        }
        (
            Op::Div,
            Value::Money {
                amount: x,
                currency,
            },
            Value::Money {
                amount: y,
                currency: other,
            },
        ) => {
            if currency != other {
                return Err(currencies(&currency, &other));
            }
            Ok(Value::Number(numbers(op, x, y)?))
        }
        (Op::Add, Value::Text(mut x), Value::Text(y)) => {
            if x.len() + y.len() > MAX_TEXT {
                return Err(format!("a text of more than {MAX_TEXT} bytes"));
            }
            x.push_str(&y);
            Ok(Value::Text(x))
        }
        (op, a, b) => span_of_time(op, a, b),
    }
}

/// Arithmetic with days and durations.
fn span_of_time(op: Op, a: Value, b: Value) -> Result<Value, Fault> {
    let seconds = |n: Decimal| i64::try_from(n.trunc()).map_err(|_| too_large());
    match (op, a, b) {
        (Op::Add, Value::Duration(x), Value::Duration(y)) => {
            x.checked_add(y).map(Value::Duration).ok_or_else(too_large)
        }
        (Op::Sub, Value::Duration(x), Value::Duration(y)) => {
            x.checked_sub(y).map(Value::Duration).ok_or_else(too_large)
        }
        (Op::Mul | Op::Div, Value::Duration(x), Value::Number(n))
        | (Op::Mul, Value::Number(n), Value::Duration(x)) => {
            Ok(Value::Duration(seconds(numbers(op, Decimal::from(x), n)?)?))
        }
        (Op::Div, Value::Duration(x), Value::Duration(y)) => Ok(Value::Number(numbers(
            op,
            Decimal::from(x),
            Decimal::from(y),
        )?)),
        (Op::Add | Op::Sub, Value::Date(day), by @ (Value::Number(_) | Value::Duration(_))) => {
            let days = match by {
                Value::Number(n) => seconds(n)?,
                Value::Duration(s) => s.div_euclid(DAY_S),
                _ => 0,
            };
            let by = signed(op, days.checked_mul(DAY_S).ok_or_else(too_large)?)?;
            day.checked_add(by)
                .map(Value::Date)
                .map_err(|_| too_large())
        }
        (Op::Add | Op::Sub, Value::Datetime(at), Value::Duration(s)) => {
            let by = signed(op, s)?;
            at.checked_add(by)
                .map(Value::Datetime)
                .map_err(|_| too_large())
        }
        (Op::Sub, Value::Date(x), Value::Date(y)) => {
            Ok(Value::Duration(x.duration_since(y).as_secs()))
        }
        (Op::Sub, Value::Datetime(x), Value::Datetime(y)) => {
            Ok(Value::Duration(x.duration_since(y).as_secs()))
        }
        (op, a, b) => Err(format!(
            "`{}` does not work between {} and {}",
            op.symbol(),
            kind(&a),
            kind(&b)
        )),
    }
}

/// A length of time, turned round for `-`.
fn signed(op: Op, seconds: i64) -> Result<SignedDuration, Fault> {
    let seconds = if op == Op::Sub {
        seconds.checked_neg().ok_or_else(too_large)?
    } else {
        seconds
    };
    Ok(SignedDuration::from_secs(seconds))
}

fn numbers(op: Op, x: Decimal, y: Decimal) -> Result<Decimal, Fault> {
    let out = match op {
        Op::Add => x.checked_add(y),
        Op::Sub => x.checked_sub(y),
        Op::Mul => x.checked_mul(y),
        Op::Div | Op::Rem if y.is_zero() => return Err("division by zero".to_owned()),
        Op::Div => x.checked_div(y),
        Op::Rem => x.checked_rem(y),
        _ => None,
    };
    out.ok_or_else(too_large)
}
