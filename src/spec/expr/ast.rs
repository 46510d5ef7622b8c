//! The tree of an expression: every part knows its bytes.

use super::Value;
use super::functions::Function;

/// An expression that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub(super) text: String,
    pub(super) root: Node,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub kind: Kind,
    /// First and one past the last byte.
    pub at: (usize, usize),
}

/// What a part is. Chains are flat, so that a long one cannot exhaust the stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Literal(Value),
    Name(String),
    Negate(Box<Node>),
    Not(Box<Node>),
    /// `a + b - c`, evaluated from the left.
    Chain(Box<Node>, Vec<(Arithmetic, Node)>),
    Compare(Comparison, Box<(Node, Node)>),
    /// `a and b and c`.
    All(Vec<Node>),
    /// `a or b or c`.
    Any(Vec<Node>),
    If(Box<(Node, Node, Node)>),
    Call(Function, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Expr {
    /// The names that it uses, each with its bytes, in order.
    pub fn names(&self) -> Vec<(&str, (usize, usize))> {
        let mut names = Vec::new();
        self.root.names(&mut names);
        names
    }
}

impl Node {
    fn names<'n>(&'n self, into: &mut Vec<(&'n str, (usize, usize))>) {
        match &self.kind {
            Kind::Literal(_) => {}
            Kind::Name(name) => into.push((name, self.at)),
            Kind::Negate(inner) | Kind::Not(inner) => inner.names(into),
            Kind::Chain(first, rest) => {
                first.names(into);
                rest.iter().for_each(|(_, node)| node.names(into));
            }
            Kind::Compare(_, sides) => {
                sides.0.names(into);
                sides.1.names(into);
            }
            Kind::If(parts) => {
                [&parts.0, &parts.1, &parts.2].into_iter().for_each(|node| node.names(into));
            }
            Kind::All(nodes) | Kind::Any(nodes) | Kind::Call(_, nodes) => {
                nodes.iter().for_each(|node| node.names(into));
            }
        }
    }
}
