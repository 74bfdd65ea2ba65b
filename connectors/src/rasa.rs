//! The REST channel of Rasa, so that its clients work unchanged: `{sender, message}` in, a list of
//! `{recipient_id, text, …}` out.

use serde::{Deserialize, Serialize};

/// Longest sender id, bytes.
pub const SENDER_MAX: usize = 200;

/// What a client posts. Fields that Rasa knows and we don't need, and those that a client made up,
/// are let through.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// Who writes: the same sender goes on in the same conversation. Whoever is not named is nobody: Rasa calls all of them
    /// `default`, and would have them talk in one conversation.
    #[serde(default)]
    pub sender: String,
    /// What they write; `/name` is a payload.
    #[serde(default)]
    pub message: Option<String>,
}

/// What a client gets for each message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// The sender it is for.
    pub recipient_id: String,
    /// The text.
    pub text: String,
    /// Buttons, where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
}

/// A button. A client sends its payload as the next message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Button {
    /// What it shows.
    pub title: String,
    /// What it sends; always begins with `/`, so that it is told from typed text.
    pub payload: String,
}

/// What a message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Typed text.
    Text(String),
    /// The payload of a button, its slash kept.
    Payload(String),
}

/// Why a request can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RasaError {
    /// Not the JSON that the channel speaks.
    #[error("the body must be JSON such as {{\"sender\": \"ada\", \"message\": \"hello\"}}: {0}")]
    Json(String),
    /// A sender id that is no id.
    #[error(
        "sender must name who writes, with 1 to {SENDER_MAX} bytes, more than spaces and no control characters"
    )]
    Sender,
    /// Nothing is said.
    #[error("message must not be empty")]
    Empty,
}

/// Reads what a client posted.
///
/// # Errors
/// See [`RasaError`]; each says what the channel expects.
pub fn read(body: &[u8]) -> Result<(String, Heard), RasaError> {
    let request: Request =
        serde_json::from_slice(body).map_err(|error| RasaError::Json(error.to_string()))?;
    let sender = request.sender;
    if sender.trim().is_empty() || sender.len() > SENDER_MAX || sender.chars().any(char::is_control)
    {
        return Err(RasaError::Sender);
    }
    let message = request.message.unwrap_or_default();
    let message = message.trim();
    if message.is_empty() {
        return Err(RasaError::Empty);
    }
    // `/greet{"name": "Ada"}` is Rasa's way of naming an intent with entities; the name counts.
    let heard = match message.strip_prefix('/') {
        Some(name) if is_payload(name) => {
            let name = name.split('{').next().unwrap_or_default();
            Heard::Payload(format!("/{name}"))
        }
        _ => Heard::Text(message.to_owned()),
    };
    Ok((sender, heard))
}

fn is_payload(name: &str) -> bool {
    let name = name.split('{').next().unwrap_or_default();
    !name.is_empty() && !name.contains(char::is_whitespace)
}

/// Gives a button's payload as this channel writes it.
pub fn payload(payload: &str) -> String {
    if payload.starts_with('/') {
        payload.to_owned()
    } else {
        format!("/{payload}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_and_payloads_are_read() {
        let text = |text: &str| Heard::Text(text.to_owned());
        let payload = |name: &str| Heard::Payload(name.to_owned());
        for (body, sender, heard) in [
            (r#"{"sender":"ada","message":" hi "}"#, "ada", text("hi")),
            (r#"{"sender":"a","message":"/yes"}"#, "a", payload("/yes")),
            (
                r#"{"sender":"a","message":"/greet{\"name\":\"x y\"}"}"#,
                "a",
                payload("/greet"),
            ),
            (
                r#"{"sender":"a","message":"/ what does this slash do"}"#,
                "a",
                text("/ what does this slash do"),
            ),
            (
                r#"{"sender":"a","message":"hi","input_channel":"x","metadata":{"k":[1]}}"#,
                "a",
                text("hi"),
            ),
        ] {
            assert_eq!(
                read(body.as_bytes()),
                Ok((sender.to_owned(), heard)),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_no_request_is_refused_with_what_is_expected() {
        for (body, part) in [
            ("", "the body must be JSON"),
            ("7", "the body must be JSON"),
            (r#"{"sender":"","message":"x"}"#, "sender"),
            (r#"{"sender":"  ","message":"x"}"#, "sender"),
            (r#"{"message":"x"}"#, "sender"),
            (r#"{"sender":"a\u0000","message":"x"}"#, "sender"),
            (
                r#"{"sender":"a","message":""}"#,
                "message must not be empty",
            ),
            (
                r#"{"sender":"a","message":null}"#,
                "message must not be empty",
            ),
            (r#"{"sender":"a"}"#, "message must not be empty"),
        ] {
            let said = read(body.as_bytes()).expect_err(body).to_string();
            assert!(said.contains(part), "{body}: {said}");
        }
    }

    #[test]
    fn replies_are_written_as_clients_read_them() {
        let reply = Reply {
            recipient_id: "ada".into(),
            text: "Block it?".into(),
            buttons: vec![Button {
                title: "Yes".into(),
                payload: payload("yes"),
            }],
        };
        assert_eq!(
            serde_json::to_value([reply]).expect("JSON"),
            serde_json::json!([{
                "recipient_id": "ada", "text": "Block it?",
                "buttons": [{"title": "Yes", "payload": "/yes"}],
            }])
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }

        #[test]
        fn a_button_comes_back_as_its_payload(name in "[a-z_.]{1,20}") {
            let body = serde_json::json!({"sender": "a", "message": payload(&name)}).to_string();
            prop_assert_eq!(
                read(body.as_bytes()),
                Ok(("a".to_owned(), Heard::Payload(format!("/{name}"))))
            );
        }
    }
}
