//! The demo bot compiles as it stands.

use std::path::{Path, PathBuf};

use bellhop_flows::compile::{ArticleRef, compile};
use bellhop_flows::diag::{Severity, render_text};
use bellhop_flows::source::{SourceFile, Sources};

fn bot() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/harbor-bank")
}

/// All files with an ending below a folder, as paths from the bot's folder, sorted.
fn files(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                let name = path.strip_prefix(bot()).expect("it is below the bot");
                let name = name.to_str().expect("its name is text").replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).expect("it is text")));
            }
        }
    }
    found.sort();
    found
}

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
    assert_eq!(bundle.patterns.len(), 32);
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
