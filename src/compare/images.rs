//! Two experiments image by image, seed by seed. The test images are the same for every seed, so the
//! seeds are no independent samples of images, and their counts are not added up.
//!
//! Of a run a bit an image is kept, so the runs of thousands of pairs fit in memory and are compared
//! 64 images at a time.

use rayon::prelude::*;

use super::pair::shared;
use super::side::Side;
use super::test_sets::TestSets;
use crate::records::{CompareRow, McNemarRow, Run, Unreadable};
use crate::statistics::{McNemar, holm};

/// Of more seeds of pairs than that no rows are kept, but what they come to alone: they would take more
/// memory than all else, and nobody reads them.
const MOST_ROWS: usize = 100_000;

/// Which test images the runs have right, by side and run.
#[derive(Debug)]
pub(super) struct Seen(Vec<Vec<Option<Right>>>);

/// Which test images a run has right.
#[derive(Debug)]
struct Right {
    /// The number of the test set among those that were met.
    set: usize,
    images: u64,
    /// How many it has right.
    right: u64,
    /// A bit an image.
    words: Vec<u64>,
}

/// What all pairs come to.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// By pair.
    pub(super) counts: Vec<Counts>,
    /// A row a seed of a pair, unless there are too many.
    pub(super) rows: Vec<McNemarRow>,
    /// Seeds whose test images are not the same.
    pub(super) notes: Vec<String>,
}

/// How many seeds of a pair differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    seeds: u32,
    better: u32,
    worse: u32,
}

/// A seed that both sides of a pair have, and its images where they are the same.
type Tested = (u64, Option<(u64, McNemar)>);

impl Seen {
    pub(super) fn of(sides: &[Side], unreadable: &mut Vec<Unreadable>) -> Self {
        let sets = TestSets::default();
        let read = |side: &Side| -> Vec<Result<Option<Right>, Unreadable>> {
            side.runs.par_iter().map(|run| Right::of(run, &sets)).collect()
        };
        let read: Vec<_> = sides.par_iter().map(read).collect();
        let mut kept = |right: Result<Option<Right>, Unreadable>| {
            right.unwrap_or_else(|fault| {
                unreadable.push(fault);
                None
            })
        };
        Self(read.into_iter().map(|side| side.into_iter().map(&mut kept).collect()).collect())
    }

    /// All pairs of sides.
    pub(super) fn compare(&self, sides: &[Side], places: &[(usize, usize)], level: f64) -> Images {
        let seeds: usize =
            places.par_iter().map(|(a, b)| shared(&sides[*a], &sides[*b]).len()).sum();
        let keeps_rows = seeds <= MOST_ROWS;
        let pair = |place: &(usize, usize)| self.pair(sides, *place, level, keeps_rows);
        let pairs: Vec<Pair> = places.par_iter().map(pair).collect();
        let mut images = Images::default();
        for pair in pairs {
            images.counts.push(pair.counts);
            images.rows.extend(pair.rows);
            images.notes.extend(pair.notes);
        }
        if images.counts.iter().any(|counts| counts.seeds > 0) && !keeps_rows {
            images.notes.push(format!(
                "the rows of single seeds, image by image, are left out, as they would be {seeds}: ask for \
                 two experiments, or set the others against one with --baseline"
            ));
        }
        images
    }

    fn pair(&self, sides: &[Side], (a, b): (usize, usize), level: f64, keeps_rows: bool) -> Pair {
        let (first, second) = (&sides[a], &sides[b]);
        let tested: Vec<Tested> = shared(first, second)
            .into_iter()
            .filter_map(|(own, other)| {
                let seed = first.runs[own].row.seed;
                let right = [self.0[a][own].as_ref()?, self.0[b][other].as_ref()?];
                Some((seed, right[0].against(right[1])))
            })
            .collect();
        let other_images = tested.iter().filter(|(_, test)| test.is_none()).map(|(seed, _)| {
            format!(
                "{} against {}: the predictions of seed {seed} are of other test images, and not compared",
                first.name, second.name
            )
        });
        let notes = other_images.collect();
        let tested: Vec<(u64, u64, McNemar)> = tested
            .into_iter()
            .filter_map(|(seed, test)| test.map(|(images, test)| (seed, images, test)))
            .collect();
        let tests: Vec<McNemar> = tested.iter().map(|(.., test)| *test).collect();
        let counts = Counts::of(&tests, 1.0 - level);
        let rows = if keeps_rows { rows(first, second, &tested) } else { Vec::new() };
        Pair { counts, rows, notes }
    }
}

struct Pair {
    counts: Counts,
    rows: Vec<McNemarRow>,
    notes: Vec<String>,
}

impl Right {
    fn of(run: &Run, sets: &TestSets) -> Result<Option<Self>, Unreadable> {
        let Some(said) = run.said()? else { return Ok(None) };
        let bits = |(labels, own): (&[u8], &[u8])| {
            let right = labels.iter().zip(own).map(|(label, own)| u64::from(label == own));
            right.rev().fold(0, |word, bit| word << 1 | bit)
        };
        let words: Vec<u64> =
            said.labels.chunks(64).zip(said.predicted.chunks(64)).map(bits).collect();
        let right = words.iter().map(|word| u64::from(word.count_ones())).sum();
        let images = said.labels.len() as u64;
        Ok(Some(Self { set: sets.number(said.labels), images, right, words }))
    }

    /// The images, and those that one of both alone has right; none where their test images are not the
    /// same.
    fn against(&self, other: &Self) -> Option<(u64, McNemar)> {
        let both = |(a, b): (&u64, &u64)| u64::from((a & b).count_ones());
        let test = || {
            let both: u64 = self.words.iter().zip(&other.words).map(both).sum();
            McNemar { first_alone: self.right - both, second_alone: other.right - both }
        };
        (self.set == other.set && self.images > 0).then(|| (self.images, test()))
    }
}

fn rows(first: &Side, second: &Side, tested: &[(u64, u64, McNemar)]) -> Vec<McNemarRow> {
    let exact: Vec<f64> = tested.iter().map(|(.., test)| test.exact()).collect();
    let raised = holm(&exact);
    let rows = tested.iter().zip(exact.iter().zip(raised));
    rows.map(|((seed, images, test), (p_exact, p_holm))| McNemarRow {
        experiment: first.name.clone(),
        other: second.name.clone(),
        seed: *seed,
        images: *images,
        alone: test.first_alone,
        other_alone: test.second_alone,
        p_exact: *p_exact,
        p_mid: test.mid_p(),
        p_holm,
    })
    .collect()
}

impl Counts {
    /// Those of the seeds of a pair at a level of the tests, corrected for all of them (Holm). Most seeds
    /// of most pairs differ beyond doubt, which costs no more than a look: where a bound of p by all seeds
    /// is below the level, Holm's procedure rejects whatever the others are, and goes on with these alone.
    fn of(tests: &[McNemar], alpha: f64) -> Self {
        let all = tests.len() as f64;
        let (sure, open): (Vec<&McNemar>, Vec<&McNemar>) =
            tests.iter().partition(|test| test.at_most() * all < alpha);
        let exact: Vec<f64> = open.iter().map(|test| test.exact()).collect();
        let differ =
            open.iter().zip(holm(&exact)).filter(|(_, p)| *p < alpha).map(|(test, _)| *test);
        let mut counts =
            Self { seeds: u32::try_from(tests.len()).unwrap_or(u32::MAX), ..Self::default() };
        for test in sure.into_iter().chain(differ) {
            counts.better += u32::from(test.first_alone > test.second_alone);
            counts.worse += u32::from(test.first_alone < test.second_alone);
        }
        counts
    }

    /// Puts them into the row of the pair.
    pub(super) fn tell(self, row: &mut CompareRow) {
        (row.mcnemar_seeds, row.mcnemar_better, row.mcnemar_worse) =
            (self.seeds, self.better, self.worse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By the probability of each seed.
    fn by_all(tests: &[McNemar], alpha: f64) -> Counts {
        let exact: Vec<f64> = tests.iter().map(McNemar::exact).collect();
        let mut counts = Counts { seeds: tests.len() as u32, ..Counts::default() };
        for (test, p) in tests.iter().zip(holm(&exact)) {
            counts.better += u32::from(p < alpha && test.first_alone > test.second_alone);
            counts.worse += u32::from(p < alpha && test.first_alone < test.second_alone);
        }
        counts
    }

    proptest! {
        #[test]
        fn what_is_sure_at_a_look_is_what_the_tests_say(
            alone in proptest::collection::vec((0..60_u64, 0..60_u64), 0..12),
            alpha in 0.001..0.5,
        ) {
            let test = |&(first_alone, second_alone)| McNemar { first_alone, second_alone };
            let tests: Vec<McNemar> = alone.iter().map(test).collect();
            prop_assert_eq!(Counts::of(&tests, alpha), by_all(&tests, alpha));
        }
    }
}
