//! Messaging channels: which there are, and what each can do with a webhook and a message. Pure; the codecs are in
//! `connectors`.

mod config;
mod content;

use std::collections::BTreeMap;

use bellhop_connectors::channel::{
    Capabilities, Download, Frame, MediaError, Request, SendOutcome, TELEGRAM, WEBHOOK, WHATSAPP,
};
use bellhop_connectors::message::{Batch, Incoming, Outgoing};
use bellhop_connectors::{telegram, verify, webhook, whatsapp};

use crate::setting::Secrets;

pub use config::{ChannelConfig, ChannelConfigError, ChannelKind};
pub(crate) use content::{heard, outgoing};

/// What destinations of messages begin with; the account's name follows.
const DESTINATION: &str = "channel/";

/// Every account on a messaging channel, by the name that the settings give it.
#[derive(Debug, Clone, Default)]
pub struct Channels(BTreeMap<String, Account>);

impl Channels {
    /// Makes the accounts that the settings name.
    ///
    /// # Errors
    /// A setting that is missing or can't be, with its key.
    pub fn new(settings: &BTreeMap<String, ChannelConfig>) -> Result<Self, ChannelConfigError> {
        let accounts = settings.iter().map(|(name, setting)| {
            let account = Account {
                name: name.clone(),
                kind: setting.kind(name)?,
            };
            Ok((name.clone(), account))
        });
        Ok(Self(accounts.collect::<Result<_, _>>()?))
    }

    /// An account.
    pub fn get(&self, name: &str) -> Option<&Account> {
        self.0.get(name)
    }

    /// The names of the accounts and of the channels that they are spoken with.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let accounts = self.0.iter();
        accounts.flat_map(|(name, account)| [name.as_str(), account.channel()])
    }

    /// Destinations of messages that accounts stand for.
    pub(crate) fn destinations(&self) -> impl Iterator<Item = String> {
        self.0.keys().map(|name| format!("{DESTINATION}{name}"))
    }

    /// The account that a destination of messages leads to.
    pub(crate) fn of_destination(&self, destination: &str) -> Option<&Account> {
        self.get(destination.strip_prefix(DESTINATION)?)
    }
}

/// Tells whether a destination is a messaging channel's.
pub(crate) fn is_channel(destination: &str) -> bool {
    destination.starts_with(DESTINATION)
}

/// An account on a messaging channel.
#[derive(Debug, Clone)]
pub struct Account {
    name: String,
    kind: Kind,
}

/// What a channel is spoken with.
#[derive(Debug, Clone)]
enum Kind {
    WhatsApp {
        account: whatsapp::Account,
        app_secrets: Secrets,
        verify_token: Secrets,
        /// Name and language of the template that opens a window that has closed.
        template: Option<(String, String)>,
        /// Hosts that keep the files that customers send.
        media_hosts: Vec<String>,
    },
    Telegram {
        bot: telegram::Bot,
        secret: Secrets,
    },
    Webhook {
        endpoint: webhook::Endpoint,
    },
}

/// Why a webhook is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is not from whom it says.
    Unsigned(String),
    /// It can't be read.
    Malformed(String),
}

/// One thing to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending<'a> {
    /// The customer's address.
    pub(crate) to: &'a str,
    /// Our key of it, the same in every attempt.
    pub(crate) key: &'a str,
    /// The conversation.
    pub(crate) conversation: &'a str,
    /// Its place there.
    pub(crate) seq: u64,
    /// What is said.
    pub(crate) said: &'a Outgoing,
    /// Seconds since 1970.
    pub(crate) now_s: i64,
}

impl Account {
    /// Where what is said on it is sent.
    pub(crate) fn destination(&self) -> String {
        format!("{DESTINATION}{}", self.name)
    }

    /// The other side is a program of whoever runs this one, and not a provider's.
    pub(crate) fn is_their_own_program(&self) -> bool {
        matches!(self.kind, Kind::Webhook { .. })
    }

    /// Name of the channel, as policy and flows know it.
    pub fn channel(&self) -> &'static str {
        match self.kind {
            Kind::WhatsApp { .. } => "whatsapp",
            Kind::Telegram { .. } => "telegram",
            Kind::Webhook { .. } => "webhook",
        }
    }

    /// What it can do.
    pub fn capabilities(&self) -> &'static Capabilities {
        match self.kind {
            Kind::WhatsApp { .. } => &WHATSAPP,
            Kind::Telegram { .. } => &TELEGRAM,
            Kind::Webhook { .. } => &WEBHOOK,
        }
    }

    /// What a provider wants to hear that checks the address; none where it may not hear it.
    pub fn challenge(&self, query: &str) -> Option<String> {
        match &self.kind {
            Kind::WhatsApp { verify_token, .. } => whatsapp::challenge(query, &verify_token.live()),
            Kind::Telegram { .. } | Kind::Webhook { .. } => None,
        }
    }

    /// Checks a delivery on its raw bytes and reads it. Names of `headers` are in lower case.
    ///
    /// # Errors
    /// A delivery that is not from the provider, or that is none.
    pub fn read(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now_s: i64,
    ) -> Result<Batch, Refused> {
        let header = |name: &str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let unsigned = |why: &str| Refused::Unsigned(why.to_owned());
        match &self.kind {
            Kind::WhatsApp { app_secrets, .. } => {
                if !verify::meta(&app_secrets.live(), body, header("x-hub-signature-256")) {
                    return Err(unsigned("the signature does not fit: check app_secrets"));
                }
                whatsapp::read(body).map_err(|error| Refused::Malformed(error.to_string()))
            }
            Kind::Telegram { secret, .. } => {
                let given = header("x-telegram-bot-api-secret-token");
                if !verify::shared(&secret.live(), given) {
                    return Err(unsigned("the secret token does not fit: check secret"));
                }
                telegram::read(&self.name, body)
                    .map_err(|error| Refused::Malformed(error.to_string()))
            }
            Kind::Webhook { endpoint } => {
                webhook::verify(&endpoint.secrets, headers, body, now_s)
                    .map_err(|error| Refused::Unsigned(error.to_string()))?;
                webhook::read(&self.name, body)
                    .map_err(|error| Refused::Malformed(error.to_string()))
            }
        }
    }

    /// The request that sends one frame of something said.
    ///
    /// # Errors
    /// Something that the channel can't be given.
    pub(crate) fn request(&self, sending: &Sending<'_>, frame: &Frame) -> Result<Request, String> {
        match &self.kind {
            Kind::WhatsApp { account, .. } => Ok(whatsapp::request(
                account,
                sending.to,
                Some(sending.key),
                frame,
            )),
            Kind::Telegram { bot, .. } => Ok(telegram::request(bot, sending.to, frame)),
            Kind::Webhook { endpoint } => {
                let delivery = webhook::Delivery {
                    id: sending.key,
                    conversation: sending.conversation,
                    seq: sending.seq,
                    to: sending.to,
                    said: sending.said,
                };
                webhook::request(endpoint, &delivery, sending.now_s)
                    .map_err(|error| error.to_string())
            }
        }
    }

    /// The request that says the same though the channel's reply window has closed, where there is one.
    pub(crate) fn reopen(&self, sending: &Sending<'_>) -> Option<Request> {
        let Kind::WhatsApp {
            account,
            template: Some((name, language)),
            ..
        } = &self.kind
        else {
            return None;
        };
        let template = whatsapp::Template {
            name: name.clone(),
            language: language.clone(),
            parameters: vec![sending.said.text.clone()],
        };
        let key = Some(sending.key);
        Some(whatsapp::template(account, sending.to, key, &template))
    }

    /// The request that shows the customer that their message is read and worked on, where there is one.
    pub(crate) fn seen(&self, incoming: &Incoming) -> Option<Request> {
        match &self.kind {
            Kind::WhatsApp { account, .. } => Some(whatsapp::seen(account, &incoming.id, true)),
            Kind::Telegram { bot, .. } => telegram::answer_callback(bot, &incoming.id)
                .or_else(|| Some(telegram::typing(bot, &incoming.address))),
            Kind::Webhook { .. } => None,
        }
    }

    /// The request that finds a file that a customer sent, by the provider's id of it; none where the channel has no such
    /// ids.
    pub(crate) fn find_media(&self, id: &str) -> Option<Request> {
        match &self.kind {
            Kind::WhatsApp { account, .. } => whatsapp::find_media(account, id),
            Kind::Telegram { bot, .. } => Some(telegram::find_media(bot, id)),
            Kind::Webhook { .. } => None,
        }
    }

    /// Reads the answer to [`Account::find_media`]: status, headers, body.
    ///
    /// # Errors
    /// There is no such file.
    pub(crate) fn found_media(
        &self,
        answer: (u16, &[(String, String)], &[u8]),
    ) -> Result<Download, MediaError> {
        match &self.kind {
            Kind::WhatsApp {
                account,
                media_hosts,
                ..
            } => whatsapp::found_media(account, media_hosts, answer),
            Kind::Telegram { bot, .. } => telegram::found_media(bot, answer),
            Kind::Webhook { .. } => Err(MediaError::Gone),
        }
    }

    /// What an answer to a request means.
    pub(crate) fn outcome(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> SendOutcome {
        match &self.kind {
            Kind::WhatsApp { .. } => whatsapp::outcome(status, headers, body),
            Kind::Telegram { .. } => telegram::outcome(status, headers, body),
            Kind::Webhook { .. } => webhook::outcome(status, headers, body),
        }
    }
}
