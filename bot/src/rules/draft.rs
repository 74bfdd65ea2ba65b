//! A commit on a conversation while it is being decided.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use bellhop_flows::engine::state::Owner;

use crate::conversation::journal::Body;
use crate::conversation::{Conversation, ConversationHead, HEAD};
use crate::encoding::{Unreadable, encode};
use crate::gate::Gate;
use crate::handoff::record::{self, Record};
use crate::handoff::status::{STATUS, Status};
use crate::partition::{Commit, Due, Outbound};

/// Where the queue hears that a conversation's handoff has changed.
pub(crate) const TO_QUEUE: &str = "queue";

/// Seconds without a word after which the bot has a conversation again that somebody took over in the provider's own inbox.
pub(crate) const MUTED_S: i64 = 30 * 60;

/// Changes to a conversation that are being put together.
pub(crate) struct Draft<'a> {
    before: &'a ConversationHead,
    gate: &'a Gate,
    /// The head as it will be.
    pub(crate) head: ConversationHead,
    /// The rest.
    pub(crate) commit: Commit,
    /// Which of the appended entries are to be sent to the customer, counted from 1.
    said: Vec<usize>,
}

/// What is to be sent to a customer: an entry of the journal, told by how far it is from the last of its commit, because seqs
/// are given when it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SaidEntry {
    /// 0 is the last.
    pub(crate) from_last: u64,
}

impl<'a> Draft<'a> {
    /// Changes nothing yet.
    pub(crate) fn new(conversation: &'a Conversation, gate: &'a Gate, now: Timestamp) -> Self {
        Self {
            before: &conversation.head,
            gate,
            head: conversation.head.clone(),
            commit: Commit::new(
                conversation.partition(),
                Some(conversation.log.revision),
                now,
            ),
            said: Vec::new(),
        }
    }

    /// Appends to the journal; `cause` is the seq of the input that led to it, or 0. What is said or noted goes through the gate,
    /// and what is said is sent to the customer where their channel wants that.
    pub(crate) fn append(&mut self, cause: u64, body: &Body) -> Result<(), Unreadable> {
        self.append_unsent(cause, body)?;
        if matches!(body, Body::Message(_)) && self.head.destination.is_some() {
            self.said.push(self.commit.append.len());
        }
        Ok(())
    }

    /// Appends something said that the customer has already.
    pub(crate) fn append_unsent(&mut self, cause: u64, body: &Body) -> Result<(), Unreadable> {
        let body = self.gate.written(&self.head.channel, body);
        self.commit.append.push(body.entry(cause)?);
        Ok(())
    }

    /// Gives the conversation to another owner, which raises its custody epoch.
    pub(crate) fn give(&mut self, owner: Owner) {
        if self.head.owner != owner {
            self.head.owner = owner;
            self.head.custody_epoch += 1;
        }
        if owner == Owner::Closed {
            self.head.closed_at.get_or_insert(self.commit.at);
        }
    }

    /// Keeps a handoff as it is now, and has the queue hear of it.
    pub(crate) fn keep(&mut self, handoff: &Record) -> Result<(), Unreadable> {
        let id = handoff.id();
        if handoff.stage.is_open() {
            self.head.open_handoff = Some(id.to_owned());
        } else if self.head.open_handoff.as_deref() == Some(id) {
            self.head.open_handoff = None;
        }
        if !self.head.handoffs.iter().any(|known| known == id) {
            self.head.handoffs.push(id.to_owned());
        }
        let body = encode("handoff", handoff)?;
        self.commit.docs.insert(record::document(id), Some(body));
        if !self
            .commit
            .out
            .iter()
            .any(|out| out.destination == TO_QUEUE)
        {
            self.send(TO_QUEUE, &())?;
        }
        Ok(())
    }

    /// Has systems that follow handoffs hear of a state.
    pub(crate) fn report(&mut self, status: &Status) -> Result<(), Unreadable> {
        self.send(STATUS, status)
    }

    fn send<T: serde::Serialize>(&mut self, to: &str, what: &T) -> Result<(), Unreadable> {
        self.commit.out.push(Outbound {
            destination: to.to_owned(),
            body: encode("outbound", what)?,
        });
        Ok(())
    }

    /// The commit. A conversation that the bot owns is looked at again when nothing has happened for `idle_close_s`.
    pub(crate) fn finish(mut self, idle_close_s: i64) -> Result<Box<Commit>, Unreadable> {
        if self.head != *self.before {
            let body = encode("conversation's head", &self.head)?;
            self.commit.docs.insert(HEAD.to_owned(), Some(body));
        }
        if let Some(destination) = self.head.destination.clone() {
            for at in std::mem::take(&mut self.said) {
                let from_last = (self.commit.append.len() - at) as u64;
                self.send(&destination, &SaidEntry { from_last })?;
            }
        }
        self.commit.close |= self.head.owner == Owner::Closed;
        self.commit.due = match self.head.owner {
            _ if self.commit.close => Due::Never,
            Owner::Bot => Due::At(later(self.commit.at, idle_close_s)),
            // Somebody writes in the provider's own inbox; nobody will say when they are done.
            Owner::Agent if self.head.open_handoff.is_none() => {
                Due::At(later(self.commit.at, MUTED_S))
            }
            Owner::Agent | Owner::Queue | Owner::Closed => Due::Never,
        };
        Ok(Box::new(self.commit))
    }
}

/// So many seconds later.
pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
