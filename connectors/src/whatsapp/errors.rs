//! What Meta's error codes mean to us ("Error codes"). The code counts before the HTTP status: rate
//! limits come with 400, and a permission that is missing with 500.

use std::time::Duration;

use serde_json::Value;

use crate::channel::{Retry, SendError, Whose, by_status, retry_after};
use crate::json::{number, text};

/// The codes that say that the customer service window is shut: free text is refused until the
/// customer writes, a template isn't. 470 is the older API's, which resellers pass on.
pub const WINDOW_CLOSED: [i64; 2] = [131_047, 470];

/// Pause that lets a second message to the same number through: one in six seconds may be sent
/// ("Throughput: pair rate limits").
const PAIR_PAUSE: Duration = Duration::from_secs(6);

/// Judges an error object, from an answer or from a status. `status` is 0 where there was none.
pub(super) fn judge(error: &Value, status: u16, headers: &[(String, String)]) -> SendError {
    let code = number(error, "/code");
    let words = ["/error_data/details", "/message", "/title"]
        .iter()
        .find_map(|pointer| text(error, pointer))
        .unwrap_or("no reason given");
    let name = code.map_or_else(|| status.to_string(), |code| code.to_string());
    let mut judged = by_status(status, headers, name, words);
    let Some(code) = code else {
        return judged;
    };
    let wait = retry_after(headers);
    (judged.whose, judged.retry) = match code {
        code if WINDOW_CLOSED.contains(&code) => {
            judged.reopen = true;
            (Whose::Ours, Retry::Never)
        }
        // Calls of the app, of the account; throughput of the number.
        4 | 80_007 | 130_429 => (Whose::Theirs, Retry::After(wait)),
        // Too many to the same customer.
        131_056 => (Whose::Theirs, Retry::After(wait.or(Some(PAIR_PAUSE)))),
        // Unknown, out of service, overloaded, the account in maintenance, server unavailable.
        1 | 2 | 131_000 | 131_016 | 131_057 | 133_004 => (Whose::Theirs, Retry::After(wait)),
        // Not on WhatsApp or too old; in an experiment; enough marketing for one person; opted out.
        131_026 | 130_472 | 131_049 | 131_050 => (Whose::Customer, Retry::Never),
        // Token, permission, policy, spam, payment, certificate: nothing goes out until then.
        0 | 3 | 10 | 190 | 200..=299 | 368 | 131_005 | 131_031 | 131_042 | 131_045 | 131_048 => {
            (Whose::Ours, Retry::Never)
        }
        _ => (judged.whose, judged.retry),
    };
    judged
}
