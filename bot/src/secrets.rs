//! What only the customer knows, such as a PIN: it is in no message, reading, state or trace. In the text that is stored signs stand in
//! its place, as many bytes as it has, and with these the engine works. The words themselves are in a document of the conversation until
//! their turn has ended, the value until an action has been sent it; then the document is taken away.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_flows::bundle::{Bundle, Id};
use bellhop_flows::engine::effect::ActionCall;
use bellhop_flows::engine::event::Reading;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::encoding::{Unreadable, decode, encode};
use crate::partition::{Bytes, Snapshot};

/// The document of a conversation that holds them.
pub(crate) const SECRETS: &str = "secrets";
/// What stands in the place of secrets: a sign for each of a bot's secret slots, in the order of their names.
const SIGNS: [char; 6] = ['*', '#', '~', '^', '=', '%'];

/// The secrets of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct CustomerSecrets {
    /// Messages with secrets in them, as they were sent, by the sender's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) heard: BTreeMap<String, String>,
    /// Values of slots.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) values: BTreeMap<Id, String>,
}

impl CustomerSecrets {
    /// Reads them; none where there is no document.
    ///
    /// # Errors
    /// A document that can't be read.
    pub(crate) fn of(snapshot: &Snapshot) -> Result<Self, Unreadable> {
        let doc = snapshot.doc(SECRETS);
        doc.map_or_else(|| Ok(Self::default()), |body| decode("secrets", body))
    }

    /// As the document is put; none where there is nothing to keep.
    ///
    /// # Errors
    /// Never in practice.
    pub(crate) fn document(&self) -> Result<Option<Bytes>, Unreadable> {
        let is_empty = self.heard.is_empty() && self.values.is_empty();
        (!is_empty).then(|| encode("secrets", self)).transpose()
    }
}

/// What a turn changes of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SecretsChange {
    /// The message that was worked through, by the sender's id.
    pub(crate) worked_through: Option<String>,
    /// Values that it has told.
    pub(crate) learned: BTreeMap<Id, String>,
    /// Slots whose values an action has been sent.
    pub(crate) used: BTreeSet<Id>,
    /// No flow that goes on needs any.
    pub(crate) forget: bool,
    /// The conversation is over.
    pub(crate) is_over: bool,
}

impl SecretsChange {
    /// The document need not even be read.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The secrets after the turn.
    pub(crate) fn applied(&self, mut secrets: CustomerSecrets) -> CustomerSecrets {
        if self.is_over {
            return CustomerSecrets::default();
        }
        if let Some(id) = &self.worked_through {
            secrets.heard.remove(id);
        }
        if self.forget {
            secrets.values.clear();
            return secrets;
        }
        secrets.values.extend(self.learned.clone());
        secrets.values.retain(|slot, _| !self.used.contains(slot));
        secrets
    }
}

/// The secret slots of a bot, each with the sign that stands for its values.
pub(crate) fn slots(bundle: &Bundle) -> impl Iterator<Item = (&Id, char)> {
    let secret = bundle.slots.iter().filter(|(_, slot)| slot.secret);
    secret.map(|(id, _)| id).zip(SIGNS.into_iter().cycle())
}

/// Signs in the place of a value.
pub(crate) fn stand_in(sign: char, value: &str) -> String {
    sign.to_string().repeat(value.len())
}

/// Whether a slot's text only stands for its value.
pub(crate) fn is_stand_in(sign: char, text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c == sign)
}

/// Stretches of `shown` in which `sign` stands for something else in `clear`, which is as long.
pub(crate) fn stretches(clear: &str, shown: &str, sign: char) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    if clear.len() != shown.len() {
        return found;
    }
    for (at, (is, was)) in shown.bytes().zip(clear.bytes()).enumerate() {
        if is == was || char::from(is) != sign {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.1 == at => last.1 = at + 1,
            _ => found.push((at, at + 1)),
        }
    }
    found
}

/// Takes the value of a secret out of what was read of a message: gives it, and leaves its stand-in. `stretches` are where it may be,
/// `entity` what its slot holds. Other values that were seen in the same place are taken out.
pub(crate) fn take_out(
    reading: &mut Reading,
    stretches: &[(usize, usize)],
    entity: &str,
    sign: char,
) -> Option<String> {
    let mut told = None;
    let hidden = |start: usize, end: usize| stretches.iter().any(|it| start < it.1 && it.0 < end);
    let seen = std::mem::take(&mut reading.entities);
    let mut keep = Vec::with_capacity(seen.len());
    for mut found in seen {
        if hidden(found.start, found.end) {
            let (Value::String(value), true) = (&found.value, found.entity == entity) else {
                continue;
            };
            // Who says two corrects the first.
            told = Some(value.clone());
            found.value = Value::String(stand_in(sign, value));
        }
        keep.push(found);
    }
    reading.entities = keep;
    told
}

/// Puts values in the places of their stand-ins in what a call sends. None where one is not there any more.
pub(crate) fn filled(
    call: &ActionCall,
    needed: &[(&Id, String)],
    values: &BTreeMap<Id, String>,
) -> Option<ActionCall> {
    let mut call = call.clone();
    for (slot, stand_in) in needed {
        let value = values.get(*slot)?;
        for header in call.headers.values_mut() {
            *header = header.replace(stand_in, value);
        }
        if let Some(body) = &mut call.body {
            fill(body, stand_in, value);
        }
    }
    Some(call)
}

fn fill(json: &mut Value, stand_in: &str, value: &str) {
    match json {
        Value::String(text) if text.contains(stand_in) => *text = text.replace(stand_in, value),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| fill(item, stand_in, value)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| fill(field, stand_in, value)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
