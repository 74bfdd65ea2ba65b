//! `intents:`.

use std::collections::BTreeMap;

use crate::bundle::{Id, Intent};
use crate::syntax::Kind as NodeKind;

use super::cx::Cx;
use super::examples::example;
use super::index::{Decl, Kind};
use super::read::one_or_many;
use super::text::words;

const KEYS: [&str; 3] = ["title", "examples", "threshold"];

/// Reads all intents.
pub(super) fn compile(cx: &Cx<'_>) -> BTreeMap<Id, Intent> {
    cx.index
        .all(Kind::Intent)
        .map(|decl| (decl.id.clone(), intent(cx, decl)))
        .collect()
}

fn intent(cx: &Cx<'_>, decl: &Decl<'_>) -> Intent {
    let mut intent = Intent {
        title: BTreeMap::from([(cx.language().to_owned(), words(decl.name))]),
        examples: BTreeMap::new(),
        threshold: None,
        span: decl.span,
    };
    let examples = match &decl.node.kind {
        // `bye: [goodbye, see you]` is short for its examples.
        NodeKind::List(_) => Some(decl.node),
        _ => {
            let Some(fields) = cx.fields(decl.node, "an intent", &KEYS) else {
                return intent;
            };
            if let Some(node) = fields.get("title") {
                intent.title = cx.localized(node, "the title of an intent");
                let what = format!("the title of intent `{}`", decl.id);
                cx.check_languages(&intent.title, decl.span, &what);
            }
            intent.threshold = fields
                .get("threshold")
                .and_then(|node| cx.share(node, "`threshold`"));
            fields.get("examples")
        }
    };
    let Some(examples) = examples else {
        return intent;
    };
    for (language, node) in cx.by_language(examples, "the examples") {
        let found = one_or_many(node)
            .iter()
            .filter_map(|node| example(cx, decl.module, node));
        intent.examples.insert(language, found.collect());
    }
    intent
}
