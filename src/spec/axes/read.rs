//! From the text of `axes` to axes that are spelled out.

use std::rc::Rc;

use super::key::{Key, check_label};
use super::values::{fault, finite, values};
use super::{Axes, Axis, Label, MAX_COMBINATIONS, Role, Setting, sample};
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::Number;
use crate::spec::source::Span;
use crate::spec::tree::{Field, Tree, Value};

/// Each field that an axis sets is held against every other.
const MAX_LABELS: usize = 1000;

impl Axes {
    /// Reads the axes of a sweep.
    ///
    /// # Errors
    /// Every axis that cannot be spelled out, names that stand twice, too many combinations.
    pub fn read(tree: &Rc<Tree>) -> Result<Self, Vec<SpecError>> {
        let Value::List(items) = &tree.value else {
            let found = tree.describe();
            let reason = format!("expected a list of axes, found {found}");
            return Err(vec![fault(tree, &reason, "write `axes: [Grid({..})]`")]);
        };
        if items.is_empty() {
            return Err(vec![fault(tree, "the sweep has no axes", "list one, or remove `axes`")]);
        }
        let (mut list, mut errors) = (Vec::new(), Vec::new());
        for item in items {
            match axis(item) {
                Ok(axes) => list.extend(axes),
                Err(error) => errors.push(error),
            }
        }
        let axes = Self { list };
        if axes.labels().nth(MAX_LABELS).is_some() {
            let reason = format!("these axes set more than {MAX_LABELS} fields");
            return Err(vec![fault(tree, &reason, "set fewer, or name a file in their place")]);
        }
        errors.extend(axes.check());
        let count = axes.list.iter().map(|axis| axis.points.len() as u128);
        if count.fold(1, u128::saturating_mul) > MAX_COMBINATIONS {
            let reason = format!("these axes have more than {MAX_COMBINATIONS} combinations");
            errors.push(fault(tree, &reason, "use fewer values, or a `Sample`"));
        }
        if errors.is_empty() { Ok(axes) } else { Err(errors) }
    }

    /// No two axes have one name, and none undoes another.
    fn check(&self) -> Vec<SpecError> {
        let mut errors = Vec::new();
        let mut seen: Vec<&Label> = Vec::new();
        for axis in &self.list {
            for label in &axis.labels {
                errors.extend(seen.iter().find_map(|other| conflict(other, label)));
            }
            seen.extend(&axis.labels);
        }
        errors
    }
}

/// What is wrong with a label after another.
fn conflict(first: &Label, label: &Label) -> Option<SpecError> {
    let there = |error: SpecError, text: &str| error.within(text.to_string(), Some(first.span));
    if first.name == label.name {
        let name = &label.name;
        let path = label.path.as_deref().unwrap_or("train.epochs");
        let reason = format!("two axes are called `{name}`");
        let help = format!("give one a name of its own, as in `\"other_{name} = {path}\"`");
        let error = SpecError::at(label.span, Problem::Value { reason, help });
        return Some(there(error, "the first stands here"));
    }
    let (before, after) = (first.path.as_ref()?, label.path.as_ref()?);
    let undone = before == after || before.strip_prefix(after.as_str())?.starts_with('.');
    undone.then(|| {
        let reason = format!("`{after}` replaces what the axis `{}` sets", first.name);
        let help = "set the whole before its parts, or use `Cases`".into();
        there(SpecError::at(label.span, Problem::Value { reason, help }), "which stands here")
    })
}

fn axis(tree: &Rc<Tree>) -> Result<Vec<Axis>, SpecError> {
    match (tree.name(), &tree.value) {
        (Some("Grid"), Value::Tuple(_, items)) if items.len() == 1 => grid(&items[0]),
        (Some("Zip"), Value::Tuple(_, items)) if items.len() == 1 => Ok(vec![zip(&items[0])?]),
        (Some("Cases"), Value::Struct(..)) => Ok(vec![cases(tree)?]),
        (Some("Sample"), Value::Struct(..)) => Ok(vec![sampled(tree)?]),
        (Some("Grid" | "Zip" | "Cases" | "Sample"), _) => {
            let help = "write `Grid({..})`, `Zip({..})`, `Cases(name: \"..\", cases: {..})` or \
                        `Sample(count: 10, of: {..})`";
            Err(fault(tree, "this axis has another form", help))
        }
        (Some(found), _) => {
            let expected = ["Grid", "Zip", "Cases", "Sample"].map(String::from).to_vec();
            let (what, found) = ("axis".into(), found.into());
            Err(SpecError::at(tree.head(), Problem::UnknownVariant { what, found, expected }))
        }
        (None, _) => {
            let reason = format!("expected an axis, found {}", tree.describe());
            Err(fault(tree, &reason, "write `Grid({\"with.width\": [16, 32]})`"))
        }
    }
}

fn grid(tree: &Rc<Tree>) -> Result<Vec<Axis>, SpecError> {
    let axis = |field: &Field| {
        let key = Key::read(field)?;
        let points = values(&field.tree)?.into_iter().map(|value| vec![key.set(value)]).collect();
        Ok(Axis { labels: vec![key.label(Role::Axis)], points })
    };
    entries(tree)?.iter().map(axis).collect()
}

fn zip(tree: &Rc<Tree>) -> Result<Axis, SpecError> {
    let mut columns: Vec<(Key, Vec<Rc<Tree>>, Span)> = Vec::new();
    for field in entries(tree)? {
        let (key, list) = (Key::read(field)?, values(&field.tree)?);
        if let Some((first, others, span)) = columns.first()
            && others.len() != list.len()
        {
            let reason = format!(
                "in this `Zip`, `{}` has {} values and `{}` has {}",
                first.name,
                others.len(),
                key.name,
                list.len()
            );
            let help = "give the lists one length; `Grid` combines every value with every other";
            let error = fault(&field.tree, &reason, help);
            return Err(error.within(format!("`{}` stands here", first.name), Some(*span)));
        }
        columns.push((key, list, field.tree.span));
    }
    Ok(together(columns.into_iter().map(|(key, list, _)| (key, list)).collect()))
}

/// Fields whose first values go together, and so on.
fn together(columns: Vec<(Key, Vec<Rc<Tree>>)>) -> Axis {
    let count = columns.first().map_or(0, |(_, list)| list.len());
    let point =
        |at: usize| columns.iter().map(|(key, list)| key.set(Rc::clone(&list[at]))).collect();
    let points = (0..count).map(point).collect();
    Axis { labels: columns.iter().map(|(key, _)| key.label(Role::Axis)).collect(), points }
}

fn cases(tree: &Rc<Tree>) -> Result<Axis, SpecError> {
    known_fields(tree, &["name", "cases"])?;
    let (named, field) = (required(tree, "name")?, required(tree, "cases")?);
    let (name, span) = (string(named)?, named.tree.span);
    check_label(&name, span)?;
    let mut labels = vec![Label { name: name.clone(), path: None, span, role: Role::Axis }];
    let mut points = Vec::new();
    for case in entries(&field.tree)? {
        let value = Rc::new(Tree { value: Value::Str(case.name.clone()), span: case.span });
        let mut point = vec![Setting { label: name.clone(), value, change: None }];
        for field in fields(&case.tree)? {
            let key = Key::read(field)?;
            let label = key.label(Role::Detail);
            match labels.iter().find(|other| other.name == label.name) {
                Some(other) if other.path == label.path => {}
                Some(other) => {
                    return Err(conflict(other, &label).unwrap_or_else(|| {
                        fault(&field.tree, "this field stands twice", "keep one of them")
                    }));
                }
                None => labels.push(label),
            }
            point.push(key.set(Rc::clone(&field.tree)));
        }
        points.push(point);
    }
    Ok(Axis { labels, points })
}

fn sampled(tree: &Rc<Tree>) -> Result<Axis, SpecError> {
    known_fields(tree, &["count", "seed", "of"])?;
    let count = natural(&required(tree, "count")?.tree)?;
    if count == 0 {
        let tree = &required(tree, "count")?.tree;
        return Err(fault(tree, "this draws no samples", "use a `count` of 1 or more"));
    }
    if u128::from(count) > MAX_COMBINATIONS {
        let reason = format!("this draws more than {MAX_COMBINATIONS} samples");
        return Err(fault(&required(tree, "count")?.tree, &reason, "use a smaller `count`"));
    }
    let seed = tree.get("seed").map_or(Ok(0), |field| natural(&field.tree))?;
    let draw = |(stream, field): (u64, &Field)| {
        Ok((Key::read(field)?, sample::draw(&field.tree, count as usize, seed, stream)?))
    };
    let columns = (0..).zip(entries(&required(tree, "of")?.tree)?).map(draw);
    Ok(together(columns.collect::<Result<_, SpecError>>()?))
}

/// The entries of a map that may not be empty.
fn entries(tree: &Rc<Tree>) -> Result<&[Field], SpecError> {
    match fields(tree)? {
        [] => Err(fault(tree, "there is nothing in this map", "add an entry, or remove it")),
        fields => Ok(fields),
    }
}

fn fields(tree: &Rc<Tree>) -> Result<&[Field], SpecError> {
    match &tree.value {
        Value::Map(fields) => Ok(fields),
        _ => {
            let reason = format!("expected a map in `{{...}}`, found {}", tree.describe());
            Err(fault(tree, &reason, "write `{\"train.optimizer.lr\": ...}`"))
        }
    }
}

fn required<'t>(tree: &'t Tree, name: &str) -> Result<&'t Field, SpecError> {
    tree.get(name).ok_or_else(|| {
        let owner = format!("`{}`", tree.name().unwrap_or_default());
        SpecError::at(tree.head(), Problem::MissingField { owner, field: name.into() })
    })
}

/// No field but these.
pub(super) fn known_fields(tree: &Tree, known: &[&str]) -> Result<(), SpecError> {
    match tree.fields().iter().find(|field| !known.contains(&field.name.as_str())) {
        None => Ok(()),
        Some(field) => {
            let owner = format!("`{}`", tree.name().unwrap_or_default());
            let expected = known.iter().map(ToString::to_string).collect();
            let found = field.name.clone();
            Err(SpecError::at(field.span, Problem::UnknownField { owner, found, expected }))
        }
    }
}

fn string(field: &Field) -> Result<String, SpecError> {
    match &field.tree.value {
        Value::Str(text) => Ok(text.clone()),
        _ => {
            let (expected, found) = ("a string".into(), field.tree.describe());
            Err(SpecError::at(field.tree.span, Problem::WrongType { expected, found }))
        }
    }
}

/// A whole number that is 0 or more.
fn natural(tree: &Rc<Tree>) -> Result<u64, SpecError> {
    match finite(tree)? {
        Number::Int(value) if value >= 0 => Ok(value as u64),
        _ => {
            let expected = "a whole number that is 0 or more".into();
            let problem = Problem::WrongType { expected, found: tree.describe() };
            Err(SpecError::at(tree.span, problem))
        }
    }
}
