//! Single images: which are hard, and on which two experiments disagree.

use std::cmp::Reverse;

use serde::Serialize;

use super::Answers;

/// What an experiment says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Opinion {
    /// The place of the image in the test set, from 0.
    pub image: u32,
    /// Its class.
    pub label: u8,
    /// Runs.
    pub n: u32,
    /// Runs that are right.
    pub right: u32,
    /// The class that most runs say; of several the first.
    pub said: u8,
    /// How many do.
    pub said_by: u32,
    /// Mean over the runs of the cross-entropy of its class, nats; infinite where that of a run is.
    pub mean_loss: f64,
}

/// An image on which two experiments disagree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Disagreement {
    /// What the first says.
    pub first: Opinion,
    /// What the second says.
    pub second: Opinion,
}

impl Opinion {
    /// The share of the runs that are right, 0 to 1.
    #[must_use]
    pub fn right_share(&self) -> f64 {
        f64::from(self.right) / f64::from(self.n.max(1))
    }

    /// Whether so large a share of the runs is right. Shares that differ by rounding are equal.
    fn is_right_in(&self, share: f64) -> bool {
        self.right_share() >= share - 1e-9
    }

    fn is_wrong_in(&self, share: f64) -> bool {
        1.0 - self.right_share() >= share - 1e-9
    }
}

/// What an experiment says of every image, in their order; nothing where it has no run.
#[must_use]
pub fn opinions(answers: &Answers) -> Vec<Opinion> {
    let images = (0..).zip(&answers.labels).filter(|_| !answers.runs.is_empty());
    images.filter_map(|(image, label)| opinion(answers, image, *label)).collect()
}

fn opinion(answers: &Answers, image: u32, label: u8) -> Option<Opinion> {
    let place = image as usize;
    let mut said: Vec<u8> =
        answers.runs.iter().filter_map(|run| run.predicted.get(place).copied()).collect();
    let loss = answers.runs.iter().filter_map(|run| run.loss.get(place));
    let loss: f64 = loss.map(|loss| f64::from(*loss)).sum();
    said.sort_unstable();
    let most = said.chunk_by(|a, b| a == b).max_by_key(|same| (same.len(), Reverse(same[0])))?;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(Opinion {
        image,
        label,
        n: count(said.len()),
        right: count(said.iter().filter(|own| **own == label).count()),
        said: most[0],
        said_by: count(most.len()),
        mean_loss: loss / said.len() as f64,
    })
}

/// The images that more than half of the runs have wrong, the hardest first: by the share of the runs
/// that are wrong, then by mean loss, then by place.
#[must_use]
pub fn hardest(answers: &Answers) -> Vec<Opinion> {
    let mut hard = opinions(answers);
    hard.retain(|opinion| 2 * opinion.right < opinion.n);
    hard.sort_by(|a, b| {
        let by_loss = b.mean_loss.total_cmp(&a.mean_loss);
        a.right.cmp(&b.right).then(by_loss).then(a.image.cmp(&b.image))
    });
    hard
}

/// The images that one experiment has right in at least the share `least` (0 to 1) of its runs, and the
/// other wrong in at least that share of its own. The clearest first: by the difference between the
/// shares that are right, then by that between the mean losses, then by place. None where the test
/// images are not the same.
#[must_use]
pub fn disagreements(first: &Answers, second: &Answers, least: f64) -> Option<Vec<Disagreement>> {
    if !first.are_of_the_images_of(second) {
        return None;
    }
    let pairs = opinions(first).into_iter().zip(opinions(second));
    let disagree = |(a, b): &(Opinion, Opinion)| {
        let contrast = |a: &Opinion, b: &Opinion| a.is_right_in(least) && b.is_wrong_in(least);
        contrast(a, b) || contrast(b, a)
    };
    let mut found: Vec<Disagreement> = pairs
        .filter(disagree)
        .map(|(first, second)| Disagreement { first, second })
        .filter(|found| found.shares_apart() > 0.0)
        .collect();
    found.sort_by(|a, b| {
        let by_shares = b.shares_apart().total_cmp(&a.shares_apart());
        let by_losses = b.losses_apart().total_cmp(&a.losses_apart());
        by_shares.then(by_losses).then(a.first.image.cmp(&b.first.image))
    });
    Some(found)
}

impl Disagreement {
    /// Whether it is the first that is right.
    #[must_use]
    pub fn first_is_right(&self) -> bool {
        self.first.right_share() > self.second.right_share()
    }

    /// How far apart the shares of the runs are that are right, 0 to 1.
    #[must_use]
    pub fn shares_apart(&self) -> f64 {
        (self.first.right_share() - self.second.right_share()).abs()
    }

    /// How far apart the mean losses are, nats; 0 where both are infinite.
    #[must_use]
    pub fn losses_apart(&self) -> f64 {
        let apart = (self.first.mean_loss - self.second.mean_loss).abs();
        if apart.is_nan() { 0.0 } else { apart }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::made;
    use super::*;

    const LABELS: [u8; 4] = [1, 1, 1, 1];

    /// Image 0 is right in all three runs, 1 in two, 2 in one, 3 in none; the loss is the distance.
    fn net() -> Answers {
        made("net", &LABELS, &[&[1, 1, 1, 3], &[1, 1, 2, 3], &[1, 0, 2, 0]])
    }

    #[test]
    fn opinions_by_hand() {
        let told: Vec<_> =
            opinions(&net()).iter().map(|o| (o.right, o.said, o.said_by, o.mean_loss)).collect();
        assert_eq!(
            told,
            [(3, 1, 3, 0.0), (2, 1, 2, 1.0 / 3.0), (1, 2, 2, 2.0 / 3.0), (0, 3, 2, 5.0 / 3.0)]
        );
        assert_eq!(opinions(&made("net", &LABELS, &[])), []);
    }

    #[test]
    fn of_classes_that_are_said_as_often_the_first_counts() {
        let one = opinions(&made("net", &[0], &[&[4], &[2], &[7]]));
        assert_eq!((one[0].said, one[0].said_by), (2, 1));
    }

    #[test]
    fn hard_images_are_wrong_in_most_runs() {
        let images: Vec<u32> = hardest(&net()).iter().map(|hard| hard.image).collect();
        assert_eq!(images, [3, 2]);
        let half = made("net", &[0], &[&[0], &[1]]);
        assert_eq!(hardest(&half), []);
        let by_loss = made("net", &[0, 0, 0], &[&[2, 9, 2]]);
        let images: Vec<u32> = hardest(&by_loss).iter().map(|hard| hard.image).collect();
        assert_eq!(images, [1, 0, 2]);
    }

    /// Against three runs that have all wrong but the last image: the shares apart are 1, 2/3, 1/3 and
    /// 1 the other way, whose loss is 5/3 further.
    #[test]
    fn disagreements_by_hand() {
        let said: &[u8] = &[2, 2, 2, 1];
        let other = made("other", &LABELS, &[said; 3]);
        let images = |least| -> Vec<u32> {
            let found = disagreements(&net(), &other, least).unwrap();
            found.iter().map(|one| one.first.image).collect()
        };
        assert_eq!(images(1.0), [3, 0]);
        assert_eq!(images(2.0 / 3.0), [3, 0, 1]);
        assert_eq!(images(0.3), [3, 0, 1, 2]);
    }

    #[test]
    fn where_both_are_half_right_they_do_not_disagree() {
        let half = |name| made(name, &[0], &[&[0], &[1]]);
        assert_eq!(disagreements(&half("a"), &half("b"), 0.5), Some(vec![]));
    }

    #[test]
    fn other_images_are_not_compared() {
        assert_eq!(disagreements(&net(), &made("b", &[1, 1, 1, 2], &[]), 0.5), None);
    }
}
