//! One connection to one master, and what that master promises.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ProtocolVersion, RedisError, RedisResult, Value};
use tokio::sync::Mutex;

use super::super::StoreError;
use super::super::engine::Durability;
use super::RedisOptions;
use super::fault::explain;

/// What Redis runs for us.
const FUNCTIONS: &str = include_str!("functions.lua");
/// First version with functions and sharded channels.
const OLDEST: (u32, u32) = (7, 0);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest wait for replicas.
const REPLICATION: Duration = Duration::from_secs(1);

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoLink {
    /// The server can't be reached, or is not ready yet: later it may be.
    Away(String),
    /// The server is a replica of this one: another may be the master.
    Replica(String),
    /// The server is none that can be used as it is set up.
    Refused(String),
}

impl NoLink {
    fn away(error: &RedisError) -> Self {
        Self::Away(error.to_string())
    }

    /// What is the case and what to do.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Away(why) => {
                format!("it can't be reached ({why}); start it, or name another address")
            }
            Self::Replica(master) => format!(
                "this is a replica of {master}; name its master, or all servers with commas between them"
            ),
            Self::Refused(why) => why.clone(),
        }
    }
}

/// What was last heard of the replicas.
#[derive(Debug, Default)]
struct Round {
    /// Writes that it was about.
    writes: u64,
    /// Replicas that had all of them.
    replicas: u64,
}

/// A connection to a master. Calls on it share one socket, and Redis runs them in the order in which they were sent.
pub(super) struct Link {
    pub(super) host: String,
    pub(super) durability: Durability,
    connection: MultiplexedConnection,
    is_broken: AtomicBool,
    writes: AtomicU64,
    round: Mutex<Round>,
}

impl Link {
    /// Connects, and sees to it that the server is one that a store may be kept in.
    pub(super) async fn connect(options: &RedisOptions, host: &str) -> Result<Self, NoLink> {
        let mut connection = open(options, host, None).await?;
        let info = read_info(&mut connection).await?;
        check_server(options, &info)?;
        check_role(&info)?;
        let durability = check_durability(options, &mut connection, &info).await?;
        Ok(Self {
            host: host.to_owned(),
            durability,
            connection,
            is_broken: AtomicBool::new(false),
            writes: AtomicU64::new(0),
            round: Mutex::default(),
        })
    }

    /// Sends one command and gives its answer.
    pub(super) async fn ask(&self, command: &Cmd) -> RedisResult<Value> {
        let answer = self.connection.clone().send_packed_command(command).await?;
        answer.extract_error()
    }

    /// Sends commands together and gives their answers, or the first error among them.
    pub(super) async fn ask_all(&self, mut commands: redis::Pipeline) -> RedisResult<Vec<Value>> {
        // One by one, because an error of all together does not say what the server said.
        commands.ignore_errors();
        let answers: Vec<Value> = commands.query_async(&mut self.connection.clone()).await?;
        answers.into_iter().map(Value::extract_error).collect()
    }

    /// Has the server know our functions.
    pub(super) async fn load_functions(&self) -> RedisResult<()> {
        let load = redis::cmd("FUNCTION")
            .arg("LOAD")
            .arg("REPLACE")
            .arg(FUNCTIONS)
            .take();
        self.ask(&load).await.map(drop)
    }

    /// Waits until enough replicas have what this connection has written up to now.
    ///
    /// Redis lets a connection that waits do nothing else, so one wait serves everybody whose write came before it.
    pub(super) async fn replicate(&self, options: &RedisOptions) -> Result<(), StoreError> {
        let wanted = u64::from(options.wait_replicas);
        if wanted == 0 {
            return Ok(());
        }
        let mine = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        let mut round = self.round.lock().await;
        if round.writes < mine {
            let writes = self.writes.load(Ordering::SeqCst);
            let patience = REPLICATION.min(options.response_timeout / 2);
            let wait = redis::cmd("WAIT")
                .arg(wanted)
                .arg(patience.as_millis() as u64)
                .take();
            let answer = self.ask(&wait).await.map_err(|error| explain(&error))?;
            let replicas = redis::from_redis_value(answer).unwrap_or(0);
            *round = Round { writes, replicas };
        }
        if round.replicas < wanted {
            return Err(StoreError::Engine(format!(
                "only {} of {wanted} replicas have what was written; it may be lost with {}; see to its replicas",
                round.replicas, self.host
            )));
        }
        Ok(())
    }

    /// Nothing more is to be sent over this connection.
    pub(super) fn give_up(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::SeqCst)
    }
}

/// Opens a connection; one that hears what the server says unasked where there is somebody to tell.
pub(super) async fn open(
    options: &RedisOptions,
    host: &str,
    told: Option<Box<dyn Fn(redis::PushInfo) + Send + Sync>>,
) -> Result<MultiplexedConnection, NoLink> {
    let (mut config, protocol) = match told {
        Some(told) => {
            let sender = move |info| {
                told(info);
                Ok::<(), redis::aio::SendError>(())
            };
            let config = AsyncConnectionConfig::new().set_push_sender(sender);
            (config, ProtocolVersion::RESP3)
        }
        None => (AsyncConnectionConfig::new(), ProtocolVersion::RESP2),
    };
    config = config
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(options.response_timeout));
    let info = options
        .connection(host, protocol)
        .map_err(|error| NoLink::away(&error))?;
    let client = Client::open(info).map_err(|error| NoLink::away(&error))?;
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .map_err(|error| NoLink::away(&error))
}

/// What the server says of itself, by name.
type Info = BTreeMap<String, String>;

async fn read_info(connection: &mut MultiplexedConnection) -> Result<Info, NoLink> {
    let text: String = redis::cmd("INFO")
        .query_async(connection)
        .await
        .map_err(|error| NoLink::away(&error))?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect())
}

fn field<'a>(info: &'a Info, name: &str) -> &'a str {
    info.get(name).map_or("", String::as_str)
}

fn check_server(options: &RedisOptions, info: &Info) -> Result<(), NoLink> {
    let version = field(info, "redis_version");
    let mut numbers = version.split('.').map(|number| number.parse::<u32>());
    let is_new = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST,
        _ => false,
    };
    if !is_new {
        return Err(NoLink::Refused(format!(
            "its version is `{version}`; Redis {}.{} or later is needed",
            OLDEST.0, OLDEST.1
        )));
    }
    match (options.cluster, field(info, "cluster_enabled") == "1") {
        (false, true) => Err(NoLink::Refused(
            "this is a node of a cluster; add ?cluster=true to the address".to_owned(),
        )),
        (true, false) => Err(NoLink::Refused(
            "this is no node of a cluster; leave cluster=true out of the address".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn check_role(info: &Info) -> Result<(), NoLink> {
    if field(info, "loading") == "1" {
        return Err(NoLink::Away("it is loading its data".to_owned()));
    }
    match field(info, "role") {
        "master" => Ok(()),
        _ => {
            let master = format!(
                "{}:{}",
                field(info, "master_host"),
                field(info, "master_port")
            );
            Err(NoLink::Replica(master))
        }
    }
}

/// Reads how far the server's promises go, and refuses one whose promises are not enough.
async fn check_durability(
    options: &RedisOptions,
    connection: &mut MultiplexedConnection,
    info: &Info,
) -> Result<Durability, NoLink> {
    let configured: RedisResult<BTreeMap<String, String>> = redis::cmd("CONFIG")
        .arg("GET")
        .arg(&["appendonly", "appendfsync", "maxmemory-policy"])
        .query_async(connection)
        .await;
    let settings = match configured {
        Ok(settings) => settings,
        Err(error) if error.is_io_error() => return Err(NoLink::away(&error)),
        // Not allowed, as with many who rent a server out.
        Err(_) => settings_from(info),
    };
    let policy = field(&settings, "maxmemory-policy");
    if policy != "noeviction" {
        return Err(NoLink::Refused(format!(
            "its maxmemory-policy is `{policy}`, so it throws away what is stored when memory is short; CONFIG SET \
             maxmemory-policy noeviction"
        )));
    }
    let sync = field(&settings, "appendfsync");
    let level = match (field(&settings, "appendonly"), sync) {
        ("yes", "always") => Durability::Durable,
        ("yes", "everysec") => Durability::OneSecond,
        _ => Durability::Volatile,
    };
    if level < Durability::Durable && !options.accept_loss {
        return Err(NoLink::Refused(format!(
            "what it acknowledges may be lost ({}: appendonly is `{}`, appendfsync is `{sync}`); CONFIG SET appendonly \
             yes and CONFIG SET appendfsync always, or add ?accept_loss=true to the address",
            level.name(),
            field(&settings, "appendonly"),
        )));
    }
    Ok(level)
}

/// What can be known of the settings without being allowed to ask for them. How often the file is synced is not told, so the
/// server's own default is assumed: the second.
fn settings_from(info: &Info) -> BTreeMap<String, String> {
    let is_kept = field(info, "aof_enabled") == "1";
    let policy = field(info, "maxmemory_policy");
    [
        ("appendonly", if is_kept { "yes" } else { "no" }),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", policy),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(pairs: &[(&str, &str)]) -> Info {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn options() -> RedisOptions {
        "redis://localhost".parse().expect("parses")
    }

    #[test]
    fn a_version_that_is_too_old_or_none_at_all_is_refused() {
        for (version, is_taken) in [
            ("7.0.15", true),
            ("7.2.0-rc1", true),
            ("10.0.0", true),
            ("6.2.14", false),
            ("", false),
            ("x", false),
        ] {
            let checked = check_server(&options(), &info(&[("redis_version", version)]));
            assert_eq!(checked.is_ok(), is_taken, "{version}");
        }
    }

    #[test]
    fn a_cluster_is_taken_only_as_one() {
        let node = info(&[("redis_version", "7.0.15"), ("cluster_enabled", "1")]);
        let alone = info(&[("redis_version", "7.0.15"), ("cluster_enabled", "0")]);
        let as_cluster = RedisOptions {
            cluster: true,
            ..options()
        };
        assert!(check_server(&options(), &node).is_err());
        assert!(check_server(&as_cluster, &alone).is_err());
        assert!(check_server(&as_cluster, &node).is_ok());
    }

    #[test]
    fn without_being_allowed_to_ask_no_more_is_believed_than_is_told() {
        let told = settings_from(&info(&[
            ("aof_enabled", "1"),
            ("maxmemory_policy", "allkeys-lru"),
        ]));
        assert_eq!(field(&told, "appendfsync"), "everysec");
        assert_eq!(field(&told, "maxmemory-policy"), "allkeys-lru");
        assert_eq!(field(&settings_from(&Info::new()), "appendonly"), "no");
    }
}
