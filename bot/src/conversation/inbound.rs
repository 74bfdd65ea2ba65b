//! What a customer sends, and the conversation that it opens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use bellhop_flows::engine::event::Input;

/// Where a customer id is kept that nobody proved. Flows act for `customer.id`, so what only a page
/// says must never stand there: it would open anybody's account.
pub const CLAIMED_ID: &str = "claimed_id";

/// A conversation to open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewConversation {
    /// `web`, `voice`, `rest`, `shell`, …
    pub channel: String,
    /// Our account on the channel: the number that was called, say.
    pub channel_account: Option<String>,
    /// The provider's own key (call id, sender id): the same key while a conversation is open is the
    /// same conversation.
    pub provider_key: Option<String>,
    /// Facts about the customer: `id`, `tier`, `name`, …
    pub customer: BTreeMap<String, String>,
    /// The facts were proved (a signed token), not only said.
    pub verified: bool,
    /// Language asked for.
    pub language: Option<String>,
}

/// Something a customer sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Inbound {
    /// The sender's id for it: the same id again does nothing twice.
    pub client_msg_id: String,
    /// What.
    pub body: InboundBody,
}

/// What a customer sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InboundBody {
    /// Typed text.
    Text {
        /// The text.
        text: String,
    },
    /// A pressed button or a deep link.
    Payload {
        /// Its payload.
        payload: String,
    },
    /// Keys of a phone.
    Keys {
        /// The keys.
        keys: String,
    },
    /// Transcribed speech.
    Speech {
        /// The transcript.
        text: String,
        /// The recogniser's confidence, 0 to 1.
        confidence: Option<f64>,
    },
    /// Nothing, for as long as the channel waits.
    Silence,
}

impl InboundBody {
    /// As the engine hears it; none where nothing was said.
    pub fn heard(&self) -> Option<Input> {
        let heard = Input::default();
        Some(match self {
            Self::Silence => return None,
            Self::Speech { text, .. } if text.trim().is_empty() => return None,
            Self::Payload { payload } => Input {
                payload: Some(payload.clone()),
                ..heard
            },
            Self::Keys { keys } => Input {
                keys: Some(keys.clone()),
                ..heard
            },
            Self::Text { text } => Input {
                text: text.clone(),
                ..heard
            },
            Self::Speech { text, confidence } => Input {
                text: text.clone(),
                speech_confidence: *confidence,
                ..heard
            },
        })
    }
}

/// A message that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its place in the journal.
    pub seq: u64,
    /// It was stored before.
    pub duplicate: bool,
}

/// A message from an address on a channel, and where it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The conversation.
    pub conversation: String,
    /// Its place there.
    pub accepted: Accepted,
    /// The conversation began with it.
    pub opened: bool,
}
