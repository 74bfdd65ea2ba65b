//! What happens because nothing does.

use jiff::Timestamp;

use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;

use super::draft::{MUTED_S, later};
use super::{Decided, Decision, Draft};
use crate::conversation::Conversation;
use crate::conversation::journal::{Body, Input};
use crate::gate::Gate;
use crate::handoff::queue::QueuePosition;
use crate::partition::Due;

/// Looks at a conversation that is due: closes it where the bot owns it and nothing has happened for `idle_close_s`, else
/// puts the next look off. Tells whether it was closed.
///
/// # Errors
/// None in practice.
pub(crate) fn idle(
    (conversation, gate): (&Conversation, &Gate),
    idle_close_s: i64,
    now: Timestamp,
) -> Decided<bool> {
    let mut draft = Draft::new(conversation, gate, now);
    let (log, owner) = (&conversation.log, conversation.head.owner);
    let muted = owner == Owner::Agent && conversation.head.open_handoff.is_none();
    if muted && !conversation.is_over() {
        return unmute(conversation, gate, now);
    }
    if conversation.is_over() || owner != Owner::Bot {
        draft.commit.due = Due::Never;
        return Ok(Decision::Commit(Box::new(draft.commit), false));
    }
    let ends = later(log.last_at, idle_close_s);
    if ends > now || log.waiting > 0 {
        draft.commit.due = Due::At(ends.max(later(now, 1)));
        return Ok(Decision::Commit(Box::new(draft.commit), false));
    }
    close(conversation, gate, "idle", now).map(|decision| match decision {
        Decision::Commit(commit, ()) => Decision::Commit(commit, true),
        Decision::Already(()) => Decision::Already(false),
    })
}

/// Has a conversation closed by its next turn.
///
/// # Errors
/// None in practice.
pub(crate) fn close(
    conversation: &Conversation,
    gate: &Gate,
    reason: &str,
    now: Timestamp,
) -> Decided<()> {
    if conversation.is_over() {
        return Ok(Decision::Already(()));
    }
    let mut draft = Draft::new(conversation, gate, now);
    let closed = Input::event(EventKind::Closed {
        reason: reason.to_owned(),
    });
    draft.append(0, &Body::Input(closed))?;
    draft.commit.due = Due::Never;
    Ok(Decision::Commit(Box::new(draft.commit), ()))
}

/// Has the bot tell somebody who waits that they have moved up.
///
/// # Errors
/// None in practice.
pub(crate) fn position_changed(
    conversation: &Conversation,
    gate: &Gate,
    standing: QueuePosition,
    now: Timestamp,
) -> Decided<()> {
    if conversation.is_over() || conversation.head.owner != Owner::Queue {
        return Ok(Decision::Already(()));
    }
    let mut draft = Draft::new(conversation, gate, now);
    let moved = Input::event(EventKind::PositionChanged {
        position: standing.position,
        wait_s: standing.wait_s,
    });
    draft.append(0, &Body::Input(moved))?;
    Ok(Decision::Commit(Box::new(draft.commit), ()))
}

/// Gives a conversation back to the bot in which nobody has written for a while in the provider's own inbox.
fn unmute(conversation: &Conversation, gate: &Gate, now: Timestamp) -> Decided<bool> {
    let mut draft = Draft::new(conversation, gate, now);
    let ends = later(conversation.log.last_at, MUTED_S);
    if ends > now {
        draft.commit.due = Due::At(ends);
        return Ok(Decision::Commit(Box::new(draft.commit), false));
    }
    draft.give(Owner::Bot);
    let back = Input::event(EventKind::Returned { flow: None });
    draft.append(0, &Body::Input(back))?;
    // The turn that follows says when to look again.
    Ok(Decision::Commit(draft.finish(MUTED_S)?, false))
}
