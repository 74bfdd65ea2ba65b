//! Who watches which conversation.
//!
//! Events are published by the store's writing thread right after their commit, so that every
//! subscriber sees them in journal order. Must never hold back a publisher: whoever is too slow
//! loses events and reads them again from the journal.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::outbox::CustomerEvent;

/// Events that a slow subscriber may be behind.
const BEHIND: usize = 256;
/// Conversations after which those that nobody watches any more are cleared out.
const CLEAR_AT: usize = 1024;

/// The subscribers of all conversations.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    senders: BTreeMap<String, broadcast::Sender<CustomerEvent>>,
    clear_at: usize,
}

impl Hub {
    /// Watches a conversation from now on.
    pub(crate) fn subscribe(&self, conversation: &str) -> broadcast::Receiver<CustomerEvent> {
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
        let mut watched = self.lock();
        if let Some(to) = watched.senders.get(conversation)
            && let Some(event) = event()
            && to.send(event).is_err()
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
    use crate::outbox::{Author, TypingEvent};

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
        assert_eq!(a.try_recv().ok(), typing(true));
        assert!(b.try_recv().is_err());
        drop(a);
        hub.publish("a", || typing(false));
        assert_eq!(hub.lock().senders.len(), 1);
        for n in 0..CLEAR_AT * 3 {
            drop(hub.subscribe(&format!("{n}")));
        }
        assert!(hub.lock().senders.len() <= CLEAR_AT + 1);
        hub.publish("b", || typing(true));
        assert_eq!(b.try_recv().ok(), typing(true));
    }
}
