//! Errors as problem documents (RFC 9457).

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ServiceError, TakeError};

/// The type of a problem document.
pub(super) const KIND: &str = "application/problem+json";
/// Most that is told of what the framework says, bytes.
const SAID_BYTES: usize = 1024;

/// A problem document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Words of the status.
    title: &'static str,
    /// The status.
    status: u16,
    /// What happened and what to do.
    detail: String,
}

impl Problem {
    /// Makes one.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    /// 401.
    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "a bearer token that opens this is needed",
        )
    }

    /// 403.
    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 400.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 429.
    pub(super) fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
    }

    /// What went wrong.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let status = match &error {
            ServiceError::NotFound { .. } => StatusCode::NOT_FOUND,
            ServiceError::Unauthorized => StatusCode::UNAUTHORIZED,
            ServiceError::Forbidden { .. } => StatusCode::FORBIDDEN,
            ServiceError::Conflict { .. } | ServiceError::IdReused { .. } => StatusCode::CONFLICT,
            ServiceError::Closed | ServiceError::Gone { .. } => StatusCode::GONE,
            ServiceError::Provider { .. } => StatusCode::BAD_GATEWAY,
            ServiceError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            ServiceError::Invalid { .. } => StatusCode::BAD_REQUEST,
            ServiceError::Unavailable { .. }
            | ServiceError::Store { .. }
            | ServiceError::System { .. } => StatusCode::SERVICE_UNAVAILABLE,
            ServiceError::StillWorking => StatusCode::GATEWAY_TIMEOUT,
        };
        Self::new(status, error.to_string())
    }
}

impl From<TakeError> for Problem {
    fn from(error: TakeError) -> Self {
        match error {
            TakeError::Service(error) => error.into(),
            taken @ TakeError::AlreadyTaken { .. } => {
                Self::new(StatusCode::CONFLICT, taken.to_string())
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            axum::http::HeaderValue::from_static(KIND),
        );
        if matches!(self.status, 429 | 503) {
            headers.insert(
                header::RETRY_AFTER,
                axum::http::HeaderValue::from_static("1"),
            );
        }
        response
    }
}

/// Makes a problem document of a refusal that is none yet: what the framework says to a wrong method, an address or a body that
/// can't be read, one too long.
pub(super) async fn documented(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_told = kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    if is_told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = axum::body::to_bytes(body, SAID_BYTES)
        .await
        .unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            "this address does not take this method; the header Allow names those that it takes"
        }
        StatusCode::PAYLOAD_TOO_LARGE => "the body is longer than this address takes; send less",
        _ if said.trim().is_empty() => "the request can't be served; /openapi.json says what can",
        _ => said.trim(),
    };
    let (problem, body) = Problem::new(status, detail).into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.extend(problem.headers);
    Response::from_parts(parts, body)
}

/// What no route matches.
pub(super) async fn not_found(uri: Uri) -> Problem {
    nothing_at(&uri)
}

/// 404: there is nothing.
pub(super) fn nothing_at(uri: &Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!(
            "nothing at {}; /openapi.json lists what there is",
            uri.path()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Unreadable;
    use crate::store::StoreError;

    #[test]
    fn what_a_store_says_of_itself_is_told_to_nobody_outside() {
        let failures = [
            StoreError::Engine("no such column: secret_name in conversations".to_owned()),
            StoreError::Full,
            StoreError::ShutDown,
            StoreError::Unreadable(Unreadable {
                what: "state",
                why: "missing field `pin` at line 1".to_owned(),
            }),
        ];
        for failure in failures {
            let problem = Problem::from(ServiceError::from(failure));
            assert_eq!(problem.status, 503);
            for inner in ["column", "disk", "shut", "state", "field"] {
                assert!(!problem.detail.contains(inner), "{}", problem.detail);
            }
        }
    }
}
