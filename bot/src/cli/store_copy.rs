//! `bellhop store copy`: everything of one store into another, of the same kind or of another.

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use super::count;
use super::out::{line, warn};
use crate::partition::PartitionId;
use crate::store::{Access, Store, StoreAddress, users};

/// Partitions whose names are read at once.
const PAGE: usize = 500;
/// Partitions after which a line tells how far it is.
const TOLD: usize = 10_000;

/// `store copy`.
#[derive(Debug, clap::Args)]
pub(super) struct StoreCopy {
    /// The store that is copied: sqlite:PATH or redis://HOST:PORT.
    from: String,
    /// The store that it is copied to; it must be empty.
    to: String,
    /// Go on with a copy that broke off.
    #[arg(long)]
    resume: bool,
}

/// Runs it.
pub(super) fn run(args: &StoreCopy) -> Result<ExitCode> {
    let address = |text: &str| text.parse::<StoreAddress>().map_err(anyhow::Error::msg);
    let (from, to) = (address(&args.from)?, address(&args.to)?);
    super::runtime()?.block_on(async {
        for (place, what) in [(&from, "changes"), (&to, "fills")] {
            let busy = users(place).await?;
            ensure!(
                busy.is_empty(),
                "{place} is in use ({}), and a server {what} it while it is copied; stop every server on it first",
                busy.join(", ")
            );
        }
        let source = Store::visit(&from, Access::Read).await?;
        let target = Store::visit(&to, Access::Create).await?;
        let copied = copy(&source, &target, args.resume).await;
        source.close().await;
        target.close().await;
        let copied = copied.with_context(|| format!("{from} to {to}"))?;
        let before = match copied.before {
            0 => String::new(),
            before => format!(" ({before} of them were there)"),
        };
        line(&format!(
            "{}{before}, {} and {} copied and compared",
            count(copied.partitions, "partition"),
            count(copied.entries, "log entry").replace("entrys", "entries"),
            count(copied.outbound, "outbox entry").replace("entrys", "entries"),
        ));
        Ok(ExitCode::SUCCESS)
    })
}

/// What was copied.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) partitions: usize,
    /// Of these, those that a copy before had brought over.
    pub(super) before: usize,
    pub(super) entries: usize,
    pub(super) outbound: usize,
}

/// Copies all partitions and compares each with what was written of it.
///
/// # Errors
/// A store that is away, one that is not empty (unless this goes on with a copy), one partition that is in both and not the
/// same, or one that came out otherwise than it went in.
pub(super) async fn copy(from: &Store, to: &Store, resume: bool) -> Result<Copied> {
    let is_empty = to.partitions("", 1).await?.is_empty();
    ensure!(
        is_empty || resume,
        "the store to copy to is not empty; name an empty one, or go on with a copy that broke off with --resume"
    );
    let mut copied = Copied::default();
    let mut after = String::new();
    loop {
        let page = from.partitions(&after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(copied);
        };
        last.as_str().clone_into(&mut after);
        for partition in &page {
            one(from, to, partition, &mut copied).await?;
            if copied.partitions.is_multiple_of(TOLD) {
                warn(&format!("{} so far", count(copied.partitions, "partition")));
            }
        }
    }
}

async fn one(from: &Store, to: &Store, partition: &PartitionId, copied: &mut Copied) -> Result<()> {
    let export = from.export(partition).await?;
    let export = export.with_context(|| {
        format!("`{partition}` was taken away meanwhile; is a server at work on the store?")
    })?;
    let is_new = to.import(export.clone()).await?;
    let came = to.export(partition).await?;
    if came.as_ref() != Some(&export) {
        if is_new {
            bail!(
                "`{partition}` came out otherwise than it went in; look at the first store with `bellhop store check`"
            );
        }
        bail!(
            "`{partition}` is in both stores and not the same: one of them was used since the copy was begun; empty the second and begin anew"
        );
    }
    copied.partitions += 1;
    copied.before += usize::from(!is_new);
    copied.entries += export.log.len();
    let waiting = export.lanes.values().map(|lane| lane.waiting.len());
    copied.outbound += waiting.sum::<usize>() + export.dead.len();
    Ok(())
}
