//! The end of a turn: everything that came of it in one commit. Nothing of it is said where somebody else has got the
//! conversation meanwhile.

use bellhop_flows::engine::effect::Effect;

use super::drive::Done;
use super::{CachedState, Context, InFlightTurn, Retry};
use crate::conversation::Reply;
use crate::conversation::journal::Row;
use crate::decide::{goes_to_queue, update_queue_now};
use crate::error::ServiceError;
use crate::events::CustomerEvent;
use crate::handoff::record::{self, Record};
use crate::partition::{Committed, Entry, NewEntry};
use crate::rules::desk::Desk;
use crate::rules::turn_end::turn_end;
use crate::secrets::{CustomerSecrets, SECRETS};

/// Times that a turn's end is decided anew because somebody at the desk was quicker.
const TRIES: u32 = 12;

/// Commits a turn. Gives what is kept for the next one and what this one caused.
///
/// # Errors
/// [`Retry`] where the store can't take it, or another process has worked through the input.
pub(super) async fn commit(
    context: &Context,
    mut cached: CachedState,
    done: Done,
) -> Result<(CachedState, Reply), Retry> {
    let end = &done.end;
    for _ in 0..TRIES {
        let late = cached.is_late(end.seq) && !end.was_ended;
        let told = |error: ServiceError| {
            tracing::error!(conversation = %cached.conversation.id, %error, "a turn can't be committed");
            Retry
        };
        let desk = Desk {
            bundle: &context.bots.current().bundle,
            gate: &context.gate,
            now: end.trace.at,
            report: context.report,
        };
        let open = if end.ends_handoff() && !late {
            open_handoff(context, &cached).await.map_err(told)?
        } else {
            None
        };
        let model = &context.model_version;
        let secrets = match end.secrets.is_nothing() {
            true => CustomerSecrets::default(),
            false => secrets(context, &cached).await.map_err(told)?,
        };
        let conversation = &cached.conversation;
        let ended = turn_end(&desk, conversation, (open, secrets), end, late, model);
        let (commit, head) = ended.map_err(told)?;
        let appended = commit.append.clone();
        let to_queue = goes_to_queue(&commit);
        let committed = context.store.commit(*commit).await;
        let committed = committed.map_err(|error| told(error.into()))?;
        let Committed::Done {
            revision,
            first_seq,
        } = committed
        else {
            metrics::counter!("bellhop_store_conflicts_total").increment(1);
            let begun = std::mem::take(&mut cached.begun);
            cached.refresh(&context.store, end.seq, &begun).await?;
            cached.begun = begun;
            continue;
        };
        count(&done.counts, late);
        if to_queue {
            let conversation = cached.conversation.partition();
            update_queue_now(&context.store, &conversation, end.trace.at).await;
        }
        // Between this turn and the one before that somebody asked for there is its input, and anything that others did.
        let own_input = u64::from(end.seq > cached.told_through);
        let missed = first_seq > cached.told_through + 1 + own_input;
        let last_seq = (first_seq + appended.len() as u64).saturating_sub(1);
        let missed = missed.then_some((cached.told_through, last_seq));
        // An entry in between that is not known may be an input: then its news must not be taken for old.
        if first_seq == cached.read_through + 1 {
            cached.read_through = last_seq;
        }
        if done.is_asked {
            cached.told_through = last_seq;
        }
        let reply = Reply {
            missed,
            events: visible(first_seq, end.trace.at, appended),
            listen: end.listen.clone(),
            owner: head.owner,
            handoff_id: head.open_handoff.clone(),
            closed: end.closed,
        };
        cached.conversation.head = head;
        cached.conversation.log.revision = revision;
        cached.conversation.log.processed = end.seq;
        cached.state = done.end.state;
        cached.listen = done.end.listen;
        cached.begun = InFlightTurn::default();
        return Ok((cached, reply));
    }
    tracing::error!(conversation = %cached.conversation.id, "others move a conversation all the time");
    Err(Retry)
}

/// The handoff that is open, where there is one.
async fn open_handoff(
    context: &Context,
    cached: &CachedState,
) -> Result<Option<Record>, ServiceError> {
    let Some(id) = &cached.conversation.head.open_handoff else {
        return Ok(None);
    };
    let (partition, doc) = (cached.conversation.partition(), record::document(id));
    let snapshot = context.store.snapshot(&partition, &[&doc]).await?;
    let record = snapshot
        .map(|snapshot| Record::of(&snapshot, id))
        .transpose()?;
    Ok(record.flatten())
}

/// The customer's secrets that are kept. Whoever changes them raises the revision, so that a commit on these is refused.
pub(super) async fn secrets(
    context: &Context,
    cached: &CachedState,
) -> Result<CustomerSecrets, ServiceError> {
    let partition = cached.conversation.partition();
    let snapshot = context.store.snapshot(&partition, &[SECRETS]).await?;
    let secrets = snapshot.as_ref().map(CustomerSecrets::of).transpose()?;
    Ok(secrets.unwrap_or_default())
}

/// What the customer sees of what was appended.
fn visible(first_seq: u64, at: jiff::Timestamp, appended: Vec<NewEntry>) -> Vec<CustomerEvent> {
    let entries = (first_seq..).zip(appended).map(|(seq, new)| Entry {
        seq,
        at,
        kind: new.kind,
        cause: new.cause,
        body: new.body,
    });
    entries
        .filter(|entry| Row::may_be_visible(entry.kind))
        .filter_map(|entry| Row::of(&entry).ok()?.visible())
        .collect()
}

fn count(counts: &[Effect], late: bool) {
    if late {
        metrics::counter!("bellhop_late_turns_total").increment(1);
    }
    for effect in counts {
        match effect {
            Effect::Rated { score } => {
                metrics::counter!("bellhop_ratings_total", "score" => score.to_string())
                    .increment(1);
            }
            Effect::FlowEnded { flow, outcome } => {
                metrics::counter!("bellhop_flows_ended_total", "flow" => flow.clone(),
                    "outcome" => outcome.clone())
                .increment(1);
            }
            _ => {}
        }
    }
}
