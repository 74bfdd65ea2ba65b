//! Webhooks both ways, for a channel that we have no codec for: the other side posts what customers
//! say, we post what is said back. Both are signed as Standard Webhooks 1.0.0 has it
//! (standardwebhooks.com).
//!
//! The JSON is ours, so it is read strictly: an unknown field is a mistake that the sender hears of.
//!
//! In, one message or some receipts a delivery:
//!
//! ```json
//! {"id": "m-17", "from": "+34600111222", "name": "Ada", "text": "hi", "at": 1790000000}
//! {"id": "m-18", "from": "+34600111222", "payload": "yes", "title": "Yes"}
//! {"id": "m-19", "from": "+34600111222", "media": {"kind": "image", "link": "https://…"}}
//! {"receipts": [{"id": "out-5", "state": "delivered", "at": 1790000002}]}
//! ```
//!
//! Out, one message a delivery; `webhook-id` is its key, the same in every attempt, and what
//! receipts name:
//!
//! ```json
//! {"type": "message", "conversation": "c-1", "seq": 7, "to": "+34600111222", "text": "Sure?",
//!  "buttons": [{"title": "Yes", "payload": "yes"}], "links": [], "source": null,
//!  "from": {"kind": "bot"}, "language": "en"}
//! ```

mod inbound;
mod outbound;
mod signature;

pub use inbound::{WebhookError, read};
pub use outbound::{Delivery, Endpoint, IdError, outcome, request};
pub use signature::{Secret, SecretError, SignatureError, TOLERANCE_S, sign, verify};

/// Longest id, bytes.
const ID_MAX: usize = 128;

#[cfg(test)]
mod tests;
