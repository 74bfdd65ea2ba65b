//! One turn: an input goes through understanding and the engine, what the engine asks for is done,
//! and everything that came of it is committed at once.
//!
//! Must never let the customer see what is not committed, nor send an irreversible call that the
//! journal does not know of.

pub(crate) mod answered;
mod commit;
mod drive;
pub(crate) mod handing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::engine::effect::Listen;
use bellhop_flows::engine::event::{Event, EventKind};
use bellhop_flows::engine::state::{Owner, State};

use crate::app::Core;
use crate::clock::Stopwatch;
use crate::conversation::{InboundBody, Reply, StageMicros};
use crate::error::ServiceError;
use crate::outbox::{Author, CustomerEvent, TypingEvent};
use crate::store::journal::{self, Body, Input, Row, What};
use crate::store::{conversations, parse};
use drive::Drive;

/// Work after which the customer is shown that there is some; most answers are there sooner.
const SLOW: Duration = Duration::from_millis(300);
/// Pause between two signs of work: whoever came later sees one too.
const STILL: Duration = Duration::from_secs(4);

/// What is kept of a conversation between two turns.
#[derive(Debug, Clone)]
pub(crate) struct CachedState {
    state: State,
    revision: u64,
    epoch: u64,
    processed: u64,
    listen: Option<Listen>,
    /// What the turn that comes next had stored before the program died.
    begun: InFlightTurn,
}

/// What a turn that did not end had stored.
#[derive(Debug, Clone, Default)]
struct InFlightTurn {
    /// Events that the engine was fed; it is fed the same again.
    events: VecDeque<Event>,
    /// Keys of the irreversible calls that may have been sent.
    calls: BTreeSet<String>,
}

/// The store could not take the turn, or somebody else moved the conversation: read it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry;

impl CachedState {
    /// Seq of the last input that was worked through.
    pub(crate) fn processed(&self) -> u64 {
        self.processed
    }
}

/// Makes the state of a conversation from everything that the engine was fed.
pub(crate) fn rebuild(bundle: &Bundle, events: &[Event]) -> State {
    let mut state = State::default();
    for event in events {
        bellhop_flows::engine::step(bundle, &mut state, event);
    }
    state
}

/// The epoch before the first act of the desk among inputs that wait: what came before that act belongs to it, and is
/// late although the conversation has another owner by now. Every act of the desk raises the epoch by one.
fn custody_epoch_before(rows: &[Row]) -> Option<u64> {
    rows.iter().find_map(|row| match &row.body {
        Body::Input(Input {
            epoch,
            what:
                What::Event {
                    event:
                        EventKind::AgentJoined { .. }
                        | EventKind::Returned { .. }
                        | EventKind::WrappedUp
                        | EventKind::Queued { .. },
                },
            ..
        }) => epoch.checked_sub(1),
        _ => None,
    })
}

/// Reads a conversation and the inputs that wait in it.
///
/// # Errors
/// No such conversation, or the store is away.
pub(crate) async fn load(
    core: &Arc<Core>,
    id: &str,
) -> Result<(CachedState, Vec<Row>), ServiceError> {
    let bundle = Arc::clone(&core.bundle);
    let id = id.to_owned();
    let read = core.store.read(move |c| {
        let head = conversations::head(c, &id)?;
        let snapshot = conversations::snapshot(c, &id)?;
        let listen = snapshot.as_ref().and_then(|found| found.listen.clone());
        let kept = snapshot
            .and_then(|found| found.state)
            .and_then(|state| parse::<State>("state", &state).ok());
        let state = match kept {
            Some(state) => state,
            None => {
                if head.processed_seq > 0 {
                    tracing::warn!(conversation = %id, "a snapshot is damaged; made again from the journal");
                }
                rebuild(&bundle, &journal::fed(c, &id, head.processed_seq)?)
            }
        };
        let rows = journal::pending(c, &id)?;
        let epoch = custody_epoch_before(&rows).unwrap_or(head.epoch);
        let mut begun = InFlightTurn::default();
        if let Some(first) = rows.first() {
            for row in journal::begun(c, &id, first.seq)? {
                match row.body {
                    Body::Event(event) => begun.events.push_back(event),
                    Body::Call(call) => drop(begun.calls.insert(call.key)),
                    _ => {}
                }
            }
        }
        let hot = CachedState {
            state,
            revision: head.revision,
            epoch,
            processed: head.processed_seq,
            listen,
            begun,
        };
        Ok((hot, rows))
    });
    Ok(read.await?)
}

/// Runs one input. Gives what is kept for the next one and what this one caused. Whoever watches sees that the bot is at
/// work on a message when that takes long.
///
/// # Errors
/// [`Retry`], with the input still unprocessed.
pub(crate) async fn run(
    core: &Arc<Core>,
    hot: CachedState,
    row: Row,
) -> Result<(CachedState, Reply), Retry> {
    let conversation = Arc::clone(&row.conversation);
    let says_so = hot.state.owner == Owner::Bot && is_said(&row);
    let mut turn = Box::pin(run_quietly(core, hot, row));
    if !says_so {
        return turn.await;
    }
    let (mut pause, mut shown) = (SLOW, false);
    let result = loop {
        match tokio::time::timeout(pause, &mut turn).await {
            Ok(result) => break result,
            Err(_) if is_the_bots(core, &conversation).await => {
                at_work(core, &conversation, true);
                (pause, shown) = (STILL, true);
            }
            // A person has it meanwhile: what this turn comes to will not be said.
            Err(_) => pause = STILL,
        }
    };
    if shown {
        at_work(core, &conversation, false);
    }
    result
}

/// The customer said it.
fn is_said(row: &Row) -> bool {
    let Body::Input(input) = &row.body else {
        return false;
    };
    matches!(&input.what, What::Customer { body, .. } if !matches!(body, InboundBody::Silence))
}

async fn is_the_bots(core: &Arc<Core>, conversation: &Arc<str>) -> bool {
    let id = Arc::clone(conversation);
    let head = core.store.read(move |c| conversations::head(c, &id)).await;
    head.is_ok_and(|head| head.owner == Owner::Bot)
}

fn at_work(core: &Arc<Core>, conversation: &str, on: bool) {
    core.hub.publish(conversation, || {
        Some(CustomerEvent::Typing(TypingEvent {
            from: Author::Bot,
            on,
        }))
    });
}

async fn run_quietly(
    core: &Arc<Core>,
    hot: CachedState,
    row: Row,
) -> Result<(CachedState, Reply), Retry> {
    let watch = Stopwatch::start();
    let mut drive = Drive::new(core, &hot, &row);
    // A panic is our bug: it must cost this message and not the conversation.
    let driven = AssertUnwindSafe(drive.run()).catch_unwind().await;
    match driven {
        Ok(done) => done?,
        Err(_) => {
            tracing::error!(conversation = %row.conversation, seq = row.seq, "a turn panicked");
            metrics::counter!("bellhop_turn_panics_total").increment(1);
            drive.give_up();
        }
    }
    let done = drive.end(watch.micros());
    let micros = done.trace.micros;
    let storing = Stopwatch::start();
    let result = commit::commit(core, hot, &row, done).await;
    if result.is_ok() {
        core.answered.forget(&row.conversation);
    }
    measure(micros, storing.elapsed());
    metrics::counter!("bellhop_turns_total").increment(1);
    metrics::histogram!("bellhop_turn_seconds").record(watch.elapsed().as_secs_f64());
    result
}

/// Counts where a turn's time went: what `bellhop load` prints.
fn measure(micros: StageMicros, store: Duration) {
    let stages = [
        ("accept", micros.accept),
        ("nlu", micros.nlu),
        ("retrieval", micros.retrieval),
        ("engine", micros.engine),
        ("actions", micros.actions),
    ];
    for (stage, micros) in stages {
        let spent = Duration::from_micros(micros).as_secs_f64();
        metrics::histogram!("bellhop_turn_stage_seconds", "stage" => stage).record(spent);
    }
    metrics::histogram!("bellhop_turn_stage_seconds", "stage" => "store")
        .record(store.as_secs_f64());
}
