//! Fits a message to a slot's type: buttons and keys exactly, then what the NLU found, then the text.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Value as Json, json};

use super::acts::{Acts, best};
use super::answer::NO_TEXT;
use super::bare::yes_no;
use super::event::{Act, Clause, Found, Input, Polarity, Reading};
use super::exact::{asks, coverage, fold, holds, unsure};
use super::shape::{is_email, is_url, may_be_name, phone, trimmed};
use super::topic::{inside_other, overlaps};
use super::turn::Turn;
use super::vague;
use crate::bundle::{EntityKind, Like, Looks};
use crate::expr::EvalError;
use crate::value::{Type, Value};

/// Words in a name that is taken from the text as it stands.
const NAME_WORDS: usize = 5;
/// Confidence of a free text: it may as well be something else.
const FREE: f64 = 0.5;
/// Confidence below which a value was guessed from a misspelt word.
const EXACT: f64 = 0.8;
/// Confidence from which a bare number may be an amount.
const AMOUNT: f64 = 0.6;
/// Acts beside which a guess is no value.
const NO_VALUE: [Act; 8] = [
    Act::Limit,
    Act::Wait,
    Act::Ask,
    Act::Request,
    Act::Cannot,
    Act::Refuse,
    Act::Complain,
    Act::Withdraw,
];
/// First words of a text that points at a place known already, folded.
const SAME: [&str; 11] = [
    "la de siempre",
    "el de siempre",
    "donde siempre",
    "same",
    "the same",
    "it s the same",
    "still the same",
    "la misma",
    "el mismo",
    "misma",
    "mismo",
];
/// First words of a text about people and no place, folded.
const OURSELVES: [&str; 12] = [
    "i", "im", "ive", "we", "my", "you", "it", "still", "yo", "ya", "sigo", "nosotros",
];
/// Stands for the place in the middle.
const MIDDLE: i32 = -2;
/// Places in a list, by the words for them.
const PLACES: [(&str, i32); 6] = [
    (
        "the middle|middle|the middle one|middle one|el del medio|la del medio|el de en medio|la de en medio|del medio",
        MIDDLE,
    ),
    (
        "the first|first|the first one|first one|1st|el primero|la primera|primero|primera",
        0,
    ),
    (
        "the second|second|the second one|second one|2nd|the other|the other one|el segundo|la segunda|segundo|segunda|el otro|la otra",
        1,
    ),
    (
        "the third|third|the third one|third one|3rd|el tercero|la tercera|tercero|tercera",
        2,
    ),
    (
        "the fourth|fourth|the fourth one|4th|el cuarto|la cuarta|cuarto|cuarta",
        3,
    ),
    (
        "the last|last|the last one|last one|el ultimo|la ultima|ultimo|ultima",
        -1,
    ),
];
/// Messages that mean every value of a list, two of two, and none.
const ALL: [&str; 10] = [
    "all",
    "all of them",
    "everything",
    "the lot",
    "every one",
    "all of it",
    "todos",
    "todas",
    "todo",
    "todos ellos",
];
const BOTH: [&str; 6] = [
    "both",
    "both of them",
    "both please",
    "ambos",
    "ambas",
    "los dos",
];
const NONE: [&str; 8] = [
    "none",
    "none of them",
    "nothing",
    "no extras",
    "ninguno",
    "ninguna",
    "nada",
    "none thanks",
];

/// A message as a slot sees it.
#[derive(Clone, Copy)]
struct Heard<'m> {
    input: &'m Input,
    /// What was found, as far as it may fill a slot.
    entities: &'m [Found],
    acts: Acts<'m>,
}

/// A value that a message gives for a slot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit {
    /// The value.
    pub(super) value: Value,
    /// Its bytes in the text.
    pub(super) start: usize,
    /// One past its last byte.
    pub(super) end: usize,
    /// 0 to 1.
    pub(super) confidence: f64,
    /// It is all that the message says.
    pub(super) whole: bool,
    /// It is free text: anything would have fitted.
    pub(super) free: bool,
}

impl Fit {
    fn exact(value: Value, text: &str) -> Self {
        Self {
            value,
            start: 0,
            end: text.len(),
            confidence: 1.0,
            whole: true,
            free: false,
        }
    }
}

impl Turn<'_> {
    /// The value that a message gives for a slot that is being asked.
    pub(super) fn fit(&self, slot: &str, input: &Input, reading: Option<&Reading>) -> Option<Fit> {
        let bundle = self.bundle;
        self.fit_type(slot, &bundle.slots.get(slot)?.ty, input, reading)
    }

    /// The value of a type that a message gives.
    pub(super) fn fit_type(
        &self,
        slot: &str,
        ty: &Type,
        input: &Input,
        reading: Option<&Reading>,
    ) -> Option<Fit> {
        if let Some(exact) = input.payload.as_deref().or(input.keys.as_deref()) {
            return self
                .fit_exact(ty, exact)
                .map(|value| Fit::exact(value, exact));
        }
        let entities = self.usable(reading.map_or(&[][..], |reading| &reading.entities));
        let heard = Heard {
            input,
            entities: &entities,
            acts: Acts::of(reading),
        };
        if let Type::List(inner) = ty {
            return self.fit_list(slot, inner, heard);
        }
        self.fit_one(slot, ty, heard)
    }

    /// What was found in a message as far as it may fill a slot: not ruled out, not only asked about, and no part of
    /// something longer.
    pub(super) fn usable(&self, entities: &[Found]) -> Vec<Found> {
        let text = &self.state.last_text;
        let given = |found: &&Found| {
            let names_something =
                found.entity == "number" && super::shape::labelled(text, found.start);
            // "2222 then?" gives a number all the same.
            let tried = found.polarity == Polarity::Asked
                && self.is_code(&found.entity)
                && !asks(text.trim_end_matches(['?', ' ']));
            (found.polarity.is_affirmed() || tried)
                && !names_something
                && !inside_other(found, entities)
                && !self.is_loose(text, found)
        };
        entities.iter().filter(given).cloned().collect()
    }

    /// True for a value that the words around it make another one, or only a bound.
    pub(super) fn is_loose(&self, text: &str, found: &Found) -> bool {
        vague::is_bound(text, found)
            || vague::is_about(text, found)
            || self.is_called_otherwise(text, found)
    }

    /// True for a run of digits in the form of a number of the bot's own that its customer calls something else.
    fn is_called_otherwise(&self, text: &str, found: &Found) -> bool {
        if !self.is_code(&found.entity) {
            return false;
        }
        let of_it = |slot: &&crate::bundle::Slot| slot.ty == Type::Entity(found.entity.clone());
        let titles: Vec<&str> = self
            .bundle
            .slots
            .values()
            .filter(of_it)
            .filter_map(|slot| slot.title.get(&self.state.language))
            .map(String::as_str)
            .collect();
        vague::is_another_number(text, found, &titles.join(" "))
    }

    fn fit_one(&self, slot: &str, ty: &Type, heard: Heard<'_>) -> Option<Fit> {
        let Heard {
            input,
            entities,
            acts,
        } = heard;
        let text = input.text.trim();
        if matches!(ty, Type::YesNo | Type::Bool) {
            return self.fit_yes_no(slot, ty, heard);
        }
        if let Some(value) = self.picked(ty, heard) {
            return Some(Fit::exact(value, &input.text));
        }
        let found = self
            .replaced(slot, &input.text, entities)
            .or_else(|| self.best_entity(slot, ty, entities, true));
        // An ordinary word that looks like a value is none while the message says something else.
        let guessed = |found: &Found| found.confidence < EXACT && acts.says_any(&NO_VALUE);
        if let Some((entity, value)) = found.filter(|(entity, _)| !guessed(entity)) {
            return Some(Fit {
                value,
                start: entity.start,
                end: entity.end,
                confidence: entity.confidence,
                whole: coverage(&input.text, entity.start, entity.end) > 0.99,
                free: false,
            });
        }
        if text.is_empty() {
            return None;
        }
        if let Some(value) = self.fit_exact_text(ty, text) {
            return Some(Fit::exact(value, &input.text));
        }
        let (start, end) = self.free_part(slot, &input.text, entities, acts);
        let part = input.text.get(start..end)?;
        self.fit_free(slot, ty, part).map(|value| Fit {
            confidence: FREE,
            free: true,
            whole: coverage(&input.text, start, end) > 0.99,
            start,
            end,
            value,
        })
    }

    /// A yes or a no for a slot that holds one: bare, or clear in what goes along with it.
    fn fit_yes_no(&self, slot: &str, ty: &Type, heard: Heard<'_>) -> Option<Fit> {
        let Heard {
            input,
            entities,
            acts,
        } = heard;
        if let Some(yes) = yes_no(&input.text) {
            return Some(Fit::exact(Value::Bool(yes), &input.text));
        }
        if self.undecided(&input.text, entities) || acts.says_any(&NO_VALUE) {
            return None;
        }
        for (act, yes) in [(Act::Affirm, true), (Act::Deny, false)] {
            if acts.only(&[act, Act::Inform]) && acts.says(act) {
                return Some(Fit::exact(Value::Bool(yes), &input.text));
            }
        }
        let (entity, value) = self.best_entity(slot, ty, entities, true)?;
        Some(Fit {
            value,
            start: entity.start,
            end: entity.end,
            confidence: entity.confidence,
            whole: coverage(&input.text, entity.start, entity.end) > 0.99,
            free: false,
        })
    }

    /// The part of a message that may be a free text: the clauses that tell something, without the values that other
    /// questions still wait for and without what leads in or over.
    fn free_part(
        &self,
        slot: &str,
        text: &str,
        entities: &[Found],
        acts: Acts<'_>,
    ) -> (usize, usize) {
        let (mut start, mut end) = (0, text.len());
        let other = |act: Act| NO_TEXT.contains(&act) || matches!(act, Act::Ask | Act::Language);
        let tells = |clause: &&Clause| best(clause).is_some_and(|(act, _)| !other(act));
        let mut telling = acts.clauses().iter().filter(tells);
        if let Some(first) = telling.next() {
            let last = telling.next_back().unwrap_or(first);
            (start, end) = (first.start, last.end);
        }
        let mut slots = self.empty_slots();
        slots.retain(|other| other != slot);
        for (_, found, _) in self.match_slots(&slots, entities) {
            // Names and bare numbers are often part of the text itself.
            if matches!(
                found.entity.as_str(),
                "name" | "number" | "ordinal" | "yes_no"
            ) {
                continue;
            }
            if found.start > start && found.start < end {
                end = found.start;
            } else if found.start <= start && found.end > start && found.end < end {
                start = found.end;
            }
        }
        trimmed(text, start, end)
    }

    /// True for "no idea", and for a message that says both yes and no.
    pub(super) fn undecided(&self, text: &str, entities: &[Found]) -> bool {
        if yes_no(text).is_some() {
            return false;
        }
        let said = |yes: bool| {
            let mut all = entities.iter().filter(|found| found.entity == "yes_no");
            all.any(|found| found.value.as_bool() == Some(yes))
        };
        unsure(text) || (said(true) && said(false))
    }

    fn fit_list(&self, slot: &str, inner: &Type, heard: Heard<'_>) -> Option<Fit> {
        let Heard {
            input, entities, ..
        } = heard;
        if let Some(values) = self.all_or_none(inner, &input.text) {
            return Some(Fit::exact(Value::List(values), &input.text));
        }
        let mut values = Vec::new();
        let mut range: Option<(usize, usize)> = None;
        for entity in entities {
            let Some((_, value)) =
                self.best_entity(slot, inner, std::slice::from_ref(entity), true)
            else {
                continue;
            };
            if !values.contains(&value) {
                values.push(value);
            }
            let (start, end) = range.unwrap_or((entity.start, entity.end));
            range = Some((start.min(entity.start), end.max(entity.end)));
        }
        let Some((start, end)) = range else {
            let one = self.fit_one(slot, inner, heard)?;
            let value = Value::List(vec![one.value.clone()]);
            return Some(Fit { value, ..one });
        };
        Some(Fit {
            value: Value::List(values),
            start,
            end,
            confidence: 1.0,
            whole: coverage(&input.text, start, end) > 0.99,
            free: false,
        })
    }

    /// The best of what was found for a slot: its own mark, then the surest, the longest, the first.
    /// `asked` also takes kinds that only fit when the question is known.
    pub(super) fn best_entity<'f>(
        &self,
        slot: &str,
        ty: &Type,
        entities: &'f [Found],
        asked: bool,
    ) -> Option<(&'f Found, Value)> {
        let mut best: Option<(u8, &Found, Value)> = None;
        for found in entities {
            let nearer = self
                .nearer_past(slot, ty, found, entities)
                .map(|value| (4, value));
            let fits = nearer.or_else(|| self.entity_value(slot, ty, found, asked));
            let Some((rank, value)) = fits else {
                continue;
            };
            let better = best.as_ref().is_none_or(|(best_rank, other, _)| {
                let length = |f: &Found| f.end.saturating_sub(f.start);
                (rank, f64::to_bits(found.confidence.max(0.0)), length(found))
                    > (
                        *best_rank,
                        f64::to_bits(other.confidence.max(0.0)),
                        length(other),
                    )
            });
            if better {
                best = Some((rank, found, value));
            }
        }
        best.map(|(_, found, value)| (found, value))
    }

    /// The value of an entity as a slot's type, and how well the kinds go together.
    pub(super) fn entity_value(
        &self,
        slot: &str,
        ty: &Type,
        found: &Found,
        asked: bool,
    ) -> Option<(u8, Value)> {
        let kind = found.entity.as_str();
        let (rank, json) = if kind == slot {
            (3, found.value.clone())
        } else if kind == ty.name() {
            (2, found.value.clone())
        } else if self.looks_to(slot, kind, ty) {
            (4, found.value.clone())
        } else if asked {
            // The number of a house is no amount.
            let counts = matches!(ty, Type::Money | Type::Number | Type::Percent);
            if counts && kind == "number" && found.confidence < AMOUNT {
                return None;
            }
            (1, self.coerce(ty, kind, &found.value)?)
        } else {
            return None;
        };
        let value = Value::from_json(&json, ty)?;
        (!value.is_null()).then_some((rank, value))
    }

    /// True for the past one of the two dates that a date without a year or a week may be, where the slot looks there.
    fn looks_to(&self, slot: &str, kind: &str, ty: &Type) -> bool {
        let past = matches!(
            (ty, kind),
            (Type::Date, "date_past") | (Type::Datetime, "datetime_past")
        );
        let looks = self.bundle.slots.get(slot).map(|slot| slot.looks);
        past && looks == Some(Looks::Past)
    }

    /// The past one of two dates where the slot looks to either and it is the nearer.
    fn nearer_past(&self, slot: &str, ty: &Type, found: &Found, all: &[Found]) -> Option<Value> {
        let looks = self.bundle.slots.get(slot).map(|slot| slot.looks);
        if looks != Some(Looks::Either) || found.entity != "date_past" || *ty != Type::Date {
            return None;
        }
        let today = self.now.in_tz(&self.bundle.time_zone).ok()?.date();
        let days = |found: &Found| -> Option<i32> {
            let date: jiff::civil::Date = found.value.as_str()?.parse().ok()?;
            Some((date - today).get_days().abs())
        };
        let same = |other: &&Found| {
            other.entity == "date" && (other.start, other.end) == (found.start, found.end)
        };
        let ahead = days(all.iter().find(same)?)?;
        if days(found)? >= ahead {
            return None;
        }
        Value::from_json(&found.value, ty)
    }

    /// JSON of another kind that stands for `ty` where the question is known: "20" for an amount.
    fn coerce(&self, ty: &Type, kind: &str, value: &Json) -> Option<Json> {
        match (ty, kind) {
            (Type::Money, "number") => {
                Some(json!({"amount": value, "currency": self.bundle.currency}))
            }
            (Type::Percent | Type::Ordinal, "number") | (Type::Number, "ordinal" | "percent") => {
                Some(value.clone())
            }
            (Type::Date, "datetime") => {
                let day = value.as_str()?.split('T').next()?;
                Some(json!(day))
            }
            (Type::Time, "datetime") => {
                let time = value.as_str()?.split('T').nth(1)?;
                Some(json!(time))
            }
            (Type::Name, "name_bare") => value
                .as_str()
                .is_some_and(may_be_name)
                .then(|| value.clone()),
            (Type::Bool, "yes_no") | (Type::Time, "time_bare") => Some(value.clone()),
            _ => None,
        }
    }

    /// A payload or keys as a value.
    pub(super) fn fit_exact(&self, ty: &Type, text: &str) -> Option<Value> {
        let text = text.trim();
        match ty {
            Type::YesNo | Type::Bool => match text {
                "1" => Some(Value::Bool(true)),
                "2" => Some(Value::Bool(false)),
                _ => self.fit_exact_text(ty, text),
            },
            Type::Text | Type::Name => (!text.is_empty()).then(|| Value::Text(text.to_owned())),
            Type::List(inner) => self
                .fit_exact(inner, text)
                .map(|value| Value::List(vec![value])),
            _ => self.fit_exact_text(ty, text),
        }
    }

    /// A text that is a value as it stands, without a model.
    fn fit_exact_text(&self, ty: &Type, text: &str) -> Option<Value> {
        match ty {
            Type::YesNo | Type::Bool => yes_no(text).map(Value::Bool),
            Type::Entity(id) => match &self.bundle.entities.get(id)?.kind {
                EntityKind::List(values) => listed(values, text).map(Value::Text),
                EntityKind::Regex(pattern) => {
                    let whole = Regex::new(&format!("^(?:{pattern})$")).ok()?;
                    let joined: String = text.split_whitespace().collect();
                    [text, joined.as_str()]
                        .into_iter()
                        .find(|text| whole.is_match(text))
                        .map(|text| Value::Text(text.to_owned()))
                }
                EntityKind::Learned => None,
            },
            Type::Number | Type::Ordinal | Type::Percent => {
                let digits: String = text.split_whitespace().collect();
                Value::from_json(&json!(digits), ty)
            }
            Type::Phone => phone(text).and_then(|digits| Value::from_json(&json!(digits), ty)),
            // Without a unit a number is no duration.
            Type::Duration => None,
            Type::Email if !is_email(text) => None,
            Type::Url if !is_url(text) => None,
            Type::Money => {
                let amount = self.coerce(ty, "number", &json!(text))?;
                Value::from_json(&amount, ty).or_else(|| Value::from_json(&json!(text), ty))
            }
            Type::Date | Type::Time | Type::Datetime | Type::Email | Type::Url => {
                Value::from_json(&json!(text), ty)
            }
            Type::Text | Type::Name | Type::List(_) | Type::Record(_) | Type::Any => None,
        }
    }

    /// A text taken as it stands by a slot that takes any.
    fn fit_free(&self, slot: &str, ty: &Type, text: &str) -> Option<Value> {
        let words = text.split_whitespace().count();
        let letters = text.chars().any(char::is_alphanumeric);
        if !self.is_like(slot, text, words) {
            return None;
        }
        let fits = match ty {
            Type::Text | Type::Any => letters,
            Type::Name => {
                words <= NAME_WORDS
                    && !text.chars().any(|c| c.is_ascii_digit())
                    && may_be_name(text)
            }
            Type::Entity(id) => {
                let kind = self.bundle.entities.get(id).map(|entity| &entity.kind);
                matches!(kind, Some(EntityKind::Learned)) && letters && words <= NAME_WORDS
            }
            _ => false,
        };
        (fits && letters).then(|| Value::Text(text.to_owned()))
    }

    /// True where a free text keeps to what its slot says of it.
    fn is_like(&self, slot: &str, text: &str, words: usize) -> bool {
        let Some(slot) = self.bundle.slots.get(slot) else {
            return true;
        };
        let words = u32::try_from(words).unwrap_or(u32::MAX);
        let bounded = slot
            .words
            .is_none_or(|(low, high)| (low..=high).contains(&words));
        let digits = text.chars().any(|c| c.is_ascii_digit());
        let person = text
            .chars()
            .all(|c| c.is_alphabetic() || " -.'’".contains(c));
        let like = match slot.like {
            Some(Like::Person) => person && words <= 5,
            Some(Like::Company) => words <= 8,
            Some(Like::Place) => {
                words <= 14 && (digits || words <= 8) && names_a_place(text, digits)
            }
            None => true,
        };
        bounded && like
    }

    /// "The second one" of the buttons that were shown.
    fn picked(&self, ty: &Type, heard: Heard<'_>) -> Option<Value> {
        let numeric = [
            Type::Number,
            Type::Ordinal,
            Type::Money,
            Type::Percent,
            Type::Time,
        ];
        if numeric.contains(ty) || matches!(ty, Type::Text | Type::Any | Type::Name) {
            return None;
        }
        let said = self.state.last_said_before.last()?;
        let values: Vec<Value> = said
            .buttons
            .iter()
            .filter(|button| !button.payload.starts_with('/'))
            .filter_map(|button| self.fit_exact_text(ty, &button.payload))
            .collect();
        if values.len() < 2 || values.len() != said.buttons.len() {
            return None;
        }
        let folded = fold(&heard.input.text);
        let place = PLACES.iter().find(|(words, _)| {
            let mut words = words.split('|');
            // "Of the three, the middle one", "yes to the middle one".
            words.any(|word| {
                super::exact::bare(&folded) == word
                    || (word.split(' ').count() > 1 && folded.ends_with(&format!(" {word}")))
            })
        })?;
        let at = if place.1 == MIDDLE {
            // Of an even number none is in the middle.
            (values.len() % 2 == 1).then_some(values.len() / 2)?
        } else if place.1 < 0 {
            values.len() - 1
        } else {
            usize::try_from(place.1).ok()?
        };
        values.get(at).cloned()
    }

    /// "All of them", "both" and "none" for a list of the bot's own values.
    fn all_or_none(&self, inner: &Type, text: &str) -> Option<Vec<Value>> {
        let Type::Entity(id) = inner else { return None };
        let EntityKind::List(values) = &self.bundle.entities.get(id)?.kind else {
            return None;
        };
        let folded = fold(text);
        if NONE.contains(&folded.as_str()) {
            return Some(Vec::new());
        }
        let shown: Vec<&String> = {
            let said = self.state.last_said_before.last();
            let buttons = said.map_or(&[][..], |message| &message.buttons);
            let of_list = buttons.iter().map(|button| &button.payload);
            of_list
                .filter(|payload| values.contains_key(*payload))
                .collect()
        };
        let all: Vec<&String> = if shown.is_empty() {
            values.keys().collect()
        } else {
            shown
        };
        let every = ALL.contains(&folded.as_str());
        let both = BOTH.contains(&folded.as_str()) && all.len() == 2;
        (every || both).then(|| all.into_iter().cloned().map(Value::Text).collect())
    }

    /// True for a slot that is known to the customer alone.
    pub(super) fn is_secret(&self, slot: &str) -> bool {
        self.bundle.slots.get(slot).is_some_and(|slot| slot.secret)
    }

    /// What a slot's check says of a value; nothing where it has none.
    fn checked(&self, slot: &str, value: &Value) -> Option<Result<Value, EvalError>> {
        let check = self.bundle.slots.get(slot)?.check.as_ref()?;
        let names = self.names(BTreeMap::from([(slot.to_owned(), value.clone())]));
        Some(check.eval(&names))
    }

    /// True unless a slot's check fails for a value: it may also hang on what is not known yet.
    pub(super) fn may_hold(&mut self, slot: &str, value: &Value) -> bool {
        matches!(self.checked(slot, value), Some(Err(_))) || self.check(slot, value)
    }

    /// True where a slot's check holds for a value, or it has none.
    pub(super) fn check(&mut self, slot: &str, value: &Value) -> bool {
        let Some(result) = self.checked(slot, value) else {
            return true;
        };
        let holds = match &result {
            Ok(value) => value.truthy(),
            Err(_) => false,
        };
        if let Err(error) = result {
            self.note("error", slot, "failed", error.message);
        }
        if !holds {
            self.note("slot", slot, "refused", "its check does not hold");
        }
        holds
    }
}

/// True unless a text speaks of a place that it does not name: "I haven't moved", "same street, number 9 now", "14 Mill
/// Lane, not 41".
fn names_a_place(text: &str, digits: bool) -> bool {
    let folded = fold(text);
    let leads = |words: &[&str]| {
        let mut words = words.iter();
        words.any(|word| folded == *word || super::exact::begins(&folded, word))
    };
    !leads(&SAME)
        && (digits || !leads(&OURSELVES))
        && !["not", "no es", "no era", "no el", "no la"]
            .iter()
            .any(|not| holds(&folded, not))
}

/// The canonical value whose name or synonym the text is, in any language.
fn listed(values: &BTreeMap<String, BTreeMap<String, Vec<String>>>, text: &str) -> Option<String> {
    let folded = fold(text);
    let said = |phrase: &String| fold(phrase) == folded;
    values
        .iter()
        .find(|(name, languages)| name.as_str() == text || languages.values().flatten().any(said))
        .or_else(|| values.iter().find(|(name, _)| fold(name) == folded))
        .map(|(name, _)| name.clone())
}

/// Entities that the given byte range does not touch.
pub(super) fn apart(entities: &[Found], start: usize, end: usize) -> Vec<Found> {
    let outside = |found: &&Found| !overlaps((found.start, found.end), (start, end));
    entities.iter().filter(outside).cloned().collect()
}
