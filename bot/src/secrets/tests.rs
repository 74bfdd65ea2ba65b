//! A secret on its way from the customer to the system that asks for it, and nowhere else.

use std::collections::BTreeMap;

use bellhop_flows::engine::state::Owner;
use serde_json::json;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::actions::Actions;
use crate::app::App;
use crate::app::rig::{BOT, Rig, SOON, say, send, web};
use crate::conversation::journal::{Row, engine_events};
use crate::conversation::{Inbound, InboundBody, NewConversation, Reply, STATE, read_state};
use crate::events::CustomerEvent;
use crate::partition::PartitionId;

const CODE: &str = "30552208";
const WRONG: &str = "11111111";

/// A bot that asks for an account and a code, wants a yes, and has both checked.
const VAULT: &str = "
schema: 1
module: vault
entities:
  code: {type: regex, pattern: '\\b[0-9]{8}\\b', spoken: spelled}
slots:
  account: {type: number, title: account}
  code: {type: code, secret: true, title: code}
intents:
  open: {title: opening, examples: {en: [open it]}}
actions:
  check:
    http: {post: '{env.PEER}/check', body: {account: '{account}', code: '{code}'}, timeout: 10s}
    effect: none
    returns: {ok: bool}
    stub: {ok: true}
flows:
  open:
    start: open
    steps:
      - ask: account
      - ask: code
      - confirm: sure
      - {do: check, into: first, on_error: {say: down}}
      - if: first.ok
        then:
          - say: opened
          - end: done
      - say: again
      - set: {code: null}
      - ask: code
      - {do: check, into: second, on_error: {say: down}}
      - if: second.ok
        then: {say: opened}
        else: {say: wrong}
      # It is gone once it was sent.
      - confirm: sure
      - {do: check, into: third, on_error: {say: down}}
      - end: done
responses:
  ask_account: {en: Which account?}
  ask_code: {en: The code?}
  sure: {en: Open it?}
  opened: {en: It is open.}
  again: {en: Once more.}
  wrong: {en: It stays shut.}
  down: {en: That did not work.}
";

struct Vault {
    rig: Rig,
    server: MockServer,
}

/// A rig whose system of record opens with [`CODE`].
async fn vault() -> Vault {
    let server = MockServer::start().await;
    Mock::given(path("/check"))
        .respond_with(|request: &wiremock::Request| {
            let body: Value = request.body_json().expect("JSON");
            ResponseTemplate::new(200).set_body_json(json!({ "ok": body["code"] == CODE }))
        })
        .mount(&server)
        .await;
    let mut rig = Rig::new();
    rig.with_bot(&[("bot.yaml", BOT), ("flows/vault.yaml", VAULT)]);
    rig.actions = Actions::live(BTreeMap::from([("PEER".to_owned(), server.uri())]));
    Vault { rig, server }
}

impl Vault {
    /// The codes that the system was sent.
    async fn sent(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.expect("recorded");
        let body = |request: &wiremock::Request| request.body_json::<Value>().expect("JSON");
        let code = |body: Value| body["code"].as_str().unwrap_or_default().to_owned();
        requests.iter().map(body).map(code).collect()
    }

    /// Whether a text is anywhere in the store's files.
    fn holds(&self, text: &str) -> bool {
        let folder = self.rig.store().parent().expect("a folder").to_owned();
        std::fs::read_dir(folder).expect("a folder").any(|file| {
            let bytes = std::fs::read(file.expect("a file").path()).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
    }
}

fn told(reply: Reply) -> Vec<String> {
    let text = |event| match event {
        CustomerEvent::Message(message) => Some(message.text),
        _ => None,
    };
    reply.events.into_iter().filter_map(text).collect()
}

/// What the customer said, as it is stored.
async fn shown(app: &App, conversation: &str) -> Vec<String> {
    let events = app.events(conversation, 0).await.expect("events");
    let own = events.into_iter().filter(CustomerEvent::is_customers_own);
    own.filter_map(|event| match event {
        CustomerEvent::Message(message) => Some(message.text),
        _ => None,
    })
    .collect()
}

/// The secrets that are kept, and that the state is what the journal leads to.
async fn kept(app: &App, conversation: &str) -> CustomerSecrets {
    let context = app.services.context();
    let partition = PartitionId::conversation(conversation);
    let log = context
        .store
        .log(&partition, 0, usize::MAX)
        .await
        .expect("reads");
    let rows = log.iter().map(|entry| Row::of(entry).expect("reads"));
    let events = engine_events(rows.collect(), u64::MAX);
    let folded = crate::turn::rebuild(&context.bots, &events)
        .await
        .expect("folds");
    let snapshot = context.store.snapshot(&partition, &[STATE, SECRETS]).await;
    let snapshot = snapshot.expect("reads").expect("is there");
    let state = snapshot.doc(STATE).and_then(|body| read_state(body));
    assert_eq!(folded, state.expect("whole").state);
    CustomerSecrets::of(&snapshot).expect("reads")
}

#[tokio::test]
async fn a_secret_is_sent_to_the_system_that_asks_and_is_nowhere_afterwards() {
    let vault = vault().await;
    let app = vault.rig.start().await;
    let c = web(&app).await;
    say(&app, &c, "1", "=vault.open").await;
    say(&app, &c, "2", "7").await;
    assert_eq!(told(say(&app, &c, "3", CODE).await), ["Open it?"]);
    // It is needed a turn later, by a program that was started anew.
    let values = kept(&app, &c).await;
    assert_eq!(values.values.into_values().collect::<Vec<_>>(), [CODE]);
    assert!(values.heard.is_empty());
    app.shutdown().await;
    let app = vault.rig.start().await;
    assert_eq!(told(say(&app, &c, "4", "yes").await), ["It is open."]);
    assert_eq!(vault.sent().await, [CODE]);
    assert_eq!(kept(&app, &c).await, CustomerSecrets::default());
    assert_eq!(
        shown(&app, &c).await,
        ["=vault.open", "7", "********", "yes"]
    );
    let traces = app.trace(&c).await.expect("traces");
    assert!(!serde_json::to_string(&traces).expect("JSON").contains(CODE));
    app.shutdown().await;
    assert!(!vault.holds(CODE));
}

#[tokio::test]
async fn a_wrong_one_is_asked_for_again_and_one_that_was_sent_is_not_sent_twice() {
    let vault = vault().await;
    let app = vault.rig.start().await;
    let c = web(&app).await;
    say(&app, &c, "1", "=vault.open").await;
    say(&app, &c, "2", "7").await;
    say(&app, &c, "3", WRONG).await;
    let again = told(say(&app, &c, "4", "yes").await);
    assert_eq!(again, ["Once more.", "The code?"]);
    let opened = told(say(&app, &c, "5", &format!("it is {CODE}")).await);
    assert_eq!(opened, ["It is open.", "Open it?"]);
    let twice = told(say(&app, &c, "6", "yes").await);
    assert_eq!(twice[0], "That did not work.");
    assert_eq!(vault.sent().await, [WRONG, CODE]);
    assert_eq!(kept(&app, &c).await, CustomerSecrets::default());
    app.shutdown().await;
    assert!(!vault.holds(CODE) && !vault.holds(WRONG));
}

#[tokio::test]
async fn secrets_are_hidden_however_they_are_given() {
    let vault = vault().await;
    let app = vault.rig.start().await;
    let press = |keys: &str| InboundBody::Keys {
        keys: keys.to_owned(),
    };
    let type_in = |text: &str| InboundBody::Text {
        text: text.to_owned(),
    };
    let speak = |text: &str| InboundBody::Speech {
        text: text.to_owned(),
        confidence: Some(0.9),
    };
    // What is sent at each question, and what of it is stored.
    let cases = [
        (press("7"), press(CODE), "********"),
        (
            type_in("7"),
            type_in(&format!("my code is {CODE} ok")),
            "my code is ******** ok",
        ),
        (type_in("7"), speak(CODE), "********"),
        (press("7"), type_in(CODE), "********"),
    ];
    for (number, (account, code, stored)) in cases.into_iter().enumerate() {
        let new = NewConversation {
            channel: "voice".to_owned(),
            ..NewConversation::default()
        };
        let c = app.open(new).await.expect("opens").conversation_id;
        let mut replies = Vec::new();
        let bodies = [type_in("=vault.open"), account, code, type_in("yes")];
        for (at, body) in bodies.into_iter().enumerate() {
            let inbound = Inbound {
                client_msg_id: at.to_string(),
                body,
            };
            let seq = app.accept(&c, inbound).await.expect("accepted").seq;
            let reply = app.reply(&c, seq, SOON).await.expect("answers");
            replies.push(told(reply));
        }
        assert_eq!(replies[3], ["It is open."], "{number}: {replies:?}");
        assert_eq!(vault.sent().await.len(), number + 1);
        assert_eq!(shown(&app, &c).await[2], stored);
        assert_eq!(kept(&app, &c).await, CustomerSecrets::default());
    }
    assert!(vault.sent().await.iter().all(|code| code == CODE));
    app.shutdown().await;
    assert!(!vault.holds(CODE));
}

#[tokio::test]
async fn a_secret_that_nobody_needs_any_more_is_forgotten() {
    let vault = vault().await;
    let app = vault.rig.start().await;
    let payload = |payload: &str| InboundBody::Payload {
        payload: payload.to_owned(),
    };
    for (number, end) in ["/human", "/cancel"].into_iter().enumerate() {
        let c = web(&app).await;
        say(&app, &c, "1", "=vault.open").await;
        say(&app, &c, "2", "7").await;
        say(&app, &c, "3", CODE).await;
        assert_eq!(kept(&app, &c).await.values.len(), 1);
        let inbound = Inbound {
            client_msg_id: "4".to_owned(),
            body: payload(end),
        };
        let seq = app.accept(&c, inbound).await.expect("accepted").seq;
        let reply = app.reply(&c, seq, SOON).await.expect("answers");
        assert_eq!(reply.owner == Owner::Queue, number == 0);
        assert_eq!(kept(&app, &c).await, CustomerSecrets::default());
    }
    // Typed digit by digit, which this reader does not read.
    let c = web(&app).await;
    say(&app, &c, "1", "=vault.open").await;
    say(&app, &c, "2", "7").await;
    say(&app, &c, "3", "3055-2208").await;
    assert_eq!(shown(&app, &c).await[2], "*********");
    assert!(kept(&app, &c).await.heard.is_empty());
    // Named at the wrong time: hidden all the same, and asked for when it is needed.
    let c = web(&app).await;
    let said = format!("=vault.open my password is {CODE}");
    assert_eq!(told(say(&app, &c, "1", &said).await), ["Which account?"]);
    assert_eq!(
        shown(&app, &c).await,
        ["=vault.open my password is ********"]
    );
    say(&app, &c, "2", "7").await;
    app.close(&c, "left").await.expect("closes");
    crate::app::rig::closed(&app, &c).await;
    assert_eq!(kept(&app, &c).await, CustomerSecrets::default());
    assert!(vault.sent().await.is_empty());
    app.shutdown().await;
    assert!(!vault.holds(CODE) && !vault.holds("3055-2208"));
}

#[tokio::test]
async fn a_secret_that_waits_for_its_turn_is_there_when_the_program_comes_back() {
    let vault = vault().await;
    let app = vault.rig.start().await;
    let c = web(&app).await;
    say(&app, &c, "1", "=vault.open").await;
    say(&app, &c, "2", "7").await;
    app.shutdown_turns().await;
    let seq = send(&app, &c, "3", CODE).await.expect("taken").seq;
    let twice = send(&app, &c, "3", CODE).await.expect("known");
    assert!(twice.duplicate && twice.seq == seq);
    app.shutdown().await;
    let app = vault.rig.start().await;
    let reply = app.reply(&c, seq, SOON).await.expect("answers");
    assert_eq!(told(reply), ["Open it?"]);
    say(&app, &c, "4", "yes").await;
    assert_eq!(vault.sent().await, [CODE]);
    app.shutdown().await;
    assert!(!vault.holds(CODE));
}
