//! What the parts of the straight line share: the store, the mailbox, the seams and who watches.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;
use tokio::runtime::Handle;
use tokio::sync::broadcast;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;

use super::{Options, Parts, Result};
use crate::actions::Actions;
use crate::clock::Clock;
use crate::error::ServiceError;
use crate::handoff::desk::Desk;
use crate::handoff::presence::Presence;
use crate::hub::Hub;
use crate::mailbox::Mailbox;
use crate::status_webhook::{self, Receiver};
use crate::store::journal::{self, Body, Input, Row};
use crate::store::{Store, StoreError, conversations, handoffs, staff};
use crate::turn::answered::ActionResultCache;
use crate::understand::{Reader, Retrieve};

/// Signals of desk changes that a slow subscriber may be behind.
const DESK_BEHIND: usize = 16;
/// Conversations closed in one go.
const IDLE: u32 = 500;
/// Time between two looks for conversations in which nothing happens.
const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// Hashes of tokens kept in memory.
const TOKENS: usize = 8192;

/// The running program.
pub(crate) struct Core {
    /// The compiled bot.
    pub(crate) bundle: Arc<Bundle>,
    /// Reads messages.
    pub(crate) reader: Reader,
    /// Finds passages.
    pub(crate) retrieve: Arc<dyn Retrieve>,
    /// Calls systems of record.
    pub(crate) actions: Actions,
    /// Time.
    pub(crate) clock: Clock,
    /// Bounds and addresses.
    pub(crate) options: Options,
    /// The store.
    pub(crate) store: Store,
    /// Who watches which conversation.
    pub(crate) hub: Hub,
    /// Every conversation's inputs.
    pub(crate) mailbox: Mailbox,
    /// What systems of record answered in turns that are not committed yet.
    pub(crate) answered: ActionResultCache,
    /// Who is at the desk.
    pub(crate) presence: Presence,
    /// Fires when the queue or anybody's conversations change.
    pub(crate) desk: broadcast::Sender<()>,
    /// Where turns run: the store's thread starts them too.
    pub(crate) runtime: Handle,
    tokens: Mutex<BTreeMap<String, [u8; 32]>>,
    stopping: AtomicBool,
}

impl Core {
    /// Puts the parts together around an open store.
    pub(super) fn new(parts: Parts, store: Store) -> Result<Self> {
        let reader =
            Reader::spawn(parts.understand, parts.options.nlu_timeout).map_err(|error| {
                ServiceError::System {
                    message: format!("the compute thread does not start ({error})"),
                }
            })?;
        Ok(Self {
            bundle: parts.bundle,
            reader,
            retrieve: parts.retrieve,
            actions: parts.actions,
            clock: parts.clock,
            options: parts.options,
            store,
            hub: Hub::default(),
            mailbox: Mailbox::default(),
            answered: ActionResultCache::default(),
            presence: Presence::default(),
            desk: broadcast::Sender::new(DESK_BEHIND),
            runtime: Handle::current(),
            tokens: Mutex::default(),
            stopping: AtomicBool::new(false),
        })
    }

    /// Runs `work` in a transaction. The journal rows that it puts into the list are told to whoever
    /// watches, and inputs among them are run, after the commit and in journal order.
    ///
    /// # Errors
    /// What `work` refuses, or a store that can't take it; then nothing is stored.
    pub(crate) async fn post<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, &mut Vec<Row>) -> std::result::Result<T, StoreError>
            + Send
            + 'static,
    {
        let core = Arc::clone(self);
        let posted = self.store.write_then(
            move |tx| {
                let mut rows = Vec::new();
                let value = work(tx, &mut rows)?;
                Ok((value, rows))
            },
            move |(_, rows)| {
                for row in rows {
                    core.dispatch(row.clone());
                }
            },
        );
        Ok(posted.await?.0)
    }

    /// Tells a committed row to whoever watches and runs it if it is an input.
    pub(crate) fn dispatch(self: &Arc<Self>, row: Row) {
        self.hub.publish(&row.conversation, || row.visible());
        if matches!(row.body, Body::Input(_)) {
            self.mailbox.push(self, row);
        }
    }

    /// The desk at this moment; `cause` is the seq of the input whose turn acts, or 0.
    pub(crate) fn desk_now(&self, cause: u64) -> Desk {
        Desk {
            bundle: Arc::clone(&self.bundle),
            now: self.clock.now(),
            report: self.options.status_webhook.is_some(),
            cause,
        }
    }

    /// Tells how far a conversation is worked through.
    ///
    /// # Errors
    /// No such conversation, no input at `seq`, or the store is away.
    pub(crate) async fn processed(&self, conversation: &str, seq: u64) -> Result<u64> {
        let id = conversation.to_owned();
        let read = self.store.read(move |c| {
            let head = conversations::head(c, &id)?;
            match journal::kind_of(c, &id, seq)?.as_deref() {
                Some("input") => Ok(head.processed_seq),
                _ => Err(ServiceError::NotFound {
                    what: format!("message {seq}"),
                }
                .into()),
            }
        });
        Ok(read.await?)
    }

    /// Hash of a conversation's token.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub(crate) async fn token_hash(&self, conversation: &str) -> Result<[u8; 32]> {
        let lock = || self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = lock().get(conversation) {
            return Ok(*hash);
        }
        let id = conversation.to_owned();
        let hash = self
            .store
            .read(move |c| conversations::token_hash(c, &id))
            .await?;
        let mut tokens = lock();
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        tokens.insert(conversation.to_owned(), hash);
        Ok(hash)
    }

    /// Closes conversations that the bot owns and in which nothing has happened for as long as the bot
    /// says; at most [`IDLE`] of them. Gives how many.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn close_idle(self: &Arc<Self>) -> Result<usize> {
        let at = self.clock.now();
        let limit = SignedDuration::from_secs(self.bundle.limits.idle_close_s);
        let since = at.saturating_sub(limit).unwrap_or(Timestamp::MIN);
        let idle = self
            .store
            .read(move |c| conversations::idle_since(c, since, IDLE))
            .await?;
        if idle.is_empty() {
            return Ok(0);
        }
        self.post(move |tx, rows| {
            let mut closed = 0;
            for id in &idle {
                let head = conversations::head(tx, id)?;
                // Somebody may have said something since.
                if head.closed_at.is_none() && head.owner == Owner::Bot && head.last_at < since {
                    let reason = "idle".to_owned();
                    let input = Input::event(EventKind::Closed { reason });
                    rows.extend(journal::append(tx, id, at, 0, vec![Body::Input(input)])?);
                    closed += 1;
                }
            }
            Ok(closed)
        })
        .await
    }

    /// Puts the conversations of agents who are gone back into their queues; gives how many agents
    /// that were.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn requeue_abandoned(self: &Arc<Self>) -> Result<usize> {
        let holders = self.store.read(handoffs::holders).await?;
        let now = self.clock.now();
        let gone: Vec<String> = holders
            .into_iter()
            .filter(|agent| self.presence.gone(agent, now))
            .collect();
        if gone.is_empty() {
            return Ok(0);
        }
        let (count, desk) = (gone.len(), self.desk_now(0));
        self.post(move |tx, rows| {
            for agent in &gone {
                // Before the places are told: they no longer count for the wait.
                staff::rest(tx, agent)?;
                rows.extend(desk.requeue_abandoned(tx, agent)?);
            }
            Ok(())
        })
        .await?;
        // Nobody may be watching.
        let _ = self.desk.send(());
        Ok(count)
    }

    /// The program is shutting down.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Stops taking turns, waits for those that run and closes the store.
    pub(super) async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.mailbox.stop().await;
        self.store.shutdown().await;
    }
}

/// Looks after conversations in which nothing happens, until the program is gone.
pub(super) async fn watch_idle(core: Weak<Core>) {
    let mut looks = tokio::time::interval(POLL_INTERVAL);
    loop {
        looks.tick().await;
        let Some(core) = core.upgrade().filter(|core| !core.stopping()) else {
            return;
        };
        if let Err(error) = core.close_idle().await {
            tracing::error!(%error, "idle conversations can't be closed");
        }
        if let Err(error) = core.requeue_abandoned().await {
            tracing::error!(%error, "conversations of agents who are gone can't be taken back");
        }
    }
}

/// Begins to post status events of handoffs, where the operator wants them.
///
/// # Errors
/// No HTTP client can be made.
pub(super) fn report(core: &Arc<Core>) -> Result<()> {
    let Some(address) = core.options.status_webhook.clone() else {
        return Ok(());
    };
    let receiver = Receiver::new(address, core.options.status_secret.clone()).map_err(|error| {
        ServiceError::System {
            message: format!("no HTTP client for the status webhook ({error})"),
        }
    })?;
    tokio::spawn(status_webhook::run(Arc::downgrade(core), receiver));
    Ok(())
}
