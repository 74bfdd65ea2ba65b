//! The reference for flow designers says what is so.

use std::collections::BTreeSet;
use std::path::Path;

use bellhop_flows::compile::compile;
use bellhop_flows::diag::render_text;
use bellhop_flows::source::{SourceFile, Sources};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("the file is there")
}

#[test]
fn the_example_compiles_and_leaves_nothing_to_say() {
    let page = read("docs/flow-language.md");
    let (_, rest) = page.split_once("```yaml\n").expect("there is an example");
    let (text, _) = rest.split_once("```").expect("the example ends");
    let sources = Sources {
        files: vec![SourceFile {
            path: "bot.yaml".to_owned(),
            text: text.to_owned(),
        }],
    };
    let compiled = compile(&sources, &[]);
    assert_eq!(render_text(&compiled.diagnostics, &sources), "");
}

/// Codes such as `E0101` in a text.
fn codes(text: &str) -> BTreeSet<String> {
    let chars: Vec<char> = text.chars().collect();
    chars
        .windows(5)
        .filter(|window| {
            matches!(window, ['E' | 'W', digits @ ..] if digits.iter().all(char::is_ascii_digit))
        })
        .map(|window| window.iter().collect())
        .collect()
}

#[test]
fn every_code_is_explained() {
    let mut used = BTreeSet::new();
    let mut folders = vec![root().join("flows/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                used.extend(codes(&std::fs::read_to_string(path).expect("it is text")));
            }
        }
    }
    let explained = codes(&read("docs/findings.md"));
    let unexplained: Vec<&String> = used.difference(&explained).collect();
    assert!(used.len() > 50, "{used:?}");
    assert_eq!(unexplained, Vec::<&String>::new());
}
