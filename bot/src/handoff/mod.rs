//! Handing a customer to a person, in plain data: the record, the queue, the envelope that goes along and the
//! customer-record summary made from it. What agents may do is in `rules::desk`.

pub mod envelope;
pub mod envelope_builder;
pub mod listing;
pub mod queue;
pub mod record;
pub mod status;
mod story;
mod transcript;

pub use envelope::{Envelope, Summary};
pub(crate) use story::{suggested_reply, wrap_up_draft};
pub(crate) use transcript::add_transcript;
