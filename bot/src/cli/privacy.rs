//! `bellhop privacy`: what is kept of a customer is told or erased, beside a server or without one.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Subcommand;
use sha2::{Digest, Sha256};

use super::count;
use super::out::{line, warn};
use crate::audit::{Act, By, Deed};
use crate::auditor::Auditor;
use crate::clock::Clock;
use crate::config::Config;
use crate::privacy::{Erasure, conversations_of, erase, export};
use crate::store::{Access, Store};

/// `privacy`.
#[derive(Debug, Subcommand)]
pub(super) enum Privacy {
    /// Prints everything that is kept of a customer, a line of JSON for each conversation.
    Export(Who),
    /// Removes every conversation of a customer, open ones too.
    Erase {
        #[command(flatten)]
        who: Who,
        /// It is meant: without it the command only says what it would remove.
        #[arg(long)]
        yes: bool,
    },
}

/// Whose, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Who {
    /// Their id, or the address that they write from.
    #[arg(long, value_name = "ID")]
    customer: String,
    /// It may also be another value that is theirs alone, such as a customer number that a flow asked for. Look at what is found: others
    /// may have named it.
    #[arg(long)]
    collected: bool,
    /// The store; that of the settings where none is given.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
}

/// Runs it.
pub(super) fn run(config: Config, command: Privacy) -> Result<ExitCode> {
    match command {
        Privacy::Export(who) => with(config, who, Access::Write, async |store, whose| {
            note(store, Act::PrivacyExport, whose.0).await?;
            for partition in conversations_of(store, whose.0, whose.1).await? {
                if let Some(kept) = export(store, &partition).await? {
                    line(&serde_json::to_string(&kept)?);
                }
            }
            Ok(ExitCode::SUCCESS)
        }),
        Privacy::Erase { who, yes: false } => {
            with(config, who, Access::Read, async |store, whose| {
                let found = conversations_of(store, whose.0, whose.1).await?;
                for partition in &found {
                    line(partition.as_str());
                }
                let found = count(found.len(), "conversation");
                warn(&format!(
                    "{found} would be removed; add --yes where that is meant"
                ));
                Ok(ExitCode::SUCCESS)
            })
        }
        Privacy::Erase { who, yes: true } => with(config, who, Access::Write, remove),
    }
}

async fn remove(store: &Store, whose: (&str, bool)) -> Result<ExitCode> {
    note(store, Act::PrivacyErase, whose.0).await?;
    let (mut erased, mut busy) = (0, 0);
    for partition in conversations_of(store, whose.0, whose.1).await? {
        match erase(store, &partition, Clock::System.now()).await? {
            Erasure::Erased => erased += 1,
            Erasure::Busy => {
                busy += 1;
                warn(&format!(
                    "{partition}: something of it is being worked through or sent"
                ));
            }
        }
    }
    line(&format!("{} erased", count(erased, "conversation")));
    if busy == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    warn(&format!(
        "{} left; run this command again, and where that does not help, look at `bellhop outbox list`",
        count(busy, "conversation")
    ));
    Ok(ExitCode::FAILURE)
}

/// Writes into the audit log whose data are about to be told or erased: by a hash, so that the log itself does not keep who it was, and
/// can be asked whether it was somebody.
async fn note(store: &Store, act: Act, customer: &str) -> Result<()> {
    let whose = hex::encode(Sha256::digest(customer));
    let auditor = Auditor::new(store.clone(), Clock::System);
    let deed = Deed::new(By::Command, act).on(&whose);
    Ok(auditor.write(&deed).await?)
}

/// Does something with the store that is meant.
fn with(
    mut config: Config,
    who: Who,
    access: Access,
    act: impl AsyncFnOnce(&Store, (&str, bool)) -> Result<ExitCode>,
) -> Result<ExitCode> {
    let customer = who.customer.trim();
    ensure!(
        !customer.is_empty(),
        "--customer is empty: say whose conversations"
    );
    config.store = who.store.or(config.store);
    let address = config.store_address().map_err(anyhow::Error::msg)?;
    super::runtime()?.block_on(async {
        let store = Store::visit(&address, access).await?;
        let done = act(&store, (customer, who.collected)).await;
        store.close().await;
        done
    })
}
