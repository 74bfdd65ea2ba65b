//! What is old is forgotten: found in the sets of the shards that this process holds, and taken away one partition at a time.

use jiff::{SignedDuration, Timestamp};

use super::super::StoreError;
use super::Core;
use super::keys::shard_of;
use super::values::{millis, read};
use super::writes::function;
use crate::partition::{PartitionId, Prune, Pruned};

impl Core {
    pub(super) async fn prune(&self, prune: Prune, limit: usize) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        for partition in self.aged("over", prune.transcript_before, limit).await? {
            let before = millis(prune.transcript_before);
            pruned.partitions += u64::from(self.take_away("over", &partition, before).await?);
        }
        for partition in self.aged("traces", prune.trace_before, limit).await? {
            pruned.traces += self.forget_traces(&partition, prune.trace_before).await?;
        }
        for partition in self.aged("seen", prune.seen_before, limit).await? {
            pruned.seen += self.forget_seen(&partition, prune.seen_before).await?;
        }
        Ok(pruned)
    }

    pub(super) async fn remove(
        &self,
        partition: &PartitionId,
        expected: u64,
    ) -> Result<bool, StoreError> {
        let expected = i64::try_from(expected).unwrap_or(i64::MAX);
        self.take_away("at", partition, expected).await
    }

    /// Partitions of a set from before a time.
    async fn aged(
        &self,
        key: &str,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<PartitionId>, StoreError> {
        let until = before - SignedDuration::from_millis(1);
        let names = self.earliest(key, until, limit).await?;
        Ok(names.iter().map(|name| PartitionId::named(name)).collect())
    }

    /// Takes a partition away: one that is `over` since before a time, or that is `at` a revision.
    async fn take_away(
        &self,
        how: &str,
        partition: &PartitionId,
        what: i64,
    ) -> Result<bool, StoreError> {
        let shard = shard_of(partition);
        let own = |name| self.keys.own(partition, name);
        let shared = |name| self.keys.shared(shard, name);
        let keys = [
            own("head"),
            own("out"),
            own("dead"),
            shared("dead"),
            shared("over"),
            // From here on it is named or taken away, and nothing is read.
            shared("all"),
            shared("ready"),
            shared("due"),
            shared("seen"),
            shared("traces"),
            own("log"),
            own("doc"),
            own("seen"),
            own("trace"),
            own("traces"),
            own("lane"),
        ];
        let mut call = function("bh2_take", &keys);
        call.arg(partition.as_str()).arg(how).arg(what);
        let (_, answer) = self.routing.call(shard, &call).await?;
        read(answer)
    }

    async fn forget_traces(
        &self,
        partition: &PartitionId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let own = [self.keys.own(partition, "traces")];
        self.forget("traces", &own, partition, before).await
    }

    async fn forget_seen(
        &self,
        partition: &PartitionId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let own = ["head", "log", "seen"].map(|name| self.keys.own(partition, name));
        self.forget("seen", &own, partition, before).await
    }

    /// Calls the function that forgets what is from before a time, with the partition's keys and the set that says since when
    /// it has any.
    async fn forget(
        &self,
        what: &str,
        own: &[String],
        partition: &PartitionId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let shard = shard_of(partition);
        let mut keys = own.to_vec();
        keys.push(self.keys.shared(shard, what));
        let mut call = function(&format!("bh2_forget_{what}"), &keys);
        call.arg(partition.as_str()).arg(millis(before));
        let (_, answer) = self.routing.call(shard, &call).await?;
        read(answer)
    }
}
