//! A conversation in plain data: what comes in, what it caused, and why a turn went as it did.
//!
//! Must never do I/O, nor know of the store or of anything that uses it.

mod head;
mod inbound;
pub mod journal;
mod reply;
mod trace;

pub use head::{Conversation, ConversationHead, HEAD, KeptState, STATE, read_state, write_state};
pub use inbound::{
    Accepted, Attachment, CLAIMED_ID, Inbound, InboundBody, NewConversation, Received,
};
pub use reply::{Opened, Reply};
pub use trace::{CallTrace, SearchTrace, StageMicros, TurnTrace};
