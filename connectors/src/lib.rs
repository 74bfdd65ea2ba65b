//! Outside to messages and back: the wire formats of the channels and the checks that a message came
//! from whom it says.
//!
//! Pure codecs: bytes in, values out. Knows nothing of flows, models, stores or sockets; whatever a
//! peer sends, nothing here panics.

pub mod channel;
mod json;
pub mod message;
pub mod rasa;
pub mod telegram;
pub mod verify;
pub mod voice;
pub mod web;
pub mod webhook;
pub mod whatsapp;
