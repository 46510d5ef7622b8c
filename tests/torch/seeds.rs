//! libtorch's generator is one for the whole process, and so is its seed.

use std::sync::{Mutex, MutexGuard, PoisonError};

static SEEDED: Mutex<()> = Mutex::new(());

/// Keeps other tests from drawing until the guard is dropped.
pub fn alone() -> MutexGuard<'static, ()> {
    SEEDED.lock().unwrap_or_else(PoisonError::into_inner)
}
