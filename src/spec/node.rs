//! A node of a graph: `("add", Add(from: ["bn3", "downsample"]))`.

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use super::de::Spanned;
use super::error::Problem;
use crate::op::Op;

/// A named operation and what it reads.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename = "node", deny_unknown_fields)]
pub struct NodeSpec {
    /// Its name, which parameter paths carry.
    pub name: Spanned<String>,
    /// The nodes it reads, in order; the node before it where none are named.
    #[serde(default)]
    pub from: Option<From>,
    /// What it does.
    pub op: Spanned<Op>,
}

/// Checks the name of a node or stage, which becomes a part of parameter names.
///
/// # Errors
/// What the name may be made of.
pub fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(legal) && name != INPUT {
        return Ok(());
    }
    let help = match name {
        INPUT => "choose another name: `input` is what the first node reads",
        _ => "use letters, digits and `_`",
    };
    let reason = format!("a {what} cannot be called `{name}`");
    Err(Problem::Value { reason, help: help.into() })
}

/// The name of what the first node of a graph reads.
const INPUT: &str = "input";

/// The nodes that a node reads: one name, or a list.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct From(pub Vec<Spanned<String>>);

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, span } = Spanned::<OneOrMany>::deserialize(deserializer)?;
        Ok(match value {
            OneOrMany::One(value) => Self(vec![Spanned { value, span }]),
            OneOrMany::Many(names) => Self(names),
        })
    }
}

enum OneOrMany {
    One(String),
    Many(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the name of a node, or a list of names")
            }

            fn visit_str<E>(self, name: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(name.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(OneOrMany::Many(names))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}
