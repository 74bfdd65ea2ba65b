//! `patterns:`: which response is said at each moment that every bot has, and the built-in ones.

use std::collections::BTreeMap;

use crate::bundle::{Button, Id, Language, Pattern, Response, Variant};
use crate::diag::{Diagnostic, nearest};
use crate::span::Span;
use crate::syntax::{Kind as NodeKind, Node};
use crate::template::Template;
use crate::value::Type;

use super::cx::Cx;
use super::index::Kind;
use super::pattern_texts::{ALL, GLOBAL_PAYLOADS, Words, defaults, name};
use super::responses::{Reader, Titles};
use super::scope::{Locals, Scope};

/// A pattern whose words stand under `patterns:` itself.
pub(super) struct Inline<'a> {
    pattern: Pattern,
    module: &'a str,
    span: Span,
    node: &'a Node,
}

/// The pattern of a name.
pub(super) fn by_name(text: &str) -> Option<Pattern> {
    ALL.into_iter().find(|pattern| name(*pattern) == text)
}

/// Id of the response for a pattern that the bot says in other words than another response's.
fn own_id(pattern: Pattern) -> Id {
    format!("pattern.{}", name(pattern))
}

/// Reads one `patterns:` section: which response is said for a pattern.
pub(super) fn read<'a>(
    cx: &Cx<'a>,
    module: &'a str,
    node: &'a Node,
    patterns: &mut BTreeMap<Pattern, Id>,
    inline: &mut Vec<Inline<'a>>,
    seen: &mut BTreeMap<Pattern, Span>,
) {
    for entry in cx.entries(node, "a map from pattern to response") {
        let Some(pattern) = by_name(&entry.key) else {
            let names = ALL.map(name);
            let finding = Diagnostic::error(
                "E0401",
                entry.key_span,
                format!("there is no pattern `{}`", entry.key),
            );
            cx.report(match nearest(&entry.key, names) {
                Some(near) => finding.help(format!("did you mean `{near}`?")).fix(near),
                None => finding.help(format!("the patterns are: {}", names.join(", "))),
            });
            continue;
        };
        if let Some(first) = seen.get(&pattern) {
            cx.report(
                Diagnostic::error(
                    "E0402",
                    entry.key_span,
                    format!("the pattern `{}` is given twice", entry.key),
                )
                .related(*first, "it is given here first"),
            );
            continue;
        }
        seen.insert(pattern, entry.key_span);
        if let NodeKind::Scalar(_) = entry.value.kind {
            if let Some(id) = cx.refer(Kind::Response, module, &entry.value) {
                patterns.insert(pattern, id);
            }
        } else {
            inline.push(Inline {
                pattern,
                module,
                span: entry.key_span,
                node: &entry.value,
            });
            patterns.insert(pattern, own_id(pattern));
        }
    }
}

/// Adds responses for the patterns that have none in `responses`, and says which languages the
/// built-in ones lack.
pub(super) fn complete(
    cx: &Cx<'_>,
    patterns: &mut BTreeMap<Pattern, Id>,
    inline: &[Inline<'_>],
    titles: &Titles,
    languages_span: Span,
    responses: &mut BTreeMap<Id, Response>,
) {
    for own in inline {
        let names: Locals = names(own.pattern);
        let reader = Reader {
            cx,
            module: own.module,
            scope: Scope::new(cx, own.module, &names),
            titles,
        };
        let what = format!("the pattern `{}`", name(own.pattern));
        responses.insert(
            own_id(own.pattern),
            reader.response(own.node, own.span, &what),
        );
    }
    let mut built_in = Vec::new();
    for pattern in ALL {
        let id = patterns
            .entry(pattern)
            .or_insert_with(|| own_id(pattern))
            .clone();
        if id == own_id(pattern) && !responses.contains_key(&id) {
            built_in.push(name(pattern));
            responses.insert(id, built(cx, pattern, languages_span));
        }
    }
    let foreign: Vec<&str> = cx
        .languages
        .iter()
        .map(String::as_str)
        .filter(|language| !["en", "es"].contains(language))
        .collect();
    if !foreign.is_empty() && !built_in.is_empty() {
        cx.report(
            Diagnostic::warning(
                "W0503",
                languages_span,
                format!(
                    "built-in texts are in English and Spanish only, not in {}",
                    foreign.join(", ")
                ),
            )
            .help(format!(
                "give your own under `patterns:` for: {}",
                built_in.join(", ")
            )),
        );
    }
}

fn names(pattern: Pattern) -> Locals {
    pattern
        .names()
        .into_iter()
        .map(|(name, ty): (_, Type)| (name.to_owned(), ty))
        .collect()
}

/// The built-in words of a pattern in the bot's languages; English ones stand in for a default
/// language that has none.
fn built(cx: &Cx<'_>, pattern: Pattern, span: Span) -> Response {
    let [en, es] = defaults(pattern);
    let names = names(pattern);
    let mut variants: BTreeMap<Language, Vec<Variant>> = BTreeMap::new();
    for (place, language) in cx.languages.iter().enumerate() {
        let words = match language.as_str() {
            "en" => &en,
            "es" => &es,
            _ if place == 0 => &en,
            _ => continue,
        };
        let spanish = language == "es";
        variants.insert(language.clone(), vec![variant(cx, words, spanish, &names)]);
    }
    Response { variants, span }
}

fn variant(cx: &Cx<'_>, words: &Words, spanish: bool, names: &Locals) -> Variant {
    let scope = Scope::new(cx, "", names);
    // A test parses every built-in text, so that the plain one here is never needed.
    let parse = |text: &str| {
        Template::parse(text, Span::default(), &scope).unwrap_or_else(|_| Template::plain(text))
    };
    Variant {
        when: None,
        text: parse(words.text),
        voice: (!words.voice.is_empty()).then(|| parse(words.voice)),
        buttons: words
            .buttons
            .iter()
            .map(|payload| Button {
                title: Template::plain(button_title(payload, spanish)),
                payload: (*payload).to_owned(),
            })
            .collect(),
        links: Vec::new(),
    }
}

fn button_title(payload: &'static str, spanish: bool) -> &'static str {
    let known = GLOBAL_PAYLOADS.iter().find(|(known, ..)| *known == payload);
    known.map_or(payload, |(_, en, es)| if spanish { es } else { en })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Names;

    struct Only(Locals);

    impl Names for Only {
        fn lookup(&self, name: &str) -> Option<(String, Type)> {
            self.0.get(name).map(|ty| (name.to_owned(), ty.clone()))
        }

        fn candidates(&self) -> Vec<String> {
            self.0.keys().cloned().collect()
        }
    }

    #[test]
    fn every_built_in_text_names_only_what_its_pattern_gives() {
        for pattern in ALL {
            let names = Only(names(pattern));
            for words in defaults(pattern) {
                for text in [words.text, words.voice] {
                    let parsed = Template::parse(text, Span::default(), &names);
                    assert_eq!(parsed.err(), None, "{pattern:?}: {text}");
                }
            }
        }
    }

    #[test]
    fn names_are_those_of_the_glossary() {
        for pattern in ALL {
            let json = serde_json::to_value(pattern).expect("a pattern is a word");
            assert_eq!(json, serde_json::json!(name(pattern)));
            assert_eq!(by_name(name(pattern)), Some(pattern));
        }
    }
}
