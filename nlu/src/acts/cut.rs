//! Where a message is cut into clauses. Each gap between two words is judged by the words and marks around it, with
//! weights learned from the table's own cuts.

use std::ops::Range;

use super::rules;
use super::words::Words;

/// Clauses that a message is cut into at most; the weakest cuts go first.
pub(super) const MOST: usize = 8;
/// How much more likely than not a cut has to be, in log-odds.
const LEAST: f32 = 0.0;

/// The places of the words that begin a clause, rising, by the log-odds that the gap before a word parts two; the first
/// word always does. None where there are no words.
pub(super) fn starts(words: &Words, odds: impl Fn(usize) -> f32) -> Vec<usize> {
    if words.all.is_empty() {
        return Vec::new();
    }
    let mut cuts: Vec<(usize, f32)> = (1..words.all.len())
        .map(|gap| (gap, odds(gap)))
        .filter(|(_, odds)| *odds > LEAST)
        .collect();
    cuts.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    cuts.truncate(MOST - 1);
    let mut starts: Vec<usize> = cuts.into_iter().map(|(gap, _)| gap).chain([0]).collect();
    starts.sort_unstable();
    starts
}

/// The byte ranges of clauses that begin with these words: all of the text but the blanks around them.
pub(super) fn ranges(text: &str, words: &Words, starts: &[usize]) -> Vec<Range<usize>> {
    let first = text.len() - text.trim_start().len();
    let mut begins: Vec<usize> = starts.iter().map(|at| words.all[*at].opens).collect();
    match begins.first_mut() {
        Some(begin) => *begin = first,
        None if first < text.len() => begins.push(first),
        None => return Vec::new(),
    }
    let ends = begins.iter().skip(1).copied().chain([text.len()]);
    begins
        .iter()
        .zip(ends)
        .map(|(begin, end)| *begin..*begin + text[*begin..end].trim_end().len())
        .collect()
}

/// The part of a clause that says something: without "and", "but" or "well" before it and the marks after it.
pub(crate) fn bare(text: &str, clause: Range<usize>) -> Range<usize> {
    let words = Words::new(&text[clause.clone()]).all;
    let first = rules::fillers(&words);
    match (words.get(first), words.last()) {
        (Some(first), Some(last)) => clause.start + first.start..clause.start + last.end,
        _ => clause,
    }
}
