//! Reads conversations again once the load is over: what was acknowledged must be there once and in order.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{Seen, Visit};

/// Conversations that are read at the same time.
const AT_ONCE: usize = 8;

/// What became of the messages that were acknowledged.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// They are not in the transcript.
    pub(super) lost: usize,
    /// They are in it again.
    pub(super) doubled: usize,
}

/// Reads every conversation of a round; what is wrong with it is told there.
pub(super) async fn check(client: &reqwest::Client, seen: &mut Seen) -> Kept {
    let visits = std::mem::take(&mut seen.visits);
    let mut all = Kept::default();
    let mut read = futures_util::stream::iter(visits)
        .map(|visit| async move {
            let own = own_messages(client, &visit).await;
            own.with_context(|| format!("{} can't be read again", visit.url))
                .map(|own| (visit, own))
        })
        .buffer_unordered(AT_ONCE);
    while let Some(result) = read.next().await {
        let (visit, own) = match result {
            Ok(read) => read,
            Err(error) => {
                seen.wrong(format!("{error:#}"));
                continue;
            }
        };
        let kept = compare(&visit, &own);
        if kept.lost + kept.doubled > 0 {
            seen.wrong(format!(
                "{} of {} messages are lost and {} doubled in {}",
                kept.lost, visit.answered, kept.doubled, visit.url
            ));
        } else if own != expected(&visit) {
            seen.wrong(format!("messages are out of order in {}", visit.url));
        }
        all.lost += kept.lost;
        all.doubled += kept.doubled;
    }
    all
}

/// Ids of the messages that were acknowledged, in the order in which they were sent.
fn expected(visit: &Visit) -> Vec<String> {
    let numbers = 1..=visit.answered;
    numbers
        .map(|number| format!("{}-{number}", visit.name))
        .collect()
}

fn compare(visit: &Visit, own: &[String]) -> Kept {
    let distinct: BTreeSet<&String> = own.iter().collect();
    let expected = expected(visit);
    Kept {
        lost: expected.iter().filter(|id| !distinct.contains(id)).count(),
        doubled: own.len() - distinct.len(),
    }
}

/// The customer's messages as the transcript has them, without one that was sent last and never acknowledged: it may be there.
async fn own_messages(client: &reqwest::Client, visit: &Visit) -> Result<Vec<String>> {
    let mark = format!("{}-end", visit.name);
    let until = end(client, visit, &mark).await?;
    let request = client.get(format!("{}/events?after=0", visit.url));
    let response = request.bearer_auth(&visit.token).send().await?;
    let mut stream = response.error_for_status()?.bytes_stream();
    let (mut buffer, mut own) = (Vec::new(), Vec::new());
    while let Some(chunk) = stream.next().await {
        buffer.extend_from_slice(&chunk?);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else {
                continue;
            };
            let event: Value = serde_json::from_slice(data)?;
            if event["from"] == "customer"
                && let Some(id) = event["client_msg_id"].as_str()
                && id != mark
            {
                own.push(id.to_owned());
            }
            if event["seq"].as_u64() >= Some(until) {
                let unknown = format!("{}-{}", visit.name, visit.answered + 1);
                if own.last() == Some(&unknown) {
                    own.pop();
                }
                return Ok(own);
            }
        }
    }
    bail!("the event stream ended before {until}")
}

/// Says a last word, after which nothing older can come, and gives its seq.
async fn end(client: &reqwest::Client, visit: &Visit, mark: &str) -> Result<u64> {
    let url = format!("{}/messages?wait=reply", visit.url);
    let body = json!({ "client_msg_id": mark, "text": "thanks" });
    let request = client.post(url).bearer_auth(&visit.token).json(&body);
    let response = request.send().await?;
    if response.status() == reqwest::StatusCode::GONE {
        // It is over, so that nothing can come any more.
        return Ok(visit.last_seq);
    }
    let answer: Value = response.error_for_status()?.json().await?;
    answer["seq"].as_u64().context("seq")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(own: &[&str]) -> (usize, usize) {
        let visit = Visit {
            url: String::new(),
            token: String::new(),
            name: "a".to_owned(),
            answered: 3,
            last_seq: 9,
        };
        let own: Vec<String> = own.iter().map(|id| (*id).to_owned()).collect();
        let kept = compare(&visit, &own);
        (kept.lost, kept.doubled)
    }

    #[test]
    fn what_is_missing_and_what_is_there_twice_is_counted() {
        assert_eq!(found(&["a-1", "a-2", "a-3"]), (0, 0));
        assert_eq!(found(&["a-1", "a-3"]), (1, 0));
        assert_eq!(found(&["a-1", "a-2", "a-2", "a-3"]), (0, 1));
        assert_eq!(found(&[]), (3, 0));
    }
}
