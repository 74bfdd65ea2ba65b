use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bellhop_flows::bundle::{Intent, Limits, Policy, Queue, Understanding};
use bellhop_flows::engine::effect::{Evidence, HandoffRequest};
use bellhop_flows::engine::state::{Attempt, State};
use bellhop_flows::span::Span;

use super::*;
use crate::conversation::NewConversation;
use crate::handoff::record::{self, Facts};
use crate::handoff::{add_transcript, suggested_reply, wrap_up_draft};
use crate::staff::Role;
use crate::store::Store;
use crate::store::journal::What;

fn titles(text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("en".to_owned(), text.to_owned())])
}

fn queue_of(title: &str, priority: u8) -> Queue {
    Queue {
        title: titles(title),
        priority,
        handle_time_s: 300,
        advice: None,
        span: Span::default(),
    }
}

fn bundle() -> Arc<Bundle> {
    let intent = Intent {
        title: titles("a lost card"),
        examples: BTreeMap::new(),
        threshold: None,
        span: Span::default(),
    };
    Arc::new(Bundle {
        hash: "h".to_owned(),
        name: "Test".to_owned(),
        languages: vec!["en".to_owned(), "es".to_owned()],
        time_zone: "Europe/London".to_owned(),
        currency: "GBP".to_owned(),
        entities: BTreeMap::new(),
        slots: BTreeMap::new(),
        intents: BTreeMap::from([("cards.lost".to_owned(), intent)]),
        actions: BTreeMap::new(),
        flows: BTreeMap::new(),
        responses: BTreeMap::new(),
        articles: BTreeMap::from([("fees".to_owned(), "Fees".to_owned())]),
        patterns: BTreeMap::new(),
        policy: Policy::default(),
        queues: BTreeMap::from([
            ("cards".to_owned(), queue_of("Card team", 5)),
            ("fraud".to_owned(), queue_of("Fraud team", 0)),
        ]),
        limits: Limits {
            steps: 100,
            depth: 8,
            idle_close_s: 900,
            correctable_turns: 3,
            correctable_s: 300,
        },
        understanding: Understanding {
            accept: 0.5,
            margin: 0.1,
            answer: 0.5,
            interrupt_margin: 0.2,
            lead: 0.3,
        },
        tests: Vec::new(),
    })
}

pub(super) fn desk(at_s: i64) -> Desk {
    Desk {
        bundle: bundle(),
        now: Timestamp::from_second(at_s).expect("a time"),
        report: true,
        cause: 0,
    }
}

pub(super) fn agent(name: &str) -> Agent {
    Agent {
        id: format!("id-{name}"),
        name: name.to_owned(),
        role: Role::Agent,
    }
}

fn state() -> State {
    State {
        channel: "web".to_owned(),
        language: "es".to_owned(),
        customer: BTreeMap::from([
            ("id".to_owned(), "C-1".to_owned()),
            ("name".to_owned(), "Ana".to_owned()),
        ]),
        attempts: vec![Attempt {
            turn: 1,
            kind: "answer".to_owned(),
            reference: "fees".to_owned(),
            outcome: "given".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }],
        moods: vec![0.0, 0.2, 0.8],
        last_intents: vec![("cards.lost".to_owned(), 0.8)],
        ..State::default()
    }
}

pub(super) fn wanted(queue: &str, priority: u8) -> HandoffRequest {
    HandoffRequest {
        queue: queue.to_owned(),
        priority,
        reason: "sentiment".to_owned(),
        trigger: "upset".to_owned(),
        detail: "the customer is upset".to_owned(),
        evidence: vec![Evidence {
            name: "negative".to_owned(),
            value: 0.8.into(),
            threshold: 0.7.into(),
            turn: 3,
        }],
        intent: "cards.lost".to_owned(),
        flow: None,
        collected: Vec::new(),
        pending: Vec::new(),
    }
}

/// Puts a conversation into a queue, as the turn does; opens it first if it is new.
pub(super) fn ask(
    tx: &Transaction<'_>,
    desk: &Desk,
    conversation: &str,
    id: &str,
    request: &HandoffRequest,
) -> Result<Rows, StoreError> {
    let new = NewConversation {
        channel: "web".to_owned(),
        ..NewConversation::default()
    };
    if conversations::head(tx, conversation).is_err() {
        conversations::create(tx, conversation, &new, &[0; 32], desk.now)?;
    }
    let standing = desk.newcomer(tx, &request.queue, request.priority)?;
    let epoch = conversations::give(tx, conversation, Owner::Queue)?;
    let facts = Facts {
        handoff: id.to_owned(),
        conversation: conversation.to_owned(),
        epoch,
        at: desk.now,
        ..Facts::default()
    };
    let envelope = record::envelope(&desk.bundle, &state(), Some(request), &facts);
    desk.request(tx, &envelope, standing)
}

fn open(dir: &Path) -> Store {
    Store::open(&dir.join("bellhop.db")).expect("a fresh store opens")
}

async fn waiting(store: &Store, at_s: i64, conversation: &'static str, queue: &'static str) {
    let priority = bundle().queues[queue].priority;
    store
        .write(move |tx| {
            let id = format!("h-{conversation}");
            ask(tx, &desk(at_s), conversation, &id, &wanted(queue, priority))
        })
        .await
        .expect("queued");
}

fn position(rows: &[Row], of: &str) -> Vec<u32> {
    rows.iter()
        .filter(|row| &*row.conversation == of)
        .filter_map(|row| match &row.body {
            Body::Handoff(event) => event.position,
            _ => None,
        })
        .collect()
}

fn inputs(rows: &[Row]) -> Vec<(&str, &EventKind, u64)> {
    rows.iter()
        .filter_map(|row| match &row.body {
            Body::Input(Input {
                epoch,
                what: What::Event { event },
                ..
            }) => Some((&*row.conversation, event, *epoch)),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_who_take_one_conversation_one_wins_and_the_epoch_grows_once() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    waiting(&store, 0, "c", "cards").await;
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx| desk(9).take(tx, "h-c", &agent(&format!("a{n:02}"))))
                    .await
            })
        })
        .collect();
    let mut won = Vec::new();
    let mut lost_to = Vec::new();
    for (n, task) in tasks.into_iter().enumerate() {
        match task.await.expect("task").expect("store") {
            Taken::Won(rows) => won.push((format!("a{n:02}"), rows)),
            Taken::Lost { by } => lost_to.push(by),
            Taken::Theirs => panic!("nobody asked twice"),
        }
    }
    assert_eq!((won.len(), lost_to.len()), (1, 49));
    let (winner, rows) = &won[0];
    assert!(lost_to.iter().all(|by| by == winner));
    let joined = EventKind::AgentJoined {
        agent: winner.clone(),
    };
    assert_eq!(inputs(rows), [("c", &joined, 2)]);
    let head = store
        .read(|c| conversations::head(c, "c"))
        .await
        .expect("head");
    assert_eq!((head.owner, head.epoch), (Owner::Agent, 2));
    let again = agent(winner);
    let again = store
        .write(move |tx| desk(9).take(tx, "h-c", &again))
        .await
        .expect("store");
    assert_eq!(again, Taken::Theirs);
}

#[tokio::test]
async fn nobody_but_the_owner_speaks_and_nothing_is_said_twice() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    waiting(&store, 0, "c", "cards").await;
    let say = |who: &'static str, id: &'static str, text: &'static str| {
        store.write(move |tx| desk(20).say(tx, "h-c", &agent(who), id, text))
    };
    let refused = |said: Result<(Accepted, Rows), StoreError>| match said {
        Err(StoreError::Refused(ServiceError::Conflict { message })) => message,
        other => panic!("{other:?}"),
    };
    let early = refused(say("Mia", "1", "hi").await);
    assert!(early.contains("take it first"), "{early}");
    store
        .write(|tx| desk(10).take(tx, "h-c", &agent("Mia")))
        .await
        .expect("taken");
    let other = refused(say("Bob", "1", "hi").await);
    assert_eq!(other, "Mia has this conversation");
    let (first, rows) = say("Mia", "1", "hi").await.expect("said");
    assert_eq!((first.duplicate, rows.len()), (false, 1));
    let (second, rows) = say("Mia", "1", "hi").await.expect("said before");
    assert_eq!(
        (second.seq, second.duplicate, rows.len()),
        (first.seq, true, 0)
    );
    let reused = say("Mia", "1", "bye").await;
    let expected = ServiceError::IdReused {
        client_msg_id: "1".to_owned(),
    };
    assert_eq!(reused, Err(StoreError::Refused(expected)));

    let back = |tx: &Transaction<'_>| desk(30).give_back(tx, "h-c", &agent("Mia"), Some("f"));
    let rows = store.write(back).await.expect("returned");
    let returned = EventKind::Returned {
        flow: Some("f".to_owned()),
    };
    assert_eq!(inputs(&rows), [("c", &returned, 3)]);
    assert_eq!(store.write(back).await.expect("once more"), []);
    refused(say("Mia", "2", "too late").await);
    // A retry of what was said before the return is still told so, and says nothing again.
    let (retry, rows) = say("Mia", "1", "hi").await.expect("said before");
    assert_eq!((retry.seq, rows.len()), (first.seq, 0));
    let said = store
        .read(|c| journal::visible(c, "c", 0, u64::MAX))
        .await
        .expect("events");
    let by_agents = said.iter().filter(
        |event| matches!(event, crate::outbox::CustomerEvent::Message(m) if m.from == Author::Agent),
    );
    assert_eq!(by_agents.count(), 1);
}

#[tokio::test]
async fn a_transfer_keeps_the_age_and_takes_the_conversation_from_the_agent() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    waiting(&store, 0, "old", "cards").await;
    waiting(&store, 50, "young", "cards").await;
    store
        .write(|tx| desk(60).take(tx, "h-old", &agent("Mia")))
        .await
        .expect("taken");
    let unknown = store
        .write(|tx| desk(70).transfer(tx, "h-old", &agent("Mia"), ("h-new", "nowhere", "")))
        .await;
    assert!(
        matches!(
            unknown,
            Err(StoreError::Refused(ServiceError::NotFound { .. }))
        ),
        "{unknown:?}"
    );
    let rows = store
        .write(|tx| desk(70).transfer(tx, "h-old", &agent("Mia"), ("h-new", "cards", "ask her")))
        .await
        .expect("moved");
    assert_eq!(position(&rows, "old"), [1], "before the one who came later");
    assert_eq!(position(&rows, "young"), [2]);
    let (old, new) = store
        .read(|c| Ok((handoffs::get(c, "h-old")?, handoffs::get(c, "h-new")?)))
        .await
        .expect("both");
    assert_eq!(old.stage, Stage::Transferred);
    assert_eq!(
        (new.stage, new.requested_at),
        (Stage::Queued, old.requested_at)
    );
    assert_eq!(new.envelope.related, ["h-old"]);
    assert_eq!((new.epoch, old.epoch), (3, 3));
    assert_eq!(
        new.envelope.previous_segment_id.as_deref(),
        Some("old/2"),
        "the agent's stretch"
    );
    let said = store
        .write(|tx| desk(80).say(tx, "h-old", &agent("Mia"), "1", "hi"))
        .await;
    assert!(said.is_err(), "{said:?}");
    let notes = store
        .read(|c| journal::notes(c, "old"))
        .await
        .expect("notes");
    assert_eq!(notes.len(), 1);
}

#[tokio::test]
async fn places_are_told_when_they_change_and_only_then() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    waiting(&store, 0, "a", "cards").await;
    waiting(&store, 1, "b", "cards").await;
    let rows = store
        .write(|tx| ask(tx, &desk(2), "u", "h-u", &wanted("cards", 0)))
        .await
        .expect("queued");
    assert_eq!(position(&rows, "u"), [1]);
    assert_eq!(position(&rows, "a"), [2]);
    assert_eq!(position(&rows, "b"), [3]);
    let rows = store
        .write(|tx| desk(3).withdraw(tx, "a", false))
        .await
        .expect("withdrawn");
    assert_eq!(position(&rows, "b"), [2]);
    assert_eq!(position(&rows, "u"), [] as [u32; 0]);
    let moved = EventKind::PositionChanged {
        position: 2,
        wait_s: None,
    };
    assert_eq!(inputs(&rows), [("b", &moved, 1)]);
    let gone = store
        .write(|tx| desk(4).take(tx, "h-a", &agent("Mia")))
        .await;
    assert!(
        matches!(
            gone,
            Err(StoreError::Refused(ServiceError::Conflict { .. }))
        ),
        "{gone:?}"
    );
}

/// Signs somebody in who takes conversations.
async fn here(store: &Store, name: &'static str) {
    let signed_in = store.write(move |tx| {
        let ends = desk(0).now + Duration::from_secs(10_000);
        let agent = staff::sign_in(tx, agent(name), &[name.len() as u8; 32], ends)?;
        staff::set_available(tx, &agent.id, true)
    });
    signed_in.await.expect("signed in");
}

/// Place and wait in the last news of a conversation's handoff.
async fn last_told(store: &Store, conversation: &'static str) -> (Option<u32>, Option<u64>) {
    let last = store.read(move |c| journal::last_handoff(c, conversation));
    let last = last.await.expect("store").expect("news");
    (last.position, last.wait_s)
}

#[tokio::test]
async fn the_place_is_that_in_ones_own_queue_whatever_the_others_do() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    here(&store, "Mia").await;
    waiting(&store, 0, "a", "cards").await;
    waiting(&store, 1, "b", "cards").await;
    // Fraud is more urgent: served before both, and yet the first in a line of its own.
    let rows = store.write(|tx| ask(tx, &desk(2), "u", "h-u", &wanted("fraud", 0)));
    let rows = rows.await.expect("queued");
    assert_eq!(position(&rows, "u"), [1]);
    assert_eq!(last_told(&store, "u").await, (Some(1), Some(0)));
    // Nobody moved back in the card team's line, but all wait for longer.
    assert_eq!(last_told(&store, "a").await, (Some(1), Some(300)));
    assert_eq!(last_told(&store, "b").await, (Some(2), Some(600)));
    let next = store.read(|c| desk(3).newcomer(c, "cards", 5));
    assert_eq!(next.await.expect("standing").position, 3);
    let next = store.read(|c| desk(3).newcomer(c, "fraud", 0));
    assert_eq!(next.await.expect("standing").position, 2);

    // Somebody of another line is taken: places stay, the wait is shorter.
    let taken = store.write(|tx| desk(4).take(tx, "h-u", &agent("Mia")));
    let Taken::Won(rows) = taken.await.expect("taken") else {
        panic!("nobody else took it");
    };
    assert_eq!(position(&rows, "a"), [1]);
    assert_eq!(last_told(&store, "a").await, (Some(1), Some(0)));
    assert_eq!(last_told(&store, "b").await, (Some(2), Some(300)));

    // Moved to the card team with its age and that team's priority: the last there.
    let moved = store.write(|tx| desk(5).transfer(tx, "h-u", &agent("Mia"), ("h-u2", "cards", "")));
    let rows = moved.await.expect("moved");
    assert_eq!(position(&rows, "u"), [3]);
    assert_eq!(
        position(&rows, "a"),
        [] as [u32; 0],
        "nothing changed for them"
    );
    let rows = store.write(|tx| desk(6).withdraw(tx, "a", false));
    let rows = rows.await.expect("withdrawn");
    assert_eq!(
        (position(&rows, "b"), position(&rows, "u")),
        (vec![1], vec![2])
    );
}

#[tokio::test]
async fn the_wait_counts_who_is_available() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    waiting(&store, 0, "a", "cards").await;
    let standing = |available: u8| {
        store.write(move |tx| {
            for n in 0..available {
                let agent = agent(&format!("{n}"));
                let ends = desk(0).now + Duration::from_secs(100);
                let agent = staff::sign_in(tx, agent, &[n; 32], ends)?;
                staff::set_available(tx, &agent.id, true)?;
            }
            desk(1).newcomer(tx, "cards", 5)
        })
    };
    let wait = |standing: Result<QueuePosition, StoreError>| standing.expect("standing").wait_s;
    assert_eq!(wait(standing(0).await), None);
    assert_eq!(wait(standing(1).await), Some(300));
    assert_eq!(wait(standing(2).await), Some(150));
    let late = store.write(|tx| desk(200).newcomer(tx, "cards", 5)).await;
    assert_eq!(wait(late), None, "their sessions ran out");
}

#[tokio::test]
async fn wrapping_up_ends_it_once_and_reports_each_state_once() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    waiting(&store, 0, "c", "cards").await;
    store
        .write(|tx| desk(1).take(tx, "h-c", &agent("Mia")))
        .await
        .expect("taken");
    let wrap = |tx: &Transaction<'_>| desk(2).wrap_up(tx, "h-c", &agent("Mia"), "done", true);
    let rows = store.write(wrap).await.expect("wrapped up");
    assert_eq!(inputs(&rows), [("c", &EventKind::WrappedUp, 3)]);
    assert_eq!(store.write(wrap).await.expect("once more"), []);
    let due = store
        .read(|c| crate::store::outbox::due(c, desk(2).now, 10))
        .await
        .expect("due");
    let states: Vec<_> = due
        .iter()
        .map(|due| serde_json::from_str::<Status>(&due.body).expect("a status"))
        .map(|status| (status.state, status.epoch, status.agent))
        .collect();
    let mia = Some("Mia".to_owned());
    assert_eq!(
        states,
        [
            ("queued".to_owned(), 1, None),
            ("accepted".to_owned(), 2, mia.clone()),
            ("completed".to_owned(), 3, mia)
        ]
    );
}

#[tokio::test]
async fn the_transcript_is_all_of_the_journal_that_was_said() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path());
    waiting(&store, 0, "c", "cards").await;
    store
        .write(|tx| desk(1).take(tx, "h-c", &agent("Mia")))
        .await
        .expect("taken");
    for n in 0..20 {
        store
            .write(move |tx| {
                desk(2 + n).note(tx, "h-c", &agent("Mia"), "between us")?;
                desk(2 + n).say(tx, "h-c", &agent("Mia"), &n.to_string(), "hello")
            })
            .await
            .expect("said");
    }
    store
        .write(|tx| desk(30).give_back(tx, "h-c", &agent("Mia"), None))
        .await
        .expect("returned");
    waiting(&store, 31, "d", "cards").await;
    let (mut envelope, said) = store
        .read(|c| {
            let record = handoffs::get(c, "h-c")?;
            Ok((record.envelope, journal::visible(c, "c", 0, u64::MAX)?))
        })
        .await
        .expect("read");
    add_transcript(&mut envelope, &bundle(), &said).expect("a transcript");
    let transcript = &envelope.transcript;
    assert_eq!(
        transcript.count,
        20 + 3,
        "messages, queued, assigned, returned"
    );
    assert_eq!(transcript.items.len(), said.len());
    let seqs: Vec<_> = transcript.items.iter().map(|item| item.seq).collect();
    assert_eq!(seqs, (1..=23).collect::<Vec<_>>());
    assert!(
        transcript
            .items
            .iter()
            .all(|item| item.text != "between us")
    );
    let draft = wrap_up_draft(&envelope);
    assert!(draft.contains("20 messages"), "{draft}");
}

#[test]
fn the_envelope_tells_the_mood_and_the_answers_and_drafts_a_reply() {
    let facts = Facts {
        handoff: "h".to_owned(),
        conversation: "c".to_owned(),
        epoch: 1,
        ..Facts::default()
    };
    let envelope = record::envelope(&bundle(), &state(), Some(&wanted("cards", 5)), &facts);
    assert_eq!(envelope.privacy.classification, "ordinary");
    assert_eq!(envelope.attempts[0].source_refs, ["fees"]);
    assert!((envelope.sentiment.trend - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(envelope.reason.evidence[0].turn, 3);
    let summary = serde_json::to_value(envelope.to_summary()).expect("json");
    assert_eq!(
        summary,
        serde_json::json!({
            "interaction_id": "c",
            "channel": "web",
            "customer": {"id": "C-1", "tier": "standard"},
            "intent": "cards.lost",
            "summary": {
                "issue": "a lost card",
                "actions_taken": ["answered from Fees: given"],
                "next_step": "the customer is upset: begin with that"
            },
            "qa_flags": {"compliance_phrase_used": false, "escalation_required": true}
        })
    );
    assert!(suggested_reply(&envelope).starts_with("Hola Ana, siento"));
    let alone = record::envelope(&bundle(), &state(), None, &facts);
    assert!(!alone.qa_flags.escalation_required);
}

#[test]
fn a_wish_for_a_person_after_an_answer_is_told_by_the_article() {
    let mut asked = wanted("cards", 5);
    asked.reason = "user_request".to_owned();
    let envelope = record::envelope(&bundle(), &state(), Some(&asked), &Facts::default());
    assert_eq!(envelope.summary.issue, "last about Fees");
}

#[test]
fn a_queue_is_called_what_it_is_called_in_the_customers_language() {
    let mut desk = desk(0);
    let bundle = Arc::get_mut(&mut desk.bundle).expect("the only owner");
    let cards = bundle.queues.get_mut("cards").expect("a queue");
    cards
        .title
        .insert("es".to_owned(), "Equipo de tarjetas".to_owned());
    assert_eq!(
        desk.title("cards", "es").as_deref(),
        Some("Equipo de tarjetas")
    );
    assert_eq!(desk.title("cards", "fr").as_deref(), Some("Card team"));
    assert_eq!(desk.title("none", "es"), None);
}
