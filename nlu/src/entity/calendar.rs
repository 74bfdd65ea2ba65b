//! Days by their place in a month, a week or a year: ends of months, weekends, holidays.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::date::{When, coming, gone, of_index, weekday_name};
use super::text::{Lang, Text};
use super::{month, ordinal};

/// A place in a stretch of time.
#[derive(Debug, Clone, Copy)]
enum Place {
    First,
    Middle,
    Last,
}

/// The day at `i`.
pub(super) fn parse(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    in_stretch(text, i, lang, today)
        .or_else(|| weekday_of_month(text, i, lang, today))
        .or_else(|| weekend(text, i, lang, today))
        .or_else(|| holiday(text, i, lang, today))
}

/// `end of the month`, `beginning of next year`, `a mediados de mes`, `end of March`, `last day of the month`.
fn in_stretch(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let places: &[(&str, Place)] = match lang {
        Lang::En => &[
            ("end of", Place::Last),
            ("last day of", Place::Last),
            ("first day of", Place::First),
            ("beginning of", Place::First),
            ("start of", Place::First),
            ("middle of", Place::Middle),
            ("mid", Place::Middle),
            ("mid -", Place::Middle),
        ],
        // "De" and "del" belong to what follows.
        Lang::Es => &[
            ("fin", Place::Last),
            ("final", Place::Last),
            ("finales", Place::Last),
            ("ultimos", Place::Last),
            ("ultimo dia", Place::Last),
            ("principios", Place::First),
            ("principio", Place::First),
            ("primeros", Place::First),
            ("primer dia", Place::First),
            ("mediados", Place::Middle),
        ],
    };
    let (n, place) = text.longest(i, places)?;
    if let Some((to, months, years)) = stretch(text, i + n, lang) {
        let first = today.first_of_month().checked_add(months.months()).ok()?;
        return in_known(to, first, (place, years), today);
    }
    let of = usize::from(text.is(i + n, &["de", "del"]));
    let (to, month) = month::month(text, i + n + of, lang)?;
    let at = |first: Date| match place {
        Place::First => Some(first),
        Place::Middle => first.with().day(15).build().ok(),
        Place::Last => Some(first.last_of_month()),
    };
    if let Some((to, year)) = month::year_after(text, to, lang, today) {
        return Some(When::new(to, at(Date::new(year, month, 1).ok()?)?, 0.85));
    }
    let of_year = |year: i16| at(Date::new(year, month, 1).ok()?);
    let this = of_year(today.year())?;
    let (next, last) = if this >= today {
        (this, of_year(today.year() - 1))
    } else {
        (of_year(today.year() + 1)?, Some(this))
    };
    Some(When::new(to, next, 0.85).or_past(last))
}

/// A month or a year by its distance: one past it, months from now, whether a year is meant.
fn stretch(text: &Text, i: usize, lang: Lang) -> Option<(usize, i32, bool)> {
    let years: &[(&str, i32)] = match lang {
        Lang::En => &[
            ("the year", 0),
            ("this year", 0),
            ("year", 0),
            ("next year", 12),
            ("last year", -12),
        ],
        Lang::Es => &[
            ("de ano", 0),
            ("del ano", 0),
            ("de este ano", 0),
            ("del ano que viene", 12),
            ("del proximo ano", 12),
            ("del ano pasado", -12),
        ],
    };
    if let Some((n, months)) = text.longest(i, years) {
        return Some((i + n, months, true));
    }
    if let Some((n, months)) = month::relative(text, i, lang) {
        return Some((i + n, months.unwrap_or(0), false));
    }
    let bare = lang == Lang::En && text.is(i, &["month"]);
    bare.then_some((i + 1, 0, false))
}

fn in_known(to: usize, first: Date, (place, years): (Place, bool), today: Date) -> Option<When> {
    let date = match (place, years) {
        (Place::First, false) => first,
        (Place::Middle, false) => first.with().day(15).build().ok()?,
        (Place::Last, false) => first.last_of_month(),
        (Place::First, true) => first.first_of_year(),
        (Place::Middle, true) => first.with().month(7).day(1).build().ok()?,
        (Place::Last, true) => first.last_of_year(),
    };
    let this_month = first == today.first_of_month();
    if matches!(place, Place::First) && !years && this_month && today.day() > 1 {
        // What has begun begins again.
        let next = first.checked_add(1.month()).ok()?;
        return Some(When::new(to, next, 0.85).or_past(Some(date)));
    }
    Some(When::new(to, date, 0.85))
}

/// `first Monday of December`, `last Friday of the month`, `el primer lunes del mes que viene`.
fn weekday_of_month(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let last = text.is(i, &["last", "ultimo"]);
    let (at, nth) = if last {
        (i + 1, -1)
    } else {
        let (to, nth) = ordinal::parse(text, i, lang).filter(|(_, n)| (1..=5).contains(n))?;
        (to, i8::try_from(nth).ok()?)
    };
    let wanted = of_index(weekday_name(text, at, lang, true)?)?;
    let of = text.phrase(at + 1, "of").max(text.phrase(at + 1, "in"));
    let next = at + 1 + of;
    let nth_of = |first: Date| first.nth_weekday_of_month(nth, wanted).ok();
    if let Some((n, months)) = month::relative(text, next, lang) {
        let first = today.first_of_month();
        let first = first.checked_add(months.unwrap_or(0).months()).ok()?;
        let date = nth_of(first)?;
        return Some(match months {
            // "The first Monday of the month" is the next one.
            None if date < today => {
                let later = nth_of(first.checked_add(1.month()).ok()?)?;
                When::new(next + n, later, 0.9).or_past(Some(date))
            }
            _ => When::new(next + n, date, 0.9),
        });
    }
    let of = usize::from(text.is(next, &["de", "del"]));
    let (to, month) = month::month(text, next + of, lang)?;
    if let Some((to, year)) = month::year_after(text, to, lang, today) {
        return Some(match nth_of(Date::new(year, month, 1).ok()?) {
            Some(date) => When::new(to, date, 0.95),
            None => When::unread(to),
        });
    }
    let of_year = |year: i16| nth_of(Date::new(year, month, 1).ok()?);
    let this = of_year(today.year())?;
    let (date, past) = if this >= today {
        (this, of_year(today.year() - 1))
    } else {
        (of_year(today.year() + 1)?, Some(this))
    };
    Some(When::new(to, date, 0.9).or_past(past))
}

/// Its Saturday, or today on one of its days.
fn weekend(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let names: &[(&str, i32)] = match lang {
        Lang::En => &[
            ("this weekend", 0),
            ("at the weekend", 0),
            ("next weekend", 7),
            ("last weekend", -7),
        ],
        Lang::Es => &[
            ("este fin de semana", 0),
            ("el fin de semana", 0),
            ("el fin de semana que viene", 7),
            ("el proximo fin de semana", 7),
            ("el fin de semana pasado", -7),
            ("el pasado fin de semana", -7),
        ],
    };
    let (n, days) = text.longest(i, names)?;
    let saturday = match today.weekday() {
        Weekday::Saturday => today,
        Weekday::Sunday => today.yesterday().ok()?,
        _ => today.nth_weekday(1, Weekday::Saturday).ok()?,
    };
    let date = saturday.checked_add(days.days()).ok()?;
    let date = if days < 0 { date } else { date.max(today) };
    Some(When::new(i + n, date, 0.85))
}

/// Days that are the same each year: `Christmas`, `last Christmas`, `Navidad de 2027`.
pub(super) fn holiday(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let days: &[(&str, (i8, i8))] = match lang {
        Lang::En => &[
            ("christmas day", (12, 25)),
            ("christmas", (12, 25)),
            ("christmas eve", (12, 24)),
            ("boxing day", (12, 26)),
            ("new year's eve", (12, 31)),
            ("new year's day", (1, 1)),
            ("new years eve", (12, 31)),
            ("new years day", (1, 1)),
            ("valentine's day", (2, 14)),
            ("valentines day", (2, 14)),
        ],
        Lang::Es => &[
            ("navidad", (12, 25)),
            ("el dia de navidad", (12, 25)),
            ("nochebuena", (12, 24)),
            ("nochevieja", (12, 31)),
            ("ano nuevo", (1, 1)),
            ("dia de reyes", (1, 6)),
        ],
    };
    let sides: &[(&str, i8)] = match lang {
        Lang::En => &[("last", -1), ("this", 0), ("this coming", 1), ("next", 1)],
        Lang::Es => &[],
    };
    let (m, side) = text.longest(i, sides).unwrap_or((0, 0));
    let (n, (month, day)) = text.longest(i + m, days)?;
    let to = i + m + n;
    if m == 0
        && let Some((to, year)) = month::year_after(text, to, lang, today)
    {
        return Some(When::new(to, Date::new(year, month, day).ok()?, 0.85));
    }
    let (date, past) = (coming(today, month, day)?, gone(today, month, day));
    Some(match side {
        -1 => When::new(to, past?, 0.85),
        1 => When::new(to, date, 0.85),
        _ => When::new(to, date, 0.85).or_past(past),
    })
}
