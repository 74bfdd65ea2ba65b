//! How much one client may send: a sustained rate with a burst, by conversation and by address.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::Problem;
use crate::config;

/// Keys that are kept before those at rest are forgotten.
const KEYS: usize = 10_000;

/// Refused sign-ins a minute, of all addresses, that the audit log takes: a log that attackers fill is of no use.
const REFUSALS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// The limiters.
pub(super) struct Limits {
    messages: DefaultKeyedRateLimiter<String>,
    conversations: DefaultKeyedRateLimiter<IpAddr>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    refusals: DefaultDirectRateLimiter,
}

impl Limits {
    pub(super) fn new(limits: &config::Limits) -> Self {
        let quota = |rate: u32| {
            let rate = NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
            // Twice the sustained rate at once: a page that resends after a lost network does that.
            Quota::per_second(rate).allow_burst(rate.saturating_mul(two()))
        };
        Self {
            messages: RateLimiter::keyed(quota(limits.messages_per_second)),
            conversations: RateLimiter::keyed(quota(limits.conversations_per_second)),
            sign_ins: RateLimiter::keyed(quota(1)),
            refusals: RateLimiter::direct(Quota::per_minute(REFUSALS)),
        }
    }

    /// A message of a conversation.
    pub(super) fn message(&self, conversation: &str) -> Result<(), Problem> {
        if self.messages.len() > KEYS {
            self.messages.retain_recent();
        }
        let verdict = self.messages.check_key(&conversation.to_owned());
        verdict.map_err(|_| Problem::too_many("too many messages at once; wait a second"))
    }

    /// A conversation opened from an address.
    pub(super) fn conversation(&self, address: IpAddr) -> Result<(), Problem> {
        if self.conversations.len() > KEYS {
            self.conversations.retain_recent();
        }
        let verdict = self.conversations.check_key(&address);
        verdict.map_err(|_| Problem::too_many("too many conversations at once; wait a second"))
    }

    /// A sign-in tried from an address: codes can't be guessed, and nobody may try to.
    pub(super) fn sign_in(&self, address: IpAddr) -> Result<(), Problem> {
        if self.sign_ins.len() > KEYS {
            self.sign_ins.retain_recent();
        }
        let verdict = self.sign_ins.check_key(&address);
        verdict.map_err(|_| Problem::too_many("too many sign-ins; wait a second"))
    }

    /// A sign-in was refused; whether the audit log is told.
    pub(super) fn is_refusal_noted(&self) -> bool {
        self.refusals.check().is_ok()
    }
}

fn two() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_log_is_told_of_the_first_refusals_and_not_of_a_flood() {
        let limits = Limits::new(&config::Limits::default());
        let told = (0..10_000).filter(|_| limits.is_refusal_noted()).count();
        assert!((20..200).contains(&told), "{told}");
    }
}
