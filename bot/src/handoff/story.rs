//! Sentences for staff: what it is about, what was done, what comes next; and for the customer a first
//! reply. Values that are personal data are in none of them.

use std::collections::BTreeMap;

use bellhop_flows::bundle::{ActionEffect, Bundle};
use bellhop_flows::engine::effect::HandoffRequest;
use bellhop_flows::engine::state::{Attempt, State};

use super::envelope::{Envelope, Story};

/// Values of slots that a story names.
const NAMED_SLOTS: usize = 4;
/// The reason that says nothing of what it is about.
const ASKED: &str = "user_request";
/// From here on the customer counts as upset.
const UPSET: f64 = 0.5;

/// The story in the bot's first language, which staff read.
pub(super) fn story(
    bundle: &Bundle,
    state: &State,
    intent: &str,
    request: Option<&HandoffRequest>,
) -> Story {
    let mut issue = match request {
        Some(request) if request.reason == ASKED => asked(bundle, state, request),
        _ => title_of(bundle, intent),
    };
    let known = known(bundle, state);
    if !known.is_empty() {
        issue = format!("{issue} ({})", known.join(", "));
    }
    Story {
        issue,
        actions_taken: state
            .attempts
            .iter()
            .filter(|attempt| tells(bundle, attempt))
            .map(|attempt| match attempt.kind.as_str() {
                "tool" => format!("called {}: {}", attempt.reference, attempt.outcome),
                "flow" => format!(
                    "{}: {}",
                    flow_title(bundle, &attempt.reference),
                    attempt.outcome
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

/// What is known of the issue and fit for a sentence.
fn known(bundle: &Bundle, state: &State) -> Vec<String> {
    state
        .slots
        .iter()
        .filter(|(_, filled)| !filled.value.is_null() && filled.source != "system")
        .filter_map(|(id, filled)| {
            let slot = bundle.slots.get(id).filter(|slot| !slot.pii)?;
            let name = in_first(bundle, &slot.title).unwrap_or_else(|| bare(id).replace('_', " "));
            let value = plain(&filled.value.to_json())?;
            Some(format!("{name}: {value}"))
        })
        .take(NAMED_SLOTS)
        .collect()
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
        Value::Null | Value::Array(_) => None,
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
    match request.flow.as_deref() {
        Some(flow) => format!("{begin}; open: {}", flow_title(bundle, flow)),
        None => begin.to_owned(),
    }
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

fn flow_title(bundle: &Bundle, flow: &str) -> String {
    bundle
        .flows
        .get(flow)
        .and_then(|declared| in_first(bundle, &declared.title))
        .unwrap_or_else(|| bare(flow).replace('_', " "))
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
