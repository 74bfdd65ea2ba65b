//! Learned weights as bytes: a line of JSON that says what they are for, then the weights.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::features;
use super::linear::Linear;
use super::{Head, Model};
use crate::Error;
use crate::calibrate::Calibration;
use crate::conformal::Conformal;
use crate::cuts::Cuts;

#[derive(Serialize, Deserialize)]
struct Front {
    classes: Vec<String>,
    /// Dense columns.
    dense: usize,
    /// Length of an embedding.
    width: usize,
    /// Length of the n-gram half of the features.
    ngrams: f32,
    /// Whether there are prototypes.
    tuned: bool,
    /// Sparse columns.
    sparse: usize,
    calibration: Calibration,
    cuts: Cuts,
    conformal: Conformal,
}

impl Head {
    /// The head as bytes, the same for the same head.
    pub fn to_bytes(&self) -> Vec<u8> {
        let front = Front {
            classes: self.classes.clone(),
            dense: self.model.linear.dense(),
            width: self.model.width,
            ngrams: self.model.ngrams,
            tuned: !self.model.prototypes.is_empty(),
            sparse: features::COLUMNS,
            calibration: self.calibration,
            cuts: self.cuts.clone(),
            conformal: self.conformal.clone(),
        };
        let model = &self.model;
        let linear = model.linear.weights();
        pack(&front, &[&linear, &model.centres, &model.prototypes])
    }

    /// Reads `to_bytes` back.
    ///
    /// # Errors
    /// The bytes are of another version, cut short or not a head at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Head, Error> {
        let bad = |why: String| Error::Saved {
            what: "intents",
            why,
        };
        let (front, mut weights): (Front, Vec<f32>) = unpack(bytes).map_err(bad)?;
        if front.sparse != features::COLUMNS {
            return Err(bad("it was written by another version".to_owned()));
        }
        let classes = front.classes.len();
        let mut tail = |rows: usize| {
            let length = rows.checked_mul(front.width)?;
            Some(weights.split_off(weights.len().checked_sub(length)?))
        };
        let prototypes = tail(if front.tuned { classes + 1 } else { 0 });
        let (Some(prototypes), Some(centres)) = (prototypes, tail(classes)) else {
            return Err(bad("it is cut short".to_owned()));
        };
        let linear = Linear::new(classes + 1, front.dense, front.sparse, &weights)
            .ok_or_else(|| bad("it is cut short or has too much".to_owned()))?;
        let model = Model {
            linear,
            centres,
            prototypes,
            width: front.width,
            ngrams: front.ngrams,
        };
        Ok(Head {
            classes: front.classes,
            model,
            calibration: front.calibration,
            cuts: front.cuts,
            conformal: front.conformal,
        })
    }
}

/// A front and its weights.
pub(crate) fn pack(front: &impl Serialize, weights: &[&[f32]]) -> Vec<u8> {
    // A struct of strings and numbers always becomes JSON.
    let mut out = serde_json::to_vec(front).unwrap_or_default();
    out.push(b'\n');
    out.extend(
        weights
            .iter()
            .copied()
            .flatten()
            .flat_map(|w| w.to_le_bytes()),
    );
    out
}

/// Reads `pack` back, or says what is wrong.
pub(crate) fn unpack<F: DeserializeOwned>(bytes: &[u8]) -> Result<(F, Vec<f32>), String> {
    let end = bytes
        .iter()
        .position(|b| *b == b'\n')
        .ok_or("it has no front")?;
    let front = serde_json::from_slice(&bytes[..end]).map_err(|error| error.to_string())?;
    match bytes[end + 1..].as_chunks::<4>() {
        (weights, []) => Ok((
            front,
            weights.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        )),
        _ => Err("it is cut short".to_owned()),
    }
}
