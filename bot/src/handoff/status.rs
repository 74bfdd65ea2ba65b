//! Status events of handoffs, for systems that follow them: put into the outbox in the transaction
//! that changes the state, so that none is lost and none is made up.

use jiff::Timestamp;
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use super::queue::QueuePosition;
use crate::store::handoffs::{Record, Stage};
use crate::store::{StoreError, json, outbox};

/// How a handoff stands, as it is posted to the status webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Always `bellhop.handoff.status/v1`.
    pub schema: String,
    /// The same for every delivery of this event.
    pub id: String,
    /// The handoff.
    pub handoff_id: String,
    /// Its conversation.
    pub conversation_id: String,
    /// Epoch of the conversation.
    pub epoch: u64,
    /// Journal seq: events of a conversation are in this order.
    pub seq: u64,
    /// `queued`, `accepted`, `returned`, `completed` or `cancelled`.
    pub state: String,
    /// When.
    pub at: Timestamp,
    /// Name of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The queue.
    pub queue: String,
    /// 1 is next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Estimated wait, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ewt_s: Option<u64>,
    /// `transferred` or `abandoned`, where `completed` or `cancelled` does not tell it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Status {
    pub(super) fn of(record: &Record, seq: u64, at: Timestamp) -> Self {
        let (state, reason) = match record.stage {
            Stage::Queued => ("queued", None),
            Stage::Assigned | Stage::AgentActive => ("accepted", None),
            Stage::Returned => ("returned", None),
            Stage::Closed => ("completed", None),
            Stage::Transferred => ("completed", Some("transferred")),
            Stage::Cancelled => ("cancelled", None),
            Stage::Abandoned => ("cancelled", Some("abandoned")),
        };
        Self {
            schema: "bellhop.handoff.status/v1".to_owned(),
            id: format!("{}/{}/{}", record.id, record.epoch, record.stage.name()),
            handoff_id: record.id.clone(),
            conversation_id: record.conversation.clone(),
            epoch: record.epoch,
            seq,
            state: state.to_owned(),
            at,
            agent: record.agent_name.clone(),
            queue: record.envelope.routing.queue.clone(),
            position: None,
            ewt_s: None,
            reason: reason.map(str::to_owned),
        }
    }

    pub(super) fn standing(&mut self, standing: QueuePosition) {
        self.position = Some(standing.position);
        self.ewt_s = standing.wait_s;
    }
}

/// Puts an event into the outbox.
pub(super) fn put(
    tx: &Transaction<'_>,
    conversation: &str,
    status: &Status,
) -> Result<(), StoreError> {
    let body = json(status)?;
    outbox::put(tx, conversation, status.seq, "status", &body, status.at)
}
