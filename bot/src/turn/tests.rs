use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use axum::routing::any;
use tokio::sync::Semaphore;

use bellhop_flows::engine::event::EventKind;
use bellhop_flows::engine::state::Owner;

use super::*;
use crate::actions::Actions;
use crate::app::App;
use crate::app::rig::{BOT, PAY, Rig, SOON, closed, say, send, web};
use crate::conversation::{Inbound, InboundBody};
use crate::events::{Author, CustomerEvent, HandoffStatus};
use crate::hub::Live;
use crate::partition::Committed;
use crate::rules::Draft;
use crate::store::tamper;

/// A system of record that answers when it is let.
struct Peer {
    keys: Mutex<Vec<String>>,
    arrived: Semaphore,
    go: Semaphore,
}

impl Peer {
    /// Starts it and lets the rig's actions reach it.
    async fn serve(rig: &mut Rig) -> Arc<Self> {
        let peer = Arc::new(Self {
            keys: Mutex::default(),
            arrived: Semaphore::new(0),
            go: Semaphore::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new()
            .route("/{*path}", any(answer))
            .with_state(Arc::clone(&peer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        rig.actions = Actions::live([("PEER".to_owned(), format!("http://{address}"))].into());
        peer
    }

    fn keys(&self) -> Vec<String> {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn arrived(&self) {
        self.arrived.acquire().await.expect("open").forget();
    }
}

async fn answer(
    Shared(peer): Shared<Arc<Peer>>,
    headers: HeaderMap,
) -> axum::Json<serde_json::Value> {
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok());
    peer.keys
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(key.unwrap_or("none").to_owned());
    peer.arrived.add_permits(1);
    peer.go.acquire().await.expect("open").forget();
    axum::Json(serde_json::json!({"ref": "R7"}))
}

fn texts(events: &[CustomerEvent], from: Author) -> Vec<String> {
    let said = events.iter().filter_map(|event| match event {
        CustomerEvent::Message(message) if message.from == from => Some(message.text.clone()),
        _ => None,
    });
    said.collect()
}

async fn press(app: &App, conversation: &str, id: &str, payload: &str) -> Reply {
    let body = InboundBody::Payload {
        payload: payload.to_owned(),
    };
    let inbound = Inbound {
        client_msg_id: id.to_owned(),
        body,
    };
    let accepted = app.accept(conversation, inbound).await.expect("taken");
    app.reply(conversation, accepted.seq, SOON)
        .await
        .expect("answers")
}

/// The next sign of typing.
async fn typing(watch: &mut tokio::sync::broadcast::Receiver<Live>) -> (Author, bool) {
    loop {
        if let Live::Event(CustomerEvent::Typing(typing)) = watch.recv().await.expect("events") {
            return (typing.from, typing.on);
        }
    }
}

#[tokio::test]
async fn the_bot_is_seen_at_work_on_a_message_while_it_is_and_no_longer() {
    let mut rig = Rig::new();
    let peer = Peer::serve(&mut rig).await;
    let app = rig.start().await;
    let c = web(&app).await;
    let mut watch = app.subscribe(&c).expect("an id");
    let seq = send(&app, &c, "m1", "=pay.look").await.expect("taken").seq;
    assert_eq!(typing(&mut watch).await, (Author::Bot, true));
    peer.go.add_permits(1);
    app.reply(&c, seq, SOON).await.expect("answers");
    assert_eq!(typing(&mut watch).await, (Author::Bot, false));
    // What is answered at once needs no sign.
    say(&app, &c, "m2", "=pay.limit").await;
    while let Ok(event) = watch.try_recv() {
        assert!(
            !matches!(event, Live::Event(CustomerEvent::Typing(_))),
            "{event:?}"
        );
    }
}

#[tokio::test]
async fn a_flow_asks_is_answered_and_goes_on_after_a_restart() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    let asked = say(&app, &c, "m1", "=pay.limit").await;
    assert_eq!(texts(&asked.events, Author::Bot), ["How much?"]);
    assert_eq!(
        asked.listen.as_ref().and_then(|l| l.slot.as_deref()),
        Some("pay.sum")
    );
    app.shutdown().await;
    let app = rig.start().await;
    let changed = say(&app, &c, "m2", "42").await;
    assert_eq!(texts(&changed.events, Author::Bot)[0], "Changed to 42.");
    // Asked again later, it is answered the same from the journal.
    let app = {
        app.shutdown().await;
        rig.start().await
    };
    let seq = app
        .accept(&c, crate::app::rig::text("m2", "42"))
        .await
        .expect("known")
        .seq;
    let again = app.reply(&c, seq, SOON).await.expect("answers");
    assert_eq!(again, changed);
    let traces = app.trace(&c).await.expect("traces");
    assert_eq!(traces.last().map(|trace| trace.turn), Some(2));
}

#[tokio::test]
async fn a_model_that_fails_does_not_silence_the_bot() {
    let mut rig = Rig::new();
    rig.deaf = true;
    let app = rig.start().await;
    let c = web(&app).await;
    let reply = say(&app, &c, "m1", "=pay.limit").await;
    assert!(!texts(&reply.events, Author::Bot).is_empty());
    let traces = app.trace(&c).await.expect("traces");
    assert!(
        traces[1]
            .reading
            .as_ref()
            .is_some_and(|reading| reading.degraded)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_irreversible_call_is_sent_again_after_a_crash_under_its_own_key_only() {
    for edit in ["", "Sent off, "] {
        dies_in_a_call(edit).await;
    }
}

/// The program dies while a system of record has its call, and the next one, whose flows say it with `edit` where that is
/// something, takes the turn up.
async fn dies_in_a_call(edit: &str) {
    let mut rig = Rig::new();
    rig.with_bot(&[("bot.yaml", BOT), ("flows/pay.yaml", PAY)]);
    let peer = Peer::serve(&mut rig).await;
    let program = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (c, seq) = {
        let app = rig.start_on(&program).await;
        let c = web(&app).await;
        say(&app, &c, "m1", "=pay.send").await;
        let seq = send(&app, &c, "m2", "yes").await.expect("taken").seq;
        peer.arrived().await;
        (c, seq)
    };
    // The request is at the peer, its answer is not here yet: the program dies.
    tokio::task::block_in_place(|| rig.died(program));
    // Even a model that now reads the message in another way leads to the same call.
    rig.deaf = true;
    rig.clock.advance(std::time::Duration::from_secs(60));
    let (was, says) = ("Sent, ", if edit.is_empty() { "Sent, " } else { edit });
    let edited = PAY.replace(was, says);
    rig.with_bot(&[("bot.yaml", BOT), ("flows/pay.yaml", &edited)]);
    peer.go.add_permits(10);
    let app = rig.start().await;
    let reply = app.reply(&c, seq, SOON).await.expect("answers");
    assert_eq!(texts(&reply.events, Author::Bot)[0], format!("{says}R7."));
    let keys = peer.keys();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_eq!(keys[0], keys[1]);
    assert!(keys[0].starts_with(&format!("{c}/")), "{keys:?}");
    let traces = app.trace(&c).await.expect("traces");
    assert_eq!(traces[2].calls[0].key, keys[0]);

    // Whichever version was fed what of the turn: the journal says which, and gives the same state.
    let context = app.services.context();
    let partition = PartitionId::conversation(&c);
    let log = context.store.log(&partition, 0, usize::MAX).await;
    let rows = log.expect("reads");
    let rows = rows.iter().map(|entry| Row::of(entry).expect("reads"));
    let events = engine_events(rows.collect(), u64::MAX);
    let folded = rebuild(&context.bots, &events).await.expect("folds");
    let snapshot = context.store.snapshot(&partition, &[STATE]).await;
    let snapshot = snapshot.expect("reads").expect("is there");
    let kept = snapshot.doc(STATE).and_then(|body| read_state(body));
    assert_eq!(folded, kept.expect("whole").state);
}

/// A conversation as it is stored.
async fn stored(app: &App, conversation: &str) -> Conversation {
    let partition = PartitionId::conversation(conversation);
    let snapshot = app.services.store.snapshot(&partition, &[HEAD]).await;
    let snapshot = snapshot.expect("reads").expect("is there");
    Conversation::of(&partition, &snapshot).expect("reads")
}

/// What the desk does where a person takes a conversation.
async fn kim_takes(app: &App, conversation: &str) {
    let conversation = stored(app, conversation).await;
    let mut draft = Draft::new(&conversation, &app.services.gate, app.clock().now());
    draft.give(Owner::Agent);
    let joined = Input::event(EventKind::AgentJoined {
        agent: "Kim".to_owned(),
    });
    draft.append(0, &Body::Input(joined)).expect("JSON");
    let commit = draft.finish(900).expect("JSON");
    let taken = app.services.store.commit(*commit).await;
    assert!(matches!(taken, Ok(Committed::Done { .. })), "{taken:?}");
}

#[tokio::test]
async fn what_the_bot_says_after_a_person_took_over_is_not_sent() {
    let mut rig = Rig::new();
    let peer = Peer::serve(&mut rig).await;
    let app = rig.start().await;
    let c = web(&app).await;
    let seq = send(&app, &c, "m1", "=pay.look").await.expect("taken").seq;
    peer.arrived().await;
    kim_takes(&app, &c).await;
    peer.go.add_permits(1);
    let reply = app.reply(&c, seq, SOON).await.expect("ends");
    assert!(reply.events.is_empty(), "{:?}", reply.events);
    assert_eq!(reply.owner, Owner::Agent);
    // What was said meanwhile comes with the next answer, and once.
    let next = say(&app, &c, "m2", "hello?").await;
    assert_eq!(next.owner, Owner::Agent);
    assert_eq!(
        texts(&next.events, Author::Bot),
        ["You're now talking to Kim."]
    );
    let quiet = say(&app, &c, "m3", "hello??").await;
    assert!(quiet.events.is_empty(), "{quiet:?}");
    let traces = app.trace(&c).await.expect("traces");
    let late: Vec<_> = traces.iter().map(|trace| trace.late).collect();
    assert_eq!(late, [false, true, false, false, false]);
    let said = texts(&app.events(&c, seq).await.expect("events"), Author::Bot);
    assert_eq!(said, ["You're now talking to Kim."]);
}

#[tokio::test]
async fn what_came_before_a_person_took_over_is_late_after_a_restart_too() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    press(&app, &c, "m1", "/human").await;
    app.shutdown_turns().await;
    let seq = send(&app, &c, "m2", "hello?").await.expect("taken").seq;
    kim_takes(&app, &c).await;
    app.shutdown().await;
    let app = rig.start().await;
    let reply = app.reply(&c, seq, SOON).await.expect("ends");
    assert!(reply.events.is_empty(), "{:?}", reply.events);
    let next = say(&app, &c, "m3", "are you there?").await;
    assert_eq!(next.owner, Owner::Agent);
    let epoch = stored(&app, &c).await.head.custody_epoch;
    assert_eq!(epoch, 2, "queued, then taken, and nothing after");
    let said = texts(&app.events(&c, seq).await.expect("events"), Author::Bot);
    assert_eq!(said, ["You're now talking to Kim."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_call_is_not_sent_again_while_the_store_takes_no_turn() {
    let mut rig = Rig::new();
    let peer = Peer::serve(&mut rig).await;
    let app = rig.start().await;
    let c = web(&app).await;
    say(&app, &c, "m1", "=pay.send").await;
    let seq = send(&app, &c, "m2", "yes").await.expect("taken").seq;
    peer.arrived().await;
    // The next write fails, which is that of the turn.
    tamper(
        &rig.store(),
        "CREATE TRIGGER never BEFORE UPDATE ON partitions BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    peer.go.add_permits(10);
    let waits = app
        .reply(&c, seq, std::time::Duration::from_millis(1500))
        .await;
    assert!(waits.is_err(), "{waits:?}");
    tamper(&rig.store(), "DROP TRIGGER never");
    let reply = app.reply(&c, seq, SOON).await.expect("answers");
    assert_eq!(texts(&reply.events, Author::Bot)[0], "Sent, R7.");
    assert_eq!(peer.keys().len(), 1);
}

#[tokio::test]
async fn a_conversation_in_which_nothing_happens_is_closed_and_only_then() {
    let rig = Rig::new();
    let app = rig.start().await;
    let quiet = web(&app).await;
    let waits = web(&app).await;
    press(&app, &waits, "m1", "/human").await;
    rig.clock.advance(std::time::Duration::from_secs(1000));
    let talks = web(&app).await;
    rig.clock.advance(std::time::Duration::from_secs(900));
    assert_eq!(app.services.close_idle().await, Ok(1));
    assert_eq!(closed(&app, &quiet).await, "idle");
    assert_eq!(app.services.close_idle().await, Ok(0));
    for open in [&waits, &talks] {
        send(&app, open, "later", "hello").await.expect("open");
    }
}
#[tokio::test]
async fn who_asks_for_a_person_is_in_the_queue_with_the_same_turn_and_may_leave_it() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    let asked = press(&app, &c, "m1", "/human").await;
    assert_eq!(asked.owner, Owner::Queue);
    let id = asked.handoff_id.clone().expect("a handoff");
    let queued = asked.events.iter().any(|event| {
        matches!(event, CustomerEvent::Handoff(news)
            if news.state == HandoffStatus::Queued && news.handoff_id == id && news.position == Some(1))
    });
    assert!(queued, "{:?}", asked.events);
    let waiting = app.queue().await.expect("a queue");
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].handoff_id, id);
    let left = press(&app, &c, "m2", "/cancel").await;
    assert_eq!(
        (left.owner, &left.handoff_id),
        (Owner::Bot, &None),
        "{left:?}"
    );
    assert!(app.queue().await.expect("a queue").is_empty());
    // Gone for good: the conversation ends while it waits.
    let again = press(&app, &c, "m3", "/human").await;
    assert_eq!(again.owner, Owner::Queue);
    app.close(&c, "hung_up").await.expect("closes");
    closed(&app, &c).await;
    app.shutdown().await;
    let app = rig.start().await;
    assert!(app.queue().await.expect("a queue").is_empty());
}

#[tokio::test]
async fn a_turn_that_is_given_up_leaves_no_trace_in_the_state_and_says_so() {
    let rig = Rig::new();
    let app = rig.start().await;
    let c = web(&app).await;
    say(&app, &c, "m1", "=pay.send").await;
    app.shutdown_turns().await;
    send(&app, &c, "m2", "yes").await.expect("taken");
    let (context, partition) = (app.services.context(), PartitionId::conversation(&c));
    let (cached, rows) = load(context, &partition).await.expect("reads");
    let row = rows[0].clone();
    let json = |state: &State| serde_json::to_string(state).expect("JSON");
    let before = json(&cached.state);
    let mut drive = Drive::new(context, cached, &row);
    drive.run().await.expect("runs");
    // Its irreversible call is stored, and with it what led there.
    drive.give_up();
    let (cached, done) = drive.end(0);
    let (after, reply) = commit::commit(context, cached, done).await.expect("stored");
    assert_eq!(json(&after.state), before);
    assert_eq!(
        texts(&reply.events, Author::Bot).len(),
        1,
        "{:?}",
        reply.events
    );
    let log = context.store.log(&partition, 0, usize::MAX).await;
    let log = log.expect("reads");
    let rows = log.iter().map(|entry| Row::of(entry).expect("reads"));
    let events = engine_events(rows.collect(), u64::MAX);
    let folded = rebuild(&context.bots, &events).await.expect("folds");
    assert_eq!(json(&folded), before);
    let (read, rows) = load(context, &partition).await.expect("reads");
    assert!(rows.is_empty() && read.processed() == row.seq);
}

#[tokio::test]
async fn what_was_said_since_the_last_answer_comes_with_the_next() {
    let mut rig = Rig::new();
    let peer = Peer::serve(&mut rig).await;
    let app = rig.start().await;
    let c = web(&app).await;
    // A client that does not wait long enough, and is told nothing in between.
    let soon = std::time::Duration::from_millis(50);
    let slow = send(&app, &c, "m1", "=pay.look").await.expect("taken").seq;
    assert_eq!(app.reply_or_later(&c, slow, soon).await, Ok(Vec::new()));
    peer.go.add_permits(1);
    app.reply(&c, slow, SOON).await.expect("ends");
    let next = send(&app, &c, "m2", "=pay.limit").await.expect("taken").seq;
    let told = app.reply_or_later(&c, next, SOON).await.expect("told");
    assert_eq!(texts(&told, Author::Bot), ["Seen, R7.", "How much?"]);
    let last = send(&app, &c, "m3", "42").await.expect("taken").seq;
    let told = app.reply_or_later(&c, last, SOON).await.expect("told");
    assert_eq!(texts(&told, Author::Bot)[0], "Changed to 42.");
    assert!(told.iter().all(|event| event.seq() > Some(last)));

    // A person writes between two messages of somebody who only hears answers.
    let asked = press(&app, &c, "m4", "/human").await;
    let handoff = asked.handoff_id.expect("a handoff");
    let code = app.staff_invite("Kim", crate::staff::Role::Agent).await;
    let kim = app.staff_sign_in(&code.expect("a code")).await;
    let kim = kim.expect("a session").agent;
    app.take(&handoff, &kim).await.expect("taken");
    app.agent_say(&handoff, &kim, "1", "Hi, Kim here.")
        .await
        .expect("said");
    let heard = say(&app, &c, "m5", "hello?").await;
    assert_eq!(texts(&heard.events, Author::Agent), ["Hi, Kim here."]);
    assert_eq!(
        texts(&heard.events, Author::Bot),
        ["You're now talking to Kim."]
    );
    let quiet = say(&app, &c, "m6", "still there?").await;
    assert!(quiet.events.is_empty(), "{:?}", quiet.events);
}
