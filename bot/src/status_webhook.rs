//! Posts the status events of handoffs to the address that the operator gave, at least once each.
//!
//! What waits is in the outbox table, so nothing is lost when the program or the receiver is away.
//! The same event always has the same id; a receiver drops what it has seen.

use std::sync::Weak;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::Client;
use sha2::Sha256;

use crate::app::Core;
use crate::store::outbox::{self, Due};
use crate::store::{Store, StoreError};

/// Events looked up at once.
const BATCH: u32 = 64;
/// Events on their way at once.
const AT_ONCE: usize = 8;
/// Longest wait for the receiver.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the outbox is looked at when nothing happens: what was put off comes due.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// First wait before an event is sent again; doubles.
const FIRST_WAIT_S: u64 = 2;
/// Longest wait. An event is tried until it is taken.
const LONGEST_WAIT_S: u64 = 300;

/// Where events go.
#[derive(Clone)]
pub(crate) struct Receiver {
    client: Client,
    address: String,
    secret: Option<String>,
}

impl Receiver {
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

    /// Posts one event; whether it was taken.
    async fn take(&self, due: &Due) -> bool {
        let mut request = self
            .client
            .post(&self.address)
            .header("content-type", "application/json")
            .header("idempotency-key", due.id.to_string());
        if let Some(secret) = &self.secret {
            request = request.header("x-bellhop-signature", sign(secret, &due.body));
        }
        match request.body(due.body.clone()).send().await {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::warn!(
                    event = due.id,
                    status,
                    "the status webhook refused an event"
                );
                false
            }
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(event = due.id, %error, "the status webhook can't be reached");
                false
            }
        }
    }
}

/// `sha256=` and the HMAC of the body, hex: what a receiver compares.
fn sign(secret: &str, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Sends what is due until the program is gone.
pub(crate) async fn run(core: Weak<Core>, receiver: Receiver) {
    let Some(mut changes) = core.upgrade().map(|core| core.desk.subscribe()) else {
        return;
    };
    loop {
        let Some(core) = core.upgrade().filter(|core| !core.stopping()) else {
            return;
        };
        match send_due(&core.store, &receiver, core.clock.now()).await {
            // There may be more where these were.
            Ok(sent) if sent > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the outbox can't be read"),
        }
        drop(core);
        // Whether it fired or the time is up, the outbox is looked at; how it ended doesn't matter.
        let _ = tokio::time::timeout(POLL_INTERVAL, changes.recv()).await;
    }
}

/// Sends what is due at a time, each once; gives how many were taken.
async fn send_due(store: &Store, to: &Receiver, now: Timestamp) -> Result<usize, StoreError> {
    let due = store.read(move |c| outbox::due(c, now, BATCH)).await?;
    let sent: Vec<(Due, bool)> = stream::iter(due)
        .map(async |due| {
            let taken = to.take(&due).await;
            (due, taken)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    if sent.is_empty() {
        return Ok(0);
    }
    let taken = sent.iter().filter(|(_, taken)| *taken).count();
    store
        .write(move |tx| {
            for (due, taken) in &sent {
                if *taken {
                    outbox::done(tx, due.id, now)?;
                } else {
                    outbox::later(tx, due.id, now + pause(due.attempts))?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(taken)
}

/// The wait after so many attempts in vain.
fn pause(attempts: u32) -> Duration {
    let doubled = FIRST_WAIT_S.saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX));
    Duration::from_secs(doubled.min(LONGEST_WAIT_S))
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{body_string, header, method};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    /// Made with another implementation of HMAC.
    const SIGNATURE: &str =
        "sha256=3ce4aeb1ac4a8566bc211c6a3bda2c4a5999b66f71ff4d9b30a9464f48fc594d";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    async fn store(dir: &std::path::Path) -> Store {
        let store = Store::open(&dir.join("bellhop.db")).expect("opens");
        store
            .write(|tx| outbox::put(tx, "c", 1, "status", r#"{"id":"h/queued"}"#, at(0)))
            .await
            .expect("put in");
        store
    }

    fn receiver(server: &MockServer) -> Receiver {
        Receiver::new(server.uri(), Some("key".to_owned())).expect("a client")
    }

    #[tokio::test]
    async fn an_event_is_sent_signed_and_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(header("idempotency-key", "1"))
            .and(header("x-bellhop-signature", SIGNATURE))
            .and(body_string(r#"{"id":"h/queued"}"#))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        let (store, to) = (store(dir.path()).await, receiver(&server));
        assert_eq!(send_due(&store, &to, at(0)).await, Ok(1));
        assert_eq!(send_due(&store, &to, at(9_999)).await, Ok(0));
    }

    #[tokio::test]
    async fn an_event_that_is_not_taken_comes_again_later_and_later() {
        let dir = tempfile::tempdir().expect("a folder");
        let server = MockServer::start().await;
        for answer in [500, 301, 200] {
            Mock::given(method("POST"))
                .respond_with(ResponseTemplate::new(answer))
                .up_to_n_times(1)
                .expect(1)
                .mount(&server)
                .await;
        }
        let (store, to) = (store(dir.path()).await, receiver(&server));
        assert_eq!(send_due(&store, &to, at(0)).await, Ok(0));
        assert_eq!(send_due(&store, &to, at(1)).await, Ok(0), "not due yet");
        assert_eq!(send_due(&store, &to, at(2)).await, Ok(0));
        assert_eq!(send_due(&store, &to, at(5)).await, Ok(0), "not due yet");
        assert_eq!(send_due(&store, &to, at(6)).await, Ok(1));
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let waits = [0, 1, 2, 7, 8, 40, 200].map(|attempts| pause(attempts).as_secs());
        assert_eq!(waits, [2, 4, 8, 256, 300, 300, 300]);
    }
}
