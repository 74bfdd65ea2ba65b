//! Learned weights as bytes: a line of JSON that says what they are for, then the weights.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::features;
use super::linear::Linear;
use super::{Calibration, Head};
use crate::Error;

#[derive(Serialize, Deserialize)]
struct Front {
    classes: Vec<String>,
    /// Dense columns.
    dense: usize,
    /// Sparse columns.
    sparse: usize,
    calibration: Calibration,
}

impl Head {
    /// The head as bytes, the same for the same head.
    pub fn to_bytes(&self) -> Vec<u8> {
        let front = Front {
            classes: self.classes.clone(),
            dense: self.linear.dense(),
            sparse: features::COLUMNS,
            calibration: self.calibration,
        };
        pack(&front, &self.linear)
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
        let (front, weights): (Front, _) = unpack(bytes).map_err(bad)?;
        if front.sparse != features::COLUMNS {
            return Err(bad("it was written by another version".to_owned()));
        }
        let linear = Linear::new(front.classes.len() + 1, front.dense, front.sparse, weights)
            .ok_or_else(|| bad("it is cut short or has too much".to_owned()))?;
        Ok(Head {
            classes: front.classes,
            linear,
            calibration: front.calibration,
        })
    }
}

/// A front and its weights.
pub(crate) fn pack(front: &impl Serialize, linear: &Linear) -> Vec<u8> {
    // A struct of strings and numbers always becomes JSON.
    let mut out = serde_json::to_vec(front).unwrap_or_default();
    out.push(b'\n');
    out.extend(linear.weights().iter().flat_map(|w| w.to_le_bytes()));
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
