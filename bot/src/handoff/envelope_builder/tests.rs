//! The envelope made from a state, without a conversation around it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use bellhop_flows::bundle::{Bundle, Intent, Limits, Policy, Queue, Understanding};
use bellhop_flows::engine::effect::{Evidence, HandoffRequest};
use bellhop_flows::engine::state::{Attempt, State};
use bellhop_flows::span::Span;

use super::*;
use crate::handoff::suggested_reply;
use crate::rules::desk::title;

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

fn bundle() -> Bundle {
    let intent = Intent {
        title: titles("a lost card"),
        examples: BTreeMap::new(),
        threshold: None,
        span: Span::default(),
    };
    Bundle {
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

fn wanted(queue: &str, priority: u8) -> HandoffRequest {
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

#[test]
fn the_envelope_tells_the_mood_and_the_answers_and_drafts_a_reply() {
    let facts = Facts {
        handoff: "h".to_owned(),
        conversation: "c".to_owned(),
        epoch: 1,
        ..Facts::default()
    };
    let made = envelope(&bundle(), &state(), Some(&wanted("cards", 5)), &facts);
    assert_eq!(made.privacy.classification, "ordinary");
    assert_eq!(made.attempts[0].source_refs, ["fees"]);
    assert!((made.sentiment.trend - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(made.reason.evidence[0].turn, 3);
    let summary = serde_json::to_value(made.to_summary()).expect("json");
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
    assert!(suggested_reply(&made).starts_with("Hola Ana, siento"));
    let alone = envelope(&bundle(), &state(), None, &facts);
    assert!(!alone.qa_flags.escalation_required);
}

#[test]
fn a_wish_for_a_person_after_an_answer_is_told_by_the_article() {
    let mut asked = wanted("cards", 5);
    asked.reason = "user_request".to_owned();
    let made = envelope(&bundle(), &state(), Some(&asked), &Facts::default());
    assert_eq!(made.summary.issue, "last about Fees");
}

#[test]
fn a_queue_is_called_what_it_is_called_in_the_customers_language() {
    let mut bundle = bundle();
    let cards = bundle.queues.get_mut("cards").expect("a queue");
    cards
        .title
        .insert("es".to_owned(), "Equipo de tarjetas".to_owned());
    let called = |queue, language| title(&bundle, queue, language);
    assert_eq!(called("cards", "es").as_deref(), Some("Equipo de tarjetas"));
    assert_eq!(called("cards", "fr").as_deref(), Some("Card team"));
    assert_eq!(called("none", "es"), None);
}
