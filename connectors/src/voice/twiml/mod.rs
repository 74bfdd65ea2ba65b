//! Twilio's voice webhook and its answer, TwiML.
//!
//! A call is a chain of webhooks: each answer speaks, then gathers speech and keys, and names the
//! address that hears what came. That address carries how far the caller has been told (see
//! [`Place`]), so nothing has to be kept for it and a webhook that is delivered twice gets the same answer.

mod place;
mod render;
mod request;

pub use place::Place;
pub use render::{Next, Say, Target, filler, render};
pub use request::{Heard, Hook, HookError, read_form};

#[cfg(test)]
mod tests;
