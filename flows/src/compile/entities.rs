//! `entities:`: lists with synonyms, regular expressions, learned spans.

use std::collections::BTreeMap;

use crate::bundle::{Entity, EntityKind, Id, Language};
use crate::diag::Diagnostic;
use crate::syntax::Node;

use super::cx::Cx;
use super::index::{Decl, Kind};
use super::read::Fields;

const KEYS: [&str; 4] = ["type", "values", "pattern", "spoken"];

#[derive(Clone, Copy)]
enum How {
    List,
    Regex,
    Learned,
}

/// Reads all entities.
pub(super) fn compile(cx: &Cx<'_>) -> BTreeMap<Id, Entity> {
    cx.index
        .all(Kind::Entity)
        .filter_map(|decl| Some((decl.id.clone(), entity(cx, decl)?)))
        .collect()
}

/// What the values of all lists are called in each language: their first synonyms.
pub(super) fn value_titles(
    entities: &BTreeMap<Id, Entity>,
) -> BTreeMap<(String, Language), String> {
    let mut titles = BTreeMap::new();
    for entity in entities.values() {
        let EntityKind::List(values) = &entity.kind else {
            continue;
        };
        for (value, synonyms) in values {
            for (language, words) in synonyms {
                if let Some(first) = words.first() {
                    let key = (value.clone(), language.clone());
                    titles.entry(key).or_insert_with(|| first.clone());
                }
            }
        }
    }
    titles
}

fn entity(cx: &Cx<'_>, decl: &Decl<'_>) -> Option<Entity> {
    let fields = cx.fields(decl.node, "an entity", &KEYS)?;
    let choices = [
        ("list", How::List),
        ("regex", How::Regex),
        ("learned", How::Learned),
    ];
    let how = cx.choice(fields.need(cx, "type")?, "the type of an entity", &choices)?;
    let spelled = fields
        .get("spoken")
        .and_then(|node| cx.choice(node, "`spoken`", &[("spelled", true)]))
        .unwrap_or(false);
    let stray = match how {
        How::List => "pattern",
        How::Regex => "values",
        How::Learned => "values",
    };
    if let Some(entry) = fields.entry(stray) {
        cx.unknown_key(entry, "an entity of this type", &["type", "spoken"]);
    }
    let kind = match how {
        How::List => list(cx, fields)?,
        How::Regex => regex(cx, fields.need(cx, "pattern")?)?,
        How::Learned => EntityKind::Learned,
    };
    Some(Entity {
        kind,
        spelled,
        span: decl.span,
    })
}

fn list(cx: &Cx<'_>, fields: Fields<'_>) -> Option<EntityKind> {
    let node = fields.need(cx, "values")?;
    if let crate::syntax::Kind::List(items) = &node.kind {
        // Short form: values that are their own only name.
        let values = items.iter().filter_map(|item| cx.text(item, "a value"));
        return Some(EntityKind::List(
            values
                .map(|value| (value.to_owned(), BTreeMap::new()))
                .collect(),
        ));
    }
    let entries = cx.entries(node, "a map from value to synonyms");
    let values = entries
        .iter()
        .map(|entry| {
            let synonyms = if entry.value.is_null() {
                BTreeMap::new()
            } else {
                cx.localized_lists(&entry.value, "the synonyms")
            };
            (entry.key.clone(), synonyms)
        })
        .collect();
    Some(EntityKind::List(values))
}

fn regex(cx: &Cx<'_>, node: &Node) -> Option<EntityKind> {
    let pattern = cx.text(node, "a regular expression")?;
    match regex::Regex::new(pattern) {
        Ok(regex) if regex.is_match("") => {
            cx.report(
                Diagnostic::error("E0207", node.span, "this pattern matches the empty text")
                    .help("let it match at least one character, with `+` for `*` say"),
            );
            None
        }
        Ok(_) => Some(EntityKind::Regex(pattern.to_owned())),
        Err(error) => {
            let text = error.to_string();
            let reason = text
                .lines()
                .last()
                .unwrap_or("")
                .trim_start_matches("error: ");
            cx.report(
                Diagnostic::error(
                    "E0207",
                    node.span,
                    format!("this is no regular expression: {reason}"),
                )
                .help("put it into single quotes, so that YAML leaves its backslashes alone"),
            );
            None
        }
    }
}
