//! The demo bot's own conversation tests, with a scripted understanding.

mod demo;
mod world;

use std::collections::BTreeSet;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::compile::{ArticleRef, compile};
use bellhop_flows::source::{SourceFile, Sources};
use bellhop_flows::testing::{all_steps, run};
use demo::{bot, files};
use world::{Article, Scripted};

fn article(path: &str, text: &str) -> Article {
    let mut parts = text.splitn(3, "---\n");
    let head = parts.nth(1).unwrap_or_default();
    let field = |key: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or("").trim().trim_matches('"').to_owned()
    };
    let questions = head
        .lines()
        .filter_map(|line| line.strip_prefix("  - "))
        .map(|line| line.trim().trim_matches('"').to_owned())
        .collect();
    let id = path
        .trim_start_matches("knowledge/")
        .trim_end_matches(".md");
    Article {
        id: id.to_owned(),
        title: field("title:"),
        language: field("language:"),
        audience: field("audience:"),
        questions,
        text: parts.next().unwrap_or_default().trim().to_owned(),
    }
}

fn articles() -> Vec<Article> {
    let files = files(&bot().join("knowledge"), "md");
    files
        .iter()
        .map(|(path, text)| article(path, text))
        .collect()
}

fn bundle() -> Bundle {
    let files = files(&bot(), "yaml");
    let files = files
        .into_iter()
        .map(|(path, text)| SourceFile { path, text })
        .collect();
    let refs: Vec<ArticleRef> = articles()
        .into_iter()
        .map(|found| ArticleRef {
            id: found.id,
            title: found.title,
            language: found.language,
        })
        .collect();
    compile(&Sources { files }, &refs)
        .bundle
        .expect("the demo compiles")
}

#[test]
fn its_conversations_go_as_written() {
    let bundle = bundle();
    let mut world = Scripted::new(&bundle, articles());
    let mut told = String::new();
    for test in &bundle.tests {
        let result = run(&bundle, test, &mut world);
        if result.failures.is_empty() {
            continue;
        }
        told.push('\n');
        told.push_str(&result.name);
        told.push_str("\n  ");
        told.push_str(&result.transcript.join("\n  "));
        told.push('\n');
    }
    assert!(told.is_empty(), "{} tests:{told}", bundle.tests.len());
}

#[test]
fn every_run_is_the_same_and_every_step_is_reached() {
    let bundle = bundle();
    let mut world = Scripted::new(&bundle, articles());
    let mut covered = BTreeSet::new();
    for test in &bundle.tests {
        let first = run(&bundle, test, &mut world);
        assert_eq!(first, run(&bundle, test, &mut world));
        covered.extend(first.covered);
    }
    let missed: Vec<String> = all_steps(&bundle)
        .into_iter()
        .map(|(step, _)| step)
        .filter(|step| !covered.contains(step))
        .collect();
    assert_eq!(missed, Vec::<String>::new());
}
