//! The phone by webhook: a provider asks what to do next, and gets TwiML.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellhop_connectors::verify;
use bellhop_connectors::voice::twiml::{
    Heard, Hook, Next, Place, Say, Target, filler, read_form, render,
};
use bellhop_flows::engine::effect::Listen;
use bellhop_flows::engine::state::Owner;

use super::HttpState;
use super::calls::QuietLine;
use super::problem::Problem;
use crate::conversation::{Inbound, InboundBody, NewConversation, Reply};
use crate::error::ServiceError;
use crate::events::{Author, CustomerEvent, MessageEvent};

/// Path of the webhook, as the provider is told it.
const PATH: &str = "/webhooks/voice/twiml";
/// Longest that a caller hears nothing before they are asked to wait.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest that an answer is waited for once the caller knows; the provider gives up at 15 s.
const LONG_PATIENCE: Duration = Duration::from_secs(8);
/// Times between two fillers: the first comes at once, and no call is a chant.
const FILLER_EVERY: u32 = 3;
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
    edge.calls.asked(&opened.conversation_id);
    let mut call = Call {
        edge: &edge,
        id: opened.conversation_id,
        sid: hook.call_sid,
        place: Place::read(uri.query().unwrap_or_default()),
        dialled: hook.dial_status.is_some(),
        language: first_language(&edge),
    };
    // The opening is the first input of every conversation.
    let seq = match (opened.created, call.place.wait) {
        (true, _) => OPENING,
        (false, Some(awaited)) => awaited,
        (false, None) if hook.heard == Heard::Nothing && call.with_people().await? => {
            return call.listen_to_people().await;
        }
        (false, None) => {
            let inbound = Inbound {
                client_msg_id: message_id(&edge, &headers)?,
                body: heard(hook.heard),
            };
            edge.app.accept(&call.id, inbound).await?.seq
        }
    };
    call.answer(seq).await
}

/// Seq of the first input of a conversation.
const OPENING: u64 = 1;

/// A call, and where it is.
struct Call<'a> {
    edge: &'a HttpState,
    id: String,
    /// The provider's id of it.
    sid: String,
    place: Place,
    /// Nobody took the call that was dialled for it.
    dialled: bool,
    language: String,
}

impl Call<'_> {
    /// Waits for what an input causes and tells everything that was said since the caller heard something last, whoever
    /// said it. A caller who has to wait is told so, and the provider asks again.
    async fn answer(&mut self, seq: u64) -> Result<Response, Problem> {
        let patience = match self.place.wait {
            None => PATIENCE,
            Some(_) => LONG_PATIENCE,
        };
        match self.edge.app.reply(&self.id, seq, patience).await {
            Ok(reply) => {
                let events = self.told(Some(&reply)).await?;
                self.place.wait = None;
                self.place.asked = 0;
                Ok(self.go_on(&reply, &events))
            }
            Err(ServiceError::StillWorking) => {
                let events = self.told(None).await?;
                let asked = self.place.asked;
                self.place.wait = Some(seq);
                self.place.asked = asked + 1;
                let mut says = says(&events, &self.language);
                if asked.is_multiple_of(FILLER_EVERY) {
                    says.push(filler(&self.language));
                }
                let action = self.place.address(PATH);
                let pause_s = 0;
                Ok(twiml(render(
                    &says,
                    &Next::Wait {
                        action: &action,
                        pause_s,
                    },
                )))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Everything since the caller heard something last; moves on to there. An address that does not say how far that is
    /// gets what `reply` caused.
    async fn told(&mut self, reply: Option<&Reply>) -> Result<Vec<CustomerEvent>, Problem> {
        let events = match (self.place.after, reply) {
            (Some(after), _) => self.edge.app.events(&self.id, after).await?,
            (None, Some(reply)) => reply.events.clone(),
            (None, None) => Vec::new(),
        };
        let last = events.iter().filter_map(CustomerEvent::seq).max();
        self.place.after = last.max(self.place.after).or(Some(0));
        Ok(events)
    }

    /// A person has the call, or it waits for one, and it is not put through.
    async fn with_people(&self) -> Result<bool, Problem> {
        let owner = self.edge.app.owner(&self.id).await?;
        let voice = &self.edge.config.voice;
        let stays = self.dialled || (voice.dial.is_none() && voice.enqueue.is_none());
        Ok(matches!(owner, Owner::Queue | Owner::Agent) && stays)
    }

    /// Tells a silent caller what people, or the queue, said meanwhile, and listens on.
    async fn listen_to_people(&mut self) -> Result<Response, Problem> {
        let events = match self.place.after {
            Some(after) => self.edge.app.events(&self.id, after).await?,
            None => Vec::new(),
        };
        let last = events.iter().filter_map(CustomerEvent::seq).max();
        self.place.after = last.max(self.place.after);
        let over = events
            .iter()
            .any(|event| matches!(event, CustomerEvent::Closed(_)));
        if over {
            let says = says(&events, &self.language);
            return Ok(twiml(render(&says, &Next::HangUp)));
        }
        if let (Some(after), true) = (self.place.after, messages(&events).next().is_none()) {
            let line = QuietLine {
                conversation: self.id.clone(),
                call: self.sid.clone(),
                after,
                address: self.place.address(PATH),
            };
            self.edge.calls.watch(&self.edge.app, line);
        }
        Ok(self.listen(&events, None))
    }

    /// What follows the answer to an input.
    fn go_on(&self, reply: &Reply, events: &[CustomerEvent]) -> Response {
        if reply.closed {
            let says = says(events, &self.language);
            return twiml(render(&says, &Next::HangUp));
        }
        let with_people = matches!(reply.owner, Owner::Queue | Owner::Agent);
        let voice = &self.edge.config.voice;
        let target = match (&voice.dial, &voice.enqueue) {
            // Nobody took the dialled call: dialling again at once would never end, so the caller has the word.
            _ if self.dialled => None,
            (Some(number), _) => Some(Target::Dial(number)),
            (None, Some(queue)) => Some(Target::Enqueue(queue)),
            // Nowhere to put the call: the caller stays with the bot, hears where they stand and what people write, and may
            // still say "never mind".
            (None, None) => None,
        };
        let (Some(target), true, Some(handoff_id)) = (target, with_people, &reply.handoff_id)
        else {
            return self.listen(events, reply.listen.as_ref());
        };
        let base = self.edge.config.public_url.as_deref().unwrap_or("");
        let url = format!("{}/v1/handoffs/{handoff_id}", base.trim_end_matches('/'));
        let action = self.place.address(PATH);
        let next = Next::Person {
            target,
            action: &action,
            handoff_id,
            interaction_id: &self.id,
            url: &url,
        };
        twiml(render(&says(events, &self.language), &next))
    }

    /// What is said, and then the line is open.
    fn listen(&self, events: &[CustomerEvent], listen: Option<&Listen>) -> Response {
        let language = messages(events)
            .last()
            .and_then(|message| message.language.as_deref())
            .unwrap_or(&self.language);
        let nothing = Listen::default();
        let listen = listen.unwrap_or(&nothing);
        let one_key = !listen.keys.is_empty() && listen.keys.keys().all(|key| key.len() == 1);
        let action = self.place.address(PATH);
        let next = Next::Listen {
            action: &action,
            language,
            hints: &listen.hints,
            one_key,
        };
        twiml(render(&says(events, language), &next))
    }
}

/// Refuses what the provider did not sign. The address is the one in the settings, never the `Host`.
fn verified(
    edge: &HttpState,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
    form: &[(String, String)],
) -> Result<(), Problem> {
    let tokens = edge.config.voice.auth_token.live();
    if tokens.is_empty() {
        if edge.config.voice.unsigned {
            return Ok(());
        }
        return Err(Problem::forbidden(
            "the voice webhook is closed: set voice.auth_token (or voice.unsigned for a local trial)",
        ));
    }
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
    if verify::twilio(&tokens, &url, form, signature) {
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
