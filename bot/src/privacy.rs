//! What is kept of one customer: found, told, erased. For commands, beside servers or without one.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::conversation::journal::{Body, Note, Row};
use crate::conversation::{CLAIMED_ID, Conversation, HEAD, STATE, TurnTrace, read_state};
use crate::decide::update_queue;
use crate::encoding::decode;
use crate::error::ServiceError;
use crate::events::CustomerEvent;
use crate::handoff::record::Record;
use crate::partition::{PartitionId, Snapshot};
use crate::rules::open::{CONTACT, Contact};
use crate::rules::queue::Write;
use crate::store::Store;

/// Partitions whose names are read at once.
const AT_ONCE: usize = 1_000;
/// Traces of a conversation that are told at most; a store keeps fewer.
const TRACES: usize = 1_000;

/// Everything that is kept of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptConversation {
    /// Its id.
    pub conversation: String,
    /// Who it is with, who has it, and when it began and ended; without its token's hash.
    pub head: Value,
    /// What was said and what the customer saw.
    pub transcript: Vec<CustomerEvent>,
    /// Notes between staff.
    pub notes: Vec<Note>,
    /// Its handoffs, with what was collected.
    pub handoffs: Vec<Record>,
    /// What the bot knows.
    pub state: Value,
    /// Why turns went as they did.
    pub traces: Vec<TurnTrace>,
}

/// What became of a conversation that was to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Erasure {
    /// Nothing of it is left.
    Erased,
    /// Something of it is being worked through or sent: it can be erased afterwards.
    Busy,
}

/// Finds the conversations of a customer: those in which `customer` is their id, proved or only said, or the address that they write
/// from; with `collected` also those in which it is another fact or a value that a flow collected, which may be somebody else's. It looks
/// at every conversation.
///
/// # Errors
/// The store is away, or holds something that can't be read.
pub async fn conversations_of(
    store: &Store,
    customer: &str,
    collected: bool,
) -> Result<Vec<PartitionId>, ServiceError> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let names = store.partitions(&after, AT_ONCE).await?;
        let Some(last) = names.last() else {
            return Ok(found);
        };
        last.as_str().clone_into(&mut after);
        for partition in names {
            if partition.as_conversation().is_none() {
                continue;
            }
            let snapshot = store.snapshot(&partition, &[HEAD, STATE]).await?;
            if let Some(snapshot) = snapshot
                && is_about(&partition, &snapshot, (customer, collected))?
            {
                found.push(partition);
            }
        }
    }
}

fn is_about(
    partition: &PartitionId,
    snapshot: &Snapshot,
    (customer, collected): (&str, bool),
) -> Result<bool, ServiceError> {
    let head = Conversation::of(partition, snapshot)?.head;
    let is_it = |text: &String| text == customer;
    let ids = ["id", CLAIMED_ID].map(|name| head.customer.get(name));
    if ids.into_iter().flatten().any(is_it) || head.provider_key.as_ref().is_some_and(is_it) {
        return Ok(true);
    }
    if !collected {
        return Ok(false);
    }
    if head.customer.values().any(is_it) {
        return Ok(true);
    }
    let Some(kept) = snapshot.doc(STATE).and_then(|body| read_state(body)) else {
        return Ok(false);
    };
    let state = kept.state;
    let ended = state.ended.iter().map(|ended| &ended.slots);
    let live = state.frames.iter().chain(&state.left_open);
    let slots = live.map(|frame| &frame.slots).chain(ended);
    let mut values = slots.chain([&state.slots]).flat_map(|slots| slots.values());
    Ok(values.any(|filled| filled.value.to_json() == customer))
}

/// Tells everything that is kept of a conversation.
///
/// # Errors
/// As for [`conversations_of`].
pub async fn export(
    store: &Store,
    partition: &PartitionId,
) -> Result<Option<KeptConversation>, ServiceError> {
    let docs = [HEAD, STATE, "handoff/*"];
    let Some(snapshot) = store.snapshot(partition, &docs).await? else {
        return Ok(None);
    };
    let conversation = Conversation::of(partition, &snapshot)?;
    let handoffs = conversation.head.handoffs.iter();
    let handoffs = handoffs.map(|id| Record::of(&snapshot, id));
    let mut kept = KeptConversation {
        conversation: partition.as_str().to_owned(),
        head: told(&conversation.head)?,
        transcript: Vec::new(),
        notes: Vec::new(),
        handoffs: handoffs
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?,
        state: match snapshot.doc(STATE).and_then(|body| read_state(body)) {
            Some(kept) => told(&kept.state)?,
            None => Value::Null,
        },
        traces: Vec::new(),
    };
    if let Some(head) = kept.head.as_object_mut() {
        head.remove("token_hash");
    }
    for entry in store.log(partition, 0, usize::MAX).await? {
        let row = Row::of(&entry)?;
        kept.transcript.extend(row.visible());
        if let Body::Note(note) = row.body {
            kept.notes.push(note);
        }
    }
    for trace in store.traces(partition, TRACES).await? {
        kept.traces.push(decode("trace", &trace)?);
    }
    Ok(Some(kept))
}

fn told(what: &impl Serialize) -> Result<Value, ServiceError> {
    serde_json::to_value(what).map_err(|error| ServiceError::System {
        message: format!("it can't be written as JSON ({error})"),
    })
}

/// Removes a conversation whole, open or not, and the address that leads to it where that leads to nothing else. Who is in it is told
/// with their next message that it is not known.
///
/// # Errors
/// As for [`conversations_of`].
pub async fn erase(
    store: &Store,
    partition: &PartitionId,
    now: Timestamp,
) -> Result<Erasure, ServiceError> {
    let Some(snapshot) = store.snapshot(partition, &[HEAD]).await? else {
        return Ok(Erasure::Erased);
    };
    let conversation = Conversation::of(partition, &snapshot)?;
    if !store.remove(partition, snapshot.head.revision).await? {
        return Ok(Erasure::Busy);
    }
    if !conversation.head.handoffs.is_empty() {
        update_queue(store, partition, Write::Changes, now).await?;
    }
    let head = conversation.head;
    if let Some(address) = &head.provider_key {
        let account = head.account.as_deref().unwrap_or_default();
        let contact = PartitionId::contact(&head.channel, account, address);
        forget_address(store, &contact).await?;
    }
    Ok(Erasure::Erased)
}

/// Removes an address that leads to no conversation any more.
async fn forget_address(store: &Store, contact: &PartitionId) -> Result<(), ServiceError> {
    let Some(snapshot) = store.snapshot(contact, &[CONTACT]).await? else {
        return Ok(());
    };
    if let Some(known) = Contact::of(Some(&snapshot))? {
        for conversation in [&known.current].into_iter().chain(&known.earlier) {
            let conversation = PartitionId::conversation(conversation);
            if store.snapshot(&conversation, &[]).await?.is_some() {
                return Ok(());
            }
        }
    }
    store.remove(contact, snapshot.head.revision).await?;
    Ok(())
}
