//! The handoff envelope, version 1: everything that goes along with a customer, as plain data, and
//! the customer-record summary, a pure function of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Value of [`Envelope::schema`].
pub const SCHEMA: &str = "bellhop.handoff.request/v1";

/// A request for a person with its whole context. Readers ignore fields they don't know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Envelope {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// ULID; whoever receives it twice has received it once.
    pub handoff_id: String,
    /// Organisation; `default` with one.
    pub tenant: String,
    /// One interaction spans channels; with one channel it is the conversation.
    pub interaction_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// This owner's stretch of it.
    pub segment_id: String,
    /// The stretch before.
    pub previous_segment_id: Option<String>,
    /// Other handoffs of the same conversation.
    pub related: Vec<String>,
    /// Fencing token: grows with every change of owner.
    pub epoch: u64,
    /// When the handoff was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What made it.
    pub source: Origin,
    /// `web`, `voice`, `rest`, …
    pub channel: String,
    /// Our account on the channel (the number called, the page), if any.
    pub channel_account: Option<String>,
    /// The customer's address on the channel (call id, sender id), if any.
    pub address_ref: Option<String>,
    /// Language of the conversation.
    pub locale: String,
    /// IANA time zone of the bot.
    pub timezone: String,
    /// Until when the channel lets us write; always open on web, shell and phone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reply_window_until: Option<Timestamp>,
    /// Who it is.
    pub customer: Customer,
    /// Why, with what made it fire.
    pub reason: Reason,
    /// The intent served, or the best guess.
    pub intent: String,
    /// Intents of the last reading, best first.
    pub intent_candidates: Vec<Candidate>,
    /// How upset: 0 is content or neutral, 1 very.
    pub sentiment: Sentiment,
    /// What the customer told us and what systems said: for each slot the value that is in front.
    pub slots: BTreeMap<String, Slot>,
    /// Values of the same slots in other flows, the last first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots_earlier: Vec<EarlierSlot>,
    /// In a sentence or two.
    pub summary: Story,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
    /// Flags for quality assurance.
    pub qa_flags: QaFlags,
    /// Everything said, in order.
    pub transcript: Transcript,
    /// Where it goes and how urgent it is.
    pub routing: Routing,
    /// Notes between staff: never shown to the customer.
    pub notes_internal: Vec<Note>,
    /// Files; none yet on our channels.
    pub attachments: Vec<Attachment>,
    /// Tickets, articles, views of portals.
    pub links: Vec<Reference>,
    /// How it may be kept and shown.
    pub privacy: Privacy,
}

/// What made a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    /// Flow that was being served, if any.
    pub flow: Option<String>,
    /// Bundle hash: the version of the flows.
    pub flow_version: String,
    /// Step (`flow:step`) or trigger.
    pub node: String,
    /// The model that read the messages.
    pub model_version: String,
    /// Bundle hash: the policy is part of the bundle.
    pub policy_version: String,
}

/// The customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Customer {
    /// Their id; `anonymous` where nobody said.
    pub id: String,
    /// Their tier; `standard` where nobody said.
    pub tier: String,
    /// What to call them.
    pub display_name: Option<String>,
    /// How sure we are of who it is: `none`, `asserted`, `token`, `otp`, `knowledge`.
    pub verified: String,
    /// Their record in a CRM.
    pub crm_ref: Option<String>,
    /// Language they speak.
    pub language: String,
}

/// Why a person is needed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// `user_request`, `low_confidence`, `repeated_misunderstanding`, `turn_limit`, `sentiment`,
    /// `keyword`, `never_automate`, `policy`, `tier`, `tool_failure`, `bot_unavailable`,
    /// `supervisor_request`, `abandoned_flow` or `other`.
    pub code: String,
    /// The trigger that fired, or the step.
    pub trigger: String,
    /// One sentence.
    pub detail: String,
    /// What was seen and what it was held against.
    pub evidence: Vec<Evidence>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What was looked at.
    pub name: String,
    /// Its value.
    pub value: serde_json::Value,
    /// The threshold.
    pub threshold: serde_json::Value,
    /// Turn number, from 1.
    pub turn: u32,
}

/// An intent with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// Intent id.
    pub name: String,
    /// Calibrated probability.
    pub score: f64,
}

/// How upset the customer is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Sentiment {
    /// In the last message.
    pub last: f64,
    /// Mean of the last five.
    pub trend: f64,
}

/// A slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Slot {
    /// Plain JSON.
    pub value: serde_json::Value,
    /// Name of its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// `user`, `inferred` or `system`.
    pub source: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Personal data.
    pub sensitive: bool,
    /// Known to the customer alone: the value is masked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What it is called, in the bot's first language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Flow that collected it; absent for what belongs to the whole conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// What that flow is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_title: Option<String>,
    /// Turn it was said in, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// What vouches for it: `confirmed` (the customer was shown it and said yes) or `system` (a system answered with
    /// it); absent where it was only said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
    /// What the customer wants it to be, where what was done with it could not be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<serde_json::Value>,
    /// How its flow ended; absent where it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// A value of a slot beside the one in front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EarlierSlot {
    /// The slot.
    pub name: String,
    /// Its value.
    #[serde(flatten)]
    pub slot: Slot,
}

/// The story so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = HandoffStory)]
pub struct Story {
    /// What the customer wants.
    pub issue: String,
    /// What was done.
    pub actions_taken: Vec<String>,
    /// What has to happen now.
    pub next_step: String,
}

/// Something that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Turn number.
    pub turn: u32,
    /// `answer`, `article`, `tool` or `flow`.
    pub kind: String,
    /// Article, action or flow.
    #[serde(rename = "ref")]
    pub reference: String,
    /// How it went.
    pub outcome: String,
    /// Articles it rests on.
    pub source_refs: Vec<String>,
    /// When it was fetched or done.
    #[schema(value_type = String, format = DateTime)]
    pub retrieved_at: Timestamp,
    /// What a tool may change: `none`, `reversible`, `irreversible`; absent for the rest.
    pub risk: Option<String>,
    /// What the policy said of it: `allowed`.
    pub policy: Option<String>,
}

/// Flags for quality assurance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct QaFlags {
    /// The bot said that it is one (the greeting was given).
    pub compliance_phrase_used: bool,
    /// A person must look at it.
    pub escalation_required: bool,
}

/// Everything said. `items` is complete and its `seq` starts at 1 without gaps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// `inline`, or `ref` where the envelope would pass 256 KiB.
    pub mode: String,
    /// Number of messages.
    pub count: u64,
    /// SHA-256 (hex) over the items as JSON.
    pub sha256: String,
    /// Where to read on in mode `ref`.
    pub cursor_url: Option<String>,
    /// The messages.
    pub items: Vec<TranscriptItem>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptItem {
    /// `conversation/journal seq`.
    pub id: String,
    /// From 1, without gaps.
    pub seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `customer`, `bot`, `agent` or `system`.
    pub from: String,
    /// `text`, `button`, `keys`, `silence`, `event`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was said.
    pub text: String,
    /// Names of what was left out.
    pub redactions: Vec<String>,
    /// Response id, article, agent, journal seq, …
    pub meta: BTreeMap<String, String>,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Routing {
    /// Queue.
    pub queue: String,
    /// Wanted skills; the language is always one.
    pub skills: Vec<Skill>,
    /// Seconds after which skills are relaxed, one a step.
    pub relax_after: Vec<u64>,
    /// 0 is most urgent, 9 least.
    pub priority: u8,
    /// Seconds of age given ahead.
    pub boost_seconds: i64,
    /// When it must have been answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sla_due_at: Option<Timestamp>,
    /// Who should get it.
    pub preferred_agent: Option<String>,
    /// Ticket whose owner should get it.
    pub owner_ticket: Option<String>,
    /// Who should not get it.
    pub not_agents: Vec<String>,
    /// Longest wait, seconds.
    pub max_wait_s: Option<u64>,
    /// `callback`, `ticket`, `bot`, `overflow` or `close`; absent means to wait.
    pub on_no_agent: Option<String>,
}

/// A skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skill {
    /// Such as `language:es`.
    pub name: String,
    /// Least level.
    pub level: u8,
    /// Without it no match.
    pub required: bool,
}

/// A note between staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// The note.
    pub text: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// File name.
    pub name: String,
    /// Media type.
    pub mime: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hex.
    pub sha256: String,
    /// Where it is.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// Something elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// `ticket`, `article`, `portal_view` or `conversation`.
    pub kind: String,
    /// Which.
    #[serde(rename = "ref")]
    pub reference: String,
}

impl Reference {
    /// An earlier conversation of the same address.
    pub fn conversation(id: &str) -> Self {
        Self {
            kind: "conversation".to_owned(),
            reference: id.to_owned(),
        }
    }
}

/// How it may be kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Privacy {
    /// `personal` when a slot is marked as personal data, else `ordinary`.
    pub classification: String,
    /// When it must be gone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retain_until: Option<Timestamp>,
    /// Profile that decides what is shown to whom.
    pub redaction_profile: String,
    /// What the customer agreed to.
    pub consent: Vec<String>,
}

/// The customer-record summary: exactly these keys, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Id of the interaction.
    pub interaction_id: String,
    /// Channel.
    pub channel: String,
    /// Customer.
    pub customer: SummaryCustomer,
    /// Intent.
    pub intent: String,
    /// What it is about.
    pub summary: Story,
    /// Quality flags.
    pub qa_flags: QaFlags,
}

/// The customer in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SummaryCustomer {
    /// Their id.
    pub id: String,
    /// Their tier.
    pub tier: String,
}

impl Envelope {
    /// Gives the customer-record summary.
    pub fn to_summary(&self) -> Summary {
        Summary {
            interaction_id: self.interaction_id.clone(),
            channel: self.channel.clone(),
            customer: SummaryCustomer {
                id: self.customer.id.clone(),
                tier: self.customer.tier.clone(),
            },
            intent: self.intent.clone(),
            summary: self.summary.clone(),
            qa_flags: self.qa_flags,
        }
    }
}
