//! From files to experiments: every network of a sweep read, built and planned before anything
//! trains, with every combination of its axes.

mod candidate;
mod expand;
mod lookup;
mod naming;
mod resolve;
mod teacher;

use std::path::Path;
use std::rc::Rc;

use candidate::HOLD_OUT;

use crate::graph::Graph;
use crate::plan::Plan;
use crate::spec::axes::Role;
use crate::spec::data::Data;
use crate::spec::de::Spanned;
use crate::spec::error::{Problem, SpecError};
use crate::spec::halving::Halving;
use crate::spec::load::Loader;
use crate::spec::network::{Network, Task};
use crate::spec::overlay::{self, Change};
use crate::spec::params::Given;
use crate::spec::source::Span;
use crate::spec::sweep::Sweep;
use crate::spec::train::Train;
use crate::spec::tree::Tree;
use crate::spec::until_resolved::{SeedsMetric, UntilResolved};

pub use teacher::Teacher;

/// A sweep that can run: all that its files say, resolved.
#[derive(Debug, Clone)]
pub struct Experiments {
    /// The folder under `results/`.
    pub name: String,
    /// Networks in the order of the file, each with every combination of the axes, of which the
    /// last changes fastest.
    pub list: Vec<Experiment>,
    /// Each experiment is trained once with each seed.
    pub seeds: Vec<u64>,
    /// By what rule these are added; all are trained where there is none.
    pub until_resolved: Option<UntilResolved>,
    /// What the axes are called, in order.
    pub axes: Vec<String>,
    /// The experiment that the others are compared with.
    pub baseline: Option<String>,
    /// Which experiments train to their end; all where there is none.
    pub halving: Option<Halving>,
    /// Combinations that became no experiments.
    pub left_out: LeftOut,
    /// What `--set` changed, as given.
    pub overrides: Vec<String>,
}

/// How many combinations of axes became no experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// They do not meet `where`.
    pub by_where: usize,
    /// They meet `exclude`.
    pub by_exclude: usize,
    /// They repeat another with the same values.
    pub repeated: usize,
}

/// One network with its recipe and data.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// Its name in tables.
    pub name: String,
    /// The network.
    pub plan: Plan,
    /// The recipe.
    pub train: Train,
    /// The data set.
    pub data: Data,
    /// The run that it learns from, where its recipe names one; an error where that run is not there
    /// yet.
    pub teacher: Option<Result<Rc<Teacher>, SpecError>>,
    /// The axes with their values here, as tables have them; empty where a case sets no such field.
    pub axes: Vec<(String, String)>,
    /// SHA-256 of all that determines a run beside its seed, hexadecimal.
    pub hash: String,
    /// The first experiment of the same hash, where this is another: they give the same results.
    pub same_as: Option<String>,
    /// The sweep with this experiment alone, every file, override and value of an axis in place;
    /// without its name and its seeds.
    pub resolved: String,
}

impl Experiment {
    /// The sweep with one run of the experiment alone: a spec that runs again as it is.
    pub fn alone(&self, sweep: &str, seed: u64) -> String {
        alone(&self.resolved, sweep, seed)
    }
}

/// The sweep with one run of an experiment alone, by what is [`Experiment::resolved`] of it.
pub fn alone(resolved: &str, sweep: &str, seed: u64) -> String {
    let rest = resolved.strip_prefix("Sweep(").unwrap_or_default();
    format!("Sweep(\n    name: {sweep:?},\n    seeds: [{seed}],{rest}")
}

/// Reads and plans a sweep.
///
/// # Errors
/// Every mistake that was found.
pub fn sweep(loader: &Loader, path: &Path, sets: &[String]) -> Result<Experiments, Vec<SpecError>> {
    let one = |error| vec![error];
    let tree = loader.open(path).map_err(one)?;
    let changes = overlay::parse(loader, sets).map_err(one)?;
    let tree = overlay::all(loader, &tree, &changes).map_err(one)?;
    let (sweep, mut errors) = Sweep::read(loader, &tree);
    let Some(mut sweep) = sweep else { return Err(errors) };
    errors.extend(changes.iter().filter_map(|change| undone(&sweep, change)));
    sweep.axes.set_in_files(loader, &changes).map_err(one)?;
    let name = sweep_name(&sweep, path, tree.head()).map_err(|error| errors.push(error));
    let expanded = expand::expand(loader, &sweep, &expand::body(&tree));
    let expanded = expanded.map_err(|found| errors.extend(found));
    let (Ok(name), Ok((list, left_out)), []) = (name, expanded, errors.as_slice()) else {
        return Err(errors);
    };
    let baseline = baseline(sweep.baseline.as_ref(), &list).map_err(one)?;
    let halving = halving(sweep.halving.as_ref(), &list).map_err(one)?;
    let until_resolved = until_resolved(&sweep, &list).map_err(one)?;
    let axes = sweep.axes.labels().map(|label| label.name.clone()).collect();
    let (seeds, overrides) = (sweep.seeds, sets.to_vec());
    Ok(Experiments {
        name,
        list,
        seeds,
        until_resolved,
        axes,
        baseline,
        halving,
        left_out,
        overrides,
    })
}

/// Seeds are added between experiments that are all trained to their end, by what they have.
fn until_resolved(sweep: &Sweep, list: &[Experiment]) -> Result<Option<UntilResolved>, SpecError> {
    let Some(Spanned { value: rule, span }) = &sweep.until_resolved else { return Ok(None) };
    let fault = |reason: String, help: &str| {
        Err(SpecError::at(*span, Problem::Value { reason, help: help.into() }))
    };
    if sweep.halving.is_some() {
        let reason =
            "`UntilResolved` and `halving` do not go together: halving trains few to their end";
        return fault(reason.into(), "give a number of seeds, or leave `halving` out");
    }
    let without = list.iter().find(|experiment| experiment.data.validation.is_none());
    if let (SeedsMetric::ValTop1, Some(experiment)) = (rule.metric, without) {
        let name = &experiment.name;
        return fault(format!("the data of {name} holds no images out for `ValTop1`"), HOLD_OUT);
    }
    if list.len() < 2 {
        return fault(
            "there is one experiment, and nothing to compare it with".into(),
            "give a number of seeds",
        );
    }
    Ok(Some(rule.clone()))
}

/// Halving needs held-out images, and rungs before the end, in every experiment.
fn halving(
    halving: Option<&Spanned<Halving>>,
    list: &[Experiment],
) -> Result<Option<Halving>, SpecError> {
    let Some(Spanned { value: halving, span }) = halving else { return Ok(None) };
    let fault = |reason, help| SpecError::at(*span, Problem::Value { reason, help });
    let last = halving.rungs.last().copied().unwrap_or(0);
    for Experiment { name, data, train, .. } in list {
        if data.validation.is_none() {
            let reason = format!(
                "`halving` decides by held-out images, and the data of {name} holds none out"
            );
            return Err(fault(reason, HOLD_OUT.into()));
        }
        if last >= train.epochs {
            let epochs = train.epochs;
            let reason = format!(
                "{name} ends after epoch {epochs}, and the last rung is after epoch {last}"
            );
            let help = "lower the rungs, or train longer: the last rung is below `train.epochs`";
            return Err(fault(reason, help.into()));
        }
    }
    Ok(Some(halving.clone()))
}

impl Experiments {
    /// The runs that experiments would learn from and that are not there: without them nothing can
    /// train, though everything can be planned.
    ///
    /// # Errors
    /// Each of them once.
    pub fn taught(&self) -> Result<(), Vec<SpecError>> {
        let absent = self.list.iter().filter_map(|it| it.teacher.as_ref()?.as_ref().err());
        SpecError::all(absent.cloned()).map_or(Ok(()), |errors| Err(errors.split().collect()))
    }
}

/// A `--set` of a field that an axis sets anew.
fn undone(sweep: &Sweep, change: &Change) -> Option<SpecError> {
    let field = &change.path;
    let in_network = overlay::in_network(field, &sweep.networks);
    let axis = sweep.axes.undoes(in_network.as_ref().unwrap_or(field))?;
    let (reason, what) = match axis.role {
        Role::Axis => {
            let name = &axis.name;
            (format!("the axis `{name}` sets `{field}` anew in every experiment"), "axis")
        }
        Role::Detail => (format!("cases of an axis set `{field}` anew"), "case"),
    };
    let help = format!("change the {what} in the file, or replace all axes by `--set 'axes=[..]'`");
    let error = SpecError::at(change.base, Problem::Value { reason, help });
    Some(error.within(format!("the {what} stands here"), Some(axis.span)))
}

fn baseline(
    name: Option<&Spanned<String>>,
    list: &[Experiment],
) -> Result<Option<String>, SpecError> {
    let Some(Spanned { value: found, span }) = name else { return Ok(None) };
    if list.iter().any(|experiment| experiment.name == *found) {
        return Ok(Some(found.clone()));
    }
    let expected = list.iter().map(|experiment| experiment.name.clone()).collect();
    let (what, found) = ("experiment".into(), found.clone());
    Err(SpecError::at(*span, Problem::UnknownVariant { what, found, expected }))
}

/// Reads and plans a network alone, for the input it is written for or for a task.
///
/// # Errors
/// Every mistake that was found.
pub fn network(
    loader: &Loader,
    path: &Path,
    sets: &[String],
    task: Option<Task>,
) -> Result<Plan, SpecError> {
    let tree = overlay::apply(loader, &loader.open(path)?, sets)?;
    let file = path.display().to_string();
    plan(loader, &tree, &Given { file: &file, params: &[] }, task).map(|(plan, _)| plan)
}

/// The plan of a network, and how many blocks and nodes were looked at for it.
fn plan(
    loader: &Loader,
    tree: &Rc<Tree>,
    given: &Given<'_>,
    task: Option<Task>,
) -> Result<(Plan, usize), SpecError> {
    let (network, env) = Network::read(loader, tree, given, task)?;
    let graph = Graph::build(loader, &network, &env)?;
    Ok((Plan::of(&graph)?, graph.looked_at()))
}

fn sweep_name(sweep: &Sweep, path: &Path, head: Span) -> Result<String, SpecError> {
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match &sweep.name {
        None => check_name(&stem()).map(|()| stem()).map_err(|problem| {
            let reason = format!("{problem}; it is the file's, since the sweep has no `name`");
            let help = "add `name: \"...\"`, or give the file another name".into();
            SpecError::at(head, Problem::Value { reason, help })
        }),
        Some(name) => match check_name(&name.value) {
            Ok(()) => Ok(name.value.clone()),
            Err(problem) => Err(SpecError::at(name.span, problem)),
        },
    }
}

/// Names become file names.
fn check_name(name: &str) -> Result<(), Problem> {
    let legal = crate::spec::axes::legal;
    if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(legal) {
        return Err(Problem::Value {
            reason: format!("`{name}` cannot be a name in tables and of files"),
            help: "use up to 100 letters, digits and `_-+=.,`, and no dot first".into(),
        });
    }
    Ok(())
}
