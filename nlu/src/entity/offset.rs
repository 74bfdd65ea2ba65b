//! Days by their distance from today or from another day.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::date::{self, When};
use super::text::{Lang, Text};
use super::{duration, weekday};

/// `in two weeks`, `two weeks today`, `two days before Christmas`, `next month`, `de hoy en ocho`.
pub(super) fn parse(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    if let Some((n, span)) = named(text, i, lang) {
        return Some(When::new(i + n, today.checked_add(span).ok()?, 0.95));
    }
    if lang == Lang::Es && text.is(i, &["de"]) {
        return spanish_from(text, i, today);
    }
    if let Some(when) = beside(text, i, lang, today) {
        return Some(when);
    }
    let opening = match lang {
        Lang::En => text.phrase(i, "in"),
        Lang::Es => text
            .phrase(i, "dentro de")
            .max(text.phrase(i, "en"))
            .max(text.phrase(i, "hace")),
    };
    let length = duration::parse(text, i + opening, lang).filter(|l| !l.is_clock())?;
    let span = length.span()?;
    if opening == 0
        && let Some(when) = from_day(text, length.to, lang, today, span)
    {
        return Some(when);
    }
    let back = [
        ("ago", ()),
        ("from now", ()),
        ("from today", ()),
        ("atras", ()),
    ];
    let (to, span) = match text.longest(length.to, &back) {
        Some((n, ())) if opening == 0 => {
            let past = text.is(length.to, &["ago", "atras"]);
            (length.to + n, if past { span.negate() } else { span })
        }
        _ if text.is(i, &["hace"]) => (length.to, span.negate()),
        _ if opening > 0 => (length.to, span),
        _ => return None,
    };
    Some(When::new(to, today.checked_add(span).ok()?, 0.95))
}

/// `next week`, `el mes pasado`: tokens and distance.
fn named(text: &Text, i: usize, lang: Lang) -> Option<(usize, Span)> {
    let names: &[(&str, (i32, i32))] = match lang {
        Lang::En => &[
            ("next week", (7, 0)),
            ("next month", (0, 1)),
            ("next year", (0, 12)),
            ("last week", (-7, 0)),
            ("last month", (0, -1)),
            ("last year", (0, -12)),
            ("week after next", (14, 0)),
            ("month after next", (0, 2)),
            ("year after next", (0, 24)),
            ("week before last", (-14, 0)),
            ("month before last", (0, -2)),
            ("year before last", (0, -24)),
        ],
        Lang::Es => &[
            ("la semana que viene", (7, 0)),
            ("la proxima semana", (7, 0)),
            ("la semana pasada", (-7, 0)),
            ("la pasada semana", (-7, 0)),
            ("la semana proxima", (7, 0)),
            ("el mes que viene", (0, 1)),
            ("el mes pasado", (0, -1)),
            ("el pasado mes", (0, -1)),
            ("el mes proximo", (0, 1)),
            ("el ano que viene", (0, 12)),
            ("el proximo ano", (0, 12)),
            ("el ano pasado", (0, -12)),
            ("el pasado ano", (0, -12)),
            ("el proximo mes", (0, 1)),
        ],
    };
    let (n, (days, months)) = text.longest(i, names)?;
    Some((n, days.days().try_months(months).ok()?))
}

/// What follows a length of time that counts from a day: `today`, `on Friday`, `before Christmas`.
fn from_day(text: &Text, to: usize, lang: Lang, today: Date, span: Span) -> Option<When> {
    let joints: &[(&str, bool)] = match lang {
        Lang::En => &[
            ("from", false),
            ("on", false),
            ("after", false),
            ("before", true),
        ],
        Lang::Es => &[
            ("despues de", false),
            ("despues del", false),
            ("a partir de", false),
            ("a partir del", false),
            ("antes de", true),
            ("antes del", true),
        ],
    };
    let Some((n, back)) = text.longest(to, joints) else {
        // "Two weeks today", "a week tomorrow", "a week Monday"
        let near = date::near(text, to, lang, today).map(|(when, _)| when);
        let day = near.or_else(|| weekday::parse(text, to, lang, today))?;
        let weeks = lang == Lang::En && text.is(to - 1, &["week", "weeks", "fortnight"]);
        let open = When { past: None, ..day };
        return weeks.then(|| open.plus(span)).flatten();
    };
    let at = to + n + text.phrase(to + n, "the").max(text.phrase(to + n, "el"));
    let day = date::simple(text, at, lang, today)?;
    let span = if back { span.negate() } else { span };
    let sure = day.sure.min(0.9);
    day.plus(span).map(|when| When { sure, ..when })
}

/// `day after Christmas`, `la semana antes de Navidad`, without an article.
fn beside(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let units: &[(&str, i32)] = match lang {
        Lang::En => &[("day", 1), ("week", 7)],
        Lang::Es => &[("dia", 1), ("semana", 7)],
    };
    let (n, days) = text.longest(i, units)?;
    let counted = text.is(i + n, &["after", "before", "despues", "antes", "following"]);
    counted
        .then(|| from_day(text, i + n, lang, today, days.days()))
        .flatten()
}

/// `de hoy en ocho`, `de mañana en ocho días`, `de aquí a una semana`.
fn spanish_from(text: &Text, i: usize, today: Date) -> Option<When> {
    if text.phrase(i, "de aqui a") > 0 {
        let length = duration::parse(text, i + 3, Lang::Es).filter(|l| !l.is_clock())?;
        let date = today.checked_add(length.span()?).ok()?;
        return Some(When::new(length.to, date, 0.9));
    }
    let (when, _) = date::near(text, i + 1, Lang::Es, today)?;
    let counted = text.is(i + 2, &["en"]) && when.to > i + 2;
    counted.then_some(when)
}
