//! Names of keys: made here and nowhere else.

use sha2::{Digest, Sha256};

use crate::partition::PartitionId;

/// Groups of partitions: what a lease is for, and what has one hash tag. Never changes: it is in the name of every key.
pub(super) const SHARDS: u8 = 64;

/// A group of partitions.
pub(super) type Shard = u8;

/// The shard of a partition: the same on every machine and in every version.
pub(super) fn shard_of(partition: &PartitionId) -> Shard {
    // 64 divides 256, so the last of the first eight bytes is their number modulo 64.
    Sha256::digest(partition.as_str())[7] % SHARDS
}

/// Makes names.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
    database: i64,
}

impl Keys {
    pub(super) fn new(prefix: &str, database: i64) -> Self {
        Self {
            prefix: prefix.to_owned(),
            database,
        }
    }

    /// A key that the partitions of a shard share.
    pub(super) fn shared(&self, shard: Shard, name: &str) -> String {
        format!("{}:{{{shard}}}:{name}", self.prefix)
    }

    /// A key of a partition. `name` has no colon, so no two partitions' keys are the same.
    pub(super) fn own(&self, partition: &PartitionId, name: &str) -> String {
        let shard = shard_of(partition);
        format!("{}:{{{shard}}}:p:{partition}:{name}", self.prefix)
    }

    /// Who lives. One key for all, so it has to be with some shard.
    pub(super) fn nodes(&self) -> String {
        self.shared(0, "nodes")
    }

    /// Where news of a shard are told. Channels don't know databases, so the name does.
    pub(super) fn channel(&self, shard: Shard) -> String {
        self.shared(shard, &format!("news:{}", self.database))
    }
}

/// What stands for a lane among those of its shard: the length tells where the partition's name ends.
pub(super) fn lane_member(partition: &PartitionId, destination: &str) -> String {
    format!("{}:{partition}{destination}", partition.as_str().len())
}

/// The lane that a member stands for.
pub(super) fn lane_of(member: &str) -> Option<(PartitionId, &str)> {
    let (length, rest) = member.split_once(':')?;
    let (partition, destination) = rest.split_at_checked(length.parse().ok()?)?;
    Some((PartitionId::named(partition), destination))
}

/// What stands for a dead letter among those of its shard.
pub(super) fn letter_member(partition: &PartitionId, destination: &str, number: u64) -> String {
    format!("{number}:{}", lane_member(partition, destination))
}

/// Number, partition and destination of a dead letter.
pub(super) fn letter_of(member: &str) -> Option<(u64, PartitionId, &str)> {
    let (number, lane) = member.split_once(':')?;
    let (partition, destination) = lane_of(lane)?;
    Some((number.parse().ok()?, partition, destination))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_never_change_and_are_about_even() {
        let shard = |name: &str| shard_of(&PartitionId::named(name));
        // Stored keys hold these.
        assert_eq!((shard("a"), shard("queue:default")), (10, 48));
        let mut sizes = [0_u32; SHARDS as usize];
        for n in 0..64_000 {
            sizes[usize::from(shard(&format!("conversation-{n}")))] += 1;
        }
        assert!(sizes.iter().all(|size| (800..1200).contains(size)));
    }

    #[test]
    fn a_name_with_anything_in_it_is_found_again() {
        for (partition, destination) in [("a", "b"), ("queue:default", "1:é:"), ("", "")] {
            let id = PartitionId::named(partition);
            let member = letter_member(&id, destination, 7);
            assert_eq!(letter_of(&member), Some((7, id, destination)));
        }
        assert_eq!(lane_of("9:short"), None);
        assert_eq!(letter_of("7:x:"), None);
    }
}
