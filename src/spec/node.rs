//! A node of a graph: `("add", Add(from: ["bn3", "downsample"]))`.

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::block::Block;
use super::de::{self, Spanned};
use super::error::Problem;
use super::load::Include;
use super::params::Params;
use crate::op::Op;

/// A named operation, or what stands for several, and what it reads.
///
/// ```ron,node
/// ("add", Add(from: ["bn3", "downsample"]))
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "node", deny_unknown_fields)]
pub struct NodeSpec {
    /// Its name, which parameter paths carry: letters, digits, `_` and `-`, with dots where a state
    /// dict has them, and with expressions in braces: `features.{blocks + 1}.0`. Several nodes may
    /// have one name where only one of them is not left out by its `when`.
    #[serde(deserialize_with = "filled")]
    pub name: Spanned<String>,
    /// The nodes it reads, in order, by their names; they may also stand after it. The node before
    /// it where none are named. `input` is what the first node reads: the image in the stem, the
    /// result of the last block in the head. Nodes of other blocks are out of reach.
    #[serde(default)]
    pub from: Option<From>,
    /// A condition such as `stride == 1`; where it does not hold, the node is left out, and the
    /// first of what it reads is handed on.
    #[serde(default = "yes")]
    pub when: bool,
    /// What it does.
    pub kind: Spanned<Kind>,
}

fn yes() -> bool {
    true
}

/// A name with its expressions worked out.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spanned<String>, D::Error> {
    let Spanned { value: Filled(value), span } = Spanned::deserialize(deserializer)?;
    Ok(Spanned { value, span })
}

/// A text with its expressions worked out.
#[derive(Deserialize)]
#[serde(rename = "filled")]
struct Filled(String);

/// What a node does.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "kind of node")]
pub enum Kind {
    /// One operation.
    Op(Op),
    /// The nodes of a block.
    Use(Use),
    /// A chain that may be left out.
    Shortcut(Shortcut),
}

/// A block within a block, a stem or a head: its nodes stand in the place of this one, and their
/// parameter paths start with its name.
///
/// `("se", Use(block: "squeeze_excite.ron", with: { "reduction": 16 }))` has the weights
/// `se.fc1.weight` and so on. The block has in scope what its surroundings have (`width`, `stride`,
/// `stage`, `layer`, ...), `in_channels`, and its own parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The block, by path or in place.
    pub block: Include<Block>,
    /// Parameters given to it.
    #[serde(default)]
    pub with: Params,
}

/// The path around a residual block: its nodes where they change the shape, else the input itself
/// (He et al. 2016, section 3.2, option B: projections where dimensions grow).
///
/// `Shortcut(from: "input", nodes: [("0", Conv2d(..)), ("1", BatchNorm2d())])` called `downsample`
/// has the weights `downsample.0.weight` and so on where the nodes stand, and none where they do
/// not. Where `from` names two, the nodes read the second, and the first is handed on where they are
/// left out (pre-activation networks, He et al. 2016b).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shortcut {
    /// The nodes; the first reads `input`.
    pub nodes: Vec<NodeSpec>,
}

/// Checks the name of a node or stage, which becomes a part of parameter names.
///
/// # Errors
/// What the name may be made of.
pub fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    let legal = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    if name.split('.').all(legal) && name != INPUT {
        return Ok(());
    }
    let help = match name {
        INPUT => "choose another name: `input` is what the first node reads",
        _ => "use letters, digits, `_` and `-`, and dots between them",
    };
    let reason = format!("a {what} cannot be called `{name}`");
    Err(Problem::Value { reason, help: help.into() })
}

/// The name of what the first node of a graph reads.
pub(crate) const INPUT: &str = "input";

/// The nodes that a node reads: one name, or a list.
#[derive(Debug, Clone, PartialEq)]
pub struct From(pub Vec<Spanned<String>>);

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = one_or_many(deserializer, "the name of a node, or a list of names")?;
        let name = |Spanned { value: Filled(value), span }| Spanned { value, span };
        Ok(Self(names.into_iter().map(name).collect()))
    }
}

/// A list, or one value alone.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    expecting: &'static str,
) -> Result<Vec<T>, D::Error> {
    struct Visit<T>(&'static str, std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, de: D) -> Result<Vec<T>, D::Error> {
            T::deserialize(de).map(|value| vec![value])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut values = Vec::new();
            while let Some(value) = seq.next_element()? {
                values.push(value);
            }
            Ok(values)
        }
    }
    let visit = Visit(expecting, std::marker::PhantomData);
    deserializer.deserialize_newtype_struct(de::ONE_OR_MANY, visit)
}
