//! Chance that is the same in every run.

/// Numbers that look like chance and follow from a seed.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// From 0 to `sides - 1`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides
    }
}
