//! Percentages: 5 % is 5.

use rust_decimal::Decimal;
use serde_json::Value;

use super::number::{self, Number};
use super::text::{Lang, Text};
use crate::Entity;

/// Adds the percentages of the text.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let units = [
        ("%", ()),
        ("percent", ()),
        ("per cent", ()),
        ("pct", ()),
        ("porciento", ()),
        ("por ciento", ()),
        ("por cien", ()),
    ];
    let mut i = 0;
    while i < text.tokens.len() {
        let half = text.longest(i, &[("half a", 2), ("medio", 1)]);
        let half = half.filter(|(n, _)| text.longest(i + n, &units).is_some());
        let half = half.map(|(n, _)| Number {
            to: i + n,
            value: Decimal::new(5, 1),
        });
        let Some(number) = half.or_else(|| number::parse(text, i, lang)) else {
            i += 1;
            continue;
        };
        if let Some((n, ())) = text.longest(number.to, &units) {
            let minus = number::is_minus(text, i);
            let value = if minus { -number.value } else { number.value };
            let value = Value::String(value.to_string());
            let from = if minus { i - 1 } else { i };
            let to = number.to + n;
            found.push(super::entity(text, "percent", value, from, to, 0.98));
        }
        i = number.to;
    }
}
