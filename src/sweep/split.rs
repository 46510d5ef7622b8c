//! How the runs of a sweep share the threads of a machine: one after another with all of them, or
//! several at once with fewer each, whichever is measured to be faster.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::records::Facts;

/// How many runs train at the same time, and with how many threads each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Runs at the same time.
    pub jobs: u32,
    /// CPU threads of each within an operation.
    pub threads: u32,
}

impl Split {
    /// So many runs at a time that share so many threads.
    pub fn of(jobs: u32, threads: u32) -> Self {
        Self { jobs, threads: (threads / jobs.max(1)).max(1) }
    }

    /// The ways to share `threads`, by runs at a time: 1, 2, 4 and so on. `fixed` is the number of
    /// threads of a run where that is settled; `runs` are as many as are to be trained.
    pub fn candidates(threads: u32, fixed: Option<u32>, runs: usize) -> Vec<Self> {
        let most = (threads / fixed.unwrap_or(1).max(1)).max(1);
        let powers = (0..32).map(|power| 1_u32 << power);
        let jobs = powers.take_while(|&jobs| jobs <= most && jobs as usize <= runs.max(1));
        jobs.map(|jobs| match fixed {
            Some(threads) => Self { jobs, threads },
            None => Self::of(jobs, threads),
        })
        .collect()
    }
}

/// What a run costs, as far as it can be known before it trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of a forward pass of one image.
    pub macs: u64,
    /// Images that it trains on, all epochs together.
    pub images: u64,
    /// Bytes of memory at its peak.
    pub memory: u64,
}

impl Cost {
    /// The cost of a run of so many epochs.
    pub fn of(facts: &Facts, epochs: u32) -> Self {
        let macs = facts.macs.max(1);
        let images = facts.train_images.saturating_mul(u64::from(epochs));
        Self { macs, images, memory: memory(facts) }
    }

    fn work(&self) -> f64 {
        self.macs as f64 * self.images as f64
    }
}

/// Bytes that a process takes at most, so as to rather say too much: libtorch, the images twice,
/// weights with gradients and state of the optimiser, activations with their gradients.
fn memory(facts: &Facts) -> u64 {
    let images = (facts.train_images + facts.test_images).saturating_mul(2 * 3072);
    let weights = facts.params.saturating_mul(5 * 4);
    let batch = facts.activation_bytes.unwrap_or(0).saturating_mul(u64::from(facts.batch));
    BASE.saturating_add(images).saturating_add(weights).saturating_add(batch.saturating_mul(2))
}

/// What libtorch takes before it has tensors, bytes, and what the allocator keeps.
const BASE: u64 = 500_000_000;

/// Training takes three times the multiply-accumulates of a forward pass; a thread does about so
/// many a second. Only good to tell seconds from minutes.
const MACS_PER_S: f64 = 10e9;

/// Sweeps that are over sooner than this, in seconds, are not worth a measurement, which takes some five:
/// they start at once.
const SHORT: f64 = 300.0;

/// Whether runs will be over before a measurement pays.
pub fn is_short(costs: &[Cost], threads: u32) -> bool {
    let work: f64 = costs.iter().map(Cost::work).sum();
    3.0 * work / (MACS_PER_S * f64::from(threads)) < SHORT
}

/// Measures how fast runs are.
pub trait Stopwatch {
    /// Training images a second of the run at this place, while `split.jobs` runs like it go on at
    /// the same time with `split.threads` each.
    ///
    /// # Errors
    /// Why it cannot be done, such as a lack of memory.
    fn images_per_s(&mut self, run: usize, split: Split) -> Result<f64, String>;
}

/// A way to share the threads that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Runs at the same time.
    pub jobs: u32,
    /// CPU threads of each.
    pub threads: u32,
    /// Seconds that training would take in all, by what was measured.
    pub train_s: f64,
    /// Images a second that each run trained of the largest network and of the smallest.
    pub images_per_s: (f64, f64),
}

/// The outcome of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The best.
    pub split: Split,
    /// All that were measured, in order.
    pub measured: Vec<Measured>,
    /// Why the next was not measured, unless it was not worth it.
    pub ended: Option<String>,
}

/// A way is taken only where it takes less than this share of the time of the best before it: what
/// is no faster than it can be measured is not worth the memory.
const MARGIN: f64 = 0.95;

/// Measures ways to share the threads, in order, as long as each is faster than the one before it
/// and `memory` bytes are enough for it. The first is taken where none can be measured.
pub fn calibrate(
    costs: &[Cost],
    candidates: &[Split],
    memory: Option<u64>,
    watch: &mut dyn Stopwatch,
) -> Calibration {
    let first = candidates.first().copied().unwrap_or(Split { jobs: 1, threads: 1 });
    let mut found = Calibration { split: first, measured: Vec::new(), ended: None };
    let mut best = f64::INFINITY;
    for &split in candidates {
        if let Some(reason) = too_large(costs, split.jobs, memory).filter(|_| split.jobs > 1) {
            found.ended = Some(reason);
            break;
        }
        match measure(costs, split, watch) {
            Ok(measured) if measured.train_s < MARGIN * best => {
                (found.split, best) = (split, measured.train_s);
                found.measured.push(measured);
            }
            Ok(measured) => {
                found.measured.push(measured);
                break;
            }
            Err(reason) => {
                found.ended = Some(reason);
                break;
            }
        }
    }
    found
}

/// Whether the largest runs side by side need more memory than there is, and what is to be said of
/// it.
pub fn too_large(costs: &[Cost], jobs: u32, memory: Option<u64>) -> Option<String> {
    let largest = costs.iter().map(|cost| cost.memory).max().unwrap_or(0);
    let (needed, free) = (largest.saturating_mul(u64::from(jobs)), memory?);
    let gb = |bytes: u64| bytes as f64 / 1e9;
    (needed > free).then(|| {
        format!("{jobs} at once may need {:.1} GB, and {:.1} GB are free", gb(needed), gb(free))
    })
}

fn measure(costs: &[Cost], split: Split, watch: &mut dyn Stopwatch) -> Result<Measured, String> {
    let by_macs = |a: &usize, b: &usize| costs[*a].macs.cmp(&costs[*b].macs);
    let (Some(large), Some(small)) =
        ((0..costs.len()).rev().max_by(by_macs), (0..costs.len()).min_by(by_macs))
    else {
        return Err("there is nothing to measure".into());
    };
    let of_large = watch.images_per_s(large, split)?;
    let alike = costs[large].macs == costs[small].macs;
    let of_small = if alike { of_large } else { watch.images_per_s(small, split)? };
    let seconds = costs.iter().map(|cost| {
        // By the one that it is nearer to, in proportion.
        let square = cost.macs as f64 * cost.macs as f64;
        let is_large = square >= costs[large].macs as f64 * costs[small].macs as f64;
        let (at, pace) = if is_large { (large, of_large) } else { (small, of_small) };
        cost.images as f64 / pace * cost.macs as f64 / costs[at].macs as f64
    });
    let train_s = makespan(seconds, split.jobs);
    let Split { jobs, threads } = split;
    Ok(Measured { jobs, threads, train_s, images_per_s: (of_large, of_small) })
}

/// Seconds until runs of these lengths are over, of which so many go on at the same time, begun in
/// their order.
fn makespan(seconds: impl Iterator<Item = f64>, jobs: u32) -> f64 {
    let mut free = vec![0.0_f64; jobs.max(1) as usize];
    for seconds in seconds {
        let next = free.iter_mut().min_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        if let Some(next) = next {
            *next += seconds;
        }
    }
    free.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Speeds by what is written down.
    struct Written {
        /// Images a second of each of so many jobs, for the large network and the small one.
        paces: Vec<(u32, f64, f64)>,
        asked: Vec<(usize, Split)>,
    }

    impl Stopwatch for Written {
        fn images_per_s(&mut self, run: usize, split: Split) -> Result<f64, String> {
            self.asked.push((run, split));
            let row = self.paces.iter().find(|row| row.0 == split.jobs);
            let row = row.ok_or("its process was ended by signal 9")?;
            Ok(if run == 1 { row.1 } else { row.2 })
        }
    }

    fn cost(macs: u64, memory: u64) -> Cost {
        Cost { macs, images: 1000, memory }
    }

    /// Four runs: small, large, small, large.
    fn four() -> [Cost; 4] {
        [cost(10, 50), cost(40, 100), cost(10, 50), cost(40, 100)]
    }

    fn choose(paces: &[(u32, f64, f64)], memory: u64) -> (Calibration, Vec<(usize, Split)>) {
        let mut watch = Written { paces: paces.to_vec(), asked: Vec::new() };
        let candidates = Split::candidates(8, None, 4);
        let found = calibrate(&four(), &candidates, Some(memory), &mut watch);
        (found, watch.asked)
    }

    #[test]
    fn threads_are_shared_among_the_jobs() {
        let split = |jobs, threads| Split { jobs, threads };
        let of = Split::candidates;
        assert_eq!(of(2, None, 4), [split(1, 2), split(2, 1)]);
        assert_eq!(of(6, None, 100), [split(1, 6), split(2, 3), split(4, 1)]);
        assert_eq!(of(8, None, 3), [split(1, 8), split(2, 4)], "no more jobs than runs");
        assert_eq!(of(8, Some(3), 9), [split(1, 3), split(2, 3)], "the number of threads is held");
        assert_eq!(of(2, Some(4), 9), [split(1, 4)]);
        assert_eq!(of(1, None, 9), [split(1, 1)]);
        assert_eq!((Split::of(3, 2), Split::of(2, 16)), (split(3, 1), split(2, 8)));
    }

    #[test]
    fn the_fastest_is_taken_and_nothing_slower_is_tried_after_it() {
        // Two at once do 1.5 times as much together; four do less than two.
        let (found, asked) = choose(&[(1, 10.0, 40.0), (2, 7.5, 30.0), (4, 3.0, 12.0)], u64::MAX);
        assert_eq!(found.split, Split { jobs: 2, threads: 4 });
        let seconds: Vec<f64> = found.measured.iter().map(|m| m.train_s.round()).collect();
        // One by one 100 s for a large run and 25 s for a small one. Two at once: 33 + 33 + 133 s
        // in one process and 133 s in the other. Four at once: 333 s.
        assert_eq!(seconds, [250.0, 200.0, 333.0]);
        assert_eq!((found.ended, asked.len()), (None, 6));
        assert_eq!(asked[0], (1, Split { jobs: 1, threads: 8 }));
    }

    #[test]
    fn a_gain_within_the_margin_is_none() {
        // Without a loss 187.5 s instead of 250 s.
        let with = |loss: f64| choose(&[(1, 10.0, 40.0), (2, 8.0 / loss, 32.0 / loss)], u64::MAX).0;
        assert_eq!(with(1.30).split.jobs, 1);
        assert_eq!(with(1.25).split.jobs, 2);
    }

    #[test]
    fn what_does_not_fit_is_not_tried() {
        let paces = [(1, 10.0, 40.0), (2, 9.0, 36.0), (4, 8.0, 32.0)];
        let (found, asked) = choose(&paces, 399);
        assert_eq!((found.split.jobs, asked.len()), (2, 4));
        assert!(found.ended.unwrap().contains("4 at once may need"));
        let (found, _) = choose(&paces, 400);
        assert_eq!((found.split.jobs, found.ended), (4, None));
        let (found, _) = choose(&paces, 10);
        assert_eq!(found.split.jobs, 1, "one is always tried");
    }

    #[test]
    fn what_cannot_be_measured_is_not_taken() {
        let (found, _) = choose(&[(1, 10.0, 40.0)], u64::MAX);
        assert_eq!(found.split, Split { jobs: 1, threads: 8 });
        assert_eq!(found.ended.as_deref(), Some("its process was ended by signal 9"));
        let (found, _) = choose(&[], u64::MAX);
        assert_eq!((found.split, found.measured.len()), (Split { jobs: 1, threads: 8 }, 0));
    }

    #[test]
    fn minutes_are_told_from_hours() {
        // 3 x 3 x 10^9 x 1000 multiply-accumulates at 2 x 10^10 a second: 450 s.
        assert!(!is_short(&[Cost { macs: 3_000_000_000, images: 1000, memory: 0 }], 2));
        assert!(is_short(&[Cost { macs: 1_000_000_000, images: 1000, memory: 0 }], 2));
    }
}
