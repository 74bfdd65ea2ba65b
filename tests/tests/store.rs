//! The commands that look after a store, beside the real program: what was given up, copies, backups, checks.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bellhop_tests::{Customer, Program, RedisServer, Start, binary, get, post, root, texts};
use serde_json::{Value, json};

/// Runs a command; gives whether it succeeded, and what it said on both streams.
fn run(args: &[&str]) -> Result<(bool, String)> {
    let output = Command::new(binary()?)
        .args(args)
        .current_dir(root())
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

/// Runs a command that must succeed.
fn done(args: &[&str]) -> Result<String> {
    let (is_done, said) = run(args)?;
    ensure!(is_done, "bellhop {}: {said}", args.join(" "));
    Ok(said)
}

fn on(store: &str) -> Start {
    Start {
        args: vec!["--store".to_owned(), store.to_owned()],
        ..Start::default()
    }
}

fn file(folder: &Path, name: &str) -> String {
    format!("sqlite:{}", folder.join(name).display())
}

#[tokio::test]
async fn a_conversation_with_an_open_handoff_goes_on_on_redis_and_back_in_a_file() -> Result<()> {
    let server = RedisServer::start()?;
    let server = server.context("install redis-server: a store is copied there")?;
    let folder = tempfile::tempdir()?;
    let (a, b, back) = (
        file(folder.path(), "a.db"),
        file(folder.path(), "b.db"),
        file(folder.path(), "back.db"),
    );
    let redis = format!("redis://{}?prefix=copy", server.address);
    let client = reqwest::Client::new();
    let program = Program::start(folder.path(), &on(&a))?;
    let mut customer = Customer::open(&client, &program.url, json!({})).await?;
    customer.say("what does an overdraft cost?").await?;
    let told = customer
        .say("this is ridiculous, let me talk to someone")
        .await?;
    let handoff = told.iter().find(|event| event["type"] == "handoff");
    let id = handoff.context("a handoff")?["handoff_id"]
        .as_str()
        .context("its id")?
        .to_owned();
    let (is_done, said) = run(&["store", "copy", &a, &redis])?;
    ensure!(!is_done && said.contains("in use"), "{said}");
    ensure!(done(&["store", "check", "--store", &a])?.contains(" 0 findings"));
    program.stop()?;

    done(&["store", "copy", &a, &redis])?;
    let (is_done, said) = run(&["store", "copy", &a, &redis])?;
    ensure!(!is_done && said.contains("not empty"), "{said}");
    // Back again without anything in between: `--resume` compares every partition that is there.
    done(&["store", "copy", &redis, &b])?;
    let said = done(&["store", "copy", "--resume", &a, &b])?;
    let all = said.split(' ').next().context("a number")?;
    ensure!(
        said.contains(&format!("({all} of them were there)")),
        "{said}"
    );
    let bot = "flows/demo/harbor-bank";
    ensure!(done(&["store", "check", "--store", &redis, "--bot", bot])?.contains(" 0 findings"));

    let program = Program::start(folder.path(), &on(&redis))?;
    let url = program.url.clone();
    customer.move_to(&url);
    let staff = Customer::sign_in(&client, &url, &program.staff_code).await?;
    let queue = get(&client, &format!("{url}/v1/desk/queue"), &staff).await?;
    assert_eq!(queue["waiting"][0]["handoff_id"], id.as_str(), "{queue:#}");
    let desk = |url: &str, action: &str| format!("{url}/v1/desk/handoffs/{id}/{action}");
    post(&client, &desk(&url, "accept"), Some(&staff), &json!({})).await?;
    let reply = json!({ "client_msg_id": "a1", "text": "Hello, Sam here." });
    post(&client, &desk(&url, "reply"), Some(&staff), &reply).await?;
    let told = customer.say("hello?").await?;
    ensure!(texts(&told).contains("Sam here"), "{told:?}");
    let (is_done, said) = run(&["store", "copy", &redis, &back])?;
    ensure!(!is_done && said.contains("in use"), "{said}");
    program.stop()?;

    done(&["store", "copy", &redis, &back])?;
    ensure!(done(&["store", "check", "--store", &back, "--bot", bot])?.contains(" 0 findings"));
    let program = Program::start(folder.path(), &on(&back))?;
    let url = program.url.clone();
    customer.move_to(&url);
    // The session was copied along.
    post(&client, &desk(&url, "return"), Some(&staff), &json!({})).await?;
    let told = customer.say("what does an overdraft cost?").await?;
    ensure!(!told.is_empty(), "the bot answers again");
    Ok(())
}

#[tokio::test]
async fn a_second_server_on_a_file_is_refused_and_after_a_power_cut_the_next_one_starts()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = file(folder.path(), "a.db");
    let client = reqwest::Client::new();
    let program = Program::start(folder.path(), &on(&store))?;
    let mut customer = Customer::open(&client, &program.url, json!({})).await?;
    std::os::unix::fs::symlink(folder.path().join("a.db"), folder.path().join("link.db"))?;
    for name in [store.clone(), file(folder.path(), "link.db")] {
        let (is_done, said) = run(&["serve", "--listen", "127.0.0.1:0", "--store", &name])?;
        ensure!(
            !is_done
                && said.contains("another server is at work on it")
                && said.contains("redis://"),
            "{said}"
        );
    }
    // Nor is it filled from another store meanwhile; what looks after it goes on.
    let (is_done, said) = run(&["store", "copy", &file(folder.path(), "none.db"), &store])?;
    ensure!(!is_done, "{said}");
    done(&["store", "check", "--store", &store])?;
    done(&["outbox", "list", "--store", &store])?;
    ensure!(
        !customer
            .say("what does an overdraft cost?")
            .await?
            .is_empty()
    );

    program.kill()?;
    let program = Program::start(folder.path(), &on(&store))?;
    customer.move_to(&program.url);
    ensure!(
        !customer
            .say("what does an overdraft cost?")
            .await?
            .is_empty()
    );
    // And after an orderly end.
    program.stop()?;
    Program::start(folder.path(), &on(&store))?.stop()
}

/// What the list of letters says.
fn listed(store: &str) -> Result<Value> {
    let said = done(&["outbox", "list", "--json", "--store", store])?;
    serde_json::from_str(&said).with_context(|| said.clone())
}

/// The id of the letter, once there is one other than `last`.
async fn letter(store: &str, last: &str) -> Result<String> {
    for _ in 0..400 {
        if let Some(id) = listed(store)?["letters"][0]["id"].as_str()
            && id != last
        {
            return Ok(id.to_owned());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("nothing was given up: {}", listed(store)?)
}

#[tokio::test]
async fn what_was_given_up_is_listed_sent_again_and_thrown_away_while_the_server_runs() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let store = file(folder.path(), "a.db");
    let client = reqwest::Client::new();
    let mut start = on(&store);
    // Nobody listens there: what is posted waits.
    start.env = vec![(
        "BELLHOP_STATUS_WEBHOOK".to_owned(),
        "http://127.0.0.1:9/".to_owned(),
    )];
    let program = Program::start(folder.path(), &start)?;
    let mut customer = Customer::open(&client, &program.url, json!({})).await?;
    customer.say("I want to talk to a person").await?;
    let unsent = listed(&store)?["unsent"].clone();
    let unsent = unsent.as_array().context("a list")?;
    let mut of_status = unsent.iter().filter(|it| it["destination"] == "status");
    let status = of_status.next().context("something waits")?;
    assert_eq!(
        (&status["waiting"], &status["given_up"]),
        (&json!(1), &json!(0))
    );
    program.kill()?;

    // Without an address it never will be.
    let program = Program::start(folder.path(), &on(&store))?;
    let url = program.url.clone();
    let first = letter(&store, "").await?;
    assert_eq!(first, format!("{}/status/1", customer.id));
    let staff = Customer::sign_in(&client, &url, &program.staff_code).await?;
    let told = get(
        &client,
        &format!("{url}/v1/outbox?destination=status"),
        &staff,
    )
    .await?;
    assert_eq!(told["letters"][0]["id"], first.as_str());
    assert!(
        told["letters"][0]["why"]
            .as_str()
            .context("why")?
            .contains("status_webhook")
    );
    let metrics = client
        .get(format!("{url}/metrics"))
        .send()
        .await?
        .text()
        .await?;
    for line in [
        "# HELP bellhop_outbound_given_up ",
        "bellhop_outbound_given_up{destination=\"status\"} 1",
        "bellhop_outbound_given_up_total{destination=\"status\"} 1",
        "bellhop_outbound_waiting{destination=\"status\"} 0",
        "bellhop_store_up 1",
        "bellhop_store_ready 0",
    ] {
        ensure!(metrics.contains(line), "{line} in {metrics}");
    }
    let ready = client
        .get(format!("{url}/readyz"))
        .send()
        .await?
        .text()
        .await?;
    let ready: Value = serde_json::from_str(&ready)?;
    let store_is = json!({"engine": "sqlite", "durability": "durable", "leases": 1, "ready": 0, "oldest_ready_s": 0.0});
    assert_eq!(ready, json!({"status": "ready", "store": store_is}));
    done(&["healthcheck", "--url", &url])?;

    // The server finds it by itself, and gives it up again: a letter with another number.
    done(&["outbox", "replay", "--store", &store, &first])?;
    let second = letter(&store, &first).await?;
    assert_eq!(second, format!("{}/status/2", customer.id));
    let all = json!({ "all": true });
    post(
        &client,
        &format!("{url}/v1/outbox/replay"),
        Some(&staff),
        &all,
    )
    .await?;
    let third = letter(&store, &second).await?;
    for wrong in [json!({}), json!({"ids": [first]})] {
        let refused = post(
            &client,
            &format!("{url}/v1/outbox/drop"),
            Some(&staff),
            &wrong,
        )
        .await;
        ensure!(refused.is_err(), "{wrong}");
    }
    let (is_done, said) = run(&["outbox", "drop", "--store", &store])?;
    ensure!(!is_done && said.contains("say which"), "{said}");
    done(&["outbox", "drop", "--store", &store, &third])?;
    let left = listed(&store)?;
    assert_eq!(left["letters"], json!([]));
    // What the killed server was about to tell the queue may still be its own for a minute.
    ensure!(!left["unsent"].to_string().contains("status"), "{left}");
    for path in ["outbox", "outbox/replay", "outbox/drop"] {
        let asked = client.get(format!("{url}/v1/{path}")).send().await?;
        ensure!(matches!(asked.status().as_u16(), 401 | 405), "{path}");
    }

    // A backup of the running server's file is a store of its own.
    let backup = folder.path().join("backup.db");
    let said = done(&[
        "store",
        "backup",
        "--store",
        &store,
        &backup.display().to_string(),
    ])?;
    ensure!(said.contains("checked"), "{said}");
    let backup = file(folder.path(), "backup.db");
    ensure!(done(&["store", "check", "--store", &backup])?.contains(" 0 findings"));
    customer.move_to(&url);
    customer.say("are you there?").await?;
    Ok(())
}
