//! Numbers that are a time of day where one is asked for: `ten`, `11.30`, `1130`. Kept apart as `time_bare`,
//! for everywhere else they are numbers.

use jiff::civil::Time;
use serde_json::Value;

use super::number::below_hundred;
use super::text::{Kind, Lang, Text};
use super::{money, month, number};
use crate::Entity;

/// Adds the numbers that may be a time.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let mut i = 0;
    while i < text.tokens.len() {
        let Some((to, hour, minute)) = clock(text, i, lang) else {
            i += 1;
            continue;
        };
        // "10ish"
        let to = if text.word(to) == "ish" { to + 1 } else { to };
        if let Some(time) =
            business(hour, minute, text.word(i)).filter(|_| is_apart(text, i, to, lang))
        {
            let value = Value::String(time.to_string());
            found.push(super::entity(text, "time_bare", value, i, to, 0.5));
        }
        i = to;
    }
}

/// One past the last token, hour and minute.
fn clock(text: &Text, i: usize, lang: Lang) -> Option<(usize, u32, u32)> {
    let token = text.tokens.get(i)?;
    let fold = token.fold.as_str();
    if token.kind == Kind::Word {
        let (to, hour) = below_hundred(text, i, lang).filter(|(_, h)| (1..=24).contains(h))?;
        if text.is(i, &["un", "una", "one"]) && text.tokens.len() > 2 {
            return None;
        }
        let minute = below_hundred(text, to, lang).filter(|(_, m)| (10..60).contains(m));
        return Some(minute.map_or((to, hour, 0), |(to, minute)| (to, hour, minute)));
    }
    if token.kind != Kind::Digits {
        return None;
    }
    if let Some((hour, minute)) = fold.split_once(['.', ',']) {
        let fits = hour.len() <= 2 && minute.len() == 2;
        let comma = fold.contains(',') && lang == Lang::En;
        return (fits && !comma)
            .then(|| Some((i + 1, hour.parse().ok()?, minute.parse().ok()?)))
            .flatten();
    }
    match fold.len() {
        1 | 2 => {
            let hour = fold.parse().ok()?;
            // "5 30"
            let minute = text.tokens.get(i + 1).filter(|t| {
                t.kind == Kind::Digits && t.spaced && t.fold.len() == 2 && !t.fold.starts_with('0')
            });
            match minute.and_then(|t| t.fold.parse().ok()) {
                Some(minute) => Some((i + 2, hour, minute)),
                None => Some((i + 1, hour, 0)),
            }
        }
        n @ (3 | 4) => {
            let (hour, minute) = fold.split_at(n - 2);
            Some((i + 1, hour.parse().ok()?, minute.parse().ok()?))
        }
        _ => None,
    }
}

/// Business hours: 1 to 7 are after noon, unless written as of 24.
fn business(hour: u32, minute: u32, written: &str) -> Option<Time> {
    let hour = match hour {
        1..=7 if !written.starts_with('0') => hour + 12,
        _ => hour,
    };
    let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
    Time::new(hour % 24, minute, 0, 0)
        .ok()
        .filter(|_| hour <= 24)
}

/// What a number after it belongs to.
const LED: [&str; 24] = [
    "£",
    "$",
    "€",
    "#",
    "no",
    "number",
    "numero",
    "the",
    "minus",
    "room",
    "flat",
    "apartment",
    "gate",
    "table",
    "line",
    "option",
    "platform",
    "seat",
    "version",
    "habitacion",
    "piso",
    "opcion",
    "mesa",
    "puerta",
];

/// Nothing is counted, named or measured by it.
fn is_apart(text: &Text, from: usize, to: usize, lang: Lang) -> bool {
    let digits = |i: usize| text.tokens.get(i).is_some_and(|t| t.kind == Kind::Digits);
    let before = from.checked_sub(1);
    let led = before.is_some_and(|at| {
        digits(at)
            || text.is(at, &LED)
            || (text.glued(from) && !text.is(at, &["(", "\u{bf}", "\u{a1}", "~", "\""]))
            || month::month(text, at, lang).is_some()
    });
    let follows = digits(to)
        || month::goes_on(text, to)
        || money::is_currency(text, to, lang)
        || text.is(to, &["%", "of", "de", "del", "/", "por", "per"])
            && !text.is(to + 1, &["favor"])
        || (text.glued(to) && !text.is(to, &[".", ",", "!", "?", ";", ")", "\""]));
    // "5 to 10 business days", "two or three people"
    let range = text
        .is(to, &["to", "or", "and", "-", "a", "o", "u", "y"])
        .then(|| clock(text, to + 1, lang))
        .flatten()
        .is_some_and(|(end, ..)| month::goes_on(text, end) || money::is_currency(text, end, lang));
    !led && !follows && !range && !number::is_house(text, from, to)
}
