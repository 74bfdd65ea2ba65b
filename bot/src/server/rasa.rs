//! The Rasa REST channel: its clients work unchanged.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use bellhop_connectors::rasa::{self, Button, Heard, Reply};

use super::HttpState;
use super::problem::Problem;
use crate::conversation::{Inbound, InboundBody, NewConversation};
use crate::events::{Author, CustomerEvent};

/// Longest that an answer is waited for.
const REPLY_TIMEOUT: Duration = Duration::from_secs(25);

/// `{sender, message}` to `[{recipient_id, text, buttons?}]`.
#[utoipa::path(post, path = "/webhooks/rest/webhook", tag = "channels",
    request_body(content = Object, description = "`{sender, message}`"),
    responses((status = 200, description = "a list of `{recipient_id, text, buttons?}`", body = Vec<Object>),
        (status = 400, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn hook(
    State(edge): State<HttpState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> Result<Json<Vec<Reply>>, Problem> {
    let (sender, heard) = rasa::read(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    edge.limits.message(&sender)?;
    if edge.app.known("rest", None, &sender).await?.is_none() {
        edge.limits.conversation(peer.ip())?;
    }
    let opened = edge
        .app
        .open(NewConversation {
            channel: "rest".to_owned(),
            provider_key: Some(sender.clone()),
            ..NewConversation::default()
        })
        .await?;
    // The channel has no message id, so every request is a message of its own.
    let id = edge.app.clock().id().map_err(|error| {
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        )
    })?;
    let inbound = Inbound {
        client_msg_id: id.to_string(),
        body: match heard {
            Heard::Text(text) => InboundBody::Text { text },
            Heard::Payload(payload) => InboundBody::Payload {
                payload: known(&edge, payload),
            },
        },
    };
    let accepted = edge.app.accept(&opened.conversation_id, inbound).await?;
    let events = edge
        .app
        .reply_or_later(&opened.conversation_id, accepted.seq, REPLY_TIMEOUT)
        .await?;
    let replies = events.into_iter().filter_map(|event| match event {
        CustomerEvent::Message(message) if message.from != Author::Customer => Some(Reply {
            recipient_id: sender.clone(),
            text: message.text,
            buttons: message
                .buttons
                .into_iter()
                .map(|button| Button {
                    title: button.title,
                    payload: rasa::payload(&button.payload),
                })
                .collect(),
        }),
        _ => None,
    });
    Ok(Json(replies.collect()))
}

/// This channel writes every payload with a slash; ours begin with one only where they name an intent
/// or a command.
fn known(edge: &HttpState, payload: String) -> String {
    const COMMANDS: [&str; 5] = ["human", "cancel", "repeat", "back", "start_over"];
    let name = payload.trim_start_matches('/');
    if COMMANDS.contains(&name) || edge.app.bundle().intents.contains_key(name) {
        payload
    } else {
        name.to_owned()
    }
}
