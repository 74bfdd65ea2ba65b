//! `actions:`: calls to systems of record.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Action, ActionEffect, Id, JsonTemplate};
use crate::diag::Diagnostic;
use crate::syntax::{Entry, Kind as NodeKind, Node};
use crate::template::Template;
use crate::value::{Type, Value};

use super::cx::Cx;
use super::index::{Decl, Kind};
use super::read::Fields;
use super::scope::{Locals, Scope};
use super::steps::merge;

const KEYS: [&str; 6] = [
    "http",
    "effect",
    "returns",
    "stub",
    "compensate",
    "repeatable",
];
const METHODS: [(&str, &str); 5] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
];
const HTTP: [&str; 9] = [
    "get", "post", "put", "patch", "delete", "headers", "body", "timeout", "retry",
];
/// Milliseconds an action may take where it does not say.
const DEFAULT_TIMEOUT_MS: u64 = 10_000;

/// The record types that actions return.
pub(super) fn returns(cx: &Cx<'_>) -> BTreeMap<Id, BTreeMap<String, Type>> {
    let mut all = BTreeMap::new();
    for decl in cx.index.all(Kind::Action) {
        let mut types = BTreeMap::new();
        let entries = match &decl.node.kind {
            NodeKind::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        if let Some(entry) = entries.iter().find(|entry| entry.key == "returns") {
            for field in cx.entries(&entry.value, "a map from field to type") {
                if let Some(ty) = cx.type_of(decl.module, &field.value) {
                    types.insert(field.key.clone(), ty);
                }
            }
        }
        all.insert(decl.id.clone(), types);
    }
    all
}

/// Reads all actions. `locals` are those of the flows that run each.
pub(super) fn compile(
    cx: &Cx<'_>,
    returns: &BTreeMap<Id, BTreeMap<String, Type>>,
    locals: &BTreeMap<Id, Locals>,
) -> BTreeMap<Id, Action> {
    let none = Locals::new();
    let locals = with_compensation(cx, locals);
    cx.index
        .all(Kind::Action)
        .filter_map(|decl| {
            let scope = Scope::new(cx, decl.module, locals.get(&decl.id).unwrap_or(&none));
            let types = returns.get(&decl.id).cloned().unwrap_or_default();
            Some((decl.id.clone(), action(cx, decl, &scope, types)?))
        })
        .collect()
}

/// An action that undoes another knows the locals of the flows that run the other: what it undoes
/// is named by what the other answered.
fn with_compensation(cx: &Cx<'_>, locals: &BTreeMap<Id, Locals>) -> BTreeMap<Id, Locals> {
    let mut all = locals.clone();
    for decl in cx.index.all(Kind::Action) {
        let NodeKind::Map(entries) = &decl.node.kind else {
            continue;
        };
        let named = entries.iter().find(|entry| entry.key == "compensate");
        let name = named.and_then(|entry| entry.value.scalar());
        let other = name.and_then(|scalar| cx.index.find(Kind::Action, decl.module, &scalar.text));
        if let (Some(other), Some(known)) = (other, locals.get(&decl.id)) {
            let own = all.entry(other.id.clone()).or_default();
            for (name, ty) in known {
                merge(own, name, ty);
            }
        }
    }
    all
}

fn action(
    cx: &Cx<'_>,
    decl: &Decl<'_>,
    scope: &Scope<'_, '_>,
    returns: BTreeMap<String, Type>,
) -> Option<Action> {
    let fields = cx.fields(decl.node, "an action", &KEYS)?;
    let http = cx.fields(fields.need(cx, "http")?, "`http`", &HTTP)?;
    let (method, url) = address(cx, decl, http)?;
    let url = cx
        .scalar(url, "an address")
        .and_then(|scalar| cx.template(scalar, scope));
    let headers = headers(cx, http, scope);
    let body = http.get("body").and_then(|node| json(cx, node, scope));
    let mut reads: BTreeSet<Id> = url.iter().flat_map(Template::reads).collect();
    reads.extend(headers.values().flat_map(Template::reads));
    if let Some(body) = &body {
        json_reads(body, &mut reads);
    }
    let timeout_ms = timeout(cx, decl, http);
    let (retry_times, retry_backoff_ms) = retry(cx, http);
    let effect = effect(cx, fields, method);
    let stub = fields.get("stub").and_then(|node| stub(cx, node, &returns));
    let compensate = fields
        .get("compensate")
        .and_then(|node| cx.refer(Kind::Action, decl.module, node));
    let repeatable = repeatable(cx, fields, method, effect, compensate.is_some());
    Some(Action {
        method: method.to_owned(),
        url: url?,
        headers,
        body,
        timeout_ms,
        retry_times,
        retry_backoff_ms,
        effect,
        returns,
        stub,
        compensate,
        repeatable,
        reads: reads
            .into_iter()
            .filter(|name| cx.slot_types.contains_key(name))
            .collect(),
        span: decl.span,
    })
}

/// The one method with its address.
fn address<'n>(cx: &Cx<'_>, decl: &Decl<'_>, http: Fields<'n>) -> Option<(&'static str, &'n Node)> {
    let mut found: Option<(&'static str, &'n Entry)> = None;
    for (key, method) in METHODS {
        let Some(entry) = http.entry(key) else {
            continue;
        };
        if let Some((_, first)) = found {
            cx.report(
                Diagnostic::error("E0204", entry.key_span, "an action has one method only")
                    .related(first.key_span, "it has this one already"),
            );
            continue;
        }
        found = Some((method, entry));
    }
    if found.is_none() {
        cx.report(
            Diagnostic::error(
                "E0203",
                decl.span,
                format!("the action `{}` does not say what it calls", decl.id),
            )
            .help(
                "write one of `get`, `post`, `put`, `patch`, `delete` with the address in `http`",
            ),
        );
    }
    found.map(|(method, entry)| (method, &entry.value))
}

fn effect(cx: &Cx<'_>, fields: Fields<'_>, method: &str) -> ActionEffect {
    let choices = [
        ("none", ActionEffect::None),
        ("reversible", ActionEffect::Reversible),
        ("irreversible", ActionEffect::Irreversible),
    ];
    let given = fields
        .get("effect")
        .and_then(|node| cx.choice(node, "`effect`", &choices));
    given.unwrap_or(if method == "GET" {
        ActionEffect::None
    } else {
        ActionEffect::Reversible
    })
}

/// Whether a correction may send it again. A `post` makes something new each time (RFC 9110, section 9.3.3), and what
/// has an action that undoes it is undone first.
fn repeatable(
    cx: &Cx<'_>,
    fields: Fields<'_>,
    method: &str,
    effect: ActionEffect,
    undoable: bool,
) -> bool {
    let Some(node) = fields.get("repeatable") else {
        return effect == ActionEffect::None
            || (effect == ActionEffect::Reversible && method != "POST" && !undoable);
    };
    let given = cx.truth(node, "`repeatable`").unwrap_or(false);
    if given && effect == ActionEffect::Irreversible {
        cx.report(
            Diagnostic::error(
                "E0204",
                node.span,
                "an irreversible action is never sent again",
            )
            .help("leave out `repeatable`, or say `effect: reversible` if it replaces what it did"),
        );
    }
    if given && undoable {
        cx.report(
            Diagnostic::error(
                "E0204",
                node.span,
                "what replaces itself needs nothing to undo it",
            )
            .help("leave out `repeatable` or `compensate`"),
        );
    }
    given
}

fn timeout(cx: &Cx<'_>, decl: &Decl<'_>, http: Fields<'_>) -> u64 {
    let Some(node) = http.get("timeout") else {
        cx.report(
            Diagnostic::warning(
                "W0602",
                decl.span,
                format!("the action `{}` has no `timeout`", decl.id),
            )
            .help("say how long a customer may be kept waiting; 10 s are taken now"),
        );
        return DEFAULT_TIMEOUT_MS;
    };
    cx.duration_ms(node, "`timeout`")
        .unwrap_or(DEFAULT_TIMEOUT_MS)
}

fn headers(cx: &Cx<'_>, http: Fields<'_>, scope: &Scope<'_, '_>) -> BTreeMap<String, Template> {
    let Some(node) = http.get("headers") else {
        return BTreeMap::new();
    };
    let entries = cx.entries(node, "a map from header to text");
    entries
        .iter()
        .filter_map(|entry| {
            let scalar = cx.scalar(&entry.value, "a header's text")?;
            Some((entry.key.clone(), cx.template(scalar, scope)?))
        })
        .collect()
}

fn retry(cx: &Cx<'_>, http: Fields<'_>) -> (u32, u64) {
    let default = (0, 200);
    let Some(fields) = http
        .get("retry")
        .and_then(|node| cx.fields(node, "`retry`", &["times", "backoff"]))
    else {
        return default;
    };
    let times = fields
        .get("times")
        .and_then(|node| cx.whole(node, "`times`", 0, 10));
    let backoff = fields
        .get("backoff")
        .and_then(|node| cx.duration_ms(node, "`backoff`"));
    (times.unwrap_or(1), backoff.unwrap_or(default.1))
}

/// JSON whose texts are templates.
fn json(cx: &Cx<'_>, node: &Node, scope: &Scope<'_, '_>) -> Option<JsonTemplate> {
    Some(match &node.kind {
        NodeKind::Scalar(scalar) if scalar.to_json().is_string() => {
            JsonTemplate::Text(cx.template(scalar, scope)?)
        }
        NodeKind::Scalar(scalar) => JsonTemplate::Plain(scalar.to_json()),
        NodeKind::List(items) => JsonTemplate::List(
            items
                .iter()
                .filter_map(|item| json(cx, item, scope))
                .collect(),
        ),
        NodeKind::Map(entries) => JsonTemplate::Object(
            entries
                .iter()
                .filter_map(|entry| Some((entry.key.clone(), json(cx, &entry.value, scope)?)))
                .collect(),
        ),
    })
}

fn json_reads(json: &JsonTemplate, reads: &mut BTreeSet<Id>) {
    match json {
        JsonTemplate::Plain(_) => {}
        JsonTemplate::Text(template) => reads.extend(template.reads()),
        JsonTemplate::List(items) => items.iter().for_each(|item| json_reads(item, reads)),
        JsonTemplate::Object(fields) => {
            fields.values().for_each(|field| json_reads(field, reads));
        }
    }
}

/// The answer in tests: every field as its type.
fn stub(cx: &Cx<'_>, node: &Node, returns: &BTreeMap<String, Type>) -> Option<Value> {
    let entries = cx.entries(node, "a map from field to value");
    let mut fields = BTreeMap::new();
    for entry in entries {
        let Some(ty) = returns.get(&entry.key) else {
            let known: Vec<&str> = returns.keys().map(String::as_str).collect();
            cx.unknown_key(
                entry,
                "this stub, whose fields are those of `returns`",
                &known,
            );
            continue;
        };
        if let Some(value) = cx.value(&entry.value, ty) {
            fields.insert(entry.key.clone(), value);
        }
    }
    for name in returns
        .keys()
        .filter(|name| !entries.iter().any(|e| e.key == **name))
    {
        cx.report(Diagnostic::error(
            "E0203",
            node.span,
            format!("the stub lacks the field `{name}` of `returns`"),
        ));
    }
    Some(Value::Record(fields))
}
