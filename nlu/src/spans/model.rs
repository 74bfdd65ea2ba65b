//! The tagger's weights and what they make of a text.

use candle_core::{Device, Error, Tensor};

use super::crf::Chain;
use super::table::Table;

/// Emissions from words and their states, and a chain over the tags.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    /// Weights of what is seen of a word.
    pub(super) table: Table,
    /// Weights of one tag after another.
    pub(super) chain: Chain,
    /// Weights of a word's state, `[width, tags]`.
    pub(super) dense: Vec<f32>,
    /// `[tags]`.
    pub(super) bias: Vec<f32>,
}

impl Model {
    /// Emissions of one text, `[words, tags]`, from the features of its words and their states,
    /// `[words, width]`.
    pub(super) fn emissions(&self, keys: &[Vec<u32>], states: &[f32]) -> Vec<f32> {
        let tags = self.bias.len();
        let width = self.dense.len() / tags;
        let mut out = Vec::with_capacity(keys.len() * tags);
        for (at, keys) in keys.iter().enumerate() {
            let first = out.len();
            out.extend_from_slice(&self.bias);
            let row = &mut out[first..];
            keys.iter().for_each(|key| self.table.add(*key, row));
            let state = states.get(at * width..(at + 1) * width).unwrap_or_default();
            add_state(state, &self.dense, row);
        }
        out
    }

    /// What states of many words say alone, `[words, tags]`.
    pub(super) fn emissions_of(&self, states: &[f32], words: usize) -> Result<Vec<f32>, Error> {
        let tags = self.bias.len();
        let width = self.dense.len() / tags;
        let mut rows: Vec<f32> = if width == 0 {
            vec![0.0; words * tags]
        } else {
            let states = Tensor::from_slice(states, (words, width), &Device::Cpu)?;
            let weights = Tensor::from_slice(&self.dense, (width, tags), &Device::Cpu)?;
            states.matmul(&weights)?.flatten_all()?.to_vec1()?
        };
        for row in rows.chunks_exact_mut(tags) {
            row.iter_mut().zip(&self.bias).for_each(|(e, b)| *e += b);
        }
        Ok(rows)
    }
}

/// `row += state * weights`, four numbers of the state at a time: a row is read and written once for
/// four rows of weights.
fn add_state(state: &[f32], weights: &[f32], row: &mut [f32]) {
    let tags = row.len();
    let (fours, rest) = state.as_chunks::<4>();
    let (head, tail) = weights.split_at((fours.len() * 4 * tags).min(weights.len()));
    for ([a, b, c, d], w) in fours.iter().zip(head.chunks_exact(4 * tags)) {
        let (wa, w) = w.split_at(tags);
        let (wb, w) = w.split_at(tags);
        let (wc, wd) = w.split_at(tags);
        let fours = wa.iter().zip(wb).zip(wc).zip(wd);
        for (e, (((wa, wb), wc), wd)) in row.iter_mut().zip(fours) {
            *e += (a * wa + b * wb) + (c * wc + d * wd);
        }
    }
    for (x, w) in rest.iter().zip(tail.chunks_exact(tags)) {
        row.iter_mut().zip(w).for_each(|(e, w)| *e += x * w);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_say_the_same_of_one_text_and_of_many() {
        let model = Model {
            table: Table::default(),
            chain: Chain::zero(3),
            dense: (0..18).map(|i| (i as f32).sin()).collect(),
            bias: vec![0.5, -0.5, 0.0],
        };
        let states: Vec<f32> = (0..12).map(|i| (i as f32).cos()).collect();
        let one = model.emissions(&[Vec::new(), Vec::new()], &states);
        let many = model.emissions_of(&states, 2).expect("a product");
        assert_eq!(one.len(), 6);
        for (a, b) in one.iter().zip(&many) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
}
