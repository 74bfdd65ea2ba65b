//! Times of day, and days with a time next to them.

use jiff::ZonedDateTime;
use jiff::civil::{DateTime, Time};
use serde_json::Value;

use super::date::{self, Day};
use super::number::below_hundred;
use super::text::{Kind, Lang, Text};
use super::{duration, number};
use crate::Entity;

/// A time at some tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Clock {
    from: usize,
    to: usize,
    time: Time,
    sure: f64,
    /// Whether it could as well be before noon: said without morning, evening or 24 hours.
    open: bool,
}

/// An hour as it was said.
#[derive(Debug, Clone, Copy)]
struct Hour {
    to: usize,
    hour: u32,
    /// `07` or `15`: of 24 hours.
    full: bool,
}

/// Half of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
    /// "At night": before noon for 12 to 4.
    Night,
}

/// Adds days, times, and days with a time; phrases about a day that can't be read go to `unread`.
pub(super) fn find_all(
    text: &Text,
    lang: Lang,
    now: &ZonedDateTime,
    found: &mut Vec<Entity>,
    unread: &mut Vec<(usize, usize)>,
) {
    let days = scan(text, |i| {
        date::parse(text, i, lang, now.date()).map(|d| (d.when.to, d))
    });
    let mut times = scan(text, |i| parse(text, i, lang).map(|t| (t.to, t)));
    let pairs = paired(text, &days, &mut times);
    let mut add = |kind: &str, value: String, from, to, sure| {
        found.push(super::entity(
            text,
            kind,
            Value::String(value),
            from,
            to,
            sure,
        ));
    };
    for Day { from, when, .. } in &days {
        let Some(date) = when.date else {
            unread.push((*from, when.to));
            continue;
        };
        add("date", date.to_string(), *from, when.to, when.sure);
        if let Some(past) = when.past {
            add(
                "date_past",
                past.to_string(),
                *from,
                when.to,
                when.sure - 0.05,
            );
        }
    }
    for time in &times {
        add("time", time.time.to_string(), time.from, time.to, time.sure);
    }
    for (day, time) in pairs {
        let Some(date) = day.when.date else { continue };
        let (from, to) = (day.from.min(time.from), day.when.to.max(time.to));
        let sure = day.when.sure.min(time.sure);
        let at = DateTime::from_parts(date, time.time).to_string();
        add("datetime", at, from, to, sure);
        if let Some(past) = day.when.past {
            let at = DateTime::from_parts(past, time.time).to_string();
            add("datetime_past", at, from, to, sure - 0.05);
        }
    }
    for (from, to, at) in scan(text, |i| {
        from_now(text, i, lang, now).map(|(to, at)| (to, (i, to, at)))
    }) {
        add("datetime", at.to_string(), from, to, 0.93);
    }
}

/// Days with the times next to them; a day that says morning or evening moves its time there.
fn paired<'d>(text: &Text, days: &'d [Day], times: &mut [Clock]) -> Vec<(&'d Day, Clock)> {
    let mut pairs = Vec::new();
    let mut next = 0;
    for day in days {
        while times.get(next).is_some_and(|t| t.to + 3 < day.from) {
            next += 1;
        }
        let near = times.get_mut(next..).unwrap_or_default().iter_mut().take(3);
        let pair = near.into_iter().find(|t| is_next_to(text, day, t));
        if let Some(time) = pair {
            let end = day.when.to;
            let late = day.late || (end..time.from).any(|i| text.is(i, &LATE));
            let early = (day.from..time.from).any(|i| is_morning(text, i));
            if time.open && late && time.time.hour() < 12 {
                time.time = moved(time.time, 12);
            } else if time.open && early && time.time.hour() > 12 {
                time.time = moved(time.time, -12);
            }
            pairs.push((day, *time));
        }
    }
    pairs
}

/// What `parse` finds from left to right, each after the end of the one before.
fn scan<T>(text: &Text, parse: impl Fn(usize) -> Option<(usize, T)>) -> Vec<T> {
    let mut all = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        match parse(i) {
            Some((to, one)) => {
                all.push(one);
                i = to.max(i + 1);
            }
            None => i += 1,
        }
    }
    all
}

/// Nothing but joining words lies between them.
fn is_next_to(text: &Text, day: &Day, time: &Clock) -> bool {
    let end = day.when.to;
    let gap = if end <= time.from {
        end..time.from
    } else {
        time.to..day.from
    };
    let joints = [
        "at", "on", "by", "around", ",", "t", "a", "la", "las", "el", "del", "de", "sobre", "the",
    ];
    let apart = end <= time.from || time.to <= day.from;
    // "Friday evening at 8", "mañana por la mañana a las 9".
    let parts = ["morning", "manana", "por"];
    let inside = |i| text.is(i, &joints) || text.is(i, &parts) || text.is(i, &LATE);
    apart && gap.len() <= 5 && gap.into_iter().all(inside)
}

/// Parts of the day in which a bare hour is after noon.
const LATE: [&str; 5] = ["afternoon", "evening", "night", "tarde", "noche"];

/// "Tomorrow morning at 6", "esta mañana a las 6", where "mañana" alone is tomorrow.
fn is_morning(text: &Text, i: usize) -> bool {
    let spanish = i > 0 && text.is(i, &["manana"]) && text.is(i - 1, &["la", "esta"]);
    spanish || text.is(i, &["morning", "madrugada"])
}

fn moved(time: Time, hours: i8) -> Time {
    Time::new(time.hour() + hours, time.minute(), time.second(), 0).unwrap_or(time)
}

/// `in 2 hours`, `dentro de media hora`.
fn from_now(text: &Text, i: usize, lang: Lang, now: &ZonedDateTime) -> Option<(usize, DateTime)> {
    let opening = match lang {
        Lang::En => text.phrase(i, "in"),
        Lang::Es => text
            .phrase(i, "dentro de")
            .max(text.phrase(i, "en"))
            .max(text.phrase(i, "hace")),
    };
    let length = duration::parse(text, i + opening, lang).filter(duration::Length::is_clock)?;
    let after = match lang {
        Lang::En => text.phrase(length.to, "ago"),
        Lang::Es => text.phrase(length.to, "atras"),
    };
    if opening + after == 0 {
        return None;
    }
    let past = after > 0 || text.is(i, &["hace"]);
    let span = length.span()?;
    let span = if past { span.negate() } else { span };
    let at = now.checked_add(span).ok()?.datetime();
    let at = DateTime::from_parts(
        at.date(),
        at.time().with().subsec_nanosecond(0).build().ok()?,
    );
    Some((length.to + after, at))
}

/// The time that begins at `i`.
fn parse(text: &Text, i: usize, lang: Lang) -> Option<Clock> {
    let named: &[(&str, i8)] = match lang {
        Lang::En => &[
            ("noon", 12),
            ("midday", 12),
            ("midnight", 0),
            ("twelve noon", 12),
            ("12 noon", 12),
        ],
        Lang::Es => &[("mediodia", 12), ("medianoche", 0)],
    };
    if let Some((n, hour)) = text.longest(i, named) {
        return Some(Clock {
            from: i,
            to: i + n,
            time: Time::new(hour, 0, 0, 0).ok()?,
            sure: 0.97,
            open: false,
        });
    }
    let clock = in_digits(text, i, lang);
    clock.or_else(|| {
        if lang == Lang::En {
            english(text, i)
        } else {
            spanish(text, i)
        }
    })
}

/// Morning, afternoon or evening at `i`, with its number of tokens.
fn half(text: &Text, i: usize) -> Option<(usize, Half)> {
    let halves = [
        ("am", Half::Am),
        ("a . m .", Half::Am),
        ("a . m", Half::Am),
        ("a m", Half::Am),
        ("in the morning", Half::Am),
        ("this morning", Half::Am),
        ("de la manana", Half::Am),
        ("por la manana", Half::Am),
        ("de la madrugada", Half::Am),
        ("pm", Half::Pm),
        ("p . m .", Half::Pm),
        ("p . m", Half::Pm),
        ("p m", Half::Pm),
        ("in the afternoon", Half::Pm),
        ("in the evening", Half::Pm),
        ("this afternoon", Half::Pm),
        ("this evening", Half::Pm),
        ("de la tarde", Half::Pm),
        ("por la tarde", Half::Pm),
        ("del mediodia", Half::Pm),
        ("at night", Half::Night),
        ("tonight", Half::Night),
        ("de la noche", Half::Night),
    ];
    text.longest(i, &halves)
}

/// The clock for what was said; without a half of the day, 1 to 6 are after noon, when people are
/// up and shops are open.
fn clock(text: &Text, from: usize, to: usize, hour: Hour, minute: u32, sure: f64) -> Option<Clock> {
    let (n, half) = half(text, to).map_or((0, None), |(n, h)| (n, Some(h)));
    let open = half.is_none() && !hour.full;
    let of_24 = match (half, hour.hour) {
        (_, 24) => 0,
        (_, 13..) => hour.hour,
        (Some(Half::Am), h) => h % 12,
        (Some(Half::Pm), h) => h % 12 + 12,
        (Some(Half::Night), 12) => 0,
        (Some(Half::Night), h) => {
            if h < 5 {
                h
            } else {
                h + 12
            }
        }
        (None, h) if !hour.full && (1..=6).contains(&h) => h + 12,
        (None, h) => h,
    };
    let time = Time::new(i8::try_from(of_24).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()?;
    let sure = if half.is_some() { 0.98 } else { sure };
    Some(Clock {
        from,
        to: to + n,
        time,
        sure,
        open,
    })
}

fn hour(text: &Text, i: usize, lang: Lang) -> Option<Hour> {
    let token = text.tokens.get(i)?;
    if token.kind == Kind::Digits {
        let hour = token
            .fold
            .parse()
            .ok()
            .filter(|h| *h <= 24 && token.fold.len() <= 2)?;
        return Some(Hour {
            to: i + 1,
            hour,
            full: hour > 12 || token.fold.starts_with('0'),
        });
    }
    let (to, hour) = below_hundred(text, i, lang).filter(|(_, h)| (1..=24).contains(h))?;
    Some(Hour {
        to,
        hour,
        full: hour > 12,
    })
}

/// Two digits of minutes.
fn minutes(written: &str) -> Option<u32> {
    written
        .parse()
        .ok()
        .filter(|m| *m < 60 && written.len() == 2)
}

/// `15:30`, `3.30pm`, `3pm`, `15h30`.
fn in_digits(text: &Text, i: usize, lang: Lang) -> Option<Clock> {
    let token = text.tokens.get(i).filter(|t| t.kind == Kind::Digits)?;
    if text.glued(i) && text.is(i - 1, &[":", "/", "-"]) {
        return None;
    }
    if let Some((whole, rest)) = token.fold.split_once('.') {
        let said = i > 0 && text.is(i - 1, &["at", "las", "la"]);
        let hour = whole
            .parse()
            .ok()
            .filter(|h| *h <= 24 && whole.len() <= 2)?;
        let hour = Hour {
            to: i + 1,
            hour,
            full: hour > 12 || whole.starts_with('0'),
        };
        let known = (said && !is_measure(text, i + 1)) || half(text, i + 1).is_some();
        return if known {
            clock(text, i, i + 1, hour, minutes(rest)?, 0.9)
        } else {
            None
        };
    }
    // `1830 hours`, `at 0900`
    if token.fold.len() == 4 && token.fold.bytes().all(|b| b.is_ascii_digit()) {
        let hours = text.is(i + 1, &["hours", "hrs", "horas"]);
        let said = i > 0 && text.is(i - 1, &["at", "las"]) && token.fold.starts_with('0');
        let (hour, minute) = token.fold.split_at(2);
        let hour = hour.parse().ok().filter(|h| *h < 24)?;
        let to = if hours { i + 2 } else { i + 1 };
        let hour = Hour {
            to,
            hour,
            full: true,
        };
        return (hours || said)
            .then(|| clock(text, i, to, hour, minutes(minute)?, 0.8))
            .flatten();
    }
    let hour = hour(text, i, lang)?;
    let sign = text.is(i + 1, &[":", "h"]) && text.glued(i + 1);
    if sign
        && text.glued(i + 2)
        && let Some(minute) = minutes(text.word(i + 2))
    {
        // Seconds are read over.
        let seconds =
            text.is(i + 3, &[":"]) && text.glued(i + 4) && minutes(text.word(i + 4)).is_some();
        let to = if seconds { i + 5 } else { i + 3 };
        let to = to + usize::from(text.is(to, &["h", "hrs"]));
        return clock(
            text,
            i,
            to,
            hour,
            minute,
            if hour.full { 0.98 } else { 0.85 },
        );
    }
    if sign && text.is(i + 1, &["h"]) {
        return (lang == Lang::Es || hour.hour > 12)
            .then(|| clock(text, i, i + 2, hour, 0, 0.8))
            .flatten();
    }
    half(text, i + 1).and_then(|_| clock(text, i, i + 1, hour, 0, 0.9))
}

fn english(text: &Text, i: usize) -> Option<Clock> {
    if let Some(found) = past_or_to(text, i) {
        return Some(found);
    }
    let at = i + text.phrase(i, "at");
    let hour = hour(text, at, Lang::En)?;
    let clocks = [("o'clock", ()), ("oclock", ()), ("o clock", ())];
    if let Some((n, ())) = text.longest(hour.to, &clocks) {
        return clock(text, at, hour.to + n, hour, 0, 0.95);
    }
    let zero = usize::from(text.is(hour.to, &["oh", "o"]));
    let minute = below_hundred(text, hour.to + zero, Lang::En).filter(|(_, m)| {
        if zero > 0 {
            (1..10).contains(m)
        } else {
            (10..60).contains(m)
        }
    });
    // "Three thirty" alone could be two numbers, unless nothing else is said.
    let said = |to: usize| at > i || half(text, to).is_some();
    if let Some((to, minute)) =
        minute.filter(|(to, _)| said(*to) || (i == 0 && *to == text.tokens.len()))
    {
        return clock(text, at, to, hour, minute, 0.85);
    }
    // "At 20 pounds" and "at 5 percent" are no times.
    let last = text
        .tokens
        .get(hour.to)
        .is_none_or(|t| t.kind != Kind::Digits && !is_measure(text, hour.to));
    (said(hour.to) && last)
        .then(|| clock(text, at, hour.to, hour, 0, 0.7))
        .flatten()
}

/// What follows a number that counts something.
fn is_measure(text: &Text, i: usize) -> bool {
    let words = [
        "%", "percent", "per", "pounds", "pound", "euros", "euro", "dollars", "quid", "pence", "£",
        "€", "$", "/", "times", "hundred", "thousand", "million", "por", "libras", "dolares",
        "mil", "of", "-", ":", "points",
    ];
    text.is(i, &words)
}

/// `half past two`, `quarter to three`, `ten past five`, `half eleven`.
fn past_or_to(text: &Text, i: usize) -> Option<Clock> {
    let (to, minute) = match text.word(i) {
        "half" => (i + 1, 30),
        "quarter" => (i + 1, 15),
        "a" if text.is(i + 1, &["quarter"]) => (i + 2, 15),
        _ => number::parse(text, i, Lang::En)
            .and_then(|n| u32::try_from(n.value).ok().map(|v| (n.to, v)))
            .filter(|(_, v)| (1..30).contains(v))?,
    };
    let exact = text.phrase(to, "minutes");
    let to = to + exact;
    let back = text.is(to, &["to", "till"]) && text.word(i) != "half";
    let brief = text.is(i, &["half"]) && to == i + 1;
    if back || text.is(to, &["past", "after"]) {
        let hour = hour(text, to + 1, Lang::En)?;
        let said = text.tokens.get(i).is_some_and(|t| t.kind == Kind::Digits) && back;
        // "From 10 to 3" is no time unless minutes are said.
        let clock_said = half(text, hour.to).is_some() || text.is(hour.to, &["o'clock"]);
        if said && !clock_said {
            return None;
        }
        // Nor are "two to three business days", "£20 after 3 days" and "five to ten minutes".
        let rough = exact == 0 && minute % 5 > 0 && !clock_said;
        let counted = text.is(hour.to, &["business", "working"])
            || duration::is_unit(text, hour.to)
            || is_measure(text, hour.to);
        if rough || counted {
            return None;
        }
        return before(clock(text, i, hour.to, hour, minute, 0.93)?, back);
    }
    let hour = hour(text, to, Lang::En).filter(|h| brief && h.hour <= 12)?;
    clock(text, i, hour.to, hour, minute, 0.75)
}

/// Minutes to the hour rather than past it.
fn before(found: Clock, back: bool) -> Option<Clock> {
    if !back {
        return Some(found);
    }
    let hour = (found.time.hour() + 23) % 24;
    Some(Clock {
        time: Time::new(hour, 60 - found.time.minute(), 0, 0).ok()?,
        ..found
    })
}

/// `a las tres y media`, `las cinco menos cuarto de la tarde`, `tres de la tarde`.
fn spanish(text: &Text, i: usize) -> Option<Clock> {
    let opening = ["a las", "a la", "las", "la"]
        .iter()
        .map(|p| text.phrase(i, p))
        .max()?;
    let at = i + opening;
    let hour = hour(text, at, Lang::Es)?;
    let back = text.is(hour.to, &["menos"]);
    let joined = back || text.is(hour.to, &["y", "con"]);
    let rest = if joined { hour.to + 1 } else { hour.to };
    let minute = match text.word(rest) {
        "media" if joined => Some((rest + 1, 30)),
        "cuarto" if joined => Some((rest + 1, 15)),
        digits if joined && (1..=2).contains(&digits.len()) && digits.parse::<u32>().is_ok() => {
            digits.parse().ok().map(|minute| (rest + 1, minute))
        }
        _ => below_hundred(text, rest, Lang::Es).filter(|(_, m)| joined || *m >= 10),
    }
    .filter(|(_, minute)| (1..60).contains(minute));
    let (to, minute) = minute.unwrap_or((hour.to + text.phrase(hour.to, "en punto"), 0));
    let whole = i == 0 && to == text.tokens.len() && minute > 0 && joined;
    let known = opening > 0 || whole || half(text, to).is_some();
    if !known || (minute == 0 && is_measure(text, to)) {
        return None;
    }
    // "Las dos tarjetas" are two cards.
    let counts = opening == 1
        && to == hour.to
        && half(text, to).is_none()
        && text.tokens.get(to).is_some_and(|t| t.kind == Kind::Word);
    let at_hours = i > 0
        && text.is(
            i - 1,
            &["a", "sobre", "hasta", "desde", "son", "es", "hacia"],
        );
    if minute == 0 && counts && !at_hours {
        return None;
    }
    // "La una" is one o'clock, "la dos" isn't said.
    let strict = opening == 0 || text.is(at - 1, &["las"]) || hour.hour == 1;
    let sure = if minute > 0 || to > hour.to {
        0.93
    } else {
        0.85
    };
    let found = clock(text, at, to, hour, minute, sure).filter(|_| strict)?;
    before(found, back && minute > 0)
}
