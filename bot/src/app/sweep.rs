//! What is looked after now and then: conversations in which nothing happens, agents who are gone, inputs that nobody was
//! told of.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{Result, Services};
use crate::conversation::{Conversation, HEAD};
use crate::decide::{decide, decide_with};
use crate::handoff::record::{Record, document};
use crate::partition::PartitionId;
use crate::positions;
use crate::rules::Decision;
use crate::rules::desk::Case;
use crate::rules::queue::Sign;
use crate::rules::timers::idle;

/// Time between two sweeps.
const INTERVAL: Duration = Duration::from_secs(30);
/// Conversations looked at in one sweep.
const AT_ONCE: usize = 500;

/// Sweeps until the program stops.
pub(super) async fn run(services: Arc<Services>, stop: CancellationToken) {
    let mut sweeps = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = sweeps.tick() => {}
        }
        if let Err(error) = sweep(&services).await {
            tracing::error!(%error, "a sweep broke off; the next goes on");
        }
    }
}

async fn sweep(services: &Arc<Services>) -> Result<()> {
    for conversation in services.store.ready(AT_ONCE).await? {
        services.mailbox.wake(&conversation);
    }
    services.close_idle().await?;
    services.requeue_abandoned().await?;
    Ok(())
}

impl Services {
    /// Closes conversations that the bot owns and in which nothing has happened for as long as the bot
    /// says, and looks at addresses that may be forgotten; at most [`AT_ONCE`] of them. Gives how many were closed.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn close_idle(&self) -> Result<usize> {
        let (now, limit) = (self.clock.now(), self.bundle.limits.idle_close_s);
        let mut closed = 0;
        for partition in self.store.due(now, AT_ONCE).await? {
            if partition.as_conversation().is_none() {
                self.look_at_address(&partition).await?;
                continue;
            }
            let looked = decide(&self.store, &partition, &[HEAD], |snapshot| {
                let Some(snapshot) = snapshot else {
                    return Ok(Decision::Already(false));
                };
                let conversation = Conversation::of(&partition, snapshot)?;
                idle((&conversation, &self.gate), limit, now)
            });
            closed += usize::from(looked.await?.answer);
        }
        Ok(closed)
    }

    /// Puts the conversations of agents who are gone back into their queues; gives how many agents
    /// that were.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn requeue_abandoned(&self) -> Result<usize> {
        for agent in self.pages.open() {
            self.sign_of_life(&agent, Sign::Page).await?;
        }
        let now = self.clock.now();
        let view = positions::queue(&self.store).await?;
        let held = view.tickets.values();
        let gone = |agent: &str| {
            let card = view.agents.get(agent);
            card.is_none_or(|card| card.is_gone(now))
        };
        let mut agents = std::collections::BTreeSet::new();
        for ticket in held.filter(|ticket| ticket.stage.with_agent()) {
            let Some(holder) = ticket.holder.as_ref().filter(|it| gone(&it.id)) else {
                continue;
            };
            if agents.insert(holder.id.clone()) {
                // Before the places are told: they no longer count for the wait.
                self.set_unavailable(&holder.id).await?;
            }
            self.requeue(&ticket.conversation, &ticket.handoff, &holder.id)
                .await?;
        }
        Ok(agents.len())
    }

    async fn set_unavailable(&self, agent: &str) -> Result<()> {
        let doc = crate::rules::queue::agent_doc(agent);
        let now = self.clock.now();
        decide(
            &self.store,
            &PartitionId::queue(),
            &[&doc],
            |queue| match crate::rules::queue::card(queue, agent)? {
                Some(card) if card.available => {
                    crate::rules::queue::set_available(queue, agent, false, now)
                }
                _ => Ok(Decision::Already(())),
            },
        )
        .await?;
        Ok(())
    }

    async fn requeue(&self, conversation: &str, handoff: &str, agent: &str) -> Result<()> {
        let partition = PartitionId::conversation(conversation);
        let doc = document(handoff);
        let desk = self.desk();
        let queue = || positions::queue(&self.store).boxed();
        decide_with(
            &self.store,
            &partition,
            &[HEAD, &doc],
            queue,
            |snapshot, queue| {
                let Some(snapshot) = snapshot else {
                    return Ok(Decision::Already(()));
                };
                let Some(record) = Record::of(snapshot, handoff)? else {
                    return Ok(Decision::Already(()));
                };
                let standing = self.standing(&queue, &record);
                let conversation = &Conversation::of(&partition, snapshot)?;
                let case = Case {
                    conversation,
                    record,
                };
                desk.requeue(case, agent, standing)
            },
        )
        .await?;
        Ok(())
    }
}
