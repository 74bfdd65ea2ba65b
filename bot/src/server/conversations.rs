//! Conversations: open, say, trace.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bellhop_connectors::web::{Content, Message, read_message};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HttpState;
use super::address::Address;
use super::auth::{Staff, Token};
use super::claims::ClaimError;
use super::json::{Json, object};
use super::problem::Problem;
use crate::app::Reading;
use crate::channels::Channels;
use crate::conversation::{Inbound, InboundBody, NewConversation, TurnTrace};
use crate::error::ServiceError;
use crate::events::CustomerEvent;
use crate::handoff::Summary;
use crate::staff::TEST_CHANNEL;

/// Longest that `?wait=reply` waits.
const REPLY_TIMEOUT: Duration = Duration::from_secs(25);
/// Channels that a client may say it is without proof. Every other one is opened by its own signed webhook, and policy may
/// hang on it.
const OPEN_CHANNELS: [&str; 4] = ["web", "app", "rest", TEST_CHANNEL];
/// Longest value of a customer fact, bytes.
const FACT_BYTES: usize = 1024;

/// A conversation to open.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Open {
    /// `web` where nothing is said; one of `web`, `app`, `rest`, `test` (designers may read why a conversation
    /// on `test` went as it did), with a signed token also `voice` and what `[channels]` names.
    channel: Option<String>,
    /// Facts about the customer: `id`, `tier`, `name`, …; taken as asserted, not as proved.
    customer: BTreeMap<String, String>,
    /// Language wanted.
    language: Option<String>,
    /// The site's signed statement of who the customer is.
    token: Option<String>,
}

/// An open conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Opened {
    conversation_id: String,
    /// Bearer token of this conversation.
    token: String,
    /// What the bot says first.
    events: Vec<CustomerEvent>,
}

/// Opens a conversation.
#[utoipa::path(post, path = "/v1/conversations", tag = "conversations", request_body = Option<Open>,
    responses((status = 201, body = Opened), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn open(
    State(edge): State<HttpState>,
    Address(address): Address,
    body: Bytes,
) -> Result<(StatusCode, Json<Opened>), Problem> {
    edge.limits.conversation(address)?;
    let wanted: Open = if body.is_empty() {
        Open::default()
    } else {
        object(&body).map_err(|error| Problem::invalid(error.to_string()))?
    };
    let (customer, verified) = match &wanted.token {
        Some(token) => {
            let facts = edge.claims.read(token, edge.app.clock().now());
            let refused =
                |error: ClaimError| Problem::new(StatusCode::UNAUTHORIZED, error.to_string());
            (facts.map_err(refused)?, true)
        }
        None => (wanted.customer, false),
    };
    if customer
        .iter()
        .any(|(name, value)| name.len() + value.len() > FACT_BYTES)
    {
        return Err(Problem::invalid(format!(
            "a fact about the customer may have {FACT_BYTES} bytes"
        )));
    }
    let channel = wanted.channel.unwrap_or_else(|| "web".to_owned());
    check_channel(&channel, verified, edge.app.channels())?;
    let new = NewConversation {
        channel,
        customer,
        verified,
        language: wanted.language,
        ..NewConversation::default()
    };
    let opened = edge.app.open(new).await?;
    let answer = Opened {
        conversation_id: opened.conversation_id,
        token: opened.token,
        events: opened.events,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// A channel is one of a set that is known, so that no policy, setting or measure by channels can be got around with a name of one's
/// own.
fn check_channel(channel: &str, verified: bool, accounts: &Channels) -> Result<(), Problem> {
    let mut known: Vec<&str> = OPEN_CHANNELS.to_vec();
    if verified {
        known.push("voice");
        known.extend(accounts.names());
    }
    if known.contains(&channel) {
        return Ok(());
    }
    known.dedup();
    let whose = if verified {
        ""
    } else {
        "without a signed token "
    };
    Err(Problem::invalid(format!(
        "{whose}a conversation can't be opened on the channel `{channel}`; it is one of {}",
        known.join(", ")
    )))
}

/// `?wait=reply`.
#[derive(Debug, Deserialize)]
pub(super) struct Wait {
    wait: Option<String>,
}

/// A message as a client posts it: `text` or `payload`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body; the connector reads it")]
pub(super) struct MessageBody {
    /// The client's own id for it.
    client_msg_id: String,
    /// Typed text.
    text: Option<String>,
    /// Payload of a button.
    payload: Option<String>,
}

/// A stored message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stored {
    /// Its place in the journal.
    seq: u64,
    /// What it caused; only with `?wait=reply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    replies: Option<Vec<CustomerEvent>>,
}

/// Says something. 202 once it is durable; with `?wait=reply` 200 with the replies.
#[utoipa::path(post, path = "/v1/conversations/{id}/messages", tag = "conversations",
    params(("id" = String, Path), ("wait" = Option<String>, Query, description = "`reply` waits for the replies")),
    request_body = MessageBody,
    responses((status = 200, body = Stored), (status = 202, body = Stored), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn post(
    State(edge): State<HttpState>,
    Path(id): Path<String>,
    Query(Wait { wait }): Query<Wait>,
    Token(token): Token,
    body: Bytes,
) -> Result<Response, Problem> {
    edge.app.check_token(&id, &token).await?;
    edge.limits.message(&id)?;
    let message = read_message(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    let accepted = edge.app.accept(&id, inbound(message)).await?;
    let seq = accepted.seq;
    if wait.as_deref() != Some("reply") {
        return Ok((StatusCode::ACCEPTED, Json(Stored { seq, replies: None })).into_response());
    }
    match edge.app.reply(&id, seq, REPLY_TIMEOUT).await {
        Ok(reply) => {
            let replies = Some(reply.events);
            Ok(Json(Stored { seq, replies }).into_response())
        }
        // It is stored and will be answered: the caller finds the answer among the events.
        Err(ServiceError::StillWorking) => {
            Ok((StatusCode::ACCEPTED, Json(Stored { seq, replies: None })).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// A message of the web's wire format as the app takes it.
pub(super) fn inbound(message: Message) -> Inbound {
    Inbound {
        client_msg_id: message.client_msg_id,
        body: match message.content {
            Content::Text(text) => InboundBody::Text { text },
            Content::Payload(payload) => InboundBody::Payload { payload },
        },
    }
}

/// Why each turn went as it did.
#[utoipa::path(get, path = "/v1/conversations/{id}/trace", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = Vec<TurnTrace>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn trace(
    State(edge): State<HttpState>,
    Path(id): Path<String>,
    Staff { agent, .. }: Staff,
) -> Result<Json<Vec<TurnTrace>>, Problem> {
    edge.app.reads(&agent, &id, Reading::Trace).await?;
    Ok(Json(edge.app.trace(&id).await?))
}

/// The customer-record summary of a conversation, handed over or not.
#[utoipa::path(get, path = "/v1/conversations/{id}/summary", tag = "conversations", params(("id" = String, Path)),
    responses((status = 200, body = Summary), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn summary(
    State(edge): State<HttpState>,
    Path(id): Path<String>,
    Staff { agent, .. }: Staff,
) -> Result<Json<Summary>, Problem> {
    edge.app.reads(&agent, &id, Reading::Summary).await?;
    Ok(Json(edge.app.conversation_summary(&id).await?))
}
