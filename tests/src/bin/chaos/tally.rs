//! What is counted: messages, and how soon each conversation goes on after a failure.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::customers::TIMEOUT;

/// Counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    customers: usize,
    faults: Vec<Fault>,
    gone_on: Vec<GoneOn>,
    pub(crate) acknowledged: u64,
    pub(crate) conversations: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) out_of_order: u64,
    /// Requests that a process took and did not answer in time.
    pub(crate) unanswered: u64,
}

/// Something failed, or came back after it had failed.
#[derive(Debug)]
struct Fault {
    at: Instant,
    /// Customers who have sent nothing since that was answered.
    waiting: BTreeSet<usize>,
}

/// How long after a failure a customer's conversation went on.
#[derive(Debug)]
struct GoneOn {
    after: Duration,
    /// Failures that came in the meantime.
    others: usize,
}

impl Tally {
    pub(crate) fn new(customers: usize) -> Self {
        Self {
            customers,
            ..Self::default()
        }
    }

    /// Something has just failed, or is just back.
    pub(crate) fn fault(&mut self) {
        self.faults.push(Fault {
            at: Instant::now(),
            waiting: (0..self.customers).collect(),
        });
    }

    /// A customer's message, first sent then, is answered now. Only what was sent after a failure tells that the conversation went
    /// on: an answer to what was sent before may have been on its way.
    pub(crate) fn answered(&mut self, customer: usize, sent: Instant) {
        let now = Instant::now();
        for (others, fault) in self.faults.iter_mut().rev().enumerate() {
            if fault.at <= sent && fault.waiting.remove(&customer) {
                self.gone_on.push(GoneOn {
                    after: now - fault.at,
                    others,
                });
            }
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.faults.iter().any(|fault| !fault.waiting.is_empty())
    }

    pub(crate) fn progress(&self) -> String {
        let waiting = self.faults.last().map_or(0, |fault| fault.waiting.len());
        format!(
            "{} acknowledged, {} lost, {} doubled, {} out of order, {waiting} customers wait",
            self.acknowledged, self.lost, self.doubled, self.out_of_order
        )
    }

    /// Times until conversations went on, shortest first: where nothing else failed in the meantime, and where something did.
    fn times(&self) -> (Vec<Duration>, Vec<Duration>) {
        let pick = |alone: bool| {
            let picked = self.gone_on.iter().filter(|it| (it.others == 0) == alone);
            let mut times: Vec<Duration> = picked.map(|it| it.after).collect();
            times.sort();
            times
        };
        (pick(true), pick(false))
    }

    pub(crate) fn summary(&self, limit: Duration) -> String {
        let (alone, overlapping) = self.times();
        let seconds = |times: &[Duration], part: f64| {
            let last = times.len().saturating_sub(1);
            let at = (last as f64 * part).round() as usize;
            times.get(at).map_or(0.0, Duration::as_secs_f64)
        };
        let mut text = format!(
            "{} failures; {} messages acknowledged in {} conversations: {} lost, {} doubled, {} out of order\n\
             conversations went on after: p50 {:.2} s, p99 {:.2} s, at most {:.2} s (asked: {} s)",
            self.faults.len(),
            self.acknowledged,
            self.conversations,
            self.lost,
            self.doubled,
            self.out_of_order,
            seconds(&alone, 0.5),
            seconds(&alone, 0.99),
            seconds(&alone, 1.0),
            limit.as_secs(),
        );
        if self.unanswered > 0 {
            let more = format!(
                "\n{} requests were taken and not answered within {TIMEOUT:?}; another process was asked then",
                self.unanswered
            );
            text.push_str(&more);
        }
        if !overlapping.is_empty() {
            let more = format!(
                "\nwhere more failed before they went on ({} times): at most {:.2} s",
                overlapping.len(),
                seconds(&overlapping, 1.0)
            );
            text.push_str(&more);
        }
        text
    }

    /// Nothing acknowledged was lost, and nobody waited too long for one failure.
    pub(crate) fn is_well(&self, limit: Duration) -> bool {
        let (alone, _) = self.times();
        self.lost + self.doubled + self.out_of_order == 0
            && alone.last().is_none_or(|longest| *longest <= limit)
    }

    /// Compares what the transcript holds with what was acknowledged.
    pub(crate) fn read_again(&mut self, acknowledged: &[String], own: &[String]) {
        let distinct: BTreeSet<&String> = own.iter().collect();
        let lost = acknowledged.iter().filter(|id| !distinct.contains(id));
        let (lost, doubled) = (lost.count(), own.len() - distinct.len());
        self.conversations += 1;
        self.acknowledged += acknowledged.len() as u64;
        self.lost += lost as u64;
        self.doubled += doubled as u64;
        self.out_of_order += u64::from(lost + doubled == 0 && own != acknowledged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> Vec<String> {
        numbers.iter().map(|number| format!("m{number}")).collect()
    }

    #[test]
    fn what_is_missing_twice_or_elsewhere_is_counted() {
        for (own, expected) in [
            (ids(&[0, 1, 2]), (0, 0, 0)),
            (ids(&[0, 2]), (1, 0, 0)),
            (ids(&[0, 1, 1, 2]), (0, 1, 0)),
            (ids(&[0, 2, 1]), (0, 0, 1)),
        ] {
            let mut tally = Tally::new(1);
            tally.read_again(&ids(&[0, 1, 2]), &own);
            assert_eq!((tally.lost, tally.doubled, tally.out_of_order), expected);
            assert_eq!(tally.is_well(Duration::ZERO), expected == (0, 0, 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_conversation_has_gone_on_when_what_was_sent_after_a_failure_is_answered() {
        let mut tally = Tally::new(2);
        let before = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        tally.fault();
        tally.answered(0, before);
        assert!(tally.gone_on.is_empty());
        let sent = Instant::now();
        tokio::time::advance(Duration::from_secs(3)).await;
        tally.answered(0, sent);
        tally.fault();
        tokio::time::advance(Duration::from_secs(4)).await;
        tally.answered(1, sent);
        let (alone, overlapping) = tally.times();
        assert_eq!(alone, [Duration::from_secs(3)]);
        assert_eq!(overlapping, [Duration::from_secs(7)]);
        assert!(!tally.is_well(Duration::from_secs(2)) && tally.is_well(Duration::from_secs(3)));
        assert!(tally.is_waiting());
        tally.answered(0, Instant::now());
        tally.answered(1, Instant::now());
        assert!(!tally.is_waiting());
    }
}
