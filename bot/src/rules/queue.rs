//! The desk's queue: made from what the conversations say, so that it can be made again at any time.

use jiff::{SignedDuration, Timestamp};

use super::{Decided, Decision};
use crate::encoding::{decode, encode};
use crate::error::ServiceError;
use crate::handoff::queue::{AGENT, AgentCard, QueueView, TICKET, Ticket};
use crate::handoff::record::Record;
use crate::partition::{Commit, PartitionId, Snapshot};

/// Name of the document of a conversation's ticket.
pub(crate) fn ticket_doc(conversation: &str) -> String {
    format!("{TICKET}{conversation}")
}

/// Name of the document of an agent.
pub(crate) fn agent_doc(agent: &str) -> String {
    format!("{AGENT}{agent}")
}

/// When the queue is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// Where a ticket changes.
    Changes,
    /// In any case: whoever has read the queue before, and an older truth after that, is refused. Without it their ticket
    /// would come after this one had found nothing to do, and stay.
    Always,
}

/// Brings the ticket of a conversation in line with its open handoff, which is the truth; `open` must have been read after
/// `queue`. Doing it twice, late or in any order leads to the same, if the last that is done is with [`Write::Always`].
///
/// # Errors
/// A ticket that can't be read.
pub(crate) fn reconcile(
    queue: Option<&Snapshot>,
    conversation: &str,
    open: Option<&Record>,
    write: Write,
    now: Timestamp,
) -> Decided<()> {
    let doc = ticket_doc(conversation);
    let has = queue.and_then(|queue| queue.doc(&doc));
    let wanted = open
        .and_then(Ticket::of)
        .map(|ticket| encode("ticket", &ticket))
        .transpose()?;
    let changes = has != wanted.as_ref();
    if !changes && write == Write::Changes {
        return Ok(Decision::Already(()));
    }
    let mut commit = change(queue, now);
    if changes {
        commit.docs.insert(doc, wanted);
    }
    Ok(Decision::Commit(Box::new(commit), ()))
}

/// Somebody signs in: they are there, and take no conversations yet.
///
/// # Errors
/// None in practice.
pub(crate) fn sign_in(
    queue: Option<&Snapshot>,
    agent: &str,
    session_until: Timestamp,
    now: Timestamp,
) -> Decided<()> {
    let card = AgentCard {
        available: false,
        session_until,
        present_until: now.saturating_add(QUIET).unwrap_or(Timestamp::MAX),
        has_page: false,
    };
    put(queue, agent, &card, now)
}

/// Somebody's session is over, before its time: they are gone at once.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn leave(queue: Option<&Snapshot>, agent: &str, now: Timestamp) -> Decided<()> {
    match card(queue, agent)? {
        Some(card) if !card.is_gone(now) => {
            let card = AgentCard {
                available: false,
                session_until: now,
                present_until: now.min(card.present_until),
                ..card
            };
            put(queue, agent, &card, now)
        }
        _ => Ok(Decision::Already(())),
    }
}

/// Takes conversations or not.
///
/// # Errors
/// [`ServiceError::NotFound`] for somebody who never signed in.
pub(crate) fn set_available(
    queue: Option<&Snapshot>,
    agent: &str,
    available: bool,
    now: Timestamp,
) -> Decided<()> {
    let Some(card) = card(queue, agent)? else {
        return Err(ServiceError::NotFound {
            what: format!("agent `{agent}`"),
        });
    };
    let card = AgentCard { available, ..card };
    put(queue, agent, &card, now)
}

/// A sign of life of somebody at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// They asked for something.
    Request,
    /// Their page is open.
    Page,
    /// Their page went away.
    PageGone,
}

/// How long an open page counts without another sign of life: a process that dies takes its pages along.
const PAGE: SignedDuration = SignedDuration::from_secs(90);
/// How long a page may be gone: a reload, a tunnel, another network.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// How long somebody without a page (a program of their own, say) may ask for nothing.
pub(crate) const QUIET: SignedDuration = SignedDuration::from_secs(15 * 60);
/// What a sign of life must add to be written down: a busy page does not write with every request.
const WORTH: SignedDuration = SignedDuration::from_secs(30);

/// Somebody has given a sign of life and counts as there for a while.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn sign_of_life(
    queue: Option<&Snapshot>,
    agent: &str,
    sign: Sign,
    now: Timestamp,
) -> Decided<()> {
    // Somebody who never signed in, or whose session is over, has nothing to lose.
    let Some(card) = card(queue, agent)?.filter(|card| card.session_until > now) else {
        return Ok(Decision::Already(()));
    };
    let has_page = card.has_page || sign != Sign::Request;
    let lasts = match sign {
        Sign::Page => PAGE,
        Sign::Request if !has_page => QUIET,
        Sign::Request | Sign::PageGone => GRACE,
    };
    let until = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
    let adds = until.duration_since(card.present_until);
    if has_page == card.has_page && adds < WORTH && sign != Sign::PageGone {
        return Ok(Decision::Already(()));
    }
    let card = AgentCard {
        present_until: until,
        has_page,
        ..card
    };
    put(queue, agent, &card, now)
}

/// Reads an agent's card.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn card(
    queue: Option<&Snapshot>,
    agent: &str,
) -> Result<Option<AgentCard>, ServiceError> {
    let doc = queue.and_then(|queue| queue.doc(&agent_doc(agent)));
    Ok(doc.map(|body| decode("agent", body)).transpose()?)
}

/// Forgets agents whose session has run out and who have nobody any more; gives how many. `queue` holds all tickets and agents.
///
/// # Errors
/// A document that can't be read.
pub(crate) fn forget_agents(queue: Option<&Snapshot>, now: Timestamp) -> Decided<usize> {
    let view = queue.map(QueueView::of).transpose()?.unwrap_or_default();
    let mut commit = change(queue, now);
    for (agent, card) in &view.agents {
        let is_gone = card.session_until <= now && card.present_until <= now;
        if is_gone && view.of_agent(agent).is_empty() {
            commit.docs.insert(agent_doc(agent), None);
        }
    }
    Ok(match commit.docs.len() {
        0 => Decision::Already(0),
        forgotten => Decision::Commit(Box::new(commit), forgotten),
    })
}

fn put(queue: Option<&Snapshot>, agent: &str, card: &AgentCard, now: Timestamp) -> Decided<()> {
    let mut commit = change(queue, now);
    let body = encode("agent", card)?;
    commit.docs.insert(agent_doc(agent), Some(body));
    Ok(Decision::Commit(Box::new(commit), ()))
}

fn change(queue: Option<&Snapshot>, now: Timestamp) -> Commit {
    let revision = queue.map(|queue| queue.head.revision);
    Commit::new(PartitionId::queue(), revision, now)
}
