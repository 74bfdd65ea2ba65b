//! Text to token numbers with the model's own `tokenizer.json`.

use std::path::Path;

use tokenizers::TruncationParams;

use super::config::{Config, MAX_TOKENS};
use crate::beginning;
use crate::error::Error;

/// The model's word pieces.
#[derive(Debug)]
pub(super) struct Tokenizer(tokenizers::Tokenizer);

impl Tokenizer {
    /// Reads it and turns padding off: sentences of a batch are never padded.
    pub(super) fn read(path: &Path, bytes: &[u8], config: &Config) -> Result<Self, Error> {
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes)
            .map_err(|e| Error::model(path, e.to_string()))?;
        let highest = inner.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if highest >= config.vocabulary {
            return Err(Error::model(
                path,
                format!(
                    "token {highest} lies outside the model's {} tokens",
                    config.vocabulary
                ),
            ));
        }
        inner.with_padding(None);
        let cut = TruncationParams {
            max_length: MAX_TOKENS,
            ..TruncationParams::default()
        };
        inner
            .with_truncation(Some(cut))
            .map_err(|e| Error::model(path, e.to_string()))?;
        Ok(Self(inner))
    }

    /// The byte range of each token in the text; an empty one for the start and end marks.
    pub(super) fn places(&self, text: &str) -> Result<Vec<(usize, usize)>, Error> {
        let text = beginning(text);
        match self.0.encode(text, true) {
            Ok(encoding) => Ok(encoding.get_offsets().to_vec()),
            Err(e) => Err(Error::Tokenize {
                bytes: text.len(),
                why: e.to_string(),
            }),
        }
    }

    /// Token numbers with the start and end marks, at most [`MAX_TOKENS`].
    pub(super) fn ids(&self, text: &str) -> Result<Vec<u32>, Error> {
        let text = beginning(text);
        match self.0.encode_fast(text, true) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(e) => Err(Error::Tokenize {
                bytes: text.len(),
                why: e.to_string(),
            }),
        }
    }
}
