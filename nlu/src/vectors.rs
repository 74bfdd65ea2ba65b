//! What the heads see of a text: vectors that the encoder makes on the way.

use crate::Error;
use crate::acts::{Acts, Heard, Rows};
use crate::encoder::Encoder;
use crate::encoder::Upper;
use crate::sentiment::{Mood, Sentiment};

/// Layers below the last whose mean over the tokens the intents are learned from too, counted from the
/// top, and the length of each beside the embedding's of 1. The encoder was trained for likeness of
/// meaning, and its last layer has lost what its middle ones still tell apart: in a prototype on CLINC150
/// (trained on the training part, judged on the validation part) the last layer alone gave 96.7 %, with the
/// fourth layer 97.0, with the third and fourth 97.1, with the third to fifth 97.1.
const LOWER: [usize; 2] = [2, 3];
/// Length of a lower layer's share of the features.
const LOWER_LENGTH: f32 = 0.7;

/// A text in numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Vectors {
    /// Sentence embedding of the model's own layers, L2-normalised; what the retriever searches with.
    pub(crate) embedding: Vec<f32>,
    /// What intents are learned from: the sentence embedding (of the tuned layers where there are any),
    /// then the lower layers' means.
    pub(crate) features: Vec<f32>,
    /// `[tokens, dimension]` after the layer that was asked for.
    pub(crate) states: Vec<f32>,
    /// How the text sounds, where that was asked for.
    pub(crate) mood: Mood,
    /// The text in clauses, where that was asked for.
    pub(crate) heard: Heard,
}

/// How to look at texts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look<'u> {
    /// Tuned upper layers, where there are any.
    pub(crate) upper: Option<&'u Upper>,
    /// The number of layers after which the tokens' states are wanted too.
    pub(crate) states: Option<usize>,
    /// The head that judges how upset a text sounds.
    pub(crate) sentiment: Option<&'u Sentiment>,
    /// The head that says what is done in each clause.
    pub(crate) acts: Option<&'u Acts>,
}

/// What is seen on the way up.
#[derive(Default)]
struct Seen {
    lower: Vec<f32>,
    states: Vec<f32>,
    mood: Mood,
    /// The rows after each layer that the head of the acts looks at.
    acts: Rows,
}

/// The length of a text's features.
pub(crate) fn length(encoder: &Encoder) -> usize {
    encoder.dimension() * (1 + LOWER.len())
}

/// Reads texts with the encoder.
///
/// # Errors
/// A text can't be encoded, or the tuned layers belong to another model.
pub(crate) fn read(
    encoder: &Encoder,
    look: Look<'_>,
    texts: &[&str],
) -> Result<Vec<Vectors>, Error> {
    let layers = encoder.layers();
    let width = encoder.dimension();
    let acts = look.acts.map(Acts::layers).unwrap_or_default();
    let tap = |seen: &mut Seen, layer: usize, rows: &[f32]| {
        if LOWER.iter().any(|below| layer + below == layers) {
            let start = seen.lower.len();
            seen.lower.resize(start + width, 0.0);
            mean(rows, &mut seen.lower[start..]);
        }
        if look.states == Some(layer) {
            seen.states.extend_from_slice(rows);
        }
        if let Some(head) = look.sentiment.filter(|head| head.layer() == layer) {
            seen.mood = head.judge(rows);
        }
        if acts.contains(&layer) {
            seen.acts.insert(layer, rows.to_vec());
        }
    };
    let encoded = encoder.encode_tapped(texts, look.upper, &tap)?;
    encoded
        .into_iter()
        .zip(texts)
        .map(|((encoded, seen), text)| {
            let mut features = if look.upper.is_some() {
                encoded.tuned
            } else {
                encoded.base.clone()
            };
            features.extend(seen.lower);
            let heard = match look.acts {
                Some(head) => head.hear(text, &encoder.places(text)?, &seen.acts),
                None => Heard::default(),
            };
            Ok(Vectors {
                embedding: encoded.base,
                features,
                states: seen.states,
                mood: seen.mood,
                heard,
            })
        })
        .collect()
}

/// The mean of rows, scaled to the length of a lower layer's share.
fn mean(rows: &[f32], out: &mut [f32]) {
    for row in rows.chunks_exact(out.len().max(1)) {
        for (sum, x) in out.iter_mut().zip(row) {
            *sum += x;
        }
    }
    let length = out.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        out.iter_mut().for_each(|x| *x *= LOWER_LENGTH / length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model;

    #[test]
    fn means_have_their_length_whatever_the_number_of_rows() {
        let mut out = [0.0; 2];
        mean(&[3.0, 0.0, 0.0, 3.0], &mut out);
        let expected = LOWER_LENGTH / 2.0_f32.sqrt();
        assert!(out.iter().all(|x| (x - expected).abs() < 1e-6), "{out:?}");
        let mut none = [0.0; 2];
        mean(&[], &mut none);
        assert_eq!(none, [0.0, 0.0]);
    }

    #[test]
    fn the_embedding_comes_first_and_does_not_depend_on_the_batch() {
        let Some(encoder) = test_model::encoder() else {
            return;
        };
        let texts = ["block my card", "what's my balance", ""];
        let all = read(encoder, Look::default(), &texts).expect("they can be read");
        let width = encoder.dimension();
        for (text, vectors) in texts.iter().zip(&all) {
            assert_eq!(vectors.features.len(), length(encoder));
            assert_eq!(vectors.features[..width], vectors.embedding);
            let alone = read(encoder, Look::default(), &[text]).expect("it can be read");
            assert_eq!(alone[0], *vectors);
        }
    }
}
