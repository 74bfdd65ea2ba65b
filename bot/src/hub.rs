//! Who watches which conversation.
//!
//! Events are published in the order of their commits, so that every subscriber sees them in journal order; of what another
//! process has committed it is only told that there is more, and the journal has it. Must never hold back a publisher:
//! whoever is too slow loses events and reads them again from the journal.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::events::{CustomerEvent, DeliveryEvent};

/// Events that a slow subscriber may be behind.
const BEHIND: usize = 256;
/// Conversations after which those that nobody watches any more are cleared out.
const CLEAR_AT: usize = 1024;

/// What a subscriber gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Live {
    /// An event.
    Event(CustomerEvent),
    /// The journal has more, up to this seq.
    More(u64),
    /// How a message of ours stands, for staff.
    Delivery(DeliveryEvent),
}

/// The subscribers of all conversations.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    senders: BTreeMap<String, broadcast::Sender<Live>>,
    clear_at: usize,
}

impl Hub {
    /// Watches a conversation from now on.
    pub(crate) fn subscribe(&self, conversation: &str) -> broadcast::Receiver<Live> {
        let mut watched = self.lock();
        if watched.senders.len() >= watched.clear_at.max(CLEAR_AT) {
            watched.senders.retain(|_, to| to.receiver_count() > 0);
            watched.clear_at = watched.senders.len() * 2;
        }
        watched
            .senders
            .entry(conversation.to_owned())
            .or_insert_with(|| broadcast::channel(BEHIND).0)
            .subscribe()
    }

    /// Tells everyone who watches a conversation.
    pub(crate) fn publish(
        &self,
        conversation: &str,
        event: impl FnOnce() -> Option<CustomerEvent>,
    ) {
        self.send(conversation, || event().map(Live::Event));
    }

    /// Tells the desk how a message of ours stands.
    pub(crate) fn delivery(&self, conversation: &str, event: DeliveryEvent) {
        self.send(conversation, || Some(Live::Delivery(event)));
    }

    /// Tells everyone who watches a conversation that there is more in its journal.
    pub(crate) fn more(&self, conversation: &str, last_seq: u64) {
        self.send(conversation, || Some(Live::More(last_seq)));
    }

    /// News may have been missed: everyone who watches reads the journal.
    pub(crate) fn look_again(&self) {
        for to in self.lock().senders.values() {
            // Nobody may be watching any more.
            let _ = to.send(Live::More(u64::MAX));
        }
    }

    fn send(&self, conversation: &str, what: impl FnOnce() -> Option<Live>) {
        let mut watched = self.lock();
        if let Some(to) = watched.senders.get(conversation)
            && let Some(what) = what()
            && to.send(what).is_err()
        {
            watched.senders.remove(conversation);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Author, TypingEvent};

    fn typing(on: bool) -> Option<CustomerEvent> {
        Some(CustomerEvent::Typing(TypingEvent {
            from: Author::Customer,
            on,
        }))
    }

    #[test]
    fn only_who_watches_hears_and_nothing_is_kept_for_nobody() {
        let hub = Hub::default();
        hub.publish("a", || panic!("made for nobody"));
        let mut a = hub.subscribe("a");
        let mut b = hub.subscribe("b");
        hub.publish("a", || typing(true));
        assert_eq!(a.try_recv().ok(), typing(true).map(Live::Event));
        assert!(b.try_recv().is_err());
        drop(a);
        hub.publish("a", || typing(false));
        assert_eq!(hub.lock().senders.len(), 1);
        for n in 0..CLEAR_AT * 3 {
            drop(hub.subscribe(&format!("{n}")));
        }
        assert!(hub.lock().senders.len() <= CLEAR_AT + 1);
        hub.publish("b", || typing(true));
        assert_eq!(b.try_recv().ok(), typing(true).map(Live::Event));
    }
}
