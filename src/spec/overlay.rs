//! One field of a spec changed: by `--set path=value` for one invocation, or by an axis of a sweep
//! for one experiment.
//!
//! The change is made to the tree before it is read, so a wrong path or value is found by the same
//! checks as a mistake in the file, and is shown where it stands: on the command line, or in the
//! axes of the sweep.

use std::path::Path;
use std::rc::Rc;

use super::error::{Problem, SpecError, suggest};
use super::load::Loader;
use super::source::Span;
use super::tree::{Field, Tree, Value};

/// Applies every `path=value` in order.
///
/// # Errors
/// Text without `=`, a value that is not RON, a path through something that has no fields.
pub fn apply(loader: &Loader, tree: &Rc<Tree>, sets: &[String]) -> Result<Rc<Tree>, SpecError> {
    all(loader, tree, &parse(loader, sets)?)
}

/// What each `path=value` changes.
///
/// # Errors
/// Text without `=`, and a value that is not RON.
pub fn parse(loader: &Loader, sets: &[String]) -> Result<Vec<Change>, SpecError> {
    sets.iter().map(|set| Change::parse(loader, set)).collect()
}

/// The tree with all changes, in order.
///
/// # Errors
/// A path through something that has no fields; files that cannot be read.
pub fn all(loader: &Loader, tree: &Rc<Tree>, changes: &[Change]) -> Result<Rc<Tree>, SpecError> {
    changes.iter().try_fold(Rc::clone(tree), |tree, change| change.apply(loader, &tree))
}

/// The path within what stands at `outer`: empty for itself, none for what is not there.
pub fn below<'p>(path: &'p str, outer: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(outer)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

/// A field and the value that it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The names on the way to the field, joined by dots.
    pub path: String,
    /// Where the path stands.
    pub base: Span,
    /// The value.
    pub value: Rc<Tree>,
}

impl Change {
    fn parse(loader: &Loader, set: &str) -> Result<Self, SpecError> {
        let (path, value) = set.split_once('=').unwrap_or((set, ""));
        let reason = match (path.trim(), value.trim()) {
            (_, "") => Some("a value is missing"),
            (path, _) if path.split('.').any(str::is_empty) => {
                Some("a name in the path is missing")
            }
            _ => None,
        };
        if let Some(reason) = reason {
            let help = "write `--set PATH=VALUE`, such as `--set train.epochs=1`".into();
            let id = loader.sources.add("--set".into(), Path::new(""), set.into());
            let problem = Problem::Value { reason: reason.into(), help };
            return Err(SpecError::at(Span::new(id, 0, set.len()), problem));
        }
        // A path needs no quotes on the command line.
        let quoted = match value.ends_with(".ron") && !value.contains('"') {
            true => format!("{path}={value:?}"),
            false => set.to_string(),
        };
        let value = loader.argument("--set", &quoted, &quoted[path.len() + 1..])?;
        let base = Span::new(value.span.source, 0, path.len());
        Ok(Self { path: path.trim().into(), base, value })
    }

    /// The tree with this change.
    ///
    /// # Errors
    /// A path through something that has no fields, at its part; files that cannot be read.
    pub fn apply(&self, loader: &Loader, tree: &Rc<Tree>) -> Result<Rc<Tree>, SpecError> {
        self.within(loader, tree, &self.path)
    }

    /// What stands at `outer` with this change, where that is of something below it.
    ///
    /// # Errors
    /// As [`Change::apply`].
    pub fn apply_below(
        &self,
        loader: &Loader,
        tree: &Rc<Tree>,
        outer: &str,
    ) -> Result<Rc<Tree>, SpecError> {
        match below(&self.path, outer) {
            None | Some("") => Ok(Rc::clone(tree)),
            Some(rest) => self.within(loader, tree, rest),
        }
    }

    /// The tree with the change at the end of `path`, the rest of the whole path.
    fn within(&self, loader: &Loader, tree: &Rc<Tree>, path: &str) -> Result<Rc<Tree>, SpecError> {
        if path.is_empty() {
            return Ok(Rc::clone(&self.value));
        }
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let value = match &tree.value {
            Value::Str(file) if file.ends_with(".ron") => {
                let inside = loader.follow(file, tree.span)?;
                // A file that is itself the name of a file would lead on for ever.
                if matches!(inside.value, Value::Str(_)) {
                    let reason = format!("{} has no fields", inside.describe());
                    return Err(self.nowhere(path, &reason, ""));
                }
                return self.within(loader, &inside, path);
            }
            Value::Struct(name, fields) => {
                Value::Struct(name.clone(), self.field(loader, fields, head, rest)?)
            }
            Value::Map(fields) => Value::Map(self.field(loader, fields, head, rest)?),
            Value::Unit => Value::Struct(None, self.field(loader, &[], head, rest)?),
            Value::Name(name) => {
                Value::Struct(Some(name.clone()), self.field(loader, &[], head, rest)?)
            }
            Value::List(items) => Value::List(self.item(loader, items, path)?),
            Value::Tuple(name, items) => {
                Value::Tuple(name.clone(), self.item(loader, items, path)?)
            }
            _ => return Err(self.nowhere(path, &format!("{} has no fields", tree.describe()), "")),
        };
        Ok(Rc::new(Tree { value, span: tree.span }))
    }

    /// What of the path comes before the rest of it.
    fn consumed(&self, rest: &str) -> &str {
        self.path[..self.start(rest)].trim_end_matches('.')
    }

    /// Where in the path the rest of it starts.
    fn start(&self, rest: &str) -> usize {
        self.path.len().saturating_sub(rest.len())
    }

    fn field(
        &self,
        loader: &Loader,
        fields: &[Field],
        head: &str,
        rest: &str,
    ) -> Result<Vec<Field>, SpecError> {
        let mut fields = fields.to_vec();
        if let Some(field) = fields.iter_mut().find(|field| field.name == head) {
            field.tree = self.within(loader, &field.tree, rest)?;
        } else {
            let at = if rest.is_empty() { head.to_string() } else { format!("{head}.{rest}") };
            if self.consumed(&at).rsplit('.').next() == Some("params") {
                let known: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
                let reason = format!("no parameter is called `{head}` there");
                return Err(self.nowhere(&at, &reason, &suggest(head, &known, "there are")));
            }
            // A field that the file leaves out: whether it exists is for the typed spec to say.
            let empty = Rc::new(Tree { value: Value::Unit, span: self.base });
            let tree = self.within(loader, &empty, rest)?;
            let start = self.start(rest).saturating_sub(usize::from(!rest.is_empty()) + head.len());
            let span = self.base.part(start, start + head.len());
            fields.push(Field { name: head.into(), span, tree });
        }
        Ok(fields)
    }

    /// An item by its index from 0, or by the name it carries, which may have dots.
    fn item(
        &self,
        loader: &Loader,
        items: &[Rc<Tree>],
        path: &str,
    ) -> Result<Vec<Rc<Tree>>, SpecError> {
        let mut items = items.to_vec();
        let stages = self.consumed(path).rsplit('.').next() == Some("stages");
        let name = |(at, item)| match label(item) {
            name if name.is_empty() && stages => format!("layer{}", at + 1),
            name => name,
        };
        let names: Vec<String> = items.iter().enumerate().map(name).collect();
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let index = head.parse().ok().filter(|&at: &usize| at < items.len());
        let by_name = || {
            let rests = names.iter().map(|name| after(path, name)).enumerate();
            rests.filter_map(|(at, rest)| Some((at, rest?))).min_by_key(|(_, rest)| rest.len())
        };
        let Some((index, rest)) = index.map(|at| (at, rest)).or_else(by_name) else {
            let mut known = names;
            known.retain(|name| !name.is_empty());
            let help =
                if known.is_empty() { String::new() } else { suggest(head, &known, "there are") };
            let reason = format!("the list has {} items and none is called `{head}`", items.len());
            return Err(self.nowhere(path, &reason, &help));
        };
        let item = Rc::clone(&items[index]);
        let entries = self.consumed(path) == "networks";
        items[index] = match &item.value {
            // A file among the networks of a sweep is short for `(network: ..)`.
            Value::Str(file) if entries && file.ends_with(".ron") && !rest.is_empty() => {
                self.within(loader, &named(&item, &names[index]), &long_form(rest))?
            }
            Value::Struct(None, fields) if item.get("network").is_some() && !rest.is_empty() => {
                let entry = with_name(&item, fields, &names[index]);
                self.within(loader, &entry, &long_form(rest))?
            }
            Value::Tuple(None, parts) if is_node(parts) && !rest.is_empty() => {
                let op = self.within(loader, &parts[1], rest)?;
                let value = Value::Tuple(None, vec![Rc::clone(&parts[0]), op]);
                Rc::new(Tree { value, span: item.span })
            }
            _ => self.within(loader, &item, rest)?,
        };
        Ok(items)
    }

    /// The path ends at the start of its `rest`.
    fn nowhere(&self, rest: &str, reason: &str, help: &str) -> SpecError {
        let help = match help {
            "" => "the path follows the fields of the spec, as in `train.epochs` or `networks.0`"
                .into(),
            help => help.to_string(),
        };
        let part = rest.split('.').next().unwrap_or_default();
        let start = self.start(rest);
        let problem = Problem::Override { path: self.path.clone(), reason: reason.into(), help };
        SpecError::at(self.base.part(start, start + part.len()), problem)
    }
}

/// What follows a name at the start of a path.
fn after<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    below(path, name).filter(|_| !name.is_empty())
}

/// `("conv1", Conv2d(..))`, whose fields are those of the operation.
fn is_node(parts: &[Rc<Tree>]) -> bool {
    matches!(parts, [name, op] if matches!(name.value, Value::Str(_)) && op.name().is_some())
}

/// `(name: .., network: ..)` for a network that a list names by its file alone.
pub(crate) fn named(file: &Rc<Tree>, name: &str) -> Rc<Tree> {
    let span = file.span;
    let name = Rc::new(Tree { value: Value::Str(name.into()), span });
    let field = |name: &str, tree| Field { name: name.into(), span, tree };
    let fields = vec![field("name", name), field("network", Rc::clone(file))];
    Rc::new(Tree { value: Value::Struct(None, fields), span })
}

/// The entry with the name that it goes by, which does not change when its network does.
pub(crate) fn with_name(entry: &Rc<Tree>, fields: &[Field], name: &str) -> Rc<Tree> {
    if entry.get("name").is_some() || name.is_empty() {
        return Rc::clone(entry);
    }
    let value = Rc::new(Tree { value: Value::Str(name.into()), span: entry.span });
    let name = Field { name: "name".into(), span: entry.span, tree: value };
    let fields = std::iter::once(name).chain(fields.iter().cloned()).collect();
    Rc::new(Tree { value: Value::Struct(None, fields), span: entry.span })
}

/// The path within `(name: .., network: .., with: ..)`; what is none of these is within the network.
fn long_form(path: &str) -> String {
    match path.split('.').next() {
        Some("name" | "network" | "with") => path.to_string(),
        _ => format!("network.{path}"),
    }
}

/// The path within the entry of a network that a path of a sweep leads to, as axes have it:
/// `network.block.nodes` for `networks.resnet18.block.nodes`; none of what is in no network.
pub fn in_network(path: &str, networks: &[Rc<Tree>]) -> Option<String> {
    let path = below(path, "networks")?;
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let by_index = head.parse().is_ok_and(|at: usize| at < networks.len()).then_some(rest);
    let by_name = || {
        let rests = networks.iter().filter_map(|network| after(path, &label(network)));
        rests.min_by_key(|rest| rest.len())
    };
    by_index.or_else(by_name).filter(|rest| !rest.is_empty()).map(long_form)
}

/// What an item of a list is called: its `name`, a file's stem, or a node's name.
pub(crate) fn label(item: &Rc<Tree>) -> String {
    let text = match &item.value {
        Value::Tuple(None, parts) => parts.first().map(|part| &part.value),
        Value::Struct(..) => {
            item.get("name").or_else(|| item.get("network")).map(|field| &field.tree.value)
        }
        value => Some(value),
    };
    match text {
        Some(Value::Str(text)) if text.ends_with(".ron") => {
            Path::new(text).file_stem().unwrap_or_default().to_string_lossy().into_owned()
        }
        Some(Value::Str(text)) => text.clone(),
        _ => item.name().unwrap_or_default().to_string(),
    }
}
