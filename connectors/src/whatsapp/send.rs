//! Sending ("Messages": text, interactive, template, mark as read, typing indicators).

use std::fmt;

use serde_json::{Value, json};

use super::errors::judge;
use crate::channel::{Frame, Request, SendOutcome, WHATSAPP};
use crate::json::owned;

/// Longest key that Meta hands back with a status, bytes (`biz_opaque_callback_data`).
const KEY_MAX: usize = 512;

/// Our side of a channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Where the API is, with its version and without a slash at the end:
    /// `https://graph.facebook.com/v24.0`.
    pub base_url: String,
    /// Id of our phone number: digits.
    pub phone_number_id: String,
    /// Token of a system user.
    pub access_token: String,
}

/// Without the token.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("base_url", &self.base_url)
            .field("phone_number_id", &self.phone_number_id)
            .finish_non_exhaustive()
    }
}

impl Account {
    fn post(&self, body: &Value) -> Request {
        let Self {
            base_url,
            phone_number_id,
            access_token,
        } = self;
        Request::json(
            format!("{base_url}/{phone_number_id}/messages"),
            vec![("authorization".to_owned(), format!("Bearer {access_token}"))],
            body,
        )
    }

    /// A message to a customer. Meta takes a user id in a field of its own ("Business-scoped user
    /// IDs: sending messages").
    fn message(&self, to: &str, key: Option<&str>, of: &str, content: Value) -> Request {
        let field = if is_user_id(to) { "recipient" } else { "to" };
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            field: to,
            "type": of,
            of: content,
        });
        // One that is cut would not be ours any more.
        if let Some(key) = key.filter(|key| key.len() <= KEY_MAX) {
            body["biz_opaque_callback_data"] = key.into();
        }
        self.post(&body)
    }
}

/// A message that Meta approved, which may be sent outside the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language, such as `en_GB`.
    pub language: String,
    /// Values of the places in its body, in order. White space becomes one space: Meta refuses line
    /// breaks and runs of spaces in them.
    pub parameters: Vec<String>,
}

/// A number has no letters; a user id begins with some: `US.13491208655302741918`.
fn is_user_id(address: &str) -> bool {
    address.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Asks to send a frame that [`crate::channel::render`] made for [`WHATSAPP`]. `to` is the
/// customer's address; `key` is ours of the message, at most 512 bytes, and comes back with its
/// receipts.
pub fn request(account: &Account, to: &str, key: Option<&str>, frame: &Frame) -> Request {
    let (of, content) = match frame {
        Frame::Text(text) => (
            "text",
            json!({"body": text, "preview_url": text.contains("https://")}),
        ),
        Frame::Buttons { text, buttons } => {
            let buttons: Vec<Value> = buttons
                .iter()
                .map(|button| {
                    json!({
                        "type": "reply",
                        "reply": {"id": button.payload, "title": button.title},
                    })
                })
                .collect();
            let action = json!({"buttons": buttons});
            (
                "interactive",
                json!({"type": "button", "body": {"text": text}, "action": action}),
            )
        }
        Frame::List { text, label, rows } => {
            let rows: Vec<Value> = rows
                .iter()
                .map(|row| {
                    let mut value = json!({"id": row.payload, "title": row.title});
                    if let Some(description) = &row.description {
                        value["description"] = description.as_str().into();
                    }
                    value
                })
                .collect();
            let action = json!({"button": label, "sections": [{"title": label, "rows": rows}]});
            (
                "interactive",
                json!({"type": "list", "body": {"text": text}, "action": action}),
            )
        }
    };
    account.message(to, key, of, content)
}

/// Asks to send a template.
pub fn template(account: &Account, to: &str, key: Option<&str>, template: &Template) -> Request {
    let parameters: Vec<Value> = template
        .parameters
        .iter()
        .map(|value| {
            let words: Vec<&str> = value.split_whitespace().collect();
            json!({"type": "text", "text": words.join(" ")})
        })
        .collect();
    let mut content = json!({
        "name": template.name,
        "language": {"code": template.language},
    });
    if !parameters.is_empty() {
        content["components"] = json!([{"type": "body", "parameters": parameters}]);
    }
    account.message(to, key, "template", content)
}

/// Asks to mark a customer's message, and all before it, as read; with `typing` to show that an
/// answer is being written, until it comes or for 25 seconds.
pub fn seen(account: &Account, message_id: &str, typing: bool) -> Request {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message_id,
    });
    if typing {
        body["typing_indicator"] = json!({"type": "text"});
    }
    account.post(&body)
}

/// Reads the answer to any of the requests.
pub fn outcome(status: u16, headers: &[(String, String)], body: &[u8]) -> SendOutcome {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = answer.get("error");
    if (200..300).contains(&status) && error.is_none() {
        return SendOutcome::Sent {
            provider_id: owned(&answer, "/messages/0/id"),
        };
    }
    SendOutcome::Failed(judge(error.unwrap_or(&Value::Null), status, headers))
}

/// Tells whether free text may be sent: the customer wrote in the last 24 hours ("Customer service
/// windows"). Both in seconds since 1970. A message that seems to come from the future was written
/// just now.
pub fn window_open(last_inbound_s: i64, now_s: i64) -> bool {
    let window_s = WHATSAPP.reply_window_s.unwrap_or_default();
    let since_s = now_s.saturating_sub(last_inbound_s).max(0);
    since_s.unsigned_abs() < window_s
}
