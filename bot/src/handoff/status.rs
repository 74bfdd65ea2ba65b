//! Status events of handoffs, for systems that follow them: put into the outbox with the commit that changes the state, so
//! that none is lost and none is made up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::queue::QueuePosition;
use super::record::{Record, Stage};

/// Where they are sent.
pub const STATUS: &str = "status";

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
    /// Custody epoch of the conversation.
    pub epoch: u64,
    /// Journal seq: events of a conversation are in this order. Filled in when it is sent.
    #[serde(default)]
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
    /// The state that a handoff has now, with where the customer stands if they wait.
    pub fn of(record: &Record, standing: Option<QueuePosition>, at: Timestamp) -> Self {
        let (state, reason) = match record.stage {
            Stage::Queued => ("queued", None),
            Stage::Assigned | Stage::AgentActive => ("accepted", None),
            Stage::Returned => ("returned", None),
            Stage::Closed => ("completed", None),
            Stage::Transferred => ("completed", Some("transferred")),
            Stage::Cancelled => ("cancelled", None),
            Stage::Abandoned => ("cancelled", Some("abandoned")),
        };
        let id = record.id();
        Self {
            schema: "bellhop.handoff.status/v1".to_owned(),
            id: format!("{id}/{}/{}", record.custody_epoch, record.stage.name()),
            handoff_id: id.to_owned(),
            conversation_id: record.envelope.conversation_id.clone(),
            epoch: record.custody_epoch,
            seq: 0,
            state: state.to_owned(),
            at,
            agent: record.holder_name(),
            queue: record.envelope.routing.queue.clone(),
            position: standing.map(|standing| standing.position),
            ewt_s: standing.and_then(|standing| standing.wait_s),
            reason: reason.map(str::to_owned),
        }
    }
}
