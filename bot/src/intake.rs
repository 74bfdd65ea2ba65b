//! What comes in: checked, recognised where it came before, and stored before it is acknowledged.

use std::collections::BTreeMap;

use bellhop_nlu::redact::PersonalData;
use jiff::Timestamp;

use crate::clock::Stopwatch;
use crate::conversation::journal::{Body, Input, Row, What};
use crate::conversation::{
    Accepted, CLAIMED_ID, Conversation, HEAD, Inbound, InboundBody, NewConversation,
};
use crate::decide::decide;
use crate::encoding::{content_hash, encode};
use crate::error::ServiceError;
use crate::gate::{Gate, tidy};
use crate::partition::{self, Accept, Commit, Kind, PartitionId};
use crate::plain::one_line;
use crate::rules::Decision;
use crate::secrets::{CustomerSecrets, SECRETS};
use crate::store::Store;

/// Most inputs of one conversation that may wait.
const WAITING: u64 = 64;
/// Log entries looked through for a button that was pressed: it is among what was said last.
const BUTTONS: usize = 32;
/// Longest sender's id, bytes.
const ID_BYTES: usize = 200;
/// Longest fact, key or name of a new conversation, bytes.
const FACT_BYTES: usize = 1024;
/// Most facts about a customer.
const FACTS: usize = 64;

/// Stores something that a customer sent, as it is once it is through the gate; the engine tells the mailbox. When it returns, the
/// message is durable.
///
/// # Errors
/// The same id with another body, a closed or unknown conversation, too long (`message_bytes`), too many waiting, or a store
/// that can't take it (then nothing is stored).
pub(crate) async fn accept(
    (store, gate): (&Store, &Gate),
    conversation: &str,
    inbound: Inbound,
    message_bytes: usize,
    at: Timestamp,
) -> Result<Accepted, ServiceError> {
    let mut inbound = inbound;
    tidy(&mut inbound.body);
    check(&inbound, message_bytes)?;
    let watch = Stopwatch::start();
    let partition = PartitionId::conversation(conversation);
    let mut body = inbound.body;
    let title = match &body {
        InboundBody::Payload { payload } => button(store, &partition, payload).await?,
        _ => None,
    };
    let (mut redactions, mut clear) = (Vec::new(), None);
    // What we offered ourselves comes back as it is.
    if title.is_none() && (gate.may_change(&body) || gate.may_hide(&body)) {
        let snapshot = store.snapshot(&partition, &[HEAD]).await?;
        let snapshot = snapshot.ok_or_else(|| unknown(conversation))?;
        let head = Conversation::of(&partition, &snapshot)?.head;
        redactions = gate.heard(&head.channel, &mut body);
        let shown = body.clone();
        if gate.hide(&head.open_secrets, &mut body) {
            redactions.push(PersonalData::Password);
            clear = words(&shown);
        }
    }
    let hidden = clear.is_some();
    let hash = content_hash(&encode("message", &body)?);
    let sender_id = inbound.client_msg_id;
    let what = What::Customer {
        client_msg_id: sender_id.clone(),
        body,
        title,
        redactions,
        hidden,
    };
    if let Some(clear) = clear
        && store.seen(&partition, &sender_id).await?.is_none()
    {
        // Before the message is: without it the turn could not be told the secret.
        let keep = |words: &mut Words| words.insert(sender_id.clone(), clear.clone());
        change_words(store, &partition, at, keep).await?;
    }
    let accept = Accept {
        partition,
        sender_id: sender_id.clone(),
        hash,
        at,
        body: Body::Input(Input { what }).entry(0)?.body,
        most_waiting: WAITING,
    };
    let accepted = store.accept(accept).await?;
    metrics::histogram!("bellhop_turn_stage_seconds", "stage" => "accept")
        .record(watch.elapsed().as_secs_f64());
    let (seq, duplicate) = match accepted {
        partition::Accepted::New { seq } => (seq, false),
        partition::Accepted::Before { seq } => (seq, true),
        partition::Accepted::Different => {
            return Err(ServiceError::IdReused {
                client_msg_id: sender_id,
            });
        }
        partition::Accepted::Closed => return Err(ServiceError::Closed),
        partition::Accepted::Full => {
            if hidden {
                let forget = |words: &mut Words| words.remove(&sender_id);
                change_words(store, &PartitionId::conversation(conversation), at, forget).await?;
            }
            let message = format!("{WAITING} messages wait in this conversation; wait for answers");
            return Err(ServiceError::TooMany { message });
        }
        partition::Accepted::Unknown => return Err(unknown(conversation)),
    };
    Ok(Accepted { seq, duplicate })
}

/// Title of the newest button with a payload among what was said last: what the transcript shows.
async fn button(
    store: &Store,
    conversation: &PartitionId,
    payload: &str,
) -> Result<Option<String>, ServiceError> {
    for entry in store.tail(conversation, BUTTONS).await?.iter().rev() {
        if entry.kind != Kind::Message {
            continue;
        }
        if let Body::Message(message) = Row::of(entry)?.body
            && let Some(pressed) = message.buttons.into_iter().find(|b| b.payload == payload)
        {
            return Ok(Some(pressed.title));
        }
    }
    Ok(None)
}

/// What was said in something that a customer sent.
fn words(body: &InboundBody) -> Option<String> {
    match body {
        InboundBody::Text { text }
        | InboundBody::Speech { text, .. }
        | InboundBody::File { text, .. } => Some(text.clone()),
        InboundBody::Keys { keys } => Some(keys.clone()),
        InboundBody::Payload { .. } | InboundBody::Silence => None,
    }
}

/// Messages with secrets in them, by the sender's id.
type Words = BTreeMap<String, String>;

/// Changes what is kept beside the log of messages with secrets in them, until their turns have ended.
async fn change_words(
    store: &Store,
    partition: &PartitionId,
    at: Timestamp,
    change: impl Fn(&mut Words) -> Option<String> + Send + Sync,
) -> Result<(), ServiceError> {
    decide(store, partition, &[SECRETS], |snapshot| {
        let Some(snapshot) = snapshot.filter(|snapshot| !snapshot.head.closed) else {
            return Ok(Decision::Already(()));
        };
        let mut secrets = CustomerSecrets::of(snapshot)?;
        change(&mut secrets.heard);
        let mut commit = Commit::new(partition.clone(), Some(snapshot.head.revision), at);
        let document = secrets.document()?;
        commit.docs.insert(SECRETS.to_owned(), document);
        Ok(Decision::Commit(Box::new(commit), ()))
    })
    .await?;
    Ok(())
}

fn unknown(conversation: &str) -> ServiceError {
    ServiceError::NotFound {
        what: format!("conversation `{conversation}`"),
    }
}

fn invalid(message: String) -> ServiceError {
    ServiceError::Invalid { message }
}

fn check(inbound: &Inbound, limit: usize) -> Result<(), ServiceError> {
    let id = &inbound.client_msg_id;
    if id.is_empty() || id.len() > ID_BYTES {
        return Err(invalid(format!(
            "client_msg_id must have 1 to {ID_BYTES} bytes, this one has {}",
            id.len()
        )));
    }
    if id.chars().any(char::is_control) {
        return Err(invalid(
            "client_msg_id has a control character in it; make it of letters, digits and signs"
                .to_owned(),
        ));
    }
    let (text, may_be_empty) = match &inbound.body {
        InboundBody::Text { text } => (text.as_str(), false),
        InboundBody::Payload { payload } => (payload.as_str(), false),
        InboundBody::Keys { keys } => (keys.as_str(), false),
        // A recogniser that understood nothing says so with an empty transcript.
        InboundBody::Speech { text, .. } => (text.as_str(), true),
        InboundBody::File { text, .. } => (text.as_str(), true),
        InboundBody::Silence => ("", true),
    };
    if text.len() > limit {
        return Err(invalid(format!(
            "the message has {} bytes; at most {limit} are taken",
            text.len()
        )));
    }
    if text.trim().is_empty() && !may_be_empty {
        return Err(invalid("the message is empty; send some text".to_owned()));
    }
    if let InboundBody::Speech {
        confidence: Some(confidence),
        ..
    } = &inbound.body
        && !(0.0..=1.0).contains(confidence)
    {
        return Err(invalid(format!(
            "confidence is {confidence}; it must be from 0 to 1"
        )));
    }
    Ok(())
}

/// Checks a conversation that is to be opened and puts its language in order: the bot's own tag for
/// it, or none where none was asked for.
///
/// # Errors
/// [`ServiceError::Invalid`] with what is wrong and the limit.
pub(crate) fn check_new(
    mut new: NewConversation,
    languages: &[String],
) -> Result<NewConversation, ServiceError> {
    if new.channel.is_empty() {
        return Err(invalid(
            "a conversation needs the name of its channel".to_owned(),
        ));
    }
    let facts = new.customer.iter().flat_map(|(name, fact)| [name, fact]);
    let keys = [&new.channel_account, &new.provider_key];
    let longest = facts
        .chain(keys.into_iter().flatten())
        .chain([&new.channel])
        .map(String::len)
        .max()
        .unwrap_or(0);
    if longest > FACT_BYTES {
        return Err(invalid(format!(
            "a customer fact or key has {longest} bytes; at most {FACT_BYTES} are taken"
        )));
    }
    if new.customer.len() > FACTS {
        return Err(invalid(format!(
            "{} customer facts; at most {FACTS} are taken",
            new.customer.len()
        )));
    }
    let facts = std::mem::take(&mut new.customer).into_iter();
    new.customer = facts
        .map(|(name, fact)| (one_line(&name), one_line(&fact)))
        .collect();
    new.customer.remove(CLAIMED_ID);
    if !new.verified
        && let Some(id) = new.customer.remove("id")
    {
        new.customer.insert(CLAIMED_ID.to_owned(), id);
    }
    if let Some(asked) = new.language.take().filter(|asked| !asked.is_empty()) {
        let primary = |tag: &str| tag.split(['-', '_']).next().map(str::to_lowercase);
        let spoken = languages
            .iter()
            .find(|language| language.eq_ignore_ascii_case(&asked))
            .or_else(|| {
                languages
                    .iter()
                    .find(|language| primary(language) == primary(&asked))
            });
        let Some(spoken) = spoken else {
            return Err(invalid(format!(
                "language `{asked}` is not spoken here; it speaks {}",
                languages.join(", ")
            )));
        };
        new.language = Some(spoken.clone());
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str, text: &str) -> Inbound {
        Inbound {
            client_msg_id: id.to_owned(),
            body: InboundBody::Text {
                text: text.to_owned(),
            },
        }
    }

    #[test]
    fn only_a_proved_id_is_one_that_flows_act_for() {
        let open = |verified, facts: &[(&str, &str)]| {
            let facts = facts
                .iter()
                .map(|(name, fact)| ((*name).to_owned(), (*fact).to_owned()));
            let new = NewConversation {
                channel: "web".to_owned(),
                customer: facts.collect(),
                verified,
                ..NewConversation::default()
            };
            check_new(new, &[]).expect("taken").customer
        };
        let said = open(false, &[("id", "C-1"), ("name", "Ann")]);
        assert_eq!(said.get("id"), None);
        assert_eq!(said.get(CLAIMED_ID).map(String::as_str), Some("C-1"));
        let proved = open(true, &[("id", "C-1"), (CLAIMED_ID, "C-2")]);
        assert_eq!(proved.get("id").map(String::as_str), Some("C-1"));
        assert_eq!(proved.get(CLAIMED_ID), None);
    }

    #[test]
    fn limits_are_told_with_the_limit() {
        assert_eq!(check(&text("1", &"a".repeat(100)), 100), Ok(()));
        let long = check(&text("1", &"a".repeat(101)), 100).expect_err("too long");
        assert_eq!(
            long.to_string(),
            "the message has 101 bytes; at most 100 are taken"
        );
        assert!(check(&text("", "hello"), 100).is_err());
        assert!(check(&text(&"i".repeat(201), "hello"), 100).is_err());
        assert!(check(&text("1", " \n"), 100).is_err());
        assert!(check(&text("1\0", "hello"), 100).is_err());
        let speech = |text: &str, confidence| Inbound {
            client_msg_id: "1".to_owned(),
            body: InboundBody::Speech {
                text: text.to_owned(),
                confidence,
            },
        };
        assert_eq!(check(&speech("", None), 100), Ok(()));
        assert!(check(&speech("hi", Some(1.5)), 100).is_err());
        assert!(check(&speech("hi", Some(f64::NAN)), 100).is_err());
    }

    #[test]
    fn a_language_is_found_by_tag_or_by_its_first_part() {
        let spoken = ["en".to_owned(), "es-MX".to_owned()];
        let found = |asked: &str| {
            let new = NewConversation {
                channel: "web".to_owned(),
                language: Some(asked.to_owned()),
                ..NewConversation::default()
            };
            check_new(new, &spoken).map(|new| new.language)
        };
        assert_eq!(found("EN"), Ok(Some("en".to_owned())));
        assert_eq!(found("en-GB"), Ok(Some("en".to_owned())));
        assert_eq!(found("es"), Ok(Some("es-MX".to_owned())));
        assert_eq!(found(""), Ok(None));
        let unknown = found("fr").expect_err("not spoken").to_string();
        assert!(unknown.contains("en, es-MX"), "{unknown}");
    }

    #[test]
    fn facts_and_keys_are_bounded() {
        let new = |fact: &str, key: Option<String>| NewConversation {
            channel: "web".to_owned(),
            provider_key: key,
            customer: [("name".to_owned(), fact.to_owned())].into(),
            ..NewConversation::default()
        };
        assert!(check_new(new("Ann", Some("k".repeat(1024))), &[]).is_ok());
        assert!(check_new(new("Ann", Some("k".repeat(1025))), &[]).is_err());
        assert!(check_new(new(&"a".repeat(1025), None), &[]).is_err());
        assert!(check_new(NewConversation::default(), &[]).is_err());
    }
}
