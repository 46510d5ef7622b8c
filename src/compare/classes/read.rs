//! Predictions to answers, all of one test set.

use rayon::prelude::*;

use super::{Answer, Answers, RunTally, Tally};
use crate::compare::side::{Side, plural};
use crate::compare::test_sets::TestSets;
use crate::compare::{CompareError, Metric};
use crate::records::{Folder, Predictions, Run, Said, Unreadable};
use crate::saved::RunFile;

/// The experiments of a sweep with what their runs say, all of the same test images: [`Answers`] of single
/// images, or a [`Tally`] of classes.
#[derive(Debug)]
pub struct Panel<'a, A> {
    /// Those of which a run kept its predictions, by MACs, parameters and name.
    pub answers: Vec<A>,
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

/// The predictions of a run, reduced to what is wanted of them.
struct Read<R> {
    labels: Vec<u8>,
    right: u64,
    own: R,
}

/// A run that counts, with what it says.
struct Kept<'a, R> {
    run: &'a Run,
    /// The number of its test set among [`TestSets`].
    set: usize,
    images: usize,
    right: u64,
    own: R,
}

/// The runs of an experiment that kept their predictions, what is to be said of the others, and the files
/// that cannot be read.
type Found<'a, R> = (Vec<Kept<'a, R>>, Vec<String>, Vec<Unreadable>);

impl<'a> Panel<'a, Answers> {
    /// Reads what the experiments in `only`, or all where it is empty, say of single images: of the runs that
    /// count in a comparison of `top1`, which predictions are what it counts. Where they are of several
    /// test sets, the one that most runs have is told of; the others are noted. It takes 6 bytes an image
    /// and run.
    ///
    /// # Errors
    /// [`NoAnswers`] where an experiment is not there, or no run that counts kept its predictions.
    pub fn of(folder: &'a Folder, only: &[String]) -> Result<Self, NoAnswers> {
        let read = |run: &Run| {
            let said = run.predictions()?;
            Ok(said.map(|Predictions { labels, predicted, loss }| {
                let right =
                    labels.iter().zip(&predicted).filter(|(label, own)| label == own).count();
                let own = Answer { seed: run.row.seed, predicted, loss };
                Read { labels, right: right as u64, own }
            }))
        };
        let whole = |experiment, labels: &[u8], runs| {
            let labels = labels.to_vec();
            Answers { experiment, labels, runs }
        };
        panel(folder, only, read, whole)
    }

    /// Those of an experiment.
    #[must_use]
    pub fn named(&self, experiment: &str) -> Option<&Answers> {
        self.answers.iter().find(|answers| answers.experiment == experiment)
    }
}

impl<'a> Panel<'a, Tally> {
    /// The same of classes alone, which takes little memory of any number of runs.
    ///
    /// # Errors
    /// As for [`Panel::of`].
    pub fn of_classes(folder: &'a Folder, only: &[String]) -> Result<Self, NoAnswers> {
        let read = |run: &Run| {
            let said = run.said()?;
            Ok(said.map(|Said { labels, predicted }| {
                let own = RunTally::of(run.row.seed, &labels, &predicted);
                Read { labels, right: own.right(), own }
            }))
        };
        panel(folder, only, read, Tally::new)
    }

    /// As many classes as any of the experiments has, and `least` at the least.
    #[must_use]
    pub fn classes(&self, least: usize) -> usize {
        self.answers.iter().map(Tally::classes).fold(least, usize::max)
    }
}

fn panel<'a, R: Send, A>(
    folder: &'a Folder,
    only: &[String],
    read: impl Fn(&Run) -> Result<Option<Read<R>>, Unreadable> + Sync,
    whole: impl Fn(String, &[u8], Vec<R>) -> A,
) -> Result<Panel<'a, A>, NoAnswers> {
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
    let sets = TestSets::default();
    let found = sides.par_iter().map(|side| kept(side, &read, &sets));
    let found: Vec<Found<'a, R>> = found.collect();
    let mut by_experiment = Vec::new();
    for (side, (kept, own_notes, faults)) in sides.iter().zip(found) {
        notes.extend(own_notes);
        unreadable.extend(faults);
        by_experiment.push((side.name.clone(), kept));
    }
    let sets = sets.all();
    let Some((run, set)) = commonest(&by_experiment) else {
        return Err(NoAnswers::NoPredictions { notes, unreadable });
    };
    let mut all = Vec::new();
    for (name, kept) in by_experiment {
        let own = of_set(&name, kept, (set, sets[set].len()), &mut notes);
        if !own.is_empty() {
            all.push(whole(name, &sets[set], own));
        }
    }
    Ok(Panel { answers: all, run, notes, unreadable })
}

/// The runs of an experiment that kept their predictions; what is missing is noted.
fn kept<'a, R: Send>(
    side: &Side<'a>,
    read: &(impl Fn(&Run) -> Result<Option<Read<R>>, Unreadable> + Sync),
    sets: &TestSets,
) -> Found<'a, R> {
    let (mut kept, mut without, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for run in &side.runs {
        match read(run) {
            Ok(Some(Read { labels, right, own })) if !labels.is_empty() => {
                let images = labels.len();
                kept.push(Kept { run, set: sets.number(labels), images, right, own });
            }
            Ok(_) => without.push(run.row.seed.to_string()),
            Err(fault) => unreadable.push(fault),
        }
    }
    let mut notes: Vec<String> = kept.iter().filter_map(|one| strange(&side.name, one)).collect();
    if !without.is_empty() {
        let (runs, seeds) = (plural(without.len(), "run"), without.join(", "));
        let file = RunFile::Predictions.name();
        notes.push(format!("{}: {runs} without {file} left out, of seed {seeds}", side.name));
    }
    (kept, notes, unreadable)
}

/// How far, in percentage points, an accuracy in a record may be from that of the predictions: two
/// evaluations of the same weights on a GPU may differ by an image.
const APART: f64 = 0.1;

/// What is to be said of a run whose predictions are not those that its record tells of.
fn strange<R>(experiment: &str, kept: &Kept<R>) -> Option<String> {
    let row = &kept.run.row;
    let own = 100.0 * kept.right as f64 / kept.images as f64;
    let recorded = row.top1.filter(|top1| (top1 - own).abs() > APART)?;
    Some(format!(
        "{experiment}: the predictions of seed {} are {own:.2} % right and its record says {recorded:.2} %; \
         they count as they are, but one of the two files is of another run",
        row.seed
    ))
}

/// The test set that most runs have, and the first run that has it; of several the one that is met first.
fn commonest<'a, R>(kept: &[(String, Vec<Kept<'a, R>>)]) -> Option<(&'a Run, usize)> {
    let mut sets: Vec<(usize, &'a Run, usize)> = Vec::new();
    for one in kept.iter().flat_map(|(_, kept)| kept) {
        match sets.iter_mut().find(|(_, _, set)| *set == one.set) {
            Some((count, ..)) => *count += 1,
            None => sets.push((1, one.run, one.set)),
        }
    }
    let most = sets.iter().map(|(count, ..)| *count).max()?;
    sets.into_iter().find(|(count, ..)| *count == most).map(|(_, run, set)| (run, set))
}

/// What the runs of an experiment say of a test set of so many images; those of others are noted.
fn of_set<R>(
    experiment: &str,
    kept: Vec<Kept<R>>,
    (set, here): (usize, usize),
    notes: &mut Vec<String>,
) -> Vec<R> {
    let (own, others): (Vec<Kept<R>>, Vec<Kept<R>>) =
        kept.into_iter().partition(|one| one.set == set);
    if let Some(other) = others.first() {
        let (runs, count) = (plural(others.len(), "run"), other.images);
        let is_other = match count == here {
            true => format!("{count} images of other classes"),
            false => format!("{count} images and not {here}"),
        };
        notes.push(format!(
            "{experiment}: {runs} of another test set left out ({is_other}); images are compared with \
             themselves alone"
        ));
    }
    own.into_iter().map(|one| one.own).collect()
}
