//! What people and files should not say, and do.

use super::*;
use crate::{acts, test_model};

/// Texts that mean nothing, or too much.
fn texts() -> Vec<(&'static str, String)> {
    let text = |name, text: &str| (name, text.to_owned());
    vec![
        text("empty", ""),
        text("white space", " \t\r\n\u{a0}\u{2003}"),
        text(
            "control characters",
            "\0\u{1}\u{7}my\u{8} \u{1b}[31mcard\u{7f}\u{9d}",
        ),
        text("emoji", "😀👍🏽👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
        text("Arabic", "أين بطاقتي؟ لقد فقدتها و أريد رصيدي"),
        text(
            "overrides",
            "\u{202e}drac ym kcolb\u{202c} \u{200f}\u{200b}\u{feff}",
        ),
        text("combining", &format!("c{}ard", "\u{301}".repeat(500))),
        text("replacement", "my \u{fffd}\u{fffd} card"),
        text("last code point", "\u{10ffff} and \u{e000} and \u{fffe}"),
        text("punctuation", "?!?! ... ,,, and , and . y ;"),
        text("one word", "card"),
        text("one letter", "a"),
        text("digits", "0000000000000000000000000000000000000000"),
        (
            "10,000 words",
            "please block my lost card today ".repeat(1667),
        ),
        ("one long word", "card".repeat(20_000)),
        ("10,000 joins", "and ".repeat(10_000)),
        ("10,000 sentences", "block my card. ".repeat(10_000)),
    ]
}

fn check(reading: &Reading, name: &str, text: &str) {
    let sum = reading.none + reading.intents.iter().map(|i| i.1).sum::<f64>();
    assert!((sum - 1.0).abs() < 1e-9, "{name}: {sum}");
    let sure = |p: f64| (0.0..=1.0).contains(&p);
    assert!(
        reading.intents.iter().all(|i| sure(i.1)) && sure(reading.none) && sure(reading.negative),
        "{name}"
    );
    for entity in &reading.entities {
        assert!(
            text.get(entity.start..entity.end)
                .is_some_and(|t| !t.is_empty()),
            "{name}: {entity:?}"
        );
        assert!(sure(entity.confidence), "{name}: {entity:?}");
    }
    for request in &reading.requests {
        assert!(
            text.get(request.start..request.end).is_some(),
            "{name}: {request:?}"
        );
    }
}

#[test]
fn texts_that_mean_nothing_have_a_reading() {
    // Without the model too: the embedding is nothing then.
    let spec = tests::bank();
    let understanding = Understanding::assemble(&spec, None, None).expect("nothing is wrong");
    for (name, text) in texts() {
        check(
            &understanding.reading(&tests::blank(), &text, &tests::context()),
            name,
            &text,
        );
    }
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let understanding = Understanding::train(&spec, encoder).expect("it trains");
    for (name, text) in texts() {
        let reading = understanding
            .read(encoder, &text, &tests::context())
            .expect("it reads");
        check(&reading, name, &text);
        if text.trim().is_empty() {
            assert_eq!((reading.intents.len(), reading.none), (0, 1.0), "{name}");
        }
    }
    let all = texts();
    let context = tests::context();
    let batch: Vec<_> = all
        .iter()
        .map(|(_, text)| (text.as_str(), &context))
        .collect();
    let together = understanding.read_batch(encoder, &batch).expect("it reads");
    for ((name, text), reading) in all.iter().zip(&together) {
        let alone = understanding
            .read(encoder, text, &context)
            .expect("it reads");
        assert_eq!(&alone, reading, "{name}");
    }
}

/// What is looked at of a message is bounded, so that no message costs much more than another.
#[test]
fn a_message_full_of_values_gives_few() {
    let spec = tests::bank();
    let full = [
        "7 ",
        "1-",
        "3 May 2027, ",
        "a@b.co ",
        "£5.50 ",
        "twenty one thousand ",
        "f u c k ",
    ]
    .map(|part| part.repeat(16 * 1024 / part.len()));
    let finder = Finder::new(&spec).expect("nothing is wrong");
    for text in &full {
        let found = finder.find(text, "en", &tests::context().now);
        let last = found.iter().map(|entity| entity.end).max().unwrap_or(0);
        assert!(last <= crate::READ_BYTES, "{text:.20}: {last}");
    }
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let understanding = Understanding::train(&spec, encoder).expect("it trains");
    for text in &full {
        let reading = understanding
            .read(encoder, text, &tests::context())
            .expect("it reads");
        assert!(reading.entities.len() <= FOUND, "{text:.20}");
        assert!(reading.profanity.len() <= FOUND, "{text:.20}");
        let read = |clause: &&acts::Clause| clause.intent.is_some();
        assert!(
            reading.clauses.iter().filter(read).count() <= 16,
            "{text:.20}"
        );
        let cut = understanding
            .read(encoder, beginning(text), &tests::context())
            .expect("it reads");
        assert_eq!(reading.entities, cut.entities, "{text:.20}");
        assert_eq!(reading.intents, cut.intents, "{text:.20}");
    }
}

#[test]
fn a_spec_with_little_or_odd_examples_trains() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let read_all = |intents: &[(&str, &[&str])]| {
        let spec = tests::spec(intents);
        let understanding = Understanding::train(&spec, encoder).expect("it trains");
        move |text: &str| {
            let reading = understanding.read(encoder, text, &tests::context());
            let reading = reading.expect("it reads");
            check(&reading, text, text);
            reading.intents
        }
    };
    // One intent only, with one example only.
    let only = read_all(&[("block", &["block my card"])])("block my card");
    assert_eq!((only.len(), only[0].0.as_str()), (1, "block"));
    let odd: &[(&str, &[&str])] = &[
        // An intent with one example beside one with many and one with none.
        ("block", &["block my card"]),
        (
            "balance",
            &[
                "my balance",
                "how much have I got",
                "what is left",
                "balance please",
                "am I overdrawn",
            ],
        ),
        ("empty", &["", "  "]),
        // The same example twice in one intent, and nothing else.
        ("rain", &["will it rain", "will it rain"]),
        // The same example in two intents.
        ("hello", &["good morning", "hello there"]),
        ("morning", &["good morning", "an early start"]),
        // One word each, and no word at all.
        ("yes", &["yes", "ok", "👍", "\0"]),
    ];
    let read = read_all(odd);
    for (text, intent) in [
        ("please block the card", "block"),
        ("how much is left", "balance"),
        ("will it rain", "rain"),
        ("ok", "yes"),
    ] {
        assert_eq!(read(text)[0].0, intent, "{text}");
    }
    // Neither of the two is sure, and the order is always the same.
    let both = read("good morning");
    assert!((both[0].1 - both[1].1).abs() < 0.3, "{both:?}");
    assert_eq!(both, read_all(odd)("good morning"));
}

#[test]
fn bots_of_one_process_share_an_encoder() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let encoder = std::sync::Arc::new(encoder);
    let hotel: &[(&str, &[&str])] = &[
        (
            "book",
            &[
                "book a room",
                "I need a double room",
                "is there a room on Friday",
            ],
        ),
        (
            "cancel",
            &[
                "cancel my booking",
                "I won't come",
                "call off the reservation",
            ],
        ),
    ];
    let text = "I need a room and my card is lost";
    let read = |spec: &Spec| {
        let understanding = Understanding::train(spec, &encoder).expect("it trains");
        understanding
            .read(&encoder, text, &tests::context())
            .expect("it reads")
    };
    let specs = [tests::bank(), tests::spec(hotel)];
    let alone = specs.each_ref().map(read);
    // Two bots on two threads, at the same time, with one encoder.
    let together = std::thread::scope(|scope| {
        let threads = specs.each_ref().map(|spec| {
            let read = &read;
            scope.spawn(move || read(spec))
        });
        threads.map(|thread| thread.join().expect("it ends"))
    });
    assert_eq!(alone, together);
    assert_ne!(alone[0].intents[0].0, alone[1].intents[0].0);
}
