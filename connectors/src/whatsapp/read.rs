//! Reading a delivery ("Webhooks reference": messages, smb_message_echoes).

use serde_json::Value;

use super::errors::judge;
use crate::json::{kind, list, number, owned, text};
use crate::message::{
    Batch, Change, Contact, Content, Incoming, Media, MediaKind, MediaSource, Notice, Receipt,
    ReceiptState,
};

/// Why a body is no delivery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhatsAppError {
    /// Not JSON.
    #[error("the body must be JSON: {0}")]
    Json(String),
    /// JSON of something else.
    #[error("the body must have \"object\": \"whatsapp_business_account\" and a list \"entry\"")]
    Shape,
}

/// Reads a delivery. Check its signature first.
///
/// # Errors
/// Only for a body that is no delivery: anything else that can't be taken is named in
/// [`Batch::ignored`], for Meta would send it again and again.
pub fn read(body: &[u8]) -> Result<Batch, WhatsAppError> {
    let delivery: Value =
        serde_json::from_slice(body).map_err(|error| WhatsAppError::Json(error.to_string()))?;
    if text(&delivery, "/object") != Some("whatsapp_business_account")
        || !delivery.get("entry").is_some_and(Value::is_array)
    {
        return Err(WhatsAppError::Shape);
    }
    let mut batch = Batch::default();
    let changes = list(&delivery, "/entry")
        .iter()
        .flat_map(|entry| list(entry, "/changes"));
    for change in changes {
        let value = change.get("value").unwrap_or(&Value::Null);
        match text(change, "/field") {
            Some("messages") => read_messages(value, &mut batch),
            Some("smb_message_echoes") => {
                for message in list(value, "/message_echoes") {
                    read_message(message, value, true, &mut batch);
                }
            }
            field => batch
                .ignored
                .push(format!("field {}", kind(field.unwrap_or_default()))),
        }
    }
    Ok(batch)
}

fn read_messages(value: &Value, batch: &mut Batch) {
    for message in list(value, "/messages") {
        read_message(message, value, false, batch);
    }
    for status in list(value, "/statuses") {
        read_status(status, batch);
    }
    for error in list(value, "/errors") {
        let code = number(error, "/code").unwrap_or_default();
        batch.ignored.push(format!("error {code} of the account"));
    }
}

/// Reads a message; an echo is one of our own people's, to the customer.
fn read_message(message: &Value, value: &Value, echo: bool, batch: &mut Batch) {
    let name = text(message, "/type").unwrap_or_default();
    let mut ignore = |why: &str| batch.ignored.push(format!("message {}: {why}", kind(name)));
    let (Some(id), Some(account)) = (
        owned(message, "/id"),
        owned(value, "/metadata/phone_number_id"),
    ) else {
        return ignore("no id or no phone_number_id");
    };
    let (phone, user) = if echo {
        (text(message, "/to"), text(message, "/to_user_id"))
    } else {
        (text(message, "/from"), text(message, "/from_user_id"))
    };
    let at_s = number(message, "/timestamp");
    if name == "system" {
        let moves = moves(message);
        if moves.is_empty() {
            return ignore("of no concern");
        }
        for (count, (address, to)) in moves.into_iter().enumerate() {
            batch.notices.push(Notice {
                // One message may tell of both of a customer's addresses.
                id: if count == 0 {
                    id.clone()
                } else {
                    format!("{id}:{count}")
                },
                account: account.clone(),
                address,
                at_s,
                change: Change::Moved { to },
            });
        }
        return;
    }
    let Some(address) = phone.or(user) else {
        return ignore("no customer");
    };
    if text(message, "/group_id").is_some() {
        return ignore("in a group");
    }
    let Some(content) = content(message) else {
        return ignore("nothing is said");
    };
    batch.messages.push(Incoming {
        id,
        message_id: None,
        account,
        address: address.to_owned(),
        alias: user.filter(|user| *user != address).map(str::to_owned),
        name: name_of(value, phone, user),
        at_s,
        content,
        echo,
    });
}

/// The profile's name of a customer.
fn name_of(value: &Value, phone: Option<&str>, user: Option<&str>) -> Option<String> {
    let is_theirs = |contact: &&Value| {
        (phone.is_some() && text(contact, "/wa_id") == phone)
            || (user.is_some() && text(contact, "/user_id") == user)
    };
    let contact = list(value, "/contacts").iter().find(is_theirs)?;
    owned(contact, "/profile/name")
}

/// Old and new addresses that a system message tells ("System messages"): of a number, of a user id,
/// which changes with the number, or of both. Earlier versions call the new number `new_wa_id`.
fn moves(message: &Value) -> Vec<(String, String)> {
    let system = message.get("system").unwrap_or(&Value::Null);
    let name = text(system, "/type").unwrap_or_default();
    let is_number = matches!(name, "user_changed_number" | "customer_changed_number");
    if !is_number && name != "user_changed_user_id" {
        return vec![];
    }
    let number = is_number
        .then(|| {
            let to = owned(system, "/wa_id").or_else(|| owned(system, "/new_wa_id"))?;
            Some((owned(message, "/from")?, to))
        })
        .flatten();
    let user = owned(system, "/previous_user_id").zip(owned(system, "/user_id"));
    number.into_iter().chain(user).collect()
}

/// What a message says; `None` for what asks for no answer.
fn content(message: &Value) -> Option<Content> {
    let name = text(message, "/type").unwrap_or_default();
    let unsupported = || Content::Unsupported { what: kind(name) };
    let body = message.get(name).unwrap_or(&Value::Null);
    Some(match name {
        "text" => owned(body, "/body").map_or_else(unsupported, Content::Text),
        "interactive" => chosen(body),
        // A quick reply of a template.
        "button" => match owned(body, "/payload").or_else(|| owned(body, "/text")) {
            Some(payload) => Content::Payload {
                payload,
                title: owned(body, "/text"),
            },
            None => unsupported(),
        },
        "image" => media(MediaKind::Image, body, name),
        "video" => media(MediaKind::Video, body, name),
        "document" => media(MediaKind::Document, body, name),
        "sticker" => media(MediaKind::Sticker, body, name),
        "audio" => {
            let is_voice = body.get("voice").and_then(Value::as_bool) == Some(true);
            let sound = if is_voice {
                MediaKind::Voice
            } else {
                MediaKind::Audio
            };
            media(sound, body, name)
        }
        "location" => location(body).unwrap_or_else(unsupported),
        "contacts" => Content::Contacts(list(message, "/contacts").iter().map(contact).collect()),
        "edit" => edited(body).unwrap_or_else(unsupported),
        // What Meta itself doesn't pass on; it may say what it was.
        "unsupported" => Content::Unsupported {
            what: kind(text(body, "/type").unwrap_or(name)),
        },
        // A reaction, a message taken back, the chat opened for the first time.
        "reaction" | "revoke" | "request_welcome" => return None,
        _ => unsupported(),
    })
}

fn chosen(body: &Value) -> Content {
    let name = text(body, "/type").unwrap_or_default();
    let reply = match name {
        "button_reply" | "list_reply" => body.get(name).unwrap_or(&Value::Null),
        _ => &Value::Null,
    };
    // The second line of a row is the whole title where the first was too short for it.
    let title = owned(reply, "/title").map(|title| {
        let whole = owned(reply, "/description").filter(|_| title.ends_with('…'));
        whole.unwrap_or(title)
    });
    match owned(reply, "/id") {
        Some(payload) => Content::Payload { payload, title },
        None => Content::Unsupported { what: kind(name) },
    }
}

/// A file. Meta's `url` is good for minutes and needs the token, so the id counts.
fn media(of: MediaKind, body: &Value, name: &str) -> Content {
    let Some(id) = owned(body, "/id") else {
        return Content::Unsupported { what: kind(name) };
    };
    Content::Media(Media {
        kind: of,
        source: MediaSource::Id(id),
        mime: owned(body, "/mime_type"),
        caption: owned(body, "/caption"),
        file_name: owned(body, "/filename"),
    })
}

fn location(body: &Value) -> Option<Content> {
    let degrees = |name: &str| body.get(name)?.as_f64();
    Some(Content::Location {
        latitude: degrees("latitude")?,
        longitude: degrees("longitude")?,
        label: owned(body, "/name").or_else(|| owned(body, "/address")),
    })
}

fn contact(card: &Value) -> Contact {
    Contact {
        name: owned(card, "/name/formatted_name").unwrap_or_default(),
        phones: list(card, "/phones")
            .iter()
            .filter_map(|phone| owned(phone, "/phone").or_else(|| owned(phone, "/wa_id")))
            .collect(),
    }
}

/// A message that reads differently now ("Edit messages"): its text, or the caption of its file.
fn edited(body: &Value) -> Option<Content> {
    let message = body.get("message")?;
    let caption = || {
        message
            .get(text(message, "/type")?)?
            .get("caption")?
            .as_str()
    };
    let now = text(message, "/text/body").or_else(caption)?;
    Some(Content::Edited {
        of: owned(body, "/original_message_id")?,
        text: now.to_owned(),
    })
}

/// What became of a message of ours ("Status messages").
fn read_status(status: &Value, batch: &mut Batch) {
    let name = text(status, "/status").unwrap_or_default();
    let state = match name {
        "sent" => Some(ReceiptState::Sent),
        "delivered" => Some(ReceiptState::Delivered),
        "read" => Some(ReceiptState::Read),
        "failed" => {
            let error = status.pointer("/errors/0").unwrap_or(&Value::Null);
            Some(ReceiptState::Failed(judge(error, 0, &[])))
        }
        _ => None,
    };
    match (owned(status, "/id"), state) {
        (Some(provider_id), Some(state)) => batch.receipts.push(Receipt {
            provider_id,
            key: owned(status, "/biz_opaque_callback_data"),
            state,
            at_s: number(status, "/timestamp"),
        }),
        _ => batch.ignored.push(format!("status {}", kind(name))),
    }
}
