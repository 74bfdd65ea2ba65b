use proptest::prelude::*;

use super::send::clip;
use super::*;
use crate::message::{Author, Button, Link, Outgoing, Source};

fn button(title: &str, payload: &str) -> Button {
    Button {
        title: title.to_owned(),
        payload: payload.to_owned(),
    }
}

fn buttons(titles: &[&str]) -> Vec<Button> {
    titles
        .iter()
        .map(|title| button(title, &title.to_lowercase()))
        .collect()
}

fn said(text: &str, titles: &[&str]) -> Outgoing {
    Outgoing {
        text: text.to_owned(),
        buttons: buttons(titles),
        links: vec![],
        source: None,
        from: Author::Bot,
        language: "en".to_owned(),
    }
}

fn text(text: &str) -> Frame {
    Frame::Text(text.to_owned())
}

fn row(title: &str, description: Option<&str>, payload: &str) -> Row {
    Row {
        title: title.to_owned(),
        description: description.map(str::to_owned),
        payload: payload.to_owned(),
    }
}

#[test]
fn options_go_from_buttons_to_a_list_to_numbered_lines() {
    let three = said("Which card?", &["Debit", "Credit", "Virtual"]);
    let expected = Frame::Buttons {
        text: "Which card?".into(),
        buttons: three.buttons.clone(),
    };
    for can in [WHATSAPP, TELEGRAM, WEB] {
        assert_eq!(render(&three, &can), std::slice::from_ref(&expected));
    }
    let four = said("Which card?", &["Debit", "Credit", "Virtual", "All"]);
    let expected = Frame::List {
        text: "Which card?".into(),
        label: "Options".into(),
        rows: vec![
            row("Debit", None, "debit"),
            row("Credit", None, "credit"),
            row("Virtual", None, "virtual"),
            row("All", None, "all"),
        ],
    };
    assert_eq!(render(&four, &WHATSAPP), [expected]);
    let eleven: Vec<String> = (1..=11).map(|number| format!("Plan {number}")).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    let frames = render(&said("Which?", &eleven), &WHATSAPP);
    let lines: Vec<String> = (1..=11).map(|n| format!("{n}. Plan {n}")).collect();
    assert_eq!(frames, [text(&format!("Which?\n{}", lines.join("\n")))]);
    assert_eq!(
        render(&three, &VOICE),
        [text("Which card?\n1. Debit\n2. Credit\n3. Virtual")]
    );
}

#[test]
fn a_long_title_stands_whole_beside_its_beginning() {
    let long = "Report a card that was lost or stolen";
    let frames = render(&said("What is it?", &["Balance", long]), &WHATSAPP);
    let Frame::List { rows, .. } = &frames[0] else {
        panic!("a list: {frames:?}");
    };
    assert_eq!(
        rows[1],
        row("Report a card that was…", Some(long), &long.to_lowercase())
    );
    let longer = "Report a card that was lost or stolen, or that a machine has swallowed and kept";
    let frames = render(&said("What is it?", &["Balance", longer]), &WHATSAPP);
    assert_eq!(
        frames,
        [text(&format!("What is it?\n1. Balance\n2. {longer}"))]
    );
}

#[test]
fn titles_that_are_the_same_are_told_apart_by_number() {
    for can in [WHATSAPP, TELEGRAM] {
        assert_eq!(
            render(&said("Which?", &["Visa", "Visa"]), &can),
            [text("Which?\n1. Visa\n2. Visa")]
        );
    }
}

#[test]
fn a_payload_that_does_not_fit_is_sent_as_a_token() {
    let mut asked = said("Which?", &["One", "Two", "Three", "Four", "Five"]);
    asked.buttons[0].payload = "x".repeat(65);
    asked.buttons[1].payload = "x".repeat(64);
    asked.buttons[3].payload = "three".to_owned();
    asked.buttons[4].payload = "#1".to_owned();
    let frames = render(&asked, &TELEGRAM);
    let Frame::Buttons { buttons, .. } = &frames[0] else {
        panic!("buttons: {frames:?}");
    };
    let sent: Vec<&str> = buttons.iter().map(|b| b.payload.as_str()).collect();
    assert_eq!(sent[1..3], [&"x".repeat(64), "three"]);
    for at in [0, 3, 4] {
        assert!(sent[at].starts_with(&format!("#{}.", at + 1)), "{sent:?}");
    }
    let offer = Offer::new(&asked, &frames);
    assert!(!offer.numbered);
    for (at, payload) in sent.iter().enumerate() {
        assert_eq!(offer.pressed(payload), Some(&asked.buttons[at]), "{at}");
    }
    // Pressed later, under another offer with an option at the same place.
    let later = said("Sure?", &["Yes", "No"]);
    let later = Offer::new(&later, &render(&later, &TELEGRAM));
    assert_eq!(later.pressed(sent[0]), None);
    assert_eq!(chosen(sent[0], &later), None);
    assert_eq!(later.pressed(""), None);
}

#[test]
fn links_source_and_name_become_lines() {
    let mut answer = said("It is free.", &[]);
    answer.links = vec![Link {
        title: "Fees".into(),
        url: "https://harbor.example/fees".into(),
    }];
    answer.source = Some(Source {
        title: "Accounts".into(),
        section: Some("Fees".into()),
        url: Some("https://harbor.example/a#fees".into()),
    });
    answer.from = Author::Agent { name: "Ana".into() };
    let body = "It is free.\n\nFees: https://harbor.example/fees\n\n\
                From: Accounts, Fees: https://harbor.example/a#fees";
    assert_eq!(render(&answer, &WHATSAPP), [text(&format!("Ana: {body}"))]);
    assert_eq!(render(&answer, &WEB), [text(body)]);
    answer.language = "es-MX".into();
    let Frame::Text(spanish) = &render(&answer, &WEB)[0] else {
        panic!("a text");
    };
    assert!(spanish.contains("Fuente: Accounts"), "{spanish}");
}

#[test]
fn options_without_a_text_get_a_word_and_nothing_is_nothing() {
    let Frame::Buttons { text, .. } = &render(&said("  ", &["Yes", "No"]), &WHATSAPP)[0] else {
        panic!("buttons");
    };
    assert_eq!(text, "Options");
    assert_eq!(render(&said("  ", &[]), &WHATSAPP), []);
    let untitled = said("Go on?", &[" "]);
    assert_eq!(
        render(&untitled, &VOICE),
        [super::Frame::Text("Go on?\n1.".into())]
    );
}

#[test]
fn options_stay_with_the_end_of_a_long_text() {
    let long = format!(
        "{}\n\nShall I go on?",
        "A sentence of some length. ".repeat(60)
    );
    let frames = render(&said(&long, &["Yes", "No"]), &WHATSAPP);
    assert_eq!(frames.len(), 2);
    assert!(matches!(&frames[0], Frame::Text(text) if text.ends_with("length.")));
    assert!(matches!(&frames[1], Frame::Buttons { text, .. } if text.ends_with("Shall I go on?")));
}

#[test]
fn texts_are_cut_where_a_reader_pauses() {
    for (long, max, pieces) in [
        ("", 10, &[][..]),
        (" \n ", 10, &[]),
        ("short", 10, &["short"]),
        (
            "one two.\n\nthree four five",
            20,
            &["one two.", "three four five"],
        ),
        (
            "one two three\nfour five six",
            20,
            &["one two three", "four five six"],
        ),
        ("Yes. So it was then", 12, &["Yes. So it", "was then"]),
        ("It is so. It was then", 12, &["It is so.", "It was then"]),
        (
            "see https://harbor.example/x now",
            26,
            &["see", "https://harbor.example/x", "now"],
        ),
        (
            "Choose now. 1. Something",
            20,
            &["Choose now.", "1. Something"],
        ),
        ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
    ] {
        assert_eq!(split(long, max, Unit::Chars), pieces, "{long:?}");
    }
}

#[test]
fn what_is_seen_as_one_character_stays_whole() {
    let family = "👨‍👩‍👧‍👦";
    assert_eq!(Unit::Utf16.count(family), 11);
    assert_eq!(
        split(&family.repeat(3), 23, Unit::Utf16),
        [family.repeat(2), family.to_owned()]
    );
    assert_eq!(
        split("e\u{301}e\u{301}", 5, Unit::Bytes),
        ["e\u{301}", "e\u{301}"]
    );
    // Too long by itself: between code points.
    assert_eq!(split(family, 4, Unit::Bytes).concat(), family);
    for (unit, count) in [(Unit::Chars, 2), (Unit::Utf16, 3), (Unit::Bytes, 6)] {
        assert_eq!(unit.count("é👍"), count);
    }
}

#[test]
fn answers_name_an_option_or_nothing() {
    let offer = Offer {
        options: buttons(&["Café con leche", "Té", "Agua", "Nada más"]),
        numbered: true,
    };
    for (typed, title) in [
        ("2", Some("Té")),
        (" 2. ", Some("Té")),
        ("2)", Some("Té")),
        ("(2)", Some("Té")),
        ("#2", Some("Té")),
        ("# 2", Some("Té")),
        ("2️⃣", Some("Té")),
        ("２", Some("Té")),
        ("option 2", Some("Té")),
        ("Option #2.", Some("Té")),
        ("the option 2", Some("Té")),
        ("La opción 2", Some("Té")),
        ("NÚMERO 2", Some("Té")),
        ("n.º 2", Some("Té")),
        ("No. 2", Some("Té")),
        ("cafe  CON leche!", Some("Café con leche")),
        ("TE", Some("Té")),
        ("¡Té!", Some("Té")),
        ("nada mas", Some("Nada más")),
        ("", None),
        (".", None),
        ("0", None),
        ("5", None),
        ("02", None),
        ("-2", None),
        ("2.5", None),
        ("2 4", None),
        ("no 2", None),
        ("I want 2", None),
        ("flight number 2", None),
        ("option 2 please", None),
        ("option", None),
        ("2 coffees", None),
        ("café", None),
        ("#", None),
        ("#2.00000000", None),
        ("99999999999999999999", None),
    ] {
        let found = chosen(typed, &offer).map(|option| option.title.as_str());
        assert_eq!(found, title, "{typed:?}");
    }
}

#[test]
fn a_number_means_what_it_says_where_none_were_shown() {
    let cancel = Offer {
        options: buttons(&["Cancel", "Back"]),
        numbered: false,
    };
    assert_eq!(chosen("2", &cancel), None);
    assert_eq!(chosen("option 2", &cancel), Some(&cancel.options[1]));
    // Numbers that are titles, or part of one.
    for numbered in [false, true] {
        let cards = Offer {
            options: buttons(&["2", "1", "3"]),
            numbered,
        };
        assert_eq!(chosen("2", &cards), Some(&cards.options[0]));
    }
    let cards = Offer {
        options: buttons(&["2 cards", "4 cards"]),
        numbered: true,
    };
    assert_eq!(chosen("2", &cards), None);
    assert_eq!(chosen("1", &cards), Some(&cards.options[0]));
    // Titles that only an accent tells apart.
    let twins = Offer {
        options: buttons(&["Papa", "Papá"]),
        numbered: false,
    };
    assert_eq!(chosen("papa", &twins), None);
}

#[test]
fn statuses_say_whose_fault_it_is() {
    let headers = |seconds: &str| vec![("Retry-After".to_owned(), seconds.to_owned())];
    for (status, after, whose, retry) in [
        (400, "7", Whose::Ours, Retry::Never),
        (302, "", Whose::Ours, Retry::Never),
        (
            429,
            "7",
            Whose::Theirs,
            Retry::After(Some(std::time::Duration::from_secs(7))),
        ),
        (503, "", Whose::Theirs, Retry::After(None)),
        (503, "-1", Whose::Theirs, Retry::After(None)),
        (
            408,
            "Wed, 21 Oct 2026 07:28:00 GMT",
            Whose::Theirs,
            Retry::After(None),
        ),
        (
            500,
            "18446744073709551615",
            Whose::Theirs,
            Retry::After(Some(std::time::Duration::from_secs(3600))),
        ),
    ] {
        let error = by_status(status, &headers(after), status.to_string(), "why");
        assert_eq!(
            (error.whose, error.retry),
            (whose, retry),
            "{status} {after}"
        );
        assert_eq!(error.to_string(), format!("{status}: why"));
    }
    assert_eq!(clip(&"x".repeat(1000)).len(), 300);
    assert_eq!(SendError::network("timed out").retry, Retry::After(None));
}

#[test]
fn what_is_printed_of_a_request_holds_no_secret() {
    let request = Request::json(
        "https://api.example/botSECRET/send".to_owned(),
        vec![("authorization".to_owned(), "Bearer SECRET".to_owned())],
        &serde_json::json!({"text": "SECRET"}),
    );
    assert_eq!(request.headers[0].1, "application/json");
    let printed = format!("{request:?}");
    assert!(printed.contains("api.example"), "{printed}");
    assert!(!printed.contains("SECRET"), "{printed}");
}

/// Texts with the characters that are awkward to cut: joined emoji, marks, breaks of all kinds.
fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z]{1,12}",
        Just(" ".to_owned()),
        Just("\n\n".to_owned()),
        Just("\r\n".to_owned()),
        Just(". ".to_owned()),
        Just("👩‍👩‍👧‍👦".to_owned()),
        Just("e\u{301}\u{302}".to_owned()),
        Just("🇪🇸".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

fn any_unit() -> impl Strategy<Value = Unit> {
    prop_oneof![Just(Unit::Chars), Just(Unit::Utf16), Just(Unit::Bytes)]
}

/// Channels with limits small enough to be met.
fn any_channel() -> impl Strategy<Value = Capabilities> {
    let limits = (0..5_usize, 4..12_usize, 20..80_usize, any_unit());
    (limits, any::<bool>(), any::<bool>()).prop_map(
        |((count, title_chars, text_chars, unit), has_buttons, has_list)| Capabilities {
            buttons: has_buttons.then_some(ButtonLimits {
                count,
                title_chars,
                payload_bytes: 16,
                text_chars,
            }),
            list: has_list.then_some(ListLimits {
                rows: count + 2,
                title_chars,
                description_chars: title_chars * 2,
                payload_bytes: 16,
                label_chars: 7,
                text_chars: text_chars * 2,
            }),
            text_chars: Some(text_chars * 2),
            unit,
            ..WHATSAPP
        },
    )
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn check_limits(frame: &Frame, can: &Capabilities) {
    let count = |text: &str| can.unit.count(text);
    match frame {
        Frame::Text(text) => {
            assert!(!text.is_empty() && count(text) <= can.text_chars.expect("a limit"));
        }
        Frame::Buttons { text, buttons } => {
            let limits = can.buttons.expect("has buttons");
            assert!(!text.is_empty() && count(text) <= limits.text_chars);
            assert!(buttons.len() <= limits.count);
            for button in buttons {
                assert!(count(&button.title) <= limits.title_chars);
                assert!(!button.payload.is_empty());
                assert!(button.payload.len() <= limits.payload_bytes);
            }
        }
        Frame::List { text, label, rows } => {
            let limits = can.list.expect("has a list");
            assert!(!text.is_empty() && count(text) <= limits.text_chars);
            assert!(!label.is_empty() && count(label) <= limits.label_chars);
            assert!(rows.len() <= limits.rows);
            for row in rows {
                assert!(count(&row.title) <= limits.title_chars);
                let description = row.description.as_deref().unwrap_or_default();
                assert!(count(description) <= limits.description_chars);
                assert!(!row.payload.is_empty() && row.payload.len() <= limits.payload_bytes);
            }
        }
    }
}

/// What a customer can read of the frames, without white space.
fn readable(frames: &[Frame]) -> String {
    let mut all = String::new();
    for frame in frames {
        match frame {
            Frame::Text(text) => all.push_str(text),
            Frame::Buttons { text, buttons } => {
                all.push_str(text);
                buttons
                    .iter()
                    .for_each(|button| all.push_str(&button.title));
            }
            Frame::List { text, rows, .. } => {
                all.push_str(text);
                for row in rows {
                    all.push_str(row.description.as_ref().unwrap_or(&row.title));
                }
            }
        }
    }
    letters(&all)
}

#[test]
fn real_channels_keep_to_their_own_limits() {
    let sentence = "Así es: 👩‍👩‍👧‍👦 and a few words more. ";
    for can in [WHATSAPP, TELEGRAM, VOICE] {
        for count in 0..26 {
            let titles: Vec<String> = (0..count).map(|n| "x".repeat(n * 3 + 1)).collect();
            let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
            let frames = render(&said(&sentence.repeat(count * 20), &titles), &can);
            frames.iter().for_each(|frame| check_limits(frame, &can));
        }
    }
}

proptest! {
    #[test]
    fn pieces_fit_and_together_are_the_text(
        text in any_text(), max in 4..40_usize, unit in any_unit(),
    ) {
        let pieces = split(&text, max, unit);
        for piece in &pieces {
            prop_assert!(!piece.is_empty() && piece.trim() == piece);
            prop_assert!(unit.count(piece) <= max, "{:?}", piece);
        }
        prop_assert_eq!(letters(&pieces.concat()), letters(&text));
    }

    #[test]
    fn words_that_fit_are_never_cut(
        words in proptest::collection::vec("[a-z]{1,8}", 0..40), max in 8..40_usize,
    ) {
        let pieces = split(&words.join(" "), max, Unit::Chars);
        let kept: Vec<&str> = pieces.iter().flat_map(|piece| piece.split(' ')).collect();
        prop_assert_eq!(kept, words);
    }

    #[test]
    fn frames_keep_to_the_limits_and_lose_nothing(
        text in any_text(),
        titles in proptest::collection::vec(any_text(), 0..8),
        payloads in proptest::collection::vec("[#a-z0-9.]{0,20}", 8),
        can in any_channel(),
    ) {
        let mut asked = said(&text, &[]);
        asked.buttons = titles.iter().zip(&payloads).map(|(t, p)| button(t, p)).collect();
        let frames = render(&asked, &can);
        frames.iter().for_each(|frame| check_limits(frame, &can));
        let read = readable(&frames);
        prop_assert!(read.contains(&letters(&text)), "{:?}: {}", frames, text);
        for title in &titles {
            prop_assert!(read.contains(&letters(title)), "{:?}: {}", frames, title);
        }
        // Every option can be chosen, as it is shown.
        let offer = Offer::new(&asked, &frames);
        let sent: Vec<&str> = match frames.last() {
            Some(Frame::Buttons { buttons, .. }) => {
                buttons.iter().map(|button| button.payload.as_str()).collect()
            }
            Some(Frame::List { rows, .. }) => rows.iter().map(|row| row.payload.as_str()).collect(),
            _ => vec![],
        };
        prop_assert_eq!(offer.numbered, sent.is_empty() && !titles.is_empty());
        for (at, payload) in sent.iter().enumerate() {
            let pressed = offer.pressed(payload).expect("an option");
            prop_assert_eq!(pressed, &offer.options[at]);
            prop_assert_eq!(&pressed.payload, &asked.buttons[at].payload);
        }
    }

    #[test]
    fn every_numbered_option_is_reached_by_its_number(
        titles in proptest::collection::vec("[a-z]{1,8}", 1..120),
        at in any::<proptest::sample::Index>(),
    ) {
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let offer = Offer { options: buttons(&titles), numbered: true };
        let at = at.index(titles.len());
        let number = at + 1;
        for typed in [format!("{number}"), format!("({number})."), format!("Opción {number}")] {
            prop_assert_eq!(chosen(&typed, &offer), Some(&offer.options[at]));
        }
        prop_assert_eq!(chosen(&(titles.len() + 1).to_string(), &offer), None);
    }

    #[test]
    fn whatever_is_typed_names_an_option_or_none(
        typed in any::<String>(), titles in proptest::collection::vec(any::<String>(), 0..6),
    ) {
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let offer = Offer { options: buttons(&titles), numbered: true };
        if let Some(option) = chosen(&typed, &offer) {
            prop_assert!(offer.options.contains(option));
        }
        let _ = offer.pressed(&typed);
    }
}
