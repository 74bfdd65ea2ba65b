//! Messaging channels, from the provider's signed delivery to the desk, with the real program between.

use anyhow::{Context, Result};
use bellhop_tests::desk::{Agent, News};
use bellhop_tests::provider::{TOKEN, WhatsApp};
use bellhop_tests::{Program, Start};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ANA: &str = "4915112345678";

/// The program with an account of WhatsApp, and an agent at its desk.
struct Shop {
    _folder: tempfile::TempDir,
    program: Program,
    provider: WhatsApp,
    agent: Agent,
    news: News,
}

impl Shop {
    async fn open(more_settings: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let provider = WhatsApp::start().await;
        let settings = folder.path().join("bellhop.toml");
        std::fs::write(&settings, provider.settings(more_settings))?;
        let args = ["--config".to_owned(), settings.display().to_string()];
        let start = Start {
            args: args.into(),
            env: Vec::new(),
        };
        let program = Program::start(folder.path(), &start)?;
        let agent = Agent::sign_in(&program).await?;
        let news = agent.listen().await?;
        Ok(Self {
            _folder: folder,
            program,
            provider,
            agent,
            news,
        })
    }

    /// Ana asks for a person, and the agent takes her; gives the handoff.
    async fn with_a_person(&mut self) -> Result<String> {
        let text = json!({ "type": "text", "text": { "body": "I want to talk to a person" } });
        self.provider
            .message(&self.program.url, ANA, "wamid.1", text)
            .await?;
        self.agent.take_first(&mut self.news).await
    }

    async fn status(&self, sent: &Value, state: &str, more: Value) -> Result<()> {
        let program = &self.program.url;
        self.provider.status(program, sent, state, more).await
    }
}

#[tokio::test]
async fn an_agent_sees_what_becomes_of_each_message() -> Result<()> {
    let mut shop = Shop::open("").await?;
    let handoff = shop.with_a_person().await?;
    let mut sent = Vec::new();
    for (id, text) in [
        ("a1", "Hello Ana"),
        ("a2", "One moment"),
        ("a3", "Here it is"),
    ] {
        let words = json!({ "client_msg_id": id, "text": text });
        let seq = shop.agent.act(&handoff, "reply", words).await?["seq"].clone();
        sent.push(shop.provider.next_with(text).await?);
        let taken = |news: &Value| news["type"] == "delivery" && news["seq"] == seq;
        let news = shop.news.next(taken).await?;
        assert_eq!(
            (&news["state"], &news["handoff_id"]),
            (&json!("sent"), &json!(handoff))
        );
    }
    let item = shop.agent.item(&handoff, "Here it is").await?;
    assert_eq!(item["meta"]["delivery"], "sent", "{item:#}");

    // News overtake each other: that it is on the device comes after that it was read.
    for (at, state) in [(0, "read"), (0, "delivered"), (0, "sent"), (1, "delivered")] {
        shop.status(&sent[at], state, json!({})).await?;
    }
    let errors = json!({ "errors": [{ "code": 131_026, "title": "Message undeliverable" }] });
    shop.status(&sent[2], "failed", errors.clone()).await?;
    let news = shop.news.next(|news| news["state"] == "failed").await?;
    assert!(news["reason"].to_string().contains("131026"), "{news}");
    let stands = async |text: &str| -> Result<Value> {
        Ok(shop.agent.item(&handoff, text).await?["meta"].clone())
    };
    assert_eq!(stands("Hello Ana").await?["delivery"], "read");
    assert_eq!(stands("One moment").await?["delivery"], "delivered");
    let failed = stands("Here it is").await?;
    assert_eq!(failed["delivery"], "failed");
    assert_eq!(failed["delivery_reason"], "131026: Message undeliverable");
    // A failure that is told late, of what the customer has read, takes nothing back.
    shop.status(&sent[0], "failed", errors).await?;
    assert_eq!(stands("Hello Ana").await?["delivery"], "read");
    // What the customer wrote has no way to the customer.
    let own = stands("I want to talk to a person").await?;
    assert_eq!(own.get("delivery"), None, "{own}");
    // What the customer writes is told as well, by whichever process has it.
    let thanks = json!({ "type": "text", "text": { "body": "thanks" } });
    let program = &shop.program.url;
    shop.provider
        .message(program, ANA, "wamid.2", thanks)
        .await?;
    let of_hers = |news: &Value| {
        news["handoff_id"] == handoff
            && (news["type"] == "more" || news["event"]["text"] == "thanks")
    };
    while shop.agent.item(&handoff, "thanks").await.is_err() {
        shop.news.next(of_hers).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_agent_opens_what_a_customer_sent_and_nobody_else_does() -> Result<()> {
    let mut shop = Shop::open("").await?;
    let url = format!("{}/kept", shop.provider.server.uri());
    let elsewhere = MockServer::start().await;
    // Where each file is said to be, and what is there. The token is asked for, as Meta does.
    let files = [
        (
            "photo",
            "image",
            format!("{url}/photo"),
            ResponseTemplate::new(200).set_body_raw("a picture", "image/jpeg"),
        ),
        (
            "page",
            "document",
            format!("{url}/page"),
            ResponseTemplate::new(200).set_body_raw("<script>", "text/html"),
        ),
        (
            "led",
            "image",
            format!("{url}/led"),
            ResponseTemplate::new(302).insert_header("location", elsewhere.uri()),
        ),
        (
            "away",
            "image",
            format!("{}/away", elsewhere.uri()),
            ResponseTemplate::new(200),
        ),
    ];
    for (id, _, at, answer) in files.clone() {
        let found = json!({ "messaging_product": "whatsapp", "url": at, "id": id });
        let asked =
            Mock::given(method("GET")).and(header("authorization", format!("Bearer {TOKEN}")));
        asked
            .and(path(format!("/v24.0/{id}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(found))
            .mount(&shop.provider.server)
            .await;
        Mock::given(method("GET"))
            .and(path(format!("/kept/{id}")))
            .and(header("authorization", format!("Bearer {TOKEN}")))
            .respond_with(answer)
            .mount(&shop.provider.server)
            .await;
    }
    let handoff = shop.with_a_person().await?;
    let mut sent: Vec<(&str, &str)> = files.iter().map(|(id, kind, ..)| (*id, *kind)).collect();
    sent.push(("gone", "image"));
    for (id, kind) in &sent {
        let mut media = json!({ "id": id, "caption": id });
        if *kind == "document" {
            media["filename"] = json!("Rechnung März.html");
        }
        let message = json!({ "type": kind, *kind: media });
        let program = &shop.program.url;
        shop.provider
            .message(program, ANA, &format!("wamid.{id}"), message)
            .await?;
    }
    let client = reqwest::Client::new();
    let open = async |id: &str, token: &str| -> Result<reqwest::Response> {
        let item = shop.agent.item(&handoff, id).await?;
        let address = item["meta"]["file_address"]
            .as_str()
            .context("an address")?;
        let asked = client.get(format!("{}{address}", shop.program.url));
        Ok(asked.bearer_auth(token).send().await?)
    };
    let said = |answer: &reqwest::Response, name: &str| {
        let value = answer
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let token = &shop.agent.token;
    let photo = open("photo", token).await?;
    assert_eq!(photo.status(), 200);
    assert_eq!(said(&photo, "content-type"), "image/jpeg");
    assert!(said(&photo, "content-disposition").starts_with("inline;"));
    assert_eq!(said(&photo, "x-content-type-options"), "nosniff");
    assert!(said(&photo, "content-security-policy").contains("sandbox"));
    assert_eq!(photo.text().await?, "a picture");
    // A page of the customer's own would run as ours.
    let page = open("page", token).await?;
    assert_eq!(said(&page, "content-type"), "application/octet-stream");
    let disposition = said(&page, "content-disposition");
    assert!(
        disposition.starts_with("attachment;") && disposition.contains("Rechnung%20M%C3%A4rz.html"),
        "{disposition}"
    );

    for (id, status) in [("led", 502), ("away", 502), ("gone", 410)] {
        let refused = open(id, token).await?;
        assert_eq!(refused.status(), status, "{id}");
        let why = refused.text().await?;
        assert!(
            why.contains("the provider") && !why.contains(TOKEN),
            "{why}"
        );
    }
    let led_to = elsewhere.received_requests().await.unwrap_or_default();
    assert!(led_to.is_empty(), "nobody else was asked: {led_to:?}");
    assert_eq!(open("photo", "somebody").await?.status(), 401);
    let of_text = format!("{}/v1/handoffs/{handoff}/media/1", shop.program.url);
    let nothing = client.get(of_text).bearer_auth(token).send().await?;
    assert_eq!(nothing.status(), 404);
    Ok(())
}
