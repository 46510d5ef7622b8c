//! Whether an experiment is really better than another: the runs of a sweep in, rows and sentences out.
//!
//! | file | what stands there |
//! |---|---|
//! | `metric` | what can be compared |
//! | `side` | the runs of an experiment that count, and why the others do not |
//! | `samples` | the values of two of them by seed, and the test that fits |
//! | `pair` | two of them: whether they differ, what they cost |
//! | `sequential` | two of them where seeds were added until they were resolved |
//! | `images` | two of them image by image |
//! | `test_sets` | which runs were tested on the same images |
//! | `say` | rows to sentences |
//! | [`classes`] | single classes and images: what is taken for what, and where two experiments disagree |
//!
//! **Invariant:** a difference is called resolved only where the test that fits finds it after the
//! correction for all pairs that were compared. A run that does not count is named.

pub mod classes;
mod images;
mod metric;
mod pair;
mod samples;
mod say;
mod sequential;
mod side;
mod test_sets;

use rayon::prelude::*;
use serde::Serialize;

use crate::records::{CompareRow, Folder, McNemarRow, StandingRow, Unreadable, Verdict};
use crate::statistics::{Design, holm};
use images::Seen;
use pair::Pair;
use side::Side;

pub use metric::Metric;
pub use say::sentence;
pub use side::newest_runs;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The pairs.
    pub which: Which,
    /// What is compared.
    pub metric: Metric,
    /// The level of intervals, and 1 less that of the tests.
    pub level: f64,
    /// The power at which a difference would be found.
    pub power: f64,
}

/// The pairs of experiments that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every two.
    All,
    /// The first against the second.
    Two(String, String),
    /// Every other against this one.
    Baseline(String),
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The column of runs.csv that was compared.
    pub metric: &'static str,
    /// Its unit: `%` or `nats`.
    pub unit: &'static str,
    /// The level of intervals.
    pub level: f64,
    /// The power that `seeds_needed` is for.
    pub power: f64,
    /// The experiments, by their MACs.
    pub standing: Vec<StandingRow>,
    /// The pairs.
    pub pairs: Vec<CompareRow>,
    /// The seeds of the pairs, image by image; nothing where they are more than anyone reads, which is noted.
    pub images: Vec<McNemarRow>,
    /// What did not enter the comparison, and why.
    pub notes: Vec<String>,
    /// Files that could not be read.
    #[serde(skip)]
    pub unreadable: Vec<Unreadable>,
}

/// Of which pairs a sequential test tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequentially {
    /// Of none.
    None,
    /// Of some, such as those with the baseline of the sweep.
    Some,
    /// Of all.
    All,
}

/// What cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompareError {
    /// No experiment of this name.
    UnknownExperiment {
        /// As it was asked for.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// An experiment against itself.
    Itself(String),
    /// No run has the metric.
    NoValues {
        /// The metric.
        metric: &'static str,
        /// Those that some run has.
        others: Vec<&'static str>,
    },
}

/// Compares the experiments of a sweep.
///
/// # Errors
/// [`CompareError`] where nothing of what is asked can be compared.
pub fn compare(folder: Folder, question: &Question) -> Result<Comparison, CompareError> {
    let Folder { runs, mut unreadable, decisions } = folder;
    let mut sides = Side::all(&runs, question.metric);
    let places = question.which.places(&sides)?;
    if let Which::Two(a, b) = &question.which {
        sides.retain(|side| [a, b].contains(&&side.name));
    }
    if sides.iter().all(|side| side.runs.is_empty()) {
        let has = |m: &Metric| runs.iter().any(|run| m.of(&run.row).is_some());
        let others = Metric::ALL.iter().filter(|m| has(m)).map(|m| m.name).collect();
        return Err(CompareError::NoValues { metric: question.metric.name, others });
    }
    let places = match question.which {
        Which::Two(..) => question.which.places(&sides)?,
        _ => places,
    };
    let pairs: Vec<Pair> =
        places.par_iter().map(|(a, b)| Pair::of(&sides[*a], &sides[*b], question.metric)).collect();
    let mut notes: Vec<String> = sides.iter().flat_map(|side| side.notes.clone()).collect();
    notes.extend(pairs.iter().filter_map(|pair| pair.left_out.clone()));
    let seen = question.metric.is_of_final_weights().then(|| Seen::of(&sides, &mut unreadable));
    let images = seen.map(|seen| seen.compare(&sides, &places, question.level)).unwrap_or_default();
    notes.extend(images.notes);
    let mut rows = rows(&pairs, question);
    drop(pairs);
    notes.extend(sequential::apply(&mut rows, &decisions, question.metric.name));
    for (row, counts) in rows.iter_mut().zip(&images.counts) {
        counts.tell(row);
    }
    let standing = standing(&sides, &places, &rows);
    Ok(Comparison {
        metric: question.metric.name,
        unit: question.metric.unit,
        level: question.level,
        power: question.power,
        standing,
        pairs: rows,
        images: images.rows,
        notes,
        unreadable,
    })
}

impl Comparison {
    /// Of which pairs a sequential test tells, as their seeds were added until they were resolved.
    #[must_use]
    pub fn sequential(&self) -> Sequentially {
        let is_sequential = |row: &CompareRow| row.test.as_deref() == Some(sequential::TEST);
        match self.pairs.iter().filter(|row| is_sequential(row)).count() {
            0 => Sequentially::None,
            count if count == self.pairs.len() => Sequentially::All,
            _ => Sequentially::Some,
        }
    }

    /// What differences are called resolved by, and what their intervals are.
    #[must_use]
    pub fn rests_on(&self) -> String {
        let fixed = format!(
            "intervals are of {} % for each alone; verdicts go by p (Holm), which is corrected for all pairs",
            self.level * 100.0
        );
        let added = "seeds were added until pairs were resolved: intervals are those of the sweep's confidence \
                     sequences, which hold for all of these pairs together and at every look; p is 1 by the \
                     e-value, and p (Holm) is that times their number; verdicts are those of seeds.csv";
        match self.sequential() {
            Sequentially::None => format!("I{}", &fixed[1..]),
            Sequentially::All => format!("S{}", &added[1..]),
            Sequentially::Some => {
                format!("Where the test is `{}`, {added}. Elsewhere {fixed}", sequential::TEST)
            }
        }
    }

    /// The experiment with the best mean; none where none has one.
    pub fn best(&self) -> Option<&str> {
        let sign = match Metric::named(self.metric) {
            Some(metric) if !metric.more_is_better => -1.0,
            _ => 1.0,
        };
        let known = self.standing.iter().filter_map(|row| Some((sign * row.mean?, row)));
        known.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, row)| row.experiment.as_str())
    }
}

impl Which {
    /// The places of the pairs among the sides: the costlier against the cheaper where every two are
    /// asked for.
    fn places(&self, sides: &[Side]) -> Result<Vec<(usize, usize)>, CompareError> {
        let place = |name: &String| {
            let unknown = || CompareError::UnknownExperiment {
                name: name.clone(),
                known: sides.iter().map(|side| side.name.clone()).collect(),
            };
            sides.iter().position(|side| side.name == *name).ok_or_else(unknown)
        };
        let all = 0..sides.len();
        Ok(match self {
            Self::All => all.flat_map(|a| (0..a).map(move |b| (a, b))).collect(),
            Self::Two(a, b) if a == b => return Err(CompareError::Itself(a.clone())),
            Self::Two(a, b) => vec![(place(a)?, place(b)?)],
            Self::Baseline(name) => {
                let own = place(name)?;
                all.filter(|other| *other != own).map(|other| (other, own)).collect()
            }
        })
    }
}

/// The rows of the pairs, with the correction for all of them.
fn rows(pairs: &[Pair], question: &Question) -> Vec<CompareRow> {
    let p: Vec<Option<f64>> = pairs.iter().map(Pair::p).collect();
    let tested: Vec<f64> = p.iter().copied().flatten().collect();
    let mut raised = holm(&tested).into_iter();
    let p_holm: Vec<Option<f64>> = p.iter().map(|p| p.and_then(|_| raised.next())).collect();
    let row = |(pair, p_holm): (&Pair, &Option<f64>)| pair.row(question, *p_holm);
    let mut rows: Vec<CompareRow> = pairs.par_iter().zip(&p_holm).map(row).collect();
    let strictest = (1.0 - question.level) / tested.len().max(1) as f64;
    need(&mut rows, pairs, strictest, question.power);
    rows
}

/// The seeds a side with which so large a difference would be found, where it was not.
fn need(rows: &mut [CompareRow], pairs: &[Pair], alpha: f64, power: f64) {
    for design in [Design::Paired, Design::TwoSamples] {
        let effect = |pair: &Pair| pair.effect().filter(|own| own.0 == design).map(|own| own.1);
        let open = rows.iter().zip(pairs).enumerate();
        let open = open.filter(|(_, (row, _))| row.verdict == Verdict::NotResolved);
        let (places, effects): (Vec<usize>, Vec<f64>) =
            open.filter_map(|(at, (_, pair))| Some((at, effect(pair)?))).unzip();
        for (at, seeds) in places.into_iter().zip(design.values_of_all(&effects, alpha, power)) {
            rows[at].seeds_needed = seeds;
        }
    }
}

/// The experiments by themselves, and which of them is better than every other.
fn standing(sides: &[Side], places: &[(usize, usize)], rows: &[CompareRow]) -> Vec<StandingRow> {
    let best = best(places, rows.iter().map(|row| row.verdict), sides.len());
    sides.iter().enumerate().map(|(at, side)| side.standing(Some(at) == best)).collect()
}

/// The place of what is better than every other of so many, by the verdicts on pairs; none of one alone.
fn best(
    places: &[(usize, usize)],
    verdicts: impl Iterator<Item = Verdict>,
    count: usize,
) -> Option<usize> {
    let mut wins = vec![0; count];
    for ((a, b), verdict) in places.iter().zip(verdicts) {
        match verdict {
            Verdict::Better => wins[*a] += 1,
            Verdict::Worse => wins[*b] += 1,
            Verdict::NotResolved => {}
        }
    }
    wins.into_iter().position(|won| count > 1 && won == count - 1)
}
