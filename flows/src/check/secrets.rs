//! Secret slots whose values can't be kept secret, or that a condition can't judge.

use crate::bundle::{Bundle, EntityKind, Slot};
use crate::diag::Diagnostic;
use crate::value::Type;

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    for (id, slot) in bundle.slots.iter().filter(|(_, slot)| slot.secret) {
        if !has_pattern(bundle, slot) {
            findings.push(
                Diagnostic::warning(
                    "W0612",
                    slot.span,
                    format!("the secret slot `{id}` can't be told from other words, so that it is not hidden in messages"),
                )
                .help("give it an entity of type `regex`, such as `pin: {type: regex, pattern: '\\b[0-9]{4}\\b'}`"),
            );
        } else if slot.check.is_some() {
            findings.push(
                Diagnostic::warning(
                    "W0613",
                    slot.span,
                    format!("`check` of the secret slot `{id}` sees signs in place of its value"),
                )
                .help("say what it looks like in the entity's `pattern`, and let the action judge the value"),
            );
        }
    }
}

fn has_pattern(bundle: &Bundle, slot: &Slot) -> bool {
    let Type::Entity(entity) = &slot.ty else {
        return false;
    };
    let kind = bundle.entities.get(entity).map(|entity| &entity.kind);
    matches!(kind, Some(EntityKind::Regex(_)))
}
