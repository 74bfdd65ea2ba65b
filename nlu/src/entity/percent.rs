//! Percentages: 5 % is 5.

use serde_json::Value;

use super::number;
use super::text::{Lang, Text};
use crate::Entity;

/// Adds the percentages of the text.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let units = [
        ("%", ()),
        ("percent", ()),
        ("per cent", ()),
        ("pct", ()),
        ("por ciento", ()),
        ("por cien", ()),
    ];
    let mut i = 0;
    while i < text.tokens.len() {
        let Some(number) = number::parse(text, i, lang) else {
            i += 1;
            continue;
        };
        if let Some((n, ())) = text.longest(number.to, &units) {
            let value = Value::String(number.value.to_string());
            found.push(super::entity(
                text,
                "percent",
                value,
                i,
                number.to + n,
                0.98,
            ));
        }
        i = number.to;
    }
}
