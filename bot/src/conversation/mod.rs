//! A conversation in plain data: what comes in, what it caused, and why a turn went as it did.
//!
//! Must never do I/O, nor know of the store or of anything that uses it.

mod inbound;
mod reply;
mod trace;

pub use inbound::{Accepted, CLAIMED_ID, Inbound, InboundBody, NewConversation};
pub use reply::{Opened, Reply};
pub use trace::{CallTrace, SearchTrace, StageMicros, TurnTrace};
