//! What customers' channels may ask of the program.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::sync::broadcast;
use ulid::Ulid;

use bellhop_flows::engine::state::Owner;

use super::{App, Result, Services};
use crate::conversation::journal::{Body, Fed, Row};
use crate::conversation::{
    Accepted, Conversation, HEAD, Inbound, NewConversation, Opened, Received, Reply, STATE,
    TurnTrace, read_state,
};
use crate::decide::decide;
use crate::encoding::{decode, encode, secret_hash};
use crate::error::ServiceError;
use crate::events::{Author, CustomerEvent, Signal, TypingEvent};
use crate::hub::Live;
use crate::intake;
use crate::partition::{Commit, Committed, Kind, PartitionId};
use crate::rules::Decision;
use crate::rules::open::{CONTACT, Contact, lead_to, may_be_made, open};
use crate::rules::timers::close;
use crate::turn;

/// Events that [`App::events`] gives at most.
const PAGE: usize = 1000;
/// Log entries read at once for them.
const ENTRIES: usize = 2000;
/// The document that holds the seq after which a client was told nothing, because it did not wait for it.
const UNTOLD: &str = "untold";
/// Times that an address is looked up anew because others open and close conversations of it.
const TRIES: usize = 8;
/// Longest wait for what the bot says first.
const GREETING: Duration = Duration::from_secs(10);
/// Traces that [`App::trace`] gives at most.
const TRACES: usize = 200;

/// Whether a message came before.
enum Before {
    /// As this.
    Known(Received),
    /// It did not.
    New {
        /// The conversation that its address led to then.
        current: Option<String>,
    },
}

/// The customer's side.
impl App {
    /// The open conversation that a provider knows by `key`, if there is one.
    ///
    /// # Errors
    /// The store is away.
    pub async fn known(
        &self,
        channel: &str,
        account: Option<&str>,
        key: &str,
    ) -> Result<Option<String>> {
        let contact = PartitionId::contact(channel, account.unwrap_or(""), key);
        let store = &self.services.store;
        let snapshot = store.snapshot(&contact, &[CONTACT]).await?;
        let Some(contact) = Contact::of(snapshot.as_ref())? else {
            return Ok(None);
        };
        let conversation = PartitionId::conversation(&contact.current);
        let head = store.snapshot(&conversation, &[]).await?;
        Ok(head
            .filter(|snapshot| !snapshot.head.closed)
            .map(|_| contact.current))
    }

    /// Opens a conversation, or finds the open one of the same provider key.
    ///
    /// # Errors
    /// The store is away; a customer fact or key beyond 1 KiB; an unknown language.
    pub async fn open(&self, new: NewConversation) -> Result<Opened> {
        let services = &self.services;
        let new = intake::check_new(new, &services.bundle.languages)?;
        let token = secret()?;
        let Some((conversation_id, seq)) = services.open(new, secret_hash(&token)).await? else {
            let message = "the address keeps changing its conversation; send it again".to_owned();
            return Err(ServiceError::Conflict { message });
        };
        let Some(seq) = seq else {
            return Ok(Opened {
                conversation_id,
                token: String::new(),
                created: false,
                events: Vec::new(),
                listen: None,
            });
        };
        // Too late is not lost: the greeting then comes as an event.
        let first = match self.reply(&conversation_id, seq, GREETING).await {
            Ok(reply) => Some(reply),
            Err(ServiceError::StillWorking) => None,
            Err(error) => return Err(error),
        };
        let (events, listen) =
            first.map_or((Vec::new(), None), |reply| (reply.events, reply.listen));
        Ok(Opened {
            conversation_id,
            token,
            created: true,
            events,
            listen,
        })
    }

    /// Checks a conversation's bearer token.
    ///
    /// # Errors
    /// No such conversation, or not its token.
    pub async fn check_token(&self, conversation: &str, token: &str) -> Result<()> {
        let known = self.services.token_hash(conversation).await?;
        let given = secret_hash(token);
        if bool::from(known.as_bytes().ct_eq(given.as_bytes())) {
            Ok(())
        } else {
            Err(ServiceError::Unauthorized)
        }
    }

    /// Stores a message. When it returns, the message is durable and will be processed even if the
    /// process dies.
    ///
    /// # Errors
    /// The same id with another body, a closed or unknown conversation, too long, too many waiting,
    /// or a store that can't take it (then nothing is stored).
    pub async fn accept(&self, conversation: &str, inbound: Inbound) -> Result<Accepted> {
        let (services, now) = (&self.services, self.services.clock.now());
        let limit = services.message_bytes;
        let through = (&services.store, &*services.gate);
        intake::accept(through, conversation, inbound, limit, now).await
    }

    /// Stores a message that came from an address on a channel: in the open conversation of that address, or in a new one.
    /// Does not wait for a greeting. A delivery that is repeated is known, whichever conversation of the address it belongs
    /// to.
    ///
    /// # Errors
    /// As for [`App::open`] and [`App::accept`].
    pub async fn receive(&self, new: NewConversation, inbound: Inbound) -> Result<Received> {
        let services = &self.services;
        let new = intake::check_new(new, &services.bundle.languages)?;
        let key = new.provider_key.as_deref().unwrap_or_default();
        let account = new.channel_account.as_deref().unwrap_or_default();
        let contact = PartitionId::contact(&new.channel, account, key);
        let mut current = match services.stored_before(&contact, &inbound).await? {
            Before::Known(known) => return Ok(known),
            Before::New { current } => current,
        };
        for _ in 0..TRIES {
            let hash = secret_hash(&secret()?);
            let Some((conversation, seq)) = services.open(new.clone(), hash).await? else {
                break;
            };
            if current.as_ref() != Some(&conversation) {
                // The same delivery, at another process, may have got into one that is over since that was looked for. From
                // here on none can.
                current = match services.stored_before(&contact, &inbound).await? {
                    Before::Known(known) => return Ok(known),
                    Before::New { current } => current,
                };
            }
            match self.accept(&conversation, inbound.clone()).await {
                // It was closed between the two.
                Err(ServiceError::Closed) => {}
                accepted => {
                    return Ok(Received {
                        conversation,
                        accepted: accepted?,
                        opened: seq.is_some(),
                    });
                }
            }
        }
        let message = "the address keeps changing its conversation; send it again".to_owned();
        Err(ServiceError::Conflict { message })
    }

    /// Waits until the turn caused by the message at `seq` is committed and gives what it said, with what others (an agent, a
    /// timer) said since the turn before it.
    ///
    /// # Errors
    /// No such message, or the turn took longer than `timeout` ([`ServiceError::StillWorking`]).
    pub async fn reply(&self, conversation: &str, seq: u64, timeout: Duration) -> Result<Reply> {
        let services = &self.services;
        let partition = PartitionId::conversation(conversation);
        if let Some(reply) = services.mailbox.reply(&partition, seq, timeout).await? {
            let mut reply = Arc::unwrap_or_clone(reply);
            if let Some((since, through)) = reply.missed.take() {
                reply.events = services.news(&partition, since, through).await?;
            }
            return Ok(reply);
        }
        // An older one, or one that another process has worked through: what it said is in the journal, how things stand is
        // as of now.
        turn::processed(&services.store, &partition, seq).await?;
        let snapshot = services.snapshot(&partition, &[HEAD, STATE]).await?;
        let kept = snapshot.doc(STATE).and_then(|body| read_state(body));
        let head = Conversation::of(&partition, &snapshot)?.head;
        let (since, through) = turn::told_with(&services.store, &partition, seq).await?;
        Ok(Reply {
            events: services.news(&partition, since, through).await?,
            listen: kept.and_then(|kept| kept.listen),
            owner: head.owner,
            handoff_id: head.open_handoff,
            closed: head.closed_at.is_some(),
            missed: None,
        })
    }

    /// Like [`App::reply`], for clients that ask only once and are told nothing later: what a turn says that takes longer
    /// than `timeout` is told with the next answer.
    ///
    /// # Errors
    /// No such message, or the store is away.
    pub async fn reply_or_later(
        &self,
        conversation: &str,
        seq: u64,
        timeout: Duration,
    ) -> Result<Vec<CustomerEvent>> {
        let services = &self.services;
        let partition = PartitionId::conversation(conversation);
        match self.reply(conversation, seq, timeout).await {
            Ok(reply) => {
                let snapshot = services.snapshot(&partition, &[UNTOLD]).await?;
                let Some(since) = snapshot.doc(UNTOLD) else {
                    return Ok(reply.events);
                };
                let since: u64 = decode("cursor", since)?;
                services.set_untold(&partition, None).await?;
                let last = reply.events.iter().filter_map(CustomerEvent::seq).max();
                let through = last.unwrap_or(snapshot.head.last_seq);
                services.news(&partition, since, through).await
            }
            Err(ServiceError::StillWorking) => {
                services.set_untold(&partition, Some(seq)).await?;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Who has a conversation.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn owner(&self, conversation: &str) -> Result<Owner> {
        let partition = PartitionId::conversation(conversation);
        let snapshot = self.services.snapshot(&partition, &[HEAD]).await?;
        Ok(Conversation::of(&partition, &snapshot)?.head.owner)
    }

    /// Tells everyone watching that the customer is typing. Not stored.
    ///
    /// # Errors
    /// No such conversation.
    pub async fn customer_typing(&self, conversation: &str, on: bool) -> Result<()> {
        self.services.token_hash(conversation).await?;
        self.services
            .typing(conversation, Author::Customer, on)
            .await
    }

    /// Events of a conversation after a journal seq, oldest first, at most 1,000.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn events(&self, conversation: &str, after: u64) -> Result<Vec<CustomerEvent>> {
        let partition = PartitionId::conversation(conversation);
        let events = self.services.visible(&partition, after, PAGE).await?;
        if events.is_empty() {
            // Nothing new, or nothing at all?
            self.services.snapshot(&partition, &[]).await?;
        }
        Ok(events)
    }

    /// Events from now on, typing included. Subscribe first, read [`App::events`] after, and drop what
    /// has a seq that was read already; after `Lagged` or [`Live::More`], read again from the last seq.
    ///
    /// # Errors
    /// Not an id.
    pub fn subscribe(&self, conversation: &str) -> Result<broadcast::Receiver<Live>> {
        Ulid::from_string(conversation).map_err(|_| unknown(conversation))?;
        Ok(self.services.hub.subscribe(conversation))
    }

    /// Where the customer stands in the line now, if they wait.
    ///
    /// # Errors
    /// The store is away.
    pub async fn position(&self, conversation: &str) -> Result<Option<CustomerEvent>> {
        let services = &self.services;
        // The queue may be long, and most who ask are not in it.
        if self.owner(conversation).await? != Owner::Queue {
            return Ok(None);
        }
        let view = crate::positions::queue(&services.store).await?;
        let line = view.line(&services.bundle.queues, services.clock.now());
        let theirs = line
            .iter()
            .find(|(ticket, _)| ticket.conversation == conversation);
        Ok(theirs
            .map(|(ticket, standing)| crate::positions::event(&services.bundle, ticket, *standing)))
    }

    /// Why each turn went as it did, oldest first, the last 200.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn trace(&self, conversation: &str) -> Result<Vec<TurnTrace>> {
        let partition = PartitionId::conversation(conversation);
        let found = self.services.store.traces(&partition, TRACES).await?;
        if found.is_empty() {
            self.services.snapshot(&partition, &[]).await?;
        }
        let traces = found.iter().map(|trace| decode("trace", trace));
        let mut traces: Vec<TurnTrace> = traces.collect::<std::result::Result<_, _>>()?;
        // What was made of the messages is among what the engine was fed.
        let first = traces.first().map_or(0, |trace| trace.seq);
        let entries = self
            .services
            .store
            .log(&partition, first, usize::MAX)
            .await?;
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Events) {
            let at = traces.binary_search_by_key(&entry.cause, |trace| trace.seq);
            if let (Ok(at), Body::Events(feed)) = (at, Row::of(entry)?.body) {
                let heard = feed.events.into_iter().find_map(Fed::reading);
                traces[at].reading = traces[at].reading.take().or(heard);
            }
        }
        Ok(traces)
    }

    /// Closes a conversation: the caller hung up, say. A waiting handoff is abandoned.
    ///
    /// # Errors
    /// No such conversation, or the store is away. Closing a closed one is no error.
    pub async fn close(&self, conversation: &str, reason: &str) -> Result<()> {
        let partition = PartitionId::conversation(conversation);
        let now = self.services.clock.now();
        decide(&self.services.store, &partition, &[HEAD], |snapshot| {
            let snapshot = snapshot.ok_or_else(|| unknown(conversation))?;
            close(
                &Conversation::of(&partition, snapshot)?,
                &self.services.gate,
                reason,
                now,
            )
        })
        .await?;
        Ok(())
    }
}

impl Services {
    /// Opens a conversation: gives its id, and the seq of its first input where it is new. None where others keep opening
    /// and closing conversations of the same address.
    async fn open(
        &self,
        new: NewConversation,
        token_hash: String,
    ) -> Result<Option<(String, Option<u64>)>> {
        let fresh = self.fresh_id()?;
        let Some(key) = &new.provider_key else {
            let seq = self.make(&fresh, new, Vec::new(), token_hash).await?;
            return Ok(Some((fresh, seq)));
        };
        let account = new.channel_account.as_deref().unwrap_or("");
        let contact = PartitionId::contact(&new.channel, account, key);
        let mut over: Option<String> = None;
        for _ in 0..TRIES {
            // First where the address leads to, then the conversation: a crash between the two leaves an address that leads
            // to a conversation that the next message makes.
            let led = decide(&self.store, &contact, &[CONTACT], |snapshot| {
                lead_to(
                    &contact,
                    snapshot,
                    over.as_deref(),
                    &fresh,
                    self.retention.transcript,
                    self.clock.now(),
                )
            });
            let led = led.await?.answer;
            let id = led.current;
            let partition = PartitionId::conversation(&id);
            match self.store.snapshot(&partition, &[]).await? {
                Some(known) if known.head.closed => over = Some(id),
                Some(_) => return Ok(Some((id, None))),
                None if !may_be_made(&id, self.clock.now()) => over = Some(id),
                None => {
                    let seq = self.make(&id, new, led.earlier, token_hash).await?;
                    return Ok(Some((id, seq)));
                }
            }
        }
        Ok(None)
    }

    /// What a message is known as that came before, in any of the last conversations of its address.
    async fn stored_before(&self, contact: &PartitionId, inbound: &Inbound) -> Result<Before> {
        let snapshot = self.store.snapshot(contact, &[CONTACT]).await?;
        let Some(contact) = Contact::of(snapshot.as_ref())? else {
            return Ok(Before::New { current: None });
        };
        for conversation in [&contact.current].into_iter().chain(&contact.earlier) {
            let partition = PartitionId::conversation(conversation);
            let seen = self.store.seen(&partition, &inbound.client_msg_id).await?;
            if let Some(seen) = seen {
                let (seq, duplicate) = (seen.seq, true);
                return Ok(Before::Known(Received {
                    conversation: conversation.clone(),
                    accepted: Accepted { seq, duplicate },
                    opened: false,
                }));
            }
        }
        let current = Some(contact.current);
        Ok(Before::New { current })
    }

    /// Makes a conversation; gives the seq of its first input, or none where somebody else has made it just now.
    async fn make(
        &self,
        id: &str,
        new: NewConversation,
        earlier: Vec<String>,
        token_hash: String,
    ) -> Result<Option<u64>> {
        let limit = self.bundle.limits.idle_close_s;
        let commit = open(id, new, earlier, token_hash, limit, self.clock.now())?;
        Ok(match self.store.commit(commit).await? {
            Committed::Done { first_seq, .. } => Some(first_seq),
            Committed::Conflict => None,
        })
    }

    /// Hash of a conversation's token.
    async fn token_hash(&self, conversation: &str) -> Result<Arc<str>> {
        let lock = || self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = lock().get(conversation) {
            return Ok(Arc::clone(hash));
        }
        let partition = PartitionId::conversation(conversation);
        let snapshot = self.snapshot(&partition, &[HEAD]).await?;
        let head = Conversation::of(&partition, &snapshot)?.head;
        let hash: Arc<str> = Arc::from(head.token_hash);
        lock().put(conversation.to_owned(), Arc::clone(&hash));
        Ok(hash)
    }

    /// What the customer sees of a conversation after a seq, oldest first.
    pub(super) async fn visible(
        &self,
        partition: &PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<CustomerEvent>> {
        let mut events = Vec::new();
        let mut after = after;
        loop {
            let entries = self.store.log(partition, after, ENTRIES).await?;
            let Some(last) = entries.last() else {
                return Ok(events);
            };
            after = last.seq;
            for entry in &entries {
                if Row::may_be_visible(entry.kind) {
                    events.extend(Row::of(entry)?.visible());
                }
                if events.len() >= limit {
                    return Ok(events);
                }
            }
            if entries.len() < ENTRIES {
                return Ok(events);
            }
        }
    }

    /// What the customer did not say themselves, after a seq and up to another.
    async fn news(
        &self,
        partition: &PartitionId,
        since: u64,
        through: u64,
    ) -> Result<Vec<CustomerEvent>> {
        let events = self.visible(partition, since, PAGE).await?.into_iter();
        let is_news = |event: &CustomerEvent| {
            !event.is_customers_own() && event.seq().is_some_and(|seq| seq <= through)
        };
        Ok(events.filter(is_news).collect())
    }

    /// Remembers the seq after which a client has not been told anything; one that is there already is earlier and stays.
    async fn set_untold(&self, partition: &PartitionId, since: Option<u64>) -> Result<()> {
        let body = since.map(|since| encode("cursor", &since)).transpose()?;
        let now = self.clock.now();
        decide(&self.store, partition, &[UNTOLD], |snapshot| {
            let snapshot = snapshot.ok_or_else(|| unknown(partition.as_str()))?;
            if body.is_some() && snapshot.doc(UNTOLD).is_some() {
                return Ok(Decision::Already(()));
            }
            let mut commit = Commit::new(partition.clone(), Some(snapshot.head.revision), now);
            commit.docs.insert(UNTOLD.to_owned(), body.clone());
            Ok(Decision::Commit(Box::new(commit), ()))
        })
        .await?;
        Ok(())
    }

    /// Tells everyone who watches that somebody is typing.
    pub(super) async fn typing(&self, conversation: &str, from: Author, on: bool) -> Result<()> {
        let typing = Signal::Event(CustomerEvent::Typing(TypingEvent { from, on }));
        let signal = encode("signal", &typing)?;
        let partition = PartitionId::conversation(conversation);
        Ok(self.store.signal(&partition, &signal).await?)
    }

    pub(super) fn fresh_id(&self) -> Result<String> {
        Ok(self.clock.id().map_err(no_random)?.to_string())
    }

    /// A partition and some of its documents.
    pub(super) async fn snapshot(
        &self,
        partition: &PartitionId,
        docs: &[&str],
    ) -> Result<crate::partition::Snapshot> {
        let found = self.store.snapshot(partition, docs).await?;
        found.ok_or_else(|| unknown(partition.as_str()))
    }
}

/// The error for a conversation that nobody knows.
pub(super) fn unknown(conversation: &str) -> ServiceError {
    ServiceError::NotFound {
        what: format!("conversation `{conversation}`"),
    }
}

/// A secret of 256 bits that fits into a header and an address.
pub(super) fn secret() -> Result<String> {
    crate::clock::secret().map_err(no_random)
}

fn no_random(error: getrandom::Error) -> ServiceError {
    ServiceError::System {
        message: format!("the system's random source fails ({error})"),
    }
}
