//! From files to experiments: every network of a sweep read, built and planned before anything
//! trains.

use std::path::Path;
use std::rc::Rc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::graph::Graph;
use crate::plan::Plan;
use crate::spec::data::Data;
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::Env;
use crate::spec::load::Loader;
use crate::spec::network::{Network, Task};
use crate::spec::overlay;
use crate::spec::params::{Given, Params};
use crate::spec::source::Span;
use crate::spec::sweep::{Entry, Sweep};
use crate::spec::train::Train;
use crate::spec::tree::{Field, Tree, Value};

/// A sweep that can run: all that its files say, resolved.
#[derive(Debug, Clone)]
pub struct Experiments {
    /// The folder under `results/`.
    pub name: String,
    /// One for each network, in the order of the file.
    pub list: Vec<Experiment>,
    /// Each experiment is trained once with each seed.
    pub seeds: Vec<u64>,
    /// What `--set` changed, as given.
    pub overrides: Vec<String>,
    /// The data set.
    pub data: Data,
    /// The recipe.
    pub train: Train,
}

/// One network with its recipe and data.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// Its name in tables.
    pub name: String,
    /// The network.
    pub plan: Plan,
    /// SHA-256 of all that determines a run beside its seed, hexadecimal.
    pub hash: String,
    /// The sweep with this network alone, every file and override in place: a spec that runs again
    /// as it is.
    pub resolved: String,
}

/// Reads and plans a sweep.
///
/// # Errors
/// Every mistake that was found, in the order of the file.
pub fn sweep(loader: &Loader, path: &Path, sets: &[String]) -> Result<Experiments, Vec<SpecError>> {
    let one = |error| vec![error];
    let tree = loader.open(path).map_err(one)?;
    let tree = overlay::apply(loader, &tree, sets).map_err(one)?;
    let sweep = Sweep::read(loader, &tree).map_err(one)?;
    let train = sweep.train.value.read(loader, &Env::new(), "`train`").map_err(one)?;
    train
        .check(&sweep.train.value.tree(loader))
        .map_err(|error| one(sweep.train.value.explain(loader, error)))?;
    if let Some(field) = tree.get("data") {
        sweep.data.value.check(&field.tree).map_err(one)?;
    }
    let name = sweep_name(&sweep, path, tree.head()).map_err(one)?;

    let mut names = Vec::new();
    let (mut list, mut errors) = (Vec::new(), Vec::new());
    for entry in &sweep.networks.value {
        let experiment_name = entry.value.name(loader);
        let checked = check_name(&experiment_name, &names)
            .map_err(|problem| {
                let written = entry.value.name.as_ref().map(|name| name.span);
                SpecError::at(written.unwrap_or(entry.span), problem)
            })
            .and_then(|()| experiment(loader, &tree, &sweep, &entry.value, &train));
        names.push(experiment_name);
        match checked {
            Ok(experiment) => list.push(experiment),
            Err(error) => errors.push(error),
        }
    }
    // One mistake in a block that many networks share is told once.
    let mut told = Vec::new();
    errors.retain(|error: &SpecError| {
        let what = (error.span(), std::mem::discriminant(error.problem()));
        let new = !told.contains(&what);
        told.push(what);
        new
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let seeds = sweep.seeds.value.0.iter().map(|seed| seed.value).collect();
    let data = sweep.data.value;
    Ok(Experiments { name, list, seeds, overrides: sets.to_vec(), data, train })
}

/// Reads and plans a network alone, for the input it is written for or for a task.
///
/// # Errors
/// The first mistake.
pub fn network(
    loader: &Loader,
    path: &Path,
    sets: &[String],
    task: Option<Task>,
) -> Result<Plan, SpecError> {
    let tree = overlay::apply(loader, &loader.open(path)?, sets)?;
    let file = path.display().to_string();
    plan(loader, &tree, &Given { file: &file, params: &[] }, task)
}

fn plan(
    loader: &Loader,
    tree: &Rc<Tree>,
    given: &Given<'_>,
    task: Option<Task>,
) -> Result<Plan, SpecError> {
    let (network, env) = Network::read(loader, tree, given, task)?;
    Plan::of(&Graph::build(loader, &network, &env)?)
}

fn experiment(
    loader: &Loader,
    tree: &Tree,
    sweep: &Sweep,
    entry: &Entry,
    train: &Train,
) -> Result<Experiment, SpecError> {
    let network = entry.network.tree(loader);
    let file = entry.network.path(loader).unwrap_or_else(|| entry.name(loader));
    let given = Given { file: &file, params: &[&entry.with] };
    let data = &sweep.data.value;
    let plan = plan(loader, &network, &given, Some(data.task()))
        .map_err(|error| entry.network.explain(loader, error))?;
    let hash = identity(&plan, data, train)?;
    let name = entry.name(loader);
    let resolved = resolved(loader, tree, &name, &network, &entry.with);
    Ok(Experiment { name, plan, hash, resolved })
}

/// The hash of what determines a run beside its seed. Comments, file names and the way in which a
/// network is written do not count; defaults do. A default that hangs on other fields, such as the
/// padding of a convolution, does not equal the same number written out.
fn identity(plan: &Plan, data: &Data, train: &Train) -> Result<String, SpecError> {
    #[derive(Serialize)]
    struct Identity<'a> {
        plan: &'a Plan,
        data: &'a Data,
        train: &'a Train,
    }
    let text = ron::to_string(&Identity { plan, data, train })
        .map_err(|error| SpecError::new(Problem::Custom(error.to_string())))?;
    Ok(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The sweep with one network, all files in place.
fn resolved(
    loader: &Loader,
    sweep: &Tree,
    name: &str,
    network: &Rc<Tree>,
    with: &Params,
) -> String {
    let at = sweep.span;
    let make = |value| Rc::new(Tree { value, span: at });
    let field = |name: &str, tree| Field { name: name.into(), span: at, tree };
    let params = with.0.iter().map(|param| field(&param.name, make(param.value.into()))).collect();
    let entry = Value::Struct(
        None,
        vec![
            field("name", make(Value::Str(name.into()))),
            field("network", inline(loader, network)),
            field("with", make(Value::Map(params))),
        ],
    );
    let networks = field("networks", make(Value::List(vec![make(entry)])));
    let mut fields = vec![networks];
    for other in sweep.fields().iter().filter(|field| field.name != "networks") {
        fields.push(field(&other.name, inline(loader, &other.tree)));
    }
    make(Value::Struct(Some("Sweep".into()), fields)).to_ron() + "\n"
}

/// The tree with the files that it includes in their places.
fn inline(loader: &Loader, tree: &Rc<Tree>) -> Rc<Tree> {
    let items = |items: &[Rc<Tree>]| items.iter().map(|item| inline(loader, item)).collect();
    let fields = |fields: &[Field]| {
        let inlined = |field: &Field| Field { tree: inline(loader, &field.tree), ..field.clone() };
        fields.iter().map(inlined).collect()
    };
    let value = match &tree.value {
        // Only blocks and recipes are left to include here, and these include nothing.
        Value::Str(_) => match loader.included(tree.span) {
            Some(file) => return file,
            None => return Rc::clone(tree),
        },
        Value::List(list) => Value::List(items(list)),
        Value::Tuple(name, list) => Value::Tuple(name.clone(), items(list)),
        Value::Map(list) => Value::Map(fields(list)),
        Value::Struct(name, list) => Value::Struct(name.clone(), fields(list)),
        _ => return Rc::clone(tree),
    };
    Rc::new(Tree { value, span: tree.span })
}

fn sweep_name(sweep: &Sweep, path: &Path, head: Span) -> Result<String, SpecError> {
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match &sweep.name {
        None => check_name(&stem(), &[]).map(|()| stem()).map_err(|problem| {
            let reason = format!("{problem}; it is the file's, since the sweep has no `name`");
            let help = "add `name: \"...\"`, or give the file another name".into();
            SpecError::at(head, Problem::Value { reason, help })
        }),
        Some(name) => match check_name(&name.value, &[]) {
            Ok(()) => Ok(name.value.clone()),
            Err(problem) => Err(SpecError::at(name.span, problem)),
        },
    }
}

/// Names become file names.
fn check_name(name: &str, taken: &[String]) -> Result<(), Problem> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-+=.,".contains(c);
    if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(legal) {
        return Err(Problem::Value {
            reason: format!("`{name}` cannot be a name in tables and of files"),
            help: "use up to 100 letters, digits and `_-+=.,`, and no dot first".into(),
        });
    }
    match taken.iter().find(|other| other.eq_ignore_ascii_case(name)) {
        None => Ok(()),
        Some(other) if other == name => Err(Problem::DuplicateExperiment(name.into())),
        Some(other) => Err(Problem::Value {
            reason: format!("`{other}` and `{name}` differ only in case, which some disks ignore"),
            help: "give one of them a `name` of its own".into(),
        }),
    }
}
