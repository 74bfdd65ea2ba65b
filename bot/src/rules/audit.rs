//! How the audit log grows, is judged and forgets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Decided, Decision};
use crate::audit::{AuditEntry, Deed, Link, hash_of};
use crate::encoding::{Unreadable, decode, encode};
use crate::partition::{Commit, Entry, Kind, NewEntry, PartitionId, Snapshot};

/// Document with the place of the last entry.
pub(crate) const LAST: &str = "last";
/// Document with the place of the last entry that was forgotten.
pub(crate) const FORGOTTEN: &str = "forgotten";

/// Appends what was done. Needs [`LAST`].
///
/// # Errors
/// A document that can't be read.
pub(crate) fn append(audit: Option<&Snapshot>, deed: &Deed, now: Timestamp) -> Decided<()> {
    let last = link(audit, LAST)?;
    let entry = AuditEntry {
        seq: last.seq + 1,
        at: now,
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
    let mut commit = change(audit, now);
    let last = encode("place", &last)?;
    commit.docs.insert(LAST.to_owned(), Some(last));
    commit.append.push(NewEntry {
        kind: Kind::Audit,
        cause: 0,
        body,
    });
    Ok(Decision::Commit(Box::new(commit), ()))
}

/// Forgets the entries from before a time, of these, which are the oldest; gives how many. Needs [`FORGOTTEN`]. The last entry stays:
/// the next is chained to it.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn forget(
    audit: Option<&Snapshot>,
    oldest: &[Entry],
    before: Timestamp,
    now: Timestamp,
) -> Decided<usize> {
    let last_seq = audit.map_or(0, |audit| audit.head.last_seq);
    let forgotten = link(audit, FORGOTTEN)?.seq;
    let old = oldest.iter().skip_while(|entry| entry.seq <= forgotten);
    let old: Vec<&Entry> = old
        .take_while(|entry| entry.at < before && entry.seq < last_seq)
        .collect();
    let Some(newest) = old.last() else {
        return Ok(Decision::Already(0));
    };
    let place = Link {
        seq: newest.seq,
        hash: hash_of(&newest.body),
    };
    let mut commit = change(audit, now);
    let place = encode("place", &place)?;
    commit.docs.insert(FORGOTTEN.to_owned(), Some(place));
    commit.erase = old.iter().map(|entry| entry.seq).collect();
    Ok(Decision::Commit(Box::new(commit), old.len()))
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
    /// Hashes that entries must have, whatever the chain says.
    known: BTreeMap<u64, String>,
    /// What is wrong, in order.
    pub(crate) found: Vec<String>,
}

impl Walk {
    /// Begins after a place; `known` are places that must be as they were.
    pub(crate) fn after(start: Link, known: impl IntoIterator<Item = Link>) -> Self {
        let known = known.into_iter().map(|it| (it.seq, it.hash)).collect();
        Self {
            at: start,
            known,
            found: Vec::new(),
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
    }
}

fn change(audit: Option<&Snapshot>, now: Timestamp) -> Commit {
    let revision = audit.map(|audit| audit.head.revision);
    Commit::new(PartitionId::audit(), revision, now)
}
