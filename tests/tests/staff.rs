//! Staff beside a running server: the first admin by the printed code, everyone else by a command.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bellhop_tests::desk::Agent;
use bellhop_tests::{Customer, Program, Start, binary, get, root};
use serde_json::{Value, json};

/// Runs a command on the store of a folder; gives what it printed.
fn run(folder: &Path, args: &[&str]) -> Result<Value> {
    let store = format!("sqlite:{}", folder.join("bellhop.db").display());
    let output = Command::new(binary()?)
        .args(args)
        .args(["--json", "--store", &store])
        .current_dir(root())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{args:?}: {why}");
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

    let invited = run(
        folder.path(),
        &["staff", "invite", "Mia", "--role", "agent"],
    )?;
    let code = invited["code"].as_str().context("a code")?;
    let mia = Customer::sign_in(&client, &program.url, code).await?;
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
    let invited = run(
        folder.path(),
        &["staff", "invite", "Operator", "--role", "admin"],
    )?;
    let code = invited["code"].as_str().context("a code")?;
    Customer::sign_in(&client, &program.url, code).await?;
    let listed = run(folder.path(), &["staff", "list"])?;
    assert_eq!(listed["members"].as_array().map(Vec::len), Some(1));
    Ok(())
}
