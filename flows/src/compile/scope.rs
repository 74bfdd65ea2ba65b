//! What names mean in an expression or template.

use std::collections::BTreeMap;

use crate::expr::Names;
use crate::value::Type;

use super::cx::Cx;
use super::index::Kind;

/// Types of a flow's locals (`into:` names).
pub(super) type Locals = BTreeMap<String, Type>;

/// The names in reach at one place.
pub(super) struct Scope<'c, 'a> {
    cx: &'c Cx<'a>,
    module: &'c str,
    locals: &'c Locals,
}

impl<'c, 'a> Scope<'c, 'a> {
    /// Slots as `module` sees them, locals and built-ins.
    pub(super) fn new(cx: &'c Cx<'a>, module: &'c str, locals: &'c Locals) -> Self {
        Self { cx, module, locals }
    }
}

impl Names for Scope<'_, '_> {
    fn lookup(&self, name: &str) -> Option<(String, Type)> {
        if let Some(ty) = self.locals.get(name) {
            return Some((name.to_owned(), ty.clone()));
        }
        if let Some(decl) = self.cx.index.find(Kind::Slot, self.module, name) {
            let ty = self
                .cx
                .slot_types
                .get(&decl.id)
                .cloned()
                .unwrap_or(Type::Any);
            return Some((decl.id.clone(), ty));
        }
        builtin(name).map(|ty| (name.to_owned(), ty))
    }

    fn candidates(&self) -> Vec<String> {
        let slots = self.cx.index.spellings(Kind::Slot, self.module);
        let locals = self.locals.keys().map(String::as_str);
        let all = locals.chain(slots).chain(BUILTINS);
        all.map(str::to_owned).collect()
    }
}

/// Names that are always there.
pub(super) const BUILTINS: [&str; 9] = [
    "message",
    "turn",
    "conversation",
    "customer",
    "intent",
    "mood",
    "channel",
    "now",
    "error",
];

/// The type of a built-in name.
fn builtin(name: &str) -> Option<Type> {
    let record = |fields: &[(&str, Type)]| {
        Type::Record(
            fields
                .iter()
                .map(|(name, ty)| ((*name).to_owned(), ty.clone()))
                .collect(),
        )
    };
    Some(match name {
        "turn" | "mood" => Type::Number,
        "conversation" => record(&[("language", Type::Text), ("turns", Type::Number)]),
        // What a sign-in tells differs from site to site.
        "customer" => Type::Any,
        "intent" | "channel" | "message" => Type::Text,
        "now" => Type::Datetime,
        "error" => record(&[
            ("kind", Type::Text),
            ("status", Type::Number),
            ("body", Type::Any),
        ]),
        _ => return None,
    })
}
