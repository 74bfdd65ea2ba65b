//! People who work with the program, and what they may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Talks to customers.
    Agent,
    /// Watches over queues and agents.
    Supervisor,
    /// Writes flows.
    Designer,
    /// Everything, and lets others in.
    Admin,
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Their id (ULID).
    pub id: String,
    /// Name that customers see.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A signed-in member of staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Bearer token; only its hash is stored.
    pub token: String,
    /// Who.
    pub agent: Agent,
}
