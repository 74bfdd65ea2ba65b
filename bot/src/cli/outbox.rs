//! `bellhop outbox`: what was given up is listed, sent again or thrown away, beside a server or without one.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use super::count;
use super::out::{line, warn};
use super::visiting::{Place, with};
use crate::audit::By;
use crate::auditor::Auditor;
use crate::clock::Clock;
use crate::config::Config;
use crate::outbox::{Fate, Letter, Selection, Unsent, deed, find, settle};
use crate::store::{Access, Store, Whose};

/// `outbox`.
#[derive(Debug, Subcommand)]
pub(super) enum Outbox {
    /// Lists what was given up, the latest first, and how much waits. Never what it says.
    List(List),
    /// Sends again what was given up, after what waits for its destination already.
    Replay(Settle),
    /// Throws away what was given up.
    Drop {
        #[command(flatten)]
        settle: Settle,
        /// More than one is meant to be thrown away.
        #[arg(long)]
        yes: bool,
    },
}

/// Which letters.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only what was to go there: status, channel/ACCOUNT.
    #[arg(long, value_name = "DESTINATION")]
    destination: Option<String>,
    /// Only what was given up at this time or later, such as 2026-11-30T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only what was given up before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// `outbox list`.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    filter: Filter,
    /// Most letters that are listed.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// `outbox replay`, `outbox drop`.
#[derive(Debug, clap::Args)]
pub(super) struct Settle {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    filter: Filter,
    /// Ids, as `outbox list` tells them.
    ids: Vec<String>,
    /// Everything that was given up.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl Filter {
    fn selection(self, ids: Vec<String>, all: bool) -> Selection {
        Selection {
            ids,
            destination: self.destination,
            since: self.since,
            until: self.until,
            all,
        }
    }
}

/// Runs it.
pub(super) fn run(config: Config, command: Outbox) -> Result<ExitCode> {
    match command {
        Outbox::List(List {
            place,
            filter,
            limit,
        }) => with(config, place, Access::Read, async move |store, json| {
            list(store, &filter.selection(Vec::new(), true), limit, json).await
        }),
        Outbox::Replay(it) => change(config, it, Fate::Replay, true),
        Outbox::Drop { settle, yes } => change(config, settle, Fate::Drop, yes),
    }
}

async fn list(store: &Store, meant: &Selection, limit: usize, json: bool) -> Result<()> {
    let letters = find(store, meant).await?;
    let more = letters.len().saturating_sub(limit);
    let letters: Vec<Letter> = letters.iter().take(limit).map(Letter::of).collect();
    let unsent = store.backlog(Whose::All).await?;
    let unsent: Vec<Unsent> = unsent.into_iter().map(Unsent::from).collect();
    if json {
        line(&json!({ "letters": letters, "more": more, "unsent": unsent }).to_string());
        return Ok(());
    }
    for letter in &letters {
        line(&format!(
            "{}\n    put in {}, given up {} after {}: {}",
            letter.id,
            letter.put_in,
            letter.given_up,
            count(letter.attempts as usize, "attempt"),
            letter.why
        ));
    }
    if more > 0 {
        warn(&format!("{more} more; --limit shows them"));
    }
    for Unsent {
        destination,
        waiting,
        oldest,
        given_up,
    } in &unsent
    {
        let mut told = format!("{destination}: {waiting} waiting");
        if let Some(oldest) = oldest {
            let _ = write!(told, " (the oldest since {oldest})");
        }
        line(&format!("{told}, {given_up} given up"));
    }
    if unsent.is_empty() {
        line("everything was sent");
    }
    Ok(())
}

fn change(config: Config, what: Settle, fate: Fate, yes: bool) -> Result<ExitCode> {
    let meant = what.filter.selection(what.ids, what.all);
    ensure!(
        meant.is_meant(),
        "say which: ids (`bellhop outbox list` tells them), --destination, --since, --until, or --all"
    );
    with(
        config,
        what.place,
        Access::Write,
        async move |store, json| {
            let letters = find(store, &meant).await?;
            ensure!(
                yes || letters.len() < 2,
                "this would throw away {}; add --yes where that is meant",
                count(letters.len(), "letter")
            );
            let auditor = Auditor::new(store.clone(), Clock::System);
            auditor.write(&deed(By::Command, &letters, fate)).await?;
            let done = settle(store, letters, fate, Clock::System.now()).await?;
            let done_what = match fate {
                Fate::Replay => "put back to be sent",
                Fate::Drop => "thrown away",
            };
            if json {
                line(&json!({ "letters": done }).to_string());
            } else {
                line(&format!("{} {done_what}", count(done, "letter")));
            }
            Ok(())
        },
    )
}
