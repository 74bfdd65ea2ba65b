//! How long what is over is kept: `[retention]` of the settings.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};

use crate::channels::ChannelConfig;
use crate::partition::Prune;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long conversations are kept once they are over.
const TRANSCRIPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long is kept why turns went as they did.
const TRACE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long senders' ids are kept: longer than the most patient provider delivers again.
const SEEN: SignedDuration = SignedDuration::from_hours(8 * 24);
/// How long is kept who did what.
const AUDIT: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);
/// Longest age that can be set: times stay within what can be counted.
const LONGEST: SignedDuration = SignedDuration::from_hours(100 * 365 * 24);

/// A length of time as people write it: `90 days`, `12h`, `2 weeks`. More than nothing and at most a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Age(SignedDuration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "`{text}` is no length of time; write a number and a unit up to weeks, such as `90 days` or `36h`"
            )
        };
        let span: Span = text.trim().parse().map_err(|_| wrong())?;
        // Months and years have no fixed length.
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
        let length = length.map_err(|_| wrong())?;
        if length <= SignedDuration::ZERO {
            return Err(format!("`{text}` is not more than nothing"));
        }
        if length > LONGEST {
            return Err(format!("`{text}` is more than a hundred years"));
        }
        Ok(Self(length))
    }
}

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Age> for String {
    fn from(age: Age) -> Self {
        age.to_string()
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (
            self.0.as_hours() / 24,
            self.0.as_secs() % DAY.as_secs() != 0,
        );
        match (days, rest) {
            (1, false) => f.write_str("1 day"),
            (days, false) => write!(f, "{days} days"),
            _ => write!(f, "{:#}", self.0),
        }
    }
}

/// What an operator sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// How long a conversation is kept after it is over; 90 days where nothing is said.
    pub transcript: Option<Age>,
    /// How long is kept why each turn went as it did; 14 days where nothing is said, or as long as the transcript.
    pub trace: Option<Age>,
    /// How long a sender's id is known, so that a message that is delivered again is not taken for another; 8 days where nothing is
    /// said, or as long as the transcript.
    pub seen: Option<Age>,
    /// How long is kept who of the staff did what; two years where nothing is said. Conversations may be gone long before.
    pub audit: Option<Age>,
}

/// A setting that can't be together with the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("retention.{key} = \"{value}\" {why}; see docs/configuration.md")]
pub struct RetentionError {
    key: &'static str,
    value: Age,
    why: String,
}

impl RetentionConfig {
    /// The settings together with what was not said.
    ///
    /// # Errors
    /// A trace or a sender's id that would outlive its conversation; senders' ids that are forgotten while a provider still delivers
    /// again.
    pub fn complete(
        &self,
        channels: &BTreeMap<String, ChannelConfig>,
    ) -> Result<Retention, RetentionError> {
        let transcript = self.transcript.unwrap_or(Age(TRANSCRIPT));
        let or_less = |age: Option<Age>, usual| age.unwrap_or(Age(usual).min(transcript));
        let (trace, seen) = (or_less(self.trace, TRACE), or_less(self.seen, SEEN));
        for (key, value) in [("trace", trace), ("seen", seen)] {
            if value > transcript {
                let why = format!(
                    "is longer than retention.transcript = \"{transcript}\", with which it goes"
                );
                return Err(RetentionError { key, value, why });
            }
        }
        let too_short = |why: String| RetentionError {
            key: "seen",
            value: seen,
            why,
        };
        if seen.0 < DAY {
            let why = "is too short: a message that is sent again within a day would be answered twice; set at least `1 day` \
                       (and retention.transcript no shorter)";
            return Err(too_short(why.to_owned()));
        }
        for (account, channel) in channels {
            let needed = channel.kind.delivers_again_for();
            if seen.0 < needed {
                return Err(too_short(format!(
                    "is too short: the provider of channels.{account} delivers again for up to {}, and such a message would be \
                     answered twice; set at least that (and retention.transcript no shorter)",
                    Age(needed)
                )));
            }
        }
        Ok(Retention {
            transcript: transcript.0,
            trace: trace.0,
            seen: seen.0,
            audit: self.audit.map_or(AUDIT, |age| age.0),
        })
    }
}

/// How long what is over is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// A conversation, from the last thing that happened in it.
    pub transcript: SignedDuration,
    /// Why a turn went as it did.
    pub trace: SignedDuration,
    /// A sender's id.
    pub seen: SignedDuration,
    /// Who of the staff did what.
    pub audit: SignedDuration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            transcript: TRANSCRIPT,
            trace: TRACE,
            seen: SEEN,
            audit: AUDIT,
        }
    }
}

impl Retention {
    /// Before this, the audit log is old.
    pub(crate) fn audit_before(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.audit).unwrap_or(Timestamp::MIN)
    }

    /// What is old at a time.
    pub(crate) fn prune(&self, now: Timestamp) -> Prune {
        let before = |age: SignedDuration| now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        Prune {
            transcript_before: before(self.transcript),
            trace_before: before(self.trace),
            seen_before: before(self.seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(text: &str) -> Age {
        text.parse().expect("a length of time")
    }

    fn config(transcript: &str, trace: &str, seen: &str) -> RetentionConfig {
        let set = |text: &str| (!text.is_empty()).then(|| age(text));
        RetentionConfig {
            transcript: set(transcript),
            trace: set(trace),
            seen: set(seen),
            audit: None,
        }
    }

    fn account(kind: &str) -> BTreeMap<String, ChannelConfig> {
        let settings = serde_json::json!({ "shop": { "kind": kind } });
        serde_json::from_value(settings).expect("settings")
    }

    #[test]
    fn lengths_are_read_as_people_write_them_and_nonsense_is_refused() {
        for text in ["90 days", "90d", " 2160h ", "12 weeks 6d"] {
            assert_eq!(age(text), Age(TRANSCRIPT), "{text}");
        }
        assert_eq!(age("90d").to_string(), "90 days");
        assert_eq!(age("24h").to_string(), "1 day");
        assert_eq!(age(&age("36h").to_string()), age("36h"));
        for (text, why) in [
            ("", "no length of time"),
            ("90", "no length of time"),
            ("ninety days", "no length of time"),
            ("3 months", "no length of time"),
            ("1 year", "no length of time"),
            ("0 days", "not more than nothing"),
            ("-2 days", "not more than nothing"),
            ("40000 days", "more than a hundred years"),
        ] {
            let refused = text.parse::<Age>().expect_err(text);
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn what_is_not_said_is_never_longer_than_the_transcript() {
        let none = BTreeMap::new();
        let usual = RetentionConfig::default().complete(&none);
        assert_eq!(usual, Ok(Retention::default()));
        let short = config("5 days", "", "").complete(&none).expect("fits");
        let five = SignedDuration::from_hours(5 * 24);
        assert_eq!((short.trace, short.seen), (five, five));
        for (key, refused) in [
            ("trace", config("5d", "6d", "")),
            ("seen", config("5d", "", "6d")),
        ] {
            let told = refused.complete(&none).expect_err(key).to_string();
            assert!(
                told.contains(&format!("retention.{key} = \"6 days\" is longer than")),
                "{told}"
            );
        }
        let told = config("12h", "", "").complete(&none).expect_err("short");
        assert!(told.to_string().contains("set at least `1 day`"), "{told}");
    }

    #[test]
    fn ids_are_known_for_as_long_as_a_provider_delivers_again() {
        for (kind, short, enough) in [
            ("whatsapp", "6d", "7d"),
            ("webhook", "3d", "4d"),
            ("telegram", "23h", "1d"),
        ] {
            let accounts = account(kind);
            assert!(config("", "", short).complete(&accounts).is_err(), "{kind}");
            assert!(config("", "", enough).complete(&accounts).is_ok(), "{kind}");
            assert!(RetentionConfig::default().complete(&accounts).is_ok());
        }
        let told = config("3d", "", "").complete(&account("whatsapp"));
        let told = told.expect_err("too short").to_string();
        assert!(
            told.contains("channels.shop delivers again for up to 7 days"),
            "{told}"
        );
    }
}
