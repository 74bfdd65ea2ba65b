//! `flows:`.

use std::collections::BTreeMap;

use crate::bundle::{Flow, Id, Language, OnInterrupt};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::syntax::Kind as NodeKind;
use crate::value::Type;

use super::cx::Cx;
use super::index::{Decl, Kind};
use super::read::one_or_many;
use super::scope::{Locals, Scope};
use super::steps::{Steps, locals};
use super::text::words;

const KEYS: [&str; 7] = [
    "small_talk",
    "start",
    "title",
    "about",
    "on_interrupt",
    "stale_after",
    "steps",
];
/// Seconds after which a covered flow is offered rather than resumed, where it does not say.
const DEFAULT_STALE_S: i64 = 1800;

/// The locals of every flow.
pub(super) fn all_locals(
    cx: &Cx<'_>,
    returns: &BTreeMap<Id, BTreeMap<String, Type>>,
) -> BTreeMap<Id, Locals> {
    let mut all = BTreeMap::new();
    for decl in cx.index.all(Kind::Flow) {
        let mut found = Locals::new();
        locals(cx, decl.module, decl.node, returns, &mut found);
        all.insert(decl.id.clone(), found);
    }
    all
}

/// Reads all flows.
pub(super) fn compile(
    cx: &Cx<'_>,
    locals: &BTreeMap<Id, Locals>,
    titles: &BTreeMap<Id, BTreeMap<Language, String>>,
) -> BTreeMap<Id, Flow> {
    let none = Locals::new();
    let mut starts: BTreeMap<Id, Span> = BTreeMap::new();
    let mut flows = BTreeMap::new();
    for decl in cx.index.all(Kind::Flow) {
        let scope = Scope::new(cx, decl.module, locals.get(&decl.id).unwrap_or(&none));
        let flow = flow(cx, decl, scope, titles);
        if let Some(intent) = &flow.start {
            if let Some(first) = starts.get(intent) {
                cx.report(
                    Diagnostic::error(
                        "E0408",
                        decl.span,
                        format!("two flows start with the intent `{intent}`"),
                    )
                    .related(*first, "the other one")
                    .help(
                        "give one of them an intent of its own, or let one flow `go` to the other",
                    ),
                );
            } else {
                starts.insert(intent.clone(), decl.span);
            }
        }
        flows.insert(decl.id.clone(), flow);
    }
    flows
}

fn flow(
    cx: &Cx<'_>,
    decl: &Decl<'_>,
    scope: Scope<'_, '_>,
    titles: &BTreeMap<Id, BTreeMap<Language, String>>,
) -> Flow {
    let mut flow = Flow {
        start: None,
        title: BTreeMap::from([(cx.language().to_owned(), words(decl.name))]),
        small_talk: false,
        about: Vec::new(),
        on_interrupt: OnInterrupt::Resume,
        stale_after_s: DEFAULT_STALE_S,
        steps: Vec::new(),
        span: decl.span,
    };
    let steps = Steps::new(cx, decl.module, scope);
    if let NodeKind::List(_) = decl.node.kind {
        // A flow that only has steps may be their list.
        flow.steps = steps.read(decl.node, "");
        return flow;
    }
    let Some(fields) = cx.fields(decl.node, "a flow", &KEYS) else {
        return flow;
    };
    flow.start = fields
        .get("start")
        .and_then(|n| cx.refer(Kind::Intent, decl.module, n));
    if let Some(node) = fields.get("title") {
        flow.title = cx.localized(node, "the title of a flow");
        cx.check_languages(
            &flow.title,
            decl.span,
            &format!("the title of flow `{}`", decl.id),
        );
    } else if let Some(title) = flow.start.as_ref().and_then(|intent| titles.get(intent)) {
        flow.title.clone_from(title);
    }
    flow.small_talk = fields
        .get("small_talk")
        .and_then(|node| cx.truth(node, "`small_talk`"))
        .unwrap_or(false);
    for node in fields.get("about").map_or(&[][..], one_or_many) {
        let Some(article) = cx.text(node, "an article") else {
            continue;
        };
        if cx.articles.contains_key(article) {
            flow.about.push(article.to_owned());
        } else {
            let known = cx.articles.keys().map(String::as_str);
            cx.unknown(
                "article",
                article,
                node.span,
                known,
                "name a file under `knowledge/`, without `.md`",
            );
        }
    }
    let choices = [
        ("resume", OnInterrupt::Resume),
        ("offer", OnInterrupt::Offer),
        ("replace", OnInterrupt::Replace),
        ("refuse", OnInterrupt::Refuse),
    ];
    if let Some(node) = fields.get("on_interrupt") {
        flow.on_interrupt = cx
            .choice(node, "`on_interrupt`", &choices)
            .unwrap_or(OnInterrupt::Resume);
    }
    if let Some(ms) = fields
        .get("stale_after")
        .and_then(|n| cx.duration_ms(n, "`stale_after`"))
    {
        flow.stale_after_s = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    }
    if let Some(node) = fields.need(cx, "steps") {
        flow.steps = steps.read(node, "");
    }
    flow
}
