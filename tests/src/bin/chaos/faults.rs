//! What happens to Redis, and the servers that it happens to.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bellhop_tests::RedisServer;
use tokio::time::sleep;

use super::RedisFault;

/// Replicas where one is to take over: one takes over, and the other has what is waited for then.
const REPLICAS: usize = 2;

/// The store, and its servers where they are ours.
pub(crate) struct Servers {
    /// Address of the store.
    pub(crate) store: String,
    /// The master first.
    servers: Vec<RedisServer>,
    /// The last one is dead.
    has_dead: bool,
}

impl Servers {
    pub(crate) fn start(fault: Option<RedisFault>, store: Option<String>) -> Result<Self> {
        if let Some(store) = store {
            let servers = Vec::new();
            return Ok(Self {
                store,
                servers,
                has_dead: false,
            });
        }
        let is_replicated = fault == Some(RedisFault::Failover);
        let mut servers = Vec::new();
        for _ in 0..=if is_replicated { REPLICAS } else { 0 } {
            servers.push(RedisServer::start()?.context("install redis-server")?);
        }
        for replica in &servers[1..] {
            replica.follow(Some(&servers[0]))?;
        }
        let hosts: Vec<&str> = servers.iter().map(|it| it.address.as_str()).collect();
        let wait = if is_replicated { "&wait=1" } else { "" };
        let made = Self {
            store: format!("redis://{}?prefix=chaos{wait}", hosts.join(",")),
            servers,
            has_dead: false,
        };
        made.replicas_follow()?;
        Ok(made)
    }

    pub(crate) fn describe(&self) -> Result<String> {
        let Some(master) = self.servers.first() else {
            return Ok(format!("store {}", self.store));
        };
        let info = master.tell(&["INFO", "server"])?;
        let version = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        Ok(format!(
            "Redis {} `appendfsync always`, {} replicas",
            version.unwrap_or_default().trim(),
            self.servers.len() - 1
        ))
    }

    /// Lets it fail; returns when it is back.
    pub(crate) async fn fail(mut self, fault: RedisFault, away: u64) -> Result<Self> {
        let away = Duration::from_secs(away);
        match fault {
            RedisFault::Pause => {
                self.servers[0].pause()?;
                sleep(away).await;
                self.servers[0].resume()?;
                Ok(self)
            }
            RedisFault::Restart => {
                self.servers[0].shut_down()?;
                sleep(away).await;
                self.blocking(|it| it.servers[0].restart(None)).await
            }
            RedisFault::Kill => self.blocking(|it| it.servers[0].kill_and_restart()).await,
            RedisFault::Failover => self.blocking(Self::fail_over).await,
        }
    }

    /// Makes all whole again for the next time.
    pub(crate) async fn recover(self) -> Result<Self> {
        if !self.has_dead {
            return Ok(self);
        }
        self.blocking(|it| {
            let mut dead = it.servers.pop().context("the dead one")?;
            dead.restart(Some(&it.servers[0]))?;
            it.servers.push(dead);
            it.has_dead = false;
            it.replicas_follow()
        })
        .await
    }

    async fn blocking(
        mut self,
        work: impl FnOnce(&mut Self) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        tokio::task::spawn_blocking(move || work(&mut self).map(|()| self)).await?
    }

    /// What Redis Sentinel does: the replica that has most becomes the master, and the other one follows it.
    fn fail_over(&mut self) -> Result<()> {
        let mut dead = self.servers.remove(0);
        dead.kill()?;
        let mut offsets = Vec::new();
        for replica in &self.servers {
            offsets.push(field(replica, "slave_repl_offset")?.parse::<u64>()?);
        }
        let most = (0..offsets.len()).max_by_key(|at| offsets[*at]);
        let most = most.context("a replica")?;
        self.servers.swap(0, most);
        self.servers[0].follow(None)?;
        for replica in &self.servers[1..] {
            replica.follow(Some(&self.servers[0]))?;
        }
        self.servers.push(dead);
        self.has_dead = true;
        Ok(())
    }

    fn replicas_follow(&self) -> Result<()> {
        for replica in self.servers.iter().skip(1) {
            for attempt in 0.. {
                if field(replica, "master_link_status")? == "up" {
                    break;
                }
                if attempt > 2000 {
                    bail!("{} does not follow its master", replica.address);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }
}

fn field(server: &RedisServer, name: &str) -> Result<String> {
    let info = server.tell(&["INFO", "replication"])?;
    let value = info.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        (field == name).then(|| value.trim().to_owned())
    });
    Ok(value.unwrap_or_default())
}
