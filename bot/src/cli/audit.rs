//! `bellhop audit`: who did what is checked and exported, beside a server or without one.

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::count;
use super::out::line;
use super::visiting::{Place, with};
use crate::audit::{Act, By, Deed, Link};
use crate::auditor::Auditor;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Access, Store};

/// `audit`.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Follows the chain; exits 1 where an entry was changed, taken out or put in, and says where.
    Verify {
        #[command(flatten)]
        place: Place,
        /// An entry as `verify` told it before, noted outside of the store: SEQ:HASH. What was made anew from there on is found too.
        #[arg(long, value_name = "SEQ:HASH")]
        known: Vec<Noted>,
    },
    /// Prints all entries as lines of JSON, the oldest first. The export is an entry itself.
    Export {
        #[command(flatten)]
        place: Place,
    },
}

/// An entry that somebody noted.
#[derive(Debug, Clone)]
pub(super) struct Noted(Link);

impl FromStr for Noted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no SEQ:HASH as `bellhop audit verify` tells it");
        let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().map_err(|_| wrong())?;
        let hash = hash.to_ascii_lowercase();
        match hash.len() == 64 {
            true => Ok(Self(Link { seq, hash })),
            false => Err(wrong()),
        }
    }
}

/// Runs it.
pub(super) fn run(config: Config, command: Audit) -> Result<ExitCode> {
    match command {
        Audit::Verify { place, known } => {
            let known: Vec<Link> = known.into_iter().map(|noted| noted.0).collect();
            let mut holds = true;
            with(config, place, Access::Read, async |store, json| {
                holds = verify(store, &known, json).await?;
                Ok(())
            })?;
            Ok(if holds {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Audit::Export { place } => with(config, place, Access::Write, export),
    }
}

/// Whether the chain holds.
async fn verify(store: &Store, known: &[Link], json: bool) -> Result<bool> {
    let verified = auditor(store).verify(known).await?;
    let (found, last) = (&verified.found, &verified.last);
    let holds = found.is_empty();
    if json {
        let told = json!({ "entries": verified.entries, "last": last, "found": found });
        line(&told.to_string());
        return Ok(holds);
    }
    for what in found {
        line(what);
    }
    let entries = match verified.entries {
        1 => "1 entry".to_owned(),
        many => format!("{many} entries"),
    };
    line(&format!(
        "{entries}, {}; the last is {}:{}",
        count(found.len(), "finding"),
        last.seq,
        last.hash
    ));
    Ok(holds)
}

async fn export(store: &Store, _: bool) -> Result<()> {
    let auditor = auditor(store);
    auditor
        .write(&Deed::new(By::Command, Act::AuditExport))
        .await?;
    auditor
        .export(|hash, entry| {
            let body = String::from_utf8_lossy(&entry.body);
            line(&format!("{{\"hash\":\"{hash}\",\"entry\":{body}}}"));
        })
        .await?;
    Ok(())
}

fn auditor(store: &Store) -> Auditor {
    Auditor::new(store.clone(), Clock::System)
}
