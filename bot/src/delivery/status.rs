//! Posts status events of handoffs to the address that the operator gave.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sha2::Sha256;

/// Longest wait for the receiver.
const TIMEOUT: Duration = Duration::from_secs(10);

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with another implementation of HMAC.
    const SIGNATURE: &str =
        "sha256=3ce4aeb1ac4a8566bc211c6a3bda2c4a5999b66f71ff4d9b30a9464f48fc594d";

    #[test]
    fn a_signature_is_the_hmac_of_the_body() {
        assert_eq!(sign("key", br#"{"id":"h/queued"}"#), SIGNATURE);
    }
}
