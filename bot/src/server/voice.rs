//! The phone by webhook: a provider asks what to do next, and gets TwiML.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellhop_connectors::verify;
use bellhop_connectors::voice::twiml::{Heard, Hook, Next, Say, Target, read_form, render};
use bellhop_flows::engine::effect::Listen;
use bellhop_flows::engine::state::Owner;

use super::HttpState;
use super::problem::Problem;
use crate::conversation::{Inbound, InboundBody, NewConversation, Reply};
use crate::error::ServiceError;
use crate::events::{Author, CustomerEvent, MessageEvent};

/// Path of the webhook, as the provider is told it.
const PATH: &str = "/webhooks/voice/twiml";
/// Longest that a caller hears nothing because a turn is not done; the provider gives up at 15 s.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
/// Payload that asks for a person.
const HUMAN: &str = "/human";

/// A call begins, a caller said something, pressed keys, or kept silent.
#[utoipa::path(post, path = "/webhooks/voice/twiml", tag = "channels",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "TwiML", content_type = "text/xml"), (status = 400, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn hook(
    State(edge): State<HttpState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let form = read_form(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    verified(&edge, &uri, &headers, &form)?;
    let hook = Hook::read(&form).map_err(|error| Problem::invalid(error.to_string()))?;
    let account = Some(hook.to.clone()).filter(|to| !to.is_empty());
    // Over for the provider, or for the person that the call was put through to: there is nothing to say any more, and a
    // call that the bot has ended must not begin anew.
    let talked = hook.dial_status.as_deref() == Some("completed");
    if hook.is_over() || talked {
        let known = edge.app.known("voice", account.as_deref(), &hook.call_sid);
        if let Some(id) = known.await? {
            let why = if talked {
                "the call with a person is over"
            } else {
                "the caller hung up"
            };
            edge.app.close(&id, why).await?;
        }
        return Ok(twiml(render(&[], &Next::HangUp)));
    }
    let opened = edge
        .app
        .open(NewConversation {
            channel: "voice".to_owned(),
            channel_account: account,
            provider_key: Some(hook.call_sid.clone()),
            ..NewConversation::default()
        })
        .await?;
    let id = opened.conversation_id;
    let language = first_language(&edge);
    if opened.created {
        return Ok(answer(&opened.events, opened.listen.as_ref(), &language));
    }
    let inbound = Inbound {
        client_msg_id: message_id(&edge, &headers)?,
        body: heard(hook.heard),
    };
    let accepted = edge.app.accept(&id, inbound).await?;
    match edge.app.reply(&id, accepted.seq, REPLY_TIMEOUT).await {
        // Nobody took the dialled call: dialling again at once would never end, so the caller has the word.
        Ok(reply) if hook.dial_status.is_some() => {
            Ok(answer(&reply.events, reply.listen.as_ref(), &language))
        }
        Ok(reply) => reply_to(&edge, &id, &reply, &language).await,
        // Nothing to say yet: the line stays open and the next webhook fetches it.
        Err(ServiceError::StillWorking) => Ok(answer(&[], None, &language)),
        Err(error) => Err(error.into()),
    }
}

/// Refuses what the provider did not sign. The address is the one in the settings, never the `Host`.
fn verified(
    edge: &HttpState,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
    form: &[(String, String)],
) -> Result<(), Problem> {
    let Some(secret) = &edge.config.voice.auth_token else {
        if edge.config.voice.unsigned {
            return Ok(());
        }
        return Err(Problem::forbidden(
            "the voice webhook is closed: set voice.auth_token (or voice.unsigned for a local trial)",
        ));
    };
    let public = edge.config.public_url.as_deref().ok_or_else(|| {
        Problem::forbidden("signatures can't be checked: set public_url to this server's address")
    })?;
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let url = format!("{}{PATH}{query}", public.trim_end_matches('/'));
    let signature = headers
        .get("x-twilio-signature")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    if verify::twilio(secret, &url, form, signature) {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "the signature does not fit: check voice.auth_token and public_url",
        ))
    }
}

/// The provider names a delivery only so that a repeated one can be told; without the name each
/// request is a message of its own.
fn message_id(edge: &HttpState, headers: &HeaderMap) -> Result<String, Problem> {
    let named = headers
        .get("i-twilio-idempotency-token")
        .and_then(|value| value.to_str().ok())
        .filter(|token| !token.is_empty() && token.len() <= 128);
    if let Some(token) = named {
        return Ok(token.to_owned());
    }
    let id = edge
        .app
        .clock()
        .id()
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(id.to_string())
}

fn heard(heard: Heard) -> InboundBody {
    match heard {
        Heard::Nothing => InboundBody::Silence,
        Heard::Speech { text, confidence } => InboundBody::Speech { text, confidence },
        // Nought is a person, whatever is being asked, unless more digits come with it.
        Heard::Keys(keys) if keys == "0" => InboundBody::Payload {
            payload: HUMAN.to_owned(),
        },
        Heard::Keys(keys) => InboundBody::Keys { keys },
    }
}

async fn reply_to(
    edge: &HttpState,
    id: &str,
    reply: &Reply,
    language: &str,
) -> Result<Response, Problem> {
    if reply.closed {
        return Ok(twiml(render(&says(&reply.events, language), &Next::HangUp)));
    }
    let with_people = matches!(reply.owner, Owner::Queue | Owner::Agent);
    let voice = &edge.config.voice;
    let target = match (&voice.dial, &voice.enqueue) {
        (Some(number), _) => Some(Target::Dial(number)),
        (None, Some(queue)) => Some(Target::Enqueue(queue)),
        // Nowhere to put the call: the caller stays with the bot, hears where they stand, and may
        // still say "never mind".
        (None, None) => None,
    };
    let (Some(target), true, Some(handoff_id)) = (target, with_people, &reply.handoff_id) else {
        return Ok(answer(&reply.events, reply.listen.as_ref(), language));
    };
    let base = edge.config.public_url.as_deref().unwrap_or("");
    let url = format!("{}/v1/handoffs/{handoff_id}", base.trim_end_matches('/'));
    let next = Next::Person {
        target,
        action: PATH,
        handoff_id,
        interaction_id: id,
        url: &url,
    };
    Ok(twiml(render(&says(&reply.events, language), &next)))
}

/// What is said, and then the line is open.
fn answer(events: &[CustomerEvent], listen: Option<&Listen>, language: &str) -> Response {
    let language = messages(events)
        .last()
        .and_then(|message| message.language.as_deref())
        .unwrap_or(language);
    let nothing = Listen::default();
    let listen = listen.unwrap_or(&nothing);
    let one_key = !listen.keys.is_empty() && listen.keys.keys().all(|key| key.len() == 1);
    let next = Next::Listen {
        action: PATH,
        language,
        hints: &listen.hints,
        one_key,
    };
    twiml(render(&says(events, language), &next))
}

fn says<'a>(events: &'a [CustomerEvent], language: &'a str) -> Vec<Say<'a>> {
    messages(events)
        .map(|message| Say {
            text: message.voice.as_deref().unwrap_or(&message.text),
            language: message.language.as_deref().unwrap_or(language),
        })
        .collect()
}

fn messages(events: &[CustomerEvent]) -> impl Iterator<Item = &MessageEvent> {
    events.iter().filter_map(|event| match event {
        CustomerEvent::Message(message) if message.from != Author::Customer => Some(&**message),
        _ => None,
    })
}

fn first_language(edge: &HttpState) -> String {
    let languages = &edge.app.bundle().languages;
    languages
        .first()
        .cloned()
        .unwrap_or_else(|| "en".to_owned())
}

fn twiml(xml: String) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response()
}
