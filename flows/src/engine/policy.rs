//! Handoff triggers: looked at in order before any flow sees a message.

use serde_json::{Value as Json, json};

use super::acts::{self, Acts};
use super::effect::{Effect, Evidence};
use super::event::{Act, Input, Reading};
use super::exact::{fold, holds, holds_folded};
use super::handoff::Request;
use super::phrases::Phrases;
use super::policy_words::{
    ASKING, DANGER, IN_DANGER, NO_DANGER, NOT_WANTED, OTHER_PEOPLE, PEOPLE, TURNED, WANTED_AFTER,
};
use super::state::Wait;
use super::turn::Turn;
use crate::bundle::{Pattern, Trigger, TriggerKind};
use crate::value::Value;

/// Probability of the act from which, with a word of danger, a crisis is one where the bot declares no trigger for it:
/// low, for the act alone misses a quarter of them.
const CRISIS: f64 = 0.3;
/// Probability of the act from which no word is needed beside it.
const BEYOND_DOUBT: f64 = 0.97;
/// Probability from which the customer is told what the trigger says.
const CLEAR: f64 = 0.6;
/// Probability below which an answer to the open question is taken for no sensitive topic.
const GUESS: f64 = 0.8;
/// Acts of a message that may move a customer to another queue.
const MOVES: [Act; 5] = [
    Act::Request,
    Act::Complain,
    Act::Distress,
    Act::Inform,
    Act::Ask,
];
/// Words of a message that may do nothing in particular, at most.
const SHORT: usize = 8;
/// Probability from which a message is taken to do something.
const DOES: f64 = 0.25;
/// Words up to which a message says too little to be routed on a guess.
const FEW: usize = 4;
/// Signs that part a message.
const STOPS: [char; 7] = [',', '.', ';', ':', '!', '?', '\n'];
/// Words before a phrase among which a wish for it may be turned around, at most: "I'm not asking for the manager".
const NEAR: usize = 5;
/// Probability from which an intent needs no act to be one.
const CERTAIN: f64 = 0.9;

/// A trigger that fires: its reason code, a sentence for the agent, and what it saw.
struct Hit {
    reason: &'static str,
    detail: String,
    evidence: Vec<(String, Json, Json)>,
    /// How sure the reading is, where it fires on one.
    strength: Option<f64>,
}

impl Hit {
    fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            evidence: Vec::new(),
            strength: None,
        }
    }

    fn sure(mut self, strength: f64) -> Self {
        self.strength = Some(strength);
        self
    }

    fn seen(mut self, name: impl Into<String>, value: Json, threshold: Json) -> Self {
        self.evidence.push((name.into(), value, threshold));
        self
    }
}

/// A message as triggers see it.
struct Seen<'m> {
    folded: String,
    /// The message between its stops, folded.
    parts: Vec<String>,
    intents: Vec<(&'m str, f64)>,
    negative: Option<f64>,
    acts: Acts<'m>,
    /// A flow waits for an answer.
    at_question: bool,
}

impl<'m> Seen<'m> {
    fn new(input: &'m Input, reading: Option<&'m Reading>, at_question: bool) -> Self {
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
            parts: input.text.split(STOPS).map(fold).collect(),
            intents,
            negative: reading.filter(|r| !r.degraded).map(|r| r.negative),
            acts: Acts::of(reading),
            at_question,
        }
    }

    fn probability(&self, intent: &str) -> f64 {
        let of = self.intents.iter().filter(|(id, _)| *id == intent);
        of.map(|(_, p)| *p).fold(0.0, f64::max)
    }

    /// True where the customer may be in danger: the act, with a word that goes with it or beyond doubt.
    fn in_danger(&self, at: f64) -> bool {
        let p = self.acts.p(Act::Crisis);
        let said = |list: &str| list.split('|').any(|phrase| holds(&self.folded, phrase));
        if said(IN_DANGER) {
            return true;
        }
        if said(NO_DANGER) {
            return false;
        }
        let word = || DANGER.iter().any(|word| self.folded.contains(word));
        p >= at.max(BEYOND_DOUBT) || (p >= at && word())
    }

    /// How sure a sensitive topic must be: an answer to the open question is not taken for one on a guess.
    fn least(&self) -> f64 {
        let answers = [
            Act::Inform,
            Act::Affirm,
            Act::Deny,
            Act::Cannot,
            Act::Refuse,
            Act::Skip,
        ];
        let words = self.folded.split(' ').count();
        // A message that does nothing in particular is about no such thing, whatever its words are near.
        let most = self.acts.clauses().iter().filter_map(acts::best);
        if self.acts.known() && words <= SHORT && most.map(|(_, p)| p).fold(0.0, f64::max) < DOES {
            return 1.0;
        }
        // Nor is one that wants something left alone.
        let not = [Act::RequestNot, Act::HumanNot, Act::Deny, Act::Withdraw];
        if self.acts.only(&not) && self.acts.says(Act::RequestNot) {
            return CERTAIN;
        }
        if self.at_question && self.acts.says(Act::Wait) {
            return 1.0;
        }
        // Thanks and an apology are about no such thing.
        if self.acts.only_polite() || (self.acts.says(Act::Thanks) && !self.acts.wants_something())
        {
            return 1.0;
        }
        if self.at_question && self.acts.only(&answers) {
            GUESS
        } else if self.at_question || words <= FEW {
            CLEAR
        } else {
            0.0
        }
    }

    /// True where a message that reads like a wish for a person is one. In the middle of a question it takes more: "hi,
    /// I am the customer" is none.
    fn wants_person(&self, p: f64) -> bool {
        if !self.acts.known() {
            return true;
        }
        let human = self.acts.p(Act::Human);
        let about = self.acts.p(Act::AboutBot);
        if self.acts.p(Act::HumanNot) > human || about > human || declines_person(&self.folded) {
            return false;
        }
        let bar = if self.at_question { 0.5 } else { 0.2 };
        human >= bar || (!self.at_question && p >= CERTAIN)
    }

    /// The first of some phrases that the message says and does not deny: "she has not passed away". What stands before
    /// a stop denies nothing after it. In every language of the list: people mix languages when it matters most to them.
    fn phrase<'p>(&self, phrases: &'p Phrases) -> Option<&'p str> {
        let said = |phrase: &str| {
            let mut parts = self
                .parts
                .iter()
                .filter(|part| holds_folded(part, phrase))
                .peekable();
            // A phrase that runs over a stop is denied by nothing.
            parts.peek().is_none() || parts.any(|part| !denied(part, phrase))
        };
        let all = phrases.within(&self.folded);
        let found = all.into_iter().find(|(_, folded)| said(folded));
        found.map(|(written, _)| written)
    }
}

impl Turn<'_> {
    /// Looks at every trigger in order; true where one fired.
    pub(super) fn triggers(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let seen = Seen::new(input, reading, !self.state.frames.is_empty());
        if self.crisis(&seen) {
            return true;
        }
        let bundle = self.bundle;
        let strongest = self.strongest_topic(&seen);
        for trigger in &bundle.policy.triggers {
            // Whoever is asked first is asked right after the misunderstanding, not before the next message is read.
            if trigger.ask_first && counts_misses(&trigger.when) {
                continue;
            }
            let hit = self.hit(trigger, &seen);
            // What is never automated competes: of two that fire the likelier one does.
            let hit = hit.filter(|hit| hit.strength.is_none_or(|p| p >= seen.least()));
            let hit = hit.filter(|hit| {
                hit.strength.is_none()
                    || strongest.as_ref().is_none_or(|name| *name == trigger.name)
            });
            match hit {
                Some(hit) => {
                    self.fire(trigger, hit);
                    return true;
                }
                None => self.note("trigger", trigger.name.clone(), "passed", ""),
            }
        }
        false
    }

    /// The trigger of what is never automated that a message is most likely about.
    fn strongest_topic(&self, seen: &Seen<'_>) -> Option<String> {
        let mut best: Option<(f64, &str)> = None;
        for trigger in &self.bundle.policy.triggers {
            let Some(strength) = self.hit(trigger, seen).and_then(|hit| hit.strength) else {
                continue;
            };
            if strength < seen.least() {
                continue;
            }
            if best.is_none_or(|(most, _)| strength > most) {
                best = Some((strength, &trigger.name));
            }
        }
        best.map(|(_, name)| name.to_owned())
    }

    /// Self-harm or danger now: the help lines come before anything else, also while a person is awaited, and a person
    /// is got at once. True where it was so.
    fn crisis(&mut self, seen: &Seen<'_>) -> bool {
        let bundle = self.bundle;
        let triggers = &bundle.policy.triggers;
        let declared = triggers
            .iter()
            .find(|trigger| matches!(trigger.when, TriggerKind::Crisis { .. }));
        if let Some(trigger) = declared {
            let hit = self.hit(trigger, seen);
            let fired = hit.is_some();
            if let Some(hit) = hit {
                self.fire(trigger, hit);
            }
            return fired;
        }
        if !seen.in_danger(CRISIS) {
            return false;
        }
        self.say_pattern(Pattern::Crisis, &[]);
        self.hand_off_step(Request {
            priority: Some(0),
            reason: "policy".to_owned(),
            trigger: "crisis".to_owned(),
            detail: "the customer may be in danger".to_owned(),
            quiet: true,
            ..Request::default()
        });
        true
    }

    /// As `crisis`, for a customer who waits for another reason.
    fn crisis_in_queue(&mut self, seen: &Seen<'_>) -> bool {
        let at = self.effects.len();
        let fired = self.crisis(seen);
        if fired {
            self.effects.insert(at, Effect::CancelHandoff);
        }
        fired
    }

    /// Looks at what is never automated while a person is awaited: the customer may be in the wrong
    /// queue for it. True where the conversation moved to another.
    pub(super) fn escalates(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let seen = Seen::new(input, reading, false);
        let bundle = self.bundle;
        let waits_in_danger = self.state.queued.as_ref().is_some_and(|queued| {
            let of_crisis = |trigger: &&Trigger| matches!(trigger.when, TriggerKind::Crisis { .. });
            let declared = bundle.policy.triggers.iter().find(of_crisis);
            queued.trigger == declared.map_or("crisis", |trigger| trigger.name.as_str())
        });
        if !waits_in_danger && self.crisis_in_queue(&seen) {
            return true;
        }
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
            let hit = self.hit(trigger, &seen);
            // Who waits is moved by what is clear, not by a word that sounds like it.
            let clear = |hit: &Hit| {
                hit.strength
                    .is_none_or(|p| p >= GUESS && seen.acts.says_any(&MOVES))
            };
            if let Some(hit) = hit.filter(clear) {
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
                TriggerKind::Abuse(times) => self.abused(*times),
                _ => None,
            };
            let Some(hit) = hit else { continue };
            if trigger.ask_first && !self.state.counters.person_offered {
                self.offer_person(trigger);
            } else {
                self.fire(trigger, hit);
            }
            return true;
        }
        false
    }

    /// A question that is about to be given up: asks whether a person should take over, where the bot asks before it
    /// hands over what it did not understand, and has not asked yet. True where it did.
    pub(super) fn asks_first(&mut self) -> bool {
        let bundle = self.bundle;
        let mut triggers = bundle.policy.triggers.iter();
        let asking = triggers.find(|trigger| trigger.ask_first && counts_misses(&trigger.when));
        let Some(trigger) = asking.filter(|_| !self.state.counters.person_offered) else {
            return false;
        };
        self.offer_person(trigger);
        true
    }

    /// Asks whether a person should take over.
    fn offer_person(&mut self, trigger: &Trigger) {
        self.note("trigger", trigger.name.clone(), "offered", "");
        self.state.counters.person_offered = true;
        // Other words may follow; they count anew.
        self.state.counters.no_match_running = 0;
        self.state.counters.low_confidence_running = 0;
        let queue = trigger
            .queue
            .as_ref()
            .unwrap_or(&self.bundle.policy.default_queue);
        let title = Value::Text(self.queue_title(queue));
        self.say_pattern(Pattern::OfferPerson, &[("queue", title)]);
        self.state.wait = Wait::Person;
        self.listen();
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
        let weak = hit.strength.is_some_and(|strength| strength < CLEAR);
        let say = if weak {
            // Nobody is told what they feel on a guess.
            let queue = trigger
                .queue
                .as_ref()
                .unwrap_or(&self.bundle.policy.default_queue);
            let title = Value::Text(self.queue_title(queue));
            self.say_pattern(Pattern::Concern, &[("queue", title)]);
            None
        } else {
            trigger.say.clone()
        };
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
            say,
            quiet: weak,
            evidence,
            ..Request::default()
        };
        if matches!(hit.reason, "never_automate" | "policy") && !weak {
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
            TriggerKind::Crisis { at, phrases } => {
                let p = seen.acts.p(Act::Crisis);
                let phrase = seen.phrase(phrases);
                (phrase.is_some() || seen.in_danger(*at)).then(|| {
                    Hit::new("policy", "the customer may be in danger").seen(
                        "act.crisis",
                        json!(p),
                        json!(at),
                    )
                })
            }
            TriggerKind::Abuse(times) => self.abused(*times),
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
            // Who asks for somebody to book, buy or sign with wants that.
            let other = seen.intents.first().is_some_and(|(best, most)| {
                best != id && *most >= CERTAIN && *most > p && self.flow_of(best).is_some()
            });
            (p >= bar && !other && seen.wants_person(p)).then(|| {
                Hit::new("user_request", "the customer asked for a person").seen(
                    format!("intent.{id}"),
                    json!(p),
                    json!(bar),
                )
            })
        })
    }

    fn abused(&self, times: u32) -> Option<Hit> {
        let heard = self.state.counters.abuse;
        (times > 0 && heard >= times).then(|| {
            Hit::new("abuse", format!("{heard} insults")).seen("abuse", json!(heard), json!(times))
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

fn counts_misses(when: &TriggerKind) -> bool {
    matches!(
        when,
        TriggerKind::Misunderstood { .. } | TriggerKind::LowConfidence { .. }
    )
}

fn never(seen: &Seen<'_>, intents: &[String], at: f64, phrases: &Phrases) -> Option<Hit> {
    if let Some(phrase) = seen.phrase(phrases) {
        let detail = format!("the customer said \"{phrase}\"");
        return Some(Hit::new("never_automate", detail).seen("phrase", json!(phrase), Json::Null));
    }
    intents.iter().find_map(|id| {
        let p = seen.probability(id);
        (p >= at).then(|| {
            Hit::new("never_automate", format!("the message is about {id}"))
                .seen(format!("intent.{id}"), json!(p), json!(at))
                .sure(p)
        })
    })
}

/// True where a word right before a folded phrase turns it around. "No, I was scammed" denies nothing, comma or not.
fn denied(part: &str, phrase: &str) -> bool {
    let before = part.find(phrase).and_then(|at| part.get(..at));
    let last = before.and_then(|before| before.split_whitespace().next_back());
    let own = phrase.starts_with("i ") || phrase.starts_with("my ");
    let asked = before.is_some_and(|before| {
        let words: Vec<&str> = before.split_whitespace().rev().take(NEAR).collect();
        words.iter().any(|word| ASKING.contains(word))
            && words.iter().any(|word| TURNED.contains(word))
    });
    asked || last.is_some_and(|word| TURNED.contains(&word) && !(own && word == "no"))
}

/// True for a person who is not wanted or is somebody else, by the words for it, in a folded text.
pub(super) fn declines_person(folded: &str) -> bool {
    let at = NOT_WANTED
        .iter()
        .filter_map(|words| folded.find(words).map(|at| at + words.len()))
        .min();
    let after = at.and_then(|at| folded.get(at..));
    let declined = after.is_some_and(|rest| {
        let people = PEOPLE.iter().any(|noun| holds(rest, noun));
        people && !WANTED_AFTER.iter().any(|wish| holds(rest, wish))
    });
    declined || OTHER_PEOPLE.iter().any(|words| holds(folded, words))
}
