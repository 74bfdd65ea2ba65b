//! One try of a call over HTTP.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response, StatusCode, Url};
use serde_json::Value;

use bellhop_flows::engine::event::Outcome;

use super::Plan;
use super::env::Filled;

/// Largest answer read.
const BODY_BYTES: usize = 1024 * 1024;
/// Longest wait for a connection; a peer that takes longer is down.
const CONNECT: Duration = Duration::from_secs(3);
/// One header for all effects: peers that don't know it ignore it.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How one try went.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    /// Another try may mend it.
    pub(super) passing: bool,
    /// No byte of the request left: the connection was never there.
    pub(super) unsent: bool,
    /// The peer is not doing its work, whatever was asked of it.
    pub(super) peer_down: bool,
}

/// The client for every action. Redirects are not followed: they would carry a customer's data and
/// our tokens to an address that nobody wrote into the bot.
pub(super) fn client() -> Result<Client, String> {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("no HTTP client: {error}"))
}

/// Builds the request of a call.
///
/// # Errors
/// A method, address or header that is none; never with its value, which may hold a secret.
pub(super) fn request(
    client: &Client,
    plan: &Plan,
    filled: &Filled,
    body: Option<&Value>,
    key: &str,
) -> Result<Request, String> {
    let method = Method::from_bytes(plan.method.as_bytes())
        .map_err(|_| format!("`{}` is not an HTTP method", plan.method))?;
    let url = Url::parse(&filled.url)
        .map_err(|error| format!("the address is not one once filled: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the address must begin with http:// or https://".to_owned());
    }
    let mut builder = client.request(method, url).timeout(plan.timeout);
    for (name, value) in &filled.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` is not a header name"))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("the value of header `{name}` can't be sent"))?;
        value.set_sensitive(true);
        builder = builder.header(name, value);
    }
    if let Some(body) = body {
        builder = builder.json(body);
    }
    let mut request = builder
        .build()
        .map_err(|error| format!("the request can't be built: {}", error.without_url()))?;
    let key = HeaderValue::from_bytes(key.as_bytes())
        .map_err(|_| "the idempotency key can't be sent".to_owned())?;
    request.headers_mut().insert(IDEMPOTENCY_KEY, key);
    Ok(request)
}

/// What a circuit breaker is for: scheme, host and port.
pub(super) fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Sends a request once.
pub(super) async fn send(client: &Client, request: Request) -> Attempt {
    match client.execute(request).await {
        Ok(response) => answer(response).await,
        Err(error) => lost(&error),
    }
}

async fn answer(response: Response) -> Attempt {
    let status = response.status();
    let body = match read(response).await {
        Ok(body) => body,
        Err(ReadError::Lost(error)) => return lost(&error),
        Err(ReadError::TooLarge) => {
            return plain(Outcome::Failed {
                detail: format!("an answer of more than {BODY_BYTES} bytes"),
            });
        }
    };
    if !status.is_success() {
        let passing = passes(status);
        return Attempt {
            outcome: Outcome::Status {
                status: status.as_u16(),
                body: serde_json::from_slice(&body).ok(),
            },
            passing,
            unsent: false,
            peer_down: passing,
        };
    }
    // 204 and the like: an action that returns nothing.
    if body.is_empty() {
        return plain(Outcome::Answered { body: Value::Null });
    }
    match serde_json::from_slice(&body) {
        Ok(body) => plain(Outcome::Answered { body }),
        // Where it broke, not what it said: the body may be personal.
        Err(error) => plain(Outcome::Failed {
            detail: format!(
                "status {status} with a body that is not JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
        }),
    }
}

/// Statuses that say "not now": 408, 429 and the server's own failures, but not 501, which stays.
fn passes(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    ) || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

fn plain(outcome: Outcome) -> Attempt {
    Attempt {
        outcome,
        passing: false,
        unsent: false,
        peer_down: false,
    }
}

fn lost(error: &reqwest::Error) -> Attempt {
    let unsent = error.is_connect();
    let outcome = if error.is_timeout() {
        Outcome::TimedOut
    } else {
        Outcome::Failed {
            detail: if unsent {
                "no connection to the host".to_owned()
            } else {
                "the connection broke before the answer was complete".to_owned()
            },
        }
    };
    Attempt {
        outcome,
        passing: true,
        unsent,
        peer_down: true,
    }
}

enum ReadError {
    Lost(reqwest::Error),
    TooLarge,
}

async fn read(mut response: Response) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Lost)? {
        if body.len() + chunk.len() > BODY_BYTES {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
