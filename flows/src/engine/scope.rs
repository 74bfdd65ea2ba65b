//! What names mean while the engine evaluates an expression or renders a text.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::turn::Turn;
use crate::expr::{Expr, Scope};
use crate::value::Value;

/// Facts that are known to expressions even where the customer has none: they are null then.
const CUSTOMER: [&str; 3] = ["id", "tier", "name"];

/// The names of one moment.
pub(super) struct Names<'t, 'a> {
    turn: &'t Turn<'a>,
    extra: BTreeMap<String, Value>,
}

impl Scope for Names<'_, '_> {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.extra.get(name) {
            return Some(value.clone());
        }
        let state = &self.turn.state;
        if let Some(local) = self.turn.top().and_then(|frame| frame.locals.get(name)) {
            return Some(local.clone());
        }
        if self.turn.bundle.slots.contains_key(name) {
            return Some(
                state
                    .slot(name)
                    .map_or(Value::Null, |slot| slot.value.clone()),
            );
        }
        match name {
            "turn" => Some(Value::Number(Decimal::from(state.turn))),
            "conversation" => Some(Value::Record(BTreeMap::from([
                ("language".to_owned(), Value::Text(state.language.clone())),
                ("turns".to_owned(), Value::Number(Decimal::from(state.turn))),
            ]))),
            "customer" => Some(self.customer()),
            "intent" => Some(state.intent.clone().map_or(Value::Null, Value::Text)),
            "mood" => Some(Value::Number(decimal(
                state.moods.last().copied().unwrap_or_default(),
            ))),
            "message" => Some(Value::Text(state.last_text.clone())),
            "channel" => Some(Value::Text(state.channel.clone())),
            "language" => Some(Value::Text(state.language.clone())),
            "now" => Some(self.now()),
            // A local that no action has filled yet, and `error` outside of `on_error`.
            _ => name
                .strip_prefix("customer.")
                .map(|fact| self.fact(fact))
                .or_else(|| self.turn.top().map(|_| Value::Null)),
        }
    }
}

impl Names<'_, '_> {
    fn fact(&self, name: &str) -> Value {
        let fact = self.turn.state.customer.get(name);
        fact.map_or(Value::Null, |text| Value::Text(text.clone()))
    }

    fn customer(&self) -> Value {
        let mut facts: BTreeMap<String, Value> = CUSTOMER
            .iter()
            .map(|name| ((*name).to_owned(), Value::Null))
            .collect();
        for (name, text) in &self.turn.state.customer {
            facts.insert(name.clone(), Value::Text(text.clone()));
        }
        Value::Record(facts)
    }

    fn now(&self) -> Value {
        let zone =
            jiff::tz::TimeZone::get(&self.turn.bundle.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        Value::Datetime(self.turn.now.to_zoned_datetime(zone).datetime())
    }
}

/// A share between 0 and 1 as a decimal with four places.
fn decimal(share: f64) -> Decimal {
    let parts = (share.clamp(0.0, 1.0) * 10_000.0).round();
    let parts = format!("{parts:.0}").parse().unwrap_or(0);
    Decimal::new(parts, 4)
}

impl<'a> Turn<'a> {
    /// The names of this moment, with some that win over all others.
    pub(super) fn names(&self, extra: BTreeMap<String, Value>) -> Names<'_, 'a> {
        Names { turn: self, extra }
    }

    /// Evaluates; an expression without a value is noted and counts as null.
    pub(super) fn eval(&mut self, expr: &Expr, where_: &str) -> Value {
        let result = expr.eval(&self.names(BTreeMap::new()));
        result.unwrap_or_else(|error| {
            self.note("error", where_, "failed", error.message);
            Value::Null
        })
    }
}
