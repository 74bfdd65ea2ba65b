//! What is old is forgotten, and nothing else.

use super::*;
use crate::partition::{Prune, Pruned};

/// Nothing is old by this.
fn nothing() -> Prune {
    Prune {
        transcript_before: at(-1_000),
        trace_before: at(-1_000),
        seen_before: at(-1_000),
    }
}

fn whole(seconds: i64) -> Prune {
    Prune {
        transcript_before: at(seconds),
        ..nothing()
    }
}

async fn pruned(engine: &dyn Engine, prune: Prune) -> (u64, u64, u64) {
    let Pruned {
        partitions,
        traces,
        seen,
    } = engine.prune(prune, 99).await.expect("prunes");
    (partitions, traces, seen)
}

/// Makes a partition that holds one of everything and is closed, with its last entry at a time.
async fn full(engine: &dyn Engine, partition: &str, closes_at: i64) {
    make(engine, partition).await;
    let input = engine.accept(accept(partition, "s", "hi", 1)).await;
    input.expect("taken");
    let mut turn = commit(partition, Some(1), 1);
    turn.append.push(entry(Kind::Message, "hello"));
    turn.processed = Some(1);
    turn.trace = Some(bytes("{}"));
    turn.docs.insert("doc".to_owned(), Some(bytes("x")));
    turn.out.push(Outbound {
        destination: "d".to_owned(),
        body: bytes("o"),
    });
    turn.due = Due::At(at(0));
    engine.commit(turn).await.expect("commits");
    for claim in claimed(engine, 2, 60).await {
        let why = "no".to_owned();
        let died = engine.settle(&claim, Settle::Dead { why }, at(3)).await;
        died.expect("settles");
    }
    let mut end = commit(partition, Some(2), closes_at);
    end.append.push(entry(Kind::Closed, "over"));
    end.close = true;
    engine.commit(end).await.expect("commits");
}

pub(super) async fn what_is_over_and_old_goes_whole_and_its_name_is_free(rig: Rig) {
    let engine = &*rig.engine;
    full(engine, "a", 10).await;
    full(engine, "b", 20).await;
    make(engine, "open").await;
    assert_eq!(pruned(engine, whole(10)).await, (0, 0, 0), "not yet");
    assert_eq!(pruned(engine, whole(11)).await, (1, 0, 0));
    assert_eq!(pruned(engine, whole(11)).await, (0, 0, 0));
    let left = engine.partitions("", 9).await;
    assert_eq!(left, Ok(vec![id("b"), id("open")]));
    assert_eq!(engine.snapshot(&id("a"), &["*"]).await, Ok(None));
    assert_eq!(engine.log(&id("a"), 0, 9).await, Ok(Vec::new()));
    assert_eq!(engine.tail(&id("a"), 9).await, Ok(Vec::new()));
    assert_eq!(engine.traces(&id("a"), 9).await, Ok(Vec::new()));
    assert_eq!(engine.seen(&id("a"), "s").await, Ok(None));
    let late = engine.accept(accept("a", "s", "hi", 30)).await;
    assert_eq!(late, Ok(Accepted::Unknown));
    let late = engine.commit(commit("a", Some(3), 30)).await;
    assert_eq!(late, Ok(Committed::Conflict));
    assert_eq!(engine.due(at(99), 9).await, Ok(vec![id("b")]));
    let dead = engine.dead(9).await.expect("reads");
    let of: Vec<_> = dead.iter().map(|letter| &letter.claim.partition).collect();
    assert_eq!(of, [&id("b")]);
    assert_eq!(seqs(engine, "b").await, [1, 2, 3], "the other is as it was");
    make(engine, "a").await;
    let again = snapshot(engine, "a").await;
    assert_eq!((again.head.last_seq, again.docs.len()), (0, 0));
    let taken = engine.accept(accept("a", "s", "other", 31)).await;
    assert_eq!(taken, Ok(Accepted::New { seq: 1 }));
}

pub(super) async fn what_waits_or_is_to_be_sent_keeps_its_partition(rig: Rig) {
    let engine = &*rig.engine;
    for name in ["sends", "waits"] {
        make(engine, name).await;
    }
    engine
        .accept(accept("waits", "1", "x", 1))
        .await
        .expect("taken");
    send(engine, "sends", 1, &[("d", "1")]).await;
    for (name, revision) in [("waits", 1), ("sends", 2)] {
        let mut end = commit(name, Some(revision), 2);
        end.close = true;
        engine.commit(end).await.expect("commits");
    }
    assert_eq!(pruned(engine, whole(100)).await, (0, 0, 0));
    // Claimed is not sent yet.
    let claim = claimed(engine, 3, 60).await.remove(0);
    assert_eq!(pruned(engine, whole(200)).await, (0, 0, 0));
    engine
        .settle(&claim, Settle::Done, at(4))
        .await
        .expect("settles");
    let mut turn = commit("waits", Some(2), 4);
    turn.processed = Some(1);
    engine.commit(turn).await.expect("commits");
    assert_eq!(pruned(engine, whole(200)).await, (2, 0, 0));
    assert_eq!(engine.partitions("", 9).await, Ok(Vec::new()));
}

pub(super) async fn traces_and_senders_ids_are_forgotten_by_their_age(rig: Rig) {
    let engine = &*rig.engine;
    make(engine, "a").await;
    for n in 1..=3_u64 {
        let seconds = n as i64 * 10;
        let inbound = accept("a", &n.to_string(), "x", seconds);
        engine.accept(inbound).await.expect("taken");
        let mut turn = commit("a", Some(n), seconds);
        turn.processed = Some(n);
        turn.trace = Some(bytes(&n.to_string()));
        engine.commit(turn).await.expect("commits");
    }
    let traces = |seconds| Prune {
        trace_before: at(seconds),
        ..nothing()
    };
    assert_eq!(pruned(engine, traces(10)).await, (0, 0, 0));
    assert_eq!(pruned(engine, traces(21)).await, (0, 2, 0));
    let left = engine.traces(&id("a"), 9).await;
    assert_eq!(left, Ok(vec![bytes("3")]));
    assert_eq!(pruned(engine, traces(21)).await, (0, 0, 0));
    assert_eq!(pruned(engine, traces(31)).await, (0, 1, 0));
    let seen = |seconds| Prune {
        seen_before: at(seconds),
        ..nothing()
    };
    assert_eq!(pruned(engine, seen(20)).await, (0, 0, 1));
    let again = async |n: &str| engine.accept(accept("a", n, "x", 40)).await;
    assert_eq!(again("2").await, Ok(Accepted::Before { seq: 2 }));
    assert_eq!(
        again("1").await,
        Ok(Accepted::New { seq: 4 }),
        "whoever repeats it later than that is new"
    );
    assert_eq!(pruned(engine, seen(31)).await, (0, 0, 2));
    assert_eq!(
        pruned(engine, seen(999)).await,
        (0, 0, 0),
        "its input is not worked through"
    );
    assert_eq!(again("1").await, Ok(Accepted::Before { seq: 4 }));
    let mut turn = commit("a", Some(4), 50);
    turn.processed = Some(4);
    engine.commit(turn).await.expect("commits");
    assert_eq!(pruned(engine, seen(999)).await, (0, 0, 1));
    assert_eq!(seqs(engine, "a").await, [1, 2, 3, 4], "the log stays");
}

pub(super) async fn much_goes_in_bounded_steps(rig: Rig) {
    let engine = &*rig.engine;
    for n in 0..5 {
        let name = format!("{n}");
        let mut made = commit(&name, None, 0);
        made.close = true;
        engine.commit(made).await.expect("commits");
    }
    let mut steps = Vec::new();
    loop {
        let step = engine.prune(whole(1), 2).await.expect("prunes");
        if step.is_nothing() {
            break;
        }
        steps.push(step.partitions);
    }
    assert_eq!(steps, [2, 2, 1]);
}

pub(super) async fn a_partition_is_removed_at_its_revision_and_at_rest_only(rig: Rig) {
    let engine = &*rig.engine;
    assert_eq!(engine.remove(&id("a"), 1).await, Ok(false));
    make(engine, "a").await;
    send(engine, "a", 1, &[("d", "1")]).await;
    assert_eq!(engine.remove(&id("a"), 1).await, Ok(false));
    assert_eq!(engine.remove(&id("a"), 2).await, Ok(false), "it sends");
    let claim = claimed(engine, 3, 60).await.remove(0);
    let done = engine.settle(&claim, Settle::Done, at(4)).await;
    done.expect("settles");
    engine
        .accept(accept("a", "1", "x", 1))
        .await
        .expect("taken");
    assert_eq!(engine.remove(&id("a"), 2).await, Ok(false), "it waits");
    let mut turn = commit("a", Some(2), 4);
    turn.processed = Some(2);
    engine.commit(turn).await.expect("commits");
    assert_eq!(engine.remove(&id("a"), 2).await, Ok(false));
    assert_eq!(engine.remove(&id("a"), 3).await, Ok(true));
    assert_eq!(engine.remove(&id("a"), 3).await, Ok(false));
    assert_eq!(engine.snapshot(&id("a"), &[]).await, Ok(None));
}
