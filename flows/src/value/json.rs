//! Values to and from the plain JSON that NLU readings, action bodies and tests use.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value as Json, json};

use super::{Type, Value};

impl Value {
    /// A value of type `ty` from plain JSON; `None` where it does not fit. Null fits every type.
    ///
    /// Numbers may be texts (`"42.00"`), money is `{"amount", "currency"}` or `"42.00 EUR"`, dates and
    /// times are ISO 8601, durations are seconds, yes and no are a bool or such a word. A record takes
    /// its declared fields and drops others; a missing field is null.
    pub fn from_json(json: &Json, ty: &Type) -> Option<Self> {
        if json.is_null() {
            return Some(Self::Null);
        }
        match ty {
            Type::Text | Type::Email | Type::Phone | Type::Url | Type::Name | Type::Entity(_) => {
                match json {
                    Json::String(s) => Some(Self::Text(s.clone())),
                    Json::Number(n) => Some(Self::Text(n.to_string())),
                    _ => None,
                }
            }
            Type::Number | Type::Ordinal | Type::Percent => decimal(json).map(Self::Number),
            Type::Money => money(json),
            Type::Date => date(json.as_str()?).map(Self::Date),
            Type::Time => Time::from_str(json.as_str()?).ok().map(Self::Time),
            Type::Datetime => datetime(json.as_str()?).map(Self::Datetime),
            Type::Duration => {
                let seconds = decimal(json).and_then(|n| n.trunc().to_i64());
                seconds
                    .or_else(|| duration(json.as_str()?))
                    .map(Self::Duration)
            }
            Type::YesNo | Type::Bool => match json {
                Json::Bool(b) => Some(Self::Bool(*b)),
                Json::String(s) if s == "yes" || s == "true" => Some(Self::Bool(true)),
                Json::String(s) if s == "no" || s == "false" => Some(Self::Bool(false)),
                _ => None,
            },
            Type::List(of) => {
                let items = json.as_array()?.iter().map(|j| Self::from_json(j, of));
                items.collect::<Option<Vec<_>>>().map(Self::List)
            }
            Type::Record(fields) => {
                let object = json.as_object()?;
                let field = |(name, ty): (&String, &Type)| {
                    let json = object.get(name).unwrap_or(&Json::Null);
                    Self::from_json(json, ty).map(|v| (name.clone(), v))
                };
                let fields = fields.iter().map(field).collect::<Option<BTreeMap<_, _>>>();
                fields.map(Self::Record)
            }
            Type::Any => Some(infer(json)),
        }
    }

    /// Plain JSON: money as `{"amount", "currency"}`, dates and times as ISO 8601, durations as
    /// seconds. A number is a JSON number where that keeps every digit, else a text.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => json!(b),
            Self::Number(n) => number(*n),
            Self::Text(s) => json!(s),
            Self::Money { amount, currency } => {
                json!({"amount": amount.to_string(), "currency": currency})
            }
            Self::Date(d) => json!(d.to_string()),
            Self::Time(t) => json!(t.to_string()),
            Self::Datetime(at) => json!(at.to_string()),
            Self::Duration(s) => json!(s),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Record(fields) => Json::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_json()))
                    .collect(),
            ),
        }
    }

    /// As text for machines: URLs, headers, bodies. ISO 8601 dates, plain numbers, `42.00 EUR`,
    /// JSON for lists and records, nothing for null.
    pub fn as_data(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(b) => b.to_string(),
            Self::Number(n) => n.to_string(),
            Self::Text(s) => s.clone(),
            Self::Money { amount, currency } => format!("{amount} {currency}"),
            Self::Date(d) => d.to_string(),
            Self::Time(t) => t.to_string(),
            Self::Datetime(at) => at.to_string(),
            Self::Duration(s) => s.to_string(),
            Self::List(_) | Self::Record(_) => self.to_json().to_string(),
        }
    }
}

fn decimal(json: &Json) -> Option<Decimal> {
    let text = match json {
        Json::Number(n) => n.to_string(),
        Json::String(s) => s.trim().to_owned(),
        _ => return None,
    };
    Decimal::from_str(&text)
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()
}

/// A JSON number where it reads back as the same digits, else a text.
fn number(n: Decimal) -> Json {
    if n.scale() == 0
        && let Some(whole) = n.to_i64()
    {
        return json!(whole);
    }
    match n.to_f64().map(|f| json!(f)) {
        Some(json) if decimal(&json) == Some(n) => json,
        _ => json!(n.to_string()),
    }
}

fn money(json: &Json) -> Option<Value> {
    let (amount, currency) = match json {
        Json::String(s) => {
            let (amount, currency) = s.trim().split_once(' ')?;
            (Decimal::from_str(amount).ok()?, currency.trim())
        }
        Json::Object(o) if o.len() == 2 => {
            (decimal(o.get("amount")?)?, o.get("currency")?.as_str()?)
        }
        _ => return None,
    };
    let code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_alphabetic());
    code.then(|| Value::Money {
        amount,
        currency: currency.to_ascii_uppercase(),
    })
}

fn date(text: &str) -> Option<Date> {
    // A whole timestamp is no day: which day it is depends on the zone.
    (text.len() == 10).then(|| Date::from_str(text).ok())?
}

/// A civil datetime; with an offset or `Z`, its clock reading where it was written.
fn datetime(text: &str) -> Option<DateTime> {
    let civil = text.strip_suffix('Z').unwrap_or(text);
    let time = civil.find('T').or_else(|| civil.find(' '))?;
    let offset = civil[time..].find(['+', '-']).map(|at| time + at);
    let civil = offset.map_or(civil, |at| &civil[..at]);
    DateTime::from_str(civil).ok()
}

/// `2h`, `30m`, `45s`, `7d`, `200ms` (0 seconds) in seconds.
fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let n: i64 = text[..unit].parse().ok()?;
    match text[unit..].trim() {
        "d" => n.checked_mul(86_400),
        "h" => n.checked_mul(3_600),
        "m" => n.checked_mul(60),
        "s" => Some(n),
        "ms" => Some(n / 1000),
        _ => None,
    }
}

/// A value from JSON whose type nobody declared.
fn infer(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => decimal(json).map_or_else(|| Value::Text(n.to_string()), Value::Number),
        Json::String(s) => Value::Text(s.clone()),
        Json::Array(items) => Value::List(items.iter().map(infer).collect()),
        Json::Object(o) => money(json).unwrap_or_else(|| {
            Value::Record(o.iter().map(|(k, v)| (k.clone(), infer(v))).collect())
        }),
    }
}
