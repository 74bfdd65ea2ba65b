//! Time and fresh ids. The only module that reads the system's clock; everything else is told, so
//! that a conversation can be replayed and a test can stand at any moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::time::Instant;
use ulid::Ulid;

/// Where the time comes from. Cheap to clone; clones of a manual clock move together.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands until it is moved: for tests and replay.
    Manual(Arc<Mutex<Timestamp>>),
    /// A clock that goes with the runtime's, which a simulation lets stand and jump.
    #[cfg(test)]
    Simulated {
        /// What it showed then.
        start: Timestamp,
        /// When it was set.
        since: Instant,
    },
}

impl Clock {
    /// Makes a clock that stands at `start`.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(Mutex::new(start)))
    }

    /// Tells the time, to the millisecond: what is stored and what is in memory are then equal.
    pub fn now(&self) -> Timestamp {
        let now = match self {
            Self::System => system_now(),
            Self::Manual(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
            #[cfg(test)]
            Self::Simulated { start, since } => *start + since.elapsed(),
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// Moves a manual clock forward; the machine's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(at) = self {
            let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
            *at = at.checked_add(by).unwrap_or(Timestamp::MAX);
        }
    }

    /// Makes an id that sorts by time and that nobody can guess.
    ///
    /// # Errors
    /// The system's random source fails.
    pub fn id(&self) -> Result<Ulid, getrandom::Error> {
        let mut bits = [0_u8; 16];
        random(&mut bits)?;
        let at = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        Ok(Ulid::from_parts(at, u128::from_le_bytes(bits)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the module that reads the clock"
)]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// A secret of 256 bits that fits into a header and an address.
///
/// # Errors
/// The system's random source fails.
pub(crate) fn secret() -> Result<String, getrandom::Error> {
    let mut bits = [0_u8; 32];
    random(&mut bits)?;
    Ok(URL_SAFE_NO_PAD.encode(bits))
}

/// Fills in bits that nobody can guess. In a simulation they come from its seed, so that it can be run again.
///
/// # Errors
/// The system's random source fails.
pub(crate) fn random(bits: &mut [u8]) -> Result<(), getrandom::Error> {
    #[cfg(test)]
    if seeded::fill(bits) {
        return Ok(());
    }
    getrandom::fill(bits)
}

/// Random bits of a simulation. It runs on one thread, and each thread has its own: tests that run beside it keep the
/// system's.
#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::RefCell;

    type Source = Box<dyn FnMut(&mut [u8])>;

    thread_local! {
        static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
    }

    /// Takes random bits from a source for as long as what it gives lives.
    pub(crate) fn from(source: impl FnMut(&mut [u8]) + 'static) -> Seeded {
        SOURCE.set(Some(Box::new(source)));
        Seeded
    }

    /// Random bits come from a seed.
    pub(crate) struct Seeded;

    impl Drop for Seeded {
        fn drop(&mut self) {
            SOURCE.set(None);
        }
    }

    pub(super) fn fill(bits: &mut [u8]) -> bool {
        SOURCE.with_borrow_mut(|source| match source {
            Some(source) => {
                source(bits);
                true
            }
            None => false,
        })
    }
}

/// A random part of a wait, at least half of it: for those who would otherwise all come again at once. Nothing that is stored
/// or said depends on it.
pub(crate) fn jitter(most: Duration) -> Duration {
    let mut bits = [0_u8; 4];
    // Without random bits everyone waits the whole of it.
    if random(&mut bits).is_err() {
        return most;
    }
    let part = f64::from(u32::from_le_bytes(bits)) / f64::from(u32::MAX);
    most.mul_f64(0.5 + part / 2.0)
}

/// Measures how long something took. For metrics and traces only: nothing is ever decided by it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Microseconds since the start.
    pub fn micros(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_later_sort_later_and_are_distinct() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let first = clock.id().expect("random");
        let twin = clock.id().expect("random");
        clock.advance(Duration::from_millis(1));
        let later = clock.id().expect("random");
        assert_ne!(first, twin);
        assert!(later > first && later > twin);
    }
}
