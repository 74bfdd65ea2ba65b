//! How the audit log grows, is judged and forgets.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Decided, Decision};
use crate::audit::{Act, AuditEntry, Deed, Link, hash_of};
use crate::encoding::{Unreadable, decode, encode};
use crate::partition::{Commit, Entry, Kind, NewEntry, PartitionId, Snapshot};

/// Document with the place of the last entry.
pub(crate) const LAST: &str = "last";
/// Document with the place of the last entry that was forgotten.
pub(crate) const FORGOTTEN: &str = "forgotten";

/// How much older than old the oldest entry has to be: what is forgotten is forgotten in steps of a day, for each is an entry.
const STEP: SignedDuration = SignedDuration::from_hours(24);

/// Appends what was done. Needs [`LAST`].
///
/// # Errors
/// A document that can't be read.
pub(crate) fn append(audit: Option<&Snapshot>, deed: &Deed, now: Timestamp) -> Decided<()> {
    let mut commit = change(audit, now);
    add(&mut commit, audit, deed)?;
    Ok(Decision::Commit(Box::new(commit), ()))
}

/// Forgets the entries from before a time, of these, which are the oldest; gives how many. That they were is an entry itself, so that
/// nobody else can take them out. Needs [`LAST`] and [`FORGOTTEN`].
///
/// # Errors
/// A document that can't be read.
pub(crate) fn forget(
    audit: Option<&Snapshot>,
    oldest: &[Entry],
    before: Timestamp,
    now: Timestamp,
) -> Decided<usize> {
    let forgotten = link(audit, FORGOTTEN)?.seq;
    let is_due = |entry: &Entry| entry.at.duration_since(before) < -STEP;
    let kept = oldest.iter().skip_while(|entry| entry.seq <= forgotten);
    let old: Vec<&Entry> = kept.take_while(|entry| entry.at < before).collect();
    let (Some(first), Some(newest)) = (old.first(), old.last()) else {
        return Ok(Decision::Already(0));
    };
    if !is_due(first) {
        return Ok(Decision::Already(0));
    }
    let place = Link {
        seq: newest.seq,
        hash: hash_of(&newest.body),
    };
    let mut commit = change(audit, now);
    add(&mut commit, audit, &place.forgetting())?;
    let place = encode("place", &place)?;
    commit.docs.insert(FORGOTTEN.to_owned(), Some(place));
    commit.erase = old.iter().map(|entry| entry.seq).collect();
    Ok(Decision::Commit(Box::new(commit), old.len()))
}

/// Chains an entry to the last one.
fn add(commit: &mut Commit, audit: Option<&Snapshot>, deed: &Deed) -> Result<(), Unreadable> {
    let last = link(audit, LAST)?;
    let entry = AuditEntry {
        seq: last.seq + 1,
        at: commit.at,
        act: deed.act,
        by: deed.by.clone(),
        on: deed.on.clone(),
        detail: deed.detail.clone(),
        prev: last.hash,
    };
    let body = encode("audit entry", &entry)?;
    let last = Link {
        seq: entry.seq,
        hash: hash_of(&body),
    };
    let last = encode("place", &last)?;
    commit.docs.insert(LAST.to_owned(), Some(last));
    commit.append.push(NewEntry {
        kind: Kind::Audit,
        cause: 0,
        body,
    });
    Ok(())
}

/// A place that is kept.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn link(audit: Option<&Snapshot>, doc: &str) -> Result<Link, Unreadable> {
    let body = audit.and_then(|audit| audit.doc(doc));
    let known = body.map(|body| decode("place", body)).transpose()?;
    Ok(known.unwrap_or_else(Link::start))
}

/// Walks along the chain and notes where it does not hold.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Where it stands.
    pub(crate) at: Link,
    /// Where it began.
    start: Link,
    /// Where an entry says that it begins.
    forgotten: Option<Link>,
    /// Hashes that entries must have, whatever the chain says.
    known: BTreeMap<u64, String>,
    /// What is wrong, in order.
    pub(crate) found: Vec<String>,
}

impl Walk {
    /// Begins after a place; `known` are places that must be as they were.
    pub(crate) fn after(start: Link, known: impl IntoIterator<Item = Link>) -> Self {
        let known: BTreeMap<u64, String> = known.into_iter().map(|it| (it.seq, it.hash)).collect();
        let gone = known.keys().filter(|seq| **seq <= start.seq && **seq > 0);
        let found = gone
            .map(|seq| format!("entry {seq} was noted and is forgotten: compare with a later one"));
        let found = found.collect();
        Self {
            at: start.clone(),
            start,
            forgotten: None,
            known,
            found,
        }
    }

    /// The next entry.
    pub(crate) fn step(&mut self, entry: &Entry) {
        let (before, seq) = (self.at.seq, entry.seq);
        if seq > before + 1 {
            self.found.push(match seq - before {
                2 => format!("entry {} is missing", before + 1),
                _ => format!("entries {} to {} are missing", before + 1, seq - 1),
            });
        }
        match AuditEntry::of(&entry.body) {
            Err(error) => self.found.push(format!("entry {seq}: {error}")),
            Ok(says) => self.compare(&says, entry),
        }
        let hash = hash_of(&entry.body);
        if self.known.remove(&seq).is_some_and(|known| known != hash) {
            let what = format!("entry {seq} was changed: its hash is not the one that was noted");
            self.found.push(what);
        }
        self.at = Link { seq, hash };
    }

    fn compare(&mut self, says: &AuditEntry, entry: &Entry) {
        let (before, seq) = (self.at.seq, entry.seq);
        if says.seq != seq {
            let said = says.seq;
            self.found.push(format!(
                "entry {seq} was written as entry {said}: an entry was put in or taken out before it"
            ));
        } else if seq == before + 1 && says.prev != self.at.hash {
            self.found.push(match before {
                0 => format!("entry {seq} does not begin the log: what came before it is gone"),
                _ => format!(
                    "entry {before} was changed: entry {seq} was chained to another in its place"
                ),
            });
        }
        if says.act == Act::AuditForget {
            self.forgotten = Link::forgotten_by(says);
        }
        if says.at != entry.at || entry.kind != Kind::Audit {
            self.found
                .push(format!("entry {seq} is not kept as it was written"));
        }
    }

    /// After the last entry.
    pub(crate) fn end(&mut self) {
        let last = self.at.seq;
        for seq in self.known.keys().filter(|seq| **seq > last) {
            self.found
                .push(format!("entry {seq} is missing: the log ends at {last}"));
        }
        if self.start.seq > 0 && self.forgotten.as_ref() != Some(&self.start) {
            self.found.push(format!(
                "what came up to entry {} was taken out: no entry says that it was forgotten",
                self.start.seq
            ));
        }
    }
}

fn change(audit: Option<&Snapshot>, now: Timestamp) -> Commit {
    let revision = audit.map(|audit| audit.head.revision);
    Commit::new(PartitionId::audit(), revision, now)
}
