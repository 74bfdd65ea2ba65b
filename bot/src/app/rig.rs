//! What tests of the whole program share: a bot, a folder, a clock and scripted seams.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::compile::compile;
use bellhop_flows::diag::Severity;
use bellhop_flows::engine::event::{Found, Passage, Reading};
use bellhop_flows::source::{SourceFile, Sources};

use super::{App, Options, Parts};
use crate::actions::Actions;
use crate::bots::BotSource;
use crate::channels::Channels;
use crate::clock::Clock;
use crate::conversation::{Accepted, Inbound, InboundBody, NewConversation};
use crate::error::ServiceError;
use crate::events::CustomerEvent;
use crate::gate::PrivacyConfig;
use crate::hub::Live;
use crate::retention::Retention;
use crate::store::{StoreAddress, ensure_free};
use crate::understand::{Request, Retrieve, Understand, Understood};

/// Longest that a test waits for a turn.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A folder with a store in it, and the clock that all programs started in it share.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    /// Stands until it is moved.
    pub(crate) clock: Clock,
    /// The bot.
    pub(crate) bundle: Arc<Bundle>,
    /// What it was made from, where that is to be kept.
    pub(crate) source: BotSource,
    /// How actions are carried out.
    pub(crate) actions: Actions,
    /// The model fails on everything.
    pub(crate) deaf: bool,
    /// Accounts on messaging channels.
    pub(crate) channels: Channels,
    /// How long what is over is kept.
    pub(crate) retention: Retention,
    /// What is taken out of text.
    pub(crate) privacy: PrivacyConfig,
}

impl Rig {
    /// A rig with [`bot`], which is answered by its actions' stubs.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            clock: Clock::manual(Timestamp::from_second(1_790_000_000).expect("a time")),
            bundle: Arc::new(bot()),
            source: BotSource::default(),
            actions: Actions::stub(),
            deaf: false,
            channels: Channels::default(),
            retention: Retention::default(),
            privacy: PrivacyConfig::default(),
        }
    }

    /// The same folder with the bot made from these files.
    pub(crate) fn with_bot(&mut self, files: &[(&str, &str)]) {
        self.bundle = Arc::new(compiled(files));
        self.source.files = sources(files);
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("bellhop.db")
    }

    /// Starts the program on a runtime of its own, so that it can die.
    pub(crate) async fn start_on(&self, runtime: &tokio::runtime::Runtime) -> App {
        let parts = self.parts();
        let started = runtime.spawn(async move { App::start(parts).await });
        started.await.expect("no panic").expect("starts")
    }

    /// Waits until nothing of a program that died is left: a killed process does not hold the store's file either.
    pub(crate) fn died(&self, program: tokio::runtime::Runtime) {
        program.shutdown_timeout(SOON);
        // The writing thread may be at its last commit.
        while ensure_free(&StoreAddress::Sqlite(self.store())).is_err() {
            std::thread::yield_now();
        }
    }

    /// Starts the program.
    pub(crate) async fn start(&self) -> App {
        App::start(self.parts()).await.expect("starts")
    }

    fn parts(&self) -> Parts {
        Parts {
            bundle: Arc::clone(&self.bundle),
            source: self.source.clone(),
            understand: Box::new(Words { deaf: self.deaf }),
            retrieve: Arc::new(Nothing),
            actions: self.actions.clone(),
            clock: self.clock.clone(),
            store: StoreAddress::Sqlite(self.store()),
            options: Options {
                channels: self.channels.clone(),
                retention: self.retention,
                privacy: self.privacy.clone(),
                ..Options::default()
            },
        }
    }
}

/// A conversation on the web.
pub(crate) async fn web(app: &App) -> String {
    let new = NewConversation {
        channel: "web".to_owned(),
        ..NewConversation::default()
    };
    app.open(new).await.expect("opens").conversation_id
}

/// A typed text.
pub(crate) fn text(id: &str, text: &str) -> Inbound {
    Inbound {
        client_msg_id: id.to_owned(),
        body: InboundBody::Text {
            text: text.to_owned(),
        },
    }
}

/// Sends a text and waits for its turn.
pub(crate) async fn say(
    app: &App,
    conversation: &str,
    id: &str,
    said: &str,
) -> crate::conversation::Reply {
    let Accepted { seq, .. } = send(app, conversation, id, said).await.expect("accepted");
    app.reply(conversation, seq, SOON).await.expect("answers")
}

/// Waits until a conversation is over; gives the reason.
pub(crate) async fn closed(app: &App, conversation: &str) -> String {
    let mut watch = app.subscribe(conversation).expect("an id");
    let mut events = app.events(conversation, 0).await.expect("events");
    loop {
        for event in events.drain(..) {
            if let CustomerEvent::Closed(closed) = event {
                return closed.reason;
            }
        }
        match watch.recv().await.expect("events") {
            Live::Event(event) => events.push(event),
            Live::More(_) => events = app.events(conversation, 0).await.expect("events"),
            Live::Delivery(_) => {}
        }
    }
}

/// Sends a text.
pub(crate) async fn send(
    app: &App,
    conversation: &str,
    id: &str,
    said: &str,
) -> Result<Accepted, ServiceError> {
    app.accept(conversation, text(id, said)).await
}

/// `bot.yaml` of [`bot`].
pub(crate) const BOT: &str = "
schema: 1
name: Test
languages: [en]
time_zone: UTC
currency: EUR
queues:
  help: {title: the team, priority: 5, handle_time: 4m}
handoff:
  default_queue: help
  triggers: []
";

/// `flows/pay.yaml` of [`bot`].
pub(crate) const PAY: &str = "
schema: 1
module: pay
slots:
  sum: {type: number, title: amount}
intents:
  send: {title: sending, examples: {en: [send money]}}
  look: {title: looking, examples: {en: [show it]}}
  limit: {title: limits, examples: {en: [change my limit]}}
actions:
  send:
    http: {post: '{env.PEER}/send', body: {sum: 1}, timeout: 30s}
    effect: irreversible
    returns: {ref: text}
    stub: {ref: R1}
  look:
    http: {get: '{env.PEER}/look', timeout: 30s}
    effect: none
    returns: {ref: text}
    stub: {ref: R2}
flows:
  send:
    start: send
    steps:
      - confirm: sure
      - {do: send, into: sent, on_error: {say: failed}}
      - say: sent_it
      - end: done
  look:
    start: look
    steps:
      - {do: look, into: seen, on_error: {say: failed}}
      - say: looked
      - end: done
  limit:
    start: limit
    steps:
      - ask: sum
      - say: changed
      - end: done
responses:
  ask_sum: {en: How much?}
  sure: {en: Send it?}
  sent_it: {en: 'Sent, {sent.ref}.'}
  looked: {en: 'Seen, {seen.ref}.'}
  changed: {en: 'Changed to {sum}.'}
  failed: {en: That did not work.}
";

/// A small bot: `=pay.send` (irreversible, once confirmed), `=pay.look` and `=pay.limit` start its flows.
pub(crate) fn bot() -> Bundle {
    compiled(&[("bot.yaml", BOT), ("flows/pay.yaml", PAY)])
}

fn sources(files: &[(&str, &str)]) -> Sources {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    Sources {
        files: files.iter().map(file).collect(),
    }
}

/// A bot from the texts of its files.
pub(crate) fn compiled(files: &[(&str, &str)]) -> Bundle {
    let compiled = compile(&sources(files), &[]);
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    compiled.bundle.expect("a bundle")
}

/// Takes each word that begins with `=` for an intent, each number for a number, `yes` for yes.
#[derive(Debug, Default)]
pub(crate) struct Words {
    deaf: bool,
}

impl Understand for Words {
    fn read(&self, requests: &[Request]) -> Vec<Result<Understood, String>> {
        let read = |request: &Request| {
            if self.deaf {
                return Err("deaf".to_owned());
            }
            let words = || request.text.split_whitespace();
            let intents: Vec<_> = words()
                .filter_map(|word| word.strip_prefix('='))
                .map(|intent| (intent.to_owned(), 0.9))
                .collect();
            let entities = words().filter_map(|word| {
                let (entity, value) = match word {
                    "yes" => ("yes_no", true.into()),
                    // What bots call that have such an entity.
                    code if code.len() == 8 && code.parse::<u32>().is_ok() => {
                        ("vault.code", code.into())
                    }
                    number if number.parse::<u32>().is_ok() => ("number", number.into()),
                    _ => return None,
                };
                let start = request.text.find(word).unwrap_or(0);
                Some(Found {
                    entity: entity.to_owned(),
                    value,
                    start,
                    end: start + word.len(),
                    confidence: 1.0,
                    polarity: Default::default(),
                })
            });
            Ok(Understood {
                reading: Reading {
                    language: request.language.clone(),
                    none: if intents.is_empty() { 0.9 } else { 0.0 },
                    intents,
                    entities: entities.collect(),
                    ..Reading::default()
                },
                ..Understood::default()
            })
        };
        requests.iter().map(read).collect()
    }
}

struct Nothing;

impl Retrieve for Nothing {
    fn search(
        &self,
        _: &str,
        _: Option<&[f32]>,
        _: &str,
        _: Option<&str>,
    ) -> Result<Vec<Passage>, String> {
        Ok(Vec::new())
    }
}
