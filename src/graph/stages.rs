//! Every block of every stage, with what is in scope in it.

use std::collections::HashSet;
use std::rc::Rc;

use super::scope::{Builder, Spot, Value, with_channels};
use super::{Graph, Node, Part, Place, Scope};
use crate::op::Shape;
use crate::spec::block::{Block, Blocks, IN_SCOPE, OF_STAGES};
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::{Env, Number};
use crate::spec::load::{Include, Later, Loader};
use crate::spec::network::{Network, Stage};
use crate::spec::node::{NodeSpec, check_name};
use crate::spec::params::{Param, Params, declared};
use crate::spec::template;

/// More layers in one stage are refused.
const MAX_LAYERS: u32 = 10_000;

/// As [`Graph::build`].
pub(super) fn build(loader: &Loader, network: &Network, env: &Env) -> Result<Graph, SpecError> {
    let (channels, height, width) = network.input;
    let shape = Shape::Maps(channels, height, width);
    let mut builder = Builder::new(loader);
    let (path, place) = ("input".into(), Rc::default());
    let input = builder.dag.add_node(Node { path, op: None, span: None, shape, place });
    let mut stages = Stages { builder, network, env, block: 0, used: HashSet::new() };

    let input = Value { node: input, shape };
    let stem = stages.part(("`stem`", &network.stem), Part::Stem, Some(input));
    let end = stages.all(stem);
    let output = stages.part(("`head`", &network.head), Part::Head, end);

    if let (true, Some(output)) = (stages.builder.errors.is_empty(), output) {
        stages.builder.check_dead(output.node);
    }
    let Builder { dag, errors, looked_at, .. } = stages.builder;
    match (SpecError::all(errors), output) {
        (None, Some(output)) => {
            let (classes, init) = (network.classes, network.init);
            Ok(Graph { dag, input: shape, classes, init, output: output.node, looked_at })
        }
        (Some(errors), _) => Err(errors),
        // Only a defect of this program leads here.
        (None, None) => Err(SpecError::new(Problem::Custom("a network without a result".into()))),
    }
}

/// 2^7 * 3^2 * 5 * 7 * 11 * 13: a number of channels that nearly every block can divide as it wants.
const DIVISIBLE: i64 = 5_765_760;

/// Reads a block alone and checks its nodes, as far as that can be without knowing what it reads.
pub(super) fn check_block(loader: &Loader, include: &Include<Block>) -> Result<(), SpecError> {
    let mut builder = Builder::new(loader);
    let typical = |name: &str| match name {
        "width" | "in_channels" => DIVISIBLE,
        "blocks" | "layers" | "stages" => 3,
        "classes" => 10,
        _ => 1,
    };
    let around = IN_SCOPE.map(|(name, _)| (name.to_string(), Number::Int(typical(name))));
    let place = Rc::default();
    let spot = Spot { prefix: String::new(), place, around: around.into(), within: Vec::new() };
    builder.block(include, &Params::default(), &spot, None);
    SpecError::all(builder.errors).map_or(Ok(()), Err)
}

struct Stages<'a> {
    builder: Builder<'a>,
    network: &'a Network,
    env: &'a Env,
    /// Blocks so far.
    block: u32,
    /// Parameters that a block of the network declares.
    used: HashSet<String>,
}

/// A stage and where it stands.
struct At<'a> {
    stage: &'a Stage,
    index: usize,
    name: String,
    blocks: &'a Blocks,
}

impl<'a> Stages<'a> {
    /// The stem or the head.
    fn part(
        &mut self,
        (name, nodes): (&str, &Later<Vec<NodeSpec>>),
        part: Part,
        input: Option<Value>,
    ) -> Option<Value> {
        let scope = Scope { part, ..Scope::default() };
        let place = Rc::new(Place { scope, ..Place::default() });
        let mut around = self.env.clone();
        around.extend(self.totals());
        let env = with_channels(&around, input);
        match nodes.read(self.builder.loader, &env, name) {
            Ok(nodes) => {
                let spot = Spot { prefix: String::new(), place, around, within: Vec::new() };
                self.builder.scope(&nodes, &spot, input)
            }
            Err(error) => {
                self.builder.tell_all(error, &place, input);
                None
            }
        }
    }

    /// What is known of the network as a whole.
    fn totals(&self) -> [(String, Number); 2] {
        let blocks: u64 = self.network.stages.iter().map(|s| u64::from(s.layers.value)).sum();
        let int = |value: u64| Number::Int(i64::try_from(value).unwrap_or(i64::MAX));
        let stages = self.network.stages.len() as u64;
        [("stages".to_string(), int(stages)), ("blocks".to_string(), int(blocks))]
    }

    /// All stages; the blocks that cannot be read are left out.
    fn all(&mut self, mut end: Option<Value>) -> Option<Value> {
        for (index, stage) in self.network.stages.iter().enumerate() {
            match self.open(stage, index) {
                Ok(at) => end = self.stage(&at, end),
                Err(error) => {
                    self.builder.errors.push(error);
                    end = None;
                }
            }
        }
        let of_stages = self.network.stages.iter().filter_map(|stage| stage.block.as_ref());
        let blocks: Vec<&Blocks> = self.network.block.iter().chain(of_stages).collect();
        let used = std::mem::take(&mut self.used);
        self.refuse(self.network.with.as_ref(), &used, &blocks);
        end
    }

    /// What can be said of a stage before its layers are looked at.
    fn open(&self, stage: &'a Stage, index: usize) -> Result<At<'a>, SpecError> {
        let Some(blocks) = stage.block.as_ref().or(self.network.block.as_ref()) else {
            let owner = "a network with stages".into();
            let problem = Problem::MissingField { owner, field: "block".into() };
            return Err(SpecError::at(stage.layers.span, problem));
        };
        let value = |reason: String, help: &str| {
            let problem = Problem::Value { reason, help: help.into() };
            Err(SpecError::at(stage.layers.span, problem))
        };
        match stage.layers.value {
            0 => return value("a stage has 0 layers".into(), "give it 1 or more, or remove it"),
            1..=MAX_LAYERS => {}
            _ => {
                let reason = format!("a stage has more than {MAX_LAYERS} layers");
                return value(reason, "give it fewer layers");
            }
        }
        if blocks.0.is_empty() {
            return value("the stage has an empty list of blocks".into(), "name at least one");
        }
        let name = stage_name(self.network, index)?;
        Ok(At { stage, index, name, blocks })
    }

    fn stage(&mut self, at: &At<'a>, mut end: Option<Value>) -> Option<Value> {
        let mut used = HashSet::new();
        for layer in 0..at.stage.layers.value {
            if !self.builder.has_room(at.stage.layers.span, &Place::default()) {
                return None;
            }
            end = match self.layer(at, layer, end, &mut used) {
                Ok(end) => end,
                Err(error) => {
                    self.builder.tell_all(error, &Place::default(), end);
                    None
                }
            };
            self.block += 1;
        }
        self.used.extend(used.iter().cloned());
        self.refuse(at.stage.with.as_ref(), &used, &[at.blocks]);
        end
    }

    /// Tells of parameters that none of the blocks declares; `used` are those that one does.
    fn refuse(&mut self, with: Option<&Later<Params>>, used: &HashSet<String>, blocks: &[&Blocks]) {
        let loader = self.builder.loader;
        let Some(with) = with.map(|with| with.tree(loader)) else { return };
        let all: Vec<&Include<Block>> = blocks.iter().flat_map(|blocks| &blocks.0).collect();
        let mut files: Vec<String> = all.iter().map(|block| block.called(loader)).collect();
        files.dedup();
        let mut known: Vec<String> =
            all.iter().flat_map(|block| declared(&block.tree(loader))).collect();
        known.sort();
        known.dedup();
        for field in with.fields().iter().filter(|field| !used.contains(&field.name)) {
            let (file, name, known) = (files.join(" or "), field.name.clone(), known.clone());
            let problem = Problem::UnknownParameter { file, name, known };
            self.builder.errors.push(SpecError::at(field.span, problem));
        }
    }

    /// One block.
    fn layer(
        &mut self,
        at: &At<'a>,
        layer: u32,
        input: Option<Value>,
        used: &mut HashSet<String>,
    ) -> Result<Option<Value>, SpecError> {
        let loader = self.builder.loader;
        let Some(include) = at.blocks.of_layer(layer) else { return Ok(None) };
        let env = self.names(at, layer, input);
        let path = match &at.stage.path {
            None => format!("{}.{layer}", at.name),
            Some(path) => {
                let filled = template::fill(&path.value, path.span, &env)?;
                check_name("block", &filled)
                    .map_err(|problem| SpecError::at(path.span, problem))?;
                filled
            }
        };
        let part = Part::Stage { index: at.index, name: at.name.clone(), layer };
        let place = place(loader, include, &path, part);

        let known = declared(&include.tree(loader));
        used.extend(known.iter().cloned());
        let mut params = Vec::new();
        for with in [&self.network.with, &at.stage.with].into_iter().flatten() {
            let Params(given) = with.read(loader, &env, "`with`")?;
            params.extend(given.into_iter().filter(|param: &Param| known.contains(&param.name)));
        }
        let around = self.around(at, layer, &env)?;
        let spot = Spot { prefix: format!("{path}."), place, around, within: Vec::new() };
        Ok(self.builder.block(include, &Params(params), &spot, input))
    }

    /// The names in scope of a stage's expressions.
    fn names(&self, at: &At<'_>, layer: u32, input: Option<Value>) -> Env {
        let names = [
            ("stage", at.index as i64),
            ("layer", i64::from(layer)),
            ("layers", i64::from(at.stage.layers.value)),
            ("block", i64::from(self.block)),
        ];
        let mut env = with_channels(self.env, input);
        env.extend(self.totals());
        env.extend(names.map(|(name, value)| (name.to_string(), Number::Int(value))));
        env
    }

    /// The names in scope of a block, beside its parameters and `in_channels`.
    fn around(&self, at: &At<'_>, layer: u32, env: &Env) -> Result<Env, SpecError> {
        let read = |later: &Option<Later<u64>>, what: &str| match later {
            Some(later) => later.read(self.builder.loader, env, what).map(Some),
            None => Ok(None),
        };
        let width = read(&at.stage.width, "`width`")?;
        let stride = read(&at.stage.stride, "`stride`")?.filter(|_| layer == 0).unwrap_or(1);
        let mut around: Env = env
            .iter()
            .filter(|(name, _)| OF_STAGES.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), *value))
            .collect();
        let int = |value: u64| Number::Int(i64::try_from(value).unwrap_or(i64::MAX));
        around.insert("stride".into(), int(stride));
        around.extend(width.map(|width| ("width".into(), int(width))));
        Ok(around)
    }
}

fn place(loader: &Loader, block: &Include<Block>, path: &str, part: Part) -> Rc<Place> {
    let file = block.path(loader);
    let text = match &file {
        Some(file) => format!("in `{path}`, a block of `{file}`"),
        None => format!("in block `{path}`"),
    };
    let scope = Scope { path: path.into(), part, file };
    Rc::new(Place { text: Some(text), span: block.span(loader), scope, outer: None })
}

/// What a stage is called.
fn stage_name(network: &Network, index: usize) -> Result<String, SpecError> {
    let name = |index: usize| match &network.stages[index].name {
        Some(name) => name.value.clone(),
        None => format!("layer{}", index + 1),
    };
    let own = name(index);
    let Some(written) = &network.stages[index].name else {
        return Ok(own);
    };
    check_name("stage", &own).map_err(|problem| SpecError::at(written.span, problem))?;
    let earlier = |other: usize| other < index || network.stages[other].name.is_none();
    if (0..network.stages.len()).any(|at| at != index && earlier(at) && name(at) == own) {
        let reason = format!("two stages are called `{own}`");
        let problem = Problem::Value { reason, help: "give one of them another name".into() };
        return Err(SpecError::at(written.span, problem));
    }
    Ok(own)
}
