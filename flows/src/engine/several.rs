//! Several values for one slot: two that rival, a second in place of the first, and those that are only ruled out.

use super::event::{Found, Polarity};
use super::exact::{fold, holds};
use super::turn::Turn;
use super::vague;
use crate::bundle::EntityKind;
use crate::template::Rendering;
use crate::value::{Type, Value};

/// Confidence below which a value was guessed from a misspelt word.
const EXACT: f64 = 0.8;
/// Values that are shown when one of them is ruled out, at most.
const LEFT: usize = 8;
/// Words between two values of which the second replaces the first.
const INSTEAD: [&str; 14] = [
    "no",
    "sorry",
    "i mean",
    "i meant",
    "make that",
    "rather",
    "actually",
    "wait",
    "instead",
    "perdon",
    "digo",
    "mejor",
    "quiero decir",
    "not",
];

impl Turn<'_> {
    /// Two values that a message gives for one slot, where no other question waits for one of them and the message does
    /// not take one back.
    pub(super) fn rivals(
        &self,
        slot: &str,
        text: &str,
        entities: &[Found],
    ) -> Option<(Value, Value)> {
        let [(first, value), (second, other)] = self.two_values(slot, entities)?;
        let mut waiting = self.empty_slots();
        waiting.retain(|id| id != slot);
        let taken = !self
            .match_slots(&waiting, std::slice::from_ref(&second))
            .is_empty();
        (!taken && !taken_back(text, &first, &second)).then_some((value, other))
    }

    /// As `rivals`, where the message says that it is one or the other: "debit and credit" in passing is two requests.
    pub(super) fn alternatives(
        &self,
        slot: &str,
        text: &str,
        entities: &[Found],
    ) -> Option<(Value, Value)> {
        let [(first, _), (second, _)] = self.two_values(slot, entities)?;
        let between = text.get(first.end..second.start)?;
        let folded = fold(between);
        let either = between.contains('/') || ["or", "o", "u"].iter().any(|or| holds(&folded, or));
        self.rivals(slot, text, entities).filter(|_| either)
    }

    /// The second of two values where it stands in place of the first: "20, no, 30 sorry".
    pub(super) fn replaced<'f>(
        &self,
        slot: &str,
        text: &str,
        entities: &'f [Found],
    ) -> Option<(&'f Found, Value)> {
        let [(first, _), (second, value)] = self.two_values(slot, entities)?;
        let found = entities.iter().find(|found| **found == second)?;
        taken_back(text, &first, &second).then_some((found, value))
    }

    /// The first two different values that a message gives for one slot.
    fn two_values(&self, slot: &str, entities: &[Found]) -> Option<[(Found, Value); 2]> {
        let ty = &self.bundle.slots.get(slot)?.ty;
        if matches!(
            ty,
            Type::List(_) | Type::YesNo | Type::Bool | Type::Text | Type::Any
        ) {
            return None;
        }
        // "Tuesday or Wednesday?" asks, and still names two.
        let meant: Vec<Found> = entities
            .iter()
            .filter(|found| found.polarity == Polarity::Asked)
            .map(|found| Found {
                polarity: Polarity::Affirmed,
                ..found.clone()
            })
            .collect();
        let mut usable = self.usable(entities);
        usable.extend(self.usable(&meant));
        let mut all: Vec<(u8, &Found, Value)> = usable
            .iter()
            .filter(|found| found.confidence >= EXACT || self.is_system(&found.entity))
            .filter_map(|found| {
                let (rank, value) = self.entity_value(slot, ty, found, true)?;
                Some((rank, found, value))
            })
            .collect();
        let rank = all.iter().map(|(rank, ..)| *rank).max()?;
        all.retain(|(of, ..)| *of == rank);
        all.sort_by_key(|(_, found, _)| found.start);
        let (_, first, value) = all.first()?;
        let (_, second, other) = all
            .iter()
            .find(|(_, found, other)| found.start >= first.end && other != value)?;
        Some([
            ((*first).clone(), value.clone()),
            ((*second).clone(), other.clone()),
        ])
    }

    /// What a message only rules out for a slot with a set of values: its name, and the values that are left.
    pub(super) fn excluded(
        &self,
        slot: &str,
        entities: &[Found],
    ) -> Option<(String, Vec<(String, String)>)> {
        let ty = &self.bundle.slots.get(slot)?.ty;
        let ty = match ty {
            Type::List(inner) => inner,
            ty => ty,
        };
        let out: Vec<&Found> = entities
            .iter()
            .filter(|found| found.polarity == Polarity::Excluded)
            .filter(|found| !vague::is_bound(&self.state.last_text, found))
            .filter(|found| self.entity_value(slot, ty, found, true).is_some())
            .collect();
        let language = &self.state.language;
        let how = Rendering {
            language,
            spoken: false,
        };
        let named = |value: &str| -> String {
            let Type::Entity(id) = ty else {
                return value.to_owned();
            };
            let Some(EntityKind::List(values)) = self.bundle.entities.get(id).map(|e| &e.kind)
            else {
                return value.to_owned();
            };
            let words = values.get(value).and_then(|of| of.get(language));
            let word = words.and_then(|words| words.first());
            word.cloned().unwrap_or_else(|| value.replace('_', " "))
        };
        let mut left = Vec::new();
        if let Type::Entity(id) = ty
            && let Some(EntityKind::List(values)) = self.bundle.entities.get(id).map(|e| &e.kind)
            && values.len() <= LEFT
        {
            let gone = |value: &String| out.iter().any(|found| found.value.as_str() == Some(value));
            let kept = values.keys().filter(|value| !gone(value));
            left = kept.map(|value| (named(value), value.clone())).collect();
        }
        // All of them: "not Tuesday, Wednesday or Monday".
        let mut said: Vec<String> = Vec::new();
        let mut until = 0;
        for found in &out {
            let value = self.entity_value(slot, ty, found, true);
            if let Some((_, value)) = value.filter(|_| found.start >= until) {
                until = found.end;
                said.push(named(&value.say(how)));
            }
        }
        let between = if language == "es" { " ni " } else { " or " };
        (!said.is_empty()).then(|| (said.join(between), left))
    }
}

/// True where the words between two values put the second in place of the first.
fn taken_back(text: &str, first: &Found, second: &Found) -> bool {
    let between = text.get(first.end..second.start).map(fold);
    between.is_some_and(|between| INSTEAD.iter().any(|word| holds(&between, word)))
}
