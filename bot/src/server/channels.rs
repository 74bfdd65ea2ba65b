//! Webhooks of all messaging channels: verify, store, answer.

use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::HttpState;
use super::problem::Problem;
use crate::channels::{Account, Refused};

/// Largest delivery, bytes: WhatsApp puts up to 3 MB into one ("Webhooks: payload size"), and comes again for days with one that
/// is refused.
pub(super) const BATCH_BYTES: usize = 3 * 1024 * 1024;

/// Takes a delivery of a provider. 200 once everything in it is durable.
#[utoipa::path(post, path = "/webhooks/messages/{account}", tag = "channels",
    params(("account" = String, Path, description = "name of the account in the settings")),
    request_body(content = Object, description = "what the provider posts"),
    responses((status = 200, description = "stored"), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn deliver(
    State(edge): State<HttpState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let account = account(&edge, &name)?;
    let headers: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let now_s = edge.app.clock().now().as_second();
    let batch = account
        .read(&headers, &body, now_s)
        .map_err(|refused| match refused {
            Refused::Unsigned(why) => Problem::forbidden(&why),
            Refused::Malformed(why) => Problem::invalid(why),
        })?;
    edge.app.deliver(account, batch).await?;
    // A body, and with it a length: some providers deliver again without one.
    Ok((StatusCode::OK, "{}").into_response())
}

/// Answers a provider that checks whether the address is ours.
#[utoipa::path(get, path = "/webhooks/messages/{account}", tag = "channels",
    params(("account" = String, Path, description = "name of the account in the settings")),
    responses((status = 200, description = "the challenge"), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn challenge(
    State(edge): State<HttpState>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
) -> Result<String, Problem> {
    let account = account(&edge, &name)?;
    account
        .challenge(uri.query().unwrap_or_default())
        .ok_or_else(|| Problem::forbidden("the verify token does not fit: check verify_token"))
}

fn account<'a>(edge: &'a HttpState, name: &str) -> Result<&'a Account, Problem> {
    edge.app.channel(name).ok_or_else(|| {
        let detail = format!("no channel account `{name}`; add [channels.{name}] to the settings");
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}
