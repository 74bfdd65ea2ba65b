use serde_json::json;

use super::bank::{act, ask, bank, confirm, expr, flow};
use super::kit::{Talk, about, found};
use crate::engine::effect::Effect;
use crate::engine::event::Outcome;

#[test]
fn runs_a_flow_from_its_first_words() {
    let mut talk = Talk::open();
    talk.reaches_confirm();
    assert_eq!(talk.said(), ["after_theft", "block_check"]);
    assert_eq!(talk.messages()[1].text, "Block card 4281?");
    let listen = talk.listens().expect("it listens").clone();
    assert_eq!(listen.expects.as_deref(), Some("yes_no"));
    assert_eq!(listen.keys.get("1").map(String::as_str), Some("yes"));
    talk.types("yes");
    assert_eq!(talk.did(), ["block_card"]);
    talk.answers(json!({"ref": "R1"}));
    assert_eq!(talk.said(), ["block_done", "new_card_check"]);
    talk.keys("1");
    assert_eq!(talk.said(), ["new_card_coming"]);
    let ended = talk.last.effects.contains(&Effect::FlowEnded {
        flow: "block".to_owned(),
        outcome: "done".to_owned(),
    });
    assert!(ended);
    assert!(talk.state.frames.is_empty());
    assert_eq!(talk.slot("card"), None, "a flow's slots vanish with it");
}

#[test]
fn asks_step_by_step() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    assert_eq!(talk.said(), ["block_first", "ask_card"]);
    assert_eq!(talk.listens().and_then(|l| l.slot.as_deref()), Some("card"));
    talk.types("4821");
    assert_eq!(talk.did(), ["find_card"]);
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.said(), ["ask_loss"]);
    talk.types("nicked");
    assert_eq!(talk.slot("loss"), Some(json!("stolen")));
}

#[test]
fn takes_the_branch_of_a_result() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    talk.answers(json!({"status": "blocked"}));
    assert_eq!(talk.said(), ["already_blocked"]);
    assert_eq!(talk.traced("frame", "ended"), ["block"]);
}

#[test]
fn ladders_end_with_a_person() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("the blue one");
    assert_eq!(talk.said(), ["hint"]);
    talk.types("with a boat on it");
    assert_eq!(
        talk.said(),
        ["let_person"],
        "the say stands in for the pattern"
    );
    let request = talk.handoff().expect("a person");
    assert_eq!((request.queue.as_str(), request.priority), ("cards", 4));
    assert_eq!(request.flow.as_deref(), Some("block"));
}

#[test]
fn silence_has_its_own_ladder() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("the blue one");
    talk.event(crate::engine::event::EventKind::Silence);
    assert_eq!(talk.said(), ["still_there"]);
    talk.event(crate::engine::event::EventKind::Silence);
    assert!(talk.handoff().is_some());
}

#[test]
fn a_failed_action_without_on_error_says_so_and_gets_a_person() {
    let mut talk = Talk::open();
    talk.reaches_confirm().types("yes").acts(Outcome::TimedOut);
    assert_eq!(talk.said(), ["error"]);
    assert_eq!(
        talk.handoff().map(|h| h.reason.as_str()),
        Some("tool_failure")
    );
}

#[test]
fn errors_have_kinds() {
    let cases = [
        (Outcome::TimedOut, "timeout"),
        (
            Outcome::Answered {
                body: json!({"state": 1}),
            },
            "shape",
        ),
        (
            Outcome::Answered {
                body: json!({"status": [1]}),
            },
            "shape",
        ),
        (
            Outcome::Status {
                status: 409,
                body: Some(json!({"error": "needs_human"})),
            },
            "needs_human",
        ),
        (
            Outcome::Status {
                status: 500,
                body: None,
            },
            "status",
        ),
    ];
    for (outcome, kind) in cases {
        let mut talk = Talk::open();
        talk.press("/lost_card").types("4821").acts(outcome);
        assert_eq!(talk.traced("action", kind), ["find_card"]);
        assert_eq!(talk.said(), ["system_down"], "on_error runs");
        assert_eq!(talk.state.counters.tool_failures, 1);
    }
}

#[test]
fn a_correction_reruns_what_depends_on_it() {
    let mut talk = Talk::open();
    talk.reaches_confirm();
    let text = "sorry, 4821";
    let mut reading = about("balance", 0.1);
    reading.entities = vec![found(text, "4821", "last4", json!("4821"))];
    talk.hears(text, reading);
    assert_eq!(talk.traced("correction", "corrected"), ["card"]);
    assert_eq!(talk.traced("correction", "kept"), ["loss"]);
    assert_eq!(talk.did(), ["find_card"]);
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.traced("correction", "redone"), ["find_card"]);
    assert_eq!(
        talk.said(),
        ["block_check"],
        "what was said is not said again"
    );
    assert_eq!(talk.messages()[0].text, "Block card 4821?");
    assert_eq!(talk.slot("loss"), Some(json!("stolen")));
    talk.types("yes");
    assert_eq!(talk.did(), ["block_card"]);
    talk.answers(json!({"ref": "R1"}));
    assert!(talk.traced("correction", "redone").is_empty());
}

#[test]
fn a_correction_moves_to_the_other_branch() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    talk.answers(json!({"status": "active"}));
    talk.types("lost");
    assert_eq!(talk.said(), ["block_check"]);
    let text = "no, stolen";
    let mut reading = about("balance", 0.1);
    reading.entities = vec![
        found(text, "no", "yes_no", json!(false)),
        found(text, "stolen", "loss", json!("stolen")),
    ];
    talk.hears(text, reading);
    assert_eq!(talk.traced("correction", "corrected"), ["loss"]);
    assert!(talk.did().is_empty(), "the card did not change");
    assert_eq!(talk.said(), ["correction", "after_theft", "block_check"]);
}

#[test]
fn what_cannot_be_undone_is_not_repeated() {
    let mut talk = Talk::open();
    talk.reaches_confirm()
        .types("yes")
        .answers(json!({"ref": "R1"}));
    let text = "sorry, 4821";
    let mut reading = about("balance", 0.1);
    reading.entities = vec![found(text, "4821", "last4", json!("4821"))];
    talk.hears(text, reading);
    assert_eq!(talk.said(), ["already_done", "new_card_check"]);
    assert_eq!(talk.traced("correction", "already_done"), ["block_card"]);
    assert!(talk.did().is_empty());
    assert_eq!(talk.slot("card"), Some(json!("4281")));
    talk.press("/start_over");
    assert_eq!(talk.said(), ["already_done"]);
    assert!(talk.state.frames.is_empty());
}

#[test]
fn a_correction_that_fails_its_check_keeps_the_old_value() {
    let mut talk = Talk::open();
    talk.press("/transfer").types("20").types("rent");
    assert_eq!(talk.said(), ["transfer_check"]);
    assert_eq!(talk.messages()[0].text, "Send £20.00 for rent?");
    let text = "make that 0 pounds";
    let mut reading = about("balance", 0.1);
    let zero = json!({"amount": "0", "currency": "GBP"});
    reading.entities = vec![found(text, "0 pounds", "money", zero)];
    talk.hears(text, reading);
    assert_eq!(talk.said(), ["sum_zero", "kept_old", "transfer_check"]);
    assert_eq!(
        talk.slot("sum").map(|s| s["amount"].clone()),
        Some(json!("20"))
    );
}

#[test]
fn an_answer_that_fails_its_check_is_asked_again() {
    let mut talk = Talk::open();
    talk.press("/transfer").types("0");
    assert_eq!(talk.said(), ["sum_zero"]);
    assert_eq!(talk.listens().and_then(|l| l.slot.as_deref()), Some("sum"));
    assert_eq!(talk.slot("sum"), None);
    talk.types("0").types("0").types("0");
    assert!(talk.handoff().is_some(), "not for ever");
}

#[test]
fn back_asks_the_question_before() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    talk.answers(json!({"status": "active"})).press("/back");
    assert_eq!(talk.said(), ["back", "ask_card"]);
    talk.types("1111");
    assert_eq!(talk.did(), ["find_card"]);
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.said(), ["ask_loss"]);
}

#[test]
fn a_confirm_declined_without_on_no_ends_the_flow() {
    let mut talk = Talk::open();
    talk.press("/transfer")
        .types("20")
        .types("rent")
        .types("no");
    assert_eq!(talk.said(), ["cancel"]);
    assert!(talk.last.effects.contains(&Effect::FlowEnded {
        flow: "transfer".to_owned(),
        outcome: "declined".to_owned(),
    }));
}

#[test]
fn an_endless_loop_is_an_error_and_a_person() {
    let mut talk = Talk::open();
    talk.press("/endless");
    assert!(talk.said().contains(&"error"));
    assert!(talk.handoff().is_some());
    assert!(talk.last.trace.entries.len() < 400);
}

#[test]
fn a_flow_that_is_gone_from_the_bot_gets_a_person() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    "b2".clone_into(&mut talk.bundle.hash);
    talk.bundle.flows.remove("block");
    talk.types("4821");
    assert_eq!(talk.said(), ["error"]);
    assert!(talk.handoff().is_some());
}

#[test]
fn a_flow_goes_on_in_a_newer_version_of_the_bot() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.said(), ["ask_loss"]);
    "b2".clone_into(&mut talk.bundle.hash);
    let block = talk.bundle.flows.get_mut("block").expect("it is there");
    block.steps.insert(0, super::bank::say("hint"));
    let mut loss = block.steps.remove(5);
    "another_id".clone_into(&mut loss.id);
    block.steps.insert(5, loss);
    talk.types("nicked");
    assert_eq!(talk.traced("frame", "moved"), ["block"]);
    assert_eq!(talk.said(), ["after_theft", "block_check"]);
    // Another step in its place is not guessed at.
    "b3".clone_into(&mut talk.bundle.hash);
    let block = talk.bundle.flows.get_mut("block").expect("it is there");
    block.steps.retain(|step| step.id != "block_check");
    talk.types("yes");
    assert_eq!(talk.said(), ["error"]);
    assert!(talk.did().is_empty());
}

#[test]
fn a_sub_flow_shares_the_slots_of_its_caller() {
    let mut talk = Talk::open();
    talk.press("/visit").types("Leeds");
    assert_eq!(talk.said(), ["ask_card"]);
    assert_eq!(talk.state.flow().map(String::as_str), Some("visit"));
    talk.types("4821");
    assert_eq!(talk.said(), ["balance_told"]);
    assert_eq!(talk.traced("frame", "returned"), ["verify"]);
}

#[test]
fn keys_of_effects_grow_with_each_visit() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    let key = |talk: &Talk| {
        talk.last.effects.iter().find_map(|effect| match effect {
            Effect::Call(call) => Some((call.key.clone(), call.url.clone())),
            _ => None,
        })
    };
    let first = key(&talk).expect("a call");
    assert_eq!(first.0, "1/block:find_card/1");
    assert_eq!(first.1, "https://bank.example/4821");
    talk.answers(json!({"status": "active"}))
        .press("/back")
        .types("1111");
    assert_eq!(
        key(&talk).map(|k| k.0),
        Some("1/block:find_card/2".to_owned())
    );
}

#[test]
fn a_message_during_an_action_waits_for_it() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    talk.types("stolen");
    assert!(talk.last.effects.is_empty());
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.said(), ["ask_loss", "after_theft", "block_check"]);
}

#[test]
fn lists_grow_and_shrink() {
    let towns = |text: &str| {
        let mut reading = about("balance", 0.1);
        for (word, value) in [("Leeds", "leeds"), ("London", "london")] {
            if text.contains(word) {
                reading
                    .entities
                    .push(found(text, word, "town", json!(value)));
            }
        }
        reading
    };
    let mut talk = Talk::open();
    talk.press("/tour").hears("Leeds", towns("Leeds"));
    assert_eq!(talk.slot("towns"), Some(json!(["leeds"])));
    talk.hears("add London too", towns("add London too"));
    assert_eq!(talk.slot("towns"), Some(json!(["leeds", "london"])));
    assert_eq!(talk.said(), ["correction", "tour_check"]);
    talk.hears("without Leeds", towns("without Leeds"));
    assert_eq!(talk.slot("towns"), Some(json!(["london"])));
    talk.hears("sorry, Leeds", towns("sorry, Leeds"));
    assert_eq!(talk.slot("towns"), Some(json!(["leeds"])));
    let mut talk = Talk::open();
    talk.press("/tour")
        .hears("London and Leeds", towns("London and Leeds"));
    assert_eq!(talk.slot("towns"), Some(json!(["leeds", "london"])));
}

#[test]
fn a_covered_flow_is_corrected_too() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    talk.answers(json!({"status": "active"}));
    talk.press("/transfer");
    assert_eq!(talk.said(), ["ask_sum"]);
    let text = "sorry, my card is the one with 1111";
    let mut reading = about("balance", 0.1);
    reading.entities = vec![found(text, "1111", "last4", json!("1111"))];
    talk.hears(text, reading);
    assert_eq!(talk.traced("correction", "corrected"), ["card"]);
    assert_eq!(talk.said(), ["correction", "ask_sum"]);
    talk.types("20").types("rent").types("yes");
    assert_eq!(talk.said(), ["resume"]);
    assert_eq!(talk.did(), ["find_card"], "the other card is looked up");
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.said(), ["ask_loss"]);
}

/// A bank that can unblock, with a card blocked and then corrected.
fn blocked_and_corrected() -> Talk {
    corrected_after_a_block(|block| block.compensate = Some("unblock_card".to_owned()))
}

/// A card is blocked by an action that was changed before, and then corrected.
fn corrected_after_a_block(change: impl FnOnce(&mut crate::bundle::Action)) -> Talk {
    let mut bundle = super::bank::bank();
    change(bundle.actions.get_mut("block_card").expect("it is there"));
    let mut talk = Talk::with(bundle, &[]);
    talk.reaches_confirm()
        .types("yes")
        .answers(json!({"ref": "R1"}));
    let text = "sorry, 4821";
    let mut reading = about("balance", 0.1);
    reading.entities = vec![found(text, "4821", "last4", json!("4821"))];
    talk.hears(text, reading);
    talk
}

#[test]
fn what_makes_something_new_each_time_is_not_done_twice() {
    let talk = corrected_after_a_block(|block| {
        block.effect = crate::bundle::ActionEffect::Reversible;
        assert!(!block.repeatable);
    });
    assert!(talk.said().contains(&"already_done"), "{:?}", talk.said());
    assert_eq!(talk.slot("card"), Some(json!("4281")));
    assert!(talk.did().is_empty());
}

#[test]
fn what_another_action_undoes_is_offered() {
    let mut talk = blocked_and_corrected();
    assert_eq!(talk.said(), ["offer_undo"]);
    assert_eq!(
        talk.slot("card"),
        Some(json!("4281")),
        "nothing has changed yet"
    );
    talk.types("yes");
    assert_eq!(talk.did(), ["unblock_card"]);
    talk.answers(json!({"ref": "U1"}));
    assert_eq!(talk.said(), ["undone", "correction"]);
    assert_eq!(talk.did(), ["find_card"]);
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.said(), ["block_check"], "it is confirmed anew");
    talk.types("yes");
    assert_eq!(talk.did(), ["block_card"]);
    let key = talk.last.effects.iter().find_map(|effect| match effect {
        Effect::Call(call) => Some(call.key.as_str()),
        _ => None,
    });
    assert_eq!(key, Some("1/block:block_card/2"));
    talk.answers(json!({"ref": "R2"}));
    assert_eq!(talk.said(), ["block_done", "new_card_check"]);
}

#[test]
fn undoing_can_be_declined_or_fail() {
    let mut talk = blocked_and_corrected();
    talk.types("no");
    assert_eq!(talk.said(), ["new_card_check"]);
    assert_eq!(talk.slot("card"), Some(json!("4281")));
    let mut talk = blocked_and_corrected();
    talk.types("yes").acts(Outcome::TimedOut);
    assert_eq!(talk.said(), ["error"]);
    assert_eq!(
        talk.handoff().map(|h| h.reason.as_str()),
        Some("tool_failure")
    );
}

/// "block my card and tell me my balance", as the model reads it.
fn two_requests(text: &str) -> crate::engine::event::Reading {
    use crate::engine::event::Part;
    let part = |said: &str, intent: &str| {
        let start = text.find(said).expect("the part stands in the text");
        Part {
            start,
            end: start + said.len(),
            intent: intent.to_owned(),
            probability: 0.9,
        }
    };
    let mut reading = about("lost_card", 0.6);
    reading.requests = vec![
        part("block my card 4281", "lost_card"),
        part("tell me my balance", "balance"),
    ];
    reading.entities = vec![found(text, "4281", "last4", json!("4281"))];
    reading
}

#[test]
fn the_second_request_of_a_message_is_served_after_the_first() {
    let text = "block my card 4281 and tell me my balance";
    let mut talk = Talk::open();
    talk.hears(text, two_requests(text));
    assert_eq!(talk.traced("request", "taken"), ["lost_card"]);
    assert_eq!(talk.traced("request", "held"), ["balance"]);
    assert_eq!(talk.slot("card"), Some(json!("4281")));
    talk.answers(json!({"status": "blocked"}));
    assert_eq!(talk.traced("request", "taken"), ["balance"]);
    let said = talk.said();
    assert_eq!(said[..2], ["already_blocked", "next_request"], "{said:?}");
    assert!(talk.state.pending.is_empty());
    assert_eq!(talk.state.last_text, "tell me my balance");
}

#[test]
fn a_request_that_waits_goes_with_what_drops_it() {
    let text = "block my card 4281 and tell me my balance";
    let mut talk = Talk::open();
    talk.hears(text, two_requests(text));
    talk.answers(json!({"status": "active"}));
    assert_eq!(talk.state.pending.len(), 1);
    // Saying it again serves it now and not twice.
    talk.hears("my balance", about("balance", 0.95));
    assert!(talk.state.pending.is_empty());
    let mut talk = Talk::open();
    talk.hears(text, two_requests(text));
    talk.answers(json!({"status": "active"}));
    talk.press("/start_over");
    assert!(talk.state.pending.is_empty());
}

/// A transfer that may be no more than what a look at the card says.
fn limited() -> Talk {
    let mut bundle = bank();
    let steps = vec![
        ask("card"),
        act("find_card", "found", Vec::new()),
        ask("sum"),
        confirm("transfer_check", Vec::new()),
    ];
    bundle
        .flows
        .insert("transfer".to_owned(), flow("transfer", steps));
    if let Some(sum) = bundle.slots.get_mut("sum") {
        sum.check = Some(expr("amount(sum) <= found.limit"));
    }
    if let Some(find) = bundle.actions.get_mut("find_card") {
        let limit = ("limit".to_owned(), crate::value::Type::Number);
        find.returns = [limit].into();
    }
    Talk::with(bundle, &[])
}

#[test]
fn a_check_of_what_is_not_known_yet_waits_until_it_is() {
    let opens = |limit: &str| {
        let mut talk = limited();
        let text = "send 20 pounds";
        let mut reading = about("transfer", 0.9);
        let twenty = json!({"amount": "20", "currency": "GBP"});
        reading.entities = vec![found(text, "20 pounds", "money", twenty)];
        talk.hears(text, reading);
        assert_eq!(talk.said(), ["ask_card"]);
        talk.types("4821").answers(json!({"limit": limit}));
        talk
    };
    let talk = opens("42");
    assert_eq!(talk.said(), ["transfer_check"]);
    let mut talk = opens("10");
    assert_eq!(talk.said(), ["sum_zero"], "the check's text asks");
    assert_eq!(talk.slot("sum"), None);
    talk.types("5");
    assert_eq!(talk.said(), ["transfer_check"]);
}

#[test]
fn a_correction_keeps_only_what_still_holds() {
    let mut talk = limited();
    talk.press("/transfer").types("4821");
    talk.answers(json!({"limit": "42"})).types("40");
    assert_eq!(talk.said(), ["transfer_check"]);
    let text = "sorry, 4281";
    let mut reading = about("balance", 0.1);
    reading.entities = vec![found(text, "4281", "last4", json!("4281"))];
    talk.hears(text, reading);
    assert_eq!(talk.did(), ["find_card"]);
    talk.answers(json!({"limit": "10"}));
    assert_eq!(talk.said().last(), Some(&"sum_zero"));
    assert_eq!(talk.slot("sum"), None);
}

#[test]
fn a_sub_flow_finds_room_on_a_full_stack() {
    let mut talk = Talk::open();
    for topic in ["lost_card", "transfer", "tour", "pin", "visit"] {
        talk.press(&format!("/{topic}"));
    }
    assert_eq!(talk.state.frames.len(), 5);
    talk.types("London");
    assert_eq!(talk.said(), ["ask_card"]);
    assert_eq!(talk.traced("frame", "ended"), ["block"]);
    assert_eq!(talk.state.frames.len(), 5);
}

#[test]
fn back_asks_the_question_of_a_sub_flow_that_is_over() {
    let mut bundle = bank();
    let steps = vec![
        crate::bundle::Step {
            kind: crate::bundle::StepKind::Call("pin".to_owned()),
            ..ask("card")
        },
        ask("town"),
    ];
    bundle
        .flows
        .insert("visit".to_owned(), flow("visit", steps));
    if let Some(pin) = bundle.flows.get_mut("pin") {
        pin.start = None;
    }
    let mut talk = Talk::with(bundle, &[]);
    talk.press("/visit").press("see");
    let asked = talk.said().last().map(ToString::to_string);
    talk.press("/back");
    assert_eq!(talk.said(), ["back", "which_pin"], "and not {asked:?}");
}
