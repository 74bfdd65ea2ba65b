//! What is not sent: for staff, and for gauges.

use std::collections::BTreeSet;

use super::{App, Result};
use crate::audit::By;
use crate::handoff::status::STATUS;
use crate::outbox::{self, Fate, Letter, Selection, Unsent};
use crate::rules::draft::TO_QUEUE;
use crate::staff::Agent;
use crate::store::{Health, Whose};

impl App {
    /// What was given up, the latest first, and how much is not sent, by destination.
    ///
    /// # Errors
    /// An id that nothing has, or the store is away.
    pub async fn outbox(&self, meant: &Selection) -> Result<(Vec<Letter>, Vec<Unsent>)> {
        let store = &self.services.store;
        let letters = outbox::find(store, meant).await?;
        let unsent = store.backlog(Whose::All).await?;
        Ok((
            letters.iter().map(Letter::of).collect(),
            unsent.into_iter().map(Unsent::from).collect(),
        ))
    }

    /// Sends again, or throws away, what was given up; gives how many that were.
    ///
    /// # Errors
    /// An id that nothing has, or the store is away.
    pub async fn settle_outbox(
        &self,
        agent: &Agent,
        meant: &Selection,
        fate: Fate,
    ) -> Result<usize> {
        let store = &self.services.store;
        let letters = outbox::find(store, meant).await?;
        let deed = outbox::deed(By::Staff(agent.clone()), &letters, fate);
        self.services.auditor.write(&deed).await?;
        let done = outbox::settle(store, letters, fate, self.services.clock.now()).await?;
        tracing::warn!(
            agent = agent.id,
            done,
            ?fate,
            "what was given up is settled by staff"
        );
        Ok(done)
    }

    /// Brings the gauges up to date that tell how the store and the outbox are. On a store that processes share each tells its
    /// own part, so that the sum is all of it; of inputs that wait a process that takes no turns tells all, or nobody would where
    /// nobody takes any.
    pub async fn measure(&self) {
        let services = &self.services;
        let store = &services.store;
        let read = async {
            Ok::<_, crate::store::StoreError>((
                store.health().await?,
                store.backlog(Whose::Mine).await?,
            ))
        };
        let (health, backlog) = match read.await {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, "the store can't be measured");
                metrics::gauge!("bellhop_store_up").set(0.0);
                return;
            }
        };
        metrics::gauge!("bellhop_store_up").set(1.0);
        let now = services.clock.now();
        let age = |since: Option<jiff::Timestamp>| age_s(since, now);
        metrics::gauge!("bellhop_store_info", "engine" => health.engine, "durability" => health.durability.name())
            .set(1.0);
        metrics::gauge!("bellhop_store_leases").set(f64::from(health.leases));
        metrics::gauge!("bellhop_store_ready").set(health.ready as f64);
        metrics::gauge!("bellhop_store_oldest_ready_seconds").set(age(health.oldest_ready));
        let mut backlog: Vec<Unsent> = backlog.into_iter().map(Unsent::from).collect();
        // A gauge that was told once goes back to nothing by being told so.
        let mut told: BTreeSet<String> = services.channels.destinations().collect();
        told.extend([STATUS, TO_QUEUE].map(str::to_owned));
        {
            let mut before = services
                .gauges
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            before.extend(told);
            before.extend(backlog.iter().map(|it| it.destination.clone()));
            let empty = before
                .iter()
                .filter(|name| !backlog.iter().any(|it| it.destination == **name));
            let empty: Vec<Unsent> = empty.map(|name| Unsent::none(name)).collect();
            backlog.extend(empty);
        }
        for unsent in backlog {
            let to = unsent.destination;
            metrics::gauge!("bellhop_outbound_waiting", "destination" => to.clone())
                .set(unsent.waiting as f64);
            metrics::gauge!("bellhop_outbound_oldest_seconds", "destination" => to.clone())
                .set(age(unsent.oldest));
            metrics::gauge!("bellhop_outbound_given_up", "destination" => to)
                .set(unsent.given_up as f64);
        }
        for to in services.channels.destinations() {
            let is_open = services.line.is_open(&to, now);
            metrics::gauge!("bellhop_outbound_circuit_open", "destination" => to)
                .set(f64::from(u8::from(is_open)));
        }
    }

    /// Seconds that the input has waited that has waited longest; 0 where none waits.
    pub fn lag_s(&self, health: &Health) -> f64 {
        age_s(health.oldest_ready, self.services.clock.now())
    }
}

/// Seconds since a time; 0 where there is none, or where another machine's clock is ahead.
fn age_s(since: Option<jiff::Timestamp>, now: jiff::Timestamp) -> f64 {
    since.map_or(0.0, |since| {
        now.duration_since(since).as_secs_f64().max(0.0)
    })
}
