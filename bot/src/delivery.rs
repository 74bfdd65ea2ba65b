//! Sends what commits have put out: news for the desk's queue, status events for systems that follow handoffs.
//!
//! What waits is in the store, so nothing is lost when the program or a receiver is away. Of each conversation one thing at a
//! time is on its way to a destination, in order. The same thing always has the same id; a receiver drops what it has seen.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sha2::Sha256;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, jitter};
use crate::decide::update_queue;
use crate::encoding::{decode, encode};
use crate::handoff::status::{STATUS, Status};
use crate::partition::{Claim, Settle};
use crate::rules::draft::TO_QUEUE;
use crate::rules::queue::Write;
use crate::store::{Store, StoreError};

/// Things claimed at once.
const BATCH: usize = 64;
/// Things on their way at once.
const AT_ONCE: usize = 8;
/// How long nobody else sends what was claimed: longer than any attempt takes.
const CLAIM: Duration = Duration::from_secs(60);
/// Longest wait for a receiver.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the store is asked when nothing happens: what was put off comes due.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// First wait before something is sent again; doubles.
const FIRST_WAIT_S: u64 = 2;
/// Longest wait.
const LONGEST_WAIT_S: u64 = 300;
/// Attempts after which something is put aside: more than two days' worth.
const ATTEMPTS: u32 = 600;

/// Where status events go.
pub(crate) trait Receiver: Send + Sync {
    /// Gives it one event; whether it was taken.
    fn take<'a>(&'a self, id: &'a str, body: Vec<u8>) -> BoxFuture<'a, bool>;
}

/// A receiver at an address.
pub(crate) struct Webhook {
    client: Client,
    address: String,
    secret: Option<String>,
}

impl Webhook {
    /// A receiver; with a secret every event is signed.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(address: String, secret: Option<String>) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            address,
            secret,
        })
    }

    async fn post(&self, id: &str, body: Vec<u8>) -> bool {
        let mut request = self
            .client
            .post(&self.address)
            .header("content-type", "application/json")
            .header("idempotency-key", id);
        if let Some(secret) = &self.secret {
            request = request.header("x-bellhop-signature", sign(secret, &body));
        }
        match request.body(body).send().await {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::warn!(event = id, status, "the status webhook refused an event");
                false
            }
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(event = id, %error, "the status webhook can't be reached");
                false
            }
        }
    }
}

impl Receiver for Webhook {
    fn take<'a>(&'a self, id: &'a str, body: Vec<u8>) -> BoxFuture<'a, bool> {
        self.post(id, body).boxed()
    }
}

/// `sha256=` and the HMAC of the body, hex: what a receiver compares.
fn sign(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

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
}

impl Delivery {
    /// Sends until the program stops.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.send_due().await {
                // There may be more where these were.
                Ok(sent) if sent > 0 => continue,
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "what is to be sent can't be read"),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.outbound.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// Sends what is due now, each once; gives how many arrived.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn send_due(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let claims = self.store.claim(now, now + CLAIM, BATCH).await?;
        let settled: Vec<Result<bool, StoreError>> = stream::iter(claims)
            .map(async |claim| {
                let settle = self.send(&claim).await;
                let arrived = settle == Settle::Done;
                self.store.settle(&claim, settle, self.clock.now()).await?;
                Ok(arrived)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut arrived = 0;
        for one in settled {
            arrived += usize::from(one?);
        }
        Ok(arrived)
    }

    async fn send(&self, claim: &Claim) -> Settle {
        let sent = match claim.destination.as_str() {
            TO_QUEUE => self.to_queue(claim).await,
            STATUS => self.status(claim).await,
            other => Err(format!("nothing in this program sends to `{other}`")),
        };
        match sent {
            Ok(true) => Settle::Done,
            Ok(false) if claim.attempts < ATTEMPTS => {
                Settle::Later(self.clock.now() + pause(claim.attempts))
            }
            Ok(false) => Settle::Dead {
                why: format!("not taken in {ATTEMPTS} attempts"),
            },
            Err(why) => Settle::Dead { why },
        }
    }

    /// Brings the queue in line with a conversation; whether that could be done.
    async fn to_queue(&self, claim: &Claim) -> Result<bool, String> {
        let now = self.clock.now();
        match update_queue(&self.store, &claim.partition, Write::Always, now).await {
            Ok(()) => Ok(true),
            Err(error) => {
                tracing::error!(conversation = %claim.partition, %error, "the queue can't be brought up to date");
                Ok(false)
            }
        }
    }

    async fn status(&self, claim: &Claim) -> Result<bool, String> {
        let Some(receiver) = &self.status else {
            return Err("no address for status events is set (status_webhook)".to_owned());
        };
        let read = |error: crate::encoding::Unreadable| error.to_string();
        let mut status: Status = decode("status event", &claim.body).map_err(read)?;
        status.seq = claim.seq;
        let body = encode("status event", &status).map_err(read)?;
        Ok(receiver.take(&status.id, body.to_vec()).await)
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
mod tests {
    use wiremock::matchers::{body_partial_json, header, header_exists, method};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::partition::{Commit, Kind, NewEntry, Notice, Outbound, PartitionId};
    use crate::store::{Listener, StoreAddress};

    /// Made with another implementation of HMAC.
    const SIGNATURE: &str =
        "sha256=3ce4aeb1ac4a8566bc211c6a3bda2c4a5999b66f71ff4d9b30a9464f48fc594d";

    struct Deaf;

    impl Listener for Deaf {
        fn changed(&self, _: Notice) {}
        fn signalled(&self, _: &PartitionId, _: &[u8]) {}
    }

    /// A delivery with one status event in its store.
    async fn delivery(server: &MockServer) -> Delivery {
        let store = Store::open(&StoreAddress::Memory, Arc::new(Deaf)).expect("opens");
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let mut commit = Commit::new(PartitionId::conversation("c"), None, clock.now());
        commit.append.push(NewEntry {
            kind: Kind::Handoff,
            cause: 0,
            body: Arc::from(*b"{}"),
        });
        let status = serde_json::json!({
            "schema": "v1", "id": "h/1/queued", "handoff_id": "h", "conversation_id": "c", "epoch": 1,
            "state": "queued", "at": "2026-01-01T00:00:00Z", "queue": "q",
        });
        commit.out.push(Outbound {
            destination: STATUS.to_owned(),
            body: Arc::from(status.to_string().as_bytes()),
        });
        store.commit(commit).await.expect("put out");
        Delivery {
            store,
            clock,
            outbound: Arc::default(),
            status: Some(Arc::new(
                Webhook::new(server.uri(), Some("key".to_owned())).expect("a client"),
            )),
        }
    }

    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        assert_eq!(sign("key", br#"{"id":"h/queued"}"#), SIGNATURE);
    }

    #[tokio::test]
    async fn an_event_is_sent_signed_with_its_place_and_once() {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(header("idempotency-key", "h/1/queued"))
            .and(header_exists("x-bellhop-signature"))
            .and(body_partial_json(
                serde_json::json!({ "seq": 1, "state": "queued" }),
            ))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        let delivery = delivery(&server).await;
        assert_eq!(delivery.send_due().await, Ok(1));
        delivery.clock.advance(Duration::from_secs(9_999));
        assert_eq!(delivery.send_due().await, Ok(0));
    }

    #[tokio::test]
    async fn an_event_that_is_not_taken_comes_again_later_and_later() {
        let server = MockServer::start().await;
        for answer in [500, 301, 200] {
            Mock::given(method("POST"))
                .respond_with(ResponseTemplate::new(answer))
                .up_to_n_times(1)
                .expect(1)
                .mount(&server)
                .await;
        }
        let delivery = delivery(&server).await;
        // Waits are at random, from half to all of what is the longest.
        for (advance_ms, arrived) in [(0, 0), (999, 0), (1_001, 0), (1_999, 0), (2_001, 1)] {
            delivery.clock.advance(Duration::from_millis(advance_ms));
            assert_eq!(delivery.send_due().await, Ok(arrived), "after {advance_ms}");
        }
    }

    #[tokio::test]
    async fn what_nobody_can_send_is_put_aside_and_holds_nothing_up() {
        let server = MockServer::start().await;
        let mut delivery = delivery(&server).await;
        delivery.status = None;
        assert_eq!(delivery.send_due().await, Ok(0));
        let dead = delivery.store.dead(9).await.expect("reads");
        assert!(dead[0].why.contains("status_webhook"), "{}", dead[0].why);
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let waits = [0, 1, 2, 7, 8, 40, 200].map(|attempts| longest_pause(attempts).as_secs());
        assert_eq!(waits, [2, 4, 8, 256, 300, 300, 300]);
        for attempts in [0, 5, 9] {
            let (most, is) = (longest_pause(attempts), pause(attempts));
            assert!(is >= most / 2 && is <= most, "{is:?}");
        }
    }
}
