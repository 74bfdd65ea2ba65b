//! What clients were told: that is what must be true in the end.

use std::collections::{BTreeMap, BTreeSet};

/// A message that was acknowledged, and where it is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) conversation: String,
    pub(super) seq: u64,
}

/// All that clients were told. A sender is one client, who sends the next message when the one before is acknowledged.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// By sender, in the order of the acknowledgements.
    pub(super) acknowledged: BTreeMap<String, Vec<Told>>,
    /// Ids of messages that were refused; ids are unique in a world.
    pub(super) refused: BTreeSet<String>,
    /// Conversations whose customers were told that they are over.
    pub(super) left: BTreeSet<String>,
    /// Handoffs that somebody was told to have, and who.
    pub(super) taken: Vec<(String, String)>,
}

impl Oracle {
    pub(super) fn acknowledge(&mut self, sender: &str, told: Told) {
        let all = self.acknowledged.entry(sender.to_owned()).or_default();
        all.push(told);
    }
}
