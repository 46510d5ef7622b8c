//! Pictures: networks as SVG drawn here, or text for Graphviz; images of a data set as PNG.
//!
//! | file | what stands there |
//! |---|---|
//! | `fold` | the parts of a network, and which blocks are drawn as one |
//! | `tracks` | the nodes of a block in rows and lanes |
//! | `block`, `node` | a block as boxes, circles and lines; the nodes in it |
//! | `frame` | a block in its frame, with its title |
//! | `page` | stages one below the other, blocks side by side, title |
//! | `legend` | what the colours stand for |
//! | `scene` | what can stand on a page |
//! | `label` | what is written at nodes and edges, and the kinds of operations |
//! | `text` | how wide a text is |
//! | `svg`, `xml` | a page as bytes |
//! | `dot` | a network for Graphviz |
//! | [`sheet`] | small images, enlarged, on one picture |
//!
//! **Invariant:** a picture is a function of the plan and its title: the same bytes every time.

mod block;
mod dot;
mod fold;
mod frame;
mod label;
mod legend;
mod node;
mod page;
mod scene;
pub mod sheet;
mod svg;
pub mod text;
mod tracks;
pub mod xml;

use crate::graph::Part;
use crate::plan::Plan;

/// Which stages have all their blocks drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Unfold {
    /// None: blocks that repeat are drawn as one.
    #[default]
    Nothing,
    /// All.
    Everything,
    /// Those of these names.
    Stages(Vec<String>),
}

/// A name to unfold that no stage has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the network has no stage `{name}` to unfold; it has {}", known(.stages))]
pub struct UnknownStage {
    /// The name.
    pub name: String,
    /// The stages there are.
    pub stages: Vec<String>,
}

fn known(stages: &[String]) -> String {
    if stages.is_empty() { "none".into() } else { stages.join(", ") }
}

impl Unfold {
    fn covers(&self, stage: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Stages(names) => names.iter().any(|name| name == stage),
        }
    }

    fn check(&self, plan: &Plan) -> Result<(), UnknownStage> {
        let Self::Stages(names) = self else { return Ok(()) };
        let mut stages: Vec<String> = plan.scopes.iter().filter_map(stage).collect();
        stages.dedup();
        match names.iter().find(|name| !stages.contains(name)) {
            None => Ok(()),
            Some(name) => Err(UnknownStage { name: name.clone(), stages }),
        }
    }
}

fn stage(scope: &crate::graph::Scope) -> Option<String> {
    match &scope.part {
        Part::Stage { name, .. } => Some(name.clone()),
        Part::Stem | Part::Head => None,
    }
}

/// A network as SVG: stages from top to bottom, their blocks side by side, joins as circles, the
/// way around a block as a line of its own, colours by the kind of operation. Blocks that repeat
/// are drawn as one, with their number.
///
/// # Errors
/// A stage to unfold that is not there.
pub fn svg(plan: &Plan, title: &str, unfold: &Unfold) -> Result<String, UnknownStage> {
    unfold.check(plan)?;
    let page = page::lay_out(plan, title, &fold::groups(plan, unfold));
    Ok(svg::write(&page, title, &page::summary(plan)))
}

/// A network as text for Graphviz, a cluster for each stage and block.
pub fn dot(plan: &Plan, title: &str) -> String {
    dot::write(plan, title)
}
