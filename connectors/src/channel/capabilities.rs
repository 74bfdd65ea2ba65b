//! What each channel can do.
//!
//! A limit is the provider's where one is documented. Where the unit is not, the stricter reading
//! counts: a text that is a little short annoys nobody, one that is refused is lost.

/// What a channel can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// We may speak first: what is said is sent. Otherwise it waits until the client asks.
    pub push: bool,
    /// Buttons under a text.
    pub buttons: Option<ButtonLimits>,
    /// A list that opens from a text.
    pub list: Option<ListLimits>,
    /// Customers can send files.
    pub media_in: bool,
    /// Longest text, in `unit`. `None`: no limit of the channel's own.
    pub text_chars: Option<usize>,
    /// What every `…_chars` of the channel counts.
    pub unit: Unit,
    /// The client shows by itself whether the bot or a person speaks, and the person's name.
    pub shows_author: bool,
    /// Seconds after the customer's last message in which free text may be sent. `None`: always.
    pub reply_window_s: Option<u64>,
    /// Tells what became of a message.
    pub receipts: bool,
    /// Takes a key with each message and drops the second one with the same key. Where it doesn't, a
    /// send without an answer is uncertain.
    pub idempotency_key: bool,
    /// Customers can change what they wrote.
    pub edits: bool,
    /// Can show that an answer is being written.
    pub typing: bool,
    /// Seconds after which the asking side gives up on the answer to its request. `None`: it keeps a
    /// line open, or doesn't wait for one.
    pub patience_s: Option<u64>,
}

/// Limits of buttons under a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ButtonLimits {
    /// Most buttons of one message.
    pub count: usize,
    /// Longest title.
    pub title_chars: usize,
    /// Longest payload, bytes.
    pub payload_bytes: usize,
    /// Longest text above them.
    pub text_chars: usize,
}

/// Limits of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimits {
    /// Most rows in all.
    pub rows: usize,
    /// Longest title of a row.
    pub title_chars: usize,
    /// Longest second line of a row.
    pub description_chars: usize,
    /// Longest payload, bytes.
    pub payload_bytes: usize,
    /// Longest label of what opens the list.
    pub label_chars: usize,
    /// Longest text above it.
    pub text_chars: usize,
}

/// What a length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Unicode code points.
    Chars,
    /// UTF-16 code units: an emoji counts two or more.
    Utf16,
    /// UTF-8 bytes.
    Bytes,
}

impl Unit {
    /// Length of a text.
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Chars => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Bytes => text.len(),
        }
    }
}

/// A client that asks, over JSON of our own, and shows what it gets: what all pull channels share.
const PULL: Capabilities = Capabilities {
    push: false,
    buttons: Some(ButtonLimits {
        count: usize::MAX,
        title_chars: usize::MAX,
        payload_bytes: usize::MAX,
        text_chars: usize::MAX,
    }),
    list: None,
    media_in: false,
    text_chars: None,
    unit: Unit::Chars,
    shows_author: true,
    reply_window_s: None,
    receipts: false,
    idempotency_key: true,
    edits: false,
    typing: false,
    patience_s: None,
};

/// Web chat over a socket or SSE (ours). The client resumes after the last seq that it has, so an
/// event can't show twice.
pub const WEB: Capabilities = Capabilities {
    typing: true,
    ..PULL
};

/// REST (ours): the answer to a post is everything since the last one. HTTP clients commonly give up
/// after 30 s.
pub const REST: Capabilities = Capabilities {
    patience_s: Some(30),
    ..PULL
};

/// Rasa's REST channel: texts and buttons, nothing else; its clients know of no second speaker.
pub const RASA: Capabilities = Capabilities {
    shows_author: false,
    idempotency_key: false,
    patience_s: Some(30),
    ..PULL
};

/// Phone by webhook (TwiML). Twilio gives up after 15 s ("Webhooks: connection overrides", read
/// timeout); Amazon Polly's voices take 3000 characters a `<Say>`, the least of its engines, counted
/// in UTF-8 (Twilio error 13521).
pub const VOICE: Capabilities = Capabilities {
    buttons: None,
    text_chars: Some(3000),
    unit: Unit::Bytes,
    shows_author: false,
    idempotency_key: false,
    patience_s: Some(15),
    ..PULL
};

/// WhatsApp Cloud API ("Interactive reply buttons messages", "Interactive list messages", "Text
/// messages", "Customer service windows"). Which characters Meta counts is not said; UTF-16 units
/// are never fewer than code points.
pub const WHATSAPP: Capabilities = Capabilities {
    push: true,
    buttons: Some(ButtonLimits {
        count: 3,
        title_chars: 20,
        payload_bytes: 256,
        text_chars: 1024,
    }),
    list: Some(ListLimits {
        rows: 10,
        title_chars: 24,
        description_chars: 72,
        payload_bytes: 200,
        label_chars: 20,
        text_chars: 4096,
    }),
    media_in: true,
    text_chars: Some(4096),
    unit: Unit::Utf16,
    shows_author: false,
    reply_window_s: Some(24 * 60 * 60),
    receipts: true,
    idempotency_key: false,
    edits: true,
    typing: true,
    patience_s: None,
};

/// Telegram Bot API ("sendMessage": 1-4096 characters; "InlineKeyboardButton": `callback_data` 1-64
/// bytes). Telegram counts UTF-16 units wherever it says what it counts ("MessageEntity"). It names
/// no limit of a title; one that is cut off on a narrow phone is none to choose by, so longer ones
/// become lines of text, and so do more options than a keyboard is clear with.
pub const TELEGRAM: Capabilities = Capabilities {
    push: true,
    buttons: Some(ButtonLimits {
        count: 24,
        title_chars: 40,
        payload_bytes: 64,
        text_chars: 4096,
    }),
    list: None,
    media_in: true,
    text_chars: Some(4096),
    unit: Unit::Utf16,
    shows_author: false,
    reply_window_s: None,
    receipts: false,
    idempotency_key: false,
    edits: true,
    typing: true,
    patience_s: None,
};

/// Webhooks both ways (ours): the other side gets the parts as they are and shows them as it can;
/// `webhook-id` is the key (Standard Webhooks 1.0.0, "Webhook headers").
pub const WEBHOOK: Capabilities = Capabilities {
    push: true,
    media_in: true,
    receipts: true,
    ..PULL
};
