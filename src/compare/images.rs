//! Two experiments image by image, seed by seed. The test images are the same for every seed, so the
//! seeds are no independent samples of images, and their counts are not added up.

use super::pair::shared;
use super::side::Side;
use crate::records::{CompareRow, McNemarRow, Predictions, Unreadable};
use crate::statistics::{McNemar, holm};

/// What the runs said of the images, by side and run.
#[derive(Debug)]
pub(super) struct Seen(Vec<Vec<Option<Predictions>>>);

impl Seen {
    pub(super) fn of(sides: &[Side], unreadable: &mut Vec<Unreadable>) -> Self {
        let mut kept = |side: &Side| -> Vec<Option<Predictions>> {
            let read = side.runs.iter().map(|run| run.predictions());
            let read = read.map(|read| {
                read.unwrap_or_else(|fault| {
                    unreadable.push(fault);
                    None
                })
            });
            read.collect()
        };
        Self(sides.iter().map(&mut kept).collect())
    }

    /// The rows of a pair of sides; seeds whose test images are not the same are noted.
    pub(super) fn compare(
        &self,
        sides: &[Side],
        (a, b): (usize, usize),
        notes: &mut Vec<String>,
    ) -> Vec<McNemarRow> {
        let mut rows = Vec::new();
        for seed in shared(&sides[a], &sides[b]) {
            let (Some(first), Some(second)) = (self.get(sides, a, seed), self.get(sides, b, seed))
            else {
                continue;
            };
            let (experiment, other) = (&sides[a].name, &sides[b].name);
            match row(first, second) {
                Some(row) => rows.push(McNemarRow {
                    experiment: experiment.clone(),
                    other: other.clone(),
                    seed,
                    ..row
                }),
                None => notes.push(format!(
                    "{experiment} against {other}: the predictions of seed {seed} are of other \
                     test images, and not compared"
                )),
            }
        }
        let exact: Vec<f64> = rows.iter().map(|row| row.p_exact).collect();
        for (row, p) in rows.iter_mut().zip(holm(&exact)) {
            row.p_holm = p;
        }
        rows
    }

    fn get(&self, sides: &[Side], side: usize, seed: u64) -> Option<&Predictions> {
        let place = sides[side].runs.iter().position(|run| run.row.seed == seed)?;
        self.0.get(side)?.get(place)?.as_ref()
    }
}

/// Two runs; none where their test images are not the same.
fn row(first: &Predictions, second: &Predictions) -> Option<McNemarRow> {
    let test = McNemar::of(&first.right(), &second.right())
        .filter(|_| first.labels == second.labels && !first.labels.is_empty())?;
    Some(McNemarRow {
        experiment: String::new(),
        other: String::new(),
        seed: 0,
        images: first.labels.len() as u64,
        alone: test.first_alone,
        other_alone: test.second_alone,
        p_exact: test.exact(),
        p_mid: test.mid_p(),
        p_holm: 1.0,
    })
}

/// Counts the seeds of a pair that differ.
pub(super) fn count(row: &mut CompareRow, images: &[McNemarRow]) {
    let (alpha, first, second) = (1.0 - row.level, row.experiment.clone(), row.other.clone());
    let own = images.iter().filter(|image| image.experiment == first && image.other == second);
    for image in own {
        row.mcnemar_seeds += 1;
        let differs = image.p_holm < alpha;
        row.mcnemar_better += u32::from(differs && image.alone > image.other_alone);
        row.mcnemar_worse += u32::from(differs && image.alone < image.other_alone);
    }
}
