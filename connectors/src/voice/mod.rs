//! The phone by webhook: a provider asks what to do next, the answer says what to speak and what to
//! wait for.

pub mod twiml;
