//! Running a function.

use std::cmp::Ordering;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use rust_decimal::{Decimal, RoundingStrategy};

use super::eval::{Fault, MAX_TEXT, equal, kind, order};
use super::func::Func;
use crate::value::Value;

/// Runs `func`. The checker has seen to the number of arguments.
pub(super) fn call(func: Func, args: &[Value]) -> Result<Value, Fault> {
    let null = Value::Null;
    let first = args.first().unwrap_or(&null);
    let second = args.get(1).unwrap_or(&null);
    match func {
        Func::Has => return Ok(Value::Bool(!first.is_null())),
        Func::Coalesce => {
            let found = args.iter().find(|v| !v.is_null());
            return Ok(found.cloned().unwrap_or_default());
        }
        Func::Size => return size(first),
        Func::Contains | Func::StartsWith | Func::EndsWith => return part(func, first, second),
        Func::Min => return extreme(args, Ordering::Less),
        Func::Max => return extreme(args, Ordering::Greater),
        _ => {}
    }
    if first.is_null() {
        return Ok(Value::Null);
    }
    match func {
        Func::Lower | Func::Upper => cased(func, first),
        Func::Days => days(first, second),
        Func::Date | Func::Hour | Func::Time | Func::Weekday => calendar(func, first),
        Func::Text => Ok(Value::Text(first.as_data())),
        Func::Number => number(first),
        Func::Amount | Func::Currency | Func::Money => money(func, first, second),
        Func::Abs => absolute(first),
        Func::Round => round(first, second),
        other => Err(format!("{other:?} can't be called here")),
    }
}

/// The value with its sign changed.
pub(super) fn negate(value: Value) -> Result<Value, Fault> {
    match value {
        Value::Number(n) => Ok(Value::Number(-n)),
        Value::Money { amount, currency } => Ok(Value::Money {
            amount: -amount,
            currency,
        }),
        Value::Duration(s) => s
            .checked_neg()
            .map(Value::Duration)
            .ok_or_else(|| "the result is out of range".to_owned()),
        other => Err(format!("{} has no negative", kind(&other))),
    }
}

fn wrong(name: &str, wanted: &str, found: &Value) -> Fault {
    format!("`{name}` needs {wanted}, found {}", kind(found))
}

fn size(value: &Value) -> Result<Value, Fault> {
    let n = match value {
        Value::Null => 0,
        Value::Text(t) => t.chars().count(),
        Value::List(items) => items.len(),
        Value::Record(fields) => fields.len(),
        other => return Err(wrong("size", "a text or a list", other)),
    };
    Ok(Value::Number(Decimal::from(n)))
}

fn part(func: Func, whole: &Value, part: &Value) -> Result<Value, Fault> {
    let found = match (whole, part) {
        (Value::Null, _) => false,
        (Value::List(items), item) if func == Func::Contains => {
            items.iter().any(|i| equal(i, item))
        }
        (Value::Text(_), Value::Null) => false,
        (Value::Text(w), Value::Text(p)) => match func {
            Func::Contains => w.contains(p.as_str()),
            Func::StartsWith => w.starts_with(p.as_str()),
            _ => w.ends_with(p.as_str()),
        },
        (w, p) => return Err(format!("{} can't be looked for in {}", kind(p), kind(w))),
    };
    Ok(Value::Bool(found))
}

fn cased(func: Func, value: &Value) -> Result<Value, Fault> {
    let Value::Text(text) = value else {
        return Err(wrong("lower", "a text", value));
    };
    let out = if func == Func::Lower {
        text.to_lowercase()
    } else {
        text.to_uppercase()
    };
    if out.len() > MAX_TEXT {
        return Err(format!("a text of more than {MAX_TEXT} bytes"));
    }
    Ok(Value::Text(out))
}

fn day_of(value: &Value) -> Option<Date> {
    match value {
        Value::Date(d) => Some(*d),
        Value::Datetime(at) => Some(at.date()),
        Value::Text(t) => Date::from_str(t.trim()).ok(),
        _ => None,
    }
}

fn time_of(value: &Value) -> Option<Time> {
    match value {
        Value::Time(t) => Some(*t),
        Value::Datetime(at) => Some(at.time()),
        Value::Text(t) => Time::from_str(t.trim()).ok(),
        _ => None,
    }
}

fn days(from: &Value, to: &Value) -> Result<Value, Fault> {
    if to.is_null() {
        return Ok(Value::Null);
    }
    let (Some(a), Some(b)) = (day_of(from), day_of(to)) else {
        return Err(format!(
            "`days` needs two dates, found {} and {}",
            kind(from),
            kind(to)
        ));
    };
    Ok(Value::Number(Decimal::from(
        b.duration_since(a).as_hours() / 24,
    )))
}

fn calendar(func: Func, value: &Value) -> Result<Value, Fault> {
    let number = |n: i8| Value::Number(Decimal::from(n));
    let out = match func {
        Func::Date => day_of(value).map(Value::Date),
        Func::Time => time_of(value).map(Value::Time),
        Func::Hour => time_of(value).map(|t| number(t.hour())),
        _ => day_of(value).map(|d| number(d.weekday().to_monday_one_offset())),
    };
    match (out, value) {
        (Some(out), _) => Ok(out),
        // A customer's text that is no date is no mistake of the author.
        (None, Value::Text(_)) => Ok(Value::Null),
        (None, other) => Err(wrong("date", "a date or a time", other)),
    }
}

fn number(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Number(n) => Ok(Value::Number(*n)),
        Value::Text(t) => Ok(Decimal::from_str(t.trim()).map_or(Value::Null, Value::Number)),
        other => Err(wrong("number", "a text", other)),
    }
}

fn money(func: Func, first: &Value, second: &Value) -> Result<Value, Fault> {
    match (func, first, second) {
        (Func::Amount, Value::Money { amount, .. }, _) => Ok(Value::Number(*amount)),
        (Func::Amount, Value::Number(n), _) => Ok(Value::Number(*n)),
        (Func::Currency, Value::Money { currency, .. }, _) => Ok(Value::Text(currency.clone())),
        (Func::Money, Value::Number(amount), Value::Text(currency)) => Ok(Value::Money {
            amount: *amount,
            currency: currency.to_uppercase(),
        }),
        (Func::Money, Value::Number(_), Value::Null) => Ok(Value::Null),
        (Func::Money, ..) => Err(wrong("money", "a number and a currency", first)),
        _ => Err(wrong("amount", "an amount of money", first)),
    }
}

fn absolute(value: &Value) -> Result<Value, Fault> {
    let negative = match value {
        Value::Number(n) => n.is_sign_negative(),
        Value::Money { amount, .. } => amount.is_sign_negative(),
        Value::Duration(s) => *s < 0,
        other => return Err(wrong("abs", "a number", other)),
    };
    if negative {
        negate(value.clone())
    } else {
        Ok(value.clone())
    }
}

fn round(value: &Value, places: &Value) -> Result<Value, Fault> {
    let places = match places {
        Value::Null => 0,
        Value::Number(n) => u32::try_from(*n)
            .ok()
            .filter(|n| *n <= 28)
            .ok_or_else(|| "`round` takes 0 to 28 decimals".to_owned())?,
        other => return Err(wrong("round", "a number of decimals", other)),
    };
    let rounded =
        |n: &Decimal| n.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    match value {
        Value::Number(n) => Ok(Value::Number(rounded(n))),
        Value::Money { amount, currency } => Ok(Value::Money {
            amount: rounded(amount),
            currency: currency.clone(),
        }),
        other => Err(wrong("round", "a number", other)),
    }
}

/// The smallest or largest of the arguments that are not null.
fn extreme(args: &[Value], wanted: Ordering) -> Result<Value, Fault> {
    let mut best: Option<&Value> = None;
    for value in args.iter().filter(|v| !v.is_null()) {
        match best {
            Some(b) if order(value, b)? != wanted => {}
            _ => best = Some(value),
        }
    }
    Ok(best.cloned().unwrap_or_default())
}
