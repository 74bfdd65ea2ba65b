use serde_json::json;

use super::kit::{Talk, about, bank};
use crate::bundle::TriggerKind;
use crate::engine::effect::Effect;
use crate::engine::event::EventKind;
use crate::engine::state::Owner;

fn queued(talk: &mut Talk) {
    talk.event(EventKind::Queued {
        queue: "general".to_owned(),
        position: 3,
        wait_s: Some(90),
    });
}

#[test]
fn never_automate_wins_over_everything() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    let mut reading = about("balance", 0.9);
    reading.intents.push(("fraud".to_owned(), 0.65));
    talk.hears("someone paid with it, what's my balance", reading);
    assert_eq!(talk.said(), ["fraud_first"]);
    let request = talk.handoff().expect("a person");
    assert_eq!(request.reason, "never_automate");
    assert_eq!((request.queue.as_str(), request.priority), ("fraud", 0));
    assert_eq!(request.evidence[0].name, "intent.fraud");
    assert_eq!(request.evidence[0].value, json!(0.65));
    assert_eq!(request.evidence[0].turn, 2);
    assert!(talk.state.frames.is_empty(), "no flow may go on");
}

#[test]
fn phrases_are_folded() {
    let mut talk = Talk::open();
    talk.types("I THINK I'VE BEEN SCAMMED!");
    assert_eq!(talk.traced("trigger", "fired"), ["fraud"]);
    let mut talk = Talk::open();
    talk.types("you'll hear from my Lawyer.");
    assert_eq!(talk.handoff().map(|h| h.reason.as_str()), Some("keyword"));
    let mut talk = Talk::open();
    talk.types("lawyers");
    assert!(talk.handoff().is_none(), "part of a word is no phrase");
}

#[test]
fn asking_for_a_person() {
    let mut talk = Talk::open();
    talk.press("/human");
    assert_eq!(talk.said(), ["person_coming"]);
    assert_eq!(
        talk.handoff().map(|h| h.reason.as_str()),
        Some("user_request")
    );
    let mut talk = Talk::open();
    talk.press("/lost_card").keys("0");
    assert_eq!(talk.handoff().map(|h| h.trigger.as_str()), Some("asked"));
    let mut talk = Talk::open();
    talk.hears("a human please", about("balance", 0.1));
    assert!(talk.handoff().is_some());
}

#[test]
fn moods_are_watched() {
    let mut talk = Talk::open();
    let mut reading = about("balance", 0.9);
    reading.negative = 0.95;
    talk.hears("what a mess", reading);
    assert_eq!(talk.handoff().map(|h| h.reason.as_str()), Some("sentiment"));
    let mut talk = Talk::open();
    for turn in 1..=3 {
        let mut reading = about("balance", 0.9);
        reading.negative = 0.75;
        talk.hears("what a mess", reading);
        assert_eq!(talk.handoff().is_some(), turn == 3, "turn {turn}");
    }
}

#[test]
fn three_misunderstandings_running() {
    let mut talk = Talk::open();
    talk.types("mumble").finds(0.1);
    talk.types("hm");
    assert_eq!(talk.said(), ["no_match"]);
    talk.types("mumble").finds(0.1);
    let request = talk.handoff().expect("a person");
    assert_eq!(request.reason, "repeated_misunderstanding");
    assert_eq!(request.evidence[0].name, "no_match.running");
}

#[test]
fn a_tier_goes_to_a_person_once() {
    let mut talk = Talk::with(bank(), &[("tier", "premier")]);
    talk.types("hello");
    assert_eq!(talk.handoff().map(|h| h.reason.as_str()), Some("tier"));
    talk.event(EventKind::AgentJoined {
        agent: "Ana".to_owned(),
    });
    talk.event(EventKind::Returned { flow: None });
    talk.types("hello");
    assert!(talk.handoff().is_none(), "and goes on");
}

#[test]
fn many_turns_without_an_end() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    for _ in 0..24 {
        talk.press("/repeat");
        assert!(talk.handoff().is_none());
    }
    talk.press("/repeat");
    assert_eq!(
        talk.handoff().map(|h| h.reason.as_str()),
        Some("turn_limit")
    );
}

#[test]
fn waiting_in_the_queue() {
    let mut talk = Talk::open();
    talk.press("/lost_card").press("/human");
    assert_eq!(talk.state.owner, Owner::Queue);
    queued(&mut talk);
    assert_eq!(talk.said(), ["queue_position"]);
    talk.hears("what's my balance", about("balance", 0.9));
    assert_eq!(talk.said(), ["still_waiting"]);
    talk.event(EventKind::PositionChanged {
        position: 4,
        wait_s: None,
    });
    assert!(talk.said().is_empty(), "only good news is told");
    talk.event(EventKind::PositionChanged {
        position: 1,
        wait_s: None,
    });
    assert_eq!(talk.said(), ["queue_position"]);
    talk.types("never mind");
    assert!(talk.last.effects.contains(&Effect::CancelHandoff));
    assert_eq!(
        talk.said(),
        ["handoff_cancelled", "ask_card"],
        "the flow is where it was"
    );
}

#[test]
fn what_is_never_automated_moves_to_its_own_queue() {
    let mut talk = Talk::open();
    talk.press("/human");
    queued(&mut talk);
    talk.types("while I wait: I've been scammed");
    assert_eq!(talk.last.effects.first(), Some(&Effect::CancelHandoff));
    assert_eq!(talk.handoff().map(|h| h.queue.as_str()), Some("fraud"));
    assert_eq!(talk.said(), ["fraud_first"]);
    talk.types("hello? I've been scammed");
    assert_eq!(talk.said(), ["still_waiting"], "it is in the right queue");
}

#[test]
fn a_person_has_the_conversation() {
    let mut talk = Talk::open();
    talk.press("/human");
    talk.event(EventKind::AgentJoined {
        agent: "Ana".to_owned(),
    });
    assert_eq!(talk.said(), ["agent_joined"]);
    talk.hears(
        "what's my balance, I've been scammed",
        about("balance", 0.9),
    );
    assert!(talk.last.effects.is_empty(), "the bot is silent");
    talk.event(EventKind::Silence);
    assert!(talk.last.effects.is_empty());
    talk.event(EventKind::Returned {
        flow: Some("transfer".to_owned()),
    });
    assert_eq!(talk.said(), ["returned", "ask_sum"]);
    assert_eq!(talk.state.owner, Owner::Bot);
}

#[test]
fn a_person_moves_the_customer_to_another_queue() {
    let mut talk = Talk::open();
    talk.press("/human");
    queued(&mut talk);
    talk.event(EventKind::AgentJoined {
        agent: "Ana".to_owned(),
    });
    queued(&mut talk);
    assert_eq!(talk.state.owner, Owner::Queue);
    assert_eq!(talk.said(), ["queue_position"]);
    talk.hears("what's my balance", about("balance", 0.9));
    assert_eq!(talk.said(), ["still_waiting"]);
}

/// A customer whom a person has served.
fn served() -> Talk {
    let mut talk = Talk::open();
    talk.press("/human");
    talk.event(EventKind::AgentJoined {
        agent: "Ana".to_owned(),
    });
    talk.event(EventKind::WrappedUp);
    talk
}

#[test]
fn a_rating_after_the_person() {
    let mut talk = served();
    assert_eq!(talk.said(), ["agent_left", "csat"]);
    talk.types("7");
    assert_eq!(talk.said(), ["csat"], "asked once more");
    talk.types("4");
    assert!(talk.last.effects.contains(&Effect::Rated { score: 4 }));
    assert_eq!(talk.said(), ["csat_thanks"]);
    assert_eq!(talk.state.owner, Owner::Closed);
}

#[test]
fn a_new_request_in_place_of_a_rating() {
    let mut talk = served();
    talk.hears("what's my balance", about("balance", 0.9));
    assert_eq!(talk.said(), ["balance_told"]);
}

#[test]
fn a_closed_conversation_opens_again() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    talk.event(EventKind::Closed {
        reason: "idle".to_owned(),
    });
    assert_eq!(talk.traced("frame", "ended"), ["block"]);
    talk.hears("what's my balance", about("balance", 0.9));
    assert_eq!(talk.said(), ["balance_told"]);
}

#[test]
fn a_person_instead_of_a_rating() {
    let mut talk = served();
    assert_eq!(talk.said(), ["agent_left", "csat"]);
    talk.types("human");
    assert!(talk.handoff().is_some());
}

#[test]
fn a_phrase_counts_after_a_no_and_not_where_it_is_denied() {
    let phrase = |text: &str| {
        let mut bundle = bank();
        for trigger in &mut bundle.policy.triggers {
            if let TriggerKind::NeverAutomate { phrases, .. } = &mut trigger.when {
                *phrases = super::bank::words(&["i was scammed", "passed away"]);
            }
        }
        let mut talk = Talk::with(bundle, &[]);
        talk.types(text);
        talk.handoff().is_some()
    };
    for text in [
        "No, I was scammed",
        "no i was scammed",
        "well no. My dad passed away",
    ] {
        assert!(phrase(text), "{text}");
    }
    for text in ["she has not passed away", "he never passed away"] {
        assert!(!phrase(text), "{text}");
    }
}
