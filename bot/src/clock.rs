//! Time and fresh ids. The only module that reads the system's clock; everything else is told, so
//! that a conversation can be replayed and a test can stand at any moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ulid::Ulid;

/// Where the time comes from. Cheap to clone; clones of a manual clock move together.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands until it is moved: for tests and replay.
    Manual(Arc<Mutex<Timestamp>>),
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
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)?;
        let at = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        Ok(Ulid::from_parts(at, u128::from_le_bytes(random)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the module that reads the clock"
)]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// A random part of a wait, at least half of it: for those who would otherwise all come again at once. Nothing that is stored
/// or said depends on it.
pub(crate) fn jitter(most: Duration) -> Duration {
    let mut random = [0_u8; 4];
    // Without random bits everyone waits the whole of it.
    if getrandom::fill(&mut random).is_err() {
        return most;
    }
    let part = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
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
