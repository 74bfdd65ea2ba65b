//! What a turn has shown, and whether it is what the test expects.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::bundle::{Bundle, Id};
use crate::engine::effect::{Effect, HandoffRequest, Listen, Message};
use crate::engine::state::State;
use crate::engine::{Step, TraceEntry};
use crate::value::{Type, Value};

/// What a turn has shown.
#[derive(Debug, Default)]
pub(super) struct Seen {
    said: Vec<Message>,
    called: Vec<Id>,
    ended: Vec<(Id, String)>,
    handoff: Option<HandoffRequest>,
    listen: Option<Listen>,
    trace: Vec<TraceEntry>,
    /// Slots as they were at any moment of the turn, the last value winning: a flow that ends takes
    /// its slots with it.
    slots: BTreeMap<Id, Value>,
    /// Slots as they are at the end.
    left: BTreeMap<Id, Value>,
}

impl Seen {
    /// Adds a step of the engine.
    pub(super) fn add(&mut self, step: Step, state: &State) {
        for effect in step.effects {
            match effect {
                Effect::Say(message) => self.said.push(message),
                Effect::Call(call) => self.called.push(call.action),
                Effect::FlowEnded { flow, outcome } => self.ended.push((flow, outcome)),
                Effect::Handoff(request) => self.handoff = Some(request),
                Effect::Listen(listen) => self.listen = Some(listen),
                _ => {}
            }
        }
        self.trace.extend(step.trace.entries);
        let filled = state.filled();
        self.slots
            .extend(filled.into_iter().map(|(id, slot)| (id, slot.value)));
    }

    /// Notes how the turn ends.
    pub(super) fn finish(&mut self, state: &State) {
        let filled = state.filled();
        self.left = filled
            .into_iter()
            .map(|(id, slot)| (id, slot.value))
            .collect();
    }

    /// What the trace says of `kind` with one of the verdicts.
    fn traced(&self, kind: &str, verdicts: &[&str]) -> Vec<String> {
        self.trace
            .iter()
            .filter(|e| e.kind == kind && verdicts.contains(&e.verdict.as_str()))
            .map(|e| e.what.clone())
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.said.iter().map(|m| m.name.clone()).collect()
    }

    fn sources(&self) -> Vec<String> {
        let article = |m: &Message| m.source.as_ref().map(|s| s.article.clone());
        self.said.iter().filter_map(article).collect()
    }

    fn texts(&self) -> Vec<String> {
        let text = |m: &Message| [Some(m.text.clone()), m.voice.clone()];
        self.said.iter().flat_map(text).flatten().collect()
    }
}

/// What does not hold of `expect`, in order of its keys.
pub(super) fn judge(
    bundle: &Bundle,
    seen: &Seen,
    state: &State,
    expect: &BTreeMap<String, Json>,
) -> Vec<String> {
    let judge = Judge {
        bundle,
        seen,
        state,
    };
    expect
        .iter()
        .flat_map(|(key, wanted)| judge.one(key, wanted))
        .collect()
}

struct Judge<'a> {
    bundle: &'a Bundle,
    seen: &'a Seen,
    state: &'a State,
}

impl Judge<'_> {
    fn one(&self, key: &str, wanted: &Json) -> Vec<String> {
        let seen = self.seen;
        match key {
            "said" => self.all(key, wanted, &seen.names()),
            "not_said" => self.none(key, wanted, &[seen.names(), seen.sources()].concat()),
            "not_did" => self.none(key, wanted, &seen.called),
            "text" => substrings(wanted, &seen.texts()),
            "asks" => self.asks(wanted),
            "slots" => self.slots(wanted),
            "flow" => self.at_most_one(key, wanted, self.state.flow().cloned()),
            "ended" => self.ended(wanted),
            "intent" => self.intent(wanted),
            "corrected" => self.all(key, wanted, &seen.traced("correction", &["corrected"])),
            "redone" => self.all(key, wanted, &seen.traced("correction", &["redone"])),
            "kept" => self.all(key, wanted, &seen.traced("correction", &["kept"])),
            "handoff" => self.handoff(wanted),
            "queue" => {
                let queue = seen.handoff.as_ref().map(|h| h.queue.clone());
                self.at_most_one(key, wanted, queue)
            }
            "trigger" => {
                let trigger = seen.handoff.as_ref().map(|h| h.trigger.clone());
                self.at_most_one(key, wanted, trigger)
            }
            "did" => self.all(key, wanted, &seen.called),
            "source" => self.all(key, wanted, &seen.sources()),
            "resumed" => self.all(key, wanted, &seen.traced("frame", &["resumed", "offered"])),
            "offers" => self.all(key, wanted, &seen.traced("offer", &["offered"])),
            "rejected" => self.rejected(wanted),
            other => vec![format!("`{other}` is nothing that can be expected")],
        }
    }

    /// Whether an expected name means the found one: the same, its bare name where no module is
    /// written, or the response that a pattern says.
    fn same(&self, wanted: &str, found: &str) -> bool {
        if wanted == found {
            return true;
        }
        let bare = !wanted.contains('.') && found.rsplit('.').next() == Some(wanted);
        let pattern = || {
            let by_name = serde_json::from_value(Json::String(found.to_owned()));
            let response = by_name.ok().and_then(|p| self.bundle.patterns.get(&p));
            response.is_some_and(|id| id == wanted)
        };
        bare || pattern()
    }

    fn all(&self, key: &str, wanted: &Json, found: &[String]) -> Vec<String> {
        if wanted.is_null()
            || wanted == &Json::Bool(false)
            || wanted.as_array().is_some_and(Vec::is_empty)
        {
            return if found.is_empty() {
                Vec::new()
            } else {
                vec![format!("{key}: expected nothing, found {}", shown(found))]
            };
        }
        words(wanted)
            .iter()
            .filter(|w| !found.iter().any(|f| self.same(w, f)))
            .map(|w| format!("{key}: expected {w}, found {}", shown(found)))
            .collect()
    }

    fn none(&self, key: &str, wanted: &Json, found: &[String]) -> Vec<String> {
        words(wanted)
            .iter()
            .filter(|w| found.iter().any(|f| self.same(w, f)))
            .map(|w| format!("{key}: expected not to find {w} in {}", shown(found)))
            .collect()
    }

    fn at_most_one(&self, key: &str, wanted: &Json, found: Option<String>) -> Vec<String> {
        let holds = match (wanted, &found) {
            (Json::Null | Json::Bool(false), None) | (Json::Bool(true), Some(_)) => true,
            (_, Some(found)) => words(wanted).iter().any(|w| self.same(w, found)),
            _ => false,
        };
        if holds {
            return Vec::new();
        }
        let found = found.unwrap_or_else(|| "none".to_owned());
        vec![format!("{key}: expected {}, found {found}", plain(wanted))]
    }

    /// The slot that is asked, or the response that asks.
    fn asks(&self, wanted: &Json) -> Vec<String> {
        let slot = self.seen.listen.as_ref().and_then(|l| l.slot.clone());
        let prompt = self.seen.said.last().map(|m| m.name.clone());
        let asked = self.seen.listen.as_ref().and(prompt);
        if wanted.is_null() {
            return match slot {
                None => Vec::new(),
                Some(slot) => vec![format!("asks: expected nothing, found {slot}")],
            };
        }
        let found: Vec<String> = slot.into_iter().chain(asked).collect();
        self.all("asks", wanted, &found)
    }

    fn slots(&self, wanted: &Json) -> Vec<String> {
        let Some(wanted) = wanted.as_object() else {
            return vec!["slots: expected a map of slots and values".to_owned()];
        };
        let mut out = Vec::new();
        for (name, json) in wanted {
            let id = self.slot_id(name);
            let from = if json.is_null() {
                &self.seen.left
            } else {
                &self.seen.slots
            };
            let found = from.get(&id).cloned().unwrap_or_default();
            let ty = self
                .bundle
                .slots
                .get(&id)
                .map_or(&Type::Any, |slot| &slot.ty);
            let holds = Value::from_json(json, ty).is_some_and(|value| value == found);
            if !holds {
                let found = if found.is_null() {
                    "nothing".to_owned()
                } else {
                    found.as_data()
                };
                out.push(format!(
                    "slots: expected {name} = {}, found {found}",
                    plain(json)
                ));
            }
        }
        out
    }

    fn slot_id(&self, name: &str) -> Id {
        if self.bundle.slots.contains_key(name) {
            return name.to_owned();
        }
        let found = self.bundle.slots.keys().find(|id| self.same(name, id));
        found.cloned().unwrap_or_else(|| name.to_owned())
    }

    /// `outcome`, or `flow: outcome`.
    fn ended(&self, wanted: &Json) -> Vec<String> {
        let found: Vec<String> = self
            .seen
            .ended
            .iter()
            .map(|(flow, outcome)| format!("{flow}: {outcome}"))
            .collect();
        let holds = |w: &String| {
            self.seen
                .ended
                .iter()
                .any(|(flow, outcome)| match w.split_once(':') {
                    Some((f, o)) => self.same(f.trim(), flow) && o.trim() == outcome,
                    None => w == outcome,
                })
        };
        if wanted.is_null() || wanted == &Json::Bool(false) {
            return self.all("ended", wanted, &found);
        }
        words(wanted)
            .iter()
            .filter(|w| !holds(w))
            .map(|w| format!("ended: expected {w}, found {}", shown(&found)))
            .collect()
    }

    /// The intent that this turn serves, else the one that the reading puts first.
    fn intent(&self, wanted: &Json) -> Vec<String> {
        let served = self.seen.traced("intent", &["served"]);
        let first = self.state.last_intents.first().map(|(id, _)| id.clone());
        let found = served.last().cloned().or(first);
        self.at_most_one("intent", wanted, found)
    }

    fn handoff(&self, wanted: &Json) -> Vec<String> {
        let reason = self.seen.handoff.as_ref().map(|h| h.reason.clone());
        self.at_most_one("handoff", wanted, reason)
    }

    /// A rejected reading by its whole name, or by what it is a reading as.
    fn rejected(&self, wanted: &Json) -> Vec<String> {
        let found = self.seen.traced("reading", &["rejected"]);
        words(wanted)
            .iter()
            .filter(|w| {
                !found.iter().any(|f| {
                    let last = f.split_once(' ').map_or(f.as_str(), |(_, last)| last);
                    f == *w || self.same(w, last)
                })
            })
            .map(|w| format!("rejected: expected {w}, found {}", shown(&found)))
            .collect()
    }
}

/// One name or a list of them.
fn words(json: &Json) -> Vec<String> {
    match json {
        Json::Array(items) => items.iter().map(plain).collect(),
        other => vec![plain(other)],
    }
}

/// A value as a designer would write it.
fn plain(json: &Json) -> String {
    match json {
        Json::String(s) => s.clone(),
        Json::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

fn shown(found: &[String]) -> String {
    if found.is_empty() {
        "nothing".to_owned()
    } else {
        found.join(", ")
    }
}

/// Texts that must be part of what is said.
fn substrings(wanted: &Json, texts: &[String]) -> Vec<String> {
    words(wanted)
        .iter()
        .filter(|w| !texts.iter().any(|t| t.contains(w.as_str())))
        .map(|w| format!("text: expected \"{w}\" in {}", quoted(texts)))
        .collect()
}

fn quoted(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|t| format!("\"{t}\"")).collect();
    shown(&quoted)
}
