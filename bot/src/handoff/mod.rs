//! Handing a customer to a person: the queue, who owns the conversation, the envelope that goes along
//! and the customer-record summary made from it.
//!
//! Must never let two own one conversation, nor lose anyone's place in a queue.

pub mod envelope;

pub use envelope::{Envelope, Summary};
