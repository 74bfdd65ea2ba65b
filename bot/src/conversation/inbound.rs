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
    /// Where what is said in it is sent; none where the client asks for it.
    pub destination: Option<String>,
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
    /// A file, a place or anything else that the bot can't look into, with what was written under it.
    File {
        /// What was written under it; may be empty.
        text: String,
        /// What it is.
        file: Attachment,
    },
    /// Nothing, for as long as the channel waits.
    Silence,
}

/// Something that came with a message and that a person can open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name, or what it is.
    pub title: String,
    /// Address that anyone can open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The provider's id of it, where only its API gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// What the engine hears where somebody sent a file and wrote nothing under it.
const FILE: &str = "/file";

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
            Self::File { text, .. } if text.trim().is_empty() => Input {
                payload: Some(FILE.to_owned()),
                ..heard
            },
            Self::Text { text } | Self::File { text, .. } => Input {
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
