//! A head as bytes: a line of JSON that says what follows, then the weights.

use serde::{Deserialize, Serialize};

use super::features;
use super::linear::Linear;
use super::{Calibration, Head};
use crate::Error;

/// Changes whenever a head is stored or computed in another way.
pub(crate) const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Front {
    version: u32,
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
            version: VERSION,
            classes: self.classes.clone(),
            dense: self.linear.dense(),
            sparse: features::COLUMNS,
            calibration: self.calibration,
        };
        // A struct of strings and numbers always becomes JSON.
        let mut out = serde_json::to_vec(&front).unwrap_or_default();
        out.push(b'\n');
        out.extend(self.linear.weights().iter().flat_map(|w| w.to_le_bytes()));
        out
    }

    /// Reads `to_bytes` back.
    ///
    /// # Errors
    /// The bytes are of another version, cut short or not a head at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Head, Error> {
        let end = bytes
            .iter()
            .position(|b| *b == b'\n')
            .ok_or_else(|| bad("it has no front"))?;
        let front: Front =
            serde_json::from_slice(&bytes[..end]).map_err(|error| bad(&error.to_string()))?;
        if front.version != VERSION || front.sparse != features::COLUMNS {
            return Err(bad("it was written by another version"));
        }
        let (weights, rest) = bytes[end + 1..].as_chunks::<4>();
        let weights: Vec<f32> = weights.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let linear = Linear::new(front.classes.len() + 1, front.dense, front.sparse, weights)
            .filter(|_| rest.is_empty())
            .ok_or_else(|| bad("it is cut short or has too much"))?;
        Ok(Head {
            classes: front.classes,
            linear,
            calibration: front.calibration,
        })
    }
}

fn bad(why: &str) -> Error {
    Error::Saved {
        what: "intents",
        why: why.to_owned(),
    }
}
