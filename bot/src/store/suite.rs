//! What every engine promises, run against each of them: one list of cases, and random histories that must go on every
//! engine as they go in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::engine::Engine;
use super::redis::server;
use super::upkeep::{Backlog, Whose};
use crate::partition::{
    Accept, Accepted, Bytes, Claim, Commit, Committed, Due, Entry, Kind, NewEntry, Outbound,
    PartitionId, Settle, Snapshot,
};
use prune::{
    a_partition_is_removed_at_its_revision_and_at_rest_only, much_goes_in_bounded_steps,
    traces_and_senders_ids_are_forgotten_by_their_age,
    what_is_over_and_old_goes_whole_and_its_name_is_free,
    what_waits_or_is_to_be_sent_keeps_its_partition,
};
pub(super) use rigs::{Heard, Rig, on_redis};
use rigs::{cluster, memory, redis, sqlite};

mod histories;
mod prune;
mod rigs;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a time")
}

fn bytes(text: &str) -> Bytes {
    Arc::from(text.as_bytes())
}

fn id(name: &str) -> PartitionId {
    PartitionId::conversation(name)
}

fn entry(kind: Kind, text: &str) -> NewEntry {
    NewEntry {
        kind,
        cause: 0,
        body: bytes(text),
    }
}

fn accept(partition: &str, sender_id: &str, body: &str, seconds: i64) -> Accept {
    let mut hash = [0; 16];
    for (to, from) in hash.iter_mut().zip(body.bytes()) {
        *to = from;
    }
    Accept {
        partition: id(partition),
        sender_id: sender_id.to_owned(),
        hash,
        at: at(seconds),
        body: bytes(body),
        most_waiting: 4,
    }
}

fn commit(partition: &str, expected: Option<u64>, seconds: i64) -> Commit {
    Commit::new(id(partition), expected, at(seconds))
}

/// Makes a partition with nothing in it.
async fn make(engine: &dyn Engine, partition: &str) {
    let made = engine.commit(commit(partition, None, 0)).await;
    assert_eq!(made, Ok(done(1, 1)));
}

fn done(revision: u64, first_seq: u64) -> Committed {
    Committed::Done {
        revision,
        first_seq,
    }
}

async fn snapshot(engine: &dyn Engine, partition: &str) -> Snapshot {
    let found = engine.snapshot(&id(partition), &["*"]).await;
    found.expect("reads").expect("is there")
}

async fn seqs(engine: &dyn Engine, partition: &str) -> Vec<u64> {
    let log = engine.log(&id(partition), 0, usize::MAX).await;
    log.expect("reads").iter().map(|entry| entry.seq).collect()
}

async fn a_partition_is_made_once(rig: Rig) {
    let engine = &*rig.engine;
    assert_eq!(engine.snapshot(&id("a"), &[]).await, Ok(None));
    let mut first = commit("a", None, 0);
    first.append = vec![entry(Kind::Input, "opened"), entry(Kind::Message, "hello")];
    assert_eq!(engine.commit(first).await, Ok(done(1, 1)));
    let again = engine.commit(commit("a", None, 1)).await;
    assert_eq!(again, Ok(Committed::Conflict));
    assert_eq!(
        engine.commit(commit("b", Some(0), 1)).await,
        Ok(Committed::Conflict),
        "what is not there has no revision"
    );
    let head = snapshot(engine, "a").await.head;
    assert_eq!((head.revision, head.last_seq, head.waiting), (1, 2, 1));
    assert_eq!(
        (head.processed, head.closed, head.last_at),
        (0, false, at(0))
    );
}

async fn a_commit_on_an_old_revision_changes_nothing(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    let mut second = commit("a", Some(1), 1);
    second.append.push(entry(Kind::Message, "one"));
    assert_eq!(engine.commit(second).await, Ok(done(2, 1)));
    let before = snapshot(engine, "a").await;
    for expected in [0, 1, 3] {
        let mut late = commit("a", Some(expected), 2);
        late.append.push(entry(Kind::Message, "two"));
        late.docs.insert("doc".to_owned(), Some(bytes("x")));
        late.seen = Some(("s".to_owned(), [1; 16], 0));
        late.close = true;
        late.due = Due::At(at(0));
        late.trace = Some(bytes("t"));
        late.out.push(Outbound {
            destination: "d".to_owned(),
            body: bytes("o"),
        });
        assert_eq!(engine.commit(late).await, Ok(Committed::Conflict));
    }
    assert_eq!(snapshot(engine, "a").await, before);
    assert_eq!(seqs(engine, "a").await, [1]);
    assert_eq!(engine.seen(&id("a"), "s").await, Ok(None));
    assert_eq!(engine.traces(&id("a"), 9).await, Ok(Vec::new()));
    assert_eq!(engine.due(at(99), 9).await, Ok(Vec::new()));
    assert_eq!(engine.claim(at(99), at(100), 9).await, Ok(Vec::new()));
}

async fn what_is_accepted_takes_its_place_between_commits_and_is_kept_once(rig: Rig) {
    let engine = &*rig.engine;
    let unknown = engine.accept(accept("a", "1", "hi", 0)).await;
    assert_eq!(unknown, Ok(Accepted::Unknown));
    make(engine, "a").await;
    let new = |seq| Ok(Accepted::New { seq });
    assert_eq!(engine.accept(accept("a", "1", "hi", 1)).await, new(1));
    let mut next = commit("a", Some(1), 2);
    next.append.push(entry(Kind::Message, "hello"));
    assert_eq!(
        engine.commit(next).await,
        Ok(done(2, 2)),
        "what is accepted does not move the revision"
    );
    assert_eq!(engine.accept(accept("a", "2", "and", 3)).await, new(3));
    let before = engine.accept(accept("a", "1", "hi", 4)).await;
    assert_eq!(before, Ok(Accepted::Before { seq: 1 }));
    let other = engine.accept(accept("a", "1", "ho", 4)).await;
    assert_eq!(other, Ok(Accepted::Different));
    assert_eq!(seqs(engine, "a").await, [1, 2, 3]);
    let stored = engine.seen(&id("a"), "2").await.expect("reads");
    assert_eq!(stored.map(|seen| seen.seq), Some(3));
    let log = engine.log(&id("a"), 1, 1).await.expect("reads");
    assert_eq!(
        log,
        [Entry {
            seq: 2,
            at: at(2),
            kind: Kind::Message,
            cause: 0,
            body: bytes("hello"),
        }]
    );
    let tail = engine.tail(&id("a"), 2).await.expect("reads");
    assert_eq!(tail.iter().map(|it| it.seq).collect::<Vec<_>>(), [2, 3]);
}

async fn a_full_or_closed_partition_takes_nothing_but_knows_what_it_has(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    for n in 1..=4_u64 {
        let taken = engine.accept(accept("a", &n.to_string(), "x", 1)).await;
        assert_eq!(taken, Ok(Accepted::New { seq: n }));
    }
    assert_eq!(
        engine.accept(accept("a", "5", "x", 1)).await,
        Ok(Accepted::Full)
    );
    let mut turn = commit("a", Some(1), 2);
    turn.processed = Some(1);
    assert_eq!(engine.commit(turn).await, Ok(done(2, 5)));
    assert_eq!(
        engine.accept(accept("a", "5", "x", 2)).await,
        Ok(Accepted::New { seq: 5 })
    );
    let mut end = commit("a", Some(2), 3);
    end.close = true;
    engine.commit(end).await.expect("commits");
    assert_eq!(
        engine.accept(accept("a", "6", "x", 3)).await,
        Ok(Accepted::Closed)
    );
    assert_eq!(
        engine.accept(accept("a", "5", "x", 3)).await,
        Ok(Accepted::Before { seq: 5 }),
        "a delivery that is repeated late is no new message"
    );
    let head = snapshot(engine, "a").await.head;
    assert_eq!((head.closed, head.waiting, head.processed), (true, 4, 1));
}

async fn who_has_inputs_is_ready_until_they_are_worked_through(rig: Rig) {
    let engine = &*rig.engine;
    for name in ["a", "b"] {
        make(engine, name).await;
    }
    assert_eq!(engine.ready(9).await, Ok(Vec::new()));
    engine
        .accept(accept("b", "1", "x", 1))
        .await
        .expect("taken");
    engine
        .accept(accept("b", "2", "x", 1))
        .await
        .expect("taken");
    assert_eq!(engine.ready(9).await, Ok(vec![id("b")]));
    assert_eq!(engine.health().await.expect("well").ready, 1);
    for (revision, seq) in [(1, 1), (2, 2)] {
        assert_eq!(engine.ready(9).await, Ok(vec![id("b")]));
        let mut turn = commit("b", Some(revision), 2);
        turn.processed = Some(seq);
        engine.commit(turn).await.expect("commits");
    }
    assert_eq!(engine.ready(9).await, Ok(Vec::new()));
    assert_eq!(snapshot(engine, "b").await.head.processed, 2);
}

async fn documents_are_replaced_taken_away_and_found_by_prefix(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    let mut put = commit("a", Some(1), 1);
    for name in ["head", "ticket/1", "ticket/2", "ticketed"] {
        put.docs.insert(name.to_owned(), Some(bytes(name)));
    }
    // Bytes that are no text are kept as they are.
    put.docs
        .insert("raw".to_owned(), Some(Arc::from([0, 255, b'{'])));
    engine.commit(put).await.expect("commits");
    let mut change = commit("a", Some(2), 2);
    change.docs.insert("ticket/1".to_owned(), None);
    change.docs.insert("absent".to_owned(), None);
    change
        .docs
        .insert("head".to_owned(), Some(bytes("{\"a\":1}")));
    engine.commit(change).await.expect("commits");
    let read = async |docs: &[&str]| {
        let found = engine.snapshot(&id("a"), docs).await;
        found.expect("reads").expect("is there").docs
    };
    let named = |names: &[(&str, &[u8])]| -> BTreeMap<String, Bytes> {
        let docs = names.iter();
        docs.map(|(name, body)| ((*name).to_owned(), Arc::from(*body)))
            .collect()
    };
    assert_eq!(read(&[]).await, named(&[]));
    assert_eq!(
        read(&["head", "nothing", "raw"]).await,
        named(&[("head", b"{\"a\":1}"), ("raw", &[0, 255, b'{'])])
    );
    assert_eq!(
        read(&["ticket/*"]).await,
        named(&[("ticket/2", b"ticket/2")])
    );
    assert_eq!(read(&["*"]).await.len(), 4);
}

async fn entries_of_a_turn_that_is_given_up_go_and_leave_their_places(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    let mut begun = commit("a", Some(1), 1);
    begun.append = vec![entry(Kind::Events, "begun"), entry(Kind::Call, "call")];
    engine.commit(begun).await.expect("commits");
    let mut again = commit("a", Some(2), 2);
    again.erase = vec![1];
    again.append = vec![entry(Kind::Events, "anew")];
    assert_eq!(engine.commit(again).await, Ok(done(3, 3)));
    assert_eq!(seqs(engine, "a").await, [2, 3]);
}

async fn what_is_due_is_found_until_it_is_put_off(rig: Rig) {
    let engine = &*rig.engine;
    for (name, due) in [
        ("a", Due::At(at(10))),
        ("b", Due::At(at(20))),
        ("c", Due::Keep),
    ] {
        let mut made = commit(name, None, 0);
        made.due = due;
        engine.commit(made).await.expect("commits");
    }
    assert_eq!(engine.due(at(9), 9).await, Ok(Vec::new()));
    assert_eq!(engine.due(at(10), 9).await, Ok(vec![id("a")]));
    assert_eq!(engine.due(at(30), 9).await, Ok(vec![id("a"), id("b")]));
    assert_eq!(engine.due(at(30), 1).await.expect("reads").len(), 1);
    for (name, due) in [("a", Due::Never), ("b", Due::Keep)] {
        let mut later = commit(name, Some(1), 1);
        later.due = due;
        engine.commit(later).await.expect("commits");
    }
    assert_eq!(engine.due(at(30), 9).await, Ok(vec![id("b")]));
}

/// Puts things for destinations out.
async fn send(engine: &dyn Engine, partition: &str, revision: u64, what: &[(&str, &str)]) {
    let mut out = commit(partition, Some(revision), 1);
    out.append.push(entry(Kind::Message, "said"));
    for (destination, body) in what {
        out.out.push(Outbound {
            destination: (*destination).to_owned(),
            body: bytes(body),
        });
    }
    let sent = engine.commit(out).await.expect("commits");
    assert!(matches!(sent, Committed::Done { .. }));
}

async fn claimed(engine: &dyn Engine, now: i64, until: i64) -> Vec<Claim> {
    let claims = engine.claim(at(now), at(until), 9).await;
    let mut claims = claims.expect("claims");
    claims.sort_by(|a, b| a.destination.cmp(&b.destination));
    claims
}

fn bodies(claims: &[Claim]) -> Vec<String> {
    let bodies = claims.iter().map(|claim| claim.body.to_vec());
    bodies
        .map(|body| String::from_utf8(body).expect("text"))
        .collect()
}

async fn what_leaves_goes_in_order_one_at_a_time_for_each_destination(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    send(engine, "a", 1, &[("x", "x1"), ("y", "y1"), ("x", "x2")]).await;
    send(engine, "a", 2, &[("x", "x3")]).await;
    let first = claimed(engine, 2, 60).await;
    assert_eq!(bodies(&first), ["x1", "y1"]);
    assert_eq!(
        (first[0].number, first[0].seq, first[0].attempts),
        (1, 1, 0)
    );
    assert_eq!(first[0].partition, id("a"));
    assert!(claimed(engine, 3, 60).await.is_empty(), "it is on its way");
    let settle = async |claim: &Claim, settle, now| {
        engine
            .settle(claim, settle, at(now))
            .await
            .expect("settles");
    };
    settle(&first[0], Settle::Done, 4).await;
    settle(&first[1], Settle::Later(at(50)), 4).await;
    let second = claimed(engine, 5, 60).await;
    assert_eq!(bodies(&second), ["x2"]);
    settle(&first[0], Settle::Done, 5).await;
    assert!(
        claimed(engine, 6, 60).await.is_empty(),
        "what was settled before says nothing of what came after it"
    );
    settle(
        &second[0],
        Settle::Dead {
            why: "no".to_owned(),
        },
        7,
    )
    .await;
    assert_eq!(bodies(&claimed(engine, 8, 60).await), ["x3"]);
    let third = claimed(engine, 61, 100).await;
    assert_eq!(bodies(&third), ["x3", "y1"], "claims run out");
    assert_eq!((third[0].attempts, third[1].attempts), (1, 1));
    for claim in &third {
        settle(claim, Settle::Done, 62).await;
    }
    assert!(claimed(engine, 999, 1000).await.is_empty());
    let dead = engine.dead(9).await.expect("reads");
    assert_eq!(dead.len(), 1);
    assert_eq!((&*dead[0].why, dead[0].died_at), ("no", at(7)));
    assert_eq!(engine.revive(&dead[0], true, at(70)).await, Ok(true));
    assert_eq!(engine.revive(&dead[0], true, at(70)).await, Ok(false));
    let revived = claimed(engine, 71, 100).await;
    assert_eq!(bodies(&revived), ["x2"]);
    assert!(revived[0].number > 3, "it comes after what was sent since");
    settle(
        &revived[0],
        Settle::Dead {
            why: "no".to_owned(),
        },
        72,
    )
    .await;
    let dead = engine.dead(9).await.expect("reads");
    assert_eq!(engine.revive(&dead[0], false, at(73)).await, Ok(true));
    assert_eq!(engine.dead(9).await, Ok(Vec::new()));
    assert!(claimed(engine, 999, 1000).await.is_empty());
}

async fn the_last_traces_are_kept_in_order(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    for n in 1..=5 {
        let mut turn = commit("a", Some(n), 1);
        turn.append.push(entry(Kind::Input, "x"));
        turn.processed = Some(n);
        turn.trace = Some(bytes(&format!("{{\"turn\":{n}}}")));
        engine.commit(turn).await.expect("commits");
    }
    let traces = engine.traces(&id("a"), 2).await.expect("reads");
    assert_eq!(traces, [bytes("{\"turn\":4}"), bytes("{\"turn\":5}")]);
}

async fn whoever_listens_hears_of_every_change_in_order(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    engine
        .accept(accept("a", "1", "x", 1))
        .await
        .expect("taken");
    engine
        .accept(accept("a", "1", "x", 1))
        .await
        .expect("known");
    let mut turn = commit("a", Some(1), 2);
    turn.append.push(entry(Kind::Message, "y"));
    turn.processed = Some(1);
    turn.out.push(Outbound {
        destination: "d".to_owned(),
        body: bytes("o"),
    });
    engine.commit(turn).await.expect("commits");
    let conflict = engine.commit(commit("a", Some(1), 3)).await;
    assert_eq!(conflict, Ok(Committed::Conflict));
    rig.heard.until(|heard| heard.notices().len() >= 3).await;
    let notices = rig.heard.notices();
    let told: Vec<_> = notices
        .iter()
        .map(|notice| (notice.last_seq, notice.processed, notice.outbound))
        .collect();
    assert_eq!(told, [(0, 0, false), (1, 0, false), (2, 1, true)]);
    engine.signal(&id("a"), b"typing").await.expect("signals");
    rig.heard.until(|heard| !heard.signals().is_empty()).await;
    let signals = rig.heard.signals();
    assert_eq!(signals, [(id("a"), b"typing".to_vec())]);
}

async fn of_many_who_want_the_same_one_wins_and_places_are_dense(rig: Rig) {
    let engine = &rig.engine;
    make(&**engine, "a").await;
    let tasks = (0..40_u64).map(|n| {
        let engine = Arc::clone(engine);
        tokio::spawn(async move {
            let mut take = commit("a", Some(1), 1);
            take.append.push(entry(Kind::Handoff, "taken"));
            let won = engine.commit(take).await.expect("commits");
            let mut inbound = accept("a", &(n / 2).to_string(), "x", 1);
            inbound.most_waiting = 100;
            engine.accept(inbound).await.expect("taken");
            matches!(won, Committed::Done { .. })
        })
    });
    let mut won = 0;
    for task in tasks.collect::<Vec<_>>() {
        won += usize::from(task.await.expect("no panic"));
    }
    assert_eq!(won, 1);
    let seqs = seqs(&**engine, "a").await;
    assert_eq!(seqs, (1..=21).collect::<Vec<_>>());
}

async fn a_backlog_tells_what_waits_and_what_was_given_up(rig: Rig) {
    let engine = &*rig.engine;
    assert_eq!(engine.backlog(Whose::All).await, Ok(Vec::new()));
    for name in ["a", "b"] {
        make(engine, name).await;
    }
    send(engine, "a", 1, &[("x", "1"), ("x", "2"), ("y", "3")]).await;
    let mut later = commit("b", Some(1), 5);
    later.out.push(Outbound {
        destination: "x".to_owned(),
        body: bytes("4"),
    });
    engine.commit(later).await.expect("commits");
    let of = |destination: &str, waiting, oldest: Option<i64>, dead| Backlog {
        destination: destination.to_owned(),
        waiting,
        oldest: oldest.map(at),
        dead,
    };
    for whose in [Whose::All, Whose::Mine] {
        let backlog = engine.backlog(whose).await.expect("reads");
        assert_eq!(backlog, [of("x", 3, Some(1), 0), of("y", 1, Some(1), 0)]);
    }
    let claims = claimed(engine, 6, 60).await;
    let first = claims.iter().find(|claim| claim.partition == id("a"));
    let why = "no".to_owned();
    let dead = Settle::Dead { why };
    engine
        .settle(first.expect("claimed"), dead, at(7))
        .await
        .expect("settles");
    let y = claims.iter().find(|claim| claim.destination == "y");
    engine
        .settle(y.expect("claimed"), Settle::Done, at(7))
        .await
        .expect("settles");
    let backlog = engine.backlog(Whose::All).await.expect("reads");
    assert_eq!(backlog, [of("x", 2, Some(1), 1)]);
    let letters = engine.dead(9).await.expect("reads");
    assert_eq!(letters[0].claim.attempts, 0, "as it was claimed last");
    assert_eq!(engine.verify().await, Ok(Vec::new()), "nothing is damaged");
}

async fn how_long_inputs_wait_is_told(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    let health = engine.health().await.expect("well");
    assert_eq!((health.ready, health.oldest_ready), (0, None));
    engine
        .accept(accept("a", "1", "x", 1))
        .await
        .expect("taken");
    let health = engine.health().await.expect("well");
    assert_eq!(health.ready, 1);
    match health.engine {
        // By the server's clock.
        "redis" => assert!(health.oldest_ready.is_some()),
        _ => assert_eq!(health.oldest_ready, Some(at(1))),
    }
}

async fn partitions_are_listed_in_order(rig: Rig) {
    let engine = &*rig.engine;
    for name in ["b", "a", "c"] {
        make(engine, name).await;
    }
    let all = engine.partitions("", 2).await;
    assert_eq!(all, Ok(vec![id("a"), id("b")]));
    assert_eq!(engine.partitions("b", 2).await, Ok(vec![id("c")]));
}

/// One test for each case and engine; it does nothing where there is no rig.
macro_rules! conformance {
    ($engine:ident, $make:path, $($case:ident),+ $(,)?) => {
        mod $engine {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let rig: Option<super::Rig> = $make().await.into();
                    if let Some(rig) = rig {
                        super::$case(rig).await;
                    }
                }
            )+
        }
    };
}

macro_rules! all_cases {
    ($engine:ident, $make:path) => {
        conformance!(
            $engine,
            $make,
            a_partition_is_made_once,
            a_commit_on_an_old_revision_changes_nothing,
            what_is_accepted_takes_its_place_between_commits_and_is_kept_once,
            a_full_or_closed_partition_takes_nothing_but_knows_what_it_has,
            who_has_inputs_is_ready_until_they_are_worked_through,
            documents_are_replaced_taken_away_and_found_by_prefix,
            entries_of_a_turn_that_is_given_up_go_and_leave_their_places,
            what_is_due_is_found_until_it_is_put_off,
            what_leaves_goes_in_order_one_at_a_time_for_each_destination,
            the_last_traces_are_kept_in_order,
            whoever_listens_hears_of_every_change_in_order,
            of_many_who_want_the_same_one_wins_and_places_are_dense,
            partitions_are_listed_in_order,
            what_is_over_and_old_goes_whole_and_its_name_is_free,
            what_waits_or_is_to_be_sent_keeps_its_partition,
            traces_and_senders_ids_are_forgotten_by_their_age,
            much_goes_in_bounded_steps,
            a_partition_is_removed_at_its_revision_and_at_rest_only,
            a_backlog_tells_what_waits_and_what_was_given_up,
            how_long_inputs_wait_is_told,
        );
    };
}

all_cases!(in_memory, super::memory);
all_cases!(on_sqlite, super::sqlite);
all_cases!(on_redis_alone, super::redis);
all_cases!(on_a_redis_cluster, super::cluster);

#[test]
fn any_history_goes_on_sqlite_as_in_memory() {
    histories::go_as_in_memory(48, sqlite);
}

#[test]
fn any_history_goes_on_redis_as_in_memory() {
    if server::is_there() {
        histories::go_as_in_memory(24, async || on_redis(server::shared().options()).await);
    }
}

#[test]
fn any_history_goes_on_where_it_is_copied() {
    histories::go_on_where_they_are_copied(32, memory, sqlite);
    histories::go_on_where_they_are_copied(16, sqlite, memory);
    if server::is_there() {
        let redis = async || on_redis(server::shared().options()).await;
        histories::go_on_where_they_are_copied(16, sqlite, redis);
        histories::go_on_where_they_are_copied(16, redis, sqlite);
    }
}

#[test]
fn any_history_goes_on_a_redis_cluster_as_in_memory() {
    if server::is_cluster_wanted() {
        histories::go_as_in_memory(8, async || cluster().await.expect("asked for"));
    }
}
