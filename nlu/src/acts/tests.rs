use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::head::{Heard, Rows};
use super::*;
use crate::Entity;
use crate::encoder::Encoder;
use crate::test_model;

/// What the head makes of a message.
fn listen(encoder: Option<&Encoder>, acts: &Acts, text: &str) -> Heard {
    let Some(encoder) = encoder else {
        return acts.hear(text, &[], &Rows::new());
    };
    let layers = acts.layers();
    let tap = |seen: &mut Rows, layer: usize, rows: &[f32]| {
        if layers.contains(&layer) {
            seen.insert(layer, rows.to_vec());
        }
    };
    let encoded = encoder.encode_tapped(&[text], None, &tap).expect("encodes");
    let places = encoder.places(text).expect("tokens");
    acts.hear(text, &places, &encoded[0].1)
}

#[test]
fn the_head_that_comes_along_is_small_and_of_this_table() {
    let acts = Acts::builtin();
    let bytes = acts.to_bytes();
    assert!(bytes.len() < 600_000, "{} bytes", bytes.len());
    assert_eq!(bytes, include_bytes!("weights.bin"));
    assert_eq!(
        acts.table(),
        Some(train::fingerprint().as_str()),
        "run `bellhop nlu train-acts`"
    );
    for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        assert!(Acts::from_bytes(&bytes[..cut]).is_err(), "{cut}");
    }
    assert!(Acts::from_bytes(b"{}\n").is_err());
}

/// Share of the messages of `near_misses.tsv` that are cut and read right. It may rise.
const NEAR_MISSES: f64 = 0.85;

/// None of these is in the table; most are near something that means another act.
#[test]
fn near_misses_are_told_apart() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let cases = table::parse("near_misses.tsv", include_str!("near_misses.tsv")).expect("cases");
    let known: Vec<String> = table::TABLES
        .iter()
        .flat_map(|t| table::parse(t.name, t.text).expect("a table"))
        .map(|phrase| phrase.text.to_lowercase())
        .collect();
    let acts = Acts::builtin();
    let mut of_act: BTreeMap<Act, (usize, usize)> = BTreeMap::new();
    let (mut wrong, mut right) = (Vec::new(), 0);
    for case in &cases {
        assert!(
            !known.contains(&case.text.to_lowercase()),
            "{} is in the table",
            case.text
        );
        let heard = listen(Some(encoder), &acts, &case.text);
        let open = case.open.first().map(|at| open::OPEN[*at]);
        let found = acts.judge(&heard, open.filter(|kind| *kind != "none"));
        let read: Vec<(usize, usize, Act)> = found
            .iter()
            .map(|c| (c.start, c.end, c.acts[0].0))
            .collect();
        let fits = read == case.clauses;
        right += usize::from(fits);
        for clause in &case.clauses {
            let counts = of_act.entry(clause.2).or_default();
            counts.0 += usize::from(read.contains(clause));
            counts.1 += 1;
        }
        if !fits {
            let says = |all: &[(usize, usize, Act)]| -> Vec<String> {
                let one = |(a, b, act): &(usize, usize, Act)| {
                    format!("[{}]({})", &case.text[*a..*b], act.name())
                };
                all.iter().map(one).collect()
            };
            wrong.push(format!(
                "{} not {} {:.2}",
                says(&case.clauses).join(" "),
                says(&read).join(" "),
                found[0].acts[0].1
            ));
        }
    }
    let share = right as f64 / cases.len() as f64;
    let report = format!(
        "{share:.3} of {}\n{}\n{of_act:?}",
        cases.len(),
        wrong.join("\n")
    );
    #[expect(clippy::print_stdout, reason = "seen with --nocapture")]
    {
        println!("{report}");
    }
    assert!(share >= NEAR_MISSES, "{report}");
    for (act, (_, count)) in of_act {
        assert!(count >= 9, "{act:?} has {count} cases");
    }
}

/// Cases: how each value in braces is meant, and the message.
#[test]
fn values_are_meant_as_the_words_around_them_say() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let acts = Acts::builtin();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in include_str!("polarity_cases.tsv").lines() {
        let (wanted, marked) = line.split_once('\t').expect("a tab");
        let (mut text, mut entities) = (String::new(), Vec::new());
        for (at, part) in marked.split(['{', '}']).enumerate() {
            let start = text.len();
            text.push_str(part);
            if at % 2 == 1 {
                entities.push(entity(part, start, text.len()));
            }
        }
        let heard = listen(Some(encoder), &acts, &text);
        let clauses = acts.judge(&heard, None);
        polarity::apply(&heard, &clauses, &mut entities);
        let found: Vec<String> = entities
            .iter()
            .map(|e| format!("{:?}", e.polarity).to_lowercase())
            .collect();
        count += 1;
        if found.join(" ") != wanted {
            let acts: Vec<_> = clauses
                .iter()
                .map(|c| (&text[c.start..c.end], c.acts[0]))
                .collect();
            wrong.push(format!(
                "{marked}: {wanted}, not {} ({acts:?})",
                found.join(" ")
            ));
        }
    }
    assert!(count >= 60, "{count}");
    assert!(
        wrong.is_empty(),
        "{}\n{} of {count}",
        wrong.join("\n"),
        wrong.len()
    );
}

fn entity(text: &str, start: usize, end: usize) -> Entity {
    let day = text.chars().any(char::is_alphabetic) && text.to_lowercase().contains("day");
    Entity {
        entity: if day { "date" } else { "choice" }.to_owned(),
        value: Value::String(text.to_owned()),
        start,
        end,
        confidence: 1.0,
        polarity: Polarity::Affirmed,
    }
}

fn check(text: &str, clauses: &[Clause]) {
    assert!(clauses.len() <= second::CLAUSES);
    assert_eq!(clauses.is_empty(), text.trim().is_empty(), "{text:?}");
    let mut end = 0;
    for clause in clauses {
        assert!(
            text[end..clause.start].trim().is_empty(),
            "{text:?} {clauses:?}"
        );
        assert!(
            !text[clause.start..clause.end].trim().is_empty(),
            "{text:?} {clauses:?}"
        );
        end = clause.end;
        assert!(!clause.acts.is_empty());
        assert!(clause.acts.is_sorted_by(|a, b| a.1 >= b.1));
        assert!(
            clause
                .acts
                .iter()
                .all(|(_, p)| (0.0..=1.0 + 1e-9).contains(p))
        );
    }
    assert!(text[end..].trim().is_empty(), "{text:?} {clauses:?}");
}

#[test]
fn odd_texts_are_cut_and_judged_in_time_proportional_to_their_length() {
    let acts = Acts::builtin();
    for text in [
        "",
        " \n\t",
        "?",
        "?!?! ...",
        "👍",
        "👍🏽👨‍👩‍👧‍👦",
        "a",
        "\u{301}",
        "¿",
        "no",
        ",no",
        "أين بطاقتي؟",
    ] {
        check(text, &acts.judge(&listen(None, &acts, text), None));
    }
    for text in [
        "yes but ".repeat(2048),
        "x".repeat(16 * 1024),
        "no, ".repeat(4096),
        "👍".repeat(4096),
        "?".repeat(16 * 1024),
        "c\u{301}".repeat(5000),
    ] {
        let clock = std::time::Instant::now();
        check(
            &text,
            &acts.judge(&listen(None, &acts, &text), Some("confirm")),
        );
        // Far above what it takes, far below what squares of 16,000 do.
        assert!(clock.elapsed().as_millis() < 500, "{} bytes", text.len());
    }
}

#[test]
fn sentences_of_a_long_message_are_clauses() {
    let acts = &*ACTS;
    let text = "I bought this from you last week. I contacted Dr. Hall of the shop twice? Nobody there has answered me.";
    let clauses = acts.judge(&listen(None, acts, text), None);
    for end in ["last week.", "twice?"] {
        let at = text.find(end).expect("it is there") + end.len();
        assert!(
            clauses.iter().any(|clause| clause.end == at),
            "{end} {clauses:?}"
        );
    }
    assert!(
        clauses
            .iter()
            .all(|clause| !text[..clause.end].ends_with("Dr.")),
        "{clauses:?}"
    );
}

#[test]
fn what_is_bare_says_something() {
    let bare = |text: &'static str| &text[cut::bare(text, 0..text.len())];
    assert_eq!(bare("and tell me my balance?"), "tell me my balance");
    assert_eq!(bare("pero, bueno, bloquéala ya!!"), "bloquéala ya");
    assert_eq!(bare("and"), "and");
    assert_eq!(bare("?!"), "?!");
    assert_eq!(bare(""), "");
}

#[test]
fn the_same_message_is_always_read_the_same() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let acts = Acts::builtin();
    let text = "don't send it to Tom";
    let once = acts.judge(&listen(Some(encoder), &acts, text), Some("confirm"));
    let again = Acts::from_bytes(&acts.to_bytes()).expect("it reads back");
    assert_eq!(
        once,
        again.judge(&listen(Some(encoder), &again, text), Some("confirm"))
    );
    assert_ne!(once, acts.judge(&listen(Some(encoder), &acts, text), None));
}

proptest! {
    #[test]
    fn clauses_cover_any_text(text in "(\\PC{0,8}|yes|but |no, |¿|\\. | and |\n|👍|'){0,30}") {
        let acts = &*ACTS;
        check(&text, &acts.judge(&listen(None, acts, &text), None));
    }
}

static ACTS: std::sync::LazyLock<Acts> = std::sync::LazyLock::new(Acts::builtin);

/// What `bellhop nlu train-acts` does.
#[test]
#[ignore = "takes minutes"]
fn training_gives_the_same_weights_again() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let (acts, report) = train::train(encoder).expect("it trains");
    #[expect(clippy::print_stdout, reason = "seen with --nocapture")]
    {
        println!("{report}");
    }
    assert_eq!(acts, Acts::builtin());
    // Of phrases held out; they may rise.
    assert!(report.macro_f1 > 0.76, "{report}");
    assert!(report.calibration < 0.03, "{report}");
    let (cuts, least) = (report.cuts.iter(), [("en", 0.69), ("es", 0.64)]);
    assert!(
        cuts.zip(least)
            .all(|(found, least)| found.0 == least.0 && found.1 > least.1),
        "{report}"
    );
}
