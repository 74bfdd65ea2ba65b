//! Trains and judges the head.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::features::{self, Place, Weights};
use super::head::{Acts, Pieces, Rows, View, act_shape, cut_shape, gap_row};
use super::report::{Judged, Report, report};
use super::softmax::{Fit, Row, Sample, Softmax};
use super::table::{self, Phrase, TABLES};
use super::words::Words;
use super::{cut, open};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::intent::fnv;
use crate::random::Random;

/// Parts that the table is cut into, each judged by a head that has not seen it.
const FOLDS: usize = 5;
const SEED: u64 = 1;
/// Texts encoded at once.
const TOGETHER: usize = 256;

/// What was chosen on phrases that a head had not seen.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) layers: Vec<usize>,
    pub(super) gap_layers: Vec<usize>,
    pub(super) gap_dense: f32,
    pub(super) least: f32,
    pub(super) pool: usize,
    pub(super) weights: Weights,
    /// Length of what the rows say.
    pub(super) dense: f32,
    /// Kinds of open questions that a phrase is learned with, at most.
    pub(super) copies: usize,
    pub(super) acts: Fit,
    pub(super) cuts: Fit,
    pub(super) folds: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            layers: vec![3, 6],
            gap_layers: vec![3],
            gap_dense: 2.0,
            least: 0.0,
            pool: 0,
            weights: Weights::default(),
            dense: 1.3,
            copies: 3,
            acts: Fit {
                penalty: [1e-4, 5e-5],
                steps: 80,
            },
            cuts: Fit {
                penalty: [1e-4, 3e-5],
                steps: 120,
            },
            folds: FOLDS,
        }
    }
}

/// Trains on the table and judges by five heads that have each seen four fifths of it.
///
/// # Errors
/// The table is not one, or the encoder fails.
pub fn train(encoder: &Encoder) -> Result<(Acts, Report), Error> {
    train_as(encoder, &Setup::default())
}

/// A phrase as it is learned from.
pub(super) struct Lesson {
    phrase: Phrase,
    language: &'static str,
    words: Words,
    /// Its own cuts, as places of words.
    starts: Vec<usize>,
    /// The mean rows of each of its clauses, and of each word.
    means: Vec<Vec<f32>>,
    word_means: Vec<Vec<f32>>,
    fold: usize,
    /// The kinds of open questions that it is learned with.
    open: Vec<usize>,
}

pub(super) fn train_as(encoder: &Encoder, setup: &Setup) -> Result<(Acts, Report), Error> {
    let lessons = lessons(encoder, setup)?;
    let everything: Vec<&Lesson> = lessons.iter().collect();
    let mut judged = Judged::default();
    for fold in 0..setup.folds {
        let (own, others): (Vec<&Lesson>, Vec<&Lesson>) =
            everything.iter().partition(|lesson| lesson.fold == fold);
        let acts = fit(&others, setup);
        for lesson in own {
            judge(&acts, lesson, setup, &mut judged);
        }
    }
    let scale = judged.scale();
    let messages = lessons.len();
    if setup.folds < FOLDS {
        let acts = fit(&everything[..100], setup);
        return Ok((acts, report(&judged, scale, messages)));
    }
    let mut acts = fit(&everything, setup);
    acts.scale = scale;
    Ok((acts, report(&judged, scale, messages)))
}

fn fit(lessons: &[&Lesson], setup: &Setup) -> Acts {
    let means = lessons.iter().flat_map(|l| &l.means);
    let view = view(means, &setup.layers, setup.dense);
    let means = lessons.iter().flat_map(|l| &l.word_means);
    let gap_view = self::view(means, &setup.gap_layers, setup.gap_dense);
    let gaps: Vec<(Row, usize, f32)> = lessons
        .iter()
        .flat_map(|lesson| gaps(lesson, &gap_view))
        .collect();
    let cuts = Softmax::fit(
        &samples(&gaps),
        cut_shape(gap_view.middle.len()),
        setup.cuts,
    );
    drop(gaps);
    let rows: Vec<(Row, usize, f32)> = lessons
        .iter()
        .flat_map(|lesson| clauses(lesson, &view, setup))
        .collect();
    let acts = Softmax::fit(&samples(&rows), act_shape(view.middle.len()), setup.acts);
    Acts {
        about: about(),
        view,
        gap_view,
        cuts,
        acts,
        scale: 1.0,
    }
}

fn samples(rows: &[(Row, usize, f32)]) -> Vec<Sample<'_>> {
    let all = rows.iter();
    all.map(|(row, label, weight)| Sample {
        row,
        label: *label,
        weight: *weight,
    })
    .collect()
}

/// The gaps of a phrase, each with whether it parts two clauses and what it weighs.
fn gaps(lesson: &Lesson, view: &View) -> Vec<(Row, usize, f32)> {
    let seen: Vec<Vec<f32>> = lesson.word_means.iter().map(|m| view.see(m)).collect();
    (1..lesson.words.all.len())
        .map(|gap| {
            let row = gap_row(&lesson.words, &seen, gap);
            (row, usize::from(lesson.starts.contains(&gap)), 1.0)
        })
        .collect()
}

/// The clauses of a phrase, each with its act and what it weighs.
fn clauses(lesson: &Lesson, view: &View, setup: &Setup) -> Vec<(Row, usize, f32)> {
    let mut all = Vec::new();
    let weight = 1.0 / lesson.open.len() as f32;
    for (at, (_, _, act)) in lesson.phrase.clauses.iter().enumerate() {
        for open in &lesson.open {
            let row = row(lesson, at, *open, view, setup.weights);
            all.push((row, *act as usize, weight));
        }
    }
    all
}

fn row(lesson: &Lesson, at: usize, open: usize, view: &View, weights: Weights) -> Row {
    let place = Place {
        words: &lesson.words,
        starts: &lesson.starts,
        at,
        open,
    };
    Row {
        dense: view.see(&lesson.means[at]),
        sparse: features::clause(place, weights),
    }
}

/// Judges a phrase that the head has not seen.
fn judge(acts: &Acts, lesson: &Lesson, setup: &Setup, judged: &mut Judged) {
    let draw = fnv(b'o', &lesson.phrase.text) as usize;
    let open = lesson.open[draw % lesson.open.len()];
    for (at, (start, end, act)) in lesson.phrase.clauses.iter().enumerate() {
        let row = row(lesson, at, open, &acts.view, setup.weights);
        judged.clauses.push(super::report::Clause {
            language: lesson.language,
            text: lesson.phrase.text[*start..*end].to_owned(),
            act: *act,
            logits: acts.acts.logits(&row),
        });
    }
    let seen: Vec<Vec<f32>> = lesson
        .word_means
        .iter()
        .map(|m| acts.gap_view.see(m))
        .collect();
    let found = cut::starts(&lesson.words, |gap| {
        let logits = acts.cuts.logits(&gap_row(&lesson.words, &seen, gap));
        logits[1] - logits[0] - setup.least
    });
    judged.cuts(&lesson.starts, &found, lesson.language, &lesson.phrase.text);
}

fn lessons(encoder: &Encoder, setup: &Setup) -> Result<Vec<Lesson>, Error> {
    let mut all = Vec::new();
    for own in TABLES {
        let bad = |why: String| Error::Spec {
            what: "the table of acts".to_owned(),
            why,
        };
        let phrases = table::parse(own.name, own.text).map_err(bad)?;
        let mut open = Random::new(SEED);
        for some in phrases.chunks(TOGETHER) {
            let texts: Vec<&str> = some.iter().map(|p| p.text.as_str()).collect();
            let tap = |seen: &mut Rows, layer: usize, rows: &[f32]| {
                if setup.layers.contains(&layer) || setup.gap_layers.contains(&layer) {
                    seen.insert(layer, rows.to_vec());
                }
            };
            let encoded = encoder.encode_tapped(&texts, None, &tap)?;
            for (phrase, (_, rows)) in some.iter().zip(encoded) {
                let places = encoder.places(&phrase.text)?;
                let pieces = Pieces {
                    places: &places,
                    rows: &rows,
                };
                let kinds = kinds(phrase, setup.copies, &mut open);
                let lesson = lesson(phrase, own.language, pieces, kinds, setup)
                    .map_err(|why| bad(format!("{}: {}: {why}", own.name, phrase.text)))?;
                all.push(lesson);
            }
        }
    }
    Ok(all)
}

fn lesson(
    phrase: &Phrase,
    language: &'static str,
    pieces: Pieces<'_>,
    open: Vec<usize>,
    setup: &Setup,
) -> Result<Lesson, String> {
    let words = Words::new(&phrase.text);
    let look = |layers: &[usize]| View {
        layers: layers.to_vec(),
        middle: Vec::new(),
        spread: Vec::new(),
    };
    let (clauses, gaps) = (look(&setup.layers), look(&setup.gap_layers));
    let of_clauses = phrase.clauses.iter();
    let of_words = words.all.iter();
    Ok(Lesson {
        means: of_clauses
            .map(|c| {
                let mut m = clauses.mean(pieces, &(c.0..c.1));
                let first = words.all.iter().find(|w| w.start >= c.0 && w.end <= c.1);
                let last = words
                    .all
                    .iter()
                    .rev()
                    .find(|w| w.start >= c.0 && w.end <= c.1);
                if setup.pool & 1 > 0 {
                    let w = first.map_or(c.0..c.1, |w| w.start..w.end);
                    let x = clauses.mean(pieces, &w);
                    m.extend(x);
                }
                if setup.pool & 2 > 0 {
                    let w = last.map_or(c.0..c.1, |w| w.start..w.end);
                    let x = clauses.mean(pieces, &w);
                    m.extend(x);
                }
                if setup.pool & 4 > 0 {
                    let x = clauses.mean(pieces, &(0..phrase.text.len()));
                    m.extend(x);
                }
                if setup.pool & 8 > 0 {
                    for l in &setup.layers {
                        let r = &pieces.rows[l];
                        m.extend(&r[..384]);
                    }
                }
                if setup.pool & 16 > 0 {
                    for l in &setup.layers {
                        let r = &pieces.rows[l];
                        let mut mx = vec![-1e9f32; 384];
                        for (row, p) in r.chunks(384).zip(pieces.places) {
                            if p.0 < p.1 && p.0 < c.1 && c.0 < p.1 {
                                for (a, b) in mx.iter_mut().zip(row) {
                                    *a = a.max(*b);
                                }
                            }
                        }
                        for a in &mut mx {
                            if *a < -1e8 {
                                *a = 0.0
                            }
                        }
                        m.extend(mx);
                    }
                }
                m
            })
            .collect(),
        word_means: of_words
            .map(|w| gaps.mean(pieces, &(w.start..w.end)))
            .collect(),
        starts: starts(phrase, &words)?,
        words,
        phrase: phrase.clone(),
        language,
        open,
        fold: fold(&phrase.text),
    })
}

/// The words that the clauses of a phrase begin with.
fn starts(phrase: &Phrase, words: &Words) -> Result<Vec<usize>, String> {
    let mut all = vec![0];
    for (start, _, _) in phrase.clauses.iter().skip(1) {
        let at = words
            .all
            .iter()
            .position(|w| w.opens == *start || w.start == *start);
        all.push(at.ok_or_else(|| format!("no word begins at byte {start}"))?);
    }
    if all.is_sorted_by(|a, b| a < b) {
        Ok(all)
    } else {
        Err("a clause has no word".to_owned())
    }
}

/// Phrases that differ in marks and blanks alone are held out together.
fn fold(text: &str) -> usize {
    let letters: String = super::words::fold(text)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let key = if letters.is_empty() { text } else { &letters };
    (fnv(b'f', key) % FOLDS as u64) as usize
}

/// What is open when a phrase is learned: of its kinds as many as are wanted; of a phrase for any, nothing and others.
fn kinds(phrase: &Phrase, most: usize, random: &mut Random) -> Vec<usize> {
    let mut all: Vec<usize> = if phrase.open.is_empty() {
        (1..open::KINDS.len()).collect()
    } else {
        phrase.open.clone()
    };
    random.shuffle(&mut all);
    if phrase.open.is_empty() {
        all.insert(0, 0);
    }
    all.truncate(most);
    all
}

/// The middle and spread of each column over all means.
fn view<'a>(means: impl Iterator<Item = &'a Vec<f32>>, layers: &[usize], dense: f32) -> View {
    let means: Vec<&Vec<f32>> = means.filter(|mean| !mean.is_empty()).collect();
    let width = means.first().map_or(0, |m| m.len());
    let n = means.len().max(1) as f64;
    let (mut sums, mut squares) = (vec![0.0f64; width], vec![0.0f64; width]);
    for mean in &means {
        for ((x, sum), square) in mean.iter().zip(&mut sums).zip(&mut squares) {
            *sum += f64::from(*x);
            *square += f64::from(*x).powi(2);
        }
    }
    let length = f64::from(dense) / (width.max(1) as f64).sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "rounded")]
    let rounded = |x: f64| ((x * 1e5).round() / 1e5) as f32;
    let middle: Vec<f32> = sums.iter().map(|sum| rounded(sum / n)).collect();
    let spread = sums.iter().zip(&squares).map(|(sum, square)| {
        let variance = square / n - (sum / n).powi(2);
        rounded(length / variance.max(1e-6).sqrt())
    });
    View {
        layers: layers.to_vec(),
        spread: spread.collect(),
        middle,
    }
}

/// SHA-256 of the table.
pub(super) fn fingerprint() -> String {
    let mut hash = Sha256::new();
    for table in TABLES {
        hash.update(table.text);
    }
    hex::encode(hash.finalize())
}

fn about() -> BTreeMap<String, String> {
    [
        (
            "what",
            "what is done in each clause, off all-MiniLM-L6-v2 and the words".to_owned(),
        ),
        (
            "data",
            "phrases/en.tsv and phrases/es.tsv, written for this project".to_owned(),
        ),
        ("table", fingerprint()),
        ("made by", "bellhop nlu train-acts".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
