//! What a seed's world is like. Each has faults of its own: one with all of them at once would hide what needs only a few.

use super::random::Random;

/// Who works through the inputs of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leases {
    /// Every process believes that all are its own: all leases were lost.
    Everybodys,
    /// Each process has some, and they move; who had them may not have noticed yet.
    Moving,
}

/// A fault of the engine that the program can't be expected to survive: it proves that the invariants notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// A commit is taken whatever revision it was decided on.
    IgnoreRevision,
    /// What is accepted is not remembered as seen.
    ForgetSeen,
    /// What a commit puts out is lost now and then.
    LoseOutbound,
    /// What is over is removed however young it is.
    PruneEarly,
}

/// A world's faults and who is in it. Chances are out of 10,000, for each call of an engine unless it says otherwise.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) processes: usize,
    pub(super) leases: Leases,
    /// The engine fails before, or after it has done what was asked.
    pub(super) errors: u64,
    /// The process dies at the call.
    pub(super) crashes: u64,
    /// The process stands still for seconds.
    pub(super) stalls: u64,
    /// For each notice to another process: it is lost, comes late, comes twice.
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) doubled: u64,
    /// How far the processes' clocks are apart, seconds.
    pub(super) skew_s: u64,
    /// For each status event: it is refused, or arrives and seems not to have.
    pub(super) refused: u64,
    /// Customers on the web.
    pub(super) customers: u64,
    /// Customers with an address; several share one.
    pub(super) callers: u64,
    pub(super) agents: u64,
    pub(super) sabotage: Option<Sabotage>,
}

impl Plan {
    pub(super) fn of(random: &mut Random) -> Self {
        Self {
            processes: random.between(2, 3) as usize,
            leases: *random.pick(&[Leases::Everybodys, Leases::Moving]),
            errors: *random.pick(&[0, 50, 400]),
            crashes: *random.pick(&[0, 10, 60]),
            stalls: *random.pick(&[0, 0, 5]),
            lost: *random.pick(&[0, 1_000, 5_000]),
            late: *random.pick(&[0, 3_000, 9_000]),
            doubled: *random.pick(&[0, 2_000]),
            skew_s: *random.pick(&[0, 1, 5]),
            refused: *random.pick(&[0, 2_000]),
            customers: random.between(1, 3),
            callers: random.between(0, 3),
            agents: random.between(1, 3),
            sabotage: None,
        }
    }
}
