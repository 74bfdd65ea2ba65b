//! The envelope made from what a conversation knows. Values of slots that are personal data are in
//! it, marked; secret ones are masked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use bellhop_flows::bundle::{ActionEffect, Bundle};
use bellhop_flows::engine::effect::HandoffRequest;
use bellhop_flows::engine::state::{Proof, State};
use bellhop_flows::engine::{Collected, collected};

use super::envelope::{
    Attempt, Candidate, Customer, EarlierSlot, Envelope, Evidence, Origin, Privacy, QaFlags,
    Reason, Routing, SCHEMA, Sentiment, Skill, Slot, Transcript,
};
use super::story::{flow_title, slot_title, story};
use crate::conversation::CLAIMED_ID;

/// Priority where no queue gives one.
const ORDINARY: u8 = 5;
/// Readings of the last message that are told, best first.
const CANDIDATES: usize = 5;
/// Turns that the trend of the mood looks at.
const TREND: usize = 5;

/// What an envelope says beside the conversation's state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The handoff; empty for a conversation that was never handed over.
    pub handoff: String,
    /// The conversation.
    pub conversation: String,
    /// Earlier handoffs of the conversation, oldest first.
    pub earlier: Vec<String>,
    /// Epoch of the owner from here on.
    pub epoch: u64,
    /// When the handoff was asked for.
    pub at: Timestamp,
    /// Our account on the channel.
    pub account: Option<String>,
    /// The customer's address on the channel.
    pub address: Option<String>,
    /// The facts about the customer were proved.
    pub verified: bool,
    /// The model that read the messages.
    pub model: String,
}

/// Makes an envelope, its transcript still empty: the transcript's module puts that in when it is read,
/// so that it is always complete.
pub fn envelope(
    bundle: &Bundle,
    state: &State,
    request: Option<&HandoffRequest>,
    facts: &Facts,
) -> Envelope {
    // A request carries what was collected when it was made: flows may have ended over it since.
    let known = match request {
        Some(request) => request.collected.clone(),
        None => collected(bundle, state),
    };
    let (slots, slots_earlier) = slots(bundle, &known);
    let mut all = slots
        .values()
        .chain(slots_earlier.iter().map(|one| &one.slot));
    let personal = all.any(|slot| slot.sensitive);
    let intent = intent(state, request);
    Envelope {
        schema: SCHEMA.to_owned(),
        handoff_id: facts.handoff.clone(),
        tenant: "default".to_owned(),
        interaction_id: facts.conversation.clone(),
        conversation_id: facts.conversation.clone(),
        segment_id: segment(&facts.conversation, facts.epoch),
        previous_segment_id: facts
            .epoch
            .checked_sub(1)
            .map(|epoch| segment(&facts.conversation, epoch)),
        related: facts.earlier.clone(),
        epoch: facts.epoch,
        created_at: facts.at,
        source: origin(bundle, request, facts),
        channel: state.channel.clone(),
        channel_account: facts.account.clone(),
        address_ref: facts.address.clone(),
        locale: language(bundle, state),
        timezone: bundle.time_zone.clone(),
        reply_window_until: None,
        customer: customer(bundle, state, facts.verified),
        reason: request.map(reason).unwrap_or_default(),
        intent_candidates: candidates(state),
        sentiment: sentiment(&state.moods),
        summary: story(bundle, state, &known, &intent, request),
        intent,
        attempts: attempts(bundle, state),
        qa_flags: QaFlags {
            compliance_phrase_used: false,
            escalation_required: request.is_some(),
        },
        transcript: Transcript::default(),
        routing: routing(bundle, state, request),
        notes_internal: Vec::new(),
        attachments: Vec::new(),
        links: Vec::new(),
        privacy: Privacy {
            classification: if personal { "personal" } else { "ordinary" }.to_owned(),
            retain_until: None,
            redaction_profile: "agent".to_owned(),
            consent: Vec::new(),
        },
        slots,
        slots_earlier,
    }
}

/// Names the stretch of a conversation that one owner had: owners change with the epoch.
pub(crate) fn segment(conversation: &str, epoch: u64) -> String {
    format!("{conversation}/{epoch}")
}

fn language(bundle: &Bundle, state: &State) -> String {
    if state.language.is_empty() {
        bundle.languages.first().cloned().unwrap_or_default()
    } else {
        state.language.clone()
    }
}

fn origin(bundle: &Bundle, request: Option<&HandoffRequest>, facts: &Facts) -> Origin {
    Origin {
        flow: request.and_then(|request| request.flow.clone()),
        flow_version: bundle.hash.clone(),
        node: request
            .map(|request| request.trigger.clone())
            .unwrap_or_default(),
        model_version: facts.model.clone(),
        policy_version: bundle.hash.clone(),
    }
}

fn customer(bundle: &Bundle, state: &State, proved: bool) -> Customer {
    let fact = |name: &str| {
        state
            .customer
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    };
    let id = fact("id").or_else(|| fact(CLAIMED_ID));
    let verified = match (proved, &id) {
        (true, _) => "token",
        (false, Some(_)) => "asserted",
        (false, None) => "none",
    };
    Customer {
        id: id.unwrap_or_else(|| "anonymous".to_owned()),
        tier: fact("tier").unwrap_or_else(|| "standard".to_owned()),
        display_name: fact("name"),
        verified: verified.to_owned(),
        crm_ref: fact("crm_ref"),
        language: language(bundle, state),
    }
}

fn reason(request: &HandoffRequest) -> Reason {
    Reason {
        code: request.reason.clone(),
        trigger: request.trigger.clone(),
        detail: request.detail.clone(),
        evidence: request
            .evidence
            .iter()
            .map(|evidence| Evidence {
                name: evidence.name.clone(),
                value: evidence.value.clone(),
                threshold: evidence.threshold.clone(),
                turn: evidence.turn,
            })
            .collect(),
    }
}

fn intent(state: &State, request: Option<&HandoffRequest>) -> String {
    let best = || state.last_intents.first().map(|(name, _)| name.clone());
    request
        .map(|request| request.intent.clone())
        .filter(|intent| !intent.is_empty())
        .or_else(|| state.intent.clone())
        .or_else(best)
        .unwrap_or_else(|| "unknown".to_owned())
}

fn candidates(state: &State) -> Vec<Candidate> {
    state
        .last_intents
        .iter()
        .take(CANDIDATES)
        .map(|(name, score)| Candidate {
            name: name.clone(),
            score: *score,
        })
        .collect()
}

fn sentiment(moods: &[f64]) -> Sentiment {
    let recent = &moods[moods.len().saturating_sub(TREND)..];
    let mut trend = 0.0;
    for (n, mood) in (1_u32..).zip(recent) {
        trend += (mood - trend) / f64::from(n);
    }
    Sentiment {
        last: moods.last().copied().unwrap_or(0.0),
        trend,
    }
}

/// What was collected, by name: the value in front, and the others.
fn slots(bundle: &Bundle, known: &[Collected]) -> (BTreeMap<String, Slot>, Vec<EarlierSlot>) {
    let mut front = BTreeMap::new();
    let mut others = Vec::new();
    for one in known {
        let slot = slot(bundle, one);
        if front.contains_key(&one.slot) {
            let name = one.slot.clone();
            others.push(EarlierSlot { name, slot });
        } else {
            front.insert(one.slot.clone(), slot);
        }
    }
    (front, others)
}

fn slot(bundle: &Bundle, one: &Collected) -> Slot {
    let declared = bundle.slots.get(&one.slot);
    let filled = &one.filled;
    let proof = filled.verified.map(|proof| match proof {
        Proof::Confirmed => "confirmed",
        Proof::System => "system",
    });
    Slot {
        value: filled.value.to_json(),
        ty: declared.map_or_else(|| "any".to_owned(), |slot| slot.ty.name()),
        source: filled.source.clone(),
        confidence: filled.confidence,
        // A slot that the bot does not declare any more may have been personal, and secret.
        sensitive: declared.is_none_or(|slot| slot.pii),
        secret: declared.is_none_or(|slot| slot.secret),
        title: Some(slot_title(bundle, &one.slot)),
        flow: one.flow.clone(),
        flow_title: one.flow.as_deref().map(|flow| flow_title(bundle, flow)),
        turn: (filled.turn > 0).then_some(filled.turn),
        verified: proof.map(str::to_owned),
        wanted: one.wanted.as_ref().map(|value| value.to_json()),
        ended: one.outcome.clone(),
    }
}

fn attempts(bundle: &Bundle, state: &State) -> Vec<Attempt> {
    state
        .attempts
        .iter()
        .map(|attempt| {
            let tool = (attempt.kind == "tool").then(|| bundle.actions.get(&attempt.reference));
            let cites = matches!(attempt.kind.as_str(), "answer" | "article");
            Attempt {
                turn: attempt.turn,
                kind: attempt.kind.clone(),
                reference: attempt.reference.clone(),
                outcome: attempt.outcome.clone(),
                source_refs: cites
                    .then(|| attempt.reference.clone())
                    .into_iter()
                    .collect(),
                retrieved_at: attempt.at,
                risk: tool.flatten().map(|action| risk(action.effect).to_owned()),
                policy: tool.map(|_| "allowed".to_owned()),
            }
        })
        .collect()
}

fn risk(effect: ActionEffect) -> &'static str {
    match effect {
        ActionEffect::None => "none",
        ActionEffect::Reversible => "reversible",
        ActionEffect::Irreversible => "irreversible",
    }
}

fn routing(bundle: &Bundle, state: &State, request: Option<&HandoffRequest>) -> Routing {
    Routing {
        queue: request
            .map(|request| request.queue.clone())
            .unwrap_or_default(),
        skills: vec![Skill {
            name: format!("language:{}", language(bundle, state)),
            level: 1,
            required: true,
        }],
        priority: request.map_or(ORDINARY, |request| request.priority),
        ..Routing::default()
    }
}

#[cfg(test)]
mod tests;
