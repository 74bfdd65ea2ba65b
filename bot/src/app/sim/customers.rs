//! Customers: they write, press buttons, repeat themselves, leave and come back, through whichever process answers.

use std::sync::Arc;

use super::oracle;
use super::random::Random;
use super::world::{Told, World};
use crate::conversation::{Accepted, Inbound, InboundBody, NewConversation};
use crate::error::ServiceError;

/// What customers write; a number where nothing was asked would be looked up, and the simulated bot has no articles.
const WORDS: [&str; 9] = [
    "=pay.send",
    "yes",
    "=pay.send",
    "yes",
    "=pay.look",
    "=pay.limit",
    "/human",
    "/human",
    "/cancel",
];
/// Times that a request is sent again before its sender gives up.
const TRIES: usize = 30;

/// Where a customer writes to.
enum To {
    /// A conversation that they opened.
    Conversation(String),
    /// Our account on a channel, from an address of theirs.
    Address(String),
}

/// A customer.
pub(super) struct Customer {
    world: Arc<World>,
    random: Random,
    name: String,
    to: To,
    sent: u64,
}

/// Opens a conversation on the web and talks.
pub(super) async fn on_the_web(world: Arc<World>, mut random: Random, name: String) {
    tokio::time::sleep(random.millis(0, 10_000)).await;
    for _ in 0..TRIES {
        let opened = world.ask(&mut random, |app| async move {
            let channel = "web".to_owned();
            app.open(NewConversation {
                channel,
                ..NewConversation::default()
            })
            .await
        });
        match opened.await {
            Told::Yes(opened) => {
                let to = To::Conversation(opened.conversation_id);
                return Customer {
                    world,
                    random,
                    name,
                    to,
                    sent: 0,
                }
                .talk()
                .await;
            }
            Told::No(error) => return world.violated(format!("{name} can't open: {error}")),
            Told::Unknown => tokio::time::sleep(random.millis(100, 2_000)).await,
        }
    }
}

/// Writes from an address, which others may share.
pub(super) async fn from_an_address(world: Arc<World>, mut random: Random, name: String) {
    tokio::time::sleep(random.millis(0, 10_000)).await;
    let to = To::Address(format!("+{}", random.below(2)));
    Customer {
        world,
        random,
        name,
        to,
        sent: 0,
    }
    .talk()
    .await;
}

fn from(address: &str) -> NewConversation {
    NewConversation {
        channel: "chat".to_owned(),
        provider_key: Some(address.to_owned()),
        ..NewConversation::default()
    }
}

fn inbound(id: &str, text: &str) -> Inbound {
    let text = text.to_owned();
    let body = if text.starts_with('/') {
        InboundBody::Payload { payload: text }
    } else {
        InboundBody::Text { text }
    };
    Inbound {
        client_msg_id: id.to_owned(),
        body,
    }
}

/// Where a message is, and whether it was there before.
type Place = (String, Accepted);

impl Customer {
    async fn talk(&mut self) {
        for _ in 0..self.random.between(2, 9) {
            self.wait().await;
            match self.random.below(20) {
                0..16 => {
                    let text = *self.random.pick(&WORDS);
                    self.say(text).await;
                }
                16..18 => self.repeat().await,
                18 => self.reuse().await,
                _ => self.leave().await,
            }
        }
        self.wait().await;
        self.repeat().await;
    }

    async fn wait(&mut self) {
        let pause = match self.random.below(10) {
            0..4 => self.random.millis(0, 50),
            4..9 => self.random.millis(50, 3_000),
            _ => self.random.millis(3_000, 50_000),
        };
        tokio::time::sleep(pause).await;
    }

    /// Sends a message until it is acknowledged, sometimes twice at once; seldom gives it up.
    async fn say(&mut self, text: &str) {
        self.sent += 1;
        let id = format!("{}-{}", self.name, self.sent);
        for _ in 0..TRIES {
            let told = if self.random.chance(2_000) {
                self.twice_at_once(&id, text).await
            } else {
                self.deliver(&id, text).await
            };
            match told {
                Told::Yes((conversation, accepted)) => {
                    let (text, seq) = (text.to_owned(), accepted.seq);
                    let told = oracle::Told {
                        id,
                        text,
                        conversation,
                        seq,
                    };
                    return self.world.lock().oracle.acknowledge(&self.name, told);
                }
                Told::No(ServiceError::TooMany { .. }) | Told::Unknown => {}
                // Nothing was promised and nothing done; whoever has an address just comes again.
                Told::No(ServiceError::Conflict { .. }) if matches!(self.to, To::Address(_)) => {}
                Told::No(ServiceError::Closed) => {
                    self.world.lock().oracle.refused.insert(id);
                    return;
                }
                Told::No(error) => return self.odd("say", &id, &error.to_string()),
            }
            if self.random.chance(500) {
                return;
            }
            tokio::time::sleep(self.random.millis(10, 2_000)).await;
        }
    }

    async fn deliver(&mut self, id: &str, text: &str) -> Told<Place> {
        let mut random = self.random.fork();
        send(&self.world, &mut random, &self.to, inbound(id, text)).await
    }

    /// The same delivery by two processes: both must say the same.
    async fn twice_at_once(&mut self, id: &str, text: &str) -> Told<Place> {
        let (mut a, mut b) = (self.random.fork(), self.random.fork());
        self.world.lock().figures.repeated += 1;
        let (a, b) = tokio::join!(
            send(&self.world, &mut a, &self.to, inbound(id, text)),
            send(&self.world, &mut b, &self.to, inbound(id, text)),
        );
        match (a, b) {
            (Told::Yes(a), Told::Yes(b)) => {
                if a.0 != b.0
                    || a.1.seq != b.1.seq
                    || a.1.duplicate == b.1.duplicate && !a.1.duplicate
                {
                    self.odd("twice at once", id, &format!("{a:?} and {b:?}"));
                }
                Told::Yes(a)
            }
            (Told::Yes(place), _) | (_, Told::Yes(place)) => Told::Yes(place),
            (Told::Unknown, _) | (_, Told::Unknown) => Told::Unknown,
            (no, _) => no,
        }
    }

    /// Sends something again that was acknowledged: the answer must be the same.
    async fn repeat(&mut self) {
        let Some(before) = self.earlier() else {
            return;
        };
        self.world.lock().figures.repeated += 1;
        if let Told::Yes((conversation, accepted)) = self.deliver(&before.id, &before.text).await {
            let is = (conversation, accepted.seq, accepted.duplicate);
            let must = (before.conversation, before.seq, true);
            if is != must {
                self.odd("repeat", &before.id, &format!("{is:?} instead of {must:?}"));
            }
        }
    }

    /// Sends something else under an id that was used.
    async fn reuse(&mut self) {
        let To::Conversation(_) = &self.to else {
            return;
        };
        let Some(before) = self.earlier() else {
            return;
        };
        match self.deliver(&before.id, "=pay.look =pay.send").await {
            Told::No(ServiceError::IdReused { .. }) | Told::Unknown => {}
            other => self.odd("reuse", &before.id, &format!("{other:?}")),
        }
    }

    /// A message of theirs that was acknowledged.
    fn earlier(&mut self) -> Option<oracle::Told> {
        let all = self
            .world
            .lock()
            .oracle
            .acknowledged
            .get(&self.name)
            .cloned()?;
        Some(self.random.pick(&all).clone())
    }

    async fn leave(&mut self) {
        let (to, mut random) = (&self.to, self.random.fork());
        let left = self.world.ask(&mut random, |app| async move {
            let conversation = match to {
                To::Conversation(conversation) => Some(conversation.clone()),
                To::Address(address) => app.known("chat", None, address).await?,
            };
            match conversation {
                Some(conversation) => {
                    app.close(&conversation, "left").await?;
                    Ok(Some(conversation))
                }
                None => Ok(None),
            }
        });
        match left.await {
            Told::Yes(conversation) => self.world.lock().oracle.left.extend(conversation),
            Told::No(error) => self.odd("leave", "", &error.to_string()),
            Told::Unknown => {}
        }
    }

    fn odd(&self, what: &str, id: &str, told: &str) {
        let name = &self.name;
        self.world.violated(format!("{name}, {what} {id}: {told}"));
    }
}

async fn send(world: &World, random: &mut Random, to: &To, inbound: Inbound) -> Told<Place> {
    let told = world.ask(random, |app| async move {
        match to {
            To::Conversation(conversation) => {
                let accepted = app.accept(conversation, inbound).await?;
                Ok((conversation.clone(), accepted))
            }
            To::Address(address) => {
                let received = app.receive(from(address), inbound).await?;
                Ok((received.conversation, received.accepted))
            }
        }
    });
    told.await
}
