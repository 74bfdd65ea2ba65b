//! Tables of texts with what is found in them.

use std::collections::BTreeMap;

use jiff::ZonedDateTime;
use proptest::prelude::*;

use super::{Error, Finder};
use crate::{EntityKind, EntitySpec, Spec};

/// A Thursday.
fn now() -> ZonedDateTime {
    "2026-11-26T10:15:00[Europe/London]"
        .parse()
        .expect("a date")
}

fn list(values: &[(&str, &str, &[&str])]) -> EntityKind {
    let mut all: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for (value, language, words) in values {
        let words = words.iter().map(|w| (*w).to_owned()).collect();
        all.entry((*value).to_owned())
            .or_default()
            .insert((*language).to_owned(), words);
    }
    EntityKind::List(all)
}

fn finder() -> Finder {
    let kinds = list(&[
        (
            "current",
            "en",
            &["current account", "checking", "everyday account"],
        ),
        ("current", "es", &["corriente", "cuenta corriente"]),
        (
            "savings",
            "en",
            &["savings", "savings account", "easy saver"],
        ),
        (
            "savings",
            "es",
            &["ahorro", "cuenta de ahorros", "hucha de mañana"],
        ),
    ]);
    let towns = list(&[
        ("manchester", "en", &["Manchester"]),
        ("saint_ives", "en", &["St. Ives", "St-Ives"]),
        ("leeds", "en", &[]),
    ]);
    let things = "token broken washed crash tracker coast forum planet stake silver";
    let cosas = "barca plata platino banco corona cobra";
    let one = |language: &str, word: &str| {
        let words = BTreeMap::from([(language.to_owned(), vec![word.to_owned()])]);
        (word.to_owned(), words)
    };
    let things = things.split(' ').map(|word| one("en", word));
    let things = things.chain(cosas.split(' ').map(|word| one("es", word)));
    let postcode = r"\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b";
    let entities = [
        ("account", kinds, false),
        ("town", towns, false),
        ("thing", EntityKind::List(things.collect()), false),
        ("last4", EntityKind::Regex(r"\b[0-9]{4}\b".to_owned()), true),
        (
            "customer",
            EntityKind::Regex(r"\b[0-9]{8}\b".to_owned()),
            true,
        ),
        ("postcode", EntityKind::Regex(postcode.to_owned()), true),
        ("code", EntityKind::Regex("(?-i)X[0-9]".to_owned()), false),
    ];
    let entities = entities.map(|(name, kind, spelled)| EntitySpec {
        name: name.to_owned(),
        kind,
        spelled,
    });
    let spec = Spec {
        languages: vec!["en".to_owned(), "es".to_owned()],
        time_zone: "Europe/London".to_owned(),
        currency: "GBP".to_owned(),
        entities: entities.into(),
        ..Spec::default()
    };
    Finder::new(&spec).expect("a spec that compiles")
}

/// What is found of one type, as `text=value`; of several types between commas, as `type text=value`.
fn found(finder: &Finder, language: &str, text: &str, of: &str) -> String {
    let all = finder.find(text, language, &now());
    let some = all
        .iter()
        .filter(|e| of.split(',').any(|of| of == e.entity));
    let some = some.map(|e| {
        let value = match &e.value {
            serde_json::Value::String(value) => value.clone(),
            serde_json::Value::Object(o) => {
                let part = |key: &str| o.get(key).and_then(|v| v.as_str()).unwrap_or("?");
                format!("{} {}", part("amount"), part("currency"))
            }
            other => other.to_string(),
        };
        let kind = if of.contains(',') {
            format!("{} ", e.entity)
        } else {
            String::new()
        };
        let said = text.get(e.start..e.end).unwrap_or("outside the text");
        format!("{kind}{said}={value}")
    });
    some.collect::<Vec<_>>().join("; ")
}

/// Lines of language, type, text and what is found, between bars; `#` begins a remark.
fn check(table: &str) {
    let finder = finder();
    let mut wrong = Vec::new();
    let lines = table
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let mut count = 0;
    for line in lines {
        count += 1;
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [language, of, text, wanted] = cells[..] else {
            panic!("{line:?} hasn't four cells")
        };
        let got = found(&finder, language, text, of);
        if got != wanted {
            wrong.push(format!("{line}\n  got {got}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

mod broad;
mod kinds;
mod tables;

#[test]
fn a_pattern_that_is_none_names_its_entity() {
    let kind = EntityKind::Regex("[0-9".to_owned());
    let entity = EntitySpec {
        name: "cards.last4".to_owned(),
        kind,
        spelled: false,
    };
    let error = Finder::new(&Spec {
        entities: vec![entity],
        ..Spec::default()
    })
    .map(|_| ());
    let Err(Error::Pattern { entity, .. }) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(entity, "cards.last4");
    let said = error.map_err(|e| e.to_string()).expect_err("an error");
    assert!(
        said.starts_with("entity `cards.last4`: its pattern can't be used"),
        "{said}"
    );
}

#[test]
fn typing_errors_are_less_sure_than_the_word_itself() {
    let finder = finder();
    let sure = |text: &str| {
        let all = finder.find(text, "en", &now());
        all.iter()
            .find(|e| e.entity == "town")
            .map(|e| e.confidence)
    };
    assert_eq!(sure("manchester"), Some(1.0));
    assert!(sure("manchestre").is_some_and(|s| s < 0.9));
    assert!(sure("mnachestre") < sure("manchestre"));
    assert_eq!(sure("mchstr"), None);
}

#[test]
fn hours_from_now_are_real_hours_where_clocks_change() {
    let at = |now: &str, text: &str| {
        let now = now.parse().expect("a date");
        let all = finder().find(text, "en", &now);
        let found = all.iter().find(|e| e.entity == "datetime");
        found.and_then(|e| e.value.as_str().map(str::to_owned))
    };
    // Clocks go back at 02:00, and forward at 01:00.
    let back = at("2026-10-25T00:30:00[Europe/London]", "in 2 hours");
    assert_eq!(back.as_deref(), Some("2026-10-25T01:30:00"));
    let forward = at("2026-03-29T00:30:00[Europe/London]", "in 2 hours");
    assert_eq!(forward.as_deref(), Some("2026-03-29T03:30:00"));
    let day = at("2026-03-28T12:00:00[Europe/London]", "tomorrow at 9am");
    assert_eq!(day.as_deref(), Some("2026-03-29T09:00:00"));
}

#[test]
fn the_order_is_by_start_and_then_the_longest() {
    let all = finder().find("four eight two one on 3rd of May at 3pm", "en", &now());
    let places: Vec<(usize, usize)> = all.iter().map(|e| (e.start, usize::MAX - e.end)).collect();
    let mut sorted = places.clone();
    sorted.sort();
    assert!(places.len() > 4);
    assert_eq!(places, sorted);
}

#[test]
fn a_long_text_of_one_thing_is_read_to_its_end() {
    let finder = finder();
    let hard = [
        "four ",
        "a ",
        "1 ",
        "no, ",
        "my name is A ",
        "£1,",
        "in a week and ",
        "a.b at c dot ",
        "1-1/",
        "9.",
        "es ",
        "1 thousand ",
        "20 mil ",
        "hundred ",
    ];
    for piece in hard {
        let text = piece.repeat(16 * 1024 / piece.len());
        for language in ["en", "es"] {
            // What takes more than time in proportion would take minutes here.
            for found in finder.find(&text, language, &now()) {
                assert!(found.start < found.end && text.get(found.start..found.end).is_some());
            }
        }
    }
}

proptest! {
    #[test]
    fn offsets_are_borders_in_any_characters(text in any::<String>(), es in any::<bool>()) {
        sound(&text, es);
    }

    #[test]
    fn offsets_are_borders_in_long_texts(
        piece in "\\PC{1,24}|[0-9a-z .,:/-]{1,24}",
        es in any::<bool>(),
    ) {
        sound(&piece.repeat(1024 / piece.len() + 1), es);
    }

    #[test]
    fn offsets_are_borders_inside_any_text(text in "\\PC{0,60}", es in any::<bool>()) {
        sound(&text, es);
    }

    #[test]
    fn offsets_are_borders_in_texts_of_likely_words(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..12),
        gap in prop::sample::select(vec!["", " ", "-", "  "]),
        es in any::<bool>(),
    ) {
        sound(&words.join(gap), es);
    }
}

const WORDS: [&str; 60] = [
    "double",
    "oh",
    "four",
    "4821",
    "£",
    "20",
    "1,234.50",
    "9999999999999999999999999999",
    "million",
    "and",
    "a half",
    "hours",
    "in",
    "next",
    "friday",
    "3rd",
    "of",
    "may",
    "31",
    "/",
    ":",
    "at",
    "half past",
    "to",
    "three",
    "pm",
    "mañana",
    "año",
    "por la",
    "el",
    "viernes",
    "que viene",
    "a las",
    "menos",
    "cuarto",
    "y media",
    "veinte",
    "mil",
    "libras",
    "con",
    "no",
    "yes",
    ",",
    ".",
    "my name is",
    "Ñandú",
    "O'Brien",
    "😀",
    "e\u{301}",
    "%",
    "99",
    "hace",
    "semanas",
    "years",
    "100000",
    "2026-05-03",
    "T",
    "noon",
    "ago",
    "\u{130}",
];

fn sound(text: &str, es: bool) {
    for e in finder().find(text, if es { "es" } else { "en" }, &now()) {
        assert!(e.start < e.end, "{e:?} in {text:?}");
        assert!(text.get(e.start..e.end).is_some(), "{e:?} in {text:?}");
        assert!((0.0..=1.0).contains(&e.confidence), "{e:?} in {text:?}");
    }
}
