//! Conversation tests that can't fail.

use std::collections::BTreeMap;

use crate::bundle::Bundle;
use crate::diag::Diagnostic;
use crate::span::Span;

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for test in &bundle.tests {
        let name = &test.name;
        if test.turns.is_empty() {
            findings.push(
                Diagnostic::warning(
                    "W0606",
                    test.span,
                    format!("the test `{name}` touches no step"),
                )
                .help("let the customer say something under `say:`"),
            );
        } else if test.turns.iter().all(|turn| turn.expect.is_empty()) {
            findings.push(
                Diagnostic::warning(
                    "W0607",
                    test.span,
                    format!("the test `{name}` expects nothing"),
                )
                .help("add `expect:` to a turn"),
            );
        }
        if let Some(first) = names.insert(name, test.span) {
            findings.push(
                Diagnostic::warning("W0610", test.span, format!("two tests are called `{name}`"))
                    .related(first, "the other one"),
            );
        }
    }
}
