//! Personal data in addresses, which every proxy and server on the way writes down.

use crate::bundle::Bundle;
use crate::diag::Diagnostic;

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    for (id, action) in &bundle.actions {
        for name in action.url.reads() {
            let Some(slot) = bundle.slots.get(&name).filter(|slot| slot.pii) else {
                continue;
            };
            findings.push(
                Diagnostic::warning(
                    "W0604",
                    action.span,
                    format!("the address of the action `{id}` holds the personal slot `{name}`"),
                )
                .related(slot.span, "it is marked `pii` here")
                .help("servers log addresses: send it in `body` or in a header"),
            );
        }
    }
}
