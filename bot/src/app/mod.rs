//! [`App`]: the only thing that routes and commands call. Cheap to clone.
//!
//! Owns the wiring of the straight line (intake, mailbox, turn, outbox) and of the desk. Must never
//! know HTTP, sockets or a channel's wire format.

mod audit;
mod channels;
mod customer;
mod desk;
mod media;
mod outbox;
mod pages;
mod retention;
#[cfg(test)]
pub(crate) mod rig;
#[cfg(test)]
mod sim;
mod staff;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use bellhop_flows::bundle::Bundle;

use crate::actions::Actions;
use crate::auditor::Auditor;
use crate::bots::{Bot, BotSource, Bots, version};
use crate::channels::Channels;
use crate::clock::Clock;
use crate::delivery::{ChannelLine, Delivery, Receiver, Webhook};
use crate::dispatch::Dispatch;
use crate::error::ServiceError;
use crate::gate::{Gate, PrivacyConfig};
use crate::hub::Hub;
use crate::mailbox::Mailbox;
use crate::positions::Positions;
use crate::retention::Retention;
use crate::setting::Secrets;
use crate::store::{Health, Listener, Store, StoreAddress};
use crate::turn::{ActionResultCache, Context};
use crate::understand::{Reader, Retrieve, Searcher, Understand};
use pages::Pages;

pub use audit::Reading;
pub use staff::{AtDesk, Watched};

/// Hashes of tokens kept in memory.
const TOKENS: usize = 8192;
/// Partitions that are read at once when the program starts.
const AT_ONCE: usize = 1000;

/// What an [`App`] is made of.
pub struct Parts {
    /// The compiled bot.
    pub bundle: Arc<Bundle>,
    /// What it was made from.
    pub source: BotSource,
    /// Reads messages; moved to a compute thread of its own.
    pub understand: Box<dyn Understand>,
    /// Finds passages.
    pub retrieve: Arc<dyn Retrieve>,
    /// Calls systems of record.
    pub actions: Actions,
    /// Time.
    pub clock: Clock,
    /// Where everything is kept.
    pub store: StoreAddress,
    /// The rest.
    pub options: Options,
}

/// Bounds and addresses.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest that a reading may take before the turn goes on without it.
    pub nlu_timeout: Duration,
    /// Longest message, bytes.
    pub message_bytes: usize,
    /// Where status events of handoffs are posted to, if anywhere.
    pub status_webhook: Option<String>,
    /// Secrets that they are signed with; without one they are not signed.
    pub status_secret: Secrets,
    /// Name of the model, for envelopes.
    pub model_version: String,
    /// Accounts on messaging channels.
    pub channels: Channels,
    /// How long what is over is kept.
    pub retention: Retention,
    /// What is taken out of text before it is stored.
    pub privacy: PrivacyConfig,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nlu_timeout: Duration::from_secs(2),
            message_bytes: 16 * 1024,
            status_webhook: None,
            status_secret: Secrets::default(),
            model_version: "all-MiniLM-L6-v2".to_owned(),
            channels: Channels::default(),
            retention: Retention::default(),
            privacy: PrivacyConfig::default(),
        }
    }
}

/// The pieces of a running program, each ready.
struct Wiring {
    bundle: Arc<Bundle>,
    source: BotSource,
    reader: Reader,
    retrieve: Arc<dyn Retrieve>,
    actions: Actions,
    clock: Clock,
    store: Store,
    /// Hears of what `store` keeps.
    dispatch: Arc<Dispatch>,
    /// Where status events of handoffs go, if anywhere.
    status: Option<Arc<dyn Receiver>>,
    channels: Arc<Channels>,
    line: ChannelLine,
    retention: Retention,
    privacy: PrivacyConfig,
    message_bytes: usize,
    model_version: String,
}

/// The running program behind every channel and the desk.
#[derive(Clone)]
pub struct App {
    pub(crate) services: Arc<Services>,
}

/// What the program does, each with a handle of its own.
pub(crate) struct Services {
    bundle: Arc<Bundle>,
    pub(crate) gate: Arc<Gate>,
    clock: Clock,
    message_bytes: usize,
    retention: Retention,
    /// Status events of handoffs are wanted.
    report: bool,
    pub(crate) store: Store,
    pub(crate) auditor: Auditor,
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    /// Fires when the queue or anybody's conversations change.
    desk_changes: broadcast::Sender<()>,
    /// Fires when somebody is let in or put out.
    staff_changes: broadcast::Sender<()>,
    pages: Pages,
    channels: Arc<Channels>,
    /// How providers of channels are reached.
    line: Arc<ChannelLine>,
    /// Destinations whose gauges were told.
    gauges: Mutex<BTreeSet<String>>,
    tokens: Mutex<LruCache<String, Arc<str>>>,
    stop: CancellationToken,
    /// What is waited for before the store is closed.
    ending: TaskTracker,
}

impl Services {
    /// What turns need.
    #[cfg(test)]
    pub(crate) fn context(&self) -> &Context {
        self.mailbox.context()
    }
}

type Result<T> = std::result::Result<T, ServiceError>;

impl App {
    /// Opens the store, picks up every conversation with unprocessed messages and begins to serve.
    /// Must run inside a tokio runtime.
    ///
    /// # Errors
    /// A store that can't be opened, with its address and what to do.
    pub async fn start(parts: Parts) -> Result<Self> {
        let dispatch = Arc::new(Dispatch::new(Arc::default()));
        let listener: Arc<dyn Listener> = Arc::clone(&dispatch) as _;
        let store = Store::open(&parts.store, listener).await?;
        let system = |what: &str, error: String| ServiceError::System {
            message: format!("{what} ({error})"),
        };
        let options = parts.options;
        let reader = Reader::spawn(parts.understand, options.nlu_timeout)
            .map_err(|error| system("the compute thread does not start", error.to_string()))?;
        let webhook = options
            .status_webhook
            .map(|address| Webhook::new(address, options.status_secret))
            .transpose()
            .map_err(|error| system("no HTTP client for the status webhook", error.to_string()))?;
        Self::on(Wiring {
            line: ChannelLine::new(parts.clock.now()),
            channels: Arc::new(options.channels),
            retention: options.retention,
            privacy: options.privacy,
            bundle: parts.bundle,
            source: parts.source,
            reader,
            retrieve: parts.retrieve,
            actions: parts.actions,
            clock: parts.clock,
            store,
            dispatch,
            status: webhook.map(|webhook| Arc::new(webhook) as _),
            message_bytes: options.message_bytes,
            model_version: options.model_version,
        })
        .await
    }

    /// Joins the pieces and begins to serve.
    async fn on(wiring: Wiring) -> Result<Self> {
        let Wiring {
            bundle,
            clock,
            store,
            dispatch,
            status,
            ..
        } = wiring;
        let hub = Arc::clone(&dispatch.hub);
        let line = Arc::new(wiring.line);
        let gate = Arc::new(Gate::new(wiring.privacy, &bundle));
        let bot = Bot {
            version: version(&bundle, &wiring.source),
            bundle: Arc::clone(&bundle),
            reader: wiring.reader,
            searcher: Searcher::new(wiring.retrieve),
            actions: wiring.actions,
        };
        let bots = Bots::open(bot, &wiring.source, store.clone(), &clock).await?;
        let context = Arc::new(Context {
            bots: Arc::new(bots),
            gate: Arc::clone(&gate),
            clock: clock.clone(),
            store: store.clone(),
            report: status.is_some(),
            model_version: wiring.model_version,
            answered: ActionResultCache::default(),
        });
        let mailbox = Arc::new(Mailbox::new(context));
        let stop = CancellationToken::new();
        let services = Arc::new(Services {
            bundle: Arc::clone(&bundle),
            gate: Arc::clone(&gate),
            clock: clock.clone(),
            message_bytes: wiring.message_bytes,
            retention: wiring.retention,
            report: status.is_some(),
            store: store.clone(),
            auditor: Auditor::new(store.clone(), clock.clone()),
            hub: Arc::clone(&hub),
            mailbox: Arc::clone(&mailbox),
            desk_changes: dispatch.desk.clone(),
            staff_changes: dispatch.staff.clone(),
            pages: Pages::default(),
            channels: Arc::clone(&wiring.channels),
            line: Arc::clone(&line),
            gauges: Mutex::default(),
            tokens: Mutex::new(LruCache::new(
                const { std::num::NonZeroUsize::new(TOKENS).unwrap() },
            )),
            stop: stop.clone(),
            ending: TaskTracker::new(),
        });
        dispatch.run_by(&mailbox);
        let mut ready = store.ready(AT_ONCE).await?;
        for conversation in ready.drain(..) {
            mailbox.wake(&conversation);
        }
        let delivery = Delivery {
            store: store.clone(),
            clock: clock.clone(),
            outbound: Arc::clone(&dispatch.outbound),
            status,
            channels: wiring.channels,
            line,
            gate: Arc::clone(&gate),
            bundle_name: bundle.name.clone(),
        };
        services.ending.spawn(delivery.run(stop.clone()));
        let positions = Positions {
            bundle,
            gate,
            store,
            clock,
            hub,
            changed: Arc::clone(&dispatch.queue),
            told: Mutex::default(),
        };
        tokio::spawn(positions.run(stop.clone()));
        tokio::spawn(sweep::run(Arc::clone(&services), stop.clone()));
        tokio::spawn(retention::run(Arc::clone(&services), stop));
        Ok(Self { services })
    }

    /// Stops taking turns, waits for those that run and for what is being sent, and closes the store.
    pub async fn shutdown(&self) {
        self.services.stop.cancel();
        self.services.mailbox.stop().await;
        self.services.ending.close();
        self.services.ending.wait().await;
        self.services.store.close().await;
    }

    /// Lets no turn begin any more; messages are still taken.
    #[cfg(test)]
    pub(crate) async fn shutdown_turns(&self) {
        self.services.mailbox.stop().await;
    }

    /// The compiled bot.
    pub fn bundle(&self) -> &Bundle {
        &self.services.bundle
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.services.clock
    }

    /// Tells how the store is: for `/readyz`.
    ///
    /// # Errors
    /// What is wrong with the store.
    pub async fn ready(&self) -> Result<Health> {
        Ok(self.services.store.health().await?)
    }
}
