//! `bellhop new`: a small bot folder to begin from.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use super::out::line;

/// The files it writes.
const FILES: [(&str, &str); 4] = [
    ("bot.yaml", include_str!("new/bot.yaml")),
    ("flows/hours.yaml", include_str!("new/hours.yaml")),
    ("knowledge/parking.md", include_str!("new/parking.md")),
    ("tests/hours.yaml", include_str!("new/hours_test.yaml")),
];

/// Runs it.
pub(super) fn run(dir: &Path) -> Result<ExitCode> {
    let taken = dir.exists()
        && dir
            .read_dir()
            .map_or(true, |mut entries| entries.next().is_some());
    ensure!(
        !taken,
        "{}: something is there already; name a new folder",
        dir.display()
    );
    for (name, text) in FILES {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        }
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        line(&format!("wrote {}", path.display()));
    }
    let dir = dir.display();
    line(&format!(
        "now: bellhop check {dir}, bellhop test {dir}, bellhop chat {dir}, bellhop serve {dir}"
    ));
    Ok(ExitCode::SUCCESS)
}
