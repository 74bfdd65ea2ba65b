//! The HTTP edge: routes, thin; everything they do is a call on [`App`]. The only place that knows
//! axum's `serve`.

mod address;
mod articles;
mod auth;
mod calls;
mod channels;
mod claims;
mod conversations;
mod desk;
mod document;
mod events;
mod handoffs;
mod json;
mod limits;
mod measure;
mod media;
mod origin;
mod outbox;
mod pages;
mod problem;
mod rasa;
mod socket;
mod voice;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::app::App;
use crate::config::Config;
use crate::roles::Roles;
use crate::staff::Permission;

pub use claims::{ClaimError, Claims};
pub use measure::install as install_metrics;

/// Largest body of any request, bytes: a message of 16 KiB, escaped, with room around it.
const BODY_BYTES: usize = 128 * 1024;

/// What every route can reach.
#[derive(Clone)]
pub struct HttpState {
    app: App,
    config: Arc<Config>,
    claims: Arc<Claims>,
    limits: Arc<limits::Limits>,
    calls: calls::Calls,
    metrics: PrometheusHandle,
    /// The demo's page is served at `/`; a plain page with the widget otherwise.
    is_demo: bool,
    /// Ends streams and sockets when the server stops, so that clients resume elsewhere at once.
    stop: CancellationToken,
}

impl HttpState {
    /// Makes the edge of a running app.
    pub fn new(
        app: App,
        config: Arc<Config>,
        claims: Claims,
        metrics: PrometheusHandle,
        is_demo: bool,
        stop: CancellationToken,
    ) -> Self {
        let limits = Arc::new(limits::Limits::new(&config.limits));
        let calls = calls::Calls::new(&config);
        Self {
            app,
            config,
            claims: Arc::new(claims),
            limits,
            calls,
            metrics,
            is_demo,
            stop,
        }
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Bellhop",
    description = "The front door of a contact centre: conversations, handoffs, the desk."
))]
struct Description;

/// Routes of customers and providers.
fn edge_routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(conversations::open))
        .routes(routes!(conversations::post))
        .routes(routes!(events::stream))
        .routes(routes!(socket::open))
        .routes(routes!(origin::ask))
        .routes(routes!(rasa::hook))
        .routes(routes!(voice::hook))
        .routes(
            routes!(channels::deliver, channels::challenge)
                .layer(DefaultBodyLimit::max(channels::BATCH_BYTES)),
        )
}

/// Routes of staff, by the permission that they need.
fn desk_routes(edge: &HttpState) -> OpenApiRouter<HttpState> {
    let needs = |permission, routes: OpenApiRouter<HttpState>| {
        let admit = from_fn_with_state((edge.clone(), permission), auth::admit);
        routes.route_layer(admit)
    };
    let enter = OpenApiRouter::new()
        .routes(routes!(desk::me))
        .routes(routes!(desk::sign_out));
    let read = OpenApiRouter::new()
        .routes(routes!(conversations::trace))
        .routes(routes!(conversations::summary))
        .routes(routes!(handoffs::envelope))
        .routes(routes!(handoffs::summary))
        .routes(routes!(handoffs::read))
        .routes(routes!(media::file));
    let serve = OpenApiRouter::new()
        .routes(routes!(desk::status))
        .routes(routes!(desk::queue))
        .routes(routes!(desk::events))
        .routes(routes!(handoffs::accept))
        .routes(routes!(handoffs::decline))
        .routes(routes!(handoffs::reply))
        .routes(routes!(handoffs::note))
        .routes(routes!(handoffs::typing))
        .routes(routes!(handoffs::transfer))
        .routes(routes!(handoffs::give_back))
        .routes(routes!(handoffs::wrap_up));
    let settle_outbox = OpenApiRouter::new()
        .routes(routes!(outbox::replay))
        .routes(routes!(outbox::drop));
    let staff = OpenApiRouter::new()
        .routes(routes!(desk::invite))
        .routes(routes!(desk::roster))
        .routes(routes!(desk::revoke));
    let outbox = OpenApiRouter::new().routes(routes!(outbox::list));
    OpenApiRouter::new()
        .routes(routes!(desk::sign_in))
        .merge(needs(Permission::Enter, enter))
        .merge(needs(Permission::Read, read))
        .merge(needs(Permission::Serve, serve))
        .merge(needs(Permission::Outbox, outbox))
        .merge(needs(Permission::SettleOutbox, settle_outbox))
        .merge(needs(Permission::Staff, staff))
}

/// Routes of whoever runs the program; every process has them.
fn operation_routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new()
        .routes(routes!(measure::healthz))
        .routes(routes!(measure::readyz))
        .routes(routes!(measure::metrics))
}

/// The routes that a process of these roles has, and the OpenAPI document of all that there are.
pub fn router(edge: HttpState) -> (Router, utoipa::openapi::OpenApi) {
    let roles = edge.config.roles;
    let with = |roles: Roles| {
        let mut all = OpenApiRouter::with_openapi(Description::openapi());
        if roles.edge {
            all = all.merge(edge_routes());
        }
        if roles.desk {
            all = all.merge(desk_routes(&edge));
        }
        all.merge(operation_routes()).split_for_parts()
    };
    let document = document::complete(with(Roles::default()).1);
    let (api, _) = with(roles);
    let json = document.to_json().unwrap_or_else(|error| {
        tracing::error!(error = %error, "the OpenAPI document could not be written");
        "{}".to_owned()
    });
    let openapi = move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json).into_response() }
    };
    let cors = origin::cors(&edge.config.allowed_origins);
    let router = api
        .merge(pages::router(roles))
        .route("/openapi.json", get(openapi))
        .fallback(problem::not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(axum::middleware::map_response(problem::documented))
        .layer(cors)
        .layer(CompressionLayer::new())
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        .with_state(edge);
    (router, document)
}

/// Serves until `stop`.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
}

#[cfg(test)]
mod tests;
