//! News: what one process has stored, told to all.
//!
//! Every process listens to every shard's channel, on connections of their own. A message says that there is something to
//! read, never what: one that is lost delays, and whoever acts on it reads the log. After a gap whatever waits is told again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisError, Value};
use tokio::sync::{Notify, watch};

use super::super::engine::Listener;
use super::Core;
use super::keys::Shard;
use super::link::{self, Link, NoLink};
use crate::clock::jitter;
use crate::partition::{Notice, PartitionId};

/// How often it is seen whether a silent connection still is one.
const ASKED: Duration = Duration::from_secs(3);
/// First wait before listening is tried again; doubles.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Longest wait before that.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// A message that tells something that is not stored.
pub(super) fn signal(partition: &PartitionId, signal: &[u8]) -> Vec<u8> {
    let name = partition.as_str();
    let mut message = format!("s {} {name}", name.len()).into_bytes();
    message.extend_from_slice(signal);
    message
}

/// Tells a listener what a message says. One that can't be read comes from another version: whatever it is, it is stored.
fn hear(listener: &dyn Listener, message: &[u8]) {
    let heard = match message.split_first_chunk::<2>() {
        Some((b"c ", rest)) => change(rest).map(|notice| listener.changed(notice)),
        Some((b"s ", rest)) => {
            signalled(rest).map(|(partition, signal)| listener.signalled(&partition, signal))
        }
        _ => None,
    };
    if heard.is_none() {
        tracing::debug!(bytes = message.len(), "news that can't be read");
    }
}

/// Last seq, processed seq, whether something is to be sent, and the partition: as the functions tell it.
fn change(message: &[u8]) -> Option<Notice> {
    let mut fields = str::from_utf8(message).ok()?.splitn(4, ' ');
    Some(Notice {
        last_seq: fields.next()?.parse().ok()?,
        processed: fields.next()?.parse().ok()?,
        outbound: fields.next()? == "1",
        partition: PartitionId::named(fields.next()?),
        entries: None,
    })
}

fn signalled(message: &[u8]) -> Option<(PartitionId, &[u8])> {
    let end = message.iter().position(|byte| *byte == b' ')?;
    let length: usize = str::from_utf8(&message[..end]).ok()?.parse().ok()?;
    let (name, signal) = message[end + 1..].split_at_checked(length)?;
    Some((PartitionId::named(str::from_utf8(name).ok()?), signal))
}

/// Connections that listen; they end with it.
pub(super) struct Ears {
    connections: Vec<MultiplexedConnection>,
    /// Fires when one of them hears no more.
    deaf: Arc<Notify>,
    /// Fires when servers have shards that they did not have.
    moved: watch::Receiver<u64>,
}

impl Core {
    /// Listens to all channels.
    pub(super) async fn listen(&self) -> Result<Ears, NoLink> {
        let mut moved = self.routing.watch();
        let map = self.routing.map().await?;
        moved.mark_unchanged();
        let deaf = Arc::new(Notify::new());
        let connecting = map.links.iter().map(|link| {
            let shards = map.shards(link).collect();
            self.listen_at(link, shards, Arc::clone(&deaf))
        });
        match try_join_all(connecting).await {
            Ok(connections) => Ok(Ears {
                connections,
                deaf,
                moved,
            }),
            Err(why) => {
                // Perhaps another server has the shards by now.
                self.routing.forget(&map);
                Err(why)
            }
        }
    }

    /// Listens to the channels of the shards that a server has.
    async fn listen_at(
        &self,
        link: &Link,
        shards: Vec<Shard>,
        deaf: Arc<Notify>,
    ) -> Result<MultiplexedConnection, NoLink> {
        let listener = Arc::clone(&self.listener);
        let told = move |push: PushInfo| match (push.kind, push.data.last()) {
            (PushKind::SMessage, Some(Value::BulkString(message))) => hear(&*listener, message),
            // The shard has moved to another server, or the connection is gone.
            (PushKind::SUnsubscribe | PushKind::Disconnection, _) => deaf.notify_one(),
            _ => {}
        };
        let options = &self.routing.options;
        let connection = link::open(options, &link.host, Some(Box::new(told))).await?;
        let subscribing = shards.into_iter().map(|shard| {
            // One channel a call: a cluster takes no two shards at once.
            let subscribe = redis::cmd("SSUBSCRIBE")
                .arg(self.keys.channel(shard))
                .take();
            let mut connection = connection.clone();
            async move {
                let answer = connection.send_packed_command(&subscribe).await?;
                answer.extract_error()
            }
        });
        match try_join_all(subscribing).await {
            Ok(_) => Ok(connection),
            Err(error) => Err(NoLink::Away(error.to_string())),
        }
    }

    /// Listens for as long as the program runs, anew whenever it went deaf.
    pub(super) async fn keep_listening(&self, mut ears: Ears) {
        loop {
            ears.until_deaf().await;
            drop(ears);
            ears = self.listen_again().await;
            self.listener.missed();
            // What fails here is told by the keeper of leases a moment later.
            let _ = self.tell_ready(self.leases.held()).await;
        }
    }

    async fn listen_again(&self) -> Ears {
        let mut wait = FIRST_WAIT;
        loop {
            match self.listen().await {
                Ok(ears) => return ears,
                Err(why) => {
                    tracing::warn!(error = why.message(), "news of the store can't be heard");
                    tokio::time::sleep(jitter(wait)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }
}

impl Ears {
    async fn until_deaf(&mut self) {
        loop {
            tokio::select! {
                () = self.deaf.notified() => return,
                // Nobody looks for servers any more only where the program ends.
                _ = self.moved.changed() => return,
                () = tokio::time::sleep(ASKED) => {
                    if self.ask().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn ask(&self) -> Result<(), RedisError> {
        let pings = self.connections.iter().map(|connection| {
            let mut connection = connection.clone();
            async move { connection.send_packed_command(&redis::cmd("PING")).await }
        });
        try_join_all(pings).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood_and_what_is_odd_is_let_go() {
        let notice = change(b"12 3 1 queue:a b").expect("is one");
        assert_eq!((notice.last_seq, notice.processed), (12, 3));
        assert!(notice.outbound && notice.entries.is_none());
        assert_eq!(notice.partition.as_str(), "queue:a b");
        for odd in ["", "1 2 1", "x 2 1 a"] {
            assert!(change(odd.as_bytes()).is_none(), "{odd}");
        }
        let id = PartitionId::named("ü 1");
        let message = signal(&id, &[0, 255, b' ']);
        let heard = signalled(&message[2..]);
        assert_eq!(heard, Some((id, &[0, 255, b' '][..])));
        assert_eq!(signalled(b"9 short"), None);
    }
}
