//! Carries rules out: reads what a rule wants to see, asks it, commits, and asks again where somebody else was quicker.

use std::future::ready;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use jiff::Timestamp;

use crate::conversation::{Conversation, HEAD};
use crate::error::ServiceError;
use crate::handoff::record::Record;
use crate::partition::{Commit, Committed, PartitionId, Snapshot};
use crate::rules::draft::TO_QUEUE;
use crate::rules::queue::{Write, reconcile, ticket_doc};
use crate::rules::{Decided, Decision};
use crate::store::Store;

/// Times that a rule is asked before the caller is told to come again.
const TRIES: u32 = 12;
/// Longest first wait before a rule is asked again; it doubles with each try.
const FIRST_WAIT: Duration = Duration::from_millis(2);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// What a rule came to, once it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Carried<T> {
    /// The rule's answer.
    pub(crate) answer: T,
    /// Seq of the first entry that was appended; none where nothing had to be changed.
    pub(crate) first_seq: Option<u64>,
}

/// Carries out a rule on one partition; it is given the documents that `docs` names (see [`crate::store::Engine::snapshot`]).
///
/// # Errors
/// What the rule refuses, or [`ServiceError::Unavailable`] for a store that is away or a partition that never rests.
pub(crate) async fn decide<T: Send>(
    store: &Store,
    partition: &PartitionId,
    docs: &[&str],
    mut rule: impl FnMut(Option<&Snapshot>) -> Decided<T> + Send,
) -> Result<Carried<T>, ServiceError> {
    let nothing = || ready(Ok(())).boxed();
    decide_with(store, partition, docs, nothing, |snapshot, ()| {
        rule(snapshot)
    })
    .await
}

/// Like [`decide`], with a rule that has to know something else as well: `also` reads it, after the snapshot and each time
/// anew.
///
/// # Errors
/// As for [`decide`], and what `also` gives.
pub(crate) async fn decide_with<'a, X: Send, T: Send>(
    store: &Store,
    partition: &PartitionId,
    docs: &[&str],
    also: impl Fn() -> BoxFuture<'a, Result<X, ServiceError>> + Send,
    mut rule: impl FnMut(Option<&Snapshot>, X) -> Decided<T> + Send,
) -> Result<Carried<T>, ServiceError> {
    for attempt in 0..TRIES {
        let snapshot = store.snapshot(partition, docs).await?;
        let (commit, answer) = match rule(snapshot.as_ref(), also().await?)? {
            Decision::Commit(commit, answer) => (commit, answer),
            Decision::Already(answer) => {
                let first_seq = None;
                return Ok(Carried { answer, first_seq });
            }
        };
        let (at, to_queue) = (commit.at, goes_to_queue(&commit));
        match store.commit(*commit).await? {
            Committed::Done { first_seq, .. } => {
                if to_queue {
                    update_queue_now(store, partition, at).await;
                }
                let first_seq = Some(first_seq);
                return Ok(Carried { answer, first_seq });
            }
            Committed::Conflict => {
                metrics::counter!("bellhop_store_conflicts_total").increment(1);
                pause(attempt).await;
            }
        }
    }
    let message = format!("`{partition}` was changed by others {TRIES} times in a row");
    Err(ServiceError::Unavailable { message })
}

/// Waits before the next try: at random, so that those who met do not meet again.
async fn pause(attempt: u32) {
    let most = FIRST_WAIT
        .saturating_mul(1 << attempt.min(16))
        .min(LONGEST_WAIT);
    tokio::time::sleep(crate::clock::jitter(most)).await;
}

/// A commit changes what the queue has to know.
pub(crate) fn goes_to_queue(commit: &Commit) -> bool {
    commit.out.iter().any(|out| out.destination == TO_QUEUE)
}

/// Brings the queue in line with a conversation at once, so that whoever has just done something sees it there. The outbox
/// does it again, in case that the program dies before.
pub(crate) async fn update_queue_now(store: &Store, conversation: &PartitionId, now: Timestamp) {
    if let Err(error) = update_queue(store, conversation, Write::Changes, now).await {
        tracing::warn!(%conversation, %error, "the queue will be brought up to date later");
    }
}

/// Brings the ticket of a conversation in line with its open handoff.
///
/// # Errors
/// The store is away.
pub(crate) fn update_queue<'a>(
    store: &'a Store,
    conversation: &'a PartitionId,
    write: Write,
    now: Timestamp,
) -> BoxFuture<'a, Result<(), ServiceError>> {
    async move {
        let ticket = ticket_doc(conversation.as_str());
        // After the queue: what was read of it holds or the commit is refused, so the truth is never older than the ticket.
        let truth = || open_handoff(store, conversation).boxed();
        decide_with(
            store,
            &PartitionId::queue(),
            &[&ticket],
            truth,
            |queue, open| reconcile(queue, conversation.as_str(), open.as_ref(), write, now),
        )
        .await?;
        Ok(())
    }
    .boxed()
}

/// The handoff of a conversation that is open now.
async fn open_handoff(
    store: &Store,
    partition: &PartitionId,
) -> Result<Option<Record>, ServiceError> {
    let Some(snapshot) = store.snapshot(partition, &[HEAD, "handoff/*"]).await? else {
        return Ok(None);
    };
    match Conversation::of(partition, &snapshot)?.head.open_handoff {
        Some(id) => Ok(Record::of(&snapshot, &id)?),
        None => Ok(None),
    }
}
