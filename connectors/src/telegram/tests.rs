use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::channel::{Frame, Request, Retry, Row, SendOutcome, Whose};
use crate::message::{
    Batch, Button, Change, Contact, Content, Incoming, Media, MediaKind, MediaSource, Notice,
};

fn read_one(name: &str, body: Value) -> Batch {
    let mut update = json!({"update_id": 5001});
    update[name] = body;
    read("harbor_bot", update.to_string().as_bytes()).expect("an update")
}

fn message(fields: Value) -> Value {
    let mut message = json!({
        "message_id": 17,
        "date": 1_790_000_000,
        "chat": {"id": 4242, "type": "private", "first_name": "Ada"},
        "from": {"id": 4242, "is_bot": false, "first_name": "Ada", "last_name": "Lovelace"},
    });
    for (name, value) in fields.as_object().expect("fields") {
        message[name] = value.clone();
    }
    message
}

fn incoming(content: Content) -> Incoming {
    Incoming {
        id: "5001".into(),
        message_id: Some("17".into()),
        account: "harbor_bot".into(),
        address: "4242".into(),
        alias: None,
        name: Some("Ada Lovelace".into()),
        at_s: Some(1_790_000_000),
        content,
        echo: false,
    }
}

fn payload(payload: &str) -> Content {
    Content::Payload {
        payload: payload.into(),
        title: None,
    }
}

fn unsupported(what: &str) -> Content {
    Content::Unsupported { what: what.into() }
}

fn file(kind: MediaKind, mime: Option<&str>, caption: Option<&str>) -> Content {
    Content::Media(Media {
        kind,
        source: MediaSource::Id("F1".into()),
        mime: mime.map(str::to_owned),
        caption: caption.map(str::to_owned),
        file_name: None,
    })
}

fn check(fields: Value, content: Content) {
    let batch = read_one("message", message(fields.clone()));
    assert_eq!(batch.messages, [incoming(content)], "{fields}");
    assert_eq!(batch.ignored.len() + batch.notices.len(), 0, "{fields}");
}

#[test]
fn texts_are_read_and_opening_the_bot_is_a_payload() {
    let text = |text: &str| Content::Text(text.to_owned());
    check(json!({"text": " hi\nthere "}), text(" hi\nthere "));
    check(json!({"text": "/help"}), text("/help"));
    check(json!({"text": "/start", "entities": []}), payload("/start"));
    check(
        json!({"text": "/start  card_17 "}),
        payload("/start card_17"),
    );
    check(
        json!({"text": "/start over with me"}),
        text("/start over with me"),
    );
}

#[test]
fn files_are_read() {
    let sizes = json!([{"file_id": "F0", "width": 90}, {"file_id": "F1", "width": 800}]);
    let photo = file(MediaKind::Image, Some("image/jpeg"), Some("my card"));
    check(json!({"photo": sizes, "caption": "my card"}), photo);
    let gif = json!({"file_id": "F1", "mime_type": "video/mp4"});
    let video = file(MediaKind::Video, Some("video/mp4"), None);
    check(json!({"animation": gif, "document": gif}), video);
    let sticker = json!({"file_id": "F1", "emoji": "👍"});
    check(
        json!({"sticker": sticker}),
        file(MediaKind::Sticker, None, Some("👍")),
    );
    for (name, kind) in [
        ("document", MediaKind::Document),
        ("voice", MediaKind::Voice),
        ("audio", MediaKind::Audio),
        ("video", MediaKind::Video),
        ("video_note", MediaKind::Video),
    ] {
        check(json!({name: {"file_id": "F1"}}), file(kind, None, None));
    }
}

#[test]
fn places_and_cards_are_read() {
    let place = |label: Option<&str>| Content::Location {
        latitude: 40.5,
        longitude: -3.5,
        label: label.map(str::to_owned),
    };
    let spot = json!({"latitude": 40.5, "longitude": -3.5});
    check(json!({"location": spot}), place(None));
    let venue = json!({"title": "Branch", "address": "Sol 1"});
    check(
        json!({"venue": venue, "location": spot}),
        place(Some("Branch")),
    );
    let card = json!({"phone_number": "+1940", "first_name": "Grace", "last_name": "Hopper"});
    let content = Content::Contacts(vec![Contact {
        name: "Grace Hopper".into(),
        phones: vec!["+1940".into()],
    }]);
    check(json!({"contact": card}), content);
}

#[test]
fn what_cannot_be_taken_is_named() {
    check(json!({"poll": {"id": "1"}}), unsupported("poll"));
    check(
        json!({"reply_to_message": {}, "dice": {}}),
        unsupported("dice"),
    );
    check(json!({"<b>": 1}), unsupported("unknown"));
    // Known kinds whose contents are not as documented.
    check(json!({"text": 7}), unsupported("text"));
    check(json!({"photo": []}), unsupported("photo"));
    check(
        json!({"location": {"latitude": "north"}}),
        unsupported("location"),
    );
}

#[test]
fn an_edit_names_the_message_that_it_changes() {
    for fields in [
        json!({"text": "better", "edit_date": 1_790_000_009}),
        json!({"caption": "better", "photo": [], "edit_date": 1_790_000_009}),
    ] {
        let batch = read_one("edited_message", message(fields));
        let content = Content::Edited {
            of: "17".into(),
            text: "better".into(),
        };
        let expected = Incoming {
            at_s: Some(1_790_000_009),
            ..incoming(content)
        };
        assert_eq!(batch.messages, [expected]);
    }
}

#[test]
fn a_press_is_a_payload_with_the_title_of_its_button() {
    let keyboard =
        json!([[{"text": "No", "callback_data": "no"}], [{"text": "Yes", "callback_data": "yes"}]]);
    let question = message(json!({
        "text": "Sure?",
        "from": {"id": 1, "is_bot": true},
        "reply_markup": {"inline_keyboard": keyboard},
    }));
    let from = json!({"id": 4242, "is_bot": false, "first_name": "Ada"});
    let press = json!({
        "id": "900", "from": from, "message": question, "chat_instance": "-1", "data": "yes",
    });
    let batch = read_one("callback_query", press.clone());
    let content = Content::Payload {
        payload: "yes".into(),
        title: Some("Yes".into()),
    };
    let expected = Incoming {
        id: "cb:900".into(),
        message_id: None,
        name: Some("Ada".into()),
        at_s: None,
        ..incoming(content)
    };
    assert_eq!(batch.messages, [expected]);
    // A question that is too old to be shown again.
    let mut old = press;
    old["message"] = json!({"chat": {"id": 4242, "type": "private"}, "message_id": 3, "date": 0});
    let batch = read_one("callback_query", old);
    assert_eq!(batch.messages[0].content, payload("yes"));
}

#[test]
fn who_shuts_the_bot_out_is_told() {
    let change = |status: &str| {
        json!({
            "chat": {"id": 4242, "type": "private"}, "from": {"id": 4242}, "date": 1_790_000_000,
            "old_chat_member": {"status": "x"}, "new_chat_member": {"status": status},
        })
    };
    for (status, change_) in [("kicked", Change::Blocked), ("member", Change::Unblocked)] {
        let notice = Notice {
            id: "5001".into(),
            account: "harbor_bot".into(),
            address: "4242".into(),
            at_s: Some(1_790_000_000),
            change: change_,
        };
        assert_eq!(read_one("my_chat_member", change(status)).notices, [notice]);
    }
    let batch = read_one("my_chat_member", change("restricted"));
    assert_eq!(batch.ignored, ["my_chat_member: of no concern"]);
}

#[test]
fn what_asks_for_no_answer_is_named_without_anybody_in_it() {
    let group = json!({"id": -100, "type": "supergroup", "title": "Family"});
    let by_bot = json!({"id": 7, "is_bot": true, "first_name": "Bot"});
    for (name, body, ignored) in [
        (
            "message",
            message(json!({"text": "hi", "chat": group})),
            "message: in no private chat",
        ),
        (
            "message",
            message(json!({"text": "hi", "from": by_bot})),
            "message: by a bot",
        ),
        (
            "message",
            message(json!({"pinned_message": {}})),
            "message: nothing is said",
        ),
        ("message", message(json!({})), "message: nothing is said"),
        (
            "message",
            json!({"text": "hi", "chat": {"type": "private"}}),
            "message: no chat id",
        ),
        ("message", json!(7), "message: nothing is said"),
        (
            "edited_message",
            message(json!({"location": {}})),
            "edited_message: no text",
        ),
        (
            "channel_post",
            message(json!({"text": "news"})),
            "channel_post: of no concern",
        ),
        (
            "business_message",
            message(json!({"text": "hi"})),
            "business_message: of no concern",
        ),
        (
            "callback_query",
            json!({"id": "1", "data": "x"}),
            "callback_query: in another chat",
        ),
        (
            "callback_query",
            json!({"id": "1"}),
            "callback_query: no data",
        ),
        (
            "my_chat_member",
            json!({"chat": group}),
            "my_chat_member: in no private chat",
        ),
    ] {
        let batch = read_one(name, body);
        assert_eq!(batch.ignored, [ignored]);
        assert_eq!(batch.messages.len() + batch.notices.len(), 0);
    }
    let beside = br#"{"update_id":1,"new":{},"message":{}}"#;
    let beside = read("b", beside).expect("an update");
    assert_eq!(beside.ignored, ["message: nothing is said"]);
    let bare = read("b", br#"{"update_id":1}"#).expect("an update");
    assert_eq!(bare.ignored, ["update without contents"]);
}

#[test]
fn only_what_is_no_update_is_refused() {
    for (body, part) in [
        (&b""[..], "must be JSON"),
        (b"\xff", "must be JSON"),
        (b"[]", "\"update_id\""),
        (b"{}", "\"update_id\""),
        (br#"{"update_id":"1"}"#, "a whole number"),
    ] {
        let error = read("b", body).expect_err("refused").to_string();
        assert!(error.contains(part), "{error}");
    }
}

fn bot() -> Bot {
    Bot {
        base_url: "https://api.telegram.org".into(),
        token: "12:AB".into(),
    }
}

fn sent(request: &Request, method: &str) -> Value {
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.url,
        format!("https://api.telegram.org/bot12:AB/{method}")
    );
    let header = ("content-type".to_owned(), "application/json".to_owned());
    assert_eq!(request.headers, [header]);
    serde_json::from_slice(&request.body).expect("JSON")
}

#[test]
fn frames_are_sent_as_telegram_documents_them() {
    let yes = json!([[{"text": "Yes", "callback_data": "yes"}]]);
    let buttons = Frame::Buttons {
        text: "Sure?".into(),
        buttons: vec![Button {
            title: "Yes".into(),
            payload: "yes".into(),
        }],
    };
    let list = Frame::List {
        text: "Sure?".into(),
        label: "Options".into(),
        rows: vec![Row {
            title: "Ye…".into(),
            description: Some("Yes".into()),
            payload: "yes".into(),
        }],
    };
    for frame in [buttons, list] {
        assert_eq!(
            sent(&request(&bot(), "4242", &frame), "sendMessage"),
            json!({
                "chat_id": 4242, "text": "Sure?", "reply_markup": {"inline_keyboard": yes},
            })
        );
    }
    let text = Frame::Text("*hi* <b>".into());
    assert_eq!(
        sent(&request(&bot(), "@harbor", &text), "sendMessage"),
        json!({"chat_id": "@harbor", "text": "*hi* <b>"})
    );
    assert!(!format!("{:?}", bot()).contains("12:AB"));
}

#[test]
fn the_other_calls_are_made() {
    assert_eq!(
        sent(&typing(&bot(), "4242"), "sendChatAction"),
        json!({"chat_id": 4242, "action": "typing"})
    );
    let answer = answer_callback(&bot(), "cb:900").expect("a press");
    assert_eq!(
        sent(&answer, "answerCallbackQuery"),
        json!({"callback_query_id": "900"})
    );
    assert_eq!(answer_callback(&bot(), "5001"), None);
    let hook = set_webhook(&bot(), "https://bot.example/hook", "a-Secret_1").expect("a secret");
    assert_eq!(
        sent(&hook, "setWebhook"),
        json!({
            "url": "https://bot.example/hook",
            "secret_token": "a-Secret_1",
            "allowed_updates": ["message", "edited_message", "callback_query", "my_chat_member"],
        })
    );
    for secret in ["", "with space", "ñ", &"x".repeat(257)] {
        let error = set_webhook(&bot(), "https://bot.example", secret).expect_err("refused");
        assert!(error.to_string().contains("1 to 256 characters"));
    }
}

#[test]
fn answers_say_whether_to_try_again() {
    let after = |seconds| Retry::After(Some(Duration::from_secs(seconds)));
    let error = |code: u16, words: &str, parameters: Value| {
        let mut error = json!({"ok": false, "error_code": code, "description": words});
        error["parameters"] = parameters;
        error
    };
    let blocked = "Forbidden: bot was blocked by the user";
    for (status, body, whose, retry) in [
        (
            429,
            error(429, "Too Many Requests", json!({"retry_after": 34})),
            Whose::Theirs,
            after(34),
        ),
        (
            429,
            error(429, "Too Many Requests", json!({"retry_after": -1})),
            Whose::Theirs,
            after(9),
        ),
        (
            403,
            error(403, blocked, json!(null)),
            Whose::Customer,
            Retry::Never,
        ),
        (
            400,
            error(400, "Bad Request: chat not found", json!(null)),
            Whose::Ours,
            Retry::Never,
        ),
        (
            401,
            error(401, "Unauthorized", json!(null)),
            Whose::Ours,
            Retry::Never,
        ),
        (
            404,
            error(404, "Not Found", json!(null)),
            Whose::Ours,
            Retry::Never,
        ),
        (
            500,
            error(500, "Internal Server Error", json!(null)),
            Whose::Theirs,
            after(9),
        ),
        (502, json!("<html>"), Whose::Theirs, after(9)),
        (200, json!("<html>"), Whose::Theirs, Retry::After(None)),
    ] {
        let headers = [("Retry-After".to_owned(), "9".to_owned())];
        let SendOutcome::Failed(error) = outcome(status, &headers, body.to_string().as_bytes())
        else {
            panic!("{body} is no success");
        };
        assert_eq!((error.whose, error.retry), (whose, retry), "{body}");
        assert_eq!(error.code, status.to_string());
        assert!(!error.reopen);
    }
    let id = |id: Option<&str>| SendOutcome::Sent {
        provider_id: id.map(str::to_owned),
    };
    let body = br#"{"ok":true,"result":{"message_id":18,"date":1,"chat":{"id":4242}}}"#;
    assert_eq!(outcome(200, &[], body), id(Some("18")));
    assert_eq!(outcome(200, &[], br#"{"ok":true,"result":true}"#), id(None));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("b", &body);
        let _ = outcome(400, &[], &body);
    }

    #[test]
    fn any_fields_are_taken(
        names in proptest::collection::vec(
            prop_oneof![
                Just("text"), Just("photo"), Just("chat"), Just("from"), Just("data"), Just("id"),
                Just("message"), Just("location"), Just("contact"), Just("sticker"), Just("poll"),
            ],
            0..6,
        ),
        value in prop_oneof![
            Just(json!(null)), Just(json!([])), Just(json!([[7]])),
            Just(json!({"type": "private"})), Just(json!({"file_id": "", "id": 1.5})),
            Just(json!("x")), Just(json!(-1)),
        ],
    ) {
        let mut body = message(json!({}));
        for name in names {
            body[name] = value.clone();
        }
        for name in ["message", "edited_message", "callback_query", "my_chat_member"] {
            let batch = read_one(name, body.clone());
            prop_assert_eq!(
                batch.messages.len() + batch.notices.len() + batch.ignored.len(), 1
            );
        }
    }

    #[test]
    fn a_text_comes_through_unchanged(said in "[a-z]\\PC{0,80}") {
        let batch = read_one("message", message(json!({"text": said.clone()})));
        prop_assert_eq!(&batch.messages, &[incoming(Content::Text(said))]);
    }
}
