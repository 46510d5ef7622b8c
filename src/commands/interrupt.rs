//! Signals that ask for an end: a first one has the runs in hand stop after their steps, each with a
//! checkpoint, and a second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::sweep::Stop;

/// The exit code of a sweep that was stopped: that of shells for one ended by Ctrl-C.
pub(super) const EXIT_CODE: u8 = 130;

/// Has Ctrl-C, and a scheduler's or a person's SIGTERM, stop a sweep.
///
/// # Errors
/// What the kernel reports.
pub(super) fn as_sweep(stop: &Stop) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, EXIT_CODE.into(), stop.flag())?;
        flag::register(signal, stop.flag())?;
    }
    Ok(())
}

/// Has a task of a cluster stop on SIGTERM. It may come more than once, from the scheduler and from the
/// task's script, and asks for the same each time; what has waited long enough sends SIGKILL.
///
/// # Errors
/// What the kernel reports.
pub(super) fn as_task(stop: &Stop) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, stop.flag())?;
    }
    Ok(())
}

/// Has a worker stop when its sweep says so, by SIGTERM. A terminal sends Ctrl-C to both; what
/// becomes of it is for the sweep to say.
///
/// # Errors
/// What the kernel reports.
pub(super) fn as_worker(stop: &Stop) -> io::Result<()> {
    flag::register(SIGTERM, stop.flag())?;
    flag::register(SIGINT, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}
