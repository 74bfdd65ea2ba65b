//! The order in which people are served, and how long they will wait.
//!
//! Priority counts as age given ahead: each step of priority is worth [`STEP_S`] seconds of waiting.
//! So the urgent go first, nobody waits for ever behind them, and the order between two people never
//! changes while they wait.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use bellhop_flows::bundle::Queue;

use super::envelope::Reason;
use super::listing::DeskCustomer;
use super::record::{Holder, Record, Stage};
use crate::encoding::{Unreadable, decode};
use crate::partition::Snapshot;

/// Seconds of waiting that one step of priority is worth.
const STEP_S: i64 = 300;

/// Least urgent priority.
const LEAST: u8 = 9;

/// Mean seconds of a contact in a queue that the bot no longer has.
const HANDLE_TIME_S: u64 = 300;

/// A handoff that waits or is with an agent, as the queue knows it: made from the conversation's record, which is the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
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
    /// Place in the line that the customer was told when they began to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_position: Option<u32>,
    /// How it stands.
    pub stage: Stage,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Why.
    pub reason: Reason,
    /// Who.
    pub customer: DeskCustomer,
    /// What the customer came for.
    pub intent: String,
    /// The same in words.
    pub issue: String,
    /// Channel.
    pub channel: String,
    /// Language.
    pub language: String,
}

impl Ticket {
    /// The ticket of a handoff; none once it is over.
    pub fn of(record: &Record) -> Option<Self> {
        let envelope = &record.envelope;
        record.stage.is_open().then(|| Self {
            handoff: envelope.handoff_id.clone(),
            conversation: envelope.conversation_id.clone(),
            queue: envelope.routing.queue.clone(),
            priority: envelope.routing.priority,
            asked_at: record.requested_at,
            told_position: record.told_position,
            stage: record.stage,
            holder: record.holder.clone(),
            reason: envelope.reason.clone(),
            customer: DeskCustomer {
                id: envelope.customer.id.clone(),
                tier: envelope.customer.tier.clone(),
                display_name: envelope.customer.display_name.clone(),
            },
            intent: envelope.intent.clone(),
            issue: envelope.summary.issue.clone(),
            channel: envelope.channel.clone(),
            language: envelope.locale.clone(),
        })
    }

    /// Who has the smallest is served next; the id settles a tie.
    fn turn(&self) -> (i64, &str) {
        let ahead = i64::from(self.priority.min(LEAST)) * STEP_S * 1_000;
        (self.asked_at.as_millisecond() + ahead, &self.handoff)
    }
}

/// Somebody at the desk, as the queue knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCard {
    /// Takes conversations.
    pub available: bool,
    /// When their session ends.
    pub session_until: Timestamp,
    /// Whoever has not shown themselves until then is gone.
    pub present_until: Timestamp,
    /// They have opened a desk page: from then on its signs of life count, not their requests.
    #[serde(default)]
    pub has_page: bool,
}

impl AgentCard {
    /// Takes conversations now.
    pub fn takes(&self, now: Timestamp) -> bool {
        self.available && self.session_until > now
    }

    /// Their session is over, or they have not shown themselves for too long.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.session_until <= now || self.present_until < now
    }
}

/// The desk's queue at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueueView {
    /// Who waits or is with an agent, by conversation.
    pub tickets: BTreeMap<String, Ticket>,
    /// Who is at the desk, by id.
    pub agents: BTreeMap<String, AgentCard>,
}

/// Documents of the queue's partition that hold tickets, by conversation.
pub const TICKET: &str = "ticket/";
/// Documents that hold agents, by id.
pub const AGENT: &str = "agent/";

impl QueueView {
    /// Reads it from a snapshot of the queue's partition with all its documents.
    ///
    /// # Errors
    /// A ticket or an agent that can't be read.
    pub fn of(snapshot: &Snapshot) -> Result<Self, Unreadable> {
        let mut view = Self::default();
        for (conversation, body) in snapshot.below(TICKET) {
            let ticket = decode("ticket", body)?;
            view.tickets.insert(conversation.to_owned(), ticket);
        }
        for (agent, body) in snapshot.below(AGENT) {
            let card = decode("agent", body)?;
            view.agents.insert(agent.to_owned(), card);
        }
        Ok(view)
    }

    /// Who waits, in the order in which they are served, each with how they stand.
    pub fn line<'a>(
        &'a self,
        queues: &BTreeMap<String, Queue>,
        now: Timestamp,
    ) -> Vec<(&'a Ticket, QueuePosition)> {
        let waiting = self.tickets.values();
        let mut line: Vec<&Ticket> = waiting.filter(|it| it.stage == Stage::Queued).collect();
        line.sort_by(|a, b| a.turn().cmp(&b.turn()));
        let places: Vec<&str> = line.iter().map(|ticket| ticket.queue.as_str()).collect();
        let positions = positions(&places, queues, self.available(now));
        line.into_iter().zip(positions).collect()
    }

    /// Where somebody who asks now would stand.
    pub fn newcomer(
        &self,
        queue: &str,
        priority: u8,
        queues: &BTreeMap<String, Queue>,
        now: Timestamp,
    ) -> QueuePosition {
        self.standing(queue, priority, now, None, queues, now)
    }

    /// Where somebody stands who asked at a time, waiting or not yet.
    pub fn standing(
        &self,
        queue: &str,
        priority: u8,
        asked_at: Timestamp,
        conversation: Option<&str>,
        queues: &BTreeMap<String, Queue>,
        now: Timestamp,
    ) -> QueuePosition {
        let turn = asked_at.as_millisecond() + i64::from(priority.min(LEAST)) * STEP_S * 1_000;
        let others = self.tickets.iter().filter(|(of, ticket)| {
            ticket.stage == Stage::Queued && conversation != Some(of.as_str())
        });
        // Behind everyone of its own age and priority: ids made later are greater.
        let mut ahead: Vec<&Ticket> = others
            .map(|(_, ticket)| ticket)
            .filter(|ticket| ticket.turn().0 <= turn)
            .collect();
        ahead.sort_by(|a, b| a.turn().cmp(&b.turn()));
        let mut places: Vec<&str> = ahead.iter().map(|ticket| ticket.queue.as_str()).collect();
        places.push(queue);
        positions(&places, queues, self.available(now))
            .pop()
            .unwrap_or(QueuePosition {
                position: 1,
                wait_s: None,
            })
    }

    /// How many take conversations.
    pub fn available(&self, now: Timestamp) -> u64 {
        self.agents.values().filter(|card| card.takes(now)).count() as u64
    }

    /// The handoffs that an agent has, oldest first.
    pub fn of_agent<'a>(&'a self, agent: &str) -> Vec<&'a Ticket> {
        let theirs = |ticket: &&Ticket| {
            ticket.stage.with_agent() && ticket.holder.as_ref().is_some_and(|it| it.id == agent)
        };
        let mut tickets: Vec<&Ticket> = self.tickets.values().filter(theirs).collect();
        tickets.sort_by_key(|ticket| {
            let since = ticket.holder.as_ref().map(|holder| holder.since);
            (since, ticket.handoff.clone())
        });
        tickets
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

/// Gives how everyone stands who waits, from the queues' names in the order in which they are served: the place in the queue
/// of their own, and the work of all contacts served before, shared by the agents who are available. All agents serve all
/// queues: who is first of one team and fifth of all waits for four contacts, and to promise less would be a lie.
fn positions(
    line: &[&str],
    queues: &BTreeMap<String, Queue>,
    available: u64,
) -> Vec<QueuePosition> {
    let mut ahead_s = 0_u64;
    let mut ahead: BTreeMap<&str, u32> = BTreeMap::new();
    line.iter()
        .map(|queue| {
            let position = ahead.entry(queue).or_default();
            *position += 1;
            let standing = QueuePosition {
                position: *position,
                wait_s: ahead_s.checked_div(available),
            };
            let handle = queues
                .get(*queue)
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

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    /// A line of people: id, queue, priority, when they asked.
    fn view(people: &[(&str, &str, u8, i64)], available: u64) -> QueueView {
        let ticket = |(handoff, queue, priority, asked_s): &(&str, &str, u8, i64)| Ticket {
            handoff: (*handoff).to_owned(),
            conversation: format!("c-{handoff}"),
            queue: (*queue).to_owned(),
            priority: *priority,
            asked_at: at(*asked_s),
            told_position: None,
            stage: Stage::Queued,
            holder: None,
            reason: Reason::default(),
            customer: DeskCustomer::default(),
            intent: String::new(),
            issue: String::new(),
            channel: String::new(),
            language: String::new(),
        };
        let card = AgentCard {
            available: true,
            session_until: Timestamp::MAX,
            present_until: Timestamp::MAX,
            has_page: false,
        };
        QueueView {
            tickets: people
                .iter()
                .map(|it| (format!("c-{}", it.0), ticket(it)))
                .collect(),
            agents: (0..available)
                .map(|n| (n.to_string(), card.clone()))
                .collect(),
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

    #[test]
    fn the_urgent_go_first_but_age_wins_in_the_end() {
        let view = view(
            &[
                ("ordinary", "cards", 5, 10),
                ("urgent", "cards", 0, 5 * STEP_S - 1),
                ("urgent_but_late", "cards", 0, 5 * STEP_S + 11),
                ("first", "cards", 5, 0),
            ],
            0,
        );
        let line = view.line(&queues(300), at(0));
        let ids: Vec<_> = line.iter().map(|(ticket, _)| &*ticket.handoff).collect();
        assert_eq!(ids, ["urgent", "first", "ordinary", "urgent_but_late"]);
    }

    #[test]
    fn the_wait_is_the_work_ahead_shared_by_who_is_there() {
        let people = [
            ("a", "cards", 5, 0),
            ("b", "cards", 5, 1),
            ("c", "cards", 5, 2),
        ];
        let told = |available, queues: &BTreeMap<String, Queue>| {
            let view = view(&people, available);
            let line = view.line(queues, at(9));
            line.iter()
                .map(|(_, standing)| (standing.position, standing.wait_s))
                .collect::<Vec<_>>()
        };
        let waits = |waits: [Option<u64>; 3]| (1..).zip(waits).collect::<Vec<_>>();
        assert_eq!(
            told(2, &queues(240)),
            waits([Some(0), Some(120), Some(240)])
        );
        assert_eq!(told(0, &queues(240)), waits([None, None, None]));
        assert_eq!(
            told(1, &BTreeMap::new())[1],
            (2, Some(HANDLE_TIME_S)),
            "a queue that the bot no longer has"
        );
    }

    #[test]
    fn each_queue_counts_its_own_people_and_the_wait_all_who_are_served_before() {
        let view = view(
            &[
                ("a", "cards", 5, 0),
                ("b", "loans", 5, 1),
                ("c", "loans", 5, 2),
                ("d", "care", 5, 3),
                ("e", "cards", 5, 4),
            ],
            2,
        );
        let line = view.line(&BTreeMap::new(), at(9));
        let told: Vec<_> = line
            .iter()
            .map(|(_, standing)| (standing.position, standing.wait_s))
            .collect();
        assert_eq!(
            told,
            [
                (1, Some(0)),
                (1, Some(150)),
                (2, Some(300)),
                (1, Some(450)),
                (2, Some(600))
            ]
        );
        let newcomer = view.newcomer("care", 5, &BTreeMap::new(), at(9));
        assert_eq!((newcomer.position, newcomer.wait_s), (2, Some(750)));
    }

    #[test]
    fn who_is_not_available_or_signed_out_does_not_count_for_the_wait() {
        let mut view = view(&[("a", "cards", 5, 0), ("b", "cards", 5, 1)], 3);
        let wait = |view: &QueueView| view.line(&queues(300), at(100))[1].1.wait_s;
        assert_eq!(wait(&view), Some(100));
        view.agents.get_mut("0").expect("a card").available = false;
        assert_eq!(wait(&view), Some(150));
        view.agents.get_mut("1").expect("a card").session_until = at(100);
        assert_eq!(wait(&view), Some(300));
    }

    proptest! {
        #[test]
        fn nobody_is_overtaken_by_a_later_one_that_is_not_more_urgent(
            asked in proptest::collection::vec((0_u8..=12, 0_i64..4_000), 0..40)
        ) {
            let names: Vec<String> = (0..asked.len()).map(|n| format!("{n:03}")).collect();
            let people: Vec<_> = names
                .iter()
                .zip(&asked)
                .map(|(name, (priority, at))| (name.as_str(), "cards", *priority, *at))
                .collect();
            let view = view(&people, 1);
            let line = view.line(&queues(300), at(0));
            for (n, (earlier, standing)) in line.iter().enumerate() {
                prop_assert_eq!(standing.position as usize, n + 1);
                for (later, _) in &line[n + 1..] {
                    let overtaken = later.asked_at < earlier.asked_at
                        && later.priority <= earlier.priority;
                    prop_assert!(!overtaken, "{earlier:?} before {later:?}");
                }
            }
        }

        /// Where somebody is told that they will stand is where they stand then.
        #[test]
        fn a_newcomer_is_told_the_place_that_they_get(
            asked in proptest::collection::vec((0_u8..=9, 0_i64..4_000), 0..20),
            priority in 0_u8..=9,
        ) {
            let names: Vec<String> = (0..asked.len()).map(|n| format!("{n:03}")).collect();
            let mut people: Vec<_> = names
                .iter()
                .zip(&asked)
                .map(|(name, (priority, at))| (name.as_str(), "cards", *priority, *at))
                .collect();
            let told = view(&people, 2).newcomer("cards", priority, &queues(300), at(4_000));
            people.push(("new", "cards", priority, 4_000));
            let view = view(&people, 2);
            let line = view.line(&queues(300), at(4_000));
            let stands = line.iter().find(|(ticket, _)| ticket.handoff == "new");
            prop_assert_eq!(stands.map(|(_, standing)| *standing), Some(told));
        }
    }
}
