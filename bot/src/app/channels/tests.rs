use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use bellhop_flows::engine::state::Owner;

use crate::app::App;
use crate::app::rig::{Rig, SOON};
use crate::channels::{Channels, Refused};
use crate::events::{Author, CustomerEvent};
use crate::handoff::record::conversation_of;
use crate::partition::PartitionId;
use crate::rules::open::Contact;
use crate::staff::Role;

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
/// Secrets of one setting while the second is replaced by the first.
const NEW: &str = "the-new-secret-0123456789abcdef0";
const OLD: &str = "the-old-secret-0123456789abcdef0";

fn channels() -> Channels {
    // Nobody listens there: what is said waits, and this is about what comes in.
    let nowhere = "http://127.0.0.1:9";
    let settings = serde_json::json!({
        "wa": {"kind": "whatsapp", "phone_number_id": "1", "token": "t", "app_secrets": [NEW, OLD],
            "verify_token": [NEW, OLD], "base_url": nowhere},
        "own": {"kind": "webhook", "url": nowhere, "secrets": [SECRET]},
        "tg": {"kind": "telegram", "token": "1:t", "secret": [NEW, OLD], "base_url": nowhere},
    });
    Channels::new(&serde_json::from_value(settings).expect("settings")).expect("accounts")
}

/// A delivery of WhatsApp with one message, or with an echo of ours.
fn whatsapp(id: &str, from: &str, text: &str) -> Vec<u8> {
    serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "b", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "49", "phone_number_id": "1"},
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": from}],
            "messages": [{"id": id, "from": from, "timestamp": "1790000000", "type": "text", "text": {"body": text}}],
        }}]}],
    })
    .to_string()
    .into_bytes()
}

fn signed(secret: &str, body: &[u8]) -> Vec<(String, String)> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    vec![("x-hub-signature-256".to_owned(), signature)]
}

async fn deliver(app: &App, account: &str, headers: &[(String, String)], body: &[u8]) {
    let account = app.channel(account).expect("an account");
    let batch = account.read(headers, body, 0).expect("theirs");
    app.deliver(account, batch).await.expect("stored");
}

/// The conversation of an address.
async fn conversation(app: &App, channel: &str, ours: &str, theirs: &str) -> Contact {
    let contact = PartitionId::contact(channel, ours, theirs);
    let docs = app.services.store.snapshot(&contact, &["contact"]).await;
    let contact = Contact::of(docs.expect("reads").as_ref()).expect("reads");
    contact.expect("a conversation")
}

/// What the customer said, in order.
async fn said(app: &App, conversation: &str) -> Vec<String> {
    let events = app.events(conversation, 0).await.expect("events");
    let own = events.into_iter().filter_map(|event| match event {
        CustomerEvent::Message(message) if message.from == Author::Customer => Some(message.text),
        _ => None,
    });
    own.collect()
}

async fn rig() -> (Rig, App) {
    let mut rig = Rig::new();
    rig.channels = channels();
    let app = rig.start().await;
    (rig, app)
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_to_the_program_that_sends_it() {
    let (_rig, app) = rig().await;
    let account = app.channel("own").expect("an account");
    let send = async |text: String| {
        let body = serde_json::json!({"id": "m1", "from": "cust1", "text": text}).to_string();
        let secret = bellhop_connectors::webhook::Secret::parse(SECRET).expect("a secret");
        let signature = bellhop_connectors::webhook::sign(&[secret], "d1", 0, body.as_bytes());
        let headers = [
            ("webhook-id", "d1".to_owned()),
            ("webhook-timestamp", "0".to_owned()),
            ("webhook-signature", signature),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        let batch = account.read(&headers, body.as_bytes(), 0);
        app.deliver(account, batch.expect("theirs")).await
    };
    let refused = send("y".repeat(17_000)).await.expect_err("too long");
    assert!(
        refused.to_string().contains("17000 bytes; at most 16384"),
        "{refused}"
    );
    assert_eq!(send("y".repeat(16_000)).await, Ok(()));
}

#[tokio::test]
async fn only_what_the_provider_signed_is_read() {
    let (_rig, app) = rig().await;
    let account = app.channel("wa").expect("an account");
    let body = whatsapp("wamid.1", "491", "hello");
    let query =
        |token: &str| format!("hub.mode=subscribe&hub.challenge=42&hub.verify_token={token}");
    let telegram = app.channel("tg").expect("an account");
    let carrying = |secret: &str| {
        [(
            "x-telegram-bot-api-secret-token".to_owned(),
            secret.to_owned(),
        )]
    };
    for secret in [NEW, OLD] {
        assert!(account.read(&signed(secret, &body), &body, 0).is_ok());
        assert_eq!(account.challenge(&query(secret)).as_deref(), Some("42"));
        let read = telegram.read(&carrying(secret), b"{}", 0);
        assert!(!matches!(read, Err(Refused::Unsigned(_))), "{read:?}");
    }
    for secret in ["", "other"] {
        assert_eq!(account.challenge(&query(secret)), None);
        let read = telegram.read(&carrying(secret), b"{}", 0);
        assert!(matches!(read, Err(Refused::Unsigned(_))), "{read:?}");
    }
    for headers in [signed("other", &body), Vec::new(), signed("", &body)] {
        let refused = account.read(&headers, &body, 0);
        assert!(matches!(refused, Err(Refused::Unsigned(_))), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_delivered_twice_late_or_all_at_once_is_kept_once_and_in_order() {
    let (_rig, app) = rig().await;
    // Each is delivered three times, by several connections at once; the first delivery of each waits for that before.
    for n in 0..20 {
        let mut connections = Vec::new();
        for customer in ["491", "492", "493"] {
            for again in 0..3 {
                let (app, n) = (app.clone(), if again == 2 { n / 2 } else { n });
                connections.push(tokio::spawn(async move {
                    let body = whatsapp(
                        &format!("wamid.{customer}.{n}"),
                        customer,
                        &format!("text {n}"),
                    );
                    deliver(&app, "wa", &signed(NEW, &body), &body).await;
                }));
            }
        }
        for connection in connections {
            connection.await.expect("no panic");
        }
    }
    for customer in ["491", "492", "493"] {
        let contact = conversation(&app, "whatsapp", "1", customer).await;
        assert!(contact.earlier.is_empty(), "one conversation each");
        let texts: Vec<String> = (0..20).map(|n| format!("text {n}")).collect();
        assert_eq!(said(&app, &contact.current).await, texts);
    }
}

fn telegram(update: u64, content: serde_json::Value) -> Vec<u8> {
    let mut update = serde_json::json!({ "update_id": update });
    let fields = content.as_object().expect("an object").clone();
    update.as_object_mut().expect("an object").extend(fields);
    update.to_string().into_bytes()
}

fn telegram_text(update: u64, text: &str) -> Vec<u8> {
    let from = serde_json::json!({"id": 7, "is_bot": false, "first_name": "Ana"});
    let message = serde_json::json!({"message_id": update, "date": 1_790_000_000, "text": text, "from": from,
        "chat": {"id": 7, "type": "private"}});
    telegram(update, serde_json::json!({ "message": message }))
}

#[tokio::test]
async fn a_customer_reaches_a_person_whose_own_words_and_files_are_in_the_transcript() {
    let (_rig, app) = rig().await;
    let token = [("x-telegram-bot-api-secret-token".to_owned(), NEW.to_owned())];
    deliver(&app, "tg", &token, &telegram_text(1, "=pay.limit")).await;
    let c = conversation(&app, "telegram", "tg", "7").await.current;
    let photo = serde_json::json!({"message": {"message_id": 2, "date": 1_790_000_001, "caption": "look",
        "from": {"id": 7, "is_bot": false, "first_name": "Ana"}, "chat": {"id": 7, "type": "private"},
        "photo": [{"file_id": "f1", "file_unique_id": "u1", "width": 1, "height": 1}]}});
    deliver(&app, "tg", &token, &telegram(2, photo)).await;
    let press = serde_json::json!({"callback_query": {"id": "cb9", "chat_instance": "x", "data": "/human",
        "from": {"id": 7, "is_bot": false, "first_name": "Ana"},
        "message": {"message_id": 3, "date": 1_790_000_002, "chat": {"id": 7, "type": "private"}}}});
    deliver(&app, "tg", &token, &telegram(3, press)).await;
    let last = app.events(&c, 0).await.expect("events");
    let asked = last.iter().rev().find_map(|event| match event {
        CustomerEvent::Message(message) if message.from == Author::Customer => Some(message.seq),
        _ => None,
    });
    let reply = app
        .reply(&c, asked.expect("a press"), SOON)
        .await
        .expect("answers");
    assert_eq!(reply.owner, Owner::Queue);
    let handoff = reply.handoff_id.expect("a handoff");
    assert_eq!(conversation_of(&handoff), Some(&*c));
    let code = app.staff_invite("Mia", Role::Agent).await.expect("a code");
    let mia = app.staff_sign_in(&code).await.expect("a session").agent;
    app.take(&handoff, &mia).await.expect("hers");
    app.agent_say(&handoff, &mia, "1", "Hi Ana")
        .await
        .expect("said");
    let envelope = app.envelope(&handoff).await.expect("reads");
    assert_eq!(
        (&*envelope.channel, envelope.address_ref.as_deref()),
        ("telegram", Some("7"))
    );
    let texts: Vec<_> = envelope
        .transcript
        .items
        .iter()
        .map(|item| item.text.as_str())
        .collect();
    assert!(
        texts.contains(&"look") && texts.contains(&"Hi Ana"),
        "{texts:?}"
    );
    // What was said waits for a provider that is away; none of it is lost.
    let dead = app.services.store.dead(9).await.expect("reads");
    assert!(dead.is_empty(), "{dead:?}");
}

#[tokio::test]
async fn a_person_who_writes_in_the_providers_inbox_mutes_the_bot_for_a_while() {
    let (rig, app) = rig().await;
    let body = whatsapp("wamid.1", "491", "hello");
    deliver(&app, "wa", &signed(NEW, &body), &body).await;
    let c = conversation(&app, "whatsapp", "1", "491").await.current;
    let echo = serde_json::json!({"object": "whatsapp_business_account", "entry": [{"id": "b", "changes": [{
        "field": "smb_message_echoes", "value": {"messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "49", "phone_number_id": "1"},
        "message_echoes": [{"id": "wamid.e", "from": "49", "to": "491", "timestamp": "1790000001", "type": "text",
            "text": {"body": "I look after this"}}]}}]}]})
    .to_string()
    .into_bytes();
    for _ in 0..2 {
        deliver(&app, "wa", &signed(NEW, &echo), &echo).await;
    }
    assert_eq!(app.owner(&c).await, Ok(Owner::Agent));
    let body = whatsapp("wamid.2", "491", "thanks");
    deliver(&app, "wa", &signed(NEW, &body), &body).await;
    let sent = app
        .services
        .store
        .seen(&PartitionId::conversation(&c), "wamid.2")
        .await;
    let sent = sent.expect("reads").expect("stored").seq;
    app.reply(&c, sent, SOON).await.expect("worked through");
    let events = app.events(&c, 0).await.expect("events");
    let by: BTreeMap<&str, usize> = events.iter().fold(BTreeMap::new(), |mut by, event| {
        if let CustomerEvent::Message(message) = event
            && message.from == Author::Agent
        {
            *by.entry(message.text.as_str()).or_default() += 1;
        }
        by
    });
    assert_eq!(by, BTreeMap::from([("I look after this", 1)]));
    rig.clock.advance(std::time::Duration::from_secs(29 * 60));
    app.services.close_idle().await.expect("looks");
    assert_eq!(app.owner(&c).await, Ok(Owner::Agent));
    rig.clock.advance(std::time::Duration::from_secs(60 * 60));
    app.services.close_idle().await.expect("looks");
    assert_eq!(app.owner(&c).await, Ok(Owner::Bot));
}
