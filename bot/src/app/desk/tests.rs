use std::sync::Arc;
use std::time::Duration;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::engine::state::Owner;

use super::*;
use crate::app::rig::{Rig, SOON, say, web};
use crate::conversation::{Inbound, InboundBody, Reply};
use crate::hub::Live;
use crate::rules::queue::{agent_doc, card};
use crate::staff::Role;

fn rig() -> Rig {
    let mut rig = Rig::new();
    let mut bundle = Bundle::clone(&rig.bundle);
    let experts = bundle.queues["help"].clone();
    bundle.queues.insert("experts".to_owned(), experts);
    rig.bundle = Arc::new(bundle);
    rig
}

async fn agent(app: &App, name: &str) -> Agent {
    let code = app.staff_invite(name, Role::Agent).await.expect("a code");
    let session = app.staff_sign_in(&code).await.expect("a session");
    app.set_available(&session.agent, true).await.expect("here");
    session.agent
}

async fn press(app: &App, conversation: &str, id: &str, payload: &str) -> Reply {
    let inbound = Inbound {
        client_msg_id: id.to_owned(),
        body: InboundBody::Payload {
            payload: payload.to_owned(),
        },
    };
    let accepted = app.accept(conversation, inbound).await.expect("accepted");
    let seq = accepted.seq;
    app.reply(conversation, seq, SOON).await.expect("answers")
}

/// A conversation that waits for a person; gives it and its handoff.
async fn waits(app: &App) -> (String, String) {
    let conversation = web(app).await;
    let reply = press(app, &conversation, "h", "/human").await;
    assert_eq!(reply.owner, Owner::Queue);
    let handoff = reply.handoff_id.expect("a handoff");
    (conversation, handoff)
}

#[tokio::test]
async fn a_customer_goes_to_a_person_and_back() {
    let rig = rig();
    let app = rig.start().await;
    let mut changes = app.desk_changes();
    let (c, h) = waits(&app).await;
    changes.try_recv().expect("the desk hears of it");
    rig.clock.advance(Duration::from_secs(61));
    let queue = app.queue().await.expect("queue");
    assert_eq!(queue.len(), 1);
    assert_eq!(
        (queue[0].waited_s, queue[0].queue_title.as_str()),
        (61, "the team")
    );
    assert_eq!(
        (queue[0].state.as_str(), queue[0].reason.code.as_str()),
        ("queued", "user_request")
    );

    let (mia, bob) = (agent(&app, "Mia").await, agent(&app, "Bob").await);
    let envelope = app.take(&h, &mia).await.expect("taken");
    assert_eq!(envelope.conversation_id, c);
    let lost = app.take(&h, &bob).await.expect_err("taken already");
    assert_eq!(
        lost,
        TakeError::AlreadyTaken {
            by: "Mia".to_owned()
        }
    );
    assert_eq!(app.queue().await.expect("queue"), []);
    assert_eq!(app.mine(&mia).await.expect("hers")[0].state, "assigned");

    let first = app
        .agent_say(&h, &mia, "1", "Hi, I am Mia")
        .await
        .expect("said");
    let again = app
        .agent_say(&h, &mia, "1", "Hi, I am Mia")
        .await
        .expect("said");
    assert_eq!((again.seq, again.duplicate), (first.seq, true));
    app.agent_note(&h, &mia, "looks fine").await.expect("noted");
    app.agent_typing(&h, &mia, true).await.expect("typing");
    assert!(app.agent_typing(&h, &bob, true).await.is_err());
    let heard = say(&app, &c, "m2", "thanks").await;
    assert_eq!(heard.owner, Owner::Agent);
    let from_agent = |event: &CustomerEvent| matches!(event, CustomerEvent::Message(message) if message.from == Author::Agent);
    assert_eq!(
        heard
            .events
            .iter()
            .filter(|event| from_agent(event))
            .count(),
        1,
        "what Mia said comes with the next answer: {:?}",
        heard.events
    );
    assert_eq!(app.mine(&mia).await.expect("hers")[0].state, "agent_active");

    let unknown = app.return_to_bot(&h, &mia, Some("nowhere")).await;
    assert!(
        matches!(unknown, Err(ServiceError::NotFound { .. })),
        "{unknown:?}"
    );
    app.return_to_bot(&h, &mia, None).await.expect("returned");
    app.return_to_bot(&h, &mia, None)
        .await
        .expect("returned already");
    let late = app.agent_say(&h, &mia, "2", "one more thing").await;
    assert!(
        matches!(late, Err(ServiceError::Conflict { .. })),
        "{late:?}"
    );
    let back = say(&app, &c, "m3", "hello bot").await;
    assert_eq!((back.owner, back.handoff_id), (Owner::Bot, None));

    let envelope = app.envelope(&h).await.expect("envelope");
    let said: Vec<_> = envelope
        .transcript
        .items
        .iter()
        .map(|item| item.text.as_str())
        .collect();
    assert!(
        said.contains(&"Hi, I am Mia") && said.contains(&"thanks"),
        "{said:?}"
    );
    assert!(
        !said.contains(&"hello bot"),
        "that was after its end: {said:?}"
    );
    assert_eq!(envelope.notes_internal.len(), 1);
    assert_eq!(app.handoff_of(&c).await.expect("known"), Some(h));
}

#[tokio::test]
async fn a_transfer_puts_the_customer_into_the_other_queue_with_their_age() {
    let rig = rig();
    let app = rig.start().await;
    let (c, h) = waits(&app).await;
    rig.clock.advance(Duration::from_secs(100));
    let (mia, bob) = (agent(&app, "Mia").await, agent(&app, "Bob").await);
    app.take(&h, &mia).await.expect("taken");
    let next = app
        .transfer(&h, &mia, "experts", "please look")
        .await
        .expect("moved");
    let waiting = say(&app, &c, "m2", "hm?").await;
    assert_eq!(waiting.owner, Owner::Queue);
    assert_eq!(waiting.handoff_id.as_ref(), Some(&next));
    let queue = app.queue().await.expect("queue");
    assert_eq!(
        (queue[0].waited_s, queue[0].queue.as_str()),
        (100, "experts")
    );
    let envelope = app.take(&next, &bob).await.expect("taken");
    assert_eq!(envelope.related, [h]);
    assert_eq!(envelope.notes_internal[0].text, "please look");
    app.wrap_up(&next, &bob, "solved", true)
        .await
        .expect("done");
    assert_eq!(app.mine(&bob).await.expect("his"), []);
    let summary = app.conversation_summary(&c).await.expect("summary");
    assert_eq!(summary.interaction_id, c);
    assert!(summary.qa_flags.escalation_required);
}

#[tokio::test]
async fn never_mind_takes_the_customer_out_of_the_queue() {
    let rig = rig();
    let app = rig.start().await;
    let (first, _) = waits(&app).await;
    rig.clock.advance(Duration::from_secs(1));
    let (second, _) = waits(&app).await;
    let mut watch = app.subscribe(&second).expect("an id");
    let reply = press(&app, &first, "x", "/cancel").await;
    assert_eq!((reply.owner, reply.handoff_id), (Owner::Bot, None));
    // Whoever watches sees it at once, and being the first is said.
    next_event(
        &mut watch,
        |event| matches!(event, CustomerEvent::Position(place) if place.position == 1),
    )
    .await;
    let said = next_event(&mut watch, |event| {
        matches!(event, CustomerEvent::Message(_))
    })
    .await;
    assert!(
        matches!(&said, CustomerEvent::Message(message) if message.from == Author::Bot),
        "{said:?}"
    );
    assert_eq!(app.queue().await.expect("queue").len(), 1);
    app.close(&second, "left").await.expect("closed");
    next_event(&mut watch, |event| {
        matches!(event, CustomerEvent::Closed(_))
    })
    .await;
    emptied(&app).await;
}

/// The next event that is wanted.
async fn next_event(
    watch: &mut broadcast::Receiver<Live>,
    wanted: impl Fn(&CustomerEvent) -> bool,
) -> CustomerEvent {
    loop {
        if let Live::Event(event) = watch.recv().await.expect("news")
            && wanted(&event)
        {
            return event;
        }
    }
}

/// Waits until nobody waits any more.
async fn emptied(app: &App) {
    let mut changes = app.desk_changes();
    while !app.queue().await.expect("queue").is_empty() {
        changes.recv().await.expect("news");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_agents_race_for_one_customer_and_one_wins() {
    let rig = rig();
    let app = rig.start().await;
    let (c, h) = waits(&app).await;
    let racers = (0..50).map(|n| {
        let (app, h) = (app.clone(), h.clone());
        tokio::spawn(async move {
            let who = Agent {
                id: format!("{n}"),
                name: format!("agent {n}"),
                role: Role::Agent,
            };
            (app.take(&h, &who).await, who)
        })
    });
    let racers: Vec<_> = racers.collect();
    let mut winners = Vec::new();
    for racer in racers {
        match racer.await.expect("no panic") {
            (Ok(_), who) => winners.push(who),
            (Err(TakeError::AlreadyTaken { .. }), _) => {}
            (Err(other), _) => panic!("{other}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let reply = say(&app, &c, "m2", "hello?").await;
    assert_eq!(reply.owner, Owner::Agent);
    app.agent_say(&h, &winners[0], "1", "hi")
        .await
        .expect("theirs");
    let events = app.events(&c, 0).await.expect("events");
    let transcript = app.envelope(&h).await.expect("envelope").transcript;
    assert_eq!(transcript.items.len(), events.len());
}

#[tokio::test]
async fn who_leaves_the_desk_loses_the_customer_to_the_queue_with_their_age() {
    let rig = rig();
    let app = rig.start().await;
    let (c, h) = waits(&app).await;
    let (mia, bob) = (agent(&app, "Mia").await, agent(&app, "Bob").await);
    let page = app.at_desk(&mia);
    app.take(&h, &mia).await.expect("taken");
    app.agent_say(&h, &mia, "1", "hi").await.expect("said");
    rig.clock.advance(Duration::from_secs(1_000));
    assert_eq!(
        app.services.requeue_abandoned().await,
        Ok(0),
        "the page is open"
    );
    let left = rig.clock.now();
    drop(page);
    // That it went is written down behind our back.
    let (partition, doc) = (PartitionId::queue(), agent_doc(&mia.id));
    loop {
        let queue = app.services.store.snapshot(&partition, &[&doc]).await;
        let queue = queue.expect("reads");
        let card = card(queue.as_ref(), &mia.id).expect("reads").expect("hers");
        if card.present_until == left + Duration::from_secs(60) {
            break;
        }
        tokio::task::yield_now().await;
    }
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(
        app.services.requeue_abandoned().await,
        Ok(0),
        "it may be a reload"
    );
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(app.services.requeue_abandoned().await, Ok(1));
    assert_eq!(app.services.requeue_abandoned().await, Ok(0));
    assert_eq!(app.available(&mia).await, Ok(false));
    let late = app.agent_say(&h, &mia, "2", "back again").await;
    assert!(
        matches!(late, Err(ServiceError::Conflict { .. })),
        "{late:?}"
    );
    let waiting = say(&app, &c, "m2", "hello?").await;
    assert_eq!(waiting.owner, Owner::Queue);
    assert_eq!(app.queue().await.expect("queue")[0].waited_s, 1_061);
    let envelope = app.take(&h, &bob).await.expect("taken");
    assert_eq!(
        envelope.notes_internal[0].text,
        "Mia was gone; the customer waits again"
    );
}
