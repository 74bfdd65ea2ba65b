//! What must be true whatever happens. [`Watch`] sees every write in order and judges it at once; [`quiet`] judges the whole
//! once nothing waits any more.

pub(super) mod quiet;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;

use crate::conversation::journal::{Body, Input, Row, What};
use crate::conversation::{ConversationHead, HEAD};
use crate::encoding::decode;
use crate::events::{Author, MessageEvent};
use crate::handoff::record::{Record, Stage, document};
use crate::handoff::status::{STATUS, Status};
use crate::partition::{Accept, Commit, Entry, Head, Prune};

/// A judgement: what is wrong, in words.
pub(super) type Judged = Result<(), String>;

/// Fails with words where something is not as it must be.
macro_rules! must {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}
pub(super) use must;

/// Everything that was written, as an observer above all processes sees it.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) conversations: BTreeMap<String, Watched>,
    /// Conversation and seq of each message, by its sender's id: ids are unique in a world.
    pub(super) stored: BTreeMap<String, (String, u64)>,
    /// Conversations that were removed because they were old.
    pub(super) removed: BTreeSet<String>,
    /// Traces were forgotten because they were old.
    pub(super) forgot_traces: bool,
    /// Status events that arrived, by conversation, each time that they did.
    pub(super) arrived: BTreeMap<String, Vec<Status>>,
}

/// What is known of a handoff.
#[derive(Debug)]
struct Known {
    stage: Stage,
    requested_at: Timestamp,
    holder: Option<String>,
    /// All who ever had it.
    holders: Vec<String>,
    epoch: u64,
    /// Times that it went from an agent back into the queue.
    requeues: u64,
}

/// What is known of a conversation.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// How many conversations there were before it: clocks differ, and ids with them.
    pub(super) number: usize,
    pub(super) head: Option<ConversationHead>,
    /// Inputs that are not worked through; whether it is that an agent came.
    waiting: BTreeMap<u64, bool>,
    /// Inputs in the order in which they were worked through.
    pub(super) worked: Vec<u64>,
    processed: u64,
    closed: bool,
    handoffs: BTreeMap<String, Known>,
    /// Entries of what the engine was fed, and the inputs that led to them.
    events: BTreeMap<u64, u64>,
    /// Keys of irreversible calls, by input.
    calls: BTreeMap<u64, String>,
    /// Status events that must arrive, in order.
    statuses: Vec<Status>,
}

impl Watch {
    /// Something was accepted.
    pub(super) fn accepted(&mut self, accept: &Accept, seq: u64) -> Judged {
        let conversation = accept.partition.as_str().to_owned();
        let place = (conversation.clone(), seq);
        let before = self.stored.insert(accept.sender_id.clone(), place);
        must!(
            before.is_none(),
            "`{}` is stored twice: {before:?} and {conversation} {seq}",
            accept.sender_id
        );
        let it = self.conversations.entry(conversation).or_default();
        must!(
            !it.closed,
            "`{}` is accepted after the end",
            accept.sender_id
        );
        it.waiting.insert(seq, false);
        Ok(())
    }

    /// Something was committed.
    pub(super) fn committed(&mut self, commit: &Commit, first_seq: u64) -> Judged {
        let Some(id) = commit.partition.as_conversation() else {
            return Ok(());
        };
        if let Some((sender_id, _, index)) = &commit.seen {
            let client_msg_id = sender_id.rsplit('/').next().unwrap_or_default();
            let place = (id.to_owned(), first_seq + *index as u64);
            let before = self.stored.insert(client_msg_id.to_owned(), place);
            must!(before.is_none(), "`{sender_id}` is stored twice");
        }
        let number = self.conversations.len();
        let it = self.conversations.entry(id.to_owned()).or_default();
        if commit.expected.is_none() {
            it.number = number;
        }
        it.committed(commit, first_seq)
            .map_err(|what| format!("{id}: {what}"))
    }

    /// A conversation was removed that stood like this before: it must have been over, done with, and old.
    pub(super) fn removed(&mut self, id: &str, was: Head, prune: Prune) -> Judged {
        let is_over = self.conversations.get(id).is_some_and(|it| it.closed);
        must!(
            is_over && was.closed && was.waiting == 0 && was.last_at < prune.transcript_before,
            "{id} was removed while it was {was:?}"
        );
        self.removed.insert(id.to_owned());
        Ok(())
    }

    /// Conversations that are over.
    pub(super) fn over(&self) -> Vec<String> {
        let all = self.conversations.iter().filter(|(_, it)| it.closed);
        all.map(|(id, _)| id.clone()).collect()
    }

    /// An irreversible call is sent.
    pub(super) fn sent(&mut self, full_key: &str, key: &str) -> Judged {
        let conversation = full_key.split('/').next().unwrap_or_default();
        let known = self.conversations.get(conversation);
        let is_known = known.is_some_and(|it| it.calls.values().any(|known| known == key));
        must!(
            is_known,
            "`{full_key}` is sent and the log does not know of it"
        );
        Ok(())
    }

    /// A status event arrived.
    pub(super) fn arrived(&mut self, id: &str, body: &[u8]) -> Judged {
        let status: Status = decode("status", body).map_err(|error| error.to_string())?;
        must!(status.id == id, "{status:?} came under the id `{id}`");
        let all = self
            .arrived
            .entry(status.conversation_id.clone())
            .or_default();
        all.push(status);
        Ok(())
    }

    pub(super) fn handoffs(&self) -> u64 {
        self.conversations
            .values()
            .map(|it| it.handoffs.len() as u64)
            .sum()
    }

    pub(super) fn takes(&self) -> u64 {
        let handoffs = self
            .conversations
            .values()
            .flat_map(|it| it.handoffs.values());
        handoffs.map(|known| known.holders.len() as u64).sum()
    }

    pub(super) fn requeues(&self) -> u64 {
        let handoffs = self
            .conversations
            .values()
            .flat_map(|it| it.handoffs.values());
        handoffs.map(|known| known.requeues).sum()
    }

    /// Somebody had a handoff at some time.
    fn had(&self, handoff: &str, agent: &str) -> bool {
        let conversation = handoff.split('-').next().unwrap_or_default();
        let known = self.conversations.get(conversation);
        let known = known.and_then(|it| it.handoffs.get(handoff));
        known.is_some_and(|known| known.holders.iter().any(|holder| holder == agent))
    }
}

impl Watched {
    fn owner(&self) -> Owner {
        self.head.as_ref().map_or(Owner::Bot, |head| head.owner)
    }

    /// The handoff that is open, and what is known of it.
    fn open(&self) -> Option<(&str, &Known)> {
        let id = self.head.as_ref()?.open_handoff.as_deref()?;
        Some((id, self.handoffs.get(id)?))
    }

    fn committed(&mut self, commit: &Commit, first_seq: u64) -> Judged {
        for seq in &commit.erase {
            let cause = self.events.remove(seq);
            must!(cause.is_some(), "{seq} is erased and holds no events");
        }
        let mut inputs = Vec::new();
        for (seq, new) in (first_seq..).zip(&commit.append) {
            let entry = Entry {
                seq,
                at: commit.at,
                kind: new.kind,
                cause: new.cause,
                body: new.body.clone(),
            };
            let row = Row::of(&entry).map_err(|error| error.to_string())?;
            if let Body::Input(input) = &row.body {
                inputs.push((seq, is_joining(input)));
            }
            self.appended(&row, commit)?;
        }
        if let Some(seq) = commit.processed {
            self.worked_through(seq, commit)?;
        }
        self.waiting.extend(inputs);
        self.changed(commit)?;
        self.closed |= commit.close;
        for out in commit.out.iter().filter(|out| out.destination == STATUS) {
            let status: Status = decode("status", &out.body).map_err(|error| error.to_string())?;
            let known = self.statuses.iter().any(|known| known.id == status.id);
            must!(!known, "`{}` is told twice", status.id);
            self.statuses.push(status);
        }
        Ok(())
    }

    /// The input that has to be worked through next.
    fn next(&self) -> Option<(u64, bool)> {
        self.waiting
            .first_key_value()
            .map(|(seq, joins)| (*seq, *joins))
    }

    fn appended(&mut self, row: &Row, commit: &Commit) -> Judged {
        let next = self.next().map(|(seq, _)| seq);
        match &row.body {
            Body::Message(message) if message.from == Author::Agent => {
                self.agent_says(message, commit)
            }
            Body::Message(_) => self.bot_says(row.cause),
            Body::Events(_) => {
                must!(
                    Some(row.cause) == next,
                    "events for {}, but {next:?} is next",
                    row.cause
                );
                self.events.insert(row.seq, row.cause);
                Ok(())
            }
            Body::Call(call) => {
                must!(
                    Some(row.cause) == next,
                    "a call for {}, but {next:?} is next",
                    row.cause
                );
                let before = self.calls.insert(row.cause, call.key.clone());
                must!(
                    before.is_none(),
                    "a second call for {}: {} after {before:?}",
                    row.cause,
                    call.key
                );
                Ok(())
            }
            Body::Input(_) | Body::Handoff(_) | Body::Closed(_) | Body::Note(_) => Ok(()),
        }
    }

    /// Only who owns the conversation speaks to the customer, under an id of their own.
    fn agent_says(&self, message: &MessageEvent, commit: &Commit) -> Judged {
        must!(
            self.owner() == Owner::Agent,
            "{message:?} while {:?} has it",
            self.owner()
        );
        let holder = self.open().and_then(|(_, known)| known.holder.clone());
        let id = message.client_msg_id.as_deref().unwrap_or_default();
        let must_be = holder.map(|holder| format!("agent/{holder}/{id}"));
        let is = commit
            .seen
            .as_ref()
            .map(|(sender_id, ..)| sender_id.clone());
        must!(is == must_be, "{is:?} speaks, and {must_be:?} has it");
        Ok(())
    }

    /// While a person has the conversation the bot says nothing but in the turn in which they come.
    fn bot_says(&self, cause: u64) -> Judged {
        match self.owner() {
            Owner::Bot | Owner::Queue => Ok(()),
            Owner::Agent if self.next() == Some((cause, true)) => Ok(()),
            owner => Err(format!(
                "the bot speaks in the turn of {cause} while {owner:?} has it"
            )),
        }
    }

    fn worked_through(&mut self, seq: u64, commit: &Commit) -> Judged {
        let next = self.waiting.pop_first().map(|(next, _)| next);
        must!(
            next == Some(seq),
            "{seq} is worked through, and {next:?} is next"
        );
        must!(
            seq > self.processed,
            "{seq} is worked through after {}",
            self.processed
        );
        self.processed = seq;
        self.worked.push(seq);
        let rows = self.events.values().filter(|cause| **cause == seq).count();
        let most = 1 + usize::from(self.calls.contains_key(&seq));
        // What comes after the end is no longer fed to the engine.
        let least = usize::from(!self.closed);
        must!(
            (least..=most).contains(&rows),
            "{rows} entries of events for {seq}"
        );
        let trace = commit.trace.as_deref().unwrap_or_default();
        let panicked = trace.windows(10).any(|at| at == b"\"panicked\"");
        must!(!panicked, "the turn of {seq} panicked");
        Ok(())
    }

    /// Head and handoffs change as they may, and together.
    fn changed(&mut self, commit: &Commit) -> Judged {
        if let Some(Some(body)) = commit.docs.get(HEAD) {
            let head: ConversationHead = decode("head", body).map_err(|error| error.to_string())?;
            if let Some(before) = &self.head {
                let grown = head.custody_epoch.checked_sub(before.custody_epoch);
                let must_grow = u64::from(head.owner != before.owner);
                must!(grown == Some(must_grow), "from {before:?} to {head:?}");
                let goes_on = before.owner == Owner::Closed && head.owner != Owner::Closed;
                must!(!goes_on, "it is over, and becomes {head:?}");
            }
            self.head = Some(head);
        }
        for (name, body) in &commit.docs {
            if let (Some(id), Some(body)) = (name.strip_prefix("handoff/"), body) {
                debug_assert_eq!(*name, document(id));
                let record: Record = decode("handoff", body).map_err(|error| error.to_string())?;
                self.handoff(id, &record)?;
            }
        }
        self.agrees()
    }

    fn handoff(&mut self, id: &str, record: &Record) -> Judged {
        let holder = record.holder.as_ref().map(|holder| holder.id.clone());
        let Some(known) = self.handoffs.get(id) else {
            must!(
                record.stage == Stage::Queued,
                "{id} begins as {:?}",
                record.stage
            );
            let known = Known {
                stage: record.stage,
                requested_at: record.requested_at,
                holder,
                holders: Vec::new(),
                epoch: record.custody_epoch,
                requeues: 0,
            };
            let before = self.handoffs.values().last();
            let goes_on = before.is_none_or(|before| {
                before.stage != Stage::Transferred || before.requested_at == known.requested_at
            });
            must!(
                goes_on,
                "{id} does not go on with the age of the one before"
            );
            self.handoffs.insert(id.to_owned(), known);
            return Ok(());
        };
        let may = match known.stage {
            Stage::Queued => matches!(
                record.stage,
                Stage::Assigned | Stage::Cancelled | Stage::Abandoned
            ),
            Stage::Assigned | Stage::AgentActive => {
                record.stage == Stage::Queued
                    || holder == known.holder && record.stage != Stage::Assigned
            }
            _ => false,
        };
        must!(
            may,
            "{id} goes from {known:?} to {:?} of {holder:?}",
            record.stage
        );
        must!(
            record.requested_at == known.requested_at,
            "{id} has another age"
        );
        let Some(known) = self.handoffs.get_mut(id) else {
            return Ok(());
        };
        known.requeues += u64::from(record.stage == Stage::Queued);
        if record.stage == Stage::Assigned {
            known.holders.extend(holder.clone());
        }
        (known.stage, known.holder, known.epoch) = (record.stage, holder, record.custody_epoch);
        Ok(())
    }

    /// Who owns the conversation is who has its handoff; no other handoff is open.
    fn agrees(&self) -> Judged {
        let Some(head) = &self.head else {
            return Err("a conversation has no head".to_owned());
        };
        let open = self.open();
        let open_ids: BTreeSet<&str> = self
            .handoffs
            .iter()
            .filter(|(_, known)| known.stage.is_open())
            .map(|(id, _)| id.as_str())
            .collect();
        must!(
            open_ids == open.iter().map(|(id, _)| *id).collect(),
            "{open_ids:?} are open and the head says {open:?}"
        );
        let agrees = match (head.owner, open) {
            (Owner::Bot | Owner::Closed, None) => true,
            (Owner::Queue, Some((_, known))) => {
                known.stage == Stage::Queued && known.epoch == head.custody_epoch
            }
            (Owner::Agent, Some((_, known))) => {
                known.stage.with_agent() && known.epoch == head.custody_epoch
            }
            // The customer has left, and the agent has still to write a note.
            (Owner::Closed, Some((_, known))) => known.stage.with_agent(),
            _ => false,
        };
        must!(
            agrees,
            "{:?} has it, and its handoff is {open:?}",
            head.owner
        );
        Ok(())
    }
}

fn is_joining(input: &Input) -> bool {
    matches!(
        input.what,
        What::Event {
            event: EventKind::AgentJoined { .. }
        }
    )
}
