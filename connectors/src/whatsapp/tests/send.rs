use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{PHONE, USER};
use crate::channel::{Frame, Request, Retry, Row, SendOutcome, Whose};
use crate::message::Button;

fn account() -> Account {
    Account {
        base_url: "https://graph.facebook.com/v24.0".into(),
        phone_number_id: "77001".into(),
        access_token: "EAAtoken".into(),
    }
}

fn sent(request: &Request) -> Value {
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.url,
        "https://graph.facebook.com/v24.0/77001/messages"
    );
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        request.headers,
        [
            header("content-type", "application/json"),
            header("authorization", "Bearer EAAtoken"),
        ]
    );
    serde_json::from_slice(&request.body).expect("JSON")
}

fn around(field: &str, to: &str, of: &str, content: Value) -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", field: to,
        "type": of, of: content,
    })
}

#[test]
fn texts_go_to_a_number_or_an_id() {
    let link = "see https://harbor.example";
    let content = json!({"body": link, "preview_url": true});
    assert_eq!(
        sent(&request(&account(), PHONE, None, &Frame::Text(link.into()))),
        around("to", PHONE, "text", content)
    );
    let content = json!({"body": "hi", "preview_url": false});
    let mut expected = around("recipient", USER, "text", content);
    expected["biz_opaque_callback_data"] = "key-7".into();
    let text = Frame::Text("hi".into());
    assert_eq!(
        sent(&request(&account(), USER, Some("key-7"), &text)),
        expected
    );
    assert!(!format!("{:?}", account()).contains("EAAtoken"));
}

#[test]
fn options_are_sent_as_meta_documents_them() {
    let button = Button {
        title: "Yes".into(),
        payload: "yes".into(),
    };
    let frame = Frame::Buttons {
        text: "Sure?".into(),
        buttons: vec![button],
    };
    let replies = json!([{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]);
    let content = json!({
        "type": "button", "body": {"text": "Sure?"}, "action": {"buttons": replies},
    });
    assert_eq!(
        sent(&request(&account(), PHONE, None, &frame)),
        around("to", PHONE, "interactive", content)
    );
    let row = |title: &str, description: Option<&str>| Row {
        title: title.into(),
        description: description.map(str::to_owned),
        payload: "p".into(),
    };
    let frame = Frame::List {
        text: "Which?".into(),
        label: "Options".into(),
        rows: vec![row("One", None), row("Two…", Some("Two whole"))],
    };
    let rows = json!([
        {"id": "p", "title": "One"},
        {"id": "p", "title": "Two…", "description": "Two whole"},
    ]);
    let action = json!({"button": "Options", "sections": [{"title": "Options", "rows": rows}]});
    let content = json!({"type": "list", "body": {"text": "Which?"}, "action": action});
    assert_eq!(
        sent(&request(&account(), PHONE, None, &frame)),
        around("to", PHONE, "interactive", content)
    );
}

#[test]
fn templates_and_reading_marks_are_sent() {
    let reminder = Template {
        name: "still_there".into(),
        language: "es_ES".into(),
        parameters: vec!["Ada\n  Lovelace".into()],
    };
    let parameters = json!([{"type": "text", "text": "Ada Lovelace"}]);
    let content = json!({
        "name": "still_there",
        "language": {"code": "es_ES"},
        "components": [{"type": "body", "parameters": parameters}],
    });
    let body = sent(&template(&account(), PHONE, Some("k"), &reminder));
    assert_eq!(
        (&body["type"], &body["template"]),
        (&json!("template"), &content)
    );
    let bare = Template {
        parameters: vec![],
        ..reminder
    };
    let body = sent(&template(&account(), PHONE, None, &bare));
    assert_eq!(body["template"].get("components"), None);
    let mut mark =
        json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A1"});
    assert_eq!(sent(&seen(&account(), "wamid.A1", false)), mark);
    mark["typing_indicator"] = json!({"type": "text"});
    assert_eq!(sent(&seen(&account(), "wamid.A1", true)), mark);
}

#[test]
fn answers_say_whether_to_try_again() {
    let fails = |status: u16, code: i64| {
        let error = json!({"error": {"message": "why", "code": code, "error_data": {}}});
        let headers = [("retry-after".to_owned(), "9".to_owned())];
        match outcome(status, &headers, error.to_string().as_bytes()) {
            SendOutcome::Failed(error) => (error.whose, error.retry, error.reopen),
            SendOutcome::Sent { .. } => panic!("{status} {code} is no success"),
        }
    };
    let later = Retry::After(Some(Duration::from_secs(9)));
    for (status, code, whose, retry, reopen) in [
        (400, 131_047, Whose::Ours, Retry::Never, true),
        (400, 470, Whose::Ours, Retry::Never, true),
        (400, 130_429, Whose::Theirs, later, false),
        (400, 131_056, Whose::Theirs, later, false),
        (400, 80_007, Whose::Theirs, later, false),
        (400, 4, Whose::Theirs, later, false),
        (500, 131_000, Whose::Theirs, later, false),
        (400, 131_026, Whose::Customer, Retry::Never, false),
        (400, 131_050, Whose::Customer, Retry::Never, false),
        (401, 190, Whose::Ours, Retry::Never, false),
        (500, 3, Whose::Ours, Retry::Never, false),
        (403, 200, Whose::Ours, Retry::Never, false),
        (400, 132_001, Whose::Ours, Retry::Never, false),
        (503, 99_999, Whose::Theirs, later, false),
        (200, 100, Whose::Ours, Retry::Never, false),
    ] {
        assert_eq!(
            fails(status, code),
            (whose, retry, reopen),
            "{status} {code}"
        );
    }
    let pair = json!({"error": {"code": 131_056}}).to_string();
    let SendOutcome::Failed(error) = outcome(400, &[], pair.as_bytes()) else {
        panic!("a failure");
    };
    assert_eq!(error.retry, Retry::After(Some(Duration::from_secs(6))));
    for (status, body, retry) in [
        (502, "<html>", Retry::After(None)),
        (404, "", Retry::Never),
        (400, r#"{"error":"odd"}"#, Retry::Never),
    ] {
        let SendOutcome::Failed(error) = outcome(status, &[], body.as_bytes()) else {
            panic!("a failure");
        };
        assert_eq!((error.code, error.retry), (status.to_string(), retry));
    }
    let body = br#"{"messaging_product":"whatsapp","contacts":[],"messages":[{"id":"wamid.S1"}]}"#;
    let id = |id: Option<&str>| SendOutcome::Sent {
        provider_id: id.map(str::to_owned),
    };
    assert_eq!(outcome(200, &[], body), id(Some("wamid.S1")));
    assert_eq!(outcome(200, &[], br#"{"success":true}"#), id(None));
    assert_eq!(outcome(200, &[], b""), id(None));
}

#[test]
fn the_window_is_open_for_a_day() {
    let day_s = 24 * 60 * 60;
    for (last, now, is_open) in [
        (1000, 1000, true),
        (1000, 1000 + day_s - 1, true),
        (1000, 1000 + day_s, false),
        (1001, 1000, true),
        (i64::MIN, i64::MAX, false),
        (i64::MAX, i64::MIN, true),
    ] {
        assert_eq!(window_open(last, now), is_open, "{last} {now}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_judged(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = outcome(400, &[], &body);
        let _ = outcome(200, &[], &body);
    }

    #[test]
    fn whatever_the_error_is_it_is_judged(code in any::<i64>(), status in 0..1000_u16) {
        let body = json!({"error": {"code": code, "message": 7}}).to_string();
        prop_assert!(matches!(outcome(status, &[], body.as_bytes()), SendOutcome::Failed(_)));
    }
}
