//! The order in which people are served, and how long they will wait.
//!
//! Priority counts as age given ahead: each step of priority is worth [`STEP_S`] seconds of waiting.
//! So the urgent go first, nobody waits for ever behind them, and the order between two people never
//! changes while they wait.

use std::collections::BTreeMap;

use jiff::Timestamp;

use bellhop_flows::bundle::Queue;

/// Seconds of waiting that one step of priority is worth.
const STEP_S: i64 = 300;

/// Least urgent priority.
const LEAST: u8 = 9;

/// Mean seconds of a contact in a queue that the bot no longer has.
const HANDLE_TIME_S: u64 = 300;

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// The handoff.
    pub handoff: String,
    /// Its conversation.
    pub conversation: String,
    /// Its queue.
    pub queue: String,
    /// 0 is most urgent.
    pub priority: u8,
    /// When the customer asked. Never changes, whoever looked at it meanwhile.
    pub asked_at: Timestamp,
    /// The position that the customer was told last.
    pub told: Option<u32>,
}

impl QueueEntry {
    /// Who has the smallest is served next; the id settles a tie.
    fn turn(&self) -> (i64, &str) {
        let ahead = i64::from(self.priority.min(LEAST)) * STEP_S * 1_000;
        (self.asked_at.as_millisecond() + ahead, &self.handoff)
    }
}

/// How somebody stands in their queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePosition {
    /// 1 is next in their own queue: the customer is told which team's line it is.
    pub position: u32,
    /// Estimated wait, seconds; unknown while nobody is there to take anyone.
    pub wait_s: Option<u64>,
}

impl QueuePosition {
    /// The wait as customers are told it, minutes.
    pub fn minutes(wait_s: Option<u64>) -> Option<u64> {
        wait_s.map(|seconds| (seconds + 30) / 60)
    }
}

/// Puts everyone who waits in the order in which they are served.
pub fn order(places: &mut [QueueEntry]) {
    places.sort_by(|a, b| a.turn().cmp(&b.turn()));
}

/// Gives the standing of everyone who waits, in the order in which they are served: the place in the
/// queue of their own, and the work of all contacts served before, shared by the agents who are
/// available. All agents serve all queues: who is first of one team and fifth of all waits for four
/// contacts, and to promise less would be a lie.
pub fn standings(
    ordered: &[QueueEntry],
    queues: &BTreeMap<String, Queue>,
    available: u64,
) -> Vec<QueuePosition> {
    let mut ahead_s = 0_u64;
    let mut ahead: BTreeMap<&str, u32> = BTreeMap::new();
    ordered
        .iter()
        .map(|place| {
            let position = ahead.entry(&place.queue).or_default();
            *position += 1;
            let standing = QueuePosition {
                position: *position,
                wait_s: ahead_s.checked_div(available),
            };
            let handle = queues
                .get(&place.queue)
                .map_or(HANDLE_TIME_S, |queue| queue.handle_time_s);
            ahead_s = ahead_s.saturating_add(handle);
            standing
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(handoff: &str, priority: u8, asked_s: i64) -> QueueEntry {
        QueueEntry {
            handoff: handoff.to_owned(),
            conversation: format!("c-{handoff}"),
            queue: "cards".to_owned(),
            priority,
            asked_at: Timestamp::from_second(asked_s).expect("a time"),
            told: None,
        }
    }

    fn queues(handle_time_s: u64) -> BTreeMap<String, Queue> {
        let queue = Queue {
            title: BTreeMap::new(),
            priority: 5,
            handle_time_s,
            advice: None,
            span: bellhop_flows::span::Span::default(),
        };
        BTreeMap::from([("cards".to_owned(), queue)])
    }

    fn ids(places: &[QueueEntry]) -> Vec<&str> {
        places.iter().map(|place| place.handoff.as_str()).collect()
    }

    #[test]
    fn the_urgent_go_first_but_age_wins_in_the_end() {
        let mut places = [
            place("ordinary", 5, 10),
            place("urgent", 0, 5 * STEP_S - 1),
            place("urgent_but_late", 0, 5 * STEP_S + 11),
            place("first", 5, 0),
        ];
        order(&mut places);
        assert_eq!(
            ids(&places),
            ["urgent", "first", "ordinary", "urgent_but_late"]
        );
    }

    #[test]
    fn the_wait_is_the_work_ahead_shared_by_who_is_there() {
        let places = [place("a", 5, 0), place("b", 5, 1), place("c", 5, 2)];
        let waits = |available| {
            standings(&places, &queues(240), available)
                .iter()
                .map(|standing| standing.wait_s)
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(2), [Some(0), Some(120), Some(240)]);
        assert_eq!(waits(0), [None, None, None]);
        let other = standings(&places, &BTreeMap::new(), 1);
        assert_eq!(other[1].wait_s, Some(HANDLE_TIME_S));
        assert_eq!(
            other.iter().map(|s| s.position).collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }

    #[test]
    fn each_queue_counts_its_own_people_and_the_wait_all_who_are_served_before() {
        let of = |handoff: &str, queue: &str, asked_s: i64| QueueEntry {
            queue: queue.to_owned(),
            ..place(handoff, 5, asked_s)
        };
        let places = [
            of("a", "cards", 0),
            of("b", "loans", 1),
            of("c", "loans", 2),
            of("d", "care", 3),
            of("e", "cards", 4),
        ];
        let standings = standings(&places, &BTreeMap::new(), 2);
        let told = |standing: &QueuePosition| (standing.position, standing.wait_s);
        assert_eq!(
            standings.iter().map(told).collect::<Vec<_>>(),
            [
                (1, Some(0)),
                (1, Some(150)),
                (2, Some(300)),
                (1, Some(450)),
                (2, Some(600))
            ]
        );
    }

    proptest! {
        #[test]
        fn nobody_is_overtaken_by_a_later_one_that_is_not_more_urgent(
            asked in proptest::collection::vec((0_u8..=12, 0_i64..4_000), 0..40)
        ) {
            let mut places: Vec<_> = asked
                .iter()
                .enumerate()
                .map(|(n, (priority, at))| place(&format!("{n:03}"), *priority, *at))
                .collect();
            order(&mut places);
            for (n, earlier) in places.iter().enumerate() {
                for later in &places[n + 1..] {
                    let overtaken = later.asked_at < earlier.asked_at
                        && later.priority <= earlier.priority;
                    prop_assert!(!overtaken, "{earlier:?} before {later:?}");
                }
            }
        }
    }
}
