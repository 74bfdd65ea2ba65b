use std::io::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::*;

/// Events that are shown with a violation.
const SHOWN: usize = 60;
/// Seeds that are run between two signs of life.
const SIGN: u64 = 10_000;

#[expect(
    clippy::disallowed_methods,
    reason = "no setting of the program: what the simulation is asked to run"
)]
fn asked(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// Writes past what the test harness keeps back: a long run shows how far it is.
fn tell(what: &str) {
    // Nobody who reads it is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{what}");
}

#[test]
fn the_world_holds_for_200_seeds() {
    let mut all = Figures::default();
    for seed in 0..200 {
        match run(seed, None, SHOWN) {
            Ok(went) => all.add(went.figures),
            Err(failure) => panic!("{failure}"),
        }
    }
    // A simulation in which nothing happens would hold as well.
    for happened in [
        all.takes,
        all.takes_lost,
        all.requeues,
        all.crashes,
        all.calls_sent,
        all.removed,
    ] {
        assert!(happened > 0, "{all}");
    }
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in 0..10 {
        let histories = [(); 2].map(|()| match run(seed, None, usize::MAX) {
            Ok(went) => went.history,
            Err(failure) => failure.to_string(),
        });
        let [a, b] = histories.each_ref().map(|history| history.lines());
        let differs = a.zip(b).position(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(histories[0], histories[1], "seed {seed}");
    }
}

/// Seeds after which a broken engine must have been noticed.
const SOON: u64 = 50;

fn is_noticed(sabotage: Sabotage) {
    let noticed = (0..SOON).find(|seed| run(*seed, Some(sabotage), SHOWN).is_err());
    assert!(
        noticed.is_some(),
        "{sabotage:?} is not noticed in {SOON} seeds"
    );
}

#[test]
fn an_engine_that_forgets_what_it_has_seen_is_noticed() {
    is_noticed(Sabotage::ForgetSeen);
}

#[test]
fn an_engine_that_takes_every_commit_is_noticed() {
    is_noticed(Sabotage::IgnoreRevision);
}

#[test]
fn an_engine_that_loses_what_is_to_be_sent_is_noticed() {
    is_noticed(Sabotage::LoseOutbound);
}

#[test]
fn an_engine_that_removes_what_is_not_old_is_noticed() {
    is_noticed(Sabotage::PruneEarly);
}

/// The seed of `BELLHOP_SIM_SEED`, with its history.
#[test]
fn one_seed() {
    let Some(seed) = asked("BELLHOP_SIM_SEED") else {
        return;
    };
    let seed = seed.parse().expect("BELLHOP_SIM_SEED is a number");
    match run(seed, None, usize::MAX) {
        Ok(went) => tell(&format!("{}\n{}", went.history, went.figures)),
        Err(failure) => panic!("{failure}"),
    }
}

/// The seeds of `BELLHOP_SIM_SEEDS=A..B`, on all cores.
#[test]
fn many_seeds() {
    let Some(seeds) = asked("BELLHOP_SIM_SEEDS") else {
        return;
    };
    let range = seeds
        .split_once("..")
        .and_then(|(from, to)| Some(from.parse::<u64>().ok()?..to.parse::<u64>().ok()?));
    let seeds = range.expect("BELLHOP_SIM_SEEDS is A..B");
    let failed = run_all(seeds);
    assert!(
        failed.is_empty(),
        "{} seeds failed: {failed:?}",
        failed.len()
    );
}

/// Runs seeds on all cores; gives those that failed, after telling the first of them.
fn run_all(seeds: Range<u64>) -> Vec<u64> {
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new((Figures::default(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let result = run(seed, None, SHOWN);
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            match result {
                Ok(went) => sum.0.add(went.figures),
                Err(failure) => {
                    if sum.1.is_empty() {
                        tell(&failure.to_string());
                    }
                    tell(&format!("failed: seed {seed}: {}", failure.what));
                    sum.1.push(seed);
                }
            }
            if (seed + 1 - seeds.start).is_multiple_of(SIGN) {
                tell(&format!(
                    "{} seeds: {} failed; {}",
                    seed + 1 - seeds.start,
                    sum.1.len(),
                    sum.0
                ));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let (figures, failed) = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell(&format!(
        "in all: {} failed (double owners, lost and doubled messages are failures); {figures}",
        failed.len()
    ));
    failed
}
