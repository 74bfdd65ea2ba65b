//! The end of a turn: everything that came of it in one transaction, unless the owner changed.

use std::sync::Arc;

use rusqlite::Transaction;

use bellhop_flows::engine::effect::Effect;
use bellhop_flows::engine::state::Owner;

use super::drive::{Done, check_expected_version, expected_epoch};
use super::handing::{self, HandoffChange};
use super::{CachedState, InFlightTurn, Retry};
use crate::app::Core;
use crate::conversation::{Reply, TurnTrace};
use crate::handoff::desk::Desk;
use crate::outbox::CustomerEvent;
use crate::store::conversations::{self, Progress};
use crate::store::journal::{self, Body, Row};
use crate::store::{StoreError, json};

/// How a commit ended.
struct Committed {
    epoch: u64,
    owner: Owner,
    late: bool,
    handoff: Option<String>,
    events: Vec<CustomerEvent>,
}

/// What goes into a commit.
struct Change {
    conversation: Arc<str>,
    seq: u64,
    revision: u64,
    epoch: u64,
    in_journal: u64,
    rewrite: bool,
    fed: Vec<Body>,
    out: Vec<Body>,
    handing: HandoffChange,
    progress: Progress,
    trace: TurnTrace,
}

impl Change {
    fn new(core: &Core, hot: &CachedState, row: &Row, done: Done) -> Result<Self, StoreError> {
        let (state, at) = (done.state, done.trace.at);
        Ok(Self {
            conversation: Arc::clone(&row.conversation),
            seq: row.seq,
            revision: hot.revision,
            epoch: expected_epoch(hot, row),
            in_journal: done.in_journal,
            rewrite: done.rewrite,
            fed: done.fed.into_iter().map(Body::Event).collect(),
            out: done.out,
            progress: Progress {
                seq: row.seq,
                state: json(&state)?,
                listen: done.listen.as_ref().map(json).transpose()?,
                owner: if done.closed {
                    Owner::Closed
                } else {
                    state.owner
                },
                language: state.language.clone(),
                at,
                trace: String::new(),
            },
            handing: HandoffChange {
                desk: Desk {
                    now: at,
                    ..core.desk_now(row.seq)
                },
                opening: done.opening.map(|opening| (opening, state)),
                cancelled: done.cancelled,
                model: core.options.model_version.clone(),
            },
            trace: done.trace,
        })
    }
}

/// Commits a turn. Gives what is kept for the next one and what this one caused.
///
/// # Errors
/// [`Retry`] where the store can't take it, or another writer moved the conversation.
pub(super) async fn commit(
    core: &Arc<Core>,
    hot: CachedState,
    row: &Row,
    mut done: Done,
) -> Result<(CachedState, Reply), Retry> {
    let (state, listen, closed) = (done.state.clone(), done.listen.clone(), done.closed);
    let counts = std::mem::take(&mut done.counts);
    let stir = done.opening.is_some() || done.cancelled || closed;
    let change = Change::new(core, &hot, row, done).map_err(|error| {
        // States and listens are plain data with text keys: this does not happen.
        tracing::error!(conversation = %row.conversation, %error, "a turn can't be written");
        Retry
    })?;
    let committed = core.post(move |tx, rows| apply(tx, change, rows)).await;
    let committed = match committed {
        Ok(committed) => committed,
        Err(error) => {
            tracing::error!(conversation = %row.conversation, %error, "a turn can't be committed");
            return Err(Retry);
        }
    };
    if stir && !committed.late {
        // Nobody at the desk is nobody to tell.
        let _ = core.desk.send(());
    }
    count(&counts, committed.late);
    let reply = Reply {
        events: committed.events,
        listen: listen.clone(),
        owner: committed.owner,
        handoff_id: committed.handoff,
        closed,
    };
    let hot = CachedState {
        state,
        revision: hot.revision + 1,
        epoch: committed.epoch,
        processed: row.seq,
        listen,
        begun: InFlightTurn::default(),
    };
    Ok((hot, reply))
}

fn apply(
    tx: &Transaction<'_>,
    change: Change,
    rows: &mut Vec<Row>,
) -> Result<Committed, StoreError> {
    let id = &*change.conversation;
    check_expected_version(tx, id, (change.seq, change.revision, change.in_journal))?;
    if change.rewrite {
        journal::forget_events(tx, id, change.seq)?;
    }
    let (_, epoch) = conversations::version(tx, id)?;
    let late = epoch != change.epoch;
    let mut progress = change.progress;
    let at = progress.at;
    let mut bodies = change.fed;
    if !late {
        bodies.extend(change.out);
    }
    let stored = journal::append(tx, id, at, change.seq, bodies)?;
    let trace = TurnTrace {
        late,
        ..change.trace
    };
    progress.trace = json(&trace)?;
    let (new_epoch, owner) = conversations::progress(tx, id, &progress, late)?;
    rows.extend(stored);
    if !late {
        let over = progress.owner == Owner::Closed;
        rows.extend(handing::store(tx, id, change.handing, new_epoch, over)?);
    }
    let handoff = handing::open_of(tx, id)?;
    let visible = rows.iter().filter(|row| *row.conversation == *id);
    Ok(Committed {
        // A late turn does not learn the new epoch: what the desk did comes as an input of its own.
        epoch: if late { change.epoch } else { new_epoch },
        owner,
        late,
        handoff,
        events: visible.filter_map(Row::visible).collect(),
    })
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
