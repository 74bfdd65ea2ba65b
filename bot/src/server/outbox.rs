//! What could not be sent: looked at, sent again, thrown away.

use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::HttpState;
use super::auth::Staff;
use super::json::Json;
use super::problem::Problem;
use crate::outbox::{Fate, Letter, Selection, Unsent};

/// Letters in one answer where nothing is said.
const LETTERS: usize = 100;
/// Most letters in one answer.
const MOST_LETTERS: usize = 1_000;

/// Which letters to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// To this destination.
    destination: Option<String>,
    /// Given up at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Given up before this time: the last one's, for those that come after it.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Most letters; 100 where nothing is said, at most 1,000.
    #[param(maximum = 65_535)]
    limit: Option<u16>,
}

/// What is not sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Outbox {
    /// What was given up, the latest first. Never what it says.
    letters: Vec<Letter>,
    /// Letters that were left out.
    more: usize,
    /// How much waits and how much was given up, by destination.
    unsent: Vec<Unsent>,
}

/// What was given up, and how much waits.
#[utoipa::path(get, path = "/v1/outbox", tag = "operation", params(Wanted),
    responses((status = 200, body = Outbox), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(edge): State<HttpState>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Outbox>, Problem> {
    let meant = Selection {
        destination: wanted.destination,
        since: wanted.since,
        until: wanted.until,
        ..Selection::default()
    };
    let (mut letters, unsent) = edge.app.outbox(&meant).await?;
    let limit = wanted.limit.map_or(LETTERS, usize::from).min(MOST_LETTERS);
    let more = letters.len().saturating_sub(limit);
    letters.truncate(limit);
    Ok(Json(Outbox {
        letters,
        more,
        unsent,
    }))
}

/// How many it was.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Settled {
    /// Letters.
    letters: usize,
}

/// Sends again what was given up, after what waits for its destination already.
#[utoipa::path(post, path = "/v1/outbox/replay", tag = "operation", request_body = Selection,
    responses((status = 200, body = Settled), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn replay(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Json(meant): Json<Selection>,
) -> Result<Json<Settled>, Problem> {
    say_which(&meant)?;
    let letters = edge.app.settle_outbox(&agent, &meant, Fate::Replay).await?;
    Ok(Json(Settled { letters }))
}

/// What to throw away.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Rubbish {
    /// Which.
    #[serde(flatten)]
    meant: Selection,
    /// More than one is meant to be thrown away.
    #[serde(default)]
    yes: bool,
}

/// Throws away what was given up; more than one only with `yes`.
#[utoipa::path(post, path = "/v1/outbox/drop", tag = "operation", request_body = Rubbish,
    responses((status = 200, body = Settled), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn drop(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Json(Rubbish { meant, yes }): Json<Rubbish>,
) -> Result<Json<Settled>, Problem> {
    say_which(&meant)?;
    if !yes {
        let (letters, _) = edge.app.outbox(&meant).await?;
        if letters.len() > 1 {
            return Err(Problem::invalid(format!(
                "this would throw away {} letters; say `yes: true` where that is meant",
                letters.len()
            )));
        }
    }
    let letters = edge.app.settle_outbox(&agent, &meant, Fate::Drop).await?;
    Ok(Json(Settled { letters }))
}

fn say_which(meant: &Selection) -> Result<(), Problem> {
    match meant.is_meant() {
        true => Ok(()),
        false => Err(Problem::invalid(
            "say which: ids, destination, since, until, or all: true",
        )),
    }
}
