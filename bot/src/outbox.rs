//! What could not be sent and was given up: found again, sent again or thrown away, at the request of staff or of a command.
//!
//! Sent again it is under the key that it had: what is sent names an entry of the journal, or has an id of its own, and keeps
//! both. What of it had arrived is left out where that is known ([`crate::rules::channel`]); for the rest the receiver's memory
//! of keys is what keeps it from being there twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit::{Act, By, Deed};
use crate::error::ServiceError;
use crate::partition::DeadLetter;
use crate::store::{Backlog, Store};

/// Something that was given up, without what it says: that is personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Letter {
    /// Names it until it is sent again or thrown away: conversation, destination, number.
    pub id: String,
    /// Where it was to go: `status`, `queue`, `channel/ACCOUNT`.
    pub destination: String,
    /// The conversation that it comes from.
    pub conversation: String,
    /// When it was to be sent first, or again.
    #[schema(value_type = String, format = DateTime)]
    pub put_in: Timestamp,
    /// When it was given up.
    #[schema(value_type = String, format = DateTime)]
    pub given_up: Timestamp,
    /// Times that sending it was tried.
    pub attempts: u32,
    /// Why it was given up.
    pub why: String,
}

impl Letter {
    /// As it is told.
    pub fn of(letter: &DeadLetter) -> Self {
        let claim = &letter.claim;
        Self {
            id: id_of(letter),
            destination: claim.destination.clone(),
            conversation: claim.partition.to_string(),
            put_in: claim.at,
            given_up: letter.died_at,
            attempts: claim.attempts.saturating_add(1),
            why: letter.why.clone(),
        }
    }
}

fn id_of(letter: &DeadLetter) -> String {
    let claim = &letter.claim;
    format!("{}/{}/{}", claim.partition, claim.destination, claim.number)
}

/// How much is not sent to a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unsent {
    /// The destination.
    pub destination: String,
    /// Things that wait, those on their way included.
    pub waiting: u64,
    /// When the one that waits longest was put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub oldest: Option<Timestamp>,
    /// Things that were given up.
    pub given_up: u64,
}

impl Unsent {
    /// Nothing waits.
    pub(crate) fn none(destination: &str) -> Self {
        Self {
            destination: destination.to_owned(),
            waiting: 0,
            oldest: None,
            given_up: 0,
        }
    }
}

impl From<Backlog> for Unsent {
    fn from(backlog: Backlog) -> Self {
        Self {
            destination: backlog.destination,
            waiting: backlog.waiting,
            oldest: backlog.oldest,
            given_up: backlog.dead,
        }
    }
}

/// Which of what was given up is meant: what has one of the ids and fits the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub struct Selection {
    /// These; all where there are none.
    pub ids: Vec<String>,
    /// To this destination.
    pub destination: Option<String>,
    /// Given up at this time or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Given up before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Everything that was given up, where nothing else is said.
    pub all: bool,
}

impl Selection {
    /// It leaves something out, or says that it means everything: nothing is done by a word that was forgotten.
    pub fn is_meant(&self) -> bool {
        self.all
            || !self.ids.is_empty()
            || self.destination.is_some()
            || self.since.is_some()
            || self.until.is_some()
    }

    fn fits(&self, letter: &DeadLetter) -> bool {
        let to = &letter.claim.destination;
        self.destination.as_ref().is_none_or(|it| it == to)
            && self.since.is_none_or(|since| letter.died_at >= since)
            && self.until.is_none_or(|until| letter.died_at < until)
            && (self.ids.is_empty() || self.ids.contains(&id_of(letter)))
    }
}

/// Finds what is meant, the latest given up first.
///
/// # Errors
/// [`ServiceError::NotFound`] for an id that nothing has, or the store is away.
pub async fn find(store: &Store, meant: &Selection) -> Result<Vec<DeadLetter>, ServiceError> {
    let mut letters = store.dead(usize::MAX).await?;
    letters.retain(|letter| meant.fits(letter));
    let found: std::collections::BTreeSet<String> = letters.iter().map(id_of).collect();
    match meant.ids.iter().find(|id| !found.contains(*id)) {
        Some(id) => Err(ServiceError::NotFound {
            what: format!("`{id}` among what was given up"),
        }),
        None => Ok(letters),
    }
}

/// Letters that an entry of the audit log names.
const MOST_NAMED: usize = 100;

/// What becomes of something that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is sent again, after what waits for its destination already.
    Replay,
    /// It is thrown away.
    Drop,
}

/// What is about to be done to letters, as the audit log has it.
pub(crate) fn deed(by: By, letters: &[DeadLetter], fate: Fate) -> Deed {
    let act = match fate {
        Fate::Replay => Act::OutboxReplay,
        Fate::Drop => Act::OutboxDrop,
    };
    let ids: Vec<String> = letters.iter().take(MOST_NAMED).map(id_of).collect();
    let deed = Deed::new(by, act).with("letters", letters.len().to_string());
    deed.with("ids", ids.join(", "))
}

/// Does the same to all of some letters; gives to how many: those that somebody else was quicker with are left out.
///
/// # Errors
/// The store is away; what was done until then stays done.
pub async fn settle(
    store: &Store,
    mut letters: Vec<DeadLetter>,
    fate: Fate,
    now: Timestamp,
) -> Result<usize, ServiceError> {
    // In the order in which they were said: each goes to the end of its lane.
    letters.sort_by(|a, b| {
        let (a, b) = (&a.claim, &b.claim);
        (&a.partition, a.seq, a.number).cmp(&(&b.partition, b.seq, b.number))
    });
    let mut done = 0;
    for letter in &letters {
        done += usize::from(store.revive(letter, fate == Fate::Replay, now).await?);
    }
    Ok(done)
}
