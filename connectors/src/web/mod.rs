//! The web chat's wire format: what a client sends over the socket or posts, and the server's own
//! frames. The events that both sides share are the program's and pass through as JSON.
//!
//! Strict: an unknown field is a mistake that the sender hears of.

use serde::{Deserialize, Serialize};

/// Longest `client_msg_id`, bytes.
pub const ID_MAX: usize = 128;

/// A message as a client sends it: `text` or `payload`, exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The client's own id: the same again is answered the same and does nothing twice.
    pub client_msg_id: String,
    /// What is said.
    pub content: Content,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Typed text.
    Text(String),
    /// Payload of a button that was pressed.
    Payload(String),
}

/// What a client sends over the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first frame: events after this journal seq are wanted.
    Hello {
        /// 0 for all.
        after: u64,
    },
    /// A message.
    Message(Message),
    /// The customer is typing, or stopped.
    Typing {
        /// Began.
        on: bool,
    },
    /// Are you there?
    Ping,
}

/// The server's own frames beside the events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// A message is stored.
    Ack {
        /// The client's id for it.
        client_msg_id: String,
        /// Its place in the journal.
        seq: u64,
    },
    /// Something was refused.
    Error {
        /// Such as `rate_limited`.
        code: String,
        /// What is wrong and what to do.
        message: String,
        /// The message that was refused, if it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_msg_id: Option<String>,
    },
    /// Yes.
    Pong,
}

/// Why a frame or a body can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WireError {
    /// What is wrong and what is expected.
    pub message: String,
    /// The message that it was about, where that much could be read.
    pub client_msg_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum RawFrame {
    Hello {
        #[serde(default)]
        after: u64,
    },
    Message {
        client_msg_id: String,
        text: Option<String>,
        payload: Option<String>,
    },
    Typing {
        #[serde(default = "yes")]
        on: bool,
    },
    // With a body, so that unknown fields are refused here as well.
    Ping {},
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMessage {
    client_msg_id: String,
    text: Option<String>,
    payload: Option<String>,
}

/// Reads a frame from the socket.
///
/// # Errors
/// What is wrong with it, and the message it was about.
pub fn read_frame(text: &str) -> Result<ClientFrame, WireError> {
    if !is_object(text.as_bytes()) {
        return Err(no_object("not a frame"));
    }
    let raw = serde_json::from_str(text).map_err(|error| WireError {
        message: format!("not a frame: {error}"),
        client_msg_id: id_of(text.as_bytes()),
    })?;
    Ok(match raw {
        RawFrame::Hello { after } => ClientFrame::Hello { after },
        RawFrame::Message {
            client_msg_id,
            text,
            payload,
        } => ClientFrame::Message(message(client_msg_id, text, payload)?),
        RawFrame::Typing { on } => ClientFrame::Typing { on },
        RawFrame::Ping {} => ClientFrame::Ping,
    })
}

/// Reads the body of a posted message.
///
/// # Errors
/// What is wrong with it.
pub fn read_message(body: &[u8]) -> Result<Message, WireError> {
    if !is_object(body) {
        return Err(no_object("not a message"));
    }
    let raw: RawMessage = serde_json::from_slice(body).map_err(|error| WireError {
        message: format!("not a message: {error}"),
        client_msg_id: id_of(body),
    })?;
    message(raw.client_msg_id, raw.text, raw.payload)
}

/// A list would be taken for the fields of an object in their order.
fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().starts_with(b"{")
}

fn no_object(what: &str) -> WireError {
    WireError {
        message: format!("{what}: it must be a JSON object"),
        client_msg_id: None,
    }
}

fn message(
    client_msg_id: String,
    text: Option<String>,
    payload: Option<String>,
) -> Result<Message, WireError> {
    let refuse = |message: &str| WireError {
        message: message.to_owned(),
        client_msg_id: Some(client_msg_id.clone()).filter(|id| id.len() <= ID_MAX),
    };
    if !is_id(&client_msg_id) {
        return Err(refuse(
            "client_msg_id must have 1 to 128 bytes and no control characters",
        ));
    }
    let content = match (text, payload) {
        (Some(text), None) if text.trim().is_empty() => {
            return Err(refuse("text must not be empty"));
        }
        (Some(text), None) => Content::Text(text),
        (None, Some(payload)) if payload.is_empty() => {
            return Err(refuse("payload must not be empty"));
        }
        (None, Some(payload)) => Content::Payload(payload),
        _ => return Err(refuse("give either text or payload")),
    };
    Ok(Message {
        client_msg_id,
        content,
    })
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_MAX && !id.chars().any(char::is_control)
}

/// The id in a frame that is otherwise wrong, so that the client can tell which one was refused.
fn id_of(json: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    let id = value.get("client_msg_id")?.as_str()?;
    is_id(id).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(id: &str, text: &str) -> Message {
        Message {
            client_msg_id: id.into(),
            content: Content::Text(text.into()),
        }
    }

    #[test]
    fn half_a_character_is_refused_with_its_place() {
        let error =
            read_message(br#"{"client_msg_id":"a","text":"x\ud83d"}"#).expect_err("refused");
        assert!(error.message.contains("hex escape"), "{}", error.message);
        assert!(error.message.contains("line 1 column"), "{}", error.message);
        let whole = read_message(br#"{"client_msg_id":"a","text":"\ud83d\ude00"}"#);
        assert_eq!(whole, Ok(text("a", "\u{1f600}")));
        let error =
            read_message(b"{\"client_msg_id\":\"a\",\"text\":\"\xff\"}").expect_err("refused");
        assert!(error.message.contains("column"), "{}", error.message);
    }

    #[test]
    fn frames_are_read() {
        for (json, frame) in [
            (r#"{"type":"hello"}"#, ClientFrame::Hello { after: 0 }),
            (
                r#"{"type":"hello","after":7}"#,
                ClientFrame::Hello { after: 7 },
            ),
            (r#"{"type":"typing"}"#, ClientFrame::Typing { on: true }),
            (
                r#"{"type":"typing","on":false}"#,
                ClientFrame::Typing { on: false },
            ),
            (r#"{"type":"ping"}"#, ClientFrame::Ping),
            (
                r#"{"type":"message","client_msg_id":"a","text":"hi"}"#,
                ClientFrame::Message(text("a", "hi")),
            ),
            (
                r#"{"payload":"yes","client_msg_id":"b","type":"message"}"#,
                ClientFrame::Message(Message {
                    client_msg_id: "b".into(),
                    content: Content::Payload("yes".into()),
                }),
            ),
        ] {
            assert_eq!(read_frame(json), Ok(frame), "{json}");
        }
    }

    #[test]
    fn wrong_frames_are_refused_and_name_the_message() {
        for (json, part, id) in [
            ("", "not a frame", None),
            ("[]", "not a frame", None),
            (r#"{"type":"shout"}"#, "unknown variant", None),
            (r#"{"type":"ping","x":1}"#, "unknown field", None),
            (r#"{"type":"hello","after":-1}"#, "invalid value", None),
            (
                r#"{"type":"message","client_msg_id":"a","text":"x","colour":1}"#,
                "unknown field",
                Some("a"),
            ),
            (
                r#"{"type":"message","client_msg_id":"a"}"#,
                "either text or payload",
                Some("a"),
            ),
            (
                r#"{"type":"message","client_msg_id":"a","text":"x","payload":"y"}"#,
                "either text or payload",
                Some("a"),
            ),
            (
                r#"{"type":"message","client_msg_id":"a","text":"  "}"#,
                "must not be empty",
                Some("a"),
            ),
            (
                r#"{"type":"message","client_msg_id":"","text":"x"}"#,
                "client_msg_id must have",
                Some(""),
            ),
        ] {
            let error = read_frame(json).expect_err(json);
            assert!(error.message.contains(part), "{json}: {error}");
            assert_eq!(error.client_msg_id.as_deref(), id, "{json}");
        }
    }

    #[test]
    fn posted_messages_are_strict_too() {
        assert_eq!(
            read_message(br#"{"client_msg_id":"a","text":"hi"}"#),
            Ok(text("a", "hi"))
        );
        for body in [
            r#"{"client_msg_id":"a","text":"hi","type":"message"}"#,
            r#"{"text":"hi"}"#,
            r#"{"client_msg_id":7,"text":"hi"}"#,
        ] {
            read_message(body.as_bytes()).expect_err(body);
        }
    }

    #[test]
    fn server_frames_are_written_as_the_contract_has_them() {
        let error = ServerFrame::Error {
            code: "rate_limited".into(),
            message: "too fast".into(),
            client_msg_id: None,
        };
        for (frame, json) in [
            (ServerFrame::Pong, r#"{"type":"pong"}"#),
            (
                ServerFrame::Ack {
                    client_msg_id: "a".into(),
                    seq: 3,
                },
                r#"{"type":"ack","client_msg_id":"a","seq":3}"#,
            ),
            (
                error,
                r#"{"type":"error","code":"rate_limited","message":"too fast"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&frame).expect("JSON"), json);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(frame in "\\PC{0,200}") {
            let _ = read_frame(&frame);
            let _ = read_message(frame.as_bytes());
        }

        #[test]
        fn what_is_said_comes_through_unchanged(said in "\\PC{0,80}[a-z]", id in "[ -~]{1,128}") {
            let json = serde_json::json!({"client_msg_id": id, "text": said}).to_string();
            prop_assert_eq!(read_message(json.as_bytes()), Ok(text(&id, &said)));
        }
    }
}
