//! Weights as bytes: eight bits each, with one scale a row.

use serde::{Deserialize, Serialize};

/// Rows of weights, each a whole number from -127 to 127 times the row's scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Packed {
    scale: Vec<f32>,
    /// Two hexadecimal digits for each weight, two's complement.
    weights: String,
}

impl Packed {
    /// Rounds rows of equal `width`.
    pub(super) fn new(rows: &[f32], width: usize) -> Self {
        let (mut scale, mut bytes) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows.chunks_exact(width) {
            let largest = row.iter().fold(1e-9f32, |most, x| most.max(x.abs()));
            let unit = rounded(f64::from(largest) / 127.0, 6).max(1e-6);
            #[expect(clippy::cast_possible_truncation, reason = "between -127 and 127")]
            let whole = |x: &f32| (x / unit).round().clamp(-127.0, 127.0) as i8;
            bytes.extend(row.iter().map(|x| whole(x).cast_unsigned()));
            scale.push(unit);
        }
        Self {
            scale,
            weights: hex::encode(bytes),
        }
    }

    /// The weights; nothing where they aren't `rows` rows of `width`.
    pub(super) fn weights(&self, rows: usize, width: usize) -> Option<Vec<f32>> {
        let bytes = hex::decode(&self.weights).ok()?;
        if self.scale.len() != rows || bytes.len() != rows * width {
            return None;
        }
        let rows = bytes.chunks_exact(width).zip(&self.scale);
        Some(
            rows.flat_map(|(row, scale)| {
                row.iter().map(move |b| f32::from(b.cast_signed()) * scale)
            })
            .collect(),
        )
    }
}

/// That many decimals: the file stays small.
#[expect(clippy::cast_possible_truncation, reason = "weights are small")]
pub(super) fn rounded(x: f64, decimals: i32) -> f32 {
    let unit = 10f64.powi(decimals);
    ((x * unit).round() / unit) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_come_back_nearly_the_same() {
        let rows = [0.5, -1.27, 0.01, 0.0, 12.7, -3.0];
        let packed = Packed::new(&rows, 3);
        let back = packed.weights(2, 3).expect("two rows of three");
        for (found, (wanted, step)) in back
            .iter()
            .zip(rows.iter().zip([0.01f32; 3].iter().chain(&[0.1; 3])))
        {
            assert!(
                (found - wanted).abs() <= step / 2.0 + 1e-3,
                "{found} {wanted}"
            );
        }
        assert!(packed.weights(3, 2).is_none());
        assert_eq!(Packed::new(&back, 3), packed);
    }
}
