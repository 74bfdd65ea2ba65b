//! Words of a text with their places, and what a tagger sees of one.

use crate::intent::fnv;
use crate::intent::linear::Sparse;

/// Hashed columns for so many words to learn from; beyond the bound, rare features share one.
pub(crate) fn columns(words: usize) -> usize {
    words.next_power_of_two().clamp(4096, 32_768)
}

/// A run of letters and digits, or one other character that isn't blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}

/// The words of a text in order.
pub(crate) fn words(text: &str) -> Vec<Word<'_>> {
    let mut out: Vec<Word<'_>> = Vec::new();
    let mut run = false;
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        let part = c.is_alphanumeric();
        match out.last_mut() {
            Some(last) if part && run => {
                last.end = end;
                last.text = &text[last.start..end];
            }
            _ if !c.is_whitespace() => out.push(Word {
                text: &text[start..end],
                start,
                end,
            }),
            _ => {}
        }
        run = part;
    }
    out
}

/// What can be seen of the word at `at`: itself, its neighbours, its ends and its form. Columns begin
/// at `first`, and there are `columns`.
pub(crate) fn features(words: &[Word<'_>], at: usize, first: usize, columns: usize) -> Sparse {
    let word = |by: isize| -> String {
        let place = at.checked_add_signed(by).and_then(|at| words.get(at));
        place.map_or_else(|| "|".to_owned(), |w| w.text.to_lowercase())
    };
    let [before2, before, own, after, after2] = [-2, -1, 0, 1, 2].map(word);
    let letters: Vec<char> = own.chars().collect();
    let start: String = letters.iter().take(3).collect();
    let end: String = letters[letters.len().saturating_sub(3)..].iter().collect();
    let grams = [
        (b'0', own.clone()),
        (b'1', before.clone()),
        (b'2', after.clone()),
        (b'3', format!("{before} {own}")),
        (b'4', format!("{own} {after}")),
        (b'5', format!("{before2} {before}")),
        (b'6', format!("{after} {after2}")),
        (b'7', start),
        (b'8', end),
        (b'9', form(words[at].text)),
        (b'a', before2),
        (b'b', after2),
    ];
    let column = |(kind, gram): &(u8, String)| first as u64 + fnv(*kind, gram) % columns as u64;
    grams
        .iter()
        .map(|gram| (column(gram) as u32, 1.0))
        .collect()
}

/// The kinds of characters in a word, each run once: `Ab12` is `Xx9`.
fn form(word: &str) -> String {
    let kind = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    let mut out: Vec<char> = word.chars().map(kind).collect();
    out.dedup();
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_places() {
        let text = "£50 to Éva's café, now";
        let found = words(text);
        let texts: Vec<&str> = found.iter().map(|w| w.text).collect();
        assert_eq!(
            texts,
            ["£", "50", "to", "Éva", "'", "s", "café", ",", "now"]
        );
        assert!(found.iter().all(|w| &text[w.start..w.end] == w.text));
    }

    #[test]
    fn a_form_says_each_run_once() {
        assert_eq!(form("AB123cd"), "X9x");
        assert_eq!(form("£"), "£");
    }
}
