//! `bellhop messages`: real messages through the whole bot, counted by where they end. Each is the
//! first message of its own conversation.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use bellhop_flows::bundle::Bundle;
use bellhop_flows::engine::effect::Effect;
use bellhop_flows::engine::event::{Event, EventKind, Input};
use bellhop_flows::engine::state::State;
use bellhop_flows::engine::step;
use bellhop_flows::testing::{World, start};
use serde::Deserialize;

use super::args::Messages;
use super::out::line;
use super::world::RealWorld;
use super::{compiled, mind};
use crate::config::Config;

/// Steps that one message may take; more is a loop.
const EVENTS: usize = 8;

/// A line of a messages file.
#[derive(Debug, Deserialize)]
struct Labelled {
    text: String,
    label: String,
}

/// A line of the table.
#[derive(Debug, Deserialize)]
struct Row {
    label: String,
    right: String,
}

/// Where a message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// A flow began, an article answered or a trigger fired: `flow:ID`, `article:ID`, `trigger:NAME`.
    Served(String),
    /// The bot said that it does not know, asked again or offered choices.
    Refused,
    /// A person was called for.
    HandedOver(String),
}

/// Counts of one file.
#[derive(Debug, Default)]
struct Tally {
    right: usize,
    wrong: usize,
    refused: usize,
    handed_over: usize,
}

impl Tally {
    fn total(&self) -> usize {
        self.right + self.wrong + self.refused + self.handed_over
    }

    fn say(&self, number: usize) -> String {
        let share = 100.0 * number as f64 / self.total().max(1) as f64;
        format!("{number} ({share:.1} %)")
    }
}

/// Runs it.
pub(super) fn run(config: &Config, args: &Messages) -> Result<ExitCode> {
    let (folder, bundle) = compiled(Some(&args.bot))?;
    let mind = mind(config, &folder, &bundle, None)?;
    let mut world = RealWorld::new(&mind);
    let table: BTreeMap<String, Vec<String>> = read::<Row>(&args.table)?
        .into_iter()
        .map(|row| (row.label, row.right.split('|').map(str::to_owned).collect()))
        .collect();
    let mut known = Tally::default();
    let mut by_label: BTreeMap<String, Tally> = BTreeMap::new();
    for message in read::<Labelled>(&args.messages)? {
        let Some(right) = table.get(&message.label) else {
            continue;
        };
        let end = serve(&bundle, &message.text, &mut world);
        let is_right = match &end {
            End::Served(place) | End::HandedOver(place) => right.contains(place),
            End::Refused => false,
        };
        for tally in [
            &mut known,
            by_label.entry(message.label.clone()).or_default(),
        ] {
            match &end {
                _ if is_right => tally.right += 1,
                End::Served(_) => tally.wrong += 1,
                End::Refused => tally.refused += 1,
                End::HandedOver(_) => tally.handed_over += 1,
            }
        }
        if args.wrong && !is_right {
            line(&format!("{}: {:?}: {}", message.label, end, message.text));
        }
    }
    for (label, tally) in &by_label {
        line(&format!(
            "{label:<28} {:>3} right of {:>3}, {} elsewhere, {} refused, {} to a person",
            tally.right,
            tally.total(),
            tally.wrong,
            tally.refused,
            tally.handed_over
        ));
    }
    line(&format!(
        "in scope: {} messages; right {}, wrong {}, refused {}, to a person {}",
        known.total(),
        known.say(known.right),
        known.say(known.wrong),
        known.say(known.refused),
        known.say(known.handed_over)
    ));
    if let Some(path) = &args.out_of_scope {
        out_of_scope(&bundle, path, &mut world, args.wrong)?;
    }
    if let Some(problem) = world.problems.first() {
        anyhow::bail!("{problem}");
    }
    Ok(ExitCode::SUCCESS)
}

fn out_of_scope(bundle: &Bundle, path: &Path, world: &mut RealWorld, show: bool) -> Result<()> {
    let mut tally = Tally::default();
    for message in read::<Labelled>(path)? {
        let end = serve(bundle, &message.text, world);
        match &end {
            End::Served(_) => tally.wrong += 1,
            End::Refused => tally.refused += 1,
            End::HandedOver(_) => tally.handed_over += 1,
        }
        if show && matches!(end, End::Served(_)) {
            line(&format!("out of scope: {:?}: {}", end, message.text));
        }
    }
    line(&format!(
        "out of scope: {} messages; refused {}, to a person {}, answered wrongly {}",
        tally.total(),
        tally.say(tally.refused),
        tally.say(tally.handed_over),
        tally.say(tally.wrong)
    ));
    Ok(())
}

/// Sends one message into a new conversation and sees where it ends.
fn serve(bundle: &Bundle, text: &str, world: &mut RealWorld) -> End {
    let mut state = State::default();
    let opened = EventKind::Opened {
        channel: "web".to_owned(),
        language: None,
        customer: BTreeMap::new(),
    };
    let ran = |state: &mut State, kind| step(bundle, state, &Event { at: start(), kind });
    ran(&mut state, opened);
    let reading = world.read(text, &state.language, None);
    let language = reading.language.clone();
    let mut next = Some(EventKind::Heard {
        input: Input {
            text: text.to_owned(),
            ..Input::default()
        },
        reading: Some(reading),
    });
    let mut flow = None;
    for _ in 0..EVENTS {
        let Some(kind) = next.take() else { break };
        let step = ran(&mut state, kind);
        flow = flow.or_else(|| {
            let began = |entry: &&bellhop_flows::engine::TraceEntry| entry.kind == "step";
            let entry = step.trace.entries.iter().find(began)?;
            entry.what.split(':').next().map(str::to_owned)
        });
        for effect in step.effects {
            match effect {
                Effect::Handoff(request) => {
                    // A handoff that a flow's step asked for is that flow's service.
                    return match flow {
                        Some(flow) => End::Served(format!("flow:{flow}")),
                        None => End::HandedOver(format!("trigger:{}", request.trigger)),
                    };
                }
                Effect::Say(message) => {
                    if let Some(source) = message.source {
                        return End::Served(format!("article:{}", source.article));
                    }
                }
                Effect::Search {
                    key,
                    query,
                    article,
                    ..
                } => {
                    next = Some(EventKind::Found {
                        key,
                        passages: world.search(&query, &language, article.as_deref()),
                    });
                }
                _ => {}
            }
        }
    }
    match flow {
        Some(flow) => End::Served(format!("flow:{flow}")),
        None => End::Refused,
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let rows: std::result::Result<Vec<T>, _> = reader.deserialize().collect();
    rows.with_context(|| path.display().to_string())
}
