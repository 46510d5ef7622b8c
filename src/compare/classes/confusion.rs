//! What is taken for what.

use serde::Serialize;

use super::{Tally, numbers};

/// The confusion matrix of an experiment: how often images of a class (rows) were taken for a class
/// (columns), all runs together, so that each image counts once a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// By row.
    counts: Vec<u64>,
}

/// A class that was taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Confused {
    /// The class of the images.
    pub class: u8,
    /// What they were taken for.
    pub taken_for: u8,
    /// How often, all runs together.
    pub count: u64,
    /// The same by all answers about images of `class`, %.
    pub share: f64,
}

impl Confusion {
    /// That of `classes` classes, and of any further one that is there.
    #[must_use]
    pub fn of(tally: &Tally, classes: usize) -> Self {
        let classes = classes.max(tally.classes());
        let cells = (0..classes).flat_map(|class| (0..classes).map(move |other| (class, other)));
        let count = |(class, other)| tally.runs.iter().map(|run| run.count(class, other)).sum();
        Self { classes, counts: cells.map(count).collect() }
    }

    /// The number of rows and of columns.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The rows, one a class of the images, each with a count for every predicted class.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks(self.classes.max(1))
    }

    /// How often an image of a class was taken for a class, all runs together.
    #[must_use]
    pub fn count(&self, class: u8, taken_for: u8) -> u64 {
        let (row, column) = (usize::from(class), usize::from(taken_for));
        let is_there = column < self.classes;
        is_there.then(|| self.counts.get(row * self.classes + column)).flatten().map_or(0, |n| *n)
    }

    /// Answers about images of a class: its images times the runs.
    #[must_use]
    pub fn total(&self, class: u8) -> u64 {
        self.rows().nth(usize::from(class)).map_or(0, |row| row.iter().sum())
    }

    /// [`Confusion::count`] by [`Confusion::total`], %; none where the class has no image.
    #[must_use]
    pub fn share(&self, class: u8, taken_for: u8) -> Option<f64> {
        let total = self.total(class);
        (total > 0).then(|| 100.0 * self.count(class, taken_for) as f64 / total as f64)
    }

    /// The confusions that happened, the most frequent first.
    #[must_use]
    pub fn most_confused(&self) -> Vec<Confused> {
        let pairs = numbers(self.classes)
            .flat_map(|class| numbers(self.classes).map(move |taken_for| (class, taken_for)));
        let confused = pairs.filter(|(class, taken_for)| class != taken_for);
        let confused = confused.filter_map(|(class, taken_for)| {
            let (count, share) = (self.count(class, taken_for), self.share(class, taken_for)?);
            (count > 0).then_some(Confused { class, taken_for, count, share })
        });
        let mut confused: Vec<Confused> = confused.collect();
        confused.sort_by_key(|pair| (std::cmp::Reverse(pair.count), pair.class, pair.taken_for));
        confused
    }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    /// Class 0 has three images and was taken for 0 four times of six, for 1 once, for 2 once; class 1
    /// has one image, which was taken for 2 twice; class 2 has none.
    #[test]
    fn by_hand() {
        let answers = made("net", &[0, 0, 0, 1], &[&[0, 0, 1, 2], &[0, 2, 0, 2]]);
        let confusion = Confusion::of(&Tally::of(&answers), 3);
        let rows: Vec<&[u64]> = confusion.rows().collect();
        assert_eq!(rows, [[4, 1, 1], [0, 0, 2], [0, 0, 0]]);
        assert_eq!((confusion.total(0), confusion.total(1), confusion.total(2)), (6, 2, 0));
        assert_eq!(confusion.share(1, 2), Some(100.0));
        assert_eq!(confusion.share(2, 0), None);
        assert_eq!((confusion.count(0, 3), confusion.count(3, 0)), (0, 0));
        let told: Vec<_> =
            confusion.most_confused().iter().map(|c| (c.class, c.taken_for, c.count)).collect();
        assert_eq!(told, [(1, 2, 2), (0, 1, 1), (0, 2, 1)]);
    }

    #[test]
    fn more_classes_than_are_told_of_are_counted() {
        let confusion = Confusion::of(&Tally::of(&made("net", &[0], &[&[200]])), 2);
        assert_eq!((confusion.classes(), confusion.count(0, 200)), (201, 1));
    }

    #[test]
    fn nothing_has_no_rows() {
        assert_eq!(Confusion::of(&Tally::of(&made("net", &[], &[])), 0).rows().count(), 0);
    }
}
