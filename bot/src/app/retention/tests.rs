use std::time::Duration;

use crate::app::App;
use crate::app::rig::{Rig, SOON, closed, say, send, text, web};
use crate::conversation::NewConversation;
use crate::error::ServiceError;
use crate::handoff::queue::TICKET;
use crate::partition::{Commit, Committed, PartitionId};
use crate::staff::{Role, Session};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn caller(key: &str) -> NewConversation {
    NewConversation {
        channel: "chat".to_owned(),
        provider_key: Some(key.to_owned()),
        ..NewConversation::default()
    }
}

/// Closes a conversation and waits until it is over.
async fn end(app: &App, conversation: &str) {
    app.close(conversation, "done").await.expect("closes");
    closed(app, conversation).await;
    // What it puts out reaches the queue and nobody else.
    while !app
        .services
        .store
        .claim(app.clock().now(), app.clock().now(), 9)
        .await
        .expect("claims")
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
}

async fn forget(app: &App) -> (u64, u64, u64) {
    let gone = app.services.forget_old().await.expect("forgets");
    (gone.partitions, gone.traces, gone.seen)
}

async fn partitions(app: &App) -> Vec<PartitionId> {
    app.services.store.partitions("", 99).await.expect("lists")
}

async fn sign_in(app: &App) -> Session {
    let code = app.staff_invite("Mia", Role::Agent).await.expect("a code");
    app.staff_sign_in(&code).await.expect("a session")
}

fn is_unknown<T: std::fmt::Debug>(answer: Result<T, ServiceError>) {
    assert!(
        matches!(answer, Err(ServiceError::NotFound { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_conversation_is_unknown_once_its_time_is_over_and_one_that_is_open_stays() {
    let rig = Rig::new();
    let app = rig.start().await;
    let open = web(&app).await;
    let over = app.open(caller("+1")).await.expect("opens");
    let id = over.conversation_id;
    say(&app, &id, "m1", "=pay.look").await;
    app.check_token(&id, &over.token).await.expect("theirs");
    end(&app, &id).await;
    rig.clock.advance(DAY * 90);
    assert_eq!(forget(&app).await.0, 0, "not older than 90 days");
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(forget(&app).await.0, 1);
    assert_eq!(forget(&app).await, (0, 0, 0));

    is_unknown(app.check_token(&id, &over.token).await);
    is_unknown(app.events(&id, 0).await);
    is_unknown(app.trace(&id).await);
    is_unknown(app.owner(&id).await);
    is_unknown(app.reply(&id, 2, SOON).await);
    is_unknown(app.conversation_summary(&id).await);
    is_unknown(app.close(&id, "again").await);
    is_unknown(send(&app, &id, "m1", "=pay.look").await);
    assert!(
        !partitions(&app)
            .await
            .contains(&PartitionId::conversation(&id))
    );
    assert!(app.events(&open, 0).await.is_ok());
    say(&app, &open, "m1", "hello").await;
}

#[tokio::test]
async fn who_comes_back_later_gets_a_new_conversation_and_never_the_old_id() {
    let rig = Rig::new();
    let app = rig.start().await;
    let first = app.receive(caller("+1"), text("m1", "hello")).await;
    let first = first.expect("stored").conversation;
    end(&app, &first).await;
    rig.clock.advance(DAY * 91);
    assert_eq!(forget(&app).await.0, 1);
    // The address is still known and leads to nothing.
    assert_eq!(app.known("chat", None, "+1").await, Ok(None));
    let again = app.receive(caller("+1"), text("m1", "hello")).await;
    let again = again.expect("stored");
    assert!(again.opened && !again.accepted.duplicate, "{again:?}");
    assert_ne!(again.conversation, first);
    let known = app.known("chat", None, "+1").await;
    assert_eq!(known, Ok(Some(again.conversation)));
}

#[tokio::test]
async fn an_address_goes_with_its_last_conversation() {
    let rig = Rig::new();
    let app = rig.start().await;
    let contact = PartitionId::contact("chat", "", "+1");
    let first = app.receive(caller("+1"), text("m1", "hello")).await;
    let first = first.expect("stored").conversation;
    end(&app, &first).await;
    rig.clock.advance(DAY * 60);
    let second = app.receive(caller("+1"), text("m2", "hello")).await;
    let second = second.expect("stored").conversation;
    end(&app, &second).await;
    for (after, stays) in [(DAY * 60, true), (DAY * 29, true), (DAY * 2, false)] {
        rig.clock.advance(after);
        // It is looked at before the conversations and after them: only then are they gone.
        for _ in 0..2 {
            app.services.close_idle().await.expect("sweeps");
            forget(&app).await;
            rig.clock.advance(Duration::from_secs(3_601));
        }
        let left = partitions(&app).await;
        assert_eq!(left.contains(&contact), stays, "{left:?}");
    }
    let left = partitions(&app).await;
    assert!(
        left.iter().all(|it| it.as_conversation().is_none()),
        "{left:?}"
    );
}

#[tokio::test]
async fn traces_and_senders_ids_go_before_their_conversation() {
    let rig = Rig::new();
    let app = rig.start().await;
    let id = web(&app).await;
    say(&app, &id, "m1", "hello").await;
    rig.clock.advance(DAY * 8 + Duration::from_secs(1));
    assert_eq!(forget(&app).await, (0, 0, 1));
    rig.clock.advance(DAY * 6);
    // One of the opening, one of the message.
    assert_eq!(forget(&app).await, (0, 2, 0));
    assert_eq!(app.trace(&id).await, Ok(Vec::new()));
    let said = app.events(&id, 0).await.expect("events");
    assert!(!said.is_empty(), "the transcript stays");
}

#[tokio::test]
async fn the_desk_links_to_what_is_kept() {
    let rig = Rig::new();
    let app = rig.start().await;
    let mut ids = Vec::new();
    for (key, wait) in [("m1", 60), ("m2", 20), ("m3", 15)] {
        let received = app.receive(caller("+1"), text(key, "hello")).await;
        let received = received.expect("stored");
        let id = received.conversation;
        app.reply(&id, received.accepted.seq, SOON)
            .await
            .expect("answers");
        ids.push(id.clone());
        if ids.len() < 3 {
            end(&app, &id).await;
            rig.clock.advance(DAY * wait);
        }
    }
    say(&app, &ids[2], "m4", "/human").await;
    let human = crate::conversation::Inbound {
        client_msg_id: "m5".to_owned(),
        body: crate::conversation::InboundBody::Payload {
            payload: "/human".to_owned(),
        },
    };
    let asked = app.accept(&ids[2], human).await.expect("stored");
    app.reply(&ids[2], asked.seq, SOON).await.expect("answers");
    let handoff = app.handoff_of(&ids[2]).await.expect("reads");
    let handoff = handoff.expect("a handoff");
    let linked = async || {
        let envelope = app.envelope(&handoff).await.expect("reads");
        serde_json::to_string(&envelope.links).expect("JSON")
    };
    let both = linked().await;
    assert!(ids[..2].iter().all(|id| both.contains(id)), "{both}");
    rig.clock.advance(DAY * 15);
    assert_eq!(forget(&app).await.0, 1);
    let one = linked().await;
    assert!(!one.contains(&ids[0]) && one.contains(&ids[1]), "{one}");
    // Whoever waits stays, however long.
    rig.clock.advance(DAY * 400);
    assert_eq!(forget(&app).await.0, 1);
    assert_eq!(app.queue().await.expect("reads").len(), 1);
}

#[tokio::test]
async fn sessions_and_invitations_that_have_run_out_go_and_people_stay_who_they_are() {
    let rig = Rig::new();
    let app = rig.start().await;
    let first = sign_in(&app).await;
    app.staff_invite("Bob", Role::Agent).await.expect("a code");
    let docs = async || {
        let (staff, queue) = (PartitionId::staff(), PartitionId::queue());
        let store = &app.services.store;
        let mut names = Vec::new();
        for partition in [&staff, &queue] {
            let known = store.snapshot(partition, &["*"]).await.expect("reads");
            names.extend(known.into_iter().flat_map(|known| known.docs.into_keys()));
        }
        let kinds = names.iter().filter_map(|name| name.split('/').next());
        kinds.map(str::to_owned).collect::<Vec<_>>()
    };
    forget(&app).await;
    assert_eq!(docs().await, ["invite", "member", "session", "agent"]);
    rig.clock.advance(DAY / 2);
    forget(&app).await;
    assert_eq!(docs().await, ["invite", "member"]);
    rig.clock.advance(DAY / 2);
    forget(&app).await;
    assert_eq!(docs().await, ["member"]);
    assert_eq!(app.staff(&first.token).await, Ok(None));
    let again = sign_in(&app).await;
    assert_eq!(again.agent, first.agent);
    assert_eq!(app.set_available(&again.agent, true).await, Ok(()));
}

#[tokio::test]
async fn a_ticket_of_a_conversation_that_is_gone_leaves_the_queue() {
    let rig = Rig::new();
    let app = rig.start().await;
    let id = web(&app).await;
    let human = crate::conversation::Inbound {
        client_msg_id: "m1".to_owned(),
        body: crate::conversation::InboundBody::Payload {
            payload: "/human".to_owned(),
        },
    };
    let asked = app.accept(&id, human).await.expect("stored");
    app.reply(&id, asked.seq, SOON).await.expect("answers");
    let store = &app.services.store;
    let queue = PartitionId::queue();
    let all = format!("{TICKET}*");
    let gone = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    // The queue may be brought up to date meanwhile.
    loop {
        let known = store.snapshot(&queue, &[&all]).await.expect("reads");
        let known = known.expect("a queue");
        let ticket = known.docs.values().next().expect("a ticket").clone();
        let text = String::from_utf8(ticket.to_vec()).expect("JSON");
        let revision = Some(known.head.revision);
        let mut stray = Commit::new(queue.clone(), revision, app.clock().now());
        let body = text.replace(&id, gone).into_bytes();
        stray
            .docs
            .insert(format!("{TICKET}{gone}"), Some(body.into()));
        let stored = store.commit(stray).await.expect("commits");
        if stored != Committed::Conflict {
            break;
        }
    }
    let waiting = async || app.queue().await.expect("reads").len();
    forget(&app).await;
    assert_eq!(waiting().await, 2, "its news may still come");
    rig.clock.advance(DAY * 4);
    forget(&app).await;
    assert_eq!(waiting().await, 1, "who waits stays");
}
