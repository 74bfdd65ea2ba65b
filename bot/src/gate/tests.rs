//! Text on its way through the program: what is taken out is in no file of the store, nor in anything that is read from it.

use std::sync::Arc;

use super::*;
use crate::app::App;
use crate::app::rig::{BOT, PAY, Rig, SOON, say, web};
use crate::conversation::{Attachment, Inbound, NewConversation};
use crate::events::CustomerEvent;
use crate::staff::{Agent, Role};

const CARD: &str = "4111 1111 1111 1111";
const PASSWORD: &str = "Tr0ub4dor&3";

/// A bot that asks for an e-mail address and for the number of a gift card, which may look like that of a payment card.
const ASKS: &str = "
schema: 1
module: ask
entities:
  gift: {type: regex, pattern: '\\b60[0-9]{14}\\b'}
slots:
  mail: {type: email}
  gift: {type: gift}
intents:
  mail: {title: mail, examples: {en: [my mail]}}
flows:
  mail:
    start: mail
    steps:
      - ask: mail
      - ask: gift
      - say: thanks
      - end: done
responses:
  ask_mail: {en: Your address?}
  ask_gift: {en: The number?}
  thanks: {en: 'Thanks, {mail}.'}
";

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.with_bot(&[
        ("bot.yaml", BOT),
        ("flows/pay.yaml", PAY),
        ("flows/ask.yaml", ASKS),
    ]);
    rig
}

async fn on(app: &App, channel: &str) -> String {
    let new = NewConversation {
        channel: channel.to_owned(),
        ..NewConversation::default()
    };
    app.open(new).await.expect("opens").conversation_id
}

async fn send(app: &App, conversation: &str, id: &str, body: InboundBody) {
    let inbound = Inbound {
        client_msg_id: id.to_owned(),
        body,
    };
    let accepted = app.accept(conversation, inbound).await.expect("accepted");
    let reply = app.reply(conversation, accepted.seq, SOON).await;
    reply.expect("answers");
}

/// What the customer said last, and what was taken out of it.
async fn last(app: &App, conversation: &str) -> (String, Vec<PersonalData>) {
    let events = app.events(conversation, 0).await.expect("events");
    let said = events.into_iter().rev().find_map(|event| match event {
        CustomerEvent::Message(message) if message.from == Author::Customer => Some(*message),
        _ => None,
    });
    let said = said.expect("said");
    (said.text, said.redactions)
}

/// Whether a text is anywhere in the store's files, the write-ahead log included.
fn holds(rig: &Rig, text: &str) -> bool {
    let folder = rig.store().parent().expect("a folder").to_owned();
    std::fs::read_dir(folder).expect("a folder").any(|file| {
        let bytes = std::fs::read(file.expect("a file").path()).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

fn typed(text: &str) -> InboundBody {
    InboundBody::Text {
        text: text.to_owned(),
    }
}

fn spoken(text: &str) -> InboundBody {
    InboundBody::Speech {
        text: text.to_owned(),
        confidence: Some(0.9),
    }
}

fn file(text: &str, title: &str) -> InboundBody {
    InboundBody::File {
        text: text.to_owned(),
        file: Attachment {
            title: title.to_owned(),
            link: None,
            reference: None,
        },
    }
}

#[tokio::test]
async fn what_a_customer_gives_away_is_stored_nowhere() {
    let mut rig = rig();
    let strict = ChannelPrivacy {
        mask: PersonalData::ALL.to_vec(),
    };
    rig.privacy.channels.insert("telegram".to_owned(), strict);
    let open = ChannelPrivacy { mask: Vec::new() };
    rig.privacy.channels.insert("trusted".to_owned(), open);
    let app = rig.start().await;
    let keys = InboundBody::Keys {
        keys: "4111111111111111".to_owned(),
    };
    let link = InboundBody::Payload {
        payload: format!("card {CARD}"),
    };
    use PersonalData::{Card, Iban, NationalId, Password, Phone};
    let cases: Vec<(&str, InboundBody, &str, &[PersonalData])> = vec![
        (
            "web",
            typed(&format!("my card is {CARD}, ok?")),
            "my card is [card], ok?",
            &[Card],
        ),
        (
            "web",
            typed(&format!("mi tarjeta es {CARD}")),
            "mi tarjeta es [card]",
            &[Card],
        ),
        (
            "web",
            typed(&format!("my password is {PASSWORD}")),
            "my password is [password]",
            &[Password],
        ),
        ("web", link, "card [card]", &[Card]),
        (
            "voice",
            spoken(&format!("it is {CARD}")),
            "it is [card]",
            &[Card],
        ),
        ("voice", keys, "[card]", &[Card]),
        (
            "whatsapp",
            file(&format!("see {CARD}"), "a.png"),
            "see [card]",
            &[Card],
        ),
        (
            "whatsapp",
            file("", &format!("{CARD}.png")),
            "[card].png",
            &[Card],
        ),
        // A person may need these, unless it is said that nobody does.
        (
            "web",
            typed("dni 12345678Z, 612 345 678"),
            "dni 12345678Z, 612 345 678",
            &[],
        ),
        (
            "telegram",
            typed("dni 12345678Z, 612 345 678, GB82 WEST 1234 5698 7654 32"),
            "dni [national_id], [phone], [iban]",
            &[Iban, NationalId, Phone],
        ),
        // The bot asks for these.
        (
            "telegram",
            typed("it's ada@example.org"),
            "it's ada@example.org",
            &[],
        ),
        ("web", typed("6011111111111117"), "6011111111111117", &[]),
        (
            "web",
            typed("6011 1111 1111 1117"),
            "6011 1111 1111 1117",
            &[],
        ),
        (
            "trusted",
            typed("5555 5555 5555 4444"),
            "5555 5555 5555 4444",
            &[],
        ),
    ];
    for (number, (channel, body, stored, redactions)) in cases.into_iter().enumerate() {
        let conversation = on(&app, channel).await;
        send(&app, &conversation, &number.to_string(), body).await;
        let (text, taken_out) = last(&app, &conversation).await;
        assert_eq!(text, stored);
        assert_eq!(taken_out, redactions, "{stored}");
        let traces = app.trace(&conversation).await.expect("traces");
        let traces = serde_json::to_string(&traces).expect("JSON");
        assert!(!traces.contains("4111"), "{traces}");
    }
    app.shutdown().await;
    for gone in [CARD, "4111111111111111", PASSWORD, "GB82 WEST"] {
        assert!(!holds(&rig, gone), "{gone} is in the store");
    }
    assert!(holds(&rig, "12345678Z"));
}

async fn agent(app: &App, name: &str) -> Agent {
    let code = app.staff_invite(name, Role::Agent).await.expect("a code");
    let session = app.staff_sign_in(&code).await.expect("a session");
    app.set_available(&session.agent, true).await.expect("here");
    session.agent
}

#[tokio::test]
async fn what_people_of_ours_write_and_what_a_handoff_tells_is_masked_too() {
    let rig = rig();
    let app = rig.start().await;
    let conversation = web(&app).await;
    say(&app, &conversation, "1", &format!("charge {CARD} please")).await;
    let payload = "/human".to_owned();
    send(&app, &conversation, "2", InboundBody::Payload { payload }).await;
    let mia = agent(&app, "Mia").await;
    let queue = app.queue().await.expect("the queue");
    let handoff = queue[0].handoff_id.clone();
    app.take(&handoff, &mia).await.expect("taken");
    let said = format!("is it {CARD}? Call us on 020 7946 0018.");
    app.agent_say(&handoff, &mia, "a", &said)
        .await
        .expect("said");
    let again = app.agent_say(&handoff, &mia, "a", &said).await;
    assert!(again.expect("said before").duplicate);
    let note = format!("they said {CARD}");
    app.agent_note(&handoff, &mia, &note).await.expect("kept");
    app.wrap_up(&handoff, &mia, &note, true)
        .await
        .expect("ends");
    let envelope = app.envelope(&handoff).await.expect("an envelope");
    let texts: Vec<(&str, &str, &[String])> = envelope
        .transcript
        .items
        .iter()
        .filter(|item| item.kind == "text" && item.from != "bot")
        .map(|item| (&*item.from, &*item.text, &*item.redactions))
        .collect();
    let card = ["card".to_owned()];
    assert_eq!(
        texts,
        [
            ("customer", "charge [card] please", &card[..]),
            ("customer", "Talk to a person", &[]),
            ("agent", "is it [card]? Call us on 020 7946 0018.", &card),
        ]
    );
    let envelope = serde_json::to_string(&envelope).expect("JSON");
    assert!(envelope.contains("they said [card]"), "{envelope}");
    app.shutdown().await;
    assert!(!holds(&rig, CARD));
}

#[tokio::test]
async fn what_a_system_of_record_gives_away_is_not_said() {
    let mut rig = rig();
    let pay = PAY.replace("stub: {ref: R2}", &format!("stub: {{ref: '{CARD}'}}"));
    rig.with_bot(&[("bot.yaml", BOT), ("flows/pay.yaml", &pay)]);
    let app = rig.start().await;
    let conversation = web(&app).await;
    let reply = say(&app, &conversation, "1", "=pay.look").await;
    let said: Vec<String> = reply.events.into_iter().filter_map(text_of).collect();
    assert_eq!(said, ["Seen, [card]."]);
}

fn text_of(event: CustomerEvent) -> Option<String> {
    match event {
        CustomerEvent::Message(message) => Some(message.text),
        _ => None,
    }
}

#[test]
fn contacts_of_ours_are_said_and_those_of_customers_masked_where_that_is_set() {
    let config = PrivacyConfig {
        mask: PersonalData::ALL.to_vec(),
        ..PrivacyConfig::default()
    };
    let gate = Gate::new(config, &crate::app::rig::bot());
    let text = "write to help@bank.example or call 020 7946 0018; your DNI is 12345678Z";
    let said = gate.said("web", MessageEvent::of_agent("Mia", text, "1"));
    let expected = "write to help@bank.example or call 020 7946 0018; your DNI is [national_id]";
    assert_eq!(said.text, expected);
    assert_eq!(
        gate.noted("web", text),
        "write to [email] or call [phone]; your DNI is [national_id]"
    );
    let mut body = typed(text);
    let found = gate.heard("web", &mut body);
    assert_eq!(found.len(), 3);
    let bundle = Arc::new(crate::app::rig::bot());
    assert!(!Gate::new(PrivacyConfig::default(), &bundle).may_change(&typed(text)));
}

#[test]
fn of_many_numbers_those_that_a_slot_holds_are_kept_and_the_others_masked() {
    let gate = Gate::new(PrivacyConfig::default(), &rig().bundle);
    let said = "6011111111111117, 5555555555554444, 6011 1111 1111 1117; ";
    let kept = "6011111111111117, [card], 6011 1111 1111 1117; ";
    assert_eq!(gate.noted("web", &said.repeat(200)), kept.repeat(200));
}

#[tokio::test]
async fn what_nobody_can_see_is_no_message_and_control_characters_are_kept_nowhere() {
    let rig = rig();
    let app = rig.start().await;
    let new = NewConversation {
        channel: "web".to_owned(),
        customer: [("name".to_owned(), "An\u{202e}n\0\nLee".to_owned())].into(),
        ..NewConversation::default()
    };
    let conversation = app.open(new).await.expect("opens").conversation_id;
    let empty = [
        "\0",
        "\0\0 ",
        "\u{200b}\u{200d}",
        "\u{feff}",
        "\u{202e}\u{2069}",
        "\u{3164}",
    ];
    let refused = |result: Result<(), crate::error::ServiceError>| {
        let error = result.expect_err("empty").to_string();
        assert!(error.contains("is empty"), "{error}");
    };
    for text in empty {
        let accepted = crate::app::rig::send(&app, &conversation, "0", text).await;
        refused(accepted.map(|_| ()));
    }
    let wanted = say(&app, &conversation, "1", "hel\0lo\u{7}\tyou\r\nthere").await;
    assert!(!wanted.events.is_empty());
    let payload = "/hu\0man".to_owned();
    send(&app, &conversation, "2", InboundBody::Payload { payload }).await;
    let mia = agent(&app, "Mia").await;
    let queue = app.queue().await.expect("the queue");
    let handoff = queue[0].handoff_id.clone();
    app.take(&handoff, &mia).await.expect("taken");
    for text in empty {
        refused(app.agent_say(&handoff, &mia, "e", text).await.map(|_| ()));
        refused(app.agent_note(&handoff, &mia, text).await);
    }
    let said = app.agent_say(&handoff, &mia, "a", "good\0 day").await;
    said.expect("said");
    app.agent_note(&handoff, &mia, "cal\u{1b}led")
        .await
        .expect("kept");
    let envelope = app.envelope(&handoff).await.expect("an envelope");
    let texts: Vec<&str> = envelope
        .transcript
        .items
        .iter()
        .filter(|item| item.kind == "text" && item.from != "bot")
        .map(|item| &*item.text)
        .collect();
    assert_eq!(texts, ["hello\tyou\nthere", "Talk to a person", "good day"]);
    let json = serde_json::to_string(&envelope).expect("JSON");
    assert!(
        json.contains("Ann Lee") && json.contains("called"),
        "{json}"
    );
    assert!(
        !json.contains("\\u0000") && !json.contains("\\u001b"),
        "{json}"
    );
}
