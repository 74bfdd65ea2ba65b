//! Processes of a simulation: each a whole program, which dies and comes again.

use std::future::pending;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use bellhop_flows::bundle::{ActionEffect, Bundle};
use bellhop_flows::engine::effect::ActionCall;
use bellhop_flows::engine::event::{Outcome, Passage};

use super::engine::SimEngine;
use super::random::Random;
use super::world::{Who, World};
use crate::actions::{Actions, Peer};
use crate::app::rig::{Words, bot};
use crate::app::{App, Wiring};
use crate::bots::BotSource;
use crate::clock::Clock;
use crate::delivery::{ChannelLine, Receiver};
use crate::dispatch::Dispatch;
use crate::gate::PrivacyConfig;
use crate::retention::Retention;
use crate::store::Store;
use crate::understand::{Reader, Retrieve};

/// When every simulation begins.
pub(super) const START_S: i64 = 1_790_000_000;
/// Seconds after which a conversation in which nothing happens is closed: soon, so that it happens while others act.
const IDLE_CLOSE_S: i64 = 45;

/// How long what is over is kept: longer than anybody acts, shorter than [`super::NIGHT`].
pub(super) const RETENTION: Retention = {
    let half_an_hour = SignedDuration::from_mins(30);
    Retention {
        transcript: half_an_hour,
        trace: half_an_hour,
        seen: half_an_hour,
        audit: half_an_hour,
    }
};

/// The bot of all simulations: the rig's, with a second queue.
pub(super) fn bundle() -> Arc<Bundle> {
    static BUNDLE: OnceLock<Arc<Bundle>> = OnceLock::new();
    let made = BUNDLE.get_or_init(|| {
        let mut bundle = bot();
        let experts = bundle.queues["help"].clone();
        bundle.queues.insert("experts".to_owned(), experts);
        bundle.limits.idle_close_s = IDLE_CLOSE_S;
        Arc::new(bundle)
    });
    Arc::clone(made)
}

/// Keeps a process running until the world ends: starts it, and starts it again once it has died. Now and then it is asked
/// to stop, and does in good order.
pub(super) async fn keep_running(world: Arc<World>, slot: usize, mut random: Random) {
    let skew = random.below(world.plan.skew_s * 2 + 1) as i64 - world.plan.skew_s as i64;
    let since = tokio::time::Instant::now();
    let start = Timestamp::from_second(START_S + skew).expect("a time");
    let clock = Clock::Simulated { start, since };
    loop {
        let (who, died) = world.born(slot);
        let life = live(&world, who, clock.clone(), &mut random);
        tokio::select! {
            biased;
            () = died.cancelled() => {}
            () = life => {}
        }
        let most = if world.is_healed() { 100 } else { 12_000 };
        tokio::time::sleep(random.millis(50, most)).await;
        world.morning().await;
    }
}

/// One life of a process, up to its end in good order.
async fn live(world: &Arc<World>, who: Who, clock: Clock, random: &mut Random) {
    let dispatch = Arc::new(Dispatch::new(Arc::default()));
    world.news.tell(who, Arc::clone(&dispatch));
    let engine = SimEngine {
        world: Arc::clone(world),
        who,
    };
    let outside = Outside {
        world: Arc::clone(world),
        who,
    };
    let started = App::on(Wiring {
        bundle: bundle(),
        source: BotSource::default(),
        reader: Reader::inline(Arc::new(Words::default())),
        retrieve: Arc::new(NoSearch(Arc::clone(world))),
        actions: Actions::scripted(Arc::new(outside.clone())),
        clock,
        store: Store::on(Arc::new(engine)),
        dispatch,
        status: Some(Arc::new(outside)),
        channels: Arc::default(),
        line: ChannelLine::new(Timestamp::UNIX_EPOCH),
        retention: RETENTION,
        privacy: PrivacyConfig::default(),
        message_bytes: 1_024,
        model_version: "words".to_owned(),
    });
    let Ok(app) = started.await else {
        // The store failed at the start: the program ends, and is started again.
        world.dies(who);
        return;
    };
    world.serves(who, app);
    let stops = world.plan.crashes > 0 && !world.is_healed() && random.chance(2_000);
    if !stops {
        return pending().await;
    }
    tokio::time::sleep(random.millis(1_000, 30_000)).await;
    if let Some(app) = world.refuses(who.slot) {
        world.note(who, "stops", None, String::new());
        app.shutdown().await;
        world.lock().figures.restarts += 1;
        world.dies(who);
    }
}

/// What a process is joined to: a system of record, and one that follows handoffs.
#[derive(Clone)]
struct Outside {
    world: Arc<World>,
    who: Who,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the world outside {}", self.who)
    }
}

impl Outside {
    /// Time that somebody outside takes, seldom so long that a claim runs out.
    async fn takes_time(&self) {
        let length = {
            let mut state = self.world.lock();
            match state.random.below(100) {
                0..90 => state.random.millis(0, 50),
                90..99 => state.random.millis(50, 4_000),
                _ => state.random.millis(4_000, 80_000),
            }
        };
        self.world.pause(self.who, length).await;
    }
}

impl Peer for Outside {
    fn called<'a>(&'a self, call: &'a ActionCall, key: &'a str) -> BoxFuture<'a, Outcome> {
        async move {
            self.takes_time().await;
            if call.effect == ActionEffect::Irreversible {
                let seen = {
                    let mut state = self.world.lock();
                    state.figures.calls_sent += 1;
                    state.watch.sent(key, &call.key)
                };
                self.world.note(self.who, "sends", None, key.to_owned());
                self.world.judge(seen);
            }
            self.takes_time().await;
            let fails = !self.world.is_healed() && self.world.lock().random.chance(1_000);
            if fails { Outcome::TimedOut } else { answered() }
        }
        .boxed()
    }
}

fn answered() -> Outcome {
    Outcome::Answered {
        body: serde_json::json!({ "ref": "R1" }),
    }
}

impl Receiver for Outside {
    fn take<'a>(&'a self, id: &'a str, body: Vec<u8>) -> BoxFuture<'a, bool> {
        async move {
            self.takes_time().await;
            let (refuses, arrives) = {
                let (refused, healed) = (self.world.plan.refused, self.world.is_healed());
                let random = &mut self.world.lock().random;
                (!healed && random.chance(refused), random.chance(5_000))
            };
            if refuses {
                self.world.lock().figures.statuses_refused += 1;
            }
            if !refuses || arrives {
                let seen = self.world.lock().watch.arrived(id, &body);
                self.world.note(self.who, "arrives", None, id.to_owned());
                self.world.judge(seen);
            }
            self.takes_time().await;
            !refuses
        }
        .boxed()
    }
}

/// A search would run on a thread of its own, and the simulation could not be run again as it was.
struct NoSearch(Arc<World>);

impl Retrieve for NoSearch {
    fn search(
        &self,
        query: &str,
        _: Option<&[f32]>,
        _: &str,
        _: Option<&str>,
    ) -> Result<Vec<Passage>, String> {
        self.0
            .violated(format!("the simulated bot must not search, for `{query}`"));
        Ok(Vec::new())
    }
}
