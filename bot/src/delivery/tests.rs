use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use wiremock::matchers::{body_partial_json, header, header_exists, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::conversation::journal::Body;
use crate::conversation::{HEAD, NewConversation};
use crate::decide::decide;
use crate::error::ServiceError;
use crate::events::{DeliveryState, MessageEvent};
use crate::outbox::{Fate, Letter, Selection, find, settle};
use crate::partition::{Commit, Kind, NewEntry, Notice, Outbound, PartitionId};
use crate::rules::channel::{CHANNEL, ChannelState, News, conversation, keep};
use crate::rules::open::open;
use crate::rules::{Decision, Draft};
use crate::setting::Secrets;
use crate::store::{Listener, StoreAddress};

const SECRET: &str = "a-secret-of-32-characters-012345";

struct Deaf;

impl Listener for Deaf {
    fn changed(&self, _: Notice) {}
    fn signalled(&self, _: &PartitionId, _: &[u8]) {}
}

async fn opened() -> Store {
    let store = Store::open(&StoreAddress::Memory, Arc::new(Deaf)).await;
    store.expect("opens")
}

/// A delivery with one status event in its store.
async fn delivery(server: &MockServer) -> Delivery {
    let store = opened().await;
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let mut commit = Commit::new(PartitionId::conversation("c"), None, clock.now());
    commit.append.push(NewEntry {
        kind: Kind::Handoff,
        cause: 0,
        body: Arc::from(*b"{}"),
    });
    let status = serde_json::json!({
        "schema": "v1", "id": "h/1/queued", "handoff_id": "h", "conversation_id": "c", "epoch": 1,
        "state": "queued", "at": "2026-01-01T00:00:00Z", "queue": "q",
    });
    commit.out.push(Outbound {
        destination: STATUS.to_owned(),
        body: Arc::from(status.to_string().as_bytes()),
    });
    store.commit(commit).await.expect("put out");
    let signing = Secrets::new(vec![SECRET.to_owned()]).expect("a good one");
    Delivery {
        store,
        clock,
        outbound: Arc::default(),
        channels: Arc::default(),
        bundle_name: "Test".to_owned(),
        gate: Arc::default(),
        line: Arc::new(ChannelLine::new(jiff::Timestamp::UNIX_EPOCH)),
        status: Some(Arc::new(
            Webhook::new(server.uri(), signing).expect("a client"),
        )),
    }
}

#[tokio::test]
async fn an_event_is_sent_signed_with_its_place_and_once() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("idempotency-key", "h/1/queued"))
        .and(header_exists("x-bellhop-signature"))
        .and(body_partial_json(
            serde_json::json!({ "seq": 1, "state": "queued" }),
        ))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let delivery = delivery(&server).await;
    assert_eq!(delivery.send_due().await, Ok(1));
    delivery.clock.advance(Duration::from_secs(9_999));
    assert_eq!(delivery.send_due().await, Ok(0));
}

#[tokio::test]
async fn an_event_that_is_not_taken_comes_again_later_and_later() {
    let server = MockServer::start().await;
    for answer in [500, 301, 200] {
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(answer))
            .up_to_n_times(1)
            .expect(1)
            .mount(&server)
            .await;
    }
    let delivery = delivery(&server).await;
    // Waits are at random, from half to all of what is the longest.
    for (advance_ms, arrived) in [(0, 0), (999, 0), (1_001, 0), (1_999, 0), (2_001, 1)] {
        delivery.clock.advance(Duration::from_millis(advance_ms));
        assert_eq!(delivery.send_due().await, Ok(arrived), "after {advance_ms}");
    }
}

#[tokio::test]
async fn what_nobody_can_send_is_put_aside_and_holds_nothing_up() {
    let server = MockServer::start().await;
    let mut delivery = delivery(&server).await;
    delivery.status = None;
    assert_eq!(delivery.send_due().await, Ok(0));
    let dead = delivery.store.dead(9).await.expect("reads");
    assert!(dead[0].why.contains("status_webhook"), "{}", dead[0].why);
}

#[test]
fn pauses_double_up_to_five_minutes() {
    let waits = [0, 1, 2, 7, 8, 40, 200].map(|attempts| longest_pause(attempts).as_secs());
    assert_eq!(waits, [2, 4, 8, 256, 300, 300, 300]);
    for attempts in [0, 5, 9] {
        let (most, is) = (longest_pause(attempts), pause(attempts));
        assert!(is >= most / 2 && is <= most, "{is:?}");
    }
}

/// A provider that fails now and then, as its script says, and keeps what it took.
#[derive(Default)]
struct Provider {
    taken: Mutex<Vec<serde_json::Value>>,
    asked: AtomicUsize,
}

impl Provider {
    async fn serve(self: &Arc<Self>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let provider = Arc::clone(self);
        let routes = axum::Router::new().fallback(axum::routing::any(
            move |body: axum::Json<serde_json::Value>| {
                let provider = Arc::clone(&provider);
                async move { provider.answer(body.0) }
            },
        ));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    /// Storms of 429 and 5xx: of ten requests six fail.
    fn answer(&self, body: serde_json::Value) -> axum::response::Response {
        use axum::response::IntoResponse;
        let status = match self.asked.fetch_add(1, Ordering::SeqCst) % 10 {
            0 | 3 => 429,
            1 | 6 => 503,
            4 | 8 => 500,
            _ => 200,
        };
        if status == 200 {
            self.taken.lock().expect("whole").push(body);
        }
        let status = axum::http::StatusCode::from_u16(status).expect("a status");
        let answer = serde_json::json!({
            "ok": true, "result": { "message_id": 1 }, "messages": [{ "id": "wamid.1" }],
        });
        (status, axum::Json(answer)).into_response()
    }
}

fn accounts(url: &str) -> Channels {
    let settings = serde_json::json!({
        "wa": {"kind": "whatsapp", "phone_number_id": "1", "token": "t", "app_secrets": [SECRET],
            "verify_token": SECRET, "base_url": url, "template": "again"},
        "tg": {"kind": "telegram", "token": "1:t", "secret": SECRET, "base_url": url},
        "hook": {"kind": "webhook", "url": url, "secrets": ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]},
    });
    Channels::new(&serde_json::from_value(settings).expect("settings")).expect("accounts")
}

/// Opens a conversation on an account, in which the customer has just written, and has the bot say things in it.
async fn says(delivery: &Delivery, account: &str, id: &str, texts: &[String]) {
    opens(delivery, account, id).await;
    let now = delivery.clock.now();
    let wrote = News::Wrote(now.as_second());
    let partition = PartitionId::conversation(id);
    decide(&delivery.store, &partition, &[CHANNEL], |snapshot| {
        keep(&partition, snapshot, &wrote, now)
    })
    .await
    .expect("kept");
    for text in texts {
        say(delivery, id, text).await;
    }
}

/// Opens a conversation on an account.
async fn opens(delivery: &Delivery, account: &str, id: &str) {
    let new = NewConversation {
        channel: "x".to_owned(),
        // Digits: what every channel takes for an address.
        provider_key: Some(id.bytes().map(|byte| byte.to_string()).collect()),
        destination: Some(format!("channel/{account}")),
        ..NewConversation::default()
    };
    let now = delivery.clock.now();
    let made = open(id, new, Vec::new(), String::new(), 900, now).expect("a commit");
    delivery.store.commit(made).await.expect("opens");
}

/// Has the bot say something.
async fn say(delivery: &Delivery, id: &str, text: &str) {
    let partition = PartitionId::conversation(id);
    let now = delivery.clock.now();
    decide(&delivery.store, &partition, &[HEAD], |snapshot| {
        let conversation = conversation(&partition, snapshot)?;
        let mut draft = Draft::new(&conversation, &delivery.gate, now);
        let message = bellhop_flows::engine::effect::Message {
            text: text.to_owned(),
            language: "en".to_owned(),
            ..Default::default()
        };
        let message = MessageEvent::of_bot(message, false);
        draft.append(1, &Body::Message(Box::new(message)))?;
        Ok(Decision::Commit(draft.finish(900)?, ()))
    })
    .await
    .expect("said");
}

async fn with(channels: Channels) -> Delivery {
    Delivery {
        store: opened().await,
        clock: Clock::manual(jiff::Timestamp::from_second(1_790_000_000).expect("a time")),
        outbound: Arc::default(),
        channels: Arc::new(channels),
        bundle_name: "Test".to_owned(),
        gate: Arc::default(),
        line: Arc::new(ChannelLine::new(jiff::Timestamp::UNIX_EPOCH)),
        status: None,
    }
}

#[tokio::test]
async fn in_a_storm_everything_arrives_once_and_in_order_for_each_customer() {
    let provider = Arc::new(Provider::default());
    let url = provider.serve().await;
    let delivery = with(accounts(&url)).await;
    let texts: Vec<String> = (0..12).map(|n| format!("text {n}")).collect();
    for account in ["wa", "tg", "hook"] {
        for n in 0..4 {
            says(&delivery, account, &format!("{account}{n}"), &texts).await;
        }
    }
    // Two processes send at the same time.
    let mut arrived = 0;
    for _ in 0..5_000 {
        if arrived == 3 * 4 * 12 {
            break;
        }
        let (one, other) = tokio::join!(delivery.send_due(), delivery.send_due());
        arrived += one.expect("sends") + other.expect("sends");
        delivery.clock.advance(Duration::from_secs(20));
    }
    assert_eq!(arrived, 3 * 4 * 12);
    assert_eq!(delivery.send_due().await, Ok(0));
    assert_eq!(delivery.store.dead(9).await, Ok(Vec::new()));
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in provider.taken.lock().expect("whole").iter() {
        let at = |places: &[&str]| {
            let mut found = places.iter().filter_map(|place| body.pointer(place));
            let found = found
                .next()
                .unwrap_or_else(|| panic!("none of {places:?} in {body}"));
            found.clone()
        };
        let to = at(&["/to", "/chat_id"]).to_string();
        let said = at(&["/text/body", "/text"]);
        let said = said.as_str().expect("a text").to_owned();
        told.entry(to).or_default().push(said);
    }
    assert_eq!(told.len(), 12);
    for (to, said) in told {
        assert_eq!(said, texts, "{to}");
    }
}

#[tokio::test]
async fn who_has_just_begun_to_write_is_answered_freely() {
    let provider = Arc::new(Provider::default());
    let url = provider.serve().await;
    let delivery = with(accounts(&url)).await;
    // That they wrote is stored after what they wrote, and the answer may be quicker.
    opens(&delivery, "wa", "c").await;
    say(&delivery, "c", "Hello").await;
    while delivery.send_due().await != Ok(1) {
        delivery.clock.advance(Duration::from_secs(20));
    }
    let taken = provider.taken.lock().expect("whole").clone();
    assert_eq!(taken[0]["type"], "text", "{taken:?}");
}

#[tokio::test]
async fn after_a_day_without_a_word_a_template_says_it() {
    let provider = Arc::new(Provider::default());
    let url = provider.serve().await;
    let delivery = with(accounts(&url)).await;
    says(
        &delivery,
        "wa",
        "c",
        &["Your card is on its way.".to_owned()],
    )
    .await;
    delivery.clock.advance(Duration::from_secs(24 * 3_600));
    while delivery.send_due().await != Ok(1) {
        delivery.clock.advance(Duration::from_secs(20));
    }
    let taken = provider.taken.lock().expect("whole").clone();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0]["type"], "template");
    assert_eq!(taken[0]["template"]["name"], "again");
    assert!(taken[0].to_string().contains("on its way"), "{}", taken[0]);
}

#[tokio::test]
async fn what_a_channel_never_takes_is_told_to_staff_and_holds_nothing_up() {
    let provider = Arc::new(Provider::default());
    let url = provider.serve().await;
    let mut delivery = with(accounts(&url)).await;
    says(&delivery, "gone", "c", &["hello".to_owned()]).await;
    delivery.send_due().await.expect("sends");
    let dead = delivery.store.dead(9).await.expect("reads");
    assert!(dead[0].why.contains("channel/gone"), "{}", dead[0].why);
    // An account whose provider refuses for good.
    let refuses = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(403).set_body_json(
            serde_json::json!({"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
        ))
        .mount(&refuses)
        .await;
    delivery.channels = Arc::new(accounts(&refuses.uri()));
    says(&delivery, "tg", "d", &["one".to_owned(), "two".to_owned()]).await;
    for _ in 0..3 {
        delivery.send_due().await.expect("sends");
    }
    assert_eq!(delivery.store.dead(9).await.expect("reads").len(), 3);
    let log = delivery
        .store
        .log(&PartitionId::conversation("d"), 0, 99)
        .await;
    let notes = log
        .expect("reads")
        .into_iter()
        .filter(|entry| entry.kind == Kind::Note);
    let notes: Vec<_> = notes
        .map(|entry| String::from_utf8_lossy(&entry.body).into_owned())
        .collect();
    assert_eq!(notes.len(), 2);
    assert!(notes[0].contains("could not be delivered"), "{notes:?}");
}

#[tokio::test]
async fn what_is_sent_again_after_it_was_given_up_goes_on_after_what_had_arrived() {
    let provider = MockServer::start().await;
    // The first frame is taken, the second never, until the provider thinks better of it.
    for (status, times) in [(200, 1), (403, 1), (200, 9)] {
        let answer = serde_json::json!({"ok": status == 200, "result": {"message_id": 1}, "error_code": status});
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status).set_body_json(answer))
            .up_to_n_times(times)
            .mount(&provider)
            .await;
    }
    let delivery = with(accounts(&provider.uri())).await;
    let long = format!("first {} last", "word ".repeat(1_000));
    says(&delivery, "tg", "c", &[long, "next".to_owned()]).await;
    let asked = async || {
        let requests = provider.received_requests().await.expect("kept");
        let said = requests
            .iter()
            .map(|it| String::from_utf8_lossy(&it.body).into_owned());
        said.collect::<Vec<_>>()
    };
    delivery.send_due().await.expect("sends");
    assert_eq!(asked().await.len(), 2);
    let state = async || {
        let conversation = PartitionId::conversation("c");
        let snapshot = delivery.store.snapshot(&conversation, &[CHANNEL]).await;
        ChannelState::of(snapshot.expect("reads").as_ref()).expect("reads")
    };
    let failed = state().await.failed;
    let seq = *failed.keys().next().expect("given up");
    assert_eq!(state().await.of_message(seq).state, DeliveryState::Failed);
    assert_eq!(
        delivery.send_due().await,
        Ok(1),
        "what comes after it goes on"
    );
    let meant = Selection {
        destination: Some("channel/tg".to_owned()),
        ..Selection::default()
    };
    let letters = find(&delivery.store, &meant).await.expect("reads");
    let replayed = settle(
        &delivery.store,
        letters.clone(),
        Fate::Replay,
        delivery.clock.now(),
    )
    .await;
    assert_eq!(replayed, Ok(1));
    let again = settle(&delivery.store, letters, Fate::Replay, delivery.clock.now()).await;
    assert_eq!(again, Ok(0), "it is there once");
    assert_eq!(delivery.send_due().await, Ok(1));
    let asked = asked().await;
    assert_eq!(asked.len(), 4);
    assert!(asked[0].contains("first ") && asked[2].contains("next"));
    assert_eq!(asked[1], asked[3], "only what had not arrived");
    let state = state().await;
    assert_eq!(state.of_message(seq).state, DeliveryState::Sent);
    assert_eq!((state.half.len(), state.partly), (0, None));
}

#[tokio::test]
async fn given_up_status_events_are_found_by_time_and_id_and_thrown_away_or_sent_under_their_id() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("idempotency-key", "h/1/queued"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let mut delivery = delivery(&server).await;
    let receiver = delivery.status.take();
    delivery.send_due().await.expect("sends");
    let store = delivery.store.clone();
    let all = Selection {
        all: true,
        ..Selection::default()
    };
    let letters = find(&store, &all).await.expect("reads");
    let letter = Letter::of(&letters[0]);
    assert_eq!((&*letter.id, letter.attempts), ("c/status/1", 1));
    let told = serde_json::to_string(&letter).expect("JSON");
    assert!(
        !told.contains("h/1/queued"),
        "what it says is left out: {told}"
    );
    let at = |seconds| jiff::Timestamp::from_second(seconds).expect("a time");
    for (since, until, found) in [
        (Some(0), None, 1),
        (Some(1), None, 0),
        (None, Some(0), 0),
        (None, Some(1), 1),
    ] {
        let meant = Selection {
            since: since.map(at),
            until: until.map(at),
            ..Selection::default()
        };
        assert!(meant.is_meant());
        assert_eq!(find(&store, &meant).await.expect("reads").len(), found);
    }
    let unknown = Selection {
        ids: vec!["c/status/2".to_owned()],
        ..Selection::default()
    };
    assert!(matches!(
        find(&store, &unknown).await,
        Err(ServiceError::NotFound { .. })
    ));
    assert!(!Selection::default().is_meant());
    delivery.status = receiver;
    let one = Selection {
        ids: vec![letter.id],
        ..Selection::default()
    };
    let letters = find(&store, &one).await.expect("reads");
    assert_eq!(
        settle(&store, letters, Fate::Replay, delivery.clock.now()).await,
        Ok(1)
    );
    assert_eq!(delivery.send_due().await, Ok(1));
    assert_eq!(store.dead(9).await, Ok(Vec::new()));
}

/// A receiver that takes nothing before it is let.
struct Slow {
    asked: AtomicUsize,
    go: tokio::sync::Semaphore,
}

impl Receiver for Slow {
    fn take<'a>(&'a self, _: &'a str, _: Vec<u8>) -> futures_util::future::BoxFuture<'a, bool> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let _ = self.go.acquire().await.expect("open");
            true
        })
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nobody_else_and_is_waited_for_at_the_end() {
    let server = MockServer::start().await;
    let mut delivery = delivery(&server).await;
    let slow = Arc::new(Slow {
        asked: AtomicUsize::new(0),
        go: tokio::sync::Semaphore::new(0),
    });
    delivery.status = Some(Arc::clone(&slow) as _);
    let claimed = delivery
        .store
        .claim(delivery.clock.now(), delivery.clock.now(), 1)
        .await;
    let body = Arc::clone(&claimed.expect("claims")[0].body);
    let put = async |conversation: String, destination: &str| {
        let id = PartitionId::conversation(&conversation);
        let mut commit = Commit::new(id, None, delivery.clock.now());
        commit.out.push(Outbound {
            destination: destination.to_owned(),
            body: Arc::clone(&body),
        });
        delivery.store.commit(commit).await.expect("put out");
    };
    for n in 0..AT_ONCE {
        put(format!("s{n}"), STATUS).await;
    }
    // Nobody knows where that is, so it is put aside: whatever hangs elsewhere.
    put("z".to_owned(), "elsewhere").await;
    let (store, stop) = (delivery.store.clone(), CancellationToken::new());
    let running = tokio::spawn(delivery.run(stop.clone()));
    let put_aside = async {
        while store.dead(9).await.expect("reads").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let soon = tokio::time::timeout(Duration::from_secs(20), put_aside).await;
    soon.expect("it is not held up");
    assert_eq!(slow.asked.load(Ordering::SeqCst), AT_ONCE_TO_ONE);
    stop.cancel();
    slow.go.add_permits(AT_ONCE);
    running.await.expect("ends");
    // What was on its way has arrived, and is not sent again.
    let backlog = store
        .backlog(crate::store::Whose::All)
        .await
        .expect("reads");
    let status = backlog.iter().find(|it| it.destination == STATUS);
    assert_eq!(
        status.map(|it| it.waiting as usize),
        Some(AT_ONCE + 1 - AT_ONCE_TO_ONE)
    );
}
