//! What an author sees for each kind of mistake. A file of `testdata/bad` holds the files of one bot,
//! each after a line `# file: PATH`.

use std::path::Path;

use bellhop_flows::compile::compile;
use bellhop_flows::diag::render_text;
use bellhop_flows::source::{SourceFile, Sources};
use proptest::prelude::*;

fn split(text: &str) -> Sources {
    let files = text
        .split("# file: ")
        .skip(1)
        .map(|part| {
            let (path, text) = part.split_once('\n').expect("a path ends its line");
            SourceFile {
                path: path.to_owned(),
                text: text.to_owned(),
            }
        })
        .collect();
    Sources { files }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/bad")
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .map(|path| {
            path.file_stem()
                .expect("a file")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for name in names {
        let text = std::fs::read_to_string(folder().join(format!("{name}.yaml"))).expect("a text");
        let sources = split(&text);
        let compiled = compile(&sources, &[]);
        insta::assert_snapshot!(name, render_text(&compiled.diagnostics, &sources));
    }
}

/// Texts that are nearly a bot: one of the files with some bytes changed.
fn nearly() -> impl Strategy<Value = String> {
    let texts: Vec<String> = [
        "steps", "types", "texts", "policy", "tests", "actions", "names",
    ]
    .iter()
    .map(|name| std::fs::read_to_string(folder().join(format!("{name}.yaml"))).expect("a text"))
    .collect();
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    (proptest::sample::select(texts), edits).prop_map(|(text, edits)| {
        let mut bytes = text.into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            if byte & 1 == 0 {
                bytes[at] = byte;
            } else {
                bytes.remove(at);
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let sources = Sources { files: vec![SourceFile { path: "bot.yaml".to_owned(), text }] };
        let compiled = compile(&sources, &[]);
        let _ = render_text(&compiled.diagnostics, &sources);
    }

    #[test]
    fn no_changed_bot_panics(text in nearly()) {
        let sources = split(&text);
        let compiled = compile(&sources, &[]);
        let told = render_text(&compiled.diagnostics, &sources);
        prop_assert_eq!(compiled.diagnostics.is_empty(), told.is_empty());
    }
}
