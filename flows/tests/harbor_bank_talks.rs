//! The demo bot's own conversations go the same way every time. Whether they go as written hangs on what the model
//! reads, which `bellhop test` judges; here a script stands in for it.

mod demo;
mod world;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::compile::{ArticleRef, compile};
use bellhop_flows::source::{SourceFile, Sources};
use bellhop_flows::testing::run;
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
fn every_run_is_the_same() {
    let bundle = bundle();
    let mut world = Scripted::new(&bundle, articles());
    assert!(!bundle.tests.is_empty());
    for test in &bundle.tests {
        let first = run(&bundle, test, &mut world);
        assert_eq!(first, run(&bundle, test, &mut world));
    }
}
