//! Which experiment is really better in which class.

use rayon::prelude::*;

use super::{ClassAccuracy, Tally, accuracies};
use crate::compare::best;
use crate::compare::samples::{Samples, Test, verdict};
use crate::records::ClassPairRow;
use crate::statistics::{holm, mean};

/// Experiments in a class, and each two of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassStanding {
    /// The class.
    pub class: u8,
    /// By experiment, in the order given.
    pub accuracies: Vec<ClassAccuracy>,
    /// The experiment that is better than every other, each difference resolved; none where none is,
    /// and of one experiment.
    pub best: Option<usize>,
    /// Every two, the later against the earlier; `class` is the number of the class.
    pub pairs: Vec<ClassPairRow>,
}

/// A pair in a class before the correction. Its values are left behind: of thousands of pairs in ten classes
/// they would take more memory than all else.
struct Tested {
    n: u32,
    other_n: u32,
    difference: Option<f64>,
    test: Option<Test>,
    p: Option<f64>,
}

/// Compares experiments in each of `classes` classes, and in any further one that is there: paired by
/// seed where two seeds or more are on both sides, else by Welch's t. Probabilities are corrected
/// (Holm) for all pairs in all classes together, and a difference is resolved where that is below 1 less
/// `level`, which is also that of the intervals of each alone.
#[must_use]
pub fn standings(answers: &[Tally], classes: usize, level: f64) -> Vec<ClassStanding> {
    let classes = answers.iter().map(Tally::classes).fold(classes, usize::max);
    let field = Field {
        answers,
        accuracies: answers.iter().map(|own| accuracies(own, classes)).collect(),
        places: (0..answers.len()).flat_map(|a| (0..a).map(move |b| (a, b))).collect(),
        level,
    };
    let tested: Vec<Vec<Tested>> = (0..classes).map(|class| field.test(class)).collect();
    let known: Vec<f64> = tested.iter().flatten().filter_map(|own| own.p).collect();
    let mut raised = holm(&known).into_iter();
    tested.iter().enumerate().map(|(class, own)| field.standing(class, own, &mut raised)).collect()
}

/// What is compared.
struct Field<'a> {
    answers: &'a [Tally],
    /// By experiment and class.
    accuracies: Vec<Vec<ClassAccuracy>>,
    /// The pairs.
    places: Vec<(usize, usize)>,
    level: f64,
}

impl Field<'_> {
    /// Every pair in a class.
    fn test(&self, class: usize) -> Vec<Tested> {
        let by_seed = self.answers.iter().zip(&self.accuracies);
        let by_seed: Vec<Vec<(u64, f64)>> =
            by_seed.map(|(answers, own)| seeded(answers, &own[class])).collect();
        self.places.par_iter().map(|(a, b)| Tested::of(&by_seed[*a], &by_seed[*b])).collect()
    }

    /// A class, given the corrected probabilities of its tests.
    fn standing(
        &self,
        class: usize,
        tested: &[Tested],
        raised: &mut impl Iterator<Item = f64>,
    ) -> ClassStanding {
        let name = |at: usize| self.answers[at].experiment.as_str();
        let row = |(tested, (a, b)): (&Tested, &(usize, usize))| {
            let p_holm = tested.p.and_then(|_| raised.next());
            tested.row(class, (name(*a), name(*b)), p_holm, self.level)
        };
        let pairs: Vec<ClassPairRow> = tested.iter().zip(&self.places).map(row).collect();
        ClassStanding {
            class: u8::try_from(class).unwrap_or(u8::MAX),
            accuracies: self.accuracies.iter().map(|own| own[class].clone()).collect(),
            best: best(&self.places, pairs.iter().map(|row| row.verdict), self.answers.len()),
            pairs,
        }
    }
}

fn seeded(answers: &Tally, accuracy: &ClassAccuracy) -> Vec<(u64, f64)> {
    answers.runs.iter().map(|run| run.seed).zip(accuracy.by_seed.iter().copied()).collect()
}

impl Tested {
    fn of(first: &[(u64, f64)], second: &[(u64, f64)]) -> Self {
        let samples = Samples::of(first, second);
        let (test, first, second) = (samples.test(), samples.first(), samples.second());
        let count = |runs: &[f64]| u32::try_from(runs.len()).unwrap_or(u32::MAX);
        Self {
            n: count(first),
            other_n: count(second),
            difference: mean(first).zip(mean(second)).map(|(a, b)| a - b),
            p: test.as_ref().map(Test::p),
            test,
        }
    }

    fn row(
        &self,
        class: usize,
        (experiment, other): (&str, &str),
        p_holm: Option<f64>,
        level: f64,
    ) -> ClassPairRow {
        let difference = self.difference;
        let interval = self.test.as_ref().map(|test| test.interval(level));
        ClassPairRow {
            experiment: experiment.to_owned(),
            other: other.to_owned(),
            class: class.to_string(),
            n: self.n,
            other_n: self.other_n,
            difference,
            difference_low: interval.map(|ends| ends.0),
            difference_high: interval.map(|ends| ends.1),
            level,
            test: self.test.as_ref().map(|test| test.name().to_owned()),
            p: self.p,
            p_holm,
            verdict: verdict(difference, p_holm, level, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;
    use crate::records::Verdict;

    /// Three runs that have so many of ten images of class 0, and of ten of class 1, right.
    fn net(name: &str, zero: [usize; 3], one: [usize; 3]) -> Tally {
        let labels = [vec![0; 10], vec![1; 10]].concat();
        let half = |class: u8, right| -> Vec<u8> {
            (0..10).map(|at| if at < right { class } else { 2 }).collect()
        };
        let run = |(zero, one)| [half(0, zero), half(1, one)].concat();
        let runs: Vec<Vec<u8>> = zero.into_iter().zip(one).map(run).collect();
        Tally::of(&made(name, &labels, &runs.iter().map(Vec::as_slice).collect::<Vec<_>>()))
    }

    /// In class 0 the differences are 40, 40 and 50 points: mean 130 / 3, standard error 10 / 3, t of 2
    /// degrees of freedom 13, of which p is 1 - t / sqrt(t^2 + 2). In class 1 they do not vary, and there
    /// is no test; class 2 has no image. So one probability is corrected for itself alone.
    #[test]
    fn by_hand() {
        let answers = [net("low", [2, 3, 4], [5; 3]), net("high", [6, 7, 9], [6; 3])];
        let standings = standings(&answers, 0, 0.95);
        let p = 1.0 - 13.0 / 171.0_f64.sqrt();
        let row = &standings[0].pairs[0];
        assert_eq!((row.experiment.as_str(), row.other.as_str(), row.n), ("high", "low", 3));
        assert!((row.difference.unwrap_or(0.0) - 130.0 / 3.0).abs() < 1e-9, "{row:?}");
        assert!((row.p.unwrap_or(0.0) - p).abs() < 1e-9, "{row:?} {p}");
        assert_eq!((row.p_holm, row.verdict), (row.p, Verdict::Better));
        assert_eq!(standings.iter().map(|one| one.best).collect::<Vec<_>>(), [Some(1), None, None]);
        let (same, none) = (&standings[1].pairs[0], &standings[2].pairs[0]);
        assert_eq!(
            (same.difference, same.p, same.verdict),
            (Some(10.0), None, Verdict::NotResolved)
        );
        assert_eq!((none.difference, none.n), (None, 0));
    }

    /// Two classes that vary. In class 0 the differences are 30, 20 and 40 points, t is 3 sqrt(3) and p 0.035,
    /// which is doubled, and no longer resolved; in class 1 they are 10, -10 and 10, t is 1/2 and p 2/3.
    #[test]
    fn classes_are_corrected_for_together() {
        let answers = [net("low", [2, 3, 4], [5, 6, 6]), net("high", [5, 5, 8], [6, 5, 7])];
        let standings = standings(&answers, 2, 0.95);
        let p = |t: f64| 1.0 - t / (t * t + 2.0).sqrt();
        let close = |told: Option<f64>, wanted: f64| (told.unwrap_or(9.0) - wanted).abs() < 1e-9;
        let (zero, one) = (&standings[0].pairs[0], &standings[1].pairs[0]);
        assert!(close(zero.p, p(27.0_f64.sqrt())) && zero.p < Some(0.05), "{zero:?}");
        assert!(close(zero.p_holm, 2.0 * p(27.0_f64.sqrt())), "{zero:?}");
        assert!(close(one.p, p(0.5)) && one.p_holm == one.p, "{one:?}");
        assert_eq!((standings[0].best, zero.verdict), (None, Verdict::NotResolved));
    }

    #[test]
    fn one_experiment_is_not_best() {
        let standings = standings(&[net("only", [1, 2, 3], [4, 5, 6])], 2, 0.95);
        assert!(standings.iter().all(|one| one.best.is_none() && one.pairs.is_empty()));
    }
}
