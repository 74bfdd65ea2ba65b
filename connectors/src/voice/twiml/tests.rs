use proptest::prelude::*;

use super::*;

/// Reads XML as a strict reader would: one root, every element closed, every attribute quoted,
/// nothing unescaped. Gives `(path, text)` of each element.
fn parse(xml: &str) -> Result<Vec<(String, String)>, String> {
    let body = xml
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        .ok_or("no declaration")?;
    let (mut open, mut found) = (Vec::<(String, usize)>::new(), Vec::new());
    let mut rest = body.trim_end();
    while !rest.is_empty() {
        if let Some(tag) = rest.strip_prefix('<') {
            let end = tag.find('>').ok_or("a tag without end")?;
            let (inner, after) = (&tag[..end], &tag[end + 1..]);
            if let Some(name) = inner.strip_prefix('/') {
                let (last, _) = open.pop().ok_or("closed too often")?;
                if last != name {
                    return Err(format!("{last} closed by {name}"));
                }
            } else {
                let empty = inner.ends_with('/');
                let inner = inner.trim_end_matches('/');
                let name = inner.split(' ').next().unwrap_or_default().to_owned();
                if open.is_empty() && !found.is_empty() {
                    return Err("two roots".to_owned());
                }
                let mut path: Vec<&str> = open.iter().map(|(name, _)| name.as_str()).collect();
                path.push(&name);
                found.push((path.join("/"), attributes(&inner[name.len()..])?));
                if !empty {
                    open.push((name, found.len() - 1));
                }
            }
            rest = after;
        } else {
            let end = rest.find('<').ok_or("text after the end")?;
            let text = unescape(&rest[..end])?;
            let (_, at) = open.last().ok_or("text outside")?;
            found[*at].1.push_str(&text);
            rest = &rest[end..];
        }
    }
    if open.is_empty() {
        Ok(found)
    } else {
        Err("left open".to_owned())
    }
}

/// Checks ` name="value"` after each other; they are given back only through `unescape`.
fn attributes(mut rest: &str) -> Result<String, String> {
    while !rest.is_empty() {
        let (name, value) = rest
            .strip_prefix(' ')
            .and_then(|rest| rest.split_once("=\""))
            .ok_or_else(|| format!("an attribute: {rest}"))?;
        if !name.chars().all(|c| c.is_ascii_alphabetic()) {
            return Err(format!("an attribute's name: {name}"));
        }
        let (value, after) = value.split_once('"').ok_or("an open quote")?;
        unescape(value)?;
        rest = after;
    }
    Ok(String::new())
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find(';').ok_or("an open entity")? + at;
        plain.push(match &rest[at..=end] {
            "&amp;" => '&',
            "&lt;" => '<',
            "&gt;" => '>',
            "&quot;" => '"',
            "&apos;" => '\'',
            other => return Err(format!("entity {other}")),
        });
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    match plain.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("control character {c:?}")),
        None => Ok(plain),
    }
}

fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn listen<'a>(hints: &'a [String]) -> Next<'a> {
    Next::Listen {
        action: "/webhooks/voice/twiml?step=7",
        language: "en",
        hints,
        one_key: false,
    }
}

fn person(target: Target<'_>) -> Next<'_> {
    Next::Person {
        target,
        action: "/webhooks/voice/twiml?step=9",
        handoff_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        interaction_id: "01ARZ3NDEKTSV4RRFFQ69G5FAW",
        url: "https://phone.example/v1/handoffs/01ARZ3NDEKTSV4RRFFQ69G5FAV",
    }
}

const HELLO: [Say<'static>; 1] = [Say {
    text: "Hello & welcome to \"Smith's\" <bank>",
    language: "en",
}];

#[test]
fn what_the_caller_did_is_read() {
    let speech = |text: &str, confidence| Heard::Speech {
        text: text.to_owned(),
        confidence,
    };
    for (fields, heard) in [
        (&[][..], Heard::Nothing),
        (&[("SpeechResult", ""), ("Digits", "")], Heard::Nothing),
        (&[("SpeechResult", "  ")], Heard::Nothing),
        (
            &[("SpeechResult", "my balance"), ("Confidence", "0.93")],
            speech("my balance", Some(0.93)),
        ),
        (
            &[("SpeechResult", "hi"), ("Confidence", "NaN")],
            speech("hi", None),
        ),
        (
            &[("SpeechResult", "hi"), ("Confidence", "7")],
            speech("hi", None),
        ),
        (&[("Digits", "0")], Heard::Keys("0".into())),
        (&[("Digits", "48*1#")], Heard::Keys("48*1#".into())),
        (
            &[("Digits", "12"), ("SpeechResult", "hi")],
            Heard::Keys("12".into()),
        ),
        (&[("Digits", "<x>")], Heard::Nothing),
    ] {
        let mut all = form(&[
            ("CallSid", "CA1"),
            ("From", "+44"),
            ("CallStatus", "in-progress"),
        ]);
        all.extend(form(fields));
        let hook = Hook::read(&all).expect("a hook");
        assert_eq!(hook.heard, heard, "{fields:?}");
        assert_eq!((hook.call_sid.as_str(), hook.from.as_str()), ("CA1", "+44"));
        assert!(!hook.is_over());
    }
}

#[test]
fn a_webhook_needs_a_call() {
    for fields in [&[][..], &[("CallSid", "")], &[("CallSid", "../x")]] {
        assert_eq!(Hook::read(&form(fields)), Err(HookError::CallSid));
    }
    let long = "a=1&".repeat(300);
    assert_eq!(read_form(long.as_bytes()), Err(HookError::TooMany));
}

#[test]
fn forms_are_decoded_as_browsers_encode_them() {
    assert_eq!(
        read_form(b"SpeechResult=%C2%BFqu%C3%A9+saldo%3F&Digits=&From=%2B44"),
        Ok(form(&[
            ("SpeechResult", "¿qué saldo?"),
            ("Digits", ""),
            ("From", "+44")
        ]))
    );
}

#[test]
fn listening_speaks_inside_the_gather() {
    let hints = ["balance".to_owned(), "lost, stolen".to_owned()];
    let xml = render(&HELLO, &listen(&hints));
    let expected = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        "\n",
        r#"<Response><Gather input="speech dtmf" method="POST" actionOnEmptyResult="true" "#,
        r#"action="/webhooks/voice/twiml?step=7" language="en-GB" speechTimeout="auto" "#,
        r#"timeout="6" hints="balance, lost stolen"><Say language="en-GB">"#,
        "Hello &amp; welcome to &quot;Smith&apos;s&quot; &lt;bank&gt;",
        "</Say></Gather></Response>\n",
    );
    assert_eq!(xml, expected);
    assert_eq!(
        parse(&xml).expect("XML"),
        [
            ("Response".to_owned(), String::new()),
            ("Response/Gather".to_owned(), String::new()),
            ("Response/Gather/Say".to_owned(), HELLO[0].text.to_owned()),
        ]
    );
}

#[test]
fn lists_and_tables_are_spoken_as_sentences() {
    let say = |text| Say {
        text,
        language: "en",
    };
    for (text, heard) in [
        ("Fine.", "Fine."),
        (
            "These are our fees:\n• Monthly fee – Current: £0 · Plus: £6\n• Paper – Current: £3 · Plus: free",
            "These are our fees: Monthly fee, Current: £0, Plus: £6. Paper, Current: £3, Plus: free",
        ),
        (
            "1. open the app\n2. tap Cards",
            "1. open the app. 2. tap Cards",
        ),
        ("It is free.\n\nFrom: Fees", "It is free. From: Fees"),
        // A sign within a word is part of it.
        ("Monday–Friday, 9–5", "Monday–Friday, 9–5"),
    ] {
        let xml = render(&[say(text)], &Next::HangUp);
        assert!(xml.contains(&format!(">{heard}</Say>")), "{text}: {xml}");
    }
}

#[test]
fn a_person_gets_the_context_by_id() {
    let workflow = "WW0123456789abcdef0123456789abcdef";
    for (target, element, text) in [
        (Target::Enqueue(workflow), "Response/Enqueue", ""),
        (
            Target::Enqueue("front-door"),
            "Response/Enqueue",
            "front-door",
        ),
        (
            Target::Dial("+442071838750"),
            "Response/Dial/Number",
            "+442071838750",
        ),
        (
            Target::Dial("sip:desk@pbx.example"),
            "Response/Dial/Sip",
            "sip:desk@pbx.example?X-Bellhop-Handoff=01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ),
        (
            Target::Dial("sip:desk@pbx.example?a=b"),
            "Response/Dial/Sip",
            "sip:desk@pbx.example?a=b&X-Bellhop-Handoff=01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ),
    ] {
        let xml = render(&HELLO, &person(target));
        let found = parse(&xml).expect("XML");
        assert!(
            found.contains(&(element.to_owned(), text.to_owned())),
            "{xml}"
        );
        assert_eq!(
            xml.contains("workflowSid"),
            target == Target::Enqueue(workflow)
        );
        if let Some((_, task)) = found.iter().find(|(path, _)| path.ends_with("Task")) {
            let task: serde_json::Value = serde_json::from_str(task).expect("JSON");
            assert_eq!(task["handoff_id"], "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        }
    }
}

#[test]
fn hanging_up_says_goodbye_first() {
    let xml = render(&HELLO, &Next::HangUp);
    let paths: Vec<String> = parse(&xml)
        .expect("XML")
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths, ["Response", "Response/Say", "Response/Hangup"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(form) = read_form(&body) {
            let _ = Hook::read(&form);
        }
    }

    #[test]
    fn whatever_is_said_the_answer_is_xml(
        text in any::<String>(),
        language in "[a-z]{2}",
        hints in proptest::collection::vec(any::<String>(), 0..50),
        target in any::<String>(),
    ) {
        let say = [Say { text: &text, language: &language }];
        for next in [
            listen(&hints),
            person(Target::Enqueue(&target)),
            person(Target::Dial(&target)),
            Next::HangUp,
        ] {
            let xml = render(&say, &next);
            if let Err(error) = parse(&xml) {
                // The small reader above refuses C1 controls, which XML allows.
                prop_assert!(error.starts_with("control character"), "{error}: {xml}");
            }
        }
    }
}
