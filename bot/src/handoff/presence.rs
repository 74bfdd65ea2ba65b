//! Who is at the desk: an agent who is gone for longer than the grace loses their conversations to
//! the queue, so that no customer waits for an empty chair.
//!
//! Kept in memory only: after a start everyone gets the grace anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// How long a desk page may be gone: a reload, a tunnel, another network.
const GRACE: Duration = Duration::from_secs(60);
/// How long somebody without a desk page (a program of their own, say) may ask for nothing.
const QUIET: Duration = Duration::from_secs(15 * 60);

/// Who is there.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    agents: Mutex<BTreeMap<String, Seen>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    pages: u32,
    last: Timestamp,
    grace: Duration,
}

impl Presence {
    /// Somebody asked for something.
    pub(crate) fn seen(&self, agent: &str, now: Timestamp) {
        self.entry(agent, now, |seen| seen.last = now);
    }

    /// A desk page was opened.
    pub(crate) fn came(&self, agent: &str, now: Timestamp) {
        self.entry(agent, now, |seen| {
            seen.pages = seen.pages.saturating_add(1);
            seen.grace = GRACE;
        });
    }

    /// A desk page went away.
    pub(crate) fn left(&self, agent: &str, now: Timestamp) {
        self.entry(agent, now, |seen| {
            seen.pages = seen.pages.saturating_sub(1);
            seen.last = now;
        });
    }

    /// Whether somebody who has conversations is gone for too long. The first question about somebody
    /// never seen begins their time.
    pub(crate) fn gone(&self, agent: &str, now: Timestamp) -> bool {
        let mut gone = false;
        self.entry(agent, now, |seen| {
            gone = seen.pages == 0 && now.duration_since(seen.last) > as_signed(seen.grace);
        });
        gone
    }

    fn entry(&self, agent: &str, now: Timestamp, change: impl FnOnce(&mut Seen)) {
        let mut agents = self.lock();
        let seen = agents.entry(agent.to_owned()).or_insert(Seen {
            pages: 0,
            last: now,
            grace: QUIET,
        });
        change(seen);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Seen>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn as_signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn a_page_that_comes_back_in_time_is_no_absence() {
        let presence = Presence::default();
        presence.came("a", at(0));
        assert!(!presence.gone("a", at(10_000)), "the page is open");
        presence.left("a", at(10_000));
        assert!(!presence.gone("a", at(10_060)));
        presence.came("a", at(10_060));
        assert!(!presence.gone("a", at(20_000)));
        presence.came("a", at(20_000));
        presence.left("a", at(20_001));
        assert!(!presence.gone("a", at(30_000)), "the other page is open");
        presence.left("a", at(30_000));
        assert!(presence.gone("a", at(30_061)));
    }

    #[test]
    fn without_a_page_every_request_counts() {
        let presence = Presence::default();
        assert!(!presence.gone("a", at(0)), "nobody is gone at the start");
        presence.seen("a", at(600));
        assert!(!presence.gone("a", at(1_500)));
        assert!(presence.gone("a", at(1_501)));
    }
}
