//! The byte ranges of clauses.

use std::ops::Range;

use super::rules;
use super::words::Words;

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
