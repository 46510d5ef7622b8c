//! Networks and blocks.

use std::rc::Rc;

use serde::Deserialize;

use super::de::{self, Cx, Spanned};
use super::error::{Problem, SpecError};
use super::expr::{Env, Number};
use super::load::{Include, Loader};
use super::node::NodeSpec;
use super::source::Span;
use super::tree::Tree;
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
    /// Nodes before the first stage.
    pub stem: Vec<NodeSpec>,
    /// The block of every stage that names none of its own.
    #[serde(default)]
    pub block: Option<Include<Block>>,
    /// Parameters given to the blocks.
    #[serde(default, rename = "with")]
    pub block_params: Params,
    /// Stages of repeated blocks.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// Nodes after the last stage.
    pub head: Vec<NodeSpec>,
}

fn cifar_input() -> (u64, u64, u64) {
    (3, 32, 32)
}

fn ten() -> u64 {
    10
}

/// A stage: one block, repeated.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The start of its parameter paths; `layer1`, `layer2`, ... where it has none.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// How many blocks.
    pub layers: Spanned<u32>,
    /// In scope of the block as `width`.
    pub width: u64,
    /// In scope of the first block as `stride`; the others have 1.
    #[serde(default = "unit_stride")]
    pub stride: u64,
    /// The block, where it is not the network's.
    #[serde(default)]
    pub block: Option<Include<Block>>,
    /// Parameters given to the blocks of this stage, before those of the network.
    #[serde(default, rename = "with")]
    pub block_params: Params,
}

fn unit_stride() -> u64 {
    1
}

/// A block: a graph with parameters. It reads `input`; its last node is its result.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Parameters with their defaults, beside those that every block has: `width`, `stride`,
    /// `stage` and `layer` (both from 0).
    #[serde(default)]
    pub params: Params,
    /// The nodes in order.
    pub nodes: Vec<NodeSpec>,
}

/// Parameters in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(pub Vec<Param>);

/// A parameter and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name in expressions.
    pub name: String,
    /// Its value.
    pub value: Number,
    /// Where its name stands.
    pub span: Span,
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
    /// Reads a network for a data set, with other parameters than its defaults.
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
        declare(loader, tree, given, &mut env)?;
        let mut network: Self = de::read(tree, Cx { loader, env: &env }, "`Network`")?;
        network.check(loader, tree)?;
        if let Some(task) = task {
            (network.input, network.classes) = (task.input, task.classes);
        }
        Ok((network, env))
    }

    /// What the types cannot say.
    fn check(&self, loader: &Loader, tree: &Tree) -> Result<(), SpecError> {
        let (channels, height, width) = self.input;
        let sides = [channels, height, width].contains(&0);
        let zero = if sides { Some("input") } else { (self.classes == 0).then_some("classes") };
        if let Some(field) = zero {
            let reason = format!("`{field}` is 0");
            let problem = Problem::Value { reason, help: "use 1 or more".into() };
            return Err(SpecError::at(tree.find(field), problem));
        }
        if self.head.is_empty() {
            let help = "end it with `Linear(out: \"classes\")`".into();
            let problem = Problem::Value { reason: "the head has no nodes".into(), help };
            return Err(SpecError::at(tree.find("head"), problem));
        }
        // Also blocks that no stage uses: so no file can lead back to itself.
        for block in self.block.iter().chain(self.stages.iter().filter_map(|s| s.block.as_ref())) {
            expect_kind(&block.tree(loader), "Block").map_err(|e| block.explain(loader, e))?;
        }
        Ok(())
    }
}

impl Block {
    /// Reads a block as it stands in one place of a network.
    ///
    /// # Errors
    /// Everything that does not fit, and parameters that the block does not declare.
    pub fn read(
        loader: &Loader,
        include: &Include<Self>,
        given: &Given<'_>,
        mut env: Env,
    ) -> Result<Self, SpecError> {
        let tree = include.tree(loader);
        expect_kind(&tree, "Block")?;
        declare(loader, &tree, given, &mut env)?;
        de::read(&tree, Cx { loader, env: &env }, "`Block`")
    }
}

/// Parameters given to a spec by whom uses it.
pub struct Given<'a> {
    /// The spec as a person calls it.
    pub file: &'a str,
    /// Later ones win.
    pub params: &'a [&'a Params],
}

/// Brings a spec's parameters into scope: its defaults, or what is given in their place.
fn declare(
    loader: &Loader,
    tree: &Tree,
    given: &Given<'_>,
    env: &mut Env,
) -> Result<(), SpecError> {
    let fields = tree.get("params").map(|field| field.tree.fields()).unwrap_or_default();
    let known: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let overrides = given.params.iter().flat_map(|params| &params.0);
    if let Some(unknown) = overrides.clone().find(|param| !known.contains(&param.name)) {
        let (file, name) = (given.file.to_string(), unknown.name.clone());
        let problem = Problem::UnknownParameter { file, name, known };
        return Err(SpecError::at(unknown.span, problem));
    }
    for field in fields {
        check_param(&field.name, env).map_err(|problem| SpecError::at(field.span, problem))?;
        let value = match overrides.clone().rfind(|param| param.name == field.name) {
            Some(param) => param.value,
            None => de::read(&field.tree, Cx { loader, env }, &field.name)?,
        };
        env.insert(field.name.clone(), value);
    }
    Ok(())
}

/// A parameter's name must be one that expressions can write, and new.
fn check_param(name: &str, env: &Env) -> Result<(), Problem> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let (reason, help) = if !starts || !name.chars().all(legal) {
        let reason = format!("a parameter cannot be called `{name}`");
        (reason, "use letters, digits and `_`, and no digit first, as in `expansion`")
    } else if env.contains_key(name) {
        let reason = format!("`{name}` is known here without being declared");
        (reason, "remove it, or choose another name")
    } else {
        return Ok(());
    };
    Err(Problem::Value { reason, help: help.into() })
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

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> serde::de::Visitor<'de> for Visit {
            type Value = Params;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of parameters such as `{\"expansion\": 4}`")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Params, A::Error> {
                let mut params = Vec::new();
                while let Some(Spanned { value: name, span }) = map.next_key()? {
                    params.push(Param { name, value: map.next_value()?, span });
                }
                Ok(Params(params))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl serde::de::Visitor<'_> for Visit {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number or an expression")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number::Int(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number::Float(value))
            }
        }
        deserializer.deserialize_newtype_struct(de::NUMBER, Visit)
    }
}
