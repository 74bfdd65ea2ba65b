use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use bellhop_flows::engine::event::Event;
use bellhop_flows::engine::state::State;

use super::rig::{BOT, PAY, Rig, SOON, closed, say, send, text, web};
use super::*;
use crate::conversation::STATE;
use crate::conversation::journal::{Row, engine_events};
use crate::conversation::{NewConversation, read_state};
use crate::events::{Author, CustomerEvent};
use crate::hub::Live;
use crate::partition::PartitionId;
use crate::store::tamper;
use crate::turn;

/// What the customer said, as the transcript has it.
async fn said(app: &App, conversation: &str) -> Vec<(u64, String)> {
    let events = app.events(conversation, 0).await.expect("events");
    let own = events.into_iter().filter_map(|event| match event {
        CustomerEvent::Message(message) if message.from == Author::Customer => {
            Some((message.seq, message.text))
        }
        _ => None,
    });
    own.collect()
}

#[tokio::test]
async fn the_same_message_again_is_answered_the_same_and_does_nothing() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    let first = send(&app, &c, "m1", "hello").await.expect("new");
    assert!(!first.duplicate);
    let again = send(&app, &c, "m1", "hello").await.expect("known");
    assert_eq!((again.seq, again.duplicate), (first.seq, true));
    let other = send(&app, &c, "m1", "hello!").await;
    assert!(
        matches!(other, Err(ServiceError::IdReused { client_msg_id }) if client_msg_id == "m1")
    );
    app.reply(&c, first.seq, SOON).await.expect("answers");
    assert_eq!(said(&app, &c).await, [(first.seq, "hello".to_owned())]);
    // The same id in another conversation is another message.
    let d = web(&app).await;
    assert!(!send(&app, &d, "m1", "bye").await.expect("new").duplicate);
}

#[tokio::test]
async fn what_nobody_knows_and_what_is_over_is_refused() {
    let rig = Rig::new();
    let app = rig.start().await;
    let nobody = send(&app, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "m1", "hello").await;
    assert!(matches!(nobody, Err(ServiceError::NotFound { .. })));
    assert!(app.subscribe("nonsense").is_err());
    // What the store has beside conversations is none to anybody.
    for inside in ["queue:default", "staff:default", "bot:0", "contact:0"] {
        let read = app.events(inside, 0).await;
        assert!(
            matches!(read, Err(ServiceError::NotFound { .. })),
            "{read:?}"
        );
        let sent = send(&app, inside, "m1", "hello").await;
        assert!(
            matches!(sent, Err(ServiceError::NotFound { .. })),
            "{sent:?}"
        );
        let opened = app.check_token(inside, "x").await;
        assert!(
            matches!(opened, Err(ServiceError::NotFound { .. })),
            "{opened:?}"
        );
    }
    let c = web(&app).await;
    assert!(matches!(
        app.reply(&c, 999, SOON).await,
        Err(ServiceError::NotFound { .. })
    ));
    let accepted = send(&app, &c, "m1", "hello").await.expect("open");
    app.close(&c, "hung_up").await.expect("closes");
    app.close(&c, "hung_up").await.expect("closes again");
    assert_eq!(closed(&app, &c).await, "hung_up");
    assert_eq!(
        send(&app, &c, "m2", "hello?").await,
        Err(ServiceError::Closed)
    );
    let again = send(&app, &c, "m1", "hello").await.expect("known");
    assert_eq!((again.seq, again.duplicate), (accepted.seq, true));
}

#[tokio::test]
async fn only_its_own_token_opens_a_conversation() {
    let rig = Rig::new();
    let app = rig.start().await;
    let new = || NewConversation {
        channel: "web".to_owned(),
        ..NewConversation::default()
    };
    let a = app.open(new()).await.expect("opens");
    let b = app.open(new()).await.expect("opens");
    for _ in 0..2 {
        assert_eq!(app.check_token(&a.conversation_id, &a.token).await, Ok(()));
        assert_eq!(
            app.check_token(&a.conversation_id, &b.token).await,
            Err(ServiceError::Unauthorized)
        );
    }
    assert!(app.check_token("nobody", &a.token).await.is_err());
}

#[tokio::test]
async fn a_providers_key_finds_its_open_conversation_again_until_it_is_over() {
    let rig = Rig::new();
    let app = rig.start().await;
    let call = |account: &str| NewConversation {
        channel: "voice".to_owned(),
        channel_account: Some(account.to_owned()),
        provider_key: Some("CA1".to_owned()),
        ..NewConversation::default()
    };
    let first = app.open(call("+1")).await.expect("opens");
    let again = app.open(call("+1")).await.expect("finds");
    assert!(first.created && !again.created && again.token.is_empty());
    assert_eq!(first.conversation_id, again.conversation_id);
    let other = app.open(call("+2")).await.expect("opens");
    assert_ne!(other.conversation_id, first.conversation_id);
    let c = first.conversation_id;
    app.close(&c, "hung_up").await.expect("closes");
    closed(&app, &c).await;
    let next = app.open(call("+1")).await.expect("opens");
    assert!(next.created && next.conversation_id != c);
}

#[tokio::test]
async fn who_watches_sees_each_event_once_and_in_order() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    let mut watch = app.subscribe(&c).expect("an id");
    app.customer_typing(&c, true).await.expect("known");
    for n in 0..20 {
        send(&app, &c, &format!("m{n}"), &format!("{n}"))
            .await
            .expect("taken");
    }
    let first = watch.recv().await;
    assert!(matches!(first, Ok(Live::Event(CustomerEvent::Typing(typing))) if typing.on));
    let mut heard = Vec::new();
    while heard.len() < 20 {
        if let Live::Event(CustomerEvent::Message(message)) = watch.recv().await.expect("events")
            && message.from == Author::Customer
        {
            heard.push((message.seq, message.text));
        }
    }
    assert_eq!(heard, said(&app, &c).await);
    let texts: Vec<_> = heard.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(texts, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_senders_at_once_everything_is_kept_once_and_processed_in_order() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    let mut senders = Vec::new();
    for sender in 0..8 {
        let (app, c) = (app.clone(), c.clone());
        senders.push(tokio::spawn(async move {
            let mut seqs = Vec::new();
            for n in 0..5 {
                let id = format!("{sender}-{n}");
                // Each is sent twice at the same time.
                let (a, b) = tokio::join!(send(&app, &c, &id, &id), send(&app, &c, &id, &id));
                let (a, b) = (a.expect("taken"), b.expect("taken"));
                assert_eq!(a.seq, b.seq);
                assert!(a.duplicate != b.duplicate);
                seqs.push(a.seq);
            }
            seqs
        }));
    }
    let mut all = BTreeSet::new();
    for sender in senders {
        let seqs = sender.await.expect("no panic");
        assert!(seqs.is_sorted());
        all.extend(seqs);
    }
    assert_eq!(all.len(), 40);
    let last = *all.last().expect("some");
    app.reply(&c, last, SOON).await.expect("answers");
    let traces = app.trace(&c).await.expect("traces");
    let processed: Vec<_> = traces.iter().map(|trace| trace.seq).collect();
    assert!(processed.is_sorted());
    assert_eq!(processed[1..], all.iter().copied().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_conversation_with_too_much_waiting_takes_no_more() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    app.shutdown_turns().await;
    let mut taken = 0;
    let refused = loop {
        match send(&app, &c, &format!("m{taken}"), "hello").await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(taken, 64);
    assert!(matches!(refused, ServiceError::TooMany { .. }), "{refused}");
}

/// The state that is stored, and the one that the journal gives.
async fn stored_and_folded(app: &App, conversation: &str) -> (String, String) {
    let (kept, events) = stored_and_fed(app, conversation).await;
    let folded = turn::rebuild(&app.services.context().bots, &events).await;
    let json = |state| serde_json::to_string(state).expect("JSON");
    (json(&kept), json(&folded.expect("folds")))
}

/// The state that is stored, and what the engine was fed, with the bot's versions.
async fn stored_and_fed(app: &App, conversation: &str) -> (State, Vec<(Option<Arc<str>>, Event)>) {
    let (store, partition) = (&app.services.store, PartitionId::conversation(conversation));
    let read = async || store.snapshot(&partition, &[STATE]).await.expect("reads");
    // A place in the line that gets better is a turn of its own, at any time: both have to be of the same moment.
    let (snapshot, log) = loop {
        let snapshot = read().await.expect("is there");
        let log = store.log(&partition, 0, usize::MAX).await.expect("reads");
        if read().await.as_ref() == Some(&snapshot) {
            break (snapshot, log);
        }
    };
    let kept = read_state(snapshot.doc(STATE).expect("a state")).expect("whole");
    let rows = log.iter().map(|entry| Row::of(entry).expect("reads"));
    (kept.state, engine_events(rows.collect(), u64::MAX))
}

/// What the customers of the crash test say.
const WORDS: [&str; 6] = ["=pay.limit", "42", "=pay.look", "hello", "=pay.send", "yes"];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent to whichever conversation, and wherever the program dies: everything that was
    /// acknowledged is there once and in order, is worked through after the next start, and the
    /// state is what the journal says.
    #[test]
    fn nothing_acknowledged_is_lost_or_doubled_when_the_program_dies(
        sent in proptest::collection::vec((0_usize..3, 0_u8..6), 1..40),
        deaths in proptest::collection::vec(0_usize..40, 1..3),
    ) {
        let rig = Rig::new();
        let mut kept: BTreeMap<usize, Vec<(u64, String)>> = BTreeMap::new();
        let mut ids: Vec<String> = Vec::new();
        let mut next = 0;
        for death in deaths.iter().copied().chain([sent.len()]) {
            let runtime = runtime();
            runtime.block_on(async {
                let app = rig.start().await;
                while ids.len() < 3 {
                    ids.push(web(&app).await);
                }
                while next < death.min(sent.len()) {
                    let (which, word) = sent[next];
                    let body = WORDS[usize::from(word)].to_owned();
                    let accepted = app
                        .accept(&ids[which], text(&format!("m{next}"), &body))
                        .await
                        .expect("taken");
                    kept.entry(which).or_default().push((accepted.seq, body));
                    next += 1;
                }
            });
            // The program dies here, whatever it was doing.
            rig.died(runtime);
        }
        let runtime = runtime();
        runtime.block_on(async {
            let app = rig.start().await;
            for (which, all) in &kept {
                let (last, _) = all.last().expect("some");
                app.reply(&ids[*which], *last, SOON).await.expect("worked through");
                assert_eq!(&said(&app, &ids[*which]).await, all);
                let traces = app.trace(&ids[*which]).await.expect("traces");
                let seqs: Vec<_> = traces.iter().map(|trace| trace.seq).collect();
                assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
                // Others who join or leave the queue cause turns of their own.
                for (seq, _) in all {
                    assert!(seqs.contains(seq), "{seq} of {seqs:?}");
                }
            }
            for which in kept.keys() {
                let (stored, folded) = stored_and_folded(&app, &ids[*which]).await;
                assert_eq!(stored, folded);
            }
        });
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_made_again_from_the_journal() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    for n in 0..5 {
        say(&app, &c, &format!("m{n}"), "hello").await;
    }
    app.shutdown().await;
    tamper(
        &rig.store(),
        "UPDATE docs SET body = x'00' || body WHERE name = 'state'",
    );
    let app = rig.start().await;
    let reply = say(&app, &c, "after", "hello").await;
    assert_eq!(reply.owner, bellhop_flows::engine::state::Owner::Bot);
    let (stored, folded) = stored_and_folded(&app, &c).await;
    assert_eq!(stored, folded);
}

#[tokio::test]
async fn a_state_is_made_again_with_the_flows_that_its_events_were_fed_to() {
    let mut rig = Rig::new();
    rig.with_bot(&[("bot.yaml", BOT), ("flows/pay.yaml", PAY)]);
    let app = rig.start().await;
    let c = web(&app).await;
    say(&app, &c, "m1", "=pay.limit").await;
    say(&app, &c, "m2", "42").await;
    say(&app, &c, "m3", "=pay.limit").await;
    app.shutdown().await;

    // The flow is another one from now on, and what was asked is no longer asked.
    let edited = PAY.replace(
        "      - ask: sum\n      - say: changed\n",
        "      - say: looked\n",
    );
    let edited = edited.replace("  ask_sum: {en: How much?}\n", "");
    let edited = edited.replace("'Seen, {seen.ref}.'", "Limits can't be changed.");
    rig.with_bot(&[("bot.yaml", BOT), ("flows/pay.yaml", &edited)]);
    let app = rig.start().await;
    say(&app, &c, "m4", "hello").await;
    say(&app, &c, "m5", "=pay.limit").await;

    let (kept, events) = stored_and_fed(&app, &c).await;
    let versions: BTreeSet<_> = events.iter().map(|(version, _)| version.clone()).collect();
    assert_eq!(versions.len(), 2, "{versions:?}");
    let folded = turn::rebuild(&app.services.context().bots, &events).await;
    assert_eq!(folded.expect("folds"), kept);
    let mut by_today = State::default();
    turn::fold(
        app.bundle(),
        &mut by_today,
        events.iter().map(|(_, event)| event),
    );
    assert_ne!(by_today, kept, "today's flows tell another story");

    // So it is where the snapshot is damaged: also in a process that has never seen the first version's files.
    let before = serde_json::to_string(&kept).expect("JSON");
    app.shutdown().await;
    tamper(
        &rig.store(),
        "UPDATE docs SET body = x'00' || body WHERE name = 'state'",
    );
    let app = rig.start().await;
    say(&app, &c, "m6", "hello").await;
    let (stored, folded) = stored_and_folded(&app, &c).await;
    assert_eq!(stored, folded);
    assert_ne!(stored, before);
}

#[tokio::test]
async fn a_delivery_that_is_repeated_after_the_end_is_no_new_message() {
    let rig = Rig::new();
    let app = rig.start().await;
    let contact = || NewConversation {
        channel: "chat".to_owned(),
        provider_key: Some("+49 1".to_owned()),
        ..NewConversation::default()
    };
    let first = app.open(contact()).await.expect("opens").conversation_id;
    let sent = send(&app, &first, "wamid.1", "hello").await.expect("taken");
    app.close(&first, "ended").await.expect("closes");
    closed(&app, &first).await;
    for _ in 0..2 {
        let again = app.receive(contact(), text("wamid.1", "hello")).await;
        let again = again.expect("known");
        assert_eq!(
            (
                &again.conversation,
                again.accepted.seq,
                again.accepted.duplicate
            ),
            (&first, sent.seq, true)
        );
        // The next message begins a conversation of its own; then the repeated one is still known.
        let next = app.receive(contact(), text("wamid.2", "hi")).await;
        assert_ne!(next.expect("taken").conversation, first);
    }
}
