//! Why the program could not do what an edge asked for.

use crate::encoding::Unreadable;

/// An operation that failed. The message is fit for whoever asked; it never holds message text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// No such conversation, handoff or flow, or none that the token opens.
    #[error("{what} is not known")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// The token is missing, wrong, used up or expired.
    #[error("the token does not open this")]
    Unauthorized,
    /// They are known, and may not do this.
    #[error("{message}")]
    Forbidden {
        /// What they may not do.
        message: String,
    },
    /// Somebody else has the conversation, or it is in another state.
    #[error("{message}")]
    Conflict {
        /// What is the case, and what to do.
        message: String,
    },
    /// The same `client_msg_id` came before with another content.
    #[error(
        "client_msg_id `{client_msg_id}` was used for another message; use a new one for each message"
    )]
    IdReused {
        /// The id.
        client_msg_id: String,
    },
    /// The conversation is over.
    #[error("the conversation is closed; open a new one")]
    Closed,
    /// Too much at once: come again a little later.
    #[error("{message}")]
    TooMany {
        /// What there is too much of.
        message: String,
    },
    /// The message is too long, or a name is not one.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and the limit.
        message: String,
    },
    /// The store can't take it now; nothing was acknowledged, and the same request may be sent again. Whoever asked is
    /// told no more: what the store says of itself is for the operator.
    #[error("this can't be taken now and nothing of it was stored; send it again a little later")]
    Unavailable {
        /// What happened, for the operator.
        message: String,
    },
    /// The machine lacks something that the program needs: threads, random numbers.
    #[error("{message}")]
    System {
        /// What it lacks.
        message: String,
    },
    /// The turn took longer than the caller waits; the answer comes as an event.
    #[error("no answer yet; it will come as an event")]
    StillWorking,
    /// What somebody else keeps is not there any more.
    #[error("{message}")]
    Gone {
        /// What, and why.
        message: String,
    },
    /// A provider does not do what was asked of it.
    #[error("{message}")]
    Provider {
        /// What was asked, and what to do.
        message: String,
    },
    /// The store can't be opened.
    #[error("store {place}: {message}")]
    Store {
        /// The file, or the address.
        place: String,
        /// What is wrong and what to do.
        message: String,
    },
}

impl From<Unreadable> for ServiceError {
    fn from(error: Unreadable) -> Self {
        tracing::error!(%error, "what is stored can't be read");
        Self::Unavailable {
            message: error.to_string(),
        }
    }
}

/// Somebody else was quicker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// Another agent has it.
    #[error("{by} already has this conversation")]
    AlreadyTaken {
        /// Name of the agent.
        by: String,
    },
    /// Anything else.
    #[error(transparent)]
    Service(#[from] ServiceError),
}
