use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::app::rig::{BOT, PAY, Rig, SOON, say, web};
use crate::cli::store_copy::{Copied, copy};
use crate::conversation::{HEAD, Inbound, InboundBody, STATE};
use crate::handoff::queue::TICKET;
use crate::partition::{Claim, Kind};
use crate::store::{Export, Lane, StoreAddress};

/// Conversations of a program that runs: one with the bot, one that waits for a person.
async fn talked() -> (Rig, String, String) {
    let mut rig = Rig::new();
    rig.with_bot(&[("bot.yaml", BOT), ("flows/pay.yaml", PAY)]);
    let app = rig.start().await;
    let (with_bot, waits) = (web(&app).await, web(&app).await);
    for (n, said) in ["=pay.limit", "42", "=pay.look"].iter().enumerate() {
        say(&app, &with_bot, &n.to_string(), said).await;
    }
    let payload = "/human".to_owned();
    let asks = Inbound {
        client_msg_id: "h".to_owned(),
        body: InboundBody::Payload { payload },
    };
    let accepted = app.accept(&waits, asks).await.expect("accepted");
    app.reply(&waits, accepted.seq, SOON)
        .await
        .expect("answers");
    app.shutdown().await;
    (rig, with_bot, waits)
}

async fn visit(address: &StoreAddress) -> Store {
    Store::visit(address, Access::Read).await.expect("opens")
}

/// A store in memory with all that another has, changed.
async fn changed(from: &Store, change: impl Fn(&mut Export)) -> Store {
    let to = visit(&StoreAddress::Memory).await;
    for partition in from.partitions("", 99).await.expect("reads") {
        let export = from.export(&partition).await.expect("reads");
        let mut export = export.expect("is there");
        change(&mut export);
        assert_eq!(to.import(export).await, Ok(true));
    }
    to
}

/// What is found, without the pauses.
async fn found(store: &Store) -> Vec<String> {
    tokio::time::pause();
    let report = check(store, None).await;
    tokio::time::resume();
    let found = report.found.into_iter();
    found
        .map(|it| format!("{}: {}", it.place, it.what))
        .collect()
}

#[tokio::test]
async fn what_a_program_has_written_is_whole_and_its_states_are_what_the_logs_say() {
    let (rig, ..) = talked().await;
    let store = visit(&StoreAddress::Sqlite(rig.store())).await;
    assert_eq!(found(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn each_kind_of_damage_is_found_with_its_partition() {
    let (rig, with_bot, waits) = talked().await;
    let store = visit(&StoreAddress::Sqlite(rig.store())).await;
    let in_conversation = |export: &Export| export.partition.as_str() == with_bot;
    type Change<'a> = Box<dyn Fn(&mut Export) + 'a>;
    let of = |change: fn(&mut Export)| -> Change<'_> {
        Box::new(move |export| {
            if in_conversation(export) {
                change(export);
            }
        })
    };
    let cases: Vec<(Change<'_>, &str)> = vec![
        (of(|it| drop(it.log.pop())), "entries are lost"),
        (of(|it| drop(it.log.remove(1))), "entries are lost: 2"),
        (of(|it| it.log.swap(0, 1)), ""),
        (of(|it| it.head.last_seq -= 1), "comes after the last one"),
        (of(|it| it.head.waiting = 1), "1 inputs wait, and 0 do"),
        (
            of(|it| it.head.processed += 1),
            "is worked through, and there is none",
        ),
        (
            of(|it| {
                let message = it.log.iter_mut().find(|it| it.kind == Kind::Message);
                message.expect("one").body = Arc::from(*b"{");
            }),
            "a stored journal entry can't be read",
        ),
        (
            of(|it| drop(it.docs.insert(HEAD.to_owned(), Arc::from(*b"[]")))),
            "a stored conversation's head can't be read",
        ),
        (
            of(|it| {
                let mut state = it.docs[STATE].to_vec();
                *state.last_mut().expect("bytes") ^= 1;
                it.docs.insert(STATE.to_owned(), Arc::from(state));
            }),
            "not what was written (hash)",
        ),
        (
            of(|it| {
                let seen = it.seen.values_mut().next().expect("one");
                seen.seq = 99;
            }),
            "acknowledged as entry 99",
        ),
        (
            of(|it| it.traces.push((Timestamp::UNIX_EPOCH, Arc::from(*b"x")))),
            "a stored trace can't be read",
        ),
        (
            Box::new(|it| {
                it.docs.retain(|name, _| !name.starts_with(TICKET));
                // Nothing is on its way that would mend it.
                it.lanes.clear();
            }),
            "its handoff is open, and its ticket in the queue",
        ),
        (
            Box::new(|it| {
                let ticket = it.docs.iter().find(|(name, _)| name.starts_with(TICKET));
                if let Some((_, body)) = ticket.map(|(name, body)| (name.clone(), Arc::clone(body)))
                {
                    it.docs.insert(format!("{TICKET}gone"), body);
                }
            }),
            "gone: the queue has a ticket of it, and there is no such conversation",
        ),
    ];
    for (change, says) in cases {
        let damaged = changed(&store, &*change).await;
        let found = found(&damaged).await;
        if says.is_empty() {
            // The engine puts it in order again.
            assert_eq!(found, Vec::<String>::new());
            continue;
        }
        let of_it = found.iter().filter(|it| it.contains(says));
        assert_eq!(of_it.count(), 1, "{says}: {found:#?}");
    }
    let states_swapped = |export: &mut Export| {
        if in_conversation(export) {
            let fresh = crate::conversation::write_state(&Default::default(), None);
            export.docs.insert(STATE.to_owned(), fresh.expect("writes"));
        }
    };
    let damaged = changed(&store, states_swapped).await;
    let folded = found(&damaged).await;
    assert!(
        folded[0].contains("not what its log makes of it"),
        "{folded:?}"
    );
    let half_lost = |export: &mut Export| {
        if export.partition.as_str() == waits {
            let claim = Claim {
                partition: export.partition.clone(),
                destination: "status".to_owned(),
                number: 1,
                seq: 1,
                at: rig.clock.now(),
                attempts: 0,
                body: Arc::from(*b"{}"),
            };
            let lane = Lane {
                last: 2,
                free_at: Some(claim.at),
                waiting: vec![claim],
            };
            export.lanes.insert("status".to_owned(), lane);
        }
    };
    let damaged = changed(&store, half_lost).await;
    let found = found(&damaged).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("a stored status event can't be read"),
        "{found:?}"
    );
    assert!(
        found[1].contains("something is lost of what waits for `status`"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_copy_is_the_same_goes_on_where_it_broke_off_and_overwrites_nothing() {
    let (rig, with_bot, _) = talked().await;
    let from = visit(&StoreAddress::Sqlite(rig.store())).await;
    let to = visit(&StoreAddress::Memory).await;
    let all = from.partitions("", 99).await.expect("reads");
    // What a copy that broke off had brought over.
    let first = from.export(&all[0]).await.expect("reads").expect("there");
    assert_eq!(to.import(first).await, Ok(true));
    let refused = copy(&from, &to, false).await.expect_err("not empty");
    assert!(refused.to_string().contains("--resume"), "{refused}");
    let copied = copy(&from, &to, true).await.expect("goes on");
    assert_eq!((copied.partitions, copied.before), (all.len(), 1));
    let again = copy(&from, &to, true).await.expect("all is there");
    let before = all.len();
    assert_eq!(again, Copied { before, ..copied });
    assert_eq!(found(&to).await, Vec::<String>::new());
    // Somebody has used the second store meanwhile.
    let partition = PartitionId::conversation(&with_bot);
    let known = to.snapshot(&partition, &[]).await.expect("reads");
    let revision = known.map(|known| known.head.revision);
    let touched = crate::partition::Commit::new(partition, revision, rig.clock.now());
    to.commit(touched).await.expect("commits");
    let refused = copy(&from, &to, true).await.expect_err("not the same");
    assert!(refused.to_string().contains(&with_bot), "{refused}");
}
