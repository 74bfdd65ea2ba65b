//! The end of a turn: what came of it becomes a commit.

use std::sync::Arc;

use jiff::Timestamp;

use bellhop_flows::engine::effect::{HandoffRequest, Listen};
use bellhop_flows::engine::open_secrets;
use bellhop_flows::engine::state::{Owner, State};

use super::Draft;
use super::desk::{Desk, plain};
use crate::conversation::journal::Body;
use crate::conversation::{Conversation, ConversationHead, STATE, TurnTrace, write_state};
use crate::encoding::encode;
use crate::error::ServiceError;
use crate::events::HandoffStatus;
use crate::handoff::envelope_builder::{self, Facts};
use crate::handoff::queue::QueuePosition;
use crate::handoff::record::{Record, Stage};
use crate::partition::Commit;
use crate::secrets::{CustomerSecrets, SECRETS, SecretsChange};

/// A handoff that begins with a turn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PendingHandoff {
    /// Its id.
    pub(crate) id: String,
    /// What the engine asked for.
    pub(crate) request: HandoffRequest,
    /// When.
    pub(crate) at: Timestamp,
    /// What the customer is told.
    pub(crate) standing: QueuePosition,
}

/// What came of a turn.
#[derive(Debug)]
pub(crate) struct TurnEnd {
    /// Seq of its input.
    pub(crate) seq: u64,
    /// Version of the bot that took it.
    pub(crate) bot: Arc<str>,
    /// The engine's state.
    pub(crate) state: State,
    /// What the bot waits for.
    pub(crate) listen: Option<Listen>,
    /// What the engine was fed and the journal does not have yet; none where it has it all.
    pub(crate) fed: Option<Body>,
    /// Seqs of entries of this turn that do not hold any more.
    pub(crate) erase: Vec<u64>,
    /// What the customer is to see.
    pub(crate) out: Vec<Body>,
    /// The handoff that begins.
    pub(crate) opening: Option<PendingHandoff>,
    /// The customer no longer wants a person.
    pub(crate) cancelled: bool,
    /// The conversation is over.
    pub(crate) closed: bool,
    /// Its input was that it is over: so it is, whoever has got it meanwhile.
    pub(crate) was_ended: bool,
    /// What becomes of the customer's secrets.
    pub(crate) secrets: SecretsChange,
    /// Why all this.
    pub(crate) trace: TurnTrace,
}

impl TurnEnd {
    /// It touches the handoff that is open: that has to be read for it.
    pub(crate) fn ends_handoff(&self) -> bool {
        self.cancelled || self.closed
    }
}

/// Decides how a turn ends. `late` means that somebody else has got the conversation since its input was stored: what it
/// came to is kept, nothing of it is said, and the owner stays. `open` is the handoff that is open, where
/// [`TurnEnd::ends_handoff`], and `secrets` are those that are kept, where the turn changes them. What the customer has ended is over
/// and not late.
///
/// # Errors
/// None in practice.
pub(crate) fn turn_end(
    desk: &Desk<'_>,
    conversation: &Conversation,
    (open, secrets): (Option<Record>, CustomerSecrets),
    turn: &TurnEnd,
    late: bool,
    model: &str,
) -> Result<(Box<Commit>, ConversationHead), ServiceError> {
    let mut draft = Draft::new(conversation, desk.gate, desk.now);
    draft.commit.erase.clone_from(&turn.erase);
    if let Some(fed) = &turn.fed {
        draft.append(turn.seq, fed)?;
    }
    draft.head.bot = Some(Arc::clone(&turn.bot));
    draft.head.language.clone_from(&turn.state.language);
    draft.head.open_secrets = open_secrets(desk.bundle, &turn.state);
    if !turn.secrets.is_nothing() {
        let document = turn.secrets.applied(secrets).document()?;
        draft.commit.docs.insert(SECRETS.to_owned(), document);
    }
    if !late {
        for body in &turn.out {
            draft.append(turn.seq, body)?;
        }
        draft.give(if turn.closed {
            Owner::Closed
        } else {
            turn.state.owner
        });
        if turn.ends_handoff()
            && let Some(record) = open
        {
            withdraw(desk, &mut draft, record, turn)?;
        }
        if let Some(opening) = turn.opening.as_ref().filter(|_| !turn.closed) {
            request(desk, &mut draft, conversation, opening, turn, model)?;
        }
    }
    // The reading is in the journal, among what the engine was fed.
    let trace = TurnTrace {
        late,
        reading: None,
        ..turn.trace.clone()
    };
    draft.commit.trace = Some(encode("trace", &trace)?);
    draft.commit.processed = Some(turn.seq);
    let state = write_state(&turn.state, turn.listen.as_ref())?;
    draft.commit.docs.insert(STATE.to_owned(), Some(state));
    let head = draft.head.clone();
    Ok((draft.finish(desk.bundle.limits.idle_close_s)?, head))
}

/// Takes the conversation out of its queue: the customer no longer wants a person, or has left.
fn withdraw(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    mut record: Record,
    turn: &TurnEnd,
) -> Result<(), ServiceError> {
    if record.stage != Stage::Queued {
        return Ok(());
    }
    record.stage = if turn.closed {
        Stage::Abandoned
    } else {
        Stage::Cancelled
    };
    record.ended_at = Some(desk.now);
    let news = plain(record.id(), HandoffStatus::Cancelled);
    draft.append(turn.seq, &Body::Handoff(news))?;
    desk.keep(draft, record, None)
}

/// Puts the conversation into its queue, with everything that it knows.
fn request(
    desk: &Desk<'_>,
    draft: &mut Draft<'_>,
    conversation: &Conversation,
    opening: &PendingHandoff,
    turn: &TurnEnd,
    model: &str,
) -> Result<(), ServiceError> {
    let head = &conversation.head;
    let facts = Facts {
        handoff: opening.id.clone(),
        conversation: conversation.id.to_string(),
        earlier: head.handoffs.clone(),
        epoch: draft.head.custody_epoch,
        at: opening.at,
        account: head.account.clone(),
        address: head.provider_key.clone(),
        verified: head.verified,
        model: model.to_owned(),
    };
    let envelope =
        envelope_builder::envelope(desk.bundle, &turn.state, Some(&opening.request), &facts);
    let news = desk.queued(&envelope, opening.standing);
    draft.append(turn.seq, &Body::Handoff(news))?;
    let record = Record::queued(envelope, opening.standing.position);
    desk.keep(draft, record, Some(opening.standing))
}
