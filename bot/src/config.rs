//! Settings of the program: defaults, then `bellhop.toml`, then environment (`BELLHOP_LISTEN`,
//! `BELLHOP_VOICE__AUTH_TOKEN`, …), then flags. Unknown keys are refused, so that a typo is an error
//! and not a default in disguise. The only module that reads the environment.

mod environment;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bellhop_nlu::encoder::{Encoder, Precision};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::channels::ChannelConfig;
use crate::gate::PrivacyConfig;
use crate::retention::RetentionConfig;
use crate::roles::Roles;
use crate::setting::{Network, Secrets, list};
use crate::store::StoreAddress;
use environment::Environment;

pub use environment::EnvironmentError;

/// Everything an operator can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address the server listens on.
    pub listen: SocketAddr,
    /// Where the store lives: `sqlite:PATH`, or `redis://HOST:PORT` for several processes; a file under the data folder where
    /// none is given.
    pub store: Option<String>,
    /// What this process does, of several that share a store: some of `edge`, `turns` and `desk`, with commas between.
    pub roles: Roles,
    /// Folder for the store, the model and cached heads.
    pub data_dir: PathBuf,
    /// Folder with the encoder; the data folder's where none is given.
    pub model: Option<PathBuf>,
    /// Address under which customers and providers reach this server, such as `https://chat.example`.
    /// Webhook signatures are checked against it, never against a `Host` header.
    pub public_url: Option<String>,
    /// Origins whose pages may embed the widget; `*` allows all, an empty list only this server's own pages.
    #[serde(deserialize_with = "list")]
    pub allowed_origins: Vec<String>,
    /// Secrets (HS256) with which a site signs who its customer is; without one every claim is unverified.
    pub customer_secret: Secrets,
    /// Our own proxies, whose word counts for where a request comes from.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<Network>,
    /// The phone.
    pub voice: Voice,
    /// Rasa's REST channel.
    pub rest: Rest,
    /// Accounts on messaging channels, by a name of your own: `[channels.NAME]`.
    pub channels: BTreeMap<String, ChannelConfig>,
    /// Bounds on what one client may send.
    pub limits: Limits,
    /// How long what is over is kept.
    pub retention: RetentionConfig,
    /// What is taken out of text before it is stored.
    pub privacy: PrivacyConfig,
    /// Address that status events of handoffs are posted to, if any.
    pub status_webhook: Option<String>,
    /// Secrets (HMAC-SHA256) that they are signed with in `X-Bellhop-Signature`; without one they are
    /// not signed.
    pub status_secret: Secrets,
    /// Milliseconds the NLU may take before a turn goes on without it.
    pub nlu_timeout_ms: u64,
    /// How exactly the encoder computes.
    pub nlu_precision: Precision,
    /// Threads that read messages; one where none is given.
    pub nlu_threads: Option<usize>,
}

/// The phone channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Voice {
    /// Account's auth tokens that sign webhooks, the primary one first; without one the voice webhook is refused, except
    /// when `unsigned` is set.
    pub auth_token: Secrets,
    /// Account (`AC…`) of the provider's API. With it, a caller who waits for a person hears at once what is said for them;
    /// needs `auth_token` and `public_url`.
    pub account_sid: Option<String>,
    /// Address of the provider's API, where it is not the usual one.
    pub api_url: Option<String>,
    /// Accept unsigned webhooks: for local trials only.
    pub unsigned: bool,
    /// Workflow or queue name that a handed-over call is enqueued to; `dial` wins where both are set.
    pub enqueue: Option<String>,
    /// Number or SIP address that a handed-over call is dialled to.
    pub dial: Option<String>,
}

/// Rasa's REST channel, where a client says by itself who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rest {
    /// Taken or not; see [`Config::rest_is_on`] where nothing is said.
    pub enabled: Option<bool>,
    /// What a client has to know, in `Authorization: Bearer` or `?token=`.
    pub token: Secrets,
}

/// Bounds on what one client may send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Messages a second from one conversation, sustained.
    pub messages_per_second: u32,
    /// Conversations opened a second from one address, sustained.
    pub conversations_per_second: u32,
    /// Bytes of one message.
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_per_second: 20,
            conversations_per_second: 50,
            message_bytes: 16 * 1024,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            store: None,
            roles: Roles::default(),
            data_dir: default_data_dir(),
            model: None,
            public_url: None,
            allowed_origins: Vec::new(),
            customer_secret: Secrets::default(),
            trusted_proxies: Vec::new(),
            voice: Voice::default(),
            rest: Rest::default(),
            channels: BTreeMap::new(),
            limits: Limits::default(),
            retention: RetentionConfig::default(),
            privacy: PrivacyConfig::default(),
            status_webhook: None,
            status_secret: Secrets::default(),
            nlu_timeout_ms: 2_000,
            nlu_precision: Precision::default(),
            nlu_threads: None,
        }
    }
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that does not exist, or a value that can't be.
    #[error("the settings can't be used (docs/configuration.md has every key)")]
    Unusable(#[from] config::ConfigError),
    /// A variable of the environment that can't be followed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}

impl Config {
    /// Names of the settings that are not as the program ships them. Never what they are: some are secrets.
    pub fn changed(&self) -> Vec<String> {
        let value = |config: &Self| serde_json::to_value(config).unwrap_or_default();
        let mut names = Vec::new();
        differing("", &value(self), &value(&Self::default()), &mut names);
        names
    }

    /// Reads defaults, the file (when given, it must exist; `bellhop.toml` in the working folder is
    /// optional) and the environment, in this order; gives too what an operator should be warned of.
    ///
    /// # Errors
    /// An unreadable file, an unknown key, a value of the wrong type or a secret that is too short, with its key.
    pub fn load(file: Option<&Path>) -> Result<(Self, Vec<String>), ConfigError> {
        let file_source = match file {
            Some(path) => config::File::from(path.to_owned()).required(true),
            None => config::File::with_name("bellhop.toml").required(false),
        };
        let known = match serde_json::to_value(Self::default()) {
            Ok(serde_json::Value::Object(known)) => known,
            _ => unreachable!("settings are a table"),
        };
        let environment = Environment::read(variables(), &known)?;
        let warnings = environment.warnings(&known);
        let merged = config::Config::builder()
            .add_source(config::Config::try_from(&Self::default())?)
            .add_source(file_source)
            .add_source(environment)
            .build()?;
        Ok((merged.try_deserialize()?, warnings))
    }

    /// Loads the encoder in `model`, to be run as the settings say.
    ///
    /// # Errors
    /// As [`Encoder::load_with`].
    pub fn encoder(&self, model: &Path) -> Result<Encoder, bellhop_nlu::Error> {
        // Threads that split a message wait for each other four times a layer: on cores that others use too, that takes
        // far longer than the message on one thread.
        let threads = self.nlu_threads.unwrap_or(1);
        Ok(Encoder::load_with(model, self.nlu_precision)?.with_threads(threads))
    }

    /// Where everything is kept: a file in the data folder where nothing is said.
    ///
    /// # Errors
    /// An address that no engine knows, or roles for one that processes can't share.
    pub fn store_address(&self) -> Result<StoreAddress, String> {
        let mut address = match &self.store {
            None => StoreAddress::Sqlite(self.data_dir.join("bellhop.db")),
            Some(address) => address.parse()?,
        };
        match &mut address {
            StoreAddress::Redis(options) => options.takes_turns = self.roles.turns,
            _ if self.roles == Roles::default() => {}
            _ => {
                return Err(format!(
                    "the roles {} leave work to other processes, and {address} is one process's store; leave the roles \
                     out, or name a Redis with --store",
                    self.roles
                ));
            }
        }
        Ok(address)
    }

    /// Whether Rasa's REST channel is taken. Where nothing is said it is for who knows its token, and where there is none for
    /// clients on this machine: so not where a proxy brings others here.
    pub fn rest_is_on(&self) -> bool {
        let only_this_machine = self.listen.ip().to_canonical().is_loopback()
            && self.public_url.is_none()
            && self.trusted_proxies.is_empty();
        let usual = self.rest.token.is_set() || only_this_machine;
        self.rest.enabled.unwrap_or(usual)
    }

    /// Folder of this bot's cached heads and indexes.
    pub fn cache_dir(&self) -> PathBuf {
        self.data_dir.join("cache")
    }
}

/// The environment variables that are text.
fn variables() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text)
}

/// Value of an environment variable that an action template asks for as `{env.NAME}`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the module that reads the environment"
)]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn default_data_dir() -> PathBuf {
    // XDG first, then the home folder, then the working folder: always something writable.
    if let Some(dir) = env("XDG_DATA_HOME").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir).join("bellhop");
    }
    match env("HOME").filter(|dir| !dir.is_empty()) {
        Some(home) => PathBuf::from(home).join(".local/share/bellhop"),
        None => PathBuf::from(".data"),
    }
}

/// Collects the names of what differs, down to the last key.
fn differing(name: &str, is: &Value, usual: &Value, names: &mut Vec<String>) {
    match is {
        _ if is == usual => {}
        Value::Object(keys) => {
            for (key, value) in keys {
                let name = match name {
                    "" => key.clone(),
                    _ => format!("{name}.{key}"),
                };
                differing(&name, value, &usual[key], names);
            }
        }
        _ => names.push(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rasa_channel_is_on_for_this_machine_with_a_token_or_where_it_is_said() {
        let secret = Secrets::new(vec!["x".repeat(32)]).expect("a good one");
        let none = Secrets::default();
        for (listen, is_public, enabled, token, is_on) in [
            ("127.0.0.1:8080", false, None, &none, true),
            ("[::1]:8080", false, None, &none, true),
            ("[::ffff:127.0.0.1]:8080", false, None, &none, true),
            ("127.0.0.1:8080", true, None, &none, false),
            ("127.0.0.1:8080", false, Some(false), &secret, false),
            ("0.0.0.0:8080", false, None, &none, false),
            ("[::]:8080", false, None, &none, false),
            ("10.0.0.1:8080", false, None, &none, false),
            ("0.0.0.0:8080", false, None, &secret, true),
            ("0.0.0.0:8080", true, Some(true), &none, true),
        ] {
            let config = Config {
                listen: listen.parse().expect(listen),
                public_url: is_public.then(|| "https://chat.example".to_owned()),
                rest: Rest {
                    enabled,
                    token: token.clone(),
                },
                ..Config::default()
            };
            assert_eq!(
                config.rest_is_on(),
                is_on,
                "{listen} {is_public} {enabled:?} {token:?}"
            );
        }
        let behind_a_proxy = Config {
            trusted_proxies: vec!["10.0.0.1".parse().expect("an address")],
            ..Config::default()
        };
        assert!(!behind_a_proxy.rest_is_on());
    }
}
