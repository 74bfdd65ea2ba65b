//! The desk: who is signed in, who waits, and the stream of changes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, SelectAll, Stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_stream::wrappers::BroadcastStream;
use utoipa::ToSchema;

use super::HttpState;
use super::address::Address;
use super::auth::Staff;
use super::events::unbuffered;
use super::json::Json;
use super::problem::Problem;
use crate::app::{AtDesk, Watched};
use crate::error::ServiceError;
use crate::handoff::listing::{Assigned, Waiting};
use crate::hub::Live;
use crate::staff::{Agent, Role, Roster};

/// Silence after which a comment is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A one-time code.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Code {
    /// From the printed link, or from an invitation.
    code: String,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignedIn {
    /// Bearer token, good for twelve hours.
    token: String,
    agent: Agent,
}

/// Exchanges a one-time code for a session.
#[utoipa::path(post, path = "/v1/desk/sign-in", tag = "desk", request_body = Code,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn sign_in(
    State(edge): State<HttpState>,
    Address(address): Address,
    Json(Code { code }): Json<Code>,
) -> Result<Json<SignedIn>, Problem> {
    edge.limits.sign_in(address)?;
    let entered = edge.app.staff_sign_in(&code).await;
    if entered == Err(ServiceError::Unauthorized) {
        metrics::counter!("bellhop_sign_ins_refused_total").increment(1);
        if edge.limits.is_refusal_noted() {
            edge.app.note_refused_sign_in(&address.to_string()).await;
        }
    }
    let session = entered?;
    Ok(Json(SignedIn {
        token: session.token,
        agent: session.agent,
    }))
}

/// Somebody to let in.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Invite {
    /// Name that customers will see.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// What they may do.
    role: Role,
}

/// Lets somebody in: a one-time code, good for a day.
#[utoipa::path(post, path = "/v1/desk/invites", tag = "desk", request_body = Invite,
    responses((status = 201, body = Object), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn invite(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Json(Invite { name, role }): Json<Invite>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let code = edge.app.staff_invite_by(&agent, &name, role).await?;
    Ok((
        StatusCode::CREATED,
        Json(json!({ "code": code, "path": format!("/desk#code={code}") })),
    ))
}

/// Who is let in, and who may come.
#[utoipa::path(get, path = "/v1/desk/staff", tag = "desk",
    responses((status = 200, body = Roster), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn roster(State(edge): State<HttpState>) -> Result<Json<Roster>, Problem> {
    Ok(Json(edge.app.roster().await?))
}

/// Puts somebody out with all that lets them in, ends a session, or voids an invitation: whatever has this id.
#[utoipa::path(delete, path = "/v1/desk/staff/{id}", tag = "desk",
    params(("id" = String, Path, description = "a member's, a session's or an invitation's, as they are listed")),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn revoke(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    edge.app.staff_revoke(&agent, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session.
#[utoipa::path(post, path = "/v1/desk/sign-out", tag = "desk",
    responses((status = 204), (status = 401, body = Problem)))]
pub(super) async fn sign_out(
    State(edge): State<HttpState>,
    staff: Staff,
) -> Result<StatusCode, Problem> {
    edge.app.staff_sign_out(&staff.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who I am.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    agent: Agent,
    /// `available` or `away`.
    status: &'static str,
}

/// Who the session belongs to.
#[utoipa::path(get, path = "/v1/desk/me", tag = "desk",
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub(super) async fn me(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
) -> Result<Json<Me>, Problem> {
    let available = edge.app.available(&agent).await?;
    let status = if available { "available" } else { "away" };
    Ok(Json(Me { agent, status }))
}

/// `available` or `away`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Takes conversations.
    Available,
    /// Does not.
    Away,
}

/// A status to take.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewStatus {
    status: Status,
}

/// Takes conversations, or not.
#[utoipa::path(put, path = "/v1/desk/status", tag = "desk", request_body = NewStatus,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn status(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Json(NewStatus { status }): Json<NewStatus>,
) -> Result<StatusCode, Problem> {
    edge.app
        .set_available(&agent, status == Status::Available)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the desk shows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Board {
    /// Everyone waiting, in the order they will be served.
    waiting: Vec<Waiting>,
    /// What I have.
    mine: Vec<Assigned>,
    /// Flows a customer can be returned to.
    flows: Vec<FlowChoice>,
    /// Queues that a conversation can be transferred to.
    queues: Vec<QueueChoice>,
}

/// A flow to return to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FlowChoice {
    id: String,
    title: String,
}

/// A queue to transfer to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueueChoice {
    name: String,
    title: String,
}

/// Who waits, what I have, and where things can go.
#[utoipa::path(get, path = "/v1/desk/queue", tag = "desk",
    responses((status = 200, body = Board), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn queue(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
) -> Result<Json<Board>, Problem> {
    let bundle = edge.app.bundle();
    let said = |titles: &BTreeMap<String, String>, name: &str| {
        let first = bundle
            .languages
            .first()
            .and_then(|language| titles.get(language));
        first.cloned().unwrap_or_else(|| name.to_owned())
    };
    // Only flows with an intent can be begun by themselves; the others are parts of these.
    let flows = bundle
        .flows
        .iter()
        .filter(|(_, flow)| flow.start.is_some())
        .map(|(id, flow)| FlowChoice {
            id: id.clone(),
            title: said(&flow.title, id),
        })
        .collect();
    let queues = bundle
        .queues
        .iter()
        .map(|(name, queue)| QueueChoice {
            name: name.clone(),
            title: said(&queue.title, name),
        })
        .collect();
    Ok(Json(Board {
        waiting: edge.app.queue().await?,
        mine: edge.app.mine(&agent).await?,
        flows,
        queues,
    }))
}

type News = BoxStream<'static, Value>;

/// Changes as they come: `{type: "queue"}`; the events of the conversations I have (`conversation`), or that one of them has
/// more that is to be read (`more`); how a message of ours stands on its way (`delivery`, with `seq`, `state` and `reason`):
/// unless it failed, all that was said before it is at least as far. The stream ends with
/// the session.
#[utoipa::path(get, path = "/v1/desk/events", tag = "desk",
    responses((status = 200, description = "server-sent events", content_type = "text/event-stream"),
        (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn events(
    State(edge): State<HttpState>,
    Staff { agent, token }: Staff,
) -> Result<
    (
        HeaderMap,
        Sse<impl Stream<Item = Result<Event, Infallible>>>,
    ),
    Problem,
> {
    let session = edge.app.watch_session(&token).await?;
    let session = session.ok_or_else(Problem::unauthorized)?;
    let changes = edge.app.desk_changes();
    let mut desk = DeskNews {
        session,
        _open: edge.app.at_desk(&agent),
        edge,
        agent,
        followed: BTreeMap::new(),
        news: SelectAll::new(),
    };
    // A lagging receiver has missed changes, not facts: one more look at the queue makes up for it.
    desk.news.push(
        BroadcastStream::new(changes)
            .map(|_| json!({ "type": "queue" }))
            .boxed(),
    );
    desk.follow_mine().await;
    let events = stream::unfold(desk, |mut desk| async move {
        let stop = desk.edge.stop.clone();
        let news = tokio::select! {
            () = stop.cancelled() => return None,
            () = desk.session.over() => return None,
            news = desk.news.next() => news?,
        };
        if desk.session.is_over() {
            return None;
        }
        if news["type"] == "queue" {
            desk.follow_mine().await;
        }
        let event = Event::default().json_data(&news).ok()?;
        Some((Ok(event), desk))
    });
    Ok((
        unbuffered(),
        Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)),
    ))
}

/// What one agent's desk follows.
struct DeskNews {
    /// Nothing is told any more once it is over.
    session: Watched,
    /// The page counts as open for as long as it listens.
    _open: AtDesk,
    edge: HttpState,
    agent: Agent,
    /// Handoff to conversation.
    followed: BTreeMap<String, String>,
    news: SelectAll<News>,
}

impl DeskNews {
    /// Follows the conversations that the agent has since they had them.
    async fn follow_mine(&mut self) {
        let Ok(mine) = self.edge.app.mine(&self.agent).await else {
            return;
        };
        let gone = |id: &String| !mine.iter().any(|row| &row.handoff_id == id);
        self.followed.retain(|id, _| !gone(id));
        for row in mine {
            let known = self
                .followed
                .insert(row.handoff_id.clone(), row.conversation_id.clone());
            if known.is_some() {
                continue;
            }
            let Ok(live) = self.edge.app.subscribe(&row.conversation_id) else {
                continue;
            };
            let id = row.handoff_id;
            self.news.push(
                BroadcastStream::new(live)
                    .map(move |event| match event {
                        Ok(Live::Event(event)) => {
                            json!({ "type": "conversation", "handoff_id": &id, "event": event })
                        }
                        Ok(Live::Delivery(news)) => {
                            json!({ "type": "delivery", "handoff_id": &id, "seq": news.seq,
                                "state": news.state, "reason": news.reason })
                        }
                        // Missed some, or another process has them: the desk reads the conversation again.
                        Ok(Live::More(_)) | Err(_) => json!({ "type": "more", "handoff_id": &id }),
                    })
                    .boxed(),
            );
        }
    }
}
