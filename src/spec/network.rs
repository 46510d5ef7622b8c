//! Networks.

use std::rc::Rc;

use serde::Deserialize;

use super::block::{Blocks, OF_STAGES};
use super::de::{self, Cx, Spanned};
use super::error::{Problem, SpecError};
use super::expr::{Env, Number};
use super::load::{Later, Loader};
use super::node::NodeSpec;
use super::params::{self, Given, Params};
use super::tree::{Tree, Value};
use crate::op::InitScheme;

/// A network: a stem, stages of repeated blocks, a head.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Parameters with their defaults, in scope of every expression of this file; a sweep may
    /// give others.
    #[serde(default)]
    pub params: Params,
    /// The input that the network is written for: channels, height, width. In a sweep the data
    /// set decides.
    #[serde(default = "cifar_input")]
    pub input: (u64, u64, u64),
    /// The number of classes, in scope as `classes`. In a sweep the data set decides.
    #[serde(default = "ten")]
    pub classes: u64,
    /// The rule for initial weights.
    #[serde(default)]
    pub init: InitScheme,
    /// Nodes before the first stage, with `in_channels`, `stages` and `blocks` in scope.
    pub stem: Later<Vec<NodeSpec>>,
    /// The block of every stage that names none of its own; a list names those of the first layers
    /// of each stage, and its last repeats.
    #[serde(default)]
    pub block: Option<Blocks>,
    /// Parameters given to the blocks that declare them, with the names of a stage in scope.
    #[serde(default)]
    pub with: Option<Later<Params>>,
    /// Stages of repeated blocks.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// Nodes after the last stage, with `in_channels`, `stages` and `blocks` in scope.
    pub head: Later<Vec<NodeSpec>>,
}

fn cifar_input() -> (u64, u64, u64) {
    (3, 32, 32)
}

fn ten() -> u64 {
    10
}

/// A stage: repeated blocks. `width`, `stride`, `path` and `with` are worked out for each of its
/// layers, with the names `stage`, `stages`, `layer`, `layers`, `block`, `blocks` and `in_channels`
/// in scope.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What it is called; `layer1`, `layer2`, ... where it has no name.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// The start of the parameter paths of each block, with expressions in braces, such as
    /// `features.block{stage + 1}.{layer}`; the stage's name, a dot and the layer by default.
    #[serde(default)]
    pub path: Option<Spanned<String>>,
    /// How many blocks.
    pub layers: Spanned<u32>,
    /// In scope of the blocks as `width`.
    #[serde(default)]
    pub width: Option<Later<u64>>,
    /// In scope of the first block as `stride`, 1 by default; the others have 1.
    #[serde(default)]
    pub stride: Option<Later<u64>>,
    /// The block, where it is not the network's; a list names those of the first layers, and its
    /// last repeats.
    #[serde(default)]
    pub block: Option<Blocks>,
    /// Parameters given to the blocks of this stage that declare them, before those of the network.
    #[serde(default)]
    pub with: Option<Later<Params>>,
}

/// The input and classes that a data set has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Task {
    /// Channels, height, width.
    pub input: (u64, u64, u64),
    /// Number of classes.
    pub classes: u64,
}

impl Network {
    /// Reads a network for a data set, with other parameters than its defaults, and what is in
    /// scope in it.
    ///
    /// # Errors
    /// Everything that does not fit, and parameters that the network does not declare.
    pub fn read(
        loader: &Loader,
        tree: &Rc<Tree>,
        given: &Given<'_>,
        task: Option<Task>,
    ) -> Result<(Self, Env), SpecError> {
        expect_kind(tree, "Network")?;
        let mut env = Env::new();
        let classes = match task {
            Some(task) => Some(task.classes),
            None => field(loader, tree, "classes", &env)?.or(Some(ten())),
        };
        env.extend(classes.map(|classes| ("classes".into(), Number::Int(classes as i64))));
        let read = params::read(loader, tree, given, &OF_STAGES, env.clone(), "`Network`");
        let (mut network, env): (Self, Env) =
            read.map_err(|error| with_parts(loader, tree, given, env, error))?;
        network.check(loader, tree)?;
        if let Some(task) = task {
            (network.input, network.classes) = (task.input, task.classes);
        }
        Ok((network, env))
    }

    /// What the types cannot say.
    fn check(&self, loader: &Loader, tree: &Tree) -> Result<(), SpecError> {
        let mut errors = Vec::new();
        let mut value = |field: &str, reason: String, help: &str| {
            let problem = Problem::Value { reason, help: help.into() };
            errors.push(SpecError::at(tree.find(field), problem));
        };
        let (channels, height, width) = self.input;
        if [channels, height, width].contains(&0) {
            value("input", "`input` is 0".into(), "use 1 or more");
        }
        if self.classes == 0 {
            value("classes", "`classes` is 0".into(), "use 1 or more");
        }
        if matches!(&self.head.tree(loader).value, Value::List(nodes) if nodes.is_empty()) {
            let help = "end it with `Linear(out: \"classes\")`";
            value("head", "the head has no nodes".into(), help);
        }
        // Also blocks that no stage uses: so no file can lead back to itself.
        let of_stages = self.stages.iter().filter_map(|stage| stage.block.as_ref());
        for block in self.block.iter().chain(of_stages).flat_map(|blocks| &blocks.0) {
            let checked = expect_kind(&block.tree(loader), "Block");
            errors.extend(checked.map_err(|error| block.explain(loader, error)).err());
        }
        SpecError::all(errors).map_or(Ok(()), Err)
    }
}

/// The mistakes of a network with those of its stem and head, which are read later where all else is
/// right. `env` is what is in scope without the parameters.
fn with_parts(
    loader: &Loader,
    tree: &Tree,
    given: &Given<'_>,
    mut env: Env,
    error: SpecError,
) -> SpecError {
    let _ = params::declare(loader, tree, given, &OF_STAGES, &mut env);
    // Parameters that have a mistake count as known, and what is not known yet as 1.
    let later = ["in_channels", "stages", "blocks"].map(String::from);
    for name in params::declared(tree).into_iter().chain(later) {
        env.entry(name).or_insert(Number::Int(1));
    }
    let parts = ["stem", "head"].iter().filter_map(|part| tree.get(part));
    let read = parts.filter_map(|part| {
        let what = format!("`{}`", part.name);
        de::read::<Vec<NodeSpec>>(&part.tree, Cx { loader, env: &env }, &what).err()
    });
    let others: Vec<SpecError> = read.collect();
    let first = error.clone();
    SpecError::all(std::iter::once(error).chain(others)).unwrap_or(first)
}

fn field<T: serde::de::DeserializeOwned>(
    loader: &Loader,
    tree: &Tree,
    name: &str,
    env: &Env,
) -> Result<Option<T>, SpecError> {
    tree.get(name).map(|field| de::read(&field.tree, Cx { loader, env }, name)).transpose()
}

/// A file must be of the kind that its place asks for.
pub(crate) fn expect_kind(tree: &Tree, expected: &str) -> Result<(), SpecError> {
    match tree.name() {
        Some(name) if name == expected => Ok(()),
        _ => {
            let problem = Problem::WrongKind { expected: expected.into(), found: tree.begins() };
            Err(SpecError::at(tree.head(), problem))
        }
    }
}
