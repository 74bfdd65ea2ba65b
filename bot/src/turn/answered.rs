//! What systems of record answered in turns that are not committed yet.
//!
//! A turn that the store could not take runs again, and would send its calls again. What came of them is kept in
//! memory until the turn is committed; after a crash only the call's key keeps it from being done twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellhop_flows::engine::event::Outcome;

/// Outcomes by conversation and call key.
#[derive(Debug, Default)]
pub(crate) struct ActionResultCache(Mutex<BTreeMap<Arc<str>, BTreeMap<String, Outcome>>>);

impl ActionResultCache {
    /// Keeps what came of a call.
    pub(super) fn keep(&self, conversation: &Arc<str>, key: &str, outcome: &Outcome) {
        let mut all = self.lock();
        let of_turn = all.entry(Arc::clone(conversation)).or_default();
        of_turn.insert(key.to_owned(), outcome.clone());
    }

    /// What came of a call that this turn has made before.
    pub(super) fn of(&self, conversation: &str, key: &str) -> Option<Outcome> {
        self.lock().get(conversation)?.get(key).cloned()
    }

    /// The turn is committed.
    pub(super) fn forget(&self, conversation: &str) {
        self.lock().remove(conversation);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, BTreeMap<String, Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
