use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{PHONE, USER};
use crate::channel::{Retry, SendError, Whose};
use crate::message::{
    Batch, Change, Contact, Content, Incoming, Media, MediaKind, MediaSource, Notice, ReceiptState,
};

fn delivery(field: &str, value: &Value) -> Vec<u8> {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "990", "changes": [{"value": value, "field": field}]}],
    })
    .to_string()
    .into_bytes()
}

/// What is around messages or statuses.
fn value(name: &str, items: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "34910000001", "phone_number_id": "77001"},
        "contacts": [{"profile": {"name": "Ada"}, "wa_id": PHONE}],
    });
    value[name] = items;
    value
}

fn message(of: &str, content: Value) -> Value {
    let mut message = json!({
        "from": PHONE, "id": "wamid.A1", "timestamp": "1790000000", "type": of,
    });
    message[of] = content;
    message
}

fn read_one(message: Value) -> Batch {
    read(&delivery("messages", &value("messages", json!([message])))).expect("a delivery")
}

fn incoming(content: Content) -> Incoming {
    Incoming {
        id: "wamid.A1".into(),
        message_id: None,
        account: "77001".into(),
        address: PHONE.into(),
        alias: None,
        name: Some("Ada".into()),
        at_s: Some(1_790_000_000),
        content,
        echo: false,
    }
}

fn payload(payload: &str, title: &str) -> Content {
    Content::Payload {
        payload: payload.into(),
        title: Some(title.into()),
    }
}

fn unsupported(what: &str) -> Content {
    Content::Unsupported { what: what.into() }
}

fn file(kind: MediaKind, caption: Option<&str>, file_name: Option<&str>) -> Content {
    Content::Media(Media {
        kind,
        source: MediaSource::Id("9001".into()),
        mime: Some("x/y".into()),
        caption: caption.map(str::to_owned),
        file_name: file_name.map(str::to_owned),
    })
}

#[test]
fn the_address_is_confirmed_to_who_knows_the_token() {
    let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%20token";
    assert_eq!(
        challenge(query, &["a token"]),
        Some("1158201444".to_owned())
    );
    for (query, token) in [
        (query, "another"),
        (query, ""),
        (
            "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t",
            "t",
        ),
        ("hub.mode=subscribe&hub.verify_token=t", "t"),
        ("hub.mode=subscribe&hub.challenge=1", "t"),
        (
            "hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=t",
            "t",
        ),
        ("hub.mode=subscribe&hub.challenge=&hub.verify_token=t", "t"),
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=", ""),
        ("", ""),
    ] {
        assert_eq!(challenge(query, &[token]), None, "{query}");
    }
}

fn check(of: &str, body: Value, content: Content) {
    let batch = read_one(message(of, body));
    assert_eq!(batch.messages, [incoming(content)], "{of}");
    assert_eq!(batch.ignored.len() + batch.receipts.len(), 0, "{of}");
}

#[test]
fn texts_and_choices_are_read() {
    check(
        "text",
        json!({"body": " hi "}),
        Content::Text(" hi ".into()),
    );
    let button = json!({"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}});
    check("interactive", button, payload("yes", "Yes"));
    let row = |title: &str, description: &str| {
        let reply = json!({"id": "lost", "title": title, "description": description});
        json!({"type": "list_reply", "list_reply": reply})
    };
    check(
        "interactive",
        row("Lost card", "24 h"),
        payload("lost", "Lost card"),
    );
    let whole = "A card is lost";
    check("interactive", row("A card…", whole), payload("lost", whole));
    // A quick reply of a template.
    let quick = json!({"payload": "go", "text": "Go on"});
    check("button", quick, payload("go", "Go on"));
    check(
        "button",
        json!({"text": "Go on"}),
        payload("Go on", "Go on"),
    );
}

#[test]
fn files_are_read() {
    let plain = || json!({"id": "9001", "mime_type": "x/y"});
    let with = |name: &str, value: Value| {
        let mut body = plain();
        body[name] = value;
        body
    };
    let picture = file(MediaKind::Image, Some("my card"), None);
    check("image", with("caption", "my card".into()), picture);
    let bill = file(MediaKind::Document, None, Some("bill.pdf"));
    check("document", with("filename", "bill.pdf".into()), bill);
    check(
        "audio",
        with("voice", true.into()),
        file(MediaKind::Voice, None, None),
    );
    check(
        "audio",
        with("voice", false.into()),
        file(MediaKind::Audio, None, None),
    );
    check("audio", plain(), file(MediaKind::Audio, None, None));
    check("video", plain(), file(MediaKind::Video, None, None));
    check("sticker", plain(), file(MediaKind::Sticker, None, None));
}

#[test]
fn places_and_cards_are_read() {
    let place = json!({"latitude": 40.5, "longitude": -3, "name": "Branch", "address": "Sol 1"});
    let content = Content::Location {
        latitude: 40.5,
        longitude: -3.0,
        label: Some("Branch".into()),
    };
    check("location", place, content);
    let card = json!([{
        "name": {"formatted_name": "Grace Hopper", "first_name": "Grace"},
        "phones": [{"phone": "+1 940", "wa_id": "1940", "type": "HOME"}, {"wa_id": "1941"}],
    }]);
    let content = Content::Contacts(vec![Contact {
        name: "Grace Hopper".into(),
        phones: vec!["+1 940".into(), "1941".into()],
    }]);
    check("contacts", card, content);
}

#[test]
fn edits_name_the_message_that_they_change() {
    let text = json!({"context": {"id": "x"}, "type": "text", "text": {"body": "better"}});
    let image = json!({"type": "image", "image": {"id": "9", "caption": "better"}});
    for message in [text, image] {
        let body = json!({"original_message_id": "wamid.A0", "message": message});
        let content = Content::Edited {
            of: "wamid.A0".into(),
            text: "better".into(),
        };
        check("edit", body, content);
    }
}

#[test]
fn what_cannot_be_taken_is_named() {
    check("order", json!({"catalog_id": "1"}), unsupported("order"));
    check("unsupported", json!({"type": "poll"}), unsupported("poll"));
    check("unsupported", json!(null), unsupported("unsupported"));
    check(
        "interactive",
        json!({"type": "nfm_reply"}),
        unsupported("nfm_reply"),
    );
    check("telepathy", json!({}), unsupported("telepathy"));
    check("<b>", json!({}), unsupported("unknown"));
    // Known kinds whose contents are not as documented.
    check("text", json!({"body": 7}), unsupported("text"));
    check("image", json!(null), unsupported("image"));
    check("edit", json!({"message": {}}), unsupported("edit"));
    check(
        "location",
        json!({"latitude": "north"}),
        unsupported("location"),
    );
}

#[test]
fn what_asks_for_no_answer_is_named_without_anybody_in_it() {
    let mut group = message("text", json!({"body": "hi"}));
    group["group_id"] = "G1".into();
    for (message, ignored) in [
        (
            message("reaction", json!({"emoji": "👍"})),
            "message reaction: nothing is said",
        ),
        (
            message("revoke", json!({})),
            "message revoke: nothing is said",
        ),
        (
            message("system", json!({"type": "x"})),
            "message system: of no concern",
        ),
        (group, "message text: in a group"),
        (
            json!({"type": "text"}),
            "message text: no id or no phone_number_id",
        ),
        (
            json!({"type": "text", "id": "a", "from": ""}),
            "message text: no customer",
        ),
        (
            json!("text"),
            "message unknown: no id or no phone_number_id",
        ),
    ] {
        let batch = read_one(message);
        assert_eq!(batch.ignored, [ignored]);
        assert_eq!(batch.messages.len() + batch.notices.len(), 0);
    }
    let errors = value("errors", json!([{"code": 131_053, "title": "x"}]));
    for (field, value, ignored) in [
        ("account_update", json!({}), "field account_update"),
        ("messages", errors, "error 131053 of the account"),
    ] {
        let batch = read(&delivery(field, &value)).expect("a delivery");
        assert_eq!(batch.ignored, [ignored]);
    }
}

#[test]
fn a_customer_may_have_a_number_an_id_or_both() {
    let said = |phone: Value, user: Value| {
        let mut message = message("text", json!({"body": "hi"}));
        message["from"] = phone;
        message["from_user_id"] = user;
        let mut value = value("messages", json!([message]));
        value["contacts"] = json!([
            {"profile": {"name": "Other"}, "wa_id": "", "user_id": "ES.0"},
            {"profile": {"name": "Ada", "username": "@ada"}, "user_id": USER},
        ]);
        let mut batch = read(&delivery("messages", &value)).expect("a delivery");
        batch.messages.pop().expect("a message")
    };
    let both = said(PHONE.into(), USER.into());
    assert_eq!(
        (both.address.as_str(), both.alias.as_deref()),
        (PHONE, Some(USER))
    );
    assert_eq!(both.name.as_deref(), Some("Ada"));
    for phone in ["".into(), Value::Null] {
        let hidden = said(phone, USER.into());
        assert_eq!((hidden.address.as_str(), hidden.alias), (USER, None));
        assert_eq!(hidden.name.as_deref(), Some("Ada"));
    }
}

#[test]
fn who_writes_in_the_business_app_is_one_of_us() {
    let echo = json!({
        "from": "34910000001", "to": PHONE, "id": "wamid.E1", "timestamp": "1790000001",
        "type": "text", "text": {"body": "Ana here"},
    });
    let value = value("message_echoes", json!([echo]));
    let batch = read(&delivery("smb_message_echoes", &value)).expect("a delivery");
    let said = &batch.messages[0];
    assert!(said.echo);
    assert_eq!(
        (said.address.as_str(), said.id.as_str()),
        (PHONE, "wamid.E1")
    );
    assert_eq!(said.content, Content::Text("Ana here".into()));
}

#[test]
fn a_new_address_is_news_of_the_customer() {
    let notice = |id: &str, address: &str, to: &str| Notice {
        id: id.into(),
        account: "77001".into(),
        address: address.into(),
        at_s: Some(1_790_000_000),
        change: Change::Moved { to: to.into() },
    };
    let number = notice("wamid.A1", PHONE, "34611");
    for (system, expected) in [
        (
            json!({"type": "user_changed_number", "wa_id": "34611"}),
            vec![number.clone()],
        ),
        (
            json!({"type": "customer_changed_number", "new_wa_id": "34611"}),
            vec![number.clone()],
        ),
        (
            json!({
                "type": "user_changed_number", "wa_id": "34611",
                "previous_user_id": "ES.1", "user_id": USER,
            }),
            vec![number, notice("wamid.A1:1", "ES.1", USER)],
        ),
        (
            json!({"type": "user_changed_user_id", "previous_user_id": "ES.1", "user_id": USER}),
            vec![notice("wamid.A1", "ES.1", USER)],
        ),
    ] {
        assert_eq!(read_one(message("system", system)).notices, expected);
    }
    // No number can be shared.
    let system =
        json!({"type": "user_changed_user_id", "previous_user_id": "ES.1", "user_id": USER});
    let mut hidden = message("system", system);
    hidden["from"] = Value::Null;
    assert_eq!(read_one(hidden).notices, [notice("wamid.A1", "ES.1", USER)]);
}

#[test]
fn a_delivery_of_many_keeps_their_order() {
    let entry = |id: &str| {
        let text = |id: String| {
            json!({
                "from": PHONE, "id": id, "timestamp": 1_790_000_000, "type": "text",
                "text": {"body": "hi"},
            })
        };
        let value = value(
            "messages",
            json!([text(format!("{id}1")), text(format!("{id}2"))]),
        );
        json!({"id": "990", "changes": [{"value": value, "field": "messages"}]})
    };
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [entry("a"), entry("b"), null, {"changes": 7}],
    });
    let batch = read(body.to_string().as_bytes()).expect("a delivery");
    let ids: Vec<&str> = batch.messages.iter().map(|said| said.id.as_str()).collect();
    assert_eq!(ids, ["a1", "a2", "b1", "b2"]);
    assert_eq!(batch.messages[0].at_s, Some(1_790_000_000));
}

#[test]
fn receipts_say_what_became_of_a_message() {
    let status = |name: &str, errors: Value| {
        json!({
            "id": "wamid.S1", "status": name, "timestamp": "1790000002", "recipient_id": PHONE,
            "biz_opaque_callback_data": "key-7", "errors": errors,
        })
    };
    let late = json!([{
        "code": 131_047, "title": "Re-engagement message", "message": "Re-engagement message",
        "error_data": {"details": "more than 24 hours have passed"},
    }]);
    let statuses = json!([
        status("sent", json!(null)),
        status("read", json!(null)),
        status("delivered", json!(null)),
        status("failed", late),
        status("failed", json!([])),
        status("played", json!(null)),
        {"status": "sent"},
    ]);
    let batch = read(&delivery("messages", &value("statuses", statuses))).expect("a delivery");
    let failed = |code: &str, message: &str, reopen| {
        ReceiptState::Failed(SendError {
            whose: Whose::Ours,
            retry: Retry::Never,
            code: code.into(),
            message: message.into(),
            reopen,
        })
    };
    let states: Vec<&ReceiptState> = batch
        .receipts
        .iter()
        .map(|receipt| &receipt.state)
        .collect();
    assert_eq!(
        states,
        [
            &ReceiptState::Sent,
            &ReceiptState::Read,
            &ReceiptState::Delivered,
            &failed("131047", "more than 24 hours have passed", true),
            &failed("0", "no reason given", false),
        ]
    );
    assert_eq!(batch.receipts[0].provider_id, "wamid.S1");
    assert_eq!(batch.receipts[0].key.as_deref(), Some("key-7"));
    assert_eq!(batch.receipts[0].at_s, Some(1_790_000_002));
    assert_eq!(batch.ignored, ["status played", "status sent"]);
}

#[test]
fn only_what_is_no_delivery_is_refused() {
    for (body, part) in [
        (&b""[..], "must be JSON"),
        (b"{", "must be JSON"),
        (b"\xff", "must be JSON"),
        (b"[]", "\"object\""),
        (
            br#"{"object":"page","entry":[]}"#,
            "whatsapp_business_account",
        ),
        (
            br#"{"object":"whatsapp_business_account"}"#,
            "a list \"entry\"",
        ),
    ] {
        let error = read(body).expect_err("refused").to_string();
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(
        read(br#"{"object":"whatsapp_business_account","entry":[]}"#),
        Ok(Batch::default())
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "[a-z_]{0,8}".prop_map(Value::from),
        Just("text".into()),
        Just("interactive".into()),
        Just("failed".into()),
    ];
    let key = prop_oneof![
        Just("id"),
        Just("type"),
        Just("from"),
        Just("text"),
        Just("body"),
        Just("interactive"),
        Just("status"),
        Just("errors"),
        Just("code"),
        Just("edit"),
        Just("system"),
        Just("contacts"),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| {
                pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&body);
        let _ = challenge(&String::from_utf8_lossy(&body), &["token"]);
    }

    #[test]
    fn whatever_is_in_a_delivery_it_is_taken(items in any_json(), echo in any::<bool>()) {
        let (field, name) = if echo {
            ("smb_message_echoes", "message_echoes")
        } else {
            ("messages", "messages")
        };
        for name in [name, "statuses", "errors", "contacts"] {
            prop_assert!(read(&delivery(field, &value(name, items.clone()))).is_ok());
        }
    }

    #[test]
    fn a_text_comes_through_unchanged(text in "\\PC{1,80}") {
        let batch = read_one(message("text", json!({"body": text.clone()})));
        prop_assert_eq!(&batch.messages, &[incoming(Content::Text(text))]);
    }
}
