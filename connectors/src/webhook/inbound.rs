//! Reading what the other side posts.

use serde::Deserialize;

use super::ID_MAX;
use crate::channel::{Retry, SendError, Whose};
use crate::message::{
    Batch, Content, Incoming, Media, MediaKind, MediaSource, Receipt, ReceiptState,
};

/// Longest address and name of a customer, bytes.
const ADDRESS_MAX: usize = 200;

/// Why a body can't be taken. The sender is to be told; the same again is refused again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Not the JSON that the channel speaks.
    #[error("not a message or receipts: {0}")]
    Json(String),
    /// A field whose value can't be.
    #[error("{0}")]
    Field(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMessage {
    id: String,
    from: String,
    name: Option<String>,
    text: Option<String>,
    payload: Option<String>,
    title: Option<String>,
    media: Option<RawMedia>,
    at: Option<i64>,
    #[serde(default)]
    echo: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMedia {
    kind: MediaKind,
    link: String,
    mime: Option<String>,
    caption: Option<String>,
    file_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReceipts {
    receipts: Vec<RawReceipt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReceipt {
    id: String,
    state: RawState,
    at: Option<i64>,
    code: Option<String>,
    message: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawState {
    Sent,
    Delivered,
    Read,
    Failed,
}

/// Reads a delivery: a message, or receipts. Check its signature first. `account` names our side.
///
/// # Errors
/// What is wrong with it and what is expected.
pub fn read(account: &str, body: &[u8]) -> Result<Batch, WebhookError> {
    let json = |error: serde_json::Error| WebhookError::Json(error.to_string());
    let mut batch = Batch::default();
    let peeked: Result<serde_json::Value, _> = serde_json::from_slice(body);
    if peeked.is_ok_and(|value| value.get("receipts").is_some()) {
        let raw: RawReceipts = serde_json::from_slice(body).map_err(json)?;
        for receipt in raw.receipts {
            batch.receipts.push(read_receipt(receipt)?);
        }
    } else {
        let raw: RawMessage = serde_json::from_slice(body).map_err(json)?;
        batch.messages.push(read_message(account, raw)?);
    }
    Ok(batch)
}

fn read_message(account: &str, raw: RawMessage) -> Result<Incoming, WebhookError> {
    check_id(&raw.id)?;
    if !is_name(&raw.from) {
        return Err(WebhookError::Field(
            "from must have 1 to 200 bytes and no control characters",
        ));
    }
    if raw.name.as_deref().is_some_and(|name| !is_name(name)) {
        return Err(WebhookError::Field(
            "name must have 1 to 200 bytes and no control characters",
        ));
    }
    if raw.title.is_some() && raw.payload.is_none() {
        return Err(WebhookError::Field("title goes with payload alone"));
    }
    let content = match (raw.text, raw.payload, raw.media) {
        (Some(text), None, None) if text.trim().is_empty() => {
            return Err(WebhookError::Field("text must not be empty"));
        }
        (Some(text), None, None) => Content::Text(text),
        (None, Some(payload), None) if payload.is_empty() => {
            return Err(WebhookError::Field("payload must not be empty"));
        }
        (None, Some(payload), None) => Content::Payload {
            payload,
            title: raw.title,
        },
        (None, None, Some(media)) => Content::Media(read_media(media)?),
        _ => {
            return Err(WebhookError::Field(
                "give exactly one of text, payload and media",
            ));
        }
    };
    Ok(Incoming {
        id: raw.id,
        message_id: None,
        account: account.to_owned(),
        address: raw.from,
        alias: None,
        name: raw.name,
        at_s: raw.at,
        content,
        echo: raw.echo,
    })
}

fn read_media(raw: RawMedia) -> Result<Media, WebhookError> {
    let is_link = url::Url::parse(&raw.link)
        .is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    if !is_link {
        return Err(WebhookError::Field(
            "media.link must be an address with https or http",
        ));
    }
    Ok(Media {
        kind: raw.kind,
        source: MediaSource::Link(raw.link),
        mime: raw.mime,
        caption: raw.caption,
        file_name: raw.file_name,
    })
}

fn read_receipt(raw: RawReceipt) -> Result<Receipt, WebhookError> {
    check_id(&raw.id)?;
    let is_failed = raw.state == RawState::Failed;
    if !is_failed && (raw.code.is_some() || raw.message.is_some()) {
        return Err(WebhookError::Field(
            "code and message go with the state failed alone",
        ));
    }
    let state = match raw.state {
        RawState::Sent => ReceiptState::Sent,
        RawState::Delivered => ReceiptState::Delivered,
        RawState::Read => ReceiptState::Read,
        // The other side has tried what it could.
        RawState::Failed => ReceiptState::Failed(SendError {
            whose: Whose::Theirs,
            retry: Retry::Never,
            code: raw.code.unwrap_or_else(|| "failed".to_owned()),
            message: raw.message.unwrap_or_else(|| "no reason given".to_owned()),
            reopen: false,
        }),
    };
    Ok(Receipt {
        provider_id: raw.id.clone(),
        key: Some(raw.id),
        state,
        at_s: raw.at,
    })
}

fn check_id(id: &str) -> Result<(), WebhookError> {
    if (1..=ID_MAX).contains(&id.len()) && !id.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(WebhookError::Field(
            "id must have 1 to 128 bytes and no control characters",
        ))
    }
}

fn is_name(name: &str) -> bool {
    (1..=ADDRESS_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
}
