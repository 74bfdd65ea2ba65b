//! Spans learned from the marks in examples: which words fill a slot that nothing declared finds, by
//! the words around them and by what the encoder's lower layers make of them. A linear-chain CRF
//! (Lafferty et al. 2001) over B-I-O tags, with the states of the layers that tuned bots share.
//!
//! On the test file of SNIPS, `bellhop nlu eval` gives a span F1 of 0.951. On its validation file, prototypes
//! gave 0.941 on words alone and 0.963 with the states of layer 3.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::acts::Polarity;
use crate::encoder::Encoder;
use crate::intent::{pack, unpack};
use crate::{Entity, Error};
use crf::{Chain, OUTSIDE};
use fit::Sample;
use model::Model;
use table::Table;
use words::{Word, features, words};

mod crf;
mod fit;
mod model;
mod table;
mod words;

/// The states are those that this many of the encoder's layers give.
pub(crate) const LAYER: usize = 3;
/// Words of a text that are looked at; the encoder sees fewer.
const MOST_WORDS: usize = 256;
/// Spans less sure than this aren't reported.
const SURE: f64 = 0.25;
/// Texts encoded at once.
const TOGETHER: usize = 64;
/// Examples without marks to learn from: at least so many, and so many times those with marks.
const PLAIN: (usize, usize) = (2000, 3);

/// An example with the byte ranges that it marks, and their names.
#[derive(Debug, Clone)]
pub(crate) struct Marked<'a> {
    pub(crate) text: &'a str,
    pub(crate) marks: Vec<(usize, usize, &'a str)>,
}

/// What the encoder makes of a text's word pieces.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pieces<'a> {
    /// Byte range of each in the text; an empty one for the marks of start and end.
    pub(crate) places: &'a [(usize, usize)],
    /// Their states after [`LAYER`] layers, `[pieces, width]`.
    pub(crate) states: &'a [f32],
}

/// Learned spans.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spans {
    names: Vec<String>,
    model: Model,
}

#[derive(Serialize, Deserialize)]
struct Front {
    names: Vec<String>,
    width: usize,
    keys: usize,
    pairs: usize,
}

impl Spans {
    /// Learns from examples, marked or not; nothing where none is marked. Without an encoder only the
    /// words themselves count. `progress` is told the share that is done.
    pub(crate) fn train(
        examples: &[Marked<'_>],
        encoder: Option<&Encoder>,
        seed: u64,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Option<Spans>, Error> {
        let names: BTreeSet<&str> = examples
            .iter()
            .flat_map(|e| e.marks.iter().map(|m| m.2))
            .collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let examples = chosen(examples);
        let width = encoder.map_or(0, Encoder::dimension);
        let mut samples = Vec::with_capacity(examples.len());
        for batch in examples.chunks(TOGETHER) {
            let texts: Vec<&str> = batch.iter().map(|e| e.text).collect();
            let states = match encoder {
                Some(encoder) => encoder.states(&texts, LAYER)?,
                None => vec![Vec::new(); texts.len()],
            };
            for (example, states) in batch.iter().zip(&states) {
                let words = words(example.text, MOST_WORDS);
                if words.is_empty() {
                    continue;
                }
                let places = match encoder {
                    Some(encoder) => encoder.places(example.text)?,
                    None => Vec::new(),
                };
                let places = &places;
                samples.push(Sample {
                    keys: features(&words),
                    states: word_states(&words, Pieces { places, states }, width),
                    tags: truth(&words, &example.marks, &names),
                });
            }
            progress(0.5 * samples.len() as f64 / examples.len() as f64);
        }
        let mut later = |done: f64| progress(0.5 + done / 2.0);
        let model = fit::fit(&samples, tags(&names), width, seed, &mut later);
        let model = model.map_err(|error| Error::Spec {
            what: "the marks".to_owned(),
            why: error.to_string(),
        })?;
        Ok(Some(Spans { names, model }))
    }

    /// The spans in a text, whose names `wanted` says are of use. `pieces` may be empty where the
    /// encoder's states aren't known.
    pub(crate) fn find(
        &self,
        text: &str,
        pieces: Pieces<'_>,
        wanted: &BTreeSet<String>,
    ) -> Vec<Entity> {
        let words = words(text, MOST_WORDS);
        let width = self.model.dense.len() / self.model.bias.len();
        let states = word_states(&words, pieces, width);
        let emissions = self.model.emissions(&features(&words), &states);
        let path = self.model.chain.best_path(&emissions);
        if path.iter().all(|tag| *tag == OUTSIDE) {
            return Vec::new();
        }
        let lattice = self.model.chain.lattice(&emissions);
        let mut out = Vec::new();
        let mut at = 0;
        while at < path.len() {
            let start = at;
            at += 1;
            let Some(name) = begun(path[start]) else {
                continue;
            };
            while at < path.len() && path[at] == path[start] + 1 {
                at += 1;
            }
            let chain = &self.model.chain;
            let confidence = chain.span_probability(&lattice, &path, start, at);
            let (first, end) = (words[start].start, words[at - 1].end);
            let value = text.get(first..end).unwrap_or_default();
            if confidence >= SURE && wanted.contains(&self.names[name]) {
                out.push(Entity {
                    entity: self.names[name].clone(),
                    value: value.into(),
                    start: first,
                    end,
                    confidence,
                    polarity: Polarity::default(),
                });
            }
        }
        out
    }

    /// The spans as bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Model {
            table,
            chain,
            dense,
            bias,
        } = &self.model;
        let front = Front {
            names: self.names.clone(),
            width: dense.len() / bias.len(),
            keys: table.len(),
            pairs: table.weights.len(),
        };
        // Whole numbers travel as the bits of a weight.
        let numbers: Vec<f32> = table.numbers().into_iter().map(f32::from_bits).collect();
        pack(
            &front,
            &[bias, &chain.weights, dense, &table.weights, &numbers],
        )
    }

    /// Reads `to_bytes` back.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Spans, Error> {
        let bad = |why: String| Error::Saved { what: "spans", why };
        let (front, weights): (Front, Vec<f32>) = unpack(bytes).map_err(bad)?;
        let read = |front: Front, mut rest: &[f32]| -> Option<Spans> {
            let mut take = |count: usize| {
                let (mine, after) = rest.split_at_checked(count)?;
                rest = after;
                Some(mine.to_vec())
            };
            let tags = tags(&front.names);
            let bias = take(tags)?;
            let chain = Chain::new(tags, take(tags.checked_mul(tags)?.checked_add(tags)?)?)?;
            let dense = take(front.width.checked_mul(tags)?)?;
            let weights = take(front.pairs)?;
            let numbers = take(
                front
                    .keys
                    .checked_mul(2)?
                    .checked_add(front.pairs.div_ceil(2))?,
            )?;
            let numbers: Vec<u32> = numbers.into_iter().map(f32::to_bits).collect();
            let table = Table::from_numbers(front.keys, &numbers, weights, tags)?;
            let model = Model {
                table,
                chain,
                dense,
                bias,
            };
            rest.is_empty().then_some(Spans {
                names: front.names,
                model,
            })
        };
        read(front, &weights).ok_or_else(|| bad("it is cut short or has too much".to_owned()))
    }
}

/// The marked examples, and some of the others where there are very many.
fn chosen<'e, 'a>(examples: &'e [Marked<'a>]) -> Vec<&'e Marked<'a>> {
    let marked = examples.iter().filter(|e| !e.marks.is_empty()).count();
    let most = PLAIN.0.max(PLAIN.1 * marked);
    let every = (examples.len() - marked).div_ceil(most).max(1);
    let mut plain = 0;
    let all = examples.iter().filter(|e| {
        plain += usize::from(e.marks.is_empty());
        !e.marks.is_empty() || plain % every == 0
    });
    all.collect()
}

/// The mean state of each word's pieces, `[words, width]`; nought for a word without any.
fn word_states(words: &[Word<'_>], pieces: Pieces<'_>, width: usize) -> Vec<f32> {
    let mut out = vec![0.0; words.len() * width];
    if width == 0 {
        return out;
    }
    let mut rest = pieces.places.iter().zip(pieces.states.chunks_exact(width));
    let mut next = rest.next();
    for (word, out) in words.iter().zip(out.chunks_exact_mut(width)) {
        let mut count = 0.0_f32;
        while let Some(((start, end), state)) = next {
            if *start >= word.end {
                break;
            }
            if *end > word.start {
                out.iter_mut().zip(state).for_each(|(o, s)| *o += s);
                count += 1.0;
            }
            if *end > word.end {
                // The next word has a part of it too.
                break;
            }
            next = rest.next();
        }
        if count > 1.0 {
            out.iter_mut().for_each(|o| *o /= count);
        }
    }
    out
}

/// How many tags there are for so many names.
fn tags(names: &[String]) -> usize {
    1 + 2 * names.len()
}

/// The name whose span a tag begins.
fn begun(tag: usize) -> Option<usize> {
    (tag % 2 == 1).then_some(tag / 2)
}

/// The tag of every word.
fn truth(words: &[Word<'_>], marks: &[(usize, usize, &str)], names: &[String]) -> Vec<usize> {
    let mut out = vec![OUTSIDE; words.len()];
    for (start, end, name) in marks {
        let Ok(name) = names.binary_search_by(|n| n.as_str().cmp(name)) else {
            continue;
        };
        let inside =
            (0..words.len()).filter(|i| words[*i].start >= *start && words[*i].end <= *end);
        for (order, at) in inside.enumerate() {
            out[at] = 1 + 2 * name + usize::from(order > 0);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pay [Ann](payee) [10](sum)` as text and marks.
    fn marked(text: &str) -> (String, Vec<(usize, usize, String)>) {
        let (mut plain, mut marks) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('[') {
            let (inside, after) = after.split_once("](").expect("a mark");
            let (name, after) = after.split_once(')').expect("a name");
            plain.push_str(before);
            marks.push((plain.len(), plain.len() + inside.len(), name.to_owned()));
            plain.push_str(inside);
            rest = after;
        }
        plain.push_str(rest);
        (plain, marks)
    }

    fn trained() -> Spans {
        let texts = [
            "send money to [Ann](payee)",
            "pay [Bob Smith](payee) ten pounds",
            "transfer cash to [my landlord](payee)",
            "pay [Carol](payee)",
            "send ten pounds to [Dave Brown](payee) please",
            "a refund from [Tesco](shop)",
            "the charge from [Amazon Prime](shop) is wrong",
            "refund of ten pounds from [Argos](shop)",
            "what is my balance",
            "ten pounds please",
            "money left",
        ]
        .map(marked);
        let examples: Vec<Marked<'_>> = texts
            .iter()
            .map(|(text, marks)| Marked {
                text,
                marks: marks.iter().map(|(s, e, n)| (*s, *e, n.as_str())).collect(),
            })
            .collect();
        Spans::train(&examples, None, 1, &mut |_| {})
            .expect("it trains")
            .expect("there are marks")
    }

    fn all() -> BTreeSet<String> {
        ["payee", "shop"].map(str::to_owned).into()
    }

    fn found(spans: &Spans, text: &str) -> Vec<(String, String)> {
        let found = spans.find(text, Pieces::default(), &all());
        found
            .iter()
            .map(|e| (e.entity.clone(), text[e.start..e.end].to_owned()))
            .collect()
    }

    #[test]
    fn words_never_seen_are_found_by_those_around_them() {
        let spans = trained();
        let of = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        assert_eq!(found(&spans, "send money to Zoe"), of("payee", "Zoe"));
        assert_eq!(
            found(&spans, "pay Éva Kovács ten pounds"),
            of("payee", "Éva Kovács")
        );
        assert_eq!(
            found(&spans, "the charge from Waitrose is wrong"),
            of("shop", "Waitrose")
        );
        assert_eq!(found(&spans, "what is my balance"), vec![]);
        assert_eq!(found(&spans, ""), vec![]);
    }

    #[test]
    fn names_that_are_not_wanted_are_left_out() {
        assert!(
            trained()
                .find(
                    "send money to Zoe",
                    Pieces::default(),
                    &["shop".to_owned()].into()
                )
                .is_empty()
        );
    }

    #[test]
    fn stored_spans_read_the_same() {
        let spans = trained();
        let bytes = spans.to_bytes();
        assert_eq!(Spans::from_bytes(&bytes).expect("it reads"), spans);
        assert!(Spans::from_bytes(&bytes[..bytes.len() - 4]).is_err());
    }

    #[test]
    fn nothing_marked_is_nothing_learned() {
        let plain = [Marked {
            text: "hello there",
            marks: Vec::new(),
        }];
        assert_eq!(
            Spans::train(&plain, None, 1, &mut |_| {}).expect("it trains"),
            None
        );
    }

    proptest::proptest! {
        #[test]
        fn spans_of_any_text_are_text(text in proptest::prelude::any::<String>()) {
            static SPANS: std::sync::LazyLock<Spans> = std::sync::LazyLock::new(trained);
            let mut before = 0;
            for e in SPANS.find(&text, Pieces::default(), &all()) {
                assert!(before <= e.start && e.start < e.end);
                assert!(text.get(e.start..e.end).is_some());
                assert!((0.0..=1.0).contains(&e.confidence));
                before = e.end;
            }
        }
    }

    #[test]
    fn training_twice_gives_the_same_bytes() {
        assert_eq!(trained().to_bytes(), trained().to_bytes());
    }

    #[test]
    fn pieces_are_given_to_the_words_that_they_are_part_of() {
        let found = words("ab cd!", 9);
        // A mark, two pieces of the first word, one that spans the rest, a mark.
        let places = &[(0, 0), (0, 1), (1, 2), (3, 6), (0, 0)];
        let states = &[9.0, 1.0, 3.0, 5.0, 9.0];
        let states = word_states(&found, Pieces { places, states }, 1);
        assert_eq!(states, [2.0, 5.0, 5.0]);
    }

    /// Needs the folder of the SNIPS files, so it is skipped without one.
    #[test]
    fn slots_of_the_snips_benchmark_are_found() {
        #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
        let folder = std::env::var("BELLHOP_SNIPS")
            .ok()
            .map(std::path::PathBuf::from);
        let (Some(folder), Some(encoder)) = (folder, crate::test_model::encoder()) else {
            return;
        };
        let read = |name: &str| crate::eval::read_file(&folder.join(name)).expect("a file");
        let (train, valid) = (read("train.jsonl"), read("valid.jsonl"));
        let mark = |e: &'_ crate::eval::Span| (e.start, e.end, e.entity.clone());
        let marks: Vec<Vec<_>> = train
            .iter()
            .map(|t| t.entities.iter().map(mark).collect())
            .collect();
        let examples: Vec<Marked<'_>> = train
            .iter()
            .zip(&marks)
            .map(|(t, marks)| Marked {
                text: &t.text,
                marks: marks.iter().map(|(s, e, n)| (*s, *e, n.as_str())).collect(),
            })
            .collect();
        let spans = Spans::train(&examples, Some(encoder), 1, &mut |_| {})
            .expect("it trains")
            .expect("there are marks");
        let all: BTreeSet<String> = spans.names.iter().cloned().collect();
        let (mut both, mut either) = (0, 0);
        for text in &valid {
            let places = &encoder.places(&text.text).expect("places");
            let states = encoder.states(&[&text.text], LAYER).expect("states");
            let states = &states[0];
            let found = spans.find(&text.text, Pieces { places, states }, &all);
            let right = |e: &&Entity| {
                let mut marks = text.entities.iter();
                marks.any(|m| (m.start, m.end, &m.entity) == (e.start, e.end, &e.entity))
            };
            both += found.iter().filter(right).count();
            either += found.len() + text.entities.len();
        }
        let f1 = 2.0 * both as f64 / either as f64;
        assert!(f1 > 0.955, "{f1}");
    }
}
