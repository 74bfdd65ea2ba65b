//! What customers' channels may ask of the program.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use tokio::sync::broadcast;
use ulid::Ulid;

use bellhop_flows::engine::event::EventKind;

use super::{App, Result};
use crate::conversation::{Accepted, Inbound, NewConversation, Opened, Reply, TurnTrace};
use crate::error::ServiceError;
use crate::intake;
use crate::outbox::{Author, CustomerEvent, TypingEvent};
use crate::store::journal::{self, Body, Input};
use crate::store::{conversations, hash_of, parse};
use crate::turn::handing;

/// Longest wait for what the bot says first.
const GREETING: Duration = Duration::from_secs(10);
/// Traces that [`App::trace`] gives at most.
const TRACES: u32 = 200;

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
        let (channel, key) = (channel.to_owned(), key.to_owned());
        let account = account.map(str::to_owned);
        let find = move |c: &rusqlite::Connection| {
            conversations::by_provider(c, &channel, account.as_deref(), &key)
        };
        Ok(self.core.store.read(find).await?)
    }

    /// Opens a conversation, or finds the open one of the same provider key.
    ///
    /// # Errors
    /// The store is away; a customer fact or key beyond 1 KiB; an unknown language.
    pub async fn open(&self, new: NewConversation) -> Result<Opened> {
        let core = &self.core;
        let new = intake::check_new(new, &core.bundle.languages)?;
        let id = core.clock.id().map_err(no_random)?.to_string();
        let token = secret()?;
        let hash = hash_of(token.as_bytes());
        let at = core.clock.now();
        let made = core
            .post(move |tx, rows| {
                if let Some(key) = &new.provider_key {
                    let account = new.channel_account.as_deref();
                    if let Some(id) = conversations::by_provider(tx, &new.channel, account, key)? {
                        return Ok((id, false, 0));
                    }
                }
                conversations::create(tx, &id, &new, &hash, at)?;
                let opened = Input::event(EventKind::Opened {
                    channel: new.channel,
                    language: new.language,
                    customer: new.customer,
                });
                let stored = journal::append(tx, &id, at, 0, vec![Body::Input(opened)])?;
                let seq = stored.last().map_or(0, |row| row.seq);
                rows.extend(stored);
                Ok((id, true, seq))
            })
            .await?;
        let (conversation_id, created, seq) = made;
        if !created {
            return Ok(Opened {
                conversation_id,
                token: String::new(),
                created,
                events: Vec::new(),
                listen: None,
            });
        }
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
            created,
            events,
            listen,
        })
    }

    /// Checks a conversation's bearer token.
    ///
    /// # Errors
    /// No such conversation, or not its token.
    pub async fn check_token(&self, conversation: &str, token: &str) -> Result<()> {
        let known = self.core.token_hash(conversation).await?;
        if bool::from(known.ct_eq(&hash_of(token.as_bytes()))) {
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
        intake::accept(&self.core, conversation, inbound).await
    }

    /// Waits until the turn caused by the message at `seq` is committed and gives what it said.
    ///
    /// # Errors
    /// No such message, or the turn took longer than `timeout` ([`ServiceError::StillWorking`]).
    pub async fn reply(&self, conversation: &str, seq: u64, timeout: Duration) -> Result<Reply> {
        let core = &self.core;
        if let Some(reply) = core.mailbox.reply(core, conversation, seq, timeout).await? {
            return Ok(Arc::unwrap_or_clone(reply));
        }
        // An older one: what it said is in the journal, how things stand is as of now.
        core.processed(conversation, seq).await?;
        let id = conversation.to_owned();
        let read = core.store.read(move |c| {
            let head = conversations::head(c, &id)?;
            Ok(Reply {
                events: journal::caused(c, &id, seq)?,
                listen: conversations::snapshot(c, &id)?.and_then(|snapshot| snapshot.listen),
                owner: head.owner,
                handoff_id: handing::open_of(c, &id)?,
                closed: head.closed_at.is_some(),
            })
        });
        Ok(read.await?)
    }

    /// Tells everyone watching that the customer is typing. Not stored.
    ///
    /// # Errors
    /// No such conversation.
    pub async fn customer_typing(&self, conversation: &str, on: bool) -> Result<()> {
        self.core.token_hash(conversation).await?;
        self.core.hub.publish(conversation, || {
            Some(CustomerEvent::Typing(TypingEvent {
                from: Author::Customer,
                on,
            }))
        });
        Ok(())
    }

    /// Events of a conversation after a journal seq, oldest first, at most 1,000.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn events(&self, conversation: &str, after: u64) -> Result<Vec<CustomerEvent>> {
        let id = conversation.to_owned();
        let read = self.core.store.read(move |c| {
            let events = journal::visible(c, &id, after, journal::PAGE)?;
            if events.is_empty() {
                // Nothing new, or nothing at all?
                conversations::head(c, &id)?;
            }
            Ok(events)
        });
        Ok(read.await?)
    }

    /// Events from now on, typing included. Subscribe first, read [`App::events`] after, and drop what
    /// has a seq that was read already; after `Lagged`, read again from the last seq.
    ///
    /// # Errors
    /// Not an id.
    pub fn subscribe(&self, conversation: &str) -> Result<broadcast::Receiver<CustomerEvent>> {
        Ulid::from_string(conversation).map_err(|_| ServiceError::NotFound {
            what: format!("conversation `{conversation}`"),
        })?;
        Ok(self.core.hub.subscribe(conversation))
    }

    /// Why each turn went as it did, oldest first, the last 200.
    ///
    /// # Errors
    /// No such conversation, or the store is away.
    pub async fn trace(&self, conversation: &str) -> Result<Vec<TurnTrace>> {
        let id = conversation.to_owned();
        let read = self.core.store.read(move |c| {
            let found = conversations::traces(c, &id, TRACES)?;
            if found.is_empty() {
                conversations::head(c, &id)?;
            }
            found.iter().map(|trace| parse("trace", trace)).collect()
        });
        Ok(read.await?)
    }

    /// Closes a conversation: the caller hung up, say. A waiting handoff is abandoned.
    ///
    /// # Errors
    /// No such conversation, or the store is away. Closing a closed one is no error.
    pub async fn close(&self, conversation: &str, reason: &str) -> Result<()> {
        let (id, at) = (conversation.to_owned(), self.core.clock.now());
        let reason = reason.to_owned();
        self.core
            .post(move |tx, rows| {
                if conversations::head(tx, &id)?.closed_at.is_none() {
                    let closed = Input::event(EventKind::Closed { reason });
                    rows.extend(journal::append(tx, &id, at, 0, vec![Body::Input(closed)])?);
                }
                Ok(())
            })
            .await
    }
}

/// A secret of 256 bits that fits into a header and an address.
pub(super) fn secret() -> Result<String> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).map_err(no_random)?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

fn no_random(error: getrandom::Error) -> ServiceError {
    ServiceError::System {
        message: format!("the system's random source fails ({error})"),
    }
}
