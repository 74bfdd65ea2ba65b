//! What a test's turn expects: names are resolved to ids, the rest stays plain JSON.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::Bundle;
use crate::span::Span;
use crate::syntax::Node;
use serde_json::Value as Json;

use super::cx::Cx;
use super::index::Kind;
use super::pattern_texts::{ALL, name};
use super::patterns;
use super::policy::REASONS;
use super::read::one_or_many;

const KEYS: [&str; 20] = [
    "said",
    "not_said",
    "text",
    "asks",
    "slots",
    "flow",
    "ended",
    "intent",
    "corrected",
    "redone",
    "kept",
    "handoff",
    "queue",
    "did",
    "not_did",
    "source",
    "resumed",
    "offers",
    "rejected",
    "trigger",
];

/// Reads `expect:` of one turn.
pub(super) struct Reader<'c, 'a> {
    pub(super) cx: &'c Cx<'a>,
    pub(super) module: &'c str,
    pub(super) bundle: &'c Bundle,
}

impl Reader<'_, '_> {
    /// The expectations with every name resolved.
    pub(super) fn read(&self, node: &Node) -> BTreeMap<String, Json> {
        let mut expect = BTreeMap::new();
        for entry in self.cx.entries(node, "a map of expectations") {
            let key = entry.key.as_str();
            if !KEYS.contains(&key) {
                self.cx.unknown_key(entry, "`expect`", &KEYS);
                continue;
            }
            expect.insert(key.to_owned(), self.value(key, &entry.value));
        }
        expect
    }

    fn value(&self, key: &str, node: &Node) -> Json {
        match key {
            "said" | "not_said" => self.names(node, |text, at| self.said(text, at)),
            "asks" => self.names(node, |text, at| self.asked(text, at)),
            "corrected" | "kept" => self.names(node, |text, at| self.of(Kind::Slot, text, at)),
            "redone" | "did" | "not_did" => {
                self.names(node, |text, at| self.of(Kind::Action, text, at))
            }
            "flow" | "resumed" => self.names(node, |text, at| self.of(Kind::Flow, text, at)),
            "intent" => self.names(node, |text, at| self.intent(text, at)),
            "source" => self.names(node, |text, at| self.article(text, at)),
            "offers" => self.names(node, |text, _| self.offered(text)),
            "slots" => self.slots(node),
            "handoff" => {
                if node
                    .scalar()
                    .is_none_or(|scalar| scalar.as_bool().is_none())
                {
                    self.cx
                        .choice(node, "`handoff`", &REASONS.map(|reason| (reason, ())));
                }
                node.to_json()
            }
            "queue" => {
                self.cx.queue(node);
                node.to_json()
            }
            "trigger" => self.names(node, |text, at| {
                let known = self
                    .bundle
                    .policy
                    .triggers
                    .iter()
                    .map(|trigger| trigger.name.as_str());
                if !known.clone().any(|name| name == text) {
                    self.cx
                        .unknown("trigger", text, at, known, "declare it under `handoff:`");
                }
                text.to_owned()
            }),
            _ => node.to_json(),
        }
    }

    /// A name or a list of names, each resolved; null and truth values stay as they are.
    fn names(&self, node: &Node, resolve: impl Fn(&str, Span) -> String) -> Json {
        let resolved = |node: &Node| match node.scalar() {
            Some(scalar) if !scalar.is_null() && scalar.as_bool().is_none() => {
                Json::String(resolve(&scalar.text, scalar.inner))
            }
            _ => node.to_json(),
        };
        if node.scalar().is_some() {
            return resolved(node);
        }
        one_or_many(node).iter().map(resolved).collect()
    }

    fn of(&self, kind: Kind, text: &str, at: Span) -> String {
        self.cx
            .refer_text(kind, self.module, text, at)
            .unwrap_or_else(|| text.to_owned())
    }

    /// A response or a pattern.
    fn said(&self, text: &str, at: Span) -> String {
        if let Some(decl) = self.cx.index.find(Kind::Response, self.module, text) {
            return decl.id.clone();
        }
        if patterns::by_name(text).is_none() {
            let mut known: BTreeSet<&str> = self.cx.index.spellings(Kind::Response, self.module);
            known.extend(ALL.map(name));
            self.cx.unknown(
                "response or pattern",
                text,
                at,
                known,
                "declare it under `responses:`",
            );
        }
        text.to_owned()
    }

    /// A slot, or the response that asks.
    fn asked(&self, text: &str, at: Span) -> String {
        match self.cx.index.find(Kind::Slot, self.module, text) {
            Some(decl) => decl.id.clone(),
            None => self.said(text, at),
        }
    }

    /// An intent, an article or none at all.
    fn intent(&self, text: &str, at: Span) -> String {
        match text.strip_prefix("article:") {
            Some(article) => format!("article:{}", self.article(article, at)),
            None if text == "none" => text.to_owned(),
            None => self.of(Kind::Intent, text, at),
        }
    }

    fn article(&self, text: &str, at: Span) -> String {
        if !self.cx.articles.contains_key(text) {
            let known = self.cx.articles.keys().map(String::as_str);
            self.cx.unknown(
                "article",
                text,
                at,
                known,
                "an article is a file under knowledge/",
            );
        }
        text.to_owned()
    }

    /// A choice's value, or an intent.
    fn offered(&self, text: &str) -> String {
        let found = self.cx.index.find(Kind::Intent, self.module, text);
        found.map_or_else(|| text.to_owned(), |decl| decl.id.clone())
    }

    fn slots(&self, node: &Node) -> Json {
        let entries = self.cx.entries(node, "a map from slot to value");
        Json::Object(
            entries
                .iter()
                .map(|entry| {
                    let slot = self.of(Kind::Slot, &entry.key, entry.key_span);
                    if let Some(ty) = self.cx.slot_types.get(&slot) {
                        let entities = &self.bundle.entities;
                        self.cx.of_its_list(&entry.value, ty, entities);
                    }
                    (slot, entry.value.to_json())
                })
                .collect(),
        )
    }
}
