//! The demo bot's files, as both tests of it read them.

use std::path::{Path, PathBuf};

/// The demo's folder.
pub(crate) fn bot() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/harbor-bank")
}

/// All files with an ending below a folder, as paths from the bot's folder, sorted.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<(String, String)> {
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
