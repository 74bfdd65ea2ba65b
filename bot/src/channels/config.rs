//! Settings of messaging channels.

use bellhop_connectors::{telegram, webhook, whatsapp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::setting::{Secrets, list};

/// Which channel an account is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// WhatsApp Business, by Meta's Cloud API.
    WhatsApp,
    /// A Telegram bot.
    Telegram,
    /// Anything else, by signed webhooks both ways (Standard Webhooks).
    Webhook,
}

impl ChannelKind {
    /// How long its provider delivers a message again that was not acknowledged. Meta: seven days; Telegram keeps an update for one;
    /// the schedule that Standard Webhooks proposes ends after 75 hours.
    pub fn delivers_again_for(self) -> SignedDuration {
        let days = match self {
            Self::WhatsApp => 7,
            Self::Telegram => 1,
            Self::Webhook => 4,
        };
        SignedDuration::from_hours(days * 24)
    }
}

/// An account on a messaging channel: `[channels.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// Which channel it is on.
    pub kind: ChannelKind,
    /// WhatsApp: id of our phone number.
    #[serde(default)]
    pub phone_number_id: Option<String>,
    /// WhatsApp: token of a system user. Telegram: the bot's token.
    #[serde(default)]
    pub token: Option<String>,
    /// WhatsApp: the app's secrets that sign deliveries; two while one replaces the other.
    #[serde(default)]
    pub app_secrets: Secrets,
    /// WhatsApp: what Meta shows when it checks the address.
    #[serde(default)]
    pub verify_token: Secrets,
    /// WhatsApp: template that is sent where the 24 hours for free text are over. Its body has one place, for the text.
    #[serde(default)]
    pub template: Option<String>,
    /// WhatsApp: the template's language, `en_GB` say.
    #[serde(default)]
    pub template_language: Option<String>,
    /// Telegram: the secret that its deliveries carry; two while one replaces the other.
    #[serde(default)]
    pub secret: Secrets,
    /// Webhook: where what is said is posted to.
    #[serde(default)]
    pub url: Option<String>,
    /// Webhook: secrets (`whsec_…`) that sign both ways; two while one replaces the other.
    #[serde(default, deserialize_with = "list")]
    pub secrets: Vec<String>,
    /// WhatsApp: hosts that keep the files that customers send, and to which the token may be sent; the API's own and Meta's
    /// where none are named.
    #[serde(default, deserialize_with = "list")]
    pub media_hosts: Vec<String>,
    /// WhatsApp, Telegram: address of the provider's API, where it is not the usual one.
    #[serde(default)]
    pub base_url: Option<String>,
}

/// A setting of a channel that is missing or can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channels.{account}.{key}: {message}")]
pub struct ChannelConfigError {
    account: String,
    key: &'static str,
    message: String,
}

/// Meta's API, with its version.
const WHATSAPP_API: &str = "https://graph.facebook.com/v24.0";
/// Telegram's API.
const TELEGRAM_API: &str = "https://api.telegram.org";

impl ChannelConfig {
    pub(super) fn kind(&self, account: &str) -> Result<Kind, ChannelConfigError> {
        let wrong = |key: &'static str, message: String| ChannelConfigError {
            account: account.to_owned(),
            key,
            message,
        };
        let needed = |key: &'static str, value: &Option<String>| {
            let value = value.clone().filter(|value| !value.trim().is_empty());
            value.ok_or_else(|| wrong(key, "is needed".to_owned()))
        };
        let needed_secrets = |key: &'static str, secrets: &Secrets| {
            let set = secrets.is_set().then(|| secrets.clone());
            set.ok_or_else(|| wrong(key, "is needed".to_owned()))
        };
        let usable = account
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if account.is_empty() || !usable {
            let message = "an account's name has letters, digits, - and _".to_owned();
            return Err(wrong("kind", message));
        }
        let base = |usual: &str| {
            let base = self.base_url.as_deref().unwrap_or(usual);
            base.trim_end_matches('/').to_owned()
        };
        Ok(match self.kind {
            ChannelKind::WhatsApp => {
                let language = self.template_language.clone();
                let language = language.unwrap_or_else(|| "en".to_owned());
                Kind::WhatsApp {
                    account: whatsapp::Account {
                        base_url: base(WHATSAPP_API),
                        phone_number_id: needed("phone_number_id", &self.phone_number_id)?,
                        access_token: needed("token", &self.token)?,
                    },
                    app_secrets: needed_secrets("app_secrets", &self.app_secrets)?,
                    verify_token: needed_secrets("verify_token", &self.verify_token)?,
                    template: self.template.clone().map(|name| (name, language)),
                    media_hosts: match &self.media_hosts[..] {
                        [] => whatsapp::MEDIA_HOSTS.map(str::to_owned).to_vec(),
                        // An empty one would be everybody's.
                        hosts if hosts.iter().any(|host| host.trim_matches('.').is_empty()) => {
                            return Err(wrong("media_hosts", "a host has a name".to_owned()));
                        }
                        hosts => hosts.to_vec(),
                    },
                }
            }
            ChannelKind::Telegram => Kind::Telegram {
                bot: telegram::Bot {
                    base_url: base(TELEGRAM_API),
                    token: needed("token", &self.token)?,
                },
                secret: needed_secrets("secret", &self.secret)?,
            },
            ChannelKind::Webhook => {
                let secrets = self.secrets.iter().map(|secret| {
                    webhook::Secret::parse(secret)
                        .map_err(|error| wrong("secrets", error.to_string()))
                });
                let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
                if secrets.is_empty() {
                    return Err(wrong("secrets", "one is needed".to_owned()));
                }
                Kind::Webhook {
                    endpoint: webhook::Endpoint {
                        url: needed("url", &self.url)?,
                        secrets,
                    },
                }
            }
        })
    }
}
