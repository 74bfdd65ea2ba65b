//! One turn: an input goes through understanding and the engine, what the engine asks for is done,
//! and everything that came of it is committed at once.
//!
//! Must never let the customer see what is not committed, nor send an irreversible call that the
//! journal does not know of.

mod answered;
mod commit;
mod drive;
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

use crate::bots::Bots;
use crate::clock::{Clock, Stopwatch};
use crate::conversation::journal::{Body, Fed, Feed, Input, Row, What, engine_events};
use crate::conversation::{Conversation, HEAD, InboundBody, Reply, STATE, StageMicros, read_state};
use crate::encoding::encode;
use crate::error::ServiceError;
use crate::events::{Author, CustomerEvent, TypingEvent};
use crate::gate::Gate;
use crate::partition::{Entry, Kind, PartitionId};
use crate::store::Store;
pub(crate) use answered::ActionResultCache;
use drive::Drive;

/// Work after which the customer is shown that there is some; most answers are there sooner.
const SLOW: Duration = Duration::from_millis(300);
/// Pause between two signs of work: whoever came later sees one too.
const STILL: Duration = Duration::from_secs(4);

/// Entries that are looked through for the last turn that somebody asked for.
const TAIL: usize = 64;

/// What turns need.
pub(crate) struct Context {
    /// The bot that answers, and those that did.
    pub(crate) bots: Arc<Bots>,
    /// What text passes.
    pub(crate) gate: Arc<Gate>,
    /// Time.
    pub(crate) clock: Clock,
    /// The store.
    pub(crate) store: Store,
    /// Status events of handoffs are wanted.
    pub(crate) report: bool,
    /// Name of the model, for envelopes.
    pub(crate) model_version: String,
    /// What systems of record answered in turns that are not committed yet.
    pub(crate) answered: ActionResultCache,
}

/// What is kept of a conversation between two turns.
#[derive(Debug, Clone)]
pub(crate) struct CachedState {
    conversation: Conversation,
    /// Seq of the last act of the desk that changed the owner and is not worked through: what came before it belongs to
    /// the owner before, and is late although the conversation has another by now. 0 where there is none.
    custody_seq: u64,
    /// Seq of the last entry of the last turn that somebody asked for: what was said up to there was told with it.
    told_through: u64,
    state: State,
    listen: Option<Listen>,
    /// What the turn that comes next had stored before the program died.
    begun: InFlightTurn,
    /// Seq of the last entry that is known; none before it is missing.
    read_through: u64,
}

/// What a turn that did not end had stored.
#[derive(Debug, Clone, Default)]
struct InFlightTurn {
    /// Events that the engine was fed; it is fed the same again.
    events: VecDeque<Event>,
    /// Keys of the irreversible calls that may have been sent.
    calls: BTreeSet<String>,
    /// Seqs of the entries that hold the events.
    entries: Vec<u64>,
    /// They were fed to another version of the bot.
    is_anothers: bool,
}

/// The store could not take the turn, or somebody else moved the conversation: read it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry;

impl InFlightTurn {
    /// Whether an entry that the turn has led to is one that it has stored.
    fn knows(&self, row: &Row) -> bool {
        match &row.body {
            Body::Call(call) => self.calls.contains(&call.key),
            _ => self.entries.contains(&row.seq),
        }
    }
}

impl CachedState {
    /// Seq of the last input that was worked through.
    pub(crate) fn processed(&self) -> u64 {
        self.conversation.log.processed
    }

    /// Seq of the last entry that this process knows; none before it is missing.
    pub(crate) fn read_through(&self) -> u64 {
        self.read_through
    }

    /// Reads what has been appended since; gives the inputs that wait.
    ///
    /// # Errors
    /// The store is away, or an entry that can't be read.
    pub(crate) async fn look(&mut self, store: &Store) -> Result<Vec<Row>, ServiceError> {
        let partition = self.conversation.partition();
        let entries = store.log(&partition, self.processed(), usize::MAX).await?;
        let mut rows = entries.iter().map(Row::of).collect::<Result<Vec<_>, _>>()?;
        self.custody_seq = custody_seq(&rows);
        let last = entries.last().map_or(0, |entry| entry.seq);
        self.read_through = self.read_through.max(last);
        rows.retain(|row| matches!(row.body, Body::Input(_)));
        Ok(rows)
    }

    /// Somebody else has got the conversation since the input at `seq` was stored.
    fn is_late(&self, seq: u64) -> bool {
        self.custody_seq > seq
    }

    /// Reads how the conversation stands now, after somebody at the desk has moved it; `begun` is what the turn of the input
    /// at `seq` has stored so far.
    ///
    /// # Errors
    /// [`Retry`] where the store is away or another process works through the inputs.
    async fn refresh(
        &mut self,
        store: &Store,
        seq: u64,
        begun: &InFlightTurn,
    ) -> Result<(), Retry> {
        let read = async {
            let partition = self.conversation.partition();
            let Some(snapshot) = store.snapshot(&partition, &[HEAD]).await? else {
                return Err(unknown(&self.conversation.id));
            };
            let now = Conversation::of(&partition, &snapshot)?;
            let after = store.log(&partition, self.processed(), usize::MAX).await?;
            let rows = after.iter().map(Row::of).collect::<Result<Vec<_>, _>>()?;
            let is_anothers = rows.iter().any(|row| row.cause == seq && !begun.knows(row));
            Ok((now, custody_seq(&rows), is_anothers))
        };
        let (now, custody_seq, is_anothers) = read.await.map_err(|error: ServiceError| {
            tracing::error!(conversation = %self.conversation.id, %error, "a conversation can't be read");
            Retry
        })?;
        if now.log.processed != self.processed() {
            tracing::warn!(conversation = %self.conversation.id, "another process has worked through an input");
            return Err(Retry);
        }
        if is_anothers {
            // It goes on from there: what is fed to the engine must be in the journal once.
            tracing::warn!(conversation = %self.conversation.id, seq, "another process is at work on the same input");
            return Err(Retry);
        }
        self.conversation = now;
        self.custody_seq = custody_seq;
        Ok(())
    }
}

/// Seq of the last act of the desk that changed the owner, among rows that are not worked through.
fn custody_seq(rows: &[Row]) -> u64 {
    let acts = rows
        .iter()
        .filter(|row| matches!(&row.body, Body::Input(input) if input.changes_owner()));
    acts.map(|row| row.seq).max().unwrap_or(0)
}

fn unknown(conversation: &str) -> ServiceError {
    ServiceError::NotFound {
        what: format!("conversation `{conversation}`"),
    }
}

/// Makes the state of a conversation from everything that the engine was fed, each event with the flows that it was fed to.
///
/// # Errors
/// The store is away.
pub(crate) async fn rebuild(
    bots: &Bots,
    events: &[(Option<Arc<str>>, Event)],
) -> Result<State, ServiceError> {
    let mut state = State::default();
    for same in events.chunk_by(|(one, _), (other, _)| one == other) {
        let version = same.first().and_then(|(version, _)| version.as_deref());
        let bundle = bots.bundle_of(version).await?;
        fold(&bundle, &mut state, same.iter().map(|(_, event)| event));
    }
    Ok(state)
}

/// Feeds a state what one version of the bot was fed.
pub(crate) fn fold<'a>(
    bundle: &Bundle,
    state: &mut State,
    events: impl Iterator<Item = &'a Event>,
) {
    for event in events {
        bellhop_flows::engine::step(bundle, state, event);
    }
}

/// Reads a conversation and the inputs that wait in it.
///
/// # Errors
/// No such conversation, or the store is away.
pub(crate) async fn load(
    context: &Context,
    partition: &PartitionId,
) -> Result<(CachedState, Vec<Row>), ServiceError> {
    let store = &context.store;
    let Some(snapshot) = store.snapshot(partition, &[HEAD, STATE]).await? else {
        return Err(unknown(partition.as_str()));
    };
    let conversation = Conversation::of(partition, &snapshot)?;
    let processed = conversation.log.processed;
    let kept = snapshot.doc(STATE).and_then(|body| read_state(body));
    let (state, listen) = match kept {
        Some(kept) => (kept.state, kept.listen),
        None if processed == 0 => (State::default(), None),
        None => {
            tracing::warn!(conversation = %partition, "a snapshot is damaged; made again from the journal");
            let entries = store.log(partition, 0, usize::MAX).await?;
            let rows = entries.iter().map(Row::of).collect::<Result<_, _>>()?;
            let events = engine_events(rows, processed);
            (rebuild(&context.bots, &events).await?, None)
        }
    };
    let entries = store.log(partition, processed, usize::MAX).await?;
    let last = entries.last().map_or(0, |entry| entry.seq);
    let read_through = last.max(conversation.log.last_seq);
    let mut rows = entries.iter().map(Row::of).collect::<Result<Vec<_>, _>>()?;
    let custody_seq = custody_seq(&rows);
    let is_input = |row: &Row| matches!(row.body, Body::Input(_));
    let told_through = told_through(&store.tail(partition, TAIL).await?, processed);
    let begun = rows
        .iter()
        .find(|row| is_input(row))
        .map(|first| begun(first, &rows, &context.bots.current().version))
        .unwrap_or_default();
    rows.retain(is_input);
    let cached = CachedState {
        conversation,
        custody_seq,
        told_through,
        state,
        listen,
        begun,
        read_through,
    };
    Ok((cached, rows))
}

/// Tells how far a conversation is worked through.
///
/// # Errors
/// No such conversation, no input at `seq`, or the store is away.
pub(crate) async fn processed(
    store: &Store,
    partition: &PartitionId,
    seq: u64,
) -> Result<u64, ServiceError> {
    let Some(snapshot) = store.snapshot(partition, &[]).await? else {
        return Err(unknown(partition.as_str()));
    };
    let found = match seq.checked_sub(1) {
        Some(before) => store.log(partition, before, 1).await?,
        None => Vec::new(),
    };
    if found
        .iter()
        .any(|entry| entry.seq == seq && entry.kind == Kind::Input)
    {
        return Ok(snapshot.head.processed);
    }
    Err(ServiceError::NotFound {
        what: format!("message {seq}"),
    })
}

/// What is told with the answer to the input at `seq`: the entries after the first seq up to the second. Read from the
/// journal it is what [`commit::commit`] gives.
///
/// # Errors
/// The store is away.
pub(crate) async fn told_with(
    store: &Store,
    partition: &PartitionId,
    seq: u64,
) -> Result<(u64, u64), ServiceError> {
    let first = seq.saturating_sub(TAIL as u64 + 1);
    let entries = store.log(partition, first, usize::MAX).await?;
    let caused = entries.iter().filter(|entry| entry.cause == seq);
    let through = caused.map(|entry| entry.seq).max().unwrap_or(seq);
    Ok((told_through(&entries, seq.saturating_sub(1)), through))
}

/// Seq of the last entry of the last turn that somebody asked for, among the last entries of a log.
fn told_through(tail: &[Entry], processed: u64) -> u64 {
    for entry in tail.iter().rev().filter(|entry| entry.seq <= processed) {
        if entry.kind == Kind::Input && Row::of(entry).is_ok_and(|row| is_asked(&row)) {
            let caused = tail.iter().filter(|later| later.cause == entry.seq);
            return caused.map(|later| later.seq).max().unwrap_or(entry.seq);
        }
    }
    processed
}

/// Somebody waits for what this input leads to: the customer sent it, or it opens the conversation.
fn is_asked(row: &Row) -> bool {
    let Body::Input(input) = &row.body else {
        return false;
    };
    match &input.what {
        What::Customer { .. } => true,
        What::Event { event } => matches!(event, EventKind::Opened { .. }),
    }
}

/// What a turn that did not end had stored, among the rows after its input; `version` is the bot's that takes it up.
fn begun(input: &Row, rows: &[Row], version: &str) -> InFlightTurn {
    let mut begun = InFlightTurn::default();
    for row in rows.iter().filter(|row| row.cause == input.seq) {
        match &row.body {
            Body::Events(feed) => {
                begun.is_anothers |= feed.bot.as_deref() != Some(version);
                let events = feed
                    .events
                    .iter()
                    .cloned()
                    .map(|fed| fed.event(sent(input)));
                begun.events.extend(events);
                begun.entries.push(row.seq);
            }
            Body::Call(call) => {
                begun.calls.insert(call.key.clone());
            }
            _ => {}
        }
    }
    begun
}

/// What the customer sent, where the input is that.
fn sent(row: &Row) -> Option<&InboundBody> {
    match &row.body {
        Body::Input(Input {
            what: What::Customer { body, .. },
        }) => Some(body),
        _ => None,
    }
}

/// Events as the journal keeps them; none where there are none.
fn kept_events(row: &Row, events: &[Event], bot: &Arc<str>) -> Option<Body> {
    let fed = events.iter().map(|event| Fed::of(event, sent(row)));
    (!events.is_empty()).then(|| {
        Body::Events(Feed {
            bot: Some(Arc::clone(bot)),
            events: fed.collect(),
        })
    })
}

/// Runs one input. Gives what is kept for the next one and what this one caused. Whoever watches sees that the bot is at
/// work on a message when that takes long.
///
/// # Errors
/// [`Retry`], with the input still unprocessed.
pub(crate) async fn run(
    context: &Context,
    cached: CachedState,
    row: Row,
) -> Result<(CachedState, Reply), Retry> {
    let conversation = cached.conversation.partition();
    let says_so = cached.state.owner == Owner::Bot && is_said(&row);
    let mut turn = Box::pin(run_quietly(context, cached, row));
    if !says_so {
        return turn.await;
    }
    let (mut pause, mut shown) = (SLOW, false);
    let result = loop {
        match tokio::time::timeout(pause, &mut turn).await {
            Ok(result) => break result,
            Err(_) if is_the_bots(context, &conversation).await => {
                at_work(context, &conversation, true).await;
                (pause, shown) = (STILL, true);
            }
            // A person has it meanwhile: what this turn comes to will not be said.
            Err(_) => pause = STILL,
        }
    };
    if shown {
        at_work(context, &conversation, false).await;
    }
    result
}

/// The customer said it.
fn is_said(row: &Row) -> bool {
    sent(row).is_some_and(|body| !matches!(body, InboundBody::Silence))
}

async fn is_the_bots(context: &Context, conversation: &PartitionId) -> bool {
    let Ok(Some(snapshot)) = context.store.snapshot(conversation, &[HEAD]).await else {
        return false;
    };
    Conversation::of(conversation, &snapshot).is_ok_and(|it| it.head.owner == Owner::Bot)
}

async fn at_work(context: &Context, conversation: &PartitionId, on: bool) {
    let typing = CustomerEvent::Typing(TypingEvent {
        from: Author::Bot,
        on,
    });
    if let Ok(signal) = encode("signal", &typing) {
        // Nobody needs it: the answer will come all the same.
        let _ = context.store.signal(conversation, &signal).await;
    }
}

async fn run_quietly(
    context: &Context,
    cached: CachedState,
    row: Row,
) -> Result<(CachedState, Reply), Retry> {
    let watch = Stopwatch::start();
    let mut drive = Drive::new(context, cached, &row);
    // A panic is our bug: it must cost this message and not the conversation.
    let driven = AssertUnwindSafe(drive.run()).catch_unwind().await;
    match driven {
        Ok(done) => done?,
        Err(_) => {
            tracing::error!(conversation = %drive.conversation(), seq = row.seq, "a turn panicked");
            metrics::counter!("bellhop_turn_panics_total").increment(1);
            drive.give_up();
        }
    }
    let (cached, done) = drive.end(watch.micros());
    let micros = done.end.trace.micros;
    let conversation = Arc::clone(&cached.conversation.id);
    let storing = Stopwatch::start();
    let result = commit::commit(context, cached, done).await;
    if result.is_ok() {
        context.answered.forget(&conversation);
    }
    measure(micros, storing.elapsed());
    metrics::counter!("bellhop_turns_total").increment(1);
    metrics::histogram!("bellhop_turn_seconds").record(watch.elapsed().as_secs_f64());
    result
}

/// Counts where a turn's time went: what `bellhop load` prints.
fn measure(micros: StageMicros, store: Duration) {
    let stages = [
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
