//! Weekdays, by the week they are in and by the days around them.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::date::{When, later_by_weeks, of_index, weekday_name};
use super::text::{Kind, Lang, Text};
use super::{calendar, date, month};

/// Days after which a date is rather the coming one than a past one whose weekday fits.
const LONG_AGO: i32 = 183;

/// Where a weekday lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The first one after today, or the last one before it.
    Open,
    /// The first one after today.
    Coming,
    /// Today or the first one after it.
    This,
    /// In the calendar week so many weeks from now; weeks begin on Monday.
    Week(i32),
    /// The last one before today.
    Past,
    /// The one before that.
    PastAgain,
}

/// `next friday`, `el viernes que viene`, `friday 3 May`, `last week Tuesday`, `Friday the 27th`.
pub(super) fn parse(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    if let Some(when) = week_first(text, i, lang, today) {
        return Some(when);
    }
    let before: &[(&str, Which)] = match lang {
        Lang::En => &[
            ("next", Which::Week(1)),
            ("this", Which::This),
            ("this coming", Which::Coming),
            ("coming", Which::Coming),
            ("last", Which::Past),
            ("this past", Which::Past),
            ("past", Which::Past),
            ("previous", Which::Past),
        ],
        Lang::Es => &[
            ("proximo", Which::Coming),
            ("este", Which::This),
            ("este proximo", Which::Coming),
            ("pasado", Which::Past),
            ("este pasado", Which::Past),
        ],
    };
    let said = text.longest(i, before);
    let (at, mut which) = said.map_or((i, Which::Open), |(n, which)| (i + n, which));
    let index = weekday_name(text, at, lang, said.is_some())?;
    let wanted = of_index(index)?;
    let mut to = at + 1;
    if is_habit(text, i, lang) {
        return Some(When::unread(to));
    }
    if let Some(when) = with_day(text, to, lang, today, wanted) {
        return Some(when);
    }
    if let Some((n, later)) = text.longest(to, after(lang)) {
        // "El lunes pasado mañana" are two days.
        if !text.is(to + 1, &["manana"]) {
            (to, which) = (to + n, later);
        }
    } else if let Some(when) = around(text, to, lang, today, wanted) {
        return Some(when);
    }
    let mut date = of(which, today, index)?;
    if let Some((n, days)) = later_by_weeks(text, to, lang) {
        (to, date) = (to + n, date.checked_add(days.days()).ok()?);
        which = Which::Coming;
    }
    if let Some(n) = not_that_one(text, i, to, lang) {
        return Some(When::new(to + n, date.checked_add(7.days()).ok()?, 0.9));
    }
    let when = When::new(to, date, 0.93);
    let past = today.nth_weekday(-1, wanted).ok();
    Some(if which == Which::Open {
        when.or_past(past)
    } else {
        when
    })
}

fn after(lang: Lang) -> &'static [(&'static str, Which)] {
    match lang {
        Lang::En => &[
            ("next week", Which::Week(1)),
            ("of next week", Which::Week(1)),
            ("this week", Which::Week(0)),
            ("of this week", Which::Week(0)),
            ("last week", Which::Week(-1)),
            ("of last week", Which::Week(-1)),
            ("after next", Which::Week(2)),
            ("before last", Which::PastAgain),
            ("last", Which::Past),
            ("gone", Which::Past),
        ],
        Lang::Es => &[
            ("de la semana que viene", Which::Week(1)),
            ("de la proxima semana", Which::Week(1)),
            ("de la semana proxima", Which::Week(1)),
            ("de esta semana", Which::Week(0)),
            ("de la semana pasada", Which::Week(-1)),
            ("que viene", Which::Coming),
            ("que pasa", Which::Coming),
            ("proximo", Which::Coming),
            ("siguiente", Which::Coming),
            ("pasado", Which::Past),
            ("anterior", Which::Past),
        ],
    }
}

fn of(which: Which, today: Date, index: i8) -> Option<Date> {
    let wanted = of_index(index)?;
    match which {
        Which::This if today.weekday() == wanted => Some(today),
        Which::Open | Which::Coming | Which::This => today.nth_weekday(1, wanted).ok(),
        Which::Past => today.nth_weekday(-1, wanted).ok(),
        Which::PastAgain => today.nth_weekday(-2, wanted).ok(),
        Which::Week(weeks) => {
            let monday = i32::from(today.weekday().to_monday_zero_offset());
            let days = 7 * weeks - monday + i32::from(index);
            today.checked_add(days.days()).ok()
        }
    }
}

/// `next week on Tuesday`, `last week Tuesday`
fn week_first(text: &Text, i: usize, lang: Lang, today: Date) -> Option<When> {
    let weeks: &[(&str, i32)] = match lang {
        Lang::En => &[("next week", 1), ("this week", 0), ("last week", -1)],
        Lang::Es => &[
            ("la semana que viene", 1),
            ("la proxima semana", 1),
            ("esta semana", 0),
            ("la semana pasada", -1),
        ],
    };
    let (n, weeks) = text.longest(i, weeks)?;
    let joints = [
        ("on", ()),
        (",", ()),
        (", on", ()),
        ("el", ()),
        (", el", ()),
    ];
    let joint = text.longest(i + n, &joints).map_or(0, |(n, ())| n);
    let at = i + n + joint;
    let index = weekday_name(text, at, lang, true)?;
    let date = of(Which::Week(weeks), today, index)?;
    Some(When::new(at + 1, date, 0.93))
}

/// "Mondays", "every Monday", "los lunes y martes": no day of the calendar.
fn is_habit(text: &Text, i: usize, lang: Lang) -> bool {
    if lang == Lang::En {
        return i > 0 && text.is(i - 1, &["every", "each"]);
    }
    let mut before = (i.saturating_sub(6)..i).rev();
    let other =
        before.find(|j| !text.is(*j, &["y", ","]) && weekday_name(text, *j, lang, false).is_none());
    other.is_some_and(|j| text.is(j, &["los", "cada", "todos"]))
}

/// The day and month, or the day of the month, that follow a weekday.
fn with_day(text: &Text, to: usize, lang: Lang, today: Date, wanted: Weekday) -> Option<When> {
    let gap = (to..to + 3)
        .find(|j| !text.is(*j, &[",", "the", "el", "dia", "."]))
        .unwrap_or(to);
    if let Some(when) = month::parse(text, gap, lang, today) {
        let fits = |date: Option<Date>| date.is_some_and(|d| d.weekday() == wanted);
        let past = if fits(when.past) { when.past } else { None };
        return Some(match when.date {
            None => when,
            // The weekday says which year is meant, if that is not too long ago.
            Some(_) if fits(when.date) => when.or_past(past),
            Some(_) if past.is_some_and(|p| (today - p).get_days() <= LONG_AGO) => When {
                date: past,
                past: None,
                ..when
            },
            Some(_) => When { sure: 0.6, ..when },
        });
    }
    let (to, day) = month::day_number(text, gap, lang)?;
    // "Friday 10am", "Monday 3 people", "Friday at the first branch"
    let ordinal = text.is(to - 1, &["st", "nd", "rd", "th", "\u{ba}"]);
    let plain = ordinal || (lang == Lang::Es && text.tokens.get(gap)?.kind == Kind::Digits);
    let clock = text.glued(to) || text.is(to, &["am", "pm", "a", "p", "h", "y", "hs"]);
    if !plain || clock || month::goes_on(text, to) {
        return None;
    }
    let first = today.first_of_month();
    let months = (-6..24_i32).filter_map(|n| first.checked_add(n.months()).ok());
    let days = months.filter_map(|m| Date::new(m.year(), m.month(), day).ok());
    let fitting: Vec<Date> = days.filter(|d| d.weekday() == wanted).collect();
    let date = fitting.iter().find(|d| **d >= today).copied();
    let near = fitting.iter().rfind(|d| **d < today).copied();
    Some(match date {
        Some(date) => When::new(to, date, 0.9).or_past(near),
        None => When::unread(to),
    })
}

/// `the Monday after Christmas`, `el lunes antes del 3 de mayo`; unread where it counts from something else.
fn around(text: &Text, to: usize, lang: Lang, today: Date, wanted: Weekday) -> Option<When> {
    let joints: &[(&str, i32)] = match lang {
        Lang::En => &[("after", 1), ("following", 1), ("before", -1)],
        Lang::Es => &[
            ("despues de", 1),
            ("despues del", 1),
            ("antes de", -1),
            ("antes del", -1),
        ],
    };
    let (n, side) = text.longest(to, joints)?;
    let at = to + n + text.phrase(to + n, "the").max(text.phrase(to + n, "el"));
    let from = calendar::holiday(text, at, lang, today)
        .or_else(|| month::parse(text, at, lang, today))
        .or_else(|| date::near(text, at, lang, today).map(|(when, _)| when))?;
    let date = from.date?.nth_weekday(side, wanted).ok()?;
    Some(When::new(from.to, date, 0.9))
}

/// `no, el otro` after a weekday, and `the one after` after "not this Monday": the week after it.
fn not_that_one(text: &Text, from: usize, to: usize, lang: Lang) -> Option<usize> {
    let tails: &[(&str, ())] = match lang {
        Lang::En => &[
            ("the one after", ()),
            ("the one after that", ()),
            ("the next", ()),
            ("the next one", ()),
            ("the following", ()),
            ("the following one", ()),
            ("but the one after", ()),
            ("but the next one", ()),
            ("but the following one", ()),
        ],
        Lang::Es => &[
            ("el otro", ()),
            ("el siguiente", ()),
            ("el que sigue", ()),
            ("sino el siguiente", ()),
            ("sino el otro", ()),
            ("al otro", ()),
            ("el de despues", ()),
        ],
    };
    let comma = |at: usize| at + usize::from(text.is(at, &[","]));
    let negated = match lang {
        Lang::En => (from > 0 && text.is(from - 1, &["not"])).then_some(comma(to)),
        Lang::Es => text.is(comma(to), &["no"]).then(|| comma(comma(to) + 1)),
    };
    let at = negated?;
    text.longest(at, tails).map(|(n, ())| at + n - to)
}
