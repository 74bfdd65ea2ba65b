//! What is old is forgotten, a little at a time.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Result, Services};
use crate::decide::{decide, update_queue};
use crate::handoff::queue::{AGENT, TICKET};
use crate::partition::{PartitionId, Pruned};
use crate::positions;
use crate::rules::open::{Address, CONTACT, Contact, look_at_address};
use crate::rules::queue::{Write, forget_agents};
use crate::rules::staff::forget_expired;

/// Time between two rounds.
const INTERVAL: Duration = Duration::from_secs(600);
/// How much is forgotten in one step.
const STEP: usize = 200;
/// Rest between two steps: turns go first.
const REST: Duration = Duration::from_millis(20);
/// Age at which a ticket is compared with its conversation, if that is kept for so long: by then what brings it up to date was given
/// up if it did not arrive.
const OLD_TICKET: SignedDuration = SignedDuration::from_hours(73);

/// Forgets until the program stops.
pub(super) async fn run(services: Arc<Services>, stop: CancellationToken) {
    let mut rounds = tokio::time::interval(INTERVAL);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = rounds.tick() => {}
        }
        let round = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            round = services.forget_old() => round,
        };
        if let Err(error) = round {
            tracing::error!(%error, "forgetting what is old broke off; the next round goes on");
        }
    }
}

/// Counts what was forgotten.
fn count(what: &'static str, forgotten: u64) {
    metrics::counter!("bellhop_forgotten_total", "what" => what).increment(forgotten);
}

impl Services {
    /// Forgets what is old: conversations that are over, traces, senders' ids, sessions and invitations that have run out, agents who
    /// are gone, tickets of what is over.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn forget_old(&self) -> Result<Pruned> {
        // What somebody still has who is gone ends, and is told, before it is old.
        self.requeue_abandoned().await?;
        let all = self.forget_conversations().await?;
        if self.store.is_mine(&PartitionId::staff()) {
            self.forget_staff().await?;
        }
        if self.store.is_mine(&PartitionId::audit()) {
            self.forget_audit().await?;
        }
        if self.store.is_mine(&PartitionId::queue()) {
            self.forget_tickets().await?;
            self.forget_agents().await?;
        }
        Ok(all)
    }

    async fn forget_conversations(&self) -> Result<Pruned> {
        let prune = self.retention.prune(self.clock.now());
        let mut all = Pruned::default();
        loop {
            let step = self.store.prune(prune, STEP).await?;
            if step.is_nothing() {
                break;
            }
            count("conversations", step.partitions);
            count("traces", step.traces);
            count("seen", step.seen);
            all.partitions += step.partitions;
            all.traces += step.traces;
            all.seen += step.seen;
            tokio::time::sleep(REST).await;
        }
        if all.partitions > 0 {
            // Nobody who was let in before is let in to what is gone.
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.clear();
        }
        if !all.is_nothing() {
            let Pruned {
                partitions,
                traces,
                seen,
            } = all;
            tracing::info!(
                conversations = partitions,
                traces,
                seen,
                "forgot what is old"
            );
        }
        Ok(all)
    }

    async fn forget_staff(&self) -> Result<()> {
        let (staff, now) = (PartitionId::staff(), self.clock.now());
        loop {
            let docs = ["invite/*", "session/*"];
            let forgotten = decide(&self.store, &staff, &docs, |staff| {
                forget_expired(staff, STEP, now)
            });
            let forgotten = forgotten.await?.answer;
            count("sessions", forgotten as u64);
            if forgotten < STEP {
                return Ok(());
            }
        }
    }

    async fn forget_audit(&self) -> Result<()> {
        loop {
            let before = self.retention.audit_before(self.clock.now());
            let forgotten = self.auditor.forget(before, STEP).await?;
            count("audit", forgotten as u64);
            if forgotten < STEP {
                return Ok(());
            }
            tokio::time::sleep(REST).await;
        }
    }

    async fn forget_agents(&self) -> Result<()> {
        let (queue, now) = (PartitionId::queue(), self.clock.now());
        let docs = [&*format!("{TICKET}*"), &*format!("{AGENT}*")];
        let forgotten = decide(&self.store, &queue, &docs, |queue| {
            forget_agents(queue, now)
        });
        count("agents", forgotten.await?.answer as u64);
        Ok(())
    }

    /// Compares tickets that are old with their conversations, in case that the news that they are over could not be delivered, or that
    /// a conversation was removed to which an agent still owed a note.
    async fn forget_tickets(&self) -> Result<()> {
        let now = self.clock.now();
        let view = positions::queue(&self.store).await?;
        let age = OLD_TICKET.min(self.retention.transcript);
        let is_old = |asked_at| now.duration_since(asked_at) > age;
        for ticket in view.tickets.values().filter(|it| is_old(it.asked_at)) {
            let conversation = PartitionId::conversation(&ticket.conversation);
            update_queue(&self.store, &conversation, Write::Changes, now).await?;
        }
        Ok(())
    }

    /// Looks at a customer's address that is due: it is forgotten with its last conversation.
    pub(super) async fn look_at_address(&self, partition: &PartitionId) -> Result<()> {
        let Some(snapshot) = self.store.snapshot(partition, &[CONTACT]).await? else {
            return Ok(());
        };
        let contact = Contact::of(Some(&snapshot))?;
        let current = match &contact {
            Some(contact) => {
                let conversation = PartitionId::conversation(&contact.current);
                self.store.snapshot(&conversation, &[]).await?
            }
            None => None,
        };
        let current = current.map(|current| current.head);
        let (kept, now) = (self.retention.transcript, self.clock.now());
        match look_at_address(partition, (&snapshot, contact), current, kept, now) {
            Address::Forget => {
                let revision = snapshot.head.revision;
                let forgotten = self.store.remove(partition, revision).await?;
                count("addresses", u64::from(forgotten));
            }
            Address::Keep(commit) => {
                // Where somebody was quicker, it leads to a new conversation and is looked at when that is old.
                self.store.commit(*commit).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
