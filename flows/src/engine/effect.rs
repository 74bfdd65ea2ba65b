//! What goes out of the engine: everything the world must do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::collected::Collected;
use crate::bundle::{ActionEffect, Id};

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Tell the customer.
    Say(Message),
    /// Call an action and come back with `ActionDone`. The engine waits.
    Call(ActionCall),
    /// Search the knowledge base and come back with `Found`. The engine waits.
    Search {
        /// Idempotency key.
        key: String,
        /// What is looked for.
        query: String,
        /// Language of the customer.
        language: String,
        /// Only this article, where the reading names one.
        article: Option<String>,
    },
    /// Put the conversation into a queue and come back with `Queued`.
    Handoff(HandoffRequest),
    /// The customer no longer wants a person: take the conversation out of its queue.
    CancelHandoff,
    /// A rating of 1 to 5.
    Rated {
        /// The rating.
        score: u8,
    },
    /// A flow ended: counted for containment.
    FlowEnded {
        /// The flow.
        flow: Id,
        /// Its outcome.
        outcome: String,
    },
    /// The bot is waiting for the customer; the phone channel turns this into a gather.
    Listen(Listen),
    /// The conversation is over.
    Close {
        /// Why.
        reason: String,
    },
}

/// A message to the customer, rendered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Message {
    /// Response id, or the pattern's name: what tests and traces call it.
    pub name: String,
    /// Text for screens.
    pub text: String,
    /// Text for the phone, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// Language it is in.
    pub language: String,
    /// Buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<MessageButton>,
    /// Links: title and address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<(String, String)>,
    /// The article that an answer comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// A button, rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageButton {
    /// What it shows.
    pub title: String,
    /// What it sends.
    pub payload: String,
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Article id.
    pub article: String,
    /// Its title.
    pub title: String,
    /// Heading within it, if any.
    pub section: Option<String>,
    /// Address customers can open, if any.
    pub url: Option<String>,
}

/// A call to an action, templates filled (but `env.*`, which the caller fills so that secrets never enter the journal).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionCall {
    /// Idempotency key `conversation/frame/step/visit` without the conversation, which the caller puts before it.
    pub key: String,
    /// The action.
    pub action: Id,
    /// Address; `{env.NAME}` still in it.
    pub url: String,
    /// Headers; `{env.NAME}` still in them.
    pub headers: BTreeMap<String, String>,
    /// JSON body.
    pub body: Option<serde_json::Value>,
    /// What it changes: irreversible calls are journalled before they are sent.
    pub effect: ActionEffect,
}

/// A request for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandoffRequest {
    /// The queue.
    pub queue: String,
    /// 0 is most urgent.
    pub priority: u8,
    /// Reason code of handoff.md.
    pub reason: String,
    /// Name of the trigger, or `flow:step`.
    pub trigger: String,
    /// One sentence for the agent.
    pub detail: String,
    /// What made it fire.
    pub evidence: Vec<Evidence>,
    /// The intent being served, or the best guess.
    pub intent: String,
    /// The flow being served, if any.
    pub flow: Option<Id>,
    /// Everything that was collected, taken before flows end over this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collected: Vec<Collected>,
    /// Intents and `article:ID`s that the customer asked for too and that nobody has come to yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Id>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was looked at, such as `negative` or `intent.complaint`.
    pub name: String,
    /// Its value.
    pub value: serde_json::Value,
    /// The threshold it was held against.
    pub threshold: serde_json::Value,
    /// Turn number, from 1.
    pub turn: u32,
}

/// What the bot waits for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Listen {
    /// The slot being asked, if any.
    pub slot: Option<Id>,
    /// Its type's name (`number`, `yes_no`, entity id, …), if any.
    pub expects: Option<String>,
    /// Keys that choose: digit -> payload (`1` yes, `2` no; choices in order). `0` is always a person.
    pub keys: BTreeMap<String, String>,
    /// Words a recogniser should expect.
    pub hints: Vec<String>,
}
