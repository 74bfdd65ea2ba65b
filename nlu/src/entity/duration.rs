//! Lengths of time.

use jiff::Span;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::number::{self, Number};
use super::text::{Lang, Text};
use crate::Entity;

/// Amounts above this many of a unit are no lengths of time that a customer means.
const MOST: i64 = 100_000;

/// Units from years to seconds, and so the most parts of a length.
const UNITS: usize = 7;

/// A length of time at some token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    /// One past its last token.
    pub(super) to: usize,
    months: i64,
    days: i64,
    seconds: i64,
}

impl Length {
    /// In seconds; a month is 30 days and a year 365.
    fn seconds(&self) -> i64 {
        let days = self.days + self.months / 12 * 365 + self.months % 12 * 30;
        days * 86_400 + self.seconds
    }

    /// On the calendar.
    pub(super) fn span(&self) -> Option<Span> {
        let span = Span::new()
            .try_months(self.months)
            .ok()?
            .try_days(self.days)
            .ok()?;
        span.try_seconds(self.seconds).ok()
    }

    /// Shorter than days: it leads to a time, not to a day.
    pub(super) fn is_clock(&self) -> bool {
        self.seconds > 0
    }
}

/// Adds the lengths of time in the text.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let mut i = 0;
    while i < text.tokens.len() {
        let Some(length) = parse(text, i, lang) else {
            i = number::parse(text, i, lang).map_or(i + 1, |n| n.to);
            continue;
        };
        found.push(super::entity(
            text,
            "duration",
            Value::from(length.seconds()),
            i,
            length.to,
            0.95,
        ));
        i = length.to;
    }
}

/// The length of time that begins at `i`.
pub(super) fn parse(text: &Text, i: usize, lang: Lang) -> Option<Length> {
    let mut whole = part(text, i, lang)?;
    // "2 hours and 30 minutes", "2h 30m", "una hora y diez minutos": each part smaller than before.
    let mut last = whole;
    for _ in 1..UNITS {
        let joined = text.is(whole.to, &["and", "y", ","]);
        let at = if joined { whole.to + 1 } else { whole.to };
        let Some(next) = part(text, at, lang).filter(|n| n.seconds() < last.seconds()) else {
            break;
        };
        whole = Length {
            to: next.to,
            months: whole.months + next.months,
            days: whole.days + next.days,
            seconds: whole.seconds + next.seconds,
        };
        last = next;
    }
    Some(whole)
}

/// One number with one unit.
fn part(text: &Text, i: usize, lang: Lang) -> Option<Length> {
    let (half, quarter) = (Decimal::new(5, 1), Decimal::new(25, 2));
    let fractions = [
        ("half an", half),
        ("half a", half),
        ("half", half),
        ("quarter of an", quarter),
        ("three quarters of an", Decimal::new(75, 2)),
        ("three quarters of a", Decimal::new(75, 2)),
        ("tres cuartos de", Decimal::new(75, 2)),
        ("media", half),
        ("medio", half),
        ("cuarto de", quarter),
    ];
    if let Some((n, value)) = text.longest(i, &fractions)
        && let Some(found) = length(text, i + n, value)
    {
        return Some(found);
    }
    // "Hour and a half", "hora y media"
    let bare = is_unit(text, i) && and_more(text, i + 1).is_some() && !text.glued(i);
    let number = if bare {
        Number {
            to: i,
            value: Decimal::ONE,
        }
    } else {
        number::counted(text, i, lang)?
    };
    let of = usize::from(text.is(number.to, &["-", "of", "de"]));
    let mut whole = length(text, number.to + of, number.value)?;
    // "An hour and a half", "una hora y cuarto".
    if let Some((n, share)) = and_more(text, whole.to) {
        let more = length(text, whole.to - 1, number.value.checked_add(share)?)?;
        whole = Length {
            to: more.to + n,
            ..more
        };
    }
    // "2h30"
    let hours = text.is(whole.to - 1, &["h"]) && text.glued(whole.to);
    let minutes = text.word(whole.to);
    if hours
        && minutes.len() == 2
        && let Some(minutes) = minutes.parse().ok().filter(|m| (0..60_i64).contains(m))
        && !text.glued(whole.to + 1)
    {
        whole.to += 1;
        whole.seconds += minutes * 60;
    }
    Some(whole)
}

/// The share of a unit said after it.
fn and_more(text: &Text, to: usize) -> Option<(usize, Decimal)> {
    let (half, quarter) = (Decimal::new(5, 1), Decimal::new(25, 2));
    let shares = [
        ("and a half", half),
        ("and a quarter", quarter),
        ("y media", half),
        ("y medio", half),
        ("y cuarto", quarter),
        ("y un cuarto", quarter),
    ];
    text.longest(to, &shares)
}

/// Whether a unit of time stands at `i`.
pub(super) fn is_unit(text: &Text, i: usize) -> bool {
    length(text, i, Decimal::ONE).is_some()
}

/// `value` of the unit at `i`.
fn length(text: &Text, i: usize, value: Decimal) -> Option<Length> {
    let to = i + 1;
    let glued = text.glued(i);
    if value.is_sign_negative() || value > Decimal::from(MOST) {
        return None;
    }
    let (months, days, seconds) = match text.word(i) {
        "year" | "years" | "yr" | "yrs" | "ano" | "anos" => (12, 0, 0),
        "month" | "months" | "mes" | "meses" => (1, 0, 0),
        "fortnight" | "fortnights" | "quincena" => (0, 14, 0),
        "week" | "weeks" | "wk" | "wks" | "semana" | "semanas" => (0, 7, 0),
        "day" | "days" | "dia" | "dias" => (0, 1, 0),
        "hour" | "hours" | "hr" | "hrs" | "hora" | "horas" => (0, 0, 3_600),
        "minute" | "minutes" | "min" | "mins" | "minuto" | "minutos" => (0, 0, 60),
        "second" | "seconds" | "sec" | "secs" | "segundo" | "segundos" => (0, 0, 1),
        "h" if glued => (0, 0, 3_600),
        "m" if glued => (0, 0, 60),
        "s" if glued => (0, 0, 1),
        "d" if glued => (0, 1, 0),
        _ => return None,
    };
    let times = |n: i64| value.checked_mul(Decimal::from(n));
    if value.is_integer() || seconds > 0 {
        let seconds = times(seconds)?.round().to_i64()?;
        return Some(Length {
            to,
            months: times(months)?.to_i64()?,
            days: times(days)?.to_i64()?,
            seconds,
        });
    }
    // Half a year is six months, half a week three days and a half.
    let halved = times(months)?;
    if months > 0 && halved.is_integer() {
        return Some(Length {
            to,
            months: halved.to_i64()?,
            days: 0,
            seconds: 0,
        });
    }
    let days = if months > 0 { 30 * months } else { days };
    Some(Length {
        to,
        months: 0,
        days: 0,
        seconds: times(days * 86_400)?.round().to_i64()?,
    })
}
