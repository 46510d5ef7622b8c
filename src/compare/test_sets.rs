//! Which runs were tested on the same images: every test set is kept once, and goes by a number.

use std::sync::{Mutex, PoisonError};

/// The classes of the images of every test set that is met, from any thread.
#[derive(Debug, Default)]
pub(super) struct TestSets(Mutex<Vec<Vec<u8>>>);

impl TestSets {
    /// The number of a test set; one that is new is kept.
    pub(super) fn number(&self, labels: Vec<u8>) -> usize {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sets.iter().position(|set| *set == labels).unwrap_or_else(|| {
            sets.push(labels);
            sets.len() - 1
        })
    }

    /// All of them, by their numbers.
    pub(super) fn all(self) -> Vec<Vec<u8>> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
