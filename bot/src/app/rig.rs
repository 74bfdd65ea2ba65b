//! What tests of the whole program share: a bot, a folder, a clock and scripted seams.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use bellhop_flows::bundle::{Bundle, Limits, Policy, Understanding};
use bellhop_flows::engine::event::{Passage, Reading};

use super::{Accepted, App, AppError, Inbound, InboundBody, NewConversation, Options, Parts};
use crate::actions::Actions;
use crate::clock::Clock;
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
    /// How actions are carried out.
    pub(crate) actions: Actions,
}

impl Rig {
    /// A rig with a bot that has nothing to say.
    pub(crate) fn new() -> Self {
        Self::with(empty())
    }

    /// A rig with a bot.
    pub(crate) fn with(bundle: Bundle) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            clock: Clock::manual(Timestamp::from_second(1_790_000_000).expect("a time")),
            bundle: Arc::new(bundle),
            actions: Actions::stub(),
        }
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("bellhop.db")
    }

    /// Starts the program.
    pub(crate) async fn start(&self) -> App {
        App::start(Parts {
            bundle: Arc::clone(&self.bundle),
            understand: Box::new(Words),
            retrieve: Arc::new(Nothing),
            actions: self.actions.clone(),
            clock: self.clock.clone(),
            store: self.store(),
            options: Options::default(),
        })
        .await
        .expect("starts")
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
pub(crate) async fn say(app: &App, conversation: &str, id: &str, said: &str) -> super::Reply {
    let Accepted { seq, .. } = send(app, conversation, id, said).await.expect("accepted");
    app.reply(conversation, seq, SOON).await.expect("answers")
}

/// Sends a text.
pub(crate) async fn send(
    app: &App,
    conversation: &str,
    id: &str,
    said: &str,
) -> Result<Accepted, AppError> {
    app.accept(conversation, text(id, said)).await
}

/// A bot that has nothing to say.
pub(crate) fn empty() -> Bundle {
    Bundle {
        hash: "0".repeat(64),
        name: "Test".to_owned(),
        languages: vec!["en".to_owned()],
        time_zone: "UTC".to_owned(),
        currency: "EUR".to_owned(),
        entities: BTreeMap::new(),
        slots: BTreeMap::new(),
        intents: BTreeMap::new(),
        actions: BTreeMap::new(),
        flows: BTreeMap::new(),
        responses: BTreeMap::new(),
        articles: BTreeMap::new(),
        patterns: BTreeMap::new(),
        policy: Policy::default(),
        queues: BTreeMap::new(),
        limits: Limits {
            steps: 100,
            depth: 8,
            idle_close_s: 1800,
        },
        understanding: Understanding {
            accept: 0.5,
            margin: 0.1,
            answer: 0.5,
            interrupt_margin: 0.2,
        },
        tests: Vec::new(),
    }
}

/// Takes each word of a message that begins with `/` for an intent.
struct Words;

impl Understand for Words {
    fn read(&self, requests: &[Request]) -> Vec<Result<Understood, String>> {
        let read = |request: &Request| {
            let intents: Vec<_> = request
                .text
                .split_whitespace()
                .filter_map(|word| word.strip_prefix('='))
                .map(|intent| (intent.to_owned(), 0.9))
                .collect();
            Ok(Understood {
                reading: Reading {
                    language: request.language.clone(),
                    none: if intents.is_empty() { 0.9 } else { 0.0 },
                    intents,
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
