//! A handoff as its conversation keeps it: the truth about who has the customer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use crate::encoding::{Unreadable, decode};
use crate::partition::{PartitionId, Snapshot};

/// How a handoff stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// In a queue.
    Queued,
    /// An agent has it and has not said anything yet.
    Assigned,
    /// An agent talks with the customer.
    AgentActive,
    /// Over: the customer is back with the bot.
    Returned,
    /// Over: the agent is done.
    Closed,
    /// Over: another handoff goes on with it.
    Transferred,
    /// Over: the customer no longer wanted a person.
    Cancelled,
    /// Over: the customer left while waiting.
    Abandoned,
}

impl Stage {
    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Assigned => "assigned",
            Self::AgentActive => "agent_active",
            Self::Returned => "returned",
            Self::Closed => "closed",
            Self::Transferred => "transferred",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
        }
    }

    /// It is with an agent.
    pub fn with_agent(self) -> bool {
        matches!(self, Self::Assigned | Self::AgentActive)
    }

    /// It waits or is with an agent.
    pub fn is_open(self) -> bool {
        self == Self::Queued || self.with_agent()
    }
}

/// Who has or had a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Id of the agent.
    pub id: String,
    /// Their name, as customers see it.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

/// A handoff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// How it stands.
    pub stage: Stage,
    /// Custody epoch of the conversation since its last change of owner by this handoff.
    pub custody_epoch: u64,
    /// Who has or had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// When the customer asked; a transfer keeps it.
    pub requested_at: Timestamp,
    /// Place in the line that the customer was told when they began to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_position: Option<u32>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The agent's note at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The agent said that it is solved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
    /// The envelope; its transcript and notes are put in when it is read.
    pub envelope: Envelope,
}

impl Record {
    /// A handoff that begins to wait, at the place that the customer is told.
    pub fn queued(envelope: Envelope, position: u32) -> Self {
        Self {
            stage: Stage::Queued,
            custody_epoch: envelope.epoch,
            holder: None,
            requested_at: envelope.created_at,
            told_position: Some(position),
            ended_at: None,
            note: None,
            resolved: None,
            envelope,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.envelope.handoff_id
    }

    /// The agent has it.
    pub fn is_with(&self, agent: &str) -> bool {
        self.stage.with_agent() && self.had(agent)
    }

    /// The agent has or had it.
    pub fn had(&self, agent: &str) -> bool {
        self.holder
            .as_ref()
            .is_some_and(|holder| holder.id == agent)
    }

    /// Name of who has or had it.
    pub fn holder_name(&self) -> Option<String> {
        self.holder.as_ref().map(|holder| holder.name.clone())
    }

    /// Reads it from a snapshot of its conversation.
    ///
    /// # Errors
    /// A record that can't be read.
    pub fn of(snapshot: &Snapshot, id: &str) -> Result<Option<Self>, Unreadable> {
        let doc = snapshot.doc(&document(id));
        doc.map(|body| decode("handoff", body)).transpose()
    }

    /// Reads all that a snapshot of their conversation holds.
    ///
    /// # Errors
    /// A record that can't be read.
    pub fn all(snapshot: &Snapshot) -> Result<Vec<Self>, Unreadable> {
        let docs = snapshot.below(DOCUMENT);
        docs.map(|(_, body)| decode("handoff", body)).collect()
    }
}

/// Documents that handoffs are kept in.
const DOCUMENT: &str = "handoff/";

/// Name of the document that a handoff is kept in.
pub fn document(id: &str) -> String {
    format!("{DOCUMENT}{id}")
}

/// Id of a conversation's handoff, from 1.
pub fn handoff_id(conversation: &str, number: usize) -> String {
    format!("{conversation}-{number}")
}

/// The conversation that a handoff belongs to: the first part of its id. Ids from before version 2 of the tables have no
/// parts and are looked up.
pub fn conversation_of(id: &str) -> Option<&str> {
    id.split_once('-').map(|(conversation, _)| conversation)
}

/// Where the conversations of handoffs are looked up whose id does not tell.
pub fn earlier_ids() -> PartitionId {
    PartitionId::named("handoffs:version-1")
}
