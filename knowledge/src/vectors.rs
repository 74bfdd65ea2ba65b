//! Dense search: a flat, exact scan. Up to some hundred thousand passages nothing beats it, and
//! there is nothing to build or to tune.

/// L2-normalised vectors, row after row.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Vectors {
    dimensions: usize,
    rows: Vec<f32>,
}

impl Vectors {
    /// Takes rows of one width.
    pub(crate) fn new(rows: &[Vec<f32>]) -> Self {
        Self {
            dimensions: rows.first().map_or(0, Vec::len),
            rows: rows.concat(),
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len().checked_div(self.dimensions).unwrap_or(0)
    }

    /// Cosine of every row with `query`, in row order, `[rows]`.
    pub(crate) fn cosines(&self, query: &[f32]) -> Vec<f32> {
        if self.dimensions == 0 || query.len() != self.dimensions {
            return vec![0.0; self.len()];
        }
        self.rows
            .chunks_exact(self.dimensions)
            .map(|row| dot(row, query))
            .collect()
    }

    /// Little-endian: dimensions, then the rows.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = (self.dimensions as u64).to_le_bytes().to_vec();
        bytes.extend(self.rows.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    /// Reads [`Vectors::to_bytes`]; `None` when the bytes are not such.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        let dimensions = usize::try_from(u64::from_le_bytes(*head)).ok()?;
        let fits = if dimensions == 0 {
            rest.is_empty()
        } else {
            rest.len().is_multiple_of(dimensions * 4)
        };
        let rows = rest
            .as_chunks::<4>()
            .0
            .iter()
            .map(|chunk| f32::from_le_bytes(*chunk))
            .collect();
        fits.then_some(Self { dimensions, rows })
    }
}

/// Sixteen running sums: the compiler turns them into vector lanes, and the order of additions is
/// the same on every machine, so the result is too.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (a_blocks, a_rest) = a.as_chunks::<16>();
    let (b_blocks, b_rest) = b.as_chunks::<16>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..16 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let tail: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_and_survives_the_disk() {
        let vectors = Vectors::new(&[vec![1.0, 0.0], vec![0.6, 0.8]]);
        assert_eq!(vectors.cosines(&[0.0, 1.0]), [0.0, 0.8]);
        assert_eq!(Vectors::from_bytes(&vectors.to_bytes()), Some(vectors));
        assert_eq!(Vectors::from_bytes(b"half"), None);
        assert_eq!(Vectors::default().cosines(&[1.0]), Vec::<f32>::new());
    }
}
