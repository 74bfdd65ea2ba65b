//! `bellhop store check`: what is wrong with a store. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bellhop_flows::bundle::Bundle;
use serde_json::json;

use super::count;
use super::out::{line, warn};
use crate::bots::KeptFlows;
use crate::config::Config;
use crate::inspect::{Expected, disagreeing, expected, judge};
use crate::partition::PartitionId;
use crate::store::{Access, Damage, Store, StoreError};

/// Partitions whose names are read at once.
const PAGE: usize = 500;
/// Times that something is looked at again before it is told: a server may be at work on it.
const LOOKS: usize = 3;
/// Pause before that.
const PAUSE: Duration = Duration::from_millis(200);

/// `store check`.
#[derive(Debug, clap::Args)]
pub(super) struct StoreCheck {
    /// The store; that of the settings where none is given.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// The bot of what was said before the store kept which one it was: its states are made again from the log with it. Those of
    /// later conversations are always, with the flows that the store keeps.
    #[arg(long, value_name = "BOT")]
    bot: Option<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(mut config: Config, args: StoreCheck) -> Result<ExitCode> {
    config.store = args.store.or(config.store);
    let address = config.store_address().map_err(anyhow::Error::msg)?;
    let bot = match &args.bot {
        Some(bot) => Some(super::compiled(Some(bot))?.1),
        None => None,
    };
    let report = super::runtime()?.block_on(async {
        let store = Store::visit(&address, Access::Read).await?;
        let report = check(&store, bot).await;
        store.close().await;
        anyhow::Ok(report)
    })?;
    if args.json {
        let findings = report
            .found
            .iter()
            .map(|it| json!({ "partition": it.place, "what": it.what, "what_to_do": it.todo }));
        let findings: Vec<_> = findings.collect();
        line(&json!({ "partitions": report.partitions, "findings": findings }).to_string());
    } else {
        for Damage { place, what, todo } in &report.found {
            line(&format!("{place}: {what}; {todo}"));
        }
        warn(&format!(
            "{address}: {}, {}",
            count(report.partitions, "partition"),
            count(report.found.len(), "finding")
        ));
    }
    Ok(match report.found.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What was looked at and found.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) partitions: usize,
    pub(super) found: BTreeSet<Damage>,
}

/// Checks a whole store.
pub(super) async fn check(store: &Store, older: Option<Arc<Bundle>>) -> Report {
    let mut report = Report::default();
    let flows = match KeptFlows::read(store, older).await {
        Ok(flows) => flows,
        Err(error) => {
            report
                .found
                .insert(unreadable("the bots' versions", &error));
            KeptFlows::default()
        }
    };
    match store.verify().await {
        Ok(found) => report.found.extend(found),
        Err(error) => {
            report.found.insert(unreadable("the store", &error));
        }
    }
    let mut conversations = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = match store.partitions(&after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                report
                    .found
                    .insert(unreadable("the list of partitions", &error));
                break;
            }
        };
        let Some(last) = page.last() else {
            break;
        };
        last.as_str().clone_into(&mut after);
        report.partitions += page.len();
        for partition in &page {
            look(store, partition, &flows, &mut report, &mut conversations).await;
        }
    }
    report.found.extend(tickets(store, conversations).await);
    report
}

fn unreadable(place: &str, error: &StoreError) -> Damage {
    Damage {
        place: place.to_owned(),
        what: format!("it can't be read: {error}"),
        todo: "bring it back from a backup".to_owned(),
    }
}

/// Looks at one partition; what is wrong with it only in passing is not told.
async fn look(
    store: &Store,
    partition: &PartitionId,
    flows: &KeptFlows,
    report: &mut Report,
    conversations: &mut BTreeMap<PartitionId, Expected>,
) {
    let mut lasting: Option<BTreeSet<Damage>> = None;
    for looked in 0..LOOKS {
        if looked > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let now: BTreeSet<Damage> = match store.export(partition).await {
            Ok(Some(export)) => {
                if let Some(expected) = partition.as_conversation().and_then(|_| expected(&export))
                {
                    conversations.insert(partition.clone(), expected);
                }
                judge(&export, flows).into_iter().collect()
            }
            // Taken away meanwhile.
            Ok(None) => BTreeSet::new(),
            Err(error) => BTreeSet::from([unreadable(partition.as_str(), &error)]),
        };
        let still = match lasting {
            Some(before) => before.intersection(&now).cloned().collect(),
            None => now,
        };
        lasting = Some(still);
        if lasting.as_ref().is_some_and(BTreeSet::is_empty) {
            return;
        }
    }
    report.found.extend(lasting.unwrap_or_default());
}

/// Compares the queue with what the conversations say, which is the truth.
async fn tickets(store: &Store, mut conversations: BTreeMap<PartitionId, Expected>) -> Vec<Damage> {
    let mut lasting: Option<BTreeSet<PartitionId>> = None;
    for looked in 0..LOOKS {
        if looked > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let queue = match store.snapshot(&PartitionId::queue(), &["*"]).await {
            Ok(queue) => queue,
            Err(error) => return vec![unreadable("queue:default", &error)],
        };
        let mut wrong = disagreeing(&conversations, queue.as_ref());
        // Read after the queue: a conversation that told it something since is not wrong.
        for partition in wrong.clone() {
            match store.export(&partition).await {
                Ok(None) => drop(conversations.remove(&partition)),
                // One that can't be read is told as that.
                read => {
                    let known = read.ok().flatten().and_then(|export| expected(&export));
                    let unknown = Expected {
                        ticket: None,
                        is_on_its_way: true,
                    };
                    conversations.insert(partition, known.unwrap_or(unknown));
                }
            }
        }
        let now = disagreeing(&conversations, queue.as_ref());
        wrong.retain(|partition| now.contains(partition));
        let still = match lasting {
            Some(before) => before.intersection(&wrong).cloned().collect(),
            None => wrong,
        };
        lasting = Some(still);
        if lasting.as_ref().is_some_and(BTreeSet::is_empty) {
            break;
        }
    }
    let wrong = lasting.unwrap_or_default().into_iter();
    wrong
        .map(|partition| Damage {
            place: partition.to_string(),
            what: match conversations.get(&partition) {
                None => "the queue has a ticket of it, and there is no such conversation",
                Some(Expected {
                    ticket: Some(_), ..
                }) => "its handoff is open, and its ticket in the queue says something else or is missing",
                Some(_) => "the queue has a ticket of it, and no handoff of it is open",
            }
            .to_owned(),
            todo: "with the next act at the desk in it the ticket is made again; report this".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
