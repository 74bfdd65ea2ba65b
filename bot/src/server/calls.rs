//! Has the provider of a running call ask again at once, where a caller waits for a person and something is said for them.
//!
//! It is a hint, and carries nothing of what was said: the provider asks our webhook, which tells everything after the caller's
//! place, so that whatever happens to a hint, all is heard once. Where none arrives, the line is asked at its next silence.
//!
//! An update ends what the call is doing: what is being spoken would be cut off, and what the caller is saying would be lost.
//! So there is one only while the line is quiet: the caller has said nothing for a whole turn of listening, and nothing is
//! being told. Whoever waits for the bot needs none: their webhook is open until the answer is there.
//!
//! Protocol: Twilio, "Call resource: update a call".

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::AbortHandle;

use crate::app::App;
use crate::config::Config;
use crate::error::ServiceError;
use crate::events::{Author, CustomerEvent};
use crate::hub::Live;

/// Where Twilio's API is.
const API: &str = "https://api.twilio.com";
/// Longest wait for the provider.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest that a quiet line is watched: the provider asks again long before, or the call is over.
const WATCH: Duration = Duration::from_secs(60);

/// A quiet line.
pub(super) struct QuietLine {
    /// Its conversation.
    pub(super) conversation: String,
    /// The provider's id of the call.
    pub(super) call: String,
    /// Journal seq of the last event that the caller was told.
    pub(super) after: u64,
    /// Path and query at which the provider asks what is new.
    pub(super) address: String,
}

/// Running calls on quiet lines.
#[derive(Clone, Default)]
pub(super) struct Calls(Option<Arc<Inner>>);

struct Inner {
    client: Client,
    /// Address of the account's calls.
    calls: String,
    account: String,
    token: String,
    public: String,
    /// Who watches which conversation.
    watched: Mutex<BTreeMap<String, AbortHandle>>,
}

impl Calls {
    /// As the settings have it; does nothing where `voice.account_sid` is not set, or what goes with it.
    pub(super) fn new(config: &Config) -> Self {
        let voice = &config.voice;
        let (Some(account), Some(token), Some(public)) = (
            &voice.account_sid,
            voice.auth_token.first(),
            &config.public_url,
        ) else {
            return Self::default();
        };
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build();
        let client = match client {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "running calls can't be told anything");
                return Self::default();
            }
        };
        let api = voice.api_url.as_deref().unwrap_or(API);
        Self(Some(Arc::new(Inner {
            client,
            calls: format!(
                "{}/2010-04-01/Accounts/{account}/Calls",
                api.trim_end_matches('/')
            ),
            account: account.clone(),
            token: token.to_owned(),
            public: public.trim_end_matches('/').to_owned(),
            watched: Mutex::default(),
        })))
    }

    /// The provider asks: whatever there is, it is told with the answer.
    pub(super) fn asked(&self, conversation: &str) {
        let Some(inner) = &self.0 else {
            return;
        };
        if let Some(watch) = inner.lock().remove(conversation) {
            watch.abort();
        }
    }

    /// Has the provider ask once more as soon as something is said for the caller on a quiet line.
    pub(super) fn watch(&self, app: &App, line: QuietLine) {
        let Some(inner) = &self.0 else {
            return;
        };
        // It becomes a part of an address.
        let is_name = !line.call.is_empty() && line.call.bytes().all(|c| c.is_ascii_alphanumeric());
        if !is_name {
            return;
        }
        let (app, shared, id) = (app.clone(), Arc::clone(inner), line.conversation.clone());
        let mut watched = inner.lock();
        let watch = tokio::spawn(async move {
            match tokio::time::timeout(WATCH, news(&app, &line)).await {
                Ok(Ok(())) => shared.update(&line).await,
                Ok(Err(error)) => tracing::debug!(%error, "a quiet line can't be watched"),
                Err(_) => {}
            }
        });
        if let Some(earlier) = watched.insert(id, watch.abort_handle()) {
            earlier.abort();
        }
        watched.retain(|_, watch| !watch.is_finished());
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, AbortHandle>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn update(&self, line: &QuietLine) {
        let url = format!("{}{}", self.public, line.address);
        let asked = self
            .client
            .post(format!("{}/{}.json", self.calls, line.call))
            .basic_auth(&self.account, Some(&self.token))
            .form(&[("Url", url.as_str()), ("Method", "POST")]);
        let why = match asked.send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.without_url().to_string()),
        };
        let result = if why.is_none() { "taken" } else { "failed" };
        metrics::counter!("bellhop_call_updates_total", "result" => result).increment(1);
        if let Some(why) = why {
            tracing::warn!(
                why,
                "a running call can't be told that there is news; it hears them at its next silence"
            );
        }
    }
}

/// Waits until something is said that the caller has not heard.
async fn news(app: &App, line: &QuietLine) -> Result<(), ServiceError> {
    // First listen, then look: nothing falls between the two.
    let mut live = app.subscribe(&line.conversation)?;
    loop {
        let events = app.events(&line.conversation, line.after).await?;
        if events.iter().any(is_said) {
            return Ok(());
        }
        loop {
            match live.recv().await {
                Ok(Live::Event(event)) if is_said(&event) => return Ok(()),
                Ok(Live::Event(_) | Live::Delivery(_)) => {}
                Ok(Live::More(_)) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

/// The caller hears something of it.
fn is_said(event: &CustomerEvent) -> bool {
    match event {
        CustomerEvent::Message(message) => message.from != Author::Customer,
        CustomerEvent::Closed(_) => true,
        CustomerEvent::Handoff(_) | CustomerEvent::Position(_) | CustomerEvent::Typing(_) => false,
    }
}
