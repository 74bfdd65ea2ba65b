//! Calendar days: what they are read from, the longest reading at a place, and phrases that are about
//! a day but can't be read, of which no inner piece may be taken.

use std::collections::HashSet;
use std::sync::LazyLock;

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::text::{Kind, Lang, Text, Words, list, place};
use super::{calendar, duration, month, number, offset, ordinal, weekday};

static EN_DAYS: Words =
    LazyLock::new(|| list("monday tuesday wednesday thursday friday saturday sunday"));
static ES_DAYS: Words =
    LazyLock::new(|| list("lunes martes miercoles jueves viernes sabado domingo"));

/// Words that a day can begin with, beside numbers: all others need no look.
const EN_STARTS: &str = "the next this last coming past previous following in a an half quarter end beginning start \
    middle mid early late today tomorrow tomorow tommorow tommorrow tmrw tonight yesterday day week month year weekend \
    night christmas boxing new valentine's valentines at jan feb mar apr may jun jul aug sep sept oct nov dec tue tues \
    wed thu thur thurs fri mon sat sun january february march april june july august september october november \
    december monday tuesday wednesday thursday friday saturday sunday three";
const ES_STARTS: &str = "el la este esta proximo proxima pasado pasada dentro en hace de fin final finales principios \
    principio primeros ultimo ultimos ultima mediados hoy manana ayer anoche anteanoche anteayer antes antier dia semana \
    mes ano navidad nochebuena nochevieja un una medio media cuarto ene feb mar abr may jun jul ago sep sept oct nov dic \
    enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre lunes martes \
    miercoles jueves viernes sabado domingo tres";

static STARTS: LazyLock<[HashSet<&'static str>; 2]> = LazyLock::new(|| {
    [EN_STARTS, ES_STARTS].map(|words| words.split_whitespace().collect::<HashSet<_>>())
});

/// Days from today by name.
const EN_NEAR: [(&str, i32); 20] = [
    ("the day after tomorrow", 2),
    ("day after tomorrow", 2),
    ("tomorrow", 1),
    ("tomorow", 1),
    ("tommorow", 1),
    ("tommorrow", 1),
    ("tmrw", 1),
    ("today", 0),
    ("this morning", 0),
    ("this afternoon", 0),
    ("this evening", 0),
    ("tonight", 0),
    ("yesterday", -1),
    ("last night", -1),
    ("last evening", -1),
    ("the day before yesterday", -2),
    ("day before yesterday", -2),
    ("the night before last", -2),
    ("night before last", -2),
    ("two nights ago", -2),
];
const ES_NEAR: [(&str, i32); 14] = [
    ("pasado manana", 2),
    ("manana", 1),
    ("hoy", 0),
    ("esta manana", 0),
    ("esta tarde", 0),
    ("esta noche", 0),
    ("ayer", -1),
    ("anoche", -1),
    ("anteayer", -2),
    ("antes de ayer", -2),
    ("antier", -2),
    ("antes de anoche", -2),
    ("anteanoche", -2),
    ("antenoche", -2),
];

/// A day as it was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct When {
    /// One past the last token.
    pub(super) to: usize,
    /// The day, the coming one where the text doesn't say; nothing for a phrase that can't be read.
    pub(super) date: Option<Date>,
    /// The last such day that is past, where the text doesn't say which it is.
    pub(super) past: Option<Date>,
    /// How sure that is.
    pub(super) sure: f64,
}

impl When {
    /// A day that the text says in full.
    pub(super) fn new(to: usize, date: Date, sure: f64) -> When {
        When {
            to,
            date: Some(date),
            past: None,
            sure,
        }
    }

    /// A phrase that no day can be made of.
    pub(super) fn unread(to: usize) -> When {
        When {
            to,
            date: None,
            past: None,
            sure: 0.0,
        }
    }

    /// The same phrase when looked at from the past.
    pub(super) fn or_past(self, past: Option<Date>) -> When {
        When {
            past: past.filter(|p| Some(*p) != self.date),
            ..self
        }
    }

    /// So much later.
    pub(super) fn plus(self, span: Span) -> Option<When> {
        let date = self.date?.checked_add(span).ok()?;
        let past = self.past.and_then(|p| p.checked_add(span).ok());
        Some(When {
            date: Some(date),
            past,
            ..self
        })
    }
}

/// A day at some tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Day {
    /// First token.
    pub(super) from: usize,
    /// What was read.
    pub(super) when: When,
    /// The text says evening or night, so a bare hour is after noon.
    pub(super) late: bool,
}

/// The day that begins at `i`: of all readings the longest.
pub(super) fn parse(text: &Text, i: usize, lang: Lang, today: Date) -> Option<Day> {
    if !may_begin(text, i, lang) {
        return None;
    }
    let near = near(text, i, lang, today);
    let mut best = Day {
        from: i,
        when: When::unread(i),
        late: false,
    };
    let readings = [
        in_digits(text, i, lang, today),
        month::parse(text, i, lang, today),
        near.map(|(when, _)| when),
        weekday::parse(text, i, lang, today),
        calendar::parse(text, i, lang, today),
        offset::parse(text, i, lang, today),
        month::with_year(text, i, lang, today),
    ];
    for when in readings.into_iter().flatten() {
        if when.to > best.when.to {
            best.when = when;
        }
    }
    best.late = near.is_some_and(|(when, late)| late && when == best.when);
    if best.when.to == i {
        best = day_alone(text, i, lang, today)?;
    }
    if let Some(to) = goes_on_unread(text, best.from, best.when.to, lang) {
        best.when = When::unread(to);
        // "The third Sunday after Easter"
        if i > 0 && ordinal::parse(text, i - 1, lang).is_some_and(|(to, _)| to == i) {
            best.from = i - 1;
        }
    }
    Some(best)
}

/// A word without the ending of "Friday's no good".
fn owned(word: &str) -> &str {
    word.strip_suffix("'s").unwrap_or(word)
}

fn may_begin(text: &Text, i: usize, lang: Lang) -> bool {
    let Some(token) = text.tokens.get(i) else {
        return false;
    };
    let known = || {
        let [en, es] = &*STARTS;
        let starts = if lang == Lang::En { en } else { es };
        starts.contains(owned(token.fold.as_str()))
    };
    token.kind == Kind::Digits
        || (token.kind == Kind::Word
            && (known()
                || number::below_hundred(text, i, lang).is_some()
                || ordinal::parse(text, i, lang).is_some()))
}

/// A day without the words around it that have no place in a date: for what counts from a day.
pub(super) fn simple(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let readings = [
        in_digits(text, i, lang, today),
        month::parse(text, i, lang, today),
        near(text, i, lang, today).map(|(when, _)| when),
        weekday::parse(text, i, lang, today),
        calendar::holiday(text, i, lang, today),
    ];
    let known = readings.into_iter().flatten().filter(|w| w.date.is_some());
    known.max_by_key(|when| when.to)
}

/// What stands before a day and makes it another, by language.
const BEFORE: [&[&str]; 2] = [
    &[
        "end of",
        "start of",
        "beginning of",
        "middle of",
        "rest of",
        "day of",
        "early",
        "late",
        "mid",
        "every",
        "each",
        "weeks from",
        "week after",
        "week before",
    ],
    &[
        "fin de",
        "final de",
        "finales de",
        "principios de",
        "principio de",
        "primeros de",
        "mediados de",
        "resto de",
        "cada",
        "todos los",
        "todas las",
    ],
];
/// What stands after a day and makes it another, by language.
const AFTER: [&[&str]; 2] = [
    &[
        "after that",
        "before that",
        "before easter",
        "after easter",
        "before thanksgiving",
        "after thanksgiving",
        "of each month",
        "of every month",
        "each month",
        "every month",
    ],
    &["de cada mes", "cada mes", "despues de eso"],
];

/// Where the phrase around a day says something else of it: "every Monday", "early next week", "the
/// Monday after that", "one or two weeks ago". The end of that phrase.
fn goes_on_unread(text: &Text, from: usize, to: usize, lang: Lang) -> Option<usize> {
    let own = |[en, es]: [&'static [&'static str]; 2]| if lang == Lang::En { en } else { es };
    let rest = own(AFTER).iter().map(|p| text.phrase(to, p)).max();
    let rest = rest.filter(|n| *n > 0).map(|n| to + n);
    let article = from > 0 && text.is(from - 1, &["the", "la", "el"]);
    let end = if article { from - 1 } else { from };
    let led = own(BEFORE).iter().any(|phrase| {
        let words = phrase.split(' ').count();
        end >= words && text.phrase(end - words, phrase) > 0
    });
    // "Two to three weeks ago"
    let range = from > 1
        && text.is(from - 1, &["or", "to", "-", "o", "a"])
        && number::parse(text, from, lang).is_some()
        && number::below_hundred(text, from - 2, lang).is_some()
        && duration::parse(text, from, lang).is_some();
    rest.or((led || range).then_some(to))
}

/// Today, tomorrow and their like, also "tomorrow week"; whether a late part of the day is said.
pub(super) fn near(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(When, bool)> {
    let names: &[(&str, i32)] = if lang == Lang::En { &EN_NEAR } else { &ES_NEAR };
    let (n, days) = text.longest(i, names)?;
    // "Por la mañana" and "de la mañana" are parts of a day.
    if i > 0 && text.is(i, &["manana"]) && text.is(i - 1, &["la"]) {
        return None;
    }
    let late = [
        "tonight",
        "noche",
        "tarde",
        "evening",
        "afternoon",
        "anoche",
        "night",
    ];
    let late = text.is(i + n - 1, &late);
    let sure = if late || n == 2 && days == 0 {
        0.8
    } else {
        0.98
    };
    let (more, later) = later_by_weeks(text, i + n, lang).unwrap_or((0, 0));
    let date = today.checked_add((days + later).days()).ok()?;
    Some((When::new(i + n + more, date, sure), late))
}

/// `week` of "tomorrow week", `en ocho` of "el lunes en ocho": tokens and days.
pub(super) fn later_by_weeks(text: &Text, i: usize, lang: Lang) -> Option<(usize, i32)> {
    let names: &[(&str, i32)] = match lang {
        Lang::En => &[("week", 7), ("fortnight", 14)],
        Lang::Es => &[
            ("en ocho", 7),
            ("en ocho dias", 7),
            ("en 8", 7),
            ("en 8 dias", 7),
            ("en quince", 14),
            ("en quince dias", 14),
            ("en 15", 14),
            ("en 15 dias", 14),
        ],
    };
    text.longest(i, names)
}

pub(super) fn number_of(words: &Words, word: &str) -> Option<i8> {
    let number = place(words, word)?;
    i8::try_from(number).ok()
}

/// The weekday at `i`, 0 for Monday; short forms that are words besides only where `sure` of it.
pub(super) fn weekday_name(text: &Text, i: usize, lang: Lang, sure: bool) -> Option<i8> {
    let word = owned(text.word(i));
    // "Sat?", "el jue": nothing else it could be.
    // More than two are as good as any number, and this is asked of every word.
    let words = text.tokens.iter().filter(|t| t.kind != Kind::Sign);
    let words = words.take(3).count();
    let led = [
        "on", "the", "this", "next", "el", "este", "pls", "please", "then", "or",
    ];
    let alone =
        words == 1 || (words == 2 && text.tokens.iter().any(|t| led.contains(&t.fold.as_str())));
    let sure = sure || alone;
    let short = match (lang, word) {
        (Lang::En, "tue" | "tues") => Some(1),
        (Lang::En, "wed" | "weds") => Some(2),
        (Lang::En, "thu" | "thur" | "thurs") => Some(3),
        (Lang::En, "fri") => Some(4),
        (Lang::En, "mon") if sure => Some(0),
        (Lang::En, "sat") if sure => Some(5),
        (Lang::En, "sun") if sure => Some(6),
        (Lang::Es, "lun") if sure => Some(0),
        (Lang::Es, "mie" | "mier") if sure => Some(2),
        (Lang::Es, "jue") if sure => Some(3),
        (Lang::Es, "vie") if sure => Some(4),
        (Lang::Es, "sab") if sure => Some(5),
        (Lang::Es, "dom") if sure => Some(6),
        _ => None,
    };
    number_of(if lang == Lang::En { &EN_DAYS } else { &ES_DAYS }, word).or(short)
}

pub(super) fn of_index(index: i8) -> Option<Weekday> {
    Weekday::from_monday_zero_offset(index).ok()
}

/// The first such day that isn't past.
pub(super) fn coming(today: Date, month: i8, day: i8) -> Option<Date> {
    let years = today.year()..=today.year().saturating_add(8);
    years
        .filter_map(|y| Date::new(y, month, day).ok())
        .find(|d| *d >= today)
}

/// The last such day that isn't to come.
pub(super) fn gone(today: Date, month: i8, day: i8) -> Option<Date> {
    let years = today.year().saturating_sub(8)..=today.year();
    years
        .rev()
        .filter_map(|y| Date::new(y, month, day).ok())
        .find(|d| *d <= today)
}

/// `2026-05-03`, `3/5`, `3/5/26`, `3-5-2026`, `3.5.2026`, `3 5 2026`: day first unless only month first can be.
fn in_digits(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let number = |i: usize| {
        let token = text.tokens.get(i)?;
        let fits = token.kind == Kind::Digits && token.fold.len() <= 4;
        fits.then(|| token.fold.parse::<i16>().ok()).flatten()
    };
    let token = text.tokens.get(i)?;
    if token.kind != Kind::Digits || token.fold.len() > 10 {
        return None;
    }
    let before = text.glued(i) && text.is(i.checked_sub(1).unwrap_or(i), &["/", "-"]);
    if token.fold.contains('.') {
        return dotted(text, i, today);
    }
    let spaced = in_spaces(text, i, today);
    let joint = text.word(i + 1);
    if before || !matches!(joint, "/" | "-") || !text.glued(i + 1) || !text.glued(i + 2) {
        return spaced;
    }
    let (first, second) = (number(i)?, number(i + 2)?);
    let third = (text.word(i + 3) == joint && text.glued(i + 3) && text.glued(i + 4))
        .then(|| number(i + 4));
    let read = |date: Option<Date>, sure| match date {
        Some(date) => When::new(i + 5, date, sure),
        None => When::unread(i + 5),
    };
    match (third.flatten(), token.fold.len()) {
        (Some(day), 4) => {
            let (month, day) = (i8::try_from(second).ok()?, i8::try_from(day).ok()?);
            Some(read(Date::new(first, month, day).ok(), 0.99))
        }
        (Some(year), _) => {
            let date = century(year, today).and_then(|year| day_first(first, second, year));
            Some(read(date, 0.95))
        }
        // "24/7" is no day in July.
        (None, 1 | 2) if joint == "/" && (first, second) != (24, 7) => {
            let plain = (i8::try_from(first).ok()?, i8::try_from(second).ok()?);
            let (day, month) = if plain.1 > 12 {
                (plain.1, plain.0)
            } else {
                plain
            };
            let only = text.tokens.len() == 3 || lang == Lang::Es;
            let sure = if only { 0.85 } else { 0.8 };
            let when = When::new(i + 3, coming(today, month, day)?, sure);
            Some(when.or_past(gone(today, month, day)))
        }
        _ => None,
    }
}

/// `3.5.2026`
fn dotted(text: &Text, i: usize, today: Date) -> Option<When> {
    let fold = text.word(i);
    let parts: Vec<i16> = fold.split('.').filter_map(|p| p.parse().ok()).collect();
    let [day, month, year] = parts[..] else {
        return None;
    };
    // Versions have small numbers.
    let last = fold.rsplit('.').next().map_or(0, str::len);
    let version = i > 0 && text.is(i - 1, &["version", "v", "release"]);
    let year = century(year, today).filter(|_| last >= 2 && !version)?;
    Some(When::new(i + 1, day_first(day, month, year)?, 0.9))
}

/// `23 11 2026`
fn in_spaces(text: &Text, i: usize, today: Date) -> Option<When> {
    let plain = |i: usize, lengths: &[usize]| {
        let token = text.tokens.get(i)?;
        let fits =
            token.kind == Kind::Digits && token.spaced && lengths.contains(&token.fold.len());
        fits.then(|| token.fold.parse::<i16>().ok()).flatten()
    };
    let (day, month) = (plain(i, &[1, 2])?, plain(i + 1, &[1, 2])?);
    let year = plain(i + 2, &[4]).and_then(|year| century(year, today))?;
    let alone = |i: usize| {
        let token = text.tokens.get(i);
        token.is_none_or(|t| t.kind != Kind::Digits)
    };
    let alone = alone(i + 3) && i.checked_sub(1).is_none_or(alone);
    day_first(day, month, year)
        .filter(|_| alone)
        .map(|date| When::new(i + 3, date, 0.7))
}

/// Two digits mean a year up to 20 years from now, or one before.
pub(super) fn century(year: i16, today: Date) -> Option<i16> {
    match year {
        0..=99 if 2000 + year > today.year().saturating_add(20) => Some(1900 + year),
        0..=99 => Some(2000 + year),
        1900..=2200 => Some(year),
        _ => None,
    }
}

fn day_first(first: i16, second: i16, year: i16) -> Option<Date> {
    let (day, month) = if second > 12 {
        (second, first)
    } else {
        (first, second)
    };
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `the 3rd`, `on the third`, `el día 3`: the next such day of a month.
fn day_alone(text: &Text, i: usize, lang: Lang, today: Date) -> Option<Day> {
    let at = match lang {
        Lang::En => i + text.phrase(i, "the"),
        Lang::Es => i + text.phrase(i, "el dia").max(text.phrase(i, "el")),
    };
    // "On 12th", and "12th" where it is all that is said
    let on = i > 0 && text.is(i - 1, &["on"]);
    let bare = on || (i == 0 && text.tokens.len() <= 3 && !month::goes_on(text, i + 2));
    let token = text
        .tokens
        .get(at)
        .filter(|_| at > i || (lang == Lang::En && bare))?;
    let (to, day) = match (lang, token.kind) {
        (Lang::En, Kind::Digits) => {
            // "The 12th floor"
            ordinal::parse(text, at, lang).filter(|(to, _)| !month::goes_on(text, *to))?
        }
        // "The third" is a place in a list too.
        (Lang::En, Kind::Word) if on && at > i => {
            ordinal::parse(text, at, lang).filter(|(to, _)| !month::goes_on(text, *to))?
        }
        (Lang::Es, Kind::Digits) => (at + 1, token.fold.parse().ok()?),
        _ => return None,
    };
    // The whole date comes next, or another kind of number.
    let glued = text.glued(to) && text.is(to, &["/", "-", ":", "%"]);
    if glued || month::parse(text, at, lang, today).is_some() {
        return None;
    }
    let day = i8::try_from(day).ok()?;
    let date = in_some_month(today, day, 1)?;
    let when = When::new(to, date, 0.6).or_past(in_some_month(today, day, -1));
    Some(Day {
        from: at,
        when,
        late: false,
    })
}

/// The next day (`step` 1) or the last one (-1) with this number in a month, today itself included.
pub(super) fn in_some_month(today: Date, day: i8, step: i32) -> Option<Date> {
    let first = today.first_of_month();
    let months = (0..12).filter_map(|n| first.checked_add((n * step).months()).ok());
    let mut days = months.filter_map(|m| Date::new(m.year(), m.month(), day).ok());
    days.find(|d| if step > 0 { *d >= today } else { *d <= today })
}
