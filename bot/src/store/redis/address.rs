//! Where the store is, and what is asked of it: the one place that reads `redis://…`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError};

/// Longest wait for an answer where nothing is said.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a lease lasts where nothing is said.
const LEASE: Duration = Duration::from_secs(10);
/// Most replicas that a write can wait for: more than anyone has.
const MOST_REPLICAS: u8 = 16;

/// Where Redis is, and what is asked of it.
///
/// Written as `redis://[user[:password]@]host[:port][,host[:port]…][/database]`, and after a `?`, joined with `&`:
/// `cluster=true`, `accept_loss=true`, `wait=REPLICAS`, `prefix=NAME`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// `host` or `host:port`: a server and its replicas, or some nodes of a cluster.
    pub hosts: Vec<String>,
    /// `user:password`, percent-encoded, as in the address; empty where nobody asks.
    pub credentials: String,
    /// Number of the database; a cluster has only 0.
    pub database: i64,
    /// It is a cluster.
    pub cluster: bool,
    /// What is acknowledged may be lost with the server.
    pub accept_loss: bool,
    /// Replicas that must have a write before it is acknowledged.
    pub wait_replicas: u8,
    /// Longest wait for an answer.
    pub response_timeout: Duration,
    /// How long the work of a process that died lies still. The same for all processes that share the store.
    pub lease: Duration,
    /// First part of every key: several stores may share a server.
    pub prefix: String,
    /// This process works inputs through; otherwise it leaves that to others.
    pub takes_turns: bool,
    /// Name of this process among those that share the store; empty: a random one.
    pub node: String,
}

impl RedisOptions {
    /// How a host is reached.
    pub(super) fn connection(
        &self,
        host: &str,
        protocol: ProtocolVersion,
    ) -> Result<ConnectionInfo, RedisError> {
        let at = if self.credentials.is_empty() { "" } else { "@" };
        let url = format!("redis://{}{at}{host}/{}", self.credentials, self.database);
        let info = url.as_str().into_connection_info()?;
        let settings = info.redis_settings().clone();
        // Redis 7.0 doesn't know the command that tells the library's name.
        let settings = settings.set_protocol(protocol).set_skip_set_lib_name();
        Ok(info.set_redis_settings(settings))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let flag = || match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("{name}={value}: say true or false")),
        };
        match name {
            "cluster" => self.cluster = flag()?,
            "accept_loss" => self.accept_loss = flag()?,
            "wait" => {
                let replicas = value.parse().ok();
                self.wait_replicas = replicas
                    .filter(|replicas| *replicas <= MOST_REPLICAS)
                    .ok_or_else(|| {
                        format!("wait={value}: say how many replicas, at most {MOST_REPLICAS}")
                    })?;
            }
            "prefix" => {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if value.is_empty() || value.len() > 32 || !value.chars().all(plain) {
                    // A brace would move the hash tag.
                    return Err(format!(
                        "prefix={value}: use at most 32 letters, digits, `-` and `_`"
                    ));
                }
                value.clone_into(&mut self.prefix);
            }
            _ => {
                return Err(format!(
                    "`{name}` is no option; there are cluster, accept_loss, wait and prefix"
                ));
            }
        }
        Ok(())
    }
}

impl FromStr for RedisOptions {
    type Err = String;

    fn from_str(address: &str) -> Result<Self, Self::Err> {
        let rest = match address.split_once("://") {
            Some(("redis", rest)) => rest,
            Some(("rediss", _)) => {
                return Err(
                    "rediss: TLS is not built in; put a TLS tunnel beside the program and name that"
                        .to_owned(),
                );
            }
            _ => return Err("write it as redis://HOST:PORT".to_owned()),
        };
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        // A password may hold an `@` that was not encoded; a host can't.
        let (credentials, place) = place.rsplit_once('@').unwrap_or(("", place));
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        let database = match database {
            "" => 0,
            number => number
                .parse::<u16>()
                .map(i64::from)
                .map_err(|_| format!("`{number}` is no number of a database"))?,
        };
        let mut parsed = Self {
            hosts: hosts.split(',').map(str::to_owned).collect(),
            credentials: credentials.to_owned(),
            database,
            cluster: false,
            accept_loss: false,
            wait_replicas: 0,
            response_timeout: RESPONSE_TIMEOUT,
            lease: LEASE,
            prefix: "bh".to_owned(),
            takes_turns: true,
            node: String::new(),
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            parsed.set(name, value)?;
        }
        if parsed.cluster && parsed.database != 0 {
            return Err("a cluster has only database 0; leave the number out".to_owned());
        }
        for host in &parsed.hosts {
            // What the client says of a wrong address may hold the password.
            parsed
                .connection(host, ProtocolVersion::RESP2)
                .map_err(|_| {
                    format!("`{host}` is no host, or user and password are not percent-encoded")
                })?;
        }
        Ok(parsed)
    }
}

/// As it may be shown: without user and password.
impl fmt::Display for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis://{}", self.hosts.join(","))?;
        if self.database != 0 {
            write!(f, "/{}", self.database)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("place", &self.to_string())
            .field("cluster", &self.cluster)
            .field("accept_loss", &self.accept_loss)
            .field("wait_replicas", &self.wait_replicas)
            .field("response_timeout", &self.response_timeout)
            .field("lease", &self.lease)
            .field("prefix", &self.prefix)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<RedisOptions, String> {
        address.parse()
    }

    #[test]
    fn an_address_says_where_and_what_is_asked() {
        let plain = parse("redis://localhost").expect("parses");
        assert_eq!(plain.hosts, ["localhost"]);
        assert_eq!(
            (
                &*plain.prefix,
                plain.database,
                plain.cluster,
                plain.accept_loss
            ),
            ("bh", 0, false, false)
        );
        let full = "redis://me:p%40ss@a:1,[::1]:2/3?accept_loss=true&wait=1&prefix=x-1";
        let full = parse(full).expect("parses");
        assert_eq!(full.hosts, ["a:1", "[::1]:2"]);
        assert_eq!((full.database, full.wait_replicas), (3, 1));
        assert!(full.accept_loss);
        let info = full
            .connection("a:1", ProtocolVersion::RESP3)
            .expect("whole");
        assert_eq!(info.redis_settings().password(), Some("p@ss"));
        let shown = format!("{full} {full:?}");
        assert!(shown.starts_with("redis://a:1,[::1]:2/3 "), "{shown}");
        assert!(
            !shown.contains("p%40ss") && !shown.contains("me:"),
            "{shown}"
        );
        let cluster = parse("redis://a:1,b:2?cluster=true").expect("parses");
        assert!(cluster.cluster);
    }

    #[test]
    fn what_is_wrong_is_named_and_passwords_are_not() {
        for (address, said) in [
            ("redis:/x", "redis://HOST:PORT"),
            ("rediss://x", "TLS"),
            ("redis://", "no host"),
            ("redis://u:secret@a:1:2", "`a:1:2` is no host"),
            ("redis://a/b", "`b` is no number"),
            ("redis://a?cluster=yes", "true or false"),
            ("redis://a?wait=x", "how many replicas"),
            ("redis://a?prefix={x}", "letters"),
            ("redis://a?loss=true", "`loss` is no option"),
            ("redis://a/1?cluster=true", "only database 0"),
        ] {
            let refused = parse(address).expect_err(address);
            assert!(refused.contains(said), "{address}: {refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
