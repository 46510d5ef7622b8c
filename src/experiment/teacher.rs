//! The runs that others learn from: found under the results folder by their names, and held against
//! what is to learn before anything trains.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::plan::Plan;
use crate::saved::{self, Faults, RunFile, RunFolder};
use crate::spec::data::Data;
use crate::spec::error::{Problem, SpecError};
use crate::spec::load::Loader;
use crate::spec::source::Span;
use crate::spec::train::{self as spec, Train};
use crate::spec::tree::Tree;

/// A saved run that others learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Teacher {
    /// Its network.
    pub plan: Plan,
    /// What its images were.
    data: Data,
    /// Its weights, a safetensors file that fits the network.
    pub weights: PathBuf,
    /// SHA-256 of that file, hexadecimal.
    pub hash: String,
}

/// The teachers of a sweep, each looked at once.
#[derive(Debug, Default)]
pub(super) struct Teachers {
    found: RefCell<HashMap<spec::Teacher, Found>>,
}

/// A teacher, or that it is not there.
type Found = Result<Rc<Teacher>, Absence>;

/// Why a teacher cannot be had.
#[derive(Debug, Clone)]
enum Absence {
    /// It has not trained yet.
    Untrained { folder: PathBuf },
    /// It is there, but cannot teach.
    Unfit { reason: String, help: String },
}

impl Teachers {
    /// The teacher of a recipe, which came from `tree`; the error within is that it has not trained yet.
    ///
    /// # Errors
    /// A teacher that cannot teach this network with this data.
    pub(super) fn of(
        &self,
        loader: &Loader,
        (train, tree): (&Train, &Tree),
        data: &Data,
        plan: &Plan,
    ) -> Result<Option<Result<Rc<Teacher>, SpecError>>, SpecError> {
        let Some(distill) = &train.distill else { return Ok(None) };
        let (named, span) = (&distill.teacher, tree.find("distill.teacher"));
        let known = self.found.borrow().get(named).cloned();
        let found = known.unwrap_or_else(|| find(loader.results(), named));
        self.found.borrow_mut().insert(named.clone(), found.clone());
        match found {
            Ok(teacher) => fits(&teacher, data, plan)
                .map(|()| Some(Ok(teacher)))
                .map_err(|(reason, help)| value(span, reason, help)),
            Err(Absence::Untrained { folder }) => Ok(Some(Err(untrained(named, &folder, span)))),
            Err(Absence::Unfit { reason, help }) => Err(value(span, reason, help)),
        }
    }
}

fn value(span: Span, reason: String, help: String) -> SpecError {
    SpecError::at(span, Problem::Value { reason, help })
}

fn untrained(named: &spec::Teacher, folder: &Path, span: Span) -> SpecError {
    let spec::Teacher { sweep, experiment, seed, .. } = named;
    let reason = format!(
        "there are no weights of `{experiment}` with seed {seed} in {}",
        saved::runs(folder).display()
    );
    let help = format!(
        "train it first: run the sweep `{sweep}`, or name a run whose weights are there; --results \
         says where"
    );
    value(span, reason, help)
}

fn find(results: &Path, named: &spec::Teacher) -> Found {
    let spec::Teacher { sweep, experiment, seed, hash } = named;
    let folder = saved::folder(results, sweep);
    let mut hashes = saved::hashes(&folder, experiment, *seed);
    hashes.retain(|found| hash.as_ref().is_none_or(|hash| found.starts_with(hash.as_str())));
    match hashes.as_slice() {
        [] => Err(Absence::Untrained { folder }),
        [hash] => read(&folder, named, hash),
        several => Err(Absence::Unfit {
            reason: format!("{} runs are called `{experiment}` with seed {seed}", several.len()),
            help: format!(
                "add one of their hashes, as in `hash: \"{}\"`; there are {}",
                several[0],
                several.join(", ")
            ),
        }),
    }
}

/// Reads the resolved spec of a run, and looks whether its weights are those of its network.
fn read(folder: &Path, named: &spec::Teacher, hash: &str) -> Found {
    let unfit = |reason: String, help: &str| Absence::Unfit { reason, help: help.into() };
    let again = "train the teacher again with --fresh";
    let run = RunFolder::of(folder, &named.experiment, named.seed, hash);
    let path = run.file(RunFile::Spec);
    let (plan, data) = planned(&path).map_err(|error| {
        unfit(format!("the teacher's spec {} does not plan: {error}", path.display()), again)
    })?;
    let weights = run.file(RunFile::Weights);
    let declared = plan.weights.iter().map(|it| (it.name.as_str(), it.dims.as_slice()));
    match saved::faults(&weights, declared) {
        None => {}
        Some(Faults::Unreadable(why)) => {
            return Err(unfit(format!("cannot read {}: {why}", weights.display()), again));
        }
        Some(Faults::Misfit(faults)) => {
            let few = faults.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
            let reason = format!("{} does not fit its network: {few}", weights.display());
            return Err(unfit(reason, again));
        }
    }
    let hash = saved::sha256(&weights)
        .map_err(|error| unfit(format!("cannot read {}: {error}", weights.display()), again))?;
    Ok(Rc::new(Teacher { plan, data, weights, hash }))
}

/// The network and the data of a resolved spec, which has one experiment. Its own teacher is of no
/// interest.
fn planned(path: &Path) -> Result<(Plan, Data), String> {
    let loader = Loader::default();
    let sets = ["train.distill=None".to_string()];
    let told = |errors: Vec<SpecError>| {
        errors.first().map_or_else(String::new, |error| error.problem().to_string())
    };
    let read = super::sweep(&loader, path, &sets).map_err(told)?;
    let one = read.list.into_iter().next().ok_or("it has no experiment")?;
    Ok((one.plan, one.data))
}

/// Whether a teacher can be asked about the images of a run. What is wrong, and what to do.
fn fits(teacher: &Teacher, data: &Data, plan: &Plan) -> Result<(), (String, String)> {
    let kind = |data: &Data| std::mem::discriminant(&data.set);
    let other = |what: &str, help: &str| Err((format!("the teacher {what}"), help.to_string()));
    if teacher.plan.classes != plan.classes {
        let (a, b) = (teacher.plan.classes, plan.classes);
        return other(&format!("knows {a} classes, the network {b}"), "name another teacher");
    }
    if teacher.plan.input != plan.input {
        let (a, b) = (teacher.plan.input.describe(), plan.input.describe());
        let help = "give both the same `data: (resize: ..)`";
        return other(&format!("reads {a}, the network {b}"), help);
    }
    if kind(&teacher.data) != kind(data) || teacher.data.normalize != data.normalize {
        let help = "give both the same `set` and `normalize`";
        return other("learned from images of another set, or normalised otherwise", help);
    }
    Ok(())
}
