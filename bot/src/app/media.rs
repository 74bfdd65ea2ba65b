//! Files that customers sent.

use bellhop_connectors::channel::MediaError;

use super::{App, Result};
use crate::conversation::Attachment;
use crate::conversation::journal::{Body, Input, Row, What, file_of};
use crate::delivery::Media;
use crate::error::ServiceError;

impl App {
    /// Opens a file that a customer sent with the message at `seq` of a handoff's conversation, and that only the provider of
    /// the channel has; with its name.
    ///
    /// # Errors
    /// No such handoff, message or file; the provider has it no more ([`ServiceError::Gone`]) or does not give it
    /// ([`ServiceError::Provider`]); the store is away.
    pub(crate) async fn media(&self, handoff: &str, seq: u64) -> Result<(String, Media)> {
        let services = &self.services;
        let (conversation, _) = services.case(handoff).await?;
        let partition = conversation.partition();
        let found = services.store.log(&partition, seq.saturating_sub(1), 1);
        let row = found.await?.first().map(Row::of).transpose()?;
        let file = row.filter(|row| row.seq == seq).and_then(file_in);
        let Some((title, reference)) = file else {
            let what = format!("a file with message {seq} of handoff `{handoff}`");
            return Err(ServiceError::NotFound { what });
        };
        let destination = conversation.head.destination.as_deref().unwrap_or_default();
        let Some(account) = services.channels.of_destination(destination) else {
            let message = format!("the account `{destination}` is no longer in the settings");
            return Err(ServiceError::Gone { message });
        };
        let opened = services.line.media(account, &reference).await;
        let media = opened.map_err(|error| {
            let message = error.to_string();
            match &error {
                MediaError::Gone => ServiceError::Gone { message },
                MediaError::TooLarge | MediaError::Elsewhere => {
                    tracing::warn!(channel = account.channel(), %error, "a file can't be opened");
                    ServiceError::Provider { message }
                }
                MediaError::Failed(why) => {
                    let (channel, code) = (account.channel(), &why.code);
                    tracing::warn!(channel, code, "a file can't be opened");
                    let message = format!("{message} ({code}); try again a little later");
                    ServiceError::Provider { message }
                }
            }
        });
        Ok((title, media?))
    }
}

/// Title of a file in an entry of the journal, and the provider's id of it.
fn file_in(row: Row) -> Option<(String, String)> {
    let Body::Input(Input {
        what: What::Customer { body, .. },
    }) = row.body
    else {
        return None;
    };
    let Attachment {
        title, reference, ..
    } = file_of(&body)?.clone();
    Some((title, reference?))
}
