//! What a conversation has collected, told whole when a person takes over: the values of live flows, of the
//! conversation, and of the flows that ended last. Secret values never leave in clear.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::frame::{Did, Frame};
use super::state::{Ended, Filled, Proof, State, Wait};
use super::turn::Turn;
use crate::bundle::{Bundle, Id};
use crate::value::Value;

/// What stands in place of a secret value.
pub const MASK: &str = "••••";
/// Flows that ended and whose values are kept, at most.
const ENDED: usize = 5;

/// A value that was collected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collected {
    /// The slot.
    pub slot: Id,
    /// The flow whose slot it is; none where it is the conversation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Id>,
    /// The value; [`MASK`] in place of a secret one.
    pub filled: Filled,
    /// What the customer wants it to be, where what was done with it could not be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Value>,
    /// How its flow ended; none where it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// A correction that was asked for and has not been made: slot and new value.
pub(super) type Wanted = (Id, Value);

/// Everything that the conversation has collected, what is in front first: one entry for each flow and slot, so that
/// what was corrected or said again later stands for what was said before.
pub fn collected(bundle: &Bundle, state: &State) -> Vec<Collected> {
    let wanted = match &state.wait {
        Wait::Undo(undo) | Wait::Undoing { undo, .. } => {
            Some((undo.slot.clone(), undo.value.clone()))
        }
        _ => None,
    };
    with_wish(bundle, state, wanted.as_ref())
}

/// What is collected, with a correction that was asked for.
pub(super) fn with_wish(bundle: &Bundle, state: &State, wanted: Option<&Wanted>) -> Vec<Collected> {
    let mut all = Gathered {
        bundle,
        wanted,
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    for frame in state.frames.iter().rev() {
        all.add(Some(&frame.flow), &frame.slots, None);
    }
    all.add(None, &state.slots, None);
    for ended in state.ended.iter().rev() {
        all.add(Some(&ended.flow), &ended.slots, Some(&ended.outcome));
    }
    all.found
}

struct Gathered<'a> {
    bundle: &'a Bundle,
    wanted: Option<&'a Wanted>,
    seen: BTreeSet<(Option<&'a Id>, &'a Id)>,
    found: Vec<Collected>,
}

impl<'a> Gathered<'a> {
    fn add(
        &mut self,
        flow: Option<&'a Id>,
        slots: &'a BTreeMap<Id, Filled>,
        outcome: Option<&String>,
    ) {
        for (id, filled) in slots {
            if filled.value.is_null() || !self.seen.insert((flow, id)) {
                continue;
            }
            let mine = self
                .wanted
                .filter(|(slot, _)| slot == id && outcome.is_none());
            let wanted = mine.map(|(_, value)| value.clone());
            if wanted.is_some() {
                // One slot is corrected at a time: that of the flow in front.
                self.wanted = None;
            }
            self.found.push(Collected {
                slot: id.clone(),
                flow: flow.cloned(),
                filled: telling(self.bundle, id, filled),
                wanted: wanted.map(|value| masked(self.bundle, id, value)),
                outcome: outcome.cloned(),
            });
        }
    }
}

/// A value as it may be told.
fn telling(bundle: &Bundle, id: &str, filled: &Filled) -> Filled {
    Filled {
        value: masked(bundle, id, filled.value.clone()),
        ..filled.clone()
    }
}

/// A slot that the bot does not declare any more may have been secret.
fn masked(bundle: &Bundle, id: &str, value: Value) -> Value {
    let secret = bundle.slots.get(id).is_none_or(|slot| slot.secret);
    if secret {
        Value::Text(MASK.to_owned())
    } else {
        value
    }
}

impl Turn<'_> {
    /// Marks what a step that ran vouches for: the values that the customer said yes to, and those that an action
    /// answered with.
    pub(super) fn vouch(&mut self, reads: &BTreeSet<String>, writes: &BTreeSet<String>, did: &Did) {
        let (slots, proof) = match did {
            Did::Confirmed => (reads, Proof::Confirmed),
            Did::Set if self.answered(reads) => (writes, Proof::System),
            _ => return,
        };
        for slot in slots {
            let filled = match self.base_mut().and_then(|base| base.slots.get_mut(slot)) {
                Some(filled) => Some(filled),
                None => self.state.slots.get_mut(slot),
            };
            if let Some(filled) = filled {
                filled.verified = Some(proof);
            }
        }
    }

    /// True where one of these names is what an action of the flow in front answered.
    fn answered(&self, names: &BTreeSet<String>) -> bool {
        let log = self.base().map_or(&[][..], |base| &base.log);
        log.iter()
            .filter(|ran| matches!(ran.did, Did::Acted { .. }))
            .any(|ran| ran.writes.iter().any(|name| names.contains(name)))
    }

    /// Keeps what a flow collected, for a person who takes over later. Secrets end with the flow.
    pub(super) fn keep_collected(&mut self, frame: &Frame, outcome: &str) {
        let bundle = self.bundle;
        let told = frame.slots.iter();
        let slots: BTreeMap<Id, Filled> = told
            .map(|(id, filled)| (id.clone(), telling(bundle, id, filled)))
            .collect();
        if slots.is_empty() {
            return;
        }
        let ended = &mut self.state.ended;
        // The same flow once more: what it collected then is told anew.
        ended.retain(|old| {
            old.flow != frame.flow || !old.slots.keys().all(|id| slots.contains_key(id))
        });
        if ended.len() >= ENDED {
            ended.remove(0);
        }
        ended.push(Ended {
            flow: frame.flow.clone(),
            outcome: outcome.to_owned(),
            slots,
        });
    }
}
