//! Handing a customer to a person: the queue, who owns the conversation, the envelope that goes along
//! and the customer-record summary made from it.
//!
//! Must never let two own one conversation, nor lose anyone's place in a queue.

pub mod desk;
pub mod envelope;
pub mod listing;
pub(crate) mod presence;
pub mod queue;
pub mod record;
pub mod status;
mod story;
mod transcript;

pub use envelope::{Envelope, Summary};
pub(crate) use story::{suggested_reply, wrap_up_draft};
pub(crate) use transcript::add_transcript;
