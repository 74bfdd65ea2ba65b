//! Alive, ready, measured.

mod described;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::problem::Problem;

/// Bounds of the latency histograms, seconds.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];

/// Makes the program's recorder of metrics; once a process.
///
/// # Errors
/// There is one already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()?;
    described::describe();
    Ok(handle)
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, description = "alive")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready, and how the store is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    /// Always `ready`: what is not answers 503.
    status: &'static str,
    store: StoreHealth,
}

/// How the store is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StoreHealth {
    /// `sqlite` or `redis`.
    engine: &'static str,
    /// `durable`, `one-second` or `volatile`: how far it can be relied on that what is acknowledged is kept.
    durability: &'static str,
    /// Groups of conversations, of 64, that this process works through where processes share a Redis; 1 on a file.
    leases: u32,
    /// Conversations of these in which messages wait to be worked through.
    ready: u64,
    /// Seconds that the oldest of these messages has waited; 0 where none waits.
    oldest_ready_s: f64,
}

/// The model is loaded and the store answers.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Ready), (status = 503, body = Problem)))]
pub(super) async fn readyz(State(edge): State<HttpState>) -> Result<Json<Ready>, Problem> {
    let health = edge.app.ready().await?;
    Ok(Json(Ready {
        status: "ready",
        store: StoreHealth {
            engine: health.engine,
            durability: health.durability.name(),
            leases: health.leases,
            ready: health.ready,
            oldest_ready_s: edge.app.lag_s(&health),
        },
    }))
}

/// Prometheus metrics, in its text format.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, description = "metrics")))]
pub(super) async fn metrics(State(edge): State<HttpState>) -> Response {
    edge.app.measure().await;
    if let Some(bytes) = resident_bytes() {
        ::metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, edge.metrics.render()).into_response()
}

/// Resident memory of this process; only Linux tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
