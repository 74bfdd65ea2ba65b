//! What commands share that work on a store beside its servers.

use std::process::ExitCode;

use anyhow::Result;

use crate::config::Config;
use crate::store::{Access, Store};

/// The store.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The store; that of the settings where none is given.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Does something with the store that is meant.
pub(super) fn with(
    mut config: Config,
    place: Place,
    access: Access,
    act: impl AsyncFnOnce(&Store, bool) -> Result<()>,
) -> Result<ExitCode> {
    config.store = place.store.or(config.store);
    let address = config.store_address().map_err(anyhow::Error::msg)?;
    super::runtime()?.block_on(async {
        let store = Store::visit(&address, access).await?;
        let done = act(&store, place.json).await;
        store.close().await;
        done
    })?;
    Ok(ExitCode::SUCCESS)
}
