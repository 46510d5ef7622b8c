//! The tables of `cargo xtask classes` and `cargo xtask disagree`.

use super::column::table;
use super::compare::Verdict;

table! {
    /// One experiment in one class.
    pub struct ClassRow in "classes.csv" {
        /// Name of the experiment.
        experiment: String,
        /// Name of the class; its number where the name is not known.
        class: String,
        /// Test images of the class.
        images: u64 ["images"],
        /// Runs that ended `ok` and kept their predictions; the statistics are over these.
        n: u32 ["runs"],
        /// Mean over the runs of the share of the class's images that are right; empty where it has no
        /// image.
        accuracy_mean: Option<f64> ["%"],
        /// Sample standard deviation (n - 1) of the same; empty below two runs.
        accuracy_std: Option<f64> ["%"],
        /// Whether it is better in this class than every other experiment, with each difference resolved
        /// after the correction for all pairs in all classes (Holm).
        best: bool,
    }
}

table! {
    /// One experiment against another in one class.
    pub struct ClassPairRow in "class_pairs.csv" {
        /// The experiment that is compared.
        experiment: String,
        /// The experiment that it is compared with.
        other: String,
        /// Name of the class; its number where the name is not known.
        class: String,
        /// Runs of `experiment` that enter the test.
        n: u32 ["runs"],
        /// Runs of `other` that enter the test.
        other_n: u32 ["runs"],
        /// Accuracy in the class of `experiment` less that of `other`, mean over the runs that enter the
        /// test; empty where the class has no image.
        difference: Option<f64> ["percentage points"],
        /// Lower end of the confidence interval of the difference, not corrected for the other pairs.
        difference_low: Option<f64> ["percentage points"],
        /// Upper end of the same.
        difference_high: Option<f64> ["percentage points"],
        /// The level of the interval, and 1 less that of the tests.
        level: f64,
        /// `paired t` where two seeds or more are on both sides, else `Welch`; empty where there is no
        /// spread to test by.
        test: Option<String>,
        /// Two-sided probability of so large a difference where there is none, by that test.
        p: Option<f64>,
        /// The same corrected for all pairs in all classes (Holm): what the verdict goes by.
        p_holm: Option<f64>,
        /// `better`, `worse` or `not resolved`.
        verdict: Verdict,
    }
}

table! {
    /// How often images of a class were taken for a class by the runs of an experiment.
    pub struct ConfusionRow in "confusion.csv" {
        /// Name of the experiment.
        experiment: String,
        /// The class of the images.
        class: String,
        /// What they were taken for.
        taken_for: String,
        /// How often, all runs together: each image counts once a run.
        count: u64,
        /// The same by all answers about images of `class`; empty where it has no image.
        share: Option<f64> ["%"],
        /// Runs.
        n: u32 ["runs"],
    }
}

table! {
    /// An image on which two experiments disagree.
    pub struct DisagreeRow in "disagree.csv" {
        /// The place of the image in the test set, from 0.
        image: u64,
        /// Its class.
        class: String,
        /// The experiment.
        experiment: String,
        /// Its runs.
        n: u32 ["runs"],
        /// Those of them that are right.
        right: u32 ["runs"],
        /// The class that most of them say; of several the first.
        says: String,
        /// How many of them do.
        says_n: u32 ["runs"],
        /// Mean over them of the cross-entropy of the image's class; `inf` where that of a run is beyond
        /// what 16 bits hold.
        loss: f64 ["nats"],
        /// The experiment that it is compared with.
        other: String,
        /// Its runs, and the same of them.
        other_n: u32 ["runs"],
        /// As `right`, of `other`.
        other_right: u32 ["runs"],
        /// As `says`, of `other`.
        other_says: String,
        /// As `says_n`, of `other`.
        other_says_n: u32 ["runs"],
        /// As `loss`, of `other`.
        other_loss: f64 ["nats"],
    }
}
