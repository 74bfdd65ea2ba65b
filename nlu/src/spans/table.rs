//! Weights of what is seen of a word, by tag. Most are of no use and aren't kept.

use std::collections::{BTreeMap, BTreeSet};

/// Words with a feature that make it one that was seen often.
const OFTEN: usize = 12;

/// Features and their weights by tag.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table {
    /// Rising.
    keys: Vec<u32>,
    /// Where each key's pairs begin, and the number of pairs.
    starts: Vec<u32>,
    /// The pairs' tags.
    pub(super) tags: Vec<u16>,
    /// The pairs' weights.
    pub(super) weights: Vec<f32>,
}

impl Table {
    /// A table of weights 0. What was seen often says of every tag how likely it is; what was seen
    /// rarely says so only of the tags that it was seen with.
    pub(super) fn new(seen: &BTreeMap<u32, Vec<u16>>, tags: u16) -> Table {
        let mut table = Table::default();
        for (key, with) in seen {
            table.keys.push(*key);
            table.starts.push(table.tags.len() as u32);
            if with.len() >= OFTEN {
                table.tags.extend(0..tags);
            } else {
                table
                    .tags
                    .extend(with.iter().copied().collect::<BTreeSet<_>>());
            }
        }
        table.starts.push(table.tags.len() as u32);
        table.weights = vec![0.0; table.tags.len()];
        table
    }

    /// The pairs of a feature.
    pub(super) fn pairs(&self, key: u32) -> std::ops::Range<usize> {
        match self.keys.binary_search(&key) {
            Ok(at) => self.starts[at] as usize..self.starts[at + 1] as usize,
            Err(_) => 0..0,
        }
    }

    /// Adds a feature's weights to a word's emissions.
    pub(super) fn add(&self, key: u32, emissions: &mut [f32]) {
        for at in self.pairs(key) {
            emissions[usize::from(self.tags[at])] += self.weights[at];
        }
    }

    /// Without the pairs whose weight is less than `least` either way.
    pub(super) fn pruned(&self, least: f32) -> Table {
        let mut table = Table::default();
        for (at, key) in self.keys.iter().enumerate() {
            let first = table.tags.len();
            for pair in self.starts[at] as usize..self.starts[at + 1] as usize {
                if self.weights[pair].abs() >= least {
                    table.tags.push(self.tags[pair]);
                    table.weights.push(self.weights[pair]);
                }
            }
            if table.tags.len() > first {
                table.keys.push(*key);
                table.starts.push(first as u32);
            }
        }
        table.starts.push(table.tags.len() as u32);
        table
    }

    /// Keys, then the number of pairs of each, then the pairs' tags two by two, as numbers to store.
    pub(super) fn numbers(&self) -> Vec<u32> {
        let counts = self.starts.windows(2).map(|w| w[1] - w[0]);
        let two = |two: &[u16]| {
            let second = two.get(1).copied().unwrap_or_default();
            u32::from(two[0]) | u32::from(second) << 16
        };
        let tags = self.tags.chunks(2).map(two);
        self.keys
            .iter()
            .copied()
            .chain(counts)
            .chain(tags)
            .collect()
    }

    /// Reads `numbers` back, of so many keys; nothing where they don't fit together.
    pub(super) fn from_numbers(
        keys: usize,
        numbers: &[u32],
        weights: Vec<f32>,
        tags: usize,
    ) -> Option<Table> {
        let (all_keys, rest) = numbers.split_at_checked(keys)?;
        let (counts, pairs) = rest.split_at_checked(keys)?;
        let mut starts = vec![0_u32];
        for count in counts {
            starts.push(starts.last()?.checked_add(*count)?);
        }
        let pairs = pairs
            .iter()
            .flat_map(|two| [*two as u16, (two >> 16) as u16]);
        let pairs: Vec<u16> = pairs.take(weights.len()).collect();
        let known = pairs.iter().all(|tag| usize::from(*tag) < tags);
        let table = Table {
            keys: all_keys.to_vec(),
            starts,
            tags: pairs,
            weights,
        };
        let fits = table.starts.last().copied()? as usize == table.tags.len()
            && table.weights.len() == table.tags.len()
            && table.keys.is_sorted()
            && known;
        fits.then_some(table)
    }

    /// Features.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}
