//! New topics: which intent a message is about, and how a flow starts with what the message gives.

use super::acts::{self, Acts};
use super::event::{Act, Clause, Found, Polarity, Reading};
use super::frame::{Frame, each};
use super::state::Ahead;
use super::turn::{Said, Turn};
use crate::bundle::StepKind;
use crate::value::{Type, Value};

/// Acts with which something of its own is wanted.
const WISHES: [Act; 5] = [
    Act::Request,
    Act::Ask,
    Act::Complain,
    Act::Human,
    Act::Distress,
];
/// Probability of such an act from which a message at a question is looked at as a wish.
const WISHED: f64 = 0.35;
/// Probability of a wish below which a message only tells something.
const HINT: f64 = 0.15;
/// Probability of an intent from which such a message starts its flow.
const TOLD: f64 = 0.72;
/// Probability of an intent from which it is heard without one.
const BEYOND: f64 = 0.95;
/// Probability of an intent below which a part of a message names none.
const VAGUE: f64 = 0.3;
/// Probability of a wish to leave something alone that a no in the same words makes sure.
const HINTED: f64 = 0.15;
/// What forbids, folded.
const FORBIDS: [&str; 14] = [
    "don t",
    "dont",
    "do not",
    "not to",
    "never",
    "no lo",
    "no la",
    "no los",
    "no las",
    "no me",
    "no le",
    "no cambie",
    "no toque",
    "no toques",
];
/// What somebody can't do, folded.
const UNABLE: [&str; 22] = [
    "can t find",
    "cant find",
    "cannot find",
    "can t get",
    "cant get",
    "won t let",
    "wont let",
    "doesn t let",
    "can t see",
    "cant see",
    "doesn t work",
    "doesnt work",
    "don t work",
    "dont work",
    "no encuentro",
    "no puedo",
    "no me deja",
    "no me llega",
    "no funciona",
    "no me funciona",
    "no veo",
    "no consigo",
];
/// How a part that wishes begins, folded.
const WISHING: [&str; 14] = [
    "i want",
    "i d like",
    "i need",
    "i just want",
    "just",
    "only",
    "but i want",
    "give me",
    "quiero",
    "necesito",
    "solo",
    "dame",
    "deme",
    "sino",
];
/// What takes back the words before it, in lower case.
const TAKES_BACK: [&str; 14] = [
    "actually no,",
    "actually no",
    "no wait,",
    "wait no,",
    "scratch that,",
    "no, sorry,",
    "forget that,",
    "mejor no,",
    "bueno no,",
    "no, espera,",
    "espera no,",
    "perdón, no,",
    "no, mejor",
    "digo,",
];
/// What somebody says of themselves, folded: it forbids nothing.
const OF_MYSELF: [&str; 4] = ["i don t", "i dont", "i do not", "yo no"];
/// Turns for which a value that nothing asked for is kept.
const KEPT: u32 = 8;
/// Such values, at most.
const AHEAD: usize = 6;
/// Prefix of a knowledge article among the intents of a reading.
pub(super) const ARTICLE: &str = "article:";

/// True where two byte ranges share a byte.
pub(super) fn overlaps(a: (usize, usize), b: (usize, usize)) -> bool {
    a.0 < b.1 && b.0 < a.1
}

/// True for words that forbid something.
fn forbids(text: &str) -> bool {
    let folded = super::exact::fold(text);
    let has = |list: &[&str]| {
        list.iter()
            .any(|phrase| super::exact::holds(&folded, phrase))
    };
    has(&FORBIDS) && !has(&OF_MYSELF)
}

/// True for what somebody can't do, which forbids nothing: "I can't find my card".
pub(super) fn cannot(text: &str) -> bool {
    let folded = super::exact::fold(text);
    UNABLE
        .iter()
        .any(|phrase| super::exact::holds(&folded, phrase))
}

/// True for words that leave something alone: "don't close it", "I don't want one".
pub(super) fn leaves(text: &str) -> bool {
    let folded = super::exact::fold(text);
    let refuses = [
        "i don t want",
        "i dont want",
        "i do not want",
        "don t need",
        "dont need",
        "not applying",
        "not ordering",
        "no quiero",
        "no necesito",
        "no voy a",
    ];
    forbids(text)
        || refuses
            .iter()
            .any(|phrase| super::exact::holds(&folded, phrase))
}

/// "I don't want that one, I want the other": what comes after the last pause wishes, with no no in it.
fn wishes_at_last(text: &str) -> bool {
    let Some((_, last)) = text.rsplit_once([',', ';', '.']) else {
        return false;
    };
    let last = super::exact::fold(last);
    WISHING
        .iter()
        .any(|phrase| last == *phrase || super::exact::begins(&last, phrase))
}

/// Where a message takes back what it began with: "book a table, actually no, just the menu".
pub(super) fn changes_mind(text: &str) -> Option<usize> {
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return None;
    }
    let at = TAKES_BACK
        .iter()
        .filter_map(|words| lower.rfind(words).map(|at| at + words.len()))
        .max()?;
    // At the very start there is nothing to take back.
    (lower.get(..at)?.split_whitespace().count() > 4).then_some(at)
}

impl Turn<'_> {
    /// The bar for acting on an intent.
    pub(super) fn bar(&self, intent: &str) -> f64 {
        let own = self.bundle.intents.get(intent).and_then(|i| i.threshold);
        own.unwrap_or(self.bundle.understanding.accept)
    }

    /// The flow that an intent starts.
    pub(super) fn flow_of(&self, intent: &str) -> Option<&str> {
        self.bundle
            .flows
            .iter()
            .find(|(_, flow)| flow.start.as_deref() == Some(intent))
            .map(|(id, _)| id.as_str())
    }

    /// True for the intent of the flow in front: saying it again starts nothing.
    pub(super) fn is_own(&self, intent: &str) -> bool {
        let own = self.state.flow().and_then(|id| self.bundle.flows.get(id));
        own.is_some_and(|flow| flow.start.as_deref() == Some(intent))
    }

    /// An intent that is sure enough to be acted on and leads the next by the margin, by the wider
    /// one where it would interrupt a flow.
    pub(super) fn clear_topic<'r>(&self, reading: Option<&'r Reading>) -> Option<(&'r str, f64)> {
        let understanding = &self.bundle.understanding;
        let margin = if self.state.frames.is_empty() {
            understanding.margin
        } else {
            understanding.margin.max(understanding.interrupt_margin)
        };
        let acts = Acts::of(reading);
        if self.state.frames.is_empty() {
            return self.of_a_part(reading, margin);
        }
        // What goes on is left for a wish, not for a word that sounds like one.
        let topic = self.leader(reading, margin);
        if acts.known() && topic.is_none_or(|(intent, _)| !self.is_own(intent)) {
            return self.interrupting_topic(reading);
        }
        topic
    }

    /// The topic of a message at no question: of the part that wants something, where another part is only said.
    fn of_a_part<'r>(&self, reading: Option<&'r Reading>, margin: f64) -> Option<(&'r str, f64)> {
        let acts = Acts::of(reading);
        // "Thanks, lovely" wants nothing that it may sound like.
        let whole = self.leader(reading, margin).filter(|(intent, p)| {
            !acts.only_polite() || *p >= BEYOND || self.is_small_talk(intent)
        });
        if let Some(turn) = changes_mind(&self.state.last_text) {
            let after = acts.clauses().iter().filter(|clause| clause.end > turn);
            let meant = after
                .filter_map(|clause| clause.intent.as_ref())
                .map(|(intent, p)| (intent.as_str(), *p))
                .find(|(intent, p)| *p >= self.bar(intent));
            if meant.is_some() {
                return meant;
            }
        }
        // What only tells something starts no flow that it may sound like, unless it gives what the flow asks for.
        let hints = [&WISHES[..], &[Act::Correct, Act::Cannot]].concat();
        let wish = |clause: &Clause| hints.iter().map(|act| acts::p(clause, *act)).sum::<f64>();
        let wished = acts.clauses().iter().any(|clause| wish(clause) >= HINT);
        let whole = whole.filter(|(intent, p)| {
            !acts.known()
                || wished
                || *p >= TOLD
                || self.flow_of(intent).is_none()
                || self.is_small_talk(intent)
                || self.gives_for(intent, &self.said_now)
        });
        match whole {
            Some((intent, p)) if !self.denied(intent, acts) => Some((intent, p)),
            _ if !acts.known() => whole,
            _ => {
                let wish = |clause: &&Clause| {
                    acts::best(clause).is_some_and(|(act, _)| WISHES.contains(&act))
                };
                let parts = acts.clauses().iter().filter(wish);
                parts
                    .filter_map(|clause| clause.intent.as_ref())
                    .map(|(intent, p)| (intent.as_str(), *p))
                    .find(|(intent, p)| *p >= self.bar(intent) && !self.denied(intent, acts))
            }
        }
    }

    /// An intent that a message in the middle of a question is about: it needs a wish of its own there, or to be beyond
    /// doubt.
    pub(super) fn interrupting_topic<'r>(
        &self,
        reading: Option<&'r Reading>,
    ) -> Option<(&'r str, f64)> {
        let acts = Acts::of(reading);
        let strong = self.strong_topic(reading);
        if !acts.known() {
            return strong;
        }
        let wish = |clause: &Clause| WISHES.iter().map(|act| acts::p(clause, *act)).sum::<f64>();
        // A part that wants something is read by itself.
        let parts = acts
            .clauses()
            .iter()
            .filter(|clause| wish(clause) >= acts::SURE);
        let own = parts
            .filter_map(|clause| clause.intent.as_ref())
            .map(|(intent, p)| (intent.as_str(), *p))
            .find(|(intent, p)| *p >= self.bar(intent) && !self.is_own(intent));
        let wished = acts.clauses().iter().any(|clause| wish(clause) >= WISHED);
        // A question of a few words goes on from what is open, unless it is surely about something else.
        let text = &self.state.last_text;
        let generic = (super::follow::goes_on(text) && !acts.says(Act::Request))
            || (super::exact::asks_about_the_question(text)
                && text.split_whitespace().count() <= 8);
        own.or_else(|| {
            strong.filter(|(intent, p)| wished || (*p >= BEYOND && !self.denied(intent, acts)))
        })
        .filter(|(intent, p)| {
            let unsure = generic && *p < BEYOND && self.flow_of(intent).is_some();
            !unsure && !self.denied(intent, acts) && !self.is_small_talk(intent)
        })
    }

    /// True for an intent that is no topic of its own.
    pub(super) fn is_small_talk(&self, intent: &str) -> bool {
        let flow = self
            .flow_of(intent)
            .and_then(|id| self.bundle.flows.get(id));
        flow.is_some_and(|flow| flow.small_talk)
    }

    /// True for an intent that the message wants left alone: "don't block my card".
    pub(super) fn denied(&self, intent: &str, acts: Acts<'_>) -> bool {
        let not = [Act::RequestNot, Act::HumanNot];
        let text = &self.state.last_text;
        // "It's still the same, don't change it": a no beside a hint of it is enough.
        let hinted = |clause: &Clause| {
            acts::p(clause, Act::RequestNot) >= HINTED
                && text.get(clause.start..clause.end).is_some_and(forbids)
        };
        // A part that names nothing in particular is about what the rest says.
        let of = |clause: &&Clause| {
            clause
                .intent
                .as_ref()
                .is_none_or(|(own, p)| own == intent || *p < VAGUE || self.is_small_talk(own))
        };
        let left_alone = acts
            .clauses()
            .iter()
            .filter(|clause| {
                text.get(clause.start..clause.end)
                    .is_none_or(|text| !cannot(text))
            })
            .filter(|clause| {
                acts::best(clause).is_some_and(|(act, p)| not.contains(&act) && p >= acts::SURE)
                    || hinted(clause)
            })
            .any(|clause| of(&clause));
        let wanted = acts
            .clauses()
            .iter()
            .filter(|clause| acts::best(clause).is_some_and(|(act, _)| WISHES.contains(&act)))
            .any(|clause| clause.intent.as_ref().is_some_and(|(own, _)| own == intent));
        let turned = acts.clauses().len() == 1 && wishes_at_last(text);
        left_alone && !wanted && !turned
    }

    /// An intent that leads by enough to interrupt an answer.
    pub(super) fn strong_topic<'r>(&self, reading: Option<&'r Reading>) -> Option<(&'r str, f64)> {
        self.leader(reading, self.bundle.understanding.interrupt_margin)
            .filter(|(intent, _)| !self.is_own(intent))
    }

    fn leader<'r>(&self, reading: Option<&'r Reading>, margin: f64) -> Option<(&'r str, f64)> {
        let reading = reading.filter(|reading| !reading.degraded)?;
        let (intent, p) = reading.intents.first()?;
        let next = reading.intents.get(1).map_or(0.0, |(_, p)| *p);
        let lead = p - next.max(reading.none);
        (*p >= self.bar(intent) && lead >= margin).then_some((intent.as_str(), *p))
    }

    /// Slots that a flow's own steps ask for, in order, then those of the flows that it calls.
    pub(super) fn asked_slots(&self, flow: &str) -> Vec<String> {
        let mut slots: Vec<String> = Vec::new();
        let mut flows: Vec<&str> = vec![flow];
        let mut at = 0;
        while let Some(id) = flows.get(at).copied() {
            at += 1;
            let Some(flow) = self.bundle.flows.get(id) else {
                continue;
            };
            each(flow, &mut |step| match &step.kind {
                StepKind::Ask(ask) if !slots.contains(&ask.slot) => slots.push(ask.slot.clone()),
                StepKind::Call(callee) if !flows.contains(&callee.as_str()) => flows.push(callee),
                _ => {}
            });
        }
        slots
    }

    /// Which slots the entities give values for: a slot's own mark first, then by kind; each entity
    /// fills one slot, and the part of a longer entity fills none.
    pub(super) fn match_slots(
        &self,
        slots: &[String],
        entities: &[Found],
    ) -> Vec<(String, Found, Value)> {
        let mut taken: Vec<(usize, usize)> = Vec::new();
        let mut matched = Vec::new();
        for marked in [true, false] {
            for slot in slots {
                if matched.iter().any(|(id, _, _)| id == slot) {
                    continue;
                }
                let Some(ty) = self.bundle.slots.get(slot).map(|slot| &slot.ty) else {
                    continue;
                };
                if !marked && matches!(ty, Type::Text | Type::Any) {
                    continue;
                }
                let free: Vec<Found> = entities
                    .iter()
                    .filter(|found| (found.entity == *slot) == marked)
                    .filter(|found| found.polarity.is_affirmed())
                    .filter(|found| !taken.iter().any(|t| overlaps(*t, (found.start, found.end))))
                    .filter(|found| marked || !inside_other(found, entities))
                    .cloned()
                    .collect();
                if let Some((range, found, value)) = self.first_or_all(slot, ty, &free) {
                    taken.push(range);
                    matched.push((slot.clone(), found, value));
                }
            }
        }
        matched
    }

    /// As `match_slots`, with kinds that only fit where the question is known: one value, for the first slot that takes
    /// one.
    pub(super) fn match_as_asked(
        &self,
        slots: &[String],
        entities: &[Found],
    ) -> Vec<(String, Found, Value)> {
        let first = slots.iter().find_map(|slot| {
            let ty = &self.bundle.slots.get(slot)?.ty;
            if matches!(
                ty,
                Type::Text | Type::Any | Type::List(_) | Type::YesNo | Type::Bool
            ) {
                return None;
            }
            let (found, value) = self.best_entity(slot, ty, entities, true)?;
            let old = self.state.slot(slot).map(|filled| &filled.value);
            (old != Some(&value)).then(|| (slot.clone(), found.clone(), value))
        });
        first.into_iter().collect()
    }

    /// The best value for a slot; for a list all of them, with the bytes from the first to the last.
    fn first_or_all(
        &self,
        slot: &str,
        ty: &Type,
        entities: &[Found],
    ) -> Option<((usize, usize), Found, Value)> {
        let Type::List(inner) = ty else {
            let (found, value) = self.best_entity(slot, ty, entities, false)?;
            return Some(((found.start, found.end), found.clone(), value));
        };
        let mut values = Vec::new();
        let mut whole: Option<Found> = None;
        for entity in entities {
            let one = std::slice::from_ref(entity);
            let Some((found, value)) = self.best_entity(slot, inner, one, false) else {
                continue;
            };
            if !values.contains(&value) {
                values.push(value);
            }
            let all = whole.get_or_insert_with(|| found.clone());
            all.start = all.start.min(found.start);
            all.end = all.end.max(found.end);
        }
        let whole = whole?;
        Some(((whole.start, whole.end), whole, Value::List(values)))
    }

    /// Slots that the front flow has yet to ask for, its sub-flow's among them.
    pub(super) fn empty_slots(&self) -> Vec<String> {
        let flows = [self.state.flow(), self.top().map(|frame| &frame.flow)];
        let mut slots: Vec<String> = Vec::new();
        for slot in flows
            .into_iter()
            .flatten()
            .flat_map(|flow| self.asked_slots(flow))
        {
            if self.state.slot(&slot).is_none() && !slots.contains(&slot) {
                slots.push(slot);
            }
        }
        slots
    }

    /// Fills slots of the front flow from a message; true where one was filled. A value that fails
    /// its check is left out; its text is said when the slot is asked. A check that can't be told yet, such as one of
    /// an order that has not been looked up, waits until then.
    pub(super) fn prefill(&mut self, slots: &[String], entities: &[Found]) -> bool {
        let mut filled = false;
        // What only the customer knows is given in answer to its question, never in passing: any four digits may look
        // like a PIN.
        let open: Vec<String> = slots
            .iter()
            .filter(|slot| !self.is_secret(slot))
            .cloned()
            .collect();
        let text = self.state.last_text.clone();
        let meant: Vec<Found> = entities
            .iter()
            .filter(|found| !self.is_loose(&text, found))
            .cloned()
            .collect();
        for (slot, found, value) in self.match_slots(&open, &meant) {
            if let Some(rivals) = self.alternatives(&slot, &text, entities) {
                self.note(
                    "reading",
                    format!("answer {slot}"),
                    "rejected",
                    "two values for one slot",
                );
                if let Some(base) = self.base_mut() {
                    base.rivals.insert(slot, rivals);
                    filled = true;
                }
            } else if self.may_hold(&slot, &value) {
                self.put(&slot, value, "user", found.confidence);
                filled = true;
            } else {
                self.refuse(&slot);
            }
        }
        filled
    }

    /// The text of a slot's check asks for it the next time.
    pub(super) fn refuse(&mut self, slot: &str) {
        let text = self
            .bundle
            .slots
            .get(slot)
            .and_then(|s| s.check_else.clone());
        if let (Some(text), Some(base)) = (text, self.base_mut()) {
            base.refused.insert(slot.to_owned(), text);
        }
    }

    /// Keeps values that nothing asks for now.
    pub(super) fn keep_ahead(&mut self, found: Vec<Found>) {
        let turn = self.state.turn;
        let ahead = &mut self.state.ahead;
        for found in found {
            ahead.retain(|old| old.found.entity != found.entity);
            ahead.push(Ahead { found, turn });
        }
        let over = ahead.len().saturating_sub(AHEAD);
        ahead.drain(..over);
    }

    /// Fills slots with what was said while nothing asked for it, where one slot only can take it.
    fn prefill_ahead(&mut self, slots: &[String]) {
        let turn = self.state.turn;
        self.state
            .ahead
            .retain(|old| turn.saturating_sub(old.turn) <= KEPT);
        for Ahead { found, .. } in self.state.ahead.clone() {
            let open: Vec<String> = slots
                .iter()
                .filter(|slot| self.state.slot(slot).is_none())
                .filter(|slot| {
                    let one = std::slice::from_ref(*slot);
                    !self
                        .match_slots(one, std::slice::from_ref(&found))
                        .is_empty()
                })
                .cloned()
                .collect();
            if open.len() == 1 && self.prefill(&open, std::slice::from_ref(&found)) {
                self.state
                    .ahead
                    .retain(|old| old.found.entity != found.entity);
            }
        }
    }

    /// Puts a flow in front, filled from what was said; false where there is no such flow. Flows
    /// below it are the caller's to cover or drop.
    pub(super) fn start_flow(&mut self, flow: &str, said: &Said) -> bool {
        let start = match self.bundle.flows.get(flow) {
            Some(flow) => flow.start.clone(),
            None => return false,
        };
        self.make_room(0);
        if !self.push_frame(flow, false) {
            return false;
        }
        self.state.just_done = false;
        if let Some(intent) = start {
            self.note("intent", intent.clone(), "served", flow);
            self.state.intent = Some(intent);
        }
        let slots = self.asked_slots(flow);
        // "What's the rate for euros?" asks for a service and gives its value.
        let mut entities = said.entities.clone();
        for found in &mut entities {
            if found.polarity == Polarity::Asked {
                found.polarity = Polarity::Affirmed;
            }
        }
        self.prefill(&slots, &entities);
        self.prefill_amount(&slots, &entities);
        self.prefill_ahead(&slots);
        true
    }

    /// "Transfer 75": a bare number for the one amount that a flow asks for, where nothing else is made of it.
    fn prefill_amount(&mut self, slots: &[String], entities: &[Found]) {
        let amount = |slot: &&String| {
            self.bundle
                .slots
                .get(*slot)
                .is_some_and(|slot| slot.ty == Type::Money)
        };
        let mut amounts = slots.iter().filter(amount);
        let (Some(slot), None) = (amounts.next().cloned(), amounts.next()) else {
            return;
        };
        let alone = |found: &&Found| {
            found.entity == "number"
                && found.polarity.is_affirmed()
                && !self.is_loose(&self.state.last_text, found)
                && !inside_other(found, entities)
                && !entities.iter().any(|other| {
                    let same = overlaps((found.start, found.end), (other.start, other.end));
                    same && !matches!(other.entity.as_str(), "number" | "time_bare")
                })
        };
        let numbers: Vec<Found> = entities.iter().filter(alone).cloned().collect();
        if let ([_], true) = (numbers.as_slice(), self.state.slot(&slot).is_none())
            && let Some((slot, found, value)) = self.match_as_asked(&[slot], &numbers).pop()
            && self.may_hold(&slot, &value)
        {
            self.put(&slot, value, "user", found.confidence);
        }
    }

    /// "Well, 5k then" at a question that wants no sum: a number in words or thousands is the amount of the flow.
    pub(super) fn prefill_sum(
        &mut self,
        slots: &[String],
        input: &super::event::Input,
        entities: &[Found],
    ) -> bool {
        let worded = |found: &Found| {
            let said = input.text.get(found.start..found.end);
            found.entity == "number"
                && said.is_some_and(|said| said.chars().any(char::is_alphabetic) && said.len() > 1)
        };
        if !entities.iter().any(worded) {
            return false;
        }
        let before = self.filled_count();
        self.prefill_amount(slots, entities);
        self.filled_count() > before
    }

    fn filled_count(&self) -> usize {
        self.state.filled().len()
    }

    /// Makes room on a full stack: the flows that were covered first go, but for the last `kept` ones.
    pub(super) fn make_room(&mut self, kept: usize) {
        let depth = usize::try_from(self.bundle.limits.depth.max(1)).unwrap_or(usize::MAX);
        let flows = |frames: &[Frame]| frames.iter().filter(|frame| !frame.called).count();
        while self.state.frames.len() >= depth && flows(&self.state.frames) > kept {
            let frame = self.state.frames.remove(0);
            self.ended(&frame, "abandoned");
            while self.state.frames.first().is_some_and(|frame| frame.called) {
                self.state.frames.remove(0);
            }
        }
    }
}

/// True for the part of a longer entity: the 5 of "5 May".
pub(super) fn inside_other(found: &Found, entities: &[Found]) -> bool {
    let length = found.end.saturating_sub(found.start);
    entities.iter().any(|other| {
        let holds = matches!(other.entity.as_str(), "datetime" | "datetime_past")
            && matches!(found.entity.as_str(), "date" | "date_past" | "time");
        !holds
            && !are_two_codes(other, entities)
            && other.end.saturating_sub(other.start) > length
            && other.start <= found.start
            && found.end <= other.end
    })
}

/// Confidence below which a run of digits only may be a telephone number.
const PHONE: f64 = 0.7;

/// True where what may be a telephone number is two of the bot's own numbers, one after the other: "30552208 2580".
fn are_two_codes(phone: &Found, entities: &[Found]) -> bool {
    let code = |found: &&Found| found.confidence >= 1.0 && found.entity != phone.entity;
    let mut first = entities
        .iter()
        .filter(code)
        .filter(|f| f.start == phone.start);
    phone.entity == "phone"
        && phone.confidence < PHONE
        && first.any(|first| {
            let mut rest = entities.iter().filter(code);
            rest.any(|second| {
                second.end == phone.end && (first.end..=first.end + 2).contains(&second.start)
            })
        })
}
