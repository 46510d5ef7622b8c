//! Blocks.

use serde::{Deserialize, Deserializer};

use super::error::SpecError;
use super::expr::Env;
use super::load::{Include, Loader};
use super::network::expect_kind;
use super::node::{NodeSpec, one_or_many};
use super::params::{self, Given, Params};

/// A block: a graph with parameters. It reads `input`; its last node is its result.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Parameters with their defaults, beside the names that every block has.
    #[serde(default)]
    pub params: Params,
    /// The nodes in order.
    pub nodes: Vec<NodeSpec>,
}

/// Names that every block has in scope, and what they are.
pub const IN_SCOPE: [(&str, &str); 10] = [
    ("width", "the stage's `width`, where it has one"),
    ("stride", "the stage's `stride` in its first block, 1 in the others"),
    ("in_channels", "the channels of what the block reads"),
    ("stage", "the index of the stage, from 0"),
    ("stages", "the number of stages"),
    ("layer", "the index of the block in its stage, from 0"),
    ("layers", "the number of blocks in the stage"),
    ("block", "the index of the block in the network, from 0"),
    ("blocks", "the number of blocks in the network"),
    ("classes", "the number of classes"),
];

/// What a stage's names are in a network: no parameter can be called so.
pub(crate) const OF_STAGES: [&str; 8] =
    ["stage", "stages", "layer", "layers", "block", "blocks", "classes", "in_channels"];

impl Block {
    /// Reads a block as it stands in one place of a network, and what is in scope in it: `around`,
    /// and its parameters.
    ///
    /// # Errors
    /// Everything that does not fit, and parameters that the block does not declare.
    pub fn read(
        loader: &Loader,
        include: &Include<Self>,
        given: &Given<'_>,
        around: &Env,
    ) -> Result<(Self, Env), SpecError> {
        let tree = include.tree(loader);
        expect_kind(&tree, "Block")?;
        let reserved = IN_SCOPE.map(|(name, _)| name);
        params::read(loader, &tree, given, &reserved, around.clone(), "`Block`")
    }
}

/// The blocks of a stage: one for all its layers, or a list of the first ones, whose last repeats.
#[derive(Debug, Clone)]
pub struct Blocks(pub Vec<Include<Block>>);

impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_many(deserializer, "the path of a block, a block, or a list of them").map(Self)
    }
}

impl Blocks {
    /// The block of a layer.
    pub fn of_layer(&self, layer: u32) -> Option<&Include<Block>> {
        self.0.get(layer as usize).or(self.0.last())
    }
}
