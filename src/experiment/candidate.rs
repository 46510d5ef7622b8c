//! A network with one combination of the axes, before it is known whether it becomes an
//! experiment: what its names stand for, and what it reads as.

use std::cell::OnceCell;
use std::rc::Rc;

use ron::extensions::Extensions;
use serde::Serialize;

use crate::plan::Plan;
use crate::spec::axes::{Axes, Setting, full, short, value};
use crate::spec::data::Data;
use crate::spec::de::{self, Cx};
use crate::spec::error::SpecError;
use crate::spec::expr::{Env, Number, Value, evaluate};
use crate::spec::load::Loader;
use crate::spec::overlay;
use crate::spec::source::{Sources, Span};
use crate::spec::train::Train;
use crate::spec::tree::{self, Tree};

/// What a plan tells conditions.
pub(super) const QUANTITIES: [&str; 4] = ["params", "macs", "activation_bytes", "layers"];

/// A network of the sweep.
pub(super) struct Base {
    /// The name it goes by.
    pub name: String,
    /// `(name: .., network: .., with: ..)`.
    pub tree: Rc<Tree>,
}

impl Base {
    pub fn new(tree: &Rc<Tree>) -> Self {
        let name = match overlay::label(tree) {
            name if name.is_empty() => "network".into(),
            name => name,
        };
        Self { name, tree: Rc::clone(tree) }
    }

    /// Where its name stands, or the whole.
    pub fn span(&self) -> Span {
        self.tree.get("name").map_or(self.tree.span, |field| field.tree.span)
    }
}

/// A network with one combination of the axes.
pub(super) struct Candidate<'a> {
    loader: &'a Loader,
    axes: &'a Axes,
    /// The network.
    pub base: &'a Base,
    /// The values of the axes.
    pub settings: Vec<&'a Setting>,
    /// The sweep without its networks.
    body: &'a Rc<Tree>,
    changed: OnceCell<Result<Rc<Tree>, SpecError>>,
    train: OnceCell<Result<(Train, Rc<Tree>), SpecError>>,
    data: OnceCell<Result<Data, SpecError>>,
}

impl<'a> Candidate<'a> {
    pub fn new(
        loader: &'a Loader,
        axes: &'a Axes,
        base: &'a Base,
        body: &'a Rc<Tree>,
        number: usize,
    ) -> Self {
        let settings = axes.combination(number);
        let (changed, train, data) = Default::default();
        Self { loader, axes, base, settings, body, changed, train, data }
    }

    /// The labels with their values, as tables have them; empty where a case sets no such field.
    pub fn cells(&self) -> Vec<(String, String)> {
        let cell = |label: &str| self.setting(label).map(|setting| full(&setting.value));
        let labels = self.axes.labels().map(|label| &label.name);
        labels.map(|label| (label.clone(), cell(label).unwrap_or_default())).collect()
    }

    fn setting(&self, label: &str) -> Option<&'a Setting> {
        self.settings.iter().find(|setting| setting.label == label).copied()
    }

    /// The sweep without its networks, with this combination.
    pub fn body(&self) -> Result<Rc<Tree>, SpecError> {
        self.changed.get_or_init(|| self.change(self.body, &["train", "data"])).clone()
    }

    /// The network's entry with this combination.
    pub fn entry(&self) -> Result<Rc<Tree>, SpecError> {
        self.change(&self.base.tree, &["network", "with"])
    }

    fn change(&self, tree: &Rc<Tree>, roots: &[&str]) -> Result<Rc<Tree>, SpecError> {
        self.changes(roots).try_fold(Rc::clone(tree), |tree, setting| match &setting.change {
            Some(change) => change.apply(self.loader, &tree),
            None => Ok(tree),
        })
    }

    /// What is set below these roots.
    fn changes<'r>(&'r self, roots: &'r [&str]) -> impl Iterator<Item = &'a Setting> + 'r {
        self.settings.iter().copied().filter(|setting| {
            let change = setting.change.as_ref();
            change.is_some_and(|change| roots.contains(&root(&change.path)))
        })
    }

    /// What tells the entry with this combination from the others of its network.
    pub fn entry_key(&self) -> String {
        let key = |setting: &Setting| {
            let place = (setting.value.span.start, setting.value.span.end);
            format!("{}\n{place:?}{}\n", setting.label, setting.value.to_ron())
        };
        self.changes(&["network", "with"]).map(key).collect()
    }

    /// The recipe, and the tree that it is read from.
    pub fn train(&self) -> Result<(Train, Rc<Tree>), SpecError> {
        let read = || -> Result<_, SpecError> {
            let body = self.body()?;
            let Some(field) = body.get("train") else { return self.missing(&body, "train") };
            let tree = match &field.tree.value {
                tree::Value::Str(path) => self.loader.follow(path, field.tree.span)?,
                _ => Rc::clone(&field.tree),
            };
            let cx = Cx { loader: self.loader, env: &Env::new() };
            let read = de::read(&tree, cx, "`train`")
                .and_then(|train: Train| train.check(&tree).map(|()| (train, Rc::clone(&tree))));
            read.map_err(|error| match &field.tree.value {
                tree::Value::Str(path) => {
                    error.within(format!("in `{path}`"), Some(field.tree.span))
                }
                _ => error,
            })
        };
        let explained = || read().map_err(|error| self.explain(error, &["train"]));
        self.train.get_or_init(explained).clone()
    }

    /// The data set.
    pub fn data(&self) -> Result<Data, SpecError> {
        let read = || {
            let body = self.body()?;
            let Some(field) = body.get("data") else { return self.missing(&body, "data") };
            let cx = Cx { loader: self.loader, env: &Env::new() };
            let data: Data = de::read(&field.tree, cx, "`data`")?;
            data.check(&field.tree).map(|()| data)
        };
        let explained = || read().map_err(|error| self.explain(error, &["data"]));
        self.data.get_or_init(explained).clone()
    }

    fn missing<T>(&self, body: &Tree, field: &str) -> Result<T, SpecError> {
        let (owner, field) = ("`Sweep`".to_string(), field.to_string());
        let problem = crate::spec::error::Problem::MissingField { owner, field };
        Err(SpecError::at(body.head(), problem))
    }

    /// Says with which values of the axes a mistake comes; those below `roots` can have caused it.
    pub fn explain(&self, error: SpecError, roots: &[&str]) -> SpecError {
        let inside = |outer: Span| {
            error.span().is_some_and(|span| {
                span.source == outer.source && outer.start <= span.start && span.end <= outer.end
            })
        };
        let mut all: Vec<&Setting> = self.changes(roots).collect();
        let at = all.iter().position(|setting| {
            let base = setting.change.as_ref().map(|change| change.base);
            inside(setting.value.span) || base.is_some_and(inside)
        });
        if let Some(at) = at {
            all = vec![all[at]];
        }
        match all.is_empty() {
            true => error,
            false => error.within(format!("with {}", listed(&all)), None),
        }
    }

    /// What a name stands for in a condition; nothing where it is unknown.
    pub fn value(&self, name: &str) -> Result<Option<Value>, SpecError> {
        let by_path =
            |setting: &&&Setting| setting.change.as_ref().is_some_and(|change| change.path == name);
        if let Some(setting) = self.setting(name).or(self.settings.iter().find(by_path).copied()) {
            return Ok(Some(value(&setting.value)));
        }
        let label = self.axes.labels().find(|label| label.name == name);
        match label.and_then(|label| label.path.as_deref()) {
            Some(path) => self.field(path),
            None if name == "network" => Ok(Some(Value::Text(self.base.name.clone()))),
            None if name.contains('.') => self.field(name),
            None => Ok(None),
        }
    }

    /// What a name stands for in the names of experiments.
    pub fn text(&self, name: &str) -> Result<Option<String>, SpecError> {
        if let Some(setting) = self.setting(name) {
            return Ok(Some(short(&setting.value)));
        }
        let text = |value| {
            let value = match value {
                Value::Number(number) => number.into(),
                Value::Bool(value) => tree::Value::Bool(value),
                Value::Text(text) => tree::Value::Str(text),
            };
            short(&Tree { value, span: self.base.span() })
        };
        Ok(self.value(name)?.map(text))
    }

    /// A field by its path, also one that the file leaves out.
    fn field(&self, path: &str) -> Result<Option<Value>, SpecError> {
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        match root {
            "train" => Ok(find(&typed(&self.train()?.0), rest)),
            "data" => Ok(find(&typed(&self.data()?), rest)),
            "with" => self.param(rest),
            "network" => self.inside(path),
            _ => Ok(None),
        }
    }

    /// A parameter of the network: as it is given, or its default.
    fn param(&self, name: &str) -> Result<Option<Value>, SpecError> {
        let entry = self.entry()?;
        let given = entry.get("with").map(|field| Rc::clone(&field.tree));
        let mut env = Env::new();
        if let Ok(data) = self.data() {
            env.insert("classes".into(), Number::Int(data.task().classes as i64));
        }
        let Some(network) = entry.get("network") else { return Ok(None) };
        let network = self.followed(&network.tree)?;
        let declared = network.get("params").map(|field| field.tree.fields()).unwrap_or_default();
        for field in declared {
            let given = given.as_ref().and_then(|with| with.get(&field.name));
            let tree = given.map_or(&field.tree, |given| &given.tree);
            let number = match &tree.value {
                tree::Value::Int(value) => Some(Number::Int(*value)),
                tree::Value::Float(value) => Some(Number::Float(*value)),
                tree::Value::Str(text) => evaluate(text, &env).ok(),
                _ => None,
            };
            env.extend(number.map(|number| (field.name.clone(), number)));
        }
        Ok(env.get(name).map(|number| Value::Number(*number)))
    }

    /// A field of the network's file, or of the blocks that it names.
    fn inside(&self, path: &str) -> Result<Option<Value>, SpecError> {
        let mut tree = self.entry()?;
        for part in path.split('.') {
            let whole = self.followed(&tree)?;
            let next = match &whole.value {
                tree::Value::List(items) | tree::Value::Tuple(_, items) => {
                    let index = part.parse().ok().filter(|&at: &usize| at < items.len());
                    let index =
                        index.or_else(|| items.iter().position(|i| overlay::label(i) == part));
                    index.map(|at| match &items[at].value {
                        tree::Value::Tuple(None, node) if node.len() == 2 => Rc::clone(&node[1]),
                        _ => Rc::clone(&items[at]),
                    })
                }
                _ => whole.get(part).map(|field| Rc::clone(&field.tree)),
            };
            let Some(next) = next else { return Ok(None) };
            tree = next;
        }
        Ok(Some(value(&tree)))
    }

    /// The file that a path names, or the tree itself.
    fn followed(&self, tree: &Rc<Tree>) -> Result<Rc<Tree>, SpecError> {
        match &tree.value {
            tree::Value::Str(path) if path.ends_with(".ron") => self.loader.follow(path, tree.span),
            _ => Ok(Rc::clone(tree)),
        }
    }

    /// Every name that conditions can use here.
    pub fn known(&self) -> Vec<String> {
        let mut known: Vec<String> = self.axes.labels().map(|label| label.name.clone()).collect();
        known.extend(["network"].into_iter().chain(QUANTITIES).map(String::from));
        if let Ok((train, _)) = self.train() {
            leaves(&typed(&train), "train", &mut known);
        }
        if let Ok(data) = self.data() {
            leaves(&typed(&data), "data", &mut known);
        }
        let network = self.entry().ok().and_then(|entry| {
            entry.get("network").and_then(|field| self.followed(&field.tree).ok())
        });
        if let Some(params) = network.as_ref().and_then(|network| network.get("params")) {
            known.extend(params.tree.fields().iter().map(|field| format!("with.{}", field.name)));
        }
        known
    }
}

/// The first part of a path.
fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// Settings as a person reads them: `` `width` = 16 and `lr` = 0.3 ``.
pub(super) fn listed(settings: &[&Setting]) -> String {
    let one = |setting: &&Setting| format!("`{}` = {}", setting.label, full(&setting.value));
    settings.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// A quantity of a plan.
pub(super) fn quantity(plan: &Plan, name: &str) -> Option<Value> {
    let number = match name {
        "params" => plan.params(),
        "macs" => plan.macs(),
        "activation_bytes" => plan.activation_bytes(),
        "layers" => plan.steps.iter().filter(|step| step.macs > 0).count() as u64,
        _ => return None,
    };
    Some(Value::Number(Number::Int(i64::try_from(number).unwrap_or(i64::MAX))))
}

/// A spec with every field, also those that the file leaves out.
fn typed<T: Serialize>(spec: &T) -> Option<Rc<Tree>> {
    let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
    let text = options.to_string(spec).ok()?;
    let sources = Sources::default();
    let id = sources.add(String::new(), std::path::Path::new(""), text);
    Tree::parse(&sources, id).ok()
}

fn find(tree: &Option<Rc<Tree>>, path: &str) -> Option<Value> {
    let mut tree = Rc::clone(tree.as_ref()?);
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let next = match &tree.value {
            tree::Value::List(items) | tree::Value::Tuple(_, items) => {
                items.get(part.parse::<usize>().ok()?).map(Rc::clone)
            }
            _ => tree.get(part).map(|field| Rc::clone(&field.tree)),
        };
        tree = next?;
    }
    Some(value(&tree))
}

/// The paths of a tree's fields.
fn leaves(tree: &Option<Rc<Tree>>, path: &str, into: &mut Vec<String>) {
    for field in tree.as_ref().map(|tree| tree.fields()).unwrap_or_default() {
        let path = format!("{path}.{}", field.name);
        into.push(path.clone());
        leaves(&Some(Rc::clone(&field.tree)), &path, into);
    }
}
