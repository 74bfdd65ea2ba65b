//! The phone: a provider's signed webhooks drive the demo bot by speech and by keys, to a person.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bellhop_tests::{Customer, Program, Start, get, post};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;

const TOKEN: &str = "a-test-token-0123456789abcdef012";
const PUBLIC: &str = "https://phone.harbor.example";
const PATH: &str = "/webhooks/voice/twiml";

/// One call as the provider makes it.
struct Call {
    client: reqwest::Client,
    url: String,
    sid: &'static str,
}

impl Call {
    async fn hook(&self, extra: &[(&str, &str)]) -> Result<String> {
        self.hook_at(PATH, extra).await
    }

    /// Posts to an address that an answer named.
    async fn hook_at(&self, address: &str, extra: &[(&str, &str)]) -> Result<String> {
        let form = self.form(extra);
        let signature = sign(&format!("{PUBLIC}{address}"), &form);
        let response = self.send_to(address, &form, Some(&signature)).await?;
        let status = response.status();
        let body = response.text().await?;
        anyhow::ensure!(status.is_success(), "{status}: {body}");
        Ok(body)
    }

    async fn send(
        &self,
        form: &BTreeMap<String, String>,
        signature: Option<&str>,
    ) -> Result<reqwest::Response> {
        self.send_to(PATH, form, signature).await
    }

    async fn send_to(
        &self,
        address: &str,
        form: &BTreeMap<String, String>,
        signature: Option<&str>,
    ) -> Result<reqwest::Response> {
        let address = format!("{}{address}", self.url);
        let mut request = self.client.post(address).form(form);
        if let Some(signature) = signature {
            request = request.header("X-Twilio-Signature", signature);
        }
        Ok(request.send().await?)
    }

    fn form(&self, extra: &[(&str, &str)]) -> BTreeMap<String, String> {
        [
            ("CallSid", self.sid),
            ("AccountSid", "AC00000000000000000000000000000000"),
            ("From", "+442071838750"),
            ("To", "+442071838751"),
            ("CallStatus", "in-progress"),
            ("Direction", "inbound"),
        ]
        .iter()
        .chain(extra)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
    }
}

/// Twilio's scheme: HMAC-SHA1 over the public URL and the sorted parameters, in Base64.
fn sign(url: &str, form: &BTreeMap<String, String>) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).expect("any key length");
    mac.update(url.as_bytes());
    for (name, value) in form {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn start() -> Start {
    Start {
        args: Vec::new(),
        env: [
            ("BELLHOP_VOICE__AUTH_TOKEN", TOKEN),
            ("BELLHOP_VOICE__ENQUEUE", "front-door"),
            ("BELLHOP_PUBLIC_URL", PUBLIC),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    }
}

#[tokio::test]
async fn speech_and_keys_reach_an_answer_and_a_person_with_the_context() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = Program::start(folder.path(), &start())?;
    let client = reqwest::Client::new();
    let call = Call {
        client: client.clone(),
        url: program.url.clone(),
        sid: "CA00000000000000000000000000000001",
    };
    let hello = call.hook(&[]).await?;
    assert!(
        hello.contains("<Gather") && hello.contains("<Say"),
        "{hello}"
    );
    assert!(
        hello.contains("speech") && hello.contains("dtmf"),
        "{hello}"
    );

    // By speech: a question that an article answers.
    let answer = call
        .hook(&[
            ("SpeechResult", "how much does an overdraft cost"),
            ("Confidence", "0.93"),
        ])
        .await?;
    assert!(answer.to_lowercase().contains("overdraft"), "{answer}");

    // Silence is heard as silence, and the line stays open.
    let silence = call.hook(&[("SpeechResult", ""), ("Digits", "")]).await?;
    assert!(silence.contains("<Gather"), "{silence}");

    // By speech and keys: a card is found and the confirm is answered with a key.
    let block = call
        .hook(&[
            ("SpeechResult", "I lost my card and want it blocked"),
            ("Confidence", "0.9"),
        ])
        .await?;
    assert!(block.contains("<Gather"), "{block}");
    // Customer number, PIN and card, keyed in.
    for keys in ["30552208", "2580", "4812"] {
        let next = call.hook(&[("Digits", keys)]).await?;
        assert!(next.contains("<Gather"), "{keys}: {next}");
    }

    // Nought is a person, at any time; the call is enqueued and the context is reachable by id.
    let person = call.hook(&[("Digits", "0")]).await?;
    assert!(person.contains("<Enqueue"), "{person}");
    let id = handoff_id(&person).with_context(|| format!("a handoff id in {person}"))?;
    let staff = Customer::sign_in(&client, &program.url, &program.staff_code).await?;
    let envelope = get(
        &client,
        &format!("{}/v1/handoffs/{id}", program.url),
        &staff,
    )
    .await?;
    assert_eq!(envelope["reason"]["code"], "user_request", "{envelope:#}");
    assert_eq!(envelope["channel"], "voice");
    let slots = &envelope["slots"];
    assert_eq!(slots["verify.number"]["value"], "30552208", "{slots:#}");
    assert_eq!(slots["verify.pin"]["value"], "••••", "{slots:#}");
    assert_eq!(slots["cards.card"]["value"], "4812", "{slots:#}");
    assert_eq!(slots["cards.card"]["flow"], "cards.block", "{slots:#}");
    let transcript = envelope["transcript"]["items"]
        .as_array()
        .context("transcript")?;
    assert!(
        transcript
            .iter()
            .any(|item| item["text"] == "how much does an overdraft cost"),
        "{envelope:#}"
    );
    let summary = get(
        &client,
        &format!("{}/v1/handoffs/{id}/summary", program.url),
        &staff,
    )
    .await?;
    let keys: Vec<&str> = summary
        .as_object()
        .context("an object")?
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        keys,
        [
            "interaction_id",
            "channel",
            "customer",
            "intent",
            "summary",
            "qa_flags"
        ]
    );
    let issue = summary["summary"]["issue"].as_str().context("an issue")?;
    assert!(issue.contains("card number: 4812"), "{issue}");
    assert!(
        issue.contains("PIN given") && !issue.contains("2580"),
        "{issue}"
    );
    Ok(())
}

#[tokio::test]
async fn a_busy_person_is_not_dialled_again_and_a_finished_call_is_over() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut dials = start();
    dials
        .env
        .retain(|(name, _)| name != "BELLHOP_VOICE__ENQUEUE");
    dials
        .env
        .push(("BELLHOP_VOICE__DIAL".to_owned(), "+441632960000".to_owned()));
    let program = Program::start(folder.path(), &dials)?;
    let call = Call {
        client: reqwest::Client::new(),
        url: program.url.clone(),
        sid: "CA00000000000000000000000000000002",
    };
    call.hook(&[]).await?;
    let person = call.hook(&[("Digits", "0")]).await?;
    let dialled = person.contains("<Dial") && person.contains(">+441632960000<");
    assert!(dialled, "{person}");
    let busy = call.hook(&[("DialCallStatus", "busy")]).await?;
    assert!(
        !busy.contains("<Dial") && busy.contains("<Gather"),
        "{busy}"
    );
    let over = call.hook(&[("DialCallStatus", "completed")]).await?;
    assert!(over.contains("<Hangup"), "{over}");
    // The provider tells the end once more: no new conversation begins.
    let late = call.hook(&[("CallStatus", "completed")]).await?;
    assert!(late.contains("<Hangup") && !late.contains("<Say"), "{late}");
    Ok(())
}

/// The address that an answer names next: where it says what is heard goes, or where it asks again.
fn next_address(twiml: &str) -> Result<String> {
    let between = |from: &str, to: &str| {
        let (_, rest) = twiml.split_once(from)?;
        Some(rest.split_once(to)?.0.replace("&amp;", "&"))
    };
    let redirect = || between("<Redirect method=\"POST\">", "</Redirect>");
    redirect()
        .or_else(|| between("action=\"", "\""))
        .with_context(|| format!("no address in {twiml}"))
}

#[tokio::test]
async fn a_caller_hears_that_it_takes_a_moment_and_then_the_answer() -> Result<()> {
    // A system of record that is out of order, and slow to say so.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let slow = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = peer.read(&mut [0; 4096]).await;
                tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
                let answer = b"HTTP/1.1 503 Out\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = peer.write_all(answer).await;
            });
        }
    });
    let folder = tempfile::tempdir()?;
    let mut options = start();
    options.env.push(("HARBOR_BANK_API".to_owned(), slow));
    let program = Program::start(folder.path(), &options)?;
    let call = Call {
        client: reqwest::Client::new(),
        url: program.url.clone(),
        sid: "CA00000000000000000000000000000003",
    };
    let hello = call.hook(&[]).await?;
    let asked = [
        ("SpeechResult", "what is the exchange rate for dollars"),
        ("Confidence", "0.95"),
    ];
    let mut answer = call.hook_at(&next_address(&hello)?, &asked).await?;
    assert!(answer.contains("One moment, please."), "{answer}");
    let mut heard = vec![answer.clone()];
    while answer.contains("<Redirect") && heard.len() < 6 {
        answer = call.hook_at(&next_address(&answer)?, &[]).await?;
        heard.push(answer.clone());
    }
    // Out of order means a person: what the bot says before is heard, and once.
    assert!(
        answer.contains("<Enqueue") && answer.contains("<Say"),
        "{heard:#?}"
    );
    assert!(!answer.contains("One moment"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_silent_caller_hears_what_a_person_writes_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stays = start();
    stays
        .env
        .retain(|(name, _)| name != "BELLHOP_VOICE__ENQUEUE");
    let program = Program::start(folder.path(), &stays)?;
    let client = reqwest::Client::new();
    let call = Call {
        client: client.clone(),
        url: program.url.clone(),
        sid: "CA00000000000000000000000000000004",
    };
    let hello = call.hook(&[]).await?;
    let waiting = call
        .hook_at(&next_address(&hello)?, &[("Digits", "0")])
        .await?;
    assert!(waiting.contains("<Gather"), "{waiting}");
    let staff = Customer::sign_in(&client, &program.url, &program.staff_code).await?;
    let desk = format!("{}/v1/desk", program.url);
    let queue = get(&client, &format!("{desk}/queue"), &staff).await?;
    let id = queue["waiting"][0]["handoff_id"].as_str().context("one")?;
    let act = |what: &str| format!("{desk}/handoffs/{id}/{what}");
    post(&client, &act("accept"), Some(&staff), &json!({})).await?;
    let words = json!({ "client_msg_id": "a1", "text": "Sam here, please hold the line." });
    post(&client, &act("reply"), Some(&staff), &words).await?;
    let silence = [("SpeechResult", "")];
    let heard = call.hook_at(&next_address(&waiting)?, &silence).await?;
    assert!(heard.contains("Sam here, please hold the line."), "{heard}");
    let quiet = call.hook_at(&next_address(&heard)?, &silence).await?;
    assert!(
        quiet.contains("<Gather") && !quiet.contains("Sam here"),
        "{quiet}"
    );
    Ok(())
}

#[tokio::test]
async fn an_unsigned_or_altered_webhook_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = Program::start(folder.path(), &start())?;
    let call = Call {
        client: reqwest::Client::new(),
        url: program.url.clone(),
        sid: "CA00000000000000000000000000000002",
    };
    let form = call.form(&[]);
    let good = sign(&format!("{PUBLIC}{PATH}"), &form);
    assert_eq!(call.send(&form, None).await?.status(), 403);
    assert_eq!(call.send(&form, Some("AAAA")).await?.status(), 403);
    let altered = call.form(&[("SpeechResult", "send me money")]);
    assert_eq!(call.send(&altered, Some(&good)).await?.status(), 403);
    // Signed for the address the provider was not given.
    let elsewhere = sign(&format!("{}{PATH}", program.url), &form);
    assert_eq!(call.send(&form, Some(&elsewhere)).await?.status(), 403);
    assert!(call.send(&form, Some(&good)).await?.status().is_success());
    Ok(())
}

/// The ULID of the handoff, wherever the `<Task>` carries it.
fn handoff_id(twiml: &str) -> Option<String> {
    let (_, rest) = twiml.split_once("handoff_id")?;
    let start = rest.find(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase())?;
    let id: String = rest[start..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    // The conversation's, and which of its handoffs it is.
    (id.len() == 28).then_some(id)
}

/// Takes updates of calls and hands them to the test.
struct Updates(tokio::sync::mpsc::Sender<(String, String)>);

impl wiremock::Respond for Updates {
    fn respond(&self, request: &wiremock::Request) -> wiremock::ResponseTemplate {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        // Nobody may be interested any more.
        let _ = self.0.try_send((request.url.path().to_owned(), body));
        wiremock::ResponseTemplate::new(200)
    }
}

#[tokio::test]
async fn on_a_quiet_line_the_provider_is_told_that_there_is_news() -> Result<()> {
    const ACCOUNT: &str = "AC00000000000000000000000000000000";
    const SID: &str = "CA00000000000000000000000000000005";
    let api = wiremock::MockServer::start().await;
    let (sender, mut updates) = tokio::sync::mpsc::channel(9);
    wiremock::Mock::given(wiremock::matchers::method("POST"))
        .and(wiremock::matchers::basic_auth(ACCOUNT, TOKEN))
        .respond_with(Updates(sender))
        .mount(&api)
        .await;
    let folder = tempfile::tempdir()?;
    let mut stays = start();
    stays
        .env
        .retain(|(name, _)| name != "BELLHOP_VOICE__ENQUEUE");
    for (name, value) in [("ACCOUNT_SID", ACCOUNT), ("API_URL", &api.uri())] {
        let name = format!("BELLHOP_VOICE__{name}");
        stays.env.push((name, value.to_owned()));
    }
    let program = Program::start(folder.path(), &stays)?;
    let call = Call {
        client: reqwest::Client::new(),
        url: program.url.clone(),
        sid: SID,
    };
    let agent = bellhop_tests::desk::Agent::sign_in(&program).await?;
    let mut news = agent.listen().await?;
    let hello = call.hook(&[]).await?;
    let waiting = call
        .hook_at(&next_address(&hello)?, &[("Digits", "0")])
        .await?;
    let id = agent.take_first(&mut news).await?;
    loop {
        let items = agent.transcript(&id).await?;
        let joined = items
            .iter()
            .position(|item| item["text"] == "handoff assigned");
        let after = &items[joined.context("she has it")?..];
        if after.iter().any(|item| item["from"] == "bot") {
            break;
        }
    }
    // What the bot says to that is heard, and while it is being spoken nothing may cut it off.
    let silence = [("SpeechResult", "")];
    let spoken = call.hook_at(&next_address(&waiting)?, &silence).await?;
    assert!(spoken.contains("<Say"), "{spoken}");
    let first = json!({ "client_msg_id": "a1", "text": "Sam here." });
    agent.act(&id, "reply", first).await?;
    let heard = call.hook_at(&next_address(&spoken)?, &silence).await?;
    assert!(heard.contains("Sam here."), "{heard}");
    // Now the caller is silent for a whole turn, and nothing is being told.
    let quiet = call.hook_at(&next_address(&heard)?, &silence).await?;
    assert!(!quiet.contains("<Say"), "{quiet}");
    for (id_of, text) in [("a2", "Are you there?"), ("a3", "Hello?")] {
        let words = json!({ "client_msg_id": id_of, "text": text });
        agent.act(&id, "reply", words).await?;
    }
    let (path, body) = updates.recv().await.context("an update")?;
    let calls = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{SID}.json");
    assert_eq!(path, calls);
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    assert_eq!(form["Method"], "POST");
    assert!(!body.contains("there"), "nothing of what was said: {body}");
    // The provider asks there, as signed as ever.
    let asked = form["Url"].strip_prefix(PUBLIC).context("our address")?;
    let told = call.hook_at(asked, &[]).await?;
    for text in ["Are you there?", "Hello?"] {
        assert_eq!(told.matches(text).count(), 1, "{told}");
    }
    let after = call.hook_at(&next_address(&told)?, &silence).await?;
    assert!(!after.contains("<Say"), "{after}");
    // One update for all that was said on the quiet line, and none besides.
    assert_eq!(api.received_requests().await.unwrap_or_default().len(), 1);
    Ok(())
}
