//! A bot folder, read into memory: its YAML files and its articles. Owns what counts as one; must
//! never judge what the files say, which is the work of `flows` and `knowledge`.

use std::path::{Path, PathBuf};

use bellhop_flows::source::{SourceFile, Sources};
use bellhop_knowledge::{Article, Finding, parse_article};

/// Largest YAML file, bytes.
const YAML_BYTES: u64 = 1 << 20;
/// Most files of a bot.
const FILES: usize = 10_000;

/// The bot that `serve` shows when none is named.
#[derive(rust_embed::RustEmbed)]
#[folder = "../flows/demo/harbor-bank"]
struct Demo;

/// A bot folder's files.
#[derive(Debug, Clone, Default)]
pub struct BotFolder {
    /// Where it was read from; absent for the shipped demo.
    pub path: Option<PathBuf>,
    /// It is the shipped demo, whose back office comes along.
    pub is_demo: bool,
    /// YAML files, sorted by path.
    pub sources: Sources,
    /// Articles that can be read, sorted by id.
    pub articles: Vec<Article>,
    /// What is wrong with articles.
    pub findings: Vec<Finding>,
    /// The articles that `findings` speak of, to show the line.
    pub broken: Vec<SourceFile>,
}

/// Why a folder is no bot.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nothing there, or no folder.
    #[error("{}: no such folder; `bellhop new {}` makes one", path.display(), path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A folder without `bot.yaml`.
    #[error("{}: no bot.yaml in it, so it is no bot folder", path.display())]
    NoBot {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder that can't be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no text, or too much of it.
    #[error("{}: {message}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl BotFolder {
    /// Reads `path`, or the shipped demo where none is given.
    ///
    /// # Errors
    /// See [`FolderError`]; wrong articles are findings, not errors.
    pub fn open(path: Option<&Path>) -> Result<Self, FolderError> {
        match path {
            Some(path) => Self::read(path),
            None => Ok(Self::demo()),
        }
    }

    /// The shipped demo.
    pub fn demo() -> Self {
        let mut folder = Self {
            is_demo: true,
            ..Self::default()
        };
        let mut names: Vec<String> = Demo::iter().map(|name| name.to_string()).collect();
        names.sort();
        for name in names {
            if let Some(file) = Demo::get(&name)
                && let Ok(text) = String::from_utf8(file.data.into_owned())
            {
                folder.add(name, text);
            }
        }
        folder
    }

    fn read(path: &Path) -> Result<Self, FolderError> {
        if !path.is_dir() {
            return Err(FolderError::Missing {
                path: path.to_owned(),
            });
        }
        if !path.join("bot.yaml").is_file() {
            return Err(FolderError::NoBot {
                path: path.to_owned(),
            });
        }
        let mut folder = Self {
            path: Some(path.to_owned()),
            // Editing the demo in the source tree must not take its back office away.
            is_demo: path
                .canonicalize()
                .is_ok_and(|path| path.ends_with("flows/demo/harbor-bank")),
            ..Self::default()
        };
        let mut files = Vec::new();
        list(path, path, &mut files)?;
        files.sort();
        for name in files {
            let text = read_text(&path.join(&name))?;
            folder.add(name, text);
        }
        Ok(folder)
    }

    fn add(&mut self, name: String, text: String) {
        if is_yaml(&name) {
            self.sources.files.push(SourceFile { path: name, text });
        } else if name.starts_with("knowledge/") && name.ends_with(".md") {
            match parse_article(&name, &text) {
                Ok(article) => self.articles.push(article),
                Err(findings) => {
                    self.findings.extend(findings);
                    self.broken.push(SourceFile { path: name, text });
                }
            }
        }
    }
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Lists the files that matter, as paths relative to the bot with `/`. Hidden ones don't.
fn list(root: &Path, dir: &Path, files: &mut Vec<String>) -> Result<(), FolderError> {
    let io = |source| FolderError::Io {
        path: dir.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let relative = path.strip_prefix(root).unwrap_or(&path);
        let parts: Vec<&str> = relative
            .iter()
            .map(|part| part.to_str().unwrap_or(""))
            .collect();
        if parts
            .iter()
            .any(|part| part.is_empty() || part.starts_with('.'))
        {
            continue;
        }
        if path.is_dir() {
            list(root, &path, files)?;
            continue;
        }
        let name = parts.join("/");
        if is_yaml(&name) || name.ends_with(".md") {
            files.push(name);
        }
        if files.len() > FILES {
            return Err(FolderError::Unfit {
                path: root.to_owned(),
                message: format!("more than {FILES} files: is it really a bot folder?"),
            });
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, FolderError> {
    let unfit = |message: String| FolderError::Unfit {
        path: path.to_owned(),
        message,
    };
    let io = |source| FolderError::Io {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > YAML_BYTES {
        return Err(unfit(format!(
            "{bytes} bytes, more than the {YAML_BYTES} a file may have; split it"
        )));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        unfit(format!("not UTF-8 text (byte {place})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_demo_is_whole() {
        let demo = BotFolder::demo();
        let paths: Vec<&str> = demo
            .sources
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert!(paths.contains(&"bot.yaml"), "{paths:?}");
        assert!(paths.is_sorted());
        assert!(
            demo.articles.len() >= 30,
            "{} articles",
            demo.articles.len()
        );
        assert_eq!(demo.findings, []);
    }

    #[test]
    fn what_is_no_bot_folder_is_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = BotFolder::open(Some(&folder.path().join("nowhere")));
        assert!(matches!(missing, Err(FolderError::Missing { .. })));
        let empty = BotFolder::open(Some(folder.path()));
        assert!(matches!(empty, Err(FolderError::NoBot { .. })));
        std::fs::write(folder.path().join("bot.yaml"), [0xff, 0xfe]).expect("written");
        let binary = BotFolder::open(Some(folder.path())).expect_err("not text");
        assert!(
            binary.to_string().contains("bot.yaml: not UTF-8"),
            "{binary}"
        );
    }

    #[test]
    fn files_are_found_below_and_hidden_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("bot.yaml", "schema: 1\n");
        write("flows/deep/er.yml", "module: x\n");
        write(".git/config.yaml", "not: ours\n");
        write("README.md", "not an article");
        write("knowledge/broken.md", "no front matter");
        let bot = BotFolder::open(Some(folder.path())).expect("read");
        let paths: Vec<_> = bot.sources.files.iter().map(|file| &file.path).collect();
        assert_eq!(paths, ["bot.yaml", "flows/deep/er.yml"]);
        assert_eq!(bot.articles, []);
        assert_eq!(bot.findings.len(), 1);
        assert!(!bot.is_demo);
    }
}
