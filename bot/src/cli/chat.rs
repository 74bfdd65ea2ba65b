//! `bellhop chat`: a conversation in the terminal. `/trace` shows why the last turn went as it did;
//! a line that starts with `/` otherwise is a payload, as a button would send it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::args::Chat;
use super::out::{line, warn};
use super::{compiled, mind, runtime};
use crate::actions::Actions;
use crate::app::{App, Options, Parts};
use crate::clock::Clock;
use crate::config::Config;
use crate::conversation::{Inbound, InboundBody, NewConversation, TurnTrace};
use crate::events::CustomerEvent;
use crate::store::StoreAddress;

/// Longest wait for an answer.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs it.
pub(super) fn run(config: &Config, args: &Chat) -> Result<ExitCode> {
    let (folder, bundle) = compiled(args.bot.as_deref())?;
    let mind = mind(config, &folder, &bundle, None)?;
    // Nothing of a trial in the terminal is kept.
    let actions = if args.live {
        Actions::live(std::collections::BTreeMap::new())
    } else {
        Actions::stub()
    };
    let parts = Parts {
        understand: mind.reader(),
        retrieve: mind.retriever(),
        source: mind.source(&folder),
        bundle,
        actions,
        clock: Clock::System,
        store: StoreAddress::Memory,
        options: Options::default(),
    };
    runtime()?.block_on(async {
        let app = App::start(parts).await?;
        let talked = talk(&app, args.language.clone()).await;
        app.shutdown().await;
        talked
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn talk(app: &App, language: Option<String>) -> Result<()> {
    let opened = app
        .open(NewConversation {
            channel: "shell".to_owned(),
            language,
            ..NewConversation::default()
        })
        .await?;
    show(&opened.events);
    warn("(/trace shows why a turn went as it did, /human calls a person, Ctrl-D ends)");
    let id = opened.conversation_id;
    let mut editor = DefaultEditor::new()?;
    let mut sent = 0;
    let mut said = String::new();
    loop {
        // The editor blocks its thread; nothing else needs this one meanwhile.
        let text = match tokio::task::block_in_place(|| editor.readline("> ")) {
            Ok(text) => text,
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let text = text.trim().to_owned();
        if text.is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(&text);
        if text == "/trace" {
            if let Some(trace) = app.trace(&id).await?.last() {
                print_trace(trace, &said);
            }
            continue;
        }
        sent += 1;
        said.clone_from(&text);
        let body = if text.starts_with('/') {
            InboundBody::Payload { payload: text }
        } else {
            InboundBody::Text { text }
        };
        let inbound = Inbound {
            client_msg_id: sent.to_string(),
            body,
        };
        let accepted = app.accept(&id, inbound).await?;
        let reply = app.reply(&id, accepted.seq, REPLY_TIMEOUT).await?;
        show(&reply.events);
        if reply.closed {
            return Ok(());
        }
    }
}

fn show(events: &[CustomerEvent]) {
    for event in events {
        match event {
            CustomerEvent::Message(message) => {
                line(&message.text);
                for button in &message.buttons {
                    line(&format!("  [{}] {}", button.payload, button.title));
                }
                for link in &message.links {
                    line(&format!("  {}: {}", link.title, link.url));
                }
                if let Some(source) = &message.source {
                    line(&format!("  source: {} [{}]", source.title, source.article));
                }
            }
            CustomerEvent::Position(_) => {}
            CustomerEvent::Handoff(news) => line(&format!(
                "  ({:?}{})",
                news.state,
                news.position
                    .map(|place| format!(", position {place}"))
                    .unwrap_or_default()
            )),
            CustomerEvent::Closed(closed) => line(&format!("  (closed: {})", closed.reason)),
            CustomerEvent::Typing(_) => {}
        }
    }
}

/// `said` is the message of the turn.
fn print_trace(trace: &TurnTrace, said: &str) {
    if let Some(reading) = &trace.reading {
        let intents: Vec<String> = reading
            .intents
            .iter()
            .take(3)
            .map(|(id, probability)| format!("{id} {probability:.2}"))
            .collect();
        line(&format!(
            "  read as: {}; none {:.2}; upset {:.2}; language {}",
            intents.join(", "),
            reading.none,
            reading.negative,
            reading.language
        ));
        for (what, places) in [
            ("upset by", &reading.reasons),
            ("swore", &reading.profanity),
        ] {
            let words = places.iter().filter_map(|at| said.get(at.start..at.end));
            let words: Vec<&str> = words.collect();
            if !words.is_empty() {
                line(&format!("  {what}: {}", words.join(", ")));
            }
        }
        for found in &reading.entities {
            line(&format!(
                "  found {}: {} ({:.2})",
                found.entity, found.value, found.confidence
            ));
        }
    }
    for entry in &trace.entries {
        line(&format!(
            "  {} {}: {} {}",
            entry.kind, entry.what, entry.verdict, entry.why
        ));
    }
    for call in &trace.calls {
        line(&format!(
            "  called {}: {} ({} µs)",
            call.action, call.result, call.micros
        ));
    }
    for search in &trace.searches {
        line(&format!(
            "  searched: {:?} ({} µs)",
            search.found, search.micros
        ));
    }
    let micros = &trace.micros;
    line(&format!(
        "  µs: nlu {}, retrieval {}, engine {}, actions {}, total {}",
        micros.nlu, micros.retrieval, micros.engine, micros.actions, micros.total
    ));
}
