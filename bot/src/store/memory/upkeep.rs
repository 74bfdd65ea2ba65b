//! What gauges and commands ask, of the engine in memory.

use std::collections::BTreeMap;

use super::super::engine::Later;
use super::super::upkeep::{Backlog, Damage, Export, Lane, Upkeep, Whose};
use super::{Memory, Partition, now};
use crate::partition::PartitionId;

impl Partition {
    fn export(&self, id: &PartitionId) -> Export {
        let lane = |lane: &super::Lane| Lane {
            last: lane.next,
            free_at: (!lane.entries.is_empty()).then_some(lane.free_at),
            waiting: lane.entries.values().cloned().collect(),
        };
        let lanes = self.out.iter();
        let mut dead = self.dead.clone();
        dead.sort_by(|a, b| {
            let place = |it: &crate::partition::DeadLetter| it.claim.number;
            let destinations = a.claim.destination.cmp(&b.claim.destination);
            destinations.then_with(|| place(a).cmp(&place(b)))
        });
        Export {
            partition: id.clone(),
            head: self.head(),
            due: self.due,
            log: self.log.values().cloned().collect(),
            docs: self.docs.clone(),
            seen: self
                .seen
                .iter()
                .map(|(id, (seen, _))| (id.clone(), *seen))
                .collect(),
            traces: self.traces.clone(),
            lanes: lanes.map(|(to, it)| (to.clone(), lane(it))).collect(),
            dead,
        }
    }

    fn of(export: Export) -> Self {
        let seen = export.seen.iter();
        let seen = seen.map(|(id, seen)| (id.clone(), (*seen, export.seen_at(seen))));
        let seen = seen.collect();
        let lane = |lane: Lane| super::Lane {
            next: lane.last,
            free_at: lane.free_at.unwrap_or_default(),
            entries: lane.waiting.into_iter().map(|it| (it.number, it)).collect(),
        };
        let lanes = export.lanes.into_iter();
        Self {
            revision: export.head.revision,
            last_seq: export.head.last_seq,
            processed: export.head.processed,
            waiting: export.head.waiting,
            closed: export.head.closed,
            last_at: export.head.last_at,
            due: export.due,
            log: export.log.into_iter().map(|it| (it.seq, it)).collect(),
            docs: export.docs,
            seen,
            traces: export.traces,
            out: lanes.map(|(to, it)| (to, lane(it))).collect(),
            dead: export.dead,
        }
    }
}

impl Upkeep for Memory {
    fn backlog(&self, _: Whose) -> Later<'_, Vec<Backlog>> {
        let all = self.lock();
        let mut found: BTreeMap<String, Backlog> = BTreeMap::new();
        let mut of = |destination: &str, count: &dyn Fn(&mut Backlog)| {
            let backlog = found.entry(destination.to_owned());
            count(backlog.or_insert_with(|| Backlog::none(destination)));
        };
        for partition in all.values() {
            for (destination, lane) in &partition.out {
                for claim in lane.entries.values() {
                    of(destination, &|backlog| backlog.add(1, claim.at));
                }
            }
            for letter in &partition.dead {
                of(&letter.claim.destination, &|backlog| backlog.dead += 1);
            }
        }
        now(found.into_values().collect())
    }

    fn export<'a>(&'a self, partition: &'a PartitionId) -> Later<'a, Option<Export>> {
        let all = self.lock();
        now(all.get(partition).map(|known| known.export(partition)))
    }

    fn import(&self, export: Export) -> Later<'_, bool> {
        let mut all = self.lock();
        let is_new = !all.contains_key(&export.partition);
        if is_new {
            all.insert(export.partition.clone(), Partition::of(export));
        }
        now(is_new)
    }

    fn verify(&self) -> Later<'_, Vec<Damage>> {
        now(Vec::new())
    }
}
