//! A conversation's events as a stream: first what was missed, then what comes.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::HttpState;
use super::auth::Token;
use super::problem::Problem;
use crate::app::App;
use crate::error::ServiceError;
use crate::events::{Author, CustomerEvent};
use crate::hub::Live;

/// Silence after which a comment is sent, so that proxies keep the connection and a client notices a
/// dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Follows one conversation. Nothing is missed and nothing comes twice: it listens first, reads the
/// journal after, and drops what it has seen.
pub(super) struct EventStream {
    app: App,
    conversation: String,
    live: Receiver<Live>,
    /// Read and not yet given, latest first.
    backlog: Vec<CustomerEvent>,
    last: u64,
    /// There may be more in the journal than was read.
    behind: bool,
    /// The place in the line was told that counted when this began.
    placed: bool,
}

impl EventStream {
    /// Follows from after `seq`.
    ///
    /// # Errors
    /// No such conversation.
    pub(super) fn after(app: &App, conversation: &str, seq: u64) -> Result<Self, ServiceError> {
        Ok(Self {
            live: app.subscribe(conversation)?,
            app: app.clone(),
            conversation: conversation.to_owned(),
            backlog: Vec::new(),
            last: seq,
            behind: true,
            placed: false,
        })
    }

    /// The next event; none when the program ends.
    ///
    /// # Errors
    /// The store is away.
    pub(super) async fn next(&mut self) -> Result<Option<CustomerEvent>, ServiceError> {
        loop {
            if let Some(event) = self.backlog.pop() {
                self.last = event.seq().unwrap_or(self.last);
                return Ok(Some(event));
            }
            if self.behind {
                self.backlog = self.app.events(&self.conversation, self.last).await?;
                self.backlog.reverse();
                self.behind = !self.backlog.is_empty();
                continue;
            }
            if !std::mem::replace(&mut self.placed, true)
                && let Some(place) = self.app.position(&self.conversation).await?
            {
                return Ok(Some(place));
            }
            match self.live.recv().await {
                Ok(Live::More(seq)) => self.behind = seq > self.last,
                // For the desk: customers know what they have read.
                Ok(Live::Delivery(_)) => {}
                Ok(Live::Event(event)) => match event.seq() {
                    // Customers know that they are typing; this is for the desk.
                    None if is_own_typing(&event) => {}
                    None => return Ok(Some(event)),
                    Some(seq) if seq > self.last => {
                        self.last = seq;
                        return Ok(Some(event));
                    }
                    Some(_) => {}
                },
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }
}

fn is_own_typing(event: &CustomerEvent) -> bool {
    matches!(event, CustomerEvent::Typing(typing) if typing.from == Author::Customer)
}

/// `?after=`.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

/// The headers of a stream: no cache, and no buffering in a proxy.
pub(super) fn unbuffered() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    headers
}

/// Events after a seq, as server-sent events; `Last-Event-ID` resumes as well.
#[utoipa::path(get, path = "/v1/conversations/{id}/events", tag = "conversations",
    params(("id" = String, Path), ("after" = Option<u64>, Query, description = "seq after which events are wanted")),
    responses((status = 200, description = "server-sent events", content_type = "text/event-stream", body = CustomerEvent),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn stream(
    State(edge): State<HttpState>,
    Path(id): Path<String>,
    Query(After { after }): Query<After>,
    Token(token): Token,
    headers: HeaderMap,
) -> Result<
    (
        HeaderMap,
        Sse<impl Stream<Item = Result<Event, Infallible>>>,
    ),
    Problem,
> {
    edge.app.check_token(&id, &token).await?;
    let resumed = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let follow = EventStream::after(&edge.app, &id, resumed.unwrap_or(0).max(after))?;
    let events = stream::unfold(
        (follow, edge.stop.clone()),
        |(mut follow, stop)| async move {
            let event = tokio::select! {
                () = stop.cancelled() => return None,
                event = follow.next() => event,
            };
            // A store that is away ends the stream: the client resumes from its last seq.
            let event = event.ok()??;
            let mut sent = Event::default();
            if let Some(seq) = event.seq() {
                sent = sent.id(seq.to_string());
            }
            let sent = sent.json_data(&event).ok()?;
            Some((Ok(sent), (follow, stop)))
        },
    );
    // Some proxies hold back the head of an answer until there is a body.
    let alive = stream::once(async { Ok(Event::default().comment("here")) });
    let events = alive.chain(events);
    Ok((
        unbuffered(),
        Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)),
    ))
}
