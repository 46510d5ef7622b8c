//! From the folder of a sweep to what the page tells.

use std::path::{Path, PathBuf};

use super::Error;
use super::again::again;
use super::images::images;
use super::unfinished::unfinished;
use crate::cli::ReportArgs;
use crate::commands::compare::told;
use crate::commands::images::spec_at;
use crate::compare::{self, CompareError, Comparison, Metric, Question, Which, newest_runs};
use crate::experiment::Experiment;
use crate::picture::{Unfold, svg};
use crate::records::{Folder, Run, Unreadable, baseline_of};
use crate::report::{Drawn, Group, Report, Setup, shown};
use crate::saved::{self, RunFile};
use crate::spec::data::DataSet;

/// An experiment, as the spec of its first run has it.
pub(super) struct Trained {
    pub(super) name: String,
    pub(super) experiment: Experiment,
    /// The folder of that run.
    pub(super) folder: PathBuf,
}

/// All that the page tells, and the files that could not be read.
pub(super) fn report(
    args: &ReportArgs,
    path: &Path,
    folder: Folder,
) -> Result<(Report, Vec<Unreadable>), Error> {
    let mut unreadable = folder.unreadable.clone();
    let begun = unfinished(path, &mut unreadable);
    let (groups, mut notes) = Group::all(&folder.runs, begun, &mut unreadable);
    let reference = reference(args, path, &groups)?;
    let shown = shown(&groups, reference.as_deref());
    let names: Vec<String> = shown.iter().map(|place| groups[*place].name.clone()).collect();
    // Whose predictions are read; where all are, those of which the page tells nothing else too.
    let only = if shown.len() < groups.len() { &names[..] } else { &[] };
    let (classes, galleries) = images(args, &folder, only, &mut notes, &mut unreadable);
    let folders = folders(&folder.runs, &groups);
    let trained = trained(&folders, &names, &mut notes);
    let networks = networks(&trained);
    let again = again(&args.results, &groups, &folders, &trained);
    let setup = setup(&trained);
    let comparison = comparison(folder, args)?;
    notes.extend(comparison.iter().flat_map(|comparison| comparison.notes.clone()));
    notes.sort();
    notes.dedup();
    let sweep = path.file_name().unwrap_or_default().to_string_lossy();
    let sweep = saved::name_of(&sweep);
    Ok((
        Report {
            sweep,
            groups,
            shown,
            comparison,
            reference,
            classes,
            galleries,
            networks,
            setup,
            again,
            notes,
        },
        unreadable,
    ))
}

/// The experiment that the others are set against: the one asked for, else the sweep's baseline, else the
/// cheapest.
fn reference(args: &ReportArgs, path: &Path, groups: &[Group]) -> Result<Option<String>, Error> {
    let is_known = |name: &String| groups.iter().any(|group| group.name == *name);
    let known: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    match &args.baseline {
        Some(name) if is_known(name) => Ok(Some(name.clone())),
        Some(name) => {
            let error = CompareError::UnknownExperiment { name: name.clone(), known };
            Err(Error::Baseline(told(&error)))
        }
        None if groups.len() < 2 => Ok(None),
        None => Ok(baseline_of(path).filter(is_known).or_else(|| known.first().cloned())),
    }
}

/// Every two experiments; none where no run has ended well.
fn comparison(folder: Folder, args: &ReportArgs) -> Result<Option<Comparison>, Error> {
    let question =
        Question { which: Which::All, metric: Metric::TOP1, level: args.level, power: args.power };
    match compare::compare(folder, &question) {
        Ok(comparison) => Ok(Some(comparison)),
        Err(CompareError::NoValues { .. }) => Ok(None),
        Err(error) => Err(Error::Baseline(told(&error))),
    }
}

/// The folders of the runs that the page tells of, with their experiments.
fn folders(runs: &[Run], groups: &[Group]) -> Vec<(String, PathBuf)> {
    let (newest, _) = newest_runs(runs);
    let recorded = newest.into_iter().filter_map(|run| {
        let folder = run.file(RunFile::Record).parent()?.to_owned();
        Some((run.row.experiment.clone(), folder))
    });
    let unfinished = groups.iter().flat_map(|group| &group.unfinished);
    let unfinished = unfinished.map(|run| (run.experiment.clone(), run.folder.clone()));
    recorded.chain(unfinished).collect()
}

/// What each of these experiments trains; of one that nothing says it of, why.
fn trained(
    folders: &[(String, PathBuf)],
    names: &[String],
    notes: &mut Vec<String>,
) -> Vec<Trained> {
    let mut found: Vec<Trained> = Vec::new();
    let mut faults: Vec<(&String, String)> = Vec::new();
    for (name, folder) in folders {
        if !names.contains(name) || found.iter().any(|known| known.name == *name) {
            continue;
        }
        match spec_at(folder.join(RunFile::Spec.name())) {
            Ok(experiment) => {
                let (name, folder) = (name.clone(), folder.clone());
                found.push(Trained { name, experiment, folder });
            }
            Err(error) => faults.push((name, error.to_string())),
        }
    }
    faults.retain(|(name, _)| found.iter().all(|known| known.name != **name));
    faults.dedup_by_key(|(name, _)| *name);
    let note = |(name, why)| format!("{name}: neither network nor spec is shown: {why}");
    notes.extend(faults.into_iter().map(note));
    found
}

/// The networks, each once.
fn networks(trained: &[Trained]) -> Vec<Drawn> {
    let mut drawn: Vec<(&Experiment, Drawn)> = Vec::new();
    for Trained { name, experiment, .. } in trained {
        match drawn.iter_mut().find(|(other, _)| other.plan == experiment.plan) {
            Some((_, known)) => known.experiments.push(name.clone()),
            None => {
                let svg = svg(&experiment.plan, name, &Unfold::Nothing).unwrap_or_default();
                drawn.push((experiment, Drawn { experiments: vec![name.clone()], svg }));
            }
        }
    }
    drawn.into_iter().map(|(_, drawn)| drawn).collect()
}

fn setup(trained: &[Trained]) -> Setup {
    let set = |own: &Trained| match own.experiment.data.set {
        DataSet::Cifar10 => "CIFAR-10".to_owned(),
        DataSet::Shapes10 { seed } => format!("shapes10 (drawn, seed {seed})"),
    };
    Setup {
        data: trained.iter().map(set).collect(),
        epochs: trained.iter().map(|own| own.experiment.train.epochs).collect(),
    }
}
