//! What can be wrong with a spec, where, and how to mend it.

use std::fmt;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::{Sources, Span};

/// The owner of a field in a list, until the list's name is known.
pub(crate) const ITEM: &str = "an item";

/// One mistake or several independent ones, each with its place and the way that led there.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecError {
    first: Box<Mistake>,
    others: Vec<Mistake>,
}

#[derive(Debug, Clone, PartialEq)]
struct Mistake {
    problem: Problem,
    span: Option<Span>,
    trail: Vec<Frame>,
    /// The innermost field or item that can be left out to read on.
    element: Option<Element>,
}

/// A field or an item: its own place, and that of its value.
pub(crate) type Element = (Span, Span);

/// A step of the way from the file that was asked for to the mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// In the reader's words, such as ``in block `bottleneck.ron` ``.
    pub text: String,
    /// What brought us there.
    pub span: Option<Span>,
}

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
    fn facts(&self) -> &[String] {
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

impl SpecError {
    /// A problem whose place is not known yet.
    pub fn new(problem: Problem) -> Self {
        let mistake = Mistake { problem, span: None, trail: Vec::new(), element: None };
        Self { first: Box::new(mistake), others: Vec::new() }
    }

    /// A problem at a place.
    pub fn at(span: Span, problem: Problem) -> Self {
        Self::new(problem).or_at(span)
    }

    /// Several as one, in order; the same problem at the same place stands once. None of none.
    pub fn all(errors: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut mistakes: Vec<Mistake> = Vec::new();
        for mistake in errors.into_iter().flat_map(Self::mistakes) {
            let same = |other: &Mistake| {
                let kind = std::mem::discriminant(&mistake.problem);
                other.span == mistake.span && std::mem::discriminant(&other.problem) == kind
            };
            if !mistakes.iter().any(same) {
                mistakes.push(mistake);
            }
        }
        let mut mistakes = mistakes.into_iter();
        Some(Self { first: Box::new(mistakes.next()?), others: mistakes.collect() })
    }

    /// Each mistake alone.
    pub fn split(self) -> impl Iterator<Item = Self> {
        self.mistakes().map(|mistake| Self { first: Box::new(mistake), others: Vec::new() })
    }

    fn mistakes(self) -> impl Iterator<Item = Mistake> {
        std::iter::once(*self.first).chain(self.others)
    }

    fn each(&mut self, change: impl Fn(&mut Mistake)) {
        change(&mut self.first);
        self.others.iter_mut().for_each(change);
    }

    /// Gives the error a place where it has none.
    #[must_use]
    pub fn or_at(mut self, span: Span) -> Self {
        self.each(|mistake| mistake.span = mistake.span.or(Some(span)));
        self
    }

    /// Adds an outer step to the way that led here.
    #[must_use]
    pub fn within(mut self, text: impl Into<String>, span: Option<Span>) -> Self {
        let text = text.into();
        self.each(|mistake| mistake.trail.push(Frame { text: text.clone(), span }));
        self
    }

    /// Says which field or item can be left out to read on, unless an inner one is known.
    #[must_use]
    pub(crate) fn or_element(mut self, element: Element) -> Self {
        self.first.element.get_or_insert(element);
        self
    }

    pub(crate) fn take_element(&mut self) -> Option<Element> {
        self.first.element.take()
    }

    /// Says of whom a field or variant is missing or unknown, where that is not known yet.
    #[must_use]
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.each(|mistake| mistake.problem.name(name));
        self
    }

    /// Of the first mistake: what is wrong.
    pub fn problem(&self) -> &Problem {
        &self.first.problem
    }

    pub(crate) fn problem_mut(&mut self) -> &mut Problem {
        &mut self.first.problem
    }

    /// Of the first mistake: where.
    pub fn span(&self) -> Option<Span> {
        self.first.span
    }

    /// The mistakes as a person reads them, an empty line between them: message, place, source line
    /// with carets, remedy, and the way from the file that was asked for.
    pub fn render(&self, sources: &Sources) -> String {
        let all = std::iter::once(&*self.first).chain(&self.others);
        all.map(|mistake| mistake.render(sources)).collect::<Vec<_>>().join("\n\n")
    }
}

impl Problem {
    /// Names the owner of a field or variant where it is not known yet.
    fn name(&mut self, name: &str) {
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

impl Mistake {
    fn render(&self, sources: &Sources) -> String {
        let title = self.problem.to_string();
        let source = self.span.map(|span| (span, sources.of(span)));
        let mut group = Group::with_title(Level::ERROR.primary_title(title.as_str()));
        if let Some((span, source)) = &source {
            let range = source.characters(*span);
            group = group.element(
                Snippet::source(source.text.as_str())
                    .path(source.name.as_str())
                    .annotation(AnnotationKind::Primary.span(range)),
            );
        }
        let help = self.problem.help();
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let notes: Vec<String> = self.trail.iter().map(|frame| note(frame, sources)).collect();
        for text in self.problem.facts().iter().chain(&notes) {
            group = group.element(Level::NOTE.message(text.as_str()));
        }
        Renderer::plain().render(&[group])
    }
}

fn note(frame: &Frame, sources: &Sources) -> String {
    match frame.span {
        Some(span) => format!("{}, {}", frame.text, sources.locate(span)),
        None => frame.text.clone(),
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem())?;
        match self.problem().help() {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SpecError {}

impl serde::de::Error for SpecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Problem::Custom(message.to_string()))
    }

    fn invalid_type(
        unexpected: serde::de::Unexpected<'_>,
        expected: &dyn serde::de::Expected,
    ) -> Self {
        use serde::de::Unexpected;
        let found = match unexpected {
            Unexpected::Signed(number) => format!("the number {number}"),
            Unexpected::Unsigned(number) => format!("the number {number}"),
            Unexpected::Float(number) => format!("the number {number:?}"),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Str(text) => format!("{text:?}"),
            Unexpected::Seq => "a list".into(),
            other => other.to_string(),
        };
        Self::new(Problem::WrongType { expected: expected.to_string(), found })
    }

    fn invalid_value(
        unexpected: serde::de::Unexpected<'_>,
        expected: &dyn serde::de::Expected,
    ) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(found: usize, expected: &dyn serde::de::Expected) -> Self {
        Self::new(Problem::WrongLength { expected: expected.to_string(), found })
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownVariant {
            what: String::new(),
            found: found.into(),
            expected: expected.iter().map(ToString::to_string).collect(),
        })
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownField {
            owner: String::new(),
            found: found.into(),
            expected: expected.iter().map(ToString::to_string).collect(),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Problem::MissingField { owner: String::new(), field: field.into() })
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Problem::DuplicateField(field.into()))
    }
}
