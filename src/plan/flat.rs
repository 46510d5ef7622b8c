//! A plan as a spec again: every node of every block with its whole path and every number, without
//! files, stages, parameters or expressions. It plans to the same steps.

use std::rc::Rc;

use super::{Plan, Step, ValueId};
use crate::graph::Part;
use crate::op::{InitScheme, Op, Shape};
use crate::spec::error::{Problem, SpecError};
use crate::spec::source::Span;
use crate::spec::tree::{Field, Tree, Value};

/// The network as a tree, to print with [`Tree::to_ron`].
///
/// # Errors
/// None that a spec could cause: what serde reports of writing an operation.
pub fn network(plan: &Plan) -> Result<Rc<Tree>, SpecError> {
    let (head, body): (Vec<usize>, Vec<usize>) =
        (0..plan.steps.len()).partition(|&at| plan.scopes[plan.steps[at].scope].part == Part::Head);
    let Shape::Maps(channels, height, width) = plan.input else {
        return Err(SpecError::new(Problem::Custom("a network that reads no maps".into())));
    };
    let sides = [channels, height, width].map(|side| make(Value::Int(side as i64)));
    let mut fields = vec![
        field("input", make(Value::Tuple(None, sides.to_vec()))),
        field("classes", make(Value::Int(plan.classes as i64))),
    ];
    if plan.init != InitScheme::default() {
        fields.push(field("init", written(&plan.init)?));
    }
    let end = body.last().map_or(0, |&at| at + 1);
    fields.push(field("stem", make(Value::List(nodes(plan, &body, 0)?))));
    fields.push(field("head", make(Value::List(nodes(plan, &head, end)?))));
    Ok(make(Value::Struct(Some("Network".into()), fields)))
}

/// A value as people write it: without fields that are `None`.
///
/// # Errors
/// What serde reports.
pub fn written<T: serde::Serialize>(value: &T) -> Result<Rc<Tree>, SpecError> {
    Tree::of(value).map(|tree| without_none(&tree))
}

fn without_none(tree: &Rc<Tree>) -> Rc<Tree> {
    let value = match &tree.value {
        Value::Struct(name, fields) => {
            let there = |field: &&Field| field.tree.value != Value::Name("None".into());
            Value::Struct(name.clone(), fields.iter().filter(there).cloned().collect())
        }
        _ => return tree.map(&without_none),
    };
    Rc::new(Tree { value, span: tree.span }).map(&without_none)
}

/// Nodes of the stem or the head, which reads the value `input`.
fn nodes(plan: &Plan, steps: &[usize], input: ValueId) -> Result<Vec<Rc<Tree>>, SpecError> {
    let mut before = input;
    let mut nodes = Vec::with_capacity(steps.len());
    for &at in steps {
        let step = &plan.steps[at];
        let mut fields = operation(&step.op)?;
        if step.inputs != [before] {
            let names = step.inputs.iter().map(|&value| make(Value::Str(name(plan, value, input))));
            let names: Vec<Rc<Tree>> = names.collect();
            let from = if let [one] = names.as_slice() {
                Rc::clone(one)
            } else {
                make(Value::List(names))
            };
            fields.insert(0, field("from", from));
        }
        nodes.push(node(step, fields));
        before = at + 1;
    }
    Ok(nodes)
}

fn name(plan: &Plan, value: ValueId, input: ValueId) -> String {
    match value.checked_sub(1) {
        Some(step) if value != input => plan.steps[step].path.clone(),
        _ => "input".into(),
    }
}

fn node(step: &Step, fields: Vec<Field>) -> Rc<Tree> {
    let op = make(Value::Struct(Some(step.op.name().into()), fields));
    make(Value::Tuple(None, vec![make(Value::Str(step.path.clone())), op]))
}

/// The fields of an operation.
fn operation(op: &Op) -> Result<Vec<Field>, SpecError> {
    let tree = written(op)?;
    match &tree.value {
        Value::Tuple(_, items) if items.len() == 1 => Ok(items[0].fields().to_vec()),
        _ => Ok(tree.fields().to_vec()),
    }
}

/// A value without a place.
pub(crate) fn make(value: Value) -> Rc<Tree> {
    Rc::new(Tree { value, span: Span::new(0, 0, 0) })
}

/// A field without a place.
pub(crate) fn field(name: &str, tree: Rc<Tree>) -> Field {
    Field { name: name.into(), span: Span::new(0, 0, 0), tree }
}
