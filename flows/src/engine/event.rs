//! What comes into the engine. Every event carries its time; the engine has no clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bundle::Id;

/// Something that happened to a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// The conversation begins.
    Opened {
        /// `web`, `voice`, `rest`, `shell`, …
        channel: String,
        /// Language asked for; the bot's default where none is given.
        language: Option<String>,
        /// Facts about the customer, as far as known: `id`, `tier`, `name`, …
        customer: BTreeMap<String, String>,
    },
    /// The customer said something.
    Heard {
        /// What came in.
        input: Input,
        /// What the NLU made of it; absent for exact payloads and keys.
        reading: Option<Reading>,
    },
    /// The customer said nothing for as long as the channel waits.
    Silence,
    /// An action is done.
    ActionDone {
        /// The effect it answers.
        key: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// A knowledge search is done.
    Found {
        /// The effect it answers.
        key: String,
        /// Best first; empty when nothing is good enough.
        passages: Vec<Passage>,
    },
    /// The handoff is in a queue.
    Queued {
        /// The queue.
        queue: String,
        /// 1 is next.
        position: u32,
        /// Estimated wait in seconds.
        wait_s: Option<u64>,
    },
    /// The customer's place in the queue changed.
    PositionChanged {
        /// 1 is next.
        position: u32,
        /// Estimated wait in seconds.
        wait_s: Option<u64>,
    },
    /// A person took the conversation: the bot is silent from here.
    AgentJoined {
        /// Name shown to the customer.
        agent: String,
    },
    /// The person handed the conversation back to the bot.
    Returned {
        /// The flow to start, if any.
        flow: Option<Id>,
    },
    /// The person finished; the bot asks for satisfaction.
    WrappedUp,
    /// The conversation is over (idle, closed by the customer).
    Closed {
        /// Why.
        reason: String,
    },
}

/// What the customer sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Input {
    /// Typed or transcribed text.
    pub text: String,
    /// Payload of a button or deep link: exact, read without the model.
    pub payload: Option<String>,
    /// Keys pressed on the phone: exact, read without the model.
    pub keys: Option<String>,
    /// The recogniser's confidence, 0 to 1, for speech.
    pub speech_confidence: Option<f64>,
}

/// A part of a message that asks for something of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it asks for: an intent or `article:ID`.
    pub intent: Id,
    /// Probability of the intent, of this part read by itself.
    pub probability: f64,
}

/// A part of an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What a person does with a part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it; the others have a line")]
pub enum Act {
    Affirm,
    Deny,
    /// A condition, a limit or a doubt: "but only next week", "if it's free". Beside an affirm it undoes it.
    Limit,
    /// Gives a value: "it's 4821", "on Thursday".
    Inform,
    /// Changes a value given before: "no, I meant Friday", "the street is wrong".
    Correct,
    /// Takes a value out of the choices: "not Monday", "anything but gold".
    Exclude,
    /// Wants something done: "block my card".
    Request,
    /// Wants something left undone: "don't block it".
    RequestNot,
    /// A question: "how long does it take?".
    Ask,
    /// Does not know or does not have what was asked for.
    Cannot,
    /// Won't say what was asked for.
    Refuse,
    /// Wants to pass over the question.
    Skip,
    /// Needs a moment: "hold on".
    Wait,
    /// Is there again: "I'm back".
    Resume,
    /// The matter is settled: "found it".
    Resolved,
    /// No longer wants it: "never mind".
    Withdraw,
    /// Wants a person.
    Human,
    /// Does not want a person.
    HumanNot,
    Greet,
    Thanks,
    Bye,
    /// Small talk: "how are you", "nice weather".
    Chat,
    /// About the bot itself: "are you real?", "what can you do?".
    AboutBot,
    /// Is unhappy with what was done to them.
    Complain,
    /// Insults.
    Abuse,
    /// Can't cope.
    Distress,
    /// In danger, or speaks of self-harm.
    Crisis,
    /// Wants it said again.
    Repeat,
    /// Was misread: "I said yes", "you're not listening".
    Rephrase,
    /// Asks for another language.
    Language,
}

/// A part of a message with one act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Acts with their probabilities, best first.
    pub acts: Vec<(Act, f64)>,
    /// The intent of this part read by itself, with its probability, where the message has several parts and this
    /// one may want something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<(Id, f64)>,
}

/// How a value is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// Given as a value.
    #[default]
    Affirmed,
    /// Ruled out: "not Monday", "anything but gold".
    Excluded,
    /// Only asked about: "how fast is gold?".
    Asked,
    /// Past or supposed: "yesterday it was 5", "if it were Monday".
    Past,
}

impl Polarity {
    /// True for a value that is given as one.
    pub fn is_affirmed(&self) -> bool {
        *self == Self::Affirmed
    }
}

/// What the NLU made of an utterance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// Language of the utterance, one of the bot's.
    pub language: String,
    /// Intents, best first, with calibrated probabilities; they and `none` sum to at most 1. An
    /// article with `questions:` takes part as `article:ID`.
    pub intents: Vec<(Id, f64)>,
    /// Probability that it is none of the bot's intents.
    pub none: f64,
    /// The requests of a message that has several, in its order; none where it has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Part>,
    /// The message in clauses, in order, each with what is done in it; none where the model has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<Clause>,
    /// Everything found in the text; entries may overlap, the engine picks by the slot's type.
    pub entities: Vec<Found>,
    /// 0 is content or neutral, 1 is very upset.
    pub negative: f64,
    /// The words that make it sound upset, the strongest first; none where it hardly does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Place>,
    /// Swear words, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profanity: Vec<Place>,
    /// The model did not answer in time; only exact readings are safe.
    pub degraded: bool,
}

/// An entity in the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Entity id, or the system type's name (`money`, `date`, `yes_no`, …), or a slot id for a learned span.
    pub entity: String,
    /// Plain JSON of the value: text for lists and regexes, `"42.00"` for numbers, `{"amount","currency"}` for money, ISO 8601 for dates and times, seconds for durations, bool for `yes_no`.
    pub value: serde_json::Value,
    /// First byte in the utterance.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// 0 to 1.
    pub confidence: f64,
    /// How it is meant.
    #[serde(default, skip_serializing_if = "Polarity::is_affirmed")]
    pub polarity: Polarity,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outcome {
    /// The peer's answer as JSON, not yet checked against `returns`.
    Answered {
        /// The body.
        body: serde_json::Value,
    },
    /// No answer in time.
    TimedOut,
    /// An HTTP status that is no success.
    Status {
        /// The status.
        status: u16,
        /// The body, if it was JSON: `{"error":"needs_human"}` marks the class of [16].
        body: Option<serde_json::Value>,
    },
    /// No connection, or a body that is not JSON.
    Failed {
        /// What happened, for staff.
        detail: String,
    },
}

/// A passage of an article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Article id: its path under `knowledge/` without `.md`.
    pub article: String,
    /// Title of the article.
    pub title: String,
    /// Heading within it, if any.
    pub section: Option<String>,
    /// The text, plain.
    pub text: String,
    /// Address customers can open, if any.
    pub url: Option<String>,
    /// Calibrated probability that it answers the question.
    pub confidence: f64,
}
