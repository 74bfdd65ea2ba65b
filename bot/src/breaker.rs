//! Circuit breakers, one for each host: a peer that keeps failing is left alone for a while, so that
//! turns fail at once and don't wait for its timeouts.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open the first time; doubles with each trial that fails.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Hosts remembered; addresses come from the bot, so more means that one of them holds a slot.
const HOSTS: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Breakers {
    circuits: Mutex<BTreeMap<String, Circuit>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Circuit {
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Instant,
    pause: Duration,
    trial: bool,
}

/// Leave to send one request. Dropped without being settled (the turn was given up) it says nothing
/// about the peer.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breakers: &'a Breakers,
    host: String,
    trial: bool,
    settled: bool,
}

impl Breakers {
    /// Asks to send a request to a host.
    ///
    /// # Errors
    /// The circuit is open, or another request is on trial.
    pub(crate) fn enter(&self, host: &str, now: Instant) -> Result<Permit<'_>, String> {
        let mut circuits = self.lock();
        let mut trial = false;
        if let Some(open) = circuits
            .get_mut(host)
            .and_then(|circuit| circuit.open.as_mut())
        {
            if now < open.until {
                let left = (open.until - now).as_secs() + 1;
                return Err(format!(
                    "not sent: {FAILURES} requests to this host failed in a row; tried again in {left} s"
                ));
            }
            if open.trial {
                return Err("not sent: a trial request to this failing host is on its way".into());
            }
            open.trial = true;
            trial = true;
        }
        drop(circuits);
        Ok(Permit {
            breakers: self,
            host: host.to_owned(),
            trial,
            settled: false,
        })
    }

    /// Tells whether requests to a host are held back, all or all but a trial.
    pub(crate) fn is_open(&self, host: &str, now: Instant) -> bool {
        let circuits = self.lock();
        let open = circuits.get(host).and_then(|circuit| circuit.open);
        open.is_some_and(|open| now < open.until || open.trial)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Tells how it went: whether the peer is up.
    pub(crate) fn settle(mut self, up: bool, now: Instant) {
        self.settled = true;
        let mut circuits = self.breakers.lock();
        if up {
            circuits.remove(&self.host);
            return;
        }
        if circuits.len() >= HOSTS && !circuits.contains_key(&self.host) {
            circuits.pop_first();
        }
        let circuit = circuits.entry(self.host.clone()).or_default();
        circuit.failures = circuit.failures.saturating_add(1);
        let pause = match circuit.open {
            // Requests that were under way when the circuit opened don't make it longer.
            Some(_) if !self.trial => return,
            Some(open) => open.pause.saturating_mul(2).min(LONGEST_PAUSE),
            None if circuit.failures >= FAILURES => FIRST_PAUSE,
            None => return,
        };
        circuit.open = Some(Open {
            until: now + pause,
            pause,
            trial: false,
        });
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.trial
            && !self.settled
            && let Some(open) = self
                .breakers
                .lock()
                .get_mut(&self.host)
                .and_then(|circuit| circuit.open.as_mut())
        {
            open.trial = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breakers: &Breakers, times: u32, now: Instant) {
        for _ in 0..times {
            breakers.enter("a", now).expect("closed").settle(false, now);
        }
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_in_between_does_not() {
        let (breakers, now) = (Breakers::default(), Instant::now());
        fail(&breakers, 4, now);
        breakers.enter("a", now).expect("closed").settle(true, now);
        fail(&breakers, 5, now);
        assert!(breakers.is_open("a", now) && !breakers.is_open("b", now));
        let refused = breakers.enter("a", now).expect_err("open");
        assert!(refused.contains("tried again in 6 s"), "{refused}");
        assert!(breakers.enter("b", now).is_ok(), "hosts are apart");
    }

    #[test]
    fn after_the_pause_one_trial_goes_and_decides() {
        let (breakers, now) = (Breakers::default(), Instant::now());
        fail(&breakers, 5, now);
        let later = now + FIRST_PAUSE;
        let trial = breakers.enter("a", later).expect("one trial");
        assert!(breakers.enter("a", later).is_err(), "only one");
        trial.settle(false, later);
        assert!(breakers.enter("a", later + FIRST_PAUSE).is_err(), "doubled");
        let again = later + 2 * FIRST_PAUSE;
        breakers
            .enter("a", again)
            .expect("second trial")
            .settle(true, again);
        assert!(breakers.enter("a", again).is_ok(), "closed again");
    }

    #[test]
    fn a_trial_that_was_given_up_makes_room_for_the_next() {
        let (breakers, now) = (Breakers::default(), Instant::now());
        fail(&breakers, 5, now);
        let later = now + FIRST_PAUSE;
        drop(breakers.enter("a", later).expect("a trial"));
        assert!(breakers.enter("a", later).is_ok());
    }
}
