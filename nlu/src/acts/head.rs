//! The head: clauses and what is done in each, off the encoder's rows and the words.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::features::{self, Place};
use super::second::{self, Ear};
use super::softmax::{Row, Shape, Softmax, probabilities};
use super::words::{Marks, Word, Words};
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
    /// How they are seen by the side of a gap, word by word.
    pub(super) gap_view: View,
    /// Whether a gap parts two clauses.
    pub(super) cuts: Softmax,
    /// Whether a gap that may part two clauses does, given what would be done in them.
    pub(super) second: Softmax,
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
    /// For each clause what the rows of its tokens give to the logits of the acts.
    dense: Vec<Vec<f32>>,
}

impl Heard {
    /// The words.
    pub(super) fn words(&self) -> &[Word] {
        &self.words.all
    }

    /// The first word that ends behind this byte.
    pub(super) fn first(&self, start: usize) -> usize {
        self.words.all.partition_point(|word| word.end <= start)
    }

    /// The words of a clause.
    pub(super) fn within(&self, clause: &Clause) -> &[Word] {
        let end = self
            .words
            .all
            .partition_point(|word| word.start < clause.end);
        let first = self.first(clause.start).min(end);
        &self.words.all[first..end]
    }

    /// Whether a question mark ends the clause that ends at this byte.
    pub(super) fn asks(&self, end: usize) -> bool {
        let next = self.words.all.iter().find(|word| word.start >= end);
        let marks = next.map_or(self.words.after, |word| word.before);
        marks.has(Marks::QUESTION)
    }
}

/// How a head is kept, but for the weights.
#[derive(Serialize, Deserialize)]
struct Front {
    about: BTreeMap<String, String>,
    view: View,
    gap_view: View,
    scale: f32,
    /// Bias and scales of the weights that find cuts, look twice and find acts.
    numbers: [(Vec<f32>, [Vec<f32>; 2]); 3],
}

impl Acts {
    /// The head that comes with the program, for all-MiniLM-L6-v2.
    #[must_use]
    pub fn builtin() -> Self {
        Self::from_bytes(WEIGHTS).expect("a test reads the file")
    }

    /// The fingerprint of the table that it was trained on.
    #[cfg(test)]
    pub(super) fn table(&self) -> Option<&str> {
        self.about.get("table").map(String::as_str)
    }

    /// The numbers of the encoder's layers after which the rows are looked at.
    pub(crate) fn layers(&self) -> BTreeSet<usize> {
        let all = self.view.layers.iter().chain(&self.gap_view.layers);
        all.copied().collect()
    }

    /// Cuts a message. `places` has the byte range of each token, `rows` the tokens' states after each of
    /// [`Acts::layers`].
    pub(crate) fn hear(&self, text: &str, places: &[(usize, usize)], rows: &Rows) -> Heard {
        let words = Words::new(text);
        let pieces = Pieces { places, rows };
        let starts = self.starts(&words, pieces);
        let ranges = cut::ranges(text, &words, &starts);
        let dense = ranges
            .iter()
            .map(|range| {
                self.acts
                    .dense(&self.view.see(&self.view.mean(pieces, range)))
            })
            .collect();
        Heard {
            words,
            starts,
            ranges,
            dense,
        }
    }

    /// Where the clauses of a message begin.
    fn starts(&self, words: &Words, pieces: Pieces<'_>) -> Vec<usize> {
        let ear = Ear {
            acts: &self.acts,
            view: &self.view,
            words,
            pieces,
        };
        ear.starts(&self.second, &self.worth(words, pieces))
    }

    /// The gaps where a message may be cut, in order, each with its log-odds at first sight.
    pub(super) fn worth(&self, words: &Words, pieces: Pieces<'_>) -> Vec<(usize, f32)> {
        let see = |word: &Word| {
            let mean = self.gap_view.mean(pieces, &(word.start..word.end));
            self.gap_view.see(&mean)
        };
        let seen: Vec<Vec<f32>> = words.all.iter().map(see).collect();
        let flags = features::flags_around(words);
        second::worth(words, |gap| {
            let row = Row {
                dense: seen[gap - 1..=gap].concat(),
                sparse: features::gap(words, &flags, gap),
            };
            let logits = self.cuts.logits(&row);
            logits[1] - logits[0]
        })
    }

    /// What is done in each clause of a message while something is open.
    pub(crate) fn judge(&self, heard: &Heard, open: Option<&str>) -> Vec<Clause> {
        self.judge_in(heard, open::of(open))
    }

    /// As `judge`, with the place of the kind that is open.
    pub(super) fn judge_in(&self, heard: &Heard, open: usize) -> Vec<Clause> {
        // Marks alone have no word to begin with.
        let starts: &[usize] = if heard.starts.is_empty() {
            &[0]
        } else {
            &heard.starts
        };
        let clauses = heard.ranges.iter().zip(&heard.dense).enumerate();
        clauses
            .map(|(at, (range, dense))| {
                let place = Place {
                    words: &heard.words,
                    starts,
                    at,
                    open,
                };
                let logits = self.logits(place, dense);
                Clause {
                    start: range.start,
                    end: range.end,
                    acts: named(&probabilities(&logits, self.scale)),
                    intent: None,
                }
            })
            .collect()
    }

    /// The logits of the acts of a clause, of which the rows give `dense`.
    pub(super) fn logits(&self, place: Place<'_>, dense: &[f32]) -> Vec<f32> {
        self.acts.add_sparse(dense, &features::clause(place))
    }

    /// A line of JSON, then the weights, a byte each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = |of: &Softmax| (of.bias.clone(), of.scales.clone());
        let front = Front {
            about: self.about.clone(),
            view: self.view.clone(),
            gap_view: self.gap_view.clone(),
            scale: self.scale,
            numbers: self.parts().map(numbers),
        };
        let mut out = serde_json::to_vec(&front).unwrap_or_default();
        out.push(b'\n');
        let weights = self.parts().into_iter().flat_map(|part| &part.weights);
        out.extend(weights.map(|w| w.cast_unsigned()));
        out
    }

    fn parts(&self) -> [&Softmax; 3] {
        [&self.cuts, &self.second, &self.acts]
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
    fn open(self, weights: Vec<i8>) -> Option<Acts> {
        let (view, gap_view) = (self.view, self.gap_view);
        let whole = |view: &View| view.middle.len() == view.spread.len();
        (whole(&view) && whole(&gap_view)).then_some(())?;
        let shapes = [
            cut_shape(gap_view.middle.len()),
            second::shape(),
            act_shape(view.middle.len()),
        ];
        let mut rest = weights.as_slice();
        let mut parts = Vec::new();
        for (shape, (bias, scales)) in shapes.into_iter().zip(self.numbers) {
            let (own, after) = rest.split_at_checked(shape.weights())?;
            rest = after;
            parts.push(Softmax::new(shape, own.to_vec(), scales, bias)?);
        }
        let [cuts, second, acts] = parts.try_into().ok()?;
        rest.is_empty().then_some(Acts {
            about: self.about,
            view,
            gap_view,
            cuts,
            second,
            acts,
            scale: self.scale,
        })
    }
}

/// The shape of the weights that find cuts, where a word is seen as `dense` numbers.
pub(super) fn cut_shape(dense: usize) -> Shape {
    Shape {
        classes: 2,
        dense: 2 * dense,
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

/// The rows of a message's tokens after some of the encoder's layers, `[tokens, width]` each.
pub(crate) type Rows = BTreeMap<usize, Vec<f32>>;

/// What the encoder makes of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces<'a> {
    /// The byte range of each token; an empty one for the marks of start and end.
    pub(super) places: &'a [(usize, usize)],
    pub(super) rows: &'a Rows,
}

impl View {
    /// The mean of the tokens in a byte range, layer by layer; empty where there are none.
    pub(super) fn mean(&self, pieces: Pieces<'_>, range: &Range<usize>) -> Vec<f32> {
        let inside =
            |(start, end): &(usize, usize)| start < end && *start < range.end && range.start < *end;
        let places = pieces.places;
        let tokens: Vec<usize> = (0..places.len())
            .filter(|at| inside(&places[*at]))
            .collect();
        let mut out = Vec::new();
        for layer in &self.layers {
            let rows = pieces.rows.get(layer).map_or(&[][..], Vec::as_slice);
            let width = rows.len() / places.len().max(1);
            let mine = tokens
                .iter()
                .filter_map(|at| rows.get(at * width..(at + 1) * width));
            let from = out.len();
            out.resize(from + width, 0.0);
            let mut count = 0.0f32;
            for row in mine {
                out[from..]
                    .iter_mut()
                    .zip(row)
                    .for_each(|(sum, x)| *sum += x);
                count += 1.0;
            }
            if count == 0.0 {
                return Vec::new();
            }
            out[from..].iter_mut().for_each(|x| *x /= count);
        }
        out
    }

    /// A mean as the weights take it; all zero where there is none.
    pub(super) fn see(&self, mean: &[f32]) -> Vec<f32> {
        let columns = self.middle.iter().zip(&self.spread);
        if mean.len() != self.middle.len() {
            return vec![0.0; self.middle.len()];
        }
        let seen = mean.iter().zip(columns);
        seen.map(|(x, (middle, spread))| (x - middle) * spread)
            .collect()
    }
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
