//! `kill -9` at any moment: every acknowledged message is in the transcript once, in order, and each
//! conversation goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Program, Start};
use serde_json::json;

const CONVERSATIONS: usize = 200;
const KILLS: usize = 20;
/// Acknowledgements before a kill: 20 to 219, by the seed.
const SEED: u64 = 20_261_125;

const SAYINGS: [&str; 6] = [
    "what is my balance",
    "current account please",
    "block my card",
    "no wait, never mind",
    "what does an overdraft cost",
    "¿cuál es mi saldo?",
];

/// A customer who sends until the line goes dead and sends again what was not acknowledged.
struct Sender {
    customer: Customer,
    /// Ids in the order they were first sent.
    acknowledged: Vec<String>,
    next: usize,
}

impl Sender {
    /// Sends until the program is gone. A message whose acknowledgement never came keeps its id.
    async fn run(&mut self, acks: Arc<AtomicUsize>) {
        loop {
            let id = format!("m{}", self.next);
            let text = SAYINGS[self.next % SAYINGS.len()];
            match self.customer.post(&id, text).await {
                Ok(_) => {
                    self.acknowledged.push(id);
                    self.next += 1;
                    acks.fetch_add(1, Ordering::SeqCst);
                }
                // Too many at once is an answer, not a loss: the customer tries again.
                Err(error) if error.to_string().starts_with("429") => {
                    tokio::task::yield_now().await;
                }
                Err(_) => return,
            }
        }
    }
}

fn start() -> Start {
    Start {
        args: Vec::new(),
        env: [
            ("BELLHOP_LIMITS__MESSAGES_PER_SECOND", "100000"),
            ("BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND", "100000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut program = Program::start(folder.path(), &start())?;
    let mut senders = Vec::new();
    let client = reqwest::Client::new();
    for _ in 0..CONVERSATIONS {
        senders.push(Sender {
            customer: Customer::open(&client, &program.url, json!({})).await?,
            acknowledged: Vec::new(),
            next: 0,
        });
    }
    let mut random = SEED;
    for _ in 0..KILLS {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let kill_after = 20 + usize::try_from(random >> 33)? % 200;
        let acks = Arc::new(AtomicUsize::new(0));
        let mut running = tokio::task::JoinSet::new();
        for mut sender in senders.drain(..) {
            sender.customer.move_to(&program.url);
            let acks = acks.clone();
            running.spawn(async move {
                sender.run(acks).await;
                sender
            });
        }
        while acks.load(Ordering::SeqCst) < kill_after {
            tokio::task::yield_now().await;
        }
        program.kill()?;
        while let Some(sender) = running.join_next().await {
            senders.push(sender?);
        }
        program = Program::start(folder.path(), &start())?;
    }
    let total: usize = senders.iter().map(|sender| sender.acknowledged.len()).sum();
    assert!(total > KILLS * 20, "only {total} acknowledged");
    for mut sender in senders {
        sender.customer.move_to(&program.url);
        let replies = sender
            .customer
            .say("hello")
            .await
            .with_context(|| format!("{} goes on", sender.customer.id))?;
        let last = replies
            .iter()
            .filter_map(|event| event["seq"].as_u64())
            .max()
            .with_context(|| format!("{} is answered after the crashes", sender.customer.id))?;
        let mut own = sender.customer.own_messages(last).await?;
        assert_eq!(
            own.pop().as_deref(),
            Some(format!("{}-1", sender.customer.id).as_str())
        );
        // The last message sent may be stored without its acknowledgement having arrived.
        let in_flight = format!("m{}", sender.next);
        if own.last() == Some(&in_flight) {
            own.pop();
        }
        assert_eq!(own, sender.acknowledged, "{}", sender.customer.id);
    }
    Ok(())
}
