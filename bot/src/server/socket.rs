//! The web socket of a conversation: the same events, both ways.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bellhop_connectors::web::{ClientFrame, ServerFrame, read_frame};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;

use super::HttpState;
use super::auth::Token;
use super::conversations::inbound;
use super::events::EventStream;
use super::origin;
use super::problem::Problem;
use crate::error::ServiceError;

/// Largest frame, bytes: a message of 16 KiB, escaped.
const FRAME_BYTES: usize = 128 * 1024;
/// Longest that a client may take to take a frame before it counts as gone.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// Silence after which a client counts as gone; the widget pings far more often.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// Opens the web socket of a conversation. The first frame is `hello` with the last seq known.
#[utoipa::path(get, path = "/v1/conversations/{id}/socket", tag = "conversations",
    params(("id" = String, Path), ("token" = Option<String>, Query, description = "the conversation's token")),
    responses((status = 101, description = "web socket"), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn open(
    State(edge): State<HttpState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Token(token): Token,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    origin::check(&edge, &headers)?;
    edge.app.check_token(&id, &token).await?;
    let upgrade = upgrade
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(FRAME_BYTES)
        .max_frame_size(FRAME_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let (sink, frames) = socket.split();
        let mut talk = SocketSession { edge, id, sink };
        let reason = talk.run(frames).await;
        let _ = talk.sink.send(Frame::Close(Some(reason))).await;
    }))
}

struct SocketSession {
    edge: HttpState,
    id: String,
    sink: SplitSink<WebSocket, Frame>,
}

impl SocketSession {
    async fn run(&mut self, mut frames: SplitStream<WebSocket>) -> CloseFrame {
        let mut follow: Option<EventStream> = None;
        loop {
            let next = async {
                match &mut follow {
                    Some(follow) => follow.next().await,
                    None => std::future::pending().await,
                }
            };
            let went = tokio::select! {
                () = self.edge.stop.cancelled() => return close(close_code::RESTART, "restarting: resume"),
                event = next => match event {
                    Ok(Some(event)) => self.send(&event).await,
                    Ok(None) => Err(close(close_code::RESTART, "restarting: resume")),
                    Err(error) => Err(close(close_code::AGAIN, &error.to_string())),
                },
                frame = tokio::time::timeout(SILENCE_LIMIT, frames.next()) => match frame {
                    Ok(Some(Ok(frame))) => self.frame(frame, &mut follow).await,
                    Ok(_) => Err(close(close_code::NORMAL, "")),
                    Err(_) => Err(close(close_code::AWAY, "no frame for too long")),
                },
            };
            if let Err(reason) = went {
                return reason;
            }
        }
    }

    async fn frame(
        &mut self,
        frame: Frame,
        follow: &mut Option<EventStream>,
    ) -> Result<(), CloseFrame> {
        let text = match frame {
            Frame::Text(text) => text,
            Frame::Binary(_) => return Err(close(close_code::UNSUPPORTED, "text frames only")),
            Frame::Close(_) => return Err(close(close_code::NORMAL, "")),
            Frame::Ping(_) | Frame::Pong(_) => return Ok(()),
        };
        match read_frame(&text) {
            Ok(ClientFrame::Hello { after }) => {
                let started = EventStream::after(&self.edge.app, &self.id, after);
                *follow =
                    Some(started.map_err(|error| close(close_code::POLICY, &error.to_string()))?);
                Ok(())
            }
            Ok(ClientFrame::Ping) => self.send(&ServerFrame::Pong).await,
            Ok(ClientFrame::Typing { on }) => {
                // Not worth an error frame: the next message matters, this does not.
                let _ = self.edge.app.customer_typing(&self.id, on).await;
                Ok(())
            }
            Ok(ClientFrame::Message(message)) => {
                let client_msg_id = message.client_msg_id.clone();
                let taken = match self.edge.limits.message(&self.id) {
                    Ok(()) => self.edge.app.accept(&self.id, inbound(message)).await,
                    Err(problem) => Err(ServiceError::TooMany {
                        message: problem.detail().to_owned(),
                    }),
                };
                match taken {
                    Ok(accepted) => {
                        let seq = accepted.seq;
                        self.send(&ServerFrame::Ack { client_msg_id, seq }).await
                    }
                    Err(error) => self.refuse(error, Some(client_msg_id)).await,
                }
            }
            Err(error) => {
                self.send(&ServerFrame::Error {
                    code: "invalid".to_owned(),
                    message: error.message,
                    client_msg_id: error.client_msg_id,
                })
                .await
            }
        }
    }

    async fn refuse(
        &mut self,
        error: ServiceError,
        client_msg_id: Option<String>,
    ) -> Result<(), CloseFrame> {
        let code = match &error {
            ServiceError::TooMany { .. } => "rate_limited",
            ServiceError::Invalid { .. } => "invalid",
            ServiceError::IdReused { .. } | ServiceError::Conflict { .. } => "conflict",
            ServiceError::Closed => "closed",
            ServiceError::NotFound { .. }
            | ServiceError::Unauthorized
            | ServiceError::Forbidden { .. } => "not_found",
            ServiceError::Unavailable { .. }
            | ServiceError::Gone { .. }
            | ServiceError::Provider { .. }
            | ServiceError::Store { .. }
            | ServiceError::System { .. }
            | ServiceError::StillWorking => "unavailable",
        };
        self.send(&ServerFrame::Error {
            code: code.to_owned(),
            message: error.to_string(),
            client_msg_id,
        })
        .await
    }

    async fn send<T: Serialize>(&mut self, frame: &T) -> Result<(), CloseFrame> {
        let text = serde_json::to_string(frame)
            .map_err(|error| close(close_code::ERROR, &error.to_string()))?;
        let sent = tokio::time::timeout(SEND_LIMIT, self.sink.send(Frame::Text(text.into()))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(close(close_code::AWAY, "too slow: resume")),
        }
    }
}

/// A close frame; its reason may have 123 bytes (RFC 6455, section 5.5).
fn close(code: u16, reason: &str) -> CloseFrame {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame {
        code,
        reason: reason[..end].into(),
    }
}
