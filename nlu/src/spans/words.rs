//! Words of a text with their places, and what a tagger sees of one.

/// A run of letters and digits, or one other character that isn't blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}

/// The first `most` words of a text in order.
pub(crate) fn words(text: &str, most: usize) -> Vec<Word<'_>> {
    let mut out: Vec<Word<'_>> = Vec::new();
    let mut run = false;
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        let part = c.is_alphanumeric();
        let full = out.len() == most;
        match out.last_mut() {
            Some(last) if part && run => {
                last.end = end;
                last.text = &text[last.start..end];
            }
            _ if full => break,
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

/// What is seen of each word alone, as hashes.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    word: u64,
    start: u64,
    end: u64,
    form: u64,
}

/// The features of every word: itself, its neighbours, its ends and its form, as hashes.
pub(super) fn features(words: &[Word<'_>]) -> Vec<Vec<u32>> {
    let mut seen = vec![Seen::default(); 2];
    seen.extend(words.iter().map(|w| see(w.text)));
    seen.extend([Seen::default(); 2]);
    let around = seen.windows(5);
    around
        .map(|w| {
            let word = |at: usize| w[at].word;
            let pairs = [
                (word(2), 0),
                (word(1), 0),
                (word(3), 0),
                (word(0), 0),
                (word(4), 0),
                (word(1), word(2)),
                (word(2), word(3)),
                (word(0), word(1)),
                (word(3), word(4)),
                (w[2].start, 0),
                (w[2].end, 0),
                (w[2].form, 0),
            ];
            let keys = pairs.iter().enumerate();
            keys.map(|(kind, (a, b))| mix(kind as u64, *a, *b))
                .collect()
        })
        .collect()
}

/// Hashes of a word, of its first and last three letters, and of its form.
fn see(word: &str) -> Seen {
    let lower = word.to_lowercase();
    let start = lower
        .char_indices()
        .nth(3)
        .map_or(lower.len(), |(at, _)| at);
    let end = lower.char_indices().nth_back(2).map_or(0, |(at, _)| at);
    Seen {
        word: hash(lower.bytes().map(u64::from)),
        start: hash(lower[..start].bytes().map(u64::from)),
        end: hash(lower[end..].bytes().map(u64::from)),
        form: hash(form(word).map(u64::from)),
    }
}

/// FNV-1a, 64 bits: small, and the same on every machine.
fn hash(parts: impl Iterator<Item = u64>) -> u64 {
    let step = |hash: u64, part: u64| (hash ^ part).wrapping_mul(0x0100_0000_01b3);
    parts.fold(0xcbf2_9ce4_8422_2325, step)
}

/// One feature from its kind and what it says.
fn mix(kind: u64, a: u64, b: u64) -> u32 {
    let hash = hash([kind, a, a >> 32, b, b >> 32].into_iter());
    // The low bits of FNV mix slowly; fold the high ones in.
    ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

/// The kinds of characters in a word, each run once: `Ab12` is `Xx9`.
fn form(word: &str) -> impl Iterator<Item = char> {
    let kind = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    let mut before = None;
    word.chars()
        .map(kind)
        .filter(move |c| before.replace(*c) != Some(*c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_places() {
        let text = "£50 to Éva's café, now";
        let found = words(text, 100);
        let texts: Vec<&str> = found.iter().map(|w| w.text).collect();
        assert_eq!(
            texts,
            ["£", "50", "to", "Éva", "'", "s", "café", ",", "now"]
        );
        assert!(found.iter().all(|w| &text[w.start..w.end] == w.text));
        assert_eq!(words(text, 4), found[..4], "a cut word would be another");
        assert!(words("", 4).is_empty());
    }

    #[test]
    fn a_form_says_each_run_once() {
        assert_eq!(form("AB123cd").collect::<String>(), "X9x");
        assert_eq!(form("£").collect::<String>(), "£");
    }

    #[test]
    fn a_word_has_the_same_features_in_the_same_surroundings() {
        let of = |text: &str, at: usize| features(&words(text, 100))[at].clone();
        assert_eq!(
            of("to pay Ann ten pounds now", 2),
            of("I to pay Ann ten pounds", 3)
        );
        let (here, there) = (of("pay Ann", 1), of("pay ann", 1));
        let same = here.iter().zip(&there).filter(|(a, b)| a == b).count();
        assert_eq!(same, here.len() - 1, "only the form differs");
        // A short word is its own start and end, and yet no two features are one.
        let mut all = of("a", 0);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), here.len());
    }
}
