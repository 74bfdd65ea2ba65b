//! Telegram Bot API: updates by webhook, and sending.
//!
//! Telegram sends the secret that we registered in `X-Telegram-Bot-Api-Secret-Token`
//! ([`crate::verify::shared`]) and repeats an update until it is answered 2xx, holding back what the
//! same customer wrote after it. So [`read`] refuses only what is no update at all.
//!
//! Only private chats are conversations: in a group, everybody would hear what one customer asks.
//!
//! Source: core.telegram.org/bots/api, by the names of its sections.

mod media;
mod read;
mod send;

pub use media::{find_media, found_media};
pub use read::{TelegramError, read};
pub use send::{
    ALLOWED_UPDATES, Bot, SecretError, answer_callback, outcome, request, set_webhook, typing,
};

/// Goes before the id of a press on a button, so that the press can be answered.
const CALLBACK: &str = "cb:";

#[cfg(test)]
mod tests;
