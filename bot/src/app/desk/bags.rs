//! What customers told arrives with them: whole conversations through the program, then the envelope as the desk reads
//! it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::any;
use serde_json::{Value as Json, json};

use super::*;
use crate::actions::Actions;
use crate::app::rig::{Rig, SOON, compiled, say};
use crate::conversation::{Inbound, InboundBody, NewConversation};
use crate::handoff::envelope::Slot;
use crate::staff::Role;

const BOT: &str = "
schema: 1
name: Test
languages: [en]
time_zone: UTC
currency: EUR
limits: {steps: 40}
queues:
  help: {title: the team, priority: 5, handle_time: 4m}
handoff:
  default_queue: help
  triggers:
    - {name: fraud, never_automate: {phrases: {en: [been scammed]}}}
    - {name: legal, keyword: {en: [lawyer]}}
";

const CARDS: &str = "
schema: 1
module: cards
slots:
  number: {type: number, title: customer number}
  pin: {type: number, secret: true, title: PIN}
  account: {type: text, keep: conversation, pii: true, title: account}
  card: {type: number, title: card number}
  loss: {type: text, title: what happened}
  town: {type: text, title: town}
  rounds: number
intents:
  lost: {title: blocking a card, examples: {en: [lost my card]}}
  visit: {title: a visit, examples: {en: [visit you]}}
  endless: {title: round and round, examples: {en: [go round]}}
actions:
  check:
    http: {post: '{env.PEER}/check', body: {number: '{number}', pin: '{pin}'}, timeout: 5s}
    effect: none
    returns: {id: text}
  find:
    http: {get: '{env.PEER}/find', timeout: 5s}
    returns: {ref: text}
  block:
    http: {post: '{env.PEER}/block', body: {card: '{card}'}, timeout: 5s}
    effect: irreversible
    returns: {ref: text}
    compensate: unblock
  unblock:
    http: {post: '{env.PEER}/unblock', body: {card: '{card}'}, timeout: 5s}
    effect: reversible
    returns: {ref: text}
flows:
  who:
    title: who it is
    steps:
      - ask: number
      - ask: pin
      - {do: check, into: known, on_error: {handoff: help, reason: tool_failure}}
      - set: {account: known.id}
  lost:
    start: lost
    steps:
      - call: who
      - ask: card
        no_match: [four]
        exhausted: {say: four, handoff: help, reason: repeated_misunderstanding}
      - {do: find, into: found, on_error: {say: down, handoff: help, reason: tool_failure}}
      - ask: loss
      - if: \"loss == 'stolen'\"
        then: {handoff: help, reason: policy}
      - confirm: sure
        on_no: {end: declined}
      - {do: block, into: blocked}
      - say: done
      - confirm: another
      - if: \"loss == 'eaten'\"
        then: {go: visit}
      - end: done
  visit:
    start: visit
    on_interrupt: replace
    steps:
      - ask: town
      - confirm: there
      - end: booked
  endless:
    start: endless
    steps:
      - set: {rounds: 0}
      - while: rounds < 100
        steps: {set: {rounds: rounds + 1}}
responses:
  ask_number: {en: Your number?}
  ask_pin: {en: Your PIN?}
  ask_card: {en: Which card?}
  ask_loss: {en: What happened?}
  ask_town: {en: Which town?}
  four: {en: Four digits.}
  down: {en: I can not look.}
  sure: {en: 'Block card {card}, {loss}?'}
  done: {en: Blocked.}
  another: {en: A new one?}
  there: {en: 'In {town}?'}
";

/// A system of record that answers, but for the paths in `fails`.
async fn peer(fails: &'static [(&'static str, u16)]) -> Actions {
    let answer = move |Path(path): Path<String>| async move {
        let failure = fails.iter().find(|(failing, _)| *failing == path);
        let status = failure.map_or(200, |(_, status)| *status);
        let body = match status {
            200 => json!({"ref": "R7", "id": "77001"}),
            409 => json!({"error": "needs_human"}),
            _ => json!({}),
        };
        let status = StatusCode::from_u16(status).expect("a status");
        (status, axum::Json(body))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let routes = Router::new().route("/{*path}", any(answer));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Actions::live([("PEER".to_owned(), format!("http://{address}"))].into())
}

/// A conversation on a channel.
struct Talk {
    // The folder goes with it.
    _rig: Rig,
    app: App,
    id: String,
    said: u32,
}

impl Talk {
    async fn open(channel: &str, fails: &'static [(&'static str, u16)]) -> Self {
        let mut rig = Rig::new();
        rig.bundle = Arc::new(compiled(&[("bot.yaml", BOT), ("flows/cards.yaml", CARDS)]));
        rig.actions = peer(fails).await;
        let app = rig.start().await;
        let new = NewConversation {
            channel: channel.to_owned(),
            ..NewConversation::default()
        };
        let id = app.open(new).await.expect("opens").conversation_id;
        Self {
            _rig: rig,
            app,
            id,
            said: 0,
        }
    }

    /// Says each of these; `/…` is a button, `#…` are keys of the phone.
    async fn says(&mut self, all: &[&str]) -> &mut Self {
        for said in all {
            self.said += 1;
            let id = format!("m{}", self.said);
            let body = match said.split_at(1) {
                ("/", _) => InboundBody::Payload {
                    payload: (*said).to_owned(),
                },
                ("#", keys) => InboundBody::Keys {
                    keys: keys.to_owned(),
                },
                _ => {
                    say(&self.app, &self.id, &id, said).await;
                    continue;
                }
            };
            let inbound = Inbound {
                client_msg_id: id,
                body,
            };
            let accepted = self.app.accept(&self.id, inbound).await.expect("accepted");
            let reply = self.app.reply(&self.id, accepted.seq, SOON).await;
            reply.expect("answers");
        }
        self
    }

    async fn envelope(&self) -> Envelope {
        let handoff = self.app.handoff_of(&self.id).await.expect("read");
        let handoff = handoff.expect("a handoff");
        self.app.envelope(&handoff).await.expect("an envelope")
    }

    async fn summary(&self) -> Summary {
        let handoff = self.app.handoff_of(&self.id).await.expect("read");
        let handoff = handoff.expect("a handoff");
        self.app.summary(&handoff).await.expect("a summary")
    }
}

/// Each value in the envelope: `flow.slot=value`, with how its flow ended.
fn bag(envelope: &Envelope) -> Vec<String> {
    let line = |name: &str, slot: &Slot| {
        let flow = slot.flow.as_deref().unwrap_or("-");
        let (_, name) = name.split_once('.').expect("a module");
        let value = match &slot.value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let ended = slot.ended.as_ref().map(|outcome| format!(" ({outcome})"));
        format!("{flow}.{name}={value}{}", ended.unwrap_or_default())
    };
    let front = envelope.slots.iter().map(|(name, slot)| line(name, slot));
    let others = envelope.slots_earlier.iter();
    let others = others.map(|one| line(&one.name, &one.slot));
    front.chain(others).collect()
}

const STARTED: [&str; 4] = ["=cards.lost", "20418812", "9137", "4812"];

#[tokio::test]
async fn every_way_out_arrives_with_what_was_told() {
    /// How a person comes in: name, channel, what fails, what is said after card and PIN, reason, trigger.
    type Way = (
        &'static str,
        &'static str,
        &'static [(&'static str, u16)],
        &'static [&'static str],
        &'static str,
        &'static str,
    );
    let ways: [Way; 13] = [
        (
            "a button",
            "web",
            &[],
            &["/human"],
            "user_request",
            "/human",
        ),
        ("a keyword", "web", &[], &["my lawyer"], "keyword", "legal"),
        (
            "never automated",
            "web",
            &[],
            &["I've been scammed"],
            "never_automate",
            "fraud",
        ),
        (
            "a handoff step",
            "web",
            &[],
            &["stolen"],
            "policy",
            "cards.lost:",
        ),
        (
            "`on_error`",
            "web",
            &[("find", 500)],
            &[],
            "tool_failure",
            "cards.lost:",
        ),
        (
            "an action without `on_error`",
            "web",
            &[("block", 500)],
            &["lost", "yes"],
            "tool_failure",
            "cards.lost:",
        ),
        (
            "a system that wants a person",
            "web",
            &[("block", 409)],
            &["lost", "yes"],
            "policy",
            "cards.lost:",
        ),
        (
            "undoing that fails",
            "web",
            &[("unblock", 500)],
            &["lost", "yes", "sorry 4821 please", "yes"],
            "tool_failure",
            "cards.unblock",
        ),
        (
            "a loop",
            "web",
            &[],
            &["=cards.endless"],
            "tool_failure",
            "cards.endless:",
        ),
        (
            "on the phone, by key",
            "voice",
            &[],
            &["#0"],
            "user_request",
            "/human",
        ),
        (
            "on the phone, by a step",
            "voice",
            &[],
            &["stolen"],
            "policy",
            "cards.lost:",
        ),
        (
            "a covered flow",
            "web",
            &[],
            &["=cards.visit", "Leeds", "/human"],
            "user_request",
            "/human",
        ),
        (
            "after the flow was cancelled",
            "web",
            &[],
            &["/cancel", "/human"],
            "user_request",
            "/human",
        ),
    ];
    for (way, channel, fails, said, reason, trigger) in ways {
        let mut talk = Talk::open(channel, fails).await;
        talk.says(&STARTED).await.says(said).await;
        let envelope = talk.envelope().await;
        assert_eq!(envelope.reason.code, reason, "{way}");
        assert!(
            envelope.reason.trigger.starts_with(trigger),
            "{way}: {}",
            envelope.reason.trigger
        );
        let bag = bag(&envelope);
        for owed in ["number=20418812", "pin=••••", "card=4812"] {
            let owed = format!("cards.lost.{owed}");
            assert!(
                bag.iter().any(|one| one.starts_with(&owed)),
                "{way}: {bag:?}"
            );
        }
        assert!(
            bag.contains(&"-.account=77001".to_owned()),
            "{way}: {bag:?}"
        );
        let slots = serde_json::to_string(&(&envelope.slots, &envelope.slots_earlier));
        assert!(!slots.expect("JSON").contains("9137"), "{way}");
        assert_eq!(envelope.privacy.classification, "personal", "{way}");
        let story = serde_json::to_string(&talk.summary().await).expect("JSON");
        assert!(story.contains("card number: 4812"), "{way}: {story}");
        assert!(story.contains("PIN given"), "{way}: {story}");
        assert!(
            !story.contains("9137") && !story.contains("77001"),
            "{way}: {story}"
        );
    }
}

#[tokio::test]
async fn a_ladder_that_is_used_up_arrives_with_what_was_told() {
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&["=cards.lost", "20418812", "9137", "hm", "hm hm"])
        .await;
    let envelope = talk.envelope().await;
    assert_eq!(envelope.reason.code, "repeated_misunderstanding");
    let told = bag(&envelope);
    assert!(
        told.contains(&"cards.lost.number=20418812".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"cards.lost.pin=••••".to_owned()), "{told:?}");
    // The same without an end of its own.
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&["=cards.lost", "20418812", "hm", "hm", "hm"])
        .await;
    assert_eq!(bag(&talk.envelope().await), ["cards.lost.number=20418812"]);
}

#[tokio::test]
async fn a_value_tells_where_it_comes_from_and_what_vouches_for_it() {
    let mut talk = Talk::open("web", &[("block", 500)]).await;
    talk.says(&STARTED)
        .await
        .says(&["down a drain", "yes"])
        .await;
    let envelope = talk.envelope().await;
    let card = serde_json::to_value(&envelope.slots["cards.card"]).expect("JSON");
    assert_eq!(
        card,
        json!({
            "value": 4812, "type": "number", "source": "user", "confidence": 1.0, "sensitive": false,
            "title": "card number", "flow": "cards.lost", "flow_title": "blocking a card",
            "turn": 4, "verified": "confirmed",
        })
    );
    let pin = serde_json::to_value(&envelope.slots["cards.pin"]).expect("JSON");
    assert_eq!(
        (&pin["value"], &pin["secret"], &pin["sensitive"]),
        (&json!("••••"), &json!(true), &json!(true))
    );
    let account = &envelope.slots["cards.account"];
    assert_eq!(
        (account.source.as_str(), account.verified.as_deref()),
        ("system", Some("system"))
    );
    assert_eq!(
        (account.flow.as_ref(), account.ended.as_ref()),
        (None, None)
    );
    assert_eq!(envelope.slots["cards.number"].verified, None, "only said");
    assert_eq!(envelope.source.flow.as_deref(), Some("cards.lost"));
    assert_eq!(envelope.intent, "cards.lost");
    assert_eq!(
        envelope.summary.issue,
        "blocking a card (card number: 4812, what happened: down a drain, customer number: 20418812, PIN given)"
    );
}

#[tokio::test]
async fn what_was_corrected_arrives_corrected_and_what_cannot_be_undone_with_the_wish() {
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&STARTED)
        .await
        .says(&["lost", "sorry 4821 please", "/human"])
        .await;
    let envelope = talk.envelope().await;
    assert_eq!(envelope.slots["cards.card"].value, json!(4821));
    let all = serde_json::to_string(&(&envelope.slots, &envelope.slots_earlier, &envelope.summary));
    assert!(!all.expect("JSON").contains("4812"));

    let mut talk = Talk::open("web", &[("unblock", 500)]).await;
    talk.says(&STARTED)
        .await
        .says(&["lost", "yes", "sorry 4821 please", "yes"])
        .await;
    let envelope = talk.envelope().await;
    let card = &envelope.slots["cards.card"];
    assert_eq!(
        (&card.value, &card.wanted),
        (&json!(4812), &Some(json!(4821)))
    );
    let issue = &envelope.summary.issue;
    assert!(issue.contains("card number: 4812, wants 4821"), "{issue}");
}

#[tokio::test]
async fn flows_that_ended_arrive_with_how_they_ended() {
    let mut talk = Talk::open("web", &[]).await;
    // `go` ends the one and begins the other, `replace` ends that.
    talk.says(&STARTED)
        .await
        .says(&["eaten", "yes", "yes", "Leeds", "=cards.lost"])
        .await;
    talk.says(&["1111", "2222", "/human"]).await;
    let envelope = talk.envelope().await;
    let told = bag(&envelope);
    for owed in [
        "cards.lost.number=1111",
        "cards.lost.pin=••••",
        "cards.visit.town=Leeds (replaced)",
        "cards.lost.card=4812 (go)",
        "cards.lost.loss=eaten (go)",
    ] {
        assert!(told.contains(&owed.to_owned()), "{owed}: {told:?}");
    }
    let done = &envelope.summary.actions_taken;
    assert!(
        done.contains(&"a visit: replaced (town: Leeds)".to_owned()),
        "{done:?}"
    );
    assert!(
        done.iter()
            .any(|one| one.starts_with("blocking a card: go (card number: 4812")),
        "{done:?}"
    );
}

#[tokio::test]
async fn a_second_handoff_tells_the_same_after_a_person_a_restart_and_a_change_of_mind() {
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&STARTED).await.says(&["/human"]).await;
    let first = bag(&talk.envelope().await);
    talk.says(&["/cancel", "lost", "/human"]).await;
    let second = talk.envelope().await;
    assert_eq!(second.related.len(), 1);
    let with_loss = bag(&second);
    assert!(
        with_loss.contains(&"cards.lost.loss=lost".to_owned()),
        "{with_loss:?}"
    );
    assert!(
        first.iter().all(|one| with_loss.contains(one)),
        "{first:?} {with_loss:?}"
    );

    let code = talk
        .app
        .staff_invite("Mia", Role::Agent)
        .await
        .expect("a code");
    let mia = talk
        .app
        .staff_sign_in(&code)
        .await
        .expect("a session")
        .agent;
    talk.app.set_available(&mia, true).await.expect("here");
    let taken = talk.app.take(&second.handoff_id, &mia).await.expect("hers");
    assert_eq!(bag(&taken), with_loss);
    let moved = talk
        .app
        .transfer(&second.handoff_id, &mia, "help", "")
        .await;
    let moved = moved.expect("moved");
    assert_eq!(
        bag(&talk.envelope().await),
        with_loss,
        "in the next queue too"
    );
    talk.app.take(&moved, &mia).await.expect("hers");
    talk.app
        .return_to_bot(&moved, &mia, None)
        .await
        .expect("back");
    talk.app.shutdown().await;
    talk.app = talk._rig.start().await;
    talk.says(&["/human"]).await;
    let third = bag(&talk.envelope().await);
    assert!(
        third.contains(&"cards.lost.loss=lost (handoff)".to_owned()),
        "{third:?}"
    );
    assert!(
        third.contains(&"cards.lost.pin=•••• (handoff)".to_owned()),
        "{third:?}"
    );
}

#[tokio::test]
async fn the_summary_of_a_conversation_without_a_handoff_tells_the_values_too() {
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&STARTED).await;
    let summary = talk.app.conversation_summary(&talk.id).await.expect("read");
    let issue = summary.summary.issue;
    assert!(
        issue.starts_with("blocking a card (card number: 4812"),
        "{issue}"
    );
    assert!(!summary.qa_flags.escalation_required);
}

#[tokio::test]
async fn a_wish_for_a_person_is_told_by_what_came_before_it() {
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&["/human"]).await;
    assert_eq!(talk.summary().await.summary.issue, "not said yet");
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&["=cards.visit", "Leeds", "yes", "/human"]).await;
    let told = talk.summary().await.summary;
    assert_eq!(told.issue, "last about a visit");
    assert_eq!(told.actions_taken, ["a visit: booked (town: Leeds)"]);
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&["=cards.visit", "/human"]).await;
    assert_eq!(talk.summary().await.summary.issue, "a visit");
}

/// What another program of ours, of an earlier version, has stored still reads.
#[tokio::test]
async fn an_envelope_of_an_earlier_version_still_reads() {
    let mut talk = Talk::open("web", &[]).await;
    talk.says(&STARTED).await.says(&["/human"]).await;
    let mut old = serde_json::to_value(talk.envelope().await).expect("JSON");
    let slots = old["slots"].as_object_mut().expect("slots");
    let known = ["value", "type", "source", "confidence", "sensitive"];
    for slot in slots.values_mut() {
        let fields = slot.as_object_mut().expect("a slot");
        fields.retain(|name, _| known.contains(&name.as_str()));
    }
    let fields = old.as_object_mut().expect("an object");
    fields.remove("slots_earlier");
    let read: Envelope = serde_json::from_value(old).expect("an envelope");
    let slots: BTreeMap<_, _> = read.slots;
    assert_eq!(slots["cards.card"].value, json!(4812));
    assert_eq!(slots["cards.card"].flow, None);
}
