//! What is kept of a customer is told and erased, and nobody else's.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bellhop_tests::{Customer, Program, Start, binary, get, post, root};
use serde_json::{Value, json};

/// Runs `bellhop privacy`; gives whether it succeeded, and what it said.
fn privacy(what: &[&str], store: &str) -> Result<(bool, String)> {
    let output = Command::new(binary()?)
        .arg("privacy")
        .args(what)
        .args(["--store", store])
        .current_dir(root())
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok((output.status.success(), said))
}

fn holds(folder: &Path, text: &str) -> Result<bool> {
    for file in std::fs::read_dir(folder)? {
        let bytes = std::fs::read(file?.path())?;
        if bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn a_customer_is_erased_whole_and_nobody_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = format!("sqlite:{}", folder.path().join("s.db").display());
    let start = Start {
        args: vec!["--store".to_owned(), store.clone()],
        ..Start::default()
    };
    let program = Program::start(folder.path(), &start)?;
    let (client, url) = (reqwest::Client::new(), &program.url);
    let staff = Customer::sign_in(&client, url, &program.staff_code).await?;

    // One whose page says who they are, with a handoff that is wrapped up; one that a flow has asked; one of somebody else.
    let open = json!({ "customer": { "id": "cust-77", "name": "Rumpelstilz" } });
    let mut said = Customer::open(&client, url, open).await?;
    said.say("my cat Schnurrhaar ate my card").await?;
    let told = said.press("/human").await?;
    let handoff = told.iter().find(|event| event["type"] == "handoff");
    let handoff = handoff.context("a handoff")?["handoff_id"]
        .as_str()
        .context("its id")?;
    let desk = |action: &str| format!("{url}/v1/desk/handoffs/{handoff}/{action}");
    post(&client, &desk("accept"), Some(&staff), &json!({})).await?;
    let note = json!({ "note": "Schnurrhaar again", "resolved": true });
    post(&client, &desk("wrap-up"), Some(&staff), &note).await?;
    let mut asked = Customer::open(&client, url, json!({})).await?;
    for text in ["I lost my card", "30552208", "2580"] {
        asked.say(text).await?;
    }
    let open = json!({ "customer": { "id": "cust-78" } });
    let mut waits =
        Customer::open(&client, url, json!({ "customer": { "id": "cust-77" } })).await?;
    waits.press("/human").await?;
    let mut other = Customer::open(&client, url, open).await?;
    other.say("my dog Bellofant ate my card").await?;

    let (is_done, exported) = privacy(&["export", "--customer", "cust-77"], &store)?;
    ensure!(is_done, "{exported}");
    let lines: Vec<Value> = exported
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(lines.len(), 2, "{exported}");
    assert_eq!(lines[0]["conversation"], said.id.as_str());
    assert_eq!(lines[0]["head"]["token_hash"], Value::Null);
    assert_eq!(lines[0]["notes"][0]["text"], "Schnurrhaar again");
    assert_eq!(lines[0]["handoffs"].as_array().map(Vec::len), Some(1));
    let (_, exported) = privacy(&["export", "--collected", "--customer", "30552208"], &store)?;
    assert!(
        exported.contains(&asked.id) && exported.lines().count() == 1,
        "{exported}"
    );

    // Beside the server, whether it is over or not.
    let erase = ["erase", "--customer", "cust-77"];
    let (is_done, told) = privacy(&erase, &store)?;
    ensure!(
        is_done && told.contains("2 conversations would be removed"),
        "{told}"
    );
    let erase = ["erase", "--yes", "--customer", "cust-77"];
    let (is_done, told) = privacy(&erase, &store)?;
    ensure!(is_done && told.contains("2 conversations erased"), "{told}");
    let (is_done, told) = privacy(&erase, &store)?;
    ensure!(is_done && told.contains("0 conversations erased"), "{told}");
    let gone = said.say("hello?").await;
    ensure!(gone.is_err(), "{gone:?}");
    ensure!(!other.say("hello?").await?.is_empty());
    // Nor does the desk know of who waited there.
    let queue = get(&client, &format!("{url}/v1/desk/queue"), &staff).await?;
    assert_eq!(queue["waiting"], json!([]), "{queue:#}");
    program.stop()?;

    // Nor is anything of it left in the file.
    for text in ["cust-77", "Rumpelstilz", "Schnurrhaar"] {
        ensure!(!holds(folder.path(), text)?, "{text} is in the store");
    }
    for text in ["cust-78", "Bellofant", "30552208"] {
        ensure!(holds(folder.path(), text)?, "{text} is not in the store");
    }
    let checked = Command::new(binary()?)
        .args(["store", "check", "--store", &store])
        .current_dir(root())
        .output()?;
    let said = [checked.stdout, checked.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(said.contains(" 0 findings"), "{said}");
    Ok(())
}
