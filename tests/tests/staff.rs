//! Staff beside running servers: the first admin by the printed code, everyone else by a command, and all of it in the audit log.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bellhop_tests::desk::Agent;
use bellhop_tests::{Customer, Program, RedisServer, Start, binary, get, post, root};
use serde_json::{Value, json};

/// Runs a command on a store; gives what it printed.
fn said(store: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(binary()?)
        .args(args)
        .args(["--json", "--store", store])
        .current_dir(root())
        .output()?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{args:?}: {why}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The same, of the store of a folder, as JSON.
fn run(folder: &Path, args: &[&str]) -> Result<Value> {
    let store = format!("sqlite:{}", folder.join("bellhop.db").display());
    let said = said(&store, args)?;
    serde_json::from_str(&said).with_context(|| said.clone())
}

fn start(folder: &Path) -> Result<Program> {
    let store = format!("sqlite:{}", folder.join("bellhop.db").display());
    let args = ["--store", &store].map(str::to_owned).to_vec();
    let env = Vec::new();
    Program::start(folder, &Start { args, env })
}

#[tokio::test]
async fn staff_are_let_in_and_put_out_by_commands_beside_the_server() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let client = reqwest::Client::new();
    let program = start(folder.path())?;
    ensure!(
        !program.staff_code.is_empty(),
        "the first admin gets a code"
    );
    let admin = Agent::sign_in(&program).await?;
    let mut watched = admin.listen().await?;

    let code = program.invite("Mia", "agent")?;
    let mia = Customer::sign_in(&client, &program.url, &code).await?;
    let mia = Agent::with_token(&program, mia);
    let mut news = mia.listen().await?;

    // A customer of hers waits again once she is put out, and her stream ends though no process but the command's has done it.
    let mut customer = Customer::open(&client, &program.url, json!({})).await?;
    customer.press("/human").await?;
    let handoff = mia.take_first(&mut news).await?;
    let listed = run(folder.path(), &["staff", "list"])?;
    let sessions = listed["sessions"].as_array().context("a list")?;
    ensure!(sessions.len() == 2, "{listed:#}");
    let revoked = run(folder.path(), &["staff", "revoke", "Mia"])?;
    assert_eq!(revoked, json!({ "revoked": "member", "name": "Mia" }));
    let me = format!("{}/v1/desk/me", program.url);
    let refused = get(&client, &me, &mia.token).await;
    ensure!(refused.is_err_and(|error| error.to_string().contains("401")));
    news.ends().await?;
    let waits = admin.take_first(&mut watched).await?;
    assert_eq!(waits, handoff);
    program.kill()?;

    // There is an admin: nothing is printed that would let somebody in.
    let program = start(folder.path())?;
    ensure!(program.staff_code.is_empty(), "{}", program.staff_code);
    let code = program.invite("Operator", "admin")?;
    Customer::sign_in(&client, &program.url, &code).await?;
    let listed = run(folder.path(), &["staff", "list"])?;
    assert_eq!(listed["members"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn what_two_processes_and_a_command_do_is_one_chain_and_what_one_ends_is_over_in_the_other()
-> Result<()> {
    let server = RedisServer::start()?;
    let server = server.context("install redis-server: processes share a store there")?;
    let store = format!("redis://{}?prefix=staff", server.address);
    let folder = tempfile::tempdir()?;
    let client = reqwest::Client::new();
    let start = |roles: &str| Start {
        args: ["--store", &store, "--roles", roles]
            .map(str::to_owned)
            .to_vec(),
        env: vec![(
            "BELLHOP_CUSTOMER_SECRET".to_owned(),
            "a-secret-that-nobody-may-read-anywhere".to_owned(),
        )],
    };
    let here = Program::start(folder.path(), &start("desk"))?;
    let there = Program::start(folder.path(), &start("desk"))?;
    let admin = Customer::sign_in(&client, &there.url, &there.staff_code).await?;
    let invite = json!({ "name": "Mia", "role": "agent" });
    let invites = format!("{}/v1/desk/invites", there.url);
    let invited = post(&client, &invites, Some(&admin), &invite).await?;
    let code = invited["code"].as_str().context("a code")?;
    let mia = Customer::sign_in(&client, &here.url, code).await?;
    let mut news = Agent::with_token(&here, mia).listen().await?;
    let revoked = client
        .delete(format!("{}/v1/desk/staff/Mia", there.url))
        .bearer_auth(&admin)
        .send()
        .await?;
    ensure!(revoked.status().is_success(), "{}", revoked.status());
    news.ends().await?;

    said(&store, &["staff", "invite", "Sam", "--role", "supervisor"])?;
    let exported = said(&store, &["audit", "export"])?;
    ensure!(!exported.contains("nobody-may-read"), "{exported}");
    let entries: Vec<Value> = exported
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let acts: Vec<&str> = entries
        .iter()
        .filter_map(|line| line["entry"]["act"].as_str())
        .collect();
    let wanted = [
        // Each process, and the code that it prints.
        "start",
        "invite",
        "start",
        "invite",
        "sign_in",
        "invite",
        "sign_in",
        "revoke",
        "invite",
        "audit_export",
    ];
    assert_eq!(acts, wanted, "{exported}");
    let settings = entries[0]["entry"]["detail"]["settings"].as_str();
    let settings = settings.context("names")?;
    ensure!(settings.contains("customer_secret"), "{settings}");
    let verified: Value = serde_json::from_str(&said(&store, &["audit", "verify"])?)?;
    assert_eq!(verified["found"], json!([]));
    assert_eq!(verified["last"]["hash"], entries[entries.len() - 1]["hash"]);
    // Somebody else's note of it does not fit.
    let known = format!("1:{}", "0".repeat(64));
    let refused = said(&store, &["audit", "verify", "--known", &known]);
    ensure!(refused.is_err(), "{refused:?}");
    Ok(())
}
