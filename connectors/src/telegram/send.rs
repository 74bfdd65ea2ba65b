//! Sending ("Making requests", "sendMessage", "sendChatAction", "answerCallbackQuery",
//! "setWebhook").

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::CALLBACK;
use crate::channel::{Frame, Request, Retry, SendError, SendOutcome, Whose, by_status};
use crate::json::{number, text};

/// The kinds of update that [`super::read`] takes; Telegram sends no others where this is said.
pub const ALLOWED_UPDATES: [&str; 4] = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
];

/// Our side of a channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Bot {
    /// Where the API is, without a slash at the end: `https://api.telegram.org`.
    pub base_url: String,
    /// The bot's token: `123456:ABC…`.
    pub token: String,
}

/// Without the token.
impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl Bot {
    pub(super) fn call(&self, method: &str, body: &Value) -> Request {
        let url = format!("{}/bot{}/{method}", self.base_url, self.token);
        Request::json(url, vec![], body)
    }
}

/// Why a secret can't be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret must have 1 to 256 characters, each a letter of A-Z or a-z, a digit, _ or -")]
pub struct SecretError;

/// Asks to send a frame that [`crate::channel::render`] made for [`crate::channel::TELEGRAM`].
/// `chat` is the customer's address.
///
/// Sent without a parse mode: whatever a text holds, it is shown as it is.
pub fn request(bot: &Bot, chat: &str, frame: &Frame) -> Request {
    let button = |title: &str, payload: &str| json!([{"text": title, "callback_data": payload}]);
    let (text, keyboard): (&str, Vec<Value>) = match frame {
        Frame::Text(text) => (text, vec![]),
        Frame::Buttons { text, buttons } => (
            text,
            buttons
                .iter()
                .map(|option| button(&option.title, &option.payload))
                .collect(),
        ),
        // Telegram has no lists; if there is one, its rows are buttons.
        Frame::List { text, rows, .. } => (
            text,
            rows.iter()
                .map(|row| button(row.description.as_ref().unwrap_or(&row.title), &row.payload))
                .collect(),
        ),
    };
    let mut body = json!({"chat_id": chat_id(chat), "text": text});
    if !keyboard.is_empty() {
        body["reply_markup"] = json!({"inline_keyboard": keyboard});
    }
    bot.call("sendMessage", &body)
}

/// Asks to show for five seconds that an answer is being written.
pub fn typing(bot: &Bot, chat: &str) -> Request {
    let body = json!({"chat_id": chat_id(chat), "action": "typing"});
    bot.call("sendChatAction", &body)
}

/// Asks to end the waiting that a pressed button shows. `None` if the message was no press; its id
/// tells ([`crate::message::Incoming::id`]).
pub fn answer_callback(bot: &Bot, incoming_id: &str) -> Option<Request> {
    let id = incoming_id.strip_prefix(CALLBACK)?;
    let body = json!({"callback_query_id": id});
    Some(bot.call("answerCallbackQuery", &body))
}

/// Asks to be sent updates at an address (`https`; port 443, 80, 88 or 8443), with a secret in the
/// header.
///
/// # Errors
/// A secret that Telegram doesn't take.
pub fn set_webhook(bot: &Bot, url: &str, secret: &str) -> Result<Request, SecretError> {
    let is_secret = (1..=256).contains(&secret.len())
        && secret
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_secret {
        return Err(SecretError);
    }
    let body = json!({
        "url": url,
        "secret_token": secret,
        "allowed_updates": ALLOWED_UPDATES,
    });
    Ok(bot.call("setWebhook", &body))
}

/// Reads the answer to any of the requests.
pub fn outcome(status: u16, headers: &[(String, String)], body: &[u8]) -> SendOutcome {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if (200..300).contains(&status) && answer.get("ok").and_then(Value::as_bool) == Some(true) {
        return SendOutcome::Sent {
            provider_id: number(&answer, "/result/message_id").map(|id| id.to_string()),
        };
    }
    SendOutcome::Failed(judge(&answer, status, headers))
}

/// What an error means ("Making requests", "ResponseParameters"); its code is an HTTP status.
fn judge(answer: &Value, status: u16, headers: &[(String, String)]) -> SendError {
    let code = number(answer, "/error_code")
        .and_then(|code| u16::try_from(code).ok())
        .unwrap_or(status);
    let words = text(answer, "/description").unwrap_or("no reason given");
    let mut judged = by_status(code, headers, code.to_string(), words);
    match code {
        // Shut out by the customer, whose account may also be gone.
        403 => judged.whose = Whose::Customer,
        429 => {
            let seconds = number(answer, "/parameters/retry_after");
            if let Some(seconds) = seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
                judged.retry = Retry::After(Some(Duration::from_secs(seconds)));
            }
        }
        // No answer of the API: whatever stands between does as it likes.
        200..=299 => (judged.whose, judged.retry) = (Whose::Theirs, Retry::After(None)),
        _ => {}
    }
    judged
}

/// Telegram's ids are numbers; a channel of ours may be given by its `@name`.
fn chat_id(chat: &str) -> Value {
    chat.parse::<i64>()
        .map_or_else(|_| chat.into(), Value::from)
}
