//! When the tables of a sweep are written while its runs end.
//!
//! They have a row a run and an epoch, so writing them after each run is work that grows with the square
//! of the runs: of ten thousand it would take longer than training many of them.

use std::time::{Duration, Instant};

/// Up to so many runs the tables are written after each: they are small.
const FEW: usize = 500;
/// Of more, writing takes no more than this share of the time, one part in so many.
const SHARE: u32 = 20;

/// How long it is since the tables were written, and what that took.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<(Instant, Duration)>,
    is_behind: bool,
}

impl Pace {
    /// Whether the tables are to be written now that a run has ended, of so many that have a record.
    pub(super) fn is_time(&mut self, records: usize) -> bool {
        let is_early = self.last.is_some_and(|(when, took)| when.elapsed() < took * SHARE);
        self.is_behind = records > FEW && is_early;
        !self.is_behind
    }

    /// The tables were written, and it took so long.
    pub(super) fn wrote(&mut self, took: Duration) {
        (self.last, self.is_behind) = (Some((Instant::now(), took)), false);
    }

    /// Whether a run has ended that the tables do not have.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_few_runs_are_written_after_each() {
        let mut pace = Pace::default();
        pace.wrote(Duration::from_secs(3600));
        assert!(pace.is_time(FEW) && !pace.is_behind());
    }

    #[test]
    fn tables_of_many_are_written_when_that_takes_a_small_share_of_the_time() {
        let mut pace = Pace::default();
        assert!(pace.is_time(FEW + 1), "nothing was written yet");
        pace.wrote(Duration::from_secs(3600));
        assert!(!pace.is_time(FEW + 1) && pace.is_behind());
        pace.wrote(Duration::ZERO);
        assert!(!pace.is_behind() && pace.is_time(FEW + 1));
    }
}
