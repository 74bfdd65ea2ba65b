//! Random histories, which must go on every engine as they go in memory.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::super::engine::Engine;
use super::super::upkeep::Whose;
use super::{Rig, accept, at, bytes, commit, entry, id, memory};
use crate::partition::{Claim, Commit, Due, Kind, Outbound, Prune, Seen, Settle};

/// Something that may happen to one of two partitions.
#[derive(Debug, Clone)]
enum Act {
    Accept(u8, u8, u8),
    Commit(u8, Box<Change>),
    Claim(u8),
    Settle(u8, u8),
    Revive(bool),
    Prune(i8, i8, i8),
    Remove(u8, bool),
}

#[derive(Debug, Clone)]
struct Change {
    stale: bool,
    append: Vec<Kind>,
    erase: bool,
    process: bool,
    doc: Option<(u8, bool)>,
    seen: Option<u8>,
    out: Vec<u8>,
    trace: bool,
    close: bool,
    due: Option<u8>,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let kind = prop_oneof![
        Just(Kind::Input),
        Just(Kind::Events),
        Just(Kind::Message),
        Just(Kind::Note)
    ];
    let flags = (
        proptest::bool::weighted(0.15),
        proptest::bool::weighted(0.1),
        any::<bool>(),
        any::<bool>(),
        proptest::bool::weighted(0.03),
    );
    let change = (
        flags,
        proptest::collection::vec(kind, 0..4),
        proptest::option::of((0_u8..3, any::<bool>())),
        proptest::option::of(0_u8..6),
        proptest::collection::vec(0_u8..2, 0..3),
        proptest::option::of(0_u8..40),
    )
        .prop_map(|(flags, append, doc, seen, out, due)| {
            let (stale, erase, process, trace, close) = flags;
            Change {
                stale,
                append,
                erase,
                process,
                doc,
                seen,
                out,
                trace,
                close,
                due,
            }
        });
    let act = prop_oneof![
        4 => (0_u8..2, 0_u8..8, 0_u8..2).prop_map(|(p, id, body)| Act::Accept(p, id, body)),
        6 => (0_u8..2, change).prop_map(|(p, change)| Act::Commit(p, Box::new(change))),
        2 => (0_u8..30).prop_map(Act::Claim),
        2 => (0_u8..4, 0_u8..3).prop_map(|(which, how)| Act::Settle(which, how)),
        1 => any::<bool>().prop_map(Act::Revive),
        1 => (-1_i8..20, -1_i8..20, -1_i8..20).prop_map(|(a, b, c)| Act::Prune(a, b, c)),
        1 => (0_u8..2, proptest::bool::weighted(0.3)).prop_map(|(p, stale)| Act::Remove(p, stale)),
    ];
    proptest::collection::vec(act, 1..50)
}

/// What an act came to, in words that can be compared.
async fn perform(engine: &dyn Engine, claims: &mut Vec<Claim>, act: &Act, now: i64) -> String {
    let name = |partition: u8| ["a", "b"][usize::from(partition)];
    match act {
        Act::Accept(p, sender, body) => {
            let inbound = accept(name(*p), &sender.to_string(), &body.to_string(), now);
            format!("{:?}", engine.accept(inbound).await)
        }
        Act::Commit(p, change) => {
            let commit = change.on(engine, name(*p), now).await;
            format!("{:?}", engine.commit(commit).await)
        }
        Act::Claim(lasts) => {
            let until = at(now + i64::from(*lasts));
            let mut new = engine.claim(at(now), until, 9).await.expect("claims");
            let key = |claim: &Claim| (claim.partition.clone(), claim.destination.clone());
            new.sort_by_key(key);
            claims.clone_from(&new);
            format!("{new:?}")
        }
        Act::Settle(which, how) => {
            let Some(claim) = claims.get(usize::from(*which)) else {
                return String::new();
            };
            let settle = match how {
                0 => Settle::Done,
                1 => Settle::Later(at(now + 5)),
                _ => Settle::Dead {
                    why: now.to_string(),
                },
            };
            format!("{:?}", engine.settle(claim, settle, at(now)).await)
        }
        Act::Revive(again) => {
            let dead = engine.dead(1).await.expect("reads");
            match dead.first() {
                Some(letter) => format!("{:?}", engine.revive(letter, *again, at(now)).await),
                None => String::new(),
            }
        }
        Act::Prune(transcript, trace, seen) => {
            let ago = |seconds: &i8| at(now - i64::from(*seconds));
            let prune = Prune {
                transcript_before: ago(transcript),
                trace_before: ago(trace),
                seen_before: ago(seen),
            };
            format!("{:?}", engine.prune(prune, ALL).await)
        }
        Act::Remove(p, stale) => {
            let known = engine.snapshot(&id(name(*p)), &[]).await.expect("reads");
            let revision = known.map_or(0, |known| known.head.revision);
            let expected = revision.saturating_sub(u64::from(*stale));
            format!("{:?}", engine.remove(&id(name(*p)), expected).await)
        }
    }
}

/// More than a history holds.
const ALL: usize = 1_000;

impl Change {
    async fn on(&self, engine: &dyn Engine, partition: &str, now: i64) -> Commit {
        let known = engine.snapshot(&id(partition), &[]).await.expect("reads");
        let head = known.map(|known| known.head);
        let revision = head.map(|head| head.revision);
        let expected = revision.map(|revision| revision - u64::from(self.stale));
        let mut change = commit(partition, expected, now);
        for (n, kind) in (0..).zip(&self.append) {
            change.append.push(entry(*kind, &format!("{now}/{n}")));
        }
        let log = engine
            .log(&id(partition), 0, usize::MAX)
            .await
            .expect("reads");
        let processed = head.map_or(0, |head| head.processed);
        if self.process {
            let next = log
                .iter()
                .find(|entry| entry.kind == Kind::Input && entry.seq > processed);
            change.processed = next.map(|entry| entry.seq);
        }
        if self.erase {
            let last = log.iter().rev().find(|entry| entry.kind == Kind::Events);
            change.erase.extend(last.map(|entry| entry.seq));
        }
        if let Some((doc, there)) = self.doc {
            let body = there.then(|| bytes(&format!("{{\"now\":{now}}}")));
            change.docs.insert(format!("doc/{doc}"), body);
        }
        // An entry that a sender's id names is never given up.
        if let Some(sender) = self.seen
            && self
                .append
                .first()
                .is_some_and(|kind| *kind != Kind::Events)
            && engine
                .seen(&id(partition), &format!("agent/{sender}"))
                .await
                .expect("reads")
                .is_none()
        {
            change.seen = Some((format!("agent/{sender}"), [sender; 16], 0));
        }
        for to in &self.out {
            change.out.push(Outbound {
                destination: format!("d{to}"),
                body: bytes(&now.to_string()),
            });
        }
        change.trace = self.trace.then(|| bytes("[]"));
        change.close = self.close;
        change.due = self.due.map_or(Due::Keep, |due| match due {
            0..5 => Due::Never,
            due => Due::At(at(i64::from(due))),
        });
        change
    }
}

/// Everything that an engine says about two partitions.
async fn everything(engine: &dyn Engine) -> Vec<String> {
    let mut all = Vec::new();
    for name in ["a", "b"] {
        let partition = id(name);
        all.push(format!("{:?}", engine.snapshot(&partition, &["*"]).await));
        all.push(format!("{:?}", engine.log(&partition, 0, usize::MAX).await));
        all.push(format!("{:?}", engine.tail(&partition, 3).await));
        all.push(format!("{:?}", engine.traces(&partition, 99).await));
        for sender in ["0", "3", "agent/2"] {
            let seen: Result<Option<Seen>, _> = engine.seen(&partition, sender).await;
            all.push(format!("{seen:?}"));
        }
    }
    let mut due = engine.due(at(20), 9).await.expect("reads");
    due.sort();
    let mut ready = engine.ready(9).await.expect("reads");
    ready.sort();
    for name in ["a", "b"] {
        all.push(format!("{:?}", engine.export(&id(name)).await));
    }
    all.push(format!("{:?}", engine.backlog(Whose::All).await));
    all.push(format!("{due:?} {ready:?}"));
    all.push(format!("{:?}", engine.partitions("", 9).await));
    all.push(format!("{:?}", engine.dead(9).await.map(|dead| dead.len())));
    all
}

/// Copies both partitions; what comes out of the second engine must be what came out of the first.
async fn copy(from: &dyn Engine, to: &dyn Engine) -> Result<(), TestCaseError> {
    for name in ["a", "b"] {
        let exported = from.export(&id(name)).await.expect("reads");
        let Some(export) = exported.clone() else {
            continue;
        };
        let imported = to.import(export.clone()).await;
        prop_assert_eq!(imported, Ok(true));
        prop_assert_eq!(to.export(&id(name)).await, Ok(exported));
        let again = to.import(export).await;
        prop_assert_eq!(again, Ok(false), "it is there");
    }
    Ok(())
}

/// Random histories go as they go in memory.
pub(super) fn go_as_in_memory<F>(cases: u32, make: F)
where
    F: AsyncFn() -> Rig,
{
    go(cases, make, None::<fn() -> std::future::Ready<Rig>>);
}

/// Random histories that begin on one engine and go on where they are copied to go as in memory.
pub(super) fn go_on_where_they_are_copied<F, G>(cases: u32, make: F, make_next: G)
where
    F: AsyncFn() -> Rig,
    G: AsyncFn() -> Rig,
{
    go(cases, make, Some(make_next));
}

fn go<F, G>(cases: u32, make: F, make_next: Option<G>)
where
    F: AsyncFn() -> Rig,
    G: AsyncFn() -> Rig,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&acts(), |acts| {
        runtime.block_on(async {
            let (mut tested, model) = (make().await, memory().await);
            let (mut claims, mut expected_claims) = (Vec::new(), Vec::new());
            for (now, act) in (1..).zip(&acts) {
                if now == acts.len() as i64 / 2
                    && let Some(make_next) = &make_next
                {
                    let next = make_next().await;
                    copy(&*tested.engine, &*next.engine).await?;
                    tested.engine.close().await;
                    tested = next;
                }
                let is = perform(&*tested.engine, &mut claims, act, now).await;
                let expected = perform(&*model.engine, &mut expected_claims, act, now).await;
                prop_assert_eq!(is, expected, "{:?}", act);
            }
            let is = everything(&*tested.engine).await;
            prop_assert_eq!(is, everything(&*model.engine).await);
            tested.engine.close().await;
            drop(tested.kept);
            Ok(())
        })
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}
