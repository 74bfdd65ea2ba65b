//! What only reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redis::{Cmd, Value};

use super::super::StoreError;
use super::Core;
use super::fault::odd;
use super::keys::{SHARDS, Shard, letter_of, shard_of};
use super::values::{bytes, elements, entry, head, letter, millis, read, seen, time, timed};
use crate::partition::{Bytes, DeadLetter, Entry, PartitionId, Seen, Snapshot};

/// A limit as Redis takes it.
fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Members with their scores, as Redis gives them without telling one from the other.
fn scored(answer: Value) -> Result<Vec<(f64, String)>, StoreError> {
    let members: Vec<(String, f64)> = read(answer)?;
    Ok(members
        .into_iter()
        .map(|(member, score)| (score, member))
        .collect())
}

impl Core {
    async fn ask(&self, partition: &PartitionId, command: &Cmd) -> Result<Value, StoreError> {
        let (_, answer) = self.routing.call(shard_of(partition), command).await?;
        Ok(answer)
    }

    pub(super) async fn snapshot(
        &self,
        partition: &PartitionId,
        docs: &[&str],
    ) -> Result<Option<Snapshot>, StoreError> {
        let call = redis::cmd("FCALL_RO")
            .arg("bh2_snapshot")
            .arg(2)
            .arg(self.keys.own(partition, "head"))
            .arg(self.keys.own(partition, "doc"))
            .arg(docs)
            .take();
        let answer = self.ask(partition, &call).await?;
        if answer == Value::Nil {
            return Ok(None);
        }
        let mut found = elements(answer)?.into_iter();
        let head = head(found.next().ok_or_else(|| odd("no head"))?)?;
        let mut docs = BTreeMap::new();
        while let (Some(name), Some(body)) = (found.next(), found.next()) {
            docs.insert(read(name)?, bytes(body)?);
        }
        Ok(Some(Snapshot { head, docs }))
    }

    pub(super) async fn log(
        &self,
        partition: &PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let range = redis::cmd("XRANGE")
            .arg(self.keys.own(partition, "log"))
            .arg(after.saturating_add(1))
            .arg("+")
            .arg("COUNT")
            .arg(count(limit))
            .take();
        let entries = elements(self.ask(partition, &range).await?)?;
        entries.into_iter().map(entry).collect()
    }

    pub(super) async fn tail(
        &self,
        partition: &PartitionId,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let range = redis::cmd("XREVRANGE")
            .arg(self.keys.own(partition, "log"))
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(count(limit))
            .take();
        let entries = elements(self.ask(partition, &range).await?)?;
        entries.into_iter().rev().map(entry).collect()
    }

    pub(super) async fn seen(
        &self,
        partition: &PartitionId,
        sender_id: &str,
    ) -> Result<Option<Seen>, StoreError> {
        let get = redis::cmd("HGET")
            .arg(self.keys.own(partition, "seen"))
            .arg(sender_id)
            .take();
        let stored: Option<Vec<u8>> = read(self.ask(partition, &get).await?)?;
        stored.map(|stored| seen(&stored)).transpose()
    }

    pub(super) async fn traces(
        &self,
        partition: &PartitionId,
        limit: usize,
    ) -> Result<Vec<Bytes>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let last = |name| {
            let key = self.keys.own(partition, name);
            let range = redis::cmd("LRANGE")
                .arg(key)
                .arg(-count(limit))
                .arg(-1)
                .take();
            (shard_of(partition), range)
        };
        // The first is what functions before the second version wrote.
        let calls = [last("trace"), last("traces")];
        let answers = self.routing.call_all(&calls).await?;
        let mut traces = Vec::new();
        for (answer, is_timed) in answers.into_iter().zip([false, true]) {
            for stored in elements(answer)? {
                let stored = bytes(stored)?;
                traces.push(if is_timed { timed(&stored)?.1 } else { stored });
            }
        }
        let surplus = traces.len().saturating_sub(limit);
        Ok(traces.split_off(surplus))
    }

    /// Asks each shard the same of one of its keys.
    pub(super) async fn ask_shards(
        &self,
        shards: impl IntoIterator<Item = Shard>,
        command: &str,
        key: &str,
        rest: &[String],
    ) -> Result<Vec<Value>, StoreError> {
        let calls: Vec<_> = shards
            .into_iter()
            .map(|shard| {
                let key = self.keys.shared(shard, key);
                (shard, redis::cmd(command).arg(key).arg(rest).take())
            })
            .collect();
        self.routing.call_all(&calls).await
    }

    pub(super) async fn ready(&self, limit: usize) -> Result<Vec<PartitionId>, StoreError> {
        let mut ready = self.ready_in(self.leases.held(), limit).await?;
        ready.truncate(limit);
        Ok(ready)
    }

    /// Partitions of some shards with inputs that wait, at most so many of each, the longest first.
    pub(super) async fn ready_in(
        &self,
        shards: Vec<Shard>,
        limit: usize,
    ) -> Result<Vec<PartitionId>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let range = ["0".to_owned(), (count(limit) - 1).to_string()];
        let answers = self.ask_shards(shards, "ZRANGE", "ready", &range).await?;
        names(answers)
    }

    /// Partitions whose last input came in a span of the server's time and still waits.
    pub(super) async fn ready_since(
        &self,
        after: i64,
        until: i64,
    ) -> Result<Vec<PartitionId>, StoreError> {
        let span = [format!("({after}"), until.to_string()];
        let held = self.leases.held();
        let answers = self
            .ask_shards(held, "ZRANGEBYSCORE", "ready", &span)
            .await?;
        names(answers)
    }

    /// How many partitions have inputs that wait, and since when the one does whose last input is the oldest.
    pub(super) async fn count_ready(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        // Who works nothing through tells of all: that nobody does is seen there.
        let held = match self.routing.options.takes_turns {
            true => self.leases.held(),
            false => (0..SHARDS).collect(),
        };
        let mut calls = Vec::with_capacity(2 * held.len());
        for shard in held {
            let key = self.keys.shared(shard, "ready");
            calls.push((shard, redis::cmd("ZCARD").arg(&key).take()));
            let first = redis::cmd("ZRANGE")
                .arg(&key)
                .arg(&["0", "0", "WITHSCORES"])
                .take();
            calls.push((shard, first));
        }
        let mut answers = self.routing.call_all(&calls).await?.into_iter();
        let (mut ready, mut oldest) = (0, None);
        while let (Some(count), Some(first)) = (answers.next(), answers.next()) {
            ready += read::<u64>(count)?;
            for (at, _) in scored(first)? {
                let at = time(at as i64);
                oldest = Some(oldest.map_or(at, |oldest: Timestamp| oldest.min(at)));
            }
        }
        Ok((ready, oldest))
    }

    pub(super) async fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<PartitionId>, StoreError> {
        let due = self.earliest("due", now, limit).await?;
        Ok(due.iter().map(|name| PartitionId::named(name)).collect())
    }

    /// Members of a sorted set whose time has come, of the shards that this process holds, the earliest first.
    pub(super) async fn earliest(
        &self,
        key: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let range = [
            "-inf".to_owned(),
            millis(now).to_string(),
            "WITHSCORES".to_owned(),
            "LIMIT".to_owned(),
            "0".to_owned(),
            count(limit).to_string(),
        ];
        let held = self.leases.held();
        let mut found = Vec::new();
        for answer in self.ask_shards(held, "ZRANGEBYSCORE", key, &range).await? {
            found.extend(scored(answer)?);
        }
        found.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, member)| member).collect())
    }

    pub(super) async fn dead(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let range = [
            "0".to_owned(),
            (count(limit) - 1).to_string(),
            "WITHSCORES".to_owned(),
        ];
        let mut found = Vec::new();
        for answer in self
            .ask_shards(0..SHARDS, "ZREVRANGE", "dead", &range)
            .await?
        {
            found.extend(scored(answer)?);
        }
        found.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.cmp(y)));
        found.truncate(limit);
        let gets = found.iter().map(|(_, member)| {
            let (_, partition, _) = letter_of(member).ok_or_else(|| odd("no letter"))?;
            let key = self.keys.own(&partition, "dead");
            let get = redis::cmd("HGET").arg(key).arg(member).take();
            Ok((shard_of(&partition), get))
        });
        let gets = gets.collect::<Result<Vec<_>, StoreError>>()?;
        let mut letters = Vec::with_capacity(gets.len());
        for ((_, member), answer) in found.iter().zip(self.routing.call_all(&gets).await?) {
            // One that is gone was sent again, or thrown away, a moment ago.
            if let Some(stored) = read::<Option<Vec<u8>>>(answer)? {
                letters.push(letter(member, &stored)?);
            }
        }
        Ok(letters)
    }

    pub(super) async fn partitions(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<PartitionId>, StoreError> {
        let from = match after {
            "" => "-".to_owned(),
            name => format!("({name}"),
        };
        let range = [
            from,
            "+".to_owned(),
            "LIMIT".to_owned(),
            "0".to_owned(),
            count(limit).to_string(),
        ];
        let answers = self
            .ask_shards(0..SHARDS, "ZRANGEBYLEX", "all", &range)
            .await?;
        let mut all = names(answers)?;
        all.sort_unstable();
        all.truncate(limit);
        Ok(all)
    }
}

fn names(answers: Vec<Value>) -> Result<Vec<PartitionId>, StoreError> {
    let mut all = Vec::new();
    for answer in answers {
        let found: Vec<String> = read(answer)?;
        all.extend(found.iter().map(|name| PartitionId::named(name)));
    }
    Ok(all)
}
