//! Accuracy by class.

use serde::Serialize;

use super::{RunTally, Tally, numbers};
use crate::statistics::{mean, variance};

/// How well an experiment knows a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassAccuracy {
    /// The class.
    pub class: u8,
    /// Test images of the class.
    pub images: u64,
    /// The share of them that each run has right, %, by seed; empty where the class has no image.
    pub by_seed: Vec<f64>,
    /// Mean over the runs, %.
    pub mean: Option<f64>,
    /// Sample standard deviation (n - 1) over the runs, percentage points; none below two runs.
    pub std: Option<f64>,
}

/// The accuracy of an experiment in each of `classes` classes, and in any further one that its images
/// have. This is the recall of the class: of its own images alone.
#[must_use]
pub fn accuracies(tally: &Tally, classes: usize) -> Vec<ClassAccuracy> {
    numbers(classes.max(tally.classes())).map(|class| accuracy(tally, class)).collect()
}

fn accuracy(tally: &Tally, class: u8) -> ClassAccuracy {
    let place = usize::from(class);
    let images = tally.images.get(place).copied().unwrap_or(0);
    let share = |run: &RunTally| 100.0 * run.count(place, place) as f64 / images as f64;
    let by_seed: Vec<f64> = tally.runs.iter().filter(|_| images > 0).map(share).collect();
    ClassAccuracy {
        class,
        images,
        mean: mean(&by_seed),
        std: variance(&by_seed).map(f64::sqrt),
        by_seed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    /// Two runs over four images of class 0, two of class 1 and none of class 2: 3 and 4 of 4 right,
    /// 1 and 0 of 2. The deviation of 75 and 100 is 25 / sqrt(2).
    #[test]
    fn by_hand() {
        let answers = made("net", &[0, 0, 1, 1, 0, 0], &[&[0, 1, 1, 0, 0, 0], &[0, 0, 0, 0, 0, 0]]);
        let answers = Tally::of(&answers);
        let [zero, one, two] = &accuracies(&answers, 3)[..] else { unreachable!() };
        assert_eq!((zero.class, zero.images, zero.mean), (0, 4, Some(87.5)));
        assert_eq!(zero.by_seed, [75.0, 100.0]);
        assert!((zero.std.unwrap_or(0.0) - 25.0 / 2.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!((one.class, one.images, one.mean), (1, 2, Some(25.0)));
        assert_eq!((two.images, &two.by_seed[..], two.mean, two.std), (0, &[][..], None, None));
    }

    #[test]
    fn one_run_has_no_spread() {
        let one = &accuracies(&Tally::of(&made("net", &[0], &[&[0]])), 1)[0];
        assert_eq!((one.mean, one.std), (Some(100.0), None));
    }
}
