//! Values as Redis keeps them.

use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use redis::{FromRedisValue, Value};

use super::super::StoreError;
use super::fault::odd;
use crate::partition::{Bytes, Claim, DeadLetter, Entry, Head, Kind};

/// A time as it is stored: milliseconds since 1970.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A time as it was stored.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An answer as what it should be.
pub(super) fn read<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    redis::from_redis_value(value).map_err(|error| odd(&error.to_string()))
}

/// An answer's elements; none where there is no answer.
pub(super) fn elements(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(elements) => Ok(elements),
        Value::Nil => Ok(Vec::new()),
        _ => Err(odd("no list")),
    }
}

/// An answer's bytes.
pub(super) fn bytes(value: Value) -> Result<Bytes, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(Arc::from(bytes)),
        _ => Err(odd("no bytes")),
    }
}

fn number<T: FromStr>(field: &[u8]) -> Result<T, StoreError> {
    let text = str::from_utf8(field).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| odd("no number"))
}

/// The head, as the function `snapshot` gives it.
pub(super) fn head(value: Value) -> Result<Head, StoreError> {
    let fields: Vec<i64> = read(value)?;
    let &[revision, last_seq, processed, waiting, closed, last_at] = &fields[..] else {
        return Err(odd("no head"));
    };
    Ok(Head {
        revision: revision.unsigned_abs(),
        last_seq: last_seq.unsigned_abs(),
        processed: processed.unsigned_abs(),
        waiting: waiting.unsigned_abs(),
        closed: closed == 1,
        last_at: time(last_at),
    })
}

/// A log entry, as XRANGE gives it: its id, and its fields with their names.
pub(super) fn entry(value: Value) -> Result<Entry, StoreError> {
    let (id, fields): (String, Vec<Vec<u8>>) = read(value)?;
    let seq = id.split_once('-').map_or("", |(seq, _)| seq);
    let mut entry = Entry {
        seq: number(seq.as_bytes())?,
        at: Timestamp::UNIX_EPOCH,
        kind: Kind::Input,
        cause: 0,
        body: Arc::from([]),
    };
    for pair in fields.chunks_exact(2) {
        let field = &pair[1][..];
        match &pair[0][..] {
            b"k" => {
                let name = str::from_utf8(field).ok();
                entry.kind = name.and_then(Kind::of).ok_or_else(|| odd("no kind"))?;
            }
            b"c" => entry.cause = number(field)?,
            b"t" => entry.at = time(number(field)?),
            b"b" => entry.body = Arc::from(field),
            // A later version's.
            _ => {}
        }
    }
    Ok(entry)
}

/// What a sender's id stands for: 16 bytes of hash, then the seq.
pub(super) fn seen(stored: &[u8]) -> Result<crate::partition::Seen, StoreError> {
    let (hash, seq) = stored
        .split_first_chunk::<16>()
        .ok_or_else(|| odd("no hash"))?;
    Ok(crate::partition::Seen {
        seq: number(seq)?,
        hash: *hash,
    })
}

/// Takes the number before the next space.
fn take_number<T: FromStr>(stored: &mut &[u8]) -> Result<T, StoreError> {
    let end = stored.iter().position(|byte| *byte == b' ');
    let (field, rest) = stored.split_at(end.ok_or_else(|| odd("too short"))?);
    *stored = &rest[1..];
    number(field)
}

/// A trace as it is stored: its time, then what it says.
pub(super) fn timed(mut stored: &[u8]) -> Result<(Timestamp, Bytes), StoreError> {
    let at = time(take_number(&mut stored)?);
    Ok((at, Arc::from(stored)))
}

/// What is kept of something that is to be sent: seq, time and body.
pub(super) fn outbound(mut stored: &[u8]) -> Result<(u64, Timestamp, Bytes), StoreError> {
    let seq = take_number(&mut stored)?;
    let at = time(take_number(&mut stored)?);
    Ok((seq, at, Arc::from(stored)))
}

/// A dead letter as it is stored, apart from what its name says.
pub(super) fn packed(claim: &Claim, died_at: Timestamp, why: &str) -> Vec<u8> {
    let mut stored = format!(
        "{} {} {} {} {} ",
        claim.seq,
        millis(claim.at),
        claim.attempts,
        millis(died_at),
        why.len()
    )
    .into_bytes();
    stored.extend_from_slice(why.as_bytes());
    stored.extend_from_slice(&claim.body);
    stored
}

/// A dead letter as it was stored under a name.
pub(super) fn letter(member: &str, mut stored: &[u8]) -> Result<DeadLetter, StoreError> {
    let named = super::keys::letter_of(member).ok_or_else(|| odd("no letter"))?;
    let (number, partition, destination) = named;
    let (seq, at) = (take_number(&mut stored)?, take_number(&mut stored)?);
    let (attempts, died_at) = (take_number(&mut stored)?, take_number(&mut stored)?);
    let length: usize = take_number(&mut stored)?;
    let (why, body) = stored
        .split_at_checked(length)
        .ok_or_else(|| odd("too short"))?;
    Ok(DeadLetter {
        claim: Claim {
            partition,
            destination: destination.to_owned(),
            number,
            seq,
            at: time(at),
            attempts,
            body: Arc::from(body),
        },
        died_at: time(died_at),
        why: String::from_utf8_lossy(why).into_owned(),
    })
}
