//! Text to tokens.

use std::ops::Range;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::Place;
use crate::diag::Diagnostic;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A number without a sign.
    Number(Decimal),
    /// A quoted text, its escapes resolved.
    Text(String),
    /// A name or a word such as `true`.
    Name(String),
    /// An operator or a bracket.
    Op(&'static str),
    /// The end of the expression.
    End,
}

/// Operators, longer ones first.
const OPS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", "(", ")",
    "[", "]", ",", ".",
];

/// All tokens with their ranges; the last is [`Token::End`].
pub(super) fn lex(text: &str, place: &Place) -> Result<Vec<(Token, Range<usize>)>, Diagnostic> {
    let mut out = Vec::new();
    let mut pos = 0;
    while let Some(c) = text[pos..].chars().next() {
        let rest = &text[pos..];
        let start = pos;
        if c.is_whitespace() {
            pos += c.len_utf8();
            continue;
        }
        let token = if c.is_ascii_digit() {
            let (number, len) = number(rest).map_err(|len| {
                let message = format!("`{}` is no number", &rest[..len]);
                place.error("E0301", message, start..start + len)
            })?;
            pos += len;
            Token::Number(number)
        } else if c == '\'' || c == '"' {
            let Some((value, len)) = quoted(rest, c) else {
                let mut found = place.error("E0301", "a text without its end", start..text.len());
                found.help = Some(format!("close it with {c}"));
                return Err(found);
            };
            pos += len;
            Token::Text(value)
        } else if c.is_alphabetic() || c == '_' {
            let len = word(rest);
            pos += len;
            Token::Name(rest[..len].to_owned())
        } else if let Some(op) = OPS.iter().find(|op| rest.starts_with(**op)) {
            pos += op.len();
            Token::Op(op)
        } else {
            return Err(stray(c, start, place));
        };
        out.push((token, start..pos));
    }
    out.push((Token::End, text.len()..text.len()));
    Ok(out)
}

/// Length of the name that `text` begins with.
fn word(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len())
}

/// A number and its length; its length alone where it is none.
fn number(text: &str) -> Result<(Decimal, usize), usize> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let mut len = digits(text);
    if text[len..].starts_with('.') {
        let fraction = digits(&text[len + 1..]);
        if fraction > 0 {
            len += 1 + fraction;
        }
    }
    let tail = word(&text[len..]);
    if tail > 0 {
        return Err(len + tail);
    }
    Decimal::from_str(&text[..len])
        .map(|n| (n, len))
        .map_err(|_| len)
}

/// A quoted text and its length with the quotes; `None` where its end is missing.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            c if c == quote => return Some((out, at + 1)),
            c => out.push(c),
        }
    }
    None
}

/// A character that no token begins with.
fn stray(c: char, at: usize, place: &Place) -> Diagnostic {
    let mut found = place.error("E0301", format!("unexpected `{c}`"), at..at + c.len_utf8());
    found.help = match c {
        '=' => Some("compare with `==`".to_owned()),
        '&' => Some("write `&&` for and".to_owned()),
        '|' => Some("write `||` for or".to_owned()),
        '{' | '}' => Some("an expression stands without braces; they belong in texts".to_owned()),
        _ => None,
    };
    found
}
