//! Messaging channels, from the provider's signed delivery to the desk, with the real program between.

use anyhow::Result;
use bellhop_tests::desk::{Agent, News};
use bellhop_tests::provider::WhatsApp;
use bellhop_tests::{Program, Start};
use serde_json::{Value, json};

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
    Ok(())
}
