//! Days by their number in a month, with or without a year, and whole months with a year.

use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::Date;

use super::date::{When, century, coming, gone, in_some_month, number_of};
use super::text::{Kind, Lang, Text, Words, list};
use super::{duration, money, number, ordinal};

static EN_MONTHS: Words = LazyLock::new(|| {
    list("january february march april may june july august september october november december")
});
static EN_SHORT: Words = LazyLock::new(|| list("jan feb mar apr may jun jul aug sep oct nov dec"));
static ES_MONTHS: Words = LazyLock::new(|| {
    list("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")
});
static ES_SHORT: Words = LazyLock::new(|| list("ene feb mar abr may jun jul ago sep oct nov dic"));

/// A day of a month, as it was said.
#[derive(Debug, Clone, Copy)]
struct MonthDay {
    to: usize,
    month: i8,
    day: i8,
    year: Option<i16>,
}

/// A day with its month: `3rd of May 2027`, `Sept. 1`, `2019-Feb-21`, `the 3rd of last month`.
pub(super) fn parse(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    if let Some(when) = of_relative(text, i, lang, today) {
        return Some(when);
    }
    // "Last December 5th", "el pasado 3 de mayo"
    let back = match lang {
        Lang::En => text.phrase(i, "last"),
        Lang::Es => text.phrase(i, "pasado"),
    };
    let found = year_first(text, i, lang)
        .or_else(|| day_and_month(text, i + back, lang, today))
        .or_else(|| {
            (back > 0)
                .then(|| day_and_month(text, i, lang, today))
                .flatten()
        })?;
    let Some(year) = found.year else {
        let past = gone(today, found.month, found.day);
        let Some(date) = coming(today, found.month, found.day) else {
            return Some(When::unread(found.to));
        };
        if back > 0 {
            return past.map(|past| When::new(found.to, past, 0.95));
        }
        return Some(When::new(found.to, date, 0.97).or_past(past));
    };
    Some(match Date::new(year, found.month, found.day) {
        Ok(date) => When::new(found.to, date, 0.97),
        Err(_) => When::unread(found.to),
    })
}

/// The month named at `i`, and one past it, with the point of an abbreviation that something follows.
pub(super) fn month(text: &Text, i: usize, lang: Lang) -> Option<(usize, i8)> {
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
    let n = number_of(long, word).or(number_of(short, word)).or(other)?;
    let point = text.is(i + 1, &["."]) && text.glued(i + 1) && word.len() <= 4;
    let more = text.tokens.get(i + 2);
    let more =
        more.is_some_and(|t| t.kind == Kind::Digits || text.is(i + 2, &["de", "del", "the"]));
    Some((i + 1 + usize::from(point && more), n + 1))
}

/// A day of the month, in digits, as an ordinal or in words.
pub(super) fn day_number(text: &Text, i: usize, lang: Lang) -> Option<(usize, i8)> {
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

/// `2019-Feb-21`
fn year_first(text: &Text, i: usize, lang: Lang) -> Option<MonthDay> {
    let token = text.tokens.get(i)?;
    if token.kind != Kind::Digits || token.fold.len() != 4 {
        return None;
    }
    let year = token.fold.parse().ok().filter(is_year)?;
    let joint = usize::from(text.is(i + 1, &["-", "/"]));
    let (to, month) = month(text, i + 1 + joint, lang)?;
    let joint = usize::from(text.is(to, &["-", "/"]));
    let (to, day) = day_number(text, to + joint, lang)?;
    let year = Some(year);
    Some(MonthDay {
        to,
        month,
        day,
        year,
    })
}

fn is_year(year: &i16) -> bool {
    (1900..2200).contains(year)
}

/// `3rd of May 2027`, `May 3rd`, `3 de mayo de 2027`.
fn day_and_month(text: &Text, i: usize, lang: Lang, today: Date) -> Option<MonthDay> {
    let (to, day, month) = match month(text, i, lang) {
        Some((next, found)) => {
            // "3-May-2025" seen from its month.
            if text.glued(i) && i > 0 && text.is(i - 1, &["-", "/"]) {
                return None;
            }
            let the = usize::from(text.is(next, &["the", "el", "-"]));
            let (to, day) = day_number(text, next + the, lang)?;
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
            let (end, month) = month(text, to + of, lang)?;
            // "That one may be wrong": a day in words, and no month.
            let in_words = text.tokens.get(i).is_some_and(|t| t.kind == Kind::Word);
            if in_words && of == 0 && is_small_verb(text, to) && goes_on(text, to + 1) {
                return None;
            }
            (end, day, month)
        }
    };
    let (to, year) = match year_after(text, to, lang, today) {
        Some((to, year)) => (to, Some(year)),
        None => (to, None),
    };
    Some(MonthDay {
        to,
        month,
        day,
        year,
    })
}

/// The year that follows a day and month, or a feast: `2027`, `, 2027`, `'85`, `25`, `nineteen eighty five`,
/// `last year`.
pub(super) fn year_after(text: &Text, to: usize, lang: Lang, today: Date) -> Option<(usize, i16)> {
    let named: &[(&str, i16)] = match lang {
        Lang::En => &[
            ("last year", -1),
            ("of last year", -1),
            ("this year", 0),
            ("of this year", 0),
            ("next year", 1),
            ("of next year", 1),
        ],
        Lang::Es => &[
            ("del ano pasado", -1),
            ("del pasado ano", -1),
            ("el ano pasado", -1),
            ("de este ano", 0),
            ("este ano", 0),
            ("del ano que viene", 1),
            ("del proximo ano", 1),
        ],
    };
    if let Some((n, years)) = text.longest(to, named) {
        return Some((to + n, today.year().checked_add(years)?));
    }
    // '85
    let brief = text.word(to + 1);
    if text.is(to, &["'", "\u{2019}"]) && text.glued(to + 1) && brief.len() == 2 {
        return Some((to + 2, century(brief.parse().ok()?, today)?));
    }
    let joint = usize::from(text.is(to, &[",", "of", "de", "del", "-", "/"]));
    let at = to + joint;
    let token = text.tokens.get(at)?;
    let counts = |at: usize| {
        money::is_currency(text, at, lang)
            || duration::is_unit(text, at)
            || text.is(at, &["%", "percent"])
            || ["per cent", "por ciento", "por cien"]
                .iter()
                .any(|p| text.phrase(at, p) > 0)
    };
    if token.kind == Kind::Digits {
        let year: i16 = token.fold.parse().ok()?;
        let whole = token.fold.len() == 4 && is_year(&year) && !counts(at + 1);
        let two = token.fold.len() == 2
            && !text.is(to, &[",", "of"])
            && !goes_on(text, at + 1)
            && !counts(at + 1)
            && !text.is(at + 1, &[":", "/", "-", "h"]);
        let year = if whole {
            Some(year)
        } else {
            century(year, today).filter(|_| two)
        };
        return year.map(|year| (at + 1, year));
    }
    let (end, year) = year_in_words(text, at, lang)?;
    (!counts(end)).then_some((end, year))
}

/// `nineteen eighty five`, `twenty twelve`, `two thousand and five`, `mil novecientos ochenta y cinco`.
fn year_in_words(text: &Text, i: usize, lang: Lang) -> Option<(usize, i16)> {
    if lang == Lang::En
        && let hundreds @ (19 | 20) = match text.word(i) {
            "nineteen" => 19,
            "twenty" => 20,
            _ => 0,
        }
    {
        let zero = usize::from(text.is(i + 1, &["oh", "o"]));
        let (to, rest) = number::below_hundred(text, i + 1 + zero, lang)?;
        let fits = if zero > 0 {
            (1..10).contains(&rest)
        } else {
            rest >= 10
        };
        let rest = i16::try_from(rest).ok()?;
        return fits.then_some((to, hundreds * 100 + rest));
    }
    let number = number::parse(text, i, lang)?;
    let year = i16::try_from(number.value).ok()?;
    is_year(&year).then_some((number.to, year))
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

/// Words that may follow a date or a bare number without being counted by it.
const FREE: &str = "at on in and or please for if is to of this next by from until with as but so was will would \
    thanks thank works sounds fine morning afternoon evening night around about before after maybe i we can could then instead ok okay sharp not should that it's because when y o por a al en es \
    seria me para gracias mejor si pero no con de del vale entonces";

/// A word follows that a date is hardly before.
pub(super) fn goes_on(text: &Text, i: usize) -> bool {
    let word = text.tokens.get(i).filter(|t| t.kind == Kind::Word);
    word.is_some_and(|t| FREE.split_whitespace().all(|w| w != t.fold))
}

/// A month by its distance from now, after `of` or `de`: its number of tokens and its first day; the
/// month itself is `None` for "the month".
pub(super) fn relative(text: &Text, i: usize, lang: Lang) -> Option<(usize, Option<i32>)> {
    let names: &[(&str, Option<i32>)] = match lang {
        Lang::En => &[
            ("last month", Some(-1)),
            ("this month", Some(0)),
            ("the month", None),
            ("next month", Some(1)),
            ("the previous month", Some(-1)),
            ("the following month", Some(1)),
            ("the current month", Some(0)),
            ("the month before last", Some(-2)),
            ("the month after next", Some(2)),
        ],
        Lang::Es => &[
            ("del mes pasado", Some(-1)),
            ("del pasado mes", Some(-1)),
            ("del mes anterior", Some(-1)),
            ("de este mes", Some(0)),
            ("del mes", None),
            ("de mes", None),
            ("del presente mes", Some(0)),
            ("del mes en curso", Some(0)),
            ("del mes que viene", Some(1)),
            ("del proximo mes", Some(1)),
            ("del mes proximo", Some(1)),
            ("del mes siguiente", Some(1)),
        ],
    };
    text.longest(i, names)
}

/// `the 23rd of last month`, `el 3 del mes pasado`, `the 12th of the month`.
fn of_relative(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let (to, day) = day_number(text, i, lang)?;
    let of = match lang {
        Lang::En => text.phrase(to, "of").max(text.phrase(to, "in")),
        Lang::Es => 0,
    };
    let (n, months) = relative(text, to + of, lang)?;
    let to = to + of + n;
    let Some(months) = months else {
        let date = in_some_month(today, day, 1)?;
        return Some(When::new(to, date, 0.9).or_past(in_some_month(today, day, -1)));
    };
    let first = today.first_of_month().checked_add(months.months()).ok()?;
    Some(match first.with().day(day).build() {
        Ok(date) => When::new(to, date, 0.95),
        Err(_) => When::unread(to),
    })
}

/// `March 2027`: its first day.
pub(super) fn with_year(text: &Text, i: usize, lang: Lang, _today: Date) -> Option<When> {
    let (to, month) = month(text, i, lang)?;
    let at = to + usize::from(text.is(to, &["de", "del", "of", ","]));
    let token = text.tokens.get(at)?;
    if token.kind != Kind::Digits || token.fold.len() != 4 {
        return None;
    }
    let year: i16 = token.fold.parse().ok().filter(is_year)?;
    Some(When::new(at + 1, Date::new(year, month, 1).ok()?, 0.7))
}
