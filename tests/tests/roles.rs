//! Processes that share a store and each do a part of the work.

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Program, RedisServer, Start, binary, get, post, root, texts};
use serde_json::json;

fn start(server: &RedisServer, roles: &str) -> Start {
    let store = format!("redis://{}?prefix=roles", server.address);
    let args = ["--store", &store, "--roles", roles];
    Start {
        args: args.map(str::to_owned).to_vec(),
        env: Vec::new(),
    }
}

async fn status(client: &reqwest::Client, url: String) -> Result<u16> {
    Ok(client.get(url).send().await?.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_a_turn_and_an_agent_meet_though_each_is_in_another_process() -> Result<()> {
    let server = RedisServer::start()?;
    let server = server.context("install redis-server: processes share a store there")?;
    let folder = tempfile::tempdir()?;
    let edge = Program::start(folder.path(), &start(&server, "edge"))?;
    let turns = Program::start(folder.path(), &start(&server, "turns"))?;
    let desk = Program::start(folder.path(), &start(&server, "desk"))?;
    let client = reqwest::Client::new();

    let mut customer = Customer::open(&client, &edge.url, json!({})).await?;
    let told = customer.say("what does an overdraft cost?").await?;
    assert!(!texts(&told).is_empty(), "{told:?}");
    let told = customer.press("/human").await?;
    let handoff = told.iter().find(|event| event["type"] == "handoff");
    let id = handoff.context("a handoff")?["handoff_id"].clone();
    let id = id.as_str().context("its id")?;

    let staff = Customer::sign_in(&client, &desk.url, &desk.staff_code).await?;
    let queue = get(&client, &format!("{}/v1/desk/queue", desk.url), &staff).await?;
    assert_eq!(queue["waiting"][0]["handoff_id"], id, "{queue:#}");
    let act = |action: &str| format!("{}/v1/desk/handoffs/{id}/{action}", desk.url);
    post(&client, &act("accept"), Some(&staff), &json!({})).await?;
    let reply = json!({ "client_msg_id": "a1", "text": "Sam here." });
    post(&client, &act("reply"), Some(&staff), &reply).await?;
    let heard = customer.say("hello?").await?;
    assert!(texts(&heard).contains("Sam here."), "{heard:?}");

    // Each has its own routes, and what operators need.
    for (program, path, expected) in [
        (&edge, "/v1/desk/me", 404),
        (&edge, "/desk", 404),
        (&edge, "/widget.js", 200),
        (&turns, "/widget.js", 404),
        (&turns, "/desk", 404),
        (&desk, "/widget.js", 404),
        (&desk, "/v1/desk/me", 401),
        (&desk, "/desk", 200),
        (&edge, "/readyz", 200),
        (&turns, "/readyz", 200),
        (&desk, "/metrics", 200),
    ] {
        let got = status(&client, format!("{}{path}", program.url)).await?;
        assert_eq!(got, expected, "{path}");
    }
    let open = format!("{}/v1/conversations", turns.url);
    assert_eq!(
        client.post(open).json(&json!({})).send().await?.status(),
        404
    );

    // Nobody takes turns any more: what is said is kept, and answered by the next who does.
    turns.kill()?;
    let mut other = Customer::open(&client, &edge.url, json!({})).await?;
    let seq = other.post("m1", "what does an overdraft cost?").await?;
    let _turns = Program::start(folder.path(), &start(&server, "turns"))?;
    let own = other.own_messages(seq).await?;
    assert_eq!(own, ["m1"]);
    let told = other.say("how long does a new card take?").await?;
    assert!(!texts(&told).is_empty(), "{told:?}");
    let trace = format!("{}/v1/conversations/{}/trace", desk.url, other.id);
    let turns = get(&client, &trace, &staff).await?;
    let worked: Vec<_> = turns.as_array().into_iter().flatten().collect();
    assert!(worked.iter().any(|turn| turn["seq"] == seq), "{turns:#}");
    Ok(())
}

#[test]
fn roles_that_leave_work_to_nobody_are_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = format!("sqlite:{}", folder.path().join("s.db").display());
    for (roles, says) in [("edge", "one process's store"), ("edge,phone", "`phone`")] {
        let output = std::process::Command::new(binary()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--store", &store])
            .args(["--roles", roles])
            .current_dir(root())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(says), "{said}");
    }
    Ok(())
}
