//! Stretches that are no amount, number or date though they have digits: reference numbers, post
//! codes, card and account numbers.

use std::sync::LazyLock;

use regex::Regex;

use super::text::{Kind, Lang, Text};
use super::{money, month};

/// British post codes, card numbers and international account numbers. Written once here and fixed: a
/// mistake in it would show in every test.
static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)
        \b[a-z]{1,2}[0-9][a-z0-9]?\ ?[0-9][abd-hjlnp-uw-z]{2}\b
        | \b[2-6][0-9]{3}(?:[\ -]?[0-9]{4}){2}[\ -]?[0-9]{1,7}\b
        | \b3[47][0-9]{2}[\ -]?[0-9]{6}[\ -]?[0-9]{5}\b
        | \b[a-z]{2}[0-9]{2}(?:\ ?[a-z0-9]{4}){2,7}(?:\ ?[a-z0-9]{1,4})?\b",
    )
    .ok()
});

/// The bytes of the post codes, cards and accounts in a text.
pub(super) fn shapes(text: &Text) -> Vec<(usize, usize)> {
    let digits = text.raw.bytes().filter(u8::is_ascii_digit).count();
    let mut all = Vec::new();
    if digits > 1
        && let Some(shapes) = &*SHAPES
    {
        let known = shapes.find_iter(text.raw).filter(|m| {
            let digits = m.as_str().bytes().filter(u8::is_ascii_digit).count();
            // A number with the code of a country has 13 digits at times, a card written without gaps 15.
            let gaps = digits < m.len();
            let plus = m.start() > 0 && text.raw.get(..m.start()).is_some_and(|b| b.ends_with('+'));
            // Words of four letters after "me10" are no account.
            m.len() <= 8 || (digits >= 8 && !plus && (gaps || digits >= 15))
        });
        all.extend(known.map(|m| (m.start(), m.end())));
    }
    all
}

/// The bytes of the other codes in a text.
pub(super) fn find(text: &Text, lang: Lang) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    if !text.tokens.iter().any(|t| t.kind == Kind::Digits) {
        return all;
    }
    let mut i = 0;
    while i < text.tokens.len() {
        let mut to = i + 1;
        while text.glued(to) && to < text.tokens.len() {
            to += 1;
        }
        let (from, end) = without_ends(text, i, to);
        if (from..end).any(|at| is_code(text, at, from, end, lang))
            || is_post_code(text, from, end, lang)
        {
            all.push((text.start(from), text.end(end)));
        }
        i = to;
    }
    all
}

/// Tokens `from..to` without the signs around them.
fn without_ends(text: &Text, from: usize, to: usize) -> (usize, usize) {
    let sign = |i: &usize| text.tokens.get(*i).is_some_and(|t| t.kind == Kind::Sign);
    let first = (from..to).find(|i| !sign(i)).unwrap_or(to);
    let last = (first..to)
        .rev()
        .find(|i| !sign(i))
        .map_or(first, |i| i + 1);
    (first, last)
}

/// Letters with digits behind them, glued or with a hyphen between: `AB-123456`, `A1234-B`.
fn is_code(text: &Text, at: usize, from: usize, end: usize, lang: Lang) -> bool {
    let is = |i: usize, kind| i < end && text.tokens.get(i).is_some_and(|t| t.kind == kind);
    if !is(at, Kind::Word) {
        return false;
    }
    let hyphen = text.is(at + 1, &["-", "_"]);
    if !is(at + 1 + usize::from(hyphen), Kind::Digits) {
        return false;
    }
    // `15h30`, `2h30m`, `1m20`
    let between =
        at > from && is(at - 1, Kind::Digits) && text.is(at, &["h", "m", "hrs", "min", "t"]);
    let date = month::month(text, at, lang).is_some();
    !between && !date && !money::is_currency(text, at, lang) && !is_range(text, at, hyphen)
}

/// "Mon-5" and "from-5" are no codes: a word said whole before a hyphen, in small letters.
fn is_range(text: &Text, at: usize, hyphen: bool) -> bool {
    hyphen
        && matches!(
            text.word(at),
            "to" | "from" | "or" | "and" | "at" | "de" | "a" | "pm" | "am"
        )
}

/// Five digits beside a place, or after "post code" in so many words.
fn is_post_code(text: &Text, from: usize, end: usize, lang: Lang) -> bool {
    let token = text.tokens.get(from);
    let five = token.is_some_and(|t| {
        t.kind == Kind::Digits && t.fold.len() == 5 && t.fold.bytes().all(|b| b.is_ascii_digit())
    });
    if end != from + 1 || !five {
        return false;
    }
    let named = |i: usize| text.is(i, &["postcode", "postal", "zip", "zipcode", "cp", "code"]);
    let said = (from.saturating_sub(4)..from).any(named);
    let capital = |i: usize| {
        let original = text.original(i);
        original.chars().count() > 2 && original.starts_with(char::is_uppercase)
    };
    let comma = text.is(from.saturating_sub(1), &[","]);
    let place = lang == Lang::Es
        && !money::is_currency(text, end, lang)
        && (capital(end) || (comma && from > 1 && capital(from - 2)));
    said || place
}
