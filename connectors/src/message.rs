//! What every messaging channel speaks of: messages and receipts that come in, and what is said
//! back.
//!
//! Plain data. A codec fills [`Batch`] from a provider's bytes; [`crate::channel::render`] turns
//! [`Outgoing`] into what a channel can show.

use serde::{Deserialize, Serialize};

use crate::channel::SendError;

/// A message that a provider delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The provider's unique id within the channel and the account: the same again is the same
    /// message, delivered once more.
    pub id: String,
    /// The id that the provider's later calls name this message by, where that isn't `id`: see
    /// [`Content::Edited`].
    pub message_id: Option<String>,
    /// Our side: the id of the phone number, the name of the bot.
    pub account: String,
    /// The customer's side; an answer is sent here.
    pub address: String,
    /// A second address of the same customer. A provider may leave either of the two out next time,
    /// so look a conversation up by both.
    pub alias: Option<String>,
    /// The name that the customer goes by.
    pub name: Option<String>,
    /// When it was written, in seconds since 1970.
    pub at_s: Option<i64>,
    /// What it says.
    pub content: Content,
    /// Written by a person of ours in the provider's own inbox, to the customer: the bot has to keep
    /// quiet.
    pub echo: bool,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Typed text.
    Text(String),
    /// A button or a row was chosen.
    Payload {
        /// What the button carries; [`crate::channel::Offer::pressed`] finds the option.
        payload: String,
        /// What it showed.
        title: Option<String>,
    },
    /// A file of some kind.
    Media(Media),
    /// A place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// Name or address, where the customer chose a known place.
        label: Option<String>,
    },
    /// Cards of an address book.
    Contacts(Vec<Contact>),
    /// An earlier message reads differently now.
    Edited {
        /// The earlier message's [`Incoming::message_id`], or its [`Incoming::id`] where it has
        /// none.
        of: String,
        /// The new text.
        text: String,
    },
    /// Something that the customer sent and that can't be taken: say so rather than keep silent.
    Unsupported {
        /// The provider's name for it, such as `order` or `poll`.
        what: String,
    },
}

/// A file that a customer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where it is.
    pub source: MediaSource,
    /// Its media type, such as `image/jpeg`.
    pub mime: Option<String>,
    /// What was written under it; the emoji of a sticker.
    pub caption: Option<String>,
    /// Its name on the customer's device.
    pub file_name: Option<String>,
}

/// Kinds of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound, such as music.
    Audio,
    /// A recording of the customer speaking.
    Voice,
    /// Moving pictures.
    Video,
    /// Any other file.
    Document,
    /// A sticker.
    Sticker,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSource {
    /// An address that anyone can fetch.
    Link(String),
    /// The provider's id; its API gives the file.
    Id(String),
}

/// A card of an address book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Whole name.
    pub name: String,
    /// Telephone numbers as they are written on the card.
    pub phones: Vec<String>,
}

/// News of a message that we sent. A provider may repeat them and let them overtake each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id of our message, as [`crate::channel::SendOutcome::Sent`] gave it.
    pub provider_id: String,
    /// Our own key of the message, where the channel hands it back: proves that a message arrived
    /// whose sending was never answered.
    pub key: Option<String>,
    /// What became of it.
    pub state: ReceiptState,
    /// When, in seconds since 1970.
    pub at_s: Option<i64>,
}

/// What became of a message that we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptState {
    /// The provider has passed it on.
    Sent,
    /// It is on the customer's device.
    Delivered,
    /// The customer has seen it.
    Read,
    /// It will not arrive.
    Failed(SendError),
}

/// News of a customer that is no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The provider's unique id, as for [`Incoming::id`].
    pub id: String,
    /// Our side.
    pub account: String,
    /// The customer's side.
    pub address: String,
    /// When, in seconds since 1970.
    pub at_s: Option<i64>,
    /// What happened.
    pub change: Change,
}

/// What happened to the line to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The customer shut us out: nothing that is sent arrives.
    Blocked,
    /// The customer lets us in again.
    Unblocked,
    /// The customer is at another address from now on.
    Moved {
        /// The new address.
        to: String,
    },
}

/// All that one delivery of a provider carried, each list in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Messages, the customers' and echoes of our own people's.
    pub messages: Vec<Incoming>,
    /// News of messages that we sent.
    pub receipts: Vec<Receipt>,
    /// News of customers.
    pub notices: Vec<Notice>,
    /// What was left out and why, one line each. Holds no text, name or address of anybody, so it
    /// may be logged.
    pub ignored: Vec<String>,
}

/// One thing said, by the bot or by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The text; may be empty where there are buttons or links.
    pub text: String,
    /// What the customer may choose from.
    pub buttons: Vec<Button>,
    /// Pages to open.
    pub links: Vec<Link>,
    /// Where the answer comes from.
    pub source: Option<Source>,
    /// Who says it.
    pub from: Author,
    /// BCP 47 language of the text, such as `en`: for the few words that a channel makes necessary.
    pub language: String,
}

/// Who says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    /// The bot.
    Bot,
    /// A person of ours.
    Agent {
        /// The name that customers see.
        name: String,
    },
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it shows.
    pub title: String,
    /// What choosing it means to the bot.
    pub payload: String,
}

/// A page to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it shows.
    pub title: String,
    /// Its address.
    pub url: String,
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Title of the article.
    pub title: String,
    /// Heading within it.
    pub section: Option<String>,
    /// Its address, where customers can open it.
    pub url: Option<String>,
}
