//! Which pages may open a chat here: those of `allowed_origins` and our own.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::IntoResponse;
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::ToSchema;

use super::HttpState;
use super::problem::Problem;

/// Refuses a page of a foreign origin. A browser always says which page opens a socket (OWASP ASVS
/// 5.0, 4.4.2). Programs say nothing and pass.
pub(super) fn check(edge: &HttpState, headers: &HeaderMap) -> Result<(), Problem> {
    if is_allowed(edge, headers) {
        return Ok(());
    }
    let origin = of(headers);
    tracing::warn!(
        origin,
        "a page may not open a chat here: its origin is not in allowed_origins"
    );
    Err(Problem::forbidden(format!(
        "pages of {origin} may not open a chat here; add it to allowed_origins"
    )))
}

/// Pages of these origins may call the API. No cookies are used, so none are let through.
pub(super) fn cors(origins: &[String]) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        // The widget waits for as long as it is asked to.
        .expose_headers([header::RETRY_AFTER]);
    if origins.iter().any(|origin| origin == "*") {
        return layer.allow_origin(AllowOrigin::any());
    }
    let origins = origins.to_vec();
    layer.allow_origin(AllowOrigin::predicate(move |origin, _| {
        let origin = origin.to_str().ok();
        origin.is_some_and(|origin| is_listed(&origins, origin))
    }))
}

/// What a page hears that asks whether it may open a chat here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Allowed {
    /// The page's origin, as its browser says it; empty for programs and our own pages.
    origin: String,
    /// It may.
    allowed: bool,
}

/// Tells any page whether it may open a chat here. To a page that may not, a browser shows no other answer of ours, so
/// that without this one its developer can't tell a wrong setting from a server that is down.
#[utoipa::path(get, path = "/v1/origin", tag = "conversations", responses((status = 200, body = Allowed)))]
pub(super) async fn ask(State(edge): State<HttpState>, headers: HeaderMap) -> impl IntoResponse {
    let allowed = check(&edge, &headers).is_ok();
    let open = [
        (
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let said = headers.contains_key(header::ORIGIN);
    let origin = if said { of(&headers) } else { "" }.to_owned();
    (open, Json(Allowed { origin, allowed }))
}

fn of(headers: &HeaderMap) -> &str {
    let origin = headers.get(header::ORIGIN);
    origin
        .and_then(|origin| origin.to_str().ok())
        .unwrap_or("an origin that can't be read")
}

fn is_allowed(edge: &HttpState, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let public = edge.config.public_url.as_deref();
    if is_listed(&edge.config.allowed_origins, origin)
        || public.is_some_and(|public| is_same(public, origin))
    {
        return true;
    }
    // Our own pages, under whatever name they were opened.
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    host.is_some() && host == authority
}

fn is_listed(origins: &[String], origin: &str) -> bool {
    origins.iter().any(|one| one == "*" || is_same(one, origin))
}

/// A setting as people write it means an origin as browsers do: without the slash at its end and the port that goes
/// without saying, in small letters.
fn is_same(setting: &str, origin: &str) -> bool {
    let setting = setting.trim().trim_end_matches('/').to_ascii_lowercase();
    let usual = match setting.split_once("://") {
        Some(("https", authority)) => authority.strip_suffix(":443").map(|it| ("https", it)),
        Some(("http", authority)) => authority.strip_suffix(":80").map(|it| ("http", it)),
        _ => None,
    };
    match usual {
        Some((scheme, authority)) => format!("{scheme}://{authority}") == origin,
        None => setting == origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_meant_however_it_is_written() {
        for (setting, origin, same) in [
            ("https://shop.example", "https://shop.example", true),
            ("https://shop.example/", "https://shop.example", true),
            ("https://Shop.Example", "https://shop.example", true),
            ("https://shop.example:443", "https://shop.example", true),
            ("http://shop.example:80/", "http://shop.example", true),
            ("https://shop.example", "http://shop.example", false),
            ("https://shop.example:80", "https://shop.example", false),
            (
                "https://shop.example",
                "https://shop.example.evil.example",
                false,
            ),
            ("shop.example", "https://shop.example", false),
            ("null", "null", true),
        ] {
            assert_eq!(is_same(setting, origin), same, "{setting} {origin}");
        }
    }
}
