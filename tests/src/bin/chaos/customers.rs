//! Customers who keep talking, whatever fails, and read again what they said.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Dice};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::lock;
use super::tally::Tally;

/// Messages of a conversation.
const VISIT: usize = 24;
/// Most messages that are sent before one is waited for.
const BURST: usize = 3;
/// Longest wait for one answer; then another process is asked.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// From one attempt to the next.
const BACK_OFF: Duration = Duration::from_millis(50);
/// Attempts after which it is given up: more than a minute.
const ATTEMPTS: usize = 1200;
/// Most milliseconds that a customer thinks.
const THINKING_MS: usize = 100;

/// What always gets an answer, however often it is said.
const SAYINGS: [&str; 5] = [
    "what does an overdraft cost?",
    "how long does a new card take to arrive",
    "what are your fees abroad",
    "what's the exchange rate for euros",
    "what's the sort code of my account",
];

/// What customers share.
pub(crate) struct Shop {
    urls: Mutex<Vec<String>>,
    tally: Mutex<Tally>,
    client: reqwest::Client,
    pub(crate) stop: AtomicBool,
}

impl Shop {
    pub(crate) fn new(urls: Vec<String>, customers: usize) -> Result<Self> {
        Ok(Self {
            urls: Mutex::new(urls),
            tally: Mutex::new(Tally::new(customers)),
            client: reqwest::Client::builder().timeout(TIMEOUT).build()?,
            stop: AtomicBool::new(false),
        })
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    /// Another process is there instead of one.
    pub(crate) fn replace(&self, process: usize, url: &str) {
        url.clone_into(&mut lock(&self.urls)[process]);
    }

    fn any(&self, dice: &mut Dice) -> String {
        let urls = lock(&self.urls);
        urls[dice.roll(urls.len())].clone()
    }
}

/// A conversation, and the ids of what was acknowledged in it.
struct Visit {
    customer: Customer,
    acknowledged: Vec<String>,
}

/// A customer who comes again and again.
pub(crate) struct Regular {
    shop: Arc<Shop>,
    number: usize,
    dice: Dice,
}

impl Regular {
    pub(crate) fn new(shop: Arc<Shop>, number: usize, seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_add(number as u64));
        // Seeds that lie near each other begin alike.
        dice.roll(2);
        Self { shop, number, dice }
    }

    /// Talks until it is told to stop. A conversation is read again only after the next one: what is still on its way somewhere
    /// would have come by then.
    pub(crate) async fn run(mut self) -> Result<()> {
        let mut last = None;
        while !self.shop.stop.load(Ordering::SeqCst) {
            let visit = self.visit().await?;
            if let Some(last) = last.replace(visit) {
                self.read_again(last).await?;
            }
        }
        if let Some(last) = last {
            self.read_again(last).await?;
        }
        Ok(())
    }

    async fn visit(&mut self) -> Result<Visit> {
        let mut visit = Visit {
            customer: self.come().await?,
            acknowledged: Vec::new(),
        };
        while visit.acknowledged.len() < VISIT && !self.shop.stop.load(Ordering::SeqCst) {
            for _ in 0..self.dice.roll(BURST + 1) {
                self.say(&mut visit, false).await?;
            }
            self.say(&mut visit, true).await?;
            let thinks = self.dice.roll(THINKING_MS + 1);
            sleep(Duration::from_millis(thinks as u64)).await;
        }
        Ok(visit)
    }

    async fn come(&mut self) -> Result<Customer> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let url = self.shop.any(&mut self.dice);
            match Customer::open(&self.shop.client, &url, json!({})).await {
                Ok(customer) => return Ok(customer),
                Err(error) => last = Some(error),
            }
            sleep(BACK_OFF).await;
        }
        Err(last.context("it was tried")?.context("nobody opens"))
    }

    /// Sends one message under one id, at whichever process, until it is acknowledged; until it is answered where that is waited for.
    async fn say(&mut self, visit: &mut Visit, until_answered: bool) -> Result<()> {
        let id = format!("m{}", visit.acknowledged.len());
        let text = SAYINGS[self.dice.roll(SAYINGS.len())];
        let sent = Instant::now();
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let url = self.shop.any(&mut self.dice);
            visit.customer.move_to(&url);
            let done = if until_answered {
                let replies = visit.customer.ask(&id, text).await;
                replies.map(|replies| !replies.is_empty())
            } else {
                visit.customer.post(&id, text).await.map(|_| true)
            };
            match done {
                Ok(true) => {
                    if until_answered {
                        self.shop.tally().answered(self.number, sent);
                    }
                    visit.acknowledged.push(id);
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) => {
                    let http = error.downcast_ref::<reqwest::Error>();
                    if http.is_some_and(reqwest::Error::is_timeout) {
                        self.shop.tally().unanswered += 1;
                    }
                    last = Some(error);
                }
            }
            sleep(BACK_OFF).await;
        }
        let why = last.map_or(
            "it is acknowledged, and nothing is said".to_owned(),
            |error| format!("{error:#}"),
        );
        anyhow::bail!("`{text}` gets no answer in {}: {why}", visit.customer.id)
    }

    /// Says a last word, and reads everything before it.
    async fn read_again(&mut self, mut visit: Visit) -> Result<()> {
        let acknowledged = visit.acknowledged.clone();
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let url = self.shop.any(&mut self.dice);
            visit.customer.move_to(&url);
            let own = async {
                let end = visit.customer.post("end", "thanks").await?;
                visit.customer.own_messages(end).await
            };
            match own.await {
                Ok(mut own) => {
                    own.retain(|id| id != "end");
                    self.shop.tally().read_again(&acknowledged, &own);
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
            sleep(BACK_OFF).await;
        }
        Err(last
            .context("it was tried")?
            .context(format!("{} can't be read again", visit.customer.id)))
    }
}
