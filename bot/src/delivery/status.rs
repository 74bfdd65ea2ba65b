//! Posts status events of handoffs to the address that the operator gave.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sha2::Sha256;

use crate::setting::Secrets;

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
    secrets: Secrets,
}

impl Webhook {
    /// A receiver; with secrets every event is signed under each.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(address: String, secrets: Secrets) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            address,
            secrets,
        })
    }

    async fn post(&self, id: &str, body: Vec<u8>) -> bool {
        let mut request = self
            .client
            .post(&self.address)
            .header("content-type", "application/json")
            .header("idempotency-key", id);
        if self.secrets.is_set() {
            request = request.header("x-bellhop-signature", sign(&self.secrets, &body));
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

/// `sha256=` and the HMAC of the body, hex: what a receiver compares. While one secret replaces the other there are two with a comma
/// between, so that a receiver that knows either finds its own.
fn sign(secrets: &Secrets, body: &[u8]) -> String {
    let signatures = secrets.live().into_iter().map(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    });
    signatures.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with another implementation of HMAC.
    const SIGNED: [(&str, &str); 2] = [
        (
            "a-key-that-receivers-share-with-us",
            "sha256=829e2899561835d33dcb1a436a40319311694d8ec8e341abfb5c50bac058b304",
        ),
        (
            "another-key-that-replaces-the-first",
            "sha256=6b343b3681d8fa91dfc1296d3365ec0c9dca8e158136c36e70ececefd1178d36",
        ),
    ];

    #[test]
    fn a_signature_is_the_hmac_of_the_body_under_each_live_secret() {
        let [(first, signed), (second, signed_too)] = SIGNED;
        let sign = |secrets: &[&str]| {
            let secrets = secrets.iter().map(|&secret| secret.to_owned()).collect();
            sign(
                &Secrets::new(secrets).expect("good ones"),
                br#"{"id":"h/queued"}"#,
            )
        };
        assert_eq!(sign(&[first]), signed);
        assert_eq!(sign(&[second, first]), format!("{signed_too}, {signed}"));
    }
}
