//! How often two experiments say the same.

use rayon::prelude::*;
use serde::Serialize;

use super::{Answer, Answers};
use crate::statistics::{cohen_kappa, mean};

/// How often pairs of runs say the same of an image, whether it is right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Images.
    pub images: u64,
    /// Pairs of runs, over which the others are means.
    pub pairs: u64,
    /// The share of the images of which both say the same, %.
    pub share: f64,
    /// Cohen's kappa: the same less what chance would give with classes as often as both say them, 1
    /// where they always agree. None where both say one and the same class of every image.
    pub kappa: Option<f64>,
}

/// Every run of an experiment with every run of another, whatever their seeds; compare it with
/// [`agreement_within`], which says how often two runs of one experiment agree. None where the test
/// images are not the same, and without images or runs.
#[must_use]
pub fn agreement(first: &Answers, second: &Answers) -> Option<Agreement> {
    let pairs = first.runs.iter().flat_map(|a| second.runs.iter().map(move |b| (a, b)));
    first.are_of_the_images_of(second).then(|| of(pairs.collect(), first.labels.len())).flatten()
}

/// Every two runs of an experiment. None without images, and below two runs.
#[must_use]
pub fn agreement_within(answers: &Answers) -> Option<Agreement> {
    let after = |place: usize| answers.runs.iter().skip(place + 1);
    let pairs = answers.runs.iter().enumerate();
    let pairs = pairs.flat_map(|(place, a)| after(place).map(move |b| (a, b)));
    of(pairs.collect(), answers.labels.len())
}

fn of(pairs: Vec<(&Answer, &Answer)>, images: usize) -> Option<Agreement> {
    let share = |(a, b): &(&Answer, &Answer)| {
        let same = a.predicted.iter().zip(&b.predicted).filter(|(a, b)| a == b).count();
        100.0 * same as f64 / images as f64
    };
    let shares: Vec<f64> = pairs.par_iter().filter(|_| images > 0).map(share).collect();
    let kappas = pairs.par_iter().filter_map(|(a, b)| cohen_kappa(&a.predicted, &b.predicted));
    Some(Agreement {
        images: images as u64,
        pairs: pairs.len() as u64,
        share: mean(&shares)?,
        kappa: mean(&kappas.collect::<Vec<f64>>()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::made;
    use super::*;

    const LABELS: [u8; 4] = [0, 0, 1, 1];

    /// One run against two: 3 and 2 of 4 images. Of the first pair chance gives 2/4 * 3/4 + 2/4 * 1/4,
    /// a half, so kappa is (3/4 - 1/2) / (1 - 1/2); of the second it gives a half too, and kappa is 0.
    #[test]
    fn between_by_hand() {
        let one = made("one", &LABELS, &[&[0, 0, 1, 1]]);
        let two = made("two", &LABELS, &[&[0, 0, 0, 1], &[0, 1, 0, 1]]);
        let told = agreement(&one, &two).unwrap();
        assert_eq!(told, Agreement { images: 4, pairs: 2, share: 62.5, kappa: Some(0.25) });
    }

    #[test]
    fn within_are_all_pairs_of_runs() {
        let three = made("three", &LABELS, &[&[0, 0, 1, 1], &[0, 0, 1, 1], &[1, 1, 0, 0]]);
        let told = agreement_within(&three).unwrap();
        assert_eq!((told.pairs, told.share), (3, 100.0 / 3.0));
        assert_eq!(agreement_within(&made("one", &LABELS, &[&[0; 4]])), None);
    }

    #[test]
    fn one_class_throughout_has_no_kappa() {
        let one = made("one", &LABELS, &[&[1; 4]]);
        let told = agreement(&one, &one).unwrap();
        assert_eq!((told.share, told.kappa), (100.0, None));
    }

    #[test]
    fn nothing_agrees_with_nothing() {
        let none = made("none", &[], &[&[]]);
        assert_eq!(agreement(&none, &none), None);
        assert_eq!(agreement(&none, &made("other", &LABELS, &[&[0; 4]])), None);
    }
}
