//! What messaging channels bring beside messages: receipts, words of our own people, what could not be sent.

use std::collections::BTreeMap;

use bellhop_connectors::channel::Offer;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;

use super::{Decided, Decision, Draft};
use crate::conversation::Conversation;
use crate::conversation::journal::{Body, Input, Note};
use crate::encoding::{Unreadable, content_hash, decode, encode};
use crate::error::ServiceError;
use crate::events::MessageEvent;
use crate::partition::{Commit, Seen, Snapshot};

/// The document of a conversation that holds its [`ChannelState`].
pub(crate) const CHANNEL: &str = "channel";
/// Messages whose failure is remembered.
const FAILED: usize = 20;

/// What is known of the line to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ChannelState {
    /// What was offered last.
    pub(crate) offer: Offer,
    /// When the customer wrote last, seconds since 1970.
    pub(crate) last_inbound_s: i64,
    /// Seq of what is being sent, and how many of its frames have arrived.
    pub(crate) partly: Option<(u64, usize)>,
    /// Seq of the last message that the provider has taken.
    pub(crate) sent: u64,
    /// Seq of the last that is on the customer's device.
    pub(crate) delivered: u64,
    /// Seq of the last that the customer has seen.
    pub(crate) read: u64,
    /// Seqs of those that will not arrive, each with why.
    pub(crate) failed: BTreeMap<u64, String>,
    /// How many frames of those have arrived all the same: sent again, they are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) half: BTreeMap<u64, usize>,
}

impl ChannelState {
    /// Reads it; empty where nothing was kept yet.
    ///
    /// # Errors
    /// A document that can't be read.
    pub(crate) fn of(snapshot: Option<&Snapshot>) -> Result<Self, Unreadable> {
        let doc = snapshot.and_then(|snapshot| snapshot.doc(CHANNEL));
        doc.map_or_else(|| Ok(Self::default()), |body| decode("channel", body))
    }

    /// How many frames of a message have arrived.
    pub(crate) fn begun(&self, seq: u64) -> usize {
        let partly = self.partly.filter(|(of, _)| *of == seq);
        let partly = partly.map(|(_, frames)| frames);
        partly.or_else(|| self.half.get(&seq).copied()).unwrap_or(0)
    }

    /// How a message of ours stands.
    pub(crate) fn of_message(&self, seq: u64) -> Option<&'static str> {
        if self.failed.contains_key(&seq) {
            return Some("failed");
        }
        match seq {
            seq if seq <= self.read => Some("read"),
            seq if seq <= self.delivered => Some("delivered"),
            seq if seq <= self.sent => Some("sent"),
            _ => None,
        }
    }
}

/// News of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// The customer wrote at this time.
    Wrote(i64),
    /// So many frames of a message were taken; all of them where `offer` is there.
    Taken {
        /// Its seq.
        seq: u64,
        /// How many.
        frames: usize,
        /// It is whole, and this is what it offers.
        offer: Option<Offer>,
    },
    /// It is on the customer's device.
    Delivered(u64),
    /// The customer has seen it.
    Read(u64),
    /// It will not arrive.
    Failed(u64, String),
}

/// Keeps news of the line to a customer. News overtake each other: what is known to be further stays so.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn keep(
    partition: &crate::partition::PartitionId,
    snapshot: Option<&Snapshot>,
    news: &News,
    now: Timestamp,
) -> Decided<()> {
    let Some(known) = snapshot else {
        return Ok(Decision::Already(()));
    };
    let before = ChannelState::of(snapshot)?;
    let mut state = before.clone();
    match news {
        News::Wrote(at_s) => state.last_inbound_s = state.last_inbound_s.max(*at_s),
        News::Taken { seq, frames, offer } => {
            state.partly = Some((*seq, *frames));
            if let Some(offer) = offer {
                // It was sent again after it had been given up.
                state.failed.remove(seq);
                state.half.remove(seq);
                state.partly = None;
                state.sent = state.sent.max(*seq);
                state.offer = offer.clone();
            }
        }
        News::Delivered(seq) => state.delivered = state.delivered.max(*seq),
        News::Read(seq) => {
            state.read = state.read.max(*seq);
            state.delivered = state.delivered.max(*seq);
        }
        News::Failed(seq, why) => {
            let begun = state.begun(*seq);
            if begun > 0 {
                state.half.insert(*seq, begun);
            }
            // Another may be on its way meanwhile: receipts come late.
            state.partly = state.partly.filter(|(of, _)| of != seq);
            state.failed.insert(*seq, why.clone());
            if state.failed.len() > FAILED {
                state.failed.pop_first();
            }
            if state.half.len() > FAILED {
                state.half.pop_first();
            }
        }
    }
    if state == before {
        return Ok(Decision::Already(()));
    }
    let mut commit = Commit::new(partition.clone(), Some(known.head.revision), now);
    let body = encode("channel", &state)?;
    commit.docs.insert(CHANNEL.to_owned(), Some(body));
    Ok(Decision::Commit(Box::new(commit), ()))
}

/// Somebody of ours wrote to the customer in the provider's own inbox: it is in the transcript, and the bot keeps quiet.
/// `seen` is what is stored under `sender_id`.
///
/// # Errors
/// None in practice.
pub(crate) fn echo(
    conversation: &Conversation,
    (sender_id, text): (&str, &str),
    seen: Option<Seen>,
    now: Timestamp,
) -> Decided<()> {
    if seen.is_some() || conversation.is_over() {
        return Ok(Decision::Already(()));
    }
    const WHO: &str = "our team";
    let mut draft = Draft::new(conversation, now);
    let message = MessageEvent::of_agent(WHO, text, sender_id);
    // The customer has it already.
    draft.append_unsent(0, &Body::Message(Box::new(message)))?;
    draft.commit.seen = Some((sender_id.to_owned(), content_hash(text.as_bytes()), 0));
    if conversation.head.owner == Owner::Bot {
        draft.give(Owner::Agent);
        let joined = Input::event(EventKind::AgentJoined {
            agent: WHO.to_owned(),
        });
        draft.append(0, &Body::Input(joined))?;
    }
    Ok(Decision::Commit(draft.finish(super::draft::MUTED_S)?, ()))
}

/// Something will not reach the customer: staff read it in the conversation.
///
/// # Errors
/// None in practice.
pub(crate) fn undelivered(
    conversation: &Conversation,
    bot: &str,
    why: &str,
    now: Timestamp,
) -> Decided<()> {
    let mut draft = Draft::new(conversation, now);
    let note = Note {
        by: bot.to_owned(),
        text: format!("a message could not be delivered: {why}"),
    };
    draft.append(0, &Body::Note(note))?;
    Ok(Decision::Commit(Box::new(draft.commit), ()))
}

/// The conversation of a snapshot.
///
/// # Errors
/// [`ServiceError::NotFound`], or a head that can't be read.
pub(crate) fn conversation(
    partition: &crate::partition::PartitionId,
    snapshot: Option<&Snapshot>,
) -> Result<Conversation, ServiceError> {
    let snapshot = snapshot.ok_or_else(|| ServiceError::NotFound {
        what: format!("conversation `{partition}`"),
    })?;
    Ok(Conversation::of(partition, snapshot)?)
}
