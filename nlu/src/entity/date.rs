//! Calendar days: relative, by weekday, by day and month, and in digits (day first).

use std::sync::LazyLock;

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

use super::text::{Kind, Lang, Text, Words, list, place};
use super::{calendar, duration, money, number, ordinal};

static EN_MONTHS: Words = LazyLock::new(|| {
    list("january february march april may june july august september october november december")
});
static EN_SHORT: Words = LazyLock::new(|| list("jan feb mar apr may jun jul aug sep oct nov dec"));
static ES_MONTHS: Words = LazyLock::new(|| {
    list("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")
});
static ES_SHORT: Words = LazyLock::new(|| list("ene feb mar abr may jun jul ago sep oct nov dic"));
static EN_DAYS: Words =
    LazyLock::new(|| list("monday tuesday wednesday thursday friday saturday sunday"));
static ES_DAYS: Words =
    LazyLock::new(|| list("lunes martes miercoles jueves viernes sabado domingo"));

/// Days from today by name.
const EN_NEAR: [(&str, i32); 14] = [
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
    ("day before yesterday", -2),
];
const ES_NEAR: [(&str, i32); 11] = [
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
];

/// Where a weekday lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The first one after today.
    Coming,
    /// Today or the first one after it.
    This,
    /// In the next calendar week, which begins on Monday.
    NextWeek,
    /// A week after the first one after today.
    WeekLater,
    /// The last one before today.
    Past,
}

/// A day at some tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Day {
    /// First token.
    pub(super) from: usize,
    /// One past the last token.
    pub(super) to: usize,
    /// The day.
    pub(super) date: Date,
    /// How sure that is.
    pub(super) sure: f64,
    /// The text says evening or night, so a bare hour is after noon.
    pub(super) late: bool,
}

/// The day that begins at `i`.
pub(super) fn parse(text: &Text, i: usize, lang: Lang, today: Date) -> Option<Day> {
    let day = |to: usize, date: Date, sure: f64| Day {
        from: i,
        to,
        date,
        sure,
        late: false,
    };
    if let Some((to, date, sure)) = in_digits(text, i, lang, today) {
        return Some(day(to, date, sure));
    }
    if let Some((to, date)) = day_and_month(text, i, lang, today) {
        return Some(day(to, date, 0.97));
    }
    if let Some(found) = near(text, i, lang, today) {
        return Some(found);
    }
    if let Some((to, date, sure)) = weekday(text, i, lang, today) {
        return Some(day(to, date, sure));
    }
    if let Some((to, date)) = calendar::parse(text, i, lang, today) {
        return Some(day(to, date, 0.85));
    }
    if let Some((to, date)) = offset_from_day(text, i, lang, today) {
        return Some(day(to, date, 0.9));
    }
    if let Some((to, span)) = offset(text, i, lang) {
        return Some(day(to, today.checked_add(span).ok()?, 0.95));
    }
    if let Some((to, date)) = month_and_year(text, i, lang) {
        return Some(day(to, date, 0.7));
    }
    day_alone(text, i, lang, today)
}

/// `a week from tomorrow`, `two weeks on Friday`.
fn offset_from_day(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date)> {
    let length = duration::parse(text, i, lang).filter(|l| !l.is_clock())?;
    let at = length.to + 1;
    if lang == Lang::Es || !text.is(length.to, &["from", "on", "after"]) {
        return None;
    }
    let (to, date) = match near(text, at, lang, today) {
        Some(day) => (day.to, day.date),
        None => weekday(text, at, lang, today).map(|(to, date, _)| (to, date))?,
    };
    Some((to, date.checked_add(length.span()?).ok()?))
}

/// `March 2027`: its first day.
fn month_and_year(text: &Text, i: usize, lang: Lang) -> Option<(usize, Date)> {
    let month = month(text, i, lang)?;
    // "30th February 2027" is no day, and no month either.
    let numbered = |i: usize| text.tokens.get(i).is_some_and(|t| t.kind == Kind::Digits);
    if i > 0 && (numbered(i - 1) || text.is(i - 1, &["st", "nd", "rd", "th"])) {
        return None;
    }
    let at = i + 1 + usize::from(text.is(i + 1, &["de", "of", ","]));
    let token = text
        .tokens
        .get(at)
        .filter(|t| t.kind == Kind::Digits && t.fold.len() == 4)?;
    let year: i16 = token
        .fold
        .parse()
        .ok()
        .filter(|y| (1900..2200).contains(y))?;
    Some((at + 1, Date::new(year, month, 1).ok()?))
}

/// Today, tomorrow and their like.
fn near(text: &Text, i: usize, lang: Lang, today: Date) -> Option<Day> {
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
    ];
    let late = text.is(i + n - 1, &late);
    let sure = if late || n == 2 && days == 0 {
        0.8
    } else {
        0.98
    };
    Some(Day {
        from: i,
        to: i + n,
        date: today.checked_add(days.days()).ok()?,
        sure,
        late,
    })
}

fn number_of(words: &Words, word: &str) -> Option<i8> {
    let number = place(words, word)?;
    i8::try_from(number).ok()
}

fn month(text: &Text, i: usize, lang: Lang) -> Option<i8> {
    let word = text.word(i);
    let (long, short) = if lang == Lang::En {
        (&EN_MONTHS, &EN_SHORT)
    } else {
        (&ES_MONTHS, &ES_SHORT)
    };
    let other = match word {
        "sept" | "setiembre" => Some(8),
        _ => None,
    };
    number_of(long, word)
        .or(number_of(short, word))
        .or(other)
        .map(|n| n + 1)
}

/// A day of the month, in digits, as an ordinal or in words.
fn day_number(text: &Text, i: usize, lang: Lang) -> Option<(usize, i8)> {
    let ordinal = ordinal::parse(text, i, lang).map(|(to, n)| (to, u64::from(n)));
    let token = text.tokens.get(i)?;
    let digits =
        (token.kind == Kind::Digits && token.fold.len() <= 2).then(|| token.fold.parse().ok());
    let words = || number::below_hundred(text, i, lang).map(|(to, n)| (to, u64::from(n)));
    let (to, n) = ordinal
        .or(digits.flatten().map(|n| (i + 1, n)))
        .or_else(words)?;
    i8::try_from(n)
        .ok()
        .filter(|n| (1..=31).contains(n))
        .map(|n| (to, n))
}

/// `3rd of May 2027`, `May 3rd`, `3 de mayo de 2027`.
fn day_and_month(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date)> {
    let (to, day, month) = match month(text, i, lang) {
        Some(found) => {
            let the = usize::from(text.is(i + 1, &["the", "el"]));
            let (to, day) = day_number(text, i + 1 + the, lang)?;
            if is_verb(text, i, to) {
                return None;
            }
            // "In May 3:30 suits me".
            if text.is(to, &[":"]) {
                return None;
            }
            (to, day, found)
        }
        None => {
            let (to, day) = day_number(text, i, lang)?;
            let of = usize::from(text.is(to, &["of", "de", "-", "/"]));
            let month = month(text, to + of, lang)?;
            // "That one may be wrong": a day in words, and no month.
            let in_words = text.tokens.get(i).is_some_and(|t| t.kind == Kind::Word);
            if in_words && of == 0 && is_small_verb(text, to) && goes_on(text, to + 1) {
                return None;
            }
            (to + of + 1, day, month)
        }
    };
    let joint = usize::from(text.is(to, &[",", "of", "de", "del", "-", "/"]));
    let written = text
        .tokens
        .get(to + joint)
        .filter(|t| t.kind == Kind::Digits && t.fold.len() == 4);
    let year = written
        .and_then(|t| t.fold.parse::<i16>().ok())
        .filter(|y| (1900..2200).contains(y) && !money::is_currency(text, to + joint + 1, lang));
    // '85
    let brief = text.word(to + 1);
    if text.is(to, &["'", "\u{2019}"]) && text.glued(to + 1) && brief.len() == 2 {
        let year = century(brief.parse().ok()?, today)?;
        return Some((to + 2, Date::new(year, month, day).ok()?));
    }
    match year {
        Some(year) => Some((to + joint + 1, Date::new(year, month, day).ok()?)),
        None => Some((to, coming(today, month, day)?)),
    }
}

/// "They may 5 times", "soldiers march 20 miles": a word of small letters, and something counted.
fn is_verb(text: &Text, i: usize, to: usize) -> bool {
    let ordinal = text
        .tokens
        .get(to - 1)
        .is_some_and(|t| t.kind == Kind::Word);
    is_small_verb(text, i) && !ordinal && goes_on(text, to)
}

/// A month that is a verb too, without its capital.
fn is_small_verb(text: &Text, i: usize) -> bool {
    text.is(i, &["may", "march"]) && text.original(i).starts_with(char::is_lowercase)
}

/// A word follows that a date is hardly before.
fn goes_on(text: &Text, i: usize) -> bool {
    let free = [
        "at", "on", "in", "and", "or", "please", "for", "if", "is", "to", "of", "this", "next",
        "by", "from", "until", "with", "as", "but", "so", "was", "will", "would", "thanks",
    ];
    let word = text.tokens.get(i).filter(|t| t.kind == Kind::Word);
    word.is_some_and(|t| !free.contains(&t.fold.as_str()))
}

/// The first such day that isn't past.
pub(super) fn coming(today: Date, month: i8, day: i8) -> Option<Date> {
    let years = today.year()..=today.year().saturating_add(8);
    years
        .filter_map(|y| Date::new(y, month, day).ok())
        .find(|d| *d >= today)
}

/// `2026-05-03`, `3/5`, `3/5/26`, `3-5-2026`, `3.5.2026`: day first unless only month first can be.
fn in_digits(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date, f64)> {
    let number = |i: usize| {
        let token = text
            .tokens
            .get(i)
            .filter(|t| t.kind == Kind::Digits && t.fold.len() <= 4)?;
        token.fold.parse::<i16>().ok()
    };
    let token = text
        .tokens
        .get(i)
        .filter(|t| t.kind == Kind::Digits && t.fold.len() <= 10)?;
    let before = text.glued(i) && text.is(i.checked_sub(1).unwrap_or(i), &["/", "-"]);
    let dotted: Vec<i16> = token
        .fold
        .split('.')
        .filter_map(|p| p.parse().ok())
        .collect();
    let joint = text.word(i + 1);
    if let [day, month, year] = dotted[..]
        && token.fold.matches('.').count() == 2
    {
        // Versions have small numbers.
        let last = token.fold.rsplit('.').next().map_or(0, str::len);
        let version = i > 0 && text.is(i - 1, &["version", "v", "release"]);
        let year = century(year, today).filter(|_| last >= 2 && !version)?;
        return Some((i + 1, day_first(day, month, year)?, 0.9));
    }
    if before || !matches!(joint, "/" | "-") || !text.glued(i + 1) || !text.glued(i + 2) {
        return None;
    }
    let (first, second) = (number(i)?, number(i + 2)?);
    let third = (text.word(i + 3) == joint && text.glued(i + 3) && text.glued(i + 4))
        .then(|| number(i + 4));
    match (third.flatten(), token.fold.len()) {
        (Some(day), 4) => {
            let (month, day) = (i8::try_from(second).ok()?, i8::try_from(day).ok()?);
            Some((i + 5, Date::new(first, month, day).ok()?, 0.99))
        }
        (Some(year), _) => Some((
            i + 5,
            day_first(first, second, century(year, today)?)?,
            0.95,
        )),
        // "24/7" is no day in July.
        (None, 1 | 2) if joint == "/" && (first, second) != (24, 7) => {
            let plain = (i8::try_from(first).ok()?, i8::try_from(second).ok()?);
            let (day, month) = if plain.1 > 12 {
                (plain.1, plain.0)
            } else {
                plain
            };
            let only = text.tokens.len() == 3 || lang == Lang::Es;
            Some((
                i + 3,
                coming(today, month, day)?,
                if only { 0.85 } else { 0.8 },
            ))
        }
        _ => None,
    }
}

/// Two digits mean a year up to 20 years from now, or one before.
fn century(year: i16, today: Date) -> Option<i16> {
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

/// `next friday`, `el viernes que viene`, `friday 3 May`.
fn weekday(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date, f64)> {
    let before: &[(&str, Which)] = match lang {
        Lang::En => &[
            ("next", Which::NextWeek),
            ("this", Which::This),
            ("last", Which::Past),
        ],
        Lang::Es => &[
            ("proximo", Which::Coming),
            ("este", Which::This),
            ("pasado", Which::Past),
        ],
    };
    let said = text.longest(i, before);
    let (at, mut which) = said.map_or((i, Which::Coming), |(n, which)| (i + n, which));
    let word = text.word(at);
    let short = match (lang, word) {
        (Lang::En, "tue" | "tues") => Some(1),
        (Lang::En, "wed") => Some(2),
        (Lang::En, "thu" | "thur" | "thurs") => Some(3),
        (Lang::En, "fri") => Some(4),
        // Words besides, so only after "next" and the like.
        (Lang::En, "mon") if said.is_some() => Some(0),
        (Lang::En, "sat") if said.is_some() => Some(5),
        (Lang::En, "sun") if said.is_some() => Some(6),
        _ => None,
    };
    let index = number_of(if lang == Lang::En { &EN_DAYS } else { &ES_DAYS }, word).or(short)?;
    let wanted = Weekday::from_monday_zero_offset(index).ok()?;
    let mut to = at + 1;
    let after: &[(&str, Which)] = &[
        ("next week", Which::NextWeek),
        ("de la semana que viene", Which::NextWeek),
        ("de la proxima semana", Which::NextWeek),
        ("que viene", Which::Coming),
        ("week", Which::WeekLater),
        ("proximo", Which::Coming),
        ("pasado", Which::Past),
    ];
    if let Some((n, later)) = text
        .longest(to, after)
        .filter(|_| !text.is(to + 1, &["manana"]))
    {
        (to, which) = (to + n, later);
    }
    // The day and month say it better than the weekday.
    let gap = (to..to + 3)
        .find(|j| !text.is(*j, &[",", "the", "el", "dia"]))
        .unwrap_or(to);
    if said.is_none()
        && let Some((end, date)) = day_and_month(text, gap, lang, today)
    {
        return Some((end, date, 0.97));
    }
    let date = match which {
        Which::Coming => today.nth_weekday(1, wanted).ok()?,
        Which::This if today.weekday() == wanted => today,
        Which::This => today.nth_weekday(1, wanted).ok()?,
        Which::WeekLater => today.nth_weekday(2, wanted).ok()?,
        Which::Past => today.nth_weekday(-1, wanted).ok()?,
        Which::NextWeek => {
            let to_monday = i32::from(7 - today.weekday().to_monday_zero_offset());
            today
                .checked_add((to_monday + i32::from(index)).days())
                .ok()?
        }
    };
    Some((to, date, 0.93))
}

/// `in two weeks`, `two weeks ago`, `next week`, `dentro de 3 días`, `hace dos semanas`.
fn offset(text: &Text, i: usize, lang: Lang) -> Option<(usize, Span)> {
    let next: &[(&str, (i32, i32))] = match lang {
        Lang::En => &[
            ("next week", (7, 0)),
            ("next month", (0, 1)),
            ("next year", (0, 12)),
            ("last week", (-7, 0)),
            ("last month", (0, -1)),
            ("last year", (0, -12)),
        ],
        Lang::Es => &[
            ("la semana que viene", (7, 0)),
            ("la proxima semana", (7, 0)),
            ("la semana pasada", (-7, 0)),
            ("la semana proxima", (7, 0)),
            ("el mes que viene", (0, 1)),
            ("el mes pasado", (0, -1)),
            ("el ano que viene", (0, 12)),
            ("el proximo ano", (0, 12)),
            ("el ano pasado", (0, -12)),
            ("el proximo mes", (0, 1)),
        ],
    };
    if let Some((n, (days, months))) = text.longest(i, next) {
        return Some((i + n, days.days().try_months(months).ok()?));
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
    let back = [
        ("ago", ()),
        ("from now", ()),
        ("from today", ()),
        ("atras", ()),
    ];
    match text.longest(length.to, &back) {
        Some((n, ())) if opening == 0 => {
            let past = text.is(length.to, &["ago", "atras"]);
            Some((length.to + n, if past { span.negate() } else { span }))
        }
        _ if text.is(i, &["hace"]) => Some((length.to, span.negate())),
        _ => (opening > 0).then_some((length.to, span)),
    }
}

/// `the 3rd`, `el día 3`: the next such day of a month.
fn day_alone(text: &Text, i: usize, lang: Lang, today: Date) -> Option<Day> {
    let at = match lang {
        Lang::En => i + text.phrase(i, "the"),
        Lang::Es => i + text.phrase(i, "el dia").max(text.phrase(i, "el")),
    };
    let token = text
        .tokens
        .get(at)
        .filter(|t| at > i && t.kind == Kind::Digits)?;
    let (to, day) = match lang {
        Lang::En => ordinal::parse(text, at, lang)?,
        Lang::Es => (at + 1, token.fold.parse().ok()?),
    };
    // The whole date comes next, or another kind of number.
    let glued = text.glued(to) && text.is(to, &["/", "-", ":", "%"]);
    if glued || day_and_month(text, at, lang, today).is_some() {
        return None;
    }
    let day = i8::try_from(day).ok()?;
    let months = (0..12).filter_map(|n| today.first_of_month().checked_add(n.months()).ok());
    let days = months.filter_map(|m| Date::new(m.year(), m.month(), day).ok());
    let date = days.into_iter().find(|d| *d >= today)?;
    Some(Day {
        from: at,
        to,
        date,
        sure: 0.6,
        late: false,
    })
}
