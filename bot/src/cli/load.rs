//! `bellhop load`: customers who never stop talking. Each one waits for the answer before the next
//! message, so the rate is what the server can serve, and every answer is checked: its seq must grow
//! and something must be said. Afterwards every conversation is read again: what was acknowledged must
//! be there once and in order.

mod kept;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::args::{Load, Protocol};
use super::out::{line, warn};
use super::runtime;
use crate::clock::Stopwatch;

/// A customer's messages where no file is given: flows, articles and small talk, as they come.
const MESSAGES: [&str; 8] = [
    "hello",
    "what does an overdraft cost?",
    "what's the exchange rate for euros",
    "/cancel",
    "how long does a new card take to arrive",
    "what are your fees abroad",
    "can you tell me a joke about penguins",
    "what's the sort code of my account",
];
/// Turns after which a customer leaves and a new one comes.
const TURNS: usize = 8;
/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest latency that is told apart, microseconds.
const SLOWEST_US: u64 = 60_000_000;

/// What one customer saw.
#[derive(Debug)]
struct Seen {
    latency_us: Histogram<u64>,
    errors: u64,
    first_error: Option<String>,
    /// Conversations to be read again.
    visits: Vec<Visit>,
}

impl Seen {
    fn new() -> Result<Self> {
        Ok(Self {
            latency_us: Histogram::new_with_max(SLOWEST_US, 3)?,
            errors: 0,
            first_error: None,
            visits: Vec::new(),
        })
    }

    fn add(&mut self, other: Self) -> Result<()> {
        self.latency_us.add(&other.latency_us)?;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.visits.extend(other.visits);
        Ok(())
    }

    fn wrong(&mut self, what: String) {
        self.errors += 1;
        self.first_error.get_or_insert(what);
    }
}

/// Runs it.
pub(super) fn run(args: &Load) -> Result<ExitCode> {
    let messages = Arc::new(messages(args.messages.as_deref())?);
    runtime()?.block_on(async {
        let mut client = reqwest::Client::builder().timeout(TIMEOUT);
        if args.reconnect {
            client = client.pool_max_idle_per_host(0);
        }
        let client = client.build()?;
        line(&conditions(args));
        line("at once   turns/s   p50 ms   p95 ms   p99 ms   max ms   errors     lost  doubled");
        let mut failed = false;
        for &conversations in &args.conversations {
            ensure!(conversations > 0, "--conversations must be at least 1");
            let before = stages(&client, args).await;
            let mut seen = round(&client, args, conversations, &messages).await?;
            let after = stages(&client, args).await;
            let kept = kept::check(&client, &mut seen).await;
            let at = |quantile| seen.latency_us.value_at_quantile(quantile) as f64 / 1000.0;
            line(&format!(
                "{conversations:>7}  {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8} {:>8} {:>8}",
                seen.latency_us.len() as f64 / args.seconds as f64,
                at(0.5),
                at(0.95),
                at(0.99),
                seen.latency_us.max() as f64 / 1000.0,
                seen.errors,
                kept.lost,
                kept.doubled,
            ));
            if let (Some(before), Some(after)) = (before, after) {
                line(&shares(&before, &after));
            }
            if let Some(error) = seen.first_error {
                warn(&format!("error: {error}"));
                failed = true;
            }
        }
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    })
}

/// What the figures hold for.
fn conditions(args: &Load) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load
        .and_then(|text| Some(format!(", load average {}", text.split(' ').next()?)))
        .unwrap_or_default();
    format!(
        "bellhop {}, {}{} for {} s each, load generator and server on this machine's {cores} cores{load}: {}",
        env!("CARGO_PKG_VERSION"),
        args.url.join(" or "),
        if args.reconnect {
            ", a connection for each request,"
        } else {
            ""
        },
        args.seconds,
        match args.protocol {
            Protocol::Bellhop => "conversations API, ?wait=reply",
            Protocol::Rasa => "Rasa REST channel",
        }
    )
}

fn messages(path: Option<&Path>) -> Result<Vec<String>> {
    let Some(path) = path else {
        return Ok(MESSAGES.map(str::to_owned).to_vec());
    };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines: Vec<String> = text
        .lines()
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
        .collect();
    ensure!(!lines.is_empty(), "{}: no message in it", path.display());
    Ok(lines)
}

async fn round(
    client: &reqwest::Client,
    args: &Load,
    conversations: usize,
    messages: &Arc<Vec<String>>,
) -> Result<Seen> {
    let watch = Stopwatch::start();
    let length = Duration::from_secs(args.seconds);
    let mut customers = JoinSet::new();
    for number in 0..conversations {
        let client = client.clone();
        let mut servers = Servers::new(args, number);
        let (protocol, messages) = (args.protocol, Arc::clone(messages));
        customers.spawn(async move {
            let mut seen = Seen::new()?;
            let mut visits = 0;
            while watch.elapsed() < length {
                let name = format!("load-{}-{number}-{visits}", std::process::id());
                visits += 1;
                let mut visit = None;
                let talked = async {
                    let customer = Customer::come(&client, &mut servers, protocol, name).await?;
                    let customer = visit.insert(customer);
                    for turn in 0..TURNS.min(messages.len()) {
                        if watch.elapsed() >= length {
                            break;
                        }
                        // Customers start at different messages, so that the mix is even.
                        let text = &messages[(turn + number) % messages.len()];
                        let took = Stopwatch::start();
                        customer.say(text).await?;
                        seen.latency_us.saturating_record(took.micros());
                    }
                    Ok::<(), anyhow::Error>(())
                };
                let talked = talked.await;
                seen.visits.extend(visit.and_then(Customer::leave));
                if let Err(error) = talked {
                    seen.wrong(format!("{error:#}"));
                    // A server that refuses everything must not be flooded.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Ok::<Seen, anyhow::Error>(seen)
        });
    }
    let mut all = Seen::new()?;
    while let Some(seen) = customers.join_next().await {
        all.add(seen??)?;
    }
    Ok(all)
}

/// Addresses of the processes that serve, one after the other as if by chance; the same in every run.
#[derive(Debug)]
struct Servers {
    urls: Vec<String>,
    seed: u64,
    customer: usize,
    drawn: u64,
}

impl Servers {
    fn new(args: &Load, customer: usize) -> Self {
        let urls = args.url.iter();
        Self {
            urls: urls
                .map(|url| url.trim_end_matches('/').to_owned())
                .collect(),
            seed: args.seed,
            customer,
            drawn: 0,
        }
    }

    fn any(&mut self) -> &str {
        self.drawn += 1;
        let mut hasher = DefaultHasher::new();
        (self.seed, self.customer, self.drawn).hash(&mut hasher);
        &self.urls[usize::try_from(hasher.finish() >> 33).unwrap_or(0) % self.urls.len()]
    }
}

/// A conversation that was held, for whoever reads it again.
#[derive(Debug)]
struct Visit {
    /// The conversation's address.
    url: String,
    token: String,
    /// Names the customer; their messages are this and a number.
    name: String,
    /// Messages that were answered.
    answered: u32,
    /// Seq of the last one that was answered.
    last_seq: u64,
}

/// A customer at the server.
struct Customer<'a> {
    client: &'a reqwest::Client,
    servers: &'a mut Servers,
    /// Where messages go, at whichever server.
    path: String,
    token: Option<String>,
    name: String,
    protocol: Protocol,
    sent: u32,
    answered: u32,
    last_seq: u64,
}

impl<'a> Customer<'a> {
    async fn come(
        client: &'a reqwest::Client,
        servers: &'a mut Servers,
        protocol: Protocol,
        name: String,
    ) -> Result<Self> {
        let mut customer = Self {
            client,
            servers,
            path: "/webhooks/rest/webhook".to_owned(),
            token: None,
            name,
            protocol,
            sent: 0,
            answered: 0,
            last_seq: 0,
        };
        if protocol == Protocol::Bellhop {
            let opened = customer.post("/v1/conversations", &json!({})).await?;
            let id = opened["conversation_id"]
                .as_str()
                .context("conversation_id")?;
            customer.path = format!("/v1/conversations/{id}/messages?wait=reply");
            customer.token = opened["token"].as_str().map(str::to_owned);
        }
        Ok(customer)
    }

    /// What can be read again: nothing of a channel that tells no transcript.
    fn leave(self) -> Option<Visit> {
        let path = self.path.strip_suffix("/messages?wait=reply")?;
        Some(Visit {
            url: format!("{}{path}", self.servers.any()),
            token: self.token?,
            name: self.name,
            answered: self.answered,
            last_seq: self.last_seq,
        })
    }

    async fn say(&mut self, text: &str) -> Result<()> {
        self.sent += 1;
        let path = self.path.clone();
        let (body, replies) = match self.protocol {
            Protocol::Rasa => {
                let body = json!({ "sender": self.name, "message": text });
                (Value::Null, self.post(&path, &body).await?)
            }
            Protocol::Bellhop => {
                let id = format!("{}-{}", self.name, self.sent);
                let key = if text.starts_with('/') {
                    "payload"
                } else {
                    "text"
                };
                let body = json!({ "client_msg_id": id, key: text });
                let answer = self.post(&path, &body).await?;
                let replies = answer["replies"].clone();
                (answer, replies)
            }
        };
        if let Some(seq) = body["seq"].as_u64() {
            ensure!(
                seq > self.last_seq,
                "seq {seq} came after {}",
                self.last_seq
            );
            self.last_seq = seq;
            self.answered += 1;
        }
        let said = replies
            .as_array()
            .is_some_and(|replies| !replies.is_empty());
        ensure!(said, "nothing was said to `{text}`");
        Ok(())
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.servers.any());
        let mut request = self.client.post(url).json(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!("{status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }
}

/// Names of the stages whose seconds the server counts.
const STAGES: [&str; 6] = ["accept", "nlu", "retrieval", "engine", "actions", "store"];

/// Seconds spent in each stage so far and the memory of the processes, from their `/metrics`; none where
/// the server is another program, or a balancer, behind which each time another process would tell.
async fn stages(client: &reqwest::Client, args: &Load) -> Option<(Vec<f64>, f64)> {
    if args.reconnect {
        return None;
    }
    let (mut seconds, mut memory) = (vec![0.0; STAGES.len()], 0.0);
    for url in &args.url {
        let url = format!("{}/metrics", url.trim_end_matches('/'));
        let response = client.get(url).send().await.ok()?;
        let text = response.error_for_status().ok()?.text().await.ok()?;
        let value = |start: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(start)?.trim().parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        for (sum, stage) in seconds.iter_mut().zip(STAGES) {
            *sum += value(&format!(
                "bellhop_turn_stage_seconds_sum{{stage=\"{stage}\"}}"
            ));
        }
        memory += value("process_resident_memory_bytes");
    }
    Some((seconds, memory))
}

fn shares(before: &(Vec<f64>, f64), after: &(Vec<f64>, f64)) -> String {
    let spent: Vec<f64> = after
        .0
        .iter()
        .zip(&before.0)
        .map(|(after, before)| after - before)
        .collect();
    let total: f64 = spent.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let parts: Vec<String> = STAGES
        .iter()
        .zip(&spent)
        .map(|(stage, seconds)| format!("{stage} {:.0} %", 100.0 * seconds / total))
        .collect();
    format!(
        "         of a turn's time: {}; server's memory {:.0} MB",
        parts.join(", "),
        after.1 / 1e6
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Args, Command};
    use super::*;

    #[test]
    fn requests_go_to_every_server_and_in_every_run_alike() {
        let line = "bellhop load --url http://a/,http://b --url http://c --seed 7";
        let parsed = Args::try_parse_from(line.split(' ')).expect("parses");
        let Some(Command::Load(args)) = parsed.command else {
            panic!("not load");
        };
        let draw = |customer| {
            let mut servers = Servers::new(&args, customer);
            let urls: Vec<String> = (0..60).map(|_| servers.any().to_owned()).collect();
            urls
        };
        assert_eq!(draw(0), draw(0));
        assert_ne!(draw(0), draw(1));
        for url in ["http://a", "http://b", "http://c"] {
            let drawn = draw(0).iter().filter(|it| *it == url).count();
            assert!((8..40).contains(&drawn), "{url}: {drawn} of 60");
        }
    }
}
