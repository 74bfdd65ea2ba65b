use std::collections::BTreeMap;

use serde_json::json;

use super::kit::{Talk, bank};
use crate::engine::begin_at;
use crate::engine::effect::Effect;
use crate::engine::state::State;
use crate::value::{Type, Value};

#[test]
fn greets_once() {
    let mut talk = Talk::open();
    assert_eq!(talk.said(), ["greeting"]);
    assert!(talk.listens().is_some());
    let reopened = crate::engine::event::EventKind::Opened {
        channel: "web".to_owned(),
        language: Some("es".to_owned()),
        customer: BTreeMap::from([("tier".to_owned(), "basic".to_owned())]),
    };
    talk.event(reopened);
    assert!(talk.last.effects.is_empty(), "a reconnect says nothing");
    assert_eq!(
        talk.state.customer.get("tier").map(String::as_str),
        Some("basic")
    );
}

#[test]
fn begins_in_mid_flow() {
    let bundle = bank();
    let mut state = State::default();
    let found = Value::from_json(
        &json!({"status": "active"}),
        &Type::Record(BTreeMap::from([("status".to_owned(), Type::Text)])),
    )
    .expect("a record");
    let locals = BTreeMap::from([("found".to_owned(), found)]);
    let step = begin_at(&bundle, &mut state, "block", Some("ask_loss"), locals);
    let Some(Effect::Say(message)) = step.effects.first() else {
        panic!("nothing said: {step:?}");
    };
    assert_eq!(message.name, "ask_loss");
    assert_eq!(state.flow().map(String::as_str), Some("block"));
}

#[test]
fn begins_nowhere() {
    let bundle = bank();
    let mut state = State::default();
    for (flow, id) in [("nothing", None), ("block", Some("nothing"))] {
        let step = begin_at(&bundle, &mut state, flow, id, BTreeMap::new());
        assert!(step.effects.is_empty());
        assert_eq!(step.trace.entries[0].kind, "error");
    }
    assert!(state.frames.is_empty());
}

#[test]
fn begins_within_a_branch() {
    let bundle = bank();
    let mut state = State::default();
    let step = begin_at(
        &bundle,
        &mut state,
        "block",
        Some("say_already_blocked"),
        BTreeMap::new(),
    );
    let ended = step
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::FlowEnded { outcome, .. } if outcome == "already"));
    assert!(ended, "{step:?}");
}
