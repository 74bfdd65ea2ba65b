//! A map of step keys as steps: `{say: x, handoff: cards, priority: 0}` is two steps, of which the
//! second has a priority.

use crate::diag::{Diagnostic, nearest};
use crate::span::Span;
use crate::syntax::{Entry, Kind, Node};

use super::cx::Cx;

/// Keys that are steps.
pub(super) const KINDS: [&str; 14] = [
    "say", "ask", "confirm", "set", "if", "choose", "do", "search", "call", "go", "offer", "while",
    "handoff", "end",
];

/// Keys that say more about a step, with the steps that know them.
const MORE: [(&str, &[&str]); 21] = [
    ("prompt", &["ask"]),
    ("default", &["ask"]),
    ("always", &["ask"]),
    ("no_match", &["ask", "confirm", "offer"]),
    ("no_input", &["ask", "confirm", "offer"]),
    ("exhausted", &["ask", "confirm", "offer"]),
    ("why", &["ask", "confirm", "offer"]),
    ("cannot", &["ask", "offer"]),
    ("on_refusal", &["ask", "offer"]),
    ("skip", &["ask"]),
    ("on_no", &["confirm", "offer"]),
    ("then", &["if"]),
    ("else", &["if"]),
    ("into", &["do"]),
    ("on_error", &["do"]),
    ("on_none", &["search"]),
    ("choices", &["offer"]),
    ("steps", &["while"]),
    ("reason", &["handoff"]),
    ("priority", &["handoff"]),
    ("label", &KINDS),
];

/// One step as written.
pub(super) struct Raw<'a> {
    /// The key that is the step.
    pub(super) kind: &'a Entry,
    /// Keys that say more about it.
    more: Vec<&'a Entry>,
}

impl<'a> Raw<'a> {
    /// What stands at a further key; nothing counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        let entry = self.more.iter().find(|entry| entry.key == key)?;
        Some(&entry.value).filter(|node| !node.is_null())
    }

    /// From its first key to its last value.
    pub(super) fn span(&self) -> Span {
        let all = || self.more.iter().copied().chain([self.kind]);
        let start = all().map(|entry| entry.key_span.start).min();
        let end = all()
            .map(|entry| entry.value.span.end.max(entry.key_span.end))
            .max();
        let at = self.kind.key_span;
        Span {
            start: start.unwrap_or(at.start),
            end: end.unwrap_or(at.end),
            ..at
        }
    }
}

/// The steps of a list of maps, of one map, or of nothing.
pub(super) fn split<'a>(cx: &Cx<'_>, node: &'a Node) -> Vec<Raw<'a>> {
    let mut all = Vec::new();
    for item in super::read::one_or_many(node) {
        match &item.kind {
            Kind::Map(entries) => all.extend(split_map(cx, item, entries)),
            _ if item.is_null() => {}
            _ => cx.wrong(item, "a step such as `say: hello`"),
        }
    }
    all
}

fn split_map<'a>(cx: &Cx<'_>, node: &Node, entries: &'a [Entry]) -> Vec<Raw<'a>> {
    let mut steps: Vec<Raw<'a>> = Vec::new();
    let mut more = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let is_kind = KINDS.contains(&entry.key.as_str());
        // Nothing is said after a handoff step, so `say` beside it is what the handoff says.
        let of_handoff = entry.key == "say" && steps.iter().any(|step| step.kind.key == "handoff");
        if is_kind && !of_handoff {
            steps.push(Raw {
                kind: entry,
                more: Vec::new(),
            });
        } else {
            more.push((place, entry));
        }
    }
    if steps.is_empty() {
        report_no_kind(cx, node, entries);
        return steps;
    }
    for (place, entry) in more {
        let places: Vec<usize> = steps
            .iter()
            .map(|step| {
                entries
                    .iter()
                    .position(|e| std::ptr::eq(e, step.kind))
                    .unwrap_or(0)
            })
            .collect();
        match owner(&steps, &places, place, entry) {
            Some(at) => {
                if let Some(step) = steps.get_mut(at) {
                    step.more.push(entry);
                }
            }
            None => report_stray(cx, &steps, entry),
        }
    }
    steps
}

/// The step that a further key belongs to: the nearest before it that knows it, else the first
/// after it.
fn owner(steps: &[Raw<'_>], places: &[usize], place: usize, entry: &Entry) -> Option<usize> {
    let knows = |step: &Raw<'_>| {
        let kind = step.kind.key.as_str();
        (entry.key == "say" && kind == "handoff")
            || MORE
                .iter()
                .any(|(key, kinds)| *key == entry.key && kinds.contains(&kind))
    };
    let fitting = || (0..steps.len()).filter(|at| steps.get(*at).is_some_and(knows));
    let before = |at: &usize| places.get(*at).is_some_and(|step| *step < place);
    fitting().rfind(before).or_else(|| fitting().next())
}

fn report_no_kind(cx: &Cx<'_>, node: &Node, entries: &[Entry]) {
    let near = entries
        .iter()
        .find_map(|entry| Some((entry, nearest(&entry.key, KINDS)?)));
    if let Some((entry, near)) = near {
        cx.report(
            Diagnostic::error(
                "E0201",
                entry.key_span,
                format!("unknown step `{}`", entry.key),
            )
            .help(format!("did you mean `{near}`?"))
            .fix(near),
        );
        return;
    }
    let span = entries.first().map_or(node.span, |entry| entry.key_span);
    cx.report(
        Diagnostic::error("E0204", span, "this is no step")
            .help(format!("a step has one of the keys {}", KINDS.join(", "))),
    );
}

fn report_stray(cx: &Cx<'_>, steps: &[Raw<'_>], entry: &Entry) {
    let kind = steps.first().map_or("", |step| step.kind.key.as_str());
    if let Some((_, kinds)) = MORE.iter().find(|(key, _)| *key == entry.key) {
        cx.report(
            Diagnostic::error(
                "E0201",
                entry.key_span,
                format!("`{}` says nothing about a step `{kind}`", entry.key),
            )
            .help(format!("it belongs to: {}", kinds.join(", "))),
        );
        return;
    }
    let known: Vec<&str> = MORE
        .iter()
        .filter(|(_, kinds)| {
            steps
                .iter()
                .any(|step| kinds.contains(&step.kind.key.as_str()))
        })
        .map(|(key, _)| *key)
        .collect();
    let near = nearest(&entry.key, known.iter().copied().chain(KINDS));
    let finding = Diagnostic::error(
        "E0201",
        entry.key_span,
        format!("unknown key `{}` in a step `{kind}`", entry.key),
    );
    cx.report(match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")).fix(near),
        None => finding.help(format!("beside it may stand: {}", known.join(", "))),
    });
}
