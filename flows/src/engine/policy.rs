//! Handoff triggers: looked at in order before any flow sees a message.

use serde_json::{Value as Json, json};

use super::effect::{Effect, Evidence};
use super::event::{Input, Reading};
use super::exact::{fold, holds};
use super::handoff::Request;
use super::turn::Turn;
use crate::bundle::{Trigger, TriggerKind};

/// A trigger that fires: its reason code, a sentence for the agent, and what it saw.
struct Hit {
    reason: &'static str,
    detail: String,
    evidence: Vec<(String, Json, Json)>,
}

impl Hit {
    fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            evidence: Vec::new(),
        }
    }

    fn seen(mut self, name: impl Into<String>, value: Json, threshold: Json) -> Self {
        self.evidence.push((name.into(), value, threshold));
        self
    }
}

/// A message as triggers see it.
struct Seen<'m> {
    folded: String,
    intents: Vec<(&'m str, f64)>,
    negative: Option<f64>,
}

impl<'m> Seen<'m> {
    fn new(input: &'m Input, reading: Option<&'m Reading>) -> Self {
        let mut intents: Vec<(&str, f64)> = Vec::new();
        // A button that starts an intent's flow is that intent, for certain.
        if let Some(id) = input.payload.as_deref().and_then(|p| p.strip_prefix('/')) {
            intents.push((id, 1.0));
        }
        if let Some(reading) = reading {
            intents.extend(reading.intents.iter().map(|(id, p)| (id.as_str(), *p)));
            // What is never automated isn't either where it is one request of several.
            let parts = reading.requests.iter();
            intents.extend(parts.map(|part| (part.intent.as_str(), part.probability)));
        }
        Self {
            folded: fold(&input.text),
            intents,
            negative: reading.filter(|r| !r.degraded).map(|r| r.negative),
        }
    }

    fn probability(&self, intent: &str) -> f64 {
        let of = self.intents.iter().filter(|(id, _)| *id == intent);
        of.map(|(_, p)| *p).fold(0.0, f64::max)
    }

    fn phrase<'p>(
        &self,
        lists: &'p std::collections::BTreeMap<String, Vec<String>>,
    ) -> Option<&'p str> {
        // In every language of the list: people mix languages when it matters most to them.
        let mut all = lists.values().flatten();
        all.find(|phrase| holds(&self.folded, phrase))
            .map(String::as_str)
    }
}

impl Turn<'_> {
    /// Looks at every trigger in order; true where one fired.
    pub(super) fn triggers(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let seen = Seen::new(input, reading);
        let bundle = self.bundle;
        for trigger in &bundle.policy.triggers {
            match self.hit(trigger, &seen) {
                Some(hit) => {
                    self.fire(trigger, hit);
                    return true;
                }
                None => self.note("trigger", trigger.name.clone(), "passed", ""),
            }
        }
        false
    }

    /// Looks at what is never automated while a person is awaited: the customer may be in the wrong
    /// queue for it. True where the conversation moved to another.
    pub(super) fn escalates(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let seen = Seen::new(input, reading);
        let bundle = self.bundle;
        let now = self
            .state
            .queued
            .as_ref()
            .map(|queued| queued.queue.clone());
        for trigger in &bundle.policy.triggers {
            let TriggerKind::NeverAutomate { .. } = trigger.when else {
                continue;
            };
            let queue = trigger
                .queue
                .as_ref()
                .unwrap_or(&bundle.policy.default_queue);
            if let Some(hit) = self.hit(trigger, &seen) {
                if now.as_ref() == Some(queue) {
                    return false;
                }
                self.effects.push(Effect::CancelHandoff);
                self.fire(trigger, hit);
                return true;
            }
        }
        false
    }

    /// Looks at the triggers that count misunderstandings, right after one; true where one fired.
    pub(super) fn counted_triggers(&mut self) -> bool {
        let bundle = self.bundle;
        for trigger in &bundle.policy.triggers {
            let hit = match &trigger.when {
                TriggerKind::Misunderstood { running, total } => {
                    self.misunderstood(*running, *total)
                }
                TriggerKind::LowConfidence { below, turns } => self.unsure(*below, *turns),
                _ => None,
            };
            if let Some(hit) = hit {
                self.fire(trigger, hit);
                return true;
            }
        }
        false
    }

    /// The probability below which a message counts as unsure, where a trigger asks for it.
    pub(super) fn low_bar(&self) -> Option<f64> {
        let mut kinds = self.bundle.policy.triggers.iter().map(|t| &t.when);
        kinds.find_map(|kind| match kind {
            TriggerKind::LowConfidence { below, .. } => Some(*below),
            _ => None,
        })
    }

    /// The customer asks for a person, by button, key or command.
    pub(super) fn human(&mut self, how: &str) {
        let bundle = self.bundle;
        let asked = bundle
            .policy
            .triggers
            .iter()
            .find(|trigger| matches!(trigger.when, TriggerKind::Asked(_)));
        let hit = Hit::new("user_request", "the customer asked for a person").seen(
            "payload",
            json!(how),
            Json::Null,
        );
        match asked {
            Some(trigger) => self.fire(trigger, hit),
            None => self.hand_off(Request {
                reason: hit.reason.to_owned(),
                trigger: how.to_owned(),
                detail: hit.detail,
                ..Request::default()
            }),
        }
    }

    fn fire(&mut self, trigger: &Trigger, hit: Hit) {
        let turn = self.state.turn;
        let why = hit
            .evidence
            .iter()
            .map(|(name, value, threshold)| format!("{name} {value} against {threshold}"))
            .collect::<Vec<_>>()
            .join(", ");
        self.note("trigger", trigger.name.clone(), "fired", why);
        self.state.fired.insert(trigger.name.clone());
        let evidence = hit
            .evidence
            .into_iter()
            .map(|(name, value, threshold)| Evidence {
                name,
                value,
                threshold,
                turn,
            })
            .collect();
        let request = Request {
            queue: trigger.queue.clone(),
            priority: trigger.priority,
            reason: hit.reason.to_owned(),
            trigger: trigger.name.clone(),
            detail: hit.detail,
            say: trigger.say.clone(),
            evidence,
            ..Request::default()
        };
        if hit.reason == "never_automate" {
            self.hand_off_step(request);
        } else {
            self.hand_off(request);
        }
    }

    fn hit(&self, trigger: &Trigger, seen: &Seen<'_>) -> Option<Hit> {
        match &trigger.when {
            TriggerKind::NeverAutomate {
                intents,
                at,
                phrases,
            } => never(seen, intents, *at, phrases),
            TriggerKind::Keyword(words) => seen.phrase(words).map(|word| {
                Hit::new("keyword", format!("the customer said \"{word}\"")).seen(
                    "phrase",
                    json!(word),
                    Json::Null,
                )
            }),
            TriggerKind::Asked(intents) => self.asked(seen, intents),
            TriggerKind::Sentiment { now, trend, turns } => {
                self.upset(seen.negative?, *now, *trend, *turns)
            }
            TriggerKind::Misunderstood { running, total } => self.misunderstood(*running, *total),
            TriggerKind::LowConfidence { below, turns } => self.unsure(*below, *turns),
            TriggerKind::TurnLimit(limit) => {
                let turns = self.state.counters.turns_since_done;
                (turns > *limit).then(|| {
                    Hit::new("turn_limit", format!("{turns} turns and nothing finished")).seen(
                        "turns",
                        json!(turns),
                        json!(limit),
                    )
                })
            }
            TriggerKind::ToolFailure(limit) => {
                let failures = self.state.counters.tool_failures;
                (failures >= *limit && *limit > 0).then(|| {
                    Hit::new("tool_failure", format!("{failures} failed calls")).seen(
                        "tool_failures",
                        json!(failures),
                        json!(limit),
                    )
                })
            }
            TriggerKind::Tier(tiers) => {
                let tier = self.state.customer.get("tier")?;
                let first = !self.state.fired.contains(&trigger.name);
                (first && tiers.contains(tier)).then(|| {
                    Hit::new("tier", format!("the customer's tier is {tier}")).seen(
                        "tier",
                        json!(tier),
                        json!(tiers),
                    )
                })
            }
        }
    }

    fn asked(&self, seen: &Seen<'_>, intents: &[String]) -> Option<Hit> {
        intents.iter().find_map(|id| {
            let own = self.bundle.intents.get(id).and_then(|i| i.threshold);
            let bar = own.unwrap_or(self.bundle.understanding.accept);
            let p = seen.probability(id);
            (p >= bar).then(|| {
                Hit::new("user_request", "the customer asked for a person").seen(
                    format!("intent.{id}"),
                    json!(p),
                    json!(bar),
                )
            })
        })
    }

    fn upset(&self, negative: f64, now: f64, trend: f64, turns: u32) -> Option<Hit> {
        if negative >= now {
            return Some(Hit::new("sentiment", "the customer is upset").seen(
                "negative",
                json!(negative),
                json!(now),
            ));
        }
        let wanted = usize::try_from(turns.max(1)).unwrap_or(usize::MAX);
        let moods = &self.state.moods;
        let last = moods
            .len()
            .checked_sub(wanted)
            .and_then(|at| moods.get(at..))?;
        let mean = last.iter().sum::<f64>() / f64::from(turns.max(1));
        (mean >= trend).then(|| {
            Hit::new("sentiment", "the customer has been unhappy for a while").seen(
                "negative.mean",
                json!(mean),
                json!(trend),
            )
        })
    }

    fn misunderstood(&self, running: u32, total: u32) -> Option<Hit> {
        let counters = &self.state.counters;
        let (name, value, limit) = if running > 0 && counters.no_match_running >= running {
            ("no_match.running", counters.no_match_running, running)
        } else if total > 0 && counters.no_match_total >= total {
            ("no_match.total", counters.no_match_total, total)
        } else {
            return None;
        };
        let detail = format!("the bot did not understand {value} times");
        Some(Hit::new("repeated_misunderstanding", detail).seen(name, json!(value), json!(limit)))
    }

    fn unsure(&self, below: f64, turns: u32) -> Option<Hit> {
        let running = self.state.counters.low_confidence_running;
        (turns > 0 && running >= turns).then(|| {
            let best = self.state.last_intents.first().map_or(0.0, |(_, p)| *p);
            Hit::new("low_confidence", format!("unsure {running} turns running")).seen(
                "intent.best",
                json!(best),
                json!(below),
            )
        })
    }
}

fn never(
    seen: &Seen<'_>,
    intents: &[String],
    at: f64,
    phrases: &std::collections::BTreeMap<String, Vec<String>>,
) -> Option<Hit> {
    if let Some(phrase) = seen.phrase(phrases) {
        let detail = format!("the customer said \"{phrase}\"");
        return Some(Hit::new("never_automate", detail).seen("phrase", json!(phrase), Json::Null));
    }
    intents.iter().find_map(|id| {
        let p = seen.probability(id);
        (p >= at).then(|| {
            Hit::new("never_automate", format!("the message is about {id}")).seen(
                format!("intent.{id}"),
                json!(p),
                json!(at),
            )
        })
    })
}
