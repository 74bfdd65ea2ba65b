//! `chaos`: processes or Redis fail under load, again and again, and what was acknowledged is counted.
//!
//! ```sh
//! cargo run --release -p bellhop-tests --bin chaos -- --rounds 200 --every 5        # kill -9 of a random process
//! cargo run --release -p bellhop-tests --bin chaos -- --redis kill --rounds 50      # kill -9 of Redis
//! cargo run --release -p bellhop-tests --bin chaos -- --redis failover --rounds 20  # its replica takes over, wait=1
//! ```
//!
//! Each request of each customer goes to a random process, until it is acknowledged, under the same id. A transcript must then hold
//! every message once and in order. Exits with 1 where one does not, or where a conversation went on too late.

mod customers;
mod faults;
mod tally;

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bellhop_tests::{Dice, Program, Start};
use clap::{Parser, ValueEnum};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use customers::{Regular, Shop};
use faults::Servers;

/// Longest wait for all conversations to go on; beyond it, one never does.
const NEVER: Duration = Duration::from_secs(60);

/// Lets processes or Redis fail under load and counts what was acknowledged.
#[derive(Debug, Parser)]
struct Args {
    /// Redis fails in this way; a random process is killed where nothing is said.
    #[arg(long, value_enum)]
    redis: Option<RedisFault>,
    /// How often something fails.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Seconds from one failure to the next. Redis fails again only when all conversations have gone on.
    #[arg(long, default_value_t = 5)]
    every: u64,
    /// Seconds that Redis is paused or shut down.
    #[arg(long, default_value_t = 10)]
    away: u64,
    /// Processes that share the store.
    #[arg(long, default_value_t = 3)]
    processes: usize,
    /// Customers at once.
    #[arg(long, default_value_t = 24)]
    customers: usize,
    /// Who says what, where requests go and which process is killed follow from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A store that is there already, such as a cluster; processes alone can fail then. A Redis of its own where none is given.
    #[arg(long, conflicts_with = "redis")]
    store: Option<String>,
    /// Judge by what was kept alone, however long it takes until conversations go on: for tests, on whatever machine.
    #[arg(long)]
    untimed: bool,
}

/// What happens to Redis, which syncs every write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RedisFault {
    /// `kill -9`, and it is started again at once.
    Kill,
    /// It stands still for a while (SIGSTOP).
    Pause,
    /// It is shut down in good order, and started again after a while.
    Restart,
    /// `kill -9` of a master with two replicas; the one that has most takes over. The store's address says wait=1.
    Failover,
}

impl RedisFault {
    /// How soon every conversation must go on once Redis is back.
    fn limit(fault: Option<Self>) -> Duration {
        Duration::from_secs(match fault {
            // A lease of ten seconds runs out, or runs on.
            None | Some(Self::Kill) => 12,
            Some(_) => 5,
        })
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ran = runtime
        .map_err(anyhow::Error::from)
        .and_then(|it| it.block_on(run(args)));
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

async fn run(args: Args) -> Result<bool> {
    ensure!(args.processes > 0 && args.customers > 0, "nobody is there");
    let mut servers = Servers::start(args.redis, args.store.clone())?;
    line(&conditions(&args, &servers)?);
    let start = Start {
        args: vec!["--store".to_owned(), servers.store.clone()],
        env: [
            ("BELLHOP_LIMITS__MESSAGES_PER_SECOND", "1000000"),
            ("BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND", "1000000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    };
    let mut programs = Vec::new();
    for _ in 0..args.processes {
        programs.push(program(start.clone()).await?);
    }
    let urls = programs.iter().map(|it| it.url.clone()).collect();
    let shop = Arc::new(Shop::new(urls, args.customers)?);
    let mut customers = JoinSet::new();
    for number in 0..args.customers {
        let customer = Regular::new(Arc::clone(&shop), number, args.seed);
        customers.spawn(customer.run());
    }
    let mut dice = Dice(args.seed);
    sleep(Duration::from_secs(args.every)).await;
    for round in 1..=args.rounds {
        let next = Instant::now() + Duration::from_secs(args.every);
        match args.redis {
            None => {
                let dies = dice.roll(programs.len());
                programs.remove(dies).kill()?;
                shop.tally().fault();
                // Until another is there, requests to the dead one are refused, as behind a balancer that does not look.
                let new = program(start.clone()).await?;
                shop.replace(dies, &new.url);
                programs.insert(dies, new);
            }
            Some(fault) => {
                servers = servers.fail(fault, args.away).await?;
                shop.tally().fault();
                all_go_on(&shop, &mut customers).await?;
                servers = servers.recover().await?;
            }
        }
        if round % 10 == 0 {
            line(&format!("round {round}: {}", shop.tally().progress()));
        }
        sleep_until(next).await;
    }
    all_go_on(&shop, &mut customers).await?;
    shop.stop.store(true, Ordering::SeqCst);
    while let Some(ended) = customers.join_next().await {
        ended??;
    }
    let tally = shop.tally();
    let limit = RedisFault::limit(args.redis);
    line(&tally.summary(limit));
    Ok(tally.is_well(if args.untimed { NEVER } else { limit }))
}

async fn program(start: Start) -> Result<Program> {
    let folder = std::env::temp_dir();
    tokio::task::spawn_blocking(move || Program::start(&folder, &start)).await?
}

/// Waits until every customer has been answered since the last failure.
async fn all_go_on(shop: &Shop, customers: &mut JoinSet<Result<()>>) -> Result<()> {
    let end = Instant::now() + NEVER;
    while shop.tally().is_waiting() {
        if let Some(ended) = customers.try_join_next() {
            ended?.context("a customer gave up")?;
        }
        if Instant::now() > end {
            bail!(
                "not all conversations went on within {NEVER:?}: {}",
                shop.tally().progress()
            );
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn conditions(args: &Args, servers: &Servers) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let what = match args.redis {
        None => "kill -9 of a random process".to_owned(),
        Some(fault) => format!("Redis: {fault:?}").to_lowercase(),
    };
    Ok(format!(
        "{what}, {} times, at least {} s apart; {} processes, {} customers, seed {}; {}; {cores} cores, load average {}",
        args.rounds,
        args.every,
        args.processes,
        args.customers,
        args.seed,
        servers.describe()?,
        load.split(' ').next().unwrap_or_default(),
    ))
}

/// What a lock guards is whole even where a holder panicked: nothing is left half done.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
