//! Days by their place in a month, a week or a year: ends of months, weekends, holidays.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::date::coming;
use super::text::{Lang, Text};

/// A place in a stretch of time.
#[derive(Debug, Clone, Copy)]
enum Place {
    First,
    Middle,
    Last,
}

/// The day at `i`, with one past its last token.
pub(super) fn parse(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date)> {
    in_stretch(text, i, lang, today)
        .or_else(|| weekend(text, i, lang, today))
        .or_else(|| holiday(text, i, lang, today))
}

/// `end of the month`, `beginning of next year`, `a mediados de mes`.
fn in_stretch(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date)> {
    let places: &[(&str, Place)] = match lang {
        Lang::En => &[
            ("end of", Place::Last),
            ("beginning of", Place::First),
            ("start of", Place::First),
            ("middle of", Place::Middle),
        ],
        Lang::Es => &[
            ("fin de", Place::Last),
            ("final de", Place::Last),
            ("finales de", Place::Last),
            ("final del", Place::Last),
            ("finales del", Place::Last),
            ("principios de", Place::First),
            ("principio de", Place::First),
            ("principios del", Place::First),
            ("mediados de", Place::Middle),
        ],
    };
    // Months from now, and whether a year is meant.
    let stretches: &[(&str, (i32, bool))] = match lang {
        Lang::En => &[
            ("the month", (0, false)),
            ("this month", (0, false)),
            ("month", (0, false)),
            ("next month", (1, false)),
            ("the year", (0, true)),
            ("this year", (0, true)),
            ("year", (0, true)),
            ("next year", (12, true)),
        ],
        Lang::Es => &[
            ("mes", (0, false)),
            ("este mes", (0, false)),
            ("mes que viene", (1, false)),
            ("proximo mes", (1, false)),
            ("ano", (0, true)),
            ("este ano", (0, true)),
            ("ano que viene", (12, true)),
            ("proximo ano", (12, true)),
        ],
    };
    let (n, place) = text.longest(i, places)?;
    let (m, (months, year)) = text.longest(i + n, stretches)?;
    let first = today.first_of_month().checked_add(months.months()).ok()?;
    let date = match (place, year) {
        (Place::First, false) if months == 0 && today.day() > 1 => {
            // What has begun begins again.
            first.checked_add(1.month()).ok()?
        }
        (Place::First, false) => first,
        (Place::Middle, false) => first.with().day(15).build().ok()?,
        (Place::Last, false) => first.last_of_month(),
        (Place::First, true) => first.first_of_year(),
        (Place::Middle, true) => first.with().month(7).day(1).build().ok()?,
        (Place::Last, true) => first.last_of_year(),
    };
    Some((i + n + m, date))
}

/// Its Saturday, or today on one of its days.
fn weekend(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date)> {
    let names: &[(&str, i32)] = match lang {
        Lang::En => &[
            ("this weekend", 0),
            ("at the weekend", 0),
            ("next weekend", 7),
        ],
        Lang::Es => &[
            ("este fin de semana", 0),
            ("el fin de semana", 0),
            ("el fin de semana que viene", 7),
            ("el proximo fin de semana", 7),
        ],
    };
    let (n, days) = text.longest(i, names)?;
    let saturday = match today.weekday() {
        Weekday::Saturday => today,
        Weekday::Sunday => today.yesterday().ok()?,
        _ => today.nth_weekday(1, Weekday::Saturday).ok()?,
    };
    let date = saturday.checked_add(days.days()).ok()?;
    Some((i + n, date.max(today)))
}

/// Days that are the same each year.
fn holiday(text: &Text, i: usize, lang: Lang, today: Date) -> Option<(usize, Date)> {
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
    let (n, (month, day)) = text.longest(i, days)?;
    Some((i + n, coming(today, month, day)?))
}
