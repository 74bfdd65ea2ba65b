//! The head: clauses and what is done in each, off the encoder's rows and the words.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::features::{self, Place, Weights};
use super::softmax::{Row, Shape, Softmax, probabilities};
use super::words::Words;
use super::{Act, Clause, cut, open};
use crate::error::Error;

/// Acts less likely than this aren't named.
const NAMED: f64 = 0.01;

/// The weights that come with the program.
static WEIGHTS: &[u8] = include_bytes!("weights.bin");

/// A trained head.
#[derive(Debug, Clone, PartialEq)]
pub struct Acts {
    /// Where the numbers come from.
    pub(super) about: BTreeMap<String, String>,
    /// How the encoder's rows are seen.
    pub(super) view: View,
    /// Whether a gap parts two clauses.
    pub(super) cuts: Softmax,
    /// What is done in a clause.
    pub(super) acts: Softmax,
    /// What the logits are multiplied by to be honest.
    pub(super) scale: f32,
}

/// The encoder's layers that are looked at, with the middle and the spread of each column of their means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct View {
    pub(super) layers: Vec<usize>,
    pub(super) middle: Vec<f32>,
    pub(super) spread: Vec<f32>,
}

/// A message that was listened to: what doesn't depend on the question that is open.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heard {
    words: Words,
    starts: Vec<usize>,
    ranges: Vec<Range<usize>>,
    /// For each clause what the rows of its tokens say.
    dense: Vec<Vec<f32>>,
}

/// How a head is kept, but for the weights.
#[derive(Serialize, Deserialize)]
struct Front {
    about: BTreeMap<String, String>,
    view: View,
    scale: f32,
    cuts: (Vec<f32>, [Vec<f32>; 2]),
    acts: (Vec<f32>, [Vec<f32>; 2]),
}

impl Acts {
    /// The head that comes with the program, for all-MiniLM-L6-v2.
    #[must_use]
    pub fn builtin() -> Self {
        Self::from_bytes(WEIGHTS).expect("a test reads the file")
    }

    /// The numbers of the encoder's layers after which the rows are looked at, rising.
    pub(crate) fn layers(&self) -> &[usize] {
        &self.view.layers
    }

    /// Cuts a message. `places` has the byte range of each token, `rows` the tokens' states after each of
    /// [`Acts::layers`].
    pub(crate) fn hear(&self, text: &str, places: &[(usize, usize)], rows: &[Vec<f32>]) -> Heard {
        let words = Words::new(text);
        let starts = cut::starts(&self.cuts, &words);
        let ranges = cut::ranges(text, &words, &starts);
        let dense = ranges
            .iter()
            .map(|range| self.view.of(places, rows, range))
            .collect();
        Heard {
            words,
            starts,
            ranges,
            dense,
        }
    }

    /// What is done in each clause of a message while something is open.
    pub(crate) fn judge(&self, heard: &Heard, open: Option<&str>) -> Vec<Clause> {
        let open = open::of(open);
        let clauses = heard.ranges.iter().zip(&heard.dense).enumerate();
        clauses
            .map(|(at, (range, dense))| {
                // Marks alone have no word to begin with.
                let starts: &[usize] = if heard.starts.is_empty() {
                    &[0]
                } else {
                    &heard.starts
                };
                let place = Place {
                    words: &heard.words,
                    starts,
                    at,
                    open,
                };
                let row = Row {
                    dense: dense.clone(),
                    sparse: features::clause(place, Weights::default()),
                };
                Clause {
                    start: range.start,
                    end: range.end,
                    acts: named(&probabilities(&self.acts.logits(&row), self.scale)),
                    intent: None,
                }
            })
            .collect()
    }

    /// A line of JSON, then the weights, a byte each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = |of: &Softmax| (of.bias.clone(), of.scales.clone());
        let front = Front {
            about: self.about.clone(),
            view: self.view.clone(),
            scale: self.scale,
            cuts: numbers(&self.cuts),
            acts: numbers(&self.acts),
        };
        let mut out = serde_json::to_vec(&front).unwrap_or_default();
        out.push(b'\n');
        let weights = self.cuts.weights.iter().chain(&self.acts.weights);
        out.extend(weights.map(|w| w.cast_unsigned()));
        out
    }

    /// Reads what [`Acts::to_bytes`] wrote.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |why: &str| Error::Saved {
            what: "acts head",
            why: why.to_owned(),
        };
        let end = bytes.iter().position(|b| *b == b'\n');
        let (front, rest) = bytes.split_at(end.ok_or_else(|| bad("it has no front"))?);
        let front: Front = serde_json::from_slice(front).map_err(|e| bad(&e.to_string()))?;
        let weights: Vec<i8> = rest[1..].iter().map(|b| b.cast_signed()).collect();
        front
            .open(weights)
            .ok_or_else(|| bad("it has too few numbers, or too many"))
    }
}

impl Front {
    fn open(self, mut weights: Vec<i8>) -> Option<Acts> {
        let dense = self.view.middle.len();
        let whole = |(bias, scales): (Vec<f32>, [Vec<f32>; 2]), shape: Shape, weights: Vec<i8>| {
            let right = bias.len() == shape.classes
                && scales.iter().all(|s| s.len() == shape.classes)
                && weights.len() == (shape.dense + shape.sparse) * shape.classes;
            right.then_some(Softmax {
                shape,
                weights,
                scales,
                bias,
            })
        };
        let cuts = cut_shape();
        let own = weights.split_off((cuts.sparse * cuts.classes).min(weights.len()));
        let view = self.view;
        (dense == view.spread.len() && view.layers.is_sorted()).then_some(())?;
        Some(Acts {
            about: self.about,
            cuts: whole(self.cuts, cuts, weights)?,
            acts: whole(self.acts, act_shape(dense), own)?,
            view,
            scale: self.scale,
        })
    }
}

/// The shape of the weights that find cuts.
pub(super) fn cut_shape() -> Shape {
    Shape {
        classes: 2,
        dense: 0,
        sparse: features::GAP_COLUMNS,
    }
}

/// The shape of the weights that find acts.
pub(super) fn act_shape(dense: usize) -> Shape {
    Shape {
        classes: Act::ALL.len(),
        dense,
        sparse: features::CLAUSE_COLUMNS,
    }
}

impl View {
    /// What the rows of the tokens in a byte range say; all zero where there are none.
    pub(super) fn of(
        &self,
        places: &[(usize, usize)],
        rows: &[Vec<f32>],
        range: &Range<usize>,
    ) -> Vec<f32> {
        let width = self.middle.len() / self.layers.len().max(1);
        let mut out = mean(width, places, rows, range);
        if out.is_empty() {
            out.resize(self.middle.len(), 0.0);
            return out;
        }
        let columns = self.middle.iter().zip(&self.spread);
        for (x, (middle, spread)) in out.iter_mut().zip(columns) {
            *x = (*x - middle) * spread;
        }
        out
    }
}

/// The mean of the tokens in a byte range, layer by layer; empty where there are none.
pub(super) fn mean(
    width: usize,
    places: &[(usize, usize)],
    rows: &[Vec<f32>],
    range: &Range<usize>,
) -> Vec<f32> {
    let inside =
        |(start, end): &(usize, usize)| start < end && *start < range.end && range.start < *end;
    let tokens: Vec<usize> = (0..places.len())
        .filter(|at| inside(&places[*at]))
        .collect();
    let mut out = Vec::new();
    for layer in rows {
        let from = out.len();
        out.resize(from + width, 0.0);
        let sums = &mut out[from..];
        let mut count = 0.0f32;
        for row in tokens
            .iter()
            .filter_map(|at| layer.get(at * width..(at + 1) * width))
        {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            count += 1.0;
        }
        if count == 0.0 {
            return Vec::new();
        }
        sums.iter_mut().for_each(|x| *x /= count);
    }
    out
}

/// The acts that are likely at all, best first.
fn named(probabilities: &[f64]) -> Vec<(Act, f64)> {
    let mut acts: Vec<(Act, f64)> = Act::ALL
        .into_iter()
        .zip(probabilities.iter().copied())
        .collect();
    acts.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let best = acts.first().copied();
    acts.retain(|act| act.1 >= NAMED || Some(*act) == best);
    acts
}
