//! Sends what commits have put out: news for the desk's queue, status events for systems that follow handoffs, and what is
//! said to customers on messaging channels.
//!
//! What waits is in the store, so nothing is lost when the program or a receiver is away. Of each conversation one thing at a
//! time is on its way to a destination, in order. The same thing always has the same id; a receiver drops what it has seen.

mod channel;
mod media;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::channels::{Channels, is_channel};
use crate::clock::{Clock, jitter};
use crate::decide::update_queue;
use crate::encoding::{Unreadable, decode, encode};
use crate::gate::Gate;
use crate::handoff::status::{STATUS, Status};
use crate::partition::{Claim, Settle};
use crate::rules::draft::TO_QUEUE;
use crate::rules::queue::Write;
use crate::store::{Store, StoreError};
pub(crate) use channel::{ChannelLine, keep_news};
pub(crate) use media::Media;
pub(crate) use status::{Receiver, Webhook};

/// Things on their way at once.
const AT_ONCE: usize = 64;
/// Of these, to one destination.
const AT_ONCE_TO_ONE: usize = 16;
/// Wait of what is due for a destination to which so much is on its way.
const BUSY_WAIT: Duration = Duration::from_millis(500);
/// How long nobody else sends what was claimed: longer than any attempt takes.
const CLAIM: Duration = Duration::from_secs(60);
/// How often the store is asked when nothing happens: what was put off comes due.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// First wait before something is sent again; doubles.
const FIRST_WAIT_S: u64 = 2;
/// Longest wait.
const LONGEST_WAIT_S: u64 = 300;
/// Age at which something that was never taken is put aside: longer than any outage that is waited for.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(72);

/// Sends what is due.
pub(crate) struct Delivery {
    /// The store.
    pub(crate) store: Store,
    /// Time.
    pub(crate) clock: Clock,
    /// Fires when there is something to be sent.
    pub(crate) outbound: Arc<Notify>,
    /// Where status events go, if anywhere.
    pub(crate) status: Option<Arc<dyn Receiver>>,
    /// Accounts on messaging channels.
    pub(crate) channels: Arc<Channels>,
    /// How they are reached.
    pub(crate) line: Arc<ChannelLine>,
    /// The bot's name, for notes.
    pub(crate) bundle_name: String,
    /// What text passes.
    pub(crate) gate: Arc<Gate>,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Attempt {
    /// It arrived.
    Arrived,
    /// It may arrive later; after this time, or after the usual one.
    Later(Option<Duration>),
    /// It never will.
    Never(String),
}

impl Delivery {
    /// Sends until the program stops, and then ends what is on its way.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut on_their_way = FuturesUnordered::new();
        let mut by_destination: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let room = AT_ONCE - on_their_way.len();
            if room > 0 {
                let claims = self.claim(room).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "what is to be sent can't be read");
                    Vec::new()
                });
                for claim in claims {
                    let busy = by_destination.entry(claim.destination.clone()).or_default();
                    if *busy < AT_ONCE_TO_ONE {
                        *busy += 1;
                        on_their_way.push(self.attempt(claim));
                    } else {
                        // One that is slow must not hold up all the others.
                        let settle = Settle::Later(self.clock.now() + BUSY_WAIT);
                        told(self.store.settle(&claim, settle, self.clock.now()).await);
                    }
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some((destination, settled)) = on_their_way.next() => {
                    if let Some(busy) = by_destination.get_mut(&destination) {
                        *busy -= 1;
                    }
                    // What comes after it may go now.
                    told(settled);
                }
                () = self.outbound.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
        while let Some((_, settled)) = on_their_way.next().await {
            told(settled);
        }
    }

    /// Claims what is due now.
    async fn claim(&self, limit: usize) -> Result<Vec<Claim>, StoreError> {
        let now = self.clock.now();
        self.store.claim(now, now + CLAIM, limit).await
    }

    /// Tries once to send something; gives where to, and whether it arrived.
    async fn attempt(&self, claim: Claim) -> (String, Result<bool, StoreError>) {
        let settle = self.send(&claim).await;
        let arrived = settle == Settle::Done;
        let settled = self.store.settle(&claim, settle, self.clock.now()).await;
        (claim.destination, settled.map(|()| arrived))
    }

    /// Sends what is due now, each once; gives how many arrived.
    #[cfg(test)]
    async fn send_due(&self) -> Result<usize, StoreError> {
        let claims = self.claim(AT_ONCE).await?;
        let attempts = claims.into_iter().map(|claim| self.attempt(claim));
        let mut arrived = 0;
        for (_, settled) in futures_util::future::join_all(attempts).await {
            arrived += usize::from(settled?);
        }
        Ok(arrived)
    }

    async fn send(&self, claim: &Claim) -> Settle {
        let attempt = match claim.destination.as_str() {
            TO_QUEUE => self.to_queue(claim).await,
            STATUS => self.to_status(claim).await,
            channel if is_channel(channel) => self.to_channel(claim).await,
            other => Attempt::Never(format!("nothing in this program sends to `{other}`")),
        };
        let kind = claim.destination.split('/').next().unwrap_or_default();
        let count = |result: &'static str| {
            metrics::counter!("bellhop_outbound_total", "kind" => kind.to_owned(), "result" => result)
                .increment(1);
        };
        let given_up = || {
            count("dead");
            metrics::counter!("bellhop_outbound_given_up_total", "destination" => claim.destination.clone())
                .increment(1);
        };
        match attempt {
            Attempt::Arrived => {
                count("arrived");
                Settle::Done
            }
            Attempt::Later(wait) if !self.is_old(claim) => {
                count("later");
                let wait = wait.unwrap_or_else(|| pause(claim.attempts));
                Settle::Later(self.clock.now() + wait)
            }
            Attempt::Later(_) => {
                given_up();
                let why = format!("not taken in {} hours", GIVE_UP.as_hours());
                self.given_up(claim, &why).await;
                Settle::Dead { why }
            }
            Attempt::Never(why) => {
                given_up();
                tracing::error!(destination = %claim.destination, number = claim.number,
                    "something will not be sent; see `bellhop outbox list`");
                self.given_up(claim, &why).await;
                Settle::Dead { why }
            }
        }
    }

    fn is_old(&self, claim: &Claim) -> bool {
        self.clock.now().duration_since(claim.at) > GIVE_UP
    }

    /// Brings the queue in line with a conversation.
    async fn to_queue(&self, claim: &Claim) -> Attempt {
        let now = self.clock.now();
        match update_queue(&self.store, &claim.partition, Write::Always, now).await {
            Ok(()) => Attempt::Arrived,
            Err(error) => {
                tracing::error!(conversation = %claim.partition, %error, "the queue can't be brought up to date");
                Attempt::Later(None)
            }
        }
    }

    async fn to_status(&self, claim: &Claim) -> Attempt {
        let Some(receiver) = &self.status else {
            let why = "no address for status events is set (status_webhook)";
            return Attempt::Never(why.to_owned());
        };
        let body = || -> Result<_, Unreadable> {
            let mut status: Status = decode("status event", &claim.body)?;
            status.seq = claim.seq;
            let body = encode("status event", &status)?;
            Ok((status.id, body.to_vec()))
        };
        match body() {
            Err(error) => Attempt::Never(error.to_string()),
            Ok((id, body)) => match receiver.take(&id, body).await {
                true => Attempt::Arrived,
                false => Attempt::Later(None),
            },
        }
    }
}

/// An attempt that can't be written down is made again when its claim runs out.
fn told<T>(settled: Result<T, StoreError>) {
    if let Err(error) = settled {
        tracing::error!(%error, "how an attempt to send something went can't be stored");
    }
}

/// The wait after so many attempts in vain.
fn pause(attempts: u32) -> Duration {
    jitter(longest_pause(attempts))
}

fn longest_pause(attempts: u32) -> Duration {
    let doubled = FIRST_WAIT_S.saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX));
    Duration::from_secs(doubled.min(LONGEST_WAIT_S))
}

#[cfg(test)]
mod tests;
