//! Phrases of triggers. A bot lists hundreds of them and every message is held against all, so that they are folded once
//! and found by their first word.

use std::collections::BTreeMap;

use super::exact::{fold, holds_folded};
use crate::bundle::Language;

/// Phrases by language, as written and as looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Phrases {
    lists: BTreeMap<Language, Vec<String>>,
    /// As written and folded, in the order of the lists.
    all: Vec<(String, String)>,
    /// Places in `all` by a phrase's first word.
    by_first: BTreeMap<String, Vec<usize>>,
}

impl Phrases {
    /// Folds the phrases; those without a letter or a digit are never found.
    #[must_use]
    pub fn new(lists: BTreeMap<Language, Vec<String>>) -> Self {
        let all: Vec<(String, String)> = lists
            .values()
            .flatten()
            .map(|phrase| (phrase.clone(), fold(phrase)))
            .collect();
        let mut by_first: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, (_, folded)) in all.iter().enumerate() {
            if let Some(first) = folded.split_whitespace().next() {
                by_first.entry(first.to_owned()).or_default().push(at);
            }
        }
        Self {
            lists,
            all,
            by_first,
        }
    }

    /// The phrases as written.
    #[must_use]
    pub fn lists(&self) -> &BTreeMap<Language, Vec<String>> {
        &self.lists
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The phrases that a folded text holds at word borders, as written and folded, in the order of the lists.
    pub(super) fn within(&self, folded: &str) -> Vec<(&str, &str)> {
        let mut places: Vec<usize> = folded
            .split(' ')
            .filter_map(|word| self.by_first.get(word))
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        places
            .into_iter()
            .filter_map(|at| self.all.get(at))
            .filter(|(_, phrase)| holds_folded(folded, phrase))
            .map(|(written, phrase)| (written.as_str(), phrase.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_at_word_borders_in_the_order_of_their_list() {
        let phrases = Phrases::new(BTreeMap::from([(
            "es".to_owned(),
            ["Me robaron", "robaron", "¡Qué pasó!", "…"]
                .map(str::to_owned)
                .to_vec(),
        )]));
        let found = |text: &str| -> Vec<String> {
            let within = phrases.within(&fold(text));
            within
                .iter()
                .map(|(written, _)| (*written).to_owned())
                .collect()
        };
        assert_eq!(found("ayer me robaron"), ["Me robaron", "robaron"]);
        assert_eq!(found("¿que paso?"), ["¡Qué pasó!"]);
        assert!(found("me robaronte").is_empty());
        assert!(found("…").is_empty());
    }
}
