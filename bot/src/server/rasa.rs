//! The Rasa REST channel: its clients work unchanged.
//!
//! Whoever reaches it says by themselves who they are, so it is open to this machine alone until it is switched on or has a token.

use std::sync::Once;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use bellhop_connectors::rasa::{self, Button, Heard, Reply};
use bellhop_connectors::verify;

use super::HttpState;
use super::address::Address;
use super::auth::Token;
use super::origin;
use super::problem::{Problem, nothing_at};
use crate::conversation::{Inbound, InboundBody, NewConversation};
use crate::events::{Author, CustomerEvent};

/// Longest that an answer is waited for.
const REPLY_TIMEOUT: Duration = Duration::from_secs(25);

/// `{sender, message}` to `[{recipient_id, text, buttons?}]`.
#[utoipa::path(post, path = "/webhooks/rest/webhook", tag = "channels",
    request_body(content = Object, description = "`{sender, message}`"),
    params(("token" = Option<String>, Query, description = "`rest.token`, where one is set and no header is sent")),
    responses((status = 200, description = "a list of `{recipient_id, text, buttons?}`", body = Vec<Object>),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 415, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn hook(
    State(edge): State<HttpState>,
    Address(address): Address,
    uri: Uri,
    headers: HeaderMap,
    token: Result<Token, Problem>,
    body: Bytes,
) -> Result<Json<Vec<Reply>>, Problem> {
    is_on(&edge, &uri, &headers)?;
    origin::check(&edge, &headers)?;
    opens(&edge, token)?;
    is_json(&headers)?;
    let (sender, heard) = rasa::read(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    // A sender is called as they like, and no conversation is: neither may use up what another may send.
    edge.limits.message(&format!("rest {sender}"))?;
    if edge.app.known("rest", None, &sender).await?.is_none() {
        edge.limits.conversation(address)?;
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
    let id = edge
        .app
        .clock()
        .id()
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
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

/// Refuses everybody while the channel is switched off; how to switch it on is the operator's business alone.
fn is_on(edge: &HttpState, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    static TOLD: Once = Once::new();
    // On by default it is for this machine, and a proxy on it speaks for others.
    let is_said = edge.config.rest.enabled.is_some() || edge.config.rest.token.is_set();
    let forwarded = ["forwarded", "x-forwarded-for", "via"];
    let is_forwarded = forwarded.iter().any(|name| headers.contains_key(*name));
    if edge.config.rest_is_on() && (is_said || !is_forwarded) {
        return Ok(());
    }
    TOLD.call_once(|| {
        tracing::warn!(
            "somebody asks for the Rasa REST channel, which is off; rest.token = \"…\" opens it to who knows the token, \
             rest.enabled = true to everybody"
        );
    });
    Err(nothing_at(uri))
}

/// Refuses who does not know the token, where one is set.
fn opens(edge: &HttpState, token: Result<Token, Problem>) -> Result<(), Problem> {
    let live = edge.config.rest.token.live();
    if live.is_empty() {
        return Ok(());
    }
    match verify::shared(&live, &token?.0) {
        true => Ok(()),
        false => Err(Problem::unauthorized()),
    }
}

/// Refuses what says that it is something else: a page of another site can post a form, and text, without asking first.
fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "post JSON and say so: `content-type: application/json`",
        )),
    }
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
