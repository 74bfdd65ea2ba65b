//! Where a turn meets the queue: where somebody stands who asks now, and the handoff that begins or
//! ends with the turn.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Transaction;

use bellhop_flows::engine::effect::HandoffRequest;

use super::drive::Opening;
use crate::app::Core;
use crate::store::StoreError;
use crate::store::journal::Row;

/// How somebody stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// 1 is next.
    pub(super) position: u32,
    /// Estimated wait, seconds.
    pub(super) wait_s: Option<u64>,
}

/// Where somebody who asks now stands.
pub(super) async fn standing(_: &Arc<Core>, _: &HandoffRequest, _: Timestamp) -> Standing {
    Standing {
        position: 1,
        wait_s: None,
    }
}

/// Stores what a turn does to the conversation's handoff; gives the rows to tell.
pub(super) fn store(
    _: &Transaction<'_>,
    _: Option<Opening>,
    _: bool,
) -> Result<Vec<Row>, StoreError> {
    Ok(Vec::new())
}

/// The handoff of a conversation that is open now.
pub(crate) fn open_of(_: &rusqlite::Connection, _: &str) -> Result<Option<String>, StoreError> {
    Ok(None)
}
