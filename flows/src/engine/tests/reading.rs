use serde_json::json;

use super::kit::{Talk, about, bank, found};
use crate::bundle::Looks;
use crate::engine::event::{Found, Polarity, Reading};
use crate::value::Type;

fn two(a: (&str, f64), b: (&str, f64)) -> Reading {
    Reading {
        language: "en".to_owned(),
        intents: vec![(a.0.to_owned(), a.1), (b.0.to_owned(), b.1)],
        ..Reading::default()
    }
}

#[test]
fn a_digression_comes_back_to_the_plain_prompt() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("the blue one");
    talk.hears("what's my balance", about("balance", 0.9));
    assert_eq!(talk.said(), ["balance_told", "resume", "ask_card"]);
    assert_eq!(talk.traced("frame", "resumed"), ["block"]);
    talk.types("the red one");
    assert!(
        talk.handoff().is_some(),
        "the ladder stood still while it was covered"
    );
}

#[test]
fn a_stale_flow_is_offered() {
    let mut talk = Talk::open();
    talk.press("/lost_card").press("/transfer");
    assert_eq!(talk.said(), ["ask_sum"]);
    talk.later(4000);
    talk.types("20").types("rent").types("yes");
    assert_eq!(talk.said(), ["offer_resume"]);
    talk.types("yes");
    assert_eq!(talk.said(), ["ask_card"]);
}

#[test]
fn an_offered_flow_can_be_left() {
    let mut talk = Talk::open();
    talk.press("/pin").press("/balance");
    assert_eq!(talk.said(), ["balance_told", "offer_resume"]);
    talk.types("no");
    assert_eq!(talk.said(), ["anything_else"]);
    assert!(talk.state.frames.is_empty());
}

#[test]
fn a_flow_that_refuses_goes_on() {
    let mut talk = Talk::open();
    talk.press("/replace")
        .hears("what's my balance", about("balance", 0.9));
    assert_eq!(talk.said(), ["refused", "ask_town"]);
    talk.press("/human");
    assert!(talk.handoff().is_some(), "a person can always be reached");
}

#[test]
fn a_question_in_between_is_answered_and_asked_again() {
    let mut talk = Talk::open();
    talk.press("/lost_card")
        .hears("what does it cost", about("article:fees", 0.8));
    talk.finds(0.9);
    assert_eq!(talk.said(), ["answer", "ask_card"]);
    let source = talk.messages()[0].source.as_ref().expect("a source");
    assert_eq!(source.article, "fees");
}

#[test]
fn a_question_below_the_bar_offers_a_person() {
    let mut talk = Talk::open();
    talk.types("how many planets are there");
    talk.finds(0.2);
    assert_eq!(talk.said(), ["no_answer"]);
    assert_eq!(talk.messages()[0].buttons[0].payload, "/human");
    talk.types("yes please");
    assert_eq!(
        talk.handoff().map(|h| h.reason.as_str()),
        Some("user_request")
    );
}

#[test]
fn an_answer_and_a_new_topic_in_one_message() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    let text = "4821, and what's my balance";
    let mut reading = about("balance", 0.9);
    reading.entities = vec![found(text, "4821", "last4", json!("4821"))];
    talk.hears(text, reading);
    assert_eq!(talk.slot("card"), Some(json!("4821")));
    assert_eq!(talk.said(), ["balance_told", "resume"]);
    assert_eq!(
        talk.did(),
        ["find_card"],
        "the block goes on after the answer"
    );
}

#[test]
fn free_text_is_not_filled_with_another_topic() {
    let mut talk = Talk::open();
    talk.press("/transfer").types("20");
    assert_eq!(talk.said(), ["ask_note"]);
    talk.hears("what's my balance", about("balance", 0.9));
    assert_eq!(talk.said(), ["balance_told", "resume", "ask_note"]);
    assert_eq!(talk.slot("note"), None);
    talk.types("never mind");
    assert_eq!(talk.said(), ["cancel"]);
}

#[test]
fn a_correction_at_a_free_text() {
    let mut talk = Talk::open();
    talk.press("/transfer").types("20");
    let text = "sorry, 25 pounds";
    let mut reading = about("balance", 0.1);
    let money = json!({"amount": "25", "currency": "GBP"});
    reading.entities = vec![found(text, "25 pounds", "money", money)];
    talk.hears(text, reading);
    assert_eq!(talk.traced("correction", "corrected"), ["sum"]);
    assert_eq!(talk.said(), ["correction", "ask_note"]);
}

#[test]
fn two_close_readings_are_offered() {
    let mut talk = Talk::open();
    talk.hears("my card", two(("lost_card", 0.45), ("pin", 0.4)));
    assert_eq!(talk.said(), ["disambiguation"]);
    let buttons: Vec<&str> = talk.messages()[0]
        .buttons
        .iter()
        .map(|b| b.payload.as_str())
        .collect();
    assert_eq!(buttons, ["/lost_card", "/pin", "/something_else"]);
    assert_eq!(talk.messages()[0].buttons[0].title, "the lost_card thing");
    let before = talk.state.clone();
    talk.types("the first");
    assert_ne!(talk.said(), ["block_first", "ask_card"]);
    talk.state = before;
    talk.keys("2");
    assert_eq!(talk.said(), ["which_pin"]);
}

#[test]
fn something_else_asks_anew() {
    let mut talk = Talk::open();
    talk.hears("my card", two(("lost_card", 0.45), ("pin", 0.4)));
    let titles: Vec<&str> = talk.messages()[0]
        .buttons
        .iter()
        .map(|b| b.title.as_str())
        .collect();
    assert_eq!(titles[2], "something_else", "the pattern is the title");
    talk.types("something else");
    assert_eq!(talk.said(), ["no_match"]);
}

#[test]
fn a_choice_keeps_what_the_message_gave() {
    let mut talk = Talk::open();
    let text = "my card 4821";
    let mut reading = two(("lost_card", 0.45), ("pin", 0.4));
    reading.entities = vec![found(text, "4821", "last4", json!("4821"))];
    talk.hears(text, reading).press("/lost_card");
    assert_eq!(talk.did(), ["find_card"]);
}

#[test]
fn offers_take_values_words_and_keys() {
    for say in ["see", "see my pin", "1"] {
        let mut talk = Talk::open();
        talk.press("/pin");
        assert_eq!(
            talk.messages()[0].buttons.len(),
            2,
            "buttons from the choices"
        );
        assert_eq!(talk.traced("offer", "offered"), ["see", "change"]);
        talk.types(say);
        assert_eq!(talk.traced("frame", "ended"), ["pin"], "{say}");
    }
}

#[test]
fn commands_are_whole_messages() {
    let mut talk = Talk::open();
    talk.types("never mind");
    assert_eq!(talk.said(), ["nothing_to_cancel"]);
    talk.press("/lost_card").types("say that again please");
    assert_eq!(talk.said(), ["block_first", "ask_card"]);
    talk.types("cancel my order of pizza");
    assert_eq!(talk.said(), ["hint"]);
    talk.types("forget it");
    assert_eq!(talk.said(), ["cancel"]);
}

#[test]
fn answers_ahead_are_kept() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    let text = "it was stolen";
    let mut reading = about("lost_card", 0.9);
    reading.entities = vec![found(text, "stolen", "loss", json!("stolen"))];
    talk.hears(text, reading);
    assert_eq!(talk.said(), ["noted", "ask_card"]);
    assert_eq!(talk.slot("loss"), Some(json!("stolen")));
}

#[test]
fn the_language_follows_a_clear_change() {
    let mut talk = Talk::open();
    talk.press("/lost_card");
    let mut reading = about("balance", 0.1);
    "es".clone_into(&mut reading.language);
    talk.hears("Tom", reading.clone());
    assert_eq!(talk.state.language, "en", "one word is no language");
    talk.hears("he perdido mi tarjeta azul", reading);
    assert_eq!(talk.state.language, "es");
    let mut talk = Talk::open();
    let mut reading = about("balance", 0.1);
    "es".clone_into(&mut reading.language);
    talk.hears("hola", reading).finds(0.1).press("/lost_card");
    assert_eq!(
        talk.messages().last().map(|m| m.text.as_str()),
        Some("¿Qué tarjeta?")
    );
}

#[test]
fn a_language_without_words_falls_back() {
    let mut talk = Talk::open();
    let mut reading = about("balance", 0.9);
    "es".clone_into(&mut reading.language);
    talk.hears("mi saldo", reading);
    assert_eq!(talk.messages()[0].language, "en");
}

#[test]
fn without_the_model_only_exact_readings_count() {
    let mut talk = Talk::open();
    let mut reading = about("balance", 0.9);
    reading.degraded = true;
    talk.hears("what's my balance", reading.clone());
    assert_eq!(talk.said(), ["degraded"]);
    talk.press("/lost_card").hears("4821", reading);
    assert_eq!(talk.did(), ["find_card"]);
}

#[test]
fn no_thanks_after_a_flow_is_goodbye() {
    let mut talk = Talk::open();
    talk.press("/balance").types("no thanks");
    assert_eq!(talk.said(), ["goodbye"]);
    talk.press("/balance")
        .event(crate::engine::event::EventKind::Silence);
    assert_eq!(talk.said(), ["anything_else"]);
}

#[test]
fn no_idea_is_no_no() {
    let mut talk = Talk::open();
    talk.reaches_confirm();
    for text in ["no idea", "yes and no"] {
        let mut talk = Talk::open();
        talk.reaches_confirm();
        let mut reading = about("balance", 0.1);
        reading.entities = vec![found(text, "no", "yes_no", json!(false))];
        if text.starts_with("yes") {
            reading
                .entities
                .push(found(text, "yes", "yes_no", json!(true)));
        }
        talk.hears(text, reading);
        // What is to be agreed to is shown again.
        assert_eq!(talk.said(), ["hint", "block_check"], "{text}");
    }
}

#[test]
fn a_question_does_not_land_in_a_free_text() {
    let mut talk = Talk::open();
    talk.press("/transfer")
        .types("20")
        .types("why do you want that?");
    assert_eq!(talk.slot("note"), None);
    assert_eq!(talk.said(), ["hint"]);
    talk.types("the rent");
    assert_eq!(
        talk.slot("note"),
        Some(json!("the rent")),
        "what tells something is one"
    );
}

#[test]
fn a_clear_topic_is_no_correction() {
    let mut talk = Talk::open();
    talk.press("/lost_card").types("4821");
    talk.answers(json!({"status": "active"}));
    let text = "how long does 1111 take";
    let mut reading = about("article:fees", 0.9);
    reading.entities = vec![found(text, "1111", "last4", json!("1111"))];
    talk.hears(text, reading).finds(0.1);
    assert_eq!(talk.said(), ["answer", "ask_loss"], "named for sure");
    assert_eq!(talk.slot("card"), Some(json!("4821")));
}

#[test]
fn a_question_about_the_question_gets_its_hint() {
    let mut talk = Talk::open();
    talk.press("/lost_card")
        .hears("What do you mean?", about("balance", 0.9));
    assert_eq!(talk.said(), ["hint"]);
}

#[test]
fn what_a_message_gives_tells_a_flow_from_articles() {
    let text = "my card 4821";
    let mut reading = two(("lost_card", 0.45), ("article:fees", 0.4));
    let mut talk = Talk::open();
    talk.hears(text, reading.clone());
    assert_eq!(talk.said(), ["disambiguation"]);
    reading.entities = vec![found(text, "4821", "last4", json!("4821"))];
    let mut talk = Talk::open();
    talk.hears(text, reading);
    assert_eq!(talk.did(), ["find_card"]);
}

#[test]
fn choices_stay_open_over_one_silence() {
    let mut talk = Talk::open();
    talk.hears(
        "the balance or so",
        two(("balance", 0.45), ("transfer", 0.43)),
    );
    assert_eq!(talk.said(), ["disambiguation"]);
    talk.event(crate::engine::event::EventKind::Silence);
    assert_eq!(talk.said(), ["no_input"]);
    talk.keys("1");
    assert_eq!(talk.said(), ["balance_told"]);
}

#[test]
fn a_value_that_is_asked_about_or_ruled_out_answers_nothing_and_corrects_nothing() {
    for polarity in [Polarity::Asked, Polarity::Excluded, Polarity::Past] {
        let mut talk = Talk::open();
        talk.press("/lost_card");
        let text = "is it 9999?";
        let mut reading = about("balance", 0.1);
        let asked = || Found {
            polarity,
            ..found(text, "9999", "last4", json!("9999"))
        };
        reading.entities = vec![asked()];
        talk.hears(text, reading.clone());
        assert_eq!(talk.slot("card"), None, "{polarity:?}");
        let mut talk = Talk::open();
        talk.reaches_confirm();
        talk.hears(text, reading);
        assert_eq!(talk.slot("card"), Some(json!("4281")), "{polarity:?}");
    }
}

#[test]
fn a_date_without_a_year_looks_where_its_slot_does() {
    // Today is 14 November 2023.
    for (looks, taken) in [
        (Looks::Past, "2023-11-03"),
        (Looks::Future, "2024-11-03"),
        (Looks::Either, "2023-11-03"),
    ] {
        let mut bundle = bank();
        let slot = bundle.slots.get_mut("note").expect("a slot");
        (slot.ty, slot.looks) = (Type::Date, looks);
        let mut talk = Talk::with(bundle, &[]);
        talk.press("/transfer").types("20");
        let text = "3rd Nov.";
        let mut reading = about("balance", 0.05);
        for (kind, value) in [("date", "2024-11-03"), ("date_past", "2023-11-03")] {
            reading
                .entities
                .push(found(text, "3rd Nov", kind, json!(value)));
        }
        talk.hears(text, reading);
        assert_eq!(talk.slot("note"), Some(json!(taken)), "{looks:?}");
    }
}
