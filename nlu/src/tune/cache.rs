//! What the frozen layers make of the texts, computed once.

use crate::Error;
use crate::encoder::{Encoder, Upper, quantise};

/// Texts that go through the encoder together.
const BATCH: usize = 256;

/// Rows of all texts, one after the other, in 16 bits with a scale a row: they are the largest thing in
/// memory while training, 11 KB for a text of 14 tokens.
#[derive(Debug, Default)]
pub(super) struct Cache {
    width: usize,
    integers: Vec<i16>,
    scales: Vec<f32>,
    /// Where each text's rows begin, and where the last one's end.
    starts: Vec<usize>,
}

impl Cache {
    /// Runs the encoder's first `layers` layers over the texts.
    pub(super) fn new(
        encoder: &Encoder,
        texts: &[&str],
        layers: usize,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Self, Error> {
        let width = encoder.dimension();
        let mut cache = Self {
            width,
            starts: vec![0],
            ..Self::default()
        };
        for batch in texts.chunks(BATCH) {
            for rows in encoder.states(batch, layers)? {
                for row in rows.chunks_exact(width) {
                    let (integers, scale) = quantise(row);
                    cache.integers.extend(integers);
                    cache.scales.push(scale);
                }
                cache.starts.push(cache.scales.len());
            }
            progress((cache.starts.len() - 1) as f64 / texts.len() as f64);
        }
        Ok(cache)
    }

    /// The number of texts.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Tokens of a text.
    pub(super) fn tokens(&self, text: usize) -> usize {
        self.starts[text + 1] - self.starts[text]
    }

    /// Appends a text's rows.
    pub(super) fn copy(&self, text: usize, out: &mut Vec<f32>) {
        for row in self.starts[text]..self.starts[text + 1] {
            let scale = self.scales[row];
            let integers = &self.integers[row * self.width..][..self.width];
            out.extend(integers.iter().map(|x| f32::from(*x) * scale));
        }
    }

    /// Vectors of some texts from tuned layers on top of the rows, in the texts' order.
    pub(super) fn embed(
        &self,
        encoder: &Encoder,
        upper: &Upper,
        texts: &[usize],
    ) -> Result<Vec<Vec<f32>>, Error> {
        let (mut rows, mut lengths) = (Vec::new(), Vec::new());
        for text in texts {
            self.copy(*text, &mut rows);
            lengths.push(self.tokens(*text));
        }
        encoder.encode_states(&rows, &lengths, upper)
    }
}
