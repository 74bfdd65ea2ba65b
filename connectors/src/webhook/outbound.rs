//! Posting what is said.

use serde_json::json;

use super::ID_MAX;
use super::signature::{Secret, is_id, sign};
use crate::channel::{Request, Retry, SendOutcome, Whose, by_status};
use crate::message::Outgoing;

/// The other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it takes deliveries.
    pub url: String,
    /// What to sign with: one secret, or two while one replaces the other.
    pub secrets: Vec<Secret>,
}

/// Something to post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// Our key of it, the same in every attempt.
    pub id: &'a str,
    /// Id of the conversation.
    pub conversation: &'a str,
    /// Its place in the conversation: later ones are greater.
    pub seq: u64,
    /// The customer's address, as the other side gave it in `from`.
    pub to: &'a str,
    /// What is said.
    pub said: &'a Outgoing,
}

/// Why something can't be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id must have 1 to {ID_MAX} visible ASCII characters other than a full stop")]
pub struct IdError;

/// Asks to post something said, signed at `now_s` (our clock, seconds since 1970): make the request
/// anew for each attempt, or it becomes too old.
///
/// # Errors
/// An id that can't be signed unmistakably.
pub fn request(
    endpoint: &Endpoint,
    delivery: &Delivery<'_>,
    now_s: i64,
) -> Result<Request, IdError> {
    if !is_id(delivery.id) {
        return Err(IdError);
    }
    let said = delivery.said;
    let body = json!({
        "type": "message",
        "conversation": delivery.conversation,
        "seq": delivery.seq,
        "to": delivery.to,
        "text": said.text,
        "buttons": said.buttons,
        "links": said.links,
        "source": said.source,
        "from": said.from,
        "language": said.language,
    });
    let mut request = Request::json(endpoint.url.clone(), vec![], &body);
    let signature = sign(&endpoint.secrets, delivery.id, now_s, &request.body);
    for (name, value) in [
        ("webhook-id", delivery.id.to_owned()),
        ("webhook-timestamp", now_s.to_string()),
        ("webhook-signature", signature),
    ] {
        request.headers.push((name.to_owned(), value));
    }
    Ok(request)
}

/// Reads the answer: by its status alone ("Delivery success and failure"). Gives no id; receipts
/// name ours.
pub fn outcome(status: u16, headers: &[(String, String)], body: &[u8]) -> SendOutcome {
    if (200..300).contains(&status) {
        return SendOutcome::Sent { provider_id: None };
    }
    let words = String::from_utf8_lossy(body);
    let mut failed = by_status(status, headers, status.to_string(), &words);
    if status == 410 {
        // The other side wants nothing from us any more: no fault of the request.
        (failed.whose, failed.retry) = (Whose::Theirs, Retry::Never);
    }
    SendOutcome::Failed(failed)
}
