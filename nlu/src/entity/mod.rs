//! Entities in a text: the lists and patterns a bot declares, and the system types (numbers, money,
//! dates and so on) in English and Spanish.
//!
//! Why they are written here. Looked at, and what each lacks for this:
//!
//! - `chrono-english`, `interim`, `two_timer`: English dates only, for a string that is a date and nothing
//!   else, so no place in a sentence comes out.
//! - `date_time_parser` and `event_parser`: English dates in a sentence, without their place.
//! - `rustling` with `rustling-ontology`: many types, but left alone since 2021.
//! - `duckling` (0.4, a port of Duckling): most types in both languages; young, without confidences, and
//!   without answers, names and what is spelled out, which has to read numbers as the rest does.
//! - `phonenumber`: checks a number that is already cut out; it finds none in a text.
//! - `regex` and `jiff` are used here: time in proportion to the text, and time zones done right.
//!
//! Finders work on tokens in one pass, so a long text costs time in proportion to its length, and no
//! pattern is ever built from what a customer wrote.

use std::collections::HashMap;

use jiff::ZonedDateTime;
use serde_json::Value;

use crate::acts::Polarity;
use crate::{Entity, EntityKind, Spec, beginning};

mod bare;
mod calendar;
mod codes;
mod contact;
mod date;
mod digits;
mod duration;
mod list;
mod money;
mod month;
mod name;
mod number;
mod offset;
mod ordinal;
mod owner;
mod pattern;
mod percent;
mod spoken;
mod text;
mod time;
mod weekday;
mod words;
mod yes_no;

#[cfg(test)]
mod tests;

use text::{Lang, Text};

/// Why a bot's entities can't be looked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A declared pattern isn't a regular expression.
    #[error(
        "entity `{entity}`: its pattern can't be used; correct the regular expression: {source}"
    )]
    Pattern {
        /// The entity's id, or the system type.
        entity: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
}

/// Finds a bot's entities and the system types.
#[derive(Debug)]
pub struct Finder {
    lists: list::Lists,
    patterns: Vec<pattern::Pattern>,
    contacts: contact::Contacts,
    /// Ids of the declared entities, and whether they are patterns.
    declared: HashMap<String, bool>,
    currency: String,
}

impl Finder {
    /// Prepares the entities that `spec` declares. Fails on a pattern that isn't a regular expression.
    pub fn new(spec: &Spec) -> Result<Finder, Error> {
        let mut patterns = Vec::new();
        for entity in &spec.entities {
            if let EntityKind::Regex(pattern) = &entity.kind {
                patterns.push(pattern::Pattern::new(
                    &entity.name,
                    pattern,
                    entity.spelled,
                )?);
            }
        }
        Ok(Finder {
            lists: list::Lists::new(spec),
            patterns,
            contacts: contact::Contacts::new()?,
            declared: spec
                .entities
                .iter()
                .map(|e| (e.name.clone(), matches!(e.kind, EntityKind::Regex(_))))
                .collect(),
            currency: spec.currency.clone(),
        })
    }

    /// Everything in `text`, by start, the longest first, then the surest; entries may overlap, but none
    /// is a mere piece of a longer one. Beside the system types there are `date_past` and `datetime_past`,
    /// the same words read as the last such day, `time_bare`, a number that is a time where one is asked
    /// for, and `name_bare`, words that are a name where one is asked for.
    /// `language` is a tag such as `es`; one that isn't Spanish reads system types as English.
    /// Dates count from `now`, in its time zone. Of a long text the beginning is read.
    pub fn find(&self, text: &str, language: &str, now: &ZonedDateTime) -> Vec<Entity> {
        let lang = Lang::of(language);
        let text = Text::new(beginning(text));
        let runs = pattern::runs(&text, lang);
        let (mut found, mut unread, mut spoken) = (Vec::new(), Vec::new(), Vec::new());
        self.lists.find(&text, language, &mut found);
        for pattern in &self.patterns {
            pattern.find(&text, lang, &runs, &mut found);
        }
        self.contacts.find(&text, lang, &runs, &mut found);
        number::find(&text, lang, &runs, &mut found, &mut spoken);
        ordinal::find(&text, lang, &mut found);
        percent::find(&text, lang, &mut found);
        money::find(&text, lang, &self.currency, &mut found);
        duration::find(&text, lang, &mut found);
        time::find_all(&text, lang, now, &mut found, &mut unread);
        bare::find(&text, lang, &mut found);
        yes_no::find(&text, lang, &mut found);
        name::find(&text, lang, &mut found);
        owner::settle(&text, lang, &self.declared, &unread, &spoken, &mut found);
        found.sort_by(|a, b| {
            let longest = a.start.cmp(&b.start).then(b.end.cmp(&a.end));
            let surest = longest.then(b.confidence.total_cmp(&a.confidence));
            surest.then_with(|| a.entity.cmp(&b.entity))
        });
        found.dedup_by(|b, a| {
            (a.start, a.end, &a.entity, &a.value) == (b.start, b.end, &b.entity, &b.value)
        });
        found
    }
}

/// The entity that tokens `from..to` are.
fn entity(text: &Text, name: &str, value: Value, from: usize, to: usize, sure: f64) -> Entity {
    Entity {
        entity: name.to_owned(),
        value,
        start: text.start(from),
        end: text.end(to),
        confidence: sure,
        polarity: Polarity::default(),
    }
}
