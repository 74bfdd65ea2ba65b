//! The house rules that a compiler does not check: which crate may know which, what may be linked in
//! and under which licence, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// A source file beyond this is two things in one.
const MAX_LINES: usize = 800;
const MEMBERS: [&str; 6] = [
    "bellhop",
    "bellhop-connectors",
    "bellhop-flows",
    "bellhop-knowledge",
    "bellhop-nlu",
    "bellhop-tests",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is above this crate")
        .to_owned()
}

fn metadata() -> Metadata {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn deny() -> Deny {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    toml::from_str(&text).expect("deny.toml is TOML")
}

/// The tree's own files, as git sees them.
fn tracked_files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    String::from_utf8(output.stdout)
        .expect("paths are UTF-8")
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(|path| root().join(path))
        .filter(|path| path.exists())
        .collect()
}

#[test]
fn the_crates_form_a_star() {
    let metadata = metadata();
    let known: BTreeMap<&str, BTreeSet<&str>> = metadata
        .packages
        .iter()
        .filter(|package| MEMBERS.contains(&package.name.as_str()))
        .map(|package| {
            let ours = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
                .map(|dependency| dependency.name.as_str())
                .filter(|name| MEMBERS.contains(name))
                .collect();
            (package.name.as_str(), ours)
        })
        .collect();
    for leaf in [
        "bellhop-connectors",
        "bellhop-flows",
        "bellhop-knowledge",
        "bellhop-nlu",
    ] {
        assert!(
            known[leaf].is_empty(),
            "{leaf} must not know {:?}",
            known[leaf]
        );
    }
    assert!(!known["bellhop"].contains("bellhop-tests"));
}

#[test]
fn the_language_and_the_nlu_do_no_io() {
    let metadata = metadata();
    let names: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package.name.as_str()))
        .collect();
    let direct: BTreeMap<&str, &[String]> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node.dependencies.as_slice()))
        .collect();
    for start in ["bellhop-flows", "bellhop-nlu"] {
        let id = names
            .iter()
            .find(|(_, name)| **name == start)
            .expect("a member")
            .0;
        for dependency in direct[id] {
            let name = names[dependency.as_str()];
            assert!(
                !["tokio", "axum", "redis", "reqwest", "rusqlite"].contains(&name),
                "{start} must not depend on {name}"
            );
        }
    }
}

#[test]
fn licences_sources_and_bans_hold() {
    let deny = deny();
    let allowed: Vec<spdx::Licensee> = deny
        .licenses
        .allow
        .iter()
        .map(|name| spdx::Licensee::parse(name).expect("an SPDX licence"))
        .collect();
    let banned: BTreeSet<&str> = deny.bans.deny.iter().map(|ban| ban.name.as_str()).collect();
    for package in metadata().packages {
        let name = format!("{} {}", package.name, package.version);
        assert!(
            !banned.contains(package.name.as_str()),
            "{name} is banned in deny.toml"
        );
        let Some(source) = &package.source else {
            continue;
        };
        assert!(
            source.starts_with("registry+"),
            "{name} comes from {source}"
        );
        let license = package.license.unwrap_or_default();
        let expression = spdx::Expression::parse_mode(&license, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{name}: licence `{license}`: {error}"));
        let fits = expression.evaluate(|requirement| {
            allowed
                .iter()
                .any(|licensee| licensee.satisfies(requirement))
        });
        assert!(fits, "{name}: licence `{license}` is not in deny.toml");
    }
}

#[test]
fn no_source_file_is_two_things_in_one() {
    for path in tracked_files() {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let lines = text.lines().count();
            assert!(
                lines <= MAX_LINES,
                "{} has {lines} lines; split it",
                path.display()
            );
        }
    }
}

/// The rooms of `bot/src`, from the bottom up: each may know those of its own line and of the lines before.
const LAYERS: [&[&str]; 10] = [
    // Plain data.
    &[
        "error",
        "encoding",
        "partition",
        "staff",
        "events",
        "conversation",
        "handoff",
        "gate",
        "secrets",
        "setting",
        "plain",
        "audit",
    ],
    // What may happen, and what keeps it: neither knows the other.
    &["rules", "store"],
    &["hub", "decide", "channels", "breaker", "retention"],
    &["auditor"],
    &[
        "bots",
        "intake",
        "positions",
        "delivery",
        "outbox",
        "privacy",
        "roster",
    ],
    &["turn"],
    &["mailbox", "inspect"],
    &["dispatch"],
    &["app"],
    &["server", "cli"],
];

#[test]
fn what_is_below_knows_nobody_above() {
    let root = root().join("bot/src");
    let mut seen = 0;
    for path in tracked_files() {
        let Ok(inside) = path.strip_prefix(&root) else {
            continue;
        };
        let inside = inside.to_string_lossy();
        let room = inside.split('/').next().unwrap_or_default();
        let room = room.strip_suffix(".rs").unwrap_or(room);
        let layer = LAYERS.iter().position(|rooms| rooms.contains(&room));
        // A room's tests may start the whole program.
        let (Some(layer), false) = (layer, is_test(&inside)) else {
            continue;
        };
        seen += 1;
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let knows = |other: &str| text.contains(&format!("crate::{other}::"));
        for other in LAYERS[layer + 1..].iter().flat_map(|rooms| rooms.iter()) {
            assert!(
                !knows(other),
                "bot/src/{inside} knows `{other}`, which is above it"
            );
        }
        if room == "rules" {
            assert!(!knows("store"), "bot/src/{inside}: a rule knows no store");
            assert!(
                !text.contains("async fn"),
                "bot/src/{inside}: a rule does not wait"
            );
        }
        if room == "store" {
            assert!(!knows("rules"), "bot/src/{inside}: a store knows no rule");
        }
        if !inside.starts_with("store/sqlite/") {
            for word in ["rusqlite", "SELECT ", "INSERT INTO"] {
                assert!(
                    !text.contains(word),
                    "bot/src/{inside}: SQL is in store/sqlite"
                );
            }
        }
    }
    assert!(seen > 60, "{seen} files");
}

fn is_test(file: &str) -> bool {
    [
        "tests.rs",
        "suite.rs",
        "histories.rs",
        "rig.rs",
        "bags.rs",
        "invariants.rs",
    ]
    .iter()
    .any(|name| file.ends_with(name))
}

#[test]
fn nothing_large_is_in_the_tree() {
    for path in tracked_files() {
        let bytes = path.metadata().expect("a file").len();
        assert!(bytes < 2_000_000, "{} has {bytes} bytes", path.display());
    }
}

/// The OpenAPI document knows a schema by the name of its type alone: of two types with one name it would describe one, for both.
#[test]
fn no_two_types_of_the_api_have_one_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in tracked_files() {
        if path.extension().is_none_or(|kind| kind != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let is_schema = line.trim_start().starts_with("#[derive(") && line.contains("ToSchema");
            if !is_schema {
                continue;
            }
            let named = lines.by_ref().find_map(|line| {
                let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
                words.find(|word| matches!(*word, "struct" | "enum"))?;
                words.next().map(str::to_owned)
            });
            let place = path.display().to_string();
            places
                .entry(named.expect("a type"))
                .or_default()
                .push(place);
        }
    }
    assert!(places.len() > 20, "{} types", places.len());
    let twice: Vec<_> = places
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .collect();
    assert!(twice.is_empty(), "{twice:#?}");
}
