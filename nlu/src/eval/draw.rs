//! Few examples of many, drawn by a seed, and the figures of several seeds put together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Labelled, Report};
use crate::intent::fnv;

/// Draws `shots` texts of each label, all where it has fewer, in the order of `rows`; `keep` is a label
/// that is left as it is. The seed alone decides which.
pub(super) fn shots(
    rows: &[Labelled],
    shots: usize,
    seed: u64,
    keep: Option<&str>,
) -> Vec<Labelled> {
    let mut of_label: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        of_label.entry(&row.label).or_default().push(at);
    }
    let mut drawn = vec![false; rows.len()];
    for (label, mut places) in of_label {
        if Some(label) != keep {
            places.sort_by_cached_key(|at| fnv(b'd', &format!("{seed} {at}")));
            places.truncate(shots);
        }
        places.into_iter().for_each(|at| drawn[at] = true);
    }
    let both = rows.iter().zip(drawn);
    both.filter(|(_, drawn)| *drawn)
        .map(|(row, _)| row.clone())
        .collect()
}

/// A figure over several seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation over the seeds (of a sample: n - 1), 0 for one seed.
    pub spread: f64,
}

/// Several evaluations of the same files with different seeds.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The seeds, in the order of the runs.
    pub seeds: Vec<u64>,
    /// Mean and spread of each figure that every run has.
    pub figures: BTreeMap<String, Figure>,
    /// The runs themselves.
    pub runs: Vec<Report>,
}

impl Summary {
    /// Puts runs together; their numbers are found by name in what they serialise to.
    pub(super) fn of(seeds: Vec<u64>, runs: Vec<Report>) -> Summary {
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for run in &runs {
            let figures = Report {
                predictions: Vec::new(),
                ..run.clone()
            };
            // A struct of numbers always becomes JSON.
            let json = serde_json::to_value(figures).unwrap_or_default();
            numbers("", &json, &mut |name, value| {
                values.entry(name.to_owned()).or_default().push(value);
            });
        }
        let figures = values
            .into_iter()
            .filter(|(_, values)| values.len() == runs.len())
            .map(|(name, values)| (name, figure(&values)))
            .collect();
        Summary {
            seeds,
            figures,
            runs,
        }
    }
}

/// Calls `f` with every number in an object, those inside an inner one as `outer.inner`.
fn numbers(prefix: &str, json: &serde_json::Value, f: &mut impl FnMut(&str, f64)) {
    for (name, value) in json.as_object().into_iter().flatten() {
        let name = format!("{prefix}{name}");
        match value.as_f64() {
            Some(number) => f(&name, number),
            None => numbers(&format!("{name}."), value, f),
        }
    }
}

fn figure(values: &[f64]) -> Figure {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Figure {
        mean,
        spread: (squares / (n - 1.0).max(1.0)).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Labelled> {
        let row = |(at, label): (usize, &str)| Labelled {
            text: at.to_string(),
            label: label.to_owned(),
            entities: Vec::new(),
        };
        let labels = ["a", "b", "a", "oos", "a", "b", "a", "oos", "c", "a"];
        labels.into_iter().enumerate().map(row).collect()
    }

    #[test]
    fn each_label_gives_as_many_as_asked_or_all_it_has() {
        let drawn = shots(&rows(), 2, 3, Some("oos"));
        let count = |label: &str| drawn.iter().filter(|row| row.label == label).count();
        assert_eq!(
            [count("a"), count("b"), count("c"), count("oos")],
            [2, 2, 1, 2]
        );
        assert!(drawn.is_sorted_by_key(|row| row.text.parse::<usize>().expect("a number")));
        assert_eq!(drawn, shots(&rows(), 2, 3, Some("oos")));
        let others = (0..8).any(|seed| shots(&rows(), 2, seed, None) != shots(&rows(), 2, 3, None));
        assert!(others, "the seed decides");
    }

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(figure(&[1.0]).spread, 0.0);
        let figure = figure(&[1.0, 2.0, 3.0]);
        assert_eq!((figure.mean, figure.spread), (2.0, 1.0));
    }

    #[test]
    fn numbers_inside_numbers_have_both_names() {
        let json = serde_json::json!({"a": 1.0, "b": {"c": 2.0}, "d": []});
        let mut found = Vec::new();
        numbers("", &json, &mut |name, value| {
            found.push((name.to_owned(), value))
        });
        assert_eq!(found, [("a".to_owned(), 1.0), ("b.c".to_owned(), 2.0)]);
    }
}
