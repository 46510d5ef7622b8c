//! What is told of classes, with their names.

use serde::Serialize;

use crate::commands::images::class_name;
use crate::compare::classes::{ClassStanding, Confusion, Tally};
use crate::records::{ClassPairRow, ClassRow, ConfusionRow};
use crate::statistics::{mean, variance};

/// All that `classes` tells.
#[derive(Debug, Serialize)]
pub struct Classes {
    /// The level of intervals, and 1 less that of the tests.
    pub level: f64,
    /// Test images.
    pub images: u64,
    /// The experiments, by their MACs.
    pub experiments: Vec<Whole>,
    /// A row an experiment and class, by class.
    pub classes: Vec<ClassRow>,
    /// A row every two experiments and class, by class.
    pub pairs: Vec<ClassPairRow>,
    /// A row an experiment, class and predicted class.
    pub confusion: Vec<ConfusionRow>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// An experiment over all classes.
#[derive(Debug, Serialize)]
pub struct Whole {
    /// Its name.
    pub experiment: String,
    /// Runs.
    pub n: u32,
    /// Mean accuracy over the runs, %.
    pub top1_mean: Option<f64>,
    /// Sample standard deviation of the same, percentage points.
    pub top1_std: Option<f64>,
}

impl Classes {
    pub(super) fn new(
        answers: &[Tally],
        standings: Vec<ClassStanding>,
        confusions: &[Confusion],
        names: &[String],
        level: f64,
        notes: Vec<String>,
    ) -> Self {
        let classes = standings.iter().flat_map(|one| rows(answers, one, names)).collect();
        let named = |pair: ClassPairRow, class| ClassPairRow { class, ..pair };
        let pairs = standings.into_iter().flat_map(|one| {
            let class = class_name(names, one.class);
            one.pairs.into_iter().map(move |pair| named(pair, class.clone()))
        });
        let confusion =
            answers.iter().zip(confusions).flat_map(|(own, matrix)| confusion(own, matrix, names));
        Self {
            level,
            images: answers.first().map_or(0, Tally::all_images),
            experiments: answers.iter().map(Whole::of).collect(),
            classes,
            pairs: pairs.collect(),
            confusion: confusion.collect(),
            notes,
        }
    }
}

impl Whole {
    fn of(answers: &Tally) -> Self {
        let top1 = answers.top1();
        Self {
            experiment: answers.experiment.clone(),
            n: answers.n(),
            top1_mean: mean(&top1),
            top1_std: variance(&top1).map(f64::sqrt),
        }
    }
}

/// A row an experiment.
fn rows(answers: &[Tally], standing: &ClassStanding, names: &[String]) -> Vec<ClassRow> {
    let row = |(place, own): (usize, &Tally)| {
        let accuracy = &standing.accuracies[place];
        ClassRow {
            experiment: own.experiment.clone(),
            class: class_name(names, standing.class),
            images: accuracy.images,
            n: own.n(),
            accuracy_mean: accuracy.mean,
            accuracy_std: accuracy.std,
            best: standing.best == Some(place),
        }
    };
    answers.iter().enumerate().map(row).collect()
}

fn confusion(answers: &Tally, matrix: &Confusion, names: &[String]) -> Vec<ConfusionRow> {
    let classes = || (0..=u8::MAX).take(matrix.classes());
    let cells = classes().flat_map(|class| classes().map(move |taken_for| (class, taken_for)));
    let row = |(class, taken_for)| ConfusionRow {
        experiment: answers.experiment.clone(),
        class: class_name(names, class),
        taken_for: class_name(names, taken_for),
        count: matrix.count(class, taken_for),
        share: matrix.share(class, taken_for),
        n: answers.n(),
    };
    cells.map(row).collect()
}
