//! `queues:` and `handoff:`: when a person takes over, and who.

use std::collections::BTreeMap;

use crate::bundle::{Policy, Queue, Trigger, TriggerKind};
use crate::diag::Diagnostic;
use crate::engine::phrases::Phrases;
use crate::span::Span;
use crate::syntax::{Entry, Kind as NodeKind, Node};

use super::cx::Cx;
use super::index::{Kind, is_name};
use super::read::{Fields, one_or_many};
use super::text::words;

/// Reason codes of the handoff envelope.
pub(super) const REASONS: [&str; 15] = [
    "user_request",
    "low_confidence",
    "repeated_misunderstanding",
    "turn_limit",
    "sentiment",
    "keyword",
    "never_automate",
    "policy",
    "tier",
    "tool_failure",
    "bot_unavailable",
    "supervisor_request",
    "abandoned_flow",
    "abuse",
    "other",
];

const KINDS: [&str; 11] = [
    "never_automate",
    "asked",
    "keyword",
    "sentiment",
    "misunderstood",
    "low_confidence",
    "turn_limit",
    "tool_failure",
    "tier",
    "crisis",
    "abuse",
];
const MORE: [&str; 5] = ["name", "queue", "priority", "say", "ask_first"];

impl Cx<'_> {
    /// The queue that a scalar names.
    pub(super) fn queue(&self, node: &Node) -> Option<String> {
        let scalar = self.scalar(node, "a queue")?;
        if self.queues.contains_key(&scalar.text) {
            return Some(scalar.text.clone());
        }
        let known = self.queues.keys().map(String::as_str);
        self.unknown(
            "queue",
            &scalar.text,
            scalar.inner,
            known,
            "declare it under `queues:`",
        );
        None
    }

    /// A priority: 0, most urgent, to 9.
    pub(super) fn priority(&self, node: &Node) -> Option<u8> {
        self.whole(node, "`priority`", 0, 9)
            .and_then(|number| u8::try_from(number).ok())
    }
}

/// Reads one `queues:` section.
pub(super) fn queues(cx: &Cx<'_>, module: &str, node: &Node, queues: &mut BTreeMap<String, Queue>) {
    for entry in cx.entries(node, "a map from queue to its settings") {
        if !is_name(&entry.key) {
            cx.report(Diagnostic::error(
                "E0406",
                entry.key_span,
                format!("`{}` is no name for a queue", entry.key),
            ));
            continue;
        }
        if let Some(first) = queues.get(&entry.key) {
            cx.report(
                Diagnostic::error(
                    "E0402",
                    entry.key_span,
                    format!("the queue `{}` is declared twice", entry.key),
                )
                .related(first.span, "it is declared here first"),
            );
            continue;
        }
        queues.insert(entry.key.clone(), queue(cx, module, entry));
    }
}

/// The queue of a bot that declares none.
pub(super) fn implicit_queue(cx: &Cx<'_>) -> (String, Queue) {
    let title = |language: &String| {
        let words = if language == "es" {
            "nuestro equipo"
        } else {
            "our team"
        };
        (language.clone(), words.to_owned())
    };
    let queue = Queue {
        title: cx.languages.iter().map(title).collect(),
        priority: 5,
        handle_time_s: 300,
        advice: None,
        span: Span::default(),
    };
    ("people".to_owned(), queue)
}

fn queue(cx: &Cx<'_>, module: &str, entry: &Entry) -> Queue {
    let mut queue = Queue {
        title: BTreeMap::from([(cx.language().to_owned(), words(&entry.key))]),
        priority: 5,
        handle_time_s: 300,
        advice: None,
        span: entry.key_span,
    };
    if entry.value.is_null() {
        return queue;
    }
    let keys = ["title", "priority", "handle_time", "advice"];
    let Some(fields) = cx.fields(&entry.value, "a queue", &keys) else {
        return queue;
    };
    if let Some(node) = fields.get("title") {
        queue.title = cx.localized(node, "the title of a queue");
        let what = format!("the title of queue `{}`", entry.key);
        cx.check_languages(&queue.title, entry.key_span, &what);
    }
    queue.advice = fields
        .get("advice")
        .and_then(|node| cx.refer(Kind::Response, module, node));
    if let Some(priority) = fields.get("priority").and_then(|node| cx.priority(node)) {
        queue.priority = priority;
    }
    let time = fields
        .get("handle_time")
        .and_then(|node| cx.duration_ms(node, "`handle_time`"));
    if let Some(ms) = time {
        queue.handle_time_s = (ms / 1000).max(1);
    }
    queue
}

/// Reads the `handoff:` section.
pub(super) fn policy(cx: &Cx<'_>, module: &str, entry: &Entry) -> Policy {
    let mut policy = Policy::default();
    let keys = ["default_queue", "triggers"];
    let Some(fields) = cx.fields(&entry.value, "`handoff`", &keys) else {
        return policy;
    };
    if let Some(name) = fields
        .need(cx, "default_queue")
        .and_then(|node| cx.queue(node))
    {
        policy.default_queue = name;
    }
    let nodes = fields
        .get("triggers")
        .map_or(&[][..], |n| cx.list(n, "a list of triggers"));
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for node in nodes {
        let Some(trigger) = trigger(cx, module, node) else {
            continue;
        };
        let written = match &node.kind {
            NodeKind::Map(entries) => entries.iter().find(|entry| entry.key == "name"),
            _ => None,
        };
        if let Some(name) = written.and_then(|entry| entry.value.scalar())
            && let Some(first) = names.insert(&name.text, trigger.span)
        {
            cx.report(
                Diagnostic::error(
                    "E0402",
                    trigger.span,
                    format!("the trigger `{}` is declared twice", name.text),
                )
                .related(first, "it is declared here first"),
            );
        }
        policy.triggers.push(trigger);
    }
    policy
}

fn trigger(cx: &Cx<'_>, module: &str, node: &Node) -> Option<Trigger> {
    let keys: Vec<&str> = MORE.into_iter().chain(KINDS).collect();
    let fields = cx.fields(node, "a trigger", &keys)?;
    let name = fields.need(cx, "name")?;
    let mut kinds = KINDS.into_iter().filter_map(|key| fields.entry(key));
    let Some(kind) = kinds.next() else {
        cx.report(
            Diagnostic::error(
                "E0204",
                name.span,
                "this trigger does not say when it fires",
            )
            .help(format!("give one of: {}", KINDS.join(", "))),
        );
        return None;
    };
    if let Some(second) = kinds.next() {
        cx.report(
            Diagnostic::error(
                "E0204",
                second.key_span,
                "a trigger looks at one thing only",
            )
            .related(kind.key_span, "it looks at this already")
            .help("write two triggers"),
        );
    }
    let when = when(cx, module, kind);
    let say = fields
        .get("say")
        .and_then(|node| cx.refer(Kind::Response, module, node));
    Some(Trigger {
        name: cx.text(name, "a name")?.to_owned(),
        when: when?,
        queue: fields.get("queue").and_then(|node| cx.queue(node)),
        priority: fields.get("priority").and_then(|node| cx.priority(node)),
        say,
        ask_first: fields
            .get("ask_first")
            .and_then(|node| cx.truth(node, "`ask_first`"))
            .unwrap_or(false),
        span: name.span,
    })
}

fn when(cx: &Cx<'_>, module: &str, kind: &Entry) -> Option<TriggerKind> {
    let node = &kind.value;
    let intents = |node: &Node| {
        one_or_many(node)
            .iter()
            .filter_map(|n| cx.refer(Kind::Intent, module, n))
            .collect()
    };
    let many = |what: &str| cx.whole(node, what, 1, 1000);
    Some(match kind.key.as_str() {
        "never_automate" => {
            let fields = cx.fields(node, "`never_automate`", &["intents", "at", "phrases"])?;
            TriggerKind::NeverAutomate {
                intents: fields.get("intents").map_or_else(Vec::new, intents),
                at: fields
                    .get("at")
                    .and_then(|n| cx.share(n, "`at`"))
                    .unwrap_or(0.4),
                phrases: fields
                    .get("phrases")
                    .map_or_else(Phrases::default, |n| phrases(cx, n, "the phrases")),
            }
        }
        "asked" => TriggerKind::Asked(intents(node)),
        "keyword" => TriggerKind::Keyword(phrases(cx, node, "the keywords")),
        "sentiment" => {
            let fields = cx.fields(node, "`sentiment`", &["now", "trend", "turns"])?;
            TriggerKind::Sentiment {
                now: share(cx, fields, "now").unwrap_or(0.9),
                trend: share(cx, fields, "trend").unwrap_or(0.7),
                turns: count(cx, fields, "turns").unwrap_or(3),
            }
        }
        "misunderstood" => {
            let fields = cx.fields(node, "`misunderstood`", &["running", "total"])?;
            TriggerKind::Misunderstood {
                running: count(cx, fields, "running").unwrap_or(3),
                total: count(cx, fields, "total").unwrap_or(6),
            }
        }
        "low_confidence" => {
            let fields = cx.fields(node, "`low_confidence`", &["below", "turns"])?;
            TriggerKind::LowConfidence {
                below: share(cx, fields, "below").unwrap_or(0.3),
                turns: count(cx, fields, "turns").unwrap_or(3),
            }
        }
        "crisis" => {
            let fields = cx.fields(node, "`crisis`", &["at", "phrases"])?;
            TriggerKind::Crisis {
                at: share(cx, fields, "at").unwrap_or(0.3),
                phrases: fields
                    .get("phrases")
                    .map_or_else(Phrases::default, |n| phrases(cx, n, "the phrases")),
            }
        }
        "abuse" => TriggerKind::Abuse(many("`abuse`")?),
        "turn_limit" => TriggerKind::TurnLimit(many("`turn_limit`")?),
        "tool_failure" => TriggerKind::ToolFailure(many("`tool_failure`")?),
        _ => TriggerKind::Tier(
            cx.texts(node, "a tier")
                .into_iter()
                .map(str::to_owned)
                .collect(),
        ),
    })
}

fn share(cx: &Cx<'_>, fields: Fields<'_>, key: &str) -> Option<f64> {
    fields
        .get(key)
        .and_then(|node| cx.share(node, &format!("`{key}`")))
}

fn count(cx: &Cx<'_>, fields: Fields<'_>, key: &str) -> Option<u32> {
    fields
        .get(key)
        .and_then(|node| cx.whole(node, &format!("`{key}`"), 1, 1000))
}

fn phrases(cx: &Cx<'_>, node: &Node, what: &str) -> Phrases {
    Phrases::new(cx.localized_lists(node, what))
}
