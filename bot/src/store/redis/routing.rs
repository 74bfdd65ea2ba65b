//! Which server has which shard, and how a call gets there.
//!
//! With one server, or a server and its replicas, one master has all; a cluster's masters have some each. A call that a server
//! has refused unseen is made again where it belongs; one that was cut off never is: nobody knows what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::{Cmd, RedisError, Value};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::super::StoreError;
use super::RedisOptions;
use super::fault::{Fault, explain};
use super::keys::{Keys, SHARDS, Shard};
use super::link::{Link, NoLink};
use crate::clock::jitter;

/// First wait before the servers are looked for again; doubles.
const FIRST_SEARCH: Duration = Duration::from_millis(50);
/// Longest wait before that.
const LONGEST_SEARCH: Duration = Duration::from_secs(1);
/// First wait before a call that was refused unseen is made again; doubles.
const FIRST_REPEAT: Duration = Duration::from_millis(10);

/// Which server has what.
pub(super) struct Map {
    pub(super) links: Vec<Arc<Link>>,
    /// Place in `links` for each shard; none where its master is away.
    by_shard: Vec<Option<usize>>,
}

impl Map {
    pub(super) fn link(&self, shard: Shard) -> Option<&Arc<Link>> {
        Some(&self.links[self.place(shard)?])
    }

    fn place(&self, shard: Shard) -> Option<usize> {
        self.by_shard.get(usize::from(shard)).copied().flatten()
    }

    /// The shards that a server has.
    pub(super) fn shards(&self, of: &Arc<Link>) -> impl Iterator<Item = Shard> {
        let is_of = move |link: &Arc<Link>| Arc::ptr_eq(link, of);
        (0..SHARDS).filter(move |shard| self.link(*shard).is_some_and(is_of))
    }

    /// Every shard's master is there.
    fn is_whole(&self) -> bool {
        self.by_shard.iter().all(Option::is_some)
    }

    /// The least that any of the servers promises.
    pub(super) fn durability(&self) -> super::Durability {
        let levels = self.links.iter().map(|link| link.durability);
        levels.min().unwrap_or(super::Durability::Volatile)
    }
}

/// How the search for the servers went.
#[derive(Default)]
struct Search {
    failures: u32,
    /// What the last one came to, and until when nobody tries again.
    failed: Option<(NoLink, Instant)>,
}

/// The last map, and whether it still holds.
#[derive(Default)]
struct Known {
    map: Option<Arc<Map>>,
    is_stale: bool,
}

/// The way to the servers.
pub(super) struct Routing {
    pub(super) options: RedisOptions,
    keys: Keys,
    known: RwLock<Known>,
    search: Mutex<Search>,
    /// Grows with every new map.
    found: watch::Sender<u64>,
}

impl Routing {
    pub(super) fn new(options: RedisOptions, keys: Keys) -> Self {
        Self {
            options,
            keys,
            known: RwLock::default(),
            search: Mutex::default(),
            found: watch::Sender::new(0),
        }
    }

    /// Changes with every new map.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.found.subscribe()
    }

    /// The map. Looks for the servers where it is not known: one search at a time, and with a pause after one that failed.
    pub(super) async fn map(&self) -> Result<Arc<Map>, NoLink> {
        if let Some(map) = self.known() {
            return Ok(map);
        }
        let mut search = self.search.lock().await;
        if let Some(map) = self.known() {
            return Ok(map);
        }
        if let Some((why, until)) = &search.failed
            && Instant::now() < *until
        {
            return Err(why.clone());
        }
        self.search(&mut search).await
    }

    /// Looks for masters that were away when the map was made; meanwhile the others are called as before.
    pub(super) async fn complete(&self) {
        if self.known().is_some_and(|map| !map.is_whole()) {
            let mut search = self.search.lock().await;
            // What it came to is told by the calls that need it.
            let _ = self.search(&mut search).await;
        }
    }

    async fn search(&self, search: &mut Search) -> Result<Arc<Map>, NoLink> {
        match self.look().await {
            Ok(map) => {
                *search = Search::default();
                let map = Arc::new(map);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
                    map: Some(Arc::clone(&map)),
                    is_stale: false,
                };
                self.found.send_modify(|found| *found += 1);
                Ok(map)
            }
            Err(why) => {
                let doubled = FIRST_SEARCH.saturating_mul(1 << search.failures.min(16));
                let pause = jitter(doubled.min(LONGEST_SEARCH));
                search.failures = search.failures.saturating_add(1);
                search.failed = Some((why.clone(), Instant::now() + pause));
                tracing::warn!(store = %self.options, error = why.message(), "Redis is not found");
                Err(why)
            }
        }
    }

    fn known(&self) -> Option<Arc<Map>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.map.clone().filter(|_| !known.is_stale)
    }

    fn last_known(&self) -> Option<Arc<Map>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.map.clone()
    }

    /// Has the servers looked for again, unless somebody has done that since.
    pub(super) fn forget(&self, map: &Arc<Map>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.is_stale |= known
            .map
            .as_ref()
            .is_some_and(|last| Arc::ptr_eq(last, map));
    }

    async fn look(&self) -> Result<Map, NoLink> {
        if self.options.cluster {
            return self.look_at_cluster().await;
        }
        // A server that is away says less than one that was there and would not do.
        let mut reason: Option<NoLink> = None;
        for host in &self.options.hosts {
            match Link::connect(&self.options, host).await {
                Ok(link) => {
                    return Ok(Map {
                        links: vec![Arc::new(link)],
                        by_shard: vec![Some(0); usize::from(SHARDS)],
                    });
                }
                Err(why) => {
                    if !matches!(reason, Some(NoLink::Refused(_))) {
                        reason = Some(why);
                    }
                }
            }
        }
        Err(reason.unwrap_or_else(|| NoLink::Away("there is no address".to_owned())))
    }

    async fn look_at_cluster(&self) -> Result<Map, NoLink> {
        let mut reason = NoLink::Away("there is no address".to_owned());
        let last = self.last_known();
        // Nodes that were found once are asked too: those that were named may all be gone by now.
        let found = last
            .iter()
            .flat_map(|map| &map.links)
            .map(|link| &link.host);
        for host in self.options.hosts.iter().chain(found) {
            match self.map_by(host).await {
                Ok(map) => return Ok(map),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    }

    /// Asks a node which master has what, and connects to them all.
    async fn map_by(&self, host: &str) -> Result<Map, NoLink> {
        let mut node = super::link::open(&self.options, host, None).await?;
        let away = |error: RedisError| NoLink::Away(error.to_string());
        let slots: Vec<Vec<Value>> = redis::cmd("CLUSTER")
            .arg("SLOTS")
            .query_async(&mut node)
            .await
            .map_err(away)?;
        let ranges: Vec<(u16, u16, String)> = slots
            .into_iter()
            .filter_map(|range| master_of(range, host))
            .collect();
        let mut asked = redis::pipe();
        for shard in 0..SHARDS {
            // The server's own hash of the tag: no copy of it to keep right.
            asked
                .cmd("CLUSTER")
                .arg("KEYSLOT")
                .arg(self.keys.shared(shard, ""));
        }
        let slot_of: Vec<u16> = asked.query_async(&mut node).await.map_err(away)?;
        let hosts: Vec<Option<&String>> = slot_of
            .into_iter()
            .map(|slot| {
                let has = |range: &&(u16, u16, String)| (range.0..=range.1).contains(&slot);
                ranges.iter().find(has).map(|(_, _, master)| master)
            })
            .collect();
        let masters: BTreeSet<&String> = hosts.iter().copied().flatten().collect();
        let links = self.connect_to(&masters).await?;
        if links.is_empty() {
            return Err(NoLink::Away(
                "none of the cluster's masters is there".to_owned(),
            ));
        }
        let place = |host: &String| links.iter().position(|link| link.host == *host);
        let by_shard = hosts.into_iter().map(|host| place(host?)).collect();
        Ok(Map { links, by_shard })
    }

    /// Connects to masters, or keeps the connections that are there; leaves out who is away.
    async fn connect_to(&self, masters: &BTreeSet<&String>) -> Result<Vec<Arc<Link>>, NoLink> {
        let last = self.last_known();
        let links = try_join_all(masters.iter().map(|&master| {
            let kept = last.iter().flat_map(|map| &map.links);
            let mut usable = kept.filter(|link| link.host == *master && !link.is_broken());
            let usable = usable.next().map(Arc::clone);
            async move {
                if usable.is_some() {
                    return Ok(usable);
                }
                match Link::connect(&self.options, master).await {
                    Ok(link) => Ok(Some(Arc::new(link))),
                    Err(why @ NoLink::Refused(_)) => Err(why),
                    Err(_) => Ok(None),
                }
            }
        }))
        .await?;
        Ok(links.into_iter().flatten().collect())
    }
}

/// First slot, last slot and master of a range; `asked` stands for a node that doesn't know its own name.
fn master_of(range: Vec<Value>, asked: &str) -> Option<(u16, u16, String)> {
    let mut range = range.into_iter();
    let first = redis::from_redis_value(range.next()?).ok()?;
    let last = redis::from_redis_value(range.next()?).ok()?;
    let Value::Array(master) = range.next()? else {
        return None;
    };
    let mut master = master.into_iter();
    let host: Option<String> = redis::from_redis_value(master.next()?).ok()?;
    let port: u16 = redis::from_redis_value(master.next()?).ok()?;
    let host = match host {
        Some(host) if host.contains(':') => format!("[{host}]:{port}"),
        Some(host) if !host.is_empty() => format!("{host}:{port}"),
        _ => asked.to_owned(),
    };
    Some((first, last, host))
}

/// A command for a shard.
pub(super) type Call = (Shard, Cmd);

impl Routing {
    /// Makes one call, and gives the connection that it went over too.
    pub(super) async fn call(
        &self,
        shard: Shard,
        command: &Cmd,
    ) -> Result<(Arc<Link>, Value), StoreError> {
        let mut patience = Patience::new(self.options.response_timeout);
        loop {
            let map = self.map().await.map_err(|why| self.lacking(&why))?;
            match map.ask(shard, command).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => self.mend(&map, failed, &mut patience).await?,
            }
        }
    }

    /// Makes calls that may be made twice, each server's together, and gives the answers in the order of the calls.
    pub(super) async fn call_all(&self, calls: &[Call]) -> Result<Vec<Value>, StoreError> {
        let mut patience = Patience::new(self.options.response_timeout);
        loop {
            let map = self.map().await.map_err(|why| self.lacking(&why))?;
            match map.ask_all(calls).await {
                Ok(answers) => return Ok(answers),
                Err(failed) => self.mend(&map, failed, &mut patience).await?,
            }
        }
    }

    /// Does what can be done about a failure and waits a moment; gives the error where the same may not be tried again.
    async fn mend(
        &self,
        map: &Arc<Map>,
        failed: Failed,
        patience: &mut Patience,
    ) -> Result<(), StoreError> {
        let Failed::At(link, error) = failed else {
            let why = NoLink::Away("a part of the cluster has no master".to_owned());
            return Err(self.lacking(&why));
        };
        let fault = Fault::of(&error);
        match fault {
            Fault::NoFunctions => link
                .load_functions()
                .await
                .map_err(|error| explain(&error))?,
            Fault::Elsewhere => self.forget(map),
            Fault::Broken => {
                link.give_up();
                self.forget(map);
            }
            Fault::Busy | Fault::Refusal => {}
        }
        if !fault.may_be_repeated() || !patience.wait().await {
            return Err(explain(&error));
        }
        Ok(())
    }

    fn lacking(&self, why: &NoLink) -> StoreError {
        StoreError::Engine(format!("store {}: {}", self.options, why.message()))
    }

    /// Has every server know our functions, whatever it knew before.
    pub(super) async fn load_functions(&self) -> Result<(), StoreError> {
        let map = self.map().await.map_err(|why| self.lacking(&why))?;
        for link in &map.links {
            link.load_functions()
                .await
                .map_err(|error| explain(&error))?;
        }
        Ok(())
    }
}

impl Map {
    async fn ask(&self, shard: Shard, command: &Cmd) -> Result<(Arc<Link>, Value), Failed> {
        let link = self.link(shard).ok_or(Failed::Away)?;
        match link.ask(command).await {
            Ok(answer) => Ok((Arc::clone(link), answer)),
            Err(error) => Err(Failed::At(Arc::clone(link), error)),
        }
    }

    async fn ask_all(&self, calls: &[Call]) -> Result<Vec<Value>, Failed> {
        let mut by_link: BTreeMap<usize, (redis::Pipeline, Vec<usize>)> = BTreeMap::new();
        for (place, (shard, command)) in calls.iter().enumerate() {
            let link = self.place(*shard).ok_or(Failed::Away)?;
            let (pipeline, asked) = by_link.entry(link).or_default();
            pipeline.add_command(command.clone());
            asked.push(place);
        }
        let answers = try_join_all(by_link.into_iter().map(|(link, (pipeline, asked))| {
            let link = &self.links[link];
            async move {
                match link.ask_all(pipeline).await {
                    Ok(answers) => Ok((asked, answers)),
                    Err(error) => Err(Failed::At(Arc::clone(link), error)),
                }
            }
        }))
        .await?;
        let mut ordered: Vec<Value> = vec![Value::Nil; calls.len()];
        for (asked, answers) in answers {
            for (place, answer) in asked.into_iter().zip(answers) {
                ordered[place] = answer;
            }
        }
        Ok(ordered)
    }
}

/// How long a call is tried.
struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    fn new(lasts: Duration) -> Self {
        Self {
            until: Instant::now() + lasts,
            pause: FIRST_REPEAT,
        }
    }

    /// Waits a moment, each time longer; `false` where there is no time left.
    async fn wait(&mut self) -> bool {
        if Instant::now() + self.pause >= self.until {
            return false;
        }
        tokio::time::sleep(jitter(self.pause)).await;
        self.pause = (self.pause * 2).min(LONGEST_SEARCH);
        true
    }
}

/// Why an attempt came to nothing.
enum Failed {
    /// The shard's master is not there.
    Away,
    /// It was there, and this is what came of it.
    At(Arc<Link>, RedisError),
}
