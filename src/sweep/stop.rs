//! The word that a sweep is to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Says that a sweep is to stop after the steps in hand. Clones are of one word.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Says it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was said. Costs next to nothing.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// What it is kept in, for a signal to set.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
