//! Tells those who wait where they stand, whenever the queue has changed.
//!
//! A place in the line is computed, not stored: whoever watches gets it at once, and the bot says it where it has become
//! better enough to matter. A line that moves writes nothing into the conversations that wait in it but that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use bellhop_flows::bundle::Bundle;

use crate::clock::Clock;
use crate::conversation::{Conversation, HEAD};
use crate::decide::decide;
use crate::error::ServiceError;
use crate::events::{CustomerEvent, PositionEvent};
use crate::gate::Gate;
use crate::handoff::queue::{AGENT, QueuePosition, QueueView, TICKET, Ticket};
use crate::hub::Hub;
use crate::partition::PartitionId;
use crate::rules::desk::title;
use crate::rules::timers::position_changed;
use crate::store::Store;

/// Least time between two times that the bot says a place, but for the first in line.
const BETWEEN: SignedDuration = SignedDuration::from_secs(60);
/// Least time between two looks at the queue: one take moves everybody.
const CALM: Duration = Duration::from_millis(200);
/// How often the queue is looked at when nothing happens: waits grow by themselves.
const POLL_INTERVAL: Duration = Duration::from_secs(30);

/// Tells those who wait.
pub(crate) struct Positions {
    /// The bot.
    pub(crate) bundle: Arc<Bundle>,
    /// What text passes.
    pub(crate) gate: Arc<Gate>,
    /// The store.
    pub(crate) store: Store,
    /// Time.
    pub(crate) clock: Clock,
    /// Who watches which conversation.
    pub(crate) hub: Arc<Hub>,
    /// Fires when the queue changes.
    pub(crate) changed: Arc<Notify>,
    /// What the bot said last, by handoff.
    pub(crate) told: Mutex<BTreeMap<String, (u32, Timestamp)>>,
}

/// Reads the queue.
///
/// # Errors
/// The store is away.
pub(crate) async fn queue(store: &Store) -> Result<QueueView, ServiceError> {
    let docs = [&*format!("{TICKET}*"), &*format!("{AGENT}*")];
    let snapshot = store.snapshot(&PartitionId::queue(), &docs).await?;
    Ok(match &snapshot {
        Some(snapshot) => QueueView::of(snapshot)?,
        None => QueueView::default(),
    })
}

impl Positions {
    /// Tells until the program stops.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
            if let Err(error) = self.tell().await {
                tracing::error!(%error, "those who wait can't be told where they stand");
            }
            tokio::time::sleep(CALM).await;
        }
    }

    /// Looks at the queue and tells everybody concerned.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn tell(&self) -> Result<(), ServiceError> {
        let view = queue(&self.store).await?;
        let now = self.clock.now();
        let line = view.line(&self.bundle.queues, now);
        for (ticket, standing) in &line {
            self.hub.publish(&ticket.conversation, || {
                Some(event(&self.bundle, ticket, *standing))
            });
        }
        // One process says it, or the bot would say it as often as there are processes.
        if !self.store.is_mine(&PartitionId::queue()) {
            return Ok(());
        }
        let nearer = self.nearer(&line, now);
        for (conversation, standing) in nearer {
            self.say(&conversation, standing, now).await?;
        }
        Ok(())
    }

    /// Conversations whose place has become better enough to be said; remembers that it is.
    fn nearer(
        &self,
        line: &[(&Ticket, QueuePosition)],
        now: Timestamp,
    ) -> Vec<(String, QueuePosition)> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *told);
        let mut nearer = Vec::new();
        for (ticket, standing) in line {
            let position = standing.position;
            // The first time is when they asked: then the bot has said it.
            let first = || (ticket.told_position.unwrap_or(position), ticket.asked_at);
            let (said, at) = before.get(&ticket.handoff).copied().unwrap_or_else(first);
            let says = position < said && (position == 1 || now.duration_since(at) >= BETWEEN);
            if says {
                nearer.push((ticket.conversation.clone(), *standing));
            }
            let kept = if says { (position, now) } else { (said, at) };
            told.insert(ticket.handoff.clone(), kept);
        }
        nearer
    }

    async fn say(
        &self,
        conversation: &str,
        standing: QueuePosition,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let partition = PartitionId::conversation(conversation);
        decide(&self.store, &partition, &[HEAD], |snapshot| {
            let snapshot = snapshot.ok_or_else(|| ServiceError::NotFound {
                what: format!("conversation `{partition}`"),
            })?;
            let conversation = Conversation::of(&partition, snapshot)?;
            position_changed(&conversation, &self.gate, standing, now)
        })
        .await?;
        Ok(())
    }
}

/// Where somebody stands, as their channel shows it.
pub(crate) fn event(bundle: &Bundle, ticket: &Ticket, standing: QueuePosition) -> CustomerEvent {
    CustomerEvent::Position(PositionEvent {
        handoff_id: ticket.handoff.clone(),
        queue: ticket.queue.clone(),
        queue_title: title(bundle, &ticket.queue, &ticket.language),
        position: standing.position,
        wait_s: standing.wait_s,
    })
}
