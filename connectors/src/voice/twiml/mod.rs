//! Twilio's voice webhook and its answer, TwiML.
//!
//! A call is a chain of webhooks: each answer speaks, then gathers speech and keys, and names the
//! address that hears what came. The address carries the journal seq spoken so far (`step`), so that
//! a webhook that is delivered twice is recognised.

mod render;
mod request;

pub use render::{Next, Say, Target, render};
pub use request::{Heard, Hook, HookError, read_form};

#[cfg(test)]
mod tests;
