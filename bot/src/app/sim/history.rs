//! What happened in a simulation, in words, and how much of it.

use std::collections::VecDeque;
use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use crate::partition::PartitionId;

/// Something that happened.
#[derive(Debug, Clone)]
struct Event {
    at: Duration,
    who: String,
    what: &'static str,
    partition: Option<PartitionId>,
    detail: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partition = self.partition.as_ref().map_or("", |it| it.as_str());
        let (at, who, what) = (self.at.as_secs_f64(), &self.who, self.what);
        write!(
            f,
            "{at:9.3} {who:6} {what:9} {partition:26} {}",
            self.detail
        )
    }
}

/// The latest of what happened.
#[derive(Debug)]
pub(super) struct History {
    events: VecDeque<Event>,
    keep: usize,
}

impl History {
    /// Keeps so many events.
    pub(super) fn new(keep: usize) -> Self {
        let events = VecDeque::new();
        Self { events, keep }
    }

    pub(super) fn push(
        &mut self,
        at: Duration,
        who: String,
        what: &'static str,
        partition: Option<&PartitionId>,
        detail: String,
    ) {
        if self.events.len() >= self.keep {
            self.events.pop_front();
        }
        let partition = partition.cloned();
        self.events.push_back(Event {
            at,
            who,
            what,
            partition,
            detail,
        });
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events
            .iter()
            .try_for_each(|event| writeln!(f, "{event}"))
    }
}

/// How much happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures {
    pub(super) schedules: u64,
    pub(super) engine_calls: u64,
    pub(super) commits: u64,
    pub(super) removed: u64,
    pub(super) conflicts: u64,
    pub(super) errors_before: u64,
    pub(super) errors_after: u64,
    pub(super) crashes: u64,
    pub(super) restarts: u64,
    pub(super) stalls: u64,
    pub(super) notices_lost: u64,
    pub(super) notices_late: u64,
    pub(super) notices_doubled: u64,
    pub(super) leases_moved: u64,
    pub(super) statuses_refused: u64,
    pub(super) conversations: u64,
    pub(super) acknowledged: u64,
    pub(super) repeated: u64,
    pub(super) handoffs: u64,
    pub(super) takes: u64,
    pub(super) takes_lost: u64,
    pub(super) agents_words: u64,
    pub(super) requeues: u64,
    pub(super) calls_sent: u64,
}

impl Figures {
    /// Each with its name.
    fn named(&mut self) -> [(&'static str, &mut u64); 24] {
        [
            ("schedules", &mut self.schedules),
            ("engine calls", &mut self.engine_calls),
            ("commits", &mut self.commits),
            ("conversations removed", &mut self.removed),
            ("conflicts", &mut self.conflicts),
            ("errors before a write", &mut self.errors_before),
            ("errors after a write", &mut self.errors_after),
            ("crashes", &mut self.crashes),
            ("orderly restarts", &mut self.restarts),
            ("stalls", &mut self.stalls),
            ("notices lost", &mut self.notices_lost),
            ("notices late", &mut self.notices_late),
            ("notices doubled", &mut self.notices_doubled),
            ("leases moved", &mut self.leases_moved),
            ("status events refused", &mut self.statuses_refused),
            ("conversations", &mut self.conversations),
            ("messages acknowledged", &mut self.acknowledged),
            ("deliveries repeated", &mut self.repeated),
            ("handoffs", &mut self.handoffs),
            ("takes", &mut self.takes),
            ("takes that lost a race", &mut self.takes_lost),
            ("agents' messages", &mut self.agents_words),
            ("requeues", &mut self.requeues),
            ("irreversible calls sent", &mut self.calls_sent),
        ]
    }

    pub(super) fn add(&mut self, mut other: Self) {
        for ((_, sum), (_, one)) in self.named().into_iter().zip(other.named()) {
            *sum += *one;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        for (name, count) in self.clone().named() {
            let comma = if line.is_empty() { "" } else { ", " };
            write!(line, "{comma}{name} {count}")?;
        }
        f.write_str(&line)
    }
}
