//! Sentences for staff: what it is about, what was done, what comes next; and for the customer a first
//! reply. Values that are personal data are in none of them.

use std::collections::BTreeMap;

use bellhop_flows::bundle::{ActionEffect, Bundle};
use bellhop_flows::engine::Collected;
use bellhop_flows::engine::effect::HandoffRequest;
use bellhop_flows::engine::state::{Attempt, State};

use super::envelope::{Envelope, Story};

/// Values of slots that a sentence names.
const NAMED_SLOTS: usize = 6;
/// The reason that says nothing of what it is about.
const ASKED: &str = "user_request";
/// From here on the customer counts as upset.
const UPSET: f64 = 0.5;

/// The story in the bot's first language, which staff read; `known` is what was collected.
pub(super) fn story(
    bundle: &Bundle,
    state: &State,
    known: &[Collected],
    intent: &str,
    request: Option<&HandoffRequest>,
) -> Story {
    let mut issue = match request {
        Some(request) if request.reason == ASKED => asked(bundle, state, request),
        _ => title_of(bundle, intent),
    };
    let open = known.iter().filter(|one| one.outcome.is_none());
    issue.push_str(&told(bundle, open));
    Story {
        issue,
        actions_taken: state
            .attempts
            .iter()
            .enumerate()
            .filter(|(_, attempt)| tells(bundle, attempt))
            .map(|(at, attempt)| match attempt.kind.as_str() {
                "tool" => format!("called {}: {}", attempt.reference, attempt.outcome),
                "flow" => format!(
                    "{}: {}{}",
                    flow_title(bundle, &attempt.reference),
                    attempt.outcome,
                    told(bundle, ended(known, attempt, &state.attempts[at + 1..]))
                ),
                _ => format!(
                    "answered from {}: {}",
                    article_title(bundle, &attempt.reference),
                    attempt.outcome
                ),
            })
            .collect(),
        next_step: request.map_or_else(
            || "none: no person was asked for".to_owned(),
            |request| next_step(bundle, request),
        ),
    }
}

/// Whether staff want to hear of an attempt: of what was merely looked up, only that it failed.
fn tells(bundle: &Bundle, attempt: &Attempt) -> bool {
    let looked_up = attempt.kind == "tool"
        && bundle
            .actions
            .get(&attempt.reference)
            .is_some_and(|action| action.effect == ActionEffect::None);
    !(looked_up && attempt.outcome == "ok")
}

/// What it is about when all that the last message says is that a person is wanted: what they are
/// at, or what was last settled or told.
fn asked(bundle: &Bundle, state: &State, request: &HandoffRequest) -> String {
    if let Some(flow) = request.flow.as_deref() {
        return flow_title(bundle, flow);
    }
    let last = state
        .attempts
        .iter()
        .rev()
        .find(|attempt| attempt.kind != "tool");
    match last {
        Some(flow) if flow.kind == "flow" => {
            format!("last about {}", flow_title(bundle, &flow.reference))
        }
        Some(answer) => format!("last about {}", article_title(bundle, &answer.reference)),
        None => "not said yet".to_owned(),
    }
}

/// What a flow had collected when it ended. Of a flow that ran several times only the last values are known, so they
/// are told where no `later` attempt is of the same flow.
fn ended<'a>(
    known: &'a [Collected],
    attempt: &'a Attempt,
    later: &[Attempt],
) -> impl Iterator<Item = &'a Collected> {
    let again = later
        .iter()
        .any(|other| other.kind == attempt.kind && other.reference == attempt.reference);
    known.iter().filter(move |one| {
        !again
            && one.flow.as_ref() == Some(&attempt.reference)
            && one.outcome.as_ref() == Some(&attempt.outcome)
    })
}

/// What the customer told, fit for a sentence: ` (card number: 4821, PIN given)`, or nothing.
fn told<'a>(bundle: &Bundle, known: impl Iterator<Item = &'a Collected>) -> String {
    let values: Vec<String> = known
        .filter(|one| one.filled.source == "user")
        .filter_map(|one| in_words(bundle, one))
        .take(NAMED_SLOTS)
        .collect();
    if values.is_empty() {
        return String::new();
    }
    format!(" ({})", values.join(", "))
}

fn in_words(bundle: &Bundle, one: &Collected) -> Option<String> {
    let slot = bundle.slots.get(&one.slot)?;
    let name = slot_title(bundle, &one.slot);
    if slot.pii {
        return Some(format!("{name} given"));
    }
    let value = plain(&one.filled.value.to_json())?;
    let wanted = one
        .wanted
        .as_ref()
        .and_then(|value| plain(&value.to_json()));
    Some(match wanted {
        Some(wanted) => format!("{name}: {value}, wants {wanted}"),
        None => format!("{name}: {value}"),
    })
}

fn plain(value: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Object(fields) => Some(format!(
            "{} {}",
            fields.get("amount").and_then(plain)?,
            fields.get("currency").and_then(plain)?
        )),
        Value::Array(items) => {
            let all: Vec<String> = items.iter().filter_map(plain).collect();
            (!all.is_empty()).then(|| all.join(" and "))
        }
        Value::Null => None,
    }
}

fn next_step(bundle: &Bundle, request: &HandoffRequest) -> String {
    let begin = match request.reason.as_str() {
        ASKED => "ask what is left to do",
        "low_confidence" | "repeated_misunderstanding" => {
            "the bot does not understand what the customer wants: ask"
        }
        "turn_limit" => "the bot took too long: settle it directly",
        "sentiment" => "the customer is upset: begin with that",
        "never_automate" | "keyword" | "policy" => "this must be handled by a person",
        "tool_failure" => "a system failed the bot: check it and do the step by hand",
        "bot_unavailable" => "the bot was not available: begin from the transcript",
        _ => "a person has to go on from here",
    };
    let mut step = begin.to_owned();
    if let Some(flow) = request.flow.as_deref() {
        step = format!("{step}; open: {}", flow_title(bundle, flow));
    }
    if !request.pending.is_empty() {
        let waiting = request.pending.iter().map(|topic| title_of(bundle, topic));
        let waiting: Vec<String> = waiting.collect();
        step = format!("{step}; also asked for: {}", waiting.join(", "));
    }
    step
}

/// What an intent, or an article that is read like one, is called.
fn title_of(bundle: &Bundle, intent: &str) -> String {
    if let Some(article) = intent.strip_prefix("article:") {
        return article_title(bundle, article);
    }
    bundle
        .intents
        .get(intent)
        .and_then(|declared| in_first(bundle, &declared.title))
        .unwrap_or_else(|| bare(intent).replace('_', " "))
}

/// What a flow is called: its own title, else its intent's.
pub(super) fn flow_title(bundle: &Bundle, flow: &str) -> String {
    let declared = bundle.flows.get(flow);
    let start = || bundle.intents.get(declared?.start.as_ref()?);
    declared
        .and_then(|declared| in_first(bundle, &declared.title))
        .or_else(|| in_first(bundle, &start()?.title))
        .unwrap_or_else(|| bare(flow).replace('_', " "))
}

/// What a slot is called.
pub(super) fn slot_title(bundle: &Bundle, slot: &str) -> String {
    bundle
        .slots
        .get(slot)
        .and_then(|declared| in_first(bundle, &declared.title))
        .unwrap_or_else(|| bare(slot).replace('_', " "))
}

fn article_title(bundle: &Bundle, article: &str) -> String {
    bundle
        .articles
        .get(article)
        .cloned()
        .unwrap_or_else(|| article.to_owned())
}

fn in_first(bundle: &Bundle, titles: &BTreeMap<String, String>) -> Option<String> {
    let first = bundle.languages.first()?;
    titles
        .get(first)
        .or_else(|| titles.values().next())
        .filter(|title| !title.is_empty())
        .cloned()
}

fn bare(id: &str) -> &str {
    id.rsplit_once('.').map_or(id, |(_, name)| name)
}

/// A draft of the wrap-up note: what was wanted, what was done, what is left.
pub(crate) fn wrap_up_draft(envelope: &Envelope) -> String {
    let mut lines = vec![format!("Issue: {}", envelope.summary.issue)];
    let said = envelope
        .transcript
        .items
        .iter()
        .filter(|item| item.from == "agent")
        .count();
    let mut done = envelope.summary.actions_taken.clone();
    if said > 0 {
        let messages = if said == 1 { "message" } else { "messages" };
        done.push(format!("talked to an agent ({said} {messages})"));
    }
    if done.is_empty() {
        done.push("nothing yet".to_owned());
    }
    lines.push(format!("Done: {}", done.join("; ")));
    lines.push("Next step: ".to_owned());
    lines.join("\n")
}

/// A first reply in the customer's language, or in English where there is none in theirs.
pub(crate) fn suggested_reply(envelope: &Envelope) -> String {
    let name = envelope
        .customer
        .display_name
        .as_deref()
        .map(|name| format!(" {name}"))
        .unwrap_or_default();
    let upset = envelope.sentiment.last >= UPSET;
    match (envelope.locale.as_str(), upset) {
        ("es", false) => format!(
            "Hola{name}, he leído la conversación y sigo yo desde aquí. Deme un momento, por favor."
        ),
        ("es", true) => format!(
            "Hola{name}, siento las molestias. He leído la conversación y me ocupo ahora mismo."
        ),
        (_, false) => format!(
            "Hello{name}, I have read the conversation and will take it from here. One moment, please."
        ),
        (_, true) => format!(
            "Hello{name}, I'm sorry for the trouble. I have read the conversation and am on it now."
        ),
    }
}
