//! Operations as the crate itself knows them, and as the shipped specs use them.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use resweep::op::{Arity, InitScheme, Shape};
use resweep::spec::de::{self, Cx};
use resweep::spec::error::Problem;
use resweep::spec::expr::{Env, Number};
use resweep::spec::load::Loader;
use resweep::spec::node::NodeSpec;
use resweep::spec::tree::{Tree, Value};

use super::DocsError;

/// Nodes of the shipped specs, by operation.
pub type Uses = BTreeMap<String, String>;

/// The longest example, characters.
const LONGEST: usize = 88;

/// For each operation the most telling node of a shipped spec that fits a line.
///
/// # Errors
/// A spec that cannot be read.
pub fn uses(root: &Path) -> Result<Uses, DocsError> {
    let mut uses = Uses::new();
    for path in super::files(&root.join("experiments"), "ron")? {
        let loader = Loader::default();
        let tree = loader
            .open(&path)
            .map_err(|error| DocsError::Spec(format!("{}: {error}", path.display())))?;
        collect(&loader, &tree, &mut uses);
    }
    Ok(uses)
}

fn collect(loader: &Loader, tree: &Rc<Tree>, uses: &mut Uses) {
    if let Value::Tuple(None, parts) = &tree.value
        && let [name, op] = parts.as_slice()
        && let (Value::Str(_), Some(op)) = (&name.value, op.name())
    {
        let source = loader.sources.of(tree.span);
        let text = &source.text[tree.span.start as usize..tree.span.end as usize];
        let length = uses.get(op).map_or(0, String::len);
        if !text.contains('\n') && text.len() <= LONGEST && text.len() > length {
            uses.insert(op.into(), text.into());
        }
    }
    match &tree.value {
        Value::List(items) | Value::Tuple(_, items) => {
            items.iter().for_each(|item| collect(loader, item, uses));
        }
        Value::Struct(_, fields) | Value::Map(fields) => {
            fields.iter().for_each(|field| collect(loader, &field.tree, uses));
        }
        _ => {}
    }
}

/// What an operation reads, and the weights that it has.
#[derive(Debug)]
pub struct Facts {
    /// How many nodes it reads.
    pub arity: Arity,
    /// The names of its weights, where the example has some.
    pub weights: Vec<String>,
}

/// What the crate says of a node.
///
/// # Errors
/// A text that is no node.
pub fn facts(node: &str) -> Result<Facts, DocsError> {
    let node = parse(node)?;
    let op = node.op.value.operation();
    let arity = op.arity();
    let count = match arity {
        Arity::Exactly(count) | Arity::AtLeast(count) => count,
    };
    // The first input that it can take.
    let inputs = [Shape::Maps(64, 16, 16), Shape::Features(64)].map(|shape| vec![shape; count]);
    let fits = inputs.iter().find(|inputs| op.output(inputs).is_ok());
    let weights = fits.map(|inputs| op.weights(inputs, InitScheme::default())).unwrap_or_default();
    Ok(Facts { arity, weights: weights.into_iter().map(|weight| weight.name).collect() })
}

/// Reads a node; every name that its expressions use is 2.
fn parse(text: &str) -> Result<NodeSpec, DocsError> {
    let mut env = Env::new();
    loop {
        let loader = Loader::default();
        let tree = loader.text(Path::new("example.ron"), text.into());
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
