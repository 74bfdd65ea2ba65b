//! The version of a bot.

use sha2::{Digest, Sha256};

use crate::source::Sources;

/// SHA-256 over path and text of every file in order, line ends and byte-order marks made equal, so
/// that a checkout on another system has the same version.
pub(super) fn of(sources: &Sources) -> String {
    let mut hash = Sha256::new();
    for file in &sources.files {
        let text = file
            .text
            .trim_start_matches('\u{feff}')
            .replace("\r\n", "\n");
        for part in [&file.path, &text] {
            // Lengths keep a border between two texts from moving.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::source::{SourceFile, Sources};

    fn sources(path: &str, text: &str) -> Sources {
        Sources {
            files: vec![SourceFile {
                path: path.to_owned(),
                text: text.to_owned(),
            }],
        }
    }

    #[test]
    fn line_ends_do_not_count_but_borders_do() {
        assert_eq!(
            of(&sources("a", "x: 1\ny: 2\n")),
            of(&sources("a", "x: 1\r\ny: 2\r\n"))
        );
        assert_ne!(of(&sources("ab", "c")), of(&sources("a", "bc")));
    }
}
