//! A second look at where a message may be cut: what would be done in the two parts, and what in the whole. "Yes please
//! if it's free" has no mark and no "but", yet its two parts do two things and the whole does neither clearly.

use super::features::{self, Place};
use super::head::{Pieces, View};
use super::softmax::{Row, Shape, Softmax, probabilities};
use super::words::{Marks, Words};
use super::{Act, open};
use crate::intent::fnv;

/// Log-odds at first sight from which a gap gets a second look.
const WORTH: f32 = -3.0;
/// Gaps of a message that get one, at most.
const MOST: usize = 10;
/// Clauses that a message is cut into at most.
pub(super) const CLAUSES: usize = 8;
/// Log-odds from which a gap is cut: a limit that is taken for part of a "yes" does more harm than a cut too many.
const LEAST: f32 = -0.4;
/// Words that a sentence has at least.
const SENTENCE: usize = 4;
/// Log-odds of its end.
const CERTAIN: f32 = 5.0;
/// Hashed columns.
const COLUMNS: usize = 1024;
/// Numbers beside them.
const NUMBERS: usize = 7;

/// The shape of the weights.
pub(super) fn shape() -> Shape {
    Shape {
        classes: 2,
        dense: NUMBERS,
        sparse: COLUMNS,
    }
}

/// What finds acts in the clauses of a message.
#[derive(Clone, Copy)]
pub(super) struct Ear<'a> {
    pub(super) acts: &'a Softmax,
    pub(super) view: &'a View,
    pub(super) words: &'a Words,
    pub(super) pieces: Pieces<'a>,
}

impl Ear<'_> {
    /// What would be done in a clause if the message had these.
    fn hears(self, starts: &[usize], at: usize) -> Vec<f64> {
        let place = Place {
            words: self.words,
            starts,
            at,
            // What is open isn't known yet; most messages of several clauses answer this.
            open: open::place("confirm").unwrap_or(0),
        };
        let own = place.words();
        let range = own.first().map_or(0, |w| w.start)..own.last().map_or(0, |w| w.end);
        let row = Row {
            dense: self.view.see(&self.view.mean(self.pieces, &range)),
            sparse: features::clause(place),
        };
        probabilities(&self.acts.logits(&row), 1.0)
    }

    /// What there is to see of a cut at the first of these gaps, which are worth a look, in a message that is cut at
    /// `before` so far.
    pub(super) fn row(self, before: &[usize], worth: &[(usize, f32)]) -> Row {
        let (gap, odds) = worth[0];
        let end = worth[1..]
            .iter()
            .find(|(_, odds)| *odds > 0.0)
            .map(|(gap, _)| *gap);
        let whole: Vec<usize> = before.iter().copied().chain(end).collect();
        let parted: Vec<usize> = before.iter().copied().chain([gap]).chain(end).collect();
        let at = before.len() - 1;
        let both = self.hears(&whole, at);
        let (left, right) = (self.hears(&parted, at), self.hears(&parted, at + 1));
        let marks = self.words.all[gap].before.0;
        look(&left, &right, &both, odds, marks)
    }

    /// Where the clauses of a message begin, by gaps that are worth a second look.
    pub(super) fn starts(self, model: &Softmax, worth: &[(usize, f32)]) -> Vec<usize> {
        if self.words.all.is_empty() {
            return Vec::new();
        }
        let ends = sentences(self.words);
        let mut worth: Vec<(usize, f32)> = worth.to_vec();
        worth.retain(|(gap, _)| !ends.contains(gap));
        worth.extend(ends.iter().map(|gap| (*gap, CERTAIN)));
        worth.sort_by_key(|(gap, _)| *gap);
        let mut out = vec![0];
        for at in 0..worth.len() {
            if out.len() == CLAUSES {
                break;
            }
            let parts = || {
                let logits = model.logits(&self.row(&out, &worth[at..]));
                logits[1] - logits[0] > LEAST
            };
            if ends.contains(&worth[at].0) || parts() {
                out.push(worth[at].0);
            }
        }
        out
    }
}

/// The ends of sentences of several words, which part clauses whatever is said: the table has few messages so long.
fn sentences(words: &Words) -> Vec<usize> {
    let all = &words.all;
    let ends = |gap: &usize| {
        let marks = all[*gap].before;
        // A short word with a point is "Dr." or "St.".
        let whole = marks.has(Marks::STOP) && all[*gap - 1].fold.chars().count() > 3;
        whole || marks.has(Marks::QUESTION) || marks.has(Marks::CALL)
    };
    let ends: Vec<usize> = (1..all.len()).filter(ends).collect();
    let mut out = Vec::new();
    let mut from = 0;
    for (at, gap) in ends.iter().enumerate() {
        let to = ends.get(at + 1).copied().unwrap_or(all.len());
        if gap - from >= SENTENCE && to - gap >= SENTENCE && out.len() < CLAUSES {
            out.push(*gap);
        }
        from = *gap;
    }
    out
}

fn look(left: &[f64], right: &[f64], both: &[f64], odds: f32, marks: u16) -> Row {
    let best = |p: &[f64]| -> (usize, f64) {
        let all = p.iter().copied().enumerate();
        all.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 1.0))
    };
    let (l, r, w) = (best(left), best(right), best(both));
    let same: f64 = left.iter().zip(right).map(|(a, b)| (a * b).sqrt()).sum();
    let kept: f64 = left.iter().zip(both).map(|(a, b)| (a * b).sqrt()).sum();
    let after: f64 = right.iter().zip(both).map(|(a, b)| (a * b).sqrt()).sum();
    #[expect(clippy::cast_possible_truncation, reason = "features")]
    let numbers = [
        f64::from(odds) / 3.0,
        l.1.ln(),
        r.1.ln(),
        w.1.ln(),
        same,
        kept,
        after,
    ]
    .map(|x| x as f32);
    let name = |at: usize| Act::ALL[at].name();
    let mut sparse = Vec::new();
    let mut add = |kind: u8, what: &str, weight: f32| {
        sparse.push(((fnv(kind, what) % COLUMNS as u64) as u32, weight));
    };
    add(b'p', &format!("{} {}", name(l.0), name(r.0)), 0.5);
    add(b'l', name(l.0), 0.5);
    add(b'r', name(r.0), 0.5);
    add(b'w', name(w.0), 0.5);
    add(b's', if l.0 == r.0 { "same" } else { "other" }, 0.5);
    add(b'm', &marks.to_string(), 0.5);
    add(b'n', &format!("{} {}", marks, l.0 == r.0), 0.5);
    add(b'o', &format!("{} {}", marks == 0, name(r.0)), 0.5);
    add(b'k', &format!("{} {}", w.0 == l.0, w.0 == r.0), 0.5);
    Row {
        dense: numbers.to_vec(),
        sparse,
    }
}

/// The gaps that get a second look, in order, each with its log-odds at first sight.
pub(super) fn worth(words: &Words, odds: impl Fn(usize) -> f32) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> = (1..words.all.len())
        .map(|gap| (gap, odds(gap)))
        .filter(|(_, odds)| *odds > WORTH)
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(MOST);
    all.sort_by_key(|(gap, _)| *gap);
    all
}
