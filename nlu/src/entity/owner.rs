//! Who owns the characters: of what overlaps, the longest typed span. What is only a piece of a longer
//! phrase is not found at all: the 20 of "20 %", the month of an order number, the week of "a week tomorrow".

use std::collections::{BTreeMap, HashMap};

use super::codes;
use super::text::{Kind, Lang, Text};
use crate::Entity;

/// Kinds that own the characters inside them, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// E-mail and web addresses.
    Address,
    /// What the bot declares: short patterns with digits, and list values as they are declared.
    Declared,
    /// Of these, the patterns.
    Pattern,
    Phone,
    /// With the code of a country or a leading zero.
    SurePhone,
    /// Money, shares and lengths of time.
    Unit,
    /// Days and times that count from now, which leave a length of time inside them.
    FromNow,
    Date,
    /// Days with a time, which leave both inside them.
    Moment,
    Time,
    Ordinal,
    /// Numbers said digit by digit.
    Spoken,
    Number,
}

use Group::{
    Address, Date, Declared, FromNow, Moment, Number, Ordinal, Pattern, Phone, Spoken, SurePhone,
    Time, Unit,
};

/// The groups that own a kind inside them.
fn owners(kind: &str, declared: Option<bool>) -> &'static [Group] {
    match kind {
        // "1985" is no code in a date of birth, and "1234" none in a longer one.
        _ if declared == Some(true) => &[Address, Pattern, SurePhone, Unit, Date, Moment],
        _ if declared == Some(false) => &[Address],
        "number" | "time_bare" => &[
            Address, Declared, Phone, Unit, FromNow, Date, Moment, Time, Ordinal, Spoken, Number,
        ],
        "ordinal" => &[Address, Declared, Phone, Unit, FromNow, Date, Moment],
        "money" | "percent" | "duration" => &[Address, Declared, Phone, Date, Moment],
        "time" => &[Address, Declared, Phone, Unit, Date],
        "phone" => &[Address, Declared, Unit, Date, Moment],
        "date" | "date_past" => &[Address, Declared, Phone],
        "name" | "name_bare" => &[Address],
        _ => &[],
    }
}

/// Kinds that a code, or a date that can't be read, has none of.
const COUNTED: [&str; 12] = [
    "number",
    "money",
    "percent",
    "ordinal",
    "duration",
    "time",
    "time_bare",
    "phone",
    "date",
    "date_past",
    "datetime",
    "datetime_past",
];

/// Spans of one group by start, each with the end that reaches furthest up to there.
#[derive(Default)]
struct Reach {
    spans: Vec<(usize, usize)>,
}

impl Reach {
    fn close(&mut self) {
        self.spans.sort_unstable();
        let mut most = 0;
        for span in &mut self.spans {
            most = most.max(span.1);
            span.1 = most;
        }
    }

    /// The furthest end of a span that starts before `start`, or at it.
    fn end(&self, start: usize, at: bool) -> usize {
        let n = self
            .spans
            .partition_point(|s| if at { s.0 <= start } else { s.0 < start });
        n.checked_sub(1)
            .and_then(|n| self.spans.get(n))
            .map_or(0, |s| s.1)
    }

    /// A span is longer than `start..end` and has it inside.
    fn holds(&self, start: usize, end: usize) -> bool {
        self.end(start, false) >= end || self.end(start, true) > end
    }
}

/// Leaves out what is a piece of something longer. `unread` are tokens of dates that can't be read,
/// `spoken` bytes of numbers said digit by digit.
pub(super) fn settle(
    text: &Text,
    lang: Lang,
    declared: &HashMap<String, bool>,
    unread: &[(usize, usize)],
    spoken: &[(usize, usize)],
    found: &mut Vec<Entity>,
) {
    let mut reach: BTreeMap<Group, Reach> = BTreeMap::new();
    let mut own = |group, start, end| reach.entry(group).or_default().spans.push((start, end));
    for e in found.iter() {
        let of = declared.get(&e.entity).copied();
        if let Some(group) = group(text, e, of) {
            own(group, e.start, e.end);
            match group {
                Declared if of == Some(true) => own(Pattern, e.start, e.end),
                Phone if e.confidence >= 0.9 => own(SurePhone, e.start, e.end),
                _ => {}
            }
        }
    }
    for (start, end) in spoken {
        own(Spoken, *start, *end);
    }
    let shapes = codes::shapes(text);
    for (start, end) in &shapes {
        own(Pattern, *start, *end);
    }
    for group in reach.values_mut() {
        group.close();
    }
    let phrases = unread
        .iter()
        .map(|(from, to)| (text.start(*from), text.end(*to)));
    let mut closed: Vec<(usize, usize)> = phrases.chain(codes::find(text, lang)).collect();
    closed.extend(shapes);
    closed.sort_unstable();
    found.retain(|e| {
        let of = declared.get(&e.entity).copied();
        let held = owners(&e.entity, of)
            .iter()
            .any(|group| reach.get(group).is_some_and(|r| r.holds(e.start, e.end)));
        // A time that was read as one needs no guess.
        let known = e.entity == "time_bare"
            && reach
                .get(&Time)
                .is_some_and(|r| r.end(e.start, true) >= e.end);
        let counted = of.is_none() && COUNTED.contains(&e.entity.as_str());
        let piece = counted && touches(&closed, e);
        !(held || known || piece)
    });
}

/// A closed span overlaps what was found and is not just a part of it.
fn touches(closed: &[(usize, usize)], e: &Entity) -> bool {
    let first = closed.partition_point(|s| s.1 <= e.start && s.0 <= e.start);
    let from = first.saturating_sub(2);
    let near = closed.get(from..).unwrap_or_default().iter();
    near.take_while(|s| s.0 < e.end)
        .any(|s| s.1 > e.start && !(e.start <= s.0 && s.1 <= e.end && (e.start, e.end) != *s))
}

fn group(text: &Text, e: &Entity, declared: Option<bool>) -> Option<Group> {
    if declared.is_some() {
        let said = text.raw.get(e.start..e.end).unwrap_or_default();
        let digits = said.bytes().any(|b| b.is_ascii_digit());
        // A pattern that takes any words owns nothing.
        let short = said.split_whitespace().take(5).count() < 5;
        return (short && digits && e.confidence >= 0.8).then_some(Declared);
    }
    match e.entity.as_str() {
        "email" | "url" => Some(Address),
        "phone" => Some(Phone),
        "money" | "percent" | "duration" => Some(Unit),
        "date" | "datetime" if counts_on(text, e) => Some(FromNow),
        "date" => Some(Date),
        "datetime" => Some(Moment),
        "time" => Some(Time),
        "ordinal" => Some(Ordinal),
        "number" => Some(Number),
        _ => None,
    }
}

/// "In two weeks" has a length of time in it that someone may have asked for.
fn counts_on(text: &Text, e: &Entity) -> bool {
    let at = text.tokens.partition_point(|t| t.start < e.start);
    text.is(at, &["in", "dentro", "en"])
        && text.tokens.get(at).is_some_and(|t| t.kind == Kind::Word)
}
