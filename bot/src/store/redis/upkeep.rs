//! What gauges and commands ask, of Redis.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use jiff::Timestamp;
use redis::{Cmd, Value};

use super::super::StoreError;
use super::super::engine::Later;
use super::super::upkeep::{Backlog, Damage, Export, Lane, Upkeep, Whose};
use super::fault::odd;
use super::keys::{SHARDS, Shard, lane_member, lane_of, letter_member, letter_of, shard_of};
use super::routing::Call;
use super::values::{self, bytes, elements, letter, millis, outbound, packed, read, time, timed};
use super::{Core, Redis};
use crate::partition::{Claim, DeadLetter, PartitionId, Seen};

/// Commands that are sent together.
const TOGETHER: usize = 500;
/// Times that a partition is read which others change meanwhile.
const TRIES: usize = 5;

impl Upkeep for Redis {
    fn backlog(&self, whose: Whose) -> Later<'_, Vec<Backlog>> {
        self.run(self.core.backlog(whose))
    }

    fn export<'a>(&'a self, partition: &'a PartitionId) -> Later<'a, Option<Export>> {
        self.run(self.core.export(partition))
    }

    fn import(&self, export: Export) -> Later<'_, bool> {
        self.run(async move { self.core.import(&export).await })
            .boxed()
    }

    fn verify(&self) -> Later<'_, Vec<Damage>> {
        self.run(self.core.verify())
    }
}

impl Redis {
    /// Names of the processes that work on the store.
    pub(in crate::store) async fn processes(&self) -> Result<Vec<String>, StoreError> {
        self.core.processes().await
    }
}

/// A lane as it is kept: the oldest number that is not settled, the last one given, how often the oldest was claimed.
fn lane_numbers(kept: &str) -> Result<(u64, u64, u32), StoreError> {
    let mut numbers = kept.split(' ');
    let mut next = || numbers.next().ok_or_else(|| odd("no lane"));
    let none = |_| odd("no lane");
    let (oldest, last) = (next()?, next()?);
    let attempts = next()?.parse().map_err(none)?;
    Ok((
        oldest.parse().map_err(none)?,
        last.parse().map_err(none)?,
        attempts,
    ))
}

/// A field of a hash, and its value.
type Pair = (Vec<u8>, Vec<u8>);

/// Pairs of an answer that lists fields, each followed by its value.
fn pairs(answer: Value) -> Result<Vec<Pair>, StoreError> {
    let flat: Vec<Vec<u8>> = read(answer)?;
    let mut flat = flat.into_iter();
    let mut pairs = Vec::new();
    while let (Some(field), Some(value)) = (flat.next(), flat.next()) {
        pairs.push((field, value));
    }
    Ok(pairs)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn outbox_field(number: u64, destination: &str) -> String {
    format!("{number}:{destination}")
}

impl Core {
    async fn processes(&self) -> Result<Vec<String>, StoreError> {
        let answer = self.routing.call_all(&[(0, redis::cmd("TIME"))]).await?;
        let now: Vec<String> = read(answer.into_iter().next().unwrap_or(Value::Nil))?;
        let seconds: i64 = now.first().and_then(|it| it.parse().ok()).unwrap_or(0);
        let range = redis::cmd("ZRANGEBYSCORE")
            .arg(self.keys.nodes())
            .arg(seconds.saturating_mul(1000))
            .arg("+inf")
            .take();
        let (_, answer) = self.routing.call(0, &range).await?;
        read(answer)
    }

    /// Makes calls some at a time, so that no server is kept busy for long, and gives the answers in the order of the calls.
    async fn call_in_turns(&self, calls: &[Call]) -> Result<Vec<Value>, StoreError> {
        let mut answers = Vec::with_capacity(calls.len());
        for some in calls.chunks(TOGETHER) {
            answers.extend(self.routing.call_all(some).await?);
        }
        Ok(answers)
    }

    async fn backlog(&self, whose: Whose) -> Result<Vec<Backlog>, StoreError> {
        let shards = || match whose {
            Whose::Mine => self.leases.held(),
            Whose::All => (0..SHARDS).collect(),
        };
        let all = ["0".to_owned(), "-1".to_owned()];
        let mut found: BTreeMap<String, Backlog> = BTreeMap::new();
        let mut lanes = Vec::new();
        for answer in self.ask_shards(shards(), "ZRANGE", "lanes", &all).await? {
            let members: Vec<String> = read(answer)?;
            lanes.extend(members.iter().filter_map(|member| {
                let (partition, destination) = lane_of(member)?;
                Some((partition, destination.to_owned()))
            }));
        }
        for some in lanes.chunks(TOGETHER) {
            for (destination, waiting, oldest) in self.waiting_in(some).await? {
                let backlog = found.entry(destination.clone());
                let backlog = backlog.or_insert_with(|| Backlog::none(&destination));
                backlog.add(waiting, oldest);
            }
        }
        for answer in self.ask_shards(shards(), "ZRANGE", "dead", &all).await? {
            let members: Vec<String> = read(answer)?;
            for member in &members {
                if let Some((_, _, destination)) = letter_of(member) {
                    let backlog = found.entry(destination.to_owned());
                    backlog.or_insert_with(|| Backlog::none(destination)).dead += 1;
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Of some lanes: where to, how much waits, and when the oldest of it was put in. One that was emptied meanwhile is left out.
    async fn waiting_in(
        &self,
        lanes: &[(PartitionId, String)],
    ) -> Result<Vec<(String, u64, Timestamp)>, StoreError> {
        let gets: Vec<Call> = lanes
            .iter()
            .map(|(partition, destination)| {
                let key = self.keys.own(partition, "lane");
                let get = redis::cmd("HGET").arg(key).arg(destination).take();
                (shard_of(partition), get)
            })
            .collect();
        let mut counted = Vec::new();
        let mut gets_oldest: Vec<Call> = Vec::new();
        for ((partition, destination), answer) in
            lanes.iter().zip(self.routing.call_all(&gets).await?)
        {
            let Some(kept) = read::<Option<String>>(answer)? else {
                continue;
            };
            let (oldest, last, _) = lane_numbers(&kept)?;
            if oldest <= last {
                counted.push((destination, last - oldest + 1));
                let get = redis::cmd("HGET")
                    .arg(self.keys.own(partition, "out"))
                    .arg(outbox_field(oldest, destination))
                    .take();
                gets_oldest.push((shard_of(partition), get));
            }
        }
        let answers = self.routing.call_all(&gets_oldest).await?;
        let mut waiting = Vec::with_capacity(counted.len());
        for ((destination, count), answer) in counted.into_iter().zip(answers) {
            if let Some(kept) = read::<Option<Vec<u8>>>(answer)? {
                let (_, at, _) = outbound(&kept)?;
                waiting.push((destination.clone(), count, at));
            }
        }
        Ok(waiting)
    }

    async fn export(&self, partition: &PartitionId) -> Result<Option<Export>, StoreError> {
        let mut read = None;
        for _ in 0..TRIES {
            read = self.export_once(partition).await?;
            // Sending goes on beside it and moves no head: what is told of the outbox may be a moment younger.
            let now = self.snapshot(partition, &[]).await?.map(|it| it.head);
            if read.as_ref().map(|export| export.head) == now {
                break;
            }
        }
        Ok(read)
    }

    async fn export_once(&self, partition: &PartitionId) -> Result<Option<Export>, StoreError> {
        let Some(snapshot) = self.snapshot(partition, &["*"]).await? else {
            return Ok(None);
        };
        let shard = shard_of(partition);
        let hash = |name: &str| {
            let key = self.keys.own(partition, name);
            (shard, redis::cmd("HGETALL").arg(key).take())
        };
        let list = |name: &str| {
            let key = self.keys.own(partition, name);
            (shard, redis::cmd("LRANGE").arg(key).arg(0).arg(-1).take())
        };
        let due = redis::cmd("ZSCORE")
            .arg(self.keys.shared(shard, "due"))
            .arg(partition.as_str())
            .take();
        let calls = [
            hash("seen"),
            list("trace"),
            list("traces"),
            (shard, due),
            hash("lane"),
            hash("out"),
            hash("dead"),
        ];
        let answers = self.routing.call_all(&calls).await?;
        let [seen, older, traces, due, lanes, out, letters] =
            <[Value; 7]>::try_from(answers).map_err(|_| odd("no seven"))?;
        let seen = pairs(seen)?.into_iter();
        let seen: BTreeMap<String, Seen> = seen
            .map(|(sender, kept)| Ok((text(&sender), values::seen(&kept)?)))
            .collect::<Result<_, StoreError>>()?;
        // What functions before the second version wrote has no time: that of the beginning, so that it goes first.
        let first = Timestamp::UNIX_EPOCH;
        let older = elements(older)?
            .into_iter()
            .map(|it| Ok((first, bytes(it)?)));
        let traces = elements(traces)?.into_iter().map(|it| timed(&bytes(it)?));
        let mut dead = pairs(letters)?
            .into_iter()
            .map(|(member, kept)| letter(&text(&member), &kept))
            .collect::<Result<Vec<DeadLetter>, _>>()?;
        dead.sort_by(|a, b| {
            let (a, b) = (&a.claim, &b.claim);
            (&a.destination, a.number).cmp(&(&b.destination, b.number))
        });
        Ok(Some(Export {
            partition: partition.clone(),
            head: snapshot.head,
            due: score(due)?,
            log: self.log(partition, 0, usize::MAX).await?,
            docs: snapshot.docs,
            seen,
            traces: older.chain(traces).collect::<Result<_, _>>()?,
            lanes: self.lanes(partition, pairs(lanes)?, pairs(out)?).await?,
            dead,
        }))
    }

    /// The lanes of a partition, from what its hashes hold.
    async fn lanes(
        &self,
        partition: &PartitionId,
        lanes: Vec<Pair>,
        out: Vec<Pair>,
    ) -> Result<BTreeMap<String, Lane>, StoreError> {
        let out: BTreeMap<String, Vec<u8>> = out
            .into_iter()
            .map(|(field, kept)| (text(&field), kept))
            .collect();
        let shard = shard_of(partition);
        let names: Vec<String> = lanes.iter().map(|(name, _)| text(name)).collect();
        let free: Vec<Call> = names
            .iter()
            .map(|destination| {
                let score = redis::cmd("ZSCORE")
                    .arg(self.keys.shared(shard, "lanes"))
                    .arg(lane_member(partition, destination))
                    .take();
                (shard, score)
            })
            .collect();
        let free = self.routing.call_all(&free).await?;
        let mut found = BTreeMap::new();
        for ((destination, (_, kept)), free_at) in names.into_iter().zip(lanes).zip(free) {
            let (oldest, last, attempts) = lane_numbers(&text(&kept))?;
            let mut waiting = Vec::new();
            for number in oldest..=last {
                // One that is gone was settled since the lane was read, or is lost: then the numbers tell.
                let Some(kept) = out.get(&outbox_field(number, &destination)) else {
                    continue;
                };
                let (seq, at, body) = outbound(kept)?;
                waiting.push(Claim {
                    partition: partition.clone(),
                    destination: destination.clone(),
                    number,
                    seq,
                    at,
                    attempts: if number == oldest { attempts } else { 0 },
                    body,
                });
            }
            let lane = Lane {
                last,
                free_at: score(free_at)?,
                waiting,
            };
            found.insert(destination, lane);
        }
        Ok(found)
    }

    /// What is the partition's own first, then at one stroke what makes it known: where this breaks off there is no such
    /// partition, and it begins anew.
    async fn import(&self, export: &Export) -> Result<bool, StoreError> {
        let partition = &export.partition;
        if self.snapshot(partition, &[]).await?.is_some() {
            return Ok(false);
        }
        let shard = shard_of(partition);
        let own = |name: &str| self.keys.own(partition, name);
        let rest = [
            "log", "doc", "seen", "trace", "traces", "lane", "out", "dead",
        ]
        .map(own);
        let mut calls: Vec<Call> = vec![(shard, redis::cmd("DEL").arg(&rest).take())];
        calls.extend(self.own_parts(export)?.into_iter().map(|it| (shard, it)));
        self.call_in_turns(&calls).await?;
        let mut at_once = vec![redis::cmd("MULTI")];
        at_once.extend(self.made_known(export));
        at_once.push(redis::cmd("EXEC"));
        let calls: Vec<Call> = at_once.into_iter().map(|it| (shard, it)).collect();
        let answers = self.routing.call_all(&calls).await?;
        if !matches!(answers.last(), Some(Value::Array(_))) {
            return Err(odd("nothing was done"));
        }
        // Waits for replicas where the address asks for some.
        let check = super::writes::function("bh2_check", &[self.keys.shared(shard, "lease")]);
        let (link, _) = self.routing.call(shard, &check).await?;
        link.replicate(&self.routing.options).await?;
        Ok(true)
    }

    /// Commands that store what is a partition's own, all but its head.
    fn own_parts(&self, export: &Export) -> Result<Vec<Cmd>, StoreError> {
        let own = |name: &str| self.keys.own(&export.partition, name);
        let mut commands = Vec::new();
        for entry in &export.log {
            let add = redis::cmd("XADD")
                .arg(own("log"))
                .arg(format!("{}-0", entry.seq))
                .arg("k")
                .arg(entry.kind.name())
                .arg("c")
                .arg(entry.cause)
                .arg("t")
                .arg(millis(entry.at))
                .arg("b")
                .arg(&entry.body[..])
                .take();
            commands.push(add);
        }
        let mut set = |name: &str, field: &str, value: &[u8]| {
            let set = redis::cmd("HSET")
                .arg(own(name))
                .arg(field)
                .arg(value)
                .take();
            commands.push(set);
        };
        for (name, body) in &export.docs {
            set("doc", name, body);
        }
        for (sender, seen) in &export.seen {
            let mut kept = seen.hash.to_vec();
            kept.extend_from_slice(seen.seq.to_string().as_bytes());
            set("seen", sender, &kept);
        }
        for (destination, lane) in &export.lanes {
            let oldest = lane.waiting.first().map_or(lane.last + 1, |it| it.number);
            let attempts = lane.waiting.first().map_or(0, |it| it.attempts);
            let kept = format!("{oldest} {} {attempts}", lane.last);
            set("lane", destination, kept.as_bytes());
            for (number, claim) in (oldest..).zip(&lane.waiting) {
                if claim.number != number {
                    return Err(StoreError::Engine(format!(
                        "`{}` sends to `{destination}`, and number {number} of it is lost: {} comes after it; look at the \
                         store with `bellhop store check`",
                        export.partition, claim.number
                    )));
                }
                let mut kept = format!("{} {} ", claim.seq, millis(claim.at)).into_bytes();
                kept.extend_from_slice(&claim.body);
                set("out", &outbox_field(number, destination), &kept);
            }
        }
        for DeadLetter {
            claim,
            died_at,
            why,
        } in &export.dead
        {
            let member = letter_member(&claim.partition, &claim.destination, claim.number);
            set("dead", &member, &packed(claim, *died_at, why));
        }
        for (at, trace) in &export.traces {
            let mut kept = format!("{} ", millis(*at)).into_bytes();
            kept.extend_from_slice(trace);
            let push = redis::cmd("RPUSH").arg(own("traces")).arg(kept).take();
            commands.push(push);
        }
        Ok(commands)
    }

    /// Commands that store the head and where a partition is looked for.
    fn made_known(&self, export: &Export) -> Vec<Cmd> {
        let (partition, head) = (&export.partition, &export.head);
        let shard = shard_of(partition);
        let mark = |name: &str, score: i64, member: &str| {
            let key = self.keys.shared(shard, name);
            redis::cmd("ZADD").arg(key).arg(score).arg(member).take()
        };
        let mut commands = vec![
            redis::cmd("HSET")
                .arg(self.keys.own(partition, "head"))
                .arg(&["rev", &head.revision.to_string()])
                .arg(&["seq", &head.last_seq.to_string()])
                .arg(&["proc", &head.processed.to_string()])
                .arg(&["wait", &head.waiting.to_string()])
                .arg(&["closed", if head.closed { "1" } else { "0" }])
                .arg(&["last", &millis(head.last_at).to_string()])
                .take(),
            mark("all", 0, partition.as_str()),
        ];
        if head.waiting > 0 {
            commands.push(mark("ready", millis(head.last_at), partition.as_str()));
        }
        if head.closed {
            commands.push(mark("over", millis(head.last_at), partition.as_str()));
        }
        if let Some(oldest) = export.seen.values().map(|seen| export.seen_at(seen)).min() {
            commands.push(mark("seen", millis(oldest), partition.as_str()));
        }
        if let Some((oldest, _)) = export.traces.first() {
            commands.push(mark("traces", millis(*oldest), partition.as_str()));
        }
        if let Some(due) = export.due {
            commands.push(mark("due", millis(due), partition.as_str()));
        }
        for (destination, lane) in &export.lanes {
            if let Some(oldest) = lane.waiting.first() {
                let free_at = lane.free_at.unwrap_or(oldest.at);
                let member = lane_member(partition, destination);
                commands.push(mark("lanes", millis(free_at), &member));
            }
        }
        for letter in &export.dead {
            let claim = &letter.claim;
            let member = letter_member(partition, &claim.destination, claim.number);
            commands.push(mark("dead", millis(letter.died_at), &member));
        }
        commands
    }

    async fn verify(&self) -> Result<Vec<Damage>, StoreError> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            found.extend(self.verify_shard(shard).await?);
        }
        Ok(found)
    }

    /// The sets of a shard must say what its partitions say.
    async fn verify_shard(&self, shard: Shard) -> Result<Vec<Damage>, StoreError> {
        let all = ["0".to_owned(), "-1".to_owned()];
        let mut sets = Vec::new();
        for name in ["all", "ready", "due", "lanes"] {
            let answers = self.ask_shards([shard], "ZRANGE", name, &all).await?;
            let members: Vec<String> = read(answers.into_iter().next().unwrap_or(Value::Nil))?;
            sets.push(members.into_iter().collect::<BTreeSet<String>>());
        }
        let [names, ready, due, lanes] = &sets[..] else {
            return Err(odd("no sets"));
        };
        let gets: Vec<Call> = names
            .iter()
            .map(|name| {
                let key = self.keys.own(&PartitionId::named(name), "head");
                (shard, redis::cmd("HGET").arg(key).arg("wait").take())
            })
            .collect();
        let mut found = Vec::new();
        let mut damage = |place: &str, what: String, todo: &str| {
            found.push(Damage {
                place: place.to_owned(),
                what,
                todo: todo.to_owned(),
            });
        };
        const COPY: &str = "copy the store (bellhop store copy), which makes the sets anew";
        for (name, answer) in names.iter().zip(self.call_in_turns(&gets).await?) {
            match read::<Option<u64>>(answer)? {
                None => damage(name, "it is listed and has no head".to_owned(), COPY),
                Some(1..) if !ready.contains(name) => {
                    let what = "inputs wait in it, and it is not in the set `ready`";
                    damage(name, what.to_owned(), COPY);
                }
                Some(_) => {}
            }
        }
        let of_lane = lanes.iter().filter_map(|member| lane_of(member));
        let of_lane = of_lane.map(|(partition, _)| ("lanes", partition.as_str().to_owned()));
        let named = |set: &'static str, names: &BTreeSet<String>| -> Vec<(&'static str, String)> {
            names.iter().map(|name| (set, name.clone())).collect()
        };
        for (set, name) in of_lane
            .chain(named("ready", ready))
            .chain(named("due", due))
        {
            if !names.contains(&name) {
                let what = format!("the set `{set}` names it, and there is no such partition");
                damage(&name, what, COPY);
            }
        }
        Ok(found)
    }
}

/// A time that is a score; none where there is none.
fn score(answer: Value) -> Result<Option<Timestamp>, StoreError> {
    let score: Option<f64> = read(answer)?;
    Ok(score.map(|score| time(score as i64)))
}
