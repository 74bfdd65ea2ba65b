//! What a message does, by its clauses: the probabilities of the reading, made into questions that the rest of the
//! engine asks. A reading without clauses (no model, or too late) answers no to all of them.

use super::event::{Act, Clause, Reading};

/// Probability from which a clause is taken to do something.
pub(super) const SURE: f64 = 0.5;
/// Acts that go along with any other and change nothing about it.
const POLITE: [Act; 4] = [Act::Greet, Act::Thanks, Act::Bye, Act::Chat];

/// The acts of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acts<'r> {
    clauses: &'r [Clause],
}

/// The act that a clause most likely is.
pub(super) fn best(clause: &Clause) -> Option<(Act, f64)> {
    clause.acts.first().copied()
}

/// The probability that a clause is an act.
pub(super) fn p(clause: &Clause, act: Act) -> f64 {
    let of = clause.acts.iter().filter(|(known, _)| *known == act);
    of.map(|(_, p)| *p).fold(0.0, f64::max)
}

impl<'r> Acts<'r> {
    /// Of a reading; of none where the reading can't be relied on.
    pub(super) fn of(reading: Option<&'r Reading>) -> Self {
        let known = reading.filter(|reading| !reading.degraded);
        Self {
            clauses: known.map_or(&[][..], |reading| &reading.clauses),
        }
    }

    /// True where the reading says anything about acts.
    pub(super) fn known(&self) -> bool {
        !self.clauses.is_empty()
    }

    /// Every clause.
    pub(super) fn clauses(&self) -> &'r [Clause] {
        self.clauses
    }

    /// The highest probability of an act over the clauses.
    pub(super) fn p(&self, act: Act) -> f64 {
        self.clauses.iter().map(|c| p(c, act)).fold(0.0, f64::max)
    }

    /// The clause that is an act.
    pub(super) fn clause(&self, act: Act) -> Option<&'r Clause> {
        self.clauses
            .iter()
            .find(|clause| best(clause).is_some_and(|(known, p)| known == act && p >= SURE))
    }

    /// True where a clause is an act.
    pub(super) fn says(&self, act: Act) -> bool {
        self.clause(act).is_some()
    }

    /// True where a clause is one of some acts.
    pub(super) fn says_any(&self, acts: &[Act]) -> bool {
        acts.iter().any(|act| self.says(*act))
    }

    /// True where some clause is one of the acts, and no clause is anything else but polite.
    pub(super) fn only(&self, acts: &[Act]) -> bool {
        let fits = |clause: &Clause| {
            best(clause).is_some_and(|(act, _)| acts.contains(&act) || POLITE.contains(&act))
        };
        self.says_any(acts) && self.clauses.iter().all(fits)
    }

    /// True where every clause is polite and nothing more.
    pub(super) fn only_polite(&self) -> bool {
        self.known() && self.only(&POLITE)
    }

    /// True where a clause wants or asks something of its own.
    pub(super) fn wants_something(&self) -> bool {
        self.says_any(&[Act::Request, Act::Ask, Act::Complain, Act::Human])
    }
}
