//! From a commit to whoever is concerned: watchers, the conversation's mailbox, the desk's pages, the delivery of what leaves.
//!
//! Called by the engine in the order of its commits, so it must be quick and must not wait.

use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::{Notify, broadcast};

use crate::conversation::journal::Row;
use crate::encoding::decode;
use crate::events::Signal;
use crate::hub::Hub;
use crate::mailbox::Mailbox;
use crate::partition::{Kind, Notice, PartitionId};
use crate::store::Listener;

/// Signals of desk changes that a slow subscriber may be behind.
const DESK_BEHIND: usize = 16;

/// Where news go.
pub(crate) struct Dispatch {
    /// Who watches which conversation.
    pub(crate) hub: Arc<Hub>,
    /// Fires when the queue or anybody's conversations change.
    pub(crate) desk: broadcast::Sender<()>,
    /// Fires when somebody is let in or put out.
    pub(crate) staff: broadcast::Sender<()>,
    /// Fires when there is something to be sent.
    pub(crate) outbound: Arc<Notify>,
    /// Fires when the queue's partition changes.
    pub(crate) queue: Arc<Notify>,
    /// Whoever runs the program has it; it holds the store, and the store holds this.
    mailbox: OnceLock<Weak<Mailbox>>,
}

impl Dispatch {
    /// One that has no mailbox yet: what comes in until it has one is read from the store by whoever sets it.
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            desk: broadcast::Sender::new(DESK_BEHIND),
            staff: broadcast::Sender::new(DESK_BEHIND),
            outbound: Arc::default(),
            queue: Arc::default(),
            mailbox: OnceLock::new(),
        }
    }

    /// Has inputs run by a mailbox from here on.
    pub(crate) fn run_by(&self, mailbox: &Arc<Mailbox>) {
        // Only the start of the program does this.
        let _ = self.mailbox.set(Arc::downgrade(mailbox));
    }

    fn conversation(&self, id: &str, notice: &Notice) {
        for entry in notice.entries.iter().flat_map(|entries| entries.iter()) {
            if Row::may_be_visible(entry.kind) {
                self.hub.publish(id, || Row::of(entry).ok()?.visible());
            }
        }
        if notice.entries.is_none() {
            self.hub.more(id, notice.last_seq);
        }
        if let Some(mailbox) = self.mailbox.get().and_then(Weak::upgrade) {
            match &notice.entries {
                Some(entries) => mailbox.appended(&notice.partition, entries),
                None => mailbox.wake_to(&notice.partition, notice.last_seq),
            }
            if notice.processed > 0 {
                mailbox.worked_through(&notice.partition, notice.processed);
            }
        }
        let notes = notice
            .entries
            .iter()
            .flat_map(|entries| entries.iter())
            .any(|entry| entry.kind == Kind::Note);
        if notes {
            self.desk_changed();
        }
    }

    fn desk_changed(&self) {
        // Nobody at the desk is nobody to tell.
        let _ = self.desk.send(());
    }

    fn staff_changed(&self) {
        let _ = self.staff.send(());
    }
}

impl Listener for Dispatch {
    fn changed(&self, notice: Notice) {
        if notice.outbound {
            self.outbound.notify_one();
        }
        match notice.partition.as_conversation() {
            Some(id) => self.conversation(id, &notice),
            None if notice.partition == PartitionId::queue() => {
                self.queue.notify_one();
                self.desk_changed();
            }
            None if notice.partition == PartitionId::staff() => self.staff_changed(),
            None => {}
        }
    }

    fn missed(&self) {
        self.hub.look_again();
        self.outbound.notify_one();
        self.queue.notify_one();
        self.desk_changed();
        self.staff_changed();
    }

    fn signalled(&self, partition: &PartitionId, signal: &[u8]) {
        // What can't be read comes from another version: typing is not worth an error.
        let Some(id) = partition.as_conversation() else {
            return;
        };
        match decode("signal", signal) {
            Ok(Signal::Event(event)) => self.hub.publish(id, || Some(event)),
            Ok(Signal::Delivery { delivery }) => self.hub.delivery(id, delivery),
            Err(_) => {}
        }
    }
}
