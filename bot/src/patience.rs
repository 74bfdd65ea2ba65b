//! Actions that may take longer than the one who asks on a channel waits for an answer.

use std::time::Duration;

use bellhop_connectors::channel::{RASA, REST, VOICE};
use bellhop_flows::bundle::{Action, ActionEffect, Bundle};
use bellhop_flows::diag::Diagnostic;

/// Channels whose other side gives up, and what a customer has of it then.
const WAITING: [(&str, Option<u64>, &str); 3] = [
    (
        "the phone",
        VOICE.patience_s,
        "the caller hears that it takes a moment, again and again",
    ),
    (
        "REST",
        REST.patience_s,
        "the answer comes as an event, or with the next message",
    ),
    (
        "Rasa's REST channel",
        RASA.patience_s,
        "the answer comes with the next message",
    ),
];

/// One finding for each action that is slower, at its worst, than somebody's patience.
pub(crate) fn find(bundle: &Bundle) -> Vec<Diagnostic> {
    let slow = bundle.actions.iter().filter_map(|(id, action)| {
        let longest = longest(action);
        let gives_up = |(_, patience, _): &&(&str, Option<u64>, &str)| {
            patience.is_some_and(|seconds| longest >= Duration::from_secs(seconds))
        };
        let channels: Vec<String> = WAITING
            .iter()
            .filter(gives_up)
            .map(|(channel, patience, then)| {
                let seconds = patience.unwrap_or_default();
                format!("on {channel} ({seconds} s) {then}")
            })
            .collect();
        let message = format!(
            "the action `{id}` may take {} s, longer than customers are waited for: {}",
            longest.as_secs(),
            channels.join("; ")
        );
        (!channels.is_empty()).then(|| {
            Diagnostic::warning("W0903", action.span, message).help(
                "a shorter `timeout`, fewer retries, or an `on_error` that offers a person or a call back",
            )
        })
    });
    slow.collect()
}

/// What an action takes when every try runs into its timeout. What can't be undone is not tried again after one.
fn longest(action: &Action) -> Duration {
    let timeout = Duration::from_millis(action.timeout_ms);
    if action.effect == ActionEffect::Irreversible {
        return timeout;
    }
    let mut wait = Duration::from_millis(action.retry_backoff_ms);
    let mut all = timeout;
    for _ in 0..action.retry_times {
        all = all.saturating_add(wait).saturating_add(timeout);
        wait = wait.saturating_mul(2);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::rig::{BOT, compiled};

    #[test]
    fn what_is_slower_than_a_channel_waits_is_told_with_the_channel() {
        for (http, effect, channels) in [
            ("timeout: 5s", "none", 0),
            ("timeout: 14s", "none", 0),
            ("timeout: 15s", "none", 1),
            ("timeout: 30s", "none", 3),
            // Two tries of five seconds and a wait of five; of ten, twice.
            ("timeout: 5s, retry: {times: 1, backoff: 5s}", "none", 1),
            (
                "timeout: 5s, retry: {times: 1, backoff: 4s}",
                "reversible",
                0,
            ),
            ("timeout: 10s, retry: {times: 2, backoff: 0s}", "none", 3),
            // Never sent again once it may have arrived.
            (
                "timeout: 14s, retry: {times: 3, backoff: 9s}",
                "irreversible",
                0,
            ),
        ] {
            let flow = format!(
                "schema: 1\nmodule: m\nactions:\n  act:\n    http: {{get: 'https://example.org/', {http}}}\n    \
                 effect: {effect}\n    returns: {{ref: text}}\n    stub: {{ref: R}}\n"
            );
            let bundle = compiled(&[("bot.yaml", BOT), ("flows/m.yaml", &flow)]);
            let found = find(&bundle);
            assert_eq!(found.len(), usize::from(channels > 0), "{http} {effect}");
            for finding in found {
                let told = finding.message.matches(" s) ").count();
                assert_eq!(told, channels, "{http}: {}", finding.message);
            }
        }
    }
}
