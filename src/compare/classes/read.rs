//! Predictions to answers, all of one test set.

use super::{Answer, Answers};
use crate::compare::side::{Side, plural};
use crate::compare::{CompareError, Metric};
use crate::records::{Folder, Predictions, Run, Unreadable};
use crate::saved::RunFile;

/// The experiments of a sweep with what their runs say, all of the same test images.
#[derive(Debug)]
pub struct Panel<'a> {
    /// Those of which a run kept its predictions, by MACs, parameters and name.
    pub answers: Vec<Answers>,
    /// A run whose predictions are among them: its spec says what the test images are.
    pub run: &'a Run,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// Files that could not be read, those of the folder too.
    pub unreadable: Vec<Unreadable>,
}

/// Why there is nothing to tell of classes and images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswers {
    /// What is asked for is not there.
    Asked(CompareError),
    /// No run that counts kept its predictions.
    NoPredictions {
        /// What was left out, and why.
        notes: Vec<String>,
        /// Files of predictions that could not be read.
        unreadable: Vec<Unreadable>,
    },
}

/// A run that counts, with what it says.
type Kept<'a> = (&'a Run, Predictions);

impl<'a> Panel<'a> {
    /// Reads the predictions of the experiments in `only`, or of all where it is empty: of the runs that
    /// count in a comparison of `top1`, which predictions are what it counts. Where they are of several
    /// test sets, the one that most runs have is told of; the others are noted.
    ///
    /// # Errors
    /// [`NoAnswers`] where an experiment is not there, or no run that counts kept its predictions.
    pub fn of(folder: &'a Folder, only: &[String]) -> Result<Self, NoAnswers> {
        let mut sides = Side::all(&folder.runs, Metric::TOP1);
        let unknown = only.iter().find(|name| sides.iter().all(|side| side.name != **name));
        if let Some(name) = unknown {
            let known = sides.iter().map(|side| side.name.clone()).collect();
            let name = name.clone();
            return Err(NoAnswers::Asked(CompareError::UnknownExperiment { name, known }));
        }
        sides.retain(|side| only.is_empty() || only.contains(&side.name));
        let mut notes: Vec<String> = sides.iter().flat_map(|side| side.notes.clone()).collect();
        let mut unreadable = folder.unreadable.clone();
        let kept: Vec<(String, Vec<Kept>)> = sides
            .iter()
            .map(|side| (side.name.clone(), kept(side, &mut notes, &mut unreadable)))
            .collect();
        let Some((run, labels)) = commonest(&kept) else {
            return Err(NoAnswers::NoPredictions { notes, unreadable });
        };
        let answers = kept
            .into_iter()
            .filter_map(|(name, kept)| answers(name, kept, &labels, &mut notes))
            .collect();
        Ok(Self { answers, run, notes, unreadable })
    }

    /// Those of an experiment.
    #[must_use]
    pub fn named(&self, experiment: &str) -> Option<&Answers> {
        self.answers.iter().find(|answers| answers.experiment == experiment)
    }

    /// As many classes as any of the experiments has, and `least` at the least.
    #[must_use]
    pub fn classes(&self, least: usize) -> usize {
        self.answers.iter().map(Answers::classes).fold(least, usize::max)
    }
}

/// The runs of an experiment that kept their predictions; what is missing is noted.
fn kept<'a>(
    side: &Side<'a>,
    notes: &mut Vec<String>,
    unreadable: &mut Vec<Unreadable>,
) -> Vec<Kept<'a>> {
    let mut kept = Vec::new();
    let mut without = Vec::new();
    for run in &side.runs {
        match run.predictions() {
            Ok(Some(predictions)) if !predictions.labels.is_empty() => {
                kept.push((*run, predictions))
            }
            Ok(_) => without.push(run.row.seed.to_string()),
            Err(fault) => unreadable.push(fault),
        }
    }
    notes.extend(kept.iter().filter_map(|one| strange(&side.name, one)));
    if !without.is_empty() {
        let (runs, seeds) = (plural(without.len(), "run"), without.join(", "));
        let file = RunFile::Predictions.name();
        notes.push(format!("{}: {runs} without {file} left out, of seed {seeds}", side.name));
    }
    kept
}

/// How far, in percentage points, an accuracy in a record may be from that of the predictions: two
/// evaluations of the same weights on a GPU may differ by an image.
const APART: f64 = 0.1;

/// What is to be said of a run whose predictions are not those that its record tells of.
fn strange(experiment: &str, (run, predictions): &Kept) -> Option<String> {
    let row = &run.row;
    let right = predictions.right();
    let own = 100.0 * right.iter().filter(|right| **right).count() as f64 / right.len() as f64;
    let recorded = row.top1.filter(|top1| (top1 - own).abs() > APART)?;
    Some(format!(
        "{experiment}: the predictions of seed {} are {own:.2} % right and its record says {recorded:.2} %; \
         they count as they are, but one of the two files is of another run",
        row.seed
    ))
}

/// The test set that most runs have, and the first run that has it; of several the one that is met first.
fn commonest<'a>(kept: &[(String, Vec<Kept<'a>>)]) -> Option<(&'a Run, Vec<u8>)> {
    let mut sets: Vec<(usize, &Kept<'a>)> = Vec::new();
    for one in kept.iter().flat_map(|(_, kept)| kept) {
        match sets.iter_mut().find(|(_, set)| set.1.labels == one.1.labels) {
            Some((count, _)) => *count += 1,
            None => sets.push((1, one)),
        }
    }
    let most = sets.iter().map(|(count, _)| *count).max()?;
    let (_, (run, predictions)) = sets.into_iter().find(|(count, _)| *count == most)?;
    Some((run, predictions.labels.clone()))
}

/// What the runs of an experiment say of the test set of these labels; none where no run is of it.
fn answers(
    experiment: String,
    kept: Vec<Kept>,
    labels: &[u8],
    notes: &mut Vec<String>,
) -> Option<Answers> {
    let (own, others): (Vec<Kept>, Vec<Kept>) =
        kept.into_iter().partition(|(_, predictions)| predictions.labels == labels);
    if let Some((_, other)) = others.first() {
        let runs = plural(others.len(), "run");
        let (count, here) = (other.labels.len(), labels.len());
        let is_other = match count == here {
            true => format!("{count} images of other classes"),
            false => format!("{count} images and not {here}"),
        };
        notes.push(format!(
            "{experiment}: {runs} of another test set left out ({is_other}); images are compared with \
             themselves alone"
        ));
    }
    let answer = |(run, predictions): Kept| Answer {
        seed: run.row.seed,
        predicted: predictions.predicted,
        loss: predictions.loss,
    };
    let runs: Vec<Answer> = own.into_iter().map(answer).collect();
    (!runs.is_empty()).then(|| Answers { experiment, labels: labels.to_vec(), runs })
}
