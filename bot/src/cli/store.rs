//! `bellhop store`: looks after a store.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::store_backup::StoreBackup;
use super::store_check::StoreCheck;
use super::store_copy::StoreCopy;
use super::{store_backup, store_check, store_copy};
use crate::config::Config;

/// `store`.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Looks for damage; exits 1 where there is any. Changes nothing; a server may run.
    Check(StoreCheck),
    /// Copies a store into an empty one: a file to Redis, Redis to a file. No server may run.
    Copy(StoreCopy),
    /// Copies the store's file while the server runs.
    Backup(StoreBackup),
}

/// Runs it.
pub(super) fn run(config: Config, command: StoreCommand) -> Result<ExitCode> {
    match command {
        StoreCommand::Check(args) => store_check::run(config, args),
        StoreCommand::Copy(args) => store_copy::run(&args),
        StoreCommand::Backup(args) => store_backup::run(config, args),
    }
}
