//! The Rasa REST channel, idempotent messages, and a whole handoff over the HTTP API alone.

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Program, Start, get, post, texts};
use serde_json::{Value, json};

async fn program() -> Result<(tempfile::TempDir, Program, reqwest::Client)> {
    let folder = tempfile::tempdir()?;
    let program = Program::start(folder.path(), &Start::default())?;
    Ok((folder, program, reqwest::Client::new()))
}

#[tokio::test]
async fn the_rasa_rest_channel_answers_its_clients() -> Result<()> {
    let (_folder, program, client) = program().await?;
    let url = format!("{}/webhooks/rest/webhook", program.url);
    let body = json!({ "sender": "test-user", "message": "what does an overdraft cost?" });
    let replies = post(&client, &url, None, &body).await?;
    let replies = replies.as_array().context("an array")?;
    assert!(!replies.is_empty());
    for reply in replies {
        assert_eq!(reply["recipient_id"], "test-user");
        assert!(reply["text"].is_string());
    }
    assert!(texts(replies).to_lowercase().contains("overdraft"));
    Ok(())
}

#[tokio::test]
async fn the_same_message_id_does_nothing_twice() -> Result<()> {
    let (_folder, program, client) = program().await?;
    let customer = Customer::open(&client, &program.url, json!({})).await?;
    let url = format!(
        "{}/v1/conversations/{}/messages?wait=reply",
        program.url, customer.id
    );
    let body = json!({ "client_msg_id": "one", "text": "what does an overdraft cost?" });
    let first = post(&client, &url, Some(&customer.token), &body).await?;
    let again = post(&client, &url, Some(&customer.token), &body).await?;
    assert_eq!(first, again);
    let other = json!({ "client_msg_id": "one", "text": "something else" });
    let refused = post(&client, &url, Some(&customer.token), &other)
        .await
        .expect_err("another text under the same id");
    assert!(refused.to_string().starts_with("409"), "{refused}");
    // Nobody else's token opens it.
    let stranger = Customer::open(&client, &program.url, json!({})).await?;
    let refused = post(&client, &url, Some(&stranger.token), &body)
        .await
        .expect_err("a stranger's token");
    let said = refused.to_string();
    assert!(
        said.starts_with("401") || said.starts_with("403") || said.starts_with("404"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn a_client_without_proof_can_not_say_that_it_is_a_phone() -> Result<()> {
    let (_folder, program, client) = program().await?;
    let open = format!("{}/v1/conversations", program.url);
    for (channel, status) in [
        ("voice", 400),
        ("sms", 400),
        ("", 400),
        ("web", 201),
        ("app", 201),
    ] {
        let answer = client
            .post(&open)
            .json(&json!({ "channel": channel }))
            .send()
            .await?;
        assert_eq!(answer.status().as_u16(), status, "{channel}");
        if status == 400 {
            let problem: Value = answer.json().await?;
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(
                detail.ends_with("it is one of web, app, rest, test"),
                "{detail}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_conversation_goes_to_a_person_and_back_and_only_the_owner_speaks() -> Result<()> {
    let (_folder, program, client) = program().await?;
    let url = &program.url;
    let mut customer = Customer::open(&client, url, json!({})).await?;
    customer.say("what does an overdraft cost?").await?;
    let told = customer
        .say("this is ridiculous, let me talk to someone")
        .await?;
    let handoff = told
        .iter()
        .find(|event| event["type"] == "handoff")
        .with_context(|| format!("a handoff in {told:?}"))?;
    assert_eq!(handoff["state"], "queued");
    assert_eq!(handoff["position"], 1);
    let id = handoff["handoff_id"].as_str().context("handoff id")?;

    let staff = Customer::sign_in(&client, url, &program.staff_code).await?;
    let desk = |action: &str| format!("{url}/v1/desk/handoffs/{id}/{action}");
    let queue = get(&client, &format!("{url}/v1/desk/queue"), &staff).await?;
    assert_eq!(queue["waiting"][0]["handoff_id"], id, "{queue:#}");
    let envelope = post(&client, &desk("accept"), Some(&staff), &json!({})).await?;
    assert_eq!(envelope["reason"]["code"], "user_request");
    let articles = envelope["attempts"].as_array().context("attempts")?;
    assert!(
        articles
            .iter()
            .any(|attempt| attempt["ref"] == "fees/overdraft"),
        "{envelope:#}"
    );

    // From here the bot is silent; what it said as it handed over comes with the next answer, and once.
    let told = customer.say("hello?").await?;
    assert!(texts(&told).contains("You're now talking to"), "{told:?}");
    let silent = customer.say("what is my balance?").await?;
    assert!(from_bot(&silent).is_empty(), "{silent:?}");
    let reply = json!({ "client_msg_id": "a1", "text": "Hello, Sam here. How can I help?" });
    post(&client, &desk("reply"), Some(&staff), &reply).await?;

    // Back to the bot, which serves again.
    post(&client, &desk("return"), Some(&staff), &json!({})).await?;
    let served = customer.say("what does an overdraft cost?").await?;
    assert!(!from_bot(&served).is_empty(), "{served:?}");

    // A person's reply after the return does not reach the customer.
    let late = json!({ "client_msg_id": "a2", "text": "are you still there?" });
    let refused = post(&client, &desk("reply"), Some(&staff), &late)
        .await
        .expect_err("the agent no longer owns it");
    assert!(refused.to_string().starts_with("409"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn an_id_that_nobody_proved_opens_no_account() -> Result<()> {
    let (_folder, program, client) = program().await?;
    let body = json!({ "customer": { "id": "cust_2208", "name": "Mallory" } });
    let mut stranger = Customer::open(&client, &program.url, body).await?;
    let told = texts(&stranger.say("what's my balance").await?);
    assert!(told.contains("customer number"), "{told}");
    assert!(!told.contains('£'), "{told}");
    Ok(())
}

#[tokio::test]
async fn staff_paths_are_closed_without_a_token() -> Result<()> {
    let (_folder, program, client) = program().await?;
    let customer = Customer::open(&client, &program.url, json!({})).await?;
    for path in [
        "/v1/desk/queue".to_owned(),
        "/v1/desk/me".to_owned(),
        "/v1/handoffs/01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
        format!("/v1/conversations/{}/trace", customer.id),
    ] {
        let response = client
            .get(format!("{}{path}", program.url))
            .bearer_auth(&customer.token)
            .send()
            .await?;
        assert!(
            [401, 403].contains(&response.status().as_u16()),
            "{path}: {}",
            response.status()
        );
    }
    Ok(())
}

fn from_bot(events: &[Value]) -> Vec<&Value> {
    events
        .iter()
        .filter(|event| event["type"] == "message" && event["from"] == "bot")
        .collect()
}
