//! What may happen, as pure functions: a snapshot, a command and the time in, a commit or a refusal out.
//!
//! A rule does no I/O, reads no clock and knows no engine; it never sees half a change. Whoever carries it out (`app`, `turn`)
//! reads the snapshot, asks the rule, commits, and asks again where somebody was quicker.

pub(crate) mod audit;
pub(crate) mod channel;
pub(crate) mod desk;
pub(crate) mod draft;
pub(crate) mod open;
pub(crate) mod queue;
pub(crate) mod staff;
pub(crate) mod timers;
pub(crate) mod turn_end;

use crate::error::ServiceError;
use crate::partition::Commit;

pub(crate) use draft::Draft;

/// What a rule came to: something to commit and what follows from it, or that nothing is to be changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision<T> {
    /// Commit this; then the answer holds.
    Commit(Box<Commit>, T),
    /// It is so already.
    Already(T),
}

/// A decision, or a refusal that says why.
pub(crate) type Decided<T> = Result<Decision<T>, ServiceError>;
