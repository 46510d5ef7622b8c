//! What networks say of single classes and images: the runs of experiments with their predictions in;
//! accuracies by class, confusions, hard images and disagreements out.
//!
//! | file | what stands there |
//! |---|---|
//! | `read` | predictions to [`Answers`] or to a [`Tally`], all of one test set |
//! | `tally` | how often images of a class are taken for a class |
//! | `accuracy` | accuracy by class |
//! | `confusion` | what is taken for what |
//! | `opinion` | single images: which are hard, and on which two experiments disagree |
//! | `agreement` | how often two experiments say the same |
//! | `standing` | which experiment is really better in which class |
//!
//! Classes and images go by their number, from 0, in the order of the data set; the names of classes
//! are the data set's, which nothing here knows. Functions of two experiments give nothing where their
//! test images are not the same.

mod accuracy;
mod agreement;
mod confusion;
mod opinion;
mod read;
mod standing;
mod tally;

pub use accuracy::{ClassAccuracy, accuracies};
pub use agreement::{Agreement, agreement, agreement_within};
pub use confusion::{Confused, Confusion};
pub use opinion::{Disagreement, Opinion, disagreements, hardest, opinions};
pub use read::{NoAnswers, Panel};
pub use standing::{ClassStanding, standings};
pub use tally::{RunTally, Tally};

/// An experiment, and what each of its runs says of every test image.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Its name.
    pub experiment: String,
    /// The class of every test image.
    pub labels: Vec<u8>,
    /// The runs that count and kept their predictions, by seed.
    pub runs: Vec<Answer>,
}

/// What a run says of every test image.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The seed of the run.
    pub seed: u64,
    /// The class with the highest logit of each image.
    pub predicted: Vec<u8>,
    /// Cross-entropy of the label of each image, nats.
    pub loss: Vec<f32>,
}

impl Answers {
    /// Runs.
    #[must_use]
    pub fn n(&self) -> u32 {
        u32::try_from(self.runs.len()).unwrap_or(u32::MAX)
    }

    /// Whether both are of the same test images: as many, with the same classes in the same order.
    fn are_of_the_images_of(&self, other: &Self) -> bool {
        self.labels == other.labels
    }
}

/// Numbers of classes: all that a byte can hold at most.
fn numbers(classes: usize) -> impl Iterator<Item = u8> {
    (0..=u8::MAX).take(classes)
}

/// An experiment of small runs, the test images of which have these classes.
#[cfg(test)]
fn made(experiment: &str, labels: &[u8], runs: &[&[u8]]) -> Answers {
    let run = |(seed, predicted): (u64, &&[u8])| Answer {
        seed,
        predicted: predicted.to_vec(),
        loss: predicted
            .iter()
            .zip(labels)
            .map(|(own, label)| f32::from(own.abs_diff(*label)))
            .collect(),
    };
    Answers {
        experiment: experiment.into(),
        labels: labels.to_vec(),
        runs: (0..).zip(runs).map(run).collect(),
    }
}
