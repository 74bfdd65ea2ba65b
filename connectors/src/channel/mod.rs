//! What a channel can do, and what follows from it: how something is written there, what an answer
//! to a list of options means, what a send asks for and how it ended.
//!
//! A codec reads a provider's bytes; this module is the way back. [`render`] turns one thing said
//! into the [`Frame`]s that a channel's [`Capabilities`] allow, the channel's own module turns each
//! frame into a [`Request`] and the provider's answer into a [`SendOutcome`]. Who sends, waits and
//! tries again is not known here.
//!
//! ```
//! use bellhop_connectors::channel::{Frame, Offer, TELEGRAM, VOICE, chosen, render};
//! use bellhop_connectors::message::{Author, Button, Outgoing};
//!
//! let button = |title: &str| Button { title: title.into(), payload: title.to_lowercase() };
//! let question = Outgoing {
//!     text: "Which card?".into(),
//!     buttons: vec![button("Debit"), button("Credit")],
//!     links: vec![],
//!     source: None,
//!     from: Author::Bot,
//!     language: "en".into(),
//! };
//! assert!(matches!(render(&question, &TELEGRAM)[..], [Frame::Buttons { .. }]));
//!
//! let frames = render(&question, &VOICE);
//! assert_eq!(frames, [Frame::Text("Which card?\n1. Debit\n2. Credit".into())]);
//! let offer = Offer::new(&question, &frames);
//! assert_eq!(chosen("2", &offer), Some(&button("Credit")));
//! assert_eq!(chosen("2 cards, please", &offer), None);
//! ```

mod capabilities;
mod choice;
mod media;
mod render;
mod send;
mod split;

pub use capabilities::{
    ButtonLimits, Capabilities, ListLimits, RASA, REST, TELEGRAM, Unit, VOICE, WEB, WEBHOOK,
    WHATSAPP,
};
pub use choice::{Offer, chosen};
pub use media::{Download, MediaError};
pub use render::{Frame, Row, render};
pub use send::{Request, Retry, SendError, SendOutcome, Whose};
pub(crate) use send::{by_status, retry_after};
pub use split::split;

#[cfg(test)]
mod tests;
