//! Who calls: a customer with the token of their conversation, or staff with a session.

use axum::extract::{FromRequestParts, Query};
use axum::http::header;
use axum::http::request::Parts;
use serde::Deserialize;

use super::HttpState;
use super::problem::Problem;
use crate::staff::{Agent, Role};

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
        if let Some(token) = bearer(parts) {
            return Ok(Self(token));
        }
        let query = Query::<TokenQuery>::from_request_parts(parts, state).await;
        match query {
            Ok(Query(TokenQuery { token: Some(token) })) => Ok(Self(token)),
            _ => Err(Problem::unauthorized()),
        }
    }
}

fn bearer(parts: &Parts) -> Option<String> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// A signed-in member of staff. Never from `?token=`: addresses end up in logs.
pub(super) struct Staff(pub(super) Agent);

impl FromRequestParts<HttpState> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &HttpState) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or_else(Problem::unauthorized)?;
        let agent = edge.app.staff(&token).await?;
        agent.map(Self).ok_or_else(Problem::unauthorized)
    }
}

impl Staff {
    /// Goes on only with at least this role.
    pub(super) fn at_least(self, role: Role) -> Result<Agent, Problem> {
        if self.0.role >= role {
            Ok(self.0)
        } else {
            Err(Problem::forbidden(format!("this needs the role {role:?}")))
        }
    }
}
