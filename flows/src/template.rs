//! Text with holes: `{slot|filter}` over expressions. No template is ever built from a customer's text.
//!
//! `{{` and `}}` are braces. `{env.NAME}` is left for the action runner. Filters: `money`, `date`,
//! `time`, `datetime`, `number`, `list`, `spell`, `upper`, `lower`, `title`; several may follow each
//! other.

use std::ops::Range;

use crate::diag::{Diagnostic, nearest};
use crate::expr::{EvalError, Expr, Names, Place, Scope};
use crate::span::Span;
use crate::value::{Type, Value, say_money, say_number, spell};

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Hole { expr: Expr, filters: Vec<Filter> },
    Env(String),
}

/// For whom a template is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendering<'a> {
    /// Language of the formatters.
    pub language: &'a str,
    /// For the ear: digits spelled, amounts in words.
    pub spoken: bool,
}

/// What a value must be made fit for when a machine reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Nothing: a header or a JSON text.
    None,
    /// A part of an address: percent-encoded, so that it can't leave its segment.
    Url,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Money,
    Date,
    Time,
    Datetime,
    Spell,
    Upper,
    Lower,
    Title,
    Number,
    List,
}

const FILTERS: [(&str, Filter); 10] = [
    ("money", Filter::Money),
    ("date", Filter::Date),
    ("time", Filter::Time),
    ("datetime", Filter::Datetime),
    ("spell", Filter::Spell),
    ("upper", Filter::Upper),
    ("lower", Filter::Lower),
    ("title", Filter::Title),
    ("number", Filter::Number),
    ("list", Filter::List),
];

impl Template {
    /// Parses `text`, which stands at `at`.
    ///
    /// # Errors
    /// A brace without its partner, an unknown filter, a filter that does not suit the type, and
    /// what [`Expr::parse`] finds in the holes.
    pub fn parse(text: &str, at: Span, names: &dyn Names) -> Result<Self, Vec<Diagnostic>> {
        let place = Place::new(at, text.len());
        let mut findings = Vec::new();
        let mut parts = Vec::new();
        for piece in pieces(text, &place, &mut findings) {
            match piece {
                Piece::Text(text) => parts.push(Part::Text(text)),
                Piece::Hole(range) => match hole(text, range, &place, names) {
                    Ok(part) => parts.push(part),
                    Err(found) => findings.extend(found),
                },
            }
        }
        if findings.is_empty() {
            Ok(Self {
                text: text.to_owned(),
                parts,
            })
        } else {
            Err(findings)
        }
    }

    /// A text without holes; braces in it are braces.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            parts: vec![Part::Text(text.clone())],
            text,
        }
    }

    /// Its source text.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// Renders for a customer within `scope`. A hole without a value is empty; `{env.NAME}` holes are
    /// left as they stand.
    ///
    /// # Errors
    /// A hole whose expression fails.
    pub fn render(&self, scope: &dyn Scope, how: Rendering<'_>) -> Result<String, EvalError> {
        self.fill(|expr, filters| {
            let value = expr.eval(scope)?;
            Ok(filtered(value, filters, how))
        })
    }

    /// Renders for a machine within `scope`: values as [`Value::as_data`]; with a filter as in English.
    /// `{env.NAME}` holes are left as they stand for the action runner; a value can't smuggle one in.
    ///
    /// # Errors
    /// A hole whose expression fails; in an address also one without a value or with `.` or `..`,
    /// which would call something else than the author wrote.
    pub fn render_data(&self, scope: &dyn Scope, escape: Escape) -> Result<String, EvalError> {
        let how = Rendering {
            language: "en",
            spoken: false,
        };
        self.fill(|expr, filters| {
            let value = expr.eval(scope)?;
            let null = value.is_null();
            let text = if filters.is_empty() {
                value.as_data()
            } else {
                filtered(value, filters, how)
            };
            match escape {
                Escape::None => Ok(without_env(&text)),
                Escape::Url if null || text == "." || text == ".." => Err(EvalError {
                    message: format!("`{}` is empty and can't stand in an address", expr.text()),
                    span: expr.span(),
                }),
                Escape::Url => Ok(percent(&text)),
            }
        })
    }

    fn fill(
        &self,
        mut one: impl FnMut(&Expr, &[Filter]) -> Result<String, EvalError>,
    ) -> Result<String, EvalError> {
        let mut out = String::with_capacity(self.text.len());
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Hole { expr, filters } => out.push_str(&one(expr, filters)?),
                Part::Env(name) => {
                    out.push_str("{env.");
                    out.push_str(name);
                    out.push('}');
                }
            }
        }
        Ok(out)
    }

    /// Resolved names it reads, sorted.
    pub fn reads(&self) -> Vec<String> {
        let mut out: Vec<String> = self.exprs().flat_map(Expr::reads).collect();
        out.sort();
        out.dedup();
        out
    }

    /// Names of the `{env.NAME}` holes, in order.
    pub fn env(&self) -> Vec<String> {
        let env = |part: &Part| match part {
            Part::Env(name) => Some(name.clone()),
            _ => None,
        };
        self.parts.iter().filter_map(env).collect()
    }

    /// The expression, where the template is exactly one hole without a filter: its value keeps its
    /// type in a JSON body.
    pub fn single(&self) -> Option<&Expr> {
        match self.parts.as_slice() {
            [Part::Hole { expr, filters }] if filters.is_empty() => Some(expr),
            _ => None,
        }
    }

    /// Whether it has no holes.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|p| matches!(p, Part::Text(_)))
    }

    /// The expressions of its holes, in order.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole { expr, .. } => Some(expr),
            _ => None,
        })
    }
}

/// A text in which nothing looks like an `{env.NAME}` hole: what customers write never names a
/// secret to the action runner.
pub fn without_env(text: &str) -> String {
    text.replace("{env.", "{ env.")
}

/// Percent-encoding of everything but unreserved characters (RFC 3986, 2.3).
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

/// A value through its filters.
fn filtered(value: Value, filters: &[Filter], how: Rendering<'_>) -> String {
    let last = filters.iter().fold(value, |value, filter| {
        Value::Text(apply(*filter, &value, how))
    });
    last.say(how)
}

/// A value through one filter; one that it does not suit says the value as it is.
fn apply(filter: Filter, value: &Value, how: Rendering<'_>) -> String {
    match (filter, value) {
        (Filter::Money, Value::Money { amount, currency }) => say_money(*amount, currency, how),
        (Filter::Number, Value::Number(n) | Value::Money { amount: n, .. }) => say_number(*n, how),
        (Filter::Date, Value::Datetime(at)) => Value::Date(at.date()).say(how),
        (Filter::Time, Value::Datetime(at)) => Value::Time(at.time()).say(how),
        (Filter::Spell, value) => spell(&value.as_data(), how),
        (Filter::Upper, value) => value.say(how).to_uppercase(),
        (Filter::Lower, value) => value.say(how).to_lowercase(),
        (Filter::Title, value) => title(&value.say(how)),
        (_, value) => value.say(how),
    }
}

/// Every word with a capital.
fn title(text: &str) -> String {
    let mut begins = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if begins {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        begins = c.is_whitespace() || c == '-';
    }
    out
}

enum Piece {
    Text(String),
    /// What stands between the braces.
    Hole(Range<usize>),
}

/// Cuts a template at its braces.
fn pieces(text: &str, place: &Place, findings: &mut Vec<Diagnostic>) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut pos = 0;
    while let Some(c) = text[pos..].chars().next() {
        let doubled = text[pos + c.len_utf8()..].starts_with(c);
        match c {
            '{' | '}' if doubled => {
                plain.push(c);
                pos += 2;
            }
            '{' => {
                let Some(len) = closing(&text[pos + 1..]) else {
                    let mut found = place.error("E0320", "`{` without its `}`", pos..pos + 1);
                    found.help = Some("for a brace in the text write `{{`".to_owned());
                    findings.push(found);
                    return out;
                };
                if !plain.is_empty() {
                    out.push(Piece::Text(std::mem::take(&mut plain)));
                }
                out.push(Piece::Hole(pos + 1..pos + 1 + len));
                pos += len + 2;
            }
            '}' => {
                let mut found = place.error("E0320", "`}` without its `{`", pos..pos + 1);
                found.help = Some("for a brace in the text write `}}`".to_owned());
                findings.push(found);
                pos += 1;
            }
            c => {
                plain.push(c);
                pos += c.len_utf8();
            }
        }
    }
    if !plain.is_empty() {
        out.push(Piece::Text(plain));
    }
    out
}

/// Where the hole that `text` begins in ends: at the next `}` outside quotes.
fn closing(text: &str) -> Option<usize> {
    outside_quotes(text)
        .find(|(_, c)| *c == '}')
        .map(|(at, _)| at)
}

/// The characters outside quoted texts, with their places.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut escaped = false;
    text.char_indices().filter(move |&(_, c)| match quote {
        Some(_) if escaped => {
            escaped = false;
            false
        }
        Some(_) if c == '\\' => {
            escaped = true;
            false
        }
        Some(q) if c == q => {
            quote = None;
            false
        }
        Some(_) => false,
        None if c == '\'' || c == '"' => {
            quote = Some(c);
            false
        }
        None => true,
    })
}

/// Where the filters of a hole begin: at the first `|` outside quotes that is not half of `||`.
fn bars(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    outside_quotes(text)
        .filter(|&(at, c)| {
            c == '|' && bytes.get(at + 1) != Some(&b'|') && (at == 0 || bytes[at - 1] != b'|')
        })
        .map(|(at, _)| at)
        .collect()
}

/// Parses what stands between two braces.
fn hole(
    text: &str,
    range: Range<usize>,
    place: &Place,
    names: &dyn Names,
) -> Result<Part, Vec<Diagnostic>> {
    let body = &text[range.clone()];
    let bars = bars(body);
    let end = bars.first().copied().unwrap_or(body.len());
    let source = &body[..end];
    let trimmed = source.trim();
    if trimmed.is_empty() {
        let mut found = place.error("E0322", "an empty hole", range.start - 1..range.end + 1);
        found.help = Some("for a brace in the text write `{{`".to_owned());
        return Err(vec![found]);
    }
    if let Some(name) = trimmed.strip_prefix("env.")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.is_empty()
        && bars.is_empty()
    {
        return Ok(Part::Env(name.to_owned()));
    }
    let start = range.start + source.len() - source.trim_start().len();
    let at = place.span(start..start + trimmed.len());
    let mut findings = Vec::new();
    let expr = match Expr::parse(trimmed, at, names) {
        Ok(expr) => Some(expr),
        Err(found) => {
            findings.extend(found);
            None
        }
    };
    let mut filters = Vec::new();
    for (i, bar) in bars.iter().enumerate() {
        let until = bars.get(i + 1).copied().unwrap_or(body.len());
        let name = &body[bar + 1..until];
        let at = range.start + bar + 1..range.start + until;
        let ty = if i == 0 {
            expr.as_ref().map(Expr::ty)
        } else {
            Some(&Type::Text)
        };
        match filter(name.trim(), ty, at, place) {
            Ok(found) => filters.push(found),
            Err(found) => findings.push(found),
        }
    }
    match expr {
        Some(expr) if findings.is_empty() => Ok(Part::Hole { expr, filters }),
        _ => Err(findings),
    }
}

/// The filter called `name`, if it suits the type.
fn filter(
    name: &str,
    ty: Option<&Type>,
    at: Range<usize>,
    place: &Place,
) -> Result<Filter, Diagnostic> {
    let Some((_, filter)) = FILTERS.iter().find(|(n, _)| *n == name) else {
        let mut found = place.error("E0321", format!("there is no filter `{name}`"), at);
        let all = FILTERS.map(|(n, _)| n);
        found.help = match nearest(name, all) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None => Some(format!("the filters are {}", all.join(", "))),
        };
        return Err(found);
    };
    let suits = match (filter, ty) {
        (_, None | Some(Type::Any)) => true,
        (Filter::Money, Some(ty)) => *ty == Type::Money,
        (Filter::Date, Some(ty)) => matches!(ty, Type::Date | Type::Datetime),
        (Filter::Time, Some(ty)) => matches!(ty, Type::Time | Type::Datetime),
        (Filter::Datetime, Some(ty)) => *ty == Type::Datetime,
        (Filter::Number, Some(ty)) => {
            matches!(
                ty,
                Type::Number | Type::Ordinal | Type::Percent | Type::Money
            )
        }
        (Filter::List, Some(ty)) => matches!(ty, Type::List(_)),
        _ => true,
    };
    if suits {
        return Ok(*filter);
    }
    let ty = ty.map(Type::name).unwrap_or_default();
    let message = format!("the filter `{name}` does not suit a {ty}");
    let mut found = place.error("E0323", message, at);
    found.help = Some("leave it out, or use one for its type".to_owned());
    Err(found)
}

#[cfg(test)]
mod tests;
