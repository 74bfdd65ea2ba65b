//! One turn at a time for each conversation, in journal order.
//!
//! Inputs are pushed in the order of their commits; whatever is not in memory is read from the journal. Must never run two
//! turns of one conversation at once, nor skip an input; where several processes share a store, the commit of a turn that
//! another process has run is refused.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use crate::conversation::Reply;
use crate::conversation::journal::Row;
use crate::error::ServiceError;
use crate::partition::{Entry, Kind, PartitionId};
use crate::turn::{self, CachedState, Context};

/// Conversations kept in memory; more only while they all have work or somebody waiting.
const CONVERSATIONS: usize = 4096;
/// Turns that run at once.
const TURNS: usize = 256;
/// Replies kept for whoever asks for them after their turn.
const REPLIES: usize = 8;
/// How often whoever waits for an answer looks in the store: news of another process may have been lost.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Wait before a turn is tried again that the store could not take.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Every conversation's inputs.
pub(crate) struct Mailbox {
    context: Arc<Context>,
    /// Where turns run: an engine's own thread starts them too.
    runtime: Handle,
    workers: Mutex<Workers>,
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Workers {
    by_id: BTreeMap<PartitionId, Arc<ConversationWorker>>,
    used: u64,
}

/// A conversation in memory.
#[derive(Debug)]
pub(crate) struct ConversationWorker {
    id: PartitionId,
    queue: Mutex<Queue>,
    /// Only the worker takes it; a lock so that it may be held across awaits.
    cached: tokio::sync::Mutex<Option<CachedState>>,
    done: watch::Sender<u64>,
    replies: Mutex<VecDeque<(u64, Arc<Reply>)>>,
}

#[derive(Debug, Default)]
struct Queue {
    rows: BTreeMap<u64, Row>,
    /// All entries up to this seq were read or pushed: no input before it is missing.
    through: u64,
    running: bool,
    /// There may be inputs in the journal that were not pushed.
    look: bool,
    /// Seq of the input that runs now.
    current: u64,
    used: u64,
}

impl Mailbox {
    /// An empty one; turns run on the runtime that this is called on.
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            runtime: Handle::current(),
            workers: Mutex::default(),
            turns: Semaphore::new(TURNS),
        }
    }

    /// Puts the inputs among entries that this process has appended into their conversation's queue and sees to it that they
    /// run, if that is for this process to do.
    pub(crate) fn appended(self: &Arc<Self>, conversation: &PartitionId, entries: &[Entry]) {
        if entries.is_empty() || !self.context.store.is_mine(conversation) {
            return;
        }
        let has_inputs = entries.iter().any(|entry| entry.kind == Kind::Input);
        let worker = if has_inputs {
            self.worker(conversation)
        } else {
            match self.known(conversation) {
                Some(worker) => worker,
                None => return,
            }
        };
        if worker.lock().push(entries) {
            self.start(worker);
        }
    }

    /// Has a conversation's inputs read from the journal and run, if that is for this process to do.
    pub(crate) fn wake(self: &Arc<Self>, conversation: &PartitionId) {
        if !self.context.store.is_mine(conversation) {
            return;
        }
        let worker = self.worker(conversation);
        worker.lock().look = true;
        self.start(worker);
    }

    /// Like [`Mailbox::wake`], where the journal is known to have entries up to a seq: what this process has seen, or stored
    /// itself, is no news.
    pub(crate) fn wake_to(self: &Arc<Self>, conversation: &PartitionId, last_seq: u64) {
        if !self.context.store.is_mine(conversation) {
            return;
        }
        let worker = self.worker(conversation);
        let mut queue = worker.lock();
        let is_news = queue.through < last_seq;
        queue.look |= is_news;
        drop(queue);
        if is_news {
            self.start(worker);
        }
    }

    /// An input is worked through, here or by another process: whoever waits for its answer hears of it.
    pub(crate) fn worked_through(&self, conversation: &PartitionId, seq: u64) {
        if self.context.store.is_mine(conversation) {
            // The turn itself tells, once its answer is at hand.
            return;
        }
        if let Some(worker) = self.known(conversation) {
            worker.done.send_if_modified(|done| {
                let is_news = *done < seq;
                *done = seq.max(*done);
                is_news
            });
        }
    }

    /// Waits until an input is worked through. `None` where that is known from the journal only.
    ///
    /// # Errors
    /// [`ServiceError::StillWorking`] after `timeout`; no such input.
    pub(crate) async fn reply(
        self: &Arc<Self>,
        conversation: &PartitionId,
        seq: u64,
        timeout: Duration,
    ) -> Result<Option<Arc<Reply>>, ServiceError> {
        let worker = self.worker(conversation);
        let mut done = worker.done.subscribe();
        if *done.borrow_and_update() < seq {
            if !worker.has(seq) {
                let processed = turn::processed(&self.context.store, conversation, seq).await?;
                if processed >= seq {
                    return Ok(worker.reply(seq));
                }
                self.wake(conversation);
            }
            tokio::time::timeout(timeout, self.answered(done, conversation, seq))
                .await
                .map_err(|_| ServiceError::StillWorking)?;
        }
        Ok(worker.reply(seq))
    }

    /// Waits until an input is worked through, as is told or as the store has it.
    async fn answered(&self, mut done: watch::Receiver<u64>, conversation: &PartitionId, seq: u64) {
        let mut is_told = pin!(done.wait_for(|done| *done >= seq));
        while tokio::time::timeout(LOOK_AGAIN, is_told.as_mut())
            .await
            .is_err()
        {
            // A store that is away is asked again.
            let processed = turn::processed(&self.context.store, conversation, seq).await;
            if processed.is_ok_and(|processed| processed >= seq) {
                return;
            }
        }
    }

    /// What turns need.
    #[cfg(test)]
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    fn is_stopping(&self) -> bool {
        self.turns.is_closed()
    }

    /// Lets no new turn begin and waits for those that run.
    pub(crate) async fn stop(&self) {
        // Every permit at once means that no turn runs; closing lets no worker take another.
        if let Ok(all) = self.turns.acquire_many(TURNS as u32).await {
            self.turns.close();
            drop(all);
        }
    }

    /// The worker of a conversation that is in memory.
    fn known(&self, id: &PartitionId) -> Option<Arc<ConversationWorker>> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.by_id.get(id).cloned()
    }

    fn worker(&self, id: &PartitionId) -> Arc<ConversationWorker> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.worker(id)
    }
}

impl Workers {
    fn worker(&mut self, id: &PartitionId) -> Arc<ConversationWorker> {
        self.used += 1;
        let used = self.used;
        if let Some(worker) = self.by_id.get(id) {
            worker.lock().used = used;
            return Arc::clone(worker);
        }
        if self.by_id.len() >= CONVERSATIONS {
            forget(self);
        }
        let worker = Arc::new(ConversationWorker {
            id: id.clone(),
            queue: Mutex::new(Queue {
                used,
                ..Queue::default()
            }),
            cached: tokio::sync::Mutex::new(None),
            done: watch::Sender::new(0),
            replies: Mutex::default(),
        });
        self.by_id.insert(id.clone(), Arc::clone(&worker));
        worker
    }
}

/// Forgets those that have nothing to do and that nobody holds, the longest unused first, down to
/// three quarters.
fn forget(workers: &mut Workers) {
    let mut idle: Vec<(u64, PartitionId)> = Vec::new();
    for (id, worker) in &workers.by_id {
        let queue = worker.lock();
        // Only clones made under this lock make it more than one.
        if !queue.running && queue.rows.is_empty() && Arc::strong_count(worker) == 1 {
            idle.push((queue.used, id.clone()));
        }
    }
    idle.sort_unstable();
    for (_, id) in idle.into_iter().take(CONVERSATIONS / 4) {
        workers.by_id.remove(&id);
    }
}

impl Queue {
    /// Takes the inputs among entries; whether there is anything to do. Where another process has appended something before
    /// them that may be an input, all is read from the journal: these must not overtake it.
    fn push(&mut self, entries: &[Entry]) -> bool {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return false;
        };
        if first.seq > self.through + 1 {
            self.look = true;
            return true;
        }
        self.through = self.through.max(last.seq);
        let mut pushed = false;
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Input) {
            match Row::of(entry) {
                Ok(row) => drop(self.rows.insert(row.seq, row)),
                // It is read again from the journal, where that is told.
                Err(_) => self.look = true,
            }
            pushed = true;
        }
        pushed
    }
}

impl ConversationWorker {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All entries up to this seq are known.
    fn knows(&self, through: u64) {
        let mut queue = self.lock();
        queue.through = queue.through.max(through);
    }

    fn has(&self, seq: u64) -> bool {
        let queue = self.lock();
        queue.running && (queue.current == seq || queue.rows.contains_key(&seq))
    }

    fn reply(&self, seq: u64) -> Option<Arc<Reply>> {
        let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        let found = replies.iter().find(|(of, _)| *of == seq);
        found.map(|(_, reply)| Arc::clone(reply))
    }

    fn finish(&self, seq: u64, reply: Reply) {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        if replies.len() >= REPLIES {
            replies.pop_front();
        }
        replies.push_back((seq, Arc::new(reply)));
        drop(replies);
        self.done.send_replace(seq);
    }

    /// Takes the next input after `processed`.
    fn next(&self, processed: u64) -> Next {
        let mut queue = self.lock();
        if std::mem::take(&mut queue.look) {
            return Next::Look;
        }
        while let Some((seq, row)) = queue.rows.pop_first() {
            // Read from the journal and run before it was pushed.
            if seq > processed {
                queue.current = seq;
                return Next::Run(Box::new(row));
            }
        }
        queue.running = false;
        queue.current = 0;
        Next::Nothing
    }
}

/// What a worker does next.
enum Next {
    /// Runs this input.
    Run(Box<Row>),
    /// Reads the journal: something may be there that was not pushed.
    Look,
    /// Stops.
    Nothing,
}

impl Mailbox {
    fn start(self: &Arc<Self>, worker: Arc<ConversationWorker>) {
        let mut queue = worker.lock();
        if queue.running {
            return;
        }
        queue.running = true;
        drop(queue);
        let mailbox = Arc::clone(self);
        self.runtime
            .spawn(async move { Box::pin(mailbox.work(worker)).await });
    }

    /// Runs a conversation's inputs until there is none left, or the mailbox stops.
    async fn work(&self, worker: Arc<ConversationWorker>) {
        let mut cached = worker.cached.lock().await;
        loop {
            // Closed means that the program is stopping: what is left is run at the next start.
            let Ok(permit) = self.turns.acquire().await else {
                return;
            };
            let known = match cached.take() {
                Some(known) => known,
                None => match self.load(&worker).await {
                    Ok(known) => known,
                    Err(error) => {
                        drop(permit);
                        tracing::error!(conversation = %worker.id, %error, "a conversation can't be read");
                        if matches!(error, ServiceError::NotFound { .. }) || self.is_stopping() {
                            worker.lock().running = false;
                            return;
                        }
                        tokio::time::sleep(RETRY_DELAY).await;
                        continue;
                    }
                },
            };
            let row = match worker.next(known.processed()) {
                Next::Run(row) => row,
                Next::Look => {
                    *cached = self.look(&worker, known).await;
                    continue;
                }
                Next::Nothing => {
                    *cached = Some(known);
                    return;
                }
            };
            let seq = row.seq;
            match turn::run(&self.context, known, *row).await {
                Ok((next, reply)) => {
                    worker.knows(next.read_through());
                    worker.finish(seq, reply);
                    *cached = Some(next);
                }
                Err(turn::Retry) => {
                    // Read anew from the journal, this input first.
                    drop(permit);
                    if self.is_stopping() || !self.context.store.is_mine(&worker.id) {
                        worker.lock().running = false;
                        return;
                    }
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// Reads inputs that were not pushed. None where the conversation has to be read anew.
    async fn look(
        &self,
        worker: &ConversationWorker,
        mut known: CachedState,
    ) -> Option<CachedState> {
        match known.look(&self.context.store).await {
            Ok(rows) => {
                let rows = rows.into_iter().map(|row| (row.seq, row));
                worker.lock().rows.extend(rows);
                worker.knows(known.read_through());
                Some(known)
            }
            Err(error) => {
                tracing::warn!(conversation = %worker.id, %error, "new inputs can't be read");
                None
            }
        }
    }

    async fn load(&self, worker: &ConversationWorker) -> Result<CachedState, ServiceError> {
        // Whatever comes from here on is pushed or asks for another look.
        worker.lock().look = false;
        let (known, rows) = turn::load(&self.context, &worker.id).await?;
        worker.done.send_replace(known.processed());
        let rows = rows.into_iter().map(|row| (row.seq, row));
        worker.lock().rows.extend(rows);
        worker.knows(known.read_through());
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::conversation::InboundBody;
    use crate::conversation::journal::{Body, Input, What};

    fn input(seq: u64) -> Entry {
        let what = What::Customer {
            client_msg_id: seq.to_string(),
            body: InboundBody::Silence,
            title: None,
            redactions: Vec::new(),
            hidden: false,
        };
        let new = Body::Input(Input { what }).entry(0).expect("encodes");
        Entry {
            seq,
            at: Timestamp::UNIX_EPOCH,
            kind: new.kind,
            cause: 0,
            body: new.body,
        }
    }

    #[test]
    fn an_input_does_not_overtake_one_that_this_process_has_not_heard_of() {
        let mut queue = Queue {
            through: 6,
            ..Queue::default()
        };
        assert!(queue.push(&[input(7)]));
        assert_eq!((queue.rows.len(), queue.look), (1, false));
        // Another process has appended 8.
        assert!(queue.push(&[input(9)]));
        assert_eq!((queue.rows.len(), queue.look), (1, true));
    }

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let mut workers = Workers::default();
        let name = |n: usize| PartitionId::conversation(&n.to_string());
        let held = workers.worker(&name(0));
        let busy = workers.worker(&name(1));
        busy.lock().running = true;
        drop(busy);
        for n in 2..CONVERSATIONS * 3 {
            drop(workers.worker(&name(n)));
        }
        assert!(workers.by_id.len() <= CONVERSATIONS);
        assert!(workers.by_id.contains_key(&name(1)));
        assert!(Arc::ptr_eq(&held, &workers.by_id[&name(0)]));
        assert!(workers.by_id.contains_key(&name(CONVERSATIONS * 3 - 1)));
        assert!(!workers.by_id.contains_key(&name(2)));
    }
}
