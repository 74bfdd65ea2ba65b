//! What messaging channels may ask of the program.

use bellhop_connectors::channel::SendError;
use bellhop_connectors::message::{Batch, Change, Content, Incoming, Receipt, ReceiptState};

use futures_util::FutureExt;

use super::{App, Result};
use crate::channels::{Account, Channels, heard};
use crate::conversation::{HEAD, Inbound, InboundBody, NewConversation};
use crate::decide::{decide, decide_with};
use crate::delivery::keep_news;
use crate::error::ServiceError;
use crate::partition::PartitionId;
use crate::rules::channel::{CHANNEL, ChannelState, ECHO, News, conversation, echo, undelivered};
use crate::rules::open::{CONTACT, Contact};

impl App {
    /// The accounts on messaging channels.
    pub(crate) fn channels(&self) -> &Channels {
        &self.services.channels
    }

    /// An account on a messaging channel.
    pub fn channel(&self, name: &str) -> Option<&Account> {
        self.services.channels.get(name)
    }

    /// Stores everything that one delivery of a provider carried. When it returns, all of it is durable; the same delivery
    /// again changes nothing.
    ///
    /// # Errors
    /// The store is away: the provider has to deliver it again.
    pub async fn deliver(&self, account: &Account, batch: Batch) -> Result<()> {
        for why in &batch.ignored {
            tracing::info!(
                channel = account.channel(),
                why,
                "part of a delivery is left out"
            );
        }
        for incoming in batch.messages {
            let sent = match incoming.echo {
                true => self.echoed(account, incoming).await,
                false => self.incoming(account, incoming).await,
            };
            refusal_is_final(sent, account)?;
        }
        for receipt in batch.receipts {
            refusal_is_final(self.receipt(receipt).await, account)?;
        }
        for notice in batch.notices {
            if notice.change == Change::Blocked {
                let blocked = self
                    .blocked(account, &notice.account, &notice.address)
                    .await;
                refusal_is_final(blocked, account)?;
            }
        }
        Ok(())
    }

    async fn incoming(&self, account: &Account, incoming: Incoming) -> Result<()> {
        let services = &self.services;
        let contact = contact(account, &incoming.account, &incoming.address);
        let known = self.current(&contact).await?;
        let state = match &known {
            Some(conversation) => {
                let snapshot = services.store.snapshot(conversation, &[CHANNEL]).await?;
                ChannelState::of(snapshot.as_ref())?
            }
            None => ChannelState::default(),
        };
        let seen = account.seen(&incoming);
        let at_s = incoming
            .at_s
            .unwrap_or_else(|| services.clock.now().as_second());
        let mut customer = std::collections::BTreeMap::new();
        if let Some(name) = incoming.name {
            customer.insert("name".to_owned(), name);
        }
        let new = NewConversation {
            channel: account.channel().to_owned(),
            channel_account: Some(incoming.account),
            provider_key: Some(incoming.address),
            customer,
            destination: Some(account.destination()),
            ..NewConversation::default()
        };
        let inbound = Inbound {
            client_msg_id: incoming.id,
            body: heard(incoming.content, &state.offer),
        };
        let (news, now) = (News::Wrote(at_s), services.clock.now());
        // Before it is answered: the answer may be sent because they wrote.
        if let Some(known) = &known {
            keep_news(&services.store, known, &news, now).await?;
        }
        let received = self.receive(new, inbound).await?;
        let partition = PartitionId::conversation(&received.conversation);
        if known.as_ref() != Some(&partition) {
            keep_news(&services.store, &partition, &news, now).await?;
        }
        if let (Some(seen), false) = (seen, received.accepted.duplicate) {
            let line = std::sync::Arc::clone(&services.line);
            tokio::spawn(async move { line.hint(seen).await });
        }
        Ok(())
    }

    /// Somebody of ours wrote in the provider's own inbox.
    async fn echoed(&self, account: &Account, incoming: Incoming) -> Result<()> {
        let services = &self.services;
        let contact = contact(account, &incoming.account, &incoming.address);
        let Some(partition) = self.current(&contact).await? else {
            return Ok(());
        };
        let text = match incoming.content {
            Content::Text(text) | Content::Edited { text, .. } => text,
            other => match heard(other, &Default::default()) {
                InboundBody::File { text, file } if text.is_empty() => file.title,
                InboundBody::File { text, .. } => text,
                _ => return Ok(()),
            },
        };
        let sender_id = format!("{ECHO}{}", incoming.id);
        let now = services.clock.now();
        let stored = || services.stored_under(&partition, &sender_id).boxed();
        decide_with(
            &services.store,
            &partition,
            &[HEAD],
            stored,
            |snapshot, seen| {
                let conversation = conversation(&partition, snapshot)?;
                echo(
                    (&conversation, &services.gate),
                    (&sender_id, &text),
                    seen,
                    now,
                )
            },
        )
        .await?;
        Ok(())
    }

    /// News of a message of ours: its key names the conversation, its seq and the frame.
    async fn receipt(&self, receipt: Receipt) -> Result<()> {
        let Some((id, seq, frame)) = receipt.key.as_deref().and_then(of_key) else {
            return Ok(());
        };
        let partition = PartitionId::conversation(id);
        let news = match receipt.state {
            ReceiptState::Sent => return Ok(()),
            ReceiptState::Delivered => News::Delivered(seq, frame),
            ReceiptState::Read => News::Read(seq, frame),
            ReceiptState::Failed(SendError { code, message, .. }) => {
                News::Failed(seq, frame, format!("{code}: {message}"))
            }
        };
        let services = &self.services;
        keep_news(&services.store, &partition, &news, services.clock.now()).await
    }

    async fn blocked(&self, account: &Account, ours: &str, theirs: &str) -> Result<()> {
        let services = &self.services;
        let Some(partition) = self.current(&contact(account, ours, theirs)).await? else {
            return Ok(());
        };
        let now = services.clock.now();
        decide(&services.store, &partition, &[HEAD], |snapshot| {
            let conversation = conversation(&partition, snapshot)?;
            undelivered(
                (&conversation, &services.gate),
                &services.bundle.name,
                "the customer shut us out",
                now,
            )
        })
        .await?;
        Ok(())
    }

    /// The conversation that an address leads to.
    async fn current(&self, contact: &PartitionId) -> Result<Option<PartitionId>> {
        let snapshot = self.services.store.snapshot(contact, &[CONTACT]).await?;
        let contact = Contact::of(snapshot.as_ref())?;
        Ok(contact.map(|contact| PartitionId::conversation(&contact.current)))
    }
}

fn contact(account: &Account, ours: &str, theirs: &str) -> PartitionId {
    PartitionId::contact(account.channel(), ours, theirs)
}

/// The conversation, the seq and the frame that a key of ours names.
fn of_key(key: &str) -> Option<(&str, u64, usize)> {
    let mut parts = key.split('_');
    let (conversation, seq, frame) = (parts.next()?, parts.next()?, parts.next()?);
    Some((conversation, seq.parse().ok()?, frame.parse().ok()?))
}

/// A message that is refused for what it is must not come again and again from a provider, who can't mend it; whoever sends to us
/// by their own program is told. Where the store is away it must come again.
fn refusal_is_final(taken: Result<()>, account: &Account) -> Result<()> {
    match taken {
        Err(error @ (ServiceError::Unavailable { .. } | ServiceError::TooMany { .. })) => {
            Err(error)
        }
        Err(error @ ServiceError::Invalid { .. }) if account.is_their_own_program() => Err(error),
        Err(error) => {
            tracing::warn!(channel = account.channel(), %error, "a message is refused");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
