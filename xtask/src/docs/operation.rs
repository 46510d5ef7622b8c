//! Operations as the crate itself knows them.

use resweep::op::{Arity, InitScheme, Shape};
use resweep::spec::de::{self, Cx};
use resweep::spec::error::Problem;
use resweep::spec::expr::{Env, Number};
use resweep::spec::load::Loader;
use resweep::spec::node::{Kind, NodeSpec};

use super::DocsError;

/// What an operation reads, and the weights that it has.
#[derive(Debug)]
pub struct Facts {
    /// How many nodes it reads.
    pub arity: Arity,
    /// The names of its weights, where the example has some.
    pub weights: Vec<String>,
}

/// What the crate says of a node; nothing where it stands for several operations.
///
/// # Errors
/// A text that is no node.
pub fn facts(node: &str) -> Result<Option<Facts>, DocsError> {
    let node = parse(node)?;
    let Kind::Op(op) = &node.kind.value else { return Ok(None) };
    let op = op.operation();
    let arity = op.arity();
    let count = match arity {
        Arity::Exactly(count) | Arity::AtLeast(count) => count,
    };
    // The first input that it can take.
    let inputs = [Shape::Maps(64, 16, 16), Shape::Features(64)].map(|shape| vec![shape; count]);
    let fits = inputs.iter().find(|inputs| op.output(inputs).is_ok());
    let weights = fits.map(|inputs| op.weights(inputs, InitScheme::default())).unwrap_or_default();
    let weights = weights.into_iter().map(|weight| weight.name).collect();
    Ok(Some(Facts { arity, weights }))
}

/// Reads a node; every name that its expressions use is 2.
fn parse(text: &str) -> Result<NodeSpec, DocsError> {
    let mut env = Env::new();
    loop {
        let loader = Loader::default();
        // Blocks that it names have their paths from there.
        let path = super::root().join("experiments/blocks/example.ron");
        let tree = loader.text(&path, text.into());
        let node = tree.and_then(|tree| de::read(&tree, Cx { loader: &loader, env: &env }, "node"));
        let error = match node {
            Ok(node) => return Ok(node),
            Err(error) => error,
        };
        match error.problem() {
            Problem::UnknownName { name, .. } if !env.contains_key(name) => {
                env.insert(name.clone(), Number::Int(2));
            }
            _ => return Err(DocsError::Spec(error.render(&loader.sources))),
        }
    }
}
