//! Fits a message to a slot's type: buttons and keys exactly, then what the NLU found, then the text.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Value as Json, json};

use super::event::{Found, Input, Reading};
use super::exact::{coverage, fold, unsure, yes_no};
use super::topic::overlaps;
use super::turn::Turn;
use crate::bundle::EntityKind;
use crate::expr::EvalError;
use crate::value::{Type, Value};

/// Words in a name that is taken from the text as it stands.
const NAME_WORDS: usize = 5;
/// Confidence of a free text: it may as well be something else.
const FREE: f64 = 0.5;

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
        if let Type::List(inner) = ty {
            return self.fit_list(slot, inner, input, reading);
        }
        self.fit_one(slot, ty, input, reading)
    }

    fn fit_one(
        &self,
        slot: &str,
        ty: &Type,
        input: &Input,
        reading: Option<&Reading>,
    ) -> Option<Fit> {
        let text = input.text.trim();
        if matches!(ty, Type::YesNo | Type::Bool)
            && self.undecided(text, reading.map_or(&[], |reading| &reading.entities))
        {
            return None;
        }
        let found = reading.and_then(|reading| self.best_entity(slot, ty, &reading.entities, true));
        if let Some((entity, value)) = found {
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
        self.fit_free(ty, text).map(|value| Fit {
            confidence: FREE,
            free: true,
            ..Fit::exact(value, &input.text)
        })
    }

    /// True for "no idea", and for a message that says both yes and no.
    fn undecided(&self, text: &str, entities: &[Found]) -> bool {
        if yes_no(text).is_some() {
            return false;
        }
        let said = |yes: bool| {
            let mut all = entities.iter().filter(|found| found.entity == "yes_no");
            all.any(|found| found.value.as_bool() == Some(yes))
        };
        unsure(text) || (said(true) && said(false))
    }

    fn fit_list(
        &self,
        slot: &str,
        inner: &Type,
        input: &Input,
        reading: Option<&Reading>,
    ) -> Option<Fit> {
        let entities = reading.map_or(&[][..], |reading| &reading.entities);
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
            let one = self.fit_one(slot, inner, input, reading)?;
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
            let Some((rank, value)) = self.entity_value(slot, ty, found, asked) else {
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
    fn entity_value(
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
        } else if asked {
            (1, self.coerce(ty, kind, &found.value)?)
        } else {
            return None;
        };
        let value = Value::from_json(&json, ty)?;
        (!value.is_null()).then_some((rank, value))
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
            (Type::Bool, "yes_no") => Some(value.clone()),
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
            Type::Number | Type::Ordinal | Type::Percent | Type::Phone | Type::Duration => {
                let digits: String = text.split_whitespace().collect();
                Value::from_json(&json!(digits), ty)
            }
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
    fn fit_free(&self, ty: &Type, text: &str) -> Option<Value> {
        let words = text.split_whitespace().count();
        let letters = text.chars().any(char::is_alphanumeric);
        let fits = match ty {
            Type::Text | Type::Any => letters,
            Type::Name => words <= NAME_WORDS && !text.chars().any(|c| c.is_ascii_digit()),
            Type::Entity(id) => {
                let kind = self.bundle.entities.get(id).map(|entity| &entity.kind);
                matches!(kind, Some(EntityKind::Learned)) && letters && words <= NAME_WORDS
            }
            _ => false,
        };
        (fits && letters).then(|| Value::Text(text.to_owned()))
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
