//! Learning on features of a fine-tuned encoder. It is sure of what it was tuned on, so that what is held
//! out for calibration has to come from an encoder that was tuned without it.

use super::training::Set;
use super::{Example, Head, Outside};
use crate::Error;
use crate::calibrate::HeldOut;

/// Texts as an encoder sees them that was tuned without some.
pub(crate) struct Part<'a> {
    /// All examples, with that encoder's features.
    pub(crate) examples: Vec<Example<'a>>,
    /// All other texts, likewise.
    pub(crate) outside: Vec<Outside<'a>>,
    /// Whether each, examples first, was held out.
    pub(crate) held_out: &'a [bool],
}

impl Head {
    /// As `train`, with the features of an encoder that was tuned on all texts, and calibration on what
    /// the parts held out.
    ///
    /// # Errors
    /// As `train`.
    pub(crate) fn train_tuned(
        (examples, outside): (&[Example<'_>], &[Outside<'_>]),
        parts: &[Part<'_>],
        width: usize,
    ) -> Result<Head, Error> {
        let set = Set::new(examples, outside, width)?;
        let mut held_out: Vec<(usize, HeldOut)> = Vec::new();
        for part in parts {
            let set = Set::new(&part.examples, &part.outside, width)?;
            held_out.extend(set.hold_out(part.held_out)?);
        }
        Head::finish(set, held_out)
    }
}
