//! From the folder of a sweep to what the page tells.

use std::collections::BTreeMap;
use std::path::Path;

use super::Error;
use crate::cli::ReportArgs;
use crate::commands::compare::told;
use crate::commands::images::{class_name, class_names, spec_of, test_images};
use crate::compare::classes::{
    Confusion, Disagreement, Opinion, Panel, disagreements, hardest, standings,
};
use crate::compare::{self, CompareError, Comparison, Metric, Question, Which, newest_runs};
use crate::data::{IMAGE_BYTES, Images, SIDE};
use crate::experiment::Experiment;
use crate::picture::sheet::image;
use crate::picture::{Unfold, svg};
use crate::records::{EpochRow, Folder, KeptRun, Run, Unreadable};
use crate::report::{Again, Classes, Drawn, Gallery, Group, Picture, Report, UnderWay};
use crate::saved::{self, RunFile};

/// Images of a gallery.
const SHOWN: usize = 12;
/// Experiments, the best ones, whose mistakes are shown.
const MISTAKEN: usize = 3;
/// The share of the seeds from which on two experiments disagree on an image.
const SHARE: f64 = 0.75;

/// All that the page tells, and the files that could not be read.
pub(super) fn report(
    args: &ReportArgs,
    path: &Path,
    folder: Folder,
) -> Result<(Report, Vec<Unreadable>), Error> {
    let (groups, mut notes) = Group::all(&folder.runs, under_way(path));
    let mut unreadable = folder.unreadable.clone();
    let (classes, galleries) = images(args, &folder, &mut notes, &mut unreadable);
    let specs: Vec<(String, Experiment, &Run)> = specs(&folder.runs, &mut notes);
    let networks = networks(&specs);
    let again = again(args, path, &specs, &folder.runs);
    let reference = reference(args, &groups)?;
    let comparison = comparison(folder, args)?;
    notes.extend(comparison.iter().flat_map(|comparison| comparison.notes.clone()));
    notes.sort();
    notes.dedup();
    let sweep = path.file_name().unwrap_or_default().to_string_lossy();
    let sweep = saved::name_of(&sweep);
    Ok((
        Report { sweep, groups, comparison, reference, classes, galleries, networks, again, notes },
        unreadable,
    ))
}

/// The runs that have epochs and no record.
fn under_way(path: &Path) -> Vec<UnderWay> {
    let entries = std::fs::read_dir(saved::runs(path)).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.extension().is_none_or(|it| it != "superseded"));
    folders.retain(|folder| !folder.join(RunFile::Record.name()).exists());
    folders.sort();
    let read = |folder: &Path| {
        let mut reader = csv::Reader::from_path(folder.join(RunFile::Epochs.name())).ok()?;
        let epochs: Vec<EpochRow> = reader.deserialize().collect::<Result<_, _>>().ok()?;
        let first = epochs.first()?;
        Some(UnderWay { experiment: first.experiment.clone(), seed: first.seed, epochs })
    };
    folders.iter().filter_map(|folder| read(folder)).collect()
}

/// The experiment that the others are set against: the one asked for, else the cheapest.
fn reference(args: &ReportArgs, groups: &[Group]) -> Result<Option<String>, Error> {
    let known = groups.iter().map(|group| group.name.clone()).collect();
    match &args.baseline {
        Some(name) if groups.iter().any(|group| group.name == *name) => Ok(Some(name.clone())),
        Some(name) => {
            let error = CompareError::UnknownExperiment { name: name.clone(), known };
            Err(Error::Baseline(told(&error)))
        }
        None if groups.len() < 2 => Ok(None),
        None => Ok(known.first().cloned()),
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

/// The first run of each experiment that says what it trained.
fn specs<'a>(runs: &'a [Run], notes: &mut Vec<String>) -> Vec<(String, Experiment, &'a Run)> {
    let (newest, _) = newest_runs(runs);
    let mut found: Vec<(String, Experiment, &Run)> = Vec::new();
    for run in newest {
        let name = &run.record.run.experiment;
        if found.iter().any(|(known, ..)| known == name) {
            continue;
        }
        match spec_of(run) {
            Ok(experiment) => found.push((name.clone(), experiment, run)),
            Err(error) => notes.push(format!("{name}: neither network nor spec is shown: {error}")),
        }
    }
    found
}

/// The networks, each once.
fn networks(specs: &[(String, Experiment, &Run)]) -> Vec<Drawn> {
    let mut drawn: Vec<(&Experiment, Drawn)> = Vec::new();
    for (name, experiment, _) in specs {
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

/// What a person needs to have the sweep again.
fn again(
    args: &ReportArgs,
    path: &Path,
    specs: &[(String, Experiment, &Run)],
    runs: &[Run],
) -> Again {
    let mut facts: Vec<(String, BTreeMap<String, usize>)> = Vec::new();
    let mut count = |what: &str, value: Option<String>| {
        let Some(value) = value else { return };
        let place = facts.iter().position(|(known, _)| known == what).unwrap_or_else(|| {
            facts.push((what.to_owned(), BTreeMap::new()));
            facts.len() - 1
        });
        *facts[place].1.entry(value).or_default() += 1;
    };
    let (newest, _) = newest_runs(runs);
    for run in newest {
        let row = &run.record.run;
        count("seeds", Some(row.seed.to_string()));
        let kept = run.file(RunFile::Spec).parent().and_then(|folder| KeptRun::open(folder).ok());
        let Some(on) = kept.map(|kept| kept.environment) else { continue };
        count("resweep", Some(on.code_version));
        count(
            "commit",
            on.commit.map(|it| it + if on.dirty { ", with files changed" } else { "" }),
        );
        count("tch", on.tch_version);
        count("libtorch", on.libtorch_version);
        count("device", on.device_name.map(|name| format!("{}, {name}", on.device)));
        count("threads", Some(on.threads.to_string()));
        count("--set", Some(on.overrides.join(" ")).filter(|text| !text.is_empty()));
        on.machine
            .into_iter()
            .for_each(|(what, value)| count(&what.replace('_', " "), Some(value)));
    }
    let specs = specs.iter().map(|(name, _, run)| {
        let folder = run.file(RunFile::Spec);
        let spec = std::fs::read_to_string(&folder).unwrap_or_default();
        let folder = folder.parent().unwrap_or(path).display().to_string();
        (name.clone(), spec, folder)
    });
    Again {
        folder: args.results.display().to_string(),
        facts: facts
            .into_iter()
            .map(|(what, values)| (what, values.into_iter().collect()))
            .collect(),
        specs: specs.collect(),
    }
}

/// Single classes and images; nothing where no run kept its predictions.
fn images(
    args: &ReportArgs,
    folder: &Folder,
    notes: &mut Vec<String>,
    unreadable: &mut Vec<Unreadable>,
) -> (Option<Classes>, Vec<Gallery>) {
    let Ok(panel) = Panel::of(folder, &[]) else {
        notes.push("no run kept its predictions: nothing is told of classes and images".into());
        return (None, Vec::new());
    };
    unreadable.clone_from(&panel.unreadable);
    notes.extend(panel.notes.clone());
    let data = args.data.as_deref();
    let spec = spec_of(panel.run);
    let names = spec.as_ref().ok().and_then(|spec| class_names(&spec.data, data).ok());
    let names = names.unwrap_or_default();
    let classes = panel.classes(names.len());
    let told = Classes {
        experiments: panel.answers.iter().map(|own| (own.experiment.clone(), own.n())).collect(),
        standings: standings(&panel.answers, classes, args.level),
        confusions: panel.answers.iter().map(|own| Confusion::of(own, classes)).collect(),
        names,
    };
    let shown = spec.and_then(|spec| test_images(&spec.data, data, &panel.answers[0].labels));
    match shown {
        Ok((pixels, names)) => (Some(told), galleries(&panel, &pixels, &names)),
        Err(error) => {
            let about = format!("The images are not shown: {error}");
            let (title, pictures) = ("The test images".into(), Vec::new());
            (Some(told), vec![Gallery { title, about, pictures }])
        }
    }
}

/// The hardest images of the best experiments, and those on which the best and the worst disagree.
fn galleries(panel: &Panel<'_>, pixels: &Images, names: &[String]) -> Vec<Gallery> {
    let right = |own: &crate::compare::classes::Answers| {
        let right = |run: &crate::compare::classes::Answer| {
            own.labels.iter().zip(&run.predicted).filter(|(label, said)| label == said).count()
        };
        own.runs.iter().map(right).sum::<usize>() as f64 / own.runs.len().max(1) as f64
    };
    let mut ranked: Vec<_> = panel.answers.iter().collect();
    ranked.sort_by(|a, b| right(b).total_cmp(&right(a)));
    let draw = |image: u32, class: u8, said: String| Picture {
        png: png(pixels, image),
        class: class_name(names, class),
        said,
    };
    let mut galleries = Vec::new();
    for own in ranked.iter().take(MISTAKEN) {
        let all = hardest(own);
        let said = |it: &Opinion| {
            format!("taken for {} ({} of {} runs)", class_name(names, it.said), it.said_by, it.n)
        };
        let pictures = all.iter().take(SHOWN).map(|it| draw(it.image, it.label, said(it)));
        galleries.push(Gallery {
            title: format!("The worst mistakes of {}", own.experiment),
            about: format!(
                "{} of {} test images are wrong in most of its runs; these with the highest loss.",
                all.len(),
                own.labels.len()
            ),
            pictures: pictures.collect(),
        });
    }
    if let (Some(best), Some(worst)) = (ranked.first(), ranked.last().filter(|_| ranked.len() > 1))
    {
        let all = disagreements(best, worst, SHARE).unwrap_or_default();
        let says = |it: &Opinion| class_name(names, it.said);
        let said = |it: &Disagreement| {
            format!(
                "{}: {}; {}: {}",
                best.experiment,
                says(&it.first),
                worst.experiment,
                says(&it.second)
            )
        };
        let pictures =
            all.iter().take(SHOWN).map(|it| draw(it.first.image, it.first.label, said(it)));
        galleries.push(Gallery {
            title: format!("Where {} and {} disagree", best.experiment, worst.experiment),
            about: format!(
                "{} images that one has right in three quarters of its runs or more and the other wrong in as \
                 many; of these {} that the first has right.",
                all.len(),
                all.iter().filter(|it| it.first_is_right()).count()
            ),
            pictures: pictures.collect(),
        });
    }
    galleries
}

fn png(pixels: &Images, place: u32) -> Vec<u8> {
    let from = place as usize * IMAGE_BYTES;
    let own = pixels.pixels.get(from..from + IMAGE_BYTES).unwrap_or_default();
    image(own, SIDE).unwrap_or_default()
}
