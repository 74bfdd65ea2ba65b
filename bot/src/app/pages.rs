//! Desk pages that are open at this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many pages each agent has open here.
#[derive(Debug, Default)]
pub(super) struct Pages(Mutex<BTreeMap<String, u32>>);

impl Pages {
    /// A page was opened.
    pub(super) fn came(&self, agent: &str) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pages.entry(agent.to_owned()).or_default() += 1;
    }

    /// A page went away; whether it was the last.
    pub(super) fn left(&self, agent: &str) -> bool {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = pages.get_mut(agent) else {
            return true;
        };
        *open = open.saturating_sub(1);
        let last = *open == 0;
        if last {
            pages.remove(agent);
        }
        last
    }

    /// Who has a page open here.
    pub(super) fn open(&self) -> Vec<String> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.keys().cloned().collect()
    }
}
