//! The words of an index and those of them that an unknown word may be, mistyped. One look at a list instead of an
//! automaton for each word and field: an automaton takes some hundred kilobytes, and a message may have a thousand
//! words that nobody knows.

use std::collections::BTreeMap;

/// Words that an unknown one may stand for; of more, the first by the alphabet.
pub(crate) const MOST: usize = 16;

/// Every word of an index.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    /// By the number of characters, in the order of the alphabet.
    by_length: BTreeMap<usize, Vec<String>>,
}

impl Vocabulary {
    /// Takes words in any order, each as often as it likes.
    pub(crate) fn new(words: impl IntoIterator<Item = String>) -> Self {
        let mut by_length: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for word in words {
            by_length
                .entry(word.chars().count())
                .or_default()
                .push(word);
        }
        for words in by_length.values_mut() {
            words.sort_unstable();
            words.dedup();
        }
        Self { by_length }
    }

    /// The words that are one mistake away from `word`: a character too many, too few, another one, or two swapped.
    pub(crate) fn near(&self, word: &str) -> Vec<&str> {
        let letters: Vec<char> = word.chars().collect();
        let lengths = letters.len().saturating_sub(1)..=letters.len() + 1;
        let mut near: Vec<&str> = self
            .by_length
            .range(lengths)
            .flat_map(|(_, words)| words)
            .filter(|other| is_near(&letters, other))
            .map(String::as_str)
            .collect();
        near.sort_unstable();
        near.truncate(MOST);
        near
    }
}

/// At most one mistake lies between the two.
fn is_near(word: &[char], other: &str) -> bool {
    let same_start = word
        .iter()
        .zip(other.chars())
        .take_while(|(a, b)| **a == *b)
        .count();
    let rest = &word[same_start..];
    let other: Vec<char> = other.chars().skip(same_start).collect();
    match (rest, other.as_slice()) {
        ([], [] | [_]) | ([_], []) => true,
        ([], _) | (_, []) => false,
        ([a, mine @ ..], [b, theirs @ ..]) => {
            let swapped = || match (mine, theirs) {
                ([c, mine @ ..], [d, theirs @ ..]) => a == d && b == c && mine == theirs,
                _ => false,
            };
            mine == theirs || mine == other || rest == theirs || swapped()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(words: &[&str]) -> Vocabulary {
        Vocabulary::new(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn one_mistake_is_forgiven_and_two_are_not() {
        let known = vocabulary(&["overdraft", "overdraft", "card", "tarjéta"]);
        for mistyped in [
            "overdraft",
            "overdaft",
            "overdrafts",
            "ovardraft",
            "ovredraft",
            "voerdraft",
            "overdratf",
            "overdraf",
            "xoverdraft",
            "verdraft",
        ] {
            assert_eq!(known.near(mistyped), ["overdraft"], "{mistyped}");
        }
        for other in ["overdra", "ovredratf", "averdrafs", "overdrafting", ""] {
            assert_eq!(known.near(other), [""; 0], "{other}");
        }
        assert_eq!(known.near("tarjeta"), ["tarjéta"]);
        assert_eq!(known.near("crad"), ["card"]);
    }

    #[test]
    fn of_many_neighbours_the_first_by_the_alphabet_are_taken() {
        let many: Vec<String> = ('a'..='z').map(|c| format!("neare{c}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let known = vocabulary(&many);
        assert_eq!(known.near("neare"), many[..MOST]);
    }

    proptest::proptest! {
        #[test]
        fn what_one_change_makes_is_near(
            word in "[a-dé]{1,8}", at in 0_usize..8, letter in "[a-dé]", way in 0..4
        ) {
            let mut changed: Vec<char> = word.chars().collect();
            let letter = letter.chars().next().expect("one");
            let at = at.min(changed.len() - 1);
            match way {
                0 => changed.insert(at, letter),
                1 => drop(changed.remove(at)),
                2 => changed[at] = letter,
                _ => changed.swap(at, at.saturating_sub(1)),
            }
            let changed: String = changed.into_iter().collect();
            let known = vocabulary(&[&word]);
            proptest::prop_assert_eq!(known.near(&changed), [word.as_str()]);
        }
    }
}
