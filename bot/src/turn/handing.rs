//! Where a turn meets the queue: where somebody stands who asks now, and the handoff that begins or
//! ends with the turn.

use std::sync::Arc;

use rusqlite::{Connection, Transaction};

use bellhop_flows::engine::effect::HandoffRequest;
use bellhop_flows::engine::state::State;

use super::drive::PendingHandoff;
use crate::app::Core;
use crate::handoff::desk::{Desk, Rows};
use crate::handoff::queue::QueuePosition;
use crate::handoff::record::{self, Facts};
use crate::store::{StoreError, conversations, handoffs};

/// What a turn does to the conversation's handoff.
pub(super) struct HandoffChange {
    /// The desk as the turn sees it.
    pub(super) desk: Desk,
    /// The handoff that begins, with the engine's state for its envelope.
    pub(super) opening: Option<(PendingHandoff, State)>,
    /// The customer no longer wants a person.
    pub(super) cancelled: bool,
    /// Name of the model, for the envelope.
    pub(super) model: String,
}

/// Where somebody who asks now stands.
pub(super) async fn standing(core: &Arc<Core>, request: &HandoffRequest) -> QueuePosition {
    let desk = core.desk_now(0);
    let (queue, priority) = (request.queue.clone(), request.priority);
    let read = core
        .store
        .read(move |c| desk.newcomer(c, &queue, priority))
        .await;
    read.unwrap_or_else(|error| {
        // Nothing is promised by it: the place is told again when the turn is committed.
        tracing::warn!(%error, "the queue can't be read");
        QueuePosition {
            position: 1,
            wait_s: None,
        }
    })
}

/// Stores what a turn does to the conversation's handoff; gives the rows to tell. `epoch` is the one
/// after the turn; `over` means that the conversation ends with it.
pub(super) fn store(
    tx: &Transaction<'_>,
    conversation: &str,
    handing: HandoffChange,
    epoch: u64,
    over: bool,
) -> Result<Rows, StoreError> {
    let HandoffChange {
        desk,
        opening,
        cancelled,
        model,
    } = handing;
    let mut rows = Vec::new();
    if cancelled || over {
        rows.extend(desk.withdraw(tx, conversation, over)?);
    }
    if let Some((opening, state)) = opening.filter(|_| !over) {
        let head = conversations::head(tx, conversation)?;
        let facts = Facts {
            handoff: opening.id,
            conversation: conversation.to_owned(),
            earlier: handoffs::all_of(tx, conversation)?,
            epoch,
            at: opening.at,
            account: head.account,
            address: head.provider_key,
            verified: head.verified,
            model,
        };
        let envelope = record::envelope(&desk.bundle, &state, Some(&opening.request), &facts);
        rows.extend(desk.request(tx, &envelope, opening.standing)?);
    }
    Ok(rows)
}

/// The handoff of a conversation that is open now.
pub(crate) fn open_of(c: &Connection, conversation: &str) -> Result<Option<String>, StoreError> {
    Ok(handoffs::open_of(c, conversation)?.map(|open| open.id))
}
