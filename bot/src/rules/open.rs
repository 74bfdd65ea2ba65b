//! A conversation begins, and which one a customer's address leads to.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;
use ulid::Ulid;

use super::draft::later;
use super::{Decided, Decision};
use crate::conversation::journal::{Body, Input};
use crate::conversation::{ConversationHead, HEAD, NewConversation};
use crate::encoding::{decode, encode};
use crate::error::ServiceError;
use crate::partition::{Commit, Due, Head, PartitionId, Snapshot};

/// Conversations of an address that are kept for telling repeated deliveries: those of the last days.
const EARLIER: usize = 8;

/// The commit that makes a conversation; its first input is that it was opened.
///
/// # Errors
/// None in practice.
pub(crate) fn open(
    id: &str,
    new: NewConversation,
    earlier: Vec<String>,
    token_hash: String,
    idle_close_s: i64,
    now: Timestamp,
) -> Result<Commit, ServiceError> {
    let head = ConversationHead {
        channel: new.channel.clone(),
        account: new.channel_account,
        provider_key: new.provider_key,
        destination: new.destination,
        earlier,
        language: new.language.clone().unwrap_or_default(),
        customer: new.customer.clone(),
        verified: new.verified,
        token_hash,
        opened_at: now,
        closed_at: None,
        bot: None,
        owner: Owner::Bot,
        custody_epoch: 0,
        handoffs: Vec::new(),
        open_secrets: Vec::new(),
        open_handoff: None,
    };
    let opened = Input::event(EventKind::Opened {
        channel: new.channel,
        language: new.language,
        customer: new.customer,
    });
    let mut commit = Commit::new(PartitionId::conversation(id), None, now);
    commit.append.push(Body::Input(opened).entry(0)?);
    let head = encode("conversation's head", &head)?;
    commit.docs.insert(HEAD.to_owned(), Some(head));
    commit.due = Due::At(later(now, idle_close_s));
    Ok(commit)
}

/// Which conversation an address leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contact {
    /// The one that is or was open last.
    pub(crate) current: String,
    /// Those before it, the latest first: a delivery that is repeated late belongs to one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<String>,
}

/// The document of a contact's partition that holds it.
pub(crate) const CONTACT: &str = "contact";

impl Contact {
    /// Reads it.
    ///
    /// # Errors
    /// A document that can't be read.
    pub(crate) fn of(snapshot: Option<&Snapshot>) -> Result<Option<Self>, ServiceError> {
        let doc = snapshot.and_then(|snapshot| snapshot.doc(CONTACT));
        Ok(doc.map(|body| decode("contact", body)).transpose()?)
    }
}

/// How long after an address was led to a conversation that is still to be made: whoever did it has long given up by then.
const MADE_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// A conversation that is not there may still be made: its id is fresh. Under an old one there was a conversation that was removed,
/// and what others know of that one (its token, its handoffs' ids) must never be true of another.
pub(crate) fn may_be_made(id: &str, now: Timestamp) -> bool {
    let Ok(id) = Ulid::from_string(id) else {
        return true;
    };
    let made_at = i64::try_from(id.timestamp_ms()).unwrap_or(i64::MAX);
    now.as_millisecond().saturating_sub(made_at) < MADE_WITHIN.as_secs() * 1_000
}

/// What becomes of an address that is due.
#[derive(Debug, PartialEq)]
pub(crate) enum Address {
    /// Its last conversation is gone, and so it goes.
    Forget,
    /// It is looked at again later.
    Keep(Box<Commit>),
}

/// Looks at an address; `current` is the conversation that it leads to, if that is there. Conversations are kept for `kept` after
/// the last thing that happened in them.
pub(crate) fn look_at_address(
    partition: &PartitionId,
    (snapshot, contact): (&Snapshot, Option<Contact>),
    current: Option<Head>,
    kept: SignedDuration,
    now: Timestamp,
) -> Address {
    let fresh = contact.is_some_and(|contact| may_be_made(&contact.current, now));
    if current.is_none() && !fresh {
        return Address::Forget;
    }
    let ends = current.map_or(now, |current| later(current.last_at, kept.as_secs()));
    let mut commit = Commit::new(partition.clone(), Some(snapshot.head.revision), now);
    commit.due = Due::At(ends.max(later(now, MADE_WITHIN.as_secs())));
    Address::Keep(Box::new(commit))
}

/// Has an address lead to a new conversation in place of `over`, the one that it was seen to lead to; gives the one it leads
/// to then. Of two who open one at once, one wins and both get the winner's. It is looked at again after `kept`, when the conversation
/// may be old.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn lead_to(
    partition: &PartitionId,
    snapshot: Option<&Snapshot>,
    over: Option<&str>,
    fresh: &str,
    kept: SignedDuration,
    now: Timestamp,
) -> Decided<Contact> {
    let known = Contact::of(snapshot)?;
    if let Some(known) = &known
        && over != Some(&known.current)
    {
        return Ok(Decision::Already(known.clone()));
    }
    let mut earlier = Vec::new();
    if let Some(known) = known {
        earlier.push(known.current);
        earlier.extend(known.earlier);
        earlier.truncate(EARLIER);
    }
    let contact = Contact {
        current: fresh.to_owned(),
        earlier,
    };
    let revision = snapshot.map(|snapshot| snapshot.head.revision);
    let mut commit = Commit::new(partition.clone(), revision, now);
    let body = encode("contact", &contact)?;
    commit.docs = BTreeMap::from([(CONTACT.to_owned(), Some(body))]);
    commit.due = Due::At(later(now, kept.as_secs()));
    Ok(Decision::Commit(Box::new(commit), contact))
}
