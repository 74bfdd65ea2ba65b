//! Stores that earlier versions wrote are carried over: `data/store_version_N.sqlite` is a file that the program of that time left,
//! with a conversation of the bot's, two that wait for a person and one that a person has; the JSON beside it names them.

use std::time::Duration;

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Program, Start, get, post, root};
use serde_json::{Value, json};

/// Longest that the desk is waited for.
const SOON: usize = 200;

#[tokio::test]
async fn a_file_of_version_1_goes_on_where_it_was() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = root().join("tests/data");
    std::fs::copy(
        data.join("store_version_1.sqlite"),
        folder.path().join("bellhop.db"),
    )?;
    let known = std::fs::read_to_string(data.join("store_version_1.json"))?;
    let known: Value = serde_json::from_str(&known)?;
    let of = |who: &str, what: &str| -> Result<String> {
        let text = known[who][what].as_str().map(str::to_owned);
        text.with_context(|| format!("{who}.{what}"))
    };
    let program = Program::start(folder.path(), &Start::default())?;
    let (client, url) = (reqwest::Client::new(), &program.url);
    // Its admin was let in then: no code is printed.
    let code = program.invite("Operator", "admin")?;
    let staff = Customer::sign_in(&client, url, &code).await?;

    // Whoever waited waits, under the ids they had.
    let (waits, with_agent) = (of("waits", "handoff")?, of("with_agent", "handoff")?);
    let mut queue = Value::Null;
    for _ in 0..SOON {
        queue = get(&client, &format!("{url}/v1/desk/queue"), &staff).await?;
        if queue["waiting"]
            .as_array()
            .is_some_and(|all| all.len() == 2)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(queue["waiting"].to_string().contains(&waits), "{queue:#}");
    let accept = format!("{url}/v1/desk/handoffs/{waits}/accept");
    post(&client, &accept, Some(&staff), &json!({})).await?;
    let envelope = format!("{url}/v1/handoffs/{with_agent}");
    let envelope = get(&client, &envelope, &staff).await?;
    let said = envelope["transcript"]["items"].to_string();
    assert!(said.contains("Hello, Sam here."), "{envelope:#}");

    // Customers' tokens open what they opened, a message that came before is known, and the next is stored after it.
    let customer = |who: &str| -> Result<_> { Ok((of(who, "id")?, of(who, "token")?)) };
    let (id, token) = customer("waits")?;
    let messages = format!("{url}/v1/conversations/{id}/messages");
    let again =
        json!({ "client_msg_id": "m1", "text": "I want to talk to a person about my mortgage" });
    let before = post(&client, &messages, Some(&token), &again).await?;
    let next = json!({ "client_msg_id": "m9", "text": "are you there?" });
    let after = post(&client, &messages, Some(&token), &next).await?;
    assert!(
        before["seq"].as_u64() < after["seq"].as_u64(),
        "{before} {after}"
    );
    let (id, _) = customer("talks")?;
    let trace = get(
        &client,
        &format!("{url}/v1/conversations/{id}/trace"),
        &staff,
    )
    .await?;
    assert!(trace.to_string().contains("fees/overdraft"), "{trace:#}");
    Ok(())
}
