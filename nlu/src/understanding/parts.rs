//! Parts of messages that are read by themselves: several requests in one message, and clauses that want something.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Understanding, best};
use crate::acts::{self, Act, Clause};
use crate::encoder::Encoder;
use crate::vectors::{self, Look};
use crate::{Error, Reading, beginning, requests};

/// Acts whose clause is about something that an intent may name.
const ABOUT: [Act; 5] = [
    Act::Request,
    Act::RequestNot,
    Act::Ask,
    Act::Complain,
    Act::Human,
];
/// Probability of such an act from which its clause is read.
const LIKELY: f64 = 0.3;
/// Clauses of a message that are read by themselves; each costs as much as a short message.
const CLAUSES: usize = 16;

/// What is to be read of a message.
struct Parts {
    /// Which message.
    at: usize,
    /// What may be its requests.
    requests: Vec<Range<usize>>,
    /// Its clauses that want something: which, and the words that say what.
    clauses: Vec<(usize, Range<usize>)>,
}

impl Understanding {
    /// Reads the parts of messages with several requests or clauses, each at once and no text twice. Most messages
    /// have one part and cost nothing here.
    pub(super) fn read_parts(
        &self,
        encoder: &Encoder,
        texts: &[&str],
        readings: &mut [Reading],
    ) -> Result<(), Error> {
        let Some(head) = &self.head else {
            return Ok(());
        };
        let pairs = texts.iter().zip(readings.iter()).enumerate();
        let found: Vec<Parts> = pairs
            .map(|(at, (text, reading))| parts(at, text, reading))
            .filter(|parts| !parts.requests.is_empty() || !parts.clauses.is_empty())
            .collect();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for parts in &found {
            for range in parts.all() {
                let next = places.len();
                places.entry(&texts[parts.at][range]).or_insert(next);
            }
        }
        if places.is_empty() {
            return Ok(());
        }
        let mut only = vec![""; places.len()];
        places.iter().for_each(|(text, place)| only[*place] = text);
        let look = Look {
            upper: self.upper.as_ref(),
            ..Look::default()
        };
        let vectors = vectors::read(encoder, look, &only)?;
        let read: Vec<(String, f64)> = vectors
            .iter()
            .zip(&only)
            .map(|(vectors, text)| {
                let (mut intents, _) = head.predict(&vectors.features, text);
                intents.truncate(1);
                intents.pop().unwrap_or_default()
            })
            .collect();
        for parts in found {
            let reading = &mut readings[parts.at];
            let of = |range: &Range<usize>| {
                let place = places.get(&texts[parts.at][range.clone()]);
                place.map(|place| read[*place].clone()).unwrap_or_default()
            };
            if !parts.requests.is_empty() {
                let read: Vec<(String, f64)> = parts.requests.iter().map(of).collect();
                reading.requests =
                    requests::of_parts(&parts.requests, &read, best(&reading.intents));
            }
            for (clause, range) in &parts.clauses {
                reading.clauses[*clause].intent = Some(of(range));
            }
        }
        Ok(())
    }
}

impl Parts {
    fn all(&self) -> impl Iterator<Item = Range<usize>> {
        let clauses = self.clauses.iter().map(|(_, range)| range.clone());
        self.requests.iter().cloned().chain(clauses)
    }
}

fn parts(at: usize, text: &str, reading: &Reading) -> Parts {
    let several = requests::may_be_several(best(&reading.intents), reading.none);
    let requests = if several {
        requests::parts(beginning(text))
    } else {
        Vec::new()
    };
    let clauses = if reading.clauses.len() < 2 {
        Vec::new()
    } else {
        let about = reading
            .clauses
            .iter()
            .enumerate()
            .filter(|(_, clause)| wants(clause))
            .take(CLAUSES);
        about
            .map(|(which, clause)| (which, acts::bare(text, clause.start..clause.end)))
            .collect()
    };
    Parts {
        at,
        requests,
        clauses,
    }
}

/// Whether a clause may want something.
fn wants(clause: &Clause) -> bool {
    let likely = |(act, p): &(Act, f64)| *p >= LIKELY && ABOUT.contains(act);
    clause.acts.iter().any(likely)
}
