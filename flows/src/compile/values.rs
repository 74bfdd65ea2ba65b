//! Values written in YAML, read as a type.

use std::collections::BTreeMap;

use crate::bundle::{Entity, EntityKind, Id};
use crate::diag::Diagnostic;
use crate::syntax::{Kind as NodeKind, Node, Scalar};
use crate::value::{Type, Value};
use serde_json::{Value as Json, json};

use super::cx::Cx;
use super::read::one_or_many;

impl Cx<'_> {
    /// A written value as a type: `12.50 EUR` as money, `2027-01-05` as a date.
    pub(super) fn value(&self, node: &Node, ty: &Type) -> Option<Value> {
        if node.is_null() {
            return Some(Value::Null);
        }
        let value = Value::from_json(&self.typed_json(node, ty), ty);
        if value.is_none() {
            let name = ty.name();
            self.report(Diagnostic::error(
                "E0202",
                node.span,
                format!(
                    "a value of type `{name}` is expected here, but this is {}",
                    node.what()
                ),
            ));
        }
        value
    }

    /// Reports what is none of the values of a list, for a slot of that list or of several of them.
    pub(super) fn of_its_list(&self, node: &Node, ty: &Type, entities: &BTreeMap<Id, Entity>) {
        let of = match ty {
            Type::List(inner) => inner.as_ref(),
            ty => ty,
        };
        let Type::Entity(id) = of else { return };
        let Some(EntityKind::List(values)) = entities.get(id).map(|entity| &entity.kind) else {
            return;
        };
        for item in one_or_many(node) {
            let Some(text) = item.scalar().filter(|_| !item.is_null()) else {
                continue;
            };
            if !values.contains_key(&text.text) {
                let known = values.keys().map(String::as_str);
                let help = format!("it has: {}", known.clone().collect::<Vec<_>>().join(", "));
                self.unknown(
                    &format!("value of `{id}`"),
                    &text.text,
                    text.inner,
                    known,
                    &help,
                );
            }
        }
    }

    /// Plain JSON of the shape that values are read from.
    pub(super) fn typed_json(&self, node: &Node, ty: &Type) -> Json {
        match (&node.kind, ty) {
            (NodeKind::Scalar(scalar), ty) => self.scalar_json(scalar, ty),
            (NodeKind::List(items), Type::List(ty)) => {
                items.iter().map(|item| self.typed_json(item, ty)).collect()
            }
            (NodeKind::Map(entries), Type::Record(fields)) => Json::Object(
                entries
                    .iter()
                    .map(|entry| {
                        let ty = fields.get(&entry.key).unwrap_or(&Type::Any);
                        (entry.key.clone(), self.typed_json(&entry.value, ty))
                    })
                    .collect(),
            ),
            _ => node.to_json(),
        }
    }

    fn scalar_json(&self, scalar: &Scalar, ty: &Type) -> Json {
        if scalar.is_null() {
            return Json::Null;
        }
        match ty {
            Type::Money => match scalar.text.split_once(' ') {
                Some((amount, currency)) => json!({"amount": amount, "currency": currency.trim()}),
                None => json!({"amount": scalar.text, "currency": self.currency}),
            },
            Type::Any | Type::Bool | Type::YesNo => scalar.to_json(),
            // Numbers keep their digits as text; a text may look like a number.
            _ => Json::String(scalar.text.clone()),
        }
    }
}
