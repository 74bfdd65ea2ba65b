//! `bellhop store backup`: a copy of the file while the server goes on.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::out::line;
use crate::config::Config;
use crate::store::{StoreAddress, backup};

/// `store backup`.
#[derive(Debug, clap::Args)]
pub(super) struct StoreBackup {
    /// File to write; it must not be there.
    file: PathBuf,
    /// The store; that of the settings where none is given.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

/// Runs it.
pub(super) fn run(mut config: Config, args: StoreBackup) -> Result<ExitCode> {
    config.store = args.store.or(config.store);
    match config.store_address().map_err(anyhow::Error::msg)? {
        StoreAddress::Sqlite(path) => {
            let made = backup(&path, &args.file)?;
            line(&format!(
                "{}: {} partitions, {} log entries, {} bytes; checked",
                args.file.display(),
                made.partitions,
                made.entries,
                made.bytes
            ));
            Ok(ExitCode::SUCCESS)
        }
        other => bail!(
            "{other} is backed up by what Redis has for it: the append-only file and replicas, or a snapshot (BGSAVE); with the \
             servers stopped, `bellhop store copy REDIS sqlite:{}` makes a file of it",
            args.file.display()
        ),
    }
}
