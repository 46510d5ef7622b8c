//! How often the runs of an experiment take images of a class for a class: all that is to be known of
//! classes, in a hundredth of the memory that the answers take.

use super::Answers;

/// An experiment, with how often each of its runs takes images of a class for a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Its name.
    pub experiment: String,
    /// Test images of each class.
    pub images: Vec<u64>,
    /// The runs that count and kept their predictions, by seed.
    pub runs: Vec<RunTally>,
}

/// A run of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTally {
    /// The seed of the run.
    pub seed: u64,
    classes: usize,
    /// By class of the images, then by what they were taken for.
    counts: Vec<u32>,
}

impl Tally {
    /// Of what runs say of single images.
    #[must_use]
    pub fn of(answers: &Answers) -> Self {
        let run = |run: &super::Answer| RunTally::of(run.seed, &answers.labels, &run.predicted);
        let runs = answers.runs.iter().map(run).collect();
        Self::new(answers.experiment.clone(), &answers.labels, runs)
    }

    /// Of runs over test images of these classes.
    pub(super) fn new(experiment: String, labels: &[u8], runs: Vec<RunTally>) -> Self {
        let classes = labels.iter().max().map_or(0, |class| usize::from(*class) + 1);
        let mut images = vec![0; classes];
        labels.iter().for_each(|label| images[usize::from(*label)] += 1);
        Self { experiment, images, runs }
    }

    /// One more than the highest class that stands for an image or is predicted; of a small test set
    /// this may be fewer classes than the data set has.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.runs.iter().map(|run| run.classes).fold(self.images.len(), usize::max)
    }

    /// Runs.
    #[must_use]
    pub fn n(&self) -> u32 {
        u32::try_from(self.runs.len()).unwrap_or(u32::MAX)
    }

    /// Test images.
    #[must_use]
    pub fn all_images(&self) -> u64 {
        self.images.iter().sum()
    }

    /// The share of all test images that each run has right, %, by seed.
    #[must_use]
    pub fn top1(&self) -> Vec<f64> {
        let images = self.all_images() as f64;
        self.runs.iter().map(|run| 100.0 * run.right() as f64 / images).collect()
    }
}

impl RunTally {
    /// Of the classes of the images and what they were taken for.
    pub(super) fn of(seed: u64, labels: &[u8], predicted: &[u8]) -> Self {
        let highest = labels.iter().chain(predicted).max();
        let classes = highest.map_or(0, |class| usize::from(*class) + 1);
        let mut counts = vec![0; classes * classes];
        for (label, own) in labels.iter().zip(predicted) {
            counts[usize::from(*label) * classes + usize::from(*own)] += 1;
        }
        Self { seed, classes, counts }
    }

    /// How often an image of a class was taken for a class.
    pub(super) fn count(&self, class: usize, taken_for: usize) -> u64 {
        let is_there = class < self.classes && taken_for < self.classes;
        if is_there { self.counts[class * self.classes + taken_for].into() } else { 0 }
    }

    /// Images that are right.
    pub(super) fn right(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }
}
