//! Upper layers that replace the model's own: what fine-tuning makes of them. The lower layers stay
//! shared, so that many tuned bots in one process cost little more than one.

use super::Precision;
use super::config::Config;
use super::layer::{DenseWeights, Layer, LayerWeights, Norm};
use super::linear::{WIDTH, quantise};
use crate::Error;

/// First bytes of stored layers; another version of the format has others.
const MAGIC: &[u8; 8] = b"bhupper1";

/// Tuned layers that take the place of an encoder's last ones.
#[derive(Debug)]
pub struct Upper {
    /// Layers of the encoder that stay below.
    first: usize,
    width: usize,
    inner: usize,
    pub(super) layers: Vec<Layer>,
    /// As `to_bytes` gives them: weights in 16 bits with a scale an output.
    bytes: Vec<u8>,
}

impl Upper {
    /// Packs layers that follow an encoder's first `first`, to be run at this precision.
    pub(crate) fn new(
        first: usize,
        layers: &[LayerWeights],
        precision: Precision,
    ) -> Result<Self, Error> {
        let width = layers.first().map_or(0, |l| l.norm.gain.len());
        let inner = layers.first().map_or(0, |l| l.up.bias.len());
        let mut bytes = MAGIC.to_vec();
        for number in [first, layers.len(), width, inner] {
            bytes.extend((number as u64).to_le_bytes());
        }
        for layer in layers {
            write_dense(&layer.qkv, &mut bytes);
            write_dense(&layer.output, &mut bytes);
            write_norm(&layer.attention_norm, &mut bytes);
            write_dense(&layer.up, &mut bytes);
            write_dense(&layer.down, &mut bytes);
            write_norm(&layer.norm, &mut bytes);
        }
        // Run what will be read back, so that both give the same vectors to the last bit.
        Self::from_bytes(&bytes, precision)
    }

    /// The layers as bytes, the same for the same layers; about 3.6 MB a layer of the usual model.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads `to_bytes` back, to be run at this precision.
    ///
    /// # Errors
    /// The bytes are of another version, cut short or not layers at all.
    pub fn from_bytes(bytes: &[u8], precision: Precision) -> Result<Self, Error> {
        let mut rest = Rest(bytes);
        if rest.take(MAGIC.len())? != MAGIC {
            return Err(bad("they were written by another version"));
        }
        let (first, count) = (rest.number()?, rest.number()?);
        let (width, inner) = (rest.number()?, rest.number()?);
        let packs = |n: usize| n.is_multiple_of(WIDTH) && (1..=1 << 16).contains(&n);
        if !packs(width) || !packs(inner) || count > 1000 || first > 1000 {
            return Err(bad("their shape can't be run"));
        }
        let mut layers = Vec::with_capacity(count);
        for _ in 0..count {
            let layer = LayerWeights {
                qkv: rest.dense(width, 3 * width)?,
                output: rest.dense(width, width)?,
                attention_norm: rest.norm(width)?,
                up: rest.dense(width, inner)?,
                down: rest.dense(inner, width)?,
                norm: rest.norm(width)?,
            };
            layers.push(Layer::pack(&layer, precision));
        }
        if !rest.0.is_empty() {
            return Err(bad("there is more than was announced"));
        }
        Ok(Self {
            first,
            width,
            inner,
            layers,
            bytes: bytes.to_vec(),
        })
    }

    /// Layers of the encoder that stay below these.
    #[must_use]
    pub fn first(&self) -> usize {
        self.first
    }

    /// An error where they don't fit on an encoder of this shape.
    pub(super) fn check(&self, config: &Config) -> Result<(), Error> {
        let same = self.width == config.hidden && self.inner == config.inner;
        if same && self.first + self.layers.len() == config.layers {
            Ok(())
        } else {
            Err(bad("they belong to another sentence model"))
        }
    }
}

fn bad(why: &str) -> Error {
    Error::Saved {
        what: "tuned layers",
        why: why.to_owned(),
    }
}

fn write_dense(dense: &DenseWeights, out: &mut Vec<u8>) {
    let inputs = dense.weight.len() / dense.bias.len().max(1);
    for row in dense.weight.chunks_exact(inputs.max(1)) {
        let (integers, scale) = quantise(row);
        out.extend(scale.to_le_bytes());
        out.extend(integers.into_iter().flat_map(i16::to_le_bytes));
    }
    write_floats(&dense.bias, out);
}

fn write_norm(norm: &Norm, out: &mut Vec<u8>) {
    write_floats(&norm.gain, out);
    write_floats(&norm.shift, out);
}

fn write_floats(floats: &[f32], out: &mut Vec<u8>) {
    out.extend(floats.iter().flat_map(|x| x.to_le_bytes()));
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .0
            .split_at_checked(n)
            .ok_or_else(|| bad("they are cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<usize, Error> {
        let bytes: [u8; 8] = self.take(8)?.try_into().unwrap_or_default();
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| bad("a number is too large"))
    }

    fn floats(&mut self, n: usize) -> Result<Vec<f32>, Error> {
        let (floats, _) = self.take(n * 4)?.as_chunks::<4>();
        Ok(floats.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    fn dense(&mut self, inputs: usize, outputs: usize) -> Result<DenseWeights, Error> {
        let mut weight = Vec::new();
        for _ in 0..outputs {
            let scale = self.floats(1)?[0];
            let (integers, _) = self.take(inputs * 2)?.as_chunks::<2>();
            let row = integers
                .iter()
                .map(|b| f32::from(i16::from_le_bytes(*b)) * scale);
            weight.extend(row);
        }
        Ok(DenseWeights {
            weight,
            bias: self.floats(outputs)?,
        })
    }

    fn norm(&mut self, width: usize) -> Result<Norm, Error> {
        Ok(Norm {
            gain: self.floats(width)?,
            shift: self.floats(width)?,
        })
    }
}
