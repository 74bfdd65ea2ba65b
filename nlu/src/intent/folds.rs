//! Parts of the training texts that are held out in turn.

use crate::random::Random;

/// Gives every row a fold below `folds`, so that the rows of each label are spread evenly; the seed
/// alone decides how.
pub(crate) fn spread(labels: &[usize], classes: usize, folds: usize, seed: u64) -> Vec<usize> {
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (row, label) in labels.iter().enumerate() {
        of_class[*label].push(row);
    }
    let mut random = Random(seed);
    let mut out = vec![0; labels.len()];
    for (class, rows) in of_class.iter_mut().enumerate() {
        random.shuffle(rows);
        // Classes begin at different folds, or the first ones would be the biggest.
        for (at, row) in rows.iter().enumerate() {
            out[*row] = (at + class) % folds;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fold_has_its_share_of_every_class() {
        let labels: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let folds = spread(&labels, 3, 4, 7);
        for class in 0..3 {
            for fold in 0..4 {
                let share = (0..60)
                    .filter(|i| labels[*i] == class && folds[*i] == fold)
                    .count();
                assert_eq!(share, 5);
            }
        }
        assert_eq!(folds, spread(&labels, 3, 4, 7));
        assert_ne!(folds, spread(&labels, 3, 4, 8));
    }
}
