//! What the pages for flow designers show works as it stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bellhop_tests::{binary, copy_of_demo, root};

/// What the flow of `designing-flows.md` names and leaves to its reader.
const NAMED: &str = r#"
entities:
  order_no: {type: regex, pattern: "[A-Z]{2}-[0-9]{6}", spoken: spelled}
actions:
  find_order: {http: {get: "{env.SHOP_API}/orders/{order}", timeout: 2s}, returns: {status: text}, stub: {status: on its way}}
responses:
  ask_order: "What's your order number?"
  order_hint: "It looks like AB-123456."
  still_there: "Are you still there?"
  system_down: "I can't look it up right now; a person will."
  order_status: "Your order {order} is {found.status}."
"#;

/// The blocks of a kind in a page.
fn blocks(page: &str, kind: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join("docs").join(page))?;
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once(&format!("```{kind}\n")) {
        let (block, behind) = after.split_once("```").context("a block ends")?;
        found.push(block.to_owned());
        rest = behind;
    }
    Ok(found)
}

fn run(command: &str, bot: &Path) -> Result<String> {
    let output = Command::new(binary()?)
        .arg(command)
        .arg(bot)
        .current_dir(root())
        .output()?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(output.status.success(), "{command}: {said}");
    Ok(said)
}

#[test]
fn the_tests_that_the_pages_show_pass() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = copy_of_demo("harbor-bank", folder.path())?;
    fs::remove_dir_all(bot.join("tests"))?;
    fs::create_dir(bot.join("tests"))?;
    let mut shown = 0;
    for page in ["flow-language.md", "designing-flows.md"] {
        for block in blocks(page, "yaml")? {
            if block.starts_with("tests:") {
                shown += 1;
                let file = bot.join(format!("tests/shown_{shown}.yaml"));
                fs::write(file, format!("schema: 1\n{block}"))?;
            }
        }
    }
    ensure!(shown >= 2, "{shown} blocks of tests");
    let said = run("test", &bot)?;
    ensure!(said.contains(" 0 failed"), "{said}");
    Ok(())
}

#[test]
fn the_flow_and_the_article_that_the_pages_show_are_whole() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = folder.path().join("shop");
    run("new", &bot)?;
    let yaml = blocks("designing-flows.md", "yaml")?;
    let flow = yaml.first().context("there is a flow")?;
    fs::write(
        bot.join("flows/orders.yaml"),
        format!("schema: 1\n{flow}{NAMED}"),
    )?;
    let articles = blocks("designing-flows.md", "markdown")?;
    let article = articles.first().context("there is an article")?;
    fs::write(bot.join("knowledge/shown.md"), article)?;
    let said = run("check", &bot)?;
    ensure!(said.contains("0 errors"), "{said}");
    Ok(())
}

/// Names of metrics that a source file tells: what follows the macros that count.
fn metrics_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for macro_name in ["counter!(", "gauge!(", "histogram!("] {
        for after in text.split(macro_name).skip(1) {
            let name = after.trim_start().strip_prefix('"');
            if let Some((name, _)) = name.and_then(|name| name.split_once('"')) {
                found.push(name.to_owned());
            }
        }
    }
    found
}

/// All source files below a folder.
fn sources(folder: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|kind| kind == "rs")
            && !path.ends_with("described.rs")
        {
            found.push(fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

#[test]
fn every_metric_is_described_and_listed() -> Result<()> {
    let mut texts = Vec::new();
    sources(&root().join("bot/src"), &mut texts)?;
    let described = fs::read_to_string(root().join("bot/src/server/measure/described.rs"))?;
    let page = fs::read_to_string(root().join("docs/operating.md"))?;
    let names: std::collections::BTreeSet<String> =
        texts.iter().flat_map(|text| metrics_in(text)).collect();
    ensure!(names.len() > 20, "{names:?}");
    for name in &names {
        ensure!(
            described.contains(&format!("\"{name}\"")),
            "{name} is not described"
        );
        ensure!(
            page.contains(&format!("| `{name}` |")),
            "{name} is not in docs/operating.md"
        );
    }
    for (line, row) in page
        .lines()
        .filter(|line| line.starts_with("| `bellhop_"))
        .zip(1..)
    {
        let name = line.split('`').nth(1).context("a name")?;
        ensure!(names.contains(name), "row {row}: nothing tells `{name}`");
    }
    Ok(())
}
