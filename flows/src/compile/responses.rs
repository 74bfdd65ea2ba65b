//! `responses:`: what is said, per language, with variants, buttons and links.

use std::collections::BTreeMap;

use crate::bundle::{Button, Id, Language, Response, Variant};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::syntax::{Kind as NodeKind, Node};
use crate::template::Template;

use super::cx::Cx;
use super::index::Kind;
use super::pattern_texts::GLOBAL_PAYLOADS;
use super::read::one_or_many;
use super::scope::{Locals, Scope};

const KEYS: [&str; 5] = ["text", "voice", "buttons", "links", "when"];

/// Titles of intents: what a button that starts one is called.
pub(super) type Titles = BTreeMap<Id, BTreeMap<Language, String>>;

/// Reads all responses. `names` are those that each may use beside slots and built-ins.
pub(super) fn compile(
    cx: &Cx<'_>,
    names: &BTreeMap<Id, Locals>,
    module_names: &BTreeMap<&str, Locals>,
    titles: &Titles,
) -> BTreeMap<Id, Response> {
    let none = Locals::new();
    cx.index
        .all(Kind::Response)
        .map(|decl| {
            // What nobody says may name whatever its module's flows know.
            let known = names
                .get(&decl.id)
                .or_else(|| module_names.get(decl.module));
            let reader = Reader {
                cx,
                module: decl.module,
                scope: Scope::new(cx, decl.module, known.unwrap_or(&none)),
                titles,
            };
            let what = format!("the response `{}`", decl.id);
            (
                decl.id.clone(),
                reader.response(decl.node, decl.span, &what),
            )
        })
        .collect()
}

/// Reads a response of one module.
pub(super) struct Reader<'c, 'a> {
    pub(super) cx: &'c Cx<'a>,
    pub(super) module: &'c str,
    pub(super) scope: Scope<'c, 'a>,
    pub(super) titles: &'c Titles,
}

impl Reader<'_, '_> {
    /// A response: a text or variants for the default language, or a map from language to those.
    pub(super) fn response(&self, node: &Node, span: Span, what: &str) -> Response {
        let mut variants = BTreeMap::new();
        for (language, node) in self.languages(node) {
            let read: Vec<Variant> = one_or_many(node)
                .iter()
                .filter_map(|node| self.variant(node, &language))
                .collect();
            self.check_last(node, &read);
            variants.insert(language, read);
        }
        self.cx.check_languages(&variants, span, what);
        Response { variants, span }
    }

    fn languages<'n>(&self, node: &'n Node) -> BTreeMap<Language, &'n Node> {
        if let NodeKind::Map(entries) = &node.kind
            && entries
                .iter()
                .any(|entry| KEYS.contains(&entry.key.as_str()))
        {
            return BTreeMap::from([(self.cx.language().to_owned(), node)]);
        }
        self.cx.by_language(node, "a response")
    }

    /// Without a variant that always holds, there may be nothing to say.
    fn check_last(&self, node: &Node, variants: &[Variant]) {
        if variants.is_empty() || variants.iter().any(|variant| variant.when.is_none()) {
            return;
        }
        let span = one_or_many(node).last().map_or(node.span, |last| last.span);
        let start = Span {
            end: span.start + 1,
            ..span
        };
        self.cx.report(
            Diagnostic::warning(
                "W0502",
                start,
                "every variant has a `when`, so perhaps none holds",
            )
            .help("add a last variant without `when`"),
        );
    }

    fn variant(&self, node: &Node, language: &str) -> Option<Variant> {
        let cx = self.cx;
        if let NodeKind::Scalar(scalar) = &node.kind {
            if scalar.text.trim().is_empty() {
                cx.wrong(node, "a text");
                return None;
            }
            return Some(Variant {
                when: None,
                text: cx.template(scalar, &self.scope)?,
                voice: None,
                buttons: Vec::new(),
                links: Vec::new(),
            });
        }
        let fields = cx.fields(node, "a response's variant", &KEYS)?;
        let template = |node: &Node| cx.template(cx.scalar(node, "a text")?, &self.scope);
        let text = fields.need(cx, "text").and_then(template);
        let voice = fields.get("voice").and_then(template);
        let when = fields
            .get("when")
            .and_then(|node| cx.condition(node, &self.scope));
        let buttons = fields
            .get("buttons")
            .map_or(&[][..], |n| cx.list(n, "a list of buttons"));
        let links = fields
            .get("links")
            .map_or(&[][..], |n| cx.list(n, "a list of links"));
        let buttons = buttons
            .iter()
            .filter_map(|node| self.button(node, language))
            .collect();
        let links = links.iter().filter_map(|node| self.link(node)).collect();
        if fields.get("when").is_some() && when.is_none() {
            return None;
        }
        Some(Variant {
            when,
            text: text?,
            voice,
            buttons,
            links,
        })
    }

    /// A payload, or a map with `title` and `payload`.
    fn button(&self, node: &Node, language: &str) -> Option<Button> {
        let cx = self.cx;
        if let NodeKind::Scalar(scalar) = &node.kind {
            let written = cx.text(node, "a button")?;
            let payload = self.payload(written, scalar.inner)?;
            let title = Template::plain(self.title(&payload, language));
            return Some(Button { title, payload });
        }
        let fields = cx.fields(node, "a button", &["title", "payload"])?;
        let title = fields
            .need(cx, "title")
            .and_then(|n| cx.scalar(n, "a title"));
        let title = title.and_then(|scalar| cx.template(scalar, &self.scope));
        let node = fields.need(cx, "payload")?;
        let scalar = cx.scalar(node, "a payload")?;
        let payload = self.payload(&scalar.text, scalar.inner)?;
        Some(Button {
            title: title?,
            payload,
        })
    }

    /// A payload with its intent's whole id.
    fn payload(&self, written: &str, span: Span) -> Option<String> {
        let Some(name) = written.strip_prefix('/') else {
            return Some(written.to_owned());
        };
        if GLOBAL_PAYLOADS
            .iter()
            .any(|(payload, ..)| *payload == written)
        {
            return Some(written.to_owned());
        }
        let at = Span {
            start: (span.start + 1).min(span.end),
            ..span
        };
        let id = self.cx.refer_text(Kind::Intent, self.module, name, at)?;
        Some(format!("/{id}"))
    }

    /// What a button without a title shows.
    fn title(&self, payload: &str, language: &str) -> String {
        let spanish = language == "es";
        if let Some((_, en, es)) = GLOBAL_PAYLOADS.iter().find(|(known, ..)| *known == payload) {
            return (if spanish { *es } else { *en }).to_owned();
        }
        if let Some(titles) = payload.strip_prefix('/').and_then(|id| self.titles.get(id)) {
            let title = titles
                .get(language)
                .or_else(|| titles.get(self.cx.language()));
            return title.cloned().unwrap_or_else(|| payload.to_owned());
        }
        // A canonical value is written in the default language.
        let other = language != self.cx.language();
        let key = (payload.to_owned(), language.to_owned());
        let synonym = self.cx.value_titles.get(&key).filter(|_| other);
        synonym
            .cloned()
            .unwrap_or_else(|| super::text::words(payload))
    }

    /// An address, or a map with `title` and `url`.
    fn link(&self, node: &Node) -> Option<(Template, Template)> {
        let cx = self.cx;
        let template = |node: &Node| cx.template(cx.scalar(node, "a text")?, &self.scope);
        if node.scalar().is_some() {
            let url = template(node)?;
            return Some((url.clone(), url));
        }
        let fields = cx.fields(node, "a link", &["title", "url"])?;
        let title = fields.need(cx, "title").and_then(template);
        let url = fields.need(cx, "url").and_then(template)?;
        Some((title?, url))
    }
}
