//! The model's numbers, packed for the forward pass.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::Precision;
use super::config::{Config, MAX_TOKENS};
use super::layer::{DenseWeights, Layer, LayerWeights, Norm};
use super::linear::quantise;
use crate::error::Error;

/// Everything the forward pass reads.
#[derive(Debug)]
pub(super) struct Weights {
    pub(super) config: Config,
    /// `[vocabulary, hidden]`, 16-bit with a scale a token, because it is the largest part and only a
    /// few rows of it are ever used together.
    words: Vec<i16>,
    word_scale: Vec<f32>,
    /// `[positions, hidden]`, with the one sentence type that is used added.
    positions: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) layers: Vec<Layer>,
}

impl Weights {
    /// Takes the tensors that the configuration calls for out of the file.
    pub(super) fn read(
        path: &Path,
        bytes: &[u8],
        config: Config,
        precision: Precision,
    ) -> Result<Self, Error> {
        let file =
            SafeTensors::deserialize(bytes).map_err(|e| Error::model(path, e.to_string()))?;
        let read = Reader { path, file };
        let hidden = config.hidden;
        let (words, word_scale) = read.words(&config)?;
        let mut positions = read.tensor(
            "embeddings.position_embeddings.weight",
            &[config.positions, hidden],
        )?;
        positions.truncate(MAX_TOKENS * hidden);
        let kinds = read.raw("embeddings.token_type_embeddings.weight")?;
        let first = kinds.get(..hidden * 4).ok_or_else(|| {
            Error::model(path, "embeddings.token_type_embeddings.weight is too short")
        })?;
        for row in positions.chunks_exact_mut(hidden) {
            for (x, kind) in row.iter_mut().zip(floats(first)) {
                *x += kind;
            }
        }
        let norm = read.norm("embeddings.LayerNorm", hidden)?;
        let layers = (0..config.layers)
            .map(|i| Ok(Layer::pack(&read.layer(i, &config)?, precision)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            config,
            words,
            word_scale,
            positions,
            norm,
            layers,
        })
    }

    /// The weights of the layers from `first` on as the file has them.
    pub(super) fn read_layers(
        path: &Path,
        bytes: &[u8],
        config: &Config,
        first: usize,
    ) -> Result<Vec<LayerWeights>, Error> {
        let file =
            SafeTensors::deserialize(bytes).map_err(|e| Error::model(path, e.to_string()))?;
        let read = Reader { path, file };
        (first..config.layers)
            .map(|i| read.layer(i, config))
            .collect()
    }

    /// Writes the sum of a token's, its position's and its type's embedding.
    #[inline(always)]
    pub(super) fn embed(&self, token: u32, position: usize, out: &mut [f32]) {
        let hidden = self.config.hidden;
        let token = token as usize;
        let word = &self.words[token * hidden..][..hidden];
        let place = &self.positions[position * hidden..][..hidden];
        let scale = self.word_scale[token];
        for ((x, word), place) in out.iter_mut().zip(word).zip(place) {
            *x = f32::from(*word) * scale + place;
        }
    }
}

struct Reader<'a> {
    path: &'a Path,
    file: SafeTensors<'a>,
}

impl<'a> Reader<'a> {
    /// The bytes of a tensor of 32-bit floats.
    fn raw(&self, name: &str) -> Result<&'a [u8], Error> {
        let tensor = self
            .file
            .tensor(name)
            .map_err(|e| Error::model(self.path, format!("{name}: {e}")))?;
        if tensor.dtype() != Dtype::F32 {
            let why = format!("{name} holds {:?}, only F32 can be read", tensor.dtype());
            return Err(Error::model(self.path, why));
        }
        Ok(tensor.data())
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let data = self.raw(name)?;
        let found = self
            .file
            .tensor(name)
            .map(|t| t.shape().to_vec())
            .unwrap_or_default();
        if found != shape {
            let why = format!("{name} has shape {found:?}, config.json calls for {shape:?}");
            return Err(Error::model(self.path, why));
        }
        Ok(floats(data).collect())
    }

    fn words(&self, config: &Config) -> Result<(Vec<i16>, Vec<f32>), Error> {
        let name = "embeddings.word_embeddings.weight";
        let data = self.raw(name)?;
        let row = config.hidden * 4;
        if data.len() != config.vocabulary * row {
            return Err(Error::model(
                self.path,
                format!("{name} does not have config.json's shape"),
            ));
        }
        let mut words = Vec::with_capacity(config.vocabulary * config.hidden);
        let mut scales = Vec::with_capacity(config.vocabulary);
        for row in data.chunks_exact(row) {
            let (integers, scale) = quantise(&floats(row).collect::<Vec<_>>());
            words.extend(integers);
            scales.push(scale);
        }
        Ok((words, scales))
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, Error> {
        Ok(Norm {
            gain: self.tensor(&format!("{name}.weight"), &[width])?,
            shift: self.tensor(&format!("{name}.bias"), &[width])?,
        })
    }

    fn dense(&self, name: &str, inputs: usize, outputs: usize) -> Result<DenseWeights, Error> {
        Ok(DenseWeights {
            weight: self.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: self.tensor(&format!("{name}.bias"), &[outputs])?,
        })
    }

    fn layer(&self, i: usize, config: &Config) -> Result<LayerWeights, Error> {
        let (hidden, inner) = (config.hidden, config.inner);
        let name = format!("encoder.layer.{i}");
        let mut qkv = DenseWeights::default();
        for part in ["query", "key", "value"] {
            let part = self.dense(&format!("{name}.attention.self.{part}"), hidden, hidden)?;
            qkv.weight.extend(part.weight);
            qkv.bias.extend(part.bias);
        }
        Ok(LayerWeights {
            qkv,
            output: self.dense(&format!("{name}.attention.output.dense"), hidden, hidden)?,
            attention_norm: self.norm(&format!("{name}.attention.output.LayerNorm"), hidden)?,
            up: self.dense(&format!("{name}.intermediate.dense"), hidden, inner)?,
            down: self.dense(&format!("{name}.output.dense"), inner, hidden)?,
            norm: self.norm(&format!("{name}.output.LayerNorm"), hidden)?,
        })
    }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
}
