//! What a send asks for and how it ended.

use std::fmt;
use std::time::Duration;

/// Longest wait that a provider may ask for; more is a mistake or an outage that nobody sits out.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);
/// Longest message of a provider that is kept, in characters.
const MESSAGE_MAX: usize = 300;

/// An HTTP request to make. Follow no redirects: it carries a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as `POST`.
    pub method: &'static str,
    /// Whole address. May hold a secret (Telegram's does).
    pub url: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The bytes to send.
    pub body: Vec<u8>,
}

impl Request {
    /// A post of JSON.
    pub(crate) fn json(
        url: String,
        mut headers: Vec<(String, String)>,
        body: &serde_json::Value,
    ) -> Self {
        headers.insert(
            0,
            ("content-type".to_owned(), "application/json".to_owned()),
        );
        Self {
            method: "POST",
            url,
            headers,
            body: body.to_string().into_bytes(),
        }
    }
}

/// Says where to and how much, never what: address, headers and body hold secrets and the
/// customer's words.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = url::Url::parse(&self.url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &host)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How a send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider has it.
    Sent {
        /// Its id of the message, which receipts name; absent where it gives none.
        provider_id: Option<String>,
    },
    /// The provider hasn't, or wouldn't.
    Failed(SendError),
}

/// Why something was not sent: whose fault it is, and whether trying again can help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SendError {
    /// Who has to mend it.
    pub whose: Whose,
    /// Whether the same request can succeed later.
    pub retry: Retry,
    /// The provider's code; the HTTP status where it gave none.
    pub code: String,
    /// The provider's words, at most 300 characters. For operators; may name the customer, so it
    /// belongs in no log.
    pub message: String,
    /// The reply window is shut: only a template is let through.
    pub reopen: bool,
}

impl SendError {
    /// No answer came: the connection failed or timed out. Whether the provider has the message is
    /// unknown.
    pub fn network(message: &str) -> Self {
        Self {
            whose: Whose::Network,
            retry: Retry::After(None),
            code: "network".to_owned(),
            message: clip(message),
            reopen: false,
        }
    }
}

/// Who has to mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// We: a token, a setting, a request that is malformed.
    Ours,
    /// The provider: out of order or overloaded.
    Theirs,
    /// The customer: unreachable, or wants nothing from us.
    Customer,
    /// Nobody in particular: no answer came.
    Network,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It can't.
    Never,
    /// After this time at the soonest; `None`: the caller's own back-off.
    After(Option<Duration>),
}

/// Judges a failure by its HTTP status alone (RFC 9110 section 15), as every provider means it.
pub(crate) fn by_status(
    status: u16,
    headers: &[(String, String)],
    code: String,
    message: &str,
) -> SendError {
    let (whose, retry) = match status {
        408 | 425 | 429 | 500..=599 => (Whose::Theirs, Retry::After(retry_after(headers))),
        _ => (Whose::Ours, Retry::Never),
    };
    SendError {
        whose,
        retry,
        code,
        message: clip(message),
        reopen: false,
    }
}

/// Reads `Retry-After` (RFC 9110 section 10.2.3) in seconds, an hour at most. Its other form, a
/// date, needs a clock that agrees with the provider's, and no provider here sends it.
pub(crate) fn retry_after(headers: &[(String, String)]) -> Option<Duration> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Cuts a provider's words to a length that can be kept.
pub(super) fn clip(message: &str) -> String {
    message.trim().chars().take(MESSAGE_MAX).collect()
}
