//! The check of our address when it is registered ("Create a webhook endpoint: GET requests").

use crate::verify;

/// Longest challenge that is given back, bytes; Meta's is a number.
const CHALLENGE_MAX: usize = 200;

/// Answers the check of our address: gives the challenge to be sent back as plain text where the
/// query (without `?`) has `hub.mode=subscribe` and the token that we chose, compared in constant
/// time. Otherwise answer 403.
pub fn challenge(query: &str, verify_tokens: &[&str]) -> Option<String> {
    let (mut mode, mut token, mut challenge) = (None, None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "hub.mode" => mode = Some(value),
            "hub.verify_token" => token = Some(value),
            "hub.challenge" => challenge = Some(value),
            _ => {}
        }
    }
    let is_ours = mode.as_deref() == Some("subscribe") && verify::shared(verify_tokens, &token?);
    // Whatever is sent back is shown by us: no mark-up.
    let is_plain = |challenge: &str| {
        (1..=CHALLENGE_MAX).contains(&challenge.len())
            && challenge
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    challenge
        .filter(|challenge| is_ours && is_plain(challenge))
        .map(std::borrow::Cow::into_owned)
}
