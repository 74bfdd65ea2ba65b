//! Reading an update ("Update", "Message", "CallbackQuery", "ChatMemberUpdated").

use serde_json::Value;

use super::{ALLOWED_UPDATES, CALLBACK};
use crate::json::{kind, list, number, owned, text};
use crate::message::{
    Batch, Change, Contact, Content, Incoming, Media, MediaKind, MediaSource, Notice,
};

/// Fields of a message that don't say what it is.
const AROUND: [&str; 30] = [
    "message_id",
    "message_thread_id",
    "direct_messages_topic",
    "from",
    "sender_chat",
    "sender_boost_count",
    "sender_business_bot",
    "date",
    "edit_date",
    "business_connection_id",
    "chat",
    "forward_origin",
    "is_topic_message",
    "is_automatic_forward",
    "reply_to_message",
    "external_reply",
    "quote",
    "reply_to_story",
    "via_bot",
    "has_protected_content",
    "is_from_offline",
    "media_group_id",
    "author_signature",
    "entities",
    "link_preview_options",
    "effect_id",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
    "reply_markup",
];
/// What Telegram itself tells in a private chat: nobody waits for an answer.
const SERVICE: [&str; 8] = [
    "pinned_message",
    "message_auto_delete_timer_changed",
    "write_access_allowed",
    "connected_website",
    "proximity_alert_triggered",
    "boost_added",
    "chat_background_set",
    "suggested_post_info",
];

/// Why a body is no update.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelegramError {
    /// Not JSON.
    #[error("the body must be JSON: {0}")]
    Json(String),
    /// JSON of something else.
    #[error("the body must be an Update: an object with a whole number \"update_id\"")]
    Shape,
}

/// Reads an update. `account` names our bot, for one update doesn't. Check the secret first.
///
/// A message's id is the `update_id`; that of a press on a button is `cb:` and the id of the query,
/// which [`super::answer_callback`] needs. A press is answered even if nothing is said: until then
/// the button shows that it waits.
///
/// `/start`, which Telegram sends when a customer opens the bot, is the payload `/start`: a greeting
/// and no sentence. Where a link `https://t.me/BOT?start=WORD` brought them, it is `/start WORD`
/// ("Deep linking"), so that a flow can begin from it. Any other text that begins with a slash is
/// text.
///
/// # Errors
/// Only for a body that is no update: anything else that can't be taken is named in
/// [`Batch::ignored`], for Telegram would send it again and again.
pub fn read(account: &str, body: &[u8]) -> Result<Batch, TelegramError> {
    let update: Value =
        serde_json::from_slice(body).map_err(|error| TelegramError::Json(error.to_string()))?;
    let update_id = update
        .get("update_id")
        .and_then(Value::as_i64)
        .ok_or(TelegramError::Shape)?;
    let mut batch = Batch::default();
    // At most one kind an update; a field that comes to stand beside it must not hide it.
    let mut names = update
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys())
        .filter(|name| *name != "update_id");
    let name = names
        .clone()
        .find(|name| ALLOWED_UPDATES.contains(&name.as_str()))
        .or_else(|| names.next());
    let Some(name) = name else {
        batch.ignored.push("update without contents".to_owned());
        return Ok(batch);
    };
    let event = Event {
        account,
        update_id,
        body: &update[name],
    };
    let taken = match name.as_str() {
        "message" => event.message().map(|said| batch.messages.push(said)),
        "edited_message" => event.edited().map(|said| batch.messages.push(said)),
        "callback_query" => event.pressed().map(|said| batch.messages.push(said)),
        "my_chat_member" => event.member().map(|notice| batch.notices.push(notice)),
        _ => Err("of no concern"),
    };
    if let Err(why) = taken {
        batch.ignored.push(format!("{}: {why}", kind(name)));
    }
    Ok(batch)
}

/// One update, without what kind it is.
struct Event<'a> {
    account: &'a str,
    update_id: i64,
    body: &'a Value,
}

impl Event<'_> {
    fn message(&self) -> Result<Incoming, &'static str> {
        let content = content(self.body).ok_or("nothing is said")?;
        self.incoming(self.update_id.to_string(), self.body, self.body, content)
    }

    fn edited(&self) -> Result<Incoming, &'static str> {
        let now = text(self.body, "/text")
            .or_else(|| text(self.body, "/caption"))
            .ok_or("no text")?;
        let of = number(self.body, "/message_id").ok_or("no message_id")?;
        let content = Content::Edited {
            of: of.to_string(),
            text: now.to_owned(),
        };
        let id = self.update_id.to_string();
        let mut incoming = self.incoming(id, self.body, self.body, content)?;
        incoming.at_s = number(self.body, "/edit_date").or(incoming.at_s);
        Ok(incoming)
    }

    /// A press on a button. The time is not told; the message's own is that of our question.
    fn pressed(&self) -> Result<Incoming, &'static str> {
        let id = text(self.body, "/id").ok_or("no id")?;
        let payload = owned(self.body, "/data").ok_or("no data")?;
        let question = self.body.get("message").ok_or("in another chat")?;
        let title = title_of(question, &payload);
        let content = Content::Payload { payload, title };
        let id = format!("{CALLBACK}{id}");
        let mut incoming = self.incoming(id, question, self.body, content)?;
        (incoming.at_s, incoming.message_id) = (None, None);
        Ok(incoming)
    }

    fn member(&self) -> Result<Notice, &'static str> {
        let address = private_chat(self.body)?;
        let change = match text(self.body, "/new_chat_member/status") {
            Some("kicked") => Change::Blocked,
            Some("member") => Change::Unblocked,
            _ => return Err("of no concern"),
        };
        Ok(Notice {
            id: self.update_id.to_string(),
            account: self.account.to_owned(),
            address,
            at_s: number(self.body, "/date"),
            change,
        })
    }

    /// A message in the chat of `message`, written by the `from` of `by`.
    fn incoming(
        &self,
        id: String,
        message: &Value,
        by: &Value,
        content: Content,
    ) -> Result<Incoming, &'static str> {
        let address = private_chat(message)?;
        if by.pointer("/from/is_bot").and_then(Value::as_bool) == Some(true) {
            return Err("by a bot");
        }
        let names = [text(by, "/from/first_name"), text(by, "/from/last_name")];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        Ok(Incoming {
            id,
            message_id: number(message, "/message_id").map(|id| id.to_string()),
            account: self.account.to_owned(),
            address,
            alias: None,
            name: Some(names.join(" ")).filter(|name| !name.is_empty()),
            at_s: number(message, "/date"),
            content,
            echo: false,
        })
    }
}

/// The id of a chat with one person.
fn private_chat(value: &Value) -> Result<String, &'static str> {
    if text(value, "/chat/type") != Some("private") {
        return Err("in no private chat");
    }
    let id = number(value, "/chat/id").ok_or("no chat id")?;
    Ok(id.to_string())
}

/// What the pressed button shows.
fn title_of(question: &Value, payload: &str) -> Option<String> {
    list(question, "/reply_markup/inline_keyboard")
        .iter()
        .flat_map(|row| list(row, ""))
        .find(|button| text(button, "/callback_data") == Some(payload))
        .and_then(|button| owned(button, "/text"))
}

/// What a message says; `None` for what asks for no answer.
fn content(message: &Value) -> Option<Content> {
    if let Some(said) = text(message, "/text") {
        return Some(typed(said));
    }
    if let Some(file) = media(message) {
        return Some(Content::Media(file));
    }
    if let Some(place) = location(message) {
        return Some(place);
    }
    if let Some(card) = message.get("contact") {
        let names = [text(card, "/first_name"), text(card, "/last_name")];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        return Some(Content::Contacts(vec![Contact {
            name: names.join(" "),
            phones: owned(card, "/phone_number").into_iter().collect(),
        }]));
    }
    let name = message
        .as_object()?
        .keys()
        .find(|name| !AROUND.contains(&name.as_str()))?;
    (!SERVICE.contains(&name.as_str())).then(|| Content::Unsupported { what: kind(name) })
}

fn typed(said: &str) -> Content {
    let mut words = said.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("/start"), None, _) => Content::Payload {
            payload: "/start".to_owned(),
            title: None,
        },
        (Some("/start"), Some(word), None) => Content::Payload {
            payload: format!("/start {word}"),
            title: None,
        },
        _ => Content::Text(said.to_owned()),
    }
}

fn media(message: &Value) -> Option<Media> {
    // A moving picture comes as a document, too, "for backward compatibility".
    let kinds = [
        ("animation", MediaKind::Video),
        ("photo", MediaKind::Image),
        ("document", MediaKind::Document),
        ("voice", MediaKind::Voice),
        ("audio", MediaKind::Audio),
        ("video", MediaKind::Video),
        ("video_note", MediaKind::Video),
        ("sticker", MediaKind::Sticker),
    ];
    kinds.into_iter().find_map(|(name, kind)| {
        // A photo comes in several sizes, the largest last.
        let sizes = list(message, "/photo");
        let file = match kind {
            MediaKind::Image => sizes.last()?,
            _ => message.get(name)?,
        };
        let emoji = match kind {
            MediaKind::Sticker => owned(file, "/emoji"),
            _ => None,
        };
        Some(Media {
            kind,
            source: MediaSource::Id(owned(file, "/file_id")?),
            mime: match kind {
                // Telegram makes a JPEG of every photo and says no type.
                MediaKind::Image => Some("image/jpeg".to_owned()),
                _ => owned(file, "/mime_type"),
            },
            caption: emoji.or_else(|| owned(message, "/caption")),
            file_name: owned(file, "/file_name"),
        })
    })
}

fn location(message: &Value) -> Option<Content> {
    let place = message.get("location")?;
    let degrees = |name: &str| place.get(name)?.as_f64();
    Some(Content::Location {
        latitude: degrees("latitude")?,
        longitude: degrees("longitude")?,
        label: owned(message, "/venue/title").or_else(|| owned(message, "/venue/address")),
    })
}
