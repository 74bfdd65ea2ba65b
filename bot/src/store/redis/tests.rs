//! What only this engine can get wrong: processes that come and go, servers that die, and answers that never come.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::suite::{Heard, Rig, on_redis};
use super::server::{self, ALWAYS, Cluster, Server};
use super::*;
use crate::partition::Kind;

/// How soon service must be back.
const SOON: Duration = Duration::from_secs(5);
/// A lease that a test can wait for.
const SHORT: Duration = Duration::from_millis(1500);

fn id(n: u64) -> PartitionId {
    PartitionId::conversation(&format!("c{n}"))
}

fn at() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a time")
}

fn made(n: u64) -> Commit {
    Commit::new(id(n), None, at())
}

fn input(n: u64, sender_id: &str) -> Accept {
    Accept {
        partition: id(n),
        sender_id: sender_id.to_owned(),
        hash: [7; 16],
        at: at(),
        body: Arc::from(*b"hello"),
        most_waiting: u64::MAX,
    }
}

async fn open(options: &RedisOptions) -> Result<(Redis, Arc<Heard>), ServiceError> {
    let heard = Arc::new(Heard::default());
    let opened = Redis::open(options.clone(), Arc::clone(&heard) as _).await?;
    Ok((opened, heard))
}

async fn refusal(options: &RedisOptions) -> String {
    match open(options).await {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{options} opened"),
    }
}

/// Waits until something is so; fails if it takes too long.
async fn soon(what: &str, limit: Duration, is_so: impl AsyncFn() -> bool) {
    let end = Instant::now() + limit;
    while !is_so().await {
        assert!(Instant::now() < end, "not in {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn leases(engine: &Redis) -> u32 {
    engine.health().await.map_or(0, |health| health.leases)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_even_out_when_a_process_joins_and_when_it_leaves() {
    if !server::is_there() {
        return;
    }
    let mut options = server::shared().options();
    options.lease = SHORT;
    let (first, first_heard) = open(&options).await.expect("opens");
    assert_eq!(leases(&first).await, 64);
    let (second, second_heard) = open(&options).await.expect("opens");
    soon("even shares", SOON, async || {
        (leases(&first).await, leases(&second).await) == (32, 32)
    })
    .await;
    for n in 0..200 {
        assert!(first.is_mine(&id(n)) != second.is_mine(&id(n)), "{n}");
    }
    // Whoever stores it, both hear of it, and only one has it to do.
    first.commit(made(1)).await.expect("commits");
    first.accept(input(1, "a")).await.expect("taken");
    second.signal(&id(1), b"typing").await.expect("signals");
    for heard in [&first_heard, &second_heard] {
        soon("news", SOON, async || {
            heard.partitions().contains(&id(1)) && !heard.signals().is_empty()
        })
        .await;
    }
    let ready = |engine: &Redis| usize::from(engine.is_mine(&id(1)));
    for engine in [&first, &second] {
        let found = engine.ready(9).await.expect("reads");
        assert_eq!(found.len(), ready(engine));
    }
    second.close().await;
    assert_eq!(second.ready(9).await, Err(StoreError::ShutDown));
    assert!(!second.is_mine(&id(1)));
    soon("all of it again", SOON, async || leases(&first).await == 64).await;
    assert_eq!(first.ready(9).await, Ok(vec![id(1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_had_to_do_is_told_to_another() {
    if !server::is_there() {
        return;
    }
    let mut options = server::shared().options();
    options.lease = SHORT;
    let (dies, _) = open(&options).await.expect("opens");
    for n in 0..20 {
        dies.commit(made(n)).await.expect("commits");
        dies.accept(input(n, "a")).await.expect("taken");
    }
    let (stays, heard) = open(&options).await.expect("opens");
    assert!(heard.partitions().is_empty(), "others have it all");
    drop(dies);
    soon("all leases", SOON, async || leases(&stays).await == 64).await;
    let all: BTreeSet<_> = (0..20).map(id).collect();
    soon("what waited", SOON, async || heard.partitions() == all).await;
    assert_eq!(stays.ready(99).await.expect("reads").len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_that_are_gone_are_loaded_again() {
    if !server::is_there() {
        return;
    }
    let server = Server::start(&ALWAYS);
    let Rig { engine, .. } = on_redis(server.options()).await;
    engine.commit(made(1)).await.expect("commits");
    assert_eq!(server.tell(&["FUNCTION", "FLUSH"]), "OK");
    let taken = engine.accept(input(1, "a")).await;
    assert_eq!(taken, Ok(Accepted::New { seq: 1 }));
    server.tell(&["FUNCTION", "FLUSH"]);
    assert!(
        engine
            .snapshot(&id(1), &["*"])
            .await
            .expect("reads")
            .is_some()
    );
    server.tell(&["FUNCTION", "FLUSH"]);
    assert!(engine.health().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_would_lose_something_is_refused_with_what_to_do() {
    if !server::is_there() {
        return;
    }
    let server = Server::start(&ALWAYS);
    let options = server.options();
    let set = |name: &str, value: &str| {
        assert_eq!(server.tell(&["CONFIG", "SET", name, value]), "OK");
    };
    set("appendfsync", "everysec");
    let said = refusal(&options).await;
    assert!(
        said.contains(&options.to_string()) && said.contains("appendfsync always"),
        "{said}"
    );
    let lossy = RedisOptions {
        accept_loss: true,
        ..options.clone()
    };
    let (engine, _) = open(&lossy).await.expect("opens");
    let level = engine.health().await.expect("well").durability;
    assert_eq!(level, Durability::OneSecond);
    engine.close().await;
    set("appendonly", "no");
    let (engine, _) = open(&lossy).await.expect("opens");
    let level = engine.health().await.expect("well").durability;
    assert_eq!(level, Durability::Volatile);
    set("maxmemory-policy", "allkeys-lru");
    let said = refusal(&lossy).await;
    assert!(said.contains("maxmemory-policy noeviction"), "{said}");
    set("maxmemory-policy", "noeviction");
    let as_cluster = RedisOptions {
        cluster: true,
        ..lossy.clone()
    };
    let said = refusal(&as_cluster).await;
    assert!(said.contains("cluster"), "{said}");
    let replica = Server::start(&ALWAYS);
    replica.tell(&["REPLICAOF", "127.0.0.1", &server.port.to_string()]);
    let said = refusal(&replica.options()).await;
    assert!(
        said.contains(&format!("replica of 127.0.0.1:{}", server.port)),
        "{said}"
    );
    let gone = replica.options();
    drop(replica);
    let said = refusal(&gone).await;
    assert!(said.contains("can't be reached"), "{said}");
}

/// Accepts until it is told to stop, and gives the sender's ids that were acknowledged.
async fn accept_until(engine: Arc<dyn Engine>, task: u64, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for n in 0_u64.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let sender_id = format!("{task}/{n}");
        match engine.accept(input(task, &sender_id)).await {
            Ok(Accepted::New { .. }) => acknowledged.push(sender_id),
            Ok(other) => panic!("{other:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
    acknowledged
}

/// Makes partitions and starts tasks that accept in them.
async fn under_load(
    engine: &Arc<dyn Engine>,
    tasks: u64,
) -> (Arc<AtomicBool>, Vec<JoinHandle<Vec<String>>>) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut started = Vec::new();
    for task in 0..tasks {
        engine.commit(made(task)).await.expect("commits");
        let accepting = accept_until(Arc::clone(engine), task, Arc::clone(&stop));
        started.push(tokio::spawn(accepting));
    }
    (stop, started)
}

/// Everything acknowledged is there once, and no log has a hole.
async fn nothing_is_lost(engine: &dyn Engine, acknowledged: &[Vec<String>]) {
    for (n, sender_ids) in (0..).zip(acknowledged) {
        assert!(!sender_ids.is_empty(), "something was acknowledged");
        let log = engine.log(&id(n), 0, usize::MAX).await.expect("reads");
        let dense: Vec<u64> = (1..=log.len() as u64).collect();
        let seqs: Vec<u64> = log.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, dense);
        assert!(log.iter().all(|entry| entry.kind == Kind::Input));
        let mut places = BTreeSet::new();
        for sender_id in sender_ids {
            let seen = engine.seen(&id(n), sender_id).await.expect("reads");
            places.insert(seen.expect("what was acknowledged is there").seq);
        }
        assert_eq!(places.len(), sender_ids.len());
        let head = engine
            .snapshot(&id(n), &[])
            .await
            .expect("reads")
            .expect("there")
            .head;
        assert_eq!(head.last_seq, log.len() as u64);
        assert_eq!(head.waiting, log.len() as u64);
    }
}

async fn join(tasks: Vec<JoinHandle<Vec<String>>>) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.expect("no panic"));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_and_is_found_again() {
    if !server::is_there() {
        return;
    }
    let mut server = Server::start(&ALWAYS);
    let Rig { engine, heard, .. } = on_redis(server.options()).await;
    let (stop, tasks) = under_load(&engine, 8).await;
    engine.commit(made(99)).await.expect("commits");
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..2 {
        server.kill();
        assert!(engine.commit(made(1000)).await.is_err());
        assert!(engine.health().await.is_err());
        server.restart();
        soon("works", SOON, async || engine.health().await.is_ok()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    stop.store(true, Ordering::SeqCst);
    let acknowledged = join(tasks).await;
    nothing_is_lost(&*engine, &acknowledged).await;
    // News come again too.
    soon("leases", SOON, async || engine.is_mine(&id(99))).await;
    engine.accept(input(99, "a")).await.expect("taken");
    soon("news", SOON, async || {
        let notices = heard.notices().into_iter();
        notices
            .filter(|it| it.partition == id(99))
            .any(|it| it.last_seq == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_come_is_an_error_and_the_same_may_be_sent_again() {
    if !server::is_there() {
        return;
    }
    let server = Server::start(&ALWAYS);
    let mut options = server.options();
    options.response_timeout = Duration::from_millis(300);
    let Rig { engine, .. } = on_redis(options).await;
    engine.commit(made(1)).await.expect("commits");
    assert_eq!(server.tell(&["CLIENT", "PAUSE", "1500"]), "OK");
    let sent = Instant::now();
    let silent = engine.accept(input(1, "a")).await;
    assert!(matches!(silent, Err(StoreError::Engine(_))), "{silent:?}");
    assert!(
        sent.elapsed() < Duration::from_millis(1400),
        "it does not wait for ever"
    );
    soon("an answer", SOON, async || {
        engine.accept(input(1, "a")).await.is_ok()
    })
    .await;
    // The first one was on its way, and Redis may have done it after all.
    let again = engine.accept(input(1, "a")).await;
    assert_eq!(again, Ok(Accepted::Before { seq: 1 }));
    assert_eq!(engine.log(&id(1), 0, 9).await.expect("reads").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fail_over_loses_nothing_that_a_replica_was_waited_for() {
    if !server::is_there() {
        return;
    }
    let mut master = Server::start(&ALWAYS);
    let replica = Server::start(&ALWAYS);
    replica.tell(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
    soon("the replica follows", SOON, async || {
        replica
            .tell(&["INFO", "replication"])
            .contains("master_link_status:up")
    })
    .await;
    let both = format!(
        "redis://127.0.0.1:{},127.0.0.1:{}?wait=1",
        replica.port, master.port
    );
    let options = server::options(&both);
    let Rig { engine, .. } = on_redis(options.clone()).await;
    let (stop, tasks) = under_load(&engine, 8).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    master.kill();
    assert!(engine.accept(input(0, "away")).await.is_err());
    assert_eq!(replica.tell(&["REPLICAOF", "NO", "ONE"]), "OK");
    soon("reads", SOON, async || engine.tail(&id(0), 1).await.is_ok()).await;
    stop.store(true, Ordering::SeqCst);
    let acknowledged = join(tasks).await;
    nothing_is_lost(&*engine, &acknowledged).await;
    // The new master has no replica: it would be acknowledged too early.
    let refused = engine.accept(input(0, "alone")).await;
    let Err(StoreError::Engine(said)) = refused else {
        panic!("{refused:?}");
    };
    assert!(said.contains("only 0 of 1 replicas"), "{said}");
    assert!(engine.health().await.is_err());
    let alone = RedisOptions {
        wait_replicas: 0,
        ..options
    };
    let (alone, _) = open(&alone).await.expect("opens");
    let known = alone.accept(input(0, "alone")).await;
    assert!(
        matches!(known, Ok(Accepted::Before { .. })),
        "it was stored all the same"
    );
}

/// Moves half of a master's slots to another, while somebody writes.
fn move_slots(cluster: &Cluster) {
    let ids: Vec<String> = cluster.nodes[..2]
        .iter()
        .map(|node| node.tell(&["CLUSTER", "MYID"]))
        .collect();
    let host = format!("127.0.0.1:{}", cluster.nodes[0].port);
    let moved = std::process::Command::new("redis-cli")
        .args(["--cluster", "reshard", &host, "--cluster-from", &ids[0]])
        .args([
            "--cluster-to",
            &ids[1],
            "--cluster-slots",
            "2500",
            "--cluster-yes",
        ])
        .output()
        .expect("redis-cli runs");
    assert!(moved.status.success(), "{moved:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_moves_slots_and_loses_a_master_and_nothing_else() {
    if !server::is_cluster_wanted() {
        return;
    }
    let mut cluster = Cluster::start();
    let mut options = cluster.options();
    options.wait_replicas = 1;
    let Rig { engine, heard, .. } = on_redis(options.clone()).await;
    let (stop, tasks) = under_load(&engine, 24).await;
    move_slots(&cluster);
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = join(tasks).await;
    nothing_is_lost(&*engine, &acknowledged).await;

    let stop = Arc::new(AtomicBool::new(false));
    let again: Vec<_> = (0..24)
        .map(|n| {
            let stop = Arc::clone(&stop);
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                let mut more = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let sender_id = format!("again/{}", more.len());
                    match engine.accept(input(n, &sender_id)).await {
                        Ok(_) => more.push(sender_id),
                        Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
                more
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.nodes[2].kill();
    soon(
        "every shard has a master",
        Duration::from_secs(20),
        async || engine.partitions("", 9).await.is_ok(),
    )
    .await;
    stop.store(true, Ordering::SeqCst);
    for (before, after) in acknowledged.iter_mut().zip(join(again).await) {
        before.extend(after);
    }
    nothing_is_lost(&*engine, &acknowledged).await;
    let alone = RedisOptions {
        wait_replicas: 0,
        ..options
    };
    let (alone, _) = open(&alone).await.expect("opens");
    for n in 0..24 {
        alone.accept(input(n, "last")).await.expect("taken");
    }
    soon("news from the new master", SOON, async || {
        (0..24).all(|n| {
            let last = acknowledged[n as usize].len() as u64;
            let notices = heard.notices().into_iter();
            notices
                .filter(|notice| notice.partition == id(n))
                .any(|notice| notice.last_seq > last)
        })
    })
    .await;
}
