//! Pages and their files, compiled in: the demo's page, the widget, the desk.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use super::{HttpState, articles};
use crate::demo::DEMO_CUSTOMER;
use crate::roles::Roles;

/// What pages may load: their own files only, and what their scripts have fetched (`blob:`, files that customers sent). The widget's styles live in its shadow tree.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
                      media-src 'self' blob:; \
                      connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'";

#[derive(RustEmbed)]
#[folder = "../connectors/src/web"]
#[include = "demo.*"]
#[include = "icon.svg"]
#[include = "widget/widget.js"]
struct Web;

#[derive(RustEmbed)]
#[folder = "src/desk/page"]
struct Desk;

/// The page of a bot that brings none.
const PLAIN: &str = include_str!("pages/plain.html");
/// The board that supervisors will have.
const DASHBOARD: &str = include_str!("pages/dashboard.html");

/// The routes of pages.
pub(super) fn router(roles: Roles) -> Router<HttpState> {
    let mut pages = Router::new().route("/assets/{name}", get(asset));
    if roles.edge {
        pages = pages
            .route("/", get(front))
            .route("/widget.js", get(widget))
            .route("/help/{*id}", get(articles::read));
    }
    if roles.desk {
        pages = pages
            .route("/desk", get(desk))
            .route("/dashboard", get(dashboard));
    }
    pages
}

async fn front(State(edge): State<HttpState>) -> Response {
    if !edge.is_demo {
        let name = escape(&edge.app.bundle().name);
        return page(PLAIN.replace("{name}", &name));
    }
    let Some(html) = Web::get("demo.html") else {
        return missing("demo.html");
    };
    let html = String::from_utf8_lossy(&html.data).into_owned();
    // On a real site the site's own server signs who is logged in; here everyone is the demo's customer.
    let facts: BTreeMap<String, String> = [
        ("id", DEMO_CUSTOMER),
        ("name", "Alex Morgan"),
        ("tier", "standard"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let token = edge.claims.sign(&facts, edge.app.clock().now());
    let tag = format!("<bellhop-chat token=\"{token}\"");
    page(html.replacen("<bellhop-chat", &tag, 1))
}

async fn widget() -> Response {
    file(Web::get("widget/widget.js"), "widget.js")
}

async fn desk() -> Response {
    match Desk::get("desk.html") {
        Some(html) => page(String::from_utf8_lossy(&html.data).into_owned()),
        None => missing("desk.html"),
    }
}

async fn dashboard() -> Response {
    page(DASHBOARD.to_owned())
}

async fn asset(Path(name): Path<String>) -> Response {
    let found = Web::get(&name).or_else(|| Desk::get(&name));
    file(found.filter(|_| !name.ends_with(".html")), &name)
}

pub(super) fn page(html: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(html)).into_response()
}

fn file(found: Option<rust_embed::EmbeddedFile>, name: &str) -> Response {
    let Some(file) = found else {
        return missing(name);
    };
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        // A new release must be seen at once.
        (header::CACHE_CONTROL, "no-cache"),
        // Sites embed the widget with a script tag of their own origin.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, file.data.into_owned()).into_response()
}

pub(super) fn missing(name: &str) -> Response {
    (StatusCode::NOT_FOUND, format!("no file {name}\n")).into_response()
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
