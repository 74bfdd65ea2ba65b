//! One handoff: its envelope, and what an agent does with it.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HttpState;
use super::auth::Staff;
use super::json::Json;
use super::problem::Problem;
use crate::app::Reading;
use crate::handoff::{Envelope, Summary};

/// The whole context of a handoff.
#[utoipa::path(get, path = "/v1/handoffs/{id}", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = Envelope), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn envelope(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
) -> Result<Json<Envelope>, Problem> {
    edge.app
        .reads_handoff(&agent, &id, Reading::Envelope)
        .await?;
    Ok(Json(edge.app.envelope(&id).await?))
}

/// The customer-record summary of a handoff.
#[utoipa::path(get, path = "/v1/handoffs/{id}/summary", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = Summary), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn summary(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
) -> Result<Json<Summary>, Problem> {
    edge.app
        .reads_handoff(&agent, &id, Reading::Summary)
        .await?;
    Ok(Json(edge.app.summary(&id).await?))
}

/// A conversation as the desk shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenedHandoff {
    envelope: Envelope,
    /// A first reply to send or to change.
    suggested_reply: String,
    /// The note of the wrap-up, pre-filled.
    wrap_up_draft: String,
}

/// Reads a handoff for the desk.
#[utoipa::path(get, path = "/v1/desk/handoffs/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, body = OpenedHandoff), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn read(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
) -> Result<Json<OpenedHandoff>, Problem> {
    edge.app
        .reads_handoff(&agent, &id, Reading::Envelope)
        .await?;
    Ok(Json(OpenedHandoff {
        envelope: edge.app.envelope(&id).await?,
        suggested_reply: edge.app.suggested_reply(&id).await?,
        wrap_up_draft: edge.app.wrap_up_draft(&id).await?,
    }))
}

/// Takes a waiting conversation; 409 names who was quicker.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/accept", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, body = Envelope), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn accept(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
) -> Result<Json<Envelope>, Problem> {
    Ok(Json(edge.app.take(&id, &agent).await?))
}

/// Leaves a waiting conversation to somebody else. Nobody is offered one for themselves yet, so there
/// is nothing to change.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/decline", tag = "desk", params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn decline(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    edge.app.may_read_handoff(&agent, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an agent says.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Saying {
    /// The desk's own id: the same again does nothing twice.
    #[schema(min_length = 1, max_length = 200)]
    client_msg_id: String,
    #[schema(min_length = 1)]
    text: String,
}

/// A stored message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoredReply {
    seq: u64,
}

/// Says something to the customer.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/reply", tag = "desk", params(("id" = String, Path)),
    request_body = Saying,
    responses((status = 200, body = StoredReply), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn reply(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
    Json(said): Json<Saying>,
) -> Result<Json<StoredReply>, Problem> {
    let accepted = edge
        .app
        .agent_say(&id, &agent, &said.client_msg_id, &said.text)
        .await?;
    Ok(Json(StoredReply { seq: accepted.seq }))
}

/// A note.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NoteText {
    #[schema(min_length = 1)]
    text: String,
}

/// Keeps a note between staff.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/note", tag = "desk", params(("id" = String, Path)),
    request_body = NoteText,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn note(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
    Json(note): Json<NoteText>,
) -> Result<StatusCode, Problem> {
    edge.app.may_read_handoff(&agent, &id).await?;
    edge.app.agent_note(&id, &agent, &note.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Typing began or ended.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Typing {
    on: bool,
}

impl Default for Typing {
    fn default() -> Self {
        Self { on: true }
    }
}

/// Tells the customer that the agent is typing.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/typing", tag = "desk", params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn typing(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let typing: Typing = serde_json::from_slice(&body).unwrap_or_default();
    edge.app.agent_typing(&id, &agent, typing.on).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where it goes, with a note.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Transfer {
    queue: String,
    #[serde(default)]
    note: String,
}

/// The handoff that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Moved {
    handoff_id: String,
}

/// Moves the conversation to another queue.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/transfer", tag = "desk", params(("id" = String, Path)),
    request_body = Transfer,
    responses((status = 200, body = Moved), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn transfer(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
    Json(to): Json<Transfer>,
) -> Result<Json<Moved>, Problem> {
    let handoff_id = edge.app.transfer(&id, &agent, &to.queue, &to.note).await?;
    Ok(Json(Moved { handoff_id }))
}

/// Where the customer goes on.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Return {
    /// Flow to begin; none lets the bot ask.
    #[serde(default)]
    flow: Option<String>,
}

/// Hands the customer back to the bot.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/return", tag = "desk", params(("id" = String, Path)),
    request_body = Return,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn give_back(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
    Json(to): Json<Return>,
) -> Result<StatusCode, Problem> {
    let flow = to.flow.as_deref().filter(|flow| !flow.is_empty());
    edge.app.return_to_bot(&id, &agent, flow).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How it ended.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct WrapUp {
    note: String,
    resolved: bool,
}

/// Ends the person's part; the bot asks how it was.
#[utoipa::path(post, path = "/v1/desk/handoffs/{id}/wrap-up", tag = "desk", params(("id" = String, Path)),
    request_body = WrapUp,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn wrap_up(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
    Json(end): Json<WrapUp>,
) -> Result<StatusCode, Problem> {
    edge.app
        .wrap_up(&id, &agent, &end.note, end.resolved)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
