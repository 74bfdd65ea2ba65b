//! A customer who talks to the small bank.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

pub(super) use super::bank::bank;
use crate::bundle::Bundle;
use crate::engine::effect::{ActionCall, Effect, HandoffRequest, Listen, Message};
use crate::engine::event::{Event, EventKind, Found, Input, Outcome, Passage, Reading};
use crate::engine::state::State;
use crate::engine::{Step as Result, step};

/// A reading with one intent.
pub(super) fn about(intent: &str, p: f64) -> Reading {
    Reading {
        language: "en".to_owned(),
        intents: vec![(intent.to_owned(), p)],
        none: 1.0 - p,
        ..Reading::default()
    }
}

/// An entity that stands in `text`.
pub(super) fn found(text: &str, part: &str, kind: &str, value: Json) -> Found {
    let start = text.find(part).expect("the part stands in the text");
    Found {
        entity: kind.to_owned(),
        value,
        start,
        end: start + part.len(),
        confidence: 0.9,
        polarity: Default::default(),
    }
}

/// A conversation with the bank.
pub(super) struct Talk {
    pub(super) bundle: Bundle,
    pub(super) state: State,
    pub(super) last: Result,
    seconds: i64,
    calls: Vec<ActionCall>,
}

impl Talk {
    pub(super) fn open() -> Self {
        Self::with(bank(), &[])
    }

    pub(super) fn with(bundle: Bundle, customer: &[(&str, &str)]) -> Self {
        let mut talk = Self {
            bundle,
            state: State::default(),
            last: Result::default(),
            seconds: 1_700_000_000,
            calls: Vec::new(),
        };
        let customer = customer
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        talk.event(EventKind::Opened {
            channel: "web".to_owned(),
            language: None,
            customer,
        });
        talk
    }

    pub(super) fn event(&mut self, kind: EventKind) -> &mut Self {
        self.seconds += 1;
        let at = Timestamp::from_second(self.seconds).expect("a time");
        self.last = step(&self.bundle, &mut self.state, &Event { at, kind });
        let calls = self.last.effects.iter().filter_map(|effect| match effect {
            Effect::Call(call) => Some(call.clone()),
            _ => None,
        });
        self.calls.extend(calls);
        self
    }

    pub(super) fn later(&mut self, seconds: i64) {
        self.seconds += seconds;
    }

    pub(super) fn hears(&mut self, text: &str, reading: Reading) -> &mut Self {
        self.event(EventKind::Heard {
            input: Input {
                text: text.to_owned(),
                ..Input::default()
            },
            reading: Some(reading),
        })
    }

    /// A message that means nothing to the model.
    pub(super) fn types(&mut self, text: &str) -> &mut Self {
        self.hears(text, about("balance", 0.05))
    }

    pub(super) fn press(&mut self, payload: &str) -> &mut Self {
        self.event(EventKind::Heard {
            input: Input {
                payload: Some(payload.to_owned()),
                ..Input::default()
            },
            reading: None,
        })
    }

    pub(super) fn keys(&mut self, keys: &str) -> &mut Self {
        self.event(EventKind::Heard {
            input: Input {
                keys: Some(keys.to_owned()),
                ..Input::default()
            },
            reading: None,
        })
    }

    pub(super) fn acts(&mut self, outcome: Outcome) -> &mut Self {
        let call = self.calls.pop().expect("an action is under way");
        self.event(EventKind::ActionDone {
            key: call.key,
            outcome,
        })
    }

    pub(super) fn answers(&mut self, body: Json) -> &mut Self {
        self.acts(Outcome::Answered { body })
    }

    pub(super) fn finds(&mut self, confidence: f64) -> &mut Self {
        let key = self
            .last
            .effects
            .iter()
            .find_map(|effect| match effect {
                Effect::Search { key, .. } => Some(key.clone()),
                _ => None,
            })
            .expect("a search is under way");
        self.event(EventKind::Found {
            key,
            passages: vec![Passage {
                article: "fees".to_owned(),
                title: "Our fees".to_owned(),
                section: None,
                text: "It is free.".to_owned(),
                url: None,
                confidence,
            }],
        })
    }

    pub(super) fn messages(&self) -> Vec<&Message> {
        let all = self.last.effects.iter();
        all.filter_map(|effect| match effect {
            Effect::Say(message) => Some(message),
            _ => None,
        })
        .collect()
    }

    pub(super) fn said(&self) -> Vec<&str> {
        self.messages()
            .iter()
            .map(|message| message.name.as_str())
            .collect()
    }

    pub(super) fn listens(&self) -> Option<&Listen> {
        self.last.effects.iter().find_map(|effect| match effect {
            Effect::Listen(listen) => Some(listen),
            _ => None,
        })
    }

    pub(super) fn handoff(&self) -> Option<&HandoffRequest> {
        self.last.effects.iter().find_map(|effect| match effect {
            Effect::Handoff(request) => Some(request),
            _ => None,
        })
    }

    pub(super) fn did(&self) -> Vec<&str> {
        let all = self.last.effects.iter();
        all.filter_map(|effect| match effect {
            Effect::Call(call) => Some(call.action.as_str()),
            _ => None,
        })
        .collect()
    }

    pub(super) fn traced(&self, kind: &str, verdict: &str) -> Vec<&str> {
        let entries = self.last.trace.entries.iter();
        entries
            .filter(|entry| entry.kind == kind && entry.verdict == verdict)
            .map(|entry| entry.what.as_str())
            .collect()
    }

    pub(super) fn slot(&self, id: &str) -> Option<Json> {
        self.state.slot(id).map(|filled| filled.value.to_json())
    }

    /// The block flow up to its confirm.
    pub(super) fn reaches_confirm(&mut self) -> &mut Self {
        let text = "my card 4281 was stolen";
        let mut reading = about("lost_card", 0.9);
        reading.entities = vec![
            found(text, "4281", "last4", json!("4281")),
            found(text, "4281", "number", json!("4281")),
            found(text, "stolen", "loss", json!("stolen")),
        ];
        self.hears(text, reading);
        self.answers(json!({"status": "active"}))
    }
}
