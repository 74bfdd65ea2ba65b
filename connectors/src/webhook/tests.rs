use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::channel::{Retry, SendError, SendOutcome, Whose};
use crate::message::{
    Author, Batch, Button, Content, Incoming, Link, Media, MediaKind, MediaSource, Outgoing,
    Receipt, ReceiptState, Source,
};

// The specification's own example, checked with Python's hmac module.
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn key() -> Secret {
    Secret::parse(KEY).expect("a secret")
}

fn other() -> Secret {
    Secret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a secret")
}

fn headers(id: &str, at: &str, signature: &str) -> Vec<(String, String)> {
    [
        ("Webhook-Id", id),
        ("webhook-timestamp", at),
        ("WEBHOOK-SIGNATURE", signature),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn signed() -> Vec<(String, String)> {
    headers(ID, &AT_S.to_string(), SIGNATURE)
}

#[test]
fn signatures_made_elsewhere_are_accepted() {
    assert_eq!(sign(&[key()], ID, AT_S, BODY), SIGNATURE);
    let both = sign(&[other(), key()], ID, AT_S, BODY);
    assert!(both.ends_with(&format!(" {SIGNATURE}")), "{both}");
    for (secrets, signature) in [
        (vec![key()], SIGNATURE),
        (vec![other(), key()], SIGNATURE),
        (vec![key()], &both),
        (vec![key()], &format!("v1a,xyz v2,{SIGNATURE} {SIGNATURE}")),
    ] {
        let headers = headers(ID, &AT_S.to_string(), signature);
        for now_s in [AT_S, AT_S + TOLERANCE_S, AT_S - TOLERANCE_S] {
            assert_eq!(verify(&secrets, &headers, BODY, now_s), Ok(ID));
        }
    }
}

#[test]
fn what_is_wrong_with_a_signature_is_said() {
    let at = AT_S.to_string();
    let at = at.as_str();
    let bare = SIGNATURE.trim_start_matches("v1,");
    for (headers, error) in [
        (headers("msg_x", at, SIGNATURE), SignatureError::NoMatch),
        (
            headers(ID, "1614265331", SIGNATURE),
            SignatureError::NoMatch,
        ),
        (headers(ID, at, bare), SignatureError::NoMatch),
        (headers(ID, at, ""), SignatureError::NoMatch),
        (headers(ID, at, "v1,"), SignatureError::NoMatch),
        (
            headers(ID, at, &format!("v1a,{bare}")),
            SignatureError::NoMatch,
        ),
        (headers("a.b", at, SIGNATURE), SignatureError::Id),
        (headers("", at, SIGNATURE), SignatureError::Id),
        (headers(&"x".repeat(129), at, SIGNATURE), SignatureError::Id),
        (headers(ID, "", SIGNATURE), SignatureError::Timestamp),
        (
            headers(ID, "+1614265330", SIGNATURE),
            SignatureError::Timestamp,
        ),
        (headers(ID, "soon", SIGNATURE), SignatureError::Timestamp),
        (
            headers(ID, "99999999999999999999", SIGNATURE),
            SignatureError::Timestamp,
        ),
        (
            headers(ID, "9999999999999", SIGNATURE),
            SignatureError::TooNew,
        ),
        (headers(ID, "0", SIGNATURE), SignatureError::TooOld),
    ] {
        assert_eq!(
            verify(&[key()], &headers, BODY, AT_S),
            Err(error),
            "{headers:?}"
        );
    }
    let fresh = signed();
    let late = verify(&[key()], &fresh, BODY, AT_S + TOLERANCE_S + 1);
    assert_eq!(late, Err(SignatureError::TooOld));
    let early = verify(&[key()], &fresh, BODY, AT_S - TOLERANCE_S - 1);
    assert_eq!(early, Err(SignatureError::TooNew));
    for (secrets, body) in [(&[][..], BODY), (&[other()], BODY), (&[key()], b"{}")] {
        let found = verify(secrets, &fresh, body, AT_S);
        assert_eq!(found, Err(SignatureError::NoMatch));
    }
    for at in 0..3 {
        let mut without = signed();
        let (name, _) = without.remove(at);
        let error = verify(&[key()], &without, BODY, AT_S).expect_err("refused");
        assert!(error.to_string().contains(&name.to_lowercase()), "{error}");
        let mut twice = signed();
        twice.push(twice[at].clone());
        assert_eq!(verify(&[key()], &twice, BODY, AT_S), Err(error));
    }
}

#[test]
fn secrets_have_a_form_and_a_length() {
    for (text, error) in [
        ("", SecretError::Form),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SecretError::Form),
        ("whsec_???", SecretError::Form),
        ("whsec_", SecretError::Length(0)),
        ("whsec_c2hvcnQ=", SecretError::Length(5)),
    ] {
        assert_eq!(Secret::parse(text), Err(error), "{text}");
    }
    assert_eq!(Secret::parse(&format!(" {KEY}\n")), Ok(key()));
    assert_eq!(format!("{:?}", key()), "Secret(…)");
}

fn incoming(content: Content) -> Incoming {
    Incoming {
        id: "m-17".into(),
        message_id: None,
        account: "ivr".into(),
        address: "+34600".into(),
        alias: None,
        name: None,
        at_s: None,
        content,
        echo: false,
    }
}

#[test]
fn messages_are_read() {
    let text = || incoming(Content::Text("hi".into()));
    let payload = |title: Option<&str>| {
        incoming(Content::Payload {
            payload: "yes".into(),
            title: title.map(str::to_owned),
        })
    };
    let media = incoming(Content::Media(Media {
        kind: MediaKind::Voice,
        source: MediaSource::Link("https://files.example/1".into()),
        mime: Some("audio/ogg".into()),
        caption: None,
        file_name: None,
    }));
    let file = json!({"kind": "voice", "link": "https://files.example/1", "mime": "audio/ogg"});
    for (body, expected) in [
        (json!({"text": "hi"}), text()),
        (
            json!({"text": "hi", "name": "Ada", "at": 1_790_000_000, "echo": true}),
            Incoming {
                name: Some("Ada".into()),
                at_s: Some(1_790_000_000),
                echo: true,
                ..text()
            },
        ),
        (json!({"payload": "yes"}), payload(None)),
        (
            json!({"payload": "yes", "title": "Yes"}),
            payload(Some("Yes")),
        ),
        (json!({"media": file}), media),
    ] {
        let mut body = body;
        body["id"] = "m-17".into();
        body["from"] = "+34600".into();
        let batch = read("ivr", body.to_string().as_bytes()).expect("a message");
        assert_eq!(batch.messages, [expected], "{body}");
    }
}

#[test]
fn receipts_are_read() {
    let body = json!({"receipts": [
        {"id": "out-1", "state": "sent"},
        {"id": "out-1", "state": "delivered", "at": 7},
        {"id": "out-1", "state": "read"},
        {"id": "out-2", "state": "failed", "code": "busy", "message": "line is busy"},
    ]});
    let batch = read("ivr", body.to_string().as_bytes()).expect("receipts");
    let receipt = |id: &str, state, at_s| Receipt {
        provider_id: id.into(),
        key: Some(id.into()),
        state,
        at_s,
    };
    let failed = ReceiptState::Failed(SendError {
        whose: Whose::Theirs,
        retry: Retry::Never,
        code: "busy".into(),
        message: "line is busy".into(),
        reopen: false,
    });
    assert_eq!(
        batch.receipts,
        [
            receipt("out-1", ReceiptState::Sent, None),
            receipt("out-1", ReceiptState::Delivered, Some(7)),
            receipt("out-1", ReceiptState::Read, None),
            receipt("out-2", failed, None),
        ]
    );
    assert_eq!(read("ivr", br#"{"receipts":[]}"#), Ok(Batch::default()));
}

fn check_refused(body: &str, part: &str) {
    let error = read("ivr", body.as_bytes()).expect_err(body).to_string();
    assert!(error.contains(part), "{body}: {error}");
}

#[test]
fn what_is_wrong_with_a_message_is_said() {
    check_refused("", "not a message or receipts");
    check_refused("[]", "not a message or receipts");
    check_refused(r#"{"from":"b","text":"x"}"#, "missing field `id`");
    for (fields, part) in [
        (r#""text":"x","colour":1"#, "unknown field `colour`"),
        (r#""text":"x","name":"\u0000""#, "name must have"),
        (r#""name":"Ada""#, "exactly one of text, payload and media"),
        (
            r#""text":"x","payload":"y""#,
            "exactly one of text, payload and media",
        ),
        (r#""text":" ""#, "text must not be empty"),
        (r#""payload":"""#, "payload must not be empty"),
        (r#""text":"x","title":"y""#, "title goes with payload"),
        (r#""text":"x","at":"now""#, "invalid type"),
        (r#""media":{"kind":"smell","link":"x"}"#, "unknown variant"),
        (
            r#""media":{"kind":"image","link":"file:///x"}"#,
            "media.link",
        ),
        (
            r#""media":{"kind":"image","link":"javascript:1"}"#,
            "media.link",
        ),
        (
            r#""media":{"kind":"image","link":"https://a","size":1}"#,
            "unknown field `size`",
        ),
    ] {
        check_refused(&format!(r#"{{"id":"a","from":"b",{fields}}}"#), part);
    }
    check_refused(
        r#"{"id":"","from":"b","text":"x"}"#,
        "id must have 1 to 128 bytes",
    );
    check_refused(
        r#"{"id":"a","from":"","text":"x"}"#,
        "from must have 1 to 200 bytes",
    );
}

#[test]
fn what_is_wrong_with_receipts_is_said() {
    check_refused(r#"{"receipts":[],"id":"a"}"#, "unknown field `id`");
    for (receipt, part) in [
        (r#""id":"a","state":"lost""#, "unknown variant"),
        (
            r#""id":"a","state":"read","code":"1""#,
            "code and message go with",
        ),
        (r#""id":"\n","state":"read""#, "id must have"),
        (r#""state":"read""#, "missing field `id`"),
    ] {
        check_refused(&format!(r#"{{"receipts":[{{{receipt}}}]}}"#), part);
    }
}

fn said() -> Outgoing {
    Outgoing {
        text: "Sure?".into(),
        buttons: vec![Button {
            title: "Yes".into(),
            payload: "yes".into(),
        }],
        links: vec![Link {
            title: "Fees".into(),
            url: "https://harbor.example/fees".into(),
        }],
        source: Some(Source {
            title: "Fees".into(),
            section: None,
            url: None,
        }),
        from: Author::Agent { name: "Ana".into() },
        language: "en".into(),
    }
}

#[test]
fn what_is_said_is_posted_signed() {
    let endpoint = Endpoint {
        url: "https://ivr.example/in".into(),
        secrets: vec![other(), key()],
    };
    let mut said = said();
    let delivery = Delivery {
        id: "out-1",
        conversation: "c-1",
        seq: 7,
        to: "+34600",
        said: &said,
    };
    let posted = request(&endpoint, &delivery, AT_S).expect("a request");
    assert_eq!(
        (posted.method, posted.url.as_str()),
        ("POST", "https://ivr.example/in")
    );
    assert_eq!(
        verify(&[key()], &posted.headers, &posted.body, AT_S),
        Ok("out-1")
    );
    let body: Value = serde_json::from_slice(&posted.body).expect("JSON");
    let expected = json!({
        "type": "message", "conversation": "c-1", "seq": 7, "to": "+34600", "text": "Sure?",
        "buttons": [{"title": "Yes", "payload": "yes"}],
        "links": [{"title": "Fees", "url": "https://harbor.example/fees"}],
        "source": {"title": "Fees", "section": null, "url": null},
        "from": {"kind": "agent", "name": "Ana"}, "language": "en",
    });
    assert_eq!(body, expected);
    for id in ["", "a.b", "a b", "ñ"] {
        let delivery = Delivery { id, ..delivery };
        assert_eq!(request(&endpoint, &delivery, AT_S), Err(IdError), "{id}");
    }
    (said.from, said.source) = (Author::Bot, None);
    let delivery = Delivery {
        id: "out-2",
        conversation: "c-1",
        seq: 8,
        to: "+34600",
        said: &said,
    };
    let posted = request(&endpoint, &delivery, AT_S).expect("a request");
    let body: Value = serde_json::from_slice(&posted.body).expect("JSON");
    assert_eq!(
        (&body["from"], &body["source"]),
        (&json!({"kind": "bot"}), &Value::Null)
    );
}

#[test]
fn answers_say_whether_to_try_again() {
    let after = Retry::After(Some(Duration::from_secs(9)));
    for (status, whose, retry) in [
        (301, Whose::Ours, Retry::Never),
        (400, Whose::Ours, Retry::Never),
        (401, Whose::Ours, Retry::Never),
        (404, Whose::Ours, Retry::Never),
        (408, Whose::Theirs, after),
        (410, Whose::Theirs, Retry::Never),
        (425, Whose::Theirs, after),
        (429, Whose::Theirs, after),
        (500, Whose::Theirs, after),
        (503, Whose::Theirs, after),
    ] {
        let headers = [("retry-after".to_owned(), "9".to_owned())];
        let SendOutcome::Failed(error) = outcome(status, &headers, b" no \xff") else {
            panic!("{status} is no success");
        };
        assert_eq!((error.whose, error.retry), (whose, retry), "{status}");
        assert_eq!(
            (error.code, error.message),
            (status.to_string(), "no \u{fffd}".to_owned())
        );
    }
    for status in [200, 202, 204] {
        assert_eq!(
            outcome(status, &[], b""),
            SendOutcome::Sent { provider_id: None }
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("ivr", &body);
        let _ = outcome(500, &[], &body);
        let _ = Secret::parse(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn any_headers_are_checked(
        id in any::<String>(), at in any::<String>(), signature in any::<String>(),
        now_s in any::<i64>(),
    ) {
        let headers = headers(&id, &at, &signature);
        prop_assert!(verify(&[key()], &headers, BODY, now_s).is_err());
    }

    #[test]
    fn what_is_signed_is_accepted_and_one_flipped_bit_refused(
        id in "[!-\\-/-~]{1,128}",
        at_s in 0..=i64::MAX,
        body in proptest::collection::vec(any::<u8>(), 1..80),
        place in any::<proptest::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let headers = headers(&id, &at_s.to_string(), &sign(&[other(), key()], &id, at_s, &body));
        prop_assert_eq!(verify(&[key()], &headers, &body, at_s), Ok(id.as_str()));
        let mut altered = body;
        let place = place.index(altered.len());
        altered[place] ^= 1 << bit;
        prop_assert_eq!(
            verify(&[key()], &headers, &altered, at_s), Err(SignatureError::NoMatch)
        );
    }

    #[test]
    fn a_text_comes_through_unchanged(text in "\\PC{0,80}[a-z]") {
        let body = json!({"id": "m-17", "from": "+34600", "text": text.clone()}).to_string();
        let batch = read("ivr", body.as_bytes()).expect("a message");
        prop_assert_eq!(&batch.messages, &[incoming(Content::Text(text))]);
    }
}
