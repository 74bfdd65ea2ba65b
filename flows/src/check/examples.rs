//! Examples that teach two things, and intents with too few of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, Example, Id};
use crate::diag::Diagnostic;
use crate::span::Span;

/// Fewer examples than this in a language are few.
const ENOUGH: usize = 5;

/// An intent and the place of its example.
type Owner<'b> = (&'b Id, Span);

/// Looks at the examples of all intents, language by language.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    let mut exact: BTreeMap<(&str, String), Owner<'_>> = BTreeMap::new();
    let mut near: BTreeMap<(&str, BTreeSet<String>), Owner<'_>> = BTreeMap::new();
    for (id, intent) in &bundle.intents {
        for (language, examples) in &intent.examples {
            for example in examples {
                let words = words(example);
                let text = words.join(" ");
                let owner = (id, example.span);
                let first = *exact.entry((language, text)).or_insert(owner);
                if first.0 != id {
                    out.push(twice(example, first));
                    continue;
                }
                let bag: BTreeSet<String> = words.into_iter().collect();
                let first = *near.entry((language, bag)).or_insert(owner);
                if first.0 != id {
                    out.push(alike(example, id, first));
                }
            }
        }
        few(bundle, id, out);
    }
}

/// The words of an example, folded for case and punctuation.
fn words(example: &Example) -> Vec<String> {
    example
        .text
        .to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn twice(example: &Example, (other, span): Owner<'_>) -> Diagnostic {
    let message = format!("\"{}\" is an example of `{other}` too", example.text);
    Diagnostic::error("E0706", example.span, message)
        .related(span, format!("it is listed under `{other}` here"))
        .help("keep it under the intent whose flow should answer it")
}

fn alike(example: &Example, id: &Id, (other, span): Owner<'_>) -> Diagnostic {
    let message = format!(
        "\"{}\" has the same words as an example of `{other}`",
        example.text
    );
    Diagnostic::warning("W0707", example.span, message)
        .related(span, format!("the example of `{other}`"))
        .help(format!("say what makes it mean `{id}`"))
}

fn few(bundle: &Bundle, id: &Id, out: &mut Vec<Diagnostic>) {
    let Some(intent) = bundle.intents.get(id) else {
        return;
    };
    for language in &bundle.languages {
        // A language without any leans on the others; an intent without any is started by buttons only.
        let n = intent.examples.get(language).map_or(0, Vec::len);
        if (1..ENOUGH).contains(&n) {
            let message = format!(
                "`{id}` has too few examples in {language}: {n}, where {ENOUGH} are needed"
            );
            let help = "write down what customers say, in their words, short and long";
            out.push(Diagnostic::warning("W0708", intent.span, message).help(help));
        }
    }
}
