//! The demo bot compiles as it stands.

mod demo;

use bellhop_flows::compile::{ArticleRef, compile};
use bellhop_flows::diag::{Severity, render_text};
use bellhop_flows::source::{SourceFile, Sources};
use demo::{bot, files};

fn sources() -> Sources {
    let files = files(&bot(), "yaml")
        .into_iter()
        .map(|(path, text)| SourceFile { path, text })
        .collect();
    Sources { files }
}

fn articles() -> Vec<ArticleRef> {
    files(&bot().join("knowledge"), "md")
        .into_iter()
        .map(|(path, text)| {
            let field = |key: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(key));
                line.unwrap_or("").trim().trim_matches('"').to_owned()
            };
            let id = path
                .trim_start_matches("knowledge/")
                .trim_end_matches(".md");
            ArticleRef {
                id: id.to_owned(),
                title: field("title:"),
                language: field("language:"),
            }
        })
        .collect()
}

#[test]
fn it_compiles_without_errors() {
    let sources = sources();
    let compiled = compile(&sources, &articles());
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .cloned()
        .collect();
    assert_eq!(render_text(&errors, &sources), "");
    let bundle = compiled.bundle.expect("no errors, so there is a bundle");
    assert_eq!(
        (bundle.name.as_str(), bundle.hash.len()),
        ("Harbor Bank", 64)
    );
    assert_eq!(bundle.patterns.len(), 74);
}

#[test]
fn what_is_doubtful_about_it_is_known() {
    let sources = sources();
    let compiled = compile(&sources, &articles());
    let told: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(|finding| format!("{}: {}", finding.code, finding.message))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}
