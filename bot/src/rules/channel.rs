//! What messaging channels bring beside messages: receipts, words of our own people, what could not be sent.

use std::collections::{BTreeMap, BTreeSet};

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
use crate::events::{DeliveryEvent, DeliveryState, MessageEvent};
use crate::gate::Gate;
use crate::partition::{Commit, Seen, Snapshot};

/// The document of a conversation that holds its [`ChannelState`].
pub(crate) const CHANNEL: &str = "channel";
/// What ids of messages begin with that were written in the provider's own inbox; nothing of ours sends them.
pub(crate) const ECHO: &str = "echo/";
/// Messages whose failure is remembered.
const FAILED: usize = 20;
/// Frames that are known to have arrived: as many as news of them may overtake each other.
const ARRIVED: usize = 40;

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
    /// The last frames, by seq and number, that are known to be on the customer's device.
    pub(crate) arrived: BTreeSet<(u64, usize)>,
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
    pub(crate) fn of_message(&self, seq: u64) -> DeliveryEvent {
        let reason = self.failed.get(&seq).cloned();
        let state = match seq {
            _ if reason.is_some() => DeliveryState::Failed,
            seq if seq <= self.read => DeliveryState::Read,
            seq if seq <= self.delivered => DeliveryState::Delivered,
            seq if seq <= self.sent => DeliveryState::Sent,
            _ => DeliveryState::Waiting,
        };
        DeliveryEvent { seq, state, reason }
    }

    fn arrived(&mut self, seq: u64, frame: usize) {
        self.delivered = self.delivered.max(seq);
        self.arrived.insert((seq, frame));
        if self.arrived.len() > ARRIVED {
            self.arrived.pop_first();
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
        /// It had failed before this attempt began.
        again: bool,
    },
    /// This frame of it is on the customer's device.
    Delivered(u64, usize),
    /// The customer has seen this frame.
    Read(u64, usize),
    /// This frame of it will not arrive.
    Failed(u64, usize, String),
}

impl News {
    /// The message that they are about.
    fn seq(&self) -> Option<u64> {
        match self {
            Self::Wrote(_) => None,
            Self::Taken { seq, .. }
            | Self::Delivered(seq, _)
            | Self::Read(seq, _)
            | Self::Failed(seq, ..) => Some(*seq),
        }
    }
}

/// Keeps news of the line to a customer. News overtake each other: what is known to be further stays so. Gives how the message
/// stands where that has changed.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn keep(
    partition: &crate::partition::PartitionId,
    snapshot: Option<&Snapshot>,
    news: &News,
    now: Timestamp,
) -> Decided<Option<DeliveryEvent>> {
    let Some(known) = snapshot else {
        return Ok(Decision::Already(None));
    };
    let before = ChannelState::of(snapshot)?;
    let mut state = before.clone();
    match news {
        News::Wrote(at_s) => state.last_inbound_s = state.last_inbound_s.max(*at_s),
        News::Taken {
            seq,
            frames,
            offer,
            again,
        } => {
            state.partly = Some((*seq, *frames));
            if let Some(offer) = offer {
                // A receipt that says otherwise may be quicker than the provider's answer, and holds.
                if *again {
                    state.failed.remove(seq);
                }
                state.half.remove(seq);
                state.partly = None;
                state.sent = state.sent.max(*seq);
                state.offer = offer.clone();
            }
        }
        News::Delivered(seq, frame) => state.arrived(*seq, *frame),
        News::Read(seq, frame) => {
            state.read = state.read.max(*seq);
            state.arrived(*seq, *frame);
        }
        // Late, or told twice: the customer has it.
        News::Failed(seq, frame, _) if state.arrived.contains(&(*seq, *frame)) => {}
        News::Failed(seq, _, why) => {
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
        return Ok(Decision::Already(None));
    }
    let stands = |state: &ChannelState| news.seq().map(|seq| state.of_message(seq));
    let changed = stands(&state).filter(|now| stands(&before).as_ref() != Some(now));
    let mut commit = Commit::new(partition.clone(), Some(known.head.revision), now);
    let body = encode("channel", &state)?;
    commit.docs.insert(CHANNEL.to_owned(), Some(body));
    Ok(Decision::Commit(Box::new(commit), changed))
}

/// Somebody of ours wrote to the customer in the provider's own inbox: it is in the transcript, and the bot keeps quiet.
/// `seen` is what is stored under `sender_id`.
///
/// # Errors
/// None in practice.
pub(crate) fn echo(
    (conversation, gate): (&Conversation, &Gate),
    (sender_id, text): (&str, &str),
    seen: Option<Seen>,
    now: Timestamp,
) -> Decided<()> {
    if seen.is_some() || conversation.is_over() {
        return Ok(Decision::Already(()));
    }
    const WHO: &str = "our team";
    let mut draft = Draft::new(conversation, gate, now);
    let message = MessageEvent::of_agent(WHO, text, sender_id);
    let message = gate.said(&conversation.head.channel, message);
    let hash = content_hash(message.text.as_bytes());
    draft.commit.seen = Some((sender_id.to_owned(), hash, 0));
    // The customer has it already.
    draft.append_unsent(0, &Body::Message(Box::new(message)))?;
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
    (conversation, gate): (&Conversation, &Gate),
    bot: &str,
    why: &str,
    now: Timestamp,
) -> Decided<()> {
    let mut draft = Draft::new(conversation, gate, now);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::{Head, PartitionId};

    /// How message 7 stands after some news, one after the other; fails where it ever goes back.
    fn after(news: &[&News]) -> DeliveryState {
        let partition = PartitionId::conversation("c");
        let mut snapshot = Snapshot {
            head: Head {
                revision: 1,
                last_seq: 9,
                processed: 9,
                waiting: 0,
                closed: false,
                last_at: Timestamp::UNIX_EPOCH,
            },
            docs: BTreeMap::new(),
        };
        let mut stands = DeliveryState::Waiting;
        for (at, one) in news.iter().enumerate() {
            let kept = keep(&partition, Some(&snapshot), one, Timestamp::UNIX_EPOCH);
            if let Decision::Commit(commit, told) = kept.expect("kept") {
                for (name, body) in commit.docs {
                    snapshot.docs.insert(name, body.expect("a document"));
                }
                let state = ChannelState::of(Some(&snapshot)).expect("reads");
                let now = state.of_message(7);
                assert!(now.state >= stands, "{now:?} after {:?}", &news[..=at]);
                if one.seq() == Some(7) {
                    assert_eq!(told, (now.state != stands).then(|| now.clone()));
                }
                stands = now.state;
            }
        }
        stands
    }

    fn taken() -> News {
        News::Taken {
            seq: 7,
            frames: 1,
            offer: Some(Offer::default()),
            again: false,
        }
    }

    #[test]
    fn news_that_overtake_each_other_never_take_anything_back() {
        let (taken, on_device, seen) = (taken(), News::Delivered(7, 0), News::Read(7, 0));
        let failed = News::Failed(7, 0, "131026: not on WhatsApp".to_owned());
        let all = [&taken, &on_device, &seen, &on_device];
        for first in 0..4 {
            for second in (0..4).filter(|at| *at != first) {
                let rest = (0..4).filter(|at| ![first, second].contains(at));
                let rest: Vec<&News> = rest.map(|at| all[at]).collect();
                for rest in [[rest[0], rest[1]], [rest[1], rest[0]]] {
                    let order = [all[first], all[second], rest[0], rest[1]];
                    assert_eq!(after(&order), DeliveryState::Read);
                }
            }
        }
        assert_eq!(after(&[&taken, &failed]), DeliveryState::Failed);
        assert_eq!(after(&[&failed, &taken]), DeliveryState::Failed);
        assert_eq!(after(&[&taken, &seen, &failed]), DeliveryState::Read);
        // One part of a long message arrives, another doesn't.
        let part = News::Failed(7, 1, "131026".to_owned());
        assert_eq!(after(&[&on_device, &part]), DeliveryState::Failed);
        // What is said later arrives; that this has failed is told afterwards.
        let later = News::Read(9, 0);
        assert_eq!(after(&[&later, &failed]), DeliveryState::Failed);
    }
}
