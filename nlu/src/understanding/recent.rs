//! What the encoder made of the last messages. Many customers say the same few words, and those have
//! been read before.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::Error;
use crate::encoder::Encoder;
use crate::vectors::{self, Look, Vectors};

/// Messages that are remembered; each takes some 7 KB, or 2 KB more a word where spans are learned.
const MOST: NonZeroUsize = NonZeroUsize::new(512).unwrap();
/// Longer messages, in bytes, don't come again.
const LONGEST: usize = 80;

/// The last messages.
#[derive(Debug)]
pub(super) struct Recent(Mutex<Of>);

#[derive(Debug)]
struct Of {
    /// Fingerprint of the encoder that read them.
    encoder: String,
    all: LruCache<String, Arc<Vectors>>,
}

impl Default for Recent {
    fn default() -> Self {
        Self(Mutex::new(Of {
            encoder: String::new(),
            all: LruCache::new(MOST),
        }))
    }
}

impl Recent {
    /// As `vectors::read`, but each text at most once, and not at all where it is remembered. `look` must be the
    /// same each time.
    pub(super) fn read(
        &self,
        encoder: &Encoder,
        look: Look<'_>,
        texts: &[&str],
    ) -> Result<Vec<Arc<Vectors>>, Error> {
        let mut found: Vec<Option<Arc<Vectors>>> = {
            let mut recent = self.of(encoder);
            let get = |text: &&str| recent.all.get(*text).cloned();
            texts.iter().map(get).collect()
        };
        let mut missing: Vec<&str> = Vec::new();
        for (text, found) in texts.iter().zip(&found) {
            if found.is_none() && !missing.contains(text) {
                missing.push(text);
            }
        }
        if !missing.is_empty() {
            // The lock is free meanwhile: nobody waits here for another's message.
            let read = vectors::read(encoder, look, &missing)?;
            let read: Vec<Arc<Vectors>> = read.into_iter().map(Arc::new).collect();
            let mut recent = self.of(encoder);
            for (text, vectors) in missing.iter().zip(&read) {
                let same = texts.iter().zip(&mut found).filter(|(t, _)| *t == text);
                same.for_each(|(_, found)| *found = Some(Arc::clone(vectors)));
                if text.len() <= LONGEST {
                    recent.all.put((*text).to_owned(), Arc::clone(vectors));
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Forgets them all.
    pub(super) fn clear(&self) {
        self.lock().all.clear();
    }

    /// Those that this encoder has read.
    fn of(&self, encoder: &Encoder) -> MutexGuard<'_, Of> {
        let mut recent = self.lock();
        if recent.encoder != encoder.fingerprint() {
            encoder.fingerprint().clone_into(&mut recent.encoder);
            recent.all.clear();
        }
        recent
    }

    fn lock(&self) -> MutexGuard<'_, Of> {
        // Whoever panicked left whole entries.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_model;

    #[test]
    fn a_message_is_read_once_and_the_same_as_anew() {
        let Some(encoder) = test_model::encoder() else {
            return;
        };
        let recent = Recent::default();
        let long = "far too long to come again ".repeat(4);
        let texts = ["yes", "block my card", "yes", &long];
        let first = recent
            .read(encoder, Look::default(), &texts)
            .expect("reads");
        let again = recent
            .read(encoder, Look::default(), &texts)
            .expect("reads");
        assert_eq!(first, again);
        assert!(Arc::ptr_eq(&first[0], &first[2]) && Arc::ptr_eq(&first[0], &again[0]));
        assert!(!Arc::ptr_eq(&first[3], &again[3]), "long ones aren't kept");
        let anew = vectors::read(encoder, Look::default(), &texts).expect("reads");
        assert!(
            anew.iter()
                .zip(&again)
                .all(|(anew, again)| *anew == **again)
        );
        recent.clear();
        let after = recent
            .read(encoder, Look::default(), &texts[..1])
            .expect("reads");
        assert!(!Arc::ptr_eq(&first[0], &after[0]) && first[0] == after[0]);
    }
}
