//! What can be wrong, and what to write instead.

use std::path::PathBuf;

use super::ITEM;

/// What is wrong. The message names the offending text; [`Problem::help`] says what to write.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Problem {
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String, similar: Option<String> },
    #[error("this is not RON: {reason}")]
    Syntax { reason: String, help: Option<String> },
    #[error("{owner} has no field `{found}`")]
    UnknownField { owner: String, found: String, expected: Vec<String> },
    #[error("{owner} needs a field `{field}`")]
    MissingField { owner: String, field: String },
    #[error("field `{0}` stands twice")]
    DuplicateField(String),
    #[error("there is no {what} `{found}`")]
    UnknownVariant { what: String, found: String, expected: Vec<String> },
    #[error("expected {expected}, found {found}")]
    WrongType { expected: String, found: String },
    #[error("expected a spec that starts with `{expected}(`, found {found}")]
    WrongKind { expected: String, found: String },
    #[error("expected {expected} items, found {found}")]
    WrongLength { expected: String, found: usize },
    #[error("in the expression `{text}`: {reason}")]
    Expression { text: String, reason: String, help: String },
    #[error("in the expression `{text}`: nothing here is called `{name}`")]
    UnknownName { text: String, name: String, known: Vec<String> },
    #[error("there is no parameter `{name}` in {file}")]
    UnknownParameter { file: String, name: String, known: Vec<String> },
    #[error("node `{node}` reads `{from}`, which no node defines")]
    UnknownNode { node: String, from: String, known: Vec<String> },
    #[error("two nodes are called `{0}`")]
    DuplicateNode(String),
    #[error("two nodes have the path `{0}`")]
    DuplicatePath(String),
    #[error("these nodes wait for each other: {}", loop_text(.0))]
    Cycle(Vec<String>),
    #[error("node `{node}`: {op} takes {takes}, but `from` names {given}")]
    Arity { node: String, op: String, takes: String, given: usize },
    #[error("nothing reads node `{0}`")]
    UnusedNode(String),
    #[error("nothing uses node `{0}` here")]
    DeadNode(String),
    #[error("node `{node}` ({op}): {reason}")]
    Shape {
        node: String,
        op: &'static str,
        reason: String,
        help: Option<String>,
        inputs: Box<[String]>,
    },
    #[error("two experiments are called `{0}`")]
    DuplicateExperiment(String),
    #[error("{reason}")]
    Value { reason: String, help: String },
    #[error("`{path}` leads nowhere: {reason}")]
    Override { path: String, reason: String, help: String },
    #[error("these blocks use each other: {}", .0.join(" uses "))]
    IncludeLoop(Vec<String>),
    #[error("{0}")]
    Custom(String),
    /// A field is missing because its value was passed over: told already.
    #[error("what is missing here has a mistake")]
    Consequence,
}

impl Problem {
    /// What to write instead, where there is an answer.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { similar, .. } => Some(match similar {
                Some(name) => format!("did you mean `{name}`?"),
                None => "paths in a spec are relative to its file, on the command line to the \
                         current folder"
                    .into(),
            }),
            Self::UnknownField { found, expected, .. } => {
                let fields = if expected.is_empty() { "it has" } else { "its fields are" };
                Some(suggest(found, expected, fields))
            }
            Self::WrongKind { expected, .. } => {
                Some(format!("name another file, or start this one with `{expected}(`"))
            }
            Self::Syntax { help, .. } => help.clone(),
            Self::MissingField { field, .. } => Some(format!("add `{field}: ...`")),
            Self::DuplicateField(_) => Some("keep one of them".into()),
            Self::UnknownVariant { found, expected, .. } => {
                Some(suggest(found, expected, "there are"))
            }
            // In a block, but its stage has no width.
            Self::UnknownName { name, known, .. }
                if name == "width" && known.iter().any(|name| name == "stride") =>
            {
                Some("give the stage a `width`, or use another name".into())
            }
            Self::UnknownName { known, .. } if known.is_empty() => {
                Some("no names are known here: write a number, or `floor(..)` and the like".into())
            }
            Self::UnknownName { name, known, .. } => Some(suggest(name, known, "known here are")),
            Self::UnknownParameter { name, known, .. } => Some(suggest(name, known, "it declares")),
            Self::UnknownNode { from, known, .. } => Some(suggest(from, known, "it can read")),
            Self::DuplicateNode(_) => {
                Some("give one of them another name, or leave one of them out by its `when`".into())
            }
            Self::DuplicatePath(_) => Some(
                "give one of them another name, or the stage a `path` with `{layer}` in it".into(),
            ),
            Self::DuplicateExperiment(_) => Some("give one of them a `name` of its own".into()),
            Self::Cycle(_) => Some("let one of them read a node that does not wait for it".into()),
            Self::UnusedNode(_) => Some(
                "read it in another node's `from`, or remove it; only the last node is a result"
                    .into(),
            ),
            Self::DeadNode(_) => Some(
                "what is left out, a `Shortcut` or a node by its `when`, does not read it: read the \
                 node elsewhere too, or leave it out as well"
                    .into(),
            ),
            Self::Arity { .. } => Some("`from` names the nodes that are read, in order".into()),
            Self::IncludeLoop(_) => Some("let one of them do without the next".into()),
            Self::Value { help, .. }
            | Self::Override { help, .. }
            | Self::Expression { help, .. } => Some(help.clone()),
            Self::Shape { help, .. } => help.clone(),
            _ => None,
        }
    }
}

impl Problem {
    /// What else helps to understand it: the shapes that meet at a node that does not fit.
    pub(super) fn facts(&self) -> &[String] {
        match self {
            Self::Shape { inputs, .. } => inputs,
            _ => &[],
        }
    }
}

/// Nodes that each read the next.
fn loop_text(nodes: &[String]) -> String {
    let reads = nodes.windows(2).map(|pair| format!("`{}` reads `{}`", pair[0], pair[1]));
    reads.collect::<Vec<_>>().join(", ")
}

/// "did you mean" where a name is close, else the list of what there is.
pub(crate) fn suggest(found: &str, known: &[String], intro: &str) -> String {
    match closest(found, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => format!("{intro} none"),
        None => format!(
            "{intro} {}",
            known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The known name nearest to `found`, where it is near enough to be meant.
pub(crate) fn closest<'a>(found: &str, known: &'a [String]) -> Option<&'a String> {
    let distance =
        |name: &str| strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase());
    let nearest = known.iter().min_by_key(|name| distance(name))?;
    let least = found.chars().count().min(nearest.chars().count());
    let most = (found.chars().count().max(3) / 3).min(least.saturating_sub(1));
    let near = (distance(nearest) <= most).then_some(nearest);
    // `epsilon` for `eps`, `mom` for `momentum`.
    let begins = |name: &&String| {
        let shorter = name.len().min(found.len());
        shorter >= 3 && (name.starts_with(found) || found.starts_with(name.as_str()))
    };
    near.or_else(|| known.iter().find(begins))
}

impl Problem {
    /// Names the owner of a field or variant where it is not known yet.
    pub(super) fn name(&mut self, name: &str) {
        match self {
            Self::UnknownField { owner, .. } | Self::MissingField { owner, .. } => {
                match owner.as_str() {
                    "" => *owner = name.to_string(),
                    ITEM if name != ITEM => *owner = format!("{ITEM} of {name}"),
                    _ => {}
                }
            }
            Self::UnknownVariant { what, .. } if what.is_empty() => *what = name.to_string(),
            _ => {}
        }
    }
}
