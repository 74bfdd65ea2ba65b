//! Words, word pairs and letter groups of a text, hashed into a fixed number of columns. They tell
//! short texts apart that the sentence encoder places together, and carry languages it is weak in.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::linear::Sparse;

/// Columns. There are more n-grams in a few thousand examples, but collisions cost nothing that could
/// be measured, down to this many.
pub(crate) const COLUMNS: usize = 1024;

/// Lower case without accents and punctuation, words parted by one space.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_combining_mark(*c)) {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if c != '\'' && c != '’' && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

/// The hashed n-grams of a text, of length `scale`, in the order of their columns.
pub(crate) fn hashed(text: &str, scale: f32) -> Sparse {
    let padded = format!(" {} ", plain(text));
    let mut all: Sparse = Vec::with_capacity(3 * padded.len());
    let mut count = |kind: u8, gram: &str, weight: f32| {
        let hash = fnv(kind, gram);
        // The sign keeps collisions from adding up in one direction.
        let sign = if hash >> 63 == 0 { weight } else { -weight };
        all.push(((hash % COLUMNS as u64) as u32, sign));
    };
    // Where words and letters begin, the space at the end included: every n-gram is a piece of the text.
    let spaces: Vec<usize> = padded.match_indices(' ').map(|(at, _)| at).collect();
    for ends in spaces.windows(2).filter(|ends| ends[0] + 1 < ends[1]) {
        count(b'w', &padded[ends[0] + 1..ends[1]], 1.0);
    }
    for ends in spaces.windows(3) {
        count(b'p', &padded[ends[0] + 1..ends[2]], 1.0);
    }
    let letters = padded.char_indices().map(|(at, _)| at);
    let letters: Vec<usize> = letters.chain([padded.len()]).collect();
    for length in [3, 4] {
        for ends in letters.windows(length + 1) {
            count(b'l', &padded[ends[0]..ends[length]], 0.5);
        }
    }
    all.sort_unstable_by_key(|(column, _)| *column);
    // Halves add up exactly, in whatever order.
    all.dedup_by(|next, first| {
        let same = next.0 == first.0;
        first.1 += if same { next.1 } else { 0.0 };
        same
    });
    let length = all.iter().map(|(_, v)| v * v).sum::<f32>().sqrt();
    all.retain(|(_, v)| *v != 0.0);
    all.iter_mut().for_each(|(_, v)| *v = *v / length * scale);
    all
}

/// FNV-1a, 64 bits: small, and the same on every machine.
pub(crate) fn fnv(kind: u8, text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = text.bytes().fold(step(0xcbf2_9ce4_8422_2325, kind), step);
    // The low bits of FNV mix slowly; fold the high ones in.
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn likeness(a: &str, b: &str) -> f32 {
        let b: BTreeMap<u32, f32> = hashed(b, 1.0).into_iter().collect();
        hashed(a, 1.0)
            .iter()
            .map(|(c, v)| v * b.get(c).copied().unwrap_or(0.0))
            .sum()
    }

    #[test]
    fn accents_case_and_punctuation_do_not_count() {
        assert_eq!(plain("¿Cuál es MI  saldo?"), "cual es mi saldo");
        assert_eq!(
            hashed("what's my balance", 1.0),
            hashed("Whats my balance?!", 1.0)
        );
    }

    #[test]
    fn a_typo_stays_near_and_another_matter_is_far() {
        assert!((likeness("block my card", "block my card") - 1.0).abs() < 1e-5);
        assert!(likeness("block my card", "blok my card") > 0.5);
        assert!(likeness("block my card", "opening hours").abs() < 0.15);
    }

    #[test]
    fn nothing_to_say_is_no_features() {
        assert_eq!(hashed(" ?! ", 1.0), Sparse::new());
    }
}
