//! Several processes on one Redis: messages of each customer land on any of them, processes and Redis itself are killed, and
//! what was acknowledged is there once, in order, and answered.

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Dice, Program, RedisServer, Start};
use serde_json::json;

const PROCESSES: usize = 3;
const CUSTOMERS: usize = 12;
const ROUNDS: usize = 30;

const SAYINGS: [&str; 5] = [
    "what is my balance",
    "never mind",
    "what does an overdraft cost",
    "how do i get a new card",
    "thanks",
];

fn start(server: &RedisServer, prefix: &str) -> Start {
    Start {
        args: vec![
            "--store".to_owned(),
            format!("redis://{}?prefix={prefix}", server.address),
        ],
        env: [
            ("BELLHOP_LIMITS__MESSAGES_PER_SECOND", "100000"),
            ("BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND", "100000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    }
}

/// Sends until it is acknowledged, at whichever process answers; the same id, so that it counts once.
async fn send(
    customer: &mut Customer,
    programs: &[Program],
    dice: &mut Dice,
    id: &str,
    text: &str,
) -> Result<u64> {
    let mut last = None;
    for _ in 0..600 {
        customer.move_to(&programs[dice.roll(programs.len())].url);
        match customer.post(id, text).await {
            Ok(seq) => return Ok(seq),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Err(last.context("it was tried")?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_on_any_of_three_processes_are_kept_once_and_in_order_whatever_dies() -> Result<()>
{
    let server = RedisServer::start()?;
    let mut server = server.context("install redis-server: processes share a store there")?;
    let folder = tempfile::tempdir()?;
    let options = start(&server, "three");
    let mut programs = Vec::new();
    for _ in 0..PROCESSES {
        programs.push(Program::start(folder.path(), &options)?);
    }
    let client = reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(10))
        .build()?;
    let mut dice = Dice(20_261_130);
    let mut customers = Vec::new();
    for n in 0..CUSTOMERS {
        let url = &programs[n % PROCESSES].url;
        customers.push(Customer::open(&client, url, json!({})).await?);
    }
    let mut last = vec![0; CUSTOMERS];
    for round in 0..ROUNDS {
        for (n, customer) in customers.iter_mut().enumerate() {
            let text = SAYINGS[(round + n) % SAYINGS.len()];
            let seq = send(customer, &programs, &mut dice, &format!("m{round}"), text).await?;
            assert!(seq > last[n], "{seq} after {}", last[n]);
            last[n] = seq;
        }
        match round {
            // A process dies with whatever it was doing, and another comes.
            8 | 20 => {
                let dies = programs.remove(dice.roll(programs.len()));
                dies.kill()?;
                programs.push(Program::start(folder.path(), &options)?);
            }
            14 => server.kill_and_restart()?,
            _ => {}
        }
    }
    for (customer, last) in customers.iter_mut().zip(last) {
        customer.move_to(&programs[dice.roll(programs.len())].url);
        let own = customer.own_messages(last).await?;
        let expected: Vec<String> = (0..ROUNDS).map(|round| format!("m{round}")).collect();
        assert_eq!(own, expected);
        // Whoever died, the conversation goes on: a lease runs out in ten seconds.
        let mut replies = Vec::new();
        for _ in 0..30 {
            if let Ok(said) = customer.say("what does an overdraft cost").await
                && !said.is_empty()
            {
                replies = said;
                break;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        assert!(!replies.is_empty(), "the conversation goes on");
    }
    Ok(())
}
