//! Judges what is kept of a partition: whether it fits together and can be read. Pure; changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use bellhop_flows::engine::event::Event;
use bellhop_flows::engine::state::State;

use crate::audit::Link;
use crate::bots::{FILE, KeptFlows};
use crate::channels::is_channel;
use crate::conversation::journal::{Row, engine_events};
use crate::conversation::{Conversation, STATE, TurnTrace, read_state};
use crate::encoding::{Unreadable, decode, encode};
use crate::handoff::queue::{AGENT, AgentCard, TICKET, Ticket};
use crate::handoff::record::Record;
use crate::handoff::status::{STATUS, Status};
use crate::partition::{Bytes, Entry, Kind, PartitionId, Snapshot};
use crate::rules::audit::{FORGOTTEN, LAST, Walk};
use crate::rules::channel::ChannelState;
use crate::rules::draft::{SaidEntry, TO_QUEUE};
use crate::rules::open::{CONTACT, Contact};
use crate::store::{Damage, Export};
use crate::turn::fold;

const RESTORE: &str = "bring the partition back from a backup; a server can't go on with it";
const REPORT: &str = "keep the store as it is and report this";

/// Collects what is wrong with one partition.
struct Judge<'a> {
    export: &'a Export,
    found: Vec<Damage>,
    /// Seqs of all entries, with their kinds.
    kinds: BTreeMap<u64, Kind>,
    /// Seq of the first entry that is kept: what was before it has been taken away as a whole.
    first: u64,
}

/// Tells what is wrong with a partition. The state of a conversation is made again from its log and compared, where the flows
/// that it was fed to are known.
pub(crate) fn judge(export: &Export, flows: &KeptFlows) -> Vec<Damage> {
    let mut judge = Judge {
        export,
        found: Vec::new(),
        kinds: export.log.iter().map(|it| (it.seq, it.kind)).collect(),
        first: export.log.first().map_or(u64::MAX, |entry| entry.seq),
    };
    judge.log();
    judge.head();
    judge.references();
    judge.outbox();
    match export.partition.as_conversation() {
        Some(_) => judge.conversation(flows),
        None => judge.others(),
    }
    if export.partition == PartitionId::audit() {
        judge.audit();
    }
    judge.found
}

impl Judge<'_> {
    fn add(&mut self, what: String, todo: &str) {
        self.found.push(Damage {
            place: self.export.partition.to_string(),
            what,
            todo: todo.to_owned(),
        });
    }

    fn note<T>(&mut self, read: Result<T, Unreadable>, todo: &str) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error.to_string(), todo);
                None
            }
        }
    }

    fn has(&self, seq: u64) -> bool {
        seq < self.first || self.kinds.contains_key(&seq)
    }

    /// Seqs are dense but for what a turn has taken back that was begun again: its events are then in an entry that comes
    /// after the gap and whose input comes before.
    fn log(&mut self) {
        let export = self.export;
        let places: Vec<u64> = export.log.iter().map(|entry| entry.seq).collect();
        if places.windows(2).any(|two| two[0] >= two[1]) || places.first() == Some(&0) {
            self.add("its log is not in order".to_owned(), RESTORE);
        }
        let last = export.head.last_seq;
        if let Some(beyond) = places.last().filter(|seq| **seq > last) {
            let what =
                format!("entry {beyond} comes after the last one that its head knows, {last}");
            self.add(what, RESTORE);
        }
        let begun_again = |gap: u64| {
            let mut later = export.log.iter().filter(|it| it.kind == Kind::Events);
            later.any(|it| it.seq > gap && it.cause != 0 && it.cause < gap)
        };
        let from = self.first.min(last);
        let missing = (from..=last).filter(|seq| !self.has(*seq) && !begun_again(*seq));
        let missing: Vec<String> = missing.take(10).map(|seq| seq.to_string()).collect();
        // A log of which nothing is kept any more has no gaps.
        if !missing.is_empty() && !places.is_empty() {
            self.add(format!("entries are lost: {}", missing.join(", ")), RESTORE);
        }
    }

    fn head(&mut self) {
        let head = self.export.head;
        let is_input = |seq: u64| self.kinds.get(&seq) == Some(&Kind::Input);
        if head.processed > head.last_seq
            || (head.processed >= self.first && !is_input(head.processed))
        {
            let what = format!(
                "its head says that input {} is worked through, and there is none",
                head.processed
            );
            self.add(what, RESTORE);
        }
        let inputs = self.kinds.range(head.processed + 1..);
        let waiting = inputs.filter(|(_, kind)| **kind == Kind::Input).count() as u64;
        if waiting != head.waiting {
            let what = format!(
                "its head says that {} inputs wait, and {waiting} do",
                head.waiting
            );
            self.add(what, REPORT);
        }
    }

    fn references(&mut self) {
        let export = self.export;
        for Entry { seq, cause, .. } in &export.log {
            if *cause != 0 && (cause >= seq || !self.has(*cause)) {
                self.add(
                    format!("entry {seq} comes of entry {cause}, which is not there"),
                    RESTORE,
                );
            }
        }
        for (sender, seen) in &export.seen {
            if seen.seq == 0 || seen.seq > export.head.last_seq || !self.has(seen.seq) {
                // Not the id itself: a provider's may name a customer.
                let hash = crate::encoding::secret_hash(sender);
                let what = format!(
                    "a message was acknowledged as entry {} (hash of its id {}…), which is not there",
                    seen.seq,
                    &hash[..8]
                );
                self.add(what, RESTORE);
            }
        }
    }

    fn outbox(&mut self) {
        let export = self.export;
        for (destination, lane) in &export.lanes {
            match (lane.free_at, lane.waiting.first()) {
                (Some(_), None) => self.add(
                    format!("it is to send something to `{destination}`, and there is nothing"),
                    "nothing: whoever sends next finds that out",
                ),
                (None, Some(_)) => self.add(
                    format!("something waits for `{destination}` that nobody would send"),
                    "copy the store (bellhop store copy): in the copy it is sent",
                ),
                _ => {}
            }
            let first = lane.waiting.first().map_or(lane.last + 1, |it| it.number);
            let numbers = lane.waiting.iter().map(|it| it.number);
            if !numbers.eq(first..=lane.last) {
                let what = format!("something is lost of what waits for `{destination}`");
                self.add(what, RESTORE);
            }
        }
        let waiting = export.lanes.values().flat_map(|lane| &lane.waiting);
        for claim in waiting.chain(export.dead.iter().map(|letter| &letter.claim)) {
            let (destination, body) = (&*claim.destination, &claim.body);
            let drop = "give it up and throw it away (bellhop outbox drop)";
            match destination {
                TO_QUEUE => {}
                STATUS => {
                    self.note(decode::<Status>("status event", body), drop);
                }
                channel if is_channel(channel) => {
                    let said = self.note(decode::<SaidEntry>("outbound", body), drop);
                    let seq = said.map(|said| claim.seq.saturating_sub(said.from_last));
                    if let Some(seq) = seq
                        && seq >= self.first
                        && self.kinds.get(&seq) != Some(&Kind::Message)
                    {
                        let what = format!(
                            "entry {seq} is to be sent to `{destination}`, and it is no message"
                        );
                        self.add(what, drop);
                    }
                }
                _ => {}
            }
        }
    }

    fn conversation(&mut self, flows: &KeptFlows) {
        let export = self.export;
        let mut rows = Vec::with_capacity(export.log.len());
        for entry in &export.log {
            match Row::of(entry) {
                Ok(row) => rows.push(row),
                Err(error) => self.add(format!("entry {}: {error}", entry.seq), RESTORE),
            }
        }
        let is_whole = rows.len() == export.log.len();
        let snapshot = snapshot(export);
        let conversation = Conversation::of(&export.partition, &snapshot);
        if let Some(conversation) = self.note(conversation, RESTORE)
            && let Some(open) = &conversation.head.open_handoff
            && !matches!(Record::of(&snapshot, open), Ok(Some(_)))
        {
            let what = format!("its handoff `{open}` is open, and can't be read");
            self.add(what, RESTORE);
        }
        let read = ChannelState::of(Some(&snapshot));
        self.note(read, "bring the document back from a backup");
        for (id, body) in snapshot.below("handoff/") {
            let record = decode::<Record>("handoff", body);
            if let Err(error) = record {
                self.add(format!("handoff `{id}`: {error}"), RESTORE);
            }
        }
        for (_, trace) in &export.traces {
            self.note(
                decode::<TurnTrace>("trace", trace),
                "nothing: only the trace view lacks it",
            );
        }
        let Some(kept) = snapshot.doc(STATE) else {
            return;
        };
        let Some(kept) = read_state(kept) else {
            let todo = "nothing: with the next message it is made again from the log";
            self.add("its state is not what was written (hash)".to_owned(), todo);
            return;
        };
        // A log that begins later than at 1 was shortened: its beginning can't be folded any more.
        if is_whole && self.first == 1 {
            let events = engine_events(rows, export.head.processed);
            let folded = folded(flows, &events);
            if folded.is_some_and(|folded| folded != kept.state) {
                self.add(
                    "its state is not what its log makes of it".to_owned(),
                    REPORT,
                );
            }
        }
    }

    /// The queue, contacts, the staff.
    /// The chain of who did what holds from the oldest entry that is kept to the last.
    fn audit(&mut self) {
        let place = |doc: &str| {
            let body = self.export.docs.get(doc);
            let place = body.map(|body| decode::<Link>("place", body)).transpose();
            place.map(|place| place.unwrap_or_else(Link::start))
        };
        let (start, last) = (place(FORGOTTEN), place(LAST));
        let (Some(start), Some(last)) = (self.note(start, RESTORE), self.note(last, RESTORE))
        else {
            return;
        };
        let mut walk = Walk::after(start, [last]);
        self.export.log.iter().for_each(|entry| walk.step(entry));
        walk.end();
        for what in walk.found {
            self.add(
                what,
                "find out who could write to the store; see docs/operating.md#who-did-what",
            );
        }
    }

    fn others(&mut self) {
        let docs = &self.export.docs;
        for (name, body) in docs {
            let read = if name.starts_with(FILE) {
                // A file of a bot, as it was.
                Ok(())
            } else if name.starts_with(TICKET) {
                is::<Ticket>("ticket", body)
            } else if name.starts_with(AGENT) {
                is::<AgentCard>("agent", body)
            } else if name == CONTACT {
                is::<Contact>("contact", body)
            } else {
                is::<serde_json::Value>("document", body)
            };
            if let Err(error) = read {
                // The name of a document of the staff holds names of people, or hashes.
                let kind = name.split('/').next().unwrap_or_default();
                self.add(format!("a document `{kind}`: {error}"), RESTORE);
            }
        }
    }
}

/// The state that comes of events; none where the flows of some of them are not known.
fn folded(flows: &KeptFlows, events: &[(Option<Arc<str>>, Event)]) -> Option<State> {
    let mut state = State::default();
    for (version, event) in events {
        fold(
            flows.of(version.as_deref())?,
            &mut state,
            [event].into_iter(),
        );
    }
    Some(state)
}

fn is<T: DeserializeOwned>(what: &'static str, body: &Bytes) -> Result<(), Unreadable> {
    decode::<T>(what, body).map(drop)
}

fn snapshot(export: &Export) -> Snapshot {
    Snapshot {
        head: export.head,
        docs: export.docs.clone(),
    }
}

/// The ticket that a conversation should have in the queue, as it is stored; and whether the conversation has still to tell
/// the queue something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) ticket: Option<Bytes>,
    pub(crate) is_on_its_way: bool,
}

/// What the queue should know of a conversation; none where that can't be read.
pub(crate) fn expected(export: &Export) -> Option<Expected> {
    let snapshot = snapshot(export);
    let conversation = Conversation::of(&export.partition, &snapshot).ok()?;
    let record = match &conversation.head.open_handoff {
        Some(id) => Some(Record::of(&snapshot, id).ok()??),
        None => None,
    };
    let ticket = record.as_ref().and_then(Ticket::of);
    let to_queue = export.lanes.get(TO_QUEUE);
    Some(Expected {
        ticket: match ticket {
            Some(ticket) => Some(encode("ticket", &ticket).ok()?),
            None => None,
        },
        is_on_its_way: to_queue.is_some_and(|lane| !lane.waiting.is_empty()),
    })
}

/// Where the queue disagrees with the conversations: names of these.
pub(crate) fn disagreeing(
    conversations: &BTreeMap<PartitionId, Expected>,
    queue: Option<&Snapshot>,
) -> BTreeSet<PartitionId> {
    let tickets: BTreeMap<&str, &Bytes> =
        queue.map_or_else(BTreeMap::new, |queue| queue.below(TICKET).collect());
    let wrong = conversations.iter().filter(|(id, expected)| {
        !expected.is_on_its_way && expected.ticket.as_ref() != tickets.get(id.as_str()).copied()
    });
    let mut wrong: BTreeSet<PartitionId> = wrong.map(|(id, _)| id.clone()).collect();
    let unknown = tickets.keys().map(|name| PartitionId::named(name));
    wrong.extend(unknown.filter(|id| !conversations.contains_key(id)));
    wrong
}
