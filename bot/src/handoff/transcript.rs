//! The transcript of a handoff: everything that the customer saw and said, up to its end.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use bellhop_flows::bundle::{Bundle, Pattern};

use super::envelope::{Envelope, Transcript, TranscriptItem};
use crate::events::{Author, CustomerEvent, HandoffStatus};

/// Puts in what was said, up to the end of this handoff, and what follows from it.
///
/// # Errors
/// Never in practice: the items are plain JSON.
pub(crate) fn add_transcript(
    envelope: &mut Envelope,
    bundle: &Bundle,
    events: &[CustomerEvent],
) -> Result<(), serde_json::Error> {
    let end = end_of(&envelope.handoff_id, events);
    let events = &events[..end];
    let items = items(&envelope.conversation_id, &envelope.handoff_id, events);
    let greeting = bundle.patterns.get(&Pattern::Greeting);
    envelope.qa_flags.compliance_phrase_used = events.iter().any(|event| match event {
        CustomerEvent::Message(message) => {
            message.from == Author::Bot
                && message
                    .name
                    .as_ref()
                    .is_some_and(|name| name == "greeting" || Some(name) == greeting)
        }
        _ => false,
    });
    envelope.transcript = Transcript {
        mode: "inline".to_owned(),
        count: u64::try_from(items.len()).unwrap_or(u64::MAX),
        sha256: hex::encode(Sha256::digest(serde_json::to_vec(&items)?)),
        cursor_url: None,
        items,
    };
    Ok(())
}

/// One past the last event that belongs to a handoff: where it ended, or where the next began.
fn end_of(handoff: &str, events: &[CustomerEvent]) -> usize {
    let mut begun = false;
    for (at, event) in events.iter().enumerate() {
        let CustomerEvent::Handoff(event) = event else {
            continue;
        };
        if event.handoff_id == handoff {
            begun = true;
            if matches!(
                event.state,
                HandoffStatus::Returned | HandoffStatus::Cancelled | HandoffStatus::Closed
            ) {
                return at + 1;
            }
        } else if begun {
            return at;
        }
    }
    events.len()
}

fn items(conversation: &str, handoff: &str, events: &[CustomerEvent]) -> Vec<TranscriptItem> {
    let place = events
        .iter()
        .filter_map(|event| Some((event.seq()?, event)));
    (1..)
        .zip(place)
        .filter_map(|(seq, (journal, event))| {
            let mut meta = BTreeMap::from([("journal_seq".to_owned(), journal.to_string())]);
            let mut keep = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    meta.insert(name.to_owned(), value);
                }
            };
            let mut redactions = Vec::new();
            let (at, from, kind, text) = match event {
                CustomerEvent::Message(message) => {
                    let mut message = message.as_ref().clone();
                    if let (Some(file), false) = (message.file, handoff.is_empty()) {
                        keep("file", Some(file));
                        let address = format!("/v1/handoffs/{handoff}/media/{journal}");
                        keep("file_address", Some(address));
                    }
                    if let (Author::Customer, Some(link)) = (message.from, message.links.pop()) {
                        keep("link", Some(link.url));
                        keep("link_title", Some(link.title));
                    }
                    let names = message.redactions.iter().map(|it| it.name().to_owned());
                    redactions.extend(names);
                    keep("response", message.name);
                    if let Some(source) = message.source {
                        keep("article", Some(source.article));
                        keep("article_title", Some(source.title));
                    }
                    keep("agent", message.agent);
                    keep("client_msg_id", message.client_msg_id);
                    let from = match message.from {
                        Author::Bot => "bot",
                        Author::Agent => "agent",
                        Author::Customer => "customer",
                    };
                    (message.at, from, "text", message.text)
                }
                CustomerEvent::Handoff(news) => {
                    keep("handoff", Some(news.handoff_id.clone()));
                    keep("queue", news.queue.clone());
                    keep("agent", news.agent.clone());
                    keep(
                        "position",
                        news.position.map(|position| position.to_string()),
                    );
                    (news.at, "system", "event", status(news.state).to_owned())
                }
                CustomerEvent::Closed(end) => {
                    keep("reason", Some(end.reason.clone()));
                    (end.at, "system", "event", "closed".to_owned())
                }
                CustomerEvent::Position(_) | CustomerEvent::Typing(_) => return None,
            };
            Some(TranscriptItem {
                id: format!("{conversation}/{journal}"),
                seq,
                at,
                from: from.to_owned(),
                kind: kind.to_owned(),
                text,
                redactions,
                meta,
            })
        })
        .collect()
}

fn status(state: HandoffStatus) -> &'static str {
    match state {
        HandoffStatus::Queued => "handoff queued",
        HandoffStatus::Assigned => "handoff assigned",
        HandoffStatus::Returned => "handoff returned",
        HandoffStatus::Cancelled => "handoff cancelled",
        HandoffStatus::Closed => "handoff closed",
    }
}
