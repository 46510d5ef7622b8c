//! Sweeps: networks, axes, a recipe, seeds, a data set.

use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;

use super::axes::{Axes, Condition, Rule, Template};
use super::de::{self, Cx, Spanned};
use super::error::{Problem, SpecError};
use super::expr::Env;
use super::halving::Halving;
use super::load::{Include, Loader};
use super::network::{Network, expect_kind};
use super::overlay;
use super::params::Params;
use super::tree::{Field, Tree, Value};
use super::until_resolved::UntilResolved;

/// A sweep: every network with every combination of the axes and every seed.
///
/// The networks, the data set and the recipe are read for each experiment, after its axes have
/// changed them.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The folder under `results/`; the file's name by default.
    pub name: Option<Spanned<String>>,
    /// The networks to compare, by path or with other parameters.
    pub networks: Vec<Rc<Tree>>,
    /// Fields that take several values; none by default.
    pub axes: Axes,
    /// `where`: conditions that experiments must meet, one or a list. `exclude`: conditions whose
    /// experiments are left out, one or a list.
    pub conditions: Vec<Condition>,
    /// How experiments are called; `{network}` by default, and after it the values of the axes
    /// that have more than one: `resnet18,width=16,lr=0.1`.
    pub names: Option<Template>,
    /// Each experiment is trained once with each seed: a list, a count (3 is `[0, 1, 2]`), or
    /// `UntilResolved(max: 20)`, which adds seeds where experiments are still close; `[0]` by default.
    pub seeds: Vec<u64>,
    /// In place of these, seeds that are added where experiments are still close.
    pub until_resolved: Option<Spanned<UntilResolved>>,
    /// The experiment that the others are compared with in `accuracy.csv`; none by default.
    pub baseline: Option<Spanned<String>>,
    /// Which experiments train to their end, by what held-out images say under way; all by
    /// default.
    pub halving: Option<Spanned<Halving>>,
    /// The data set.
    pub data: Rc<Tree>,
    /// The recipe, by path or in place.
    pub train: Rc<Tree>,
}

/// A network of a sweep. `"models/resnet18.ron"` alone is short for `(network: ..)`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "shorthand:network", deny_unknown_fields)]
pub struct Entry {
    /// The experiment's name in tables; the file's name by default.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// The network.
    pub network: Include<Network>,
    /// Parameters given to the network.
    #[serde(default)]
    pub with: Params,
}

/// The fields of a sweep.
const FIELDS: [&str; 11] = [
    "name", "networks", "axes", "where", "exclude", "names", "seeds", "baseline", "halving",
    "data", "train",
];

/// More seeds than this are refused as a count.
const MAX_SEEDS: i64 = 10_000;

impl Sweep {
    /// Reads a sweep but for its networks, data and recipe; the sweep comes back where these can
    /// be looked at all the same.
    pub fn read(loader: &Loader, tree: &Rc<Tree>) -> (Option<Self>, Vec<SpecError>) {
        if let Err(error) = expect_kind(tree, "Sweep") {
            return (None, vec![error]);
        }
        let mut errors = unknown_fields(tree);
        let name = text(loader, tree, "name", &mut errors);
        let baseline = text(loader, tree, "baseline", &mut errors);
        let names = tree.get("names").map(|field| Template::read(&field.tree));
        let names = names.and_then(|names| names.map_err(|error| errors.push(error)).ok());
        let seeds = seeds(loader, tree).map_err(|error| errors.push(error)).ok();
        let (seeds, until_resolved) = seeds.unwrap_or((vec![0], None));
        let halving = tree.get("halving").map(|field| {
            let read = Halving::read(loader, &field.tree);
            read.map(|value| Spanned { value, span: field.tree.span })
        });
        let halving = halving.and_then(|read| read.map_err(|error| errors.push(error)).ok());
        let networks = networks(tree).map_err(|error| errors.push(error)).ok();
        let data = required(tree, "data").map_err(|error| errors.push(error)).ok();
        let train = required(tree, "train").map_err(|error| errors.push(error)).ok();
        let axes = tree.get("axes").map_or_else(|| Ok(Axes::default()), |f| Axes::read(&f.tree));
        let axes = axes.map_err(|found| errors.extend(found)).ok();
        let conditions = conditions(tree).map_err(|found| errors.extend(found)).ok();
        let all = (networks, data, train, axes, conditions);
        let (Some(networks), Some(data), Some(train), Some(axes), Some(conditions)) = all else {
            return (None, errors);
        };
        let sweep = Self {
            name,
            networks,
            axes,
            conditions,
            names,
            seeds,
            until_resolved,
            baseline,
            halving,
            data,
            train,
        };
        (Some(sweep), errors)
    }
}

fn unknown_fields(tree: &Tree) -> Vec<SpecError> {
    let unknown = tree.fields().iter().filter(|field| !FIELDS.contains(&field.name.as_str()));
    let error = |field: &Field| {
        let expected = FIELDS.map(String::from).to_vec();
        let problem =
            Problem::UnknownField { owner: "`Sweep`".into(), found: field.name.clone(), expected };
        SpecError::at(field.span, problem)
    };
    unknown.map(error).collect()
}

fn required(tree: &Tree, name: &str) -> Result<Rc<Tree>, SpecError> {
    tree.get(name).map(|field| Rc::clone(&field.tree)).ok_or_else(|| {
        let problem = Problem::MissingField { owner: "`Sweep`".into(), field: name.into() };
        SpecError::at(tree.head(), problem)
    })
}

fn text(
    loader: &Loader,
    tree: &Tree,
    name: &str,
    errors: &mut Vec<SpecError>,
) -> Option<Spanned<String>> {
    let field = tree.get(name)?;
    let read = de::read(&field.tree, Cx { loader, env: &Env::new() }, name);
    read.map_err(|error| errors.push(error)).ok()
}

fn nothing(what: &str) -> Problem {
    let reason = format!("the sweep has no {what}");
    Problem::Value { reason, help: "list at least one".into() }
}

/// The networks, each in its long form `(name: .., network: .., with: ..)`.
fn networks(tree: &Tree) -> Result<Vec<Rc<Tree>>, SpecError> {
    let list = required(tree, "networks")?;
    let Value::List(items) = &list.value else {
        let (expected, found) = ("a list in `[...]`".into(), list.describe());
        let span = if list.name().is_some() { list.head() } else { list.span };
        return Err(SpecError::at(span, Problem::WrongType { expected, found }));
    };
    if items.is_empty() {
        return Err(SpecError::at(list.span, nothing("networks")));
    }
    Ok(items.iter().map(long_form).collect())
}

/// The entry with the name that it goes by, which does not change when its network does.
fn long_form(item: &Rc<Tree>) -> Rc<Tree> {
    let name = overlay::label(item);
    match &item.value {
        Value::Str(file) if file.ends_with(".ron") => overlay::named(item, &name),
        Value::Struct(None, fields) if item.get("network").is_some() => {
            overlay::with_name(item, fields, &name)
        }
        _ => Rc::clone(item),
    }
}

fn conditions(tree: &Tree) -> Result<Vec<Condition>, Vec<SpecError>> {
    let (mut conditions, mut errors) = (Vec::new(), Vec::new());
    for rule in [Rule::Where, Rule::Exclude] {
        match tree.get(rule.field()).map(|field| Condition::read(&field.tree, rule)) {
            Some(Ok(found)) => conditions.extend(found),
            Some(Err(found)) => errors.extend(found),
            None => {}
        }
    }
    if errors.is_empty() { Ok(conditions) } else { Err(errors) }
}

/// The seeds: a list, a count, or as many as it takes.
fn seeds(loader: &Loader, tree: &Tree) -> Result<Seeds, SpecError> {
    let Some(field) = tree.get("seeds") else { return Ok((vec![0], None)) };
    if field.tree.name() == Some("UntilResolved") {
        let value = UntilResolved::read(loader, &field.tree)?;
        return Ok((value.seeds(), Some(Spanned { value, span: field.tree.span })));
    }
    listed(loader, field).map(|seeds| (seeds, None))
}

/// All seeds, and the rule by which they are added where there is one.
type Seeds = (Vec<u64>, Option<Spanned<UntilResolved>>);

/// A list of seeds, or a count.
fn listed(loader: &Loader, field: &Field) -> Result<Vec<u64>, SpecError> {
    if let Value::Int(count) = field.tree.value {
        return match count {
            1..=MAX_SEEDS => Ok((0..count as u64).collect()),
            0 => Err(SpecError::at(field.tree.span, nothing("seeds"))),
            _ => {
                let reason = format!("`seeds` is {count}");
                let help = format!("give a list, or a count from 1 to {MAX_SEEDS}");
                Err(SpecError::at(field.tree.span, Problem::Value { reason, help }))
            }
        };
    }
    let Value::List(_) = &field.tree.value else {
        let expected =
            "a list of seeds such as `[0, 1, 2]`, their number, or `UntilResolved(max: 20)`".into();
        let found = field.tree.describe();
        return Err(SpecError::at(field.tree.head(), Problem::WrongType { expected, found }));
    };
    let list: Vec<Spanned<u64>> =
        de::read(&field.tree, Cx { loader, env: &Env::new() }, "`seeds`")?;
    if list.is_empty() {
        return Err(SpecError::at(field.tree.span, nothing("seeds")));
    }
    let mut seen = HashSet::new();
    if let Some(seed) = list.iter().find(|seed| !seen.insert(seed.value)) {
        let reason = format!("seed {} stands twice", seed.value);
        let problem = Problem::Value { reason, help: "name each seed once".into() };
        return Err(SpecError::at(seed.span, problem));
    }
    Ok(list.into_iter().map(|seed| seed.value).collect())
}

impl Entry {
    /// The experiment's name in tables.
    pub fn name(&self, loader: &Loader) -> String {
        let stem = || {
            let path = self.network.path(loader)?;
            Some(Path::new(&path).file_stem()?.to_string_lossy().into_owned())
        };
        let given = self.name.as_ref().map(|name| name.value.clone());
        given.or_else(stem).unwrap_or_else(|| "network".into())
    }
}
