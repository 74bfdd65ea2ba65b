//! The state of a conversation: everything the engine remembers between two events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect::Message;
use super::event::{Event, Found, Passage};
use super::frame::Frame;
use crate::bundle::Id;
use crate::value::Value;

/// Who the conversation belongs to: the only side whose text reaches the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The bot.
    #[default]
    Bot,
    /// A queue; the bot keeps the customer informed and takes "never mind".
    Queue,
    /// A person; the bot is silent.
    Agent,
    /// Nobody: it is over.
    Closed,
}

/// A filled slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// Its value.
    pub value: Value,
    /// `user`, `inferred` or `system`.
    pub source: String,
    /// Confidence of the reading it came from.
    pub confidence: f64,
    /// Turn it was filled in.
    pub turn: u32,
    /// What vouches for it beyond its being said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Proof>,
}

/// What vouches for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The customer was shown it and said yes.
    Confirmed,
    /// A system answered with it.
    System,
}

/// What a flow that ended had collected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The flow.
    pub flow: Id,
    /// Its outcome.
    pub outcome: String,
    /// Its values; secret ones masked.
    pub slots: BTreeMap<Id, Filled>,
}

/// Counters that triggers and ladders look at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// No-matches running.
    pub no_match_running: u32,
    /// No-matches in the conversation.
    pub no_match_total: u32,
    /// Silences running.
    pub no_input_running: u32,
    /// Turns running whose best intent was below the low-confidence bar.
    pub low_confidence_running: u32,
    /// Turns since a flow last finished.
    pub turns_since_done: u32,
    /// Failed actions in the conversation.
    pub tool_failures: u32,
    /// Insults in the conversation.
    #[serde(default)]
    pub abuse: u32,
    /// A person was offered since the bot last understood.
    #[serde(default)]
    pub person_offered: bool,
}

/// A correction that needs an action undone first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Undo {
    /// The action that is done.
    pub action: Id,
    /// The action that undoes it.
    pub by: Id,
    /// The slot that is corrected.
    pub slot: Id,
    /// Its new value.
    pub value: Value,
    /// Confidence of the reading it came from.
    pub confidence: f64,
}

/// A request that waits until those before it are done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Intent or `article:ID`.
    pub topic: Id,
    /// Its probability.
    pub probability: f64,
    /// The part of the message that asks for it.
    pub text: String,
    /// What was found in that part.
    pub entities: Vec<Found>,
}

/// What the engine waits for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Wait {
    /// The customer: an answer to the top frame's question, or anything where there is no frame.
    #[default]
    Customer,
    /// An action's result.
    Action {
        /// Key of its effect.
        key: String,
    },
    /// A knowledge search.
    Search {
        /// Key of its effect.
        key: String,
        /// True when a flow's `search` step asked for it, false when it answers a message.
        step: bool,
        /// The message looked like a question, so "no answer" fits better than "no match".
        question: bool,
        /// Probability that the article the search is restricted to answers the message; 0 without one.
        sure: f64,
        /// What is looked for next where nothing new is found: the message without the question before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<String>,
    },
    /// A choice between readings of a message.
    Choice {
        /// Intents and `article:ID`s, in the order shown.
        options: Vec<String>,
        /// The message.
        text: String,
        /// What was found in it; fills the slots of the flow that is chosen.
        entities: Vec<Found>,
    },
    /// Which answer is to be changed: a yes here is no yes to what was asked before.
    Change,
    /// Whether to go on with the covered frame.
    Resume,
    /// Whether to undo an action, so that an answer it depended on can change.
    Undo(Undo),
    /// The action that undoes.
    Undoing {
        /// Key of its effect.
        key: String,
        /// What it is for.
        undo: Undo,
    },
    /// Whether a person should take over; any other message is read as usual.
    Person,
    /// A rating of 1 to 5.
    Rating {
        /// How often it was asked for.
        asked: u32,
    },
}

/// The flow that ended last, as it stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// Its frame.
    pub frame: Frame,
    /// Turn in which it ended.
    pub turn: u32,
    /// When.
    pub at: Timestamp,
}

/// How the flow that was in front last ended, whatever became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastEnd {
    /// The flow.
    pub flow: Id,
    /// It did something that others can see: an action with an effect answered.
    pub acted: bool,
    /// What was said as it ended.
    pub said: String,
    /// Turn in which it ended.
    pub turn: u32,
}

/// An answer from an article, which the next question may go on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The question.
    pub question: String,
    /// The passage.
    pub passage: Passage,
    /// Turn in which it was told.
    pub turn: u32,
}

/// A value that was said while nothing asked for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ahead {
    /// What was found.
    pub found: Found,
    /// Turn in which it was said.
    pub turn: u32,
}

/// Where the conversation stands while a person is awaited.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Queued {
    /// The queue.
    pub queue: String,
    /// 1 is next; 0 while the place is not known.
    pub position: u32,
    /// Estimated wait in seconds.
    pub wait_s: Option<u64>,
    /// Name of the trigger.
    pub trigger: String,
    /// Reason code.
    pub reason: String,
    /// Messages since then.
    #[serde(default)]
    pub heard: u32,
}

/// Something the bot tried, for the envelope's `attempts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Turn.
    pub turn: u32,
    /// `answer`, `tool` or `flow`.
    pub kind: String,
    /// Article, action or flow id.
    pub reference: String,
    /// How it went.
    pub outcome: String,
    /// When.
    pub at: Timestamp,
}

/// The state of a conversation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// Who owns it.
    pub owner: Owner,
    /// Channel it is on.
    pub channel: String,
    /// Language it is in.
    pub language: String,
    /// Customer facts: `id`, `tier`, `name`, …
    pub customer: BTreeMap<String, String>,
    /// Turns so far: inbound messages of the customer.
    pub turn: u32,
    /// Filled slots that outlive a frame.
    pub slots: BTreeMap<Id, Filled>,
    /// Counters.
    pub counters: Counters,
    /// What was tried.
    pub attempts: Vec<Attempt>,
    /// Sentiment of the last turns, oldest first, at most 20.
    pub moods: Vec<f64>,
    /// Intents of the last reading, best first.
    pub last_intents: Vec<(Id, f64)>,
    /// The flow that was in front when a person took over, with its sub-flows: offered where they hand back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_open: Vec<Frame>,
    /// Intent being served, or the last served.
    pub intent: Option<Id>,
    /// Live flows, the one in front last.
    pub frames: Vec<Frame>,
    /// What the flows that ended last had collected, oldest first, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<Ended>,
    /// The flow that ended last, for as long as it can be corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent: Option<Recent>,
    /// How the flow that was in front last ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<LastEnd>,
    /// The last answer from an article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// Values that were said while nothing asked for them; the next flow that asks for one takes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<Ahead>,
    /// What the engine waits for.
    pub wait: Wait,
    /// What was said in the last turn, for `/repeat`.
    pub last_said: Vec<Message>,
    /// What was said before this turn, whose buttons a message may point at.
    #[serde(skip)]
    pub last_said_before: Vec<Message>,
    /// The last message of the customer, what a `search` step without a query looks for.
    pub last_text: String,
    /// The queue the conversation is in, or was taken from.
    pub queued: Option<Queued>,
    /// Name of the person who has the conversation, or had it last.
    pub agent: Option<String>,
    /// Triggers that fire once in a conversation and have fired.
    pub fired: BTreeSet<String>,
    /// Requests of an earlier message that wait for their turn, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// Messages that came while an action or a search was running.
    pub held: Vec<Event>,
    /// Steps since the last wait for the customer.
    pub steps_run: u32,
    /// Number of the newest frame.
    pub frame_serial: u32,
    /// Number of the newest search that answers a message.
    pub search_serial: u32,
    /// A flow finished and nobody has said anything since.
    pub just_done: bool,
    /// The conversation has begun.
    pub opened: bool,
    /// Time of the last event.
    pub now: Option<Timestamp>,
}

impl State {
    /// The flow in front: the one that was started, not the sub-flow it may be in.
    pub fn flow(&self) -> Option<&Id> {
        let base = self.base()?;
        self.frames.get(base).map(|frame| &frame.flow)
    }

    /// A slot as the flow in front sees it: its own, else the conversation's.
    pub fn slot(&self, id: &str) -> Option<&Filled> {
        let own = self.base().and_then(|base| self.frames.get(base));
        own.and_then(|frame| frame.slots.get(id))
            .or_else(|| self.slots.get(id))
    }

    /// Every filled slot: the conversation's and those of all live flows, the one in front winning.
    pub fn filled(&self) -> BTreeMap<Id, Filled> {
        let mut all = self.slots.clone();
        for frame in &self.frames {
            all.extend(frame.slots.iter().map(|(id, f)| (id.clone(), f.clone())));
        }
        all
    }

    /// Index of the frame that owns the slots in front: the top one, or its caller.
    pub(super) fn base(&self) -> Option<usize> {
        (0..self.frames.len())
            .rev()
            .find(|&at| self.frames.get(at).is_some_and(|frame| !frame.called))
    }
}
