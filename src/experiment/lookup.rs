//! What names in conditions and in the names of experiments stand for: axes, fields, the network,
//! and quantities of its plan.

use std::rc::Rc;

use serde::Serialize;

use super::candidate::Candidate;
use crate::plan::Plan;
use crate::spec::axes::{Setting, short, value};
use crate::spec::error::SpecError;
use crate::spec::expr::{Env, Number, Value, evaluate};
use crate::spec::overlay;
use crate::spec::tree::{self, Tree};

/// What a plan tells conditions.
pub(super) const QUANTITIES: [&str; 4] = ["params", "macs", "activation_bytes", "layers"];

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

impl Candidate<'_> {
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

/// A spec with every field, also those that the file leaves out.
fn typed<T: Serialize>(spec: &T) -> Option<Rc<Tree>> {
    Tree::of(spec).ok()
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
