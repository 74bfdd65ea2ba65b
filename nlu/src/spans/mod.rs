//! Spans learned from the marks in examples: which words fill a slot that nothing declared finds, by
//! the words around them. A maximum-entropy Markov model (McCallum et al. 2000) over B-I-O tags.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::intent::linear::{Fit, Linear, Row, Sparse};
use crate::intent::{pack, unpack};
use crate::{Entity, Error};
use words::{Word, words};

mod words;

/// Strength of the L2 penalty.
const L2: f32 = 1e-5;
/// Most steps of the fit.
const STEPS: usize = 60;
/// Spans less sure than this aren't reported.
const SURE: f64 = 0.5;
/// The tag of words outside any span; `1 + 2 * name` begins a span and the next number continues it.
const OUTSIDE: usize = 0;

/// An example with the byte ranges that it marks, and their names.
#[derive(Debug, Clone)]
pub(crate) struct Marked<'a> {
    pub(crate) text: &'a str,
    pub(crate) marks: Vec<(usize, usize, &'a str)>,
}

/// Learned spans.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spans {
    names: Vec<String>,
    /// Hashed columns.
    columns: usize,
    linear: Linear,
}

#[derive(Serialize, Deserialize)]
struct Front {
    names: Vec<String>,
    columns: usize,
}

impl Spans {
    /// Learns from examples, marked or not; nothing where none is marked.
    pub(crate) fn train(examples: &[Marked<'_>]) -> Result<Option<Spans>, Error> {
        let names: BTreeSet<&str> = examples
            .iter()
            .flat_map(|e| e.marks.iter().map(|m| m.2))
            .collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let tags = tags(&names);
        let columns = words::columns(examples.iter().map(|e| words(e.text).len()).sum());
        let (mut sparse, mut labels): (Vec<Sparse>, Vec<usize>) = (Vec::new(), Vec::new());
        for example in examples {
            let words = words(example.text);
            let truth = truth(&words, &example.marks, &names);
            for at in 0..words.len() {
                let before = if at == 0 { OUTSIDE } else { truth[at - 1] };
                let mut row = words::features(&words, at, tags, columns);
                row.push((before as u32, 1.0));
                sparse.push(row);
            }
            labels.extend(truth);
        }
        let rows: Vec<Row<'_>> = sparse
            .iter()
            .map(|s| Row {
                dense: &[],
                sparse: s,
            })
            .collect();
        let fit = Fit {
            classes: tags,
            sparse: tags + columns,
            l2: L2,
            steps: STEPS,
        };
        let linear = Linear::fit(&rows, &labels, &vec![1.0; rows.len()], fit).map_err(|error| {
            Error::Spec {
                what: "the marks".to_owned(),
                why: error.to_string(),
            }
        })?;
        Ok(Some(Spans {
            names,
            columns,
            linear,
        }))
    }

    /// The spans in a text, whose names `wanted` says are of use.
    pub(crate) fn find(&self, text: &str, wanted: &BTreeSet<String>) -> Vec<Entity> {
        let words = words(text);
        let path = self.best_path(&words);
        let mut out = Vec::new();
        let mut at = 0;
        while at < path.len() {
            let start = at;
            at += 1;
            let Some(name) = begun(path[start].0) else {
                continue;
            };
            while at < path.len() && path[at].0 == path[start].0 + 1 {
                at += 1;
            }
            let logs: f64 = path[start..at].iter().map(|(_, log)| log).sum();
            let confidence = (logs / (at - start) as f64).exp();
            let (first, end) = (words[start].start, words[at - 1].end);
            let value = text.get(first..end).unwrap_or_default();
            if confidence >= SURE && wanted.contains(&self.names[name]) {
                out.push(Entity {
                    entity: self.names[name].clone(),
                    value: value.into(),
                    start: first,
                    end,
                    confidence,
                });
            }
        }
        out
    }

    /// The most probable tags and the log probability of each after the one before (Viterbi).
    fn best_path(&self, words: &[Word<'_>]) -> Vec<(usize, f64)> {
        let tags = tags(&self.names);
        let mut totals = vec![f64::NEG_INFINITY; tags];
        totals[OUTSIDE] = 0.0;
        let mut steps: Vec<Vec<(usize, f64)>> = Vec::with_capacity(words.len());
        for at in 0..words.len() {
            let sparse = words::features(words, at, tags, self.columns);
            let base = self.linear.logits(Row {
                dense: &[],
                sparse: &sparse,
            });
            let mut best = vec![f64::NEG_INFINITY; tags];
            let mut from = vec![(OUTSIDE, f64::NEG_INFINITY); tags];
            for before in (0..tags).filter(|b| totals[*b] > f64::NEG_INFINITY) {
                let logs = log_softmax(&base, self.linear.column(before));
                for (tag, log) in logs
                    .iter()
                    .enumerate()
                    .filter(|(tag, _)| follows(*tag, before))
                {
                    if totals[before] + log > best[tag] {
                        best[tag] = totals[before] + log;
                        from[tag] = (before, *log);
                    }
                }
            }
            totals = best;
            steps.push(from);
        }
        let last = totals.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let mut tag = last.map_or(OUTSIDE, |(tag, _)| tag);
        let mut path = Vec::with_capacity(words.len());
        for from in steps.iter().rev() {
            let (before, log) = from[tag];
            path.push((tag, log));
            tag = before;
        }
        path.reverse();
        path
    }

    /// The spans as bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        pack(
            &Front {
                names: self.names.clone(),
                columns: self.columns,
            },
            &[self.linear.weights()],
        )
    }

    /// Reads `to_bytes` back.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Spans, Error> {
        let bad = |why: String| Error::Saved { what: "spans", why };
        let (front, weights): (Front, _) = unpack(bytes).map_err(bad)?;
        let tags = tags(&front.names);
        let linear = Linear::new(tags, 0, tags.saturating_add(front.columns), weights)
            .ok_or_else(|| bad("it is cut short or has too much".to_owned()))?;
        Ok(Spans {
            names: front.names,
            columns: front.columns,
            linear,
        })
    }
}

/// How many tags there are for so many names.
fn tags(names: &[String]) -> usize {
    1 + 2 * names.len()
}

/// The name whose span a tag begins.
fn begun(tag: usize) -> Option<usize> {
    (tag % 2 == 1).then_some(tag / 2)
}

/// Whether a tag may come after another: a span continues only what began.
fn follows(tag: usize, before: usize) -> bool {
    tag == OUTSIDE || tag % 2 == 1 || before == tag || before + 1 == tag
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

/// Log probabilities of the sum of two rows of logits.
fn log_softmax(a: &[f32], b: &[f32]) -> Vec<f64> {
    let z = || a.iter().zip(b).map(|(x, y)| f64::from(x + y));
    let most = z().fold(f64::NEG_INFINITY, f64::max);
    let sum = z().map(|v| (v - most).exp()).sum::<f64>().ln() + most;
    z().map(|v| v - sum).collect()
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
        Spans::train(&examples)
            .expect("it trains")
            .expect("there are marks")
    }

    fn all() -> BTreeSet<String> {
        ["payee", "shop"].map(str::to_owned).into()
    }

    fn found(spans: &Spans, text: &str) -> Vec<(String, String)> {
        let found = spans.find(text, &all());
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
                .find("send money to Zoe", &["shop".to_owned()].into())
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
        assert_eq!(Spans::train(&plain).expect("it trains"), None);
    }
}
