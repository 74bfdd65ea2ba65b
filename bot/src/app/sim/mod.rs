//! A simulation of whole processes on one store, on one thread, in virtual time: everything that may go wrong does, in an
//! order that one number decides.
//!
//! Two or three processes (real [`App`](crate::app::App)s) share a store in memory behind a bad line ([`engine`]): every call
//! takes a random time, fails with or without having been carried out, or kills its process. Leases are lost, notices come
//! late, twice or never, clocks differ ([`plan`]). Customers and agents act through whichever process answers ([`customers`],
//! [`agents`]) and keep what they are told ([`oracle`]). Every write is judged at once, the whole in the end ([`invariants`]), and
//! again after a night in which what was over has become old: that must be gone, and nothing else.
//!
//! `BELLHOP_SIM_SEED=7 cargo test --release --workspace --lib sim::one_seed -- --nocapture` runs one seed and prints its
//! history; `BELLHOP_SIM_SEEDS=0..1000000 cargo test … sim::many_seeds` runs many, on all cores.

mod agents;
mod customers;
mod engine;
mod history;
mod invariants;
mod news;
mod oracle;
mod plan;
mod process;
mod random;
mod tests;
mod world;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use history::Figures;
use invariants::quiet;
use plan::{Plan, Sabotage};
use random::Random;
use world::World;

/// Most virtual time until nothing waits any more once the faults are over.
const CALM: Duration = Duration::from_secs(3_600);
/// How long all processes are away in the end: longer than what is over is kept.
const NIGHT: Duration = Duration::from_secs(3_600);
/// How often is looked whether something waits.
const LOOK: Duration = Duration::from_secs(5);

/// An invariant that did not hold.
struct Failure {
    seed: u64,
    what: String,
    plan: Plan,
    history: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            what,
            plan,
            history,
        } = self;
        writeln!(f, "seed {seed}: {what}\n\n{plan:?}\n\n{history}")?;
        write!(
            f,
            "run it again with BELLHOP_SIM_SEED={seed} cargo test --release --workspace --locked --lib sim::tests::one_seed -- --nocapture"
        )
    }
}

/// What came of a simulation that went well.
struct Went {
    figures: Figures,
    history: String,
}

/// Runs a seed; keeps so many of the latest events.
fn run(seed: u64, sabotage: Option<Sabotage>, keep: usize) -> Result<Went, Box<Failure>> {
    let mut random = Random::new(seed);
    let mut plan = Plan::of(&mut random);
    plan.sabotage = sabotage;
    let mut bits = random.fork();
    let seeded = crate::clock::seeded::from(move |into| bits.fill(into));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let world = runtime.block_on(async {
        let world = World::new(plan.clone(), random.fork(), keep);
        let over = world.over.clone();
        let lives = live(Arc::clone(&world), random);
        tokio::select! {
            biased;
            () = over.cancelled() => {}
            () = lives => {}
        }
        world
    });
    let result = match world.violation() {
        Some(what) => {
            let history = world.lock().history.to_string();
            Err(Box::new(Failure {
                seed,
                what,
                plan,
                history,
            }))
        }
        None => Ok(went(&world)),
    };
    // Tasks hold the world and draw from the seed to the end.
    world.ends();
    drop(runtime);
    drop(seeded);
    // A million worlds are run one after the other: each must go as a whole.
    assert_eq!(Arc::strong_count(&world), 1, "seed {seed} holds its world");
    result
}

/// Everybody acts, then the faults are over, then nothing may wait any more.
async fn live(world: Arc<World>, mut random: Random) {
    for slot in 0..world.plan.processes {
        tokio::spawn(process::keep_running(
            Arc::clone(&world),
            slot,
            random.fork(),
        ));
    }
    tokio::spawn(Arc::clone(&world).keep_moving_leases(random.fork()));
    let mut actors = Vec::new();
    for n in 0..world.plan.customers {
        let customer = customers::on_the_web(Arc::clone(&world), random.fork(), format!("web{n}"));
        actors.push(tokio::spawn(customer));
    }
    for n in 0..world.plan.callers {
        let customer =
            customers::from_an_address(Arc::clone(&world), random.fork(), format!("chat{n}"));
        actors.push(tokio::spawn(customer));
    }
    for n in 0..world.plan.agents {
        let agent = agents::work(Arc::clone(&world), random.fork(), format!("agent{n}"));
        actors.push(tokio::spawn(agent));
    }
    for ended in join_all(actors).await {
        ended.expect("nobody panics");
    }
    world.heal();
    if !rests(&world, || quiet::waits(&world.memory)).await {
        return;
    }
    // What was over is old by the next morning, and some who are back find nothing of theirs.
    let over = world.lock().watch.over();
    world.night(NIGHT).await;
    let mut late = Vec::new();
    for n in 0..world.plan.callers {
        let customer =
            customers::from_an_address(Arc::clone(&world), random.fork(), format!("late{n}"));
        late.push(tokio::spawn(customer));
    }
    for ended in join_all(late).await {
        ended.expect("nobody panics");
    }
    let memory = &world.memory;
    let left = || over.iter().filter(|id| quiet::is_kept(memory, id)).count();
    rests(&world, || {
        quiet::waits(memory) + left() + quiet::strays(memory)
    })
    .await;
}

/// Waits until nothing waits any more, then judges; whether all is well.
async fn rests(world: &World, waits: impl Fn() -> usize) -> bool {
    let end = tokio::time::Instant::now() + CALM;
    loop {
        tokio::time::sleep(LOOK).await;
        let waits = waits();
        if waits == 0 {
            break;
        }
        if tokio::time::Instant::now() > end {
            world.violated(format!("{waits} things wait for ever"));
            return false;
        }
    }
    let judged = {
        let state = world.lock();
        quiet::judge(&world.memory, &state.watch, &state.oracle)
    };
    let is_well = judged.is_ok();
    world.judge(judged);
    is_well
}

fn went(world: &World) -> Went {
    let mut state = world.lock();
    let (watch, oracle) = (&state.watch, &state.oracle);
    let mut figures = Figures {
        conversations: watch.conversations.len() as u64,
        removed: watch.removed.len() as u64,
        handoffs: watch.handoffs(),
        takes: watch.takes(),
        requeues: watch.requeues(),
        ..state.figures
    };
    for (sender, all) in &oracle.acknowledged {
        let count = all.len() as u64;
        if sender.starts_with("agent") {
            figures.agents_words += count;
        } else {
            figures.acknowledged += count;
        }
    }
    world.news.count(&mut figures);
    state.figures = figures;
    let history = state.history.to_string();
    Went { figures, history }
}
