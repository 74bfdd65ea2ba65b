//! The table's phrases as they are learned from: with what the encoder makes of them.

use super::head::{Pieces, Rows, View};
use super::table::{self, Phrase, TABLES};
use super::words::{Words, fold as folded};
use super::{Act, open};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::intent::fnv;
use crate::random::Random;

/// Kinds of open questions that a phrase is learned with, at most.
const KINDS: usize = 3;
const SEED: u64 = 1;
/// Texts encoded at once.
const TOGETHER: usize = 256;

/// A phrase as it is learned from.
pub(super) struct Lesson {
    pub(super) phrase: Phrase,
    pub(super) language: &'static str,
    pub(super) words: Words,
    /// Its own cuts, as places of words.
    pub(super) starts: Vec<usize>,
    /// The mean rows of each of its clauses, and of each word.
    pub(super) means: Vec<Vec<f32>>,
    pub(super) word_means: Vec<Vec<f32>>,
    /// The byte range of each token, and the tokens' rows.
    pub(super) places: Vec<(usize, usize)>,
    pub(super) rows: Rows,
    /// The kinds of open questions that it is learned with.
    pub(super) open: Vec<usize>,
}

impl Lesson {
    /// What the encoder makes of it.
    pub(super) fn pieces(&self) -> Pieces<'_> {
        Pieces {
            places: &self.places,
            rows: &self.rows,
        }
    }

    /// The part of `parts` that it is in, for one `kind` of parting. Phrases that differ in marks and blanks alone are
    /// in the same.
    pub(super) fn part(&self, kind: u8, parts: usize) -> usize {
        let text = &self.phrase.text;
        let letters: String = folded(text)
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        let key = if letters.is_empty() { text } else { &letters };
        let part = fnv(kind, key) % parts.max(1) as u64;
        usize::try_from(part).unwrap_or(0)
    }

    /// The acts of its clauses.
    pub(super) fn acts(&self) -> Vec<Act> {
        self.phrase.clauses.iter().map(|clause| clause.2).collect()
    }
}

/// All phrases, looked at through the layers of two views: of clauses and of words.
///
/// # Errors
/// The table is not one, or the encoder fails.
pub(super) fn lessons(encoder: &Encoder, views: [&[usize]; 2]) -> Result<Vec<Lesson>, Error> {
    let mut all = Vec::new();
    for own in TABLES {
        let bad = |why: String| Error::Spec {
            what: "the table of acts".to_owned(),
            why,
        };
        let phrases = table::parse(own.name, own.text).map_err(bad)?;
        let mut random = Random::new(SEED);
        for some in phrases.chunks(TOGETHER) {
            let texts: Vec<&str> = some.iter().map(|p| p.text.as_str()).collect();
            let tap = |seen: &mut Rows, layer: usize, rows: &[f32]| {
                if views.iter().any(|layers| layers.contains(&layer)) {
                    seen.insert(layer, rows.to_vec());
                }
            };
            let encoded = encoder.encode_tapped(&texts, None, &tap)?;
            for (phrase, (_, rows)) in some.iter().zip(encoded) {
                let places = encoder.places(&phrase.text)?;
                let open = kinds(phrase, &mut random);
                let lesson = lesson(phrase, places, rows, open, views)
                    .map_err(|why| bad(format!("{}: {}: {why}", own.name, phrase.text)))?;
                all.push(Lesson {
                    language: own.language,
                    ..lesson
                });
            }
        }
    }
    Ok(all)
}

fn lesson(
    phrase: &Phrase,
    places: Vec<(usize, usize)>,
    rows: Rows,
    open: Vec<usize>,
    views: [&[usize]; 2],
) -> Result<Lesson, String> {
    let words = Words::new(&phrase.text);
    let [clauses, gaps] = views.map(|layers| View {
        layers: layers.to_vec(),
        middle: Vec::new(),
        spread: Vec::new(),
    });
    let pieces = Pieces {
        places: &places,
        rows: &rows,
    };
    let of_clauses = phrase.clauses.iter();
    let of_words = words.all.iter();
    Ok(Lesson {
        means: of_clauses
            .map(|c| clauses.mean(pieces, &(c.0..c.1)))
            .collect(),
        word_means: of_words
            .map(|w| gaps.mean(pieces, &(w.start..w.end)))
            .collect(),
        starts: starts(phrase, &words)?,
        language: "",
        words,
        phrase: phrase.clone(),
        places,
        rows,
        open,
    })
}

/// The words that the clauses of a phrase begin with.
fn starts(phrase: &Phrase, words: &Words) -> Result<Vec<usize>, String> {
    let mut all = vec![0];
    for (start, _, _) in phrase.clauses.iter().skip(1) {
        let begins = |word: &super::words::Word| word.opens == *start || word.start == *start;
        let at = words.all.iter().position(begins);
        all.push(at.ok_or_else(|| format!("no word begins at byte {start}"))?);
    }
    if all.is_sorted_by(|a, b| a < b) {
        Ok(all)
    } else {
        Err("a clause has no word".to_owned())
    }
}

/// What is open when a phrase is learned: of its kinds as many as are wanted; of a phrase for any, nothing and others.
fn kinds(phrase: &Phrase, random: &mut Random) -> Vec<usize> {
    let mut all: Vec<usize> = if phrase.open.is_empty() {
        (1..open::OPEN.len()).collect()
    } else {
        phrase.open.clone()
    };
    random.shuffle(&mut all);
    if phrase.open.is_empty() {
        all.insert(0, 0);
    }
    all.truncate(KINDS);
    all
}
