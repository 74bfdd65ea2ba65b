//! The model's shape, from its `config.json`.

use std::path::Path;

use serde::Deserialize;

use crate::error::Error;

/// Tokens of a text that count; the model was fine-tuned with this length.
pub(super) const MAX_TOKENS: usize = 128;

/// Shape and constants of a BERT encoder.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Config {
    #[serde(rename = "vocab_size")]
    pub(super) vocabulary: usize,
    #[serde(rename = "hidden_size")]
    pub(super) hidden: usize,
    #[serde(rename = "num_hidden_layers")]
    pub(super) layers: usize,
    #[serde(rename = "num_attention_heads")]
    pub(super) heads: usize,
    #[serde(rename = "intermediate_size")]
    pub(super) inner: usize,
    #[serde(rename = "max_position_embeddings")]
    pub(super) positions: usize,
    #[serde(rename = "layer_norm_eps")]
    pub(super) epsilon: f32,
    #[serde(rename = "hidden_act")]
    activation: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
}

fn absolute() -> String {
    "absolute".to_owned()
}

impl Config {
    /// Reads and checks; every later shape rests on it.
    pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let config: Self =
            serde_json::from_slice(bytes).map_err(|e| Error::model(path, e.to_string()))?;
        config.check().map_err(|why| Error::model(path, why))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let width = super::linear::WIDTH;
        if self.activation != "gelu" {
            return Err(format!(
                "hidden_act is {}, only gelu can be run",
                self.activation
            ));
        }
        if self.position_embedding_type != "absolute" {
            return Err(format!(
                "position_embedding_type is {}, only absolute can be run",
                self.position_embedding_type
            ));
        }
        if self.heads == 0 || self.hidden != self.heads * super::forward::HEAD {
            return Err(format!(
                "hidden_size {} with {} heads, only heads of {} can be run",
                self.hidden,
                self.heads,
                super::forward::HEAD
            ));
        }
        if !self.hidden.is_multiple_of(width)
            || !self.inner.is_multiple_of(width)
            || self.inner == 0
        {
            return Err(format!(
                "hidden_size {} and intermediate_size {} must be multiples of {width}",
                self.hidden, self.inner
            ));
        }
        if self.positions < MAX_TOKENS || self.vocabulary == 0 || self.layers == 0 {
            return Err(format!(
                "it needs layers, a vocabulary and at least {MAX_TOKENS} positions"
            ));
        }
        Ok(())
    }
}
