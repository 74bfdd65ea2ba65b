//! A provider of a messaging channel, as far as a test needs one: takes what the program sends, and signs what it delivers.

use std::time::Duration;

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// Longest wait for something that has to come.
const LIMIT: Duration = Duration::from_secs(30);
/// Messages that a test may be behind.
const BEHIND: usize = 1_000;

/// Meta's Graph API with one phone number, and the customers' side of it.
#[derive(Debug)]
pub struct WhatsApp {
    /// Takes requests; more can be mounted.
    pub server: MockServer,
    sent: mpsc::Receiver<Value>,
    client: reqwest::Client,
}

/// What the settings of [`WhatsApp::settings`] say.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// Token of the account.
pub const TOKEN: &str = "EAAG-a-token";
const SECRET: &str = "an-app-secret-0123456789abcdef01";

struct Takes(mpsc::Sender<Value>);

impl Respond for Takes {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        // Marks of what was read are no messages.
        if body.get("type").is_some() {
            // Nobody may be interested any more.
            let _ = self.0.try_send(body);
        }
        ResponseTemplate::new(200).set_body_json(json!({ "messages": [{ "id": "wamid.ours" }] }))
    }
}

impl WhatsApp {
    /// Starts it.
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let (sender, sent) = mpsc::channel(BEHIND);
        Mock::given(method("POST"))
            .and(path_regex(format!("^/v24.0/{PHONE_NUMBER_ID}/messages$")))
            .respond_with(Takes(sender))
            .mount(&server)
            .await;
        Self {
            server,
            sent,
            client: reqwest::Client::new(),
        }
    }

    /// The account `shop`, as a settings file has it; `more` are lines of its table.
    pub fn settings(&self, more: &str) -> String {
        format!(
            "[channels.shop]\nkind = \"whatsapp\"\nphone_number_id = \"{PHONE_NUMBER_ID}\"\ntoken = \"{TOKEN}\"\n\
             app_secrets = [\"{SECRET}\"]\nverify_token = \"{SECRET}\"\nbase_url = \"{}/v24.0\"\n{more}",
            self.server.uri()
        )
    }

    /// The next message that the program sent, as it was posted.
    ///
    /// # Errors
    /// None came in time.
    pub async fn next(&mut self) -> Result<Value> {
        let next = tokio::time::timeout(LIMIT, self.sent.recv()).await;
        next.context("nothing was sent")?
            .context("the provider is there")
    }

    /// The next message that the program sent whose text has this in it.
    ///
    /// # Errors
    /// None came in time.
    pub async fn next_with(&mut self, text: &str) -> Result<Value> {
        loop {
            let sent = self.next().await?;
            if sent.to_string().contains(text) {
                return Ok(sent);
            }
        }
    }

    /// Delivers what a customer wrote; `message` has `type` and what belongs to it.
    ///
    /// # Errors
    /// The program is away or refuses it.
    pub async fn message(&self, program: &str, from: &str, id: &str, message: Value) -> Result<()> {
        let mut whole = json!({ "id": id, "from": from, "timestamp": now() });
        if let (Some(whole), Value::Object(message)) = (whole.as_object_mut(), message) {
            whole.extend(message);
        }
        let contact = json!({ "profile": { "name": "Ana" }, "wa_id": from });
        let value = json!({ "contacts": [contact], "messages": [whole] });
        self.deliver(program, value).await
    }

    /// Tells what became of a message that was sent.
    ///
    /// # Errors
    /// The program is away or refuses it.
    pub async fn status(
        &self,
        program: &str,
        sent: &Value,
        state: &str,
        more: Value,
    ) -> Result<()> {
        let mut status = json!({ "id": "wamid.ours", "status": state, "timestamp": now(), "recipient_id": sent["to"],
            "biz_opaque_callback_data": sent["biz_opaque_callback_data"] });
        if let (Some(status), Value::Object(more)) = (status.as_object_mut(), more) {
            status.extend(more);
        }
        self.deliver(program, json!({ "statuses": [status] })).await
    }

    async fn deliver(&self, program: &str, mut value: Value) -> Result<()> {
        value["messaging_product"] = json!("whatsapp");
        value["metadata"] =
            json!({ "display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID });
        let change = json!({ "field": "messages", "value": value });
        let body = json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": "102290129340398", "changes": [change] }] })
        .to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).context("any key")?;
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let answer = self
            .client
            .post(format!("{program}/webhooks/messages/shop"))
            .header("x-hub-signature-256", signature)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        anyhow::ensure!(answer.status().is_success(), "{}", answer.status());
        Ok(())
    }
}

/// Seconds since 1970: the window for free text is open.
fn now() -> String {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.unwrap_or_default().as_secs().to_string()
}
