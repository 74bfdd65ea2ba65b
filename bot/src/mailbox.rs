//! One turn at a time for each conversation, in journal order.
//!
//! Inputs are pushed by the store's writing thread right after their commit, so they come in journal
//! order; whatever is not in memory is read from the journal. Must never run two turns of one
//! conversation at once, nor skip an input.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::app::Core;
use crate::conversation::Reply;
use crate::error::ServiceError;
use crate::store::journal::Row;
use crate::turn::{self, CachedState};

/// Conversations kept in memory; more only while they all have work or somebody waiting.
const CONVERSATIONS: usize = 4096;
/// Turns that run at once.
const TURNS: usize = 256;
/// Replies kept for whoever asks for them after their turn.
const REPLIES: usize = 8;
/// Wait before a turn is tried again that the store could not take.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Every conversation's inputs.
#[derive(Debug)]
pub(crate) struct Mailbox {
    workers: Mutex<Workers>,
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Workers {
    by_id: BTreeMap<Arc<str>, Arc<ConversationWorker>>,
    used: u64,
}

/// A conversation in memory.
#[derive(Debug)]
pub(crate) struct ConversationWorker {
    id: Arc<str>,
    queue: Mutex<Queue>,
    /// Only the worker takes it; a lock so that it may be held across awaits.
    cached: tokio::sync::Mutex<Option<CachedState>>,
    done: watch::Sender<u64>,
    replies: Mutex<VecDeque<(u64, Arc<Reply>)>>,
}

#[derive(Debug, Default)]
struct Queue {
    rows: BTreeMap<u64, Row>,
    running: bool,
    /// Seq of the input that runs now.
    current: u64,
    used: u64,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            workers: Mutex::default(),
            turns: Semaphore::new(TURNS),
        }
    }
}

impl Mailbox {
    /// Puts an input that is committed into its conversation's queue and sees to it that it runs.
    pub(crate) fn push(&self, core: &Arc<Core>, row: Row) {
        let worker = self.worker(&row.conversation);
        worker.lock().rows.insert(row.seq, row);
        start(core, worker);
    }

    /// Has a conversation's inputs read from the journal and run.
    pub(crate) fn wake(&self, core: &Arc<Core>, conversation: &str) {
        start(core, self.worker(&Arc::from(conversation)));
    }

    /// Waits until an input is worked through. `None` where that is known from the journal only.
    ///
    /// # Errors
    /// [`ServiceError::StillWorking`] after `timeout`.
    pub(crate) async fn reply(
        &self,
        core: &Arc<Core>,
        conversation: &str,
        seq: u64,
        timeout: Duration,
    ) -> Result<Option<Arc<Reply>>, ServiceError> {
        let worker = self.worker(&Arc::from(conversation));
        let mut done = worker.done.subscribe();
        if *done.borrow_and_update() < seq {
            if !worker.has(seq) {
                let processed = core.processed(conversation, seq).await?;
                if processed >= seq {
                    return Ok(worker.reply(seq));
                }
                start(core, Arc::clone(&worker));
            }
            tokio::time::timeout(timeout, done.wait_for(|done| *done >= seq))
                .await
                .map_err(|_| ServiceError::StillWorking)?
                .map_err(|_| ServiceError::StillWorking)?;
        }
        Ok(worker.reply(seq))
    }

    /// Lets no new turn begin and waits for those that run.
    pub(crate) async fn stop(&self) {
        // Every permit at once means that no turn runs; closing lets no worker take another.
        if let Ok(all) = self.turns.acquire_many(TURNS as u32).await {
            self.turns.close();
            drop(all);
        }
    }

    fn worker(&self, id: &Arc<str>) -> Arc<ConversationWorker> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.used += 1;
        let used = workers.used;
        if let Some(worker) = workers.by_id.get(id) {
            worker.lock().used = used;
            return Arc::clone(worker);
        }
        if workers.by_id.len() >= CONVERSATIONS {
            forget(&mut workers);
        }
        let worker = Arc::new(ConversationWorker {
            id: Arc::clone(id),
            queue: Mutex::new(Queue {
                used,
                ..Queue::default()
            }),
            cached: tokio::sync::Mutex::new(None),
            done: watch::Sender::new(0),
            replies: Mutex::default(),
        });
        workers.by_id.insert(Arc::clone(id), Arc::clone(&worker));
        worker
    }
}

/// Forgets those that have nothing to do and that nobody holds, the longest unused first, down to
/// three quarters.
fn forget(workers: &mut Workers) {
    let mut idle: Vec<(u64, Arc<str>)> = Vec::new();
    for (id, worker) in &workers.by_id {
        let queue = worker.lock();
        // Only clones made under this lock make it more than one.
        if !queue.running && queue.rows.is_empty() && Arc::strong_count(worker) == 1 {
            idle.push((queue.used, Arc::clone(id)));
        }
    }
    idle.sort_unstable();
    for (_, id) in idle.into_iter().take(CONVERSATIONS / 4) {
        workers.by_id.remove(&id);
    }
}

impl ConversationWorker {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Takes the next input after `processed`; without one the worker stops.
    fn next(&self, processed: u64) -> Option<Row> {
        let mut queue = self.lock();
        while let Some((seq, row)) = queue.rows.pop_first() {
            // Read from the journal and run before it was pushed.
            if seq > processed {
                queue.current = seq;
                return Some(row);
            }
        }
        queue.running = false;
        queue.current = 0;
        None
    }
}

fn start(core: &Arc<Core>, worker: Arc<ConversationWorker>) {
    let mut queue = worker.lock();
    if queue.running {
        return;
    }
    queue.running = true;
    drop(queue);
    let core = Arc::clone(core);
    core.runtime.clone().spawn(work(core, worker));
}

/// Runs a conversation's inputs until there is none left, or the mailbox stops.
async fn work(core: Arc<Core>, worker: Arc<ConversationWorker>) {
    let mut cached = worker.cached.lock().await;
    loop {
        // Closed means that the program is stopping: what is left is run at the next start.
        let Ok(permit) = core.mailbox.turns.acquire().await else {
            return;
        };
        let known = match cached.take() {
            Some(known) => known,
            None => match turn::load(&core, &worker.id).await {
                Ok((known, rows)) => {
                    worker.done.send_replace(known.processed());
                    worker
                        .lock()
                        .rows
                        .extend(rows.into_iter().map(|row| (row.seq, row)));
                    known
                }
                Err(error) => {
                    drop(permit);
                    tracing::error!(conversation = %worker.id, %error, "a conversation can't be read");
                    if matches!(error, ServiceError::NotFound { .. }) || core.stopping() {
                        worker.lock().running = false;
                        return;
                    }
                    tokio::time::sleep(RETRY_DELAY).await;
                    continue;
                }
            },
        };
        let Some(row) = worker.next(known.processed()) else {
            *cached = Some(known);
            return;
        };
        let seq = row.seq;
        match turn::run(&core, known, row).await {
            Ok((next, reply)) => {
                worker.finish(seq, reply);
                *cached = Some(next);
            }
            Err(turn::Retry) => {
                // Read anew from the journal, this input first.
                drop(permit);
                if core.stopping() {
                    worker.lock().running = false;
                    return;
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let mailbox = Mailbox::default();
        let name = |n: usize| Arc::<str>::from(format!("{n}"));
        let held = mailbox.worker(&name(0));
        let busy = mailbox.worker(&name(1));
        busy.lock().running = true;
        drop(busy);
        for n in 2..CONVERSATIONS * 3 {
            drop(mailbox.worker(&name(n)));
        }
        let workers = mailbox
            .workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        assert!(workers.by_id.len() <= CONVERSATIONS);
        assert!(workers.by_id.contains_key(&name(1)));
        assert!(Arc::ptr_eq(&held, &workers.by_id[&name(0)]));
        assert!(workers.by_id.contains_key(&name(CONVERSATIONS * 3 - 1)));
        assert!(!workers.by_id.contains_key(&name(2)));
    }
}
