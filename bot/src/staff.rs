//! People who work with the program, and what they may do.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What somebody is. What they may do follows from it ([`Role::may`]); no role is above another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Talks to customers.
    Agent,
    /// Watches over queues and agents.
    Supervisor,
    /// Writes flows.
    Designer,
    /// Runs the program, and lets others in.
    Admin,
}

/// Something that not everyone may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Is signed in: asks who they are, signs out.
    Enter,
    /// Sees who waits, takes customers and talks with them.
    Serve,
    /// Reads conversations: with `Serve` those that wait and those that are or were theirs, others with what follows.
    Read,
    /// Reads any conversation.
    ReadAny,
    /// Reads conversations on the channel [`TEST_CHANNEL`].
    ReadTests,
    /// Looks at what could not be sent.
    Outbox,
    /// Sends it again, or throws it away.
    SettleOutbox,
    /// Lets others in, and puts them out.
    Staff,
}

/// Conversations that are held to try a bot out.
pub const TEST_CHANNEL: &str = "test";

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Supervisor, Self::Designer, Self::Admin];

    /// Whoever is this may do that: the one table of roles and permissions.
    pub fn may(self, what: Permission) -> bool {
        use Permission::{Enter, Outbox, Read, ReadAny, ReadTests, Serve, SettleOutbox, Staff};
        let permissions: &[Permission] = match self {
            Self::Agent => &[Enter, Read, Serve],
            Self::Supervisor => &[Enter, Read, Serve, ReadAny, Outbox],
            Self::Designer => &[Enter, Read, ReadTests],
            Self::Admin => &[Enter, Read, Serve, ReadAny, Outbox, SettleOutbox, Staff],
        };
        permissions.contains(&what)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Designer => "designer",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|role| role.name() == text);
        known.ok_or_else(|| {
            format!("`{text}` is no role; it is one of agent, supervisor, designer and admin")
        })
    }
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Their id (ULID).
    pub id: String,
    /// Name that customers see.
    pub name: String,
    /// What they are.
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

/// Who is let in, and who may come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Roster {
    /// Everyone who has signed in and was not put out since.
    pub members: Vec<Agent>,
    /// Who is signed in.
    pub sessions: Vec<OpenSession>,
    /// Codes that are not used yet.
    pub invites: Vec<OpenInvite>,
}

/// A session, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenSession {
    /// Names it; lets nobody in.
    pub id: String,
    /// Whose.
    pub agent: Agent,
    /// When it runs out.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// An invitation, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenInvite {
    /// Names it; lets nobody in.
    pub id: String,
    /// Whom it lets in.
    pub name: String,
    /// As what.
    pub role: Role,
    /// When it runs out.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// What was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// Somebody, with their session and the invitations under their name.
    Member(Agent),
    /// Somebody's session; they may come again with a new code.
    Session(Agent),
    /// Invitations for somebody of this name.
    Invites(String),
}
