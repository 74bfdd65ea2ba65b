//! What a channel can do, and what follows from it: how something is written there, what an answer
//! to a list of options means, what a send asks for and how it ended.
//!
//! A codec reads a provider's bytes; this module is the way back. [`render`] turns one thing said
//! into the [`Frame`]s that a channel's [`Capabilities`] allow, the channel's own module turns each
//! frame into a [`Request`] and the provider's answer into a [`SendOutcome`]. Who sends, waits and
//! tries again is not known here.

mod capabilities;
mod choice;
mod render;
mod send;
mod split;

pub use capabilities::{
    ButtonLimits, Capabilities, ListLimits, RASA, REST, TELEGRAM, Unit, VOICE, WEB, WEBHOOK,
    WHATSAPP,
};
pub use choice::{Offer, chosen};
pub use render::{Frame, Row, render};
pub use send::{Request, Retry, SendError, SendOutcome, Whose};
pub(crate) use send::{by_status, retry_after};
pub use split::split;

#[cfg(test)]
mod tests;
