//! What can be wrong with a spec, where, and how to mend it.

mod problem;
mod serde;

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::source::{Source, Sources, Span};

pub use problem::Problem;
pub(crate) use problem::{closest, suggest};

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

impl Mistake {
    fn render(&self, sources: &Sources) -> String {
        let title = clipped(self.problem.to_string());
        let source = self.span.map(|span| (span, sources.of(span)));
        let mut group = Group::with_title(Level::ERROR.primary_title(title.as_str()));
        if let Some((span, source)) = &source {
            group = place(group, *span, source);
        }
        let help = self.problem.help().map(clipped);
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let notes = self.trail.iter().map(|frame| note(frame, sources));
        let notes: Vec<String> =
            self.problem.facts().iter().cloned().chain(notes).map(clipped).collect();
        for text in &notes {
            group = group.element(Level::NOTE.message(text.as_str()));
        }
        Renderer::plain().render(&[group])
    }
}

/// Lines with more bytes than this are not shown.
const MOST_SHOWN: usize = 1 << 14;
/// Words with more characters than this are cut short.
const MOST_SAID: usize = 2000;

/// A group with the place of a span: its lines with carets, or where they are where they are too long.
fn place<'a>(group: Group<'a>, span: Span, source: &'a Source) -> Group<'a> {
    let range = source.characters(span);
    let start = source.text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source.text[range.end..].find('\n').map_or(source.text.len(), |at| range.end + at);
    let (line, column) = source.position(span.start);
    if end - start > MOST_SHOWN {
        let origin = Origin::path(source.name.as_str()).line(line).char_column(column);
        return group.element(origin);
    }
    // The lines alone, as every line of a text would be looked at.
    let annotation = AnnotationKind::Primary.span(range.start - start..range.end - start);
    let lines = Snippet::source(&source.text[start..end]).line_start(line);
    group.element(lines.path(source.name.as_str()).annotation(annotation))
}

/// Words that can be read: a text of many pages within them is cut short.
fn clipped(text: String) -> String {
    match text.char_indices().nth(MOST_SAID) {
        Some((end, _)) => format!("{} ... ({} bytes)", &text[..end], text.len()),
        None => text,
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
