//! What changes a partition: calls of our functions, and what they answer.

use futures_util::future::join_all;
use jiff::Timestamp;
use redis::{Cmd, Value};

use super::super::StoreError;
use super::fault::odd;
use super::keys::{lane_member, lane_of, letter_member, shard_of};
use super::values::{elements, millis, outbound, packed, read};
use super::{Core, MOST_TRACES};
use crate::partition::{
    Accept, Accepted, Claim, Commit, Committed, DeadLetter, Due, Kind, PartitionId, Settle,
};

/// A call of a function, with its keys.
pub(super) fn function(name: &str, keys: &[String]) -> Cmd {
    redis::cmd("FCALL")
        .arg(name)
        .arg(keys.len())
        .arg(keys)
        .take()
}

impl Core {
    pub(super) async fn accept(&self, accept: Accept) -> Result<Accepted, StoreError> {
        let partition = &accept.partition;
        let shard = shard_of(partition);
        let keys = [
            self.keys.own(partition, "head"),
            self.keys.own(partition, "log"),
            self.keys.own(partition, "seen"),
            self.keys.shared(shard, "ready"),
            self.keys.shared(shard, "seen"),
        ];
        let mut call = function("bh2_accept", &keys);
        call.arg(partition.as_str())
            .arg(self.keys.channel(shard))
            .arg(&accept.sender_id)
            .arg(&accept.hash[..])
            .arg(millis(accept.at))
            .arg(&accept.body[..])
            .arg(accept.most_waiting);
        let (link, answer) = self.routing.call(shard, &call).await?;
        let (status, seq): (String, u64) = read(answer)?;
        let accepted = match &*status {
            "new" => Accepted::New { seq },
            "before" => Accepted::Before { seq },
            "different" => Accepted::Different,
            "closed" => Accepted::Closed,
            "full" => Accepted::Full,
            "unknown" => Accepted::Unknown,
            _ => return Err(odd(&status)),
        };
        // What was stored before may have failed to reach the replicas then.
        if matches!(accepted, Accepted::New { .. } | Accepted::Before { .. }) {
            link.replicate(&self.routing.options).await?;
        }
        Ok(accepted)
    }

    pub(super) async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let shard = shard_of(&commit.partition);
        let call = self.commit_call(&commit);
        let (link, answer) = self.routing.call(shard, &call).await?;
        let (status, revision, first_seq): (String, u64, u64) = read(answer)?;
        match &*status {
            "done" => {
                link.replicate(&self.routing.options).await?;
                Ok(Committed::Done {
                    revision,
                    first_seq,
                })
            }
            "conflict" => Ok(Committed::Conflict),
            _ => Err(odd(&status)),
        }
    }

    /// A commit as the function takes it, in the order that `functions.lua` tells.
    fn commit_call(&self, commit: &Commit) -> Cmd {
        let partition = &commit.partition;
        let shard = shard_of(partition);
        let own = |name| self.keys.own(partition, name);
        let shared = |name| self.keys.shared(shard, name);
        let keys = [
            own("head"),
            own("log"),
            own("doc"),
            own("seen"),
            own("traces"),
            shared("all"),
            shared("ready"),
            shared("due"),
            shared("lanes"),
            own("lane"),
            own("out"),
            shared("over"),
            shared("seen"),
            shared("traces"),
        ];
        let is_input = |entry: &&crate::partition::NewEntry| entry.kind == Kind::Input;
        let mut call = function("bh2_commit", &keys);
        call.arg(partition.as_str())
            .arg(self.keys.channel(shard))
            .arg(
                commit
                    .expected
                    .map_or_else(String::new, |it| it.to_string()),
            )
            .arg(millis(commit.at))
            .arg(commit.processed.unwrap_or(0))
            .arg(u8::from(commit.close))
            .arg(commit.append.iter().filter(is_input).count())
            .arg(match commit.due {
                Due::Keep => "keep".to_owned(),
                Due::Never => "never".to_owned(),
                Due::At(at) => millis(at).to_string(),
            });
        add_lists(&mut call, commit);
        call
    }

    /// Claims in two steps: lanes that look free are found with one read, then each is claimed by a call of its own that
    /// looks again. Of two processes that found the same lane, one gets it.
    pub(super) async fn claim(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let lanes = self.earliest("lanes", now, limit).await?;
        let claims = join_all(lanes.iter().filter_map(|member| {
            let (partition, destination) = lane_of(member)?;
            Some(self.claim_one(partition, destination, now, until))
        }))
        .await;
        let mut got = Vec::with_capacity(claims.len());
        let mut failed = None;
        for claim in claims {
            match claim {
                Ok(claim) => got.extend(claim),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            // What was claimed is to be sent whatever became of the rest, which comes again.
            Some(error) if got.is_empty() => Err(error),
            _ => Ok(got),
        }
    }

    async fn claim_one(
        &self,
        partition: PartitionId,
        destination: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let shard = shard_of(&partition);
        let keys = [
            self.keys.shared(shard, "lanes"),
            self.keys.own(&partition, "lane"),
            self.keys.own(&partition, "out"),
        ];
        let mut call = function("bh2_claim", &keys);
        call.arg(lane_member(&partition, destination))
            .arg(destination)
            .arg(millis(now))
            .arg(millis(until));
        let (_, answer) = self.routing.call(shard, &call).await?;
        if answer == Value::Nil {
            return Ok(None);
        }
        let [number, attempts, kept] =
            <[Value; 3]>::try_from(elements(answer)?).map_err(|_| odd("no claim"))?;
        let kept: Vec<u8> = read(kept)?;
        let (seq, at, body) = outbound(&kept)?;
        Ok(Some(Claim {
            partition,
            destination: destination.to_owned(),
            number: read(number)?,
            seq,
            at,
            attempts: read(attempts)?,
            body,
        }))
    }

    fn outbox_keys(&self, partition: &PartitionId) -> [String; 5] {
        let shard = shard_of(partition);
        [
            self.keys.shared(shard, "lanes"),
            self.keys.own(partition, "lane"),
            self.keys.own(partition, "out"),
            self.keys.shared(shard, "dead"),
            self.keys.own(partition, "dead"),
        ]
    }

    pub(super) async fn settle(
        &self,
        claim: &Claim,
        settle: Settle,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (partition, destination) = (&claim.partition, &claim.destination);
        let (how, when, letter) = match settle {
            Settle::Done => ("done", now, Vec::new()),
            Settle::Later(at) => ("later", at, Vec::new()),
            Settle::Dead { why } => ("dead", now, packed(claim, now, &why)),
        };
        let mut call = function("bh2_settle", &self.outbox_keys(partition));
        call.arg(lane_member(partition, destination))
            .arg(destination)
            .arg(claim.number)
            .arg(how)
            .arg(millis(when))
            .arg(letter_member(partition, destination, claim.number))
            .arg(letter);
        self.routing.call(shard_of(partition), &call).await?;
        Ok(())
    }

    pub(super) async fn revive(
        &self,
        letter: &DeadLetter,
        again: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let claim = &letter.claim;
        let (partition, destination) = (&claim.partition, &claim.destination);
        let mut call = function("bh2_revive", &self.outbox_keys(partition));
        call.arg(lane_member(partition, destination))
            .arg(destination)
            .arg(letter_member(partition, destination, claim.number))
            .arg(u8::from(again))
            .arg(claim.seq)
            .arg(millis(now))
            .arg(&claim.body[..]);
        let (link, answer) = self.routing.call(shard_of(partition), &call).await?;
        link.replicate(&self.routing.options).await?;
        read(answer)
    }

    pub(super) async fn signal(
        &self,
        partition: &PartitionId,
        signal: &[u8],
    ) -> Result<(), StoreError> {
        let shard = shard_of(partition);
        let publish = redis::cmd("SPUBLISH")
            .arg(self.keys.channel(shard))
            .arg(super::news::signal(partition, signal))
            .take();
        self.routing.call(shard, &publish).await?;
        Ok(())
    }
}

/// The lists of a commit, each with its length before it.
fn add_lists(call: &mut Cmd, commit: &Commit) {
    call.arg(commit.erase.len()).arg(&commit.erase);
    call.arg(commit.append.len());
    for entry in &commit.append {
        call.arg(entry.kind.name())
            .arg(entry.cause)
            .arg(&entry.body[..]);
    }
    let put = commit
        .docs
        .iter()
        .filter_map(|(name, body)| Some((name, body.as_ref()?)));
    call.arg(put.clone().count());
    for (name, body) in put {
        call.arg(name).arg(&body[..]);
    }
    let taken = commit.docs.iter().filter(|(_, body)| body.is_none());
    call.arg(taken.clone().count());
    for (name, _) in taken {
        call.arg(name);
    }
    call.arg(u8::from(commit.seen.is_some()));
    if let Some((sender_id, hash, index)) = &commit.seen {
        call.arg(sender_id).arg(&hash[..]).arg(*index);
    }
    call.arg(MOST_TRACES).arg(u8::from(commit.trace.is_some()));
    if let Some(trace) = &commit.trace {
        call.arg(&trace[..]);
    }
    call.arg(commit.out.len());
    for out in &commit.out {
        call.arg(lane_member(&commit.partition, &out.destination))
            .arg(&out.destination)
            .arg(&out.body[..]);
    }
}
