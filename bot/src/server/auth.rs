//! Who calls: a customer with the token of their conversation, or staff with a session.

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;

use super::HttpState;
use super::problem::Problem;
use crate::staff::{Agent, Permission};

/// The bearer token of a request: in `Authorization`, or in `?token=` where a browser can't set
/// headers (web sockets), and as Rasa's own server takes it.
pub(super) struct Token(pub(super) String);

#[derive(Deserialize)]
struct TokenQuery {
    token: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(token) = bearer(&parts.headers) {
            return Ok(Self(token));
        }
        let query = Query::<TokenQuery>::from_request_parts(parts, state).await;
        match query {
            Ok(Query(TokenQuery { token: Some(token) })) => Ok(Self(token)),
            _ => Err(Problem::unauthorized()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// A signed-in member of staff, whom [`admit`] has let through to a route.
#[derive(Clone)]
pub(super) struct Staff {
    pub(super) agent: Agent,
    /// What they have shown.
    pub(super) token: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let admitted = parts.extensions.get::<Self>().cloned();
        admitted.ok_or_else(Problem::unauthorized)
    }
}

/// Lets through to a route who is signed in and has the permission that it needs. The token is never taken from `?token=`:
/// addresses end up in logs.
pub(super) async fn admit(
    State((edge, needed)): State<(HttpState, Permission)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let token = bearer(request.headers()).ok_or_else(Problem::unauthorized)?;
    let agent = edge.app.staff(&token).await?;
    let agent = agent.ok_or_else(Problem::unauthorized)?;
    if !agent.role.may(needed) {
        let asked = format!("{} {}", request.method(), request.uri().path());
        edge.app.note_refused(&agent, needed, &asked).await;
        return Err(Problem::forbidden(format!(
            "the role {} may not do this; it needs the permission {needed:?}",
            agent.role.name()
        )));
    }
    request.extensions_mut().insert(Staff { agent, token });
    Ok(next.run(request).await)
}
