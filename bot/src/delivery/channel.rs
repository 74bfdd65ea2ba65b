//! What is said to customers on messaging channels.

use std::time::Duration;

use bellhop_connectors::channel::{Offer, Request, Retry, SendError, SendOutcome, Whose, render};
use jiff::Timestamp;
use reqwest::Client;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::{Attempt, Delivery};
use crate::breaker::Breakers;
use crate::channels::{Account, Sending, outgoing};
use crate::conversation::journal::{Body, Row};
use crate::conversation::{Conversation, HEAD};
use crate::decide::decide;
use crate::encoding::{decode, encode};
use crate::error::ServiceError;
use crate::events::{MessageEvent, Signal};
use crate::partition::{Claim, PartitionId};
use crate::rules::channel::{CHANNEL, ChannelState, News, conversation, keep, undelivered};
use crate::rules::draft::SaidEntry;
use crate::store::Store;

/// Longest wait for a provider.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer of a provider that is read, bytes.
const ANSWER_BYTES: usize = 64 * 1024;
/// Wait where a provider's circuit is open.
const CIRCUIT_WAIT: Duration = Duration::from_secs(5);

/// How providers are reached.
pub(crate) struct ChannelLine {
    client: OnceCell<Client>,
    breakers: Breakers,
    /// The same moment on both clocks: circuits count on the program's own.
    began: (Instant, Timestamp),
}

impl ChannelLine {
    /// A line; its client is made when it is first needed, for most programs never do.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            client: OnceCell::new(),
            breakers: Breakers::default(),
            began: (Instant::now(), now),
        }
    }

    pub(super) async fn client(&self) -> Result<&Client, String> {
        let made = self.client.get_or_try_init(async || {
            Client::builder()
                // A request carries a secret: nobody but its receiver gets it.
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
                .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
                .build()
        });
        let no_client = |error: reqwest::Error| format!("no HTTP client can be made ({error})");
        made.await.map_err(no_client)
    }

    /// Tells whether nothing is sent to a destination for now, because its provider keeps failing.
    pub(crate) fn is_open(&self, destination: &str, now: Timestamp) -> bool {
        self.breakers.is_open(destination, self.instant(now))
    }

    /// A time as circuits count it.
    fn instant(&self, now: Timestamp) -> Instant {
        let since = now.duration_since(self.began.1);
        self.began.0 + Duration::try_from(since).unwrap_or_default()
    }

    /// Makes a request; gives status, headers and body of the answer.
    pub(super) async fn ask(
        &self,
        request: Request,
    ) -> Result<(u16, Vec<(String, String)>, Vec<u8>), String> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| error.to_string())?;
        let client = self.client().await?;
        let mut asked = client.request(method, request.url).body(request.body);
        for (name, value) in request.headers {
            asked = asked.header(name, value);
        }
        // An address may hold a secret.
        let told = |error: reqwest::Error| error.without_url().to_string();
        let mut answer = asked.send().await.map_err(told)?;
        let headers = answer.headers().iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(told)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES {
                body.truncate(ANSWER_BYTES);
                break;
            }
        }
        Ok((status, headers, body))
    }

    /// Makes a request that nothing hangs on: showing that a message is read.
    pub(crate) async fn hint(&self, request: Request) {
        if let Err(error) = self.ask(request).await {
            tracing::debug!(error, "a provider can't be told that a message is read");
        }
    }
}

/// Something said, on its way.
struct Message {
    seq: u64,
    event: MessageEvent,
    conversation: Conversation,
    state: ChannelState,
}

impl Delivery {
    /// Sends something said to a customer.
    pub(super) async fn to_channel(&self, claim: &Claim) -> Attempt {
        let Some(account) = self.channels.of_destination(&claim.destination) else {
            return Attempt::Never(format!(
                "`{}` is not among the channels of the settings",
                claim.destination
            ));
        };
        let message = match self.message(claim).await {
            Ok(Some(message)) => message,
            Ok(None) => return Attempt::Never("it is no longer in the journal".to_owned()),
            Err(error) => {
                tracing::error!(%error, "something said can't be read");
                return Attempt::Later(None);
            }
        };
        let now = || self.line.instant(self.clock.now());
        let permit = self.line.breakers.enter(&claim.destination, now());
        let Ok(permit) = permit else {
            return Attempt::Later(Some(CIRCUIT_WAIT));
        };
        let attempt = self.send_frames(account, &message).await;
        let is_up = !matches!(
            attempt,
            Err(Failure {
                is_theirs: true,
                ..
            })
        );
        permit.settle(is_up, now());
        match attempt {
            Ok(()) => Attempt::Arrived,
            Err(failure) => failure.attempt,
        }
    }

    /// What a claim wants to have sent.
    async fn message(&self, claim: &Claim) -> Result<Option<Message>, ServiceError> {
        let said: SaidEntry = decode("outbound", &claim.body)?;
        let seq = claim.seq.saturating_sub(said.from_last);
        let found = self
            .store
            .log(&claim.partition, seq.saturating_sub(1), 1)
            .await?;
        let snapshot = self
            .store
            .snapshot(&claim.partition, &[HEAD, CHANNEL])
            .await?;
        let (Some(entry), Some(snapshot)) = (found.first(), snapshot) else {
            return Ok(None);
        };
        let Body::Message(event) = Row::of(entry)?.body else {
            return Ok(None);
        };
        Ok(Some(Message {
            seq,
            event: *event,
            conversation: Conversation::of(&claim.partition, &snapshot)?,
            state: ChannelState::of(Some(&snapshot))?,
        }))
    }

    async fn send_frames(&self, account: &Account, message: &Message) -> Result<(), Failure> {
        let said = outgoing(&message.event);
        let can = account.capabilities();
        let frames = render(&said, can);
        let again = message.state.failed.contains_key(&message.seq);
        let begun = message.state.begun(message.seq);
        let now_s = self.clock.now().as_second();
        let wrote_s = message.state.last_inbound_s;
        // What is not known yet is open: they have just begun to write, and the provider says where it is not so.
        let closed = wrote_s > 0
            && can.reply_window_s.is_some_and(|window_s| {
                let since = now_s.saturating_sub(wrote_s);
                u64::try_from(since).is_ok_and(|since| since >= window_s)
            });
        for (at, frame) in frames.iter().enumerate().skip(begun) {
            let key = format!("{}_{}_{at}", message.conversation.id, message.seq);
            let sending = Sending {
                to: message
                    .conversation
                    .head
                    .provider_key
                    .as_deref()
                    .unwrap_or_default(),
                key: &key,
                conversation: &message.conversation.id,
                seq: message.seq,
                said: &said,
                now_s,
            };
            if closed {
                // One template says it all.
                self.reopen(account, &sending).await?;
                break;
            }
            let request = account.request(&sending, frame).map_err(Failure::never)?;
            match self.try_one(account, request).await {
                Ok(()) => {}
                Err(error) if error.reopen => {
                    self.reopen(account, &sending).await?;
                    break;
                }
                Err(error) => return Err(Failure::of(&error)),
            }
            if at + 1 < frames.len() {
                let news = News::Taken {
                    seq: message.seq,
                    frames: at + 1,
                    offer: None,
                    again,
                };
                self.keep(&message.conversation.partition(), &news).await?;
            }
        }
        let news = News::Taken {
            seq: message.seq,
            frames: frames.len(),
            offer: Some(Offer::new(&said, &frames)),
            again,
        };
        self.keep(&message.conversation.partition(), &news).await
    }

    async fn reopen(&self, account: &Account, sending: &Sending<'_>) -> Result<(), Failure> {
        let Some(request) = account.reopen(sending) else {
            let why = "the customer has not written for so long that the channel takes no free text, and no template is set";
            return Err(Failure::never(why.to_owned()));
        };
        let sent = self.try_one(account, request).await;
        sent.map_err(|error| Failure::of(&error))
    }

    async fn try_one(&self, account: &Account, request: Request) -> Result<(), SendError> {
        match self.line.ask(request).await {
            Ok((status, headers, body)) => match account.outcome(status, &headers, &body) {
                SendOutcome::Sent { .. } => Ok(()),
                SendOutcome::Failed(error) => Err(error),
            },
            Err(error) => {
                if !account.capabilities().idempotency_key {
                    // It may have arrived: sent again, the customer may see it twice, which is better than never.
                    metrics::counter!("bellhop_outbound_uncertain_total").increment(1);
                }
                Err(SendError::network(&error))
            }
        }
    }

    async fn keep(&self, partition: &PartitionId, news: &News) -> Result<(), Failure> {
        let now = self.clock.now();
        match keep_news(&self.store, partition, news, now).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "that something was sent can't be written down");
                Err(Failure {
                    attempt: Attempt::Later(None),
                    is_theirs: false,
                })
            }
        }
    }

    /// The frame that is the next to be sent of a message.
    async fn frame_of(&self, partition: &PartitionId, seq: u64) -> usize {
        let snapshot = self.store.snapshot(partition, &[CHANNEL]).await;
        let state = ChannelState::of(snapshot.ok().flatten().as_ref());
        let partly = state.ok().and_then(|state| state.partly);
        let partly = partly.filter(|(begun, _)| *begun == seq);
        partly.map_or(0, |(_, frames)| frames)
    }

    /// Lets staff know that something will not reach the customer.
    pub(super) async fn given_up(&self, claim: &Claim, why: &str) {
        if self.channels.of_destination(&claim.destination).is_none() {
            return;
        }
        let (partition, now) = (&claim.partition, self.clock.now());
        let said: Result<SaidEntry, _> = decode("outbound", &claim.body);
        if let Ok(said) = said {
            let seq = claim.seq.saturating_sub(said.from_last);
            let frame = self.frame_of(partition, seq).await;
            // The dead letter says it too.
            let _ = self
                .keep(partition, &News::Failed(seq, frame, why.to_owned()))
                .await;
        }
        let noted = decide(&self.store, partition, &[HEAD], |snapshot| {
            undelivered(
                (&conversation(partition, snapshot)?, &self.gate),
                &self.bundle_name,
                why,
                now,
            )
        });
        if let Err(error) = noted.await {
            tracing::error!(%error, "that something was not sent can't be noted");
        }
    }
}

/// Keeps news of the line to a customer, and tells the desk how the message stands.
///
/// # Errors
/// The store is away.
pub(crate) async fn keep_news(
    store: &Store,
    partition: &PartitionId,
    news: &News,
    now: Timestamp,
) -> Result<(), ServiceError> {
    let kept = decide(store, partition, &[CHANNEL], |snapshot| {
        keep(partition, snapshot, news, now)
    });
    if let Some(delivery) = kept.await?.answer {
        let signal = encode("signal", &Signal::Delivery { delivery })?;
        if let Err(error) = store.signal(partition, &signal).await {
            // It is kept: whoever reads the conversation next sees it.
            tracing::debug!(%error, "the desk can't be told how a message stands");
        }
    }
    Ok(())
}

/// Why something was not sent now.
struct Failure {
    attempt: Attempt,
    /// The provider is out of order: others need not ask it.
    is_theirs: bool,
}

impl Failure {
    fn never(why: String) -> Self {
        Self {
            attempt: Attempt::Never(why),
            is_theirs: false,
        }
    }

    fn of(error: &SendError) -> Self {
        let attempt = match error.retry {
            Retry::Never => Attempt::Never(format!("{}: {}", error.code, error.message)),
            Retry::After(wait) => Attempt::Later(wait),
        };
        Self {
            attempt,
            is_theirs: matches!(error.whose, Whose::Theirs | Whose::Network),
        }
    }
}
