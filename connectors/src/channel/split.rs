//! Cutting a text that is too long for one message.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::Unit;

/// What ends a sentence, with the space that follows. Line breaks have been looked for before.
const SENTENCE_ENDS: [&str; 5] = [". ", "! ", "? ", "… ", "。"];

/// Cuts a text into pieces of at most `max` units, in order, each trimmed and none empty.
///
/// Cuts where a reader would pause: after a paragraph, a line or a sentence if that leaves the piece
/// at least half full, else between words. Only a word that is longer than a whole piece is cut
/// within, and then between what is seen as one character; that, too, is cut only where it alone is
/// too long.
///
/// Bounds: a `max` below 4 counts as 4, the length of the longest code point in bytes.
pub fn split(text: &str, max: usize, unit: Unit) -> Vec<String> {
    pieces(text, max, unit)
        .into_iter()
        .map(|piece| text[piece].to_owned())
        .collect()
}

/// Where the pieces lie in the text.
pub(super) fn pieces(text: &str, max: usize, unit: Unit) -> Vec<Range<usize>> {
    let max = max.max(4);
    let mut found = Vec::new();
    let mut start = 0;
    loop {
        start += text[start..].len() - text[start..].trim_start().len();
        let rest = &text[start..];
        if rest.is_empty() {
            return found;
        }
        let fits = longest_prefix(rest, max, unit);
        let end = if fits == rest.len() {
            fits
        } else {
            cut(rest, fits)
        };
        found.push(start..start + rest[..end].trim_end().len());
        start += end;
    }
}

/// Longest beginning that fits, in bytes: whole characters as they are seen, or at least one code
/// point.
fn longest_prefix(text: &str, max: usize, unit: Unit) -> usize {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += unit.count(cluster);
        if used > max {
            return if at == 0 {
                longest_code_points(cluster, max, unit)
            } else {
                at
            };
        }
    }
    text.len()
}

fn longest_code_points(cluster: &str, max: usize, unit: Unit) -> usize {
    let mut used = 0;
    for (at, c) in cluster.char_indices() {
        used += unit.count(c.encode_utf8(&mut [0; 4]));
        if used > max {
            return at;
        }
    }
    cluster.len()
}

/// Where to cut a text of which `fits` bytes fit and no more. `text` doesn't begin with white space.
fn cut(text: &str, fits: usize) -> usize {
    let head = &text[..fits];
    // White space right after what fits: everything that fits is whole words.
    let whole_words = text[fits..].starts_with(char::is_whitespace);
    let half = fits / 2;
    // "2. " begins an item of a list and ends no sentence.
    let is_number = |at: usize| head[..at].ends_with(|c: char| c.is_ascii_digit());
    let pause = |ends: &[&str]| {
        ends.iter()
            .flat_map(|end| head.rmatch_indices(end))
            .filter(|&(at, end)| end != ". " || !is_number(at))
            .map(|(at, end)| at + end.len())
            .max()
            .filter(|&at| at >= half)
    };
    pause(&["\n\n", "\r\n\r\n"])
        .or_else(|| pause(&["\n"]))
        .or_else(|| pause(&SENTENCE_ENDS))
        .or_else(|| whole_words.then_some(fits))
        .or_else(|| head.rfind(char::is_whitespace))
        .unwrap_or(fits)
}
